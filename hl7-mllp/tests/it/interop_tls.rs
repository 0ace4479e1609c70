//! TLS with counterparts that are not ours: openssl and stunnel.
//!
//! A counterpart that is not on the machine is said to be missing, and fails the test where services are asked for.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use hl7_core::Message;
use hl7_mllp::tls::{ClientTls, Pem};
use hl7_mllp::{Client, ConnectErrorKind, Reply, Request, SendErrorKind, Server, TlsFault};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::timeout;

use crate::authority::{Authority, serving, trusting};
use crate::peer::{Listening, PATIENCE, ack, framed, listening, message, msa};

/// Whether the program can be started.
fn have(program: &str, argument: &str) -> bool {
    let started = std::process::Command::new(program)
        .arg(argument)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if started.is_ok() {
        return true;
    }
    let missing = format!("no {program} (scripts/test installs it)");
    assert!(std::env::var_os("HL7_REQUIRE_SERVICES").is_none(), "{missing}");
    // Straight to stderr: the harness would hold back what a passing test prints.
    let _ = writeln!(std::io::stderr(), "skipped: {missing}");
    false
}

/// A folder with ca.pem, and certificate and key of the receiver (ehr) and the sender (lab).
fn certificates(authority: &Authority) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca.pem"), authority.text()).unwrap();
    authority.issue().write(folder.path(), "ehr");
    authority.issue_to("lab.example").write(folder.path(), "lab");
    folder
}

/// A listener with mutual TLS that accepts everything from lab.example.
async fn mutual(authority: &Authority) -> Listening {
    let tls = serving(&authority.issue()).client_authority(authority.pem()).build().unwrap();
    let handler = |req: Request| async move {
        assert_eq!(req.identity().unwrap().names(), ["lab.example"]);
        Reply::accept(&req)
    };
    listening(Server::builder().tls(tls), handler).await
}

fn lab(folder: &Path) -> ClientTls {
    ClientTls::builder(crate::authority::provider())
        .authority(Pem::file(folder.join("ca.pem")))
        .certificate(Pem::file(folder.join("lab.pem")), Pem::file(folder.join("lab.key")))
        .build()
        .unwrap()
}

async fn send(client: &mut Client, id: &str) -> Result<(), hl7_mllp::SendError> {
    let text = message(id);
    client.send(&Message::parse(&text).unwrap()).await.map(|ack| assert!(ack.code().is_positive()))
}

/// A program in the folder, ended with its handle.
fn start(folder: &Path, program: &str, arguments: &str) -> Child {
    Command::new(program)
        .args(arguments.split(' '))
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// What a program says, on either of its outputs.
struct Said<R> {
    from: BufReader<R>,
}

impl<R: tokio::io::AsyncRead + Unpin> Said<R> {
    fn of(from: R) -> Self {
        Self { from: BufReader::new(from) }
    }

    /// The next line that has this in it.
    async fn line_with(&mut self, part: &str) -> String {
        let find = async {
            loop {
                let mut line = Vec::new();
                assert!(
                    self.from.read_until(b'\n', &mut line).await.unwrap() > 0,
                    "it ended before {part:?}"
                );
                let line = String::from_utf8_lossy(&line).into_owned();
                if line.contains(part) {
                    return line;
                }
            }
        };
        timeout(PATIENCE, find).await.expect("in time")
    }

    /// The content of the next block, past whatever else the program prints.
    async fn block(&mut self) -> String {
        let find = async {
            let mut bytes = Vec::new();
            self.from.read_until(0x0B, &mut bytes).await.unwrap();
            bytes.clear();
            while !bytes.ends_with(&[0x1C, 0x0D]) {
                bytes.push(self.from.read_u8().await.unwrap());
            }
            String::from_utf8(bytes[..bytes.len() - 2].to_vec()).unwrap()
        };
        timeout(PATIENCE, find).await.expect("in time")
    }
}

async fn put(stdin: &mut ChildStdin, bytes: &[u8]) {
    stdin.write_all(bytes).await.unwrap();
    stdin.flush().await.unwrap();
}

#[tokio::test]
async fn openssl_s_client_sends_over_both_versions() {
    if !have("openssl", "version") {
        return;
    }
    let authority = Authority::new();
    let folder = certificates(&authority);
    let listening = mutual(&authority).await;
    for version in ["-tls1_2", "-tls1_3"] {
        let arguments = format!(
            "s_client -quiet {version} -connect {} -CAfile ca.pem -verify_return_error -cert lab.pem -key lab.key",
            listening.addr
        );
        let mut openssl = start(folder.path(), "openssl", &arguments);
        let (mut stdin, stdout) = (openssl.stdin.take().unwrap(), openssl.stdout.take().unwrap());
        let mut said = Said::of(stdout);
        for id in ["m-1", "m-2"] {
            put(&mut stdin, &framed(message(id))).await;
            assert_eq!(msa(&said.block().await), format!("MSA|AA|{id}"));
        }
        openssl.kill().await.unwrap();
    }
}

#[tokio::test]
async fn openssl_s_client_without_a_certificate_is_refused() {
    if !have("openssl", "version") {
        return;
    }
    let authority = Authority::new();
    let folder = certificates(&authority);
    let listening = mutual(&authority).await;
    for version in ["-tls1_2", "-tls1_3"] {
        let arguments = format!("s_client -quiet {version} -connect {} -CAfile ca.pem", listening.addr);
        let mut openssl = start(folder.path(), "openssl", &arguments);
        let mut stderr = String::new();
        let mut errors = openssl.stderr.take().unwrap();
        timeout(PATIENCE, errors.read_to_string(&mut stderr)).await.unwrap().unwrap();
        assert!(
            stderr.contains("alert certificate required") || stderr.contains("alert handshake failure"),
            "{stderr}"
        );
    }
}

#[tokio::test]
async fn fault_33_openssl_s_client_asks_for_renegotiation_and_is_refused() {
    if !have("openssl", "version") {
        return;
    }
    let authority = Authority::new();
    let folder = certificates(&authority);
    let listening = mutual(&authority).await;
    let arguments =
        format!("s_client -tls1_2 -connect {} -CAfile ca.pem -cert lab.pem -key lab.key", listening.addr);
    let mut openssl = start(folder.path(), "openssl", &arguments);
    let (mut stdin, stdout) = (openssl.stdin.take().unwrap(), openssl.stdout.take().unwrap());
    let mut said = Said::of(stdout);
    put(&mut stdin, &framed(message("m-1"))).await;
    assert_eq!(msa(&said.block().await), "MSA|AA|m-1", "what came before is not lost");
    put(&mut stdin, b"R\n").await;
    // openssl takes the refusal for the end.
    let mut errors = String::new();
    let mut stderr = openssl.stderr.take().unwrap();
    timeout(PATIENCE, stderr.read_to_string(&mut errors)).await.unwrap().unwrap();
    assert!(errors.contains("RENEGOTIATING") && errors.contains("no renegotiation"), "{errors}");
    let mut client = Client::builder().tls(lab(folder.path())).connect(&*listening.addr).await.unwrap();
    send(&mut client, "m-2").await.unwrap();
}

/// `openssl s_server` that asks for a certificate of the authority; its process, what it says, and its address.
async fn s_server(folder: &Path, more: &str) -> (Child, Said<tokio::process::ChildStdout>, String) {
    let arguments = format!(
        "s_server -accept 127.0.0.1:0 -cert ehr.pem -key ehr.key -CAfile ca.pem -Verify 1 -verify_return_error {more}"
    );
    let mut openssl = start(folder, "openssl", &arguments);
    let mut said = Said::of(openssl.stdout.take().unwrap());
    let line = said.line_with("ACCEPT").await;
    let port = line.trim().rsplit(':').next().unwrap().to_owned();
    (openssl, said, format!("localhost:{port}"))
}

#[tokio::test]
async fn openssl_s_server_receives_over_both_versions() {
    if !have("openssl", "version") {
        return;
    }
    let authority = Authority::new();
    let folder = certificates(&authority);
    for version in ["-tls1_2", "-tls1_3"] {
        let (mut openssl, mut said, addr) = s_server(folder.path(), version).await;
        let mut stdin = openssl.stdin.take().unwrap();
        let answers = tokio::spawn(async move {
            for id in ["m-1", "m-2"] {
                assert!(said.block().await.contains(id));
                put(&mut stdin, &framed(ack("AA", id))).await;
            }
            stdin
        });
        let mut client = Client::builder().tls(lab(folder.path())).connect(addr).await.unwrap();
        assert_eq!(client.peer_identity().unwrap().names()[0], "localhost");
        for id in ["m-1", "m-2"] {
            send(&mut client, id).await.unwrap();
        }
        answers.await.unwrap();
    }
}

#[tokio::test]
async fn fault_31_openssl_s_server_refuses_a_client_without_a_certificate() {
    if !have("openssl", "version") {
        return;
    }
    let authority = Authority::new();
    let folder = certificates(&authority);
    let none = || Client::builder().tls(trusting(&authority).build().unwrap());
    let (_openssl, _said, addr) = s_server(folder.path(), "-tls1_2").await;
    let why = none().connect(addr).await.unwrap_err();
    assert_eq!(why.kind(), ConnectErrorKind::Tls(TlsFault::CertificateRefused), "{why:?}");
    let (_openssl, _said, addr) = s_server(folder.path(), "-tls1_3").await;
    let mut client = none().connect(addr).await.unwrap();
    let why = send(&mut client, "m-1").await.unwrap_err();
    assert_eq!(why.kind(), &SendErrorKind::Tls(TlsFault::CertificateRefused), "{why:?}");
}

#[tokio::test]
async fn fault_33_openssl_s_server_asks_for_renegotiation_and_nothing_is_lost() {
    if !have("openssl", "version") {
        return;
    }
    let authority = Authority::new();
    let folder = certificates(&authority);
    let (mut openssl, mut said, addr) = s_server(folder.path(), "-tls1_2").await;
    let mut stdin = openssl.stdin.take().unwrap();
    let builder = Client::builder().tls(lab(folder.path())).ack_timeout(Duration::from_secs(2));
    let mut client = builder.connect(addr).await.unwrap();
    let (first, ()) = tokio::join!(send(&mut client, "m-1"), async {
        assert!(said.block().await.contains("m-1"));
        put(&mut stdin, &framed(ack("AA", "m-1"))).await;
    });
    first.unwrap();
    put(&mut stdin, b"r\n").await;
    let mut errors = Said::of(openssl.stderr.take().unwrap());
    // Now the client reads the request, refuses it, and may send or learn that the connection is over; it is never told that m-2 was taken.
    let why = send(&mut client, "m-2").await.unwrap_err();
    assert!(!client.is_open(), "{why}");
    errors.line_with("no renegotiation").await;
    // The receiver goes on, and so does the sender over a new connection.
    let (again, ()) = tokio::join!(
        async {
            client.reconnect().await.unwrap();
            send(&mut client, "m-3").await
        },
        async {
            while !said.block().await.contains("m-3") {}
            put(&mut stdin, &framed(ack("AA", "m-3"))).await;
        }
    );
    again.unwrap();
}

/// stunnel with this service; its process and the address it accepts at.
async fn stunnel(folder: &Path, service: &str) -> (Child, String) {
    let settings = format!(
        "foreground = yes\npid =\ndebug = 7\n[mllp]\naccept = 127.0.0.1:0\nCAfile = ca.pem\n{service}\n"
    );
    std::fs::write(folder.join("stunnel.conf"), settings).unwrap();
    let mut stunnel = start(folder, "stunnel", "stunnel.conf");
    let mut said = Said::of(stunnel.stderr.take().unwrap());
    let line = said.line_with("bound to 127.0.0.1:").await;
    let port = line.trim().rsplit(':').next().unwrap().to_owned();
    // Read on, so that it never waits for us.
    tokio::spawn(async move { tokio::io::copy(&mut said.from, &mut tokio::io::sink()).await });
    (stunnel, format!("localhost:{port}"))
}

#[tokio::test]
async fn a_plain_sender_reaches_mutual_tls_through_stunnel() {
    if !have("stunnel", "-version") {
        return;
    }
    let authority = Authority::new();
    let folder = certificates(&authority);
    let listening = mutual(&authority).await;
    let service = format!(
        "client = yes\nconnect = {}\ncert = lab.pem\nkey = lab.key\nverifyChain = yes\ncheckIP = 127.0.0.1",
        listening.addr
    );
    let (_stunnel, addr) = stunnel(folder.path(), &service).await;
    let mut client = Client::connect(addr).await.unwrap();
    for id in ["m-1", "m-2"] {
        send(&mut client, id).await.unwrap();
    }
    let long = message("m-3").replace("Ann", &"x".repeat(2_000_000));
    assert!(client.send(&Message::parse(&long).unwrap()).await.unwrap().code().is_positive());
}

#[tokio::test]
async fn mutual_tls_reaches_a_plain_receiver_through_stunnel() {
    if !have("stunnel", "-version") {
        return;
    }
    let authority = Authority::new();
    let folder = certificates(&authority);
    let plain = crate::peer::accepting().await;
    let service = format!("connect = {}\ncert = ehr.pem\nkey = ehr.key\nverify = 2", plain.addr);
    let (_stunnel, addr) = stunnel(folder.path(), &service).await;
    let mut client = Client::builder().tls(lab(folder.path())).connect(&*addr).await.unwrap();
    for id in ["m-1", "m-2"] {
        send(&mut client, id).await.unwrap();
    }
    let none = trusting(&authority).build().unwrap();
    let mut client = Client::builder().tls(none).connect(addr).await.unwrap();
    let why = send(&mut client, "m-1").await.unwrap_err();
    assert_eq!(why.kind(), &SendErrorKind::Tls(TlsFault::CertificateRefused), "{why:?}");
}
