//! The MLLP listeners: what comes in is stored for the connections of its routes, and answered then.

use std::net::SocketAddr;

use hl7_mllp::tls::ServerTls;
use hl7_mllp::{ApplicationAcks, Request, Server, ServerMeter};
use hl7_sender::{Intake, IntakeError, IntakeMeter, Replying, Sender};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::config::ListenerConfig;
use crate::gateway::DRAIN;

/// What the status page shows of a listener.
pub(crate) struct Listener {
    pub(crate) name: String,
    pub(crate) address: SocketAddr,
    pub(crate) tls: Option<ServerTls>,
    pub(crate) to: Vec<String>,
    pub(crate) messages: IntakeMeter,
    pub(crate) wire: ServerMeter,
}

/// A listener that is ready to be served.
pub(crate) struct Open {
    pub(crate) listener: Listener,
    pub(crate) port: Port,
}

/// A socket and what its messages are given to.
pub(crate) struct Port {
    name: String,
    server: Server,
    intake: Intake,
    acks: Option<ApplicationAcks>,
}

/// Joins a socket with the sender.
///
/// # Errors
/// When its routes lead to a connection that the sender does not have.
pub(crate) fn open(
    config: ListenerConfig,
    socket: TcpListener,
    sender: &Sender,
    acks: Option<ApplicationAcks>,
) -> Result<Open, IntakeError> {
    let ListenerConfig { name, address, server, tls, router, to } = config;
    let intake = Intake::builder(sender, router).origin(name.as_str()).build()?;
    let (messages, wire) = (intake.meter(), server.meter());
    let address = socket.local_addr().unwrap_or(address);
    let server = server.drain_timeout(DRAIN).listen(socket);
    let port = Port { name: name.clone(), server, intake, acks };
    Ok(Open { listener: Listener { name, address, tls, to, messages, wire }, port })
}

impl Port {
    /// Serves until `stop` turns true, then lets connections end that are under way.
    ///
    /// # Errors
    /// When the socket failed, so that nothing is heard there any more.
    pub(crate) async fn serve(self, mut stop: watch::Receiver<bool>) -> Result<(), String> {
        let stopping = stop.clone();
        let told = async move { drop(stop.wait_for(|stop| *stop).await) };
        let handler = handler(&self.intake, self.acks);
        let Err(why) = self.server.serve_until(handler, told).await else { return Ok(()) };
        if *stopping.borrow() {
            tracing::warn!(listener = %self.name, cause = %why, "connections were still open when the gateway stopped");
            return Ok(());
        }
        Err(format!("the listener {} failed: {why}", self.name))
    }
}

/// Hands in the acknowledgments that a connection awaits here; everything else is for the routes.
fn handler(
    intake: &Intake,
    acks: Option<ApplicationAcks>,
) -> impl Fn(Request) -> Replying + Send + Sync + 'static + use<> {
    let store = intake.handler();
    move |request| match acks.as_ref().and_then(|acks| acks.take(&request)) {
        Some(reply) => Box::pin(std::future::ready(reply)),
        None => store(request),
    }
}
