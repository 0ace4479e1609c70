//! One finding: a fault, where it showed, and what was seen of it.

use std::fmt;

use super::fault::Fault;
use super::probe::Probe;
use super::severity::Severity;

/// What a probe has found. It holds numbers, codes and shapes, and never a word of what the receiver sent.
#[derive(Clone, Debug)]
pub struct Finding {
    fault: &'static Fault,
    probe: Probe,
    seen: String,
}

impl Finding {
    pub(super) fn new(fault: &'static Fault, probe: Probe, seen: impl Into<String>) -> Self {
        Self { fault, probe, seen: seen.into() }
    }

    /// The stable code, such as `D201`.
    pub fn code(&self) -> &'static str {
        self.fault.code
    }

    /// How bad it is.
    pub fn severity(&self) -> Severity {
        self.fault.severity
    }

    /// The probe that found it.
    pub fn probe(&self) -> Probe {
        self.probe
    }

    /// What it is.
    pub fn what(&self) -> &'static str {
        self.fault.what
    }

    /// What was seen of it: times, sizes, codes. Empty where there is no more to say.
    pub fn seen(&self) -> &str {
        &self.seen
    }

    /// What the standard says, or what we recommend. Empty where the fault speaks for itself.
    pub fn rule(&self) -> &'static str {
        self.fault.rule
    }

    /// What to do about it.
    pub fn suggestion(&self) -> &'static str {
        self.fault.suggestion
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code(), self.what())?;
        if !self.seen.is_empty() {
            write!(f, " ({})", self.seen)?;
        }
        write!(f, "; {}", self.suggestion())
    }
}
