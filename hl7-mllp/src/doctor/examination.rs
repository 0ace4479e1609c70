//! One examination: the probes one after the other, and what each needs.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use super::answer::Seen;
use super::examiner::Doctor;
use super::fault::{self, Fault};
use super::finding::Finding;
use super::hearing::{self, Hearing};
use super::line::{Line, Unsaid};
use super::probe::Probe;
use super::question::{Question, Questions};
use super::report::{Check, CheckState, Report};
use super::severity::Severity;
use crate::connect_error::{ConnectError, ConnectErrorKind};

/// Why a probe could not be used, or not to its end.
pub(super) struct Skipped(pub(super) &'static str);

const UNFIT: Skipped = Skipped("the message given cannot be changed so");
const NO_CONNECTION: Skipped = Skipped("no connection could be had");
const UNSOUND: Skipped = Skipped("the probes before it have to pass first");

/// What a probe gives: the note for the report.
pub(super) type Probed = Result<String, Skipped>;

pub(super) struct Examination<'a> {
    pub(super) doctor: &'a Doctor,
    addr: &'a str,
    questions: Option<Questions>,
    probe: Probe,
    /// The receiver closes after each message: probes that need an open connection are skipped.
    pub(super) closes: bool,
    report: Report,
}

impl<'a> Examination<'a> {
    pub(super) fn new(doctor: &'a Doctor, addr: &'a str) -> Self {
        let questions = Questions::new(doctor.message.as_ref(), doctor.processing).ok();
        Self { doctor, addr, questions, probe: Probe::Reach, closes: false, report: Report::default() }
    }

    pub(super) async fn run(&mut self) {
        for &probe in &self.doctor.probes {
            self.probe = probe;
            let found = self.report.findings.len();
            let probed = if self.is_sound(probe) { self.tried(probe).await } else { Err(UNSOUND) };
            let new = self.report.findings.get(found..).unwrap_or_default();
            let worst = new.iter().map(Finding::severity).filter(|&severity| severity > Severity::Info).max();
            let (state, note) = match (worst, probed) {
                (Some(severity), Ok(note)) => (CheckState::Found(severity), note),
                (Some(severity), Err(Skipped(why))) => (CheckState::Found(severity), why.to_owned()),
                (None, Ok(note)) => (CheckState::Passed, note),
                (None, Err(Skipped(why))) => (CheckState::Skipped, why.to_owned()),
            };
            self.report.checks.push(Check { probe, state, note });
        }
    }

    pub(super) fn out_of_time(&mut self) {
        self.found(&fault::OUT_OF_TIME, format!("in the probe {}", self.probe));
        let left = self.doctor.probes.iter().skip(self.report.checks.len());
        let note = "the examination ended at its deadline";
        let checks = left.map(|&probe| Check { probe, state: CheckState::Skipped, note: note.to_owned() });
        self.report.checks.extend(checks);
    }

    pub(super) fn report(mut self, took: Duration) -> Report {
        self.report.took = took;
        if let Some(questions) = &self.questions {
            self.report.prefix = questions.prefix().to_owned();
            self.report.messages = questions.made();
        }
        self.report
    }

    /// Whether the probe can find anything that does not follow from what is known already. A receiver that is silent may be so
    /// because it reads nothing, and a long message shows that.
    fn is_sound(&self, probe: Probe) -> bool {
        let first = [Probe::Reach, Probe::Message, Probe::Again];
        let mut errors = self
            .report
            .findings
            .iter()
            .filter(|f| f.severity() == Severity::Error && first.contains(&f.probe()));
        match errors.next().map(Finding::code) {
            None => true,
            Some(code) => probe == Probe::Large && code == fault::UNANSWERED.code,
        }
    }

    async fn tried(&mut self, probe: Probe) -> Probed {
        match probe {
            Probe::Reach => self.reach().await,
            Probe::Message => self.message().await,
            Probe::Again => self.again().await,
            Probe::ControlIds => self.control_ids().await,
            Probe::Charset => self.charset().await,
            Probe::Fragments => self.fragments().await,
            Probe::Pipelining => self.pipelining().await,
            Probe::Idle => self.idle().await,
            Probe::Enhanced => self.enhanced().await,
            Probe::Duplicate => self.duplicate().await,
            Probe::LineFeeds => self.line_feeds().await,
            Probe::UnknownType => self.unknown_type().await,
            Probe::NotHl7 => self.not_hl7().await,
            Probe::BrokenBlock => self.broken_block().await,
            Probe::Large => self.large().await,
        }
    }

    /// Notes a finding, unless the same was seen before.
    pub(super) fn found(&mut self, fault: &'static Fault, seen: impl Into<String>) {
        let seen = seen.into();
        let mut known = self.report.findings.iter();
        if !known.any(|finding| finding.code() == fault.code && finding.seen() == seen) {
            self.report.findings.push(Finding::new(fault, self.probe, seen));
        }
    }

    pub(super) fn has_found(&self, fault: &Fault) -> bool {
        self.report.findings.iter().any(|finding| finding.code() == fault.code)
    }

    pub(super) fn found_all(&mut self, seen: Vec<Seen>) {
        for (fault, seen) in seen {
            self.found(fault, seen);
        }
    }

    /// A message, as `make` wants it.
    pub(super) fn question(
        &mut self,
        make: impl FnOnce(&mut Questions) -> Option<Question>,
    ) -> Result<Question, Skipped> {
        self.questions.as_mut().and_then(make).ok_or(UNFIT)
    }

    /// A connection; where there is none that is found.
    pub(super) async fn line(&mut self) -> Result<Line, Skipped> {
        match Line::open(self.addr, &self.doctor.client).await {
            Ok(line) => {
                self.report.peer = line.peer();
                Ok(line)
            }
            Err(why) => {
                self.found(unreached(&why), why.code());
                Err(NO_CONNECTION)
            }
        }
    }

    /// Sends a message and listens for its one answer. `earlier` are the control IDs sent before on this line.
    pub(super) async fn ask(&self, line: &mut Line, question: &Question, earlier: &[String]) -> Hearing {
        self.ask_with(line, &question.framed(), question, earlier).await
    }

    /// The same, with these bytes for the block.
    pub(super) async fn ask_with(
        &self,
        line: &mut Line,
        bytes: &[u8],
        question: &Question,
        earlier: &[String],
    ) -> Hearing {
        match line.say(bytes, self.doctor.ack_timeout).await {
            Err(Unsaid::TimedOut) => return Hearing::silent(&fault::TAKES_NO_BYTES),
            // What it said before it went is still to be heard.
            Ok(()) | Err(Unsaid::Lost) => {}
        }
        let heard = line.hear(1, self.doctor.ack_timeout, self.doctor.quiet).await;
        hearing::judge(&heard, question, earlier)
    }

    /// Asks with a message that differs from the plain one in one thing, on a connection of its own. Silence is what `silent` says.
    pub(super) async fn variant(
        &mut self,
        what: &str,
        question: &Question,
        silent: &'static Fault,
    ) -> Result<Hearing, Skipped> {
        let mut line = self.line().await?;
        let hearing = self.ask(&mut line, question, &[]).await;
        Ok(self.judged(what, hearing, silent))
    }

    /// Notes what was found in an answer to a message other than the plain one.
    pub(super) fn judged(&mut self, what: &str, mut hearing: Hearing, silent: &'static Fault) -> Hearing {
        self.found_all(std::mem::take(&mut hearing.faults));
        if let Some(why) = hearing.silence {
            self.found(silent, format!("{what}: {}", why.what));
        }
        if let Some(code) = hearing.code.filter(|code| !code.is_positive()) {
            self.found(&fault::VARIANT_REFUSED, format!("{what}: {code}"));
        }
        hearing
    }
}

fn unreached(why: &ConnectError) -> &'static Fault {
    let system = why.source().and_then(|source| source.downcast_ref::<io::Error>());
    match why.kind() {
        ConnectErrorKind::Address => &fault::NOT_AN_ADDRESS,
        ConnectErrorKind::Dns => &fault::NOT_RESOLVED,
        ConnectErrorKind::NoSuchName => &fault::NO_SUCH_NAME,
        ConnectErrorKind::Tls(why) => fault::insecure(why),
        ConnectErrorKind::Refused => &fault::REFUSED,
        ConnectErrorKind::TimedOut => &fault::CONNECT_TIMED_OUT,
        ConnectErrorKind::Unreachable => &fault::UNREACHABLE,
        // Accepted, and reset before the system had told us of it.
        ConnectErrorKind::Other if system.is_some_and(|e| e.kind() == io::ErrorKind::ConnectionReset) => {
            &fault::CLOSES_AT_ONCE
        }
        _ => &fault::NOT_CONNECTED,
    }
}
