//! The tests of a mapping file.

mod change;
mod expected;
mod report;

use std::time::{Duration, SystemTime};

use hl7_core::{Message, Path};

use crate::applied::Applied;
use crate::apply;
use crate::context::Context;
use crate::expr::Step;
use crate::json::{Json, Payload};
use crate::plan::{Plan, Work};
use crate::refusal::ApplyError;

use change::put;
pub(crate) use expected::{Expectation, Expected, ExpectedError};
pub use report::{CaseReport, Difference, TestReport};

/// A test of the file.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) line: usize,
    pub(crate) given: Given,
    pub(crate) changes: Vec<Change>,
    pub(crate) expected: Expected,
    pub(crate) now: Option<SystemTime>,
}

/// What comes in.
pub(crate) enum Given {
    Json(Json<'static>),
    Message(Message<'static>),
}

/// Puts a value at a path of what comes in.
pub(crate) enum Change {
    Json {
        steps: Vec<Step>,
        value: Json<'static>,
    },
    /// ER7 as it stands there.
    Message {
        path: Path,
        raw: String,
    },
}

/// The control ID of tests.
const CONTROL_ID: &str = "TEST";

/// 2026-01-01T00:00:00Z, the clock of tests that do not state one, in seconds since 1970.
const CLOCK: Duration = Duration::from_secs(1_767_225_600);

impl Case {
    pub(crate) fn new(name: String, line: usize) -> Self {
        Self {
            name,
            line,
            given: Given::Json(Json::Null),
            changes: Vec::new(),
            expected: Expected::default(),
            now: None,
        }
    }

    /// Runs the test.
    pub(crate) fn run(&self, plan: &Plan) -> CaseReport {
        let ctx = Context::new(CONTROL_ID, self.now.unwrap_or(SystemTime::UNIX_EPOCH + CLOCK));
        let (differences, error) = self.expected.differences(self.apply(plan, &ctx));
        CaseReport { name: self.name.clone(), line: self.line, differences, error }
    }

    fn apply(&self, plan: &Plan, ctx: &Context) -> Result<Applied, ApplyError> {
        match (&plan.work, &self.given) {
            (Work::Build(build), Given::Json(json)) => {
                let payload = Payload::of(&self.changed_json(json), &plan.places);
                apply::build(plan, build, &payload, ctx).map(Applied::Message)
            }
            (Work::Edit(edit), Given::Message(message)) => {
                apply::edit(plan, edit, &self.changed_message(message)?, ctx)
            }
            (Work::Write(write), Given::Message(message)) => {
                apply::write(plan, write, &self.changed_message(message)?, ctx)
            }
            _ => Err(ApplyError::of_direction("the test gives what the mapping does not read")),
        }
    }

    fn changed_json(&self, given: &Json<'static>) -> Json<'static> {
        let mut payload = given.clone();
        for change in &self.changes {
            if let Change::Json { steps, value } = change {
                put(&mut payload, steps, value.clone());
            }
        }
        payload
    }

    fn changed_message(&self, given: &Message<'static>) -> Result<Message<'static>, ApplyError> {
        let mut message = given.clone();
        for change in &self.changes {
            if let Change::Message { path, raw } = change {
                let done = message.set_raw(path, raw);
                done.map_err(|_| ApplyError::of_output("a change of the test has no place in its message"))?;
            }
        }
        Ok(message)
    }
}

/// A message written on lines of a file, with the segments ending in CR.
pub(crate) fn lines(text: &str) -> String {
    let segments = text.split(['\r', '\n']).filter(|line| !line.is_empty());
    segments.map(|segment| format!("{segment}\r")).collect()
}
