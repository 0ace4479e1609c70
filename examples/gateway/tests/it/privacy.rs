//! What the gateway writes anywhere but into its outbox holds no message content and no secret.

use hl7_core::AckCode;

use crate::receiver::{Answer, Receiver};
use crate::site::{SECRET, Site};

const CANARY: &str = "TWEETY7";

fn canaries() -> Vec<String> {
    let fields = ["mrn", "family", "given", "born", "gender", "at", "id"];
    let mut all: Vec<String> =
        fields.iter().map(|field| format!(r#"{{"id":"m1","{field}":"{CANARY}"}}"#)).collect();
    all.push(format!(r#"{{"id":"m9","mrn":"{CANARY}","family":"{CANARY}","given":"{CANARY}"}}"#));
    all.push(format!(r#"{{"{CANARY}":"{CANARY}" broken"#));
    all.push(CANARY.to_owned());
    all
}

#[test]
fn neither_logs_nor_refusals_nor_the_status_page_show_content() {
    for answer in [
        Answer::Code(AckCode::AA),
        Answer::Code(AckCode::AE),
        Answer::Bytes(CANARY.as_bytes()),
        Answer::Close,
    ] {
        let ehr = Receiver::start(answer);
        let site = Site::new(ehr.address);
        let mut gateway = site.start();
        for payload in canaries() {
            let answer = gateway.post("?wait=200ms", &[("x-note", CANARY)], &payload);
            // The control ID is the caller's own and stands in its answer; nothing else does.
            if !payload.contains(r#""id":"TWEETY7""#) {
                assert!(!answer.body.contains("TWEET"), "{answer:?}");
            }
        }
        let page = crate::http::call(gateway.status, "GET", "/", &[], b"");
        assert_eq!(page.status, 200);
        assert!(!page.body.contains(CANARY), "{page:?}");
        let log = gateway.process.kill();
        assert!(log.contains("message accepted"), "the log is read: {log}");
        // A control ID has the shape of an identifier and may be logged; it is the id of one payload alone.
        let without_ids = log.replace("control_id=TWEETY7", "");
        assert!(!without_ids.contains("TWEET"), "{log}");
        assert!(!log.contains(SECRET) && !log.contains(crate::site::ENDPOINT), "{log}");
    }
}

#[test]
fn neither_logs_nor_the_status_page_show_what_comes_in_over_mllp() {
    let header = "MSH|^~\\&|A|B|C|D|2026||ADT^A08|m1|P|2.5.1\r";
    let mut messages =
        vec![format!("{header}PID|1|{CANARY}|{CANARY}^^^{CANARY}||{CANARY}^{CANARY}\r{CANARY}|x\r")];
    // In each field of MSH but those of delimiters, and where there is no message at all.
    for field in 3..=20 {
        let mut fields: Vec<_> = header.trim_end().split('|').map(str::to_owned).collect();
        fields.resize(20, String::new());
        fields[field - 1] = format!("{CANARY} {CANARY}");
        messages.push(format!("{}\rPID|1||7\r", fields.join("|")));
    }
    messages.extend([format!("{CANARY}|{CANARY}\r"), format!("MSH{CANARY}")]);
    for answer in [Answer::Code(AckCode::AA), Answer::Code(AckCode::AE), Answer::Bytes(CANARY.as_bytes())] {
        let ehr = Receiver::start(answer);
        let site = Site::new(ehr.address);
        site.listen(&format!(
            "routes: [ {{ when: 'PID-3.1 == {CANARY}', to: ehr }}, {{ when: MSH-12 == 2.5.1, to: ehr }} ]"
        ));
        let mut gateway = site.start();
        for message in &messages {
            let mut stream = std::net::TcpStream::connect(gateway.listener()).unwrap();
            stream.set_read_timeout(Some(std::time::Duration::from_secs(10))).unwrap();
            std::io::Write::write_all(&mut stream, &[b"\x0B", message.as_bytes(), b"\x1C\r"].concat())
                .unwrap();
            // An answer, or the end.
            let _ = std::io::Read::read(&mut stream, &mut [0; 512]).unwrap();
        }
        let page = gateway.page();
        assert!(page.contains("<td>adt-in<td>"), "{page}");
        assert!(!page.contains("TWEET"), "{page}");
        let log = gateway.process.kill();
        assert!(log.contains("hl7_mllp") && !log.contains("TWEET"), "{log}");
    }
}

/// Runs a command that has to succeed, and gives its output.
fn done(arguments: &[&str]) -> String {
    let (status, out, err) = crate::process::Process::start(crate::site::gateway().args(arguments)).wait();
    assert!(status.success(), "{arguments:?}: {out}{err}");
    out
}

#[test]
fn with_a_key_the_outbox_holds_no_readable_message_and_without_it_nothing_is_sent_or_shown() {
    let ehr = Receiver::start(Answer::Silence);
    let site = Site::new(ehr.address);
    let key = done(&["keys", "outbox"]);
    site.write("outbox.keys", &key);
    site.add("outbox: { keys_file: outbox.keys }");
    site.listen("routes: [ { to: ehr } ]");
    let mut gateway = site.start();
    let mut link = crate::mllp::Link::to(gateway.listener());
    assert_eq!(link.send(&crate::mllp::adt("m1", CANARY)).0, "AA");
    gateway.post("", &[], &format!(r#"{{"id":"m2","mrn":"{CANARY}"}}"#));
    gateway.process.kill();
    for file in site.data_files() {
        let bytes = std::fs::read(&file).unwrap();
        assert!(!bytes.windows(CANARY.len()).any(|part| part == CANARY.as_bytes()), "{}", file.display());
    }
    let config = site.config().display().to_string();
    let id = done(&["outbox", &config, "list", "--origin", "adt-in"])[..32].to_owned();
    assert!(done(&["outbox", &config, "show", "--message", &id]).contains(CANARY));
    // Another key, the first one gone: it stands and says so.
    site.write("outbox.keys", &done(&["keys", "outbox"]).replacen("20", "k-", 1));
    let mut gateway = site.start();
    assert!(gateway.page_with("<td>S207").contains("class=\"held\""));
    gateway.process.kill();
    site.write("outbox.keys", &format!("{}{key}", done(&["keys", "outbox"]).replacen("20", "k-", 1)));
    assert_eq!(done(&["outbox", &config, "release", &id]), "");
    ehr.answer(Answer::Code(AckCode::AA));
    let _gateway = site.start();
    let last = std::iter::from_fn(|| ehr.next_id()).find(|id| id == "m2");
    assert!(last.is_some(), "both are sent again");
}

#[cfg(unix)]
#[test]
fn the_files_of_the_outbox_are_their_owner_s_alone() {
    use std::os::unix::fs::PermissionsExt;

    let ehr = Receiver::start(Answer::Code(AckCode::AA));
    let site = Site::new(ehr.address);
    site.change("gateway.yaml", "    endpoint: 0123456789abcdef0123456789abcdef\n", "");
    let _gateway = site.start();
    let files = site.data_files();
    assert!(files.len() >= 2, "{files:?}");
    for file in files {
        let mode = std::fs::metadata(&file).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", file.display());
    }
    let folder = std::fs::metadata(site.path("data")).unwrap().permissions().mode() & 0o777;
    assert_eq!(folder, 0o700);
}
