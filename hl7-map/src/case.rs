//! The tests of a mapping file, and how they went.

use std::fmt;
use std::time::{Duration, SystemTime};

use hl7_core::{Message, Occurrence, Path, RepetitionIndex};

use crate::applied::Applied;
use crate::apply;
use crate::context::Context;
use crate::expr::Step;
use crate::json::{Json, Object};
use crate::plan::{Plan, Work};
use crate::refusal::ApplyError;

/// A test of the file.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) line: usize,
    pub(crate) given: Given,
    pub(crate) changes: Vec<Change>,
    pub(crate) expect: Vec<Expectation>,
    pub(crate) expect_message: Option<String>,
    /// The reason why the message is dropped.
    pub(crate) dropped: Option<String>,
    pub(crate) error: Option<ExpectedError>,
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

/// What came out.
enum Outcome {
    Message(Message<'static>),
    Dropped(String),
}

/// What has to stand at a path of the message, as written there.
pub(crate) struct Expectation {
    pub(crate) path: Path,
    pub(crate) want: String,
}

/// What one of the refusals has to have.
#[derive(Default)]
pub(crate) struct ExpectedError {
    pub(crate) code: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) source: Option<String>,
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
            expect: Vec::new(),
            expect_message: None,
            dropped: None,
            error: None,
            now: None,
        }
    }

    /// Runs the test.
    pub(crate) fn run(&self, plan: &Plan) -> CaseReport {
        let ctx = Context::new(CONTROL_ID, self.now.unwrap_or(SystemTime::UNIX_EPOCH + CLOCK));
        let result = self.apply(plan, &ctx);
        let mut report =
            CaseReport { name: self.name.clone(), line: self.line, differences: Vec::new(), error: None };
        match (result, &self.error) {
            (Ok(outcome), None) => report.differences = self.differences(&outcome),
            (Ok(_), Some(expected)) => report.differences.push(expected.difference("no error".to_owned())),
            (Err(error), None) => report.error = Some(error),
            (Err(error), Some(expected)) if !expected.fits(&error) => {
                report.differences.push(expected.difference(error.to_string()));
            }
            (Err(_), Some(_)) => {}
        }
        report
    }

    fn apply(&self, plan: &Plan, ctx: &Context) -> Result<Outcome, ApplyError> {
        match (&plan.work, &self.given) {
            (Work::Build(build), Given::Json(json)) => {
                let payload = self.changed_json(json);
                apply::build(plan, build, &payload, ctx).map(Outcome::Message)
            }
            (Work::Edit(edit), Given::Message(message)) => {
                let message = self.changed_message(message)?;
                apply::edit(plan, edit, &message, ctx).map(|applied| match applied {
                    Applied::Message(message) => Outcome::Message(message),
                    Applied::Dropped { reason } => Outcome::Dropped(reason),
                })
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

    fn differences(&self, outcome: &Outcome) -> Vec<Difference> {
        let got_reason = match outcome {
            Outcome::Dropped(reason) => reason.as_str(),
            Outcome::Message(_) => "",
        };
        let want_reason = self.dropped.as_deref().unwrap_or_default();
        if got_reason != want_reason {
            let (want, got) = (want_reason.to_owned(), got_reason.to_owned());
            return vec![Difference { path: "dropped".to_owned(), want, got }];
        }
        match outcome {
            Outcome::Message(message) => self.message_differences(message),
            Outcome::Dropped(_) => Vec::new(),
        }
    }

    fn message_differences(&self, message: &Message<'_>) -> Vec<Difference> {
        let mut differences = Vec::new();
        for Expectation { path, want } in &self.expect {
            let got = match message.get(path) {
                Some(value) => value.raw(),
                None if is_there(message, path) => "",
                None => ABSENT,
            };
            if got != want {
                differences.push(Difference {
                    path: path.to_string(),
                    want: want.clone(),
                    got: got.to_owned(),
                });
            }
        }
        if let Some(want) = &self.expect_message {
            let want = lines(want);
            let got = message.as_er7();
            if got != want {
                differences.push(Difference { path: "message".to_owned(), want, got: got.to_owned() });
            }
        }
        differences
    }
}

/// What stands in place of a value whose segment or repetition is not in the message.
const ABSENT: &str = "(absent)";

/// Whether the segment that a path names is there, and the repetition where it names one. A field behind the last is empty, not absent.
fn is_there(message: &Message<'_>, path: &Path) -> bool {
    let skip = match path.occurrence() {
        Occurrence::Nth(n) => n.saturating_sub(1) as usize,
        _ => 0,
    };
    if message.segments(path.segment_id()).nth(skip).is_none() {
        return false;
    }
    match path.repetition() {
        RepetitionIndex::Unstated | RepetitionIndex::All | RepetitionIndex::Nth(1) => true,
        _ => repetition_of(path).is_some_and(|repetition| message.get(&repetition).is_some()),
    }
}

/// The repetition that a path is in: `PID-3[2]` of `PID-3[2].5`.
fn repetition_of(path: &Path) -> Option<Path> {
    let text = path.to_string();
    let end = text.rfind(']')? + 1;
    text.get(..end)?.parse().ok()
}

/// A message written on lines of a file, with the segments ending in CR.
pub(crate) fn lines(text: &str) -> String {
    let segments = text.split(['\r', '\n']).filter(|line| !line.is_empty());
    segments.map(|segment| format!("{segment}\r")).collect()
}

/// Puts `value` at `steps`, making objects on the way. An index behind the end of a list adds to it.
fn put(target: &mut Json<'static>, steps: &[Step], value: Json<'static>) {
    let Some((step, rest)) = steps.split_first() else {
        *target = value;
        return;
    };
    match step {
        Step::Name(name) => {
            if !matches!(target, Json::Object(_)) {
                *target = Json::Object(Object::of(Vec::new()));
            }
            let Json::Object(members) = target else { return };
            if let Some(member) = members.get_or_add(name) {
                put(member, rest, value);
            }
        }
        Step::Index(index) => {
            if !matches!(target, Json::List(_)) {
                *target = Json::List(Vec::new());
            }
            let Json::List(items) = target else { return };
            if let Some(item) = items.get_mut(*index) {
                return put(item, rest, value);
            }
            let mut item = Json::Null;
            put(&mut item, rest, value);
            items.push(item);
        }
    }
}

impl ExpectedError {
    fn fits(&self, error: &ApplyError) -> bool {
        let same = |want: &Option<String>, got: Option<&str>| {
            want.as_deref()
                .is_none_or(|want| got.is_some_and(|got| got == want || without_indexes(got) == want))
        };
        error.iter().any(|refusal| {
            same(&self.code, Some(refusal.code()))
                && same(&self.path, refusal.path())
                && same(&self.source, refusal.source())
        })
    }

    fn difference(&self, got: String) -> Difference {
        let parts = [&self.code, &self.path, &self.source].into_iter().flatten();
        let want = parts.map(String::as_str).collect::<Vec<_>>().join(" ");
        Difference { path: "error".to_owned(), want, got }
    }
}

/// A path without what says which item of a loop it is in.
fn without_indexes(path: &str) -> String {
    let mut parts = path.split('[');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |out, part| out + part.split_once(']').map_or(part, |(_, behind)| behind))
}

/// How the tests of a mapping file went.
#[derive(Debug)]
pub struct TestReport {
    pub(crate) cases: Vec<CaseReport>,
}

impl TestReport {
    /// How many passed.
    pub fn passed(&self) -> usize {
        self.cases.iter().filter(|case| case.passed()).count()
    }

    /// How many failed.
    pub fn failed(&self) -> usize {
        self.cases.len() - self.passed()
    }

    /// Each test, in the order of the file.
    pub fn cases(&self) -> impl ExactSizeIterator<Item = &CaseReport> {
        self.cases.iter()
    }
}

/// How one test went.
pub struct CaseReport {
    name: String,
    line: usize,
    differences: Vec<Difference>,
    error: Option<ApplyError>,
}

impl CaseReport {
    /// Its name, or `test 2` for the second when it has none.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its line in the file, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// Whether everything came out as expected.
    pub fn passed(&self) -> bool {
        self.differences.is_empty() && self.error.is_none()
    }

    /// What came out otherwise than expected.
    pub fn differences(&self) -> &[Difference] {
        &self.differences
    }

    /// Why there was no message where one was expected.
    pub fn error(&self) -> Option<&ApplyError> {
        self.error.as_ref()
    }
}

impl fmt::Debug for CaseReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CaseReport")
            .field("line", &self.line)
            .field("differences", &self.differences)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

/// A place that came out otherwise than a test expects. Its purpose is to show both values, which are the test's; `Debug` masks them.
#[derive(Clone, PartialEq, Eq)]
pub struct Difference {
    path: String,
    want: String,
    got: String,
}

impl Difference {
    /// The place: a path such as `PID-8`, `message` for the whole message, `dropped` for the reason of a dropped one, `error` for an
    /// expected error.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What the test expects.
    pub fn want(&self) -> &str {
        &self.want
    }

    /// What came out: `(absent)` when the message has no such segment or repetition, nothing when it has and the place in it is empty.
    pub fn got(&self) -> &str {
        &self.got
    }
}

impl fmt::Debug for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Difference {{ want: {} bytes, got: {} bytes }}", self.want.len(), self.got.len())
    }
}
