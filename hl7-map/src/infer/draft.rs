//! Writes the draft, tries it on the samples, and takes back confidence where it makes something else.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::UNIX_EPOCH;

use hl7_core::Message;

use super::guess::{FieldDraft, Guess, LeafDraft, Loop, Part, RepetitionDraft, SegmentDraft};
use super::survey::Kind;
use super::{Draft, DraftLine, Gap, SamplePair};
use crate::context::Context;
use crate::json::{self, JsonLimits, push_string};
use crate::mapping::Mapping;

/// What is below this is written, and said to be unlikely.
const UNLIKELY: f64 = 0.3;

pub(super) fn write(
    kind: &Kind,
    parts: Vec<Part>,
    pairs: &[SamplePair<'_>],
    messages: &[Message<'_>],
) -> Draft {
    let none = BTreeSet::new();
    let first = Writer::of(kind, &parts, &none, None);
    let loaded = Mapping::from_yaml(&first.text).ok();
    let tried = Tried::on(&first, loaded.as_ref(), kind, pairs, messages);
    let test = pairs.first().and_then(|pair| test_of(&first, loaded.as_ref()?, pair, messages.first()?));
    let mut last = Writer::of(kind, &parts, &tried.others, test.as_deref());
    if Mapping::from_yaml(&last.text).is_ok_and(|mapping| mapping.run_tests().failed() > 0) {
        last = Writer::of(kind, &parts, &tried.others, None);
    }
    Draft { yaml: last.text, lines: last.lines, gaps: last.gaps, reproduced: (tried.same, tried.all) }
}

struct Writer<'w> {
    text: String,
    tables: BTreeMap<String, BTreeMap<String, String>>,
    lines: Vec<DraftLine>,
    gaps: Vec<Gap>,
    /// The places where the draft makes something else than the samples have.
    others: &'w BTreeSet<String>,
}

impl<'w> Writer<'w> {
    fn of(kind: &Kind, parts: &[Part], others: &'w BTreeSet<String>, test: Option<&str>) -> Self {
        let mut writer = Writer {
            text: String::new(),
            tables: BTreeMap::new(),
            lines: Vec::new(),
            gaps: Vec::new(),
            others,
        };
        writer.parts(parts, 1);
        let body = std::mem::take(&mut writer.text);
        let mut text = String::from(
            "# A draft. The number behind each line says how sure it is, from 0 to 1; what is marked TODO was not found.\n",
        );
        text += &format!(
            "map: draft\nfrom: json\nto: {{ hl7: \"{}\", message: {} }}\n",
            kind.version.number(),
            kind.message
        );
        let own = own_segments(parts);
        if !own.is_empty() {
            text += &format!(
                "segments: {{ {} }}\n",
                own.iter().map(|id| format!("{id}: any")).collect::<Vec<_>>().join(", ")
            );
        }
        if !writer.tables.is_empty() {
            text.push_str("tables:\n");
        }
        for (name, table) in &writer.tables {
            let entries: Vec<_> =
                table.iter().map(|(from, to)| format!("{}: {}", quoted(from), quoted(to))).collect();
            text += &format!("  {name}: {{ map: {{ {} }} }}\n", entries.join(", "));
        }
        text.push_str(if body.is_empty() { "emit: {}\n" } else { "emit:\n" });
        text += &body;
        text += test.unwrap_or_default();
        writer.text = text;
        writer
    }

    fn parts(&mut self, parts: &[Part], depth: usize) {
        let mut at = 0;
        while let Some(part) = parts.get(at) {
            match part {
                Part::Segment(segment) => self.segment(segment, depth),
                Part::Group { name, each, parts } => {
                    let (start, rules) = (self.text.len(), self.lines.len());
                    self.line(depth, &format!("{name}:"), None);
                    let behind = self.text.len();
                    if let Some(each) = each {
                        self.each(depth + 1, name, each);
                    }
                    self.parts(parts, depth + 1);
                    if self.lines.len() == rules {
                        // Nothing was found for it: what is missing is told, without a group that has nothing in it.
                        self.text.replace_range(start..behind, "");
                    }
                }
            }
            at += 1;
        }
    }

    fn segment(&mut self, segment: &SegmentDraft, depth: usize) {
        let id = &segment.id;
        let known = |field: &&FieldDraft| {
            field.repetitions.iter().flat_map(|one| &one.leaves).any(|leaf| !matches!(leaf.guess, Guess::Gap))
        };
        let has_lines = segment.fields.iter().any(|field| known(&field));
        if has_lines || segment.each.is_some() {
            self.line(depth, &format!("{id}:"), None);
        }
        if let Some(each) = &segment.each {
            self.each(depth + 1, id, each);
        }
        for field in &segment.fields {
            self.field(id, field, depth + 1);
        }
        if segment.is_repeated {
            self.gap(depth + 1, id.clone(), "it stands several times, and no list was found for that");
        }
    }

    fn field(&mut self, id: &str, field: &FieldDraft, depth: usize) {
        let place = format!("{id}-{}", field.number);
        let drafted: Vec<&RepetitionDraft> = field
            .repetitions
            .iter()
            .filter(|one| one.leaves.iter().any(|leaf| !matches!(leaf.guess, Guess::Gap)))
            .collect();
        match drafted.as_slice() {
            [] => {}
            [one] => self.repetition(&place, &format!("{}:", field.number), one, depth),
            several => {
                self.line(depth, &format!("{}:", field.number), None);
                for one in several {
                    self.repetition(&place, "-", one, depth + 1);
                }
            }
        }
        for leaf in field.repetitions.iter().flat_map(|one| &one.leaves) {
            if matches!(leaf.guess, Guess::Gap) {
                let is_composite = field.repetitions.iter().any(|one| one.is_composite);
                self.gap(depth, leaf_place(&place, leaf, is_composite), field.name);
            }
        }
    }

    /// A value behind `7:` or `-`, or its parts below.
    fn repetition(&mut self, place: &str, head: &str, one: &RepetitionDraft, depth: usize) {
        if let Some(types) = &one.switch
            && let [LeafDraft { guess: Guess::Path { place: path, confidence, .. }, .. }] =
                one.leaves.as_slice()
        {
            let path = path.shown();
            self.note(place.to_owned(), path.clone(), *confidence);
            self.line(depth, head, Some(self.sureness(place, *confidence)));
            let path = expression(&path);
            self.line(depth + 1, &format!("switch: {path}"), None);
            for (kind, stated) in types {
                self.line(depth + 1, &format!("{kind}: {{ type: {stated}, value: {path} }}"), None);
            }
            return;
        }
        if !one.is_composite && one.each.is_none() {
            if let Some(leaf) = one.leaves.first() {
                self.leaf(place.to_owned(), head, leaf, depth);
            }
            return;
        }
        self.line(depth, head, None);
        if let Some(each) = &one.each {
            self.each(depth + 1, place, each);
        }
        if !one.is_composite {
            if let Some(leaf) = one.leaves.first() {
                self.leaf(place.to_owned(), "value:", leaf, depth + 1);
            }
            return;
        }
        let mut components: BTreeMap<usize, Vec<&LeafDraft>> = BTreeMap::new();
        for leaf in one.leaves.iter().filter(|leaf| !matches!(leaf.guess, Guess::Gap)) {
            components.entry(leaf.component).or_default().push(leaf);
        }
        for (component, leaves) in components {
            match leaves.as_slice() {
                [leaf] if leaf.subcomponent == 1 => {
                    self.leaf(leaf_place(place, leaf, true), &format!("{component}:"), leaf, depth + 1);
                }
                several => {
                    self.line(depth + 1, &format!("{component}:"), None);
                    for leaf in several {
                        let head = format!("{}:", leaf.subcomponent);
                        self.leaf(leaf_place(place, leaf, true), &head, leaf, depth + 2);
                    }
                }
            }
        }
    }

    fn leaf(&mut self, place: String, head: &str, leaf: &LeafDraft, depth: usize) {
        let (rule, confidence) = match &leaf.guess {
            Guess::Path { place: path, transform, table, confidence } => {
                let table = table.as_ref().map(|table| self.table(&place, table));
                let table = table.map_or(String::new(), |name| format!(" | table {name}"));
                (format!("{}{}{table}", path.shown(), transform.shown()), *confidence)
            }
            Guess::Constant { text, confidence } => (constant(text), *confidence),
            Guess::Gap => return,
        };
        self.note(place.clone(), rule.clone(), confidence);
        let shown = if rule.starts_with('"') { rule } else { expression(&rule) };
        self.line(depth, &format!("{head} {shown}"), Some(self.sureness(&place, confidence)));
    }

    fn table(&mut self, place: &str, table: &BTreeMap<String, String>) -> String {
        let name = place.to_lowercase().replace(['-', '.'], "_");
        self.tables.entry(name.clone()).or_default().extend(table.clone());
        name
    }

    fn each(&mut self, depth: usize, place: &str, each: &Loop) {
        let list = each.list.shown();
        self.line(depth, &format!("each: {}", expression(&list)), Some(each.confidence));
        self.lines.push(DraftLine {
            place: format!("each {place}"),
            rule: list,
            confidence: each.confidence,
        });
    }

    fn note(&mut self, place: String, rule: String, confidence: f64) {
        let confidence = self.sureness(&place, confidence);
        self.lines.push(DraftLine { place, rule, confidence });
    }

    fn sureness(&self, place: &str, confidence: f64) -> f64 {
        if self.others.contains(place) { confidence.min(UNLIKELY) } else { confidence }
    }

    fn gap(&mut self, depth: usize, place: String, name: &str) {
        let gap = Gap { place, name: name.to_owned() };
        if !self.gaps.contains(&gap) {
            self.text += &format!("{}# TODO {} {}\n", "  ".repeat(depth), gap.place, gap.name);
            self.gaps.push(gap);
        }
    }

    fn line(&mut self, depth: usize, text: &str, confidence: Option<f64>) {
        let line = format!("{}{text}", "  ".repeat(depth));
        match confidence {
            Some(confidence) => self.text += &format!("{line:<60} # {confidence:.2}\n"),
            None => self.text += &format!("{line}\n"),
        }
    }
}

fn leaf_place(field: &str, leaf: &LeafDraft, is_composite: bool) -> String {
    match (is_composite, leaf.subcomponent) {
        (false, _) => field.to_owned(),
        (true, 1) => format!("{field}.{}", leaf.component),
        (true, subcomponent) => format!("{field}.{}.{subcomponent}", leaf.component),
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::new();
    push_string(&mut out, text);
    readable(&out)
}

/// JSON whose texts hold no character that YAML does not take (YAML 1.2, chapter 5.1): those are written as escape sequences.
fn readable(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out
}

/// An expression as YAML has it, in quotes where it holds what YAML would take for its own.
fn expression(rule: &str) -> String {
    let rule = readable(rule);
    if rule.contains(['#', '{', '}', '[', ']', ',']) || rule.contains(": ") || rule.ends_with(':') {
        return format!("'{}'", rule.replace('\'', "''"));
    }
    rule
}

/// A text that is no expression.
fn constant(text: &str) -> String {
    let is_like_one = text.starts_with(['.', '^', '$', '(', '=']) || text.starts_with("lit:");
    quoted(&if is_like_one { format!("lit:{text}") } else { text.to_owned() })
}

fn own_segments(parts: &[Part]) -> BTreeSet<String> {
    let mut own = BTreeSet::new();
    for part in parts {
        match part {
            Part::Segment(segment) if segment.id.starts_with('Z') => drop(own.insert(segment.id.clone())),
            Part::Segment(_) => {}
            Part::Group { parts, .. } => own.extend(own_segments(parts)),
        }
    }
    own
}

/// A place with the numbers of its instances: the segment and which of its ID, field, repetition, component, subcomponent.
type Spot = (String, usize, [u32; 4]);

fn spots(message: &Message<'_>) -> HashMap<Spot, String> {
    let mut numbers: HashMap<String, usize> = HashMap::new();
    let counted: Vec<(String, usize)> = message
        .iter()
        .map(|segment| {
            let n = numbers.entry(segment.id().to_owned()).or_default();
            *n += 1;
            (segment.id().to_owned(), *n)
        })
        .collect();
    let leaves = message.leaves().filter(|leaf| !leaf.value.is_empty());
    leaves
        .filter_map(|leaf| {
            let (id, n) = counted.get(leaf.segment as usize)?.clone();
            let place = [leaf.field, leaf.repetition, leaf.component, leaf.subcomponent];
            Some(((id, n, place), leaf.value.text().into_owned()))
        })
        .collect()
}

/// What the draft makes of the samples.
struct Tried {
    same: usize,
    all: usize,
    others: BTreeSet<String>,
}

impl Tried {
    fn on(
        draft: &Writer<'_>,
        loaded: Option<&Mapping>,
        kind: &Kind,
        pairs: &[SamplePair<'_>],
        messages: &[Message<'_>],
    ) -> Self {
        let mut tried = Tried { same: 0, all: 0, others: BTreeSet::new() };
        let drafted: BTreeSet<&str> = draft.lines.iter().map(|line| line.place.as_str()).collect();
        for (pair, message) in pairs.iter().zip(messages) {
            let made = loaded.and_then(|mapping| applied(mapping, pair));
            let made = made.map(|made| spots(&made)).unwrap_or_default();
            for ((id, n, place), text) in spots(message) {
                let field = place[0] as usize;
                let named = [
                    format!("{id}-{field}"),
                    format!("{id}-{field}.{}", place[2]),
                    format!("{id}-{field}.{}.{}", place[2], place[3]),
                ];
                let name = named.into_iter().rev().find(|name| drafted.contains(name.as_str()));
                let by_engine =
                    kind.is_filled(&id, field) || (kind.may_be_filled(&id, field) && name.is_none());
                if by_engine || (id == "OBX" && field == 2) {
                    continue;
                }
                tried.all += 1;
                if made.get(&(id, n, place)) == Some(&text) {
                    tried.same += 1;
                } else {
                    tried.others.extend(name);
                }
            }
        }
        tried
    }
}

fn applied(mapping: &Mapping, pair: &SamplePair<'_>) -> Option<Message<'static>> {
    mapping.apply_json(pair.json.as_bytes(), &Context::new("1", UNIX_EPOCH)).ok()
}

/// The first pair as a test: the fields that the draft makes as they are, in segments that stand once.
fn test_of(
    draft: &Writer<'_>,
    mapping: &Mapping,
    pair: &SamplePair<'_>,
    message: &Message<'_>,
) -> Option<String> {
    let made = applied(mapping, pair)?;
    let limits = JsonLimits { bytes: usize::MAX, values: usize::MAX };
    let given = readable(&json::read(pair.json.as_bytes(), limits).ok()?.shown());
    let mut expect = Vec::new();
    for segment in made.iter().filter(|segment| made.segments(segment.id()).count() == 1) {
        let Some(sample) = message.segments(segment.id()).next() else { continue };
        let is_drafted = |number: usize| {
            let name = format!("{}-{number}", segment.id());
            draft.lines.iter().any(|line| line.place == name || line.place.starts_with(&format!("{name}.")))
        };
        for (at, field) in segment.fields().enumerate().filter(|(at, _)| is_drafted(at + 1)) {
            let same = sample.field(at + 1).is_some_and(|wanted| wanted.raw() == field.raw());
            if same && !field.is_empty() {
                expect.push(format!(
                    "{}: {}",
                    quoted(&format!("{}-{}", segment.id(), at + 1)),
                    quoted(field.raw())
                ));
            }
        }
    }
    if expect.is_empty() {
        return None;
    }
    Some(format!(
        "tests:\n  - name: the first sample\n    given: {given}\n    expect: {{ {} }}\n",
        expect.join(", ")
    ))
}
