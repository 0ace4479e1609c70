//! What a subscriber hears of what happens.

use std::time::Duration;

use hl7_core::AckCode;
use hl7_mllp::{Reply, Server};
use hl7_sender::{
    DeadLetterReason, Destination, DestinationChange, EntryChange, EntryEvent, EntryId, Event, Events,
    Intake, Router, Sender, State, StoreErrorKind, Unrouted,
};
use tokio::time::timeout;

use crate::blocks::{ask, code};
use crate::peer::{Folder, PATIENCE, Peer, answer, delivered, ehr, message, nowhere, quick, state, vacant};

/// The next event for which this gives something.
pub(crate) async fn next<T>(events: &mut Events, wanted: impl Fn(&Event) -> Option<T>) -> T {
    let hear = async {
        loop {
            let event = events.next().await.expect("an event, not the end");
            if let Some(found) = wanted(&event) {
                return found;
            }
        }
    };
    timeout(PATIENCE, hear).await.expect("an event in time")
}

pub(crate) fn of(event: &Event, entry: EntryId) -> Option<EntryEvent> {
    match event {
        Event::Entry(event) if event.entry == entry => Some(event.clone()),
        _ => None,
    }
}

/// What happens to an entry up to this, by name, with its codes and attempts.
async fn up_to(events: &mut Events, entry: EntryId, last: &str) -> Vec<(String, Option<&'static str>, u32)> {
    let mut heard = Vec::new();
    loop {
        let event = next(events, |event| of(event, entry)).await;
        assert_eq!(&*event.destination, "ehr");
        heard.push((event.change.as_str().to_owned(), event.code, event.attempt));
        if event.change.as_str() == last {
            return heard;
        }
    }
}

fn heard(what: &[(&str, Option<&'static str>, u32)]) -> Vec<(String, Option<&'static str>, u32)> {
    what.iter().map(|(name, code, attempt)| ((*name).to_owned(), *code, *attempt)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_is_told_of_from_its_first_attempt_to_its_end() {
    let peer = Peer::start(|request, before| match before {
        0 => Reply::close(),
        1 => answer(request, AckCode::AR),
        2 => answer(request, AckCode::AE),
        _ => answer(request, AckCode::AA),
    })
    .await;
    let folder = Folder::new();
    let sender = folder.sender(ehr(peer.address)).await;
    let mut events = sender.events();
    sender.pause_destination("ehr").await.unwrap();
    let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    let made = next(&mut events, |event| of(event, receipt.id())).await;
    let lane = sender.status(&receipt.id()).await.unwrap().unwrap().lane();
    assert_eq!(
        (made.change, made.lane, made.code, made.attempt),
        (EntryChange::Enqueued, Some(lane), None, 0)
    );
    sender.resume_destination("ehr").await.unwrap();
    assert_eq!(
        up_to(&mut events, receipt.id(), "held").await,
        heard(&[
            ("begun", None, 1),
            ("retrying", Some("N112"), 1),
            ("begun", None, 2),
            ("retrying", Some("AR"), 2),
            ("begun", None, 3),
            ("held", Some("AE"), 3),
        ])
    );
    assert_eq!(receipt.status().await.unwrap().state(), State::Held, "what is told is durable");
    sender.release(&receipt.id()).await.unwrap();
    let mut rest = up_to(&mut events, receipt.id(), "delivered").await;
    // The release and the attempt it starts are two tasks' work.
    rest.sort();
    assert_eq!(rest, heard(&[("begun", None, 1), ("delivered", None, 1), ("released", None, 0)]));
    assert_eq!(receipt.status().await.unwrap().state(), State::Delivered);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_person_decides_is_told() {
    let folder = Folder::new();
    let sender = folder.sender(ehr(nowhere())).await;
    sender.pause_destination("ehr").await.unwrap();
    let first = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap().id();
    let second = sender.enqueue("ehr", &message("m-2", "b")).await.unwrap().id();
    let mut events = sender.events();
    sender.hold(&first).await.unwrap();
    sender.release(&first).await.unwrap();
    let lane = sender.status(&first).await.unwrap().unwrap().lane();
    assert_eq!(sender.hold_lane(&lane).await.unwrap(), Some(first));
    sender.dead_letter(&first).await.unwrap();
    sender.replay(&first).await.unwrap();
    sender.cancel(&first).await.unwrap();
    sender.cancel(&second).await.unwrap();
    let told =
        ["held", "released", "held", "dead-lettered", "replayed", "cancelled"].map(|name| (name, None, 0));
    assert_eq!(up_to(&mut events, first, "cancelled").await, heard(&told));
    assert_eq!(up_to(&mut events, second, "cancelled").await, heard(&[("cancelled", None, 0)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_came_in_is_told_of_with_what_is_odd_about_it() {
    let folder = Folder::new();
    let sender = folder.sender(Destination::mllp("ehr", nowhere().to_string())).await;
    sender.pause_destination("ehr").await.unwrap();
    let router = Router::all_matches()
        .when("MSH-9.1 == ADT".parse().unwrap(), ["ehr"])
        .unrouted(Unrouted::DeadLetter("ehr".to_owned()));
    let intake = Intake::new(&sender, router).unwrap();
    let server = Server::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().unwrap();
    let node = tokio::spawn(server.serve(intake.handler()));
    let mut events = sender.events();
    let text = message("m-1", "a").as_er7().to_owned();
    for text in [text.clone(), text.replace("Doe", "Roe"), text.replace("ADT^A08^ADT_A01|m-1", "ORU^R01|m-2")]
    {
        assert_eq!(code(&ask(address, &text).await), "AA");
    }
    let entry = |event: &Event| match event {
        Event::Entry(event) => Some(event.change),
        _ => None,
    };
    let mut told = Vec::new();
    for _ in 0..5 {
        told.push(next(&mut events, entry).await);
    }
    let unrouted = EntryChange::DeadLettered(DeadLetterReason::Unrouted);
    use EntryChange::{ControlIdReused, Received};
    assert_eq!(told, [Received, Received, ControlIdReused, Received, unrouted]);
    node.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_destination_is_told_of() {
    let folder = Folder::new();
    let sender = folder.sender(ehr(nowhere())).await;
    let mut events = sender.events();
    let of = |event: &Event| match event {
        Event::Destination(event) => Some((event.destination.to_string(), event.change)),
        _ => None,
    };
    let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    let (name, change) = next(&mut events, of).await;
    let DestinationChange::Unreachable { code, calls_for_help, .. } = change else { panic!("{change:?}") };
    assert_eq!((&*name, code, calls_for_help), ("ehr", "N203", false));

    let peer = Peer::accepting().await;
    sender.change_destination(ehr(peer.address), PATIENCE).await.unwrap();
    delivered(&receipt).await;
    sender.pause_destination("ehr").await.unwrap();
    sender.resume_destination("ehr").await.unwrap();
    let lane = sender.lane_of("ehr", Some("a")).await.unwrap();
    for _ in 0..2 {
        sender.park_lane("ehr", &lane).await.unwrap();
    }
    sender.release_lane("ehr", &lane).await.unwrap();
    sender.add_destination(Destination::mllp("lab", nowhere().to_string())).await.unwrap();
    sender.remove_destination("lab", PATIENCE).await.unwrap();
    let mut told = Vec::new();
    while told.last().is_none_or(|(_, name)| *name != "removed") {
        let (name, change) = next(&mut events, of).await;
        if !matches!(change, DestinationChange::Unreachable { .. }) {
            told.push((name, change.as_str()));
        }
    }
    let all = [
        ("ehr", "changed"),
        ("ehr", "paused"),
        ("ehr", "resumed"),
        ("ehr", "lane-parked"),
        ("ehr", "lane-released"),
        ("lab", "added"),
        ("lab", "removed"),
    ];
    assert_eq!(told, all.map(|(name, change)| (name.to_owned(), change)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_is_there_again_is_told_of() {
    let address = vacant();
    let folder = Folder::new();
    let sender = folder.sender(ehr(address)).await;
    let mut events = sender.events();
    let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    let change = |event: &Event| match event {
        Event::Destination(event) => Some(event.change.as_str()),
        _ => None,
    };
    assert_eq!(next(&mut events, change).await, "unreachable");
    let _back = Peer::start_at(address, |request, _| answer(request, AckCode::AA)).await;
    delivered(&receipt).await;
    next(&mut events, |event| change(event).filter(|change| *change == "reachable")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_old_is_told_of_with_its_code() {
    let folder = Folder::new();
    let retry = quick().max_age(Duration::from_millis(60));
    let sender = folder.sender(ehr(nowhere()).retry(retry)).await;
    let mut events = sender.events();
    let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    let told = up_to(&mut events, receipt.id(), "dead-lettered").await;
    assert_eq!(told.last().unwrap(), &("dead-lettered".to_owned(), Some("S202"), 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_subscriber_delays_nobody_and_is_told_what_it_missed() {
    let peer = Peer::accepting().await;
    let folder = Folder::new();
    let sender = folder.sender(ehr(peer.address).connections(4)).await;
    let mut slow = sender.events();
    let mut receipts = Vec::new();
    let messages: Vec<_> = (0..1_500).map(|n| message(&format!("m-{n}"), &format!("p-{}", n % 16))).collect();
    for part in messages.chunks(250) {
        let enqueue = part.iter().map(|message| sender.enqueue("ehr", message));
        receipts.extend(futures_util::future::join_all(enqueue).await);
    }
    for receipt in receipts {
        delivered(&receipt.unwrap()).await;
    }
    sender.shutdown(PATIENCE).await;
    let (mut heard, mut missed) = (0, 0);
    while let Some(event) = slow.next().await {
        match event {
            Event::Missed(events) => missed += events,
            _ => heard += 1,
        }
    }
    // Enqueued, begun and delivered, of each.
    assert_eq!((heard, missed), (4_096, 3 * 1_500 - 4_096));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_stream_ends_with_the_sender_and_not_with_the_receipts() {
    let peer = Peer::accepting().await;
    for shut_down in [true, false] {
        let folder = Folder::new();
        let sender = folder.sender(ehr(peer.address)).await;
        let mut events = sender.events();
        let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
        if shut_down {
            sender.shutdown(PATIENCE).await;
            assert_eq!(sender.events().next().await, None, "who comes later hears nothing");
        } else {
            drop(sender);
        }
        let end = async { while events.next().await.is_some() {} };
        timeout(PATIENCE, end).await.expect("the end in time");
        drop(receipt);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_52_a_store_that_fails_is_told_of() {
    let folder = Folder::new();
    let sender = folder.sender(ehr(nowhere())).await;
    sender.pause_destination("ehr").await.unwrap();
    let mut events = sender.events();
    sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    std::fs::remove_file(folder.store_path()).unwrap();
    sender.enqueue("ehr", &message("m-2", "a")).await.unwrap_err();
    let failed = |event: &Event| match event {
        Event::StoreFailed(error) => Some(error.kind()),
        _ => None,
    };
    assert_eq!(next(&mut events, failed).await, StoreErrorKind::Ousted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscriber_that_comes_late_learns_the_rest_by_asking() {
    let folder = Folder::new();
    let sender: Sender = folder.sender(ehr(nowhere())).await;
    sender.pause_destination("ehr").await.unwrap();
    let early = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    let mut events = sender.events();
    let late = sender.enqueue("ehr", &message("m-2", "a")).await.unwrap();
    next(&mut events, |event| of(event, late.id())).await;
    let ids: Vec<_> = sender.recent(9).await.unwrap().iter().map(|status| status.id()).collect();
    assert_eq!(ids, [late.id(), early.id()]);
    state(&sender, &early, State::Queued).await;
}
