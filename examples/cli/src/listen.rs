//! `hl7 listen`: receives, prints and acknowledges.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hl7_core::{Ack, AckCode};
use hl7_mllp::{Reply, Request, Server};
use tokio::sync::Notify;

use crate::failure::Failure;
use crate::output;

pub(crate) fn run(address: &str, count: Option<u64>, answer: AckCode) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|why| Failure::outside(format!("error: {why}")))?;
    runtime.block_on(listen(address, count, answer))
}

async fn listen(address: &str, count: Option<u64>, answer: AckCode) -> Result<(), Failure> {
    let server = Server::bind(address).await.map_err(|why| Failure::outside(format!("error: {why}")))?;
    let at = server.local_addr().map_err(|why| Failure::outside(format!("error: {why}")))?;
    eprintln!("listening at {at}, answering {answer}; Ctrl-C ends it");
    let enough = Arc::new(Notify::new());
    let received = Arc::new(AtomicU64::new(0));
    let stop = Arc::clone(&enough);
    let handler = move |request: Request| {
        let (enough, received) = (Arc::clone(&enough), Arc::clone(&received));
        async move { take(&request, answer, count, &received, &enough) }
    };
    let until = async move {
        tokio::select! {
            () = stop.notified() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    };
    server.serve_until(handler, until).await.map_err(|why| Failure::outside(format!("error: {why}")))
}

/// Prints the message before it is acknowledged: what cannot be printed is rejected, not lost.
fn take(
    request: &Request,
    answer: AckCode,
    count: Option<u64>,
    received: &AtomicU64,
    enough: &Notify,
) -> Reply {
    let mut text = output::as_lines(request.bytes());
    text.push(b'\n');
    if output::write(&text).is_err() {
        enough.notify_one();
        return Reply::close();
    }
    let so_far = received.fetch_add(1, Ordering::SeqCst) + 1;
    if count.is_some_and(|count| so_far >= count) {
        enough.notify_one();
    }
    Reply::message(Ack::to(request.message(), answer).build())
}
