//! `hl7 send`: messages over MLLP, each acknowledged before the next goes out.

use std::path::Path;
use std::time::Duration;

use hl7_core::Message;
use hl7_mllp::Client;

use crate::failure::Failure;
use crate::input;
use crate::output;

pub(crate) fn run(to: &str, file: Option<&Path>, ack_timeout: u64) -> Result<(), Failure> {
    let mut messages: Vec<Message<'static>> = Vec::new();
    input::each_message(file, |message| {
        messages.push(message.clone().into_owned());
        Ok(())
    })?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|why| Failure::outside(format!("error: {why}")))?;
    runtime.block_on(send_all(to, &messages, Duration::from_secs(ack_timeout)))
}

async fn send_all(to: &str, messages: &[Message<'static>], ack_timeout: Duration) -> Result<(), Failure> {
    let mut client: Option<Client> = None;
    let mut refused = 0;
    for (index, message) in messages.iter().enumerate() {
        let not_sent = |why: String| {
            Failure::outside(format!(
                "{why}\n  message {} of {}; those behind it were not sent",
                index + 1,
                messages.len()
            ))
        };
        // Some receivers close the connection after each message.
        let mut open = match client.take().filter(Client::is_open) {
            Some(open) => open,
            None => Client::builder()
                .ack_timeout(ack_timeout)
                .connect(to)
                .await
                .map_err(|why| not_sent(format!("error: {why}")))?,
        };
        let ack = open.send(message).await.map_err(|why| not_sent(format!("error: {why}")))?;
        output::write(&output::as_lines(ack.bytes()))?;
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
