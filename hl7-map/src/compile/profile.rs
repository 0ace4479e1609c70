//! What a mapping gives, against the profile that it names.

use hl7_core::profile::{ProfilePlace, ProfileSegment, ProfileUsage};
use hl7_core::{Path, Profile, Severity};

use super::{Compiler, DeclaredSegment};
use crate::error::MappingError;
use crate::plan::{FieldRule, Formula, MessageType, Part, RepetitionRule};
use crate::yaml::{Entry, Node, Tree, shortened};
use hl7_core::document::Place;

/// Of a profile with more mistakes the first are told.
const MOST: usize = 20;

impl Compiler<'_> {
    /// `profile: north.yaml`
    pub(super) fn profile(&mut self, node: &Node, message: Option<&MessageType>) {
        let Some(name) = self.text(node, "the file of the profile") else { return };
        let what = format!("the file `{}`", shortened(name));
        let Some(text) = self.file(node.place, &what, name) else { return };
        match Profile::from_yaml(&text) {
            Ok(profile) => self.use_profile(profile, node.place, message),
            Err(errors) => {
                for error in errors.iter().take(MOST) {
                    self.error(MappingError::new("M135", node.place, format!("{what}: {error}")));
                }
            }
        }
    }

    /// Takes it, if it is for the message that is made.
    fn use_profile(&mut self, profile: Profile, place: Place, message: Option<&MessageType>) {
        let version = profile.version().map(|version| version.number());
        if let (Some(stated), Some(_)) = (version.filter(|stated| *stated != self.version.text()), message) {
            let text = format!("the profile is for HL7 {stated}, and {} goes out", self.version.text());
            self.warnings.push(MappingError::new("M135", place, text).into_warning());
        }
        if message.is_some_and(|message| !is_for(&profile, message, self.version.text())) {
            let warning =
                MappingError::new("M135", place, "the profile is for other messages, and not asked");
            self.warnings.push(warning.suggest("see `for` in the profile").into_warning());
            return;
        }
        for segment in profile.segments().filter(|segment| !segment.is_standard()) {
            if self.segments.iter().all(|declared| declared.id != segment.id()) {
                self.segments.push(declared(segment));
            }
        }
        self.profile = Some(profile);
    }

    pub(super) fn said_of(&self, place: &str) -> Option<ProfilePlace<'_>> {
        self.profile.as_ref()?.place(&place.parse().ok()?)
    }

    /// Notes a place that gets a value and is not to have one, by what is said of the place or, beyond the field, of what is around it.
    pub(super) fn check_allowed(&mut self, path: &Path, with_field: bool, at: Place) {
        for place in levels(path).iter().skip(usize::from(!with_field)) {
            let refused = self.said_of(place).filter(|said| said.usage() == Some(ProfileUsage::NotAllowed));
            let Some((line, severity)) = refused.map(|said| (said.line(), said.severity())) else { continue };
            let message = format!("{place} is not to be sent: usage X (line {line} of the profile)");
            self.said(MappingError::new("M136", at, message), severity);
        }
    }

    /// Notes constants that the profile does not have for a place.
    pub(super) fn check_said(&mut self, place: &str, formula: &Formula, at: Place) {
        let Some(path) = place.parse::<Path>().ok().filter(|_| self.profile.is_some()) else { return };
        let texts = self.constants_of(formula);
        let first = match (path.component(), path.subcomponent()) {
            (None, _) => vec![format!("{place}.1"), format!("{place}.1.1")],
            (Some(_), None) => vec![format!("{place}.1")],
            _ => Vec::new(),
        };
        for place in levels(&path).iter().skip(levels(&path).len() - 1).chain(&first) {
            let takes = |said: &ProfilePlace<'_>| texts.iter().all(|text| text == "\"\"" || said.takes(text));
            let refusing = self.said_of(place).filter(|said| !takes(said));
            if let Some((line, severity)) = refusing.map(|said| (said.line(), said.severity())) {
                let message = format!("the profile does not take this for {place} (its line {line})");
                return self.said(MappingError::new("M137", at, message), severity);
            }
        }
    }

    fn said(&mut self, error: MappingError, severity: Severity) {
        if severity == Severity::Error { self.error(error) } else { self.warnings.push(error.into_warning()) }
    }

    /// Fields and components of a segment that the profile requires and no rule gives.
    pub(super) fn required_by_profile(&self, id: &str, fields: &[FieldRule]) -> Vec<String> {
        let Some(profile) = &self.profile else { return Vec::new() };
        let segment = profile.segments().find(|segment| segment.id() == id && segment.group().is_none());
        let mut missing = Vec::new();
        for said in segment.iter().flat_map(|segment| segment.fields()) {
            let place = format!("{id}-{}", said.number());
            match fields.iter().find(|field| usize::from(field.number) == said.number()) {
                None if said.usage() == Some(ProfileUsage::Required) => missing.push(place),
                Some(field) => missing.extend(missing_parts(&place, &said, &field.repetitions)),
                None => {}
            }
        }
        missing
    }

    /// Warns of what the profile requires in the header, which the file need not name, and of the segments that it requires.
    pub(super) fn check_profile(&mut self, parts: &[Part], emit: Option<&Node>) {
        let (Some(profile), Some(emit)) = (&self.profile, emit) else { return };
        let required = profile.segments().filter(|segment| {
            segment.group().is_none() && segment.times().is_some_and(|times| *times.start() > 0)
        });
        let mut missing: Vec<String> =
            required.map(|segment| segment.id()).filter(|id| !has(parts, id)).map(str::to_owned).collect();
        for part in parts {
            if let Part::Segment(header) = part
                && header.id == "MSH"
            {
                let required = self.required_by_profile("MSH", &header.fields);
                // The delimiters are always there.
                missing.extend(
                    required.into_iter().filter(|place| !matches!(place.as_str(), "MSH-1" | "MSH-2")),
                );
            }
        }
        if !missing.is_empty() {
            self.warn_of_missing(&missing, "by the profile", emit.place);
        }
        self.check_times(parts, emit);
    }

    /// Notes segments of which the profile has fewer than the rules may give.
    fn check_times(&mut self, parts: &[Part], emit: &Node) {
        let Some(profile) = &self.profile else { return };
        let mut found = Vec::new();
        for segment in profile.segments().filter(|segment| segment.group().is_none()) {
            let Some(most) = segment.times().map(|times| *times.end()) else { continue };
            let (id, line) = (segment.id(), segment.line());
            let (once, looped) = rules_of(parts, id, false);
            let place = place_of(emit, id).unwrap_or(emit.place);
            if most == 0 && has(parts, id) {
                let message = format!("{id} is not to be sent: `times` 0 (line {line} of the profile)");
                // What the engine adds without a rule cannot be left out in the file.
                let by_engine = id == "EVN" && place_of(emit, id).is_none();
                found.push((MappingError::new("M136", place, message), !by_engine));
            } else if once > most as usize || (most == 1 && looped > 0) {
                let message = format!("{id} stands at most {most} times by the profile (its line {line})");
                // Which of them are written depends on what is read.
                found.push((MappingError::new("M129", place, message), false));
            }
        }
        for (error, is_error) in found {
            self.said(error, if is_error { Severity::Error } else { Severity::Warning });
        }
    }
}

fn declared(segment: ProfileSegment<'_>) -> DeclaredSegment {
    let number = |said: ProfilePlace<'_>| u16::try_from(said.number()).ok();
    let is_formatted = |said: &ProfilePlace<'_>| said.data_type().is_some_and(|kind| kind.id() == "FT");
    DeclaredSegment {
        id: segment.id().to_owned(),
        fields: Some(segment.fields().filter_map(number).collect()),
        formatted: segment.fields().filter(is_formatted).filter_map(number).collect(),
    }
}

/// Whether the profile is for messages of this type: what it asks of other fields is not known here.
fn is_for(profile: &Profile, message: &MessageType, version: &str) -> bool {
    let asked = |path: &Path| match (path.segment_id(), path.field()?, path.component()) {
        ("MSH", 9, Some(1)) => Some(message.kind.as_str()),
        ("MSH", 9, Some(2)) => Some(message.event.as_str()),
        ("MSH", 9, Some(3)) => Some(message.structure.as_str()),
        ("MSH", 12, None | Some(1)) => Some(version),
        _ => None,
    };
    profile
        .applies_to()
        .all(|(path, values)| asked(path).is_none_or(|value| values.iter().any(|one| one == value)))
}

/// `PID-3`, `PID-3.4`, `PID-3.4.2`: a place and what is around it, from the field on.
fn levels(path: &Path) -> Vec<String> {
    let mut place = format!("{}-{}", path.segment_id(), path.field().unwrap_or(0));
    let mut places = vec![place.clone()];
    for number in [path.component(), path.subcomponent()].into_iter().flatten() {
        place = format!("{place}.{number}");
        places.push(place.clone());
    }
    places
}

/// Components that are required and that some repetition does not get.
fn missing_parts(place: &str, said: &ProfilePlace<'_>, repetitions: &[RepetitionRule]) -> Vec<String> {
    let required = said.parts().filter(|part| part.usage() == Some(ProfileUsage::Required));
    let lacks = |part: &ProfilePlace<'_>| {
        let gives = |rule: &RepetitionRule| {
            rule.switch.is_some()
                || rule.leaves.iter().any(|leaf| usize::from(leaf.component) == part.number())
        };
        !repetitions.iter().all(gives)
    };
    required.filter(lacks).map(|part| format!("{place}.{}", part.number())).collect()
}

/// How many rules for the segment give one, and how many give one a round of a loop.
fn rules_of(parts: &[Part], id: &str, in_loop: bool) -> (usize, usize) {
    let counted = |part: &Part| match part {
        Part::Segment(rule) if rule.id != id || rule.fields.is_empty() => (0, 0),
        // Those with a condition may exclude each other.
        Part::Segment(rule) if rule.when.is_some() && rule.each.is_none() && !in_loop => (0, 0),
        Part::Segment(rule) if in_loop || rule.each.is_some() => (0, 1),
        Part::Segment(_) => (1, 0),
        Part::Group(rule) if rule.when.is_some() && rule.each.is_none() && !in_loop => (0, 0),
        Part::Group(rule) => rules_of(&rule.parts, id, in_loop || rule.each.is_some()),
    };
    parts.iter().map(counted).fold((0, 0), |sum, more| (sum.0 + more.0, sum.1 + more.1))
}

/// Where a segment stands in `emit`, outside its groups.
fn place_of(emit: &Node, id: &str) -> Option<Place> {
    let Tree::Map(entries) = &emit.tree else { return None };
    let is_of = |entry: &&Entry| entry.key.text.split('@').next() == Some(id);
    entries.iter().find(is_of).map(|entry| entry.key.place)
}

/// Whether there is a rule for the segment, in a group or outside.
fn has(parts: &[Part], id: &str) -> bool {
    parts.iter().any(|part| match part {
        Part::Segment(rule) => rule.id == id,
        Part::Group(rule) => has(&rule.parts, id),
    })
}
