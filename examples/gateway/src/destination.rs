//! Connections as the sender knows them.

use std::collections::BTreeMap;

use hl7_mllp::ApplicationAcks;
use hl7_sender::Destination;

use crate::config::{Connection, Way};

/// The application acknowledgments that come in at listeners, by their names.
pub(crate) type AcksByListener = BTreeMap<String, ApplicationAcks>;

/// One for each listener that a connection names.
pub(crate) fn application_acks(connections: &[Connection]) -> AcksByListener {
    let named = connections.iter().filter_map(|connection| connection.application_acks.as_ref());
    named.map(|at| (at.listener.clone(), ApplicationAcks::new())).collect()
}

/// The destination that a connection describes.
pub(crate) fn destination(connection: &Connection, acks: &AcksByListener) -> Destination {
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
    let at = connection.application_acks.as_ref();
    let destination = match at.and_then(|at| Some((acks.get(&at.listener)?, at.within))) {
        Some((acks, within)) => destination.application_acks(acks.clone(), within),
        None => destination,
    };
    if connection.unconfirmed { destination.unconfirmed() } else { destination }
}
