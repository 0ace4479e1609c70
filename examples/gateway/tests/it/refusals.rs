//! What is refused, and that nothing of it is sent.

use hl7_core::AckCode;

use crate::http;
use crate::receiver::{Answer, Receiver};
use crate::site::{ENDPOINT, SECRET, Site, payload};

fn started() -> (Receiver, Site, crate::site::Running) {
    let ehr = Receiver::start(Answer::Code(AckCode::AA));
    let site = Site::new(ehr.address);
    let gateway = site.start();
    (ehr, site, gateway)
}

#[test]
fn a_wrong_secret_and_an_unknown_id_get_the_same_401() {
    let (_ehr, _site, gateway) = started();
    let right = format!("Bearer {SECRET}");
    let known = format!("/w/{ENDPOINT}");
    let unknown = format!("/w/{}", "f".repeat(32));
    let twice = format!("Bearer {SECRET}, Bearer {SECRET}");
    let cases: [(&str, &[(&str, &str)]); 10] = [
        (&known, &[]),
        (&known, &[("authorization", "Bearer wrong")]),
        (&known, &[("authorization", "Bearer ")]),
        (&known, &[("authorization", SECRET)]),
        (&known, &[("authorization", "Basic dXNlcjpwYXNz")]),
        (&unknown, &[("authorization", &right)]),
        (&unknown, &[]),
        ("/w/%ff", &[("authorization", &right)]),
        (&known, &[("authorization", &right), ("authorization", &right)]),
        (&known, &[("authorization", &twice)]),
    ];
    let body = |answer: &http::Answer| {
        let head: Vec<_> = answer.head.lines().filter(|l| !l.starts_with("date:")).collect();
        format!("{}\n{}", head.join("\n"), answer.body)
    };
    let mut first = None;
    for (target, headers) in cases {
        let answer = http::call(gateway.webhooks, "POST", target, headers, payload("m1").as_bytes());
        assert_eq!(answer.status, 401, "{answer:?}");
        let seen = body(&answer);
        assert_eq!(first.get_or_insert(seen.clone()), &seen);
    }
    let accepted = gateway.post("", &[], &payload("m1"));
    assert_eq!(accepted.status, 202);
}

#[test]
fn two_secrets_are_live_while_one_replaces_the_other() {
    let ehr = Receiver::start(Answer::Code(AckCode::AA));
    let site = Site::new(ehr.address);
    let other = format!("\"{}\", \"sha256:{}\"", crate::site::hash(), "0".repeat(64));
    site.change("gateway.yaml", &format!("\"{}\"", crate::site::hash()), &other);
    assert_eq!(site.start().post("", &[], &payload("m1")).status, 202);
}

#[test]
fn what_is_not_json_is_400_with_its_place() {
    let (_ehr, _site, gateway) = started();
    for text in ["", "{", "{\"id\": }", "<a/>", "\u{feff}\u{feff}", "[1,]", "{\"id\":\"a\"} x"] {
        let answer = gateway.post("?wait=1s", &[], text);
        assert_eq!(answer.status, 400, "{text:?}: {answer:?}");
        let body = answer.json();
        assert_eq!(body["code"], "G102", "{text:?}");
        assert!(body["errors"][0]["line"].is_number() && body["errors"][0]["column"].is_number(), "{body}");
        assert_eq!(answer.header("content-type").as_deref(), Some("application/problem+json"));
    }
}

#[test]
fn what_the_mapping_refuses_is_422_naming_every_path() {
    let (ehr, _site, gateway) = started();
    let answer = gateway.post("?wait=1s", &[], r#"{"id":"m1","born":"TWEETY7","gender":"TWEETY7"}"#);
    assert_eq!(answer.status, 422, "{answer:?}");
    let body = answer.json();
    assert_eq!(body["code"], "G103");
    let paths: Vec<_> =
        body["errors"].as_array().unwrap().iter().map(|e| e["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["PID-7", "PID-8"]);
    assert!(!answer.body.contains("TWEETY"), "{answer:?}");
    let missing = gateway.post("", &[], r#"{"mrn":"7"}"#);
    assert_eq!(missing.status, 422);
    assert!(missing.body.contains(".id"), "{missing:?}");
    gateway.post("?wait=5s", &[], &payload("m2"));
    assert_eq!(ehr.next_id().as_deref(), Some("m2"), "nothing of the refused ones was sent");
}

#[test]
fn a_payload_over_the_limit_is_413() {
    let (_ehr, _site, gateway) = started();
    let answer = gateway.post("", &[], &format!("{{\"id\":\"{}\"}}", "x".repeat(2 << 20)));
    assert_eq!((answer.status, answer.json()["code"].as_str()), (413, Some("G104")));
}

#[test]
fn wrong_requests_are_named() {
    let (_ehr, _site, gateway) = started();
    type Headers = &'static [(&'static str, &'static str)];
    let cases: [(&str, Headers, u16, &str); 9] = [
        ("?wait=5", &[], 400, "G107"),
        ("?wait=61s", &[], 400, "G107"),
        ("?wait=", &[], 400, "G107"),
        ("?wiat=5s", &[], 400, "G107"),
        ("?wait=1s&wait=2s", &[], 400, "G107"),
        ("", &[("idempotency-key", " ")], 400, "G113"),
        ("", &[("content-encoding", "gzip")], 415, "G112"),
        ("/elsewhere", &[], 404, "G100"),
        ("/messages/x/y", &[], 404, "G100"),
    ];
    for (more, headers, status, code) in cases {
        let answer = gateway.post(more, headers, &payload("m1"));
        assert_eq!(answer.status, status, "{more} {headers:?}: {answer:?}");
        assert_eq!(answer.json()["code"], code, "{more}");
    }
    let long = "k".repeat(256);
    assert_eq!(gateway.post("", &[("idempotency-key", &long)], &payload("m1")).status, 400);
    let wrong_method = gateway.get(&format!("/w/{ENDPOINT}"));
    assert_eq!((wrong_method.status, wrong_method.json()["code"].as_str()), (405, Some("G117")));
}
