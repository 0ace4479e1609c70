//! How many connections each peer address has.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The connections of a listener, counted by the address of the peer.
#[derive(Clone, Default)]
pub(crate) struct Peers {
    counts: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Peers {
    /// A place for one more connection from `address`; `None` when it has `most` already.
    pub(crate) fn admit(&self, address: IpAddr, most: usize) -> Option<Place> {
        // An IPv4 peer has the same address on a socket for both.
        let address = address.to_canonical();
        let mut counts = self.counts();
        let held = counts.get(&address).copied().unwrap_or_default();
        if held >= most {
            return None;
        }
        counts.insert(address, held + 1);
        Some(Place { peers: self.clone(), address })
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one connection. Dropping it gives it back.
pub(crate) struct Place {
    peers: Peers,
    address: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.peers.counts();
        match counts.get_mut(&self.address) {
            Some(held) if *held > 1 => *held -= 1,
            _ => {
                counts.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_its_own_places_and_gets_them_back() {
        let peers = Peers::default();
        let (here, mapped, there) = ("192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1");
        let admit = |address: &str| peers.admit(address.parse().unwrap(), 2);
        let (first, second) = (admit(here).unwrap(), admit(mapped).unwrap());
        assert!(admit(here).is_none());
        let other = admit(there).unwrap();
        drop(first);
        let third = admit(here).unwrap();
        assert!(admit(mapped).is_none());
        drop((second, third, other));
        assert!(peers.counts().is_empty(), "what is not used is not kept");
        assert!(peers.admit(here.parse().unwrap(), 0).is_none());
    }
}
