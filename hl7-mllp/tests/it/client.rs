//! The client against scripted peers: what a send says, and what becomes of the connection.

use std::time::Duration;

use hl7_core::Message;
use hl7_mllp::{
    Acknowledgment, AcknowledgmentErrorKind, ApplicationOutcome, Client, ClientBuilder, ConnectErrorKind,
    DecodeErrorKind, DecoderOptions, Frame, SendError, SendErrorKind as K, Sent, TwoPhase,
};
use tokio::net::{TcpListener, TcpSocket};

use crate::peer::{accepting, ack, answering, enhanced, framed, message, scripted};

const SHORT: Duration = Duration::from_millis(150);

fn hasty() -> ClientBuilder {
    Client::builder().ack_timeout(SHORT)
}

async fn send(client: &mut Client, text: &str) -> Result<Acknowledgment, SendError> {
    client.send(&Message::parse(text).unwrap()).await
}

/// Sends m-1 to a peer that answers with `bytes`; shows that a doubt closes the client.
async fn refused(bytes: Vec<u8>) -> SendError {
    let mut client = hasty().connect(answering(bytes).await).await.unwrap();
    let why = send(&mut client, &message("m-1")).await.unwrap_err();
    assert_eq!(why.sent(), Sent::Unknown);
    assert!(!client.is_open());
    let next = send(&mut client, &message("m-2")).await.unwrap_err();
    assert_eq!((next.kind(), next.sent()), (&K::Closed, Sent::No));
    why
}

/// Sends m-1 to a peer that answers with `bytes`, and gives the code.
async fn accepted(bytes: Vec<u8>) -> String {
    let mut client = Client::builder().connect(answering(bytes).await).await.unwrap();
    let ack = send(&mut client, &message("m-1")).await.unwrap();
    assert!(client.is_open());
    ack.code().to_string()
}

#[tokio::test]
async fn messages_are_acknowledged_one_after_the_other() {
    let listening = accepting().await;
    let mut client = Client::connect(listening.addr.as_str()).await.unwrap();
    for n in 0..20 {
        let id = format!("m-{n}");
        let ack = send(&mut client, &message(&id)).await.unwrap();
        assert_eq!((ack.code().as_str(), ack.control_id()), ("AA", &*id));
    }
}

#[tokio::test]
async fn a_message_in_wire_form_goes_out_as_it_is() {
    let wire = message("m-1").replace("Ann", "M\u{FC}").into_bytes();
    let expected = wire.clone();
    let addr = scripted(|peer| async move {
        let mut stream = peer.accept().await;
        let answer = if stream.block().await.into_bytes() == expected { "AA" } else { "AE" };
        stream.send(&framed(ack(answer, "m-1"))).await;
    })
    .await;
    let mut client = Client::connect(addr).await.unwrap();
    assert_eq!(client.send_wire(&wire).await.unwrap().code().as_str(), "AA");
}

#[tokio::test]
async fn line_feeds_are_sent_as_carriage_returns() {
    let listening = accepting().await;
    let mut client = Client::connect(listening.addr.as_str()).await.unwrap();
    let ack = send(&mut client, &message("m-1").replace('\r', "\n")).await.unwrap();
    assert_eq!(ack.code().as_str(), "AA");
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_before_a_byte_leaves() {
    let listening = accepting().await;
    let mut client = Client::connect(listening.addr.as_str()).await.unwrap();
    for (text, code) in [
        (message(""), "N101"),
        (message("\"\""), "N101"),
        (message("  "), "N101"),
        (enhanced("m-1", "NE", "NE"), "N102"),
        (enhanced("m-1", "", "NE"), "N102"),
        (enhanced("m-1", "ER", "ER"), "N102"),
        (message("m-1").replace("|2.5.1", "|2.5.1||||||ASCII").replace("Ann", "\u{FC}"), "N103"),
        (message("m-1").replace("Ann", "A\x0Bn"), "N104"),
        (message("m-1").replace("Ann", "A\x1Cn"), "N104"),
    ] {
        let why = send(&mut client, &text).await.unwrap_err();
        assert_eq!((why.code(), why.sent()), (code, Sent::No));
        assert!(client.is_open());
    }
    for (bytes, code) in [(&b"PID|1\r"[..], "N105"), (b"", "N105"), (b"MSH|^~\\&|A\r", "N101")] {
        let why = client.send_wire(bytes).await.unwrap_err();
        assert_eq!((why.code(), why.sent()), (code, Sent::No));
    }
    assert!(send(&mut client, &message("m-1")).await.is_ok());
}

#[tokio::test]
async fn fault_01_a_silent_peer_is_given_up_at_the_deadline() {
    let why = refused(Vec::new()).await;
    assert_eq!(why.kind(), &K::AckTimedOut);
}

#[tokio::test]
async fn fault_02_a_black_hole_is_given_up_at_the_deadline() {
    // A listener with a full queue and nobody who accepts answers no further SYN.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(0).unwrap();
    let addr = listener.local_addr().unwrap().to_string();
    let mut queued = Vec::new();
    for _ in 0..20 {
        match Client::builder().connect_timeout(SHORT).connect(addr.as_str()).await {
            Ok(client) => queued.push(client),
            Err(why) => return assert_eq!(why.kind(), ConnectErrorKind::TimedOut),
        }
    }
    panic!("20 connections that nobody accepted");
}

#[tokio::test]
async fn fault_03_a_refused_connection_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap().to_string();
    drop(listener);
    let why = Client::connect(addr).await.unwrap_err();
    assert_eq!((why.kind(), why.code()), (ConnectErrorKind::Refused, "N203"));
}

#[tokio::test]
async fn fault_04_every_address_of_a_name_is_tried() {
    let listening = accepting().await;
    let port = listening.addr.rsplit(':').next().unwrap();
    // Where localhost is ::1 first, that one refuses.
    let mut client = Client::connect(format!("localhost:{port}")).await.unwrap();
    assert!(send(&mut client, &message("m-1")).await.is_ok());
}

#[tokio::test]
async fn fault_05_a_name_that_is_none_says_so() {
    for (addr, kind) in [
        ("no-port", ConnectErrorKind::Address),
        ("127.0.0.1:notaport", ConnectErrorKind::Address),
        ("a name with blanks:2575", ConnectErrorKind::NoSuchName),
    ] {
        let why = Client::connect(addr).await.unwrap_err();
        assert_eq!(why.kind(), kind, "{addr}");
    }
}

#[tokio::test]
async fn fault_06_a_reset_while_writing_leaves_it_unknown() {
    let addr = scripted(|peer| async move {
        let mut stream = peer.accept().await;
        stream.skip(64 * 1024).await;
        stream.reset();
    })
    .await;
    let mut client = Client::connect(addr).await.unwrap();
    let long = message("m-1").replace("Ann", &"x".repeat(12_000_000));
    let why = send(&mut client, &long).await.unwrap_err();
    assert_eq!((why.kind(), why.sent()), (&K::Lost, Sent::Unknown));
    assert!(!client.is_open());
}

#[tokio::test]
async fn a_reset_before_a_byte_left_is_told_apart() {
    let (told, mut reset) = tokio::sync::mpsc::channel(1);
    let addr = scripted(|peer| async move {
        peer.accept().await.reset();
        told.send(()).await.unwrap();
    })
    .await;
    let mut client = Client::connect(addr).await.unwrap();
    reset.recv().await.unwrap();
    let why = send(&mut client, &message("m-1")).await.unwrap_err();
    assert_eq!((why.kind(), why.sent()), (&K::Lost, Sent::No));
    assert!(!client.is_open());
}

#[tokio::test]
async fn fault_07_a_part_of_an_acknowledgment_is_none() {
    let addr = scripted(|peer| async move {
        let mut stream = peer.accept().await;
        stream.block().await;
        stream.send(b"\x0BMSH|^~\\&|EHR\rMSA|AA|m-1\r").await;
        stream.reset();
    })
    .await;
    let mut client = Client::connect(addr).await.unwrap();
    let why = send(&mut client, &message("m-1")).await.unwrap_err();
    assert_eq!((why.kind(), why.sent()), (&K::Lost, Sent::Unknown));
    assert!(!client.is_open());
}

#[tokio::test]
async fn fault_08_a_peer_that_closes_instead_of_answering_leaves_it_unknown() {
    for (answer, code) in [(&b""[..], "N112"), (b"\x0BMSH|^~\\&|E\rMSA|AA|m-1\r", "N113"), (b"ok", "N113")] {
        let addr = scripted(move |peer| async move {
            let mut stream = peer.accept().await;
            stream.block().await;
            stream.send(answer).await;
            stream.finish().await;
            stream.until_closed().await;
        })
        .await;
        let mut client = Client::connect(addr).await.unwrap();
        let why = send(&mut client, &message("m-1")).await.unwrap_err();
        assert_eq!((why.code(), why.sent()), (code, Sent::Unknown));
        assert!(!client.is_open());
    }
}

#[tokio::test]
async fn fault_09_a_peer_that_closes_after_each_message_is_noticed_before_the_next() {
    let ids = ["m-1", "m-2", "m-3"];
    let (told, mut closed) = tokio::sync::mpsc::channel(1);
    let addr = scripted(move |peer| async move {
        for id in ids {
            let mut stream = peer.accept().await;
            stream.block().await;
            stream.send(&framed(ack("AA", id))).await;
            drop(stream);
            told.send(()).await.unwrap();
        }
    })
    .await;
    let mut client = Client::connect(addr).await.unwrap();
    for id in ids {
        if !client.is_open() {
            client.reconnect().await.unwrap();
        }
        assert_eq!(send(&mut client, &message(id)).await.unwrap().control_id(), id);
        closed.recv().await.unwrap();
        let why = send(&mut client, &message("never taken")).await.unwrap_err();
        assert_eq!((why.kind(), why.sent()), (&K::PeerClosed, Sent::No));
    }
}

#[tokio::test]
async fn fault_11_a_late_acknowledgment_never_reaches_the_next_message() {
    let addr = scripted(|peer| async move {
        let mut first = peer.accept().await;
        first.block().await;
        // The sender gives up and connects anew; only then comes the answer to the first attempt.
        let mut second = peer.accept().await;
        second.block().await;
        first.try_send(&framed(ack("AA", "m-1"))).await;
        first.try_send(&framed(ack("AA", "m-1"))).await;
        second.send(&framed(ack("AE", "m-1"))).await;
        second.until_closed().await;
    })
    .await;
    let mut client = hasty().connect(addr).await.unwrap();
    let why = send(&mut client, &message("m-1")).await.unwrap_err();
    assert_eq!((why.kind(), why.sent()), (&K::AckTimedOut, Sent::Unknown));
    assert!(!client.is_open());
    client.reconnect().await.unwrap();
    assert_eq!(send(&mut client, &message("m-1")).await.unwrap().code().as_str(), "AE");
}

#[tokio::test]
async fn fault_12_an_acknowledgment_of_another_message_is_refused() {
    for id in ["m-2", "m-10", "m-", "M-1", "m-1 "] {
        let why = refused(framed(ack("AA", id))).await;
        assert_eq!(why.kind(), &K::OtherControlId, "{id:?}");
    }
}

#[tokio::test]
async fn fault_13_an_acknowledgment_of_no_message_is_refused() {
    for answer in [ack("AA", ""), "MSH|^~\\&|E\rMSA|AA\r".to_owned()] {
        assert_eq!(refused(framed(answer)).await.kind(), &K::MissingControlId);
    }
}

#[tokio::test]
async fn fault_14_a_second_acknowledgment_ends_the_connection_before_the_next_message() {
    let twice = [framed(ack("AA", "m-1")), framed(ack("AA", "m-2"))].concat();
    let mut client = Client::connect(answering(twice).await).await.unwrap();
    assert!(send(&mut client, &message("m-1")).await.is_ok());
    let why = send(&mut client, &message("m-2")).await.unwrap_err();
    assert_eq!((why.kind(), why.sent()), (&K::Unsolicited, Sent::No));
    assert!(!client.is_open());
}

#[tokio::test]
async fn line_ends_behind_an_acknowledgment_are_no_second_one() {
    let addr = scripted(|peer| async move {
        let mut stream = peer.accept().await;
        for id in ["m-1", "m-2", "m-3"] {
            stream.block().await;
            stream.send(&[&framed(ack("AA", id))[..], b"\r\n"].concat()).await;
        }
        stream.until_closed().await;
    })
    .await;
    let mut client = Client::connect(addr).await.unwrap();
    for id in ["m-1", "m-2", "m-3"] {
        assert!(send(&mut client, &message(id)).await.is_ok());
    }
}

#[tokio::test]
async fn fault_15_a_block_that_was_not_asked_for_ends_the_connection() {
    for unasked in [framed(ack("AA", "m-1")), b"\x0B".to_vec(), b"hello".to_vec()] {
        let (told, sent) = tokio::sync::oneshot::channel();
        let addr = scripted(|peer| async move {
            let mut stream = peer.accept().await;
            stream.send(&unasked).await;
            told.send(()).unwrap();
            stream.until_closed().await;
        })
        .await;
        let mut client = Client::connect(addr).await.unwrap();
        sent.await.unwrap();
        let why = send(&mut client, &message("m-1")).await.unwrap_err();
        assert_eq!((why.kind(), why.sent()), (&K::Unsolicited, Sent::No));
        assert!(!client.is_open());
    }
}

#[tokio::test]
async fn fault_16_what_is_no_acknowledgment_is_never_taken_for_one() {
    for answer in ["fail", "<html>AA m-1</html>", "MSH|^~\\&|E\r", "MSH|^~\\&|E\rMSA|XX|m-1\r"] {
        let why = refused(framed(answer)).await;
        assert!(matches!(why.kind(), K::NotAnAcknowledgment(_)), "{answer:?}: {why}");
    }
    let K::NotAnAcknowledgment(why) = refused(framed("MSH|^~\\&|E\rMSA|XX|m-1\r")).await.kind().clone()
    else {
        panic!("another kind");
    };
    assert_eq!(why.kind(), &AcknowledgmentErrorKind::UnknownCode);
}

#[tokio::test]
async fn fault_17_a_sloppy_acknowledgment_is_read() {
    assert_eq!(accepted(framed(ack("aa ", "m-1"))).await, "AA");
    assert_eq!(accepted(framed(ack("CA", "m-1").replace('\r', "\n"))).await, "CA");
}

#[tokio::test]
async fn fault_21_a_commit_ends_the_wait_of_enhanced_mode() {
    let mut client = Client::connect(answering(framed(ack("CA", "m-1"))).await).await.unwrap();
    assert_eq!(send(&mut client, &enhanced("m-1", "AL", "AL")).await.unwrap().code().as_str(), "CA");

    let both = [framed(ack("CA", "m-1")), framed(ack("AA", "m-1"))].concat();
    let mut client = Client::connect(answering(both).await).await.unwrap();
    assert_eq!(send(&mut client, &enhanced("m-1", "NE", "AL")).await.unwrap().code().as_str(), "AA");
}

/// What a client that waits for both acknowledgments makes of these bytes.
async fn both(bytes: Vec<u8>, text: &str) -> (Client, Result<TwoPhase, SendError>) {
    let builder = hasty().application_timeout(SHORT);
    let mut client = builder.connect(answering(bytes).await).await.unwrap();
    let result = client.send_two_phase(&Message::parse(text).unwrap()).await;
    (client, result)
}

#[tokio::test]
async fn fault_21_both_acknowledgments_come_on_one_connection() {
    let answers = [framed(ack("CA", "m-1")), framed(ack("AE", "m-1"))].concat();
    let (client, result) = both(answers, &enhanced("m-1", "AL", "AL")).await;
    let both = result.unwrap();
    assert_eq!(both.accept.as_ref().unwrap().code().as_str(), "CA");
    assert_eq!(both.last().unwrap().code().as_str(), "AE");
    assert!(client.is_open());
    let counters = client.meter().read();
    assert_eq!((counters.acks["CA"], counters.acks["AE"], counters.errors.len()), (1, 1, 0));
}

#[tokio::test]
async fn fault_21_an_application_acknowledgment_that_never_comes_is_no_reason_to_send_again() {
    let (ca, other) = (framed(ack("CA", "m-1")), framed(ack("AA", "m-2")));
    for (answers, code) in [(ca.clone(), "N111"), ([ca, other].concat(), "N116")] {
        let (client, result) = both(answers, &enhanced("m-1", "AL", "AL")).await;
        let both = result.expect("a message that was accepted is no error");
        assert_eq!(both.last().unwrap().code().as_str(), "CA");
        let ApplicationOutcome::Missing(why) = both.application else { panic!("{:?}", both.application) };
        assert_eq!((why.code(), why.sent()), (code, Sent::Taken));
        assert!(!why.suggestion().contains("send again"), "{why}");
        assert!(!client.is_open(), "the late one must not reach the next message");
        let counters = client.meter().read();
        assert_eq!((counters.acks.get("CA"), counters.errors.get(code)), (Some(&1), Some(&1)));
    }
}

#[tokio::test]
async fn fault_21_a_commit_that_was_not_asked_for_counts_too() {
    let commit = framed(ack("CA", "m-1"));
    for (behind, code) in [(&b""[..], "N111"), (b"\x0Bx\x1Cy", "N113"), (b"\x0Bfail\x1C\r", "N114")] {
        let mut client = hasty().connect(answering([&commit[..], behind].concat()).await).await.unwrap();
        let why = send(&mut client, &enhanced("m-1", "NE", "AL")).await.unwrap_err();
        assert_eq!((why.code(), why.sent()), (code, Sent::Taken));
        assert!(!client.is_open());
    }
}

#[tokio::test]
async fn a_message_in_wire_form_has_two_phases_too() {
    let answers = [framed(ack("CA", "m-1")), framed(ack("AA", "m-1"))].concat();
    let mut client = hasty().connect(answering(answers).await).await.unwrap();
    let both = client.send_wire_two_phase(enhanced("m-1", "AL", "AL").as_bytes()).await.unwrap();
    assert_eq!(both.last().unwrap().code().as_str(), "AA");
    assert_eq!(client.send_wire_two_phase(b"PID|1\r").await.unwrap_err().code(), "N105");
}

#[tokio::test]
async fn a_message_with_one_phase_is_done_with_it() {
    for (text, code, is_accept) in [
        (message("m-1"), "AA", false),
        (enhanced("m-1", "AL", "NE"), "CA", true),
        (enhanced("m-1", "AL", ""), "CA", true),
        (enhanced("m-1", "AL", "AL"), "CE", true),
        (enhanced("m-1", "AL", "AL"), "AA", false),
        (enhanced("m-1", "NE", "AL"), "AR", false),
    ] {
        let (client, result) = both(framed(ack(code, "m-1")), &text).await;
        let both = result.unwrap();
        assert_eq!(both.last().unwrap().code().as_str(), code);
        assert_eq!(both.accept.is_some(), is_accept, "{text:?} {code}");
        assert!(client.is_open());
    }
    let (_, result) = both(Vec::new(), &enhanced("m-1", "AL", "AL")).await;
    let why = result.unwrap_err();
    assert_eq!((why.code(), why.sent()), ("N111", Sent::Unknown));
}

/// Sends m-1 in release 2 to a peer that answers with `bytes`.
async fn in_release_2(bytes: Vec<u8>) -> (Client, Result<Acknowledgment, SendError>) {
    let mut client = hasty().release2(true).connect(answering(bytes).await).await.unwrap();
    let result = send(&mut client, &message("m-1")).await;
    (client, result)
}

#[tokio::test]
async fn fault_23_a_commit_comes_before_the_acknowledgment_and_each_is_confirmed() {
    let (told, mut confirmed) = tokio::sync::mpsc::channel(2);
    let addr = scripted(move |peer| async move {
        let mut stream = peer.accept().await;
        for id in ["m-1", "m-2"] {
            stream.block().await;
            stream.send(&framed("\x06")).await;
            stream.send(&framed(ack("AA", id))).await;
            told.send(stream.block().await).await.unwrap();
        }
    })
    .await;
    let mut client = Client::builder().release2(true).connect(addr).await.unwrap();
    for id in ["m-1", "m-2"] {
        assert_eq!(send(&mut client, &message(id)).await.unwrap().control_id(), id);
        assert_eq!(confirmed.recv().await.unwrap(), "\x06");
    }
}

#[tokio::test]
async fn fault_23_a_refused_commit_is_sent_again_on_a_new_connection_only() {
    let addr = scripted(|peer| async move {
        let mut first = peer.accept().await;
        first.block().await;
        first.send(&framed("\x15")).await;
        first.until_closed().await;
        let mut second = peer.accept().await;
        second.block().await;
        second.send(&[framed("\x06"), framed(ack("AA", "m-1"))].concat()).await;
        second.until_closed().await;
    })
    .await;
    let mut client = hasty().release2(true).connect(addr).await.unwrap();
    let why = send(&mut client, &message("m-1")).await.unwrap_err();
    assert_eq!((why.kind(), why.code(), why.sent()), (&K::CommitRefused, "N131", Sent::Unknown));
    assert!(why.to_string().contains("was not taken") && !client.is_open());
    client.reconnect().await.unwrap();
    assert_eq!(send(&mut client, &message("m-1")).await.unwrap().code().as_str(), "AA");
}

#[tokio::test]
async fn fault_23_what_was_committed_is_not_sent_again() {
    let (client, result) = in_release_2(framed("\x06")).await;
    let why = result.unwrap_err();
    assert_eq!((why.kind(), why.sent()), (&K::AckTimedOut, Sent::Taken));
    assert!(!client.is_open());
    let (_, result) = in_release_2(Vec::new()).await;
    assert_eq!(result.unwrap_err().sent(), Sent::Unknown);
}

#[tokio::test]
async fn fault_23_any_content_is_sent_until_its_commit() {
    let mut client = Client::builder().connect(answering(Vec::new()).await).await.unwrap();
    let why = client.send_until_commit(b"<ClinicalDocument/>").await.unwrap_err();
    assert_eq!((why.code(), why.sent(), client.is_open()), ("N134", Sent::No, true));

    for (answer, expected) in [("\x06", None), ("\x15", Some("N131")), ("<ok/>", Some("N132"))] {
        let builder = hasty().release2(true);
        let mut client = builder.connect(answering(framed(answer)).await).await.unwrap();
        let result = client.send_until_commit(b"<ClinicalDocument/>").await;
        assert_eq!(result.as_ref().err().map(SendError::code), expected);
        assert_eq!(client.is_open(), expected.is_none());
    }
}

#[tokio::test]
async fn fault_24_a_receiver_of_the_other_release_is_told_apart() {
    let (client, result) = in_release_2(framed(ack("AA", "m-1"))).await;
    let why = result.unwrap_err();
    assert_eq!((why.kind(), why.code(), why.sent()), (&K::CommitMissing, "N132", Sent::Unknown));
    assert!(!client.is_open());
    for commit in ["\x06", "\x15"] {
        let why = refused(framed(commit)).await;
        assert_eq!((why.kind(), why.code()), (&K::UnexpectedCommit, "N133"));
    }
}

#[tokio::test]
async fn fault_12_and_13_a_peer_that_echoes_nothing_is_taken_where_that_is_allowed() {
    for (id, expected) in [("", None), ("m-1", None), ("m-2", Some("N116")), ("m-10", Some("N116"))] {
        let builder = hasty().missing_control_id(true);
        let mut client = builder.connect(answering(framed(ack("AA", id))).await).await.unwrap();
        let result = send(&mut client, &message("m-1")).await;
        assert_eq!(result.err().map(|why| why.code()), expected, "MSA-2 {id:?}");
    }
}

#[tokio::test]
async fn fault_25_an_acknowledgment_without_its_last_byte_is_read_where_that_is_allowed() {
    let options = DecoderOptions::new().end_block_alone(true);
    let answer = [b"\x0B", ack("AA", "m-1").as_bytes(), b"\x1C"].concat();
    let mut client = hasty().decoder(options).connect(answering(answer).await).await.unwrap();
    assert_eq!(send(&mut client, &message("m-1")).await.unwrap().code().as_str(), "AA");
}

#[tokio::test]
async fn a_client_speaks_with_block_characters_of_its_own() {
    let addr = scripted(|peer| async move {
        let mut stream = peer.accept().await;
        stream.until(b"\r\x03\r").await;
        stream.send(&[b"\x02", ack("AA", "m-1").as_bytes(), b"\x03\r"].concat()).await;
        stream.until_closed().await;
    })
    .await;
    let options = DecoderOptions::new().frame(Frame::new(0x02, 0x03).unwrap());
    let mut client = hasty().decoder(options).connect(addr).await.unwrap();
    assert_eq!(send(&mut client, &message("m-1")).await.unwrap().code().as_str(), "AA");
}

#[tokio::test]
async fn fault_25_an_acknowledgment_without_its_end_is_none() {
    assert_eq!(refused(b"\x0BMSH|^~\\&|E\rMSA|AA|m-1\r\x1C".to_vec()).await.kind(), &K::AckTimedOut);
    assert_eq!(refused(b"\x0BMSH|^~\\&|E\rMSA|AA|m-1\r".to_vec()).await.kind(), &K::AckTimedOut);
    let why = refused(b"\x0BMSH|^~\\&|E\rMSA|AA|m-1\r\x1Cx".to_vec()).await;
    assert!(matches!(why.kind(), K::BrokenFrame(why) if why.kind() == DecodeErrorKind::BadEndBlock));
}

#[tokio::test]
async fn fault_26_some_garbage_before_an_acknowledgment_is_passed_over() {
    for garbage in [&b"\r\n\r\n"[..], b"\xFF\xFB\x01 login:", &[b' '; 1024]] {
        assert_eq!(accepted([garbage, &framed(ack("AA", "m-1"))].concat()).await, "AA");
    }
    let too_much = [&[b' '; 1025][..], &framed(ack("AA", "m-1"))].concat();
    let why = refused(too_much).await;
    assert!(matches!(why.kind(), K::BrokenFrame(why) if why.kind() == DecodeErrorKind::TooMuchGarbage));
}

#[tokio::test]
async fn fault_27_an_acknowledgment_without_end_is_cut_off() {
    let addr = scripted(|peer| async move {
        let mut stream = peer.accept().await;
        stream.block().await;
        stream.send(b"\x0BMSH|^~\\&|E\rMSA|AA|m-1|").await;
        while stream.try_send(&[b'x'; 65_536]).await {}
    })
    .await;
    let mut client = Client::connect(addr).await.unwrap();
    let why = send(&mut client, &message("m-1")).await.unwrap_err();
    assert!(matches!(why.kind(), K::BrokenFrame(why) if why.kind() == DecodeErrorKind::TooLong));
    assert!(!client.is_open());
}

#[tokio::test]
async fn fault_28_a_peer_that_reads_nothing_is_given_up() {
    let addr = scripted(|peer| async move {
        let _open = peer.accept().await;
        std::future::pending().await
    })
    .await;
    let mut client = Client::builder().write_timeout(SHORT).connect(addr).await.unwrap();
    let long = message("m-1").replace("Ann", &"x".repeat(16_000_000));
    let why = send(&mut client, &long).await.unwrap_err();
    assert_eq!((why.kind(), why.sent()), (&K::WriteTimedOut, Sent::Unknown));
    assert!(!client.is_open());
}

#[tokio::test]
async fn fault_28_a_peer_that_reads_slowly_has_its_time_for_each_part() {
    const BYTES: usize = 20 * 1024 * 1024;
    let time = Duration::from_millis(500);
    let addr = scripted(move |peer| async move {
        let mut stream = peer.accept().await;
        for _ in 0..20 {
            stream.skip(1024 * 1024).await;
            tokio::time::sleep(time / 10).await;
        }
        stream.until(b"\x1C\r").await;
        stream.send(&framed(ack("AA", "m-1"))).await;
        stream.until_closed().await;
    })
    .await;
    let mut client = Client::builder().write_timeout(time).connect(addr).await.unwrap();
    let long = message("m-1").replace("Ann", &"x".repeat(BYTES));
    assert_eq!(send(&mut client, &long).await.unwrap().code().as_str(), "AA");
}

#[tokio::test]
async fn fault_29_an_acknowledgment_may_come_a_byte_at_a_time_but_in_time() {
    let byte_by_byte = |end: usize| {
        scripted(move |peer| async move {
            let mut stream = peer.accept().await;
            stream.block().await;
            for byte in framed(ack("AA", "m-1")).into_iter().take(end) {
                stream.send(&[byte]).await;
                tokio::task::yield_now().await;
            }
            stream.until_closed().await;
        })
    };
    let mut client = Client::connect(byte_by_byte(usize::MAX).await).await.unwrap();
    assert_eq!(send(&mut client, &message("m-1")).await.unwrap().code().as_str(), "AA");

    let mut client = hasty().connect(byte_by_byte(60).await).await.unwrap();
    assert_eq!(send(&mut client, &message("m-1")).await.unwrap_err().kind(), &K::AckTimedOut);
}

#[tokio::test]
async fn the_deadline_is_for_the_whole_acknowledgment() {
    let addr = scripted(|peer| async move {
        let mut stream = peer.accept().await;
        stream.block().await;
        for byte in framed(ack("AA", "m-1")) {
            if !stream.try_send(&[byte]).await {
                return;
            }
            tokio::time::sleep(SHORT / 5).await;
        }
    })
    .await;
    let mut client = hasty().connect(addr).await.unwrap();
    assert_eq!(send(&mut client, &message("m-1")).await.unwrap_err().kind(), &K::AckTimedOut);
}

#[tokio::test]
async fn dropping_a_send_closes_the_client() {
    let mut client = Client::connect(answering(Vec::new()).await).await.unwrap();
    assert!(tokio::time::timeout(SHORT, send(&mut client, &message("m-1"))).await.is_err());
    assert!(!client.is_open());
    let why = send(&mut client, &message("m-2")).await.unwrap_err();
    assert_eq!((why.kind(), why.sent()), (&K::Closed, Sent::No));
}

#[tokio::test]
async fn a_send_that_was_never_polled_changes_nothing() {
    let listening = accepting().await;
    let mut client = Client::connect(listening.addr.as_str()).await.unwrap();
    let text = message("m-1");
    let msg = Message::parse(&text).unwrap();
    drop(client.send(&msg));
    assert!(client.is_open());
    assert!(client.send(&msg).await.is_ok());
}

/// A receiver that reads a little of a long message, says `answer`, and reads on or closes.
async fn answers_early(answer: String, reads_on: bool) -> String {
    scripted(move |peer| async move {
        let mut stream = peer.accept().await;
        stream.skip(64 * 1024).await;
        stream.send(&framed(answer)).await;
        if reads_on {
            stream.until_closed().await;
        } else {
            tokio::time::sleep(SHORT).await;
        }
    })
    .await
}

#[tokio::test]
async fn a_refusal_that_comes_before_the_message_is_out_is_heard() {
    let long = message("m-1").replace("Ann", &"x".repeat(16_000_000));
    for reads_on in [true, false] {
        let addr = answers_early(ack("AR", "m-1"), reads_on).await;
        let mut client = Client::connect(addr).await.unwrap();
        let ack = send(&mut client, &long).await.unwrap();
        assert_eq!((ack.code().as_str(), client.is_open()), ("AR", false), "reads on: {reads_on}");
    }
}

#[tokio::test]
async fn an_acceptance_that_comes_before_the_message_is_out_is_not_believed() {
    let long = message("m-1").replace("Ann", &"x".repeat(16_000_000));
    for answer in [ack("AA", "m-1"), ack("CA", "m-1"), ack("AR", "m-0")] {
        let addr = answers_early(answer, true).await;
        let mut client = Client::connect(addr).await.unwrap();
        let why = send(&mut client, &long).await.unwrap_err();
        assert_eq!((why.sent(), client.is_open()), (Sent::Unknown, false), "{why}");
    }
}

#[tokio::test]
async fn fault_13_a_connection_on_which_no_message_was_named_ends() {
    let addr = answering(framed(ack("AA", ""))).await;
    let mut client = Client::builder().missing_control_id(true).connect(addr).await.unwrap();
    assert_eq!(send(&mut client, &message("m-1")).await.unwrap().control_id(), "");
    assert!(!client.is_open(), "one more answer could be taken for the next message's");
}

#[tokio::test]
async fn a_message_that_asks_for_no_acknowledgment_is_sent_unconfirmed() {
    let (told, heard) = tokio::sync::oneshot::channel();
    let addr = scripted(|peer| async move {
        let mut stream = peer.accept().await;
        let blocks = [stream.block().await, stream.block().await];
        told.send(blocks).unwrap();
        stream.send(&framed(ack("AA", "m-2"))).await;
        stream.until_closed().await;
    })
    .await;
    let mut client = Client::connect(addr).await.unwrap();
    for id in ["m-1", "m-2"] {
        let text = enhanced(id, "NE", "NE");
        let msg = Message::parse(&text).unwrap();
        assert_eq!(client.send(&msg).await.unwrap_err().kind(), &K::NoAckAsked);
        client.send_unconfirmed(&msg).await.unwrap();
    }
    assert_eq!(heard.await.unwrap().map(|text| text.contains("|NE|NE")), [true; 2]);
    let noticed = async {
        while client.send_unconfirmed(&Message::parse(&enhanced("m-3", "NE", "NE")).unwrap()).await.is_ok() {
            tokio::time::sleep(SHORT / 10).await;
        }
    };
    tokio::time::timeout(crate::peer::PATIENCE, noticed).await.expect("an answer that was not asked for");
    assert!(!client.is_open());
}
