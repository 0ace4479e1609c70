//! send and listen over TLS, and through a proxy.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use sha2::Digest as _;
use tempfile::TempDir;

use crate::wire::listen;
use crate::{ADT, Run, command, finish, hl7};

/// A folder with an authority, a certificate for localhost (ehr) and one for a sender (lab).
fn certificates() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
    for (file, names) in [("ehr", vec!["localhost", "127.0.0.1"]), ("lab", vec!["lab.example"])] {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
        std::fs::write(folder.path().join(format!("{file}.pem")), certificate.pem()).unwrap();
        std::fs::write(folder.path().join(format!("{file}.key")), key.serialize_pem()).unwrap();
    }
    folder
}

/// The first certificate of a PEM text.
fn first_certificate(text: &str) -> Vec<u8> {
    CertificateDer::from_pem_slice(text.as_bytes()).unwrap().to_vec()
}

/// The arguments, with `@name` for a file in the folder.
fn at(folder: &Path, arguments: &str) -> Vec<String> {
    let place = |word: &str| match word.strip_prefix('@') {
        Some(file) => folder.join(file).to_str().unwrap().to_owned(),
        None => word.to_owned(),
    };
    arguments.split(' ').map(place).collect()
}

fn words(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

fn send(folder: &Path, address: &str, more: &str) -> Run {
    let arguments = at(folder, &format!("send --to {address} --ack-timeout 10 {more}"));
    hl7(&words(&arguments), ADT)
}

#[test]
fn both_sides_show_their_certificates() {
    let folder = certificates();
    let more = at(
        folder.path(),
        "--count 1 --tls --cert @ehr.pem --key @ehr.key --client-ca @ca.pem --allow lab.example",
    );
    let (listener, address) = listen(&words(&more));
    let sent = send(folder.path(), &address, "--tls --ca @ca.pem --cert @lab.pem --key @lab.key");
    assert_eq!(sent.code, 0, "{}", sent.err);
    assert!(sent.out.contains("\nMSA|AA|m1\n"), "{}", sent.out);
    assert_eq!(finish(listener).code, 0);
}

#[test]
fn what_is_wrong_with_a_certificate_is_said_and_nothing_is_sent_in_plain() {
    let (folder, other) = (certificates(), certificates());
    let more =
        at(folder.path(), "--tls --cert @ehr.pem --key @ehr.key --client-ca @ca.pem --allow other.example");
    let (mut listener, address) = listen(&words(&more));
    let name = format!("localhost:{}", address.rsplit(':').next().unwrap());
    let foreign = other.path().join("ca.pem");
    let pin = "ab".repeat(32);
    for (more, code) in [
        ("--tls --ca @ca.pem".to_owned(), "N407"),
        ("--tls --ca @ca.pem --cert @lab.pem --key @lab.key".to_owned(), "N407"),
        (format!("--tls --ca {}", foreign.display()), "N403"),
        ("--tls --ca @ca.pem --server-name ehr.example".to_owned(), "N404"),
        (format!("--tls --ca @ca.pem --pin {pin}"), "N405"),
        ("--tls --ca @ehr.key".to_owned(), "N422"),
        ("--tls --ca @none.pem".to_owned(), "N421"),
        ("--tls --ca @ca.pem --cert @lab.pem --key @ehr.key".to_owned(), "N424"),
        ("--tls".to_owned(), "N426"),
    ] {
        let sent = send(folder.path(), &name, &more);
        assert_eq!((sent.code, sent.out.as_str()), (4, ""), "{more}: {}", sent.err);
        assert!(sent.err.starts_with(&format!("error: {code}")), "{more}: {}", sent.err);
    }
    listener.kill().unwrap();
    let received = listener.wait_with_output().unwrap();
    assert!(received.stdout.is_empty(), "nothing was received");
}

#[test]
fn arguments_that_do_not_go_together_are_refused() {
    for arguments in [
        "send --to h:1 --ca x.pem",
        "send --to h:1 --tls --cert x.pem",
        "send --to h:1 --tls --pin abc",
        "send --to h:1 --proxy h:1",
        "send --to h:1 --proxy http://user:password@h:1",
        "send --to h:1 --proxy-user lab",
        "listen --tls",
        "listen --cert x.pem",
        "listen --allow lab",
    ] {
        assert_eq!(hl7(&arguments.split(' ').collect::<Vec<_>>(), "").code, 2, "{arguments}");
    }
}

#[test]
fn a_sender_is_known_by_its_fingerprint_without_an_authority_but_not_by_its_name() {
    let folder = certificates();
    let named =
        at(folder.path(), "listen 127.0.0.1:0 --tls --cert @ehr.pem --key @ehr.key --allow lab.example");
    let refused = hl7(&words(&named), "");
    assert_eq!(refused.code, 4);
    assert!(refused.err.starts_with("error: N426"), "{}", refused.err);
    let shown = std::fs::read_to_string(folder.path().join("lab.pem")).unwrap();
    let der = first_certificate(&shown);
    let fingerprint: String = sha2::Sha256::digest(&der).iter().map(|byte| format!("{byte:02x}")).collect();
    let more = format!("--count 1 --tls --cert @ehr.pem --key @ehr.key --allow {fingerprint}");
    let (listener, address) = listen(&words(&at(folder.path(), &more)));
    assert_eq!(send(folder.path(), &address, "--tls --ca @ca.pem").code, 4);
    let sent = send(folder.path(), &address, "--tls --ca @ca.pem --cert @lab.pem --key @lab.key");
    assert_eq!(sent.code, 0, "{}", sent.err);
    assert_eq!(finish(listener).code, 0);
}

#[test]
fn a_renewed_certificate_is_in_use_without_a_restart() {
    let folder = certificates();
    let more = at(folder.path(), "--count 2 --tls --cert @ehr.pem --key @ehr.key");
    let (listener, address) = listen(&words(&more));
    assert_eq!(send(folder.path(), &address, "--tls --ca @ca.pem").code, 0);
    let renewed = certificates();
    for file in ["ca.pem", "ehr.pem", "ehr.key"] {
        std::fs::copy(renewed.path().join(file), folder.path().join(file)).unwrap();
    }
    let sent = send(folder.path(), &address, "--tls --ca @ca.pem");
    assert_eq!(sent.code, 0, "{}", sent.err);
    assert_eq!(finish(listener).code, 0);
}

/// A SOCKS5 proxy for one connection, which asks for user and password and gives what it was told.
fn proxy() -> (String, std::thread::JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let told = std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut greeting = [0; 4];
        client.read_exact(&mut greeting).unwrap();
        client.write_all(&[5, 2]).unwrap();
        let mut credentials = vec![0; 2 + 3 + 1 + 6];
        client.read_exact(&mut credentials).unwrap();
        client.write_all(&[1, 0]).unwrap();
        let mut request = [0; 10];
        client.read_exact(&mut request).unwrap();
        let port = u16::from_be_bytes([request[8], request[9]]);
        let mut there = TcpStream::connect(("127.0.0.1", port)).unwrap();
        client.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 80]).unwrap();
        let (mut from, mut to) = (client.try_clone().unwrap(), there.try_clone().unwrap());
        std::thread::spawn(move || std::io::copy(&mut there, &mut client));
        let _ = std::io::copy(&mut from, &mut to);
        credentials
    });
    (address, told)
}

#[test]
fn a_message_goes_through_a_proxy_whose_password_is_no_argument() {
    let (listener, address) = listen(&["--count", "1"]);
    let (proxy, told) = proxy();
    let proxy = format!("socks5://{proxy}");
    let arguments = ["send", "--to", &address, "--proxy", &proxy, "--proxy-user", "lab"];
    let refused = hl7(&arguments, ADT);
    assert_eq!(refused.code, 4);
    assert!(refused.err.contains("HL7_PROXY_PASSWORD"), "{}", refused.err);
    let mut child = command(&arguments).env("HL7_PROXY_PASSWORD", "secret").spawn().unwrap();
    child.stdin.take().unwrap().write_all(ADT.as_bytes()).unwrap();
    let sent = finish(child);
    assert_eq!(sent.code, 0, "{}", sent.err);
    assert_eq!(told.join().unwrap(), b"\x01\x03lab\x06secret");
    assert_eq!(finish(listener).code, 0);
}

#[test]
fn the_doctor_speaks_tls_and_names_what_is_wrong_with_it() {
    let folder = certificates();
    let (mut listener, address) = listen(&words(&at(folder.path(), "--tls --cert @ehr.pem --key @ehr.key")));
    let address = address.replace("127.0.0.1", "localhost");
    let doctor =
        |more: &str| hl7(&words(&at(folder.path(), &format!("doctor {address} --probe message {more}"))), "");
    let sound = doctor("--tls --ca @ca.pem");
    assert_eq!(sound.code, 0, "{}{}", sound.out, sound.err);
    assert!(sound.out.contains(", over TLS; the certificate is valid for "), "{}", sound.out);
    let wrong_name = doctor("--tls --ca @ca.pem --server-name other.example");
    assert_eq!(wrong_name.code, 4, "{}", wrong_name.out);
    assert!(wrong_name.err.starts_with("error: D124: "), "{}", wrong_name.err);
    let plain = doctor("--ack-timeout 5");
    assert_eq!(plain.code, 1, "{}{}", plain.out, plain.err);
    listener.kill().unwrap();
    listener.wait().unwrap();
}

/// The commands of the guide to TLS, as one script: with a free port, a wait for the listener, and an end of it.
fn guide_script(port: u16) -> String {
    let guide = include_str!("../../../../hl7-mllp/guide/tls.md");
    let blocks = guide.split("```console\n").skip(1).filter_map(|block| block.split("```").next());
    let mut script = "trap 'kill $(jobs -p) 2>/dev/null' EXIT\nset -e -o pipefail\n".to_owned();
    for line in blocks.flat_map(str::lines) {
        let line = line.replace("2576", &port.to_string());
        script += &match (line.strip_prefix("! "), line.strip_suffix('&')) {
            (Some(refused), _) => format!("if {refused}; then exit 9; fi\n"),
            (None, Some(_)) => {
                format!(
                    "{line}\nuntil (exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null; do sleep 0.05; done\n"
                )
            }
            _ => format!("{line}\n"),
        };
    }
    script
}

#[test]
fn the_commands_of_the_guide_to_tls_work() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("adt.hl7"), ADT).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let program = Path::new(env!("CARGO_BIN_EXE_hl7")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let script = guide_script(port);
    assert_eq!(script.matches("hl7 send").count(), 3, "the guide's commands are run");
    let child = std::process::Command::new("bash")
        .args(["-c", &script])
        .current_dir(folder.path())
        .env("PATH", path)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let run = finish(child);
    assert_eq!(run.code, 0, "{}\n{}", run.out, run.err);
    assert!(run.err.contains("N407"), "{}", run.err);
    assert_eq!(run.out.matches("MSA|AA").count(), 2, "{}", run.out);
}
