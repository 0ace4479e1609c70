//! A listener that answers by what the store says.

use std::sync::Arc;

use hl7_core::{AckCode, ErrorCode};
use hl7_mllp::{Client, Reply, Request, Server};
use hl7_sender::Sender;

use crate::peer::{Folder, PATIENCE, ehr, message, nowhere};

async fn relay(sender: Arc<Sender>, request: Request) -> Reply {
    match sender.enqueue("ehr", request.message()).await {
        Ok(_) => Reply::accept(&request),
        Err(_) => Reply::reject(&request, ErrorCode::ApplicationInternalError, "not stored"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_45_no_positive_acknowledgment_without_a_receipt() {
    let folder = Folder::new();
    let sender = Arc::new(folder.sender(ehr(nowhere())).await);
    let server = Server::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().unwrap().to_string();
    let shared = Arc::clone(&sender);
    let serving = tokio::spawn(server.serve(move |request| relay(Arc::clone(&shared), request)));

    let mut client = Client::connect(address).await.unwrap();
    let stored = client.send(&message("m-1", "a")).await.unwrap();
    assert_eq!(stored.code(), AckCode::AA);
    let repeated = client.send(&message("m-1", "a")).await.unwrap();
    assert_eq!(repeated.code(), AckCode::AA, "a repetition is answered as the first was");
    assert_eq!(sender.recent(10).await.unwrap().len(), 1);

    sender.shutdown(PATIENCE).await;
    let refused = client.send(&message("m-2", "a")).await.unwrap();
    assert_eq!(refused.code(), AckCode::AR);
    serving.abort();
}
