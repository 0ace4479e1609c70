//! From a file to rules, with every mistake on the way.

mod part;

use std::collections::{BTreeSet, HashMap, HashSet};

use super::error::ProfileError;
use super::rules::{Check, Codes, Rule, Rules, SegmentRules, Times, Wants};
use crate::ack::ErrorCode;
use crate::condition::Condition;
use crate::dictionary::{Dictionary, Group, Part, SegmentDefinition, Version};
use crate::document::{Entry, Node, Place, Style, Tree, did_you_mean, read, shortened};
use crate::path::Path;
use crate::validate::{FindingCode, Severity};

/// The version whose fields a profile without one is compared with: it has those that most messages use.
const USUAL: Version = Version::V2_5_1;

pub(super) fn load(text: &str) -> Result<Rules, Vec<ProfileError>> {
    let (root, faults) = read(text);
    let mut loading = Loading {
        errors: faults.into_iter().map(ProfileError::of_fault).collect(),
        dictionary: Dictionary::of(USUAL),
        any_version: true,
        tables: HashMap::new(),
        groups: BTreeSet::new(),
    };
    let rules = root.map(|root| loading.rules(&root));
    match rules {
        Some(rules) if loading.errors.is_empty() => Ok(rules),
        None if loading.errors.is_empty() => {
            Err(vec![ProfileError::new("R007", Place::START, "the file is empty")])
        }
        _ => Err(loading.errors),
    }
}

struct Loading {
    errors: Vec<ProfileError>,
    dictionary: Dictionary,
    /// Whether the profile names no version: then what any later version has is known too.
    any_version: bool,
    tables: HashMap<String, Codes>,
    /// The names of groups, once they were asked for.
    groups: BTreeSet<&'static str>,
}

fn is_id(text: &str) -> bool {
    matches!(text.as_bytes(), [a, b, c] if a.is_ascii_uppercase()
        && [b, c].iter().all(|x| x.is_ascii_uppercase() || x.is_ascii_digit()))
}

fn names_in(group: Group, names: &mut BTreeSet<&'static str>) {
    names.insert(group.name());
    group.parts().filter_map(Part::group).for_each(|inner| names_in(inner, names));
}

/// The place of a byte of a value's text. Of one that is not written as it reads, it is the start.
fn place_in(node: &Node, text: &str, offset: usize) -> Place {
    let before = text.get(..offset).unwrap_or_default().chars().count();
    let quotes = node.place.width.saturating_sub(text.chars().count());
    match &node.tree {
        Tree::Scalar(scalar) if scalar.style == Style::Plain => node.place.part(before, 1),
        Tree::Scalar(scalar) if scalar.style == Style::Quoted && quotes == 2 => {
            node.place.part(before + 1, 1)
        }
        _ => node.place.part(0, 1),
    }
}

impl Loading {
    fn rules(&mut self, root: &Node) -> Rules {
        const KEYS: [&str; 7] = ["profile", "version", "for", "severities", "tables", "segments", "checks"];
        let mut rules = Rules::default();
        let entries = self.map(root, &KEYS);
        let get = |name: &str| entries.iter().find(|entry| entry.key.text == name).map(|entry| &entry.value);
        match get("profile") {
            Some(name) => rules.name = self.text(name).unwrap_or_default().to_owned(),
            None => self.missing(root, "profile"),
        }
        if let Some(version) = get("version").and_then(|node| self.version(node)) {
            rules.version = Some(version);
            (self.dictionary, self.any_version) = (Dictionary::of(version), false);
        }
        for entry in get("tables").map(|node| self.any_map(node)).unwrap_or_default() {
            let Some(codes) = self.table(&entry.value) else { continue };
            let name = entry.key.text.as_str();
            if !name.bytes().all(|byte| byte.is_ascii_digit()) {
                self.tables.insert(name.to_owned(), codes);
            } else if let Some(number) = name.parse().ok().filter(|number| (1..=9999).contains(number)) {
                if rules.tables.insert(number, codes).is_some() {
                    let message = format!("table {number:04} stands twice");
                    self.errors.push(ProfileError::new("R003", entry.key.place, message));
                }
            } else {
                let error = self.unknown("R016", entry.key.place, "table", name);
                self.errors.push(error.suggest(Some("tables have the numbers 1 to 9999".to_owned())));
            }
        }
        if let Some(node) = get("for") {
            rules.applies = self.applies(node);
        }
        for entry in get("severities").map(|node| self.any_map(node)).unwrap_or_default() {
            if let Some((code, severity)) = self.graded(entry) {
                rules.severities.insert(code, severity);
            }
        }
        for entry in get("segments").map(|node| self.any_map(node)).unwrap_or_default() {
            rules.segments.extend(self.segment(entry));
        }
        let mut taken: HashSet<&str> = FindingCode::ALL.iter().map(|code| code.as_str()).collect();
        for node in get("checks").map(|node| self.list(node)).unwrap_or_default() {
            let code = node.get("code").and_then(|node| self.free_code(node, &mut taken));
            rules.checks.extend(self.check(node, code));
        }
        rules
    }

    fn applies(&mut self, node: &Node) -> Vec<(Path, Vec<String>)> {
        let mut applies = Vec::new();
        for entry in self.any_map(node) {
            let path = self.path(&entry.key.text, entry.key.place);
            let values = match &entry.value.tree {
                Tree::List(_) => self.texts(&entry.value),
                _ => self.text(&entry.value).map(str::to_owned).into_iter().collect(),
            };
            applies.extend(path.map(|path| (path, values)));
        }
        applies
    }

    fn graded(&mut self, entry: &Entry) -> Option<(FindingCode, Option<Severity>)> {
        let code = FindingCode::ALL.into_iter().find(|code| code.as_str() == entry.key.text);
        if code == Some(FindingCode::Rule) {
            let message = "V801 is told with the severity of its check";
            let error = ProfileError::new("R018", entry.key.place, message);
            self.errors.push(error.suggest(Some("give the check a `severity`".to_owned())));
        }
        if code.is_none() {
            let known = FindingCode::ALL.map(FindingCode::as_str);
            let error = self.unknown("R018", entry.key.place, "finding", &entry.key.text);
            self.errors.push(error.suggest(did_you_mean(&entry.key.text, known)));
        }
        if self.text(&entry.value)? == "off" {
            return Some((code?, None));
        }
        let severity = self.severity(&entry.value)?;
        Some((code?, Some(severity)))
    }

    fn segment(&mut self, entry: &Entry) -> Option<SegmentRules> {
        const KEYS: [&str; 3] = ["after", "times", "fields"];
        let (group, id) = match entry.key.text.rsplit_once('.') {
            Some((group, id)) => (Some(group.to_owned()), id),
            None => (None, entry.key.text.as_str()),
        };
        let is_id = is_id(id);
        let definition = self.definition(id);
        let entries = self.map(&entry.value, &KEYS);
        let get = |name: &str| entries.iter().find(|entry| entry.key.text == name).map(|entry| &entry.value);
        if !is_id || (definition.is_none() && get("fields").is_none()) {
            let what = if is_id {
                "a segment that the standard does not have needs its fields"
            } else {
                "no segment"
            };
            let error = ProfileError::new("R011", entry.key.place, format!("{what}: `{}`", shortened(id)));
            let known = self.dictionary.segments().map(|known| known.id());
            self.errors.push(error.suggest(did_you_mean(id, known)));
            return None;
        }
        if let Some(group) = group.as_deref().filter(|group| !self.has_group(group)) {
            let error = self.unknown("R022", entry.key.place, "group", group);
            let known: Vec<&str> = self.groups.iter().copied().collect();
            self.errors.push(error.suggest(did_you_mean(group, known)));
        }
        let after = match get("after") {
            Some(Node { tree: Tree::List(items), .. }) => {
                items.iter().filter_map(|item| self.id(item)).collect()
            }
            Some(node) => self.id(node).into_iter().collect(),
            None => Vec::new(),
        };
        let line = entry.key.place.line as u32;
        let times = get("times").and_then(|node| self.times(node));
        let fields = get("fields").map(|node| self.fields(node, definition)).unwrap_or_default();
        Some(SegmentRules {
            id: id.to_owned(),
            line,
            group,
            after,
            times,
            fields,
            is_standard: definition.is_some(),
        })
    }

    /// Whether a structure has a group of this name: in the profile's version, or without one in any.
    fn has_group(&mut self, name: &str) -> bool {
        if self.groups.is_empty() {
            let versions =
                if self.any_version { Version::ALL.to_vec() } else { vec![self.dictionary.version()] };
            let structures = versions.into_iter().flat_map(|version| Dictionary::of(version).structures());
            structures.for_each(|structure| names_in(structure.root(), &mut self.groups));
        }
        self.groups.contains(name)
    }

    /// The ID of a segment.
    fn id(&mut self, node: &Node) -> Option<String> {
        let text = self.text(node)?;
        if !is_id(text) {
            let error = self.unknown("R011", node.place, "segment", text);
            let known = self.dictionary.segments().map(|known| known.id());
            self.errors.push(error.suggest(did_you_mean(text, known)));
        }
        Some(text.to_owned())
    }

    /// Notes what would have no effect.
    fn unread(&mut self, node: &Node, what: &str, why: &str) {
        self.errors.push(ProfileError::new("R005", node.place, format!("{what} is not read {why}")));
    }

    /// What the standard says of a segment: in the profile's version, or without one in any, the usual first.
    fn definition(&self, id: &str) -> Option<SegmentDefinition> {
        let usual = self.dictionary.segment(id);
        let any = || Version::ALL.into_iter().rev().find_map(|version| Dictionary::of(version).segment(id));
        usual.or_else(|| if self.any_version { any() } else { None })
    }

    /// R021: a finding is told by its code.
    fn free_code<'n>(&mut self, node: &'n Node, taken: &mut HashSet<&'n str>) -> Option<String> {
        let code = self.text(node)?;
        if !taken.insert(code) {
            let message = format!("another finding has the code `{}`", shortened(code));
            let error = ProfileError::new("R021", node.place, message);
            self.errors.push(error.suggest(Some("give each check a code of its own".to_owned())));
        }
        Some(code.to_owned())
    }

    fn check(&mut self, node: &Node, code: Option<String>) -> Option<Check> {
        const KEYS: [&str; 8] = ["code", "text", "require", "assert", "when", "each", "severity", "hl7"];
        let entries = self.map(node, &KEYS);
        let get = |name: &str| entries.iter().find(|entry| entry.key.text == name).map(|entry| &entry.value);
        for key in ["code", "text"].into_iter().filter(|key| get(key).is_none()) {
            self.missing(node, key);
        }
        let wants = match (get("require"), get("assert")) {
            (Some(path), None) => self
                .text(path)
                .map(str::to_owned)
                .and_then(|text| self.path(&text, path.place))
                .map(Wants::Present),
            (None, Some(condition)) => self.condition(condition).map(Wants::Holds),
            _ => {
                self.missing(node, "require` or `assert");
                None
            }
        };
        let when = get("when").and_then(|node| self.condition(node));
        let each = get("each").and_then(|node| self.id(node));
        let severity = get("severity").and_then(|node| self.severity(node)).unwrap_or(Severity::Error);
        let error_code = get("hl7").and_then(|node| self.error_code(node));
        let code = code?;
        let text = get("text").and_then(|node| self.text(node))?.to_owned();
        let wants = wants?;
        let usual = match wants {
            Wants::Present(_) => ErrorCode::RequiredFieldMissing,
            Wants::Holds(_) => ErrorCode::DataTypeError,
        };
        let rule = std::sync::Arc::new(Rule { code, text });
        Some(Check { rule, severity, error_code: error_code.unwrap_or(usual), each, when, wants })
    }

    fn error_code(&mut self, node: &Node) -> Option<ErrorCode> {
        let text = self.text(node)?;
        let code = ErrorCode::of_number(text);
        if code.is_none() {
            let error = self.unknown("R018", node.place, "condition of table 0357", text);
            self.errors.push(error.suggest(Some("such as 101, a required field is missing".to_owned())));
        }
        code
    }

    fn severity(&mut self, node: &Node) -> Option<Severity> {
        const KNOWN: [Severity; 3] = [Severity::Error, Severity::Warning, Severity::Information];
        let text = self.text(node)?;
        let found = KNOWN.into_iter().find(|severity| severity.name() == text);
        if found.is_none() {
            let names = KNOWN.map(Severity::name);
            let error = self.unknown("R018", node.place, "severity", text);
            self.errors.push(error.suggest(did_you_mean(text, names).or(Some(names.join(", ")))));
        }
        found
    }

    fn version(&mut self, node: &Node) -> Option<Version> {
        let text = self.text(node)?;
        let version = Version::of(text);
        if version.is_none() {
            let known = Version::ALL.map(Version::number);
            let error = self.unknown("R008", node.place, "version", text);
            self.errors.push(error.suggest(did_you_mean(text, known).or(Some(known.join(", ")))));
        }
        version
    }

    /// A list of codes, or `add` and a list.
    fn table(&mut self, node: &Node) -> Option<Codes> {
        let (list, adds) = match &node.tree {
            Tree::Map(_) => {
                let entries = self.map(node, &["add"]);
                let Some(entry) = entries.first() else {
                    self.missing(node, "add");
                    return None;
                };
                (&entry.value, true)
            }
            _ => (node, false),
        };
        let mut codes = self.texts(list);
        codes.sort_unstable();
        Some(Codes { codes: codes.into(), adds })
    }

    fn times(&mut self, node: &Node) -> Option<Times> {
        let (least, most) = self.range(node, true)?;
        Some(Times { least, most, line: node.place.line as u32 })
    }

    /// `2`, `1..3` or `1..*`. A number alone is both, or from 0 on where `exact` is false.
    fn range(&mut self, node: &Node, exact: bool) -> Option<(u32, u32)> {
        let text = self.text(node)?;
        let bound = |text: &str| if text == "*" { Some(u32::MAX) } else { text.parse().ok() };
        let range = match text.split_once("..") {
            Some((least, most)) => least.parse().ok().zip(bound(most)),
            None => text.parse().ok().map(|only| (if exact { only } else { 0 }, only)),
        };
        let range = range.filter(|(least, most)| least <= most);
        if range.is_none() {
            let error = self.unknown("R015", node.place, "range of numbers", text);
            self.errors.push(error.suggest(Some("such as 2, 1..3 or 0..*".to_owned())));
        }
        range
    }

    fn condition(&mut self, node: &Node) -> Option<Condition> {
        let text = self.text(node)?;
        match text.parse::<Condition>() {
            Ok(condition) => Some(condition),
            Err(why) => {
                let place = place_in(node, text, why.offset());
                let error = ProfileError::new("R010", place, format!("no condition ({})", why.code()));
                self.errors.push(error.suggest(Some(why.suggestion().to_owned())));
                None
            }
        }
    }

    fn path(&mut self, text: &str, place: Place) -> Option<Path> {
        let path = text.parse::<Path>().ok().filter(|path| path.field().is_some());
        if path.is_none() {
            let error = self.unknown("R009", place, "path of a field", text);
            self.errors.push(error.suggest(Some("such as PID-3 or OBX[2]-5.1".to_owned())));
        }
        path
    }

    fn unknown(&self, code: &'static str, place: Place, what: &str, text: &str) -> ProfileError {
        ProfileError::new(code, place, format!("no {what}: `{}`", shortened(text)))
    }

    fn missing(&mut self, node: &Node, key: &str) {
        self.errors.push(ProfileError::new("R007", node.place, format!("`{key}` is missing here")));
    }

    /// The entries of a map; keys that are not known are mistakes.
    fn map<'n>(&mut self, node: &'n Node, known: &[&str]) -> Vec<&'n Entry> {
        let entries = self.any_map(node);
        for entry in entries.iter().filter(|entry| !known.contains(&entry.key.text.as_str())) {
            let message = format!("an unknown key `{}`", shortened(&entry.key.text));
            let all = || Some(format!("known are {}", known.join(", ")));
            let suggestion = did_you_mean(&entry.key.text, known.iter().copied()).or_else(all);
            self.errors.push(ProfileError::new("R005", entry.key.place, message).suggest(suggestion));
        }
        entries
    }

    fn any_map<'n>(&mut self, node: &'n Node) -> Vec<&'n Entry> {
        match &node.tree {
            Tree::Map(entries) => entries.iter().collect(),
            _ => {
                self.kind(node, "a map");
                Vec::new()
            }
        }
    }

    fn list<'n>(&mut self, node: &'n Node) -> Vec<&'n Node> {
        match &node.tree {
            Tree::List(items) => items.iter().collect(),
            _ => {
                self.kind(node, "a list");
                Vec::new()
            }
        }
    }

    fn texts(&mut self, node: &Node) -> Vec<String> {
        self.list(node).into_iter().filter_map(|item| self.text(item).map(str::to_owned)).collect()
    }

    fn text<'n>(&mut self, node: &'n Node) -> Option<&'n str> {
        match &node.tree {
            Tree::Scalar(scalar) => Some(&scalar.text),
            _ => {
                self.kind(node, "a single value");
                None
            }
        }
    }

    fn kind(&mut self, node: &Node, meant: &str) {
        let message = format!("this is {}, and {meant} is meant", node.kind());
        self.errors.push(ProfileError::new("R006", node.place, message));
    }
}
