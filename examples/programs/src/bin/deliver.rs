//! A durable outbox: two patients' messages, each patient's in order, and what became of them.

#![allow(clippy::print_stdout)] // a program talks to its user

use hl7_core::{Message, path};
use hl7_mllp::{Reply, Request, Server};
use hl7_sender::{Destination, Outcome, Sender, SqliteStore};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let ehr = Server::bind("127.0.0.1:0").await?;
    let address = ehr.local_addr()?.to_string();
    tokio::spawn(ehr.serve(|request: Request| async move { Reply::accept(&request) }));

    let folder = tempfile::tempdir()?;
    let store = SqliteStore::open(folder.path().join("outbox.db")).await?;
    let destination = Destination::mllp("ehr", address).lane_key(path!("PID-3.1")).connections(2);
    let sender = Sender::builder(store).destination(destination).start().await?;

    let mut receipts = Vec::new();
    for (n, patient) in [("1", "100042"), ("2", "100043"), ("3", "100042")] {
        let text =
            format!("MSH|^~\\&|CRM|NORTH|EHR|NORTH|20260102||ADT^A08|m-{n}|P|2.5.1\rPID|1||{patient}\r");
        receipts.push(sender.enqueue("ehr", &Message::parse(&text)?).await?); // durable when this returns
    }
    for receipt in &receipts {
        match receipt.outcome().await? {
            Outcome::Delivered(ack) => println!("{}: {}", receipt.control_id(), ack.code()),
            Outcome::DeadLettered(why) => println!("{}: dead letter, {why:?}", receipt.control_id()),
            _ => println!("{}: another outcome", receipt.control_id()),
        }
    }
    Ok(())
}
