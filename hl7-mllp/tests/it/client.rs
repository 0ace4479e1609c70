//! The client against scripted peers: what a send says, and what becomes of the connection.

use std::time::Duration;

use hl7_core::Message;
use hl7_mllp::{
    Acknowledgment, AcknowledgmentErrorKind, Client, ClientBuilder, ConnectErrorKind, DecodeErrorKind,
    SendError, SendErrorKind as K, Sent,
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
