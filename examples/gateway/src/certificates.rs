//! Certificates of this side that end soon.

use std::time::{Duration, SystemTime};

use crate::config::{Config, Way};

/// How long before its end a certificate is spoken of: time enough to have a new one issued.
const SOON: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Warns of each that has ended or ends within thirty days.
pub(crate) fn note(config: &Config) {
    for warning in warnings(config, SystemTime::now()) {
        tracing::warn!("{warning}");
    }
}

/// The same as lines.
pub(crate) fn warnings(config: &Config, now: SystemTime) -> Vec<String> {
    ends(config).into_iter().filter_map(|(whose, end)| warning(&whose, end, now)).collect()
}

fn ends(config: &Config) -> Vec<(String, SystemTime)> {
    let connections = config.connections.iter().filter_map(|connection| match &connection.way {
        Way::Mllp { tls, .. } => {
            Some((format!("the connection {}", connection.name), tls.as_ref()?.not_after()?))
        }
        Way::Folder { .. } => None,
    });
    let listeners = config.listeners.iter().filter_map(|listener| {
        Some((format!("the listener {}", listener.name), listener.tls.as_ref()?.not_after()?))
    });
    connections.chain(listeners).collect()
}

fn warning(whose: &str, end: SystemTime, now: SystemTime) -> Option<String> {
    match end.duration_since(now) {
        Err(_) => Some(format!("the certificate of {whose} has expired")),
        Ok(left) if left < SOON => {
            Some(format!("the certificate of {whose} ends in {} days", left.as_secs() / (24 * 60 * 60)))
        }
        Ok(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_spoken_of_when_its_end_is_near() {
        let now = SystemTime::UNIX_EPOCH + SOON * 2;
        let day = Duration::from_secs(24 * 60 * 60);
        assert_eq!(warning("x", now + SOON, now), None);
        assert_eq!(warning("x", now + day * 3, now).as_deref(), Some("the certificate of x ends in 3 days"));
        assert_eq!(warning("x", now - day, now).as_deref(), Some("the certificate of x has expired"));
    }
}
