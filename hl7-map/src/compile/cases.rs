//! `tests`: payloads with what has to come out. Their values are data, never expressions.

use std::time::SystemTime;

use hl7_core::Message;
use jiff::Timestamp;

use super::Compiler;
use crate::case::{self, Case, Change, Expectation, ExpectedError, Given};
use crate::error::MappingError;
use crate::expr::{self, Origin, Reads};
use crate::json::{Json, Object};
use crate::yaml::{Entry, Key, Node, Scalar, Style, Tree, shortened};
use hl7_core::document::harmless;

const KEYS: [&str; 8] = ["name", "given", "change", "expect", "expect_message", "dropped", "error", "now"];

impl Compiler<'_> {
    pub(super) fn cases(&mut self, node: &Node) -> Vec<Case> {
        self.private = true;
        let cases = self.each_case(node);
        self.private = false;
        cases
    }

    fn each_case(&mut self, node: &Node) -> Vec<Case> {
        let Tree::List(items) = &node.tree else {
            let message = format!("`tests` is a list, and this is {}", node.kind());
            self.error(MappingError::new("M006", node.place, message));
            return Vec::new();
        };
        items.iter().enumerate().filter_map(|(index, item)| self.case(index, item)).collect()
    }

    fn case(&mut self, index: usize, node: &Node) -> Option<Case> {
        let mut case = Case::new(format!("test {}", index + 1), node.place.line);
        let mut given = false;
        let before = self.errors.len();
        for Entry { key, value } in self.map(node, "a test")? {
            match key.text.as_str() {
                "name" => {
                    let name = self.text(value, "the name of a test").unwrap_or_default();
                    case.name = harmless(name).into_owned();
                }
                "given" => {
                    given = true;
                    if let Some(value) = self.given(value) {
                        case.given = value;
                    }
                }
                "change" => case.changes = self.changes(value),
                "expect" => case.expected.places = self.expectations(value),
                "expect_message" => {
                    let message = self.scalar(value, "`expect_message`").map(|scalar| scalar.text.clone());
                    case.expected.message = message;
                }
                "dropped" => {
                    case.expected.dropped =
                        self.text(value, "the reason").map(|text| harmless(text).into_owned())
                }
                "error" => case.expected.error = self.expected_error(value),
                "now" => case.now = self.time(value),
                _ => self.unknown_key(key, value, &KEYS),
            }
        }
        if self.errors.len() > before {
            return None;
        }
        if !given {
            self.error(MappingError::new("M005", node.place, "the test has no `given`"));
        }
        self.check_outcome(&case, node);
        Some(case)
    }

    /// A test expects a message or an error.
    fn check_outcome(&mut self, case: &Case, node: &Node) {
        let expected = &case.expected;
        let message = !expected.places.is_empty() || expected.message.is_some() || expected.dropped.is_some();
        let complaint = match (message, expected.error.is_some()) {
            (false, false) => {
                "the test expects nothing: it needs `expect`, `expect_message`, `dropped` or `error`"
            }
            (true, true) => "the test expects a message and an error",
            _ => return,
        };
        self.error(MappingError::new("M005", node.place, complaint));
    }

    /// What comes in: JSON, or a message on lines.
    fn given(&mut self, node: &Node) -> Option<Given> {
        if self.reads == Reads::Json {
            return Some(Given::Json(data(node)));
        }
        let text = case::lines(&self.scalar(node, "the message of a test")?.text);
        match Message::parse_owned(text) {
            Ok(message) => Some(Given::Message(message)),
            Err(_) => self.fail("M010", node.place, "this is not a message"),
        }
    }

    fn message_changes(&mut self, node: &Node) -> Vec<Change> {
        let mut changes = Vec::new();
        for Entry { key, value } in self.map(node, "`change`").unwrap_or_default() {
            let Some(path) = self.message_path(&key.text, key.place) else { continue };
            let raw = self.scalar(value, "a changed value").map(|value| value.text.clone());
            changes.extend(raw.map(|raw| Change::Message { path, raw }));
        }
        changes
    }

    fn changes(&mut self, node: &Node) -> Vec<Change> {
        if self.reads == Reads::Message {
            return self.message_changes(node);
        }
        let mut changes = Vec::new();
        for Entry { key, value } in self.map(node, "`change`").unwrap_or_default() {
            match expr::json_path(&key.text) {
                Ok(path) if path.from != Origin::Above(0) && path.from != Origin::Root => self.bad_path(key),
                Ok(path) => changes.push(Change::Json { steps: path.steps, value: data(value) }),
                Err(_) => self.bad_path(key),
            }
        }
        changes
    }

    fn bad_path(&mut self, key: &Key) {
        let message = format!("`{}` is not a path of the payload", shortened(&key.text));
        self.error(
            MappingError::new("M114", key.place, message).suggest("the form is .patient.phones[0].number"),
        );
    }

    fn expectations(&mut self, node: &Node) -> Vec<Expectation> {
        if self.writes_json {
            return self.json_expectations(node);
        }
        let mut expectations = Vec::new();
        for Entry { key, value } in self.map(node, "`expect`").unwrap_or_default() {
            let Some(path) = self.message_path(&key.text, key.place) else { continue };
            if let Some(want) = self.scalar(value, "what is expected") {
                expectations.push(Expectation::Message { path, want: want.text.clone() });
            }
        }
        expectations
    }

    /// Values of the JSON by their paths, `orders[0].code`; `.` is the whole.
    fn json_expectations(&mut self, node: &Node) -> Vec<Expectation> {
        let mut expectations = Vec::new();
        for Entry { key, value } in self.map(node, "`expect`").unwrap_or_default() {
            let path = key.text.strip_prefix('.').unwrap_or(&key.text);
            match expr::json_path(&format!(".{path}")) {
                Ok(found) => expectations.push(Expectation::Json {
                    path: harmless(path).into_owned(),
                    steps: found.steps,
                    want: data(value),
                }),
                Err(_) => {
                    let message = format!("`{}` is not a path of the JSON", shortened(&key.text));
                    self.error(
                        MappingError::new("M114", key.place, message).suggest("the form is orders[0].code"),
                    );
                }
            }
        }
        expectations
    }

    fn expected_error(&mut self, node: &Node) -> Option<ExpectedError> {
        let mut expected = ExpectedError::default();
        for Entry { key, value } in self.map(node, "`error`")? {
            let slot = match key.text.as_str() {
                "code" => &mut expected.code,
                "path" => &mut expected.path,
                "source" => &mut expected.source,
                _ => {
                    self.unknown_key(key, value, &["code", "path", "source"]);
                    continue;
                }
            };
            *slot = self.text(value, "what is expected of an error").map(str::to_owned);
        }
        if matches!(&node.tree, Tree::Map(entries) if entries.is_empty()) {
            let error = MappingError::new("M005", node.place, "the expected error says nothing");
            self.error(
                error.suggest("give its `code`, its `path` or its `source`: { code: M201, path: PID-8 }"),
            );
        }
        Some(expected)
    }

    fn time(&mut self, node: &Node) -> Option<SystemTime> {
        let text = self.text(node, "`now`")?;
        match text.parse::<Timestamp>() {
            Ok(time) => Some(SystemTime::from(time)),
            Err(_) => {
                self.fail("M010", node.place, "`now` is a time with its offset, such as 2026-01-02T03:04:05Z")
            }
        }
    }
}

/// A value of the file as JSON: an unquoted number, `true`, `false` or `null` is that, everything else is a string.
fn data(node: &Node) -> Json<'static> {
    match &node.tree {
        Tree::List(items) => Json::List(items.iter().map(data).collect()),
        Tree::Map(entries) => {
            let member = |entry: &Entry| (entry.key.text.clone().into(), data(&entry.value));
            Json::Object(Object::of(entries.iter().map(member).collect()))
        }
        Tree::Scalar(Scalar { text, style }) => match (text.as_str(), *style == Style::Plain) {
            ("null", true) => Json::Null,
            ("true", true) => Json::Bool("true"),
            ("false", true) => Json::Bool("false"),
            (number, true) if crate::json::is_number(number) => Json::Number(text.clone().into()),
            _ => Json::String(text.clone().into()),
        },
    }
}
