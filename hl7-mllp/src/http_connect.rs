//! The client's side of HTTP CONNECT (RFC 9110, 9.3.6) with basic authentication (RFC 7617), without I/O.

use crate::handshake::{Fault, Handshake, Next};

/// The most bytes of the proxy's answer, status line and fields.
const MOST_ANSWER: usize = 8 * 1024;

/// A connect through an HTTP proxy.
pub(crate) struct HttpConnect {
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl HttpConnect {
    /// `None` when the host cannot stand in a request, or the user in basic authentication.
    pub(crate) fn new(host: &str, port: u16, credentials: Option<(&str, &str)>) -> Option<Self> {
        if host.is_empty() || !host.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        let target = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        let authorization = match credentials {
            None => String::new(),
            Some((user, _)) if user.contains(':') => return None,
            Some((user, password)) => {
                let pair = base64(format!("{user}:{password}").as_bytes());
                format!("Proxy-Authorization: Basic {pair}\r\n")
            }
        };
        let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{authorization}\r\n");
        Some(Self { request: request.into_bytes(), answer: Vec::new() })
    }
}

impl Handshake for HttpConnect {
    fn start(&mut self) -> Next {
        Next { write: std::mem::take(&mut self.request), read: 1 }
    }

    /// A byte at a time: no answer says before how long it is.
    fn handle(&mut self, bytes: &[u8]) -> Result<Option<Next>, Fault> {
        self.answer.extend_from_slice(bytes);
        let is_http = self.answer.iter().zip(b"HTTP/1.").all(|(is, should)| is == should);
        if !is_http || self.answer.len() > MOST_ANSWER {
            return Err(Fault::NotAProxy);
        }
        if !self.answer.ends_with(b"\r\n\r\n") && !self.answer.ends_with(b"\n\n") {
            return Ok(Some(Next { write: Vec::new(), read: 1 }));
        }
        verdict(&self.answer).map(|()| None)
    }
}

fn verdict(answer: &[u8]) -> Result<(), Fault> {
    // Behind "HTTP/1.x ".
    let status = answer.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok());
    match status.and_then(|digits| digits.parse().ok()) {
        Some(200..=299) => Ok(()),
        Some(407) => Err(Fault::Credentials),
        Some(status) => Err(Fault::Denied(status)),
        None => Err(Fault::NotAProxy),
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, at| bits << 8 | usize::from(three.get(at).copied().unwrap_or(0)));
        for place in 0..4 {
            let digit = DIGITS.get(bits >> (18 - 6 * place) & 63).copied().unwrap_or_default();
            text.push(if place > three.len() { '=' } else { char::from(digit) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(mut connect: HttpConnect, proxy: &str) -> (String, Result<usize, Fault>) {
        let written = String::from_utf8(connect.start().write).unwrap();
        for (at, byte) in proxy.bytes().enumerate() {
            match connect.handle(&[byte]) {
                Ok(Some(_)) => {}
                Ok(None) => return (written, Ok(at + 1)),
                Err(why) => return (written, Err(why)),
            }
        }
        panic!("{proxy:?} did not end");
    }

    #[test]
    fn the_answer_is_read_to_its_end_and_no_further() {
        let connect = HttpConnect::new("ehr.example", 2575, None).unwrap();
        let answer = "HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n";
        let (written, ended) = run(connect, &format!("{answer}more"));
        assert_eq!(written, "CONNECT ehr.example:2575 HTTP/1.1\r\nHost: ehr.example:2575\r\n\r\n");
        assert_eq!(ended, Ok(answer.len()));
    }

    #[test]
    fn credentials_are_basic_authentication() {
        let connect = HttpConnect::new("::1", 1, Some(("Aladdin", "open sesame"))).unwrap();
        let (written, _) = run(connect, "HTTP/1.0 200\n\n");
        assert!(written.starts_with("CONNECT [::1]:1 HTTP/1.1\r\n"), "{written}");
        assert!(
            written.contains("\r\nProxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"),
            "{written}"
        );
        assert_eq!(
            (base64(b""), base64(b"f"), base64(b"foob")),
            (String::new(), "Zg==".into(), "Zm9vYg==".into())
        );
    }

    #[test]
    fn refusals_are_told_apart_and_an_endless_answer_ends() {
        let connect = || HttpConnect::new("h", 1, None).unwrap();
        assert_eq!(run(connect(), "HTTP/1.1 407 Who?\r\n\r\n").1, Err(Fault::Credentials));
        assert_eq!(run(connect(), "HTTP/1.1 502 No\r\n\r\n").1, Err(Fault::Denied(502)));
        assert_eq!(run(connect(), "HTTP/1.1 \r\n\r\n").1, Err(Fault::NotAProxy));
        assert_eq!(run(connect(), "SSH-2.0").1, Err(Fault::NotAProxy));
        assert_eq!(run(connect(), &format!("HTTP/1.1 200{}", "x".repeat(9_000))).1, Err(Fault::NotAProxy));
    }

    #[test]
    fn nothing_can_be_smuggled_into_the_request() {
        assert!(HttpConnect::new("h\r\nX: y", 1, None).is_none());
        assert!(HttpConnect::new("h", 1, Some(("a:b", "c"))).is_none());
    }
}
