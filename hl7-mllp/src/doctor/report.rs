//! The report: what was tried, what was found, in words and for machines.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use super::finding::Finding;
use super::probe::Probe;
use super::severity::Severity;

/// What an examination came to. It holds nothing of what the receiver sent.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub(super) peer: Option<SocketAddr>,
    pub(super) prefix: String,
    pub(super) messages: usize,
    pub(super) took: Duration,
    pub(super) checks: Vec<Check>,
    pub(super) findings: Vec<Finding>,
}

/// A probe, and what became of it.
#[derive(Clone, Debug)]
pub struct Check {
    pub(super) probe: Probe,
    pub(super) state: CheckState,
    pub(super) note: String,
}

/// What became of a probe.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum CheckState {
    /// Nothing was found, or only what is good to know.
    Passed,
    /// There is a finding of this severity, warning or error.
    Found(Severity),
    /// It was not tried; the note says why.
    Skipped,
}

impl Check {
    /// The probe.
    pub fn probe(&self) -> Probe {
        self.probe
    }

    /// What became of it.
    pub fn state(&self) -> CheckState {
        self.state
    }

    /// What was seen, such as `AA after 3 ms`, or why it was skipped.
    pub fn note(&self) -> &str {
        &self.note
    }

    fn word(&self) -> &'static str {
        match self.state {
            CheckState::Passed => "ok",
            CheckState::Found(severity) => severity.as_str(),
            CheckState::Skipped => "skipped",
        }
    }
}

impl Report {
    /// What was tried, in order.
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// What was found, in order; the same thing once.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The worst that was found.
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(Finding::severity).max()
    }

    /// Whether there is neither an error nor a warning, and nothing was skipped.
    pub fn is_clean(&self) -> bool {
        let skipped = self.checks.iter().any(|check| check.state == CheckState::Skipped);
        !skipped && self.worst() < Some(Severity::Warning)
    }

    /// The address that was connected to.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// What the control IDs of the test messages start with, so that they can be found at the receiver, and taken out.
    pub fn control_id_prefix(&self) -> &str {
        &self.prefix
    }

    /// How many test messages were made. A message that was sent again counts once.
    pub fn messages(&self) -> usize {
        self.messages
    }

    /// How long it took.
    pub fn took(&self) -> Duration {
        self.took
    }

    /// The report as one JSON object: `verdict` (`clean`, `info`, `warning`, `error`), `peer`, `control_id_prefix`, `messages`, `took_ms`,
    /// `checks` (`probe`, `state`, `note`) and `findings` (`code`, `severity`, `probe`, `what`, `seen`, `rule`, `suggestion`).
    pub fn to_json(&self) -> String {
        let checks = self.checks.iter().map(|check| {
            object(&[("probe", check.probe.as_str()), ("state", check.word()), ("note", check.note())])
        });
        let findings = self.findings.iter().map(|finding| {
            object(&[
                ("code", finding.code()),
                ("severity", finding.severity().as_str()),
                ("probe", finding.probe().as_str()),
                ("what", finding.what()),
                ("seen", finding.seen()),
                ("rule", finding.rule()),
                ("suggestion", finding.suggestion()),
            ])
        });
        let peer = self.peer.map_or_else(|| "null".to_owned(), |peer| string(&peer.to_string()));
        format!(
            "{{\"verdict\":{},\"peer\":{peer},\"control_id_prefix\":{},\"messages\":{},\"took_ms\":{},\
             \"checks\":[{}],\"findings\":[{}]}}",
            string(self.verdict()),
            string(&self.prefix),
            self.messages,
            self.took.as_millis(),
            checks.collect::<Vec<_>>().join(","),
            findings.collect::<Vec<_>>().join(","),
        )
    }

    fn verdict(&self) -> &'static str {
        self.worst().map_or("clean", Severity::as_str)
    }

    fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity() == severity).count()
    }
}

/// For people, over several lines.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for check in &self.checks {
            writeln!(f, "{:<8} {:<13} {}", check.word(), check.probe, check.note)?;
        }
        for finding in &self.findings {
            write_finding(finding, f)?;
        }
        let (errors, warnings) = (self.count(Severity::Error), self.count(Severity::Warning));
        writeln!(f, "\n{errors} errors, {warnings} warnings in {:.1} s", self.took.as_secs_f64())?;
        if self.messages > 0 {
            writeln!(f, "{} test messages; their control IDs start with {}", self.messages, self.prefix)?;
        }
        Ok(())
    }
}

fn write_finding(finding: &Finding, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(f, "\n{} {} ({}): {}", finding.severity(), finding.code(), finding.probe(), finding.what())?;
    for (label, text) in [("seen", finding.seen()), ("right", finding.rule()), ("do", finding.suggestion())] {
        if !text.is_empty() {
            writeln!(f, "  {label:<6}{text}")?;
        }
    }
    Ok(())
}

fn object(members: &[(&str, &str)]) -> String {
    let members: Vec<String> =
        members.iter().map(|(name, value)| format!("{}:{}", string(name), string(value))).collect();
    format!("{{{}}}", members.join(","))
}

fn string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
