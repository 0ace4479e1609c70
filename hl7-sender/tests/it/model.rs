//! The embedded store against the store in memory, which is the plainest form of the contract: random calls, and after each of them everything that can be
//! read is the same. `PROPTEST_CASES` is how many sequences of calls are made.

mod call;
mod seen;

use std::collections::BTreeMap;
use std::fmt;
use std::task::{Context, Poll, Waker};
use std::time::SystemTime;

use hl7_sender::contract::at;
use hl7_sender::{EntryId, MemoryStore, Record, SqliteStore, State, Store};
use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use tokio::runtime::Runtime;

use self::call::{Call, Ids};
use self::seen::{Lanes, look};
use crate::peer::Folder;

/// What a store is and what it last answered.
struct Reference {
    store: MemoryStore,
    now: u64,
    answer: String,
}

impl Clone for Reference {
    fn clone(&self) -> Self {
        Self { store: self.store.fork(), now: self.now, answer: self.answer.clone() }
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reference").field("now", &self.now).finish_non_exhaustive()
    }
}

/// The store in memory answers at once.
fn at_once<T>(work: impl Future<Output = T>) -> T {
    match std::pin::pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("the store in memory does not wait"),
    }
}

impl Reference {
    fn now(&self) -> SystemTime {
        at(self.now)
    }

    /// The entries there are, those under way apart.
    fn ids(&self) -> Ids {
        let all = at_once(self.store.recent(None, 99)).unwrap();
        let (sending, others): (Vec<_>, Vec<_>) =
            all.iter().partition(|record| record.state == State::Sending);
        let ids = |records: Vec<&Record>| records.iter().map(|record| record.id).collect();
        Ids { sending: ids(sending), others: ids(others) }
    }

    fn is_sending(&self, id: EntryId) -> bool {
        at_once(self.store.record(id)).unwrap().is_some_and(|record| record.state == State::Sending)
    }
}

struct Machine;

impl ReferenceStateMachine for Machine {
    type State = Reference;
    type Transition = Call;

    fn init_state() -> BoxedStrategy<Reference> {
        let new = || Reference { store: MemoryStore::new(), now: 0, answer: String::new() };
        Just(()).prop_map(move |()| new()).boxed()
    }

    fn transitions(state: &Reference) -> BoxedStrategy<Call> {
        call::next(state.ids())
    }

    /// Only what is under way can end: a store takes anything else for its own fault.
    fn preconditions(state: &Reference, call: &Call) -> bool {
        call.ends().is_none_or(|id| state.is_sending(id))
    }

    fn apply(mut state: Reference, call: &Call) -> Reference {
        state.now += call.seconds();
        if let Call::Reopen = call {
            state.store = state.store.reopen();
        }
        let lanes = at_once(Lanes::of(&state.store));
        state.answer = at_once(call.of(&state.store, &lanes, state.now()));
        state
    }
}

struct Embedded {
    folder: Folder,
    runtime: Runtime,
    /// None only while it is opened again.
    store: Option<SqliteStore>,
}

impl Embedded {
    fn store(&self) -> &SqliteStore {
        self.store.as_ref().expect("an open store")
    }

    fn reopen(&mut self) {
        self.runtime.block_on(async {
            if let Some(store) = self.store.take() {
                store.close().await;
            }
            self.store = Some(self.folder.store().await);
        });
    }
}

impl StateMachineTest for Machine {
    type SystemUnderTest = Embedded;
    type Reference = Self;

    fn init_test(_: &Reference) -> Embedded {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut store = Embedded { folder: Folder::new(), runtime, store: None };
        store.reopen();
        store
    }

    fn apply(mut state: Embedded, reference: &Reference, call: Call) -> Embedded {
        if let Call::Reopen = call {
            state.reopen();
        }
        let answer = state.runtime.block_on(async {
            let lanes = Lanes::of(state.store()).await;
            call.of(state.store(), &lanes, reference.now()).await
        });
        assert_eq!(answer, reference.answer, "{call:?}");
        state
    }

    fn check_invariants(state: &Embedded, reference: &Reference) {
        let (now, store) = (reference.now(), state.store());
        let seen = state.runtime.block_on(look(store, now));
        assert_eq!(seen, at_once(look(&reference.store, now)));
        check(&state.runtime.block_on(store.recent(None, 99)).unwrap());
    }
}

/// What holds whatever the reference says: one attempt in a lane, and times and reasons where they belong.
fn check(records: &[Record]) {
    let mut under_way = BTreeMap::new();
    for record in records {
        if record.state == State::Sending {
            let lanes = record.lanes.iter().map(|lane| (*lane, record.id));
            lanes.for_each(|(lane, id)| assert_eq!(under_way.insert(lane, id), None, "two in one lane"));
        }
        assert_eq!(record.settled_at.is_some(), record.state.is_settled());
        assert_eq!(record.reason.is_some(), record.state == State::DeadLettered);
        assert!(record.next_attempt_at.is_none() || record.state == State::Retrying);
        assert!(record.state != State::Sending || record.attempts > 0);
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases()) })]

    #[test]
    fn the_embedded_store_does_what_the_store_in_memory_does(sequential 1..60 => Machine);
}

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().map_or(32, |cases| cases.parse().expect("a number of cases"))
}
