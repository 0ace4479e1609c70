//! Acknowledgments.

use std::time::{Duration, SystemTime};

use hl7_core::{Ack, AckCode, ErrorCode, Message, Msa, path};

#[test]
fn an_acknowledgment_answers_in_the_sender_s_terms() {
    let msg =
        Message::parse("MSH#!@%*#LAB#NORTH#EHR#SOUTH#2026##ADT!A08!ADT_A01#m!1 #T#2.3\rPID#1\r").unwrap();
    let ack = Ack::to(&msg, AckCode::AE)
        .text("no such patient # 7")
        .error(ErrorCode::UnknownKeyIdentifier)
        .control_id("a9")
        .at("20260102030405")
        .build();
    assert_eq!(ack.delimiters().field(), '#');
    let value = |path: &hl7_core::Path| ack.get(path).map(|v| v.raw().to_owned());
    assert_eq!(value(path!("MSH-3")).as_deref(), Some("EHR"));
    assert_eq!(value(path!("MSH-5")).as_deref(), Some("LAB"));
    assert_eq!(value(path!("MSH-9")).as_deref(), Some("ACK!A08"));
    assert_eq!(value(path!("MSH-10")).as_deref(), Some("a9"));
    assert_eq!(value(path!("MSH-11")).as_deref(), Some("T"));
    assert_eq!(value(path!("MSH-12")).as_deref(), Some("2.3"));
    assert_eq!(value(path!("MSA-2")).as_deref(), Some("m!1 "), "MSH-10 comes back as it was sent");
    assert_eq!(ack.get(path!("MSA-3")).unwrap().text(), "no such patient # 7");
}

#[test]
fn an_acknowledgment_is_read_back() {
    let msg = Message::parse("MSH|^~\\&|LAB||||2026||ADT^A08|m1|P|2.5.1\r").unwrap();
    for code in [AckCode::AA, AckCode::AE, AckCode::AR, AckCode::CA, AckCode::CE, AckCode::CR] {
        let ack = Ack::to(&msg, code).build();
        let bytes = ack.to_wire().unwrap();
        let ack = Message::from_bytes(&bytes).unwrap();
        let msa = Msa::of(&ack).unwrap();
        assert_eq!((msa.code(), msa.control_id_raw()), (Some(code), "m1"));
    }
}

#[test]
fn the_time_is_the_clock_s_unless_given() {
    let msg = Message::parse("MSH|^~\\&|LAB||||2026||ADT^A08|m1|P|2.5.1\r").unwrap();
    let ack = Ack::to(&msg, AckCode::AA).build();
    let year = ack.get(path!("MSH-7")).unwrap().raw()[..4].parse::<u64>().unwrap();
    let days = SystemTime::UNIX_EPOCH.elapsed().unwrap_or(Duration::ZERO).as_secs() / 86_400;
    assert!((days / 366..=days / 365).contains(&(year - 1970)), "{year}");
}

#[test]
fn a_message_without_an_msa_acknowledges_nothing() {
    let msg = Message::parse("MSH|^~\\&|LAB||||2026||ADT^A08|m1|P|2.5.1\rPID|1\r").unwrap();
    assert!(Msa::of(&msg).is_none());
}
