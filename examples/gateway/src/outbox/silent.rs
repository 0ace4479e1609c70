//! A way that leads nowhere: a sender that only keeps messages has it for each of its destinations.

use hl7_sender::{ConnectFailure, Connection, Destination, Pending, Transport};

use crate::config;

/// Never connects. Ending the sender ends the wait.
struct Silent;

impl Transport for Silent {
    fn connect(&self) -> Pending<'_, Result<Box<dyn Connection>, ConnectFailure>> {
        Box::pin(std::future::pending())
    }
}

/// The connection with its lanes, over which nothing is sent.
pub(super) fn destination(connection: &config::Connection) -> Destination {
    let destination = Destination::over(connection.name.as_str(), Silent).lane_keys(&connection.lane_keys);
    if connection.unconfirmed { destination.unconfirmed() } else { destination }
}
