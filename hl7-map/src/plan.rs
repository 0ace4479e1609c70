//! The plan that a mapping file is compiled to: what to write, in order, with every name resolved.

mod names;

use hl7_core::Path;
use jiff::tz::TimeZone;

use crate::expr::{Comparison, JsonPath, Origin};
use crate::json::Places;
use crate::leaf;
use crate::pattern::Pattern;
use crate::sources::{Function as OutsideFunction, Lookup};
use crate::standard::{At, Layout, Version};

/// A whole mapping.
pub(crate) struct Plan {
    pub(crate) name: String,
    pub(crate) zone: Option<TimeZone>,
    pub(crate) tables: Vec<Table>,
    pub(crate) require: Vec<Required>,
    /// The line of the first rule that reads a member of the payload itself, which then has to be an object.
    pub(crate) reads_members: Option<usize>,
    /// What is read of the payload itself, by [`Origin::Kept`].
    pub(crate) places: Places,
    /// How many operands have a [`Operand::slot`].
    pub(crate) slots: usize,
    /// How many segment IDs are counted.
    pub(crate) counters: usize,
    pub(crate) work: Work,
}

impl Plan {
    /// The version of the message that is made or read; the last where the file names none.
    pub(crate) fn version(&self) -> Version {
        match &self.work {
            Work::Build(build) => build.version,
            Work::Edit(_) => Version::LAST,
            Work::Write(write) => write.source.as_ref().map_or(Version::LAST, |source| source.version),
        }
    }
}

/// What a mapping does.
pub(crate) enum Work {
    /// It makes a message of a payload.
    Build(Build),
    /// It changes a message.
    Edit(Edit),
    /// It makes JSON of a message.
    Write(Write),
}

/// The message that is made.
pub(crate) struct Build {
    pub(crate) version: Version,
    pub(crate) message: MessageType,
    /// MSH first, the others in the order of the structure.
    pub(crate) parts: Vec<Part>,
    /// A value beyond ASCII cannot be sent: the version has no field for the character set, and the file gives none.
    pub(crate) ascii_only: bool,
}

/// A segment or a group of them.
pub(crate) enum Part {
    Segment(SegmentRule),
    Group(GroupRule),
}

/// The parts of a group, once or once an item.
pub(crate) struct GroupRule {
    pub(crate) name: String,
    pub(crate) line: usize,
    pub(crate) when: Option<Test>,
    pub(crate) each: Option<Loop>,
    pub(crate) parts: Vec<Part>,
    /// The counters of the segments whose numbering begins anew in each instance.
    pub(crate) restarts: Vec<usize>,
    /// It reads no input, so it is written wherever one of its rules writes something.
    pub(crate) constant: bool,
}

/// The JSON that is made.
pub(crate) struct Write {
    pub(crate) gate: Gate,
    pub(crate) source: Option<SourceMessage>,
    /// The structure of the message, where its groups are known.
    pub(crate) layout: Option<Layout>,
    pub(crate) members: Vec<Member>,
}

/// The message that is read: its type, and the versions it may have.
pub(crate) struct SourceMessage {
    pub(crate) kind: String,
    pub(crate) event: String,
    pub(crate) version: Version,
    pub(crate) versions: (Version, Version),
    pub(crate) line: usize,
}

/// A member of an object.
pub(crate) struct Member {
    /// The name as JSON, with its colon.
    pub(crate) name: String,
    pub(crate) value: JsonRule,
}

pub(crate) enum JsonRule {
    Value(JsonValue),
    Object(Box<ObjectRule>),
    List(Vec<JsonRule>),
    /// The rule for the text of a value.
    Switch(JsonSwitch),
}

pub(crate) struct JsonValue {
    pub(crate) formula: Formula,
    pub(crate) constant: bool,
    /// The place in the JSON, with `[]` for each loop, and the line of the rule.
    pub(crate) place: String,
    pub(crate) line: usize,
}

pub(crate) struct ObjectRule {
    pub(crate) when: Option<Test>,
    pub(crate) each: Option<Loop>,
    pub(crate) members: Vec<Member>,
    /// It reads no input, so it is always written.
    pub(crate) constant: bool,
    pub(crate) place: String,
    pub(crate) line: usize,
}

pub(crate) struct JsonSwitch {
    pub(crate) over: Formula,
    pub(crate) cases: Vec<(String, JsonRule)>,
    pub(crate) otherwise: Option<Box<JsonRule>>,
    pub(crate) place: String,
    pub(crate) line: usize,
}

/// Which messages a mapping takes, and which it drops.
#[derive(Default)]
pub(crate) struct Gate {
    pub(crate) accept: Vec<Accept>,
    pub(crate) drops: Vec<Drops>,
}

/// What changes in a message. Everything reads the message as it came in.
#[derive(Default)]
pub(crate) struct Edit {
    pub(crate) gate: Gate,
    pub(crate) sets: Vec<SetRule>,
    pub(crate) removes: Vec<RemoveRule>,
    pub(crate) adds: Vec<AddRule>,
}

/// A place that has to hold one of these texts.
pub(crate) struct Accept {
    pub(crate) path: Path,
    pub(crate) texts: Vec<String>,
    pub(crate) line: usize,
}

/// A reason not to go on with a message.
pub(crate) struct Drops {
    pub(crate) when: Test,
    pub(crate) reason: String,
    pub(crate) line: usize,
}

/// A new value for each place that `target` names.
pub(crate) struct SetRule {
    pub(crate) target: Path,
    pub(crate) value: SetValue,
    pub(crate) when: Option<Test>,
    /// A path of the value has `[*]` for its repetition as the target has, so that they go in pairs.
    pub(crate) pairs: bool,
    pub(crate) line_breaks: LineBreaks,
    /// Such as `PID-5[*].1`, and the line of the rule.
    pub(crate) place: String,
    pub(crate) line: usize,
}

pub(crate) enum SetValue {
    Formula(Formula),
    /// A composite, or components by number: a whole repetition.
    Repetition(Box<RepetitionRule>),
}

impl SetValue {
    /// Each path that goes in pairs with the repetitions that are set.
    pub(crate) fn each_pair(&self, found: &mut dyn FnMut(&ReadPath)) {
        let mut look = |formula: &Formula| {
            formula.any_term(&mut |term| {
                if let Term::Read(read) = term
                    && read.pairs_repetition
                {
                    found(read);
                }
                false
            });
        };
        match self {
            SetValue::Formula(formula) => look(formula),
            SetValue::Repetition(rule) => rule.leaves.iter().for_each(|leaf| look(&leaf.formula)),
        }
    }
}

pub(crate) enum RemoveRule {
    /// Values or repetitions.
    Path { path: Path, line: usize },
    /// Segments whose ID fits, `?` for any character.
    Segments { pattern: [u8; 3], nth: Option<u32>, when: Option<Test>, line: usize },
}

/// A segment that comes before or behind what `at` names.
pub(crate) struct AddRule {
    pub(crate) segment: SegmentRule,
    pub(crate) at: Option<Anchor>,
}

/// Before the first or behind the last segment that the path names.
pub(crate) struct Anchor {
    pub(crate) path: Path,
    pub(crate) before: bool,
}

/// MSH-9.
pub(crate) struct MessageType {
    pub(crate) kind: String,
    pub(crate) event: String,
    pub(crate) structure: String,
}

impl MessageType {
    /// The components of MSH-9: the structure since 2.3.1 (2.3.1, chapter 2, section 2.24.1.9).
    pub(crate) fn stated(&self, version: Version) -> impl Iterator<Item = &str> {
        let structure = if version >= Version::V2_3_1 { self.structure.as_str() } else { "" };
        [self.kind.as_str(), self.event.as_str(), structure].into_iter().take_while(|part| !part.is_empty())
    }
}

/// A path that has to be present.
pub(crate) struct Required {
    pub(crate) formula: Formula,
    pub(crate) line: usize,
}

pub(crate) struct Table {
    pub(crate) name: String,
    /// Sorted by the first.
    pub(crate) rows: Vec<(String, String)>,
    pub(crate) on_miss: OnMiss,
}

impl Table {
    /// What stands beside the text.
    pub(crate) fn entry(&self, text: &str) -> Option<&str> {
        let row = self.rows.binary_search_by(|(from, _)| from.as_str().cmp(text)).ok()?;
        self.rows.get(row).map(|(_, to)| to.as_str())
    }
}

/// What becomes of a value that a table does not have.
#[derive(Clone)]
pub(crate) enum OnMiss {
    Error,
    Keep,
    Drop,
    Text(String),
}

/// A segment, once or once an item.
pub(crate) struct SegmentRule {
    pub(crate) id: String,
    pub(crate) line: usize,
    pub(crate) when: Option<Test>,
    pub(crate) each: Option<Loop>,
    /// By number.
    pub(crate) fields: Vec<FieldRule>,
    /// Written also when none of its values is present.
    pub(crate) required: bool,
    /// It reads no input, so it is written wherever one of its rules writes something.
    pub(crate) constant: bool,
    /// There may be several segments of this ID.
    pub(crate) repeats: bool,
    /// Where segments of this ID are counted.
    pub(crate) counter: usize,
    /// The counters of the segments whose numbering begins anew behind this one.
    pub(crate) restarts: Vec<usize>,
}

/// One round for each item of `over` that passes `filter`.
pub(crate) struct Loop {
    pub(crate) over: Formula,
    pub(crate) filter: Option<Test>,
}

pub(crate) struct FieldRule {
    pub(crate) number: u16,
    pub(crate) repetitions: Vec<RepetitionRule>,
    /// What stands in the field when no rule gives it a value.
    pub(crate) fill: Option<Fill>,
    /// There may be several repetitions.
    pub(crate) repeats: bool,
}

/// What is filled in without a rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fill {
    /// The clock, as in MSH-7.
    Clock,
    /// Type, event and structure, as in MSH-9.
    MessageType,
    /// The control ID that the caller gave.
    ControlId,
    /// `P`.
    Production,
    /// The version.
    Version,
    /// The event, as in EVN-1 of the earliest versions.
    Event,
    /// What stands in MSH-7.
    MessageTime,
    /// How many segments with this ID there are, this one included.
    SetId,
}

/// A repetition of a field, once or once an item.
pub(crate) struct RepetitionRule {
    /// The place, such as `PID-3`, and the line of the rule.
    pub(crate) place: String,
    pub(crate) line: usize,
    pub(crate) when: Option<Test>,
    pub(crate) each: Option<Loop>,
    /// By component and subcomponent.
    pub(crate) leaves: Vec<Leaf>,
    /// Another rule for each type of value, in place of leaves.
    pub(crate) switch: Option<Box<Switch>>,
    /// It reads no input, so it is always written.
    pub(crate) constant: bool,
}

/// Rules by the JSON type of a value.
pub(crate) struct Switch {
    pub(crate) over: Formula,
    pub(crate) cases: Vec<(Kind, RepetitionRule)>,
}

/// A JSON type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Number,
    String,
    Object,
    Boolean,
    Array,
    Null,
}

impl Kind {
    pub(crate) const ALL: [(&str, Self); 6] = [
        ("number", Self::Number),
        ("string", Self::String),
        ("object", Self::Object),
        ("boolean", Self::Boolean),
        ("array", Self::Array),
        ("null", Self::Null),
    ];

    pub(crate) fn with_article(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::String => "a string",
            Self::Object => "an object",
            Self::Boolean => "a boolean",
            Self::Array => "an array",
            Self::Null => "a null",
        }
    }
}

/// A single value of the message.
pub(crate) struct Leaf {
    pub(crate) component: u16,
    pub(crate) subcomponent: u16,
    pub(crate) formula: Formula,
    /// What is written in any case, as it stands in the message.
    pub(crate) always: Option<String>,
    /// A JSON null is written as HL7's null.
    pub(crate) null_deletes: bool,
    pub(crate) constant: bool,
    pub(crate) line_breaks: LineBreaks,
    /// Such as `PID-5.1`, and the line of the rule.
    pub(crate) place: String,
    pub(crate) line: usize,
}

/// How a line break in a value is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LineBreaks {
    /// `\X0D\`
    Hex,
    /// `\.br\`, for formatted text (FT).
    Formatted,
    /// As the type in OBX-2 says.
    AsTyped,
}

/// The first of `choice` that is present, through all of `steps`.
pub(crate) struct Formula {
    pub(crate) choice: Vec<Term>,
    pub(crate) steps: Vec<Function>,
}

pub(crate) enum Term {
    Text(String),
    /// HL7's null.
    Null,
    Path(JsonPath),
    Read(ReadPath),
    /// The groups or segments that a loop goes over.
    Each(EachLines),
    Now,
    Group(Box<Formula>),
}

/// The groups or segments that a loop goes over, so many items above the current one.
#[derive(Clone)]
pub(crate) struct EachLines {
    pub(crate) of: LinesOf,
    pub(crate) above: usize,
}

/// What a loop over a message goes over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LinesOf {
    /// The groups at this place of the structure.
    Group(At),
    Segment([u8; 3]),
    /// What begins with each segment of this ID, where the structure is not known.
    Anchor([u8; 3]),
}

/// A path of the message that is read.
#[derive(Clone)]
pub(crate) struct ReadPath {
    pub(crate) path: Path,
    /// As written, for people.
    pub(crate) text: String,
    /// Where it is read: so many items above the current one.
    pub(crate) above: usize,
    /// Segments of the group itself are meant, not of the groups in it.
    pub(crate) direct: bool,
    /// `[*]` behind the segment means the segment that a `set` is at.
    pub(crate) pairs_segment: bool,
    /// `[*]` behind the field means the repetition that a `set` is at.
    pub(crate) pairs_repetition: bool,
}

pub(crate) enum Function {
    Upper,
    Lower,
    Trim,
    Digits,
    Left(usize),
    Pad(usize, char),
    Replace(Term, Term),
    Split(Term),
    Join(Term),
    Concat(Vec<Term>),
    Default(Term),
    /// By its place in [`Plan::tables`].
    Table(usize),
    Date(Form),
    Dtm(Precision, OffsetRule, Form),
    ZoneIn(TimeZone),
    Number,
    Round(usize),
    Len,
    First,
    Last,
    Hash(usize),
    Text,
    Bool,
    Raw,
    Typed(Term),
    Time(Form),
    ToZone(TimeZone),
    AddDays(i32),
    Unique,
    /// These texts are absent; without any, blanks are.
    Empty(Vec<Term>),
    Mask(usize),
    Uuid5(Term),
    Phone,
    NamePart(NamePart),
    Lookup(Lookup, OnMiss),
    Outside(OutsideFunction, Vec<Term>),
}

/// A part of a person's name in one text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NamePart {
    Family,
    Given,
    Middle,
}

/// Down to where a time is kept.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Precision {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Fraction,
}

/// How a date or time is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    Hl7,
    /// ISO 8601.
    Iso,
}

/// Whether a time has to have its offset.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum OffsetRule {
    AsStated,
    Needed,
}

pub(crate) enum Test {
    Any(Vec<Test>),
    All(Vec<Test>),
    Not(Box<Test>),
    Present(Formula),
    Compare(Operand, Comparison, Operand),
    In(Operand, Vec<Operand>),
    Matches(Formula, Pattern),
}

/// One side of a comparison.
pub(crate) struct Operand {
    pub(crate) formula: Formula,
    /// Where its texts are kept, when they are the same in every round of a loop.
    pub(crate) slot: Option<usize>,
}

impl Formula {
    /// The path that it is and nothing more.
    pub(crate) fn only_path(&self) -> Option<&JsonPath> {
        match (self.choice.as_slice(), self.steps.as_slice()) {
            ([Term::Path(path)], []) => Some(path),
            _ => None,
        }
    }

    /// A text of the file.
    pub(crate) fn of_text(text: &str) -> Self {
        Self { choice: vec![Term::Text(text.to_owned())], steps: Vec::new() }
    }

    /// A text of the file that stands in a message the same in each field: it has no line break.
    pub(crate) fn always(&self) -> Option<String> {
        let ([Term::Text(text)], []) = (self.choice.as_slice(), self.steps.as_slice()) else { return None };
        let mut written = String::new();
        leaf::push(&mut written, text, false);
        (!text.is_empty() && !text.contains(['\r', '\n'])).then_some(written)
    }

    /// Whether anything of the input is read.
    pub(crate) fn reads_input(&self) -> bool {
        self.any_term(&mut |term| matches!(term, Term::Path(_) | Term::Read(_) | Term::Each(_)))
    }

    /// Whether what it gives is the same wherever it is asked for: it reads from the root of the payload alone.
    pub(crate) fn is_fixed(&self) -> bool {
        !self.any_term(&mut |term| match term {
            Term::Path(path) => matches!(path.from, Origin::Above(_)),
            Term::Read(_) | Term::Each(_) => true,
            _ => false,
        })
    }

    fn any_term(&self, holds: &mut dyn FnMut(&Term) -> bool) -> bool {
        self.choice.iter().any(|term| term.any_term(holds))
            || self.steps.iter().any(|step| step.any_term(holds))
    }
}

impl Term {
    fn any_term(&self, holds: &mut dyn FnMut(&Term) -> bool) -> bool {
        holds(self)
            || match self {
                Term::Group(inner) => inner.any_term(holds),
                _ => false,
            }
    }
}

impl Function {
    fn any_term(&self, holds: &mut dyn FnMut(&Term) -> bool) -> bool {
        self.terms().into_iter().any(|term| term.any_term(holds))
    }

    /// It may give a value where there is none.
    pub(crate) fn gives_of_nothing(&self) -> bool {
        matches!(self, Function::Default(_))
    }

    /// It works on one text and needs nothing but that: no other value, and no list as a whole.
    pub(crate) fn is_of_text(&self) -> bool {
        match self {
            Function::Upper
            | Function::Lower
            | Function::Trim
            | Function::Digits
            | Function::Left(_)
            | Function::Pad(..)
            | Function::Date(_)
            | Function::Dtm(..)
            | Function::ZoneIn(_)
            | Function::Time(_)
            | Function::ToZone(_)
            | Function::AddDays(_)
            | Function::Mask(_)
            | Function::Phone
            | Function::NamePart(_)
            | Function::Lookup(..)
            | Function::Number
            | Function::Bool
            | Function::Round(_)
            | Function::Hash(_)
            | Function::Table(_) => true,
            Function::Replace(..)
            | Function::Split(_)
            | Function::Join(_)
            | Function::Concat(_)
            | Function::Default(_)
            | Function::Len
            | Function::First
            | Function::Last
            | Function::Text
            | Function::Raw
            | Function::Typed(_)
            | Function::Unique
            | Function::Empty(_)
            | Function::Uuid5(_)
            | Function::Outside(..) => false,
        }
    }

    /// Of a place with several leaves it changes the first, the others stay: a date's second component is no date.
    pub(crate) fn takes_first_leaf(&self) -> bool {
        matches!(
            self,
            Function::Time(_)
                | Function::ToZone(_)
                | Function::AddDays(_)
                | Function::Date(_)
                | Function::Dtm(..)
                | Function::ZoneIn(_)
                | Function::Number
                | Function::Round(_)
        )
    }
}
