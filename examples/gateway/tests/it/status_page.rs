//! The status page.

use hl7_core::AckCode;

use crate::http;
use crate::receiver::{Answer, Receiver};
use crate::site::{ENDPOINT, Site, payload};

#[test]
fn it_lists_workflows_and_messages_and_masks_them() {
    let ehr = Receiver::start(Answer::Code(AckCode::AA));
    let site = Site::new(ehr.address);
    let gateway = site.start();
    gateway.post("?wait=5s", &[], &payload("visit-000417"));
    let page = http::call(gateway.status, "GET", "/", &[], b"");
    assert_eq!(page.status, 200);
    for part in ["crm", "visit-to-adt", "ADT^A08^ADT_A01", "delivered", "AA", "visi····"] {
        assert!(page.body.contains(part), "no {part:?} in {}", page.body);
    }
    for part in ["000417", ENDPOINT, "Byrne", "Zoë", "1984"] {
        assert!(!page.body.contains(part), "{part:?} in {}", page.body);
    }
    assert!(page.header("content-security-policy").is_some());
}

#[test]
fn it_answers_under_local_names_alone_and_webhooks_are_elsewhere() {
    let ehr = Receiver::start(Answer::Code(AckCode::AA));
    let site = Site::new(ehr.address);
    let gateway = site.start();
    let foreign = http::call(gateway.status, "GET", "/", &[("host", "evil.example")], b"");
    assert_eq!(foreign.status, 421);
    assert_eq!(http::call(gateway.status, "POST", &format!("/w/{ENDPOINT}"), &[], b"{}").status, 404);
    assert_eq!(http::call(gateway.webhooks, "GET", "/", &[], b"").status, 404);
}
