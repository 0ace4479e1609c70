//! A node between a laboratory and two receivers: what comes in is stored for all who get it, then answered; a repeat is answered as the first time.

#![allow(clippy::print_stdout)] // a program talks to its user

use std::time::Duration;

use hl7_core::Message;
use hl7_mllp::{Client, Reply, Request, Server};
use hl7_sender::{Destination, Intake, Router, Sender, SqliteStore, State};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let ehr = Server::bind("127.0.0.1:0").await?;
    let address = ehr.local_addr()?.to_string();
    tokio::spawn(ehr.serve(|request: Request| async move { Reply::accept(&request) }));

    let folder = tempfile::tempdir()?;
    let store = SqliteStore::open(folder.path().join("node.db")).await?;
    let sender = Sender::builder(store)
        .destination(Destination::mllp("ehr", address))
        .destination(Destination::mllp("archive", "127.0.0.1:1")) // not reachable: it holds up nobody
        .start()
        .await?;

    let router = Router::all_matches()
        .when("MSH-9.1 in (ADT ORU)".parse()?, ["ehr"])
        .when("MSH-9.1 == ORU and OBX[*]-8 in (H L)".parse()?, ["archive"]);
    let intake = Intake::new(&sender, router)?;
    let node = Server::bind("127.0.0.1:0").await?;
    let mut laboratory = Client::connect(node.local_addr()?.to_string()).await?;
    tokio::spawn(node.serve(intake.handler()));

    let texts = [
        "MSH|^~\\&|LAB|NORTH|EHR|NORTH|20260102||ORU^R01|m-1|P|2.5.1\rOBX|1|NM|K||6.1|||H\r",
        "MSH|^~\\&|LAB|NORTH|EHR|NORTH|20260102||ORU^R01|m-1|P|2.5.1\rOBX|1|NM|K||6.1|||H\r",
        "MSH|^~\\&|LAB|NORTH|EHR|NORTH|20260102||MFN^M02|m-2|P|2.5.1\r",
    ];
    for text in texts {
        let ack = laboratory.send(&Message::parse(text)?).await?; // when it is AA, the message is on the disk
        println!("{}: {} {}", ack.control_id(), ack.code(), ack.text().unwrap_or_default());
    }
    loop {
        let entries = sender.recent(10).await?;
        if entries.iter().any(|entry| entry.state() == State::Delivered) {
            entries
                .iter()
                .for_each(|entry| println!("{}: {}", entry.destination(), entry.state().is_settled()));
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let counters = intake.meter().read();
    println!("taken {}, repeats {}, refused {}", counters.taken, counters.repeats, counters.refused);
    Ok(())
}
