//! What a profile says beside the standard, and instead of it.

use std::collections::HashMap;

use super::check::{Check, Place};
use super::finding::Fact;
use super::{FindingCode, Level, Severity, Validation};
use crate::ack::ErrorCode;
use crate::condition::Condition;
use crate::dictionary::{Dictionary, Element, Version};
use crate::message::Message;
use crate::path::{Occurrence, Path, RepetitionIndex};
use crate::piece::{Field, Value};
use crate::profile::{self, PartRules, Rules, SegmentRules, Times, UsageRule, Wanted, Wants};
use crate::segment::Segment;

/// The profile, as far as it is for the message.
pub(super) struct Profiled<'m> {
    rules: Option<&'m Rules>,
    /// Whether there is a profile, and it is for other messages.
    is_other: bool,
    /// The group directly around each segment, where the rules ask for it: its place among the groups, and its name.
    groups: Vec<Option<(usize, &'static str)>>,
    /// The ID of this segment and of the last other one before it.
    ids: [&'m str; 2],
    /// How much conditions may still look at.
    looks: u64,
    segments: u64,
    /// How long the segments with an ID are together, where conditions were asked for.
    lengths: HashMap<&'m str, u64>,
    /// What the profile describes is looked at now, in its own words.
    is_own: bool,
    /// Whether a condition was not asked, because that would have been too many.
    is_cut: bool,
}

/// How much the conditions of a profile look at in one message: segments, and what stands in those that are meant. Conditions that are asked for each
/// segment and look at all of them reach it with some two thousand.
const MOST_LOOKS: u64 = 5_000_000;

impl<'m> Profiled<'m> {
    pub(super) fn of(message: &'m Message<'_>, validation: &'m Validation) -> Self {
        let stated = validation.profile.as_ref().map(|profile| &*profile.rules);
        let rules = stated.filter(|rules| is_for(rules, message));
        Self {
            rules,
            is_other: stated.is_some() && rules.is_none(),
            groups: Vec::new(),
            ids: ["", ""],
            looks: MOST_LOOKS,
            segments: message.iter().count() as u64,
            lengths: HashMap::new(),
            is_own: false,
            is_cut: false,
        }
    }

    /// Finds the groups as the version that is validated against has them.
    pub(super) fn find_groups(&mut self, message: &'m Message<'_>, dictionary: Dictionary) {
        if self.rules.is_some_and(Rules::names_groups) {
            self.groups = groups_of(message, dictionary);
        }
    }

    /// Whether a profile is for the message.
    pub(super) fn is_there(&self) -> bool {
        self.rules.is_some()
    }

    pub(super) fn version(&self) -> Option<Version> {
        self.rules?.version
    }

    /// Whether the condition holds here; `None` when it is not asked any more.
    fn holds(&mut self, condition: &Condition, message: &'m Message<'_>, here: Segment<'m>) -> Option<bool> {
        let looks: u64 = condition.paths().map(|path| self.looks_of(path, message, here)).sum();
        match self.looks.checked_sub(1 + looks) {
            Some(left) => self.looks = left,
            None => {
                self.is_cut = true;
                return None;
            }
        }
        Some(condition.holds_at(message, here))
    }

    /// What a path looks at: the segments on the way, and what stands in those it names, of which each repetition costs more than passing over it.
    fn looks_of(&mut self, path: &Path, message: &'m Message<'_>, here: Segment<'m>) -> u64 {
        let of_length = |bytes: u64| bytes / if path.repetition() == RepetitionIndex::All { 2 } else { 256 };
        if path.occurrence() == Occurrence::First && path.segment_id() == here.id() {
            return of_length(here.raw().len() as u64);
        }
        if self.lengths.is_empty() {
            for segment in message.iter() {
                *self.lengths.entry(segment.id()).or_default() += segment.raw().len() as u64;
            }
        }
        self.segments + of_length(self.lengths.get(path.segment_id()).copied().unwrap_or(0))
    }

    /// Whether an HL7 table as the profile has it has this code; `None` where the standard says it.
    pub(super) fn table_has(&self, number: u16, code: &str) -> Option<bool> {
        self.rules?.table_has(number, code)
    }

    /// Whether the profile says how often the segment stands in the group.
    pub(super) fn may_be_absent(&self, id: &str, group: &str) -> bool {
        let mut rules = self.rules.into_iter().flat_map(|rules| rules.of_segment(id, Some(group)));
        rules.any(|rules| rules.times.is_some())
    }

    fn of_segment(&self, index: usize, id: &'m str) -> impl Iterator<Item = &'m SegmentRules> + use<'m> {
        let group = self.groups.get(index).copied().flatten().map(|(_, name)| name);
        self.rules.into_iter().flat_map(move |rules| rules.of_segment(id, group))
    }
}

fn is_for(rules: &Rules, message: &Message<'_>) -> bool {
    rules.applies.iter().all(|(path, values)| {
        let text = message.get(path).map(|value| value.text()).unwrap_or_default();
        values.iter().any(|value| *value == *text)
    })
}

fn groups_of(message: &Message<'_>, dictionary: Dictionary) -> Vec<Option<(usize, &'static str)>> {
    let structure = message.structure_in(dictionary);
    let groups = structure.map_or_else(|| message.groups(), |structure| message.groups_of(structure));
    let around = |index| {
        let group = groups.group_of(index)?;
        Some((group.number_in_all(), group.definition()?.name()))
    };
    (0..message.iter().count()).map(around).collect()
}

impl<'m> Check<'m> {
    /// How much a finding of the standard matters; `None` when it does not.
    pub(super) fn severity_of(&self, code: FindingCode) -> Option<Severity> {
        let stated = self.profiled.rules.and_then(|rules| rules.severities.get(&code));
        stated.copied().unwrap_or(Some(code.severity()))
    }

    /// Whether the profile speaks of what the standard finds here.
    pub(super) fn is_profiled(&self, code: FindingCode, at: Place) -> bool {
        if self.profiled.rules.is_none() || self.profiled.is_own {
            return false;
        }
        let id = self.message.segment_at(at.segment).id();
        self.profiled.of_segment(at.segment, id).any(|rules| speaks_of(rules, code, at))
    }

    /// The fields of a segment as the profile wants them.
    pub(super) fn profiled_segment(&mut self, index: usize, segment: Segment<'m>) {
        if self.profiled.rules.is_none() {
            return;
        }
        let id = segment.id();
        if self.profiled.ids[0] != id {
            self.profiled.ids = [id, self.profiled.ids[0]];
        }
        let before = self.profiled.ids[1];
        for rules in self.profiled.of_segment(index, id) {
            let at = Place::of_segment(index);
            if !rules.after.is_empty() && !rules.after.iter().any(|id| id == before) {
                self.find(FindingCode::SegmentElsewhere, None, at, segment.raw(), Fact::Line(rules.line));
            }
            for part in &rules.fields {
                self.own_field(at.field(part.number), segment, part);
            }
            if !rules.is_standard {
                self.fields_beside(at, segment, &rules.fields);
            }
        }
    }

    /// What is asked of the whole message.
    pub(super) fn profile(&mut self) {
        if self.profiled.is_other && self.checks(Level::Profile) {
            let raw = self.message.as_er7();
            return self.find(FindingCode::OtherProfile, None, Place::of_segment(0), raw, Fact::None);
        }
        let Some(rules) = self.profiled.rules else { return };
        let levels = self.levels;
        for segment in rules.segments.iter().filter(|_| levels.has(Level::Structure)) {
            if let Some(times) = segment.times {
                self.times(segment, times);
            }
        }
        for check in rules.checks.iter().filter(|_| levels.has(Level::Profile)) {
            self.own_check(check);
        }
        if self.profiled.is_cut {
            self.find(FindingCode::NotAsked, None, Place::of_segment(0), self.message.as_er7(), Fact::None);
        }
    }

    fn find(&mut self, code: FindingCode, severity: Option<Severity>, at: Place, raw: &str, fact: Fact) {
        if !self.checks(code.level()) {
            return;
        }
        if let Some(severity) = severity.or_else(|| self.severity_of(code)) {
            self.put(code, severity, code.error_code(), raw, fact, |check| check.path_of(at));
        }
    }

    /// The same at a field or component, which a line of the profile speaks of.
    fn find_part(&mut self, code: FindingCode, at: Place, raw: &str, part: &PartRules) {
        use FindingCode as C;
        // What the standard finds too is an error here, whatever that is there.
        let is_standard = matches!(code, C::MissingField | C::MissingComponent | C::TooManyRepetitions);
        let severity = part.severity.or(is_standard.then_some(Severity::Error));
        self.find(code, severity, at, raw, Fact::Line(part.line));
    }

    fn own_field(&mut self, at: Place, segment: Segment<'m>, part: &PartRules) {
        let end = segment.raw().get(segment.raw().len()..).unwrap_or_default();
        let field = segment.field(part.number);
        let raw = field.map_or(end, Field::raw);
        if !self.usage(at, segment, raw, part, FindingCode::MissingField) {
            return;
        }
        let repetitions = field.into_iter().filter(|field| !field.is_empty()).flat_map(Field::repetitions);
        let (mut count, mut valued) = (0, 0);
        for repetition in repetitions {
            count += 1;
            valued += u32::from(self.is_valued(repetition.raw()));
            let at = at.repetition(count as usize);
            if part.times.is_some_and(|times| count == times.most.saturating_add(1)) {
                self.find_part(FindingCode::TooManyRepetitions, at, repetition.raw(), part);
            }
            self.own_value(at, segment, repetition.value(), part);
        }
        if part.times.is_some_and(|times| valued < times.least) {
            self.find_part(FindingCode::TooFewRepetitions, at, raw, part);
        }
    }

    /// Whether what is sent, or not, is as the usage wants it.
    fn usage(
        &mut self,
        at: Place,
        segment: Segment<'m>,
        raw: &str,
        part: &PartRules,
        missing: FindingCode,
    ) -> bool {
        let wanted = match &part.usage {
            None => Wanted::Optional,
            Some(UsageRule::Always(wanted)) => *wanted,
            Some(UsageRule::When(when, then, otherwise)) => {
                match self.profiled.holds(when, self.message, segment) {
                    Some(true) => *then,
                    Some(false) => *otherwise,
                    None => Wanted::Optional,
                }
            }
        };
        let is_valued = self.is_valued(raw);
        match wanted {
            Wanted::Required if !is_valued => self.find_part(missing, at, raw, part),
            Wanted::NotAllowed if is_valued => self.find_part(FindingCode::NotAllowed, at, raw, part),
            _ => return true,
        }
        false
    }

    fn own_value(&mut self, at: Place, segment: Segment<'m>, value: Value<'m>, part: &PartRules) {
        if value.is_empty() || value.is_null() {
            return;
        }
        if let Some(kind) = part.data_type {
            let element = Element::blank(self.dictionary, part.number);
            let before = std::mem::replace(&mut self.profiled.is_own, true);
            self.value(at, value, element, kind);
            self.profiled.is_own = before;
        }
        self.own_text(at, value, part);
        for inner in &part.parts {
            let at = at.part(inner.number);
            let found = value.part(inner.number);
            let end = value.raw().get(value.raw().len()..).unwrap_or_default();
            let raw = found.map_or(end, Value::raw);
            let fits = self.usage(at, segment, raw, inner, FindingCode::MissingComponent);
            if let (true, Some(found)) = (fits, found) {
                self.own_value(at, segment, found, inner);
            }
        }
    }

    fn own_text(&mut self, at: Place, value: Value<'m>, part: &PartRules) {
        let raw = value.raw();
        if let Some(length) = &part.length {
            let characters = u32::try_from(raw.chars().count()).unwrap_or(u32::MAX);
            if characters < *length.start() {
                self.find_part(FindingCode::ShorterThanProfile, at, raw, part);
            } else if characters > *length.end() {
                self.find_part(FindingCode::LongerThanProfile, at, raw, part);
            }
        }
        let text = value.text();
        if part.codes.as_ref().is_some_and(|codes| !codes.has(&text)) {
            self.find_part(FindingCode::UnlistedCode, at, raw, part);
        }
        let is_constant = part.constant.as_ref().is_none_or(|constant| *constant == *text);
        if !is_constant || part.pattern.as_ref().is_some_and(|pattern| !pattern.is_match(&text)) {
            self.find_part(FindingCode::OtherValue, at, raw, part);
        }
    }

    /// V304 of a segment that the profile describes: the fields that it does not have.
    fn fields_beside(&mut self, at: Place, segment: Segment<'m>, known: &[PartRules]) {
        let severity = self.severity_of(FindingCode::UnknownField);
        let Some(severity) = severity else { return };
        for (index, field) in segment.fields().enumerate().filter(|(_, field)| !field.is_empty()) {
            if PartRules::part(known, index + 1).is_none() {
                let (code, at) = (FindingCode::UnknownField, at.field(index + 1));
                self.find(code, Some(severity), at, field.raw(), Fact::None);
            }
        }
    }

    /// V205 and V208: in each of its groups, or in the message.
    fn times(&mut self, rules: &'m SegmentRules, times: Times) {
        let mut counts: HashMap<usize, u32> = HashMap::new();
        match &rules.group {
            None => drop(counts.insert(0, 0)),
            Some(name) => {
                let named = self.profiled.groups.iter().flatten().filter(|(_, group)| group == name);
                counts.extend(named.map(|(instance, _)| (*instance, 0)));
            }
        }
        let mut beyond = Vec::new();
        for (index, segment) in self.message.iter().enumerate().filter(|(_, it)| it.id() == rules.id) {
            let instance = match (&rules.group, self.profiled.groups.get(index).copied().flatten()) {
                (None, _) => 0,
                (Some(name), Some((instance, group))) if group == name => instance,
                _ => continue,
            };
            let count = counts.entry(instance).or_default();
            *count += 1;
            if *count == times.most.saturating_add(1) {
                beyond.push((index, segment.raw()));
            }
        }
        for (index, raw) in beyond {
            let line = Fact::Line(times.line);
            self.find(FindingCode::TooManySegments, None, Place::of_segment(index), raw, line);
        }
        for _ in counts.values().filter(|count| **count < times.least) {
            let (code, raw) = (FindingCode::MissingSegment, self.message.segment_at(0).raw());
            let (error_code, fact) = (code.error_code(), Fact::Line(times.line));
            self.put(code, Severity::Error, error_code, raw, fact, |check| check.path_of_next(&rules.id));
        }
    }

    fn own_check(&mut self, check: &profile::Check) {
        let Some(each) = &check.each else {
            let message = self.message;
            let here = message.segment_at(0);
            return self.asked(check, here, 0, None);
        };
        let message = self.message;
        let asked = message.iter().enumerate().filter(|(_, segment)| segment.id() == each);
        for (nth, (index, segment)) in asked.enumerate() {
            self.asked(check, segment, index, Some(nth as u32 + 1));
        }
    }

    fn asked(&mut self, check: &profile::Check, here: Segment<'m>, index: usize, nth: Option<u32>) {
        let message = self.message;
        let when = check.when.as_ref().map_or(Some(true), |when| self.profiled.holds(when, message, here));
        if when != Some(true) {
            return;
        }
        let (holds, path) = match &check.wants {
            Wants::Present(path) => {
                (self.profiled.holds(&Condition::present(*path), message, here), Some(*path))
            }
            Wants::Holds(condition) => {
                (self.profiled.holds(condition, message, here), condition.paths().next().copied())
            }
        };
        if holds != Some(false) {
            return;
        }
        let (severity, error_code): (Severity, ErrorCode) = (check.severity, check.error_code);
        let fact = Fact::Rule(std::sync::Arc::clone(&check.rule));
        let is_here = |path: &Path| path.segment_id() == here.id() && path.occurrence() == Occurrence::First;
        let nth = nth.filter(|_| path.as_ref().is_some_and(is_here));
        let place = path.map(|path| placed(&path, nth).unwrap_or(path));
        let here = nth.map(|_| here);
        let raw = place.filter(|_| !self.told.is_full()).and_then(|path| raw_at(message, &path, here));
        let raw = raw.unwrap_or_else(|| message.segment_at(index).raw());
        self.put(FindingCode::Rule, severity, error_code, raw, fact, |_| place);
    }
}

/// What stands at the path, in this segment or else in the one that it names; where nothing does, the end of what would have to hold it.
fn raw_at<'m>(message: &'m Message<'_>, path: &Path, here: Option<Segment<'m>>) -> Option<&'m str> {
    let named = || {
        let before = if let Occurrence::Nth(n) = path.occurrence() { n as usize - 1 } else { 0 };
        message.iter().filter(|segment| segment.id() == path.segment_id()).nth(before)
    };
    let segment = here.or_else(named)?;
    let end = |raw: &'m str| raw.get(raw.len()..);
    let Some(field) = segment.field(usize::from(path.field()?)) else { return end(segment.raw()) };
    let before = if let RepetitionIndex::Nth(n) = path.repetition() { n as usize - 1 } else { 0 };
    let Some(repetition) = field.repetitions().nth(before) else { return end(field.raw()) };
    let mut value = repetition.value();
    for number in [path.component(), path.subcomponent()].into_iter().flatten() {
        let Some(part) = value.part(usize::from(number)) else { return end(value.raw()) };
        value = part;
    }
    Some(value.raw())
}

/// A path with the number of its segment.
fn placed(path: &Path, nth: Option<u32>) -> Option<Path> {
    let repetition = match path.repetition() {
        RepetitionIndex::Nth(n) => n,
        RepetitionIndex::Unstated if path.component().is_some() => 1,
        RepetitionIndex::Unstated => 0,
        _ => return None,
    };
    let segment = match path.occurrence() {
        Occurrence::First => nth.unwrap_or(1),
        Occurrence::Nth(n) => n,
        Occurrence::All => return None,
    };
    let number = |part: Option<u16>| part.map_or(0, u32::from);
    let parts = [number(path.component()), number(path.subcomponent())];
    Path::of_location(
        path.segment_id().as_bytes(),
        [segment, number(path.field()), repetition, parts[0], parts[1]],
    )
}

/// Whether the rules of a segment say something of what this code finds.
fn speaks_of(rules: &SegmentRules, code: FindingCode, at: Place) -> bool {
    use FindingCode as C;
    let field = PartRules::part(&rules.fields, at.field as usize);
    let component = match at.component {
        0 => field,
        number => field.and_then(|field| PartRules::part(&field.parts, number as usize)),
    };
    let part = match at.subcomponent {
        0 => component,
        number => component.and_then(|part| PartRules::part(&part.parts, number as usize)),
    };
    // The standard speaks of another type then.
    let is_retyped = [field, component, part].into_iter().flatten().any(|part| part.data_type.is_some());
    match code {
        C::WrongType | C::UnknownComponent | C::MissingComponent | C::UnknownCode | C::LocalCode
            if is_retyped =>
        {
            true
        }
        C::TooLong if is_retyped && at.component > 0 => true,
        C::UnexpectedSegment => !rules.is_standard || !rules.after.is_empty() || rules.times.is_some(),
        C::RepeatedSegment => rules.times.is_some(),
        C::SegmentOutOfOrder => !rules.after.is_empty(),
        C::UnknownField => field.is_some(),
        C::MissingField | C::MissingComponent | C::Withdrawn => part.is_some_and(|part| part.usage.is_some()),
        C::UnknownComponent => part.is_some(),
        C::TooManyRepetitions => part.is_some_and(|part| part.times.is_some()),
        C::TooLong => part.is_some_and(|part| part.length.is_some()),
        // Of a coded value the first component is looked up.
        C::UnknownCode | C::LocalCode => {
            [part, field.filter(|_| at.component == 1)].into_iter().flatten().any(|part| part.codes.is_some())
        }
        _ => false,
    }
}
