//! `hl7 listen`: receives, prints and acknowledges.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use hl7_core::{Ack, AckCode};
use hl7_mllp::{Reply, Request, Server, ServerBuilder};
use tokio::sync::Notify;

use crate::failure::Failure;
use crate::input::Reading;
use crate::output;
use crate::tls;

pub(crate) fn run(
    address: &str,
    reading: Reading,
    count: Option<u64>,
    answer: AckCode,
    tls: &tls::Listening,
) -> Result<(), Failure> {
    let mut server = Server::builder().read(reading.options());
    if let Some(tls) = tls.read()? {
        server = server.tls(tls);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|why| Failure::outside(format!("error: {why}")))?;
    let receiver = Receiver {
        answer,
        count,
        received: AtomicU64::new(0),
        enough: Notify::new(),
        failure: Mutex::default(),
    };
    runtime.block_on(listen(address, server, Arc::new(receiver)))
}

async fn listen(address: &str, server: ServerBuilder, receiver: Arc<Receiver>) -> Result<(), Failure> {
    let server = server.bind(address).await;
    let server = server.map_err(|why| Failure::outside(format!("error: {why}")))?;
    let at = server.local_addr().map_err(|why| Failure::outside(format!("error: {why}")))?;
    output::tell(&format!("listening at {at}, answering {}; Ctrl-C ends it\n", receiver.answer));
    let taker = Arc::clone(&receiver);
    let handler = move |request: Request| {
        let taker = Arc::clone(&taker);
        async move { taker.take(&request) }
    };
    let until = async {
        tokio::select! {
            () = receiver.enough.notified() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    };
    let served = server.serve_until(handler, until).await;
    let failure = receiver.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
    match failure {
        Some(failure) => Err(failure),
        None => served.map_err(|why| Failure::outside(format!("error: {why}"))),
    }
}

/// What becomes of messages.
struct Receiver {
    answer: AckCode,
    count: Option<u64>,
    received: AtomicU64,
    /// Told when it is time to end.
    enough: Notify,
    /// Why messages cannot be printed any more.
    failure: Mutex<Option<Failure>>,
}

impl Receiver {
    /// Prints the message before it is acknowledged: what cannot be printed is not, so that its sender keeps it.
    fn take(&self, request: &Request) -> Reply {
        if let Err(why) = output::write_message(request.message().as_er7(), request.bytes(), "\n") {
            *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
            self.enough.notify_one();
            return Reply::close();
        }
        let so_far = self.received.fetch_add(1, Ordering::SeqCst) + 1;
        if self.count.is_some_and(|count| so_far >= count) {
            self.enough.notify_one();
        }
        Reply::message(Ack::to(request.message(), self.answer).build())
    }
}
