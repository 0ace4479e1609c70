//! The demo's second half: messages that come in over MLLP and go on to the EHR, and the lanes that all of them went in.

use std::time::Duration;

use hl7_core::Message;
use hl7_mllp::Client;
use hl7_sender::{Sender, Status};

use super::ehr::Ehr;
use super::{Failure, show};
use crate::listener::Listener;
use crate::output;

const DEADLINE: Duration = Duration::from_secs(10);

/// Sends a message to the listener, and shows its answer and what the EHR got.
///
/// # Errors
/// When it is not accepted, or does not arrive.
pub(super) async fn tell(
    listener: &Listener,
    text: &str,
    first_step: u8,
    ehr: &mut Ehr,
) -> Result<(), Failure> {
    let message = Message::parse_owned(text.replace('\n', "\r"))?;
    let control_id = message.header().control_id().map_or_else(String::new, |id| id.text().into_owned());
    let (name, address) = (&listener.name, listener.address);
    show(
        first_step,
        &format!("A message of another system, sent over MLLP to {name} at {address}"),
        message.as_er7(),
    );
    let repeats = listener.messages.read().repeats;
    let mut client = Client::builder().ack_timeout(DEADLINE).connect(address.to_string()).await?;
    let answer = client.send(&message).await?;
    show(first_step + 1, "Its answer, given once it is stored for the EHR", answer.message().as_er7());
    if !answer.code().is_positive() {
        return Err(format!("the listener answered {}", answer.code()).into());
    }
    if listener.messages.read().repeats > repeats {
        output::line(
            "\nIt is in this folder's outbox already: it is answered as the first time, and nothing is sent twice.",
        );
        return Ok(());
    }
    let got = ehr.got(&control_id, DEADLINE).await.ok_or("the EHR did not get the message")?;
    show(first_step + 2, "The acknowledgment of the EHR, which got the same message", &got.acknowledgment);
    Ok(())
}

/// Shows the lane of each message.
///
/// # Errors
/// When the outbox cannot be read.
pub(super) async fn tell_lanes(step: u8, sender: &Sender) -> Result<(), Failure> {
    output::line(format_args!(
        "\n{step}. Lanes: one patient's messages keep their order, other patients do not wait\n"
    ));
    let mut recent = settled(sender).await?;
    recent.reverse();
    recent.iter().for_each(|status| output::line(lane(status)));
    Ok(())
}

/// The last messages, once the acknowledgments that were just written are on record too: within a second, or as they are then.
async fn settled(sender: &Sender) -> Result<Vec<Status>, Failure> {
    let mut recent = sender.recent(8).await?;
    for _ in 0..50 {
        if recent.iter().all(|status| status.state().is_settled()) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        recent = sender.recent(8).await?;
    }
    Ok(recent)
}

fn lane(status: &Status) -> String {
    let lane: String = status.lane().to_string().chars().take(8).collect();
    format!(
        "lane {lane}  {:<20} {:<16} {:<12} {}",
        status.control_id().unwrap_or("-"),
        status.message_type().unwrap_or("-"),
        status.origin().unwrap_or("-"),
        status.state()
    )
}
