//! Every permissively licensed rival on the same message: parse, and read the control ID.

use hl7_core::{Message, path};

use crate::measure::{compare, contender};
use crate::samples;

/// All of them, ours first.
pub fn run() {
    let adt = samples::adt();
    let id = Some("20260103-000017");
    assert_eq!(
        Message::parse(&adt).ok().and_then(|m| Some(m.get(path!("MSH-10"))?.raw() == id?)),
        Some(true)
    );
    compare(
        &format!("ADT of {} bytes: parse and read MSH-10", adt.len()),
        vec![
            contender("hl7-core", || {
                Message::parse(&adt).map(|m| m.get(path!("MSH-10")).map(|v| v.raw().len()))
            }),
            contender("hl7-v2 0.1.0 (segments and fields)", || {
                hl7_v2::Hl7Message::parse(adt.as_bytes()).map(|m| m.message_control_id().map(str::len))
            }),
            contender("mllp 0.3.0 (segments and fields)", || {
                mllp::Message::parse(&adt).map(|m| m.value("MSH-10").map(|v| v.len()))
            }),
            contender("rust-hl7 0.5.0", || {
                rusthl7::message::Message::try_from(adt.as_str()).map(|m| m.query("MSH.F9").len())
            }),
            contender("er7 0.1.4", || er7::parse(&adt).map(|m| m.control_id().map(|v| v.len()))),
            contender("hl7-2 0.2.7", || {
                hl7_2::parse(&adt).map(|m| m.get("MSH-10").map(|v| v.map(|v| v.len())))
            }),
            contender("hl7-parser 0.3.0", || {
                hl7_parser::Message::parse(&adt).map(|m| m.query("MSH.10").map(|v| v.raw_value().len()))
            }),
            contender("hl7-net 0.1.0", || {
                hl7_net::Message::parse_str(adt.as_str(), true)
                    .map(|m| m.get_value("MSH.10").map(|v| v.len()))
            }),
        ],
    );
}
