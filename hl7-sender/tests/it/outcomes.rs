//! What acknowledgments, and their absence, do.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hl7_core::AckCode;
use hl7_mllp::Reply;
use hl7_sender::{Action, DeadLetterReason, Outcome, State};

use crate::peer::{Folder, PATIENCE, Peer, answer, delivered, ehr, message, outcome, quick, state, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_18_ae_holds_the_lane_until_it_is_released() {
    let peer =
        Peer::start(|request, before| answer(request, if before == 0 { AckCode::AE } else { AckCode::AA }))
            .await;
    let folder = Folder::new();
    let sender = folder.sender(ehr(peer.address)).await;
    let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    let answered = receipt.answered(Duration::from_secs(20)).await.unwrap();
    assert_eq!((answered.state(), answered.attempts()), (State::Held, 1));
    let ack = answered.last_acknowledgment().unwrap();
    assert_eq!((ack.code(), ack.control_id(), answered.last_failure()), (AckCode::AE, "m-1", Some("AE")));
    assert!(answered.answered_at().is_some() && answered.settled_at().is_none());

    sender.release(&receipt.id()).await.unwrap();
    delivered(&receipt).await;
    let status = receipt.status().await.unwrap();
    assert_eq!((status.state(), status.attempts()), (State::Delivered, 2));
    assert_eq!(peer.bodies()[0], peer.bodies()[1], "the same bytes, the same control ID");
    assert_eq!(sender.release(&receipt.id()).await.unwrap_err().code(), "S106");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_is_carried_out_although_its_caller_stops_waiting() {
    let peer =
        Peer::start(|request, before| answer(request, if before == 0 { AckCode::AE } else { AckCode::AA }))
            .await;
    let folder = Folder::new();
    let sender = folder.sender(ehr(peer.address)).await;
    let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    receipt.answered(Duration::from_secs(20)).await.unwrap();
    let id = receipt.id();
    tokio::select! {
        biased;
        _ = sender.release(&id) => panic!("a commit takes a while"),
        () = std::future::ready(()) => {}
    }
    delivered(&receipt).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_18_ae_can_be_set_to_dead_letter() {
    let peer =
        Peer::start(|request, before| answer(request, if before == 0 { AckCode::AE } else { AckCode::AA }))
            .await;
    let folder = Folder::new();
    let sender = folder.sender(ehr(peer.address).on(AckCode::AE, Action::DeadLetter)).await;
    let bad = sender.enqueue("ehr", &message("bad", "a")).await.unwrap();
    let next = sender.enqueue("ehr", &message("next", "a")).await.unwrap();
    assert!(matches!(outcome(&bad).await, Outcome::DeadLettered(DeadLetterReason::Refused)));
    delivered(&next).await;
    assert_eq!(peer.control_ids(), ["bad", "next"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_19_ar_is_retried_and_then_delivered() {
    let peer =
        Peer::start(|request, before| answer(request, if before < 3 { AckCode::AR } else { AckCode::AA }))
            .await;
    let folder = Folder::new();
    let sender = folder.sender(ehr(peer.address)).await;
    let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    let behind = sender.enqueue("ehr", &message("m-2", "a")).await.unwrap();
    delivered(&behind).await;
    assert_eq!(receipt.status().await.unwrap().attempts(), 4);
    assert_eq!(peer.control_ids(), ["m-1", "m-1", "m-1", "m-1", "m-2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_19_ar_without_end_holds_the_lane() {
    ends_held(AckCode::AR).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_20_ce_without_end_holds_the_lane() {
    ends_held(AckCode::CE).await;
}

async fn ends_held(code: AckCode) {
    let peer = Peer::start(move |request, _| answer(request, code)).await;
    let folder = Folder::new();
    let sender = folder.sender(ehr(peer.address).retry(quick().max_rejections(3))).await;
    let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    let held = state(&sender, &receipt, State::Held).await;
    assert_eq!((held.attempts(), held.last_failure()), (3, Some(code.as_str())));
    assert_eq!(peer.bodies().len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_20_cr_dead_letters_and_the_lane_flows_on() {
    let peer =
        Peer::start(|request, before| answer(request, if before == 0 { AckCode::CR } else { AckCode::CA }))
            .await;
    let folder = Folder::new();
    let sender = folder.sender(ehr(peer.address)).await;
    let refused = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    let next = sender.enqueue("ehr", &message("m-2", "a")).await.unwrap();
    assert!(matches!(outcome(&refused).await, Outcome::DeadLettered(DeadLetterReason::Refused)));
    delivered(&next).await;
    let letters = sender.dead_letters(10).await.unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].dead_letter_reason(), Some(DeadLetterReason::Refused));
    assert_eq!(letters[0].last_acknowledgment().unwrap().code(), AckCode::CR);
}

/// The code of the failure, and an answer that causes it.
type Doubtful = (&'static str, fn() -> Reply);

/// Each of these answers leaves it unknown whether the message was taken: it goes out again as it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doubtful_answers_are_retried_with_the_same_bytes() {
    let answers: [Doubtful; 5] = [
        ("N112", Reply::close),
        ("N111", Reply::none),
        ("N114", || Reply::bytes(b"HTTP/1.1 400 Bad Request".to_vec())),
        ("N116", || Reply::bytes(b"MSH|^~\\&|A\rMSA|AA|another\r".to_vec())),
        ("N114", || Reply::bytes(b"MSH|^~\\&|A\rPID|1\r".to_vec())),
    ];
    for (code, doubtful) in answers {
        let peer =
            Peer::start(move |request, before| if before == 0 { doubtful() } else { Reply::accept(request) })
                .await;
        let folder = Folder::new();
        let destination = ehr(peer.address)
            .retry(quick().first(Duration::from_millis(500)).max(Duration::from_millis(500)))
            .ack_timeout(Duration::from_millis(300));
        let sender = folder.sender(destination).await;
        let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
        let failed = until(&sender, &receipt, |status| status.last_failure().is_some()).await;
        assert_eq!(failed.last_failure(), Some(code));
        delivered(&receipt).await;
        assert_eq!(receipt.status().await.unwrap().last_failure(), None, "{code}");
        let bodies = peer.bodies();
        assert_eq!(bodies.len(), 2, "{code}");
        assert_eq!(bodies[0], bodies[1], "{code}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_36_a_message_that_breaks_its_receiver_is_held_after_its_attempts() {
    let peer = Peer::start(|request, _| {
        let poison = request.message().header().control_id().unwrap().raw() == "poison";
        if poison { Reply::close() } else { Reply::accept(request) }
    })
    .await;
    let folder = Folder::new();
    let sender = folder.sender(ehr(peer.address).retry(quick().max_attempts(3))).await;
    let poison = sender.enqueue("ehr", &message("poison", "a")).await.unwrap();
    let other = sender.enqueue("ehr", &message("other", "b")).await.unwrap();
    let held = state(&sender, &poison, State::Held).await;
    assert_eq!((held.attempts(), held.last_failure()), (3, Some("N112")));
    delivered(&other).await;
    sender.dead_letter(&poison.id()).await.unwrap();
    assert!(matches!(outcome(&poison).await, Outcome::DeadLettered(DeadLetterReason::Chosen)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answered_returns_at_the_first_acknowledgment_of_any_code() {
    let peer = Peer::start(|request, _| answer(request, AckCode::AR)).await;
    let folder = Folder::new();
    let slow = quick().first(Duration::from_secs(60)).max(Duration::from_secs(60));
    let sender = folder.sender(ehr(peer.address).retry(slow)).await;
    let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    let status = receipt.answered(Duration::from_secs(20)).await.unwrap();
    assert_eq!(status.state(), State::Retrying);
    assert_eq!(status.last_acknowledgment().unwrap().code(), AckCode::AR);
    assert!(status.next_attempt_at().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answered_ends_when_its_time_is_over() {
    let folder = Folder::new();
    let sender = folder.sender(ehr(crate::peer::nowhere())).await;
    let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    let status = receipt.answered(Duration::from_millis(50)).await.unwrap();
    assert!(status.last_acknowledgment().is_none() && !status.state().is_settled());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answered_waits_for_the_new_answer_after_a_release() {
    let open = Arc::new(AtomicBool::new(false));
    let peer = Peer::start({
        let open = Arc::clone(&open);
        move |request, before| {
            tokio::task::block_in_place(|| {
                while before > 0 && !open.load(Ordering::SeqCst) {
                    std::thread::sleep(Duration::from_millis(1));
                }
            });
            answer(request, if before == 0 { AckCode::AE } else { AckCode::AA })
        }
    })
    .await;
    let folder = Folder::new();
    let sender = folder.sender(ehr(peer.address)).await;
    let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    let held = receipt.answered(PATIENCE).await.unwrap();
    assert_eq!(held.last_acknowledgment().unwrap().code(), AckCode::AE);
    let again = receipt.answered(PATIENCE).await.unwrap();
    assert_eq!(again.last_acknowledgment().unwrap().code(), AckCode::AE, "a held entry is answered");

    sender.release(&receipt.id()).await.unwrap();
    let repeat = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    for receipt in [&receipt, &repeat] {
        let waiting = receipt.answered(Duration::from_millis(30)).await.unwrap();
        assert!(waiting.last_acknowledgment().is_none(), "the old answer is no answer: {waiting:?}");
    }
    open.store(true, Ordering::SeqCst);
    for receipt in [&receipt, &repeat] {
        let answered = receipt.answered(PATIENCE).await.unwrap();
        assert_eq!((answered.state(), answered.answers()), (State::Delivered, 2));
        assert_eq!(answered.last_acknowledgment().unwrap().code(), AckCode::AA);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answered_gives_a_repeat_the_fresh_answer_and_not_the_one_before() {
    let peer =
        Peer::start(|request, before| answer(request, if before == 0 { AckCode::AR } else { AckCode::AA }))
            .await;
    let folder = Folder::new();
    let delay = quick().first(Duration::from_millis(600)).max(Duration::from_millis(600));
    let sender = folder.sender(ehr(peer.address).retry(delay)).await;
    let msg = message("m-1", "a");
    let first = sender.enqueue("ehr", &msg).await.unwrap();
    first.answered(PATIENCE).await.unwrap();
    let repeat = sender.enqueue("ehr", &msg).await.unwrap();
    assert!(repeat.is_repeat());
    for receipt in [&repeat, &first] {
        let answered = receipt.answered(PATIENCE).await.unwrap();
        assert_eq!((answered.state(), answered.answers()), (State::Delivered, 2), "{answered:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answered_gives_what_is_known_when_no_fresh_answer_comes_in_time() {
    let peer = Peer::start(|request, _| answer(request, AckCode::AR)).await;
    let folder = Folder::new();
    let slow = quick().first(Duration::from_secs(3600)).max(Duration::from_secs(3600));
    let sender = folder.sender(ehr(peer.address).retry(slow)).await;
    let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    receipt.answered(PATIENCE).await.unwrap();
    let start = std::time::Instant::now();
    let status = receipt.answered(Duration::from_millis(100)).await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(100), "it waited for a fresh one");
    assert_eq!((status.state(), status.answers()), (State::Retrying, 1));
}
