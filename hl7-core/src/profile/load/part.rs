//! Fields and components.

use regex_lite::Regex;

use super::Loading;
use crate::dictionary::{DataType, Dictionary, Element, SegmentDefinition, Version};
use crate::document::{Entry, Node, Place, Tree, did_you_mean, shortened};
use crate::profile::error::ProfileError;
use crate::profile::rules::{Codes, PartRules, UsageRule, Wanted};

const KEYS: [&str; 10] =
    ["usage", "times", "length", "codes", "table", "constant", "pattern", "type", "components", "severity"];
/// The longest a pattern may be, in bytes, and compiled.
const LONGEST_PATTERN: usize = 4096;
const LARGEST_PATTERN: usize = 32 * 1024;

/// What the parts are parts of.
#[derive(Clone, Copy)]
enum Whole {
    Segment(Option<SegmentDefinition>),
    Type(Option<DataType>),
}

impl Whole {
    fn element(self, number: usize) -> Option<Element> {
        match self {
            Whole::Segment(definition) => definition?.field(number),
            Whole::Type(kind) => kind?.component(number),
        }
    }
}

impl Loading {
    pub(super) fn fields(&mut self, node: &Node, definition: Option<SegmentDefinition>) -> Vec<PartRules> {
        self.parts(node, Whole::Segment(definition), 0)
    }

    fn parts(&mut self, node: &Node, whole: Whole, depth: usize) -> Vec<PartRules> {
        let entries = self.any_map(node).into_iter();
        let mut parts: Vec<PartRules> = entries.filter_map(|entry| self.part(entry, whole, depth)).collect();
        parts.sort_by_key(|part| part.number);
        parts
    }

    fn part(&mut self, entry: &Entry, whole: Whole, depth: usize) -> Option<PartRules> {
        let is_plain = !entry.key.text.starts_with(['0', '+']);
        let number = entry.key.text.parse().ok().filter(|number| is_plain && (1..=999).contains(number));
        let Some(number) = number else {
            let error =
                self.unknown("R015", entry.key.place, "number of a field or component", &entry.key.text);
            self.errors.push(error);
            return None;
        };
        let element = whole.element(number);
        let mut part = PartRules { number, line: entry.key.place.line as u32, ..PartRules::default() };
        match &entry.value.tree {
            Tree::Scalar(scalar) => self.short(&mut part, &scalar.text, entry.value.place),
            _ => self.long(&mut part, &entry.value, element, whole, depth),
        }
        if element.and_then(Element::data_type).is_some_and(|standard| part.data_type == Some(standard)) {
            part.data_type = None;
        }
        let is_described = part.data_type.is_some() || entry.value.get("type").is_some();
        if element.is_none() && !is_described && !self.is_later(whole, number) {
            let message = format!("the standard has no number {number} here");
            let error = ProfileError::new("R012", entry.key.place, message);
            self.errors
                .push(error.suggest(Some("give its data type to describe one of your own".to_owned())));
        }
        Some(part)
    }

    /// Whether another version has the field, where the profile is for any.
    fn is_later(&self, whole: Whole, number: usize) -> bool {
        let (Whole::Segment(Some(segment)), true) = (whole, self.any_version) else { return false };
        let fields =
            |version| Dictionary::of(version).segment(segment.id()).map_or(0, |it| it.fields().len());
        Version::ALL.into_iter().any(|version| number <= fields(version))
    }

    /// A usage or a data type alone.
    fn short(&mut self, part: &mut PartRules, text: &str, place: Place) {
        match (wanted(text), self.dictionary.data_type(text)) {
            (Some(wanted), _) => part.usage = Some(UsageRule::Always(wanted)),
            (None, Some(kind)) => part.data_type = Some(kind),
            (None, None) => {
                let error = self.unknown("R014", place, "usage or data type", text);
                self.errors.push(error.suggest(Some("a usage is R, RE, O or X".to_owned())));
            }
        }
    }

    fn long(
        &mut self,
        part: &mut PartRules,
        node: &Node,
        element: Option<Element>,
        whole: Whole,
        depth: usize,
    ) {
        let entries = self.map(node, &KEYS);
        let get = |name: &str| entries.iter().find(|entry| entry.key.text == name).map(|entry| &entry.value);
        part.usage = get("usage").and_then(|node| self.usage(node));
        part.times = get("times").and_then(|node| self.times(node));
        part.length =
            get("length").and_then(|node| self.range(node, false)).map(|(least, most)| least..=most);
        if let (Some(_), Some(table)) = (get("codes"), get("table")) {
            self.unread(table, "`table`", "beside `codes`");
        }
        if let (Some(times), Whole::Type(_)) = (get("times"), whole) {
            self.unread(times, "`times`", "of a component, which does not repeat");
        }
        part.codes = match (get("codes"), get("table")) {
            (Some(list), _) => self.table(list),
            (None, Some(name)) => self.named_table(name),
            (None, None) => None,
        };
        part.constant = get("constant").and_then(|node| self.text(node)).map(str::to_owned);
        part.pattern = get("pattern").and_then(|node| self.pattern(node));
        part.data_type = get("type").and_then(|node| self.data_type(node));
        part.severity = get("severity").and_then(|node| self.severity(node));
        match get("components") {
            // Fields, components, subcomponents.
            Some(node) if depth == 2 => {
                self.unread(node, "`components`", "of a subcomponent, which has none")
            }
            Some(node) => {
                let kind = part.data_type.or_else(|| element.and_then(Element::data_type));
                part.parts = self.parts(node, Whole::Type(kind), depth + 1);
            }
            None => {}
        }
    }

    fn usage(&mut self, node: &Node) -> Option<UsageRule> {
        let Tree::Map(_) = &node.tree else { return self.wanted(node).map(UsageRule::Always) };
        let entries = self.map(node, &["when", "then", "otherwise"]);
        let get = |name: &str| entries.iter().find(|entry| entry.key.text == name).map(|entry| &entry.value);
        for key in ["when", "then"].into_iter().filter(|key| get(key).is_none()) {
            self.missing(node, key);
        }
        let otherwise = get("otherwise").and_then(|node| self.wanted(node)).unwrap_or(Wanted::Optional);
        let when = get("when").and_then(|node| self.condition(node));
        let then = get("then").and_then(|node| self.wanted(node));
        Some(UsageRule::When(when?, then?, otherwise))
    }

    fn wanted(&mut self, node: &Node) -> Option<Wanted> {
        let text = self.text(node)?;
        let found = wanted(text);
        if found.is_none() {
            let error = self.unknown("R014", node.place, "usage", text);
            self.errors.push(error.suggest(Some("R, RE, O or X".to_owned())));
        }
        found
    }

    fn data_type(&mut self, node: &Node) -> Option<DataType> {
        let text = self.text(node)?;
        let kind = self.dictionary.data_type(text);
        if kind.is_none() {
            let known: Vec<_> = self.dictionary.data_types().map(|kind| kind.id()).collect();
            let error = self.unknown("R013", node.place, "data type", text);
            self.errors.push(error.suggest(did_you_mean(text, known)));
        }
        kind
    }

    fn named_table(&mut self, node: &Node) -> Option<Codes> {
        let name = self.text(node)?;
        let own = self.tables.get(name).cloned();
        let of_standard = || {
            let table = self.dictionary.table(name.parse().ok()?)?;
            let mut codes: Vec<String> = table.codes().map(|code| code.code().to_owned()).collect();
            codes.sort_unstable();
            (!codes.is_empty()).then(|| Codes { codes: codes.into(), adds: false })
        };
        let found = own.or_else(of_standard);
        if found.is_none() {
            let known: Vec<&str> = self.tables.keys().map(String::as_str).collect();
            let suggestion = did_you_mean(name, known);
            let error = self.unknown("R016", node.place, "table with codes", name);
            self.errors.push(error.suggest(suggestion));
        }
        found
    }

    fn pattern(&mut self, node: &Node) -> Option<Regex> {
        let text = self.text(node)?;
        let whole = format!("\\A(?:{text})\\z");
        let regex = regex_lite::RegexBuilder::new(&whole).size_limit(LARGEST_PATTERN).build().ok();
        let regex = regex.filter(|_| text.len() <= LONGEST_PATTERN);
        if regex.is_none() {
            let message = format!("no regular expression, or too large a one: `{}`", shortened(text));
            self.errors.push(ProfileError::new("R017", node.place, message));
        }
        regex
    }
}

fn wanted(text: &str) -> Option<Wanted> {
    Some(match text {
        "R" => Wanted::Required,
        "RE" | "O" => Wanted::Optional,
        "X" => Wanted::NotAllowed,
        _ => return None,
    })
}
