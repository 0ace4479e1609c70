//! The top of a mapping file.

use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::{Compiler, DeclaredSegment, TableName};
use crate::case::Case;
use crate::error::MappingError;
use crate::plan::{OnMiss, Plan, Required, Table};
use crate::shown::harmless;
use crate::standard::Version;
use crate::suggest;
use crate::yaml::{Entry, Node, Tree, shortened};

const KEYS: [&str; 10] =
    ["map", "from", "to", "zone", "tables", "segments", "require", "control_id", "emit", "tests"];

/// Keys of mapping files of another kind.
const OTHER_KINDS: [&str; 3] = ["pipeline", "redact", "rules"];

/// Keys of mappings that do not go from JSON to HL7, or that refer to something outside the file.
const UNAVAILABLE: [&str; 9] = [
    "accept",
    "accept_versions",
    "add",
    "drop_message",
    "lookups",
    "payload_schema",
    "profile",
    "remove",
    "set",
];

/// The values of the top-level keys.
#[derive(Default)]
struct Top<'n> {
    map: Option<&'n Node>,
    from: Option<&'n Node>,
    to: Option<&'n Node>,
    zone: Option<&'n Node>,
    tables: Option<&'n Node>,
    segments: Option<&'n Node>,
    require: Option<&'n Node>,
    control_id: Option<&'n Node>,
    emit: Option<&'n Node>,
    tests: Option<&'n Node>,
}

impl Compiler {
    pub(super) fn document(&mut self, root: &Node) -> Option<(Plan, Vec<Case>)> {
        let entries = self.map(root, "a mapping file")?;
        if let Some(other) = entries.iter().find(|entry| OTHER_KINDS.contains(&entry.key.text.as_str())) {
            self.unavailable(other.key.place, &format!("a file of the kind `{}`", other.key.text));
            return None;
        }
        let top = self.top(entries);
        if !self.is_json_to_hl7(&top) {
            return None;
        }
        for (key, given) in [("map", top.map), ("from", top.from), ("to", top.to), ("emit", top.emit)] {
            if given.is_none() {
                self.error(MappingError::new("M005", root.place, format!("the file has no `{key}`")));
            }
        }
        let name = top.map.and_then(|node| self.text(node, "the name of the mapping")).unwrap_or_default();
        let message = top.to.and_then(|node| self.target(node));
        let zone = top.zone.and_then(|node| self.zone(node));
        let tables = top.tables.map(|node| self.tables(node)).unwrap_or_default();
        self.declared_segments(top.segments);
        let require = top.require.map(|node| self.require(node)).unwrap_or_default();
        let segments = self.segments(top.emit, top.control_id, message.as_ref());
        let cases = top.tests.map(|node| self.cases(node)).unwrap_or_default();
        self.warn_of_unused_tables();
        let header = segments.iter().find(|rule| rule.id == "MSH");
        let states_charset = header.is_some_and(|rule| rule.fields.iter().any(|field| field.number == 18));
        let plan = Plan {
            name: harmless(name).into_owned(),
            version: self.version,
            message: message?,
            zone,
            tables,
            require,
            segments,
            slots: self.slots,
            reads_members: self.reads_members,
            ascii_only: self.version < Version::V2_3 && !states_charset,
        };
        Some((plan, cases))
    }

    /// Whether this is the kind of file that can be compiled. Of any other kind nothing more is said: its parts mean other things.
    fn is_json_to_hl7(&mut self, top: &Top<'_>) -> bool {
        let before = self.errors.len();
        if let Some(from) = top.from {
            self.source_format(from);
        }
        if let Some(to) = top.to.filter(|to| is_text(to, "json")) {
            self.unavailable(to.place, "writing JSON (`to: json`)");
        }
        if let Some(same) = top.to.and_then(|to| member(to, "hl7")).filter(|hl7| is_text(hl7, "same")) {
            self.unavailable(same.place, "changing a message in place (`hl7: same`)");
        }
        self.errors.iter().skip(before).all(|error| error.code() != "M007")
    }

    fn top<'n>(&mut self, entries: &'n [Entry]) -> Top<'n> {
        let mut top = Top::default();
        for Entry { key, value } in entries {
            let slot = match key.text.as_str() {
                "map" => &mut top.map,
                "from" => &mut top.from,
                "to" => &mut top.to,
                "zone" => &mut top.zone,
                "tables" => &mut top.tables,
                "segments" => &mut top.segments,
                "require" => &mut top.require,
                "control_id" => &mut top.control_id,
                "emit" => &mut top.emit,
                "tests" => &mut top.tests,
                name if UNAVAILABLE.contains(&name) => {
                    self.unavailable(key.place, &format!("`{name}`"));
                    continue;
                }
                _ => {
                    self.unknown_key(key, value, &KEYS);
                    continue;
                }
            };
            *slot = Some(value);
        }
        top
    }

    /// M007.
    pub(super) fn unavailable(&mut self, place: crate::place::Place, what: &str) {
        let error = MappingError::new("M007", place, format!("{what} is not available"));
        self.error(error.suggest("mappings go from JSON to HL7 v2 messages, segment by segment"));
    }

    fn source_format(&mut self, node: &Node) {
        match &node.tree {
            Tree::Scalar(scalar) if scalar.text == "json" => {}
            Tree::Scalar(scalar) if scalar.text != "hl7" => {
                let suggestion = suggest::did_you_mean(&scalar.text, ["json", "hl7"]);
                let error = MappingError::new("M010", node.place, "`from` is `json`");
                self.error(error.suggest_maybe(suggestion));
            }
            _ => self.unavailable(node.place, "reading HL7 (`from: hl7`)"),
        }
    }

    fn zone(&mut self, node: &Node) -> Option<TimeZone> {
        let name = self.text(node, "the zone")?;
        let zones = TimeZoneDatabase::bundled();
        if let Ok(zone) = zones.get(name) {
            return Some(zone);
        }
        let known: Vec<String> = zones.available().map(|zone| zone.as_str().to_owned()).collect();
        let suggestion = suggest::did_you_mean(name, known.iter().map(String::as_str))
            .unwrap_or_else(|| "zones are named as in the tz database: America/Chicago".to_owned());
        let error = MappingError::new("M109", node.place, format!("there is no zone `{}`", shortened(name)));
        self.error(error.suggest(suggestion));
        None
    }

    fn tables(&mut self, node: &Node) -> Vec<Table> {
        let mut tables = Vec::new();
        for Entry { key, value } in self.map(node, "`tables`").unwrap_or_default() {
            let used = std::cell::Cell::new(false);
            self.table_index.entry(key.text.clone()).or_insert(self.tables.len());
            self.tables.push(TableName { name: key.text.clone(), place: key.place, used });
            // A broken table keeps its place, so that the numbers of the others stay right.
            tables.push(self.table(&key.text, value));
        }
        tables
    }

    fn table(&mut self, name: &str, node: &Node) -> Table {
        let mut table = Table { name: shortened(name), rows: Vec::new(), on_miss: OnMiss::Error };
        let mut has_map = false;
        for Entry { key, value } in self.map(node, "a table").unwrap_or_default() {
            match key.text.as_str() {
                "map" => {
                    has_map = true;
                    table.rows = self.rows(value);
                }
                "on_miss" => table.on_miss = self.on_miss(value),
                "csv" | "file" | "reverse" => {
                    self.unavailable(key.place, &format!("`{}` of a table", key.text))
                }
                _ => self.unknown_key(key, value, &["map", "on_miss"]),
            }
        }
        if !has_map && matches!(node.tree, Tree::Map(_)) {
            self.error(MappingError::new("M005", node.place, "the table has no `map`"));
        }
        table
    }

    fn rows(&mut self, node: &Node) -> Vec<(String, String)> {
        let mut rows = Vec::new();
        for Entry { key, value } in self.map(node, "the `map` of a table").unwrap_or_default() {
            self.check_entry(value);
            if let Some(to) = self.scalar(value, "an entry of a table") {
                rows.push((key.text.clone(), literal(&to.text).to_owned()));
            }
        }
        rows.sort();
        rows
    }

    fn on_miss(&mut self, node: &Node) -> OnMiss {
        match self.text(node, "`on_miss`") {
            Some("error") | None => OnMiss::Error,
            Some("keep") => OnMiss::Keep,
            Some("drop") => OnMiss::Drop,
            Some(text) => OnMiss::Text(literal(text).to_owned()),
        }
    }

    /// `{ ZPD: { 1: ST, 2: CX }, ZNR: any }`
    fn declared_segments(&mut self, node: Option<&Node>) {
        let Some(node) = node else { return };
        for Entry { key, value } in self.map(node, "`segments`").unwrap_or_default() {
            if !is_segment_id(&key.text) || !key.text.starts_with('Z') {
                let message = "a declared segment is a Z segment: Z and two upper-case letters or digits";
                self.error(MappingError::new("M116", key.place, message));
            }
            let formatted = self.declared_fields(value);
            self.segments.push(DeclaredSegment { id: key.text.clone(), formatted });
        }
    }

    fn declared_fields(&mut self, node: &Node) -> Vec<u16> {
        if matches!(&node.tree, Tree::Scalar(scalar) if scalar.text == "any") {
            return Vec::new();
        }
        let mut formatted = Vec::new();
        for Entry { key, value } in self.map(node, "a declared segment (or `any`)").unwrap_or_default() {
            let number = self.number(key, "a field");
            let kind = self.text(value, "the type of a field").unwrap_or("ST");
            if !(2..=3).contains(&kind.len()) || !kind.bytes().all(|b| b.is_ascii_uppercase()) {
                let message = "the type of a field is a data type such as ST or CX";
                self.error(MappingError::new("M010", value.place, message));
            }
            formatted.extend(number.filter(|_| kind == "FT"));
        }
        formatted
    }

    fn require(&mut self, node: &Node) -> Vec<Required> {
        let mut required = Vec::new();
        for item in self.list(node) {
            let Some(text) = self.text(item, "a required path") else { continue };
            if !crate::expr::starts_pipeline(text) {
                let error = MappingError::new("M114", item.place, "`require` names paths of the payload");
                self.error(error.suggest("a path starts with a dot: .patient.id"));
                continue;
            }
            let formula = self.formula(item, "a required path");
            required.extend(formula.map(|formula| Required { formula, line: item.place.line }));
        }
        required
    }

    fn warn_of_unused_tables(&mut self) {
        for table in self.tables.iter().filter(|table| !table.used.get()) {
            let message = format!("table `{}` is not used", shortened(&table.name));
            self.warnings.push(MappingError::new("M120", table.place, message).into_warning());
        }
    }
}

fn is_text(node: &Node, text: &str) -> bool {
    matches!(&node.tree, Tree::Scalar(scalar) if scalar.text == text)
}

/// The value of a key, when the node is a map that has it.
fn member<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    match &node.tree {
        Tree::Map(entries) => entries.iter().find(|entry| entry.key.text == name).map(|entry| &entry.value),
        _ => None,
    }
}

/// A text of the file, without the mark that makes it one.
pub(super) fn literal(text: &str) -> &str {
    text.strip_prefix("lit:").unwrap_or(text)
}

/// An upper-case letter and two upper-case letters or digits.
pub(super) fn is_segment_id(text: &str) -> bool {
    text.len() == 3
        && text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}
