//! A gateway starts with a configuration that has no mistakes, or says what they are.

use std::net::SocketAddr;
use std::process::Command;

use crate::process::Process;
use crate::site::{Site, gateway};

fn nowhere() -> SocketAddr {
    "127.0.0.1:9".parse().unwrap()
}

fn run(command: &mut Command) -> (Option<i32>, String, String) {
    let (status, out, err) = Process::start(command).wait();
    (status.code(), out, err)
}

#[test]
fn mistakes_are_named_with_their_place_and_the_gateway_does_not_start() {
    // In which file, what, by what; what the report has to hold.
    let cases: [(&str, &str, &str, &[&str]); 18] = [
        ("gateway.yaml", "to: ehr", "to: ehrr", &["G007", "gateway.yaml:9:9", "there are: ehr"]),
        (
            "gateway.yaml",
            "mapping: mapping.yaml",
            "mappin: mapping.yaml",
            &["G001", "gateway.yaml:8:5", "did you mean mapping?"],
        ),
        (
            "gateway.yaml",
            "listen: 127.0.0.1:0",
            "listen: localhost:80",
            &["G013", "gateway.yaml:2:9", "127.0.0.1:8080"],
        ),
        ("gateway.yaml", "listen: 127.0.0.1:0", "max_body_bytes: 0", &["G015", "gateway.yaml:2:17"]),
        (
            "gateway.yaml",
            "listen: 127.0.0.1:0",
            "max_body_bytes: 1MB",
            &["G001", "gateway.yaml:2:17", "without a unit"],
        ),
        ("gateway.yaml", "listen: 127.0.0.1:0", "data: again", &["G001", "gateway.yaml:2:1", "duplicate"]),
        ("gateway.yaml", "mllp: \"127.0.0.1:9\"", "mllp: \"mllp://ehr:9\"", &["G004", "ehr.example:2575"]),
        ("gateway.yaml", "ack_timeout: 1s", "on: { AE: ignore }", &["G001", "hold", "dead-letter"]),
        ("gateway.yaml", "ack_timeout: 1s", "ack_timeout: 400d", &["G001", "at most a day"]),
        ("gateway.yaml", "mapping: mapping.yaml", "mapping: none.yaml", &["G002", "none.yaml"]),
        (
            "gateway.yaml",
            "status: 127.0.0.1:0",
            "status: 0.0.0.0:0",
            &["G003", "gateway.yaml:3:9", "loopback"],
        ),
        ("gateway.yaml", "mllp: \"127.0.0.1:9\"", "mllp: \"127.0.0.1\"", &["G004", "gateway.yaml:5:16"]),
        ("gateway.yaml", "ack_timeout: 1s", "lane_key: PID", &["G005", "PID-3.1"]),
        ("gateway.yaml", "ack_timeout: 1s", "connections: 0", &["G006"]),
        ("gateway.yaml", "ack_timeout: 1s", "ack_timeout: 1", &["G001", "30s"]),
        ("gateway.yaml", "endpoint: 0123456789abcdef", "endpoint: x", &["G008", "leave it out"]),
        ("gateway.yaml", "sha256:", "md5:", &["G010", "keys new"]),
        ("mapping.yaml", "table sex", "tabel sex", &["error[M", "mapping.yaml:14", "table"]),
    ];
    for (file, from, to, expected) in cases {
        let site = Site::new(nowhere());
        if file == "gateway.yaml" && from.starts_with("endpoint") {
            site.change(file, "endpoint: 0123456789abcdef0123456789abcdef", "endpoint: short");
        } else {
            site.change(file, from, to);
        }
        for command in ["serve", "check"] {
            let (code, out, err) = run(gateway().arg(command).arg(site.config()));
            assert_eq!(code, Some(3), "{command} {to}: {out}{err}");
            for part in expected {
                assert!(err.contains(part), "{command} {to}: no {part:?} in {err}");
            }
        }
        assert!(!site.path("data").exists(), "{to}: nothing is made before the configuration is right");
    }
}

#[test]
fn every_mistake_is_told_at_once() {
    let site = Site::new(nowhere());
    site.change("gateway.yaml", "to: ehr", "to: ehrr");
    site.change("gateway.yaml", "status: 127.0.0.1:0", "status: 0.0.0.0:0");
    site.change("mapping.yaml", "table sex", "tabel sex");
    let (code, _, err) = run(gateway().arg("check").arg(site.config()));
    assert_eq!(code, Some(3));
    for part in ["G007", "G003", "error[M"] {
        assert!(err.contains(part), "no {part} in {err}");
    }
}

#[test]
fn a_mapping_that_fails_its_own_tests_does_not_run() {
    let site = Site::new(nowhere());
    let tests = "tests:\n  - given: { id: m1 }\n    expect: { MSH-3: OTHER }\nemit:";
    site.change("mapping.yaml", "emit:", tests);
    let (code, _, err) = run(gateway().arg("check").arg(site.config()));
    assert_eq!(code, Some(3), "{err}");
    assert!(err.contains("G011") && err.contains("hl7 map test"), "{err}");
}

#[test]
fn a_right_configuration_is_checked_with_its_tests() {
    let site = Site::new(nowhere());
    let tests = "tests:\n  - given: { id: m1 }\n    expect: { MSH-3: CRM, MSH-10: m1 }\nemit:";
    site.change("mapping.yaml", "emit:", tests);
    let (code, out, err) = run(gateway().arg("check").arg(site.config()));
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("1 of its tests pass") && out.contains("no mistakes"), "{out}");
}

#[test]
fn a_generated_url_id_stays() {
    let site = Site::new(nowhere());
    site.change("gateway.yaml", "    endpoint: 0123456789abcdef0123456789abcdef\n", "");
    let (code, first, err) = run(gateway().arg("routes").arg(site.config()));
    assert_eq!(code, Some(0), "{err}");
    let id = first.trim().rsplit('/').next().unwrap().to_owned();
    assert_eq!(id.len(), 32, "{first}");
    assert_eq!(run(gateway().arg("routes").arg(site.config())).1, first);
    let gateway = site.start();
    let bearer = format!("Bearer {}", crate::site::SECRET);
    let headers = [("authorization", bearer.as_str())];
    let payload = crate::site::payload("m1");
    let answer =
        crate::http::call(gateway.webhooks, "POST", &format!("/w/{id}"), &headers, payload.as_bytes());
    assert_eq!(answer.status, 202, "{answer:?}");
}

#[test]
fn a_new_key_prints_a_secret_and_the_hash_that_admits_it() {
    let (code, out, _) = run(gateway().args(["keys", "new"]));
    assert_eq!(code, Some(0));
    let word = |name: &str| {
        let line = out.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().to_owned()
    };
    let (secret, hash) = (word("secret"), word("hash"));
    let site = Site::new(nowhere());
    site.change("gateway.yaml", crate::site::hash(), &hash);
    let gateway = site.start();
    let bearer = format!("Bearer {secret}");
    let target = format!("/w/{}", crate::site::ENDPOINT);
    let payload = crate::site::payload("m1");
    let headers = [("authorization", bearer.as_str())];
    let answer = crate::http::call(gateway.webhooks, "POST", &target, &headers, payload.as_bytes());
    assert_eq!(answer.status, 202, "{answer:?}");
}

#[test]
fn fault_56_a_second_gateway_on_the_same_folder_does_not_start() {
    let site = Site::new(nowhere());
    let _first = site.start();
    let (code, _, err) = run(gateway().arg("serve").arg(site.config()));
    assert_eq!(code, Some(1), "{err}");
    assert!(err.contains("error: S111"), "{err}");
}
