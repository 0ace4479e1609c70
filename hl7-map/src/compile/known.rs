//! Fields, components and repetitions, as the version of the message has them.

use hl7_core::dictionary::{DataType, Dictionary, Element};
use hl7_core::{Path, RepetitionIndex};

use super::Compiler;
use crate::error::MappingError;
use crate::expr::Reads;
use crate::standard::Version;
use crate::yaml::{Key, Node, Tree};
use hl7_core::document;
use hl7_core::document::Place;

/// Where the character set stands since 2.3.
const CHARSET: &str = "MSH-18";

/// Which number of a path is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Field,
    Component,
}

/// A number that the version does not have.
struct Unknown {
    level: Level,
    message: String,
    /// What there is at that level: the path of each, and its name.
    known: Vec<(String, &'static str)>,
}

impl Compiler<'_> {
    /// What is known of each version that a message may have.
    fn dictionaries(&self) -> impl Iterator<Item = Dictionary> + use<> {
        let (from, to) = self.version_span();
        Version::all().filter(move |version| (from..=to).contains(version)).map(Version::dictionary)
    }

    fn version_span(&self) -> (Version, Version) {
        match self.read_versions {
            Some(span) => span,
            None if self.any_version => (Version::V2_1, Version::LAST),
            None => (self.version, self.version),
        }
    }

    /// The versions as they end a sentence.
    fn in_version(&self) -> String {
        match self.version_span() {
            (from, to) if from == to => format!("in HL7 {}", from.text()),
            (Version::V2_1, Version::LAST) => "in any version of HL7".to_owned(),
            (from, to) => format!("in HL7 {} to {}", from.text(), to.text()),
        }
    }

    /// Notes a field, component or subcomponent of a rule that the version does not have. Whether it has what is above `level` is noted
    /// elsewhere. `value` is what the place gets: its path may tell which place is meant.
    pub(super) fn check_number(&mut self, place: &str, level: Level, at: Place, value: Option<&Node>) {
        let Ok(path) = place.parse::<Path>() else { return };
        // Versions without a character set are sent one all the same.
        if place == CHARSET {
            return;
        }
        let Some(unknown) = self.unknown_number(&path).filter(|unknown| unknown.level == level) else {
            return;
        };
        self.error(unknown.into_error(at, value));
    }

    /// The same of a place that is changed in a message.
    pub(super) fn check_written_path(&mut self, path: &Path, at: Place) {
        match self.unknown_number(path) {
            Some(unknown) => self.error(unknown.into_error(at, None)),
            None => self.check_nth(path, at),
        }
    }

    /// The same of a place that is read or removed: senders have fields of their own, so that it is odd and no mistake.
    pub(super) fn check_read_path(&mut self, path: &Path, at: Place) {
        if let Some(unknown) = self.unknown_number(path) {
            self.warnings.push(unknown.into_error(at, None).into_warning());
        }
    }

    fn unknown_number(&self, path: &Path) -> Option<Unknown> {
        let (id, field) = (path.segment_id(), path.field()?);
        let name = format!("{id}-{field}");
        let typed = |place: &str| self.said_of(place).and_then(|said| said.data_type());
        let declared = self.segments.iter().find(|declared| declared.id == id);
        if let Some(unknown) = declared.and_then(|declared| declared.without(field)) {
            return Some(unknown);
        }
        if let Some(kind) = typed(&name) {
            return self.parts_of_types(&open_or(vec![kind])?, &name, path.component())?.err();
        }
        if declared.is_some() || typed(&format!("{name}.{}", path.component().unwrap_or(0))).is_some() {
            return None;
        }
        let segments: Vec<_> = self.dictionaries().filter_map(|dictionary| dictionary.segment(id)).collect();
        let elements: Vec<Element> =
            segments.iter().filter_map(|segment| segment.field(field.into())).collect();
        let longest = segments.iter().max_by_key(|segment| segment.fields().len())?;
        if elements.is_empty() {
            let last = longest.fields().len();
            let message =
                format!("{id} has no field {field} {} (the last is {id}-{last})", self.in_version());
            // The engine numbers segments.
            let fields = longest.fields().filter(|field| !field.name().starts_with("Set I"));
            let known = fields.map(|field| (format!("{id}-{}", field.number()), field.name())).collect();
            return Some(Unknown { level: Level::Field, message, known });
        }
        let types = self.parts_of_types(&types_of(&elements)?, &name, path.component())?;
        let name = format!("{name}.{}", path.component()?);
        match types {
            Ok(parts) => self.parts_of_types(&types_of(&parts)?, &name, path.subcomponent())?.err(),
            Err(unknown) => Some(unknown),
        }
    }

    /// The part `number` of each type that has it, or what is wrong when none has.
    fn parts_of_types(
        &self,
        types: &[DataType],
        name: &str,
        number: Option<u16>,
    ) -> Option<Result<Vec<Element>, Unknown>> {
        let number = number?;
        let parts: Vec<Element> = types.iter().filter_map(|kind| kind.component(number.into())).collect();
        // The first part of what has no parts is the whole.
        if !parts.is_empty() || (number == 1 && types.iter().any(|kind| kind.is_primitive())) {
            return Some(Ok(parts));
        }
        let largest = types.iter().max_by_key(|kind| kind.components().len())?;
        let what = if name.contains('.') { "subcomponent" } else { "component" };
        let (kind, version) = (largest.id(), self.in_version());
        let message = match largest.components().len() {
            0 => format!("{name} ({kind}) has no {what}s {version}"),
            last => format!("{name} ({kind}) has no {what} {number} {version} (the last is {name}.{last})"),
        };
        let known =
            largest.components().map(|part| (format!("{name}.{}", part.number()), part.name())).collect();
        Some(Err(Unknown { level: Level::Component, message, known }))
    }

    /// The field, component or subcomponent at a place, where the version of the message is known.
    pub(super) fn element_at(&self, place: &str) -> Option<Element> {
        let path = place.parse::<Path>().ok()?;
        let field = self.field_at(&path)?;
        let Some(component) = path.component() else { return Some(field) };
        let part = field.data_type()?.component(component.into());
        let Some(part) = part else { return Some(field).filter(|_| component == 1) };
        match path.subcomponent() {
            Some(sub) => part.data_type()?.component(sub.into()),
            None => Some(part),
        }
    }

    /// The field that a path is in, where the version of the message is known.
    pub(super) fn field_at(&self, path: &Path) -> Option<Element> {
        let version = (!self.any_version && self.reads == Reads::Json).then_some(self.version)?;
        version.dictionary().segment(path.segment_id())?.field(path.field()?.into())
    }

    /// Notes repetitions that the field cannot have: several that are written always are a mistake, a loop is odd.
    pub(super) fn check_repetitions(&mut self, place: &str, key: &Key, items: &[Node]) {
        let said = self.said_of(place).and_then(|said| said.times()).map(|times| *times.end());
        let field = place.parse::<Path>().ok().and_then(|path| self.field_at(&path));
        let max = match (said, field) {
            (Some(most), _) => Some(most).filter(|most| *most < u32::MAX),
            (None, Some(field)) => field.max().map(u32::from),
            (None, None) => return,
        };
        let Some(max) = max else { return };
        let most = match max {
            1 => "does not repeat".to_owned(),
            max => format!("has at most {max} repetitions"),
        };
        let by = if said.is_some() { "by the profile".to_owned() } else { self.in_version() };
        let name = field.map_or(String::new(), |field| format!(" ({})", field.name()));
        let message = format!("{place}{name} {most} {by}");
        let always = items.iter().filter(|item| !has_key(item, &["when", "each"]));
        if let Some(beyond) = always.skip(max as usize).map(|item| item.place).next() {
            let hint = "for values that exclude each other give each a `when`, or choose with `??`";
            self.error(MappingError::new("M129", beyond, message).suggest(hint));
        } else if max == 1 && items.iter().any(|item| has_key(item, &["each"])) {
            let hint = "`each` repeats it: take one item of the list, such as .list[0]";
            let warning = MappingError::new("M129", key.place, message).suggest(hint);
            self.warnings.push(warning.into_warning());
        }
    }

    /// A numbered repetition of a place that is changed.
    fn check_nth(&mut self, path: &Path, at: Place) {
        let RepetitionIndex::Nth(n) = path.repetition() else { return };
        let (id, number) = (path.segment_id(), path.field().unwrap_or(0));
        let fields =
            self.dictionaries().filter_map(|dictionary| dictionary.segment(id)?.field(number.into()));
        let most = fields.map(|field| field.max().unwrap_or(u16::MAX)).max();
        if most.is_some_and(|most| n > most.into()) {
            let message = format!("{id}-{number} does not repeat {}", self.in_version());
            self.error(MappingError::new("M129", at, message));
        }
    }
}

impl super::DeclaredSegment {
    /// What is wrong with a field that the file does not declare.
    fn without(&self, field: u16) -> Option<Unknown> {
        let fields = self.fields.as_ref()?;
        if fields.contains(&field) {
            return None;
        }
        let id = &self.id;
        let message = format!("{id} is declared without a field {field}");
        Some(Unknown { level: Level::Field, message, known: Vec::new() })
    }
}

impl Unknown {
    fn into_error(self, at: Place, value: Option<&Node>) -> MappingError {
        let meant = value.and_then(last_name).and_then(|name| {
            let number = document::named(&name, self.known.iter().map(|(_, name)| *name))?;
            self.known.get(number)
        });
        let hint = meant.map(|(path, name)| format!("did you mean {path} ({name})?"));
        MappingError::new("M104", at, self.message).suggest_maybe(hint)
    }
}

/// The data types of elements; `None` where one may be of any type.
fn types_of(elements: &[Element]) -> Option<Vec<DataType>> {
    open_or(elements.iter().filter_map(|element| element.data_type()).collect())
}

/// The types; `None` where one stands for any, or there is none.
fn open_or(types: Vec<DataType>) -> Option<Vec<DataType>> {
    let open =
        |kind: &DataType| kind.is_primitive() && (kind.id() == "varies" || kind.id().starts_with("CM"));
    (!types.is_empty() && !types.iter().any(open)).then_some(types)
}

fn has_key(node: &Node, keys: &[&str]) -> bool {
    keys.iter().any(|key| node.get(key).is_some())
}

/// The last name of the first path in a value: `race` of `{ value: .patient.race | upper }`.
fn last_name(node: &Node) -> Option<String> {
    match &node.tree {
        Tree::Scalar(scalar) => {
            let path =
                scalar.text.split([' ', '|']).next().filter(|text| text.starts_with(['.', '^', '$']))?;
            let name = path.rsplit('.').next()?.split('[').next()?.trim_matches('"');
            (!name.is_empty()).then(|| name.to_owned())
        }
        Tree::List(items) => items.iter().find_map(last_name),
        Tree::Map(entries) => entries.iter().find_map(|entry| last_name(&entry.value)),
    }
}
