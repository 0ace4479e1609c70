//! The doctor and the scripted receivers over TLS.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hl7_core::Message;
use hl7_mllp::doctor::{Probe, Report, Severity};
use hl7_mllp::scripted::{Act, Answer, Receiver, Script};
use hl7_mllp::tls::ClientTls;
use hl7_mllp::{Client, ConnectErrorKind, Doctor, SendErrorKind, TlsFault};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use crate::authority::{Authority, Issued, provider, self_signed, trusting};
use crate::peer::message;

const DEADLINE: Duration = Duration::from_millis(700);
const QUIET: Duration = Duration::from_millis(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The side of a receiver that shows this certificate, and takes only senders of `clients` where that is given.
fn showing(own: &Issued, clients: Option<&Authority>) -> Arc<ServerConfig> {
    let config =
        ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().unwrap();
    let config = match clients {
        None => config.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.der()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
            config.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    Arc::new(config.with_single_cert(vec![own.der.clone()], own.key_der()).unwrap())
}

async fn secured(script: Script, config: Arc<ServerConfig>) -> (Receiver, String) {
    let receiver = Receiver::start_tls(script, config).await.unwrap();
    let addr = format!("localhost:{}", receiver.address().port());
    (receiver, addr)
}

async fn examined(addr: &str, tls: ClientTls) -> Report {
    let client = Client::builder().tls(tls).connect_timeout(DEADLINE);
    let doctor = Doctor::new().client(client).ack_timeout(DEADLINE).quiet(QUIET).idle(QUIET);
    doctor.examine(addr).await
}

fn troubles(report: &Report) -> Vec<&'static str> {
    let found = report.findings().iter().filter(|f| f.severity() > Severity::Info);
    found.map(|finding| finding.code()).collect()
}

#[tokio::test]
async fn a_sound_receiver_is_sound_over_tls_too() {
    let authority = Authority::new();
    let (_receiver, addr) = secured(Script::proper(), showing(&authority.issue(), None)).await;
    let report = examined(&addr, trusting(&authority).build().unwrap()).await;
    assert!(report.is_clean(), "{report}");
    assert!(report.checks()[0].note().contains(", over TLS; the certificate is valid for "), "{report}");
}

#[tokio::test]
async fn fault_30_each_bad_certificate_is_named() {
    let (authority, another) = (Authority::new(), Authority::new());
    let valid = |from: SystemTime, to: SystemTime| {
        authority.issue_with(|params| (params.not_before, params.not_after) = (from.into(), to.into()))
    };
    let now = SystemTime::now();
    let cases = [
        (valid(now - 9 * DAY, now - DAY), "D121"),
        (valid(now + DAY, now + 9 * DAY), "D122"),
        (another.issue(), "D123"),
        (self_signed(), "D123"),
        (authority.issue_to("elsewhere.example"), "D124"),
        (valid(now - DAY, now + 9 * DAY), "D136"),
    ];
    for (own, code) in cases {
        let (receiver, addr) = secured(Script::proper(), showing(&own, None)).await;
        let report = examined(&addr, trusting(&authority).build().unwrap()).await;
        assert_eq!(troubles(&report), [code], "{report}");
        assert!(code == "D136" || receiver.control_ids().is_empty(), "{code}");
    }
}

#[tokio::test]
async fn fault_31_a_refused_client_certificate_is_named() {
    let authority = Authority::new();
    let config = showing(&authority.issue(), Some(&authority));
    let (_receiver, addr) = secured(Script::proper(), config).await;
    let report = examined(&addr, trusting(&authority).build().unwrap()).await;
    assert_eq!(troubles(&report), ["D127"], "{report}");

    let own = authority.issue_to("lab.example");
    let tls = trusting(&authority).certificate(own.chain(), own.key()).build().unwrap();
    let report = examined(&addr, tls).await;
    assert!(report.is_clean(), "{report}");
}

#[tokio::test]
async fn a_receiver_without_tls_is_named_and_gets_nothing() {
    let authority = Authority::new();
    let greeting = Act::Send(Answer::bytes(*b"220 interface ready\r\n"));
    for (script, codes) in [
        (Script::half_open(), &["D132"][..]),
        (Script::closes_at_once(), &["D133", "D107"]),
        // One that stays: a connection that is reset at once can lose the greeting.
        (Script::proper().opening([greeting, Act::Hold]), &["D129"]),
    ] {
        let receiver = Receiver::start(script).await.unwrap();
        let addr = format!("localhost:{}", receiver.address().port());
        let report = examined(&addr, trusting(&authority).build().unwrap()).await;
        assert!(matches!(troubles(&report)[..], [code] if codes.contains(&code)), "{report}");
        assert!(receiver.control_ids().is_empty());
    }
}

#[tokio::test]
async fn a_receiver_that_wants_tls_is_named_when_spoken_to_in_plain() {
    let authority = Authority::new();
    let (receiver, addr) = secured(Script::proper(), showing(&authority.issue(), None)).await;
    let report = Doctor::new().ack_timeout(DEADLINE).quiet(QUIET).examine(&addr).await;
    assert_eq!(troubles(&report), ["D109"], "{report}");
    assert!(report.findings()[0].seen().contains("TLS"), "{report}");
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn fault_32_a_cut_in_the_middle_of_the_answer_is_named() {
    let authority = Authority::new();
    for (script, code) in [(Script::cuts_mid_ack(), "D131"), (Script::closes_mid_ack(), "D307")] {
        let (_receiver, addr) = secured(script, showing(&authority.issue(), None)).await;
        let report = examined(&addr, trusting(&authority).build().unwrap()).await;
        assert_eq!(troubles(&report), [code], "{report}");
    }
    let (_receiver, addr) = secured(Script::cuts_mid_ack(), showing(&authority.issue(), None)).await;
    let tls = trusting(&authority).build().unwrap();
    let mut client = Client::builder().tls(tls).connect(addr).await.unwrap();
    let text = message("m-1");
    let why = client.send(&Message::parse(&text).unwrap()).await.unwrap_err();
    assert_eq!(why.kind(), &SendErrorKind::Tls(TlsFault::Truncated));
}

#[tokio::test]
async fn scripted_receivers_do_over_tls_what_they_do_without() {
    let authority = Authority::new();
    for (script, codes) in [
        (Script::cut_control_id(8), &["D503"][..]),
        (Script::half_open(), &["D201"]),
        (Script::resets_mid_ack(), &["D308"]),
        (Script::closes_after_each(), &["D207"]),
    ] {
        let (_receiver, addr) = secured(script, showing(&authority.issue(), None)).await;
        let report = examined(&addr, trusting(&authority).build().unwrap()).await;
        assert_eq!(troubles(&report), codes, "{report}");
        assert_eq!(report.checks().len(), Probe::STANDARD.len());
    }
    let tls = trusting(&authority).build().unwrap();
    let plain = Receiver::start(Script::http()).await.unwrap();
    let client = Client::builder().tls(tls).connect_timeout(DEADLINE);
    let why = client.connect(format!("localhost:{}", plain.address().port())).await.unwrap_err();
    assert!(matches!(why.kind(), ConnectErrorKind::Tls(_)), "{why}");
}
