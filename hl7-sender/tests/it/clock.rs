//! Clocks that jump.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use hl7_core::AckCode;
use hl7_sender::{Sender, State};

use crate::peer::{Folder, PATIENCE, Peer, answer, delivered, ehr, message, quick, until};

const DAY: i64 = 24 * 3600;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_58_a_clock_set_back_delays_no_retry_beyond_the_longest() {
    jump(-DAY).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_58_a_clock_set_forward_loses_nothing() {
    jump(DAY).await;
}

async fn jump(seconds: i64) {
    let peer =
        Peer::start(|request, before| answer(request, if before == 0 { AckCode::AR } else { AckCode::AA }))
            .await;
    let folder = Folder::new();
    let offset = Arc::new(AtomicI64::new(0));
    let read = Arc::clone(&offset);
    let retry = quick().first(Duration::from_millis(200)).max(Duration::from_millis(200));
    let sender = Sender::builder(folder.store().await)
        .destination(ehr(peer.address).retry(retry))
        .clock(move || shifted(read.load(Ordering::SeqCst)))
        .start()
        .await
        .unwrap();
    let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    until(&sender, &receipt, |status| status.answered_at().is_some()).await;
    offset.store(seconds, Ordering::SeqCst);
    delivered(&receipt).await;
    let next = sender.enqueue("ehr", &message("m-2", "a")).await.unwrap();
    delivered(&next).await;
    assert_eq!(peer.control_ids(), ["m-1", "m-1", "m-2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_58_a_clock_set_back_between_two_runs_delays_no_retry() {
    let peer =
        Peer::start(|request, before| answer(request, if before == 0 { AckCode::AR } else { AckCode::AA }))
            .await;
    let folder = Folder::new();
    let start = async |offset, retry| {
        let store = folder.store().await;
        let builder = Sender::builder(store).destination(ehr(peer.address).retry(retry));
        builder.clock(move || shifted(offset)).start().await.unwrap()
    };
    let hour = quick().first(Duration::from_secs(3600)).max(Duration::from_secs(3600));
    let sender = start(DAY, hour).await;
    let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    until(&sender, &receipt, |status| status.state() == State::Retrying).await;
    sender.shutdown(PATIENCE).await;

    let sender = start(0, quick()).await;
    until(&sender, &receipt, |status| status.state() == State::Delivered).await;
}

fn shifted(seconds: i64) -> SystemTime {
    let by = Duration::from_secs(seconds.unsigned_abs());
    let now = SystemTime::now();
    if seconds < 0 { now - by } else { now + by }
}
