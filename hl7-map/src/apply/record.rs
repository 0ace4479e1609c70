//! What a run tells of itself to those who ask. A run that is not asked is compiled without any of it.

use crate::plan::{Formula, Test};
use crate::scope::{Scope, Seen};
use crate::trace::{Hidden, Outcome, Role, TracedField, TracedInput};

/// Inputs beside a constant that are listed.
const MOST_BESIDE: usize = 200;

/// Who a run tells.
pub(crate) trait Record {
    /// Acts on the recording, where there is one.
    fn on(&mut self, act: impl FnOnce(&mut Recording));
}

/// Nobody.
impl Record for () {
    #[inline(always)]
    fn on(&mut self, _: impl FnOnce(&mut Recording)) {}
}

impl Record for Recording {
    fn on(&mut self, act: impl FnOnce(&mut Recording)) {
        act(self);
    }
}

/// The fields so far, and what stands around the one at hand.
#[derive(Default)]
pub(crate) struct Recording {
    pub(crate) fields: Vec<TracedField>,
    /// What the conditions and loops around depend on.
    around: Vec<TracedInput>,
    frames: Vec<usize>,
    /// Where the repetitions, segments, groups and objects begin that are under way.
    blocks: Vec<usize>,
    items: Vec<usize>,
}

impl Recording {
    /// Goes into a loop, an item or a `switch`.
    pub(super) fn enter(&mut self) {
        self.frames.push(self.around.len());
    }

    pub(super) fn leave(&mut self) {
        self.around.truncate(self.frames.pop().unwrap_or(0));
    }

    /// Goes to an item of a loop, or to a place of a message by its numbers.
    pub(super) fn enter_at(&mut self, numbers: &[usize]) {
        self.enter();
        self.items.extend(numbers);
    }

    pub(super) fn leave_at(&mut self, count: usize) {
        self.items.truncate(self.items.len().saturating_sub(count));
        self.leave();
    }

    /// A `when` or `filter`; where it does not hold, `place` is left out.
    pub(super) fn condition<'v>(
        &mut self,
        scope: &Scope<'v>,
        test: &'v Test,
        place: String,
        line: usize,
        otherwise: Outcome,
    ) {
        let mut seen = Seen::new(Role::Condition);
        let holds = scope.explain_test(test, &mut seen);
        self.around.append(&mut seen.inputs);
        match holds {
            Ok(true) => {}
            Ok(false) => self.absent(place, line, otherwise),
            Err(_) => self.absent(place, line, Outcome::Refused),
        }
    }

    /// What a loop runs over or a `switch` asks for; where it is absent, so is `place`.
    pub(super) fn over<'v>(
        &mut self,
        scope: &Scope<'v>,
        formula: &'v Formula,
        role: Role,
        place: String,
        line: usize,
    ) {
        let mut seen = Seen::new(role);
        let (outcome, _) = scope.explain(formula, &mut seen);
        self.around.append(&mut seen.inputs);
        if outcome != Outcome::Written {
            self.absent(place, line, outcome);
        }
    }

    /// A place of the message that decides which of its repetitions is meant.
    pub(super) fn chosen_by(&mut self, place: Option<String>) {
        let input = |path| TracedInput { path, role: Role::Loop, present: true, value: Hidden::default() };
        self.around.extend(place.map(input));
    }

    /// A single value.
    pub(super) fn value<'v>(
        &mut self,
        scope: &Scope<'v>,
        formula: &'v Formula,
        null_deletes: bool,
        place: String,
        line: usize,
    ) {
        let mut seen = Seen::new(Role::Value);
        let (mut outcome, mut value) = scope.explain(formula, &mut seen);
        if outcome == Outcome::Missing && null_deletes && scope.reads_null(formula) {
            (outcome, value) = (Outcome::Written, Hidden::new(Some("\"\"".to_owned())));
        }
        self.add(place, line, outcome);
        if let Some(field) = self.fields.last_mut() {
            field.settled = formula.reads_input();
            field.inputs.append(&mut seen.inputs);
            field.steps = seen.steps;
            field.value = value;
        }
    }

    /// What is filled in without a rule.
    pub(super) fn filled(&mut self, place: String, line: usize, text: &str) {
        self.add(place, line, Outcome::FilledIn);
        if let Some(field) = self.fields.last_mut() {
            field.value = Hidden::new(Some(text.to_owned()));
        }
    }

    pub(super) fn absent(&mut self, place: String, line: usize, outcome: Outcome) {
        self.add(place, line, outcome);
    }

    fn add(&mut self, place: String, line: usize, outcome: Outcome) {
        self.fields.push(TracedField {
            place,
            line,
            inputs: self.around.clone(),
            steps: Vec::new(),
            outcome,
            value: Hidden::default(),
            settled: false,
            items: self.items.clone(),
        });
    }

    /// Begins a repetition, segment, group or object.
    pub(super) fn open(&mut self) {
        self.blocks.push(self.fields.len());
    }

    /// Ends it: `kept` when it is written, `read` when it is written because something was read.
    pub(super) fn close(&mut self, kept: bool, read: bool) {
        let start = self.blocks.pop().unwrap_or(0);
        if kept && !read {
            return;
        }
        let beside = self.beside(start);
        for field in self.fields.iter_mut().skip(start) {
            if !kept && field.outcome.is_there() {
                field.outcome = Outcome::NothingBeside;
            } else if field.settled {
                continue;
            }
            add_missing(&mut field.inputs, &beside);
            field.settled = true;
        }
    }

    /// What the fields of a block read, or the conditions in it ask for.
    fn beside(&self, start: usize) -> Vec<TracedInput> {
        let mut beside: Vec<TracedInput> = Vec::new();
        let inputs = self.fields.iter().skip(start).flat_map(|field| &field.inputs);
        for input in inputs {
            let known = beside.iter().any(|other| other.path == input.path);
            if !known && beside.len() < MOST_BESIDE {
                beside.push(TracedInput { role: Role::Presence, ..input.clone() });
            }
        }
        beside
    }
}

fn add_missing(inputs: &mut Vec<TracedInput>, more: &[TracedInput]) {
    for input in more {
        if !inputs.iter().any(|own| own.path == input.path) {
            inputs.push(input.clone());
        }
    }
}
