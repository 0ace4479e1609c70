//! Faults of TLS: they do not mend themselves, so a destination rests and says so.

use std::sync::Arc;
use std::time::Duration;

use hl7_mllp::Client;
use hl7_mllp::scripted::{Receiver, Script};
use hl7_mllp::tls::{ClientTls, Pem};
use hl7_sender::{Destination, Retry, Sender, State};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::RootCertStore;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use crate::peer::{Folder, PATIENCE, delivered, message, quick, until};

/// Longer than all delays of `quick`, so that a storm would show.
const WHILE: Duration = Duration::from_millis(400);

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

struct Authority(CertifiedIssuer<'static, KeyPair>);

struct Issued {
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn issue(&self, name: &str, until: i32) -> Issued {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2001, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap().der().clone();
        Issued { certificate, key: key.serialize_der() }
    }
}

/// A receiver's side; with an authority it asks for certificates of it.
fn serving(own: &Issued, asks: Option<&Authority>) -> Arc<rustls::ServerConfig> {
    let builder = rustls::ServerConfig::builder_with_provider(provider());
    let builder = builder.with_protocol_versions(&[&rustls::version::TLS13]).unwrap();
    let builder = match asks {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.0.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(own.key.clone()));
    Arc::new(builder.with_single_cert(vec![own.certificate.clone()], key).unwrap())
}

fn secured(trusted: &Authority, port: u16) -> Destination {
    let tls = ClientTls::builder(provider()).authority(Pem::bytes(trusted.0.pem())).build().unwrap();
    Destination::mllp_with("ehr", format!("localhost:{port}"), Client::builder().tls(tls)).retry(quick())
}

/// The destination rests with this code, and says so.
async fn rests(sender: &Sender, code: &str) {
    let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    let status = until(sender, &receipt, |status| status.last_failure().is_some()).await;
    assert_eq!((status.last_failure(), status.state()), (Some(code), State::Retrying));
    tokio::time::sleep(WHILE).await;
    let shown = sender.destination("ehr").unwrap();
    assert_eq!((shown.unreachable(), shown.needs_help(), shown.failures()), (Some(code), true, 1), "one try");
    assert!(shown.next_try_in().unwrap() > Retry::REST / 2);
    let status = receipt.status().await.unwrap();
    assert!(!status.state().is_settled() && status.attempts() <= 1, "{status:?}");
    assert!(status.next_attempt_at().unwrap().elapsed().is_err(), "the entry says when it is tried again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_30_sender_a_bad_certificate_makes_no_storm_and_calls_for_help() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    for (own, code) in [
        (authority.issue("localhost", 2002), "N401"),
        (stranger.issue("localhost", 2900), "N403"),
        (authority.issue("other.example", 2900), "N404"),
    ] {
        let receiver = Receiver::start_tls(Script::proper(), serving(&own, None)).await.unwrap();
        let folder = Folder::new();
        let sender = folder.sender(secured(&authority, receiver.address().port())).await;
        rests(&sender, code).await;
        assert!(receiver.control_ids().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_30_sender_goes_on_at_once_when_the_fault_is_mended_and_it_is_told() {
    let authority = Authority::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let expired = tokio_rustls_acceptor(&authority.issue("localhost", 2002));
    let bad = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = expired.accept(stream).await;
        }
    });
    let folder = Folder::new();
    let sender = folder.sender(secured(&authority, address.port())).await;
    let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    until(&sender, &receipt, |status| status.last_failure() == Some("N401")).await;
    bad.abort();
    let _ = bad.await;

    let good = tokio_rustls_acceptor(&authority.issue("localhost", 2900));
    let listener = TcpListener::bind(address).await.unwrap();
    let seen = hl7_mllp::scripted::Seen::new();
    let serving = tokio::spawn({
        let seen = seen.clone();
        async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = good.accept(stream).await.unwrap();
            hl7_mllp::scripted::perform(&mut stream, &Script::proper(), &seen).await;
        }
    });
    assert!(sender.resume_destination("ehr").await.unwrap());
    delivered(&receipt).await;
    assert_eq!(sender.destination("ehr").unwrap().unreachable(), None);
    assert_eq!(seen.control_ids(), ["m-1"]);
    serving.abort();
}

fn tokio_rustls_acceptor(own: &Issued) -> tokio_rustls::TlsAcceptor {
    serving(own, None).into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_30_sender_never_falls_back_to_plain_text() {
    let authority = Authority::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    // A receiver of plain MLLP: it answers what it cannot read, and records.
    let plain = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut came = vec![0; 5];
        stream.read_exact(&mut came).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"\x0BMSH|^~\\&|A\rMSA|AE|?\r\x1C\r").await.unwrap();
        stream.read_to_end(&mut came).await.ok();
        let again = tokio::time::timeout(WHILE, listener.accept()).await;
        (came, again.is_ok())
    });
    let folder = Folder::new();
    let sender = folder.sender(secured(&authority, port)).await;
    rests(&sender, "N409").await;
    let (came, again) = tokio::time::timeout(PATIENCE, plain).await.unwrap().unwrap();
    assert_eq!(came[..3], [0x16, 3, 1], "a handshake record");
    assert!(!came.windows(3).any(|three| three == b"MSH") && !again);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_31_sender_a_refused_client_certificate_is_no_missing_acknowledgment() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let own = authority.issue("localhost", 2900);
    let config = serving(&own, Some(&stranger));
    let receiver = Receiver::start_tls(Script::proper(), config).await.unwrap();
    let folder = Folder::new();
    let sender = folder.sender(secured(&authority, receiver.address().port())).await;
    rests(&sender, "N407").await;
    assert!(receiver.control_ids().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_32_sender_an_acknowledgment_that_was_cut_off_delivers_nothing() {
    let authority = Authority::new();
    let config = serving(&authority.issue("localhost", 2900), None);
    let receiver = Receiver::start_tls(Script::cuts_mid_ack(), config).await.unwrap();
    let folder = Folder::new();
    let sender = folder.sender(secured(&authority, receiver.address().port())).await;
    let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    let status = until(&sender, &receipt, |status| status.attempts() >= 3).await;
    assert!(!status.state().is_settled() && status.last_acknowledgment().is_none());
    let failed = until(&sender, &receipt, |status| status.state() == State::Retrying).await;
    assert_eq!(failed.last_failure(), Some("N411"));
    assert!(!sender.destination("ehr").unwrap().needs_help(), "it may pass");
}
