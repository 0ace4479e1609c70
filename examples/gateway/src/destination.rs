//! Connections as the sender knows them.

use hl7_sender::Destination;

use crate::config::{Connection, Way};

/// The destination that a connection describes.
pub(crate) fn destination(connection: &Connection) -> Destination {
    let name = connection.name.as_str();
    let destination = match &connection.way {
        Way::Mllp { address, client, .. } => {
            Destination::mllp_with(name, address.as_str(), client.as_ref().clone())
        }
        Way::Folder { files, .. } => Destination::files(name, files.clone()),
    };
    let destination = destination
        .retry(connection.retry.clone())
        .policy(connection.policy.clone())
        .settle_on(connection.settle_on);
    let destination = destination.lane_keys(&connection.lane_keys);
    let destination = connection.connections.into_iter().fold(destination, Destination::connections);
    if connection.unconfirmed { destination.unconfirmed() } else { destination }
}
