//! The plan that a mapping file is compiled to: what to write, in order, with every name resolved.

use jiff::tz::TimeZone;

use crate::expr::{Comparison, JsonPath, Origin};
use crate::standard::Version;

/// A whole mapping.
pub(crate) struct Plan {
    pub(crate) name: String,
    pub(crate) version: Version,
    pub(crate) message: MessageType,
    pub(crate) zone: Option<TimeZone>,
    pub(crate) tables: Vec<Table>,
    pub(crate) require: Vec<Required>,
    /// MSH first, EVN next where there is one, then in the order of the file.
    pub(crate) segments: Vec<SegmentRule>,
    /// The line of the first rule that reads a member of the payload itself, which then has to be an object.
    pub(crate) reads_members: Option<usize>,
    /// A value beyond ASCII cannot be sent: the version has no field for the character set, and the file gives none.
    pub(crate) ascii_only: bool,
    /// How many operands have a [`Operand::slot`].
    pub(crate) slots: usize,
}

/// MSH-9.
pub(crate) struct MessageType {
    pub(crate) kind: String,
    pub(crate) event: String,
    pub(crate) structure: String,
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

/// What becomes of a value that a table does not have.
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
    /// It reads no input, so it is always written.
    pub(crate) constant: bool,
}

/// A single value of the message.
pub(crate) struct Leaf {
    pub(crate) component: u16,
    pub(crate) subcomponent: u16,
    pub(crate) formula: Formula,
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
    Now,
    Group(Box<Formula>),
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
    Date,
    Dtm(Precision),
    Number,
    Round(usize),
    Len,
    First,
    Last,
    Hash(usize),
    Text,
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

pub(crate) enum Test {
    Any(Vec<Test>),
    All(Vec<Test>),
    Not(Box<Test>),
    Present(Formula),
    Compare(Operand, Comparison, Operand),
    In(Operand, Vec<Operand>),
}

/// One side of a comparison.
pub(crate) struct Operand {
    pub(crate) formula: Formula,
    /// Where its texts are kept, when they are the same in every round of a loop.
    pub(crate) slot: Option<usize>,
}

impl Formula {
    /// Whether anything of the input is read.
    pub(crate) fn reads_input(&self) -> bool {
        self.any_path(&|_| true)
    }

    /// Whether what it gives is the same wherever it is asked for: it reads from the root of the payload alone.
    pub(crate) fn is_fixed(&self) -> bool {
        !self.any_path(&|path| path.from != Origin::Root)
    }

    fn any_path(&self, holds: &dyn Fn(&JsonPath) -> bool) -> bool {
        self.choice.iter().any(|term| term.any_path(holds))
            || self.steps.iter().any(|step| step.any_path(holds))
    }
}

impl Term {
    fn any_path(&self, holds: &dyn Fn(&JsonPath) -> bool) -> bool {
        match self {
            Term::Path(path) => holds(path),
            Term::Group(inner) => inner.any_path(holds),
            Term::Text(_) | Term::Null | Term::Now => false,
        }
    }
}

impl Function {
    fn any_path(&self, holds: &dyn Fn(&JsonPath) -> bool) -> bool {
        match self {
            Function::Replace(a, b) => a.any_path(holds) || b.any_path(holds),
            Function::Split(a) | Function::Join(a) | Function::Default(a) => a.any_path(holds),
            Function::Concat(terms) => terms.iter().any(|term| term.any_path(holds)),
            _ => false,
        }
    }
}
