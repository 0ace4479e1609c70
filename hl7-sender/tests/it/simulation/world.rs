//! One run: a process that lives and dies on one store, with all that is around it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use hl7_core::{AckCode, path};
use hl7_sender::{Action, Destination, MemoryStore, Policy, Retry, Sender};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use super::book::{Book, MOST};
use super::dice::Dice;
use super::disk::Disk;
use super::life::Life;
use super::receiver::{Network, Receiver, Way};

/// The receivers. The second names no message in its acknowledgments.
pub(super) const RECEIVERS: [&str; 3] = ["ehr", "lab", "old"];

/// A run's process, as long as it lives.
#[derive(Clone)]
pub(super) struct Process {
    pub(super) sender: Sender,
    pub(super) life: Life,
}

pub(super) struct World {
    pub(super) book: Arc<Book>,
    pub(super) receivers: BTreeMap<&'static str, Receiver>,
    store: MemoryStore,
    dice: Arc<Dice>,
    /// Whether anything goes wrong.
    pub(super) rough: Arc<AtomicBool>,
    current: Mutex<Option<Process>>,
    starts: Notify,
    begun: Instant,
    /// How far the clock is from what it should show, in milliseconds.
    skew: Arc<AtomicI64>,
}

impl World {
    pub(super) fn new(seed: u64) -> Arc<Self> {
        let (book, dice) = (Arc::new(Book::new()), Arc::new(Dice::new(seed)));
        let rough = Arc::new(AtomicBool::new(true));
        let network = Network { book: Arc::clone(&book), dice: Arc::clone(&dice), rough: Arc::clone(&rough) };
        let receiver = |name| (name, Receiver::new(&network, name, name == "lab"));
        Arc::new(Self {
            receivers: RECEIVERS.into_iter().map(receiver).collect(),
            book,
            store: MemoryStore::new(),
            dice,
            rough,
            current: Mutex::default(),
            starts: Notify::new(),
            begun: Instant::now(),
            skew: Arc::default(),
        })
    }

    pub(super) fn is_rough(&self) -> bool {
        self.rough.load(Ordering::Relaxed)
    }

    /// Sets the clock wrong by so many milliseconds.
    pub(super) fn set_clock(&self, skew: i64) {
        self.skew.store(skew, Ordering::Relaxed);
    }

    /// The process that lives, or the next one.
    pub(super) async fn process(&self) -> Process {
        loop {
            let started = self.starts.notified();
            if let Some(process) = self.current.lock().unwrap().clone() {
                return process;
            }
            started.await;
        }
    }

    /// Lets processes live and die until all is to be quiet, and then one more live.
    pub(super) async fn processes(self: Arc<Self>) {
        while self.is_rough() {
            let mut dice = self.dice.of("process");
            let Some(process) = self.start().await else { continue };
            tokio::select! {
                biased;
                _ = process.sender.failed() => self.book.count(|tally| tally.store_faults += 1),
                () = sleep(Duration::from_millis(dice.u64(50..12_000))) => {
                    if dice.u64(0..4) == 0 {
                        self.book.note("shutdown");
                        self.book.count(|tally| tally.shutdowns += 1);
                        process.sender.shutdown(Duration::from_millis(dice.u64(0..2000))).await;
                    } else {
                        self.book.count(|tally| tally.kills += 1);
                    }
                }
            }
            self.book.note("the process ends");
            self.current.lock().unwrap().take();
            process.life.end();
            sleep(Duration::from_millis(dice.u64(0..1500))).await;
        }
        while self.start().await.is_none() {}
    }

    async fn start(&self) -> Option<Process> {
        let life = Life::default();
        let (book, dice) = (Arc::clone(&self.book), Arc::clone(&self.dice));
        let disk = Disk::new(self.store.reopen(), book, dice, life.clone(), Arc::clone(&self.rough));
        let (begun, skew) = (self.begun, Arc::clone(&self.skew));
        let clock = move || now(begun, skew.load(Ordering::Relaxed));
        let builder = Sender::builder(disk).clock(clock);
        let destinations = RECEIVERS.iter().map(|name| self.destination(name, &life));
        let started = destinations.fold(builder, |builder, to| builder.destination(to)).start().await;
        let process = Process { sender: started.ok()?, life };
        *self.current.lock().unwrap() = Some(process.clone());
        self.book.note("a process starts");
        self.starts.notify_waiters();
        Some(process)
    }

    /// A destination, set in one of the ways that there are.
    pub(super) fn destination(&self, name: &str, life: &Life) -> Destination {
        let mut dice = self.dice.of(("destination", name));
        let way = Way { receiver: self.receivers[name].clone(), life: life.clone() };
        let retry = Retry::new()
            .first(Duration::from_millis(100))
            .max(Duration::from_secs(4))
            .rest(Duration::from_secs(20));
        let policy = [
            Policy::new(),
            Policy::rhapsody(),
            Policy::intersystems(),
            Policy::new().on(AckCode::AE, Action::DeadLetter).on(AckCode::CE, Action::Skip),
        ];
        let retry = match name {
            "old" => retry.max_attempts(4).used_up(Action::DeadLetter).max_age(Duration::from_secs(600)),
            _ => retry,
        };
        Destination::over(name, way)
            .lane_keys([path!("PID[*]-3.1"), path!("MRG[*]-1.1")])
            .connections(dice.usize(1..=MOST))
            .policy(dice.choice(&policy).unwrap().clone())
            .retry(retry)
    }

    /// What is on record in the end.
    pub(super) async fn records(&self) -> Vec<hl7_sender::Record> {
        use hl7_sender::Store as _;
        self.store.reopen().recent(None, usize::MAX).await.unwrap()
    }
}

fn now(begun: Instant, skew: i64) -> SystemTime {
    let true_time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000) + begun.elapsed();
    let wrong = Duration::from_millis(skew.unsigned_abs());
    if skew < 0 { true_time - wrong } else { true_time + wrong }
}
