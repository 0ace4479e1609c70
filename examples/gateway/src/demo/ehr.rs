//! The demo's EHR: a receiver that accepts everything and shows what it gets.

use std::net::SocketAddr;
use std::time::Duration;

use hl7_core::{Ack, AckCode};
use hl7_mllp::{Reply, Request, Server};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::{Failure, show};
use crate::config::{Config, Way};
use crate::output;

/// A message that the EHR got, and what it answered.
pub(super) struct Received {
    pub(super) control_id: String,
    pub(super) er7: String,
    pub(super) acknowledgment: String,
}

/// The EHR as long as it runs.
pub(super) struct Ehr {
    pub(super) address: SocketAddr,
    pub(super) received: mpsc::Receiver<Received>,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

impl Ehr {
    /// Starts it where the configuration's connection leads, or at a free port that the connection is then led to.
    ///
    /// # Errors
    /// When there is no port, or the configuration has no connection of MLLP.
    pub(super) async fn start(config: &mut Config) -> Result<Self, Failure> {
        let ways = config.connections.iter_mut().map(|connection| &mut connection.way);
        let mut leads = ways.filter_map(|way| match way {
            Way::Mllp { address, .. } => Some(address),
            Way::Folder { .. } => None,
        });
        let leads_to = leads.next().ok_or("the demo's configuration has no connection of MLLP")?;
        let server = match Server::bind(leads_to.as_str()).await {
            Ok(server) => server,
            Err(_) => Server::bind("127.0.0.1:0").await?,
        };
        let address = server.local_addr()?;
        *leads_to = address.to_string();
        let (inbox, received) = mpsc::channel(256);
        let (stop, stopped) = oneshot::channel();
        Ok(Self { address, received, stop, served: tokio::spawn(receive(server, inbox, stopped)) })
    }

    /// What it got with this control ID. An earlier demo's that waited in the outbox may come before it.
    pub(super) async fn got(&mut self, control_id: &str, within: Duration) -> Option<Received> {
        let until = Instant::now() + within;
        while let Some(got) = timeout_at(until, self.received.recv()).await.ok().flatten() {
            if got.control_id == control_id {
                return Some(got);
            }
            show(0, "Received from an earlier demo", &got.er7);
        }
        None
    }

    pub(super) async fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.served.await;
    }
}

async fn receive(server: Server, inbox: mpsc::Sender<Received>, stopped: oneshot::Receiver<()>) {
    let answer = move |request: Request| {
        let inbox = inbox.clone();
        async move {
            let acknowledgment = Ack::to(request.message(), AckCode::AA).build();
            let control_id = request.message().header().control_id();
            let received = Received {
                control_id: control_id.map_or_else(String::new, |id| id.text().into()),
                er7: request.message().as_er7().to_owned(),
                acknowledgment: acknowledgment.as_er7().to_owned(),
            };
            // A full channel means that nobody reads the terminal; the message is acknowledged all the same.
            let _ = inbox.try_send(received);
            Reply::message(acknowledgment)
        }
    };
    if let Err(why) = server.serve_until(answer, async { drop(stopped.await) }).await {
        output::complaint(format_args!("the EHR stopped: {why}"));
    }
}
