//! The way to the receiver: names, source addresses, interfaces, proxies.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hl7_core::Message;
use hl7_mllp::{
    Client, ConnectError, ConnectErrorKind as K, Proxy, Reply, ResolveError, Resolver, Resolving, Server,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::peer::{accepting, ack, framed, listening, message, scripted};

const SHORT: Duration = Duration::from_millis(150);

/// Addresses, or whether the fault is a passing one.
type Answer = Result<Vec<SocketAddr>, bool>;

/// A name server whose answers the test gives, and the questions that it was asked.
#[derive(Clone, Default)]
struct Zone {
    answers: Arc<Mutex<Vec<Answer>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Zone {
    /// These answers, one after the other.
    fn of(answers: impl IntoIterator<Item = Answer>) -> Self {
        let mut answers: Vec<_> = answers.into_iter().collect();
        answers.reverse();
        Self { answers: Arc::new(Mutex::new(answers)), asked: Arc::default() }
    }
}

impl Resolver for Zone {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Resolving<'a> {
        self.asked.lock().unwrap().push(format!("{host} {port}"));
        let answer = self.answers.lock().unwrap().pop().unwrap();
        Box::pin(async {
            answer.map_err(|passing| match passing {
                true => ResolveError::passing(io::Error::other("SERVFAIL")),
                false => ResolveError::no_such_name(),
            })
        })
    }
}

async fn sends(client: &mut Client) {
    let text = message("m-1");
    assert_eq!(client.send(&Message::parse(&text).unwrap()).await.unwrap().code().as_str(), "AA");
}

/// An address where nobody listens.
async fn deserted() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn fault_04_a_name_is_resolved_at_every_connect_and_all_its_addresses_are_tried() {
    let (old, new) = (accepting().await, accepting().await);
    let at = |listening: &crate::peer::Listening| listening.addr.parse::<SocketAddr>().unwrap();
    let gone = deserted().await;
    let zone = Zone::of([Ok(vec![gone, at(&old)]), Ok(vec![gone, gone, at(&new)]), Ok(vec![gone])]);
    let asked = zone.asked.clone();
    let mut client = Client::builder().resolver(zone).connect("ehr.example:2575").await.unwrap();
    sends(&mut client).await;
    drop(old);
    client.reconnect().await.unwrap();
    sends(&mut client).await;
    assert_eq!(client.reconnect().await.unwrap_err().kind(), K::Refused);
    assert_eq!(*asked.lock().unwrap(), ["ehr.example 2575"; 3]);
}

#[tokio::test]
async fn fault_04_an_address_that_stays_silent_leaves_the_others_their_time() {
    // TEST-NET-1 leads nowhere, or is refused at once where there is no network.
    let here = accepting().await;
    let zone = Zone::of([Ok(vec!["192.0.2.1:2575".parse().unwrap(), here.addr.parse().unwrap()])]);
    let builder = Client::builder().resolver(zone).connect_timeout(Duration::from_secs(1));
    sends(&mut builder.connect("ehr.example:2575").await.unwrap()).await;
}

#[tokio::test]
async fn fault_05_a_name_that_does_not_exist_is_told_from_a_name_server_that_fails() {
    for (answer, kind, code) in
        [(Err(false), K::NoSuchName, "N207"), (Err(true), K::Dns, "N202"), (Ok(Vec::new()), K::Dns, "N202")]
    {
        let zone = Zone::of([answer]);
        let why = Client::builder().resolver(zone).connect("ehr.example:2575").await.unwrap_err();
        assert_eq!((why.kind(), why.code()), (kind, code));
    }
}

#[tokio::test]
async fn a_resolver_that_hangs_is_given_up_at_the_deadline() {
    struct Hangs;
    impl Resolver for Hangs {
        fn resolve<'a>(&'a self, _: &'a str, _: u16) -> Resolving<'a> {
            Box::pin(std::future::pending())
        }
    }
    let builder = Client::builder().resolver(Hangs).connect_timeout(SHORT);
    assert_eq!(builder.connect("ehr.example:2575").await.unwrap_err().kind(), K::TimedOut);
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_connection_leaves_from_the_address_that_is_stated() {
    let seen = Arc::new(Mutex::new(None));
    let sees = seen.clone();
    let listening = listening(Server::builder(), move |req| {
        *sees.lock().unwrap() = Some(req.peer().ip());
        async move { Reply::accept(&req) }
    })
    .await;
    let source: IpAddr = "127.0.0.2".parse().unwrap();
    sends(&mut Client::builder().source(source).connect(&*listening.addr).await.unwrap()).await;
    assert_eq!(*seen.lock().unwrap(), Some(source));

    // TEST-NET-1 is no machine's.
    for not_ours in ["192.0.2.1", "::1"] {
        let builder = Client::builder().source(not_ours.parse().unwrap());
        assert_eq!(builder.connect(&*listening.addr).await.unwrap_err().code(), "N208", "{not_ours}");
    }
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_connection_leaves_through_the_interface_that_is_stated() {
    let listening = accepting().await;
    sends(&mut Client::builder().interface("lo").connect(&*listening.addr).await.unwrap()).await;
    let none = Client::builder().interface("no-such0").connect(&*listening.addr).await.unwrap_err();
    assert_eq!(none.kind(), K::Source);
}

/// A proxy that expects `requests` one after the other, gives the answer of each, and then joins the connection to `to`.
async fn proxy(script: Vec<(Vec<u8>, Vec<u8>)>, to: Option<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        for (request, answer) in script {
            let mut got = vec![0; request.len()];
            client.read_exact(&mut got).await.unwrap();
            assert_eq!(String::from_utf8_lossy(&got), String::from_utf8_lossy(&request));
            // In pieces, as networks do.
            for piece in answer.chunks(3) {
                client.write_all(piece).await.unwrap();
                tokio::task::yield_now().await;
            }
        }
        match to {
            None => drop(client.read(&mut [0]).await),
            Some(to) => {
                let mut there = TcpStream::connect(to).await.unwrap();
                drop(tokio::io::copy_bidirectional(&mut client, &mut there).await);
            }
        }
    });
    addr
}

fn socks_request(host: &str, port: u16) -> Vec<u8> {
    let length = u8::try_from(host.len()).unwrap();
    [&[5, 1, 0, 3, length], host.as_bytes(), &port.to_be_bytes()].concat()
}

const SOCKS_DONE: [u8; 10] = [5, 0, 0, 1, 127, 0, 0, 1, 0, 80];

#[tokio::test]
async fn a_socks5_proxy_resolves_the_name_and_carries_messages() {
    let receiver = accepting().await;
    let script =
        vec![(vec![5, 1, 0], vec![5, 0]), (socks_request("only.the.proxy.knows", 2575), SOCKS_DONE.to_vec())];
    let addr = proxy(script, Some(receiver.addr.clone())).await;
    let builder = Client::builder().proxy(Proxy::socks5(addr));
    sends(&mut builder.connect("only.the.proxy.knows:2575").await.unwrap()).await;
}

#[tokio::test]
async fn a_socks5_proxy_is_given_user_and_password_when_it_asks() {
    let receiver = accepting().await;
    let script = vec![
        (vec![5, 2, 0, 2], vec![5, 2]),
        (b"\x01\x03lab\x06secret".to_vec(), vec![1, 0]),
        (socks_request("ehr", 1), [&[5, 0, 0, 3, 5][..], b"local\0\x50"].concat()),
    ];
    let addr = proxy(script, Some(receiver.addr.clone())).await;
    let builder = Client::builder().proxy(Proxy::socks5(addr).credentials("lab", "secret"));
    sends(&mut builder.connect("ehr:1").await.unwrap()).await;
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn tls_goes_through_a_proxy_to_the_receiver_that_was_named() {
    use crate::authority::{Authority, serving, trusting};
    let authority = Authority::new();
    let tls = serving(&authority.issue_to("ehr.example")).build().unwrap();
    let receiver = listening(Server::builder().tls(tls), |req| async move { Reply::accept(&req) }).await;
    let script = vec![(vec![5, 1, 0], vec![5, 0]), (socks_request("ehr.example", 1), SOCKS_DONE.to_vec())];
    let addr = proxy(script, Some(receiver.addr.clone())).await;
    let builder = Client::builder().proxy(Proxy::socks5(addr)).tls(trusting(&authority).build().unwrap());
    sends(&mut builder.connect("ehr.example:1").await.unwrap()).await;
}

#[tokio::test]
async fn an_http_proxy_carries_messages() {
    let receiver = accepting().await;
    let request =
        "CONNECT ehr:1 HTTP/1.1\r\nHost: ehr:1\r\nProxy-Authorization: Basic bGFiOnNlY3JldA==\r\n\r\n";
    let script = vec![(request.into(), b"HTTP/1.1 200 OK\r\nVia: test\r\n\r\n".to_vec())];
    let addr = proxy(script, Some(receiver.addr.clone())).await;
    let builder = Client::builder().proxy(Proxy::http(addr).credentials("lab", "secret"));
    sends(&mut builder.connect("ehr:1").await.unwrap()).await;
}

#[tokio::test]
async fn what_follows_a_proxys_answer_belongs_to_the_connection() {
    let addr = scripted(|peer| async move {
        let mut stream = peer.accept().await;
        stream.until(b"\r\n\r\n").await;
        // In one write, so that all is there when the first byte is.
        stream.send(&[b"HTTP/1.1 200 OK\r\n\r\n", &framed(ack("AA", "m-1"))[..]].concat()).await;
        stream.until_closed().await;
    })
    .await;
    let mut client = Client::builder().proxy(Proxy::http(addr)).connect("ehr:1").await.unwrap();
    let text = message("m-1");
    assert_eq!(client.send(&Message::parse(&text).unwrap()).await.unwrap_err().code(), "N108");
}

async fn through(proxy: Proxy) -> ConnectError {
    Client::builder().proxy(proxy).connect_timeout(SHORT).connect("ehr:1").await.unwrap_err()
}

#[tokio::test]
async fn what_a_proxy_refuses_is_told_apart() {
    let hello = || (vec![5, 1, 0], vec![5, 0]);
    let socks = |reply: u8| {
        proxy(vec![hello(), (socks_request("ehr", 1), vec![5, reply, 0, 1, 0, 0, 0, 0, 0, 0])], None)
    };
    for (reply, kind) in [
        (1, K::ProxyRefused),
        (2, K::ProxyRefused),
        (3, K::Unreachable),
        (4, K::Unreachable),
        (5, K::Refused),
    ] {
        assert_eq!(through(Proxy::socks5(socks(reply).await)).await.kind(), kind, "{reply}");
    }
    let wants_user = proxy(vec![(vec![5, 1, 0], vec![5, 0xFF])], None).await;
    assert_eq!(through(Proxy::socks5(wants_user)).await.code(), "N210");

    let request = || b"CONNECT ehr:1 HTTP/1.1\r\nHost: ehr:1\r\n\r\n".to_vec();
    let http = |answer: &str| proxy(vec![(request(), answer.into())], None);
    for (answer, kind) in [
        ("HTTP/1.1 407 No\r\n\r\n", K::ProxyCredentials),
        ("HTTP/1.1 503 No\r\n\r\n", K::ProxyRefused),
        ("220 smtp.example\r\n", K::NotAProxy),
        ("HTTP/1.1 200 OK\r\nnever ended", K::TimedOut),
    ] {
        assert_eq!(through(Proxy::http(http(answer).await)).await.kind(), kind, "{answer:?}");
    }
    let gone = deserted().await.to_string();
    let why = through(Proxy::http(gone)).await;
    let source = std::error::Error::source(&why).unwrap().downcast_ref::<ConnectError>().unwrap();
    assert_eq!((why.kind(), source.kind()), (K::Proxy, K::Refused));
    let closes = scripted(|peer| async move { drop(peer.accept().await) }).await;
    assert!(matches!(through(Proxy::socks5(closes)).await.kind(), K::NotAProxy | K::ProxyRefused));
}

#[tokio::test]
async fn a_proxy_that_is_silent_or_drips_is_given_up_at_the_one_deadline() {
    let silent = scripted(|peer| async move {
        let mut stream = peer.accept().await;
        stream.until_closed().await;
    })
    .await;
    let begun = Instant::now();
    assert_eq!(through(Proxy::socks5(silent)).await.kind(), K::TimedOut);
    let drips = scripted(|peer| async move {
        let mut stream = peer.accept().await;
        stream.send(b"HTTP/1.1 200 ").await;
        while stream.try_send(b"x").await {
            tokio::time::sleep(SHORT / 10).await;
        }
    })
    .await;
    assert_eq!(through(Proxy::http(drips)).await.kind(), K::TimedOut);
    assert!(begun.elapsed() < SHORT * 8, "{:?}", begun.elapsed());
}
