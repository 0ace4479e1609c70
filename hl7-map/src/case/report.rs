//! How the tests of a file went.

use std::fmt;

use crate::refusal::ApplyError;

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
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) differences: Vec<Difference>,
    pub(super) error: Option<ApplyError>,
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
    pub(super) path: String,
    pub(super) want: String,
    pub(super) got: String,
}

impl Difference {
    pub(super) fn new(path: &str, want: &str, got: &str) -> Self {
        Self { path: path.to_owned(), want: want.to_owned(), got: got.to_owned() }
    }

    /// The place: a path such as `PID-8` or `orders[0].code`, `message` for the whole message, `dropped` for the reason of a dropped one, `error` for an
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
