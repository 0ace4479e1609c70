//! Changes a message in place. Everything reads the message as it came in; what is not named keeps its bytes.

mod changes;
mod er7;

use hl7_core::{Message, Occurrence, Path, RepetitionIndex, Segment};

use super::{Record, Run};
use crate::applied::Applied;
use crate::context::Context;
use crate::input::{self, Bound, Input, Line, Lines};
use crate::leaf::Mark;
use crate::plan::{AddRule, Anchor, Edit, Form, Plan, RemoveRule, RepetitionRule, SetRule, SetValue, Test};
use crate::refusal::ApplyError;
use crate::scope::{Clock, Top};
use crate::trace::Outcome;
use crate::value::{Fault, Value};

use changes::{Added, Changes, Place};

/// Changes a message as the plan says.
pub(crate) fn edit(
    plan: &Plan,
    edit: &Edit,
    message: &Message<'_>,
    ctx: &Context,
) -> Result<Applied, ApplyError> {
    edit_telling(plan, edit, message, ctx, ()).0
}

/// The same, and who was told of it.
pub(crate) fn edit_telling<R: Record>(
    plan: &Plan,
    edit: &Edit,
    message: &Message<'_>,
    ctx: &Context,
    record: R,
) -> (Result<Applied, ApplyError>, R) {
    let input = Input::new(message, None);
    let clock = Clock::new(ctx, Form::Hl7);
    let mut run = Run::new(plan, None, Top::Message(input.all()), &clock, record);
    let mut changes = Changes::default();
    if let Some(dropped) = run.gate(&edit.gate, message) {
        return (Ok(dropped), run.record);
    }
    if run.refused.is_empty() {
        run.require();
        run.plan_changes(edit, &input, &mut changes);
    }
    let changed = match run.refused.is_empty() {
        true => changes.make(&mut run, message),
        false => None,
    };
    let made = match (run.refused.into_error(), changed) {
        (None, Some(message)) => Ok(Applied::Message(message)),
        (Some(error), _) => Err(error),
        (None, None) => Err(ApplyError::of_output("what the mapping made is not one message")),
    };
    (made, run.record)
}

impl<'v, R: Record> Run<'v, R> {
    fn plan_changes(&mut self, edit: &'v Edit, input: &'v Input<'v>, changes: &mut Changes<'v>) {
        for rule in &edit.sets {
            self.set(rule, input, changes);
        }
        for rule in &edit.removes {
            self.remove(rule, input.all(), changes);
        }
        for rule in &edit.adds {
            self.add(rule, input, changes);
        }
    }

    /// Finds the places of a rule, and the value of each.
    fn set(&mut self, rule: &'v SetRule, input: &'v Input<'v>, changes: &mut Changes<'v>) {
        let all = rule.target.occurrence() == Occurrence::All;
        let mut found = false;
        for (n, segment) in named(input.all(), &rule.target) {
            found = true;
            self.scope.bound.segment = all.then_some(n);
            self.set_in(rule, n, segment, input, changes);
            if self.refused.stopped {
                break;
            }
        }
        self.scope.bound = Bound::default();
        if !found && !all {
            self.set_nowhere(rule, input);
        }
    }

    /// A value for a segment that is not there is refused; no value is no change.
    fn set_nowhere(&mut self, rule: &'v SetRule, input: &Input<'v>) {
        if self.new_value(rule, input).is_some() {
            let fault = Fault::new("M217", "the message has no such segment");
            self.refuse(
                fault.suggest("add the segment with `add`, or set the value `when` it is there"),
                Some(&rule.place),
                rule.line,
            );
        }
    }

    fn set_in(
        &mut self,
        rule: &'v SetRule,
        n: usize,
        segment: Segment<'v>,
        input: &'v Input<'v>,
        changes: &mut Changes<'v>,
    ) {
        let Some(field) = rule.target.field() else { return };
        let here = input::count_repetitions(segment, field.into());
        let mut set = |run: &mut Self, repetition: Option<usize>| {
            run.record.on(|record| record.enter_at(&[n, repetition.unwrap_or(1)]));
            run.tell_place(&rule.target, n);
            let value = run.new_value(rule, input);
            run.record.on(|record| record.leave_at(2));
            let place = Place { path: rule.target, segment: n, repetition };
            if let Some(raw) = value {
                changes.set(place, raw, &rule.place, rule.line);
            }
        };
        match rule.target.repetition() {
            RepetitionIndex::All => {
                let paired = if rule.pairs { self.paired(rule, input.all(), n) } else { 0 };
                for k in 1..=here.max(paired) {
                    if !self.next_item(&rule.place, rule.line) {
                        break;
                    }
                    self.scope.bound.repetition = Some(k);
                    set(self, Some(k));
                }
                self.scope.bound.repetition = None;
            }
            RepetitionIndex::Where(filter) => {
                let repetitions = segment.field(field.into()).into_iter().flat_map(|f| f.repetitions());
                for (k, _) in
                    repetitions.enumerate().filter(|(_, repetition)| input::fits(*repetition, &filter))
                {
                    set(self, Some(k + 1));
                }
            }
            RepetitionIndex::Nth(k) => set(self, Some(k as usize)),
            _ => set(self, None),
        }
    }

    /// A place whose repetitions decide which of them is meant.
    fn tell_place(&mut self, path: &Path, n: usize) {
        let chooses = matches!(path.repetition(), RepetitionIndex::All | RepetitionIndex::Where(_));
        let field = path.field().filter(|_| chooses);
        self.record.on(|record| {
            let place = field.map(|field| format!("{}[{n}]-{field}", path.segment_id()));
            record.chosen_by(place);
        });
    }

    /// How many repetitions the paths have that go in pairs with the target's.
    fn paired(&self, rule: &SetRule, lines: Lines<'v>, n: usize) -> usize {
        let mut most = 0;
        let mut count = |path: &Path, pairs_segment: bool| {
            let skip = match path.occurrence() {
                _ if pairs_segment => n - 1,
                Occurrence::Nth(n) => n as usize - 1,
                _ => 0,
            };
            let segment = lines.with_id(path.segment_id()).nth(skip);
            let field = path.field().map_or(0, usize::from);
            most = most.max(segment.map_or(0, |segment| input::count_repetitions(segment, field)));
        };
        rule.value.each_pair(&mut |read| count(&read.path, read.pairs_segment));
        most
    }

    /// The new value as ER7; `None` where the place stays as it is.
    fn new_value(&mut self, rule: &'v SetRule, input: &Input<'v>) -> Option<String> {
        if let Some(when) = &rule.when {
            self.tell_condition(when, &rule.place, rule.line, Outcome::ConditionFalse);
            let holds = self.scope.test(when);
            if !self.noted(holds, &rule.place, rule.line, false) {
                return None;
            }
        }
        let mark = self.scope.budget().mark();
        let value = match &rule.value {
            SetValue::Formula(formula) => {
                self.tell_value(formula, false, &rule.place, rule.line);
                self.scope.formula(formula)
            }
            SetValue::Repetition(repetition) => return self.new_repetition(repetition, input),
        };
        let raw = value.and_then(|value| er7::of_value(value, rule, input.delimiters()));
        self.scope.budget().release(mark);
        let raw = self.noted(raw, &rule.place, rule.line, None);
        let steps = self.scope.budget().text(raw.as_ref().map_or(0, String::len));
        self.noted(steps, &rule.place, rule.line, ());
        raw
    }

    fn new_repetition(&mut self, rule: &'v RepetitionRule, input: &Input<'v>) -> Option<String> {
        let start = self.out.len();
        let written = self.repetition(rule, (Mark::Field, 0));
        let raw = self.out.split_off(start);
        let raw = er7::of_repetition(raw, input.delimiters());
        let raw = self.noted(raw, &rule.place, rule.line, String::new());
        written.any.then_some(raw)
    }

    fn remove(&mut self, rule: &'v RemoveRule, lines: Lines<'v>, changes: &mut Changes<'v>) {
        match rule {
            RemoveRule::Path { path, line } => {
                for (n, segment) in named(lines, path) {
                    self.record.on(|record| record.enter_at(&[n]));
                    self.tell_place(path, n);
                    self.record.on(|record| record.absent(path.to_string(), *line, Outcome::Removed));
                    self.record.on(|record| record.leave_at(1));
                    changes.remove_in(path, *line, n, segment);
                }
            }
            RemoveRule::Segments { pattern, nth, when, line } => {
                let fitting = lines.iter().enumerate().filter(|(_, line)| fits(pattern, line));
                for (seen, (index, found)) in (1..).zip(fitting) {
                    let wanted = nth.is_none_or(|nth| nth == seen);
                    self.record.on(|record| record.enter());
                    let goes = wanted && self.holds_for(when.as_ref(), lines.only(index), found, *line);
                    let id = || format!("{}[{}]", String::from_utf8_lossy(&found.id), lines.number_at(index));
                    if goes {
                        self.record.on(|record| record.absent(id(), *line, Outcome::Removed));
                    }
                    self.record.on(|record| record.leave());
                    if goes {
                        changes.remove_segment(index);
                    }
                }
            }
        }
    }

    /// Whether a condition holds for one segment, of which its paths speak.
    fn holds_for(&mut self, when: Option<&'v Test>, only: Lines<'v>, found: &Line<'v>, line: usize) -> bool {
        let Some(when) = when else { return true };
        let place = String::from_utf8_lossy(&found.id).into_owned();
        self.scope.enter(Value::Lines(only), None);
        let holds = self.scope.test(when);
        self.scope.leave();
        self.noted(holds, &place, line, false)
    }

    fn add(&mut self, rule: &'v AddRule, input: &'v Input<'v>, changes: &mut Changes<'v>) {
        let start = self.out.len();
        self.segments(&rule.segment);
        let added = self.out.split_off(start);
        if added.is_empty() {
            return;
        }
        let behind = match &rule.at {
            None => Some(input.all().len()),
            Some(anchor) => position(input.all(), anchor),
        };
        let Some(behind) = behind else {
            let fault = Fault::new("M217", "the message has no segment to add this one at");
            return self.refuse(fault, Some(&rule.segment.id), rule.segment.line);
        };
        for segment in added.split_terminator('\r') {
            let segment = er7::of_segment(segment, input.delimiters());
            let segment = self.noted(segment, &rule.segment.id, rule.segment.line, String::new());
            changes.add(Added { behind, segment, line: rule.segment.line });
        }
    }
}

/// The segments that a path names, each with its number among those of its ID.
fn named<'v>(lines: Lines<'v>, path: &Path) -> impl Iterator<Item = (usize, Segment<'v>)> + use<'v> {
    let (skip, take) = input::run(path.occurrence());
    (1..).zip(lines.with_id(path.segment_id())).skip(skip).take(take)
}

/// Whether a segment's ID fits a pattern such as `Z??`. The header never does.
fn fits(pattern: &[u8; 3], line: &Line<'_>) -> bool {
    let same = |(a, b): (&u8, &u8)| *a == b'?' || a == b;
    line.id != [0; 3] && &line.id != b"MSH" && pattern.iter().zip(&line.id).all(same)
}

/// How many segments of the message as it came in stand before a new one.
fn position(lines: Lines<'_>, anchor: &Anchor) -> Option<usize> {
    let id = anchor.path.segment_id().as_bytes();
    let mut indexes = lines.iter().enumerate().filter(|(_, line)| line.id == id).map(|(index, _)| index);
    let index = match (anchor.path.occurrence(), anchor.before) {
        (Occurrence::Nth(n), _) => indexes.nth(n as usize - 1),
        (Occurrence::All, false) => indexes.next_back(),
        _ => indexes.next(),
    }?;
    Some(index + usize::from(!anchor.before))
}
