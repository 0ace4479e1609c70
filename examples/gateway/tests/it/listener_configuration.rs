//! Mistakes about listeners and connections, and an example without any.

use std::fs;
use std::path::Path;

use crate::certificates;
use crate::process::Process;
use crate::site::{Site, gateway};

/// Runs `hl7-gateway check` and gives its exit code, output and errors.
fn check(config: &Path) -> (Option<i32>, String, String) {
    let (status, out, err) = Process::start(gateway().arg("check").arg(config)).wait();
    (status.code(), out, err)
}

/// A configuration with everything in it; each line can be made wrong.
const WHOLE: &str = r#"data: data
listen: 127.0.0.1:0
status: 127.0.0.1:0
connections:
  ehr:
    mllp: localhost:2575
    lane_key: [ "PID[*]-3.1", "MRG[*]-1.1" ]
    connections: 4
    preset: mirth
    on: { AE: skip, none: retry, garbled: hold, lost: retry, not-taken: retry, other-protocol: hold }
    retry: { first: 1s, max: 1m, rest: 5m, max_attempts: 100, max_rejections: 10, max_age: 30d, then: hold }
    settle_on: application
    application_acks: adt-in
    application_timeout: 1m
    proxy: { socks5: "localhost:1080", user: node, password_file: proxy.password }
    from: 127.0.0.1
    release2: false
    tls: { ca: pem/ca.pem, certificate: pem/lab.pem, key: pem/lab.key, server_name: node.example, pin: [] }
  archive:
    folder: drop
    files: "{time}-{entry}.hl7"
    group_readable: true
listeners:
  adt-in:
    address: 127.0.0.1:0
    tls: { certificate: pem/node.pem, key: pem/node.key, client_ca: pem/ca.pem, client_optional: true, allow: lab.example }
    match: first
    unrouted: { dead-letter: archive }
    charset: 8859/1
    max_message_bytes: 1000000
    max_connections: 50
    max_connections_per_peer: 5
    idle_timeout: 10m
    routes:
      - { when: "MSH-9.1 == ADT and PID-8 in (F M)", to: [ ehr, archive ] }
      - { to: archive }
outbox: { max_bytes: 1000000000, keep_delivered: 30d, keep_dead_letters: 90d, keys_file: outbox.keys }
"#;

fn whole() -> Site {
    let site = Site::new("127.0.0.1:9".parse().unwrap());
    certificates::write(&site.path("pem"));
    fs::create_dir(site.path("drop")).unwrap();
    site.write("proxy.password", "sesame\n");
    site.write("outbox.keys", &format!("2026-07 {}\n2026-01 {}\n", "a1".repeat(32), "0".repeat(64)));
    site.write("gateway.yaml", WHOLE);
    site
}

#[test]
fn every_key_can_be_stated() {
    let site = whole();
    let (code, out, err) = check(&site.config());
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("adt-in: listens at 127.0.0.1:0 over TLS, to archive, ehr"), "{out}");
    assert!(out.contains("2 connections, 0 workflows, 1 listeners: no mistakes"), "{out}");
}

#[test]
fn mistakes_about_listeners_and_connections_are_named_with_their_place() {
    // What, by what; what the report has to hold.
    let cases: [(&str, &str, &[&str]); 40] = [
        (
            "keys_file: outbox.keys",
            "keys_file: proxy.password",
            &["G036", "gateway.yaml:37:90", "keys outbox"],
        ),
        ("keys_file: outbox.keys", "keys_file: none.keys", &["G002", "gateway.yaml:37:90", "none.keys"]),
        ("max_bytes: 1000000000", "max_bytes: 1000", &["G035", "gateway.yaml:37:22"]),
        ("keep_dead_letters: 90d", "keep_dead_letters: 6d", &["G035", "gateway.yaml:37:9", "seven days"]),
        (
            "application_acks: adt-in",
            "application_acks: adt",
            &["G034", "gateway.yaml:13:23", "there are: adt-in"],
        ),
        ("settle_on: application", "settle_on: accept", &["G034", "gateway.yaml:13:23"]),
        ("mllp: localhost:2575", "connections: 4", &["G001", ":8:5", "duplicate"]),
        ("    mllp: localhost:2575\n", "", &["G017", "gateway.yaml:6:5"]),
        ("folder: drop", "folder: none", &["G033", "gateway.yaml:20:13", "none"]),
        ("{time}-{entry}.hl7", "{time}.hl7", &["G033", "gateway.yaml:21:12", "{entry}"]),
        ("    group_readable: true", "    tls: { ca: pem/ca.pem }", &["G028", "tls has no meaning"]),
        ("    release2: false", "    group_readable: false", &["G028", "group_readable has no meaning"]),
        ("\"MRG[*]-1.1\"", "MRG", &["G005", "gateway.yaml:7:31", "PID-3.1"]),
        ("preset: mirth", "preset: mirt", &["G001", "gateway.yaml:9:13", "did you mean mirth?"]),
        ("AE: skip", "AA: skip", &["G001", "gateway.yaml:10:11"]),
        ("AE: skip", "AE: skipp", &["G001", "gateway.yaml:10:15", "did you mean skip?"]),
        ("first: 1s", "first: 2m", &["G027", "gateway.yaml:11:12", "state both"]),
        ("max_attempts: 100", "max_attempts: 0", &["G027", "gateway.yaml:11:58"]),
        ("then: hold", "then: retry", &["G027", "another retry"]),
        ("max_age: 30d", "max_age: 400d", &["G001", "at most a year"]),
        ("settle_on: application", "settle_on: commit", &["G001", "gateway.yaml:12:16"]),
        ("socks5: \"localhost:1080\"", "socks5: localhost", &["G004", "gateway.yaml:15:22"]),
        ("user: node, ", "", &["G029", "gateway.yaml:15:12", "password_file go together"]),
        ("proxy.password", "none.password", &["G002", "gateway.yaml:15:67", "none.password"]),
        ("certificate: pem/lab.pem, ", "", &["G019", "gateway.yaml:18:10", "go together"]),
        ("ca: pem/ca.pem, certificate", "certificate", &["G019", "N426", "give an authority or a pin"]),
        ("ca: pem/ca.pem, certificate", "ca: pem/no.pem, certificate", &["G019", "N421", "no.pem"]),
        ("key: pem/lab.key", "key: pem/node.key", &["G019", "N424", "gateway.yaml:18:10"]),
        ("pin: []", "pin: abc", &["G019", "gateway.yaml:18:104", "openssl x509"]),
        ("address: 127.0.0.1:0", "address: 2575", &["G013", "gateway.yaml:25:14", "0.0.0.0:2575"]),
        ("client_ca: pem/ca.pem, ", "", &["G019", "client_optional needs client_ca"]),
        ("dead-letter: archive", "dead-letter: archiv", &["G007", "gateway.yaml:28:30", "archive, ehr"]),
        ("charset: 8859/1", "charset: 8859/99", &["G030", "gateway.yaml:29:14"]),
        ("max_message_bytes: 1000000", "max_message_bytes: 99999999", &["G032", "gateway.yaml:30:24"]),
        ("max_connections: 50", "max_connections: 0", &["G032", "gateway.yaml:31:22", "from 1 to"]),
        // The place is that of the mistake within the condition.
        ("MSH-9.1 == ADT", "MSH-9.1 = ADT", &["G018", "K006", "gateway.yaml:35:26"]),
        ("PID-8 in", "PID-8 inn", &["G018", "K013", "gateway.yaml:35:43"]),
        ("[ ehr, archive ]", "[ ehr, archiv ]", &["G007", "gateway.yaml:35:65", "there are: archive, ehr"]),
        ("[ ehr, archive ]", "[]", &["G026", "gateway.yaml:35:9", "leads nowhere"]),
        ("idle_timeout: 10m", "idle_timout: 10m", &["G001", "gateway.yaml:33:5", "did you mean"]),
    ];
    let mut wrong = Vec::new();
    for (from, to, expected) in cases {
        let site = whole();
        site.change("gateway.yaml", from, to);
        let (code, out, err) = check(&site.config());
        let missing: Vec<_> = expected.iter().filter(|part| !err.contains(**part)).collect();
        if code != Some(3) || !missing.is_empty() || err.contains("sesame") {
            wrong.push(format!("{to}: no {missing:?} in {out}{err}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn mistakes_of_all_parts_are_told_at_once() {
    let site = whole();
    for (from, to) in [
        ("folder: drop", "folder: none"),
        ("first: 1s", "first: 2m"),
        ("MSH-9.1 == ADT", "MSH-9.1 = ADT"),
        ("pem/node.key", "pem/lab.key"),
        ("- { to: archive }", "- { to: archiv }"),
    ] {
        site.change("gateway.yaml", from, to);
    }
    let (code, _, err) = check(&site.config());
    assert_eq!(code, Some(3));
    for part in ["G033", "G027", "G018", "N424", "G007"] {
        assert!(err.contains(part), "no {part} in {err}");
    }
}

#[test]
fn what_cannot_be_told_apart_is_refused() {
    let site = Site::new("127.0.0.1:9".parse().unwrap());
    site.add("listeners:\n  crm: { address: \"127.0.0.1:7001\", routes: [] }\n  two: { address: \"127.0.0.1:7001\", routes: [ { to: ehr } ] }");
    let (code, _, err) = check(&site.config());
    assert_eq!(code, Some(3));
    let shared = "the listener crm and the listener two cannot share 127.0.0.1:7001";
    for part in ["G031", "both called crm", "G026", "needs at least one route", "G016", shared] {
        assert!(err.contains(part), "no {part:?} in {err}");
    }
    site.write("gateway.yaml", "data: data\nconnections: { ehr: { mllp: \"ehr:1\" } }\n");
    let (_, _, err) = check(&site.config());
    assert!(err.contains("G014") && err.contains("listeners:"), "{err}");
}

#[test]
fn a_listener_whose_port_is_taken_keeps_the_gateway_from_starting() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let site = Site::new("127.0.0.1:9".parse().unwrap());
    let address = taken.local_addr().unwrap();
    site.add(&format!("listeners: {{ adt-in: {{ address: \"{address}\", routes: [ {{ to: ehr }} ] }} }}"));
    let (status, _, err) = Process::start(gateway().arg("serve").arg(site.config())).wait();
    assert_eq!(status.code(), Some(1), "{err}");
    assert!(err.contains("error[G021]: listeners.adt-in: 127.0.0.1:"), "{err}");
    assert!(!site.path("data").exists(), "nothing was made");
}

#[test]
fn the_example_of_a_hospital_has_no_mistakes() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo");
    for file in ["hospital.yaml", "crm-to-adt.yaml"] {
        fs::copy(demo.join(file), folder.path().join(file)).unwrap();
    }
    // What its comments ask for: certificates, a secret and a folder.
    certificates::write(&folder.path().join("certificates"));
    fs::create_dir(folder.path().join("archive")).unwrap();
    fs::write(folder.path().join("crm.secrets"), format!("{}\n", crate::site::hash())).unwrap();
    let (code, out, err) = check(&folder.path().join("hospital.yaml"));
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("3 connections, 1 workflows, 2 listeners: no mistakes"), "{out}");
}

/// The keys that a part of the file may have: those that are named when it has another one.
fn keys_of(part: &str) -> Vec<String> {
    let site = Site::new("127.0.0.1:9".parse().unwrap());
    site.write("gateway.yaml", part);
    let (_, _, err) = check(&site.config());
    let (_, known) =
        err.lines().next().unwrap().split_once(", expected one of ").unwrap_or_else(|| panic!("{err}"));
    known.split(", ").map(str::to_owned).collect()
}

#[test]
fn the_readme_describes_every_key() {
    let readme = include_str!("../../README.md");
    let parts = [
        ("", "other: 1"),
        ("", "connections: { ehr: { other: 1 } }"),
        ("outbox.", "outbox: { other: 1 }"),
        ("tls.", "connections: { ehr: { tls: { other: 1 } } }"),
        ("proxy.", "connections: { ehr: { proxy: { other: 1 } } }"),
        ("retry.", "connections: { ehr: { retry: { other: 1 } } }"),
        ("", "connections: { ehr: { on: { other: retry } } }"),
        ("", "connections: { ehr: { on: { AE: other } } }"),
        ("", "connections: { ehr: { preset: other } }"),
        ("", "workflows: { crm: { other: 1 } }"),
        ("", "listeners: { in: { other: 1 } }"),
        ("tls.", "listeners: { in: { tls: { other: 1 } } }"),
    ];
    let mut count = 0;
    for (prefix, part) in parts {
        for key in keys_of(part) {
            count += 1;
            // Of a part with parts of its own, these are described.
            let is_described =
                readme.contains(&format!("`{prefix}{key}`")) || readme.contains(&format!("`{key}."));
            assert!(is_described, "{prefix}{key} of {part}");
        }
    }
    assert!(count > 70, "{count}");
}
