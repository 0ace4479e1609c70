//! What a test expects, and where what came out differs.

use hl7_core::{Message, Occurrence, Path, RepetitionIndex};

use super::report::Difference;
use crate::applied::Applied;
use crate::expr::Step;
use crate::json::{self, Json, JsonLimits};
use crate::refusal::ApplyError;

/// What has to come out.
#[derive(Default)]
pub(crate) struct Expected {
    pub(crate) places: Vec<Expectation>,
    pub(crate) message: Option<String>,
    /// The reason why the message is dropped.
    pub(crate) dropped: Option<String>,
    pub(crate) error: Option<ExpectedError>,
}

/// What has to stand at a place.
pub(crate) enum Expectation {
    /// As written in the message.
    Message {
        path: Path,
        want: String,
    },
    Json {
        path: String,
        steps: Vec<Step>,
        want: Json<'static>,
    },
}

/// What one of the refusals has to have.
#[derive(Default)]
pub(crate) struct ExpectedError {
    pub(crate) code: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) source: Option<String>,
}

impl Expected {
    /// Where the result is not as expected; an error that no one expects is given back.
    pub(super) fn differences(
        &self,
        result: Result<Applied, ApplyError>,
    ) -> (Vec<Difference>, Option<ApplyError>) {
        match (result, &self.error) {
            (Ok(applied), None) => (self.of_applied(&applied), None),
            (Ok(_), Some(expected)) => (vec![expected.difference("no error".to_owned())], None),
            (Err(error), None) => (Vec::new(), Some(error)),
            (Err(error), Some(expected)) if !expected.fits(&error) => {
                (vec![expected.difference(error.to_string())], None)
            }
            (Err(_), Some(_)) => (Vec::new(), None),
        }
    }

    fn of_applied(&self, applied: &Applied) -> Vec<Difference> {
        let reason = if let Applied::Dropped { reason } = applied { reason.as_str() } else { "" };
        let expected = self.dropped.as_deref().unwrap_or_default();
        if reason != expected {
            return vec![Difference::new("dropped", expected, reason)];
        }
        match applied {
            Applied::Message(message) => self.of_message(message),
            Applied::Json(text) => self.of_json(text),
            Applied::Dropped { .. } => Vec::new(),
        }
    }

    fn of_message(&self, message: &Message<'_>) -> Vec<Difference> {
        let mut differences = Vec::new();
        for expectation in &self.places {
            let Expectation::Message { path, want } = expectation else { continue };
            let got = match message.get(path) {
                Some(value) => value.raw(),
                None if is_there(message, path) => "",
                None => ABSENT,
            };
            if got != want {
                differences.push(Difference::new(&path.to_string(), want, got));
            }
        }
        if let Some(want) = &self.message {
            let (want, got) = (super::lines(want), message.as_er7());
            if got != want {
                differences.push(Difference::new("message", &want, got));
            }
        }
        differences
    }

    fn of_json(&self, text: &str) -> Vec<Difference> {
        let limits = JsonLimits { bytes: text.len(), values: usize::MAX };
        let Ok(whole) = json::read(text.as_bytes(), limits) else {
            return vec![Difference::new("json", "JSON", "no JSON")];
        };
        let mut differences = Vec::new();
        for expectation in &self.places {
            let Expectation::Json { path, steps, want } = expectation else { continue };
            let got = steps.iter().try_fold(&whole, |json, step| match step {
                Step::Name(name) => json.member(name),
                Step::Index(index) => json.item(*index),
            });
            let absent = matches!(want, Json::String(text) if text == ABSENT);
            let same = got.map_or(absent, |got| got.means(want));
            if !same {
                let got = got.map_or(ABSENT.to_owned(), Json::shown);
                differences.push(Difference::new(path, &want.shown(), &got));
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
        Difference::new("error", &want, &got)
    }
}

/// A path without what says which item of a loop it is in.
fn without_indexes(path: &str) -> String {
    let mut parts = path.split('[');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |out, part| out + part.split_once(']').map_or(part, |(_, behind)| behind))
}
