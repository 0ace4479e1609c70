//! `hl7 send`: messages over MLLP, each acknowledged before the next goes out.

use std::time::Duration;

use hl7_core::Message;
use hl7_mllp::{Client, ClientBuilder, Sent};

use crate::failure::{Failure, told};
use crate::input::{self, Source};
use crate::output;
use crate::route::Route;
use crate::tls;

pub(crate) fn run(
    to: &str,
    source: &Source,
    ack_timeout: u64,
    tls: &tls::Sending,
    route: &Route,
) -> Result<(), Failure> {
    let mut client = route.apply(Client::builder().ack_timeout(Duration::from_secs(ack_timeout)))?;
    if let Some(tls) = tls.read()? {
        client = client.tls(tls);
    }
    let mut messages: Vec<Message<'static>> = Vec::new();
    input::each_message(source, |message| {
        messages.push(message.clone().into_owned());
        Ok(())
    })?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|why| Failure::outside(format!("error: {why}")))?;
    runtime.block_on(send_all(to, &messages, &client))
}

async fn send_all(to: &str, messages: &[Message<'static>], options: &ClientBuilder) -> Result<(), Failure> {
    let mut client: Option<Client> = None;
    let mut refused = 0;
    for (index, message) in messages.iter().enumerate() {
        let ended = |why: String, fate: &str| {
            let (number, of) = (index + 1, messages.len());
            Failure::outside(format!(
                "error: {why}\n  message {number} of {of}{fate}; those behind it were not sent"
            ))
        };
        // Some receivers close the connection after each message.
        let mut open = match client.take().filter(Client::is_open) {
            Some(open) => open,
            None => options.clone().connect(to).await.map_err(|why| ended(told(&why), " was not sent"))?,
        };
        let ack = open.send(message).await.map_err(|why| ended(told(&why), fate(why.sent())))?;
        output::write_message(ack.message().as_er7(), ack.bytes(), "").map_err(|_| {
            ended("standard output cannot be written to".to_owned(), &format!(" was answered {}", ack.code()))
        })?;
        if !ack.code().is_positive() {
            refused += 1;
        }
        client = Some(open);
    }
    match refused {
        0 => Ok(()),
        n => Err(Failure::no(format!("{n} of {} messages refused by the receiver", messages.len()))),
    }
}

fn fate(sent: Sent) -> &'static str {
    match sent {
        Sent::No => " was not sent",
        Sent::Unknown => " may have arrived",
        Sent::Taken => " was taken, and the rest of its answer is missing",
    }
}
