//! Walks the plan over a payload and writes the message, or changes a message.

mod counts;
mod edit;
mod fill;
mod gate;
mod record;
mod refused;
mod write;

use std::ops::Range;

use hl7_core::Message;

use crate::context::Context;
use crate::json::{Json, Payload};
use crate::leaf::{self, Mark};
use crate::plan::{
    Build, FieldRule, Form, Formula, GroupRule, Leaf, LineBreaks, Loop, Part, Plan, RepetitionRule,
    SegmentRule, Switch, Test,
};
use crate::refusal::ApplyError;
use crate::scope::{Clock, Scope, Top};
use crate::standard::Version;
use crate::trace::{Outcome, Role};
use crate::value::{Fault, Value};

use counts::Counts;
use refused::{Refused, Which};

/// What MSH-18 says of a message in UTF-8.
const CHARSET: &str = "UNICODE UTF-8";

/// Noting a refusal takes so many steps.
const REFUSAL_STEPS: usize = 8;

pub(crate) use edit::{edit, edit_telling};
pub(crate) use record::{Record, Recording};
pub(crate) use write::{write, write_telling};

/// Makes the message of a payload.
pub(crate) fn build(
    plan: &Plan,
    build: &Build,
    payload: &Payload<'_>,
    ctx: &Context,
) -> Result<Message<'static>, ApplyError> {
    build_telling(plan, build, payload, ctx, ()).0
}

/// The same, and who was told of it.
pub(crate) fn build_telling<R: Record>(
    plan: &Plan,
    build: &Build,
    payload: &Payload<'_>,
    ctx: &Context,
    record: R,
) -> (Result<Message<'static>, ApplyError>, R) {
    let clock = Clock::new(ctx, Form::Hl7);
    let mut run = Run::new(plan, Some(build), Top::Payload(payload), &clock, record);
    run.out.reserve(1024);
    if run.has_members(payload) {
        run.require();
        run.parts(&build.parts);
    }
    let made = match run.refused.into_error() {
        None => finished(build, run.out, run.header),
        Some(error) => Err(error),
    };
    (made, run.record)
}

/// The text as a message, with its character set stated where ASCII is not enough.
fn finished(build: &Build, mut text: String, header: Header) -> Result<Message<'static>, ApplyError> {
    if !text.is_ascii() && build.version >= Version::V2_3 {
        state_charset(&mut text, header);
    }
    Message::parse_owned(text).map_err(|_| ApplyError::of_output("what the mapping made is not one message"))
}

/// Where MSH ends.
#[derive(Clone, Copy, Default)]
struct Header {
    last_field: u16,
    end: usize,
}

/// Puts UTF-8 into MSH-18 unless something stands there.
fn state_charset(text: &mut String, header: Header) {
    const FIELD: u16 = 18;
    if let Some(missing) = FIELD.checked_sub(header.last_field).filter(|missing| *missing > 0) {
        text.insert_str(header.end, CHARSET);
        text.insert_str(header.end, "||||||||||||||||||".get(..usize::from(missing)).unwrap_or_default());
        return;
    }
    // The first mark is MSH-1 itself, so that behind the 17th stands field 18.
    let mut marks = text.match_indices('|').map(|(at, _)| at + 1);
    if let Some(at) = marks.nth(usize::from(FIELD) - 2)
        && text.get(at..).is_some_and(|rest| rest.starts_with(['|', '\r']))
    {
        text.insert_str(at, CHARSET);
    }
}

struct Run<'v, R> {
    record: R,
    plan: &'v Plan,
    /// The message that is made; `None` where one is changed.
    build: Option<&'v Build>,
    /// The same, where it has no field to say that a value is beyond ASCII.
    ascii_only: Option<&'v Build>,
    scope: Scope<'v>,
    ctx: &'v Context,
    clock: &'v Clock<'v>,
    out: String,
    refused: Refused,
    counts: Counts,
    /// Which item of each loop under way the JSON is at, from 0.
    indexes: Vec<usize>,
    /// A segment was written since the group began that reads the input.
    read: bool,
    /// Which segment and which repetition are under way, where the rules may give several.
    which: Which,
    items_left: usize,
    /// Where MSH-7 stands in `out`.
    time: Range<usize>,
    header: Header,
    /// OBX-2 of the segment under way says formatted text (FT).
    formatted: bool,
}

/// How far a repetition is written: the component and subcomponent of its last value.
#[derive(Clone, Copy)]
struct At {
    component: u16,
    subcomponent: u16,
}

/// What writing a rule came to.
#[derive(Clone, Copy, Default)]
struct Written {
    /// Something stands in the message.
    any: bool,
    /// Among it is a value that was read from the input.
    read: bool,
}

impl Written {
    fn and(self, other: Self) -> Self {
        Self { any: self.any || other.any, read: self.read || other.read }
    }
}

impl<'v, R: Record> Run<'v, R> {
    fn new(plan: &'v Plan, build: Option<&'v Build>, top: Top<'v>, clock: &'v Clock<'v>, record: R) -> Self {
        let ctx = clock.context();
        Run {
            record,
            plan,
            build,
            ascii_only: build.filter(|build| build.ascii_only),
            scope: Scope::new(plan, top, clock),
            ctx,
            clock,
            out: String::new(),
            refused: Refused::default(),
            counts: Counts::new(plan.counters),
            indexes: Vec::new(),
            read: false,
            which: Which::default(),
            items_left: ctx.max_items,
            time: 0..0,
            header: Header::default(),
            formatted: false,
        }
    }

    fn refuse(&mut self, fault: Fault, place: Option<&str>, line: usize) {
        // When none are left, the next step says so.
        let _ = self.scope.budget().step(REFUSAL_STEPS);
        let indexed =
            place.filter(|_| !self.indexes.is_empty()).map(|place| refused::indexed(place, &self.indexes));
        let place = indexed.as_deref().or(place).map(|place| (place, self.which));
        self.refused.add(fault, place, || self.scope.last_source(), line);
    }

    /// The result, or the refusal noted and `otherwise`.
    fn noted<T>(&mut self, result: Result<T, Fault>, place: &str, line: usize, otherwise: T) -> T {
        match result {
            Ok(value) => value,
            Err(fault) => {
                self.refuse(fault, Some(place), line);
                otherwise
            }
        }
    }

    /// Whether the payload is an object, where the mapping reads its members: of anything else all of them would be absent.
    fn has_members(&mut self, payload: &Payload<'_>) -> bool {
        match self.plan.reads_members {
            Some(line) if !payload.is_object() => {
                let fault =
                    Fault::new("M214", "the mapping reads members of the payload, and it is not an object");
                self.refuse(fault, None, line);
                false
            }
            _ => true,
        }
    }

    fn require(&mut self) {
        for required in &self.plan.require {
            let fault = match self.scope.is_present(&required.formula) {
                Ok(true) => continue,
                Ok(false) => Fault::new("M202", "this is required and is missing, null or empty"),
                Err(fault) => fault,
            };
            self.refuse(fault, None, required.line);
        }
    }

    fn parts(&mut self, parts: &'v [Part]) {
        for part in parts {
            match part {
                Part::Segment(rule) => self.segments(rule),
                Part::Group(rule) => {
                    self.rounds(rule.when.as_ref(), rule.each.as_ref(), &rule.name, rule.line, |run| {
                        run.group(rule);
                    });
                }
            }
        }
    }

    /// Writes an instance of a group, with the segments that stand in each. Nothing of it where nothing was read.
    fn group(&mut self, rule: &'v GroupRule) {
        let start = self.out.len();
        let mark = self.counts.mark();
        let before = std::mem::replace(&mut self.read, false);
        self.counts.begin_anew(&rule.restarts);
        self.record.on(|record| record.open());
        self.parts(&rule.parts);
        let (kept, read) = (self.read || rule.constant, self.read);
        self.record.on(|record| record.close(kept, read));
        if kept {
            self.counts.forget(mark);
        } else {
            self.out.truncate(start);
            self.counts.restore(mark);
        }
        self.read |= before;
    }

    fn segments(&mut self, rule: &'v SegmentRule) {
        self.rounds(rule.when.as_ref(), rule.each.as_ref(), &rule.id, rule.line, |run| run.segment(rule));
    }

    /// Once, or once an item; not at all when the condition does not hold.
    fn rounds(
        &mut self,
        when: Option<&'v Test>,
        each: Option<&'v Loop>,
        place: &str,
        line: usize,
        mut body: impl FnMut(&mut Self),
    ) {
        self.record.on(|record| record.enter());
        self.rounds_told(when, each, place, line, &mut body);
        self.record.on(|record| record.leave());
    }

    fn rounds_told(
        &mut self,
        when: Option<&'v Test>,
        each: Option<&'v Loop>,
        place: &str,
        line: usize,
        body: &mut impl FnMut(&mut Self),
    ) {
        if self.refused.stopped {
            return;
        }
        if let Some(when) = when {
            self.tell_condition(when, place, line, Outcome::ConditionFalse);
            let holds = self.scope.test(when);
            if !self.noted(holds, place, line, false) {
                return;
            }
        }
        let Some(each) = each else {
            body(self);
            return;
        };
        self.tell_over(&each.over, Role::Loop, place, line);
        // What the loop runs over is kept until it ends.
        let mark = self.scope.budget().mark();
        let over = self.scope.formula(&each.over).and_then(|over| {
            self.scope.budget().step(over.size())?;
            Ok(over)
        });
        let list = self.scope.last_read();
        match self.noted(over, place, line, Value::Absent) {
            Value::Json(Json::List(items)) => {
                for (index, json) in items.iter().enumerate().filter(|(_, json)| !json.is_absent()) {
                    if !self.next_item(place, line) {
                        break;
                    }
                    self.scope.enter_json(json, list, index);
                    self.round(each, index, place, line, body);
                }
            }
            over => {
                for (index, item) in over.into_items().enumerate() {
                    if !self.next_item(place, line) {
                        break;
                    }
                    self.scope.enter(item, list);
                    self.round(each, index, place, line, body);
                }
            }
        }
        self.scope.budget().release(mark);
    }

    /// The item that was entered, where it passes the filter.
    fn round(
        &mut self,
        each: &'v Loop,
        index: usize,
        place: &str,
        line: usize,
        body: &mut impl FnMut(&mut Self),
    ) {
        self.record.on(|record| record.enter_at(&[index]));
        let mut passes = Ok(true);
        if let Some(filter) = &each.filter {
            self.tell_condition(filter, place, line, Outcome::Filtered);
            passes = self.scope.test(filter);
        }
        if self.noted(passes, place, line, false) {
            body(self);
        }
        self.record.on(|record| record.leave_at(1));
        self.scope.leave();
    }

    fn tell_condition(&mut self, test: &'v Test, place: &str, line: usize, otherwise: Outcome) {
        let (scope, indexes, which) = (&self.scope, &self.indexes, self.which);
        self.record.on(|record| {
            record.condition(scope, test, refused::whole(place, indexes, which), line, otherwise);
        });
    }

    fn tell_over(&mut self, over: &'v Formula, role: Role, place: &str, line: usize) {
        let (scope, indexes, which) = (&self.scope, &self.indexes, self.which);
        self.record.on(|record| record.over(scope, over, role, refused::whole(place, indexes, which), line));
    }

    fn tell_value(&mut self, formula: &'v Formula, null_deletes: bool, place: &str, line: usize) {
        let (scope, indexes, which) = (&self.scope, &self.indexes, self.which);
        self.record.on(|record| {
            record.value(scope, formula, null_deletes, refused::whole(place, indexes, which), line);
        });
    }

    fn next_item(&mut self, place: &str, line: usize) -> bool {
        match self.items_left.checked_sub(1) {
            Some(left) => self.items_left = left,
            None if !self.refused.stopped => {
                self.refuse(
                    Fault::new("M211", "the loops take more rounds than the limit"),
                    Some(place),
                    line,
                );
            }
            None => {}
        }
        !self.refused.stopped
    }

    fn segment(&mut self, rule: &'v SegmentRule) {
        let start = self.out.len();
        self.out.push_str(&rule.id);
        self.formatted = false;
        self.which.segment = rule.repeats.then(|| self.counts.of(rule.counter).all + 1);
        let mut last = 0;
        if rule.id == "MSH" {
            self.out.push_str("|^~\\&");
            last = 2;
        }
        self.record.on(|record| record.open());
        let mut written = Written::default();
        for field in &rule.fields {
            let start = self.out.len();
            written = written.and(self.field(rule, field, last));
            last = if self.out.len() > start { field.number } else { last };
        }
        let kept = written.read || rule.required || (rule.constant && written.any);
        self.record.on(|record| record.close(kept, written.read && !rule.required));
        if kept {
            if rule.id == "MSH" {
                self.header = Header { last_field: last, end: self.out.len() };
            }
            self.out.push('\r');
            self.counts.add(rule);
            self.read |= written.read;
        } else {
            self.out.truncate(start);
        }
        self.which.segment = None;
    }

    /// Writes a field behind `last`. What is filled in does not count as written by a rule.
    fn field(&mut self, rule: &'v SegmentRule, field: &'v FieldRule, last: u16) -> Written {
        let start = self.out.len();
        let separators = usize::from(field.number.saturating_sub(last));
        let mut written = Written::default();
        let mut repetitions = 0;
        for rule in &field.repetitions {
            if let ([_], None, None) = (field.repetitions.as_slice(), &rule.when, &rule.each)
                && !self.refused.stopped
            {
                self.record.on(|record| record.enter());
                written = self.repetition(rule, (Mark::Field, separators));
                self.record.on(|record| record.leave());
                continue;
            }
            self.rounds(rule.when.as_ref(), rule.each.as_ref(), &rule.place, rule.line, |run| {
                let before = if written.any { (Mark::Repetition, 1) } else { (Mark::Field, separators) };
                run.which.repetition = field.repeats.then_some(repetitions + 1);
                let this = run.repetition(rule, before);
                run.which.repetition = None;
                repetitions += usize::from(this.any);
                written = written.and(this);
            });
        }
        if !written.any && field.fill.is_some() {
            leaf::push_marks(&mut self.out, Mark::Field, separators);
            let start = self.out.len();
            self.fill(rule, field);
            let (text, which) = (self.out.get(start..).unwrap_or_default(), self.which);
            self.record.on(|record| {
                let place = format!("{}-{}", rule.id, field.number);
                record.filled(refused::whole(&place, &[], which), rule.line, text);
            });
        }
        self.remember(rule, field, start + separators);
        written
    }

    fn repetition(&mut self, rule: &'v RepetitionRule, (mark, marks): (Mark, usize)) -> Written {
        if let Some(switch) = &rule.switch {
            return self.switch(rule, switch, (mark, marks));
        }
        let start = self.out.len();
        leaf::push_marks(&mut self.out, mark, marks);
        let steps = self.scope.budget().text(marks);
        self.noted(steps, &rule.place, rule.line, ());
        let mut at = At { component: 1, subcomponent: 1 };
        self.record.on(|record| record.open());
        let mut written = Written::default();
        for leaf in &rule.leaves {
            written = written.and(self.leaf(leaf, &mut at));
        }
        let kept = written.any && (written.read || rule.constant);
        self.record.on(|record| record.close(kept, written.read));
        if kept {
            return written;
        }
        self.out.truncate(start);
        Written::default()
    }

    /// The rule for the type of a value. A value that is missing writes nothing; one of a type without a rule is refused.
    fn switch(&mut self, rule: &'v RepetitionRule, switch: &'v Switch, marks: (Mark, usize)) -> Written {
        self.record.on(|record| record.enter());
        let written = self.switch_told(rule, switch, marks);
        self.record.on(|record| record.leave());
        written
    }

    fn switch_told(&mut self, rule: &'v RepetitionRule, switch: &'v Switch, marks: (Mark, usize)) -> Written {
        self.tell_over(&switch.over, Role::Condition, &rule.place, rule.line);
        let kind = self.scope.kind(&switch.over);
        let Some(kind) = self.noted(kind, &rule.place, rule.line, None) else { return Written::default() };
        match switch.cases.iter().find(|(case, _)| *case == kind) {
            // Which line it is was read.
            Some((_, case)) => {
                let any = self.repetition(case, marks).any;
                Written { any, read: any && !rule.constant }
            }
            None => {
                let fault = Fault::new("M220", format!("`switch` has no line for {}", kind.with_article()));
                self.refuse(fault.suggest("give the type a line"), Some(&rule.place), rule.line);
                Written { any: false, read: true }
            }
        }
    }

    fn leaf(&mut self, leaf: &'v Leaf, at: &mut At) -> Written {
        if self.refused.stopped {
            return Written::default();
        }
        let mark = self.scope.budget().mark();
        self.tell_value(&leaf.formula, leaf.null_deletes, &leaf.place, leaf.line);
        let written = self.value(leaf, at);
        self.scope.budget().release(mark);
        written
    }

    fn value(&mut self, leaf: &'v Leaf, at: &mut At) -> Written {
        let (end, before) = (self.out.len(), *at);
        self.advance(at, leaf);
        let start = self.out.len();
        let written = match &leaf.always {
            Some(always) => {
                self.scope.nothing_read();
                self.out.push_str(always);
                Ok(true)
            }
            None => self.scope.write(&leaf.formula, self.writes_formatted(leaf), &mut self.out),
        };
        match written {
            Ok(true) => {}
            Ok(false) if leaf.null_deletes && self.scope.reads_null(&leaf.formula) => {
                self.out.push_str("\"\"");
            }
            absent_or_refused => {
                self.out.truncate(end);
                *at = before;
                let Err(fault) = absent_or_refused else { return Written::default() };
                self.refuse(fault, Some(&leaf.place), leaf.line);
                // It would have been written: what comes behind it keeps its number.
                return Written { any: true, read: !leaf.constant };
            }
        }
        self.check(leaf, start);
        Written { any: true, read: !leaf.constant }
    }

    fn writes_formatted(&self, leaf: &Leaf) -> bool {
        match leaf.line_breaks {
            LineBreaks::Hex => false,
            LineBreaks::Formatted => true,
            LineBreaks::AsTyped => self.formatted,
        }
    }

    /// Writes the separators up to the leaf.
    fn advance(&mut self, at: &mut At, leaf: &Leaf) {
        if leaf.component > at.component {
            let missing = usize::from(leaf.component - at.component);
            leaf::push_marks(&mut self.out, Mark::Component, missing);
            *at = At { component: leaf.component, subcomponent: 1 };
        }
        let missing = usize::from(leaf.subcomponent.saturating_sub(at.subcomponent));
        leaf::push_marks(&mut self.out, Mark::Subcomponent, missing);
        at.subcomponent = leaf.subcomponent;
    }

    /// Charges for what was written since `start`, and holds the message to its limits.
    fn check(&mut self, leaf: &Leaf, start: usize) {
        if let Err(fault) = self.scope.budget().text(self.out.len().saturating_sub(start)) {
            self.refuse(fault, Some(&leaf.place), leaf.line);
        } else if self.out.len() > self.ctx.max_output_bytes {
            let fault = Fault::new("M210", "the message is longer than the limit");
            self.refuse(fault, Some(&leaf.place), leaf.line);
        }
        if self.ascii_only.is_some() {
            self.check_charset(start, &leaf.place, leaf.line);
        }
    }

    /// Refuses what no field of the message can declare.
    fn check_charset(&mut self, start: usize, place: &str, line: usize) {
        if let Some(build) = self.ascii_only
            && !self.out.get(start..).is_none_or(str::is_ascii)
        {
            let version = build.version.text();
            let what = format!("HL7 {version} has no field that says in which character set this value is");
            let fault = Fault::new("M213", what).suggest("write version 2.3 or later, or only ASCII");
            self.refuse(fault, Some(place), line);
        }
    }
}
