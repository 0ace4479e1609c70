//! The client's side of SOCKS5 (RFC 1928) with user and password (RFC 1929), without I/O. The proxy resolves the name.

use crate::handshake::{Fault, Handshake, Next};

const VERSION: u8 = 5;
const CONNECT: u8 = 1;
const NO_CREDENTIALS: u8 = 0;
const PASSWORD: u8 = 2;
const PASSWORD_VERSION: u8 = 1;
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

/// A connect through a SOCKS5 proxy.
pub(crate) struct Socks {
    /// The request for user and password.
    credentials: Option<Vec<u8>>,
    /// The request to connect.
    request: Vec<u8>,
    awaited: Awaited,
}

/// What comes next, after what came so far.
enum Awaited {
    Method,
    Admission,
    /// The reply up to the first byte of its address, which says how long that is.
    Reply,
    Address,
}

impl Socks {
    /// `None` when the host or the credentials are too long for the protocol.
    pub(crate) fn new(host: &str, port: u16, credentials: Option<(&str, &str)>) -> Option<Self> {
        let credentials = match credentials {
            None => None,
            Some((user, password)) => {
                Some([&[PASSWORD_VERSION][..], &counted(user)?, &counted(password)?].concat())
            }
        };
        Some(Self { credentials, request: request(host, port)?, awaited: Awaited::Method })
    }

    fn method(&mut self, chosen: &[u8]) -> Result<Next, Fault> {
        match (chosen, self.credentials.take()) {
            ([VERSION, NO_CREDENTIALS], _) => Ok(self.ask()),
            ([VERSION, PASSWORD], Some(credentials)) => {
                self.awaited = Awaited::Admission;
                Ok(Next { write: credentials, read: 2 })
            }
            ([VERSION, PASSWORD | 0xFF], _) => Err(Fault::Credentials),
            _ => Err(Fault::NotAProxy),
        }
    }

    fn ask(&mut self) -> Next {
        self.awaited = Awaited::Reply;
        Next { write: std::mem::take(&mut self.request), read: 5 }
    }

    fn reply(&mut self, head: &[u8]) -> Result<Next, Fault> {
        let rest = match *head {
            [VERSION, 0, _, IPV4, _] => 3 + 2,
            [VERSION, 0, _, IPV6, _] => 15 + 2,
            [VERSION, 0, _, NAME, length] => usize::from(length) + 2,
            [VERSION, why, ..] if why != 0 => return Err(refusal(why)),
            _ => return Err(Fault::NotAProxy),
        };
        self.awaited = Awaited::Address;
        Ok(Next { write: Vec::new(), read: rest })
    }
}

impl Handshake for Socks {
    fn start(&mut self) -> Next {
        let methods: &[u8] = match self.credentials {
            None => &[VERSION, 1, NO_CREDENTIALS],
            Some(_) => &[VERSION, 2, NO_CREDENTIALS, PASSWORD],
        };
        Next { write: methods.to_vec(), read: 2 }
    }

    fn handle(&mut self, bytes: &[u8]) -> Result<Option<Next>, Fault> {
        match self.awaited {
            Awaited::Method => self.method(bytes).map(Some),
            Awaited::Admission if bytes.get(1) == Some(&0) => Ok(Some(self.ask())),
            Awaited::Admission => Err(Fault::Credentials),
            Awaited::Reply => self.reply(bytes).map(Some),
            Awaited::Address => Ok(None),
        }
    }
}

/// The request to connect, by address where the host is one.
fn request(host: &str, port: u16) -> Option<Vec<u8>> {
    let address = match host.parse() {
        Ok(std::net::IpAddr::V4(ip)) => [&[IPV4][..], &ip.octets()].concat(),
        Ok(std::net::IpAddr::V6(ip)) => [&[IPV6][..], &ip.octets()].concat(),
        Err(_) => [&[NAME][..], &counted(host)?].concat(),
    };
    Some([&[VERSION, CONNECT, 0][..], &address, &port.to_be_bytes()].concat())
}

/// The text behind its length in a byte; `None` where it is empty or does not fit.
fn counted(text: &str) -> Option<Vec<u8>> {
    let length = u8::try_from(text.len()).ok().filter(|&length| length > 0)?;
    Some([&[length][..], text.as_bytes()].concat())
}

fn refusal(why: u8) -> Fault {
    match why {
        3 | 4 | 6 => Fault::Unreachable,
        5 => Fault::Refused,
        _ => Fault::Denied(u16::from(why)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds the proxy's bytes as asked for; gives what the client wrote, and how it ended.
    fn run(mut socks: Socks, mut proxy: &[u8]) -> (Vec<u8>, Result<(), Fault>) {
        let mut next = socks.start();
        let mut written = Vec::new();
        loop {
            written.extend_from_slice(&next.write);
            let (bytes, rest) = proxy.split_at(next.read);
            proxy = rest;
            match socks.handle(bytes) {
                Ok(Some(more)) => next = more,
                Ok(None) => return (written, if proxy.is_empty() { Ok(()) } else { Err(Fault::NotAProxy) }),
                Err(why) => return (written, Err(why)),
            }
        }
    }

    #[test]
    fn a_name_is_left_to_the_proxy() {
        let socks = Socks::new("ehr.example", 2575, None).unwrap();
        let (written, ended) = run(socks, &[5, 0, 5, 0, 0, 1, 10, 0, 0, 1, 0, 80]);
        assert_eq!(ended, Ok(()));
        assert_eq!(written, [&[5, 1, 0, 5, 1, 0, 3, 11][..], b"ehr.example", &[10, 15]].concat());
    }

    #[test]
    fn user_and_password_go_out_only_when_asked_for() {
        let socks = || Socks::new("::1", 1, Some(("u", "pw"))).unwrap();
        let named = [&[5, 0, 0, 3, 2][..], b"ab", &[0, 1]].concat();
        let (written, ended) = run(socks(), &[&[5, 2, 1, 0][..], &named].concat());
        assert_eq!(ended, Ok(()));
        assert_eq!(&written[..10], [5, 2, 0, 2, 1, 1, b'u', 2, b'p', b'w']);
        assert_eq!(written[13], IPV6);
        let (written, ended) = run(socks(), &[&[5, 0][..], &named].concat());
        assert_eq!((ended, written.contains(&b'w')), (Ok(()), false));
    }

    #[test]
    fn refusals_are_told_apart() {
        let socks = || Socks::new("h", 1, Some(("u", "pw"))).unwrap();
        for (answer, fault) in [
            (&[5, 0xFF][..], Fault::Credentials),
            (&[5, 2, 1, 1], Fault::Credentials),
            (&[4, 0], Fault::NotAProxy),
            (&[5, 0, 5, 5, 0, 1, 0], Fault::Refused),
            (&[5, 0, 5, 4, 0, 1, 0], Fault::Unreachable),
            (&[5, 0, 5, 2, 0, 1, 0], Fault::Denied(2)),
            (&[5, 0, 5, 0, 0, 9, 0], Fault::NotAProxy),
        ] {
            assert_eq!(run(socks(), answer).1, Err(fault), "{answer:?}");
        }
        assert_eq!(run(Socks::new("h", 1, None).unwrap(), &[5, 2]).1, Err(Fault::Credentials));
    }

    #[test]
    fn what_does_not_fit_is_refused_before_anything_is_sent() {
        let long = "x".repeat(256);
        assert!(Socks::new(&long, 1, None).is_none());
        assert!(Socks::new("h", 1, Some((&long, "p"))).is_none());
        assert!(Socks::new("h", 1, Some(("u", ""))).is_none());
    }
}
