//! Finds for each place of the samples what of their payloads it can be.

use std::collections::BTreeMap;

use hl7_core::dictionary::{DataType, Dictionary, Element};
use hl7_core::{Field, Groups, Member, Message, Repetition, Segment, SegmentGroup};

use super::likeness::likeness;
use super::scope::{Chain, Place, places};
use super::survey::Kind;
use super::transform::Transform;
use crate::json::Json;
use crate::standard::{At, Layout};

/// What is drafted, in the order of the message.
pub(super) enum Part {
    Segment(SegmentDraft),
    Group { name: String, each: Option<Loop>, parts: Vec<Part> },
}

/// A loop over a list, and how sure it is.
#[derive(Clone)]
pub(super) struct Loop {
    pub(super) list: Place,
    pub(super) confidence: f64,
}

pub(super) struct SegmentDraft {
    pub(super) id: String,
    pub(super) each: Option<Loop>,
    pub(super) fields: Vec<FieldDraft>,
    /// It stands several times, and no list was found for that.
    pub(super) is_repeated: bool,
}

pub(super) struct FieldDraft {
    pub(super) number: usize,
    pub(super) name: &'static str,
    pub(super) repetitions: Vec<RepetitionDraft>,
}

pub(super) struct RepetitionDraft {
    pub(super) each: Option<Loop>,
    pub(super) leaves: Vec<LeafDraft>,
    /// Whether the field has components.
    pub(super) is_composite: bool,
    /// The types of JSON that the value of an OBX-5 has, with those in OBX-2.
    pub(super) switch: Option<BTreeMap<&'static str, String>>,
}

pub(super) struct LeafDraft {
    pub(super) component: usize,
    pub(super) subcomponent: usize,
    pub(super) guess: Guess,
}

pub(super) enum Guess {
    Path { place: Place, transform: Transform, table: Option<BTreeMap<String, String>>, confidence: f64 },
    Constant { text: String, confidence: f64 },
    Gap,
}

/// How often lists are tried; beyond that groups are not looked into any more. It bounds the work on hostile samples.
const MOST_TRIES: usize = 2_000;

pub(super) fn guess(kind: &Kind, messages: &[Message<'_>], payloads: &[Json<'_>]) -> Vec<Part> {
    let groups: Vec<Groups<'_>> = messages.iter().map(Message::groups).collect();
    let samples: Vec<Sample<'_, SegmentGroup<'_>>> = groups
        .iter()
        .zip(payloads)
        .map(|(groups, payload)| Sample { chain: Chain::of(payload), it: groups.root() })
        .collect();
    let layout = kind.layout();
    Guessing { kind, dictionary: kind.dictionary(), layout, tries: MOST_TRIES }.body(&samples, Layout::ROOT)
}

/// Something of a message, with what of the payload is around it.
#[derive(Clone)]
struct Sample<'j, T> {
    chain: Chain<'j>,
    it: T,
}

struct Guessing<'k> {
    kind: &'k Kind,
    dictionary: Dictionary,
    layout: Option<Layout>,
    tries: usize,
}

#[derive(Clone, PartialEq)]
enum Key {
    Segment(String),
    Group(String),
}

impl Guessing<'_> {
    /// The parts of a group, which stands `at` this place of the structure.
    fn body<'g>(&mut self, samples: &[Sample<'_, SegmentGroup<'g>>], at: At) -> Vec<Part> {
        let mut keys: Vec<Key> = Vec::new();
        for member in samples.iter().flat_map(|sample| sample.it.members()) {
            let key = match member {
                Member::Segment(segment) if segment.has_valid_id() => Key::Segment(segment.id().to_owned()),
                Member::Group(group) => Key::Group(group.name().to_owned()),
                _ => continue,
            };
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        let mut parts = Vec::new();
        for key in keys {
            match key {
                Key::Segment(id) => {
                    let of = |sample: &Sample<'_, SegmentGroup<'g>>| -> Vec<Segment<'g>> {
                        let direct = sample.it.members().filter_map(|member| match member {
                            Member::Segment(segment) if segment.id() == id => Some(segment),
                            _ => None,
                        });
                        direct.collect()
                    };
                    parts.push(Part::Segment(self.segment(&id, &each(samples, of))));
                }
                Key::Group(name) => {
                    let of = |sample: &Sample<'_, SegmentGroup<'g>>| -> Vec<SegmentGroup<'g>> {
                        sample.it.groups().filter(|group| group.name() == name).collect()
                    };
                    parts.extend(self.group(&name, &each(samples, of), at));
                }
            }
        }
        parts
    }

    fn group(&mut self, name: &str, samples: &[Sample<'_, Vec<SegmentGroup<'_>>>], around: At) -> Vec<Part> {
        let at = self.layout.as_ref().and_then(|layout| layout.groups(name, around).next()).unwrap_or(around);
        let (best, mut direct) = self.best(
            samples,
            |guessing, samples| guessing.body(samples, at),
            |parts| parts.iter().map(score_of).sum(),
        );
        let name = name.to_owned();
        match best {
            Some((each, parts)) => vec![Part::Group { name, each: Some(each), parts }],
            None if self.needs_its_group(&direct, around) => {
                let each = take_shared_loop(&mut direct);
                vec![Part::Group { name, each, parts: direct }]
            }
            None => direct,
        }
    }

    /// Whether one of the segments stands at several places of the group around, so that its own group has to be named.
    fn needs_its_group(&self, parts: &[Part], around: At) -> bool {
        let Some(layout) = &self.layout else { return false };
        let count = |id: &str| {
            layout.within(around).filter(|(_, element)| !element.is_group && element.name == id).count()
        };
        parts.iter().any(|part| matches!(part, Part::Segment(segment) if count(&segment.id) > 1))
    }

    fn segment(&mut self, id: &str, samples: &[Sample<'_, Vec<Segment<'_>>>]) -> SegmentDraft {
        let is_repeated = samples.iter().any(|sample| sample.it.len() > 1);
        let (best, direct) = self.best(
            samples,
            |guessing, samples| guessing.fields(id, samples),
            |fields: &Vec<FieldDraft>| fields.iter().map(score_of_field).sum(),
        );
        match best.filter(|_| id != "MSH") {
            Some((each, fields)) => {
                SegmentDraft { id: id.to_owned(), each: Some(each), fields, is_repeated: false }
            }
            None => SegmentDraft { id: id.to_owned(), each: None, fields: direct, is_repeated },
        }
    }

    /// What comes of a loop over the list that explains the most, if any does more than the first instances alone do.
    fn best<'j, T: Clone, R>(
        &mut self,
        samples: &[Sample<'j, Vec<T>>],
        mut guess: impl FnMut(&mut Self, &[Sample<'j, T>]) -> R,
        score: impl Fn(&R) -> f64,
    ) -> (Option<(Loop, R)>, R) {
        let firsts: Vec<Sample<'j, T>> = samples
            .iter()
            .filter_map(|sample| Some(Sample { chain: sample.chain.clone(), it: sample.it.first()?.clone() }))
            .collect();
        let direct = guess(self, &firsts);
        let chains: Vec<Chain<'_>> = samples.iter().map(|sample| sample.chain.clone()).collect();
        let several = samples.iter().any(|sample| sample.it.len() > 1);
        let mut best: Option<(f64, Loop, R)> = None;
        for list in places(&chains).1 {
            let Some(paired) = pair(samples, &list).filter(|paired| !paired.is_empty()) else { continue };
            let Some(left) = self.tries.checked_sub(1) else { break };
            self.tries = left;
            let found = guess(self, &paired);
            let worth = score(&found) - 0.01 * list.out as f64;
            if worth > 0.4 && best.as_ref().is_none_or(|(most, ..)| worth > *most) {
                let confidence = if several { 0.95 } else { 0.75 };
                best = Some((worth, Loop { list, confidence }, found));
            }
        }
        // One instance is a loop where the list says what nothing else does.
        let beats = |worth: f64| several || worth > score(&direct) + 0.3;
        (best.filter(|(worth, ..)| beats(*worth)).map(|(_, each, found)| (each, found)), direct)
    }

    fn fields(&mut self, id: &str, samples: &[Sample<'_, Segment<'_>>]) -> Vec<FieldDraft> {
        let definition = self.dictionary.segment(id);
        let most = samples.iter().map(|sample| sample.it.fields().count()).max().unwrap_or(0);
        let mut fields = Vec::new();
        for number in (1..=most).filter(|number| !self.kind.is_filled(id, *number)) {
            let element = definition.and_then(|segment| segment.field(number));
            let is_empty =
                |sample: &Sample<'_, Segment<'_>>| sample.it.field(number).is_none_or(Field::is_empty);
            if samples.iter().all(is_empty) {
                continue;
            }
            let typed = if id == "OBX" && number == 5 {
                self.stated_type(samples)
            } else {
                element.and_then(Element::data_type)
            };
            let names = [element.map_or("", Element::name), definition.map_or("", |segment| segment.name())];
            let mut repetitions = self.field(element, typed, names, samples, number);
            if id == "OBX" && number == 5 {
                with_switch(&mut repetitions, samples);
            }
            let is_unknown =
                repetitions.iter().flat_map(|one| &one.leaves).all(|leaf| matches!(leaf.guess, Guess::Gap));
            if is_unknown && self.kind.may_be_filled(id, number) {
                continue;
            }
            if let ("MSH", 7 | 10 | 11) | ("EVN", 2) = (id, number)
                && repetitions
                    .iter()
                    .flat_map(|one| &one.leaves)
                    .all(|leaf| !matches!(leaf.guess, Guess::Path { .. }))
            {
                continue;
            }
            fields.push(FieldDraft { number, name: names[0], repetitions });
        }
        let has_switch = fields.iter().flat_map(|field| &field.repetitions).any(|one| one.switch.is_some());
        fields.retain(|field| !(has_switch && field.number == 2));
        fields
    }

    fn stated_type(&self, samples: &[Sample<'_, Segment<'_>>]) -> Option<DataType> {
        let stated = samples.iter().find_map(|sample| sample.it.field(2))?;
        self.dictionary.data_type(stated.raw())
    }

    fn field(
        &mut self,
        element: Option<Element>,
        typed: Option<DataType>,
        names: [&'static str; 2],
        samples: &[Sample<'_, Segment<'_>>],
        number: usize,
    ) -> Vec<RepetitionDraft> {
        fn valued<'m>(field: Field<'m>) -> Vec<Repetition<'m>> {
            field.repetitions().filter(|one| !one.is_empty()).collect()
        }
        let all: Vec<Sample<'_, Vec<Repetition<'_>>>> = samples
            .iter()
            .map(|sample| Sample {
                chain: sample.chain.clone(),
                it: sample.it.field(number).map(valued).unwrap_or_default(),
            })
            .collect();
        let may_repeat = element.is_none_or(|element| element.max() != Some(1));
        let most = all.iter().map(|sample| sample.it.len()).max().unwrap_or(0);
        if may_repeat {
            let guess = |guessing: &mut Self, paired: &[Sample<'_, Repetition<'_>>]| {
                let paired: Vec<_> = paired
                    .iter()
                    .map(|sample| Sample { chain: sample.chain.clone(), it: Some(sample.it) })
                    .collect();
                guessing.repetition(element, typed, names, &paired)
            };
            let (best, _) = self.best(&all, guess, score_of_repetition);
            if let Some((each, draft)) = best {
                return vec![RepetitionDraft { each: Some(each), ..draft }];
            }
        }
        let nth = |n: usize| -> Vec<Sample<'_, Option<Repetition<'_>>>> {
            all.iter()
                .map(|sample| Sample { chain: sample.chain.clone(), it: sample.it.get(n).copied() })
                .collect()
        };
        (0..most).map(|n| self.repetition(element, typed, names, &nth(n))).collect()
    }

    fn repetition(
        &mut self,
        element: Option<Element>,
        typed: Option<DataType>,
        names: [&'static str; 2],
        samples: &[Sample<'_, Option<Repetition<'_>>>],
    ) -> RepetitionDraft {
        let mut values: BTreeMap<(usize, usize), Vec<Option<String>>> = BTreeMap::new();
        for (at, sample) in samples.iter().enumerate() {
            for (c, component) in sample.it.into_iter().flat_map(Repetition::components).enumerate() {
                for (s, leaf) in component.subcomponents().enumerate().filter(|(_, leaf)| !leaf.is_empty()) {
                    let all = values.entry((c + 1, s + 1)).or_insert_with(|| vec![None; samples.len()]);
                    if let Some(value) = all.get_mut(at) {
                        *value = Some(leaf.text().into_owned());
                    }
                }
            }
        }
        let chains: Vec<Chain<'_>> = samples.iter().map(|sample| sample.chain.clone()).collect();
        let reach = places(&chains).0;
        let is_composite = values.keys().any(|place| *place != (1, 1));
        let mut leaves = Vec::new();
        for ((component, subcomponent), values) in values {
            let part = typed.and_then(|kind| kind.component(component));
            let inner = part.and_then(|part| part.data_type()?.component(subcomponent));
            // The table of a coded value stands at the field.
            let of_field = element.filter(|_| (component, subcomponent) == (1, 1));
            let leaf =
                [inner, part, of_field].into_iter().flatten().find(|one| is_coded(*one)).or(inner).or(part);
            let standard =
                [inner.map_or("", Element::name), part.map_or("", Element::name), names[0], names[1]];
            let wanted =
                Wanted { values: &values, chains: &chains, names: &standard, leaf, is_whole: component == 1 };
            leaves.push(LeafDraft { component, subcomponent, guess: wanted.guess(&reach, names[1]) });
        }
        RepetitionDraft { each: None, leaves, is_composite, switch: None }
    }
}

/// Words in the names of the segments that tell of a patient or who belongs to one.
const OF_PATIENTS: [&str; 7] = [
    "Patient Identification",
    "Demographic",
    "Next of Kin",
    "Guarantor",
    "Insurance",
    "Allergy",
    "Diagnosis",
];

/// A place of the message in all samples.
struct Wanted<'w, 'j> {
    values: &'w [Option<String>],
    chains: &'w [Chain<'j>],
    names: &'w [&'static str],
    leaf: Option<Element>,
    /// A field, or its first component.
    is_whole: bool,
}

struct Candidate {
    place: Place,
    transform: Transform,
    likeness: f64,
}

impl Wanted<'_, '_> {
    fn guess(&self, reach: &[Place], segment: &str) -> Guess {
        let candidates: Vec<Candidate> = reach.iter().filter_map(|place| self.candidate(place)).collect();
        let rank = |candidate: &Candidate| {
            let change = if candidate.transform == Transform::Same { 0.0 } else { 0.05 };
            candidate.likeness - change - 0.02 * candidate.place.out as f64
        };
        let best = candidates.iter().max_by(|a, b| rank(a).total_cmp(&rank(b)));
        if let Some(best) = best {
            let others = candidates.iter().filter(|other| other.place != best.place).map(rank);
            let confidence = self
                .confidence(best, others.fold(None, |most, rank| Some(f64::max(most.unwrap_or(rank), rank))));
            let (place, transform) = (best.place.clone(), best.transform);
            return Guess::Path { place, transform, table: None, confidence };
        }
        self.table(reach).or_else(|| self.constant(segment)).unwrap_or(Guess::Gap)
    }

    /// The place, when it has a value in the samples that have one and in no other, and one function makes each of the other.
    fn candidate(&self, place: &Place) -> Option<Candidate> {
        let texts: Vec<Option<&str>> = self.chains.iter().map(|chain| chain.text(place)).collect();
        let is_there = |(text, value): (&Option<&str>, &Option<String>)| text.is_some() == value.is_some();
        if !texts.iter().zip(self.values).all(is_there) {
            return None;
        }
        let makes = |transform: &Transform| {
            let pairs = texts.iter().zip(self.values);
            pairs
                .filter_map(|(text, value)| Some(((*text)?, value.as_ref()?)))
                .all(|(text, value)| transform.of(text).as_ref() == Some(value))
        };
        let transform = Transform::ALL.into_iter().find(makes)?;
        let likeness = likeness(&place.names, self.names);
        Some(Candidate { place: place.clone(), transform, likeness })
    }

    fn confidence(&self, best: &Candidate, next: Option<f64>) -> f64 {
        let mut distinct: Vec<&String> = self.values.iter().flatten().collect();
        distinct.sort();
        distinct.dedup();
        let strength =
            distinct.iter().map(|value| value.chars().count().min(6) as f64 / 6.0).sum::<f64>().min(1.0);
        let sure = match next {
            None => {
                0.55 + 0.2 * strength + 0.2 * best.likeness + if distinct.len() >= 3 { 0.15 } else { 0.0 }
            }
            Some(next) if best.likeness >= next + 0.4 => 0.5 + 0.15 * strength + 0.2 * best.likeness,
            Some(_) => 0.35 + 0.2 * best.likeness,
        };
        // A single short value is found anywhere.
        let most = if strength < 0.6 && distinct.len() < 3 { 0.85 } else { 0.98 };
        sure.min(most)
    }

    /// A place whose every value stands for one of the message's.
    fn table(&self, reach: &[Place]) -> Option<Guess> {
        let codes = |place: &Place| {
            let mut map = BTreeMap::new();
            for (chain, value) in self.chains.iter().zip(self.values) {
                match (chain.text(place), value) {
                    (Some(text), Some(value)) if text.len() <= 40 && value.len() <= 20 => {
                        let known: &mut String = map.entry(text.to_owned()).or_insert_with(|| value.clone());
                        if known != value {
                            return None;
                        }
                    }
                    (None, None) => {}
                    _ => return None,
                }
            }
            let several: std::collections::BTreeSet<&String> = map.values().collect();
            let is_varied = several.len() > 1;
            Some((map, is_varied)).filter(|(map, _)| !map.is_empty())
        };
        let displayed = |map: &BTreeMap<String, String>| {
            let table = self.leaf.and_then(Element::table);
            let says = |(text, value): (&String, &String)| {
                let display = table.and_then(|table| table.code(value)?.display());
                display.is_some_and(|display| display.eq_ignore_ascii_case(text))
            };
            map.iter().all(says)
        };
        let found = reach.iter().filter_map(|place| {
            let (map, is_varied) = codes(place)?;
            let (alike, is_displayed) = (likeness(&place.names, self.names), displayed(&map));
            let is_coded = self.leaf.is_some_and(is_coded);
            let confidence = match (is_displayed, is_coded) {
                (true, _) => 0.55 + 0.3 * alike,
                // One code alone is more often a constant.
                (false, true) if alike >= 0.7 && is_varied => 0.4 + 0.2 * alike,
                _ => return None,
            };
            Some((confidence, place, map))
        });
        let (confidence, place, map) = found.max_by(|a, b| a.0.total_cmp(&b.0))?;
        Some(Guess::Path { place: place.clone(), transform: Transform::Same, table: Some(map), confidence })
    }

    /// What is the same in all samples, where the standard has codes, or names of systems.
    fn constant(&self, segment: &str) -> Option<Guess> {
        let mut values = self.values.iter().flatten();
        let first = values.next()?;
        // What is said of one patient is not said of all.
        let is_of_patient = self.is_whole && OF_PATIENTS.iter().any(|name| segment.contains(name));
        let is_code = self.leaf.is_some_and(is_coded) || segment == "Message Header";
        if is_of_patient {
            return None;
        }
        if !is_code || values.any(|value| value != first) || first == "\"\"" {
            return None;
        }
        let confidence = if self.values.iter().flatten().count() > 1 { 0.7 } else { 0.5 };
        Some(Guess::Constant { text: first.clone(), confidence })
    }
}

fn is_coded(element: Element) -> bool {
    let kind = element.data_type().map_or("", |kind| kind.id());
    matches!(kind, "ID" | "IS") || element.table_number().is_some()
}

fn each<'j, T, U>(
    samples: &[Sample<'j, T>],
    of: impl Fn(&Sample<'j, T>) -> Vec<U>,
) -> Vec<Sample<'j, Vec<U>>> {
    samples.iter().map(|sample| Sample { chain: sample.chain.clone(), it: of(sample) }).collect()
}

/// Each instance with its item of the list; `None` unless there are as many of both in every sample.
fn pair<'j, T: Clone>(samples: &[Sample<'j, Vec<T>>], list: &Place) -> Option<Vec<Sample<'j, T>>> {
    let mut paired = Vec::new();
    for sample in samples {
        let items = sample.chain.items(list)?;
        if items.len() != sample.it.len() {
            return None;
        }
        let both = items.into_iter().zip(&sample.it);
        paired.extend(both.map(|(item, it)| Sample { chain: sample.chain.with(item), it: it.clone() }));
    }
    Some(paired)
}

/// The values of numbers and strings, with the types that OBX-2 states for them.
fn with_switch(repetitions: &mut [RepetitionDraft], samples: &[Sample<'_, Segment<'_>>]) {
    let [one] = repetitions else { return };
    let [LeafDraft { guess: Guess::Path { place, transform: Transform::Same, table: None, .. }, .. }] =
        one.leaves.as_slice()
    else {
        return;
    };
    let mut types = BTreeMap::new();
    for sample in samples {
        let kind = match sample.chain.get(place) {
            Some(Json::Number(_)) => "number",
            Some(Json::String(_)) => "string",
            _ => continue,
        };
        let Some(stated) =
            sample.it.field(2).filter(|stated| matches!(stated.raw(), "NM" | "ST" | "TX" | "FT"))
        else {
            return;
        };
        if types.insert(kind, stated.raw().to_owned()).is_some_and(|before| before != stated.raw()) {
            return;
        }
    }
    one.switch = Some(types);
}

/// The loop of segments that all run over the same list: their group does.
fn take_shared_loop(parts: &mut [Part]) -> Option<Loop> {
    let each = |part: &Part| match part {
        Part::Segment(segment) => segment.each.clone(),
        Part::Group { .. } => None,
    };
    let first = each(parts.first()?)?;
    if parts.len() < 2 || !parts.iter().all(|part| each(part).is_some_and(|each| each.list == first.list)) {
        return None;
    }
    for part in parts {
        if let Part::Segment(segment) = part {
            segment.each = None;
        }
    }
    Some(first)
}

fn score_of(part: &Part) -> f64 {
    match part {
        Part::Segment(segment) => segment.fields.iter().map(score_of_field).sum(),
        Part::Group { parts, .. } => parts.iter().map(score_of).sum(),
    }
}

fn score_of_field(field: &FieldDraft) -> f64 {
    field.repetitions.iter().map(score_of_repetition).sum()
}

fn score_of_repetition(repetition: &RepetitionDraft) -> f64 {
    let worth = |leaf: &LeafDraft| match &leaf.guess {
        Guess::Path { confidence, .. } => *confidence,
        _ => 0.0,
    };
    let found: f64 = repetition.leaves.iter().map(worth).sum();
    // A loop of one is better found further out, where it has more in it.
    found - if repetition.each.as_ref().is_some_and(|each| each.confidence < 0.9) { 0.35 } else { 0.0 }
}
