//! TLS: who is trusted, what each fault is called, and that nothing ever goes out in plain.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use hl7_core::Message;
use hl7_mllp::tls::{AllowList, ClientTls, Fingerprint, Pem, ServerTls, TlsErrorKind};
use hl7_mllp::{
    Client, ConnectErrorKind, PeerIdentity, Reply, Request, SendError, SendErrorKind, Sent, Server, TlsFault,
};
use rustls::RootCertStore;
use rustls::pki_types::ServerName;
use rustls::server::WebPkiClientVerifier;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::authority::{Authority, Issued, provider, self_signed, serving, trusting};
use crate::peer::{Listening, Stream, ack, framed, listening, message, scripted};

const SHORT: Duration = Duration::from_millis(200);

/// A listener that accepts everything, and the identities that it saw.
async fn secured(tls: ServerTls) -> (Listening, Arc<Mutex<Vec<Option<PeerIdentity>>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sees = seen.clone();
    let handler = move |req: Request| {
        sees.lock().unwrap().push(req.identity().cloned());
        async move { Reply::accept(&req) }
    };
    (listening(Server::builder().tls(tls), handler).await, seen)
}

async fn connect(tls: ClientTls, addr: &str) -> Result<Client, hl7_mllp::ConnectError> {
    let addr = addr.replace("127.0.0.1", "localhost");
    Client::builder().tls(tls).ack_timeout(Duration::from_secs(5)).connect(addr).await
}

async fn send(client: &mut Client) -> Result<(), SendError> {
    let text = message("m-1");
    client.send(&Message::parse(&text).unwrap()).await.map(|ack| assert!(ack.code().is_positive()))
}

/// What a connect that has to fail says.
async fn refused(tls: ClientTls, addr: &str) -> (TlsFault, &'static str) {
    let why = connect(tls, addr).await.unwrap_err();
    match why.kind() {
        ConnectErrorKind::Tls(fault) => (fault, why.code()),
        other => panic!("{other:?}: {why}"),
    }
}

#[tokio::test]
async fn both_sides_see_who_the_other_is() {
    let authority = Authority::new();
    let (own, lab) = (authority.issue(), authority.issue_to("lab.example"));
    let tls = serving(&own).client_authority(authority.pem()).build().unwrap();
    let (listening, seen) = secured(tls).await;
    let tls = trusting(&authority).certificate(lab.chain(), lab.key()).build().unwrap();
    let mut client = connect(tls, &listening.addr).await.unwrap();
    for _ in 0..3 {
        send(&mut client).await.unwrap();
    }
    let receiver = client.peer_identity().unwrap();
    assert_eq!(
        (receiver.names(), receiver.fingerprint()),
        (&["localhost".into(), "127.0.0.1".into()][..], own.fingerprint())
    );
    let seen = seen.lock().unwrap();
    let sender = seen[0].as_ref().unwrap();
    assert_eq!(
        (seen.len(), sender.common_name(), sender.names()),
        (3, Some("lab.example"), &["lab.example".into()][..])
    );
    assert_eq!(sender.fingerprint(), lab.fingerprint());
    assert!(sender.not_after() > SystemTime::now() && sender.not_before() < SystemTime::now());
}

#[tokio::test]
async fn a_long_message_and_many_records_cross() {
    let authority = Authority::new();
    let (listening, _) = secured(serving(&authority.issue()).build().unwrap()).await;
    let mut client = connect(trusting(&authority).build().unwrap(), &listening.addr).await.unwrap();
    let long = message("m-1").replace("Ann", &"x".repeat(5_000_000));
    assert!(client.send(&Message::parse(&long).unwrap()).await.unwrap().code().is_positive());
    send(&mut client).await.unwrap();
}

#[tokio::test]
async fn fault_30_each_bad_certificate_of_a_receiver_is_called_by_its_fault() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let day = |from: i32, to: i32| {
        authority.issue_with(|params| {
            params.not_before = rcgen::date_time_ymd(from, 1, 1);
            params.not_after = rcgen::date_time_ymd(to, 1, 1);
        })
    };
    for (own, fault, code) in [
        (day(2001, 2002), TlsFault::Expired, "N401"),
        (day(2900, 2901), TlsFault::NotYetValid, "N402"),
        (stranger.issue(), TlsFault::UnknownIssuer, "N403"),
        (self_signed(), TlsFault::UnknownIssuer, "N403"),
        (authority.issue_to("other.example"), TlsFault::WrongName, "N404"),
    ] {
        let (listening, seen) = secured(serving(&own).build().unwrap()).await;
        let tls = trusting(&authority).build().unwrap();
        assert_eq!(refused(tls, &listening.addr).await, (fault, code));
        assert!(seen.lock().unwrap().is_empty());
    }
    // The name is the only thing wrong with this one.
    let own = authority.issue_to("other.example");
    let (listening, _) = secured(serving(&own).build().unwrap()).await;
    let tls = trusting(&authority).server_name("other.example").build().unwrap();
    send(&mut connect(tls, &listening.addr).await.unwrap()).await.unwrap();
}

#[tokio::test]
async fn fault_30_a_refusal_is_one_connection_and_no_plain_byte() {
    // A peer that only records: what arrives is a TLS record, an alert after it, and nothing else.
    let (told, mut came) = tokio::sync::mpsc::channel(4);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = vec![0; 5];
            stream.read_exact(&mut bytes).await.unwrap();
            stream.write_all(b"\x0BMSH|^~\\&|plain\r\x1C\r").await.unwrap();
            stream.read_to_end(&mut bytes).await.ok();
            told.send(bytes).await.unwrap();
        }
    });
    let authority = Authority::new();
    assert_eq!(refused(trusting(&authority).build().unwrap(), &addr).await, (TlsFault::NotTls, "N409"));
    let bytes = came.recv().await.unwrap();
    assert_eq!(bytes[..3], [0x16, 3, 1], "a handshake record");
    assert!(!bytes.windows(3).any(|three| three == b"MSH"));
    assert!(tokio::time::timeout(SHORT, came.recv()).await.is_err(), "it does not try again by itself");
}

#[tokio::test]
async fn a_receiver_that_speaks_no_tls_is_called_that_or_given_up_in_time() {
    let authority = Authority::new();
    let tls = || trusting(&authority).build().unwrap();
    let closes = Server::builder().decoder(hl7_mllp::DecoderOptions::new().max_garbage_bytes(4));
    let closes = listening(closes, |req| async move { Reply::accept(&req) }).await;
    assert_eq!(refused(tls(), &closes.addr).await, (TlsFault::Lost, "N413"));
    let silent = scripted(|peer| async move { peer.accept().await.until_closed().await }).await;
    let builder = Client::builder().tls(tls()).connect_timeout(SHORT);
    assert_eq!(builder.connect(silent).await.unwrap_err().code(), "N412");
}

/// A rustls listener of one protocol version that asks for certificates of `authority`, without any of the code under test.
fn strict(
    authority: &Authority,
    own: &Issued,
    version: &'static rustls::SupportedProtocolVersion,
) -> TlsAcceptor {
    let mut roots = RootCertStore::empty();
    use rustls::pki_types::pem::PemObject as _;
    roots
        .add(rustls::pki_types::CertificateDer::from_pem_slice(authority.text().as_bytes()).unwrap())
        .unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider()).build().unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[version])
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![own.der.clone()], own.key_der())
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// Accepts one connection, and sees the handshake fail or not.
async fn accept_once(acceptor: TlsAcceptor) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        if let Ok(mut stream) = acceptor.accept(stream).await {
            drop(stream.read(&mut [0; 16]).await);
        }
    });
    addr
}

#[tokio::test]
async fn fault_30_fault_31_a_refused_client_certificate_is_called_that() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let own = authority.issue();
    let foreign = stranger.issue_to("lab.example");
    let with_none = || trusting(&authority).build().unwrap();
    let with_foreign = || trusting(&authority).certificate(foreign.chain(), foreign.key()).build().unwrap();

    // TLS 1.2 says so in the handshake.
    for tls in [with_none(), with_foreign()] {
        let addr = accept_once(strict(&authority, &own, &rustls::version::TLS12)).await;
        assert_eq!(refused(tls, &addr).await, (TlsFault::CertificateRefused, "N407"));
    }
    // TLS 1.3 lets the client believe that all is well.
    for tls in [with_none(), with_foreign()] {
        let addr = accept_once(strict(&authority, &own, &rustls::version::TLS13)).await;
        let mut client = connect(tls, &addr).await.unwrap();
        let why = send(&mut client).await.unwrap_err();
        assert_eq!((why.kind(), why.code()), (&SendErrorKind::Tls(TlsFault::CertificateRefused), "N407"));
        assert!(!client.is_open());
    }
}

#[tokio::test]
async fn fault_31_our_own_listener_refuses_so_that_the_sender_knows_why() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let own = authority.issue();
    let old = authority.issue_with(|params| params.not_after = rcgen::date_time_ymd(2002, 1, 1));
    let (foreign, unlisted) = (stranger.issue_to("lab.example"), authority.issue_to("guest.example"));
    let list = AllowList::new().name("LAB.example");
    let tls = serving(&own).client_authority(authority.pem()).allow(list).build().unwrap();
    let (listening, seen) = secured(tls).await;
    let mut clients = vec![trusting(&authority).build().unwrap()];
    for shown in [&foreign, &old, &unlisted] {
        clients.push(trusting(&authority).certificate(shown.chain(), shown.key()).build().unwrap());
    }
    for tls in clients {
        let mut client = connect(tls, &listening.addr).await.unwrap();
        let why = send(&mut client).await.unwrap_err();
        assert_eq!(why.kind(), &SendErrorKind::Tls(TlsFault::CertificateRefused), "{why:?}");
    }
    assert!(seen.lock().unwrap().is_empty(), "no message of theirs was handled");
    let lab = authority.issue_to("lab.example");
    let tls = trusting(&authority).certificate(lab.chain(), lab.key()).build().unwrap();
    send(&mut connect(tls, &listening.addr).await.unwrap()).await.unwrap();
}

#[tokio::test]
async fn fault_31_a_refusal_that_came_before_the_message_means_that_nothing_was_sent() {
    let authority = Authority::new();
    let own = authority.issue();
    let acceptor = strict(&authority, &own, &rustls::version::TLS13);
    let (told, refusal) = oneshot::channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        assert!(acceptor.accept(stream).await.is_err());
        told.send(()).unwrap();
    });
    let mut client = connect(trusting(&authority).build().unwrap(), &addr).await.unwrap();
    refusal.await.unwrap();
    let why = send(&mut client).await.unwrap_err();
    assert_eq!((why.kind(), why.sent()), (&SendErrorKind::Tls(TlsFault::CertificateRefused), Sent::No));
}

/// A receiver that answers the first message with `part` of its acknowledgment and is gone, with TLS's end or without.
async fn breaks_off(authority: &Authority, part: usize, in_order: bool) -> (String, oneshot::Receiver<()>) {
    let (told, gone) = oneshot::channel();
    let script = move |mut stream: tokio_rustls::server::TlsStream<TcpStream>| async move {
        let mut last = [0; 2];
        while last != [0x1C, 0x0D] {
            last = [last[1], stream.read_u8().await.unwrap()];
        }
        let answer = framed(ack("AA", "m-1"));
        stream.write_all(&answer[..part.min(answer.len())]).await.unwrap();
        stream.flush().await.unwrap();
        match in_order {
            true => stream.shutdown().await.unwrap(),
            false => stream.get_mut().0.shutdown().await.unwrap(),
        }
        told.send(()).ok();
        drop(stream.read(&mut last).await);
    };
    (receiver(authority, script).await.0, gone)
}

#[tokio::test]
async fn fault_32_an_end_without_tlss_own_in_the_middle_of_an_acknowledgment_is_a_cut() {
    let authority = Authority::new();
    for part in [0, 1, 40] {
        let (addr, _) = breaks_off(&authority, part, false).await;
        let mut client = connect(trusting(&authority).build().unwrap(), &addr).await.unwrap();
        let why = send(&mut client).await.unwrap_err();
        assert_eq!(
            (why.kind(), why.sent()),
            (&SendErrorKind::Tls(TlsFault::Truncated), Sent::Unknown),
            "{part}"
        );
        assert!(!client.is_open());
    }
    // With TLS's own end it is the peer that closed.
    let (addr, _) = breaks_off(&authority, 0, true).await;
    let mut client = connect(trusting(&authority).build().unwrap(), &addr).await.unwrap();
    assert_eq!(send(&mut client).await.unwrap_err().kind(), &SendErrorKind::Unanswered);
}

#[tokio::test]
async fn fault_09_a_receiver_that_closes_after_the_message_is_noticed_before_the_next_over_tls_too() {
    let authority = Authority::new();
    for in_order in [true, false] {
        let (addr, gone) = breaks_off(&authority, usize::MAX, in_order).await;
        let mut client = connect(trusting(&authority).build().unwrap(), &addr).await.unwrap();
        send(&mut client).await.unwrap();
        gone.await.unwrap();
        let why = send(&mut client).await.unwrap_err();
        assert_eq!((why.kind(), why.sent()), (&SendErrorKind::PeerClosed, Sent::No), "{in_order}");
    }
}

/// A rustls receiver for one connection, without any of the code under test, that does this with it.
async fn receiver<F, Fut>(authority: &Authority, script: F) -> (String, JoinHandle<Fut::Output>)
where
    F: FnOnce(tokio_rustls::server::TlsStream<TcpStream>) -> Fut + Send + 'static,
    Fut: Future<Output: Send + 'static> + Send,
{
    let own = authority.issue();
    let config = rustls::ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.der.clone()], own.key_der())
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap().to_string();
    let served = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        script(TlsAcceptor::from(Arc::new(config)).accept(stream).await.unwrap()).await
    });
    (addr, served)
}

#[tokio::test]
async fn a_client_that_is_dropped_says_its_end() {
    let authority = Authority::new();
    let read =
        |mut stream: tokio_rustls::server::TlsStream<_>| async move { stream.read(&mut [0; 16]).await };
    let (addr, ended) = receiver(&authority, read).await;
    drop(connect(trusting(&authority).build().unwrap(), &addr).await.unwrap());
    assert_eq!(ended.await.unwrap().expect("no cut"), 0);
}

#[tokio::test]
async fn fault_28_a_peer_that_reads_nothing_is_given_up_over_tls_too() {
    let authority = Authority::new();
    let hold = |stream| async move {
        let _open = stream;
        std::future::pending::<()>().await;
    };
    let (addr, served) = receiver(&authority, hold).await;
    let builder = Client::builder().tls(trusting(&authority).build().unwrap()).write_timeout(SHORT);
    let mut client = builder.connect(addr).await.unwrap();
    let long = message("m-1").replace("Ann", &"x".repeat(12_000_000));
    let why = client.send(&Message::parse(&long).unwrap()).await.unwrap_err();
    assert_eq!((why.kind(), why.sent()), (&SendErrorKind::WriteTimedOut, Sent::Unknown));
    assert!(!client.is_open());
    served.abort();
}

#[tokio::test]
async fn fault_09_an_end_that_the_runtime_has_not_heard_of_is_noticed_over_tls_too() {
    let authority = Arc::new(Authority::new());
    let (tell, told) = std::sync::mpsc::channel();
    let (end, ended) = oneshot::channel();
    let theirs = authority.clone();
    // The receiver runs on a thread of its own, so that this one can wait without its runtime listening.
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let script = move |mut stream: tokio_rustls::server::TlsStream<TcpStream>| async move {
                while stream.read_u8().await.unwrap() != 0x1C {}
                stream.write_all(&framed(ack("AA", "m-1"))).await.unwrap();
                stream.flush().await.unwrap();
                ended.await.unwrap();
                stream.shutdown().await.unwrap();
            };
            let (addr, served) = receiver(&theirs, script).await;
            tell.send(addr).unwrap();
            served.await.unwrap();
            tell.send("closed".into()).unwrap();
        });
    });
    let addr = told.recv().unwrap();
    let mut client = connect(trusting(&authority).build().unwrap(), &addr).await.unwrap();
    send(&mut client).await.unwrap();
    end.send(()).unwrap();
    told.recv().unwrap();
    let why = send(&mut client).await.unwrap_err();
    assert_eq!((why.kind(), why.sent()), (&SendErrorKind::PeerClosed, Sent::No));
}

#[tokio::test]
async fn fault_33_renewed_certificates_are_picked_up_and_broken_ones_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| Pem::file(folder.path().join(name));
    let authority = Authority::new();
    let (first, second) = (authority.issue(), authority.issue());
    first.write(folder.path(), "ehr");
    authority.issue_to("lab-1.example").write(folder.path(), "lab");
    let tls = ServerTls::builder(provider(), at("ehr.pem"), at("ehr.key"));
    let tls = tls.client_authority(authority.pem()).build().unwrap();
    let (listening, seen) = secured(tls.clone()).await;
    let client_tls = trusting(&authority).certificate(at("lab.pem"), at("lab.key")).build().unwrap();
    let mut client = connect(client_tls.clone(), &listening.addr).await.unwrap();
    send(&mut client).await.unwrap();
    assert_eq!(client.peer_identity().unwrap().fingerprint(), first.fingerprint());

    // Between the two files of a renewal the old pair stays in use.
    std::fs::write(folder.path().join("ehr.pem"), &second.pem).unwrap();
    let mut between = connect(client_tls.clone(), &listening.addr).await.unwrap();
    assert_eq!(between.peer_identity().unwrap().fingerprint(), first.fingerprint());
    assert_eq!(tls.reload_fault(), Some("N424"));
    send(&mut between).await.unwrap();

    std::fs::write(folder.path().join("ehr.key"), &second.key_pem).unwrap();
    authority.issue_to("lab-2.example").write(folder.path(), "lab");
    let mut renewed = connect(client_tls.clone(), &listening.addr).await.unwrap();
    assert_eq!(renewed.peer_identity().unwrap().fingerprint(), second.fingerprint());
    assert_eq!((tls.reload_fault(), client_tls.reload_fault()), (None, None));
    send(&mut renewed).await.unwrap();
    send(&mut client).await.expect("a connection that stands goes on");
    let names = |at: usize| seen.lock().unwrap()[at].as_ref().unwrap().names()[0].clone();
    assert_eq!([names(0), names(2), names(3)], ["lab-1.example", "lab-2.example", "lab-1.example"]);

    for (file, broken, code) in [("lab.pem", Some("no PEM"), "N422"), ("lab.pem", None, "N421")] {
        match broken {
            Some(text) => std::fs::write(folder.path().join(file), text).unwrap(),
            None => std::fs::remove_file(folder.path().join(file)).unwrap(),
        }
        send(&mut connect(client_tls.clone(), &listening.addr).await.unwrap()).await.unwrap();
        assert_eq!(client_tls.reload_fault(), Some(code));
    }
    authority.issue_to("lab-3.example").write(folder.path(), "lab");
    send(&mut connect(client_tls.clone(), &listening.addr).await.unwrap()).await.unwrap();
    assert_eq!(client_tls.reload_fault(), None);
    assert_eq!(seen.lock().unwrap().last().unwrap().as_ref().unwrap().names(), ["lab-3.example"]);
}

#[tokio::test]
async fn a_pin_takes_the_place_of_an_authority_or_comes_on_top() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let alone = self_signed();
    let pinned = |pin: Fingerprint| ClientTls::builder(provider()).pin(pin).server_name("any.example");
    let (listening, _) = secured(serving(&alone).build().unwrap()).await;
    let mut client = connect(pinned(alone.fingerprint()).build().unwrap(), &listening.addr).await.unwrap();
    send(&mut client).await.unwrap();
    let key = client.peer_identity().unwrap().key_fingerprint();
    assert_ne!(key, alone.fingerprint());
    send(&mut connect(pinned(key).build().unwrap(), &listening.addr).await.unwrap()).await.unwrap();
    let other = self_signed().fingerprint();
    assert_eq!(refused(pinned(other).build().unwrap(), &listening.addr).await, (TlsFault::NotPinned, "N405"));

    let own = authority.issue();
    let (listening, _) = secured(serving(&own).build().unwrap()).await;
    let both = |authority, pin| trusting(authority).pin(pin).build().unwrap();
    send(&mut connect(both(&authority, own.fingerprint()), &listening.addr).await.unwrap()).await.unwrap();
    assert_eq!(refused(both(&authority, other), &listening.addr).await.0, TlsFault::NotPinned);
    let untrusted = both(&stranger, own.fingerprint());
    assert_eq!(refused(untrusted, &listening.addr).await.0, TlsFault::UnknownIssuer);

    let old = authority.issue_with(|params| params.not_after = rcgen::date_time_ymd(2002, 1, 1));
    let (listening, _) = secured(serving(&old).build().unwrap()).await;
    let tls = pinned(old.fingerprint()).build().unwrap();
    assert_eq!(refused(tls, &listening.addr).await.0, TlsFault::Expired, "a pin does not excuse the dates");
}

#[tokio::test]
async fn a_certificate_may_be_optional_but_one_that_is_shown_has_to_be_good() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let tls = serving(&authority.issue()).client_authority(authority.pem()).client_certificate_is_optional();
    let (listening, seen) = secured(tls.build().unwrap()).await;
    send(&mut connect(trusting(&authority).build().unwrap(), &listening.addr).await.unwrap()).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), [None]);
    let foreign = stranger.issue_to("lab.example");
    let tls = trusting(&authority).certificate(foreign.chain(), foreign.key()).build().unwrap();
    let why = send(&mut connect(tls, &listening.addr).await.unwrap()).await.unwrap_err();
    assert_eq!(why.code(), "N407");
}

#[tokio::test]
async fn a_sender_that_signed_its_own_certificate_is_let_in_by_its_fingerprint_alone() {
    let (authority, lab, stranger) = (Authority::new(), self_signed(), self_signed());
    let list = || AllowList::new().fingerprint(lab.fingerprint());
    let tls = serving(&authority.issue()).allow(list()).build().unwrap();
    let (listening, seen) = secured(tls.clone()).await;
    let showing = |own: &Issued| trusting(&authority).certificate(own.chain(), own.key()).build().unwrap();
    send(&mut connect(showing(&lab), &listening.addr).await.unwrap()).await.unwrap();
    let refused = async |tls| {
        let why = send(&mut connect(tls, &listening.addr).await.unwrap()).await.unwrap_err();
        assert_eq!(why.kind(), &SendErrorKind::Tls(TlsFault::CertificateRefused), "{why:?}");
    };
    refused(showing(&stranger)).await;
    refused(trusting(&authority).build().unwrap()).await;
    // A name that nobody vouches for opens nothing, and neither does no list.
    tls.allow(AllowList::new().name("localhost"));
    refused(showing(&lab)).await;
    tls.allow(None);
    refused(showing(&lab)).await;
    tls.allow(list());
    send(&mut connect(showing(&lab), &listening.addr).await.unwrap()).await.unwrap();
    assert_eq!(seen.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn who_is_taken_off_the_list_does_not_come_back_by_an_old_session() {
    let authority = Authority::new();
    let (own, lab) = (authority.issue(), authority.issue_to("lab.example"));
    let tls = serving(&own).client_authority(authority.pem());
    let tls = tls.allow(AllowList::new().fingerprint(lab.fingerprint())).build().unwrap();
    let (listening, _) = secured(tls.clone()).await;
    // A client of another make, which resumes sessions wherever it can.
    let mut roots = RootCertStore::empty();
    use rustls::pki_types::pem::PemObject as _;
    roots
        .add(rustls::pki_types::CertificateDer::from_pem_slice(authority.text().as_bytes()).unwrap())
        .unwrap();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        tls.allow(AllowList::new().fingerprint(lab.fingerprint()));
        let config = rustls::ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots.clone())
            .with_client_auth_cert(vec![lab.der.clone()], lab.key_der())
            .unwrap();
        let config = Arc::new(config);
        assert!(is_answered(config.clone(), &listening.addr).await);
        assert!(is_answered(config.clone(), &listening.addr).await);
        tls.allow(AllowList::new());
        assert!(!is_answered(config, &listening.addr).await, "{version:?}");
    }
    tls.allow(None);
    let any = trusting(&authority).certificate(lab.chain(), lab.key()).build().unwrap();
    send(&mut connect(any, &listening.addr).await.unwrap()).await.unwrap();
}

/// Whether a message sent with this configuration is answered.
async fn is_answered(config: Arc<rustls::ClientConfig>, addr: &str) -> bool {
    let tcp = TcpStream::connect(addr).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let Ok(mut stream) = TlsConnector::from(config).connect(name, tcp).await else { return false };
    assert_ne!(stream.get_ref().1.handshake_kind(), Some(rustls::HandshakeKind::Resumed));
    if stream.write_all(&framed(message("m-1"))).await.is_err() || stream.flush().await.is_err() {
        return false;
    }
    stream.read_u8().await.is_ok()
}

#[tokio::test]
async fn half_open_handshakes_hold_no_places_and_the_oldest_makes_room() {
    let authority = Authority::new();
    let time = Duration::from_secs(3);
    let tls = serving(&authority.issue()).max_handshakes(2).handshake_timeout(time);
    let builder = Server::builder().max_connections(1).tls(tls.build().unwrap());
    let listening = listening(builder, |req| async move { Reply::accept(&req) }).await;
    let begun = std::time::Instant::now();
    let mut idle = Vec::new();
    for _ in 0..3 {
        idle.push(Stream::connect(&listening.addr).await);
    }
    // More than may be connected, and more than may shake hands; still the one place is free.
    let mut client = connect(trusting(&authority).build().unwrap(), &listening.addr).await.unwrap();
    send(&mut client).await.unwrap();
    for stream in &mut idle[..2] {
        stream.until_closed().await;
    }
    assert!(begun.elapsed() < time, "they were cut before their deadline: {:?}", begun.elapsed());
    send(&mut client).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_honest_handshakes_at_a_time_wait_for_each_other() {
    let authority = Authority::new();
    let (listening, seen) = secured(serving(&authority.issue()).max_handshakes(2).build().unwrap()).await;
    let tls = trusting(&authority).build().unwrap();
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let (tls, addr) = (tls.clone(), listening.addr.clone());
        senders.spawn(async move { send(&mut connect(tls, &addr).await.unwrap()).await.unwrap() });
    }
    assert_eq!(senders.join_all().await.len(), 100);
    assert_eq!(seen.lock().unwrap().len(), 100);
}

#[tokio::test]
async fn fault_40_a_handshake_that_drips_ends_at_its_deadline() {
    let authority = Authority::new();
    let tls = serving(&authority.issue()).handshake_timeout(SHORT).build().unwrap();
    let (listening, _) = secured(tls).await;
    let mut stream = Stream::connect(&listening.addr).await;
    let begun = std::time::Instant::now();
    stream.send(&[0x16, 3, 1, 2, 0]).await;
    while stream.try_send(&[1]).await && begun.elapsed() < SHORT * 20 {
        tokio::time::sleep(SHORT / 10).await;
    }
    assert!(begun.elapsed() < SHORT * 10, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_sender_in_plain_is_closed_and_its_message_not_handled() {
    let authority = Authority::new();
    let handled = Arc::new(AtomicUsize::new(0));
    let count = handled.clone();
    let handler = move |req: Request| {
        count.fetch_add(1, Ordering::SeqCst);
        async move { Reply::accept(&req) }
    };
    let tls = serving(&authority.issue()).build().unwrap();
    let builder = Server::builder().tls(tls);
    let meter = builder.meter();
    let listening = listening(builder, handler).await;
    let mut client = Client::connect(&*listening.addr).await.unwrap();
    let why = send(&mut client).await.unwrap_err();
    assert!(
        matches!(why.kind(), SendErrorKind::BrokenFrame(_) | SendErrorKind::Lost | SendErrorKind::Unanswered),
        "{why}"
    );
    assert_eq!(handled.load(Ordering::SeqCst), 0);
    while meter.read().handshake_errors.is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let counted = meter.read();
    assert_eq!((counted.handshake_errors["N409"], counted.accepted), (1, 0));
}

#[tokio::test]
async fn what_cannot_be_used_is_refused_when_it_is_given() {
    let authority = Authority::new();
    let (own, other) = (authority.issue(), authority.issue());
    let client = || ClientTls::builder(provider());
    let server = |chain: &str, key: &str| {
        ServerTls::builder(provider(), Pem::bytes(chain), Pem::bytes(key)).build().map_err(|why| why.kind())
    };
    assert_eq!(client().build().unwrap_err().kind(), TlsErrorKind::NoTrust);
    assert_eq!(client().authority(Pem::bytes("no PEM")).build().unwrap_err().code(), "N422");
    assert_eq!(client().authority(Pem::file("/no/such/file")).build().unwrap_err().code(), "N421");
    assert_eq!(server("", &own.key_pem).unwrap_err(), TlsErrorKind::NoCertificate);
    assert_eq!(server(&own.pem, &own.pem).unwrap_err(), TlsErrorKind::NoKey);
    assert_eq!(server(&own.pem, &other.key_pem).unwrap_err(), TlsErrorKind::KeyMismatch);
    let listed = serving(&own).allow(AllowList::new().name("lab.example")).build().unwrap_err();
    assert_eq!(listed.kind(), TlsErrorKind::NoTrust, "nobody vouches for the names of a list");
    let built = serving(&own).build().unwrap();
    assert!(built.not_after().unwrap() > SystemTime::now());
}

#[tokio::test]
async fn keys_are_shown_nowhere() {
    let authority = Authority::new();
    let own = authority.issue();
    let secret: String = own.key_pem.lines().nth(1).unwrap().chars().take(20).collect();
    let both = format!("{}{}", own.key_pem, own.pem);
    let client = trusting(&authority).certificate(own.chain(), own.key());
    let server = serving(&own);
    let mut shown = format!("{client:?} {server:?}");
    let (client, server) = (client.build().unwrap(), server.build().unwrap());
    shown += &format!("{client:?} {server:?} {:?}", Client::builder().tls(client.clone()));
    shown += &format!("{:?}", Server::builder().tls(server));
    for broken in [own.key_pem.replace("PRIVATE", "PUBLIC"), both.replace("-----END", "----END")] {
        for why in [
            ClientTls::builder(provider()).authority(Pem::bytes(&*broken)).build().unwrap_err(),
            ServerTls::builder(provider(), own.chain(), Pem::bytes(&*broken)).build().unwrap_err(),
        ] {
            shown += &format!("{why} {why:?}");
        }
    }
    assert!(!shown.contains(&secret), "{shown}");
}

#[tokio::test]
async fn a_stream_of_the_program_s_is_never_used_in_plain_text_where_tls_was_asked_for() {
    let authority = Authority::new();
    let (here, mut there) = tokio::io::duplex(64 * 1024);
    let tls = ClientTls::builder(provider()).authority(authority.pem()).build().unwrap();
    let mut client = Client::builder().tls(tls).over(here);
    let why = send(&mut client).await.unwrap_err();
    assert_eq!((why.code(), why.sent()), ("N106", Sent::No));
    drop(client);
    let mut heard = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut there, &mut heard).await.unwrap();
    assert_eq!(heard, b"");

    let own = authority.issue();
    let tls = ServerTls::builder(provider(), own.chain(), own.key()).build().unwrap();
    let (here, there) = tokio::io::duplex(64 * 1024);
    let peer = "192.0.2.7:1".parse().unwrap();
    let served = Server::builder()
        .tls(tls)
        .serve_connection(there, peer, |_: Request| async { panic!("reached") })
        .await;
    assert_eq!(served, ());
    assert!(send(&mut Client::builder().over(here)).await.is_err());
}
