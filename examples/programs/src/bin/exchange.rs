//! A listener that refuses what it does not know, and a client that hears of it.

#![allow(clippy::print_stdout)] // a program talks to its user

use hl7_core::{ErrorCode, Message};
use hl7_mllp::{Client, Reply, Request, Server};

async fn answer(request: Request) -> Reply {
    match request.message().header().message_type().map(|code| code.text()).as_deref() {
        Some("ADT") => Reply::accept(&request),
        _ => Reply::error(&request, ErrorCode::UnsupportedMessageType, "only ADT is taken here"),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::bind("127.0.0.1:0").await?;
    let address = server.local_addr()?.to_string();
    tokio::spawn(server.serve(answer));

    let mut client = Client::connect(address).await?;
    for kind in ["ADT^A08", "MFN^M02"] {
        let text = format!("MSH|^~\\&|CRM|NORTH|EHR|NORTH|20260102||{kind}|{kind}-1|P|2.5.1\r");
        let ack = client.send(&Message::parse(&text)?).await?; // an answer, whatever it says
        println!("{kind}: {} {}", ack.code(), ack.text().unwrap_or_default());
    }
    Ok(())
}
