//! Senders of MLLP: the library's client, and messages for it.

use std::net::SocketAddr;
use std::time::Duration;

use hl7_core::Message;
use hl7_mllp::{Acknowledgment, Client, ClientBuilder, SendError};
use tokio::runtime::Runtime;

/// A connection to a listener, for tests that wait.
pub(crate) struct Link {
    runtime: Runtime,
    client: Client,
}

impl Link {
    pub(crate) fn to(address: SocketAddr) -> Self {
        Self::by(address.to_string(), Client::builder()).unwrap()
    }

    /// By a client of the test's own.
    pub(crate) fn by(address: String, client: ClientBuilder) -> Result<Self, hl7_mllp::ConnectError> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let client = client.ack_timeout(Duration::from_secs(20)).connect(address);
        let client = runtime.block_on(client)?;
        Ok(Self { runtime, client })
    }

    /// Sends it once.
    pub(crate) fn try_send(&mut self, message: &str) -> Result<Acknowledgment, SendError> {
        self.runtime.block_on(self.client.send(&Message::parse(message).unwrap()))
    }

    /// Sends it and gives the code and the text of the answer.
    pub(crate) fn send(&mut self, message: &str) -> (String, String) {
        let ack = self.try_send(message).unwrap();
        (ack.code().as_str().to_owned(), ack.message().as_er7().to_owned())
    }
}

/// A message of a patient.
pub(crate) fn message(kind: &str, control_id: &str, patient: &str) -> String {
    format!(
        "MSH|^~\\&|LAB|NORTH|EHR|NORTH|20260102030405||{kind}|{control_id}|P|2.5.1\rPID|1||{patient}^^^NORTH^MR||Byrne^Zoe||19840703|F\r"
    )
}

/// An ADT^A08 of a patient.
pub(crate) fn adt(control_id: &str, patient: &str) -> String {
    message("ADT^A08^ADT_A01", control_id, patient)
}
