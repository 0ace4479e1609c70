//! The listener's side without a socket: which answer is due, by tables; and over sockets, where work comes behind the answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use hl7_core::{ErrorCode, Message, ReadOptions};
use hl7_mllp::{
    ApplicationOutcome, ApplicationReply, Block, Client, CommitBlock, DecodeErrorKind, Decoder,
    DecoderOptions, Frame, Received, Reply, Request, Responder, Response, Server, ServerBuilder,
};
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::peer::{Listening, Stream, enhanced, framed, listening, message, msa};
use crate::server::still_accepts;

const SHORT: Duration = Duration::from_millis(150);

fn peer() -> SocketAddr {
    ([127, 0, 0, 1], 1).into()
}

fn release1() -> Responder {
    Responder::new(ReadOptions::default(), Frame::default())
}

/// What is written, in short: `06`, `15`, or the code of an acknowledgment, and `end`.
fn short(response: &Response) -> String {
    let mut decoder = Decoder::new(DecoderOptions::new());
    let mut buf = BytesMut::from(response.bytes());
    let mut all = Vec::new();
    while let Some(block) = decoder.decode(&mut buf).unwrap() {
        let text = String::from_utf8_lossy(block.content()).into_owned();
        let code = text.split_once("MSA|").map(|(_, rest)| rest[..2].to_owned());
        all.push(match CommitBlock::of(&block) {
            Some(commit) => format!("{:02x}", commit.byte()),
            None => code.unwrap_or(text),
        });
    }
    assert!(buf.is_empty());
    all.extend(response.closes().then(|| "end".to_owned()));
    all.join(" ")
}

/// What a responder owes for this block when the handler answers so; the answer of its work behind a semicolon.
fn owed(mut responder: Responder, text: &str, reply: impl FnOnce(&Request) -> Reply) -> String {
    match responder.handle_block(Block::new(text.as_bytes().to_vec())) {
        Received::Message(message, block) => {
            let request = Request::new(message, block, peer());
            let mut response = responder.handle_reply(&request, reply(&request));
            let Some(work) = response.take_work() else { return short(&response) };
            let later = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work);
            let behind = responder.handle_application(&request, Some(later));
            format!("{}; {}", short(&response), short(&behind))
        }
        Received::Refused(_, response) => short(&response),
        other => format!("{other:?}"),
    }
}

type Answer = fn(&Request) -> Reply;

const ACCEPT: Answer = Reply::accept;
const ERROR: Answer = |req| Reply::error(req, ErrorCode::RequiredFieldMissing, "");
const NOT_TAKEN: Answer = |req| Reply::error(req, ErrorCode::RequiredFieldMissing, "").not_taken();
const REJECT: Answer = |req| Reply::reject(req, ErrorCode::UnsupportedVersionId, "");
const OTHER: Answer = |_| Reply::bytes(b"other".to_vec());
const BROKEN: Answer = |_| Reply::bytes(b"a\x0B".to_vec());

#[test]
fn fault_23_release_2_puts_a_commit_before_each_answer() {
    let table: [(&str, Answer, &str, &str); 12] = [
        (&message("1"), ACCEPT, "AA", "06 AA"),
        (&message("1"), ERROR, "AE", "06 AE"),
        (&message("1"), NOT_TAKEN, "AE", "15"),
        (&message("1"), REJECT, "AR", "15"),
        (&enhanced("1", "AL", ""), ACCEPT, "CA", "06 CA"),
        (&enhanced("1", "AL", ""), ERROR, "CE", "15"),
        (&enhanced("1", "AL", ""), REJECT, "CR", "15"),
        (&message("1"), OTHER, "other", "06 other"),
        (&message("1"), |_| Reply::none(), "", "06"),
        (&message("1"), |_| Reply::close(), "end", "15 end"),
        (&message("1"), BROKEN, "end", "15 end"),
        ("MSH|^~\\&|A|B|C|D|||ADT^A08|m-3|P|2.5||||||KLINGON\r", ACCEPT, "AR", "15"),
    ];
    for (text, reply, first, second) in table {
        assert_eq!(owed(release1(), text, reply), first, "{text:?}");
        assert_eq!(owed(release1().release2(), text, reply), second, "{text:?} in release 2");
    }
    for text in ["", "fail", "\x06", "\x15"] {
        assert_eq!(owed(release1(), text, ACCEPT), "end", "{text:?}");
        assert_eq!(owed(release1().release2(), text, ACCEPT), "15 end", "{text:?} in release 2");
    }
}

#[test]
fn fault_21_both_answers_follow_what_the_message_asks_for() {
    fn then(reply: Reply, work: ApplicationReply) -> Reply {
        reply.then(std::future::ready(work))
    }
    let processed: Answer = |req| then(Reply::accept(req), ApplicationReply::accept(req));
    let failed: Answer = |req| {
        let work = ApplicationReply::error(req, ErrorCode::UnknownKeyIdentifier, "why");
        then(Reply::accept(req), work)
    };
    let refused: Answer = |req| {
        let first = Reply::reject(req, ErrorCode::UnsupportedVersionId, "");
        then(first, ApplicationReply::accept(req))
    };
    let silent: Answer = |req| then(Reply::none(), ApplicationReply::accept(req));
    let nowhere: Answer = |req| then(Reply::accept(req), ApplicationReply::none());
    let closing: Answer = |req| then(Reply::close(), ApplicationReply::accept(req));
    let broken: Answer = |req| then(Reply::bytes(b"a\x1C".to_vec()), ApplicationReply::accept(req));
    let table: [(&str, Answer, &str); 17] = [
        (&message("1"), processed, "; AA"),
        (&message("1"), failed, "; AE"),
        (&message("1"), refused, "AR"),
        (&enhanced("1", "AL", "AL"), processed, "CA; AA"),
        (&enhanced("1", "AL", "AL"), failed, "CA; AE"),
        (&enhanced("1", "AL", "AL"), refused, "CR"),
        (&enhanced("1", "AL", "NE"), processed, "CA; "),
        (&enhanced("1", "AL", ""), failed, "CA; "),
        (&enhanced("1", "AL", "SU"), failed, "CA; "),
        (&enhanced("1", "AL", "ER"), failed, "CA; AE"),
        (&enhanced("1", "NE", "AL"), processed, "; AA"),
        (&enhanced("1", "ER", "AL"), processed, "; AA"),
        (&enhanced("1", "ER", "AL"), refused, "CR"),
        (&enhanced("1", "AL", "AL"), silent, "; AA"),
        (&enhanced("1", "AL", "AL"), nowhere, "CA; "),
        (&message("1"), closing, "end"),
        (&enhanced("1", "AL", "AL"), broken, "end"),
    ];
    for (text, reply, expected) in table {
        assert_eq!(owed(release1(), text, reply), expected, "{text:?}");
    }
    assert_eq!(owed(release1().release2(), &enhanced("1", "AL", "AL"), processed), "06 CA; AA");
    assert_eq!(owed(release1().release2(), &message("1"), processed), "06; AA");
    assert_eq!(owed(release1().release2(), &message("1"), refused), "15");
}

#[test]
fn fault_44_a_handler_that_fails_is_told_in_each_release_and_phase() {
    for (text, first, second) in [
        (message("1"), "AR", "15"),
        (enhanced("1", "AL", ""), "CE", "15"),
        (enhanced("1", "NE", "AL"), "AR", "15"),
    ] {
        let request = Request::new(
            Message::parse(&text).unwrap().into_owned(),
            Block::new(text.clone().into_bytes()),
            peer(),
        );
        assert_eq!(short(&release1().handle_failure(&request)), first);
        assert_eq!(short(&release1().release2().handle_failure(&request)), second);
    }
    let text = enhanced("1", "AL", "AL");
    let parsed = Message::parse(&text).unwrap().into_owned();
    let request = Request::new(parsed, Block::new(text.into_bytes()), peer());
    let response = release1().handle_application(&request, None);
    assert_eq!(short(&response), "AR");
    assert!(String::from_utf8_lossy(response.bytes()).contains("|207^"));
}

#[test]
fn fault_38_a_fault_of_framing_is_answered_and_ends_the_connection() {
    let header = || Some(Block::new(&b"MSH|^~\\&|A|B|C|D|||ADT^A08|m-1|P|2.5\rPID"[..]));
    let cut = || Some(Block::new(&b"MSH|^~\\&|A|B|C"[..]));
    for (kind, beginning, first, second) in [
        (DecodeErrorKind::BadEndBlock, header(), "AR end", "15 end"),
        (DecodeErrorKind::TooLong, header(), "AR end", "15 end"),
        (DecodeErrorKind::BadEndBlock, cut(), "end", "15 end"),
        (DecodeErrorKind::TooMuchGarbage, None, "end", "15 end"),
        (DecodeErrorKind::Restarted, header(), "", ""),
    ] {
        assert_eq!(short(&release1().handle_fault(kind, beginning.clone())), first, "{kind:?}");
        assert_eq!(short(&release1().release2().handle_fault(kind, beginning)), second, "{kind:?}");
    }
    let mut responder = release1();
    for round in 0..2 {
        for restart in 0..17 {
            let response = responder.handle_fault(DecodeErrorKind::Restarted, None);
            assert_eq!(response.closes(), restart == 16, "{round} {restart}");
        }
        responder.handle_block(Block::new(message("1").into_bytes()));
    }
}

#[test]
fn fault_23_a_sender_may_confirm_each_answer_once() {
    let mut responder = release1().release2();
    let commit = |bytes: &'static [u8]| Block::new(bytes);
    let answer = |responder: &mut Responder| {
        let text = message("1");
        let Received::Message(message, block) = responder.handle_block(Block::new(text.into_bytes())) else {
            panic!("a message")
        };
        let request = Request::new(message, block, peer());
        assert_eq!(short(&responder.handle_reply(&request, Reply::accept(&request))), "06 AA");
    };
    assert!(matches!(responder.handle_block(commit(b"\x06")), Received::Refused(..)), "nothing to confirm");
    answer(&mut responder);
    assert!(matches!(responder.handle_block(commit(b"\x06")), Received::Commit(CommitBlock::Ack)));
    assert!(matches!(responder.handle_block(commit(b"\x06")), Received::Refused(..)), "confirmed twice");
    answer(&mut responder);
    answer(&mut responder);
    assert!(matches!(responder.handle_block(commit(b"\x15")), Received::Commit(CommitBlock::Nak)));
}

#[tokio::test]
async fn fault_23_client_and_listener_speak_release_2_with_each_other() {
    let handler = |req: Request| async move {
        match req.message().as_er7().contains("|m-refused|") {
            true => Reply::reject(&req, ErrorCode::ApplicationInternalError, ""),
            false => Reply::accept(&req),
        }
    };
    let listening = listening(Server::builder().release2(true), handler).await;
    let mut client = Client::builder().release2(true).connect(listening.addr.as_str()).await.unwrap();
    for id in ["m-1", "m-2", "m-3"] {
        let text = message(id);
        let ack = client.send(&Message::parse(&text).unwrap()).await.unwrap();
        assert_eq!((ack.code().as_str(), ack.control_id()), ("AA", id));
    }
    client.send_until_commit(message("m-4").as_bytes()).await.unwrap();
    client.reconnect().await.unwrap();
    let text = message("m-refused");
    let why = client.send(&Message::parse(&text).unwrap()).await.unwrap_err();
    assert_eq!(why.code(), "N131");
}

/// A listener that accepts each message and then waits to be told what its work comes to.
async fn working(builder: ServerBuilder) -> (Listening, mpsc::Sender<&'static str>) {
    let (go, told) = mpsc::channel::<&'static str>(8);
    let told = Arc::new(Mutex::new(told));
    let handler = move |req: Request| {
        let told = told.clone();
        std::future::ready(Reply::accept(&req).then(async move {
            match told.lock().await.recv().await {
                Some("panic") => panic!("planted"),
                Some("error") => ApplicationReply::error(&req, ErrorCode::UnknownKeyIdentifier, "why"),
                _ => ApplicationReply::accept(&req),
            }
        }))
    };
    (listening(builder, handler).await, go)
}

#[tokio::test]
async fn fault_21_the_accept_acknowledgment_is_sent_before_the_work_is_done() {
    let (listening, go) = working(Server::builder()).await;
    let mut stream = Stream::connect(&listening.addr).await;
    // The second message is sent ahead, and is not begun before the first is done.
    let two = [framed(enhanced("m-1", "AL", "AL")), framed(enhanced("m-2", "AL", "AL"))].concat();
    stream.send(&two).await;
    assert_eq!(msa(&stream.block().await), "MSA|CA|m-1");
    go.send("error").await.unwrap();
    assert_eq!(msa(&stream.block().await), "MSA|AE|m-1|why");
    assert_eq!(msa(&stream.block().await), "MSA|CA|m-2");
    go.send("accept").await.unwrap();
    assert_eq!(msa(&stream.block().await), "MSA|AA|m-2");
}

#[tokio::test]
async fn fault_21_a_client_gets_both_acknowledgments_of_a_listener() {
    let (listening, go) = working(Server::builder()).await;
    let mut client = Client::connect(listening.addr.as_str()).await.unwrap();
    for id in ["m-1", "m-2"] {
        go.send("accept").await.unwrap();
        let text = enhanced(id, "AL", "AL");
        let both = client.send_two_phase(&Message::parse(&text).unwrap()).await.unwrap();
        assert_eq!(both.accept.unwrap().code().as_str(), "CA");
        let ApplicationOutcome::Acknowledged(ack) = both.application else { panic!("no second phase") };
        assert_eq!((ack.code().as_str(), ack.control_id()), ("AA", id));
    }
}

#[tokio::test]
async fn fault_21_a_pool_waits_for_both_acknowledgments_of_several_messages_at_once() {
    let (listening, go) = working(Server::builder()).await;
    let pool = Client::builder().pool(listening.addr.as_str(), 2);
    let send = async |id: &str| {
        let text = enhanced(id, "AL", "AL");
        let both = pool.send_two_phase(&Message::parse(&text).unwrap()).await.unwrap();
        both.last().map(|ack| (ack.code().to_string(), ack.control_id().to_owned()))
    };
    let told = async {
        go.send("accept").await.unwrap();
        go.send("accept").await.unwrap();
    };
    let (first, second, ()) = tokio::join!(send("m-1"), send("m-2"), told);
    assert_eq!(first, Some(("AA".to_owned(), "m-1".to_owned())));
    assert_eq!(second, Some(("AA".to_owned(), "m-2".to_owned())));
    assert_eq!(pool.meter().read().acks["CA"], 2);
}

#[tokio::test]
async fn fault_44_work_that_panics_or_hangs_is_answered_for_its_message_alone() {
    let (listening, go) = working(Server::builder().handler_timeout(SHORT)).await;
    let mut stream = Stream::connect(&listening.addr).await;
    for (told, mode) in [(Some("panic"), "AL"), (None, "AL"), (Some("panic"), ""), (None, "")] {
        let text = if mode.is_empty() { message("m-1") } else { enhanced("m-1", mode, "AL") };
        stream.send(&framed(text)).await;
        if !mode.is_empty() {
            assert_eq!(msa(&stream.block().await), "MSA|CA|m-1");
        }
        if let Some(told) = told {
            go.send(told).await.unwrap();
        }
        let reply = stream.block().await;
        assert_eq!(msa(&reply), "MSA|AR|m-1");
        assert!(reply.contains("|207^"), "{reply:?}");
    }
    go.send("accept").await.unwrap();
    still_accepts(&mut stream).await;
}

#[tokio::test]
async fn fault_49_a_shutdown_waits_for_the_work_behind_an_accepted_message() {
    let (shutdown, asked) = oneshot::channel::<()>();
    let (go, told) = oneshot::channel::<()>();
    let told = Arc::new(std::sync::Mutex::new(Some(told)));
    let server = Server::bind("127.0.0.1:0").await.unwrap();
    let addr = server.local_addr().unwrap().to_string();
    let handler = move |req: Request| {
        let told = told.lock().unwrap().take().unwrap();
        let work = {
            let req = req.clone();
            async move {
                told.await.unwrap();
                ApplicationReply::accept(&req)
            }
        };
        std::future::ready(Reply::accept(&req).then(work))
    };
    let served = tokio::spawn(server.serve_until(handler, async { asked.await.unwrap_or_default() }));
    let mut stream = Stream::connect(&addr).await;
    stream.send(&framed(enhanced("m-1", "AL", "AL"))).await;
    assert_eq!(msa(&stream.block().await), "MSA|CA|m-1");
    shutdown.send(()).unwrap();
    go.send(()).unwrap();
    assert_eq!(msa(&stream.block().await), "MSA|AA|m-1");
    assert_eq!(stream.block_or_end().await, None);
    served.await.unwrap().unwrap();
}
