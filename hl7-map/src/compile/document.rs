//! The top of a mapping file.

use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::{Compiler, DeclaredSegment, TableName, fit};
use crate::case::Case;
use crate::error::MappingError;
use crate::expr::Reads;
use crate::json::Places;
use crate::plan::{Build, MessageType, OnMiss, Part, Plan, Required, SourceMessage, Table, Work, Write};
use crate::standard::Version;
use crate::yaml::{Entry, Key, Node, Tree, shortened};
use hl7_core::document;
use hl7_core::document::Place;
use hl7_core::document::harmless;

/// Keys that every mapping may have.
const COMMON: [&str; 9] = ["map", "from", "to", "zone", "tables", "lookups", "segments", "require", "tests"];

/// Keys of a mapping that makes a message.
const BUILD: [&str; 4] = ["control_id", "emit", "payload_schema", "profile"];

/// Keys of a mapping that makes JSON.
const WRITE: [&str; 3] = ["accept", "drop_message", "emit"];

/// Keys of a mapping that changes a message.
const EDIT: [&str; 6] = ["accept", "drop_message", "set", "remove", "add", "profile"];

/// Keys of mapping files of another kind.
const OTHER_KINDS: [&str; 3] = ["pipeline", "redact", "rules"];

/// What a mapping reads and what it gives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    JsonToMessage,
    InPlace,
    MessageToJson,
}

/// The values of the top-level keys.
#[derive(Default)]
pub(super) struct Top<'n> {
    map: Option<&'n Node>,
    from: Option<&'n Node>,
    to: Option<&'n Node>,
    zone: Option<&'n Node>,
    tables: Option<&'n Node>,
    segments: Option<&'n Node>,
    lookups: Option<&'n Node>,
    profile: Option<&'n Node>,
    require: Option<&'n Node>,
    control_id: Option<&'n Node>,
    payload_schema: Option<&'n Node>,
    emit: Option<&'n Node>,
    tests: Option<&'n Node>,
    pub(super) accept: Option<&'n Node>,
    pub(super) drop_message: Option<&'n Node>,
    pub(super) set: Option<&'n Node>,
    pub(super) remove: Option<&'n Node>,
    pub(super) add: Option<&'n Node>,
}

impl Compiler<'_> {
    pub(super) fn document(&mut self, root: &Node) -> Option<(Plan, Vec<Case>)> {
        let entries = self.map(root, "a mapping file")?;
        if let Some(other) = entries.iter().find(|entry| OTHER_KINDS.contains(&entry.key.text.as_str())) {
            self.unavailable(other.key.place, &format!("a file of the kind `{}`", other.key.text));
            return None;
        }
        let way = self.way(root)?;
        let top = self.top(entries, way);
        self.missing(root, &top, way);
        let name = top.map.and_then(|node| self.text(node, "the name of the mapping")).unwrap_or_default();
        let message = match way {
            Way::JsonToMessage => top.to.and_then(|node| self.target(node)),
            Way::InPlace | Way::MessageToJson => None,
        };
        let source = match way {
            Way::MessageToJson => top.from.and_then(|node| self.source(node)),
            _ => None,
        };
        self.any_version = way == Way::InPlace || (way == Way::MessageToJson && source.is_none());
        let zone = top.zone.and_then(|node| self.zone(node));
        let tables = top.tables.map(|node| self.tables(node)).unwrap_or_default();
        if let Some(lookups) = top.lookups {
            self.lookups(lookups);
        }
        self.declared_segments(top.segments);
        if let Some(profile) = top.profile {
            self.profile(profile, message.as_ref());
        }
        if let Some(schema) = top.payload_schema {
            self.payload_schema(schema);
        }
        let require = top.require.map(|node| self.require(node)).unwrap_or_default();
        let work = match way {
            Way::JsonToMessage => self.build(&top, message).map(Work::Build),
            Way::InPlace => Some(Work::Edit(self.edit(&top))),
            Way::MessageToJson => Some(Work::Write(self.write(&top, source))),
        };
        let cases = top.tests.map(|node| self.cases(node)).unwrap_or_default();
        self.warn_of_unused_tables();
        let plan = Plan {
            name: harmless(name).into_owned(),
            zone,
            tables,
            require,
            slots: self.slots,
            counters: self.counted.len(),
            reads_members: self.reads_members,
            places: Places::new(&self.places),
            work: work?,
        };
        Some((plan, cases))
    }

    fn write(&mut self, top: &Top<'_>, source: Option<SourceMessage>) -> Write {
        let gate = self.gate(top);
        let members = top.emit.map(|node| self.json_members(node)).unwrap_or_default();
        Write { gate, source, layout: self.layout.take(), members }
    }

    fn build(&mut self, top: &Top<'_>, message: Option<MessageType>) -> Option<Build> {
        let parts = self.parts(top.emit, top.control_id, message.as_ref());
        let states_charset = match parts.first() {
            Some(Part::Segment(header)) => header.fields.iter().any(|field| field.number == 18),
            _ => false,
        };
        Some(Build {
            version: self.version,
            message: message?,
            parts,
            ascii_only: self.version < Version::V2_3 && !states_charset,
        })
    }

    /// The kind of mapping. Of one that is not available nothing more is said: its parts mean other things.
    fn way(&mut self, root: &Node) -> Option<Way> {
        let reads_message = match root.get("from") {
            Some(from) => self.reads_message(from)?,
            None => false,
        };
        let Some(to) = root.get("to") else { return Some(Way::JsonToMessage) };
        if is_text(to, "json") {
            if !reads_message {
                let error = MappingError::new("M010", to.place, "JSON comes in and JSON goes out");
                self.error(error.suggest(
                    "a mapping reads or writes HL7: `from: hl7`, or `to: { hl7: .., message: .. }`",
                ));
                return None;
            }
            self.reads = Reads::Message;
            self.writes_json = true;
            return Some(Way::MessageToJson);
        }
        let same = to.get("hl7").filter(|hl7| is_text(hl7, "same"));
        match (reads_message, same) {
            (true, Some(_)) => {
                self.reads = Reads::Message;
                Some(Way::InPlace)
            }
            (false, None) => Some(Way::JsonToMessage),
            (false, Some(same)) => {
                let error =
                    MappingError::new("M010", same.place, "`hl7: same` changes a message, and JSON comes in");
                self.error(error.suggest(
                    "write `from: hl7`, or the version and the message: { hl7: \"2.5.1\", message: ADT^A08 }",
                ));
                None
            }
            (true, None) => {
                let error = MappingError::new(
                    "M007",
                    to.place,
                    "making another message of a message is not available",
                );
                self.error(error.suggest("`to: { hl7: same }` changes the message that comes in"));
                None
            }
        }
    }

    /// Whether HL7 comes in, not JSON.
    fn reads_message(&mut self, from: &Node) -> Option<bool> {
        if let Tree::Map(_) = &from.tree {
            return Some(true);
        }
        let scalar = self.scalar(from, "`from`")?;
        match scalar.text.as_str() {
            "json" => Some(false),
            "hl7" => Some(true),
            other => {
                let suggestion = document::did_you_mean(other, ["json", "hl7"]);
                let error = MappingError::new("M010", from.place, "`from` is `json` or `hl7`");
                self.error(error.suggest_maybe(suggestion));
                None
            }
        }
    }

    fn missing(&mut self, root: &Node, top: &Top<'_>, way: Way) {
        let emit = if way == Way::InPlace { top.to } else { top.emit };
        let keys = [("map", top.map), ("from", top.from), ("to", top.to), ("emit", emit)];
        self.needs(root.place, "the file", &keys);
    }

    fn top<'n>(&mut self, entries: &'n [Entry], way: Way) -> Top<'n> {
        let mut top = Top::default();
        let (own, others) = match way {
            Way::JsonToMessage => (BUILD.as_slice(), EDIT.as_slice()),
            Way::InPlace => (EDIT.as_slice(), BUILD.as_slice()),
            Way::MessageToJson => (
                WRITE.as_slice(),
                ["control_id", "payload_schema", "profile", "set", "remove", "add"].as_slice(),
            ),
        };
        let others: Vec<&str> = others.iter().copied().filter(|key| !own.contains(key)).collect();
        let known: Vec<&str> = COMMON.iter().chain(own).copied().collect();
        for Entry { key, value } in entries {
            if others.contains(&key.text.as_str()) {
                self.of_another_way(key, way);
                continue;
            }
            let slot = match key.text.as_str() {
                "map" => &mut top.map,
                "from" => &mut top.from,
                "to" => &mut top.to,
                "zone" => &mut top.zone,
                "tables" => &mut top.tables,
                "segments" => &mut top.segments,
                "lookups" => &mut top.lookups,
                "profile" => &mut top.profile,
                "require" => &mut top.require,
                "control_id" => &mut top.control_id,
                "payload_schema" => &mut top.payload_schema,
                "emit" => &mut top.emit,
                "tests" => &mut top.tests,
                "accept" => &mut top.accept,
                "drop_message" => &mut top.drop_message,
                "set" => &mut top.set,
                "remove" => &mut top.remove,
                "add" => &mut top.add,
                _ => {
                    self.unknown_key(key, value, &known);
                    continue;
                }
            };
            *slot = Some(value);
        }
        top
    }

    fn of_another_way(&mut self, key: &Key, way: Way) {
        let what = match way {
            Way::JsonToMessage => "changes a message in place (`to: { hl7: same }`)",
            Way::InPlace => "makes a message of JSON",
            Way::MessageToJson => "makes or changes a message",
        };
        let error =
            MappingError::new("M004", key.place, format!("`{}` belongs to a mapping that {what}", key.text));
        self.error(error);
    }

    /// M007.
    pub(super) fn unavailable(&mut self, place: Place, what: &str) {
        self.error(MappingError::new("M007", place, format!("{what} is not available")));
    }

    fn zone(&mut self, node: &Node) -> Option<TimeZone> {
        let name = self.text(node, "the zone")?;
        self.zone_named(name, node.place)
    }

    pub(super) fn zone_named(&mut self, name: &str, place: Place) -> Option<TimeZone> {
        let zones = TimeZoneDatabase::bundled();
        if let Ok(zone) = zones.get(name) {
            return Some(zone);
        }
        let known: Vec<String> = zones.available().map(|zone| zone.as_str().to_owned()).collect();
        let suggestion = document::did_you_mean(name, known.iter().map(String::as_str))
            .unwrap_or_else(|| "zones are named as in the tz database: America/Chicago".to_owned());
        let error = MappingError::new("M109", place, format!("there is no zone `{}`", shortened(name)));
        self.error(error.suggest(suggestion));
        None
    }

    fn tables(&mut self, node: &Node) -> Vec<Table> {
        let mut tables = Vec::new();
        for Entry { key, value } in self.map(node, "`tables`").unwrap_or_default() {
            let used = std::cell::Cell::new(false);
            self.table_index.entry(key.text.clone()).or_insert(self.tables.len());
            // A broken table keeps its place, so that the numbers of the others stay right.
            let table = self.table(&key.text, value);
            let gives = fit::gives(&table.rows, &table.on_miss);
            self.tables.push(TableName { name: key.text.clone(), place: key.place, used, gives });
            tables.push(table);
        }
        tables
    }

    fn table(&mut self, name: &str, node: &Node) -> Table {
        let mut table = Table { name: shortened(name), rows: Vec::new(), on_miss: OnMiss::Error };
        let (mut has_map, mut csv, mut from, mut to) = (false, None, None, None);
        for Entry { key, value } in self.map(node, "a table").unwrap_or_default() {
            match key.text.as_str() {
                "map" => {
                    has_map = true;
                    table.rows = self.rows(value);
                }
                "on_miss" => table.on_miss = self.on_miss(value),
                "csv" => csv = Some(value),
                "from" => from = Some(value),
                "to" => to = Some(value),
                _ => self.unknown_key(key, value, &["map", "csv", "from", "to", "on_miss"]),
            }
        }
        match csv {
            Some(file) if has_map => {
                self.error(MappingError::new("M113", file.place, "a table is a `map` or a `csv`"));
            }
            Some(file) => table.rows = self.csv_rows(file, from, to).unwrap_or_default(),
            None if !has_map && matches!(node.tree, Tree::Map(_)) => {
                self.error(MappingError::new("M005", node.place, "the table has no `map`"));
            }
            None => {}
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

    pub(super) fn on_miss(&mut self, node: &Node) -> OnMiss {
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
            let (fields, formatted) = self.declared_fields(value);
            self.segments.push(DeclaredSegment { id: key.text.clone(), fields, formatted });
        }
    }

    /// The fields, and those of them with formatted text; of `any` there are no limits to them.
    fn declared_fields(&mut self, node: &Node) -> (Option<Vec<u16>>, Vec<u16>) {
        if matches!(&node.tree, Tree::Scalar(scalar) if scalar.text == "any") {
            return (None, Vec::new());
        }
        let (mut fields, mut formatted) = (Vec::new(), Vec::new());
        for Entry { key, value } in self.map(node, "a declared segment (or `any`)").unwrap_or_default() {
            let number = self.number(key, "a field");
            let kind = self.text(value, "the type of a field").unwrap_or("ST");
            if !is_data_type(kind) {
                let message = "the type of a field is a data type such as ST or CX";
                self.error(MappingError::new("M010", value.place, message));
            }
            fields.extend(number);
            formatted.extend(number.filter(|_| kind == "FT"));
        }
        (Some(fields), formatted)
    }

    fn require(&mut self, node: &Node) -> Vec<Required> {
        let mut required = Vec::new();
        for item in self.list(node) {
            let Some(text) = self.text(item, "a required path") else { continue };
            if !self.is_pipeline(text) {
                let error = MappingError::new("M114", item.place, "`require` names paths of what comes in");
                self.error(error.suggest("a path of JSON starts with a dot, one of a message with its segment: .patient.id, PID-3.1"));
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

/// A text of the file, without the mark that makes it one.
pub(super) fn literal(text: &str) -> &str {
    text.strip_prefix("lit:").unwrap_or(text)
}

/// Two or three upper-case letters.
pub(super) fn is_data_type(text: &str) -> bool {
    (2..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_uppercase())
}

/// An upper-case letter and two upper-case letters or digits.
pub(super) fn is_segment_id(text: &str) -> bool {
    text.len() == 3
        && text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}
