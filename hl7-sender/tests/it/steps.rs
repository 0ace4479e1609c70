//! Processes that are killed exactly at a named step.
//!
//! The child says nothing of its end: it kills itself with SIGKILL at the step, or the disk under it does ([`crate::disk`]). The receiver is the witness of what was
//! sent, the file of what was durable. `HL7_SEEDS=n` runs the campaigns over so many seeds instead of one, from `HL7_FIRST_SEED` on.

use std::fmt;
use std::io::Write as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use hl7_sender::State;

/// Where a process can be killed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum At {
    /// The store is about to be called to keep a message.
    Keep,
    /// It has returned, and its caller does not know yet.
    Kept,
    /// An attempt is counted, and nothing was written.
    Marked,
    /// A message was written in part.
    PartWritten,
    /// A message was written in full.
    Written,
    /// The acknowledgment was read, and nothing done with it.
    AckRead,
    /// The store is about to be called to settle the message.
    Settle,
    /// It has returned.
    Settled,
    /// The listener has written its answer in part, or in full.
    PartAnswered,
    Answered,
}

/// A step, and what a kill there leaves behind.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) at: At,
    /// How far SQLite comes with the commit that begins there: to which of its calls to the disk.
    pub(crate) disk: Option<&'static str>,
    /// The entry on the disk.
    pub(crate) left: Option<State>,
    /// Whether the receiver has the message, so that it gets it once more.
    pub(crate) again: bool,
}

const fn step(name: &'static str, at: At, left: Option<State>, again: bool) -> Step {
    Step { name, at, disk: None, left, again }
}

const fn inside(name: &'static str, at: At, disk: &'static str, left: Option<State>, again: bool) -> Step {
    Step { name, at, disk: Some(disk), left, again }
}

const QUEUED: Option<State> = Some(State::Queued);
const SENDING: Option<State> = Some(State::Sending);
const DELIVERED: Option<State> = Some(State::Delivered);

/// The steps of a sender. A duplicate is possible only between the first byte that the receiver can make a message of and the commit of its answer.
pub(crate) const SENDER: [Step; 16] = [
    step("before insert", At::Keep, None, false),
    inside("after insert, before commit", At::Keep, "write", None, false),
    inside("in the middle of the commit", At::Keep, "torn", None, false),
    inside("commit written, before its flush", At::Keep, "sync", QUEUED, false),
    inside("commit flushed", At::Keep, "synced", QUEUED, false),
    step("after commit, before return", At::Kept, QUEUED, false),
    step("after attempt mark", At::Marked, SENDING, false),
    step("after write partial", At::PartWritten, SENDING, false),
    step("after write full", At::Written, SENDING, true),
    step("after ACK read", At::AckRead, SENDING, true),
    step("before ack commit", At::Settle, SENDING, true),
    inside("ack settled, before commit", At::Settle, "write", SENDING, true),
    inside("in the middle of the ack commit", At::Settle, "torn", SENDING, true),
    inside("ack commit written, before its flush", At::Settle, "sync", DELIVERED, false),
    inside("ack commit flushed", At::Settle, "synced", DELIVERED, false),
    step("after ack commit", At::Settled, DELIVERED, false),
];

/// The steps of a listener.
pub(crate) const LISTENER: [Step; 8] = [
    step("before insert", At::Keep, None, false),
    inside("after insert, before commit", At::Keep, "write", None, false),
    inside("in the middle of the commit", At::Keep, "torn", None, false),
    inside("commit written, before its flush", At::Keep, "sync", QUEUED, true),
    inside("commit flushed", At::Keep, "synced", QUEUED, true),
    step("after commit, before the answer", At::Kept, QUEUED, true),
    step("after the answer, partial", At::PartAnswered, QUEUED, true),
    step("after the answer, full", At::Answered, QUEUED, false),
];

impl Step {
    /// What tells a child that it ends here when it comes here for the nth time.
    pub(crate) fn environment(&self, nth: usize) -> Vec<(&'static str, String)> {
        let mut environment = vec![("STEP", format!("{:?}", self.at)), ("NTH", nth.to_string())];
        environment.extend(self.disk.map(|call| ("DISK_KILL", call.to_owned())));
        environment
    }
}

/// How often the step is still passed; in a child that is not told of a step, for ever.
static LEFT: AtomicUsize = AtomicUsize::new(usize::MAX);

/// From here on the steps count.
pub(crate) fn begin() {
    if let Ok(nth) = std::env::var("NTH") {
        LEFT.store(nth.parse().unwrap(), Ordering::SeqCst);
    }
}

fn chosen() -> Option<&'static str> {
    static CHOSEN: OnceLock<Option<String>> = OnceLock::new();
    CHOSEN.get_or_init(|| std::env::var("STEP").ok()).as_deref()
}

/// Whether this process ends here and now.
pub(crate) fn is_here(at: At) -> bool {
    let counts = LEFT.load(Ordering::SeqCst) != usize::MAX;
    counts
        && chosen().is_some_and(|step| step == format!("{at:?}"))
        && LEFT.fetch_sub(1, Ordering::SeqCst) == 1
}

/// Ends this process if it is to end here, or lets the disk do so in the commit that follows.
pub(crate) fn reached(at: At) {
    if is_here(at) {
        match (std::env::var_os("DISK_KILL"), std::env::var_os("DISK_FOLDER")) {
            (Some(_), Some(folder)) => drop(std::fs::write(std::path::Path::new(&folder).join("armed"), "")),
            _ => die(),
        }
    }
}

pub(crate) fn die() -> ! {
    use rustix::process::{Signal, getpid, kill_process};
    kill_process(getpid(), Signal::KILL).unwrap();
    unreachable!("nothing runs after SIGKILL")
}

/// What happened, of one run or of all.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) runs: usize,
    pub(crate) messages: usize,
    pub(crate) kills: usize,
    pub(crate) duplicates: usize,
    pub(crate) lost: usize,
}

impl Tally {
    pub(crate) fn add(&mut self, run: Self) {
        self.runs += run.runs;
        self.messages += run.messages;
        self.kills += run.kills;
        self.duplicates += run.duplicates;
        self.lost += run.lost;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { runs, messages, kills, duplicates, lost } = self;
        write!(f, "runs {runs}, messages {messages}, kills {kills}, duplicates {duplicates}, lost {lost}")
    }
}

/// The seeds of a campaign.
pub(crate) fn seeds() -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let first = number("HL7_FIRST_SEED").unwrap_or(1);
    first..first + number("HL7_SEEDS").unwrap_or(1)
}

pub(crate) fn tell(line: impl fmt::Display) {
    let mut terminal = std::io::stderr();
    writeln!(terminal, "{line}").unwrap();
}
