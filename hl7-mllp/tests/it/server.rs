//! The listener against scripted senders.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hl7_core::{ErrorCode, Message};
use hl7_mllp::{
    BindErrorKind, Client, DecoderOptions, Reply, Request, ServeErrorKind, Server, ServerBuilder,
};
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot};

use crate::peer::{Listening, PATIENCE, Stream, accepting, enhanced, framed, listening, message, msa};

const SHORT: Duration = Duration::from_millis(150);

/// A listener that accepts everything and counts what its handler is given.
async fn counting(builder: ServerBuilder) -> (Listening, Arc<AtomicUsize>) {
    let handled = Arc::new(AtomicUsize::new(0));
    let count = handled.clone();
    let listening = listening(builder, move |req| {
        count.fetch_add(1, Ordering::SeqCst);
        async move { Reply::accept(&req) }
    })
    .await;
    (listening, handled)
}

/// What the handler's `reply` looks like to a sender of `text`.
async fn replied(text: &str, reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Option<String> {
    let listening = listening(Server::builder(), move |req| std::future::ready(reply(&req))).await;
    let mut stream = Stream::connect(&listening.addr).await;
    stream.send(&framed(text)).await;
    stream.block_or_end().await
}

pub(crate) async fn still_accepts(stream: &mut Stream) {
    stream.send(&framed(message("m-still"))).await;
    assert_eq!(msa(&stream.block().await), "MSA|AA|m-still");
}

#[tokio::test]
async fn the_handler_sees_the_message_its_bytes_and_its_sender() {
    let text = message("m-1").replace('\r', "\r\n");
    let expected = text.clone();
    let reply = replied(&text, move |req| {
        assert_eq!(req.message().as_er7(), expected);
        assert_eq!(req.bytes(), expected.as_bytes());
        assert!(req.peer().ip().is_loopback());
        Reply::accept(req)
    });
    assert_eq!(msa(&reply.await.unwrap()), "MSA|AA|m-1");
}

#[tokio::test]
async fn replies_follow_the_mode_of_the_message() {
    type Answer = fn(&Request) -> Reply;
    let accept: Answer = Reply::accept;
    let error: Answer = |req| Reply::error(req, ErrorCode::RequiredFieldMissing, "no | name");
    let reject: Answer = |req| Reply::reject(req, ErrorCode::UnsupportedVersionId, "not \u{FC}");
    let table = [
        (message("1"), accept, "MSA|AA|1"),
        (message("1"), error, "MSA|AE|1|no \\F\\ name"),
        (message("1"), reject, "MSA|AR|1|not \u{FC}"),
        (message(""), accept, "MSA|AA|"),
        (enhanced("1", "AL", "AL"), accept, "MSA|CA|1"),
        (enhanced("1", "AL", ""), error, "MSA|CE|1|no \\F\\ name"),
        (enhanced("1", "AL", "NE"), reject, "MSA|CR|1|not \u{FC}"),
        (enhanced("1", "SU", ""), accept, "MSA|CA|1"),
        (enhanced("1", "NE", "AL"), accept, "MSA|AA|1"),
        (enhanced("1", "", "AL"), accept, "MSA|AA|1"),
        (enhanced("1", "NE", "AL"), error, "MSA|AE|1|no \\F\\ name"),
        (message("1").replace("|2.5.1", "|2.5.1||||||ASCII"), reject, "MSA|AR|1|not ?"),
    ];
    for (text, reply, expected) in table {
        assert_eq!(msa(&replied(&text, reply).await.unwrap()), expected, "{text:?}");
    }
}

#[tokio::test]
async fn negative_replies_name_the_error() {
    let reply = replied(&message("1"), |req| Reply::error(req, ErrorCode::RequiredFieldMissing, "")).await;
    assert!(reply.unwrap().contains("\rERR|||101^Required field missing^HL70357|E\r"));
}

#[tokio::test]
async fn a_handler_may_answer_in_its_own_words_or_not_at_all() {
    let own = || Message::parse("MSH|^~\\&|A\nMSA|AA|own").unwrap().into_owned();
    assert_eq!(
        replied(&message("1"), move |_| Reply::message(own())).await.unwrap(),
        "MSH|^~\\&|A\rMSA|AA|own\r"
    );
    assert_eq!(replied(&message("1"), |_| Reply::bytes(b"anything".to_vec())).await.unwrap(), "anything");
    assert_eq!(replied(&message("1"), |_| Reply::close()).await, None);
    // What cannot stand in a block is not sent.
    assert_eq!(replied(&message("1"), |_| Reply::bytes(b"a\x1C\rb".to_vec())).await, None);
    assert_eq!(replied(&message("1"), |_| Reply::bytes(Vec::new())).await, None);

    let silent_first = |req: Request| async move {
        if req.message().as_er7().contains("m-silent") { Reply::none() } else { Reply::accept(&req) }
    };
    let listening = listening(Server::builder(), silent_first).await;
    let mut stream = Stream::connect(&listening.addr).await;
    stream.send(&framed(message("m-silent"))).await;
    still_accepts(&mut stream).await;
}

#[tokio::test]
async fn what_is_no_message_is_refused_where_its_header_can_be_read() {
    let (listening, handled) = counting(Server::builder()).await;
    let second = format!("{}{}", message("m-1"), message("m-2"));
    let table = [
        (second.into_bytes(), Some("MSA|AR|m-1|C011")),
        ([message("m-3").as_bytes(), b"OBX|\xFF\r"].concat(), Some("MSA|AR|m-3|C014")),
        (message("m-4").replace("|2.5.1", "|2.5.1||||||KLINGON").into_bytes(), Some("MSA|AR|m-4|C014")),
        ([enhanced("m-5", "AL", "").as_bytes(), b"OBX|\xFF\r"].concat(), Some("MSA|CR|m-5|C014")),
        (b"GET / HTTP/1.1\r\n".to_vec(), None),
        (b"PID|1\r".to_vec(), None),
        (b"<ADT_A01/>".to_vec(), None),
        (b"".to_vec(), None),
        (b"FHS|^~\\&|A\r".to_vec(), None),
        (b"MSH".to_vec(), None),
        (b"\xFE\xFFM\0S\0H\0".to_vec(), None),
    ];
    for (content, expected) in table {
        let mut stream = Stream::connect(&listening.addr).await;
        stream.send(&framed(&content)).await;
        let reply = stream.block_or_end().await;
        assert_eq!(reply.is_some(), expected.is_some(), "{content:?}");
        if let (Some(reply), Some(expected)) = (reply, expected) {
            assert!(msa(&reply).starts_with(expected), "{reply:?}");
            assert!(reply.contains("\rERR|||"), "{reply:?}");
            still_accepts(&mut stream).await;
        }
    }
    assert_eq!(handled.load(Ordering::SeqCst), 4, "only the good messages reached the handler");
}

#[tokio::test]
async fn fault_37_garbage_before_a_block_is_passed_over_up_to_the_limit() {
    let (listening, handled) = counting(Server::builder()).await;
    let mut stream = Stream::connect(&listening.addr).await;
    stream.send(&[b'\n'; 1024]).await;
    still_accepts(&mut stream).await;

    let mut stream = Stream::connect(&listening.addr).await;
    stream.send(b"GET / HTTP/1.1\r\n").await;
    stream.try_send(&[b'x'; 2000]).await;
    assert_eq!(stream.block_or_end().await, None);
    assert_eq!(handled.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn fault_38_a_bad_end_block_is_refused_and_the_connection_closed() {
    let (listening, handled) = counting(Server::builder()).await;
    let mut stream = Stream::connect(&listening.addr).await;
    let broken = message("m-1").replace("Ann", "A\x1Cn");
    stream.send(&framed(broken)).await;
    assert_eq!(
        msa(&stream.block().await),
        "MSA|AR|m-1|N002: an end block character inside a block with no carriage return behind it"
    );
    assert_eq!(stream.block_or_end().await, None);
    assert_eq!(handled.load(Ordering::SeqCst), 0);

    // A header that is not whole names nobody.
    let mut stream = Stream::connect(&listening.addr).await;
    stream.send(b"\x0BMSH|^~\\&|A|B|C|D|||ADT^A08|m-\x1C1|P|2.5\r\x1C\r").await;
    assert_eq!(stream.block_or_end().await, None);
}

#[tokio::test]
async fn fault_38_a_block_begun_anew_replaces_the_one_before() {
    let (listening, handled) = counting(Server::builder()).await;
    let mut stream = Stream::connect(&listening.addr).await;
    stream.send(b"\x0BMSH|^~\\&|A|B|C|D|||ADT^A08|m-0|P|2.5\rPID|").await;
    still_accepts(&mut stream).await;
    assert_eq!(handled.load(Ordering::SeqCst), 1);

    stream.send(&[0x0B; 100]).await;
    assert_eq!(stream.block_or_end().await, None);
}

#[tokio::test]
async fn fault_38_a_lone_end_block_is_read_where_that_is_allowed() {
    let options = DecoderOptions::new().end_block_alone(true);
    let (listening, _) = counting(Server::builder().decoder(options)).await;
    let mut stream = Stream::connect(&listening.addr).await;
    stream.send(&[&[0x0B], message("m-1").as_bytes(), &[0x1C]].concat()).await;
    assert_eq!(msa(&stream.block().await), "MSA|AA|m-1");
    still_accepts(&mut stream).await;
}

#[tokio::test]
async fn fault_39_a_block_without_its_end_is_dropped() {
    let (listening, handled) = counting(Server::builder()).await;
    for end in [&b""[..], b"\x1C"] {
        let mut stream = Stream::connect(&listening.addr).await;
        stream.send(&[&[0x0B], message("m-1").as_bytes(), end].concat()).await;
        stream.finish().await;
        assert_eq!(stream.block_or_end().await, None);
    }
    assert_eq!(handled.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn fault_40_a_block_that_trickles_in_is_given_up() {
    let (listening, handled) = counting(Server::builder().block_timeout(SHORT)).await;
    let mut patient = Stream::connect(&listening.addr).await;
    let mut slow = Stream::connect(&listening.addr).await;
    slow.send(b"\x0BMSH|^~\\&|A|B|C|D|||ADT^A08|m-0|P|2.5\r").await;
    let trickle = async {
        while slow.try_send(b"x").await {
            tokio::time::sleep(SHORT / 5).await;
        }
    };
    tokio::time::timeout(PATIENCE, trickle).await.expect("the listener gives up");
    assert_eq!(handled.load(Ordering::SeqCst), 0);
    // A connection that is only idle is not concerned.
    still_accepts(&mut patient).await;
}

#[tokio::test]
async fn fault_40_a_long_block_has_its_time_for_each_part() {
    let (listening, _) = counting(Server::builder().block_timeout(SHORT)).await;
    let mut stream = Stream::connect(&listening.addr).await;
    let long = framed(message("m-1").replace("Ann", &"x".repeat(600_000)));
    for part in long.chunks(70_000) {
        stream.send(part).await;
        tokio::time::sleep(SHORT / 4).await;
    }
    assert_eq!(msa(&stream.block().await), "MSA|AA|m-1");
}

#[tokio::test]
async fn fault_40_a_block_that_comes_steadily_has_an_end_too() {
    let builder = Server::builder().block_timeout(PATIENCE).max_block_time(SHORT);
    let (listening, handled) = counting(builder).await;
    let mut stream = Stream::connect(&listening.addr).await;
    let begin = framed(message("m-1"));
    stream.send(&begin[..begin.len() - 3]).await;
    let trickle = async {
        while stream.try_send(&[b'x'; 1024]).await {
            tokio::time::sleep(SHORT / 10).await;
        }
    };
    tokio::time::timeout(PATIENCE, trickle).await.expect("the connection is closed");
    assert_eq!(handled.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn fault_40_an_idle_connection_gives_its_place_back() {
    let (listening, _) = counting(Server::builder().idle_timeout(SHORT)).await;
    let mut idle = Stream::connect(&listening.addr).await;
    let mut babbling = Stream::connect(&listening.addr).await;
    let babble = async {
        let mut bytes = 0;
        while babbling.try_send(b"\n").await {
            bytes += 1;
            tokio::time::sleep(SHORT / 10).await;
        }
        bytes
    };
    let babble = tokio::time::timeout(PATIENCE, babble);
    let (end, bytes) = tokio::join!(idle.block_or_end(), babble);
    assert_eq!(end, None);
    let bytes = bytes.expect("bytes outside a block do not count");
    assert!(bytes < 500, "{bytes} bytes, so many that there were too many and not too late");
}

#[tokio::test]
async fn fault_41_a_block_over_the_limit_is_refused_and_the_connection_closed() {
    let (listening, handled) = counting(Server::builder().max_block_bytes(10_000)).await;
    let mut stream = Stream::connect(&listening.addr).await;
    stream.send(&framed(message("m-1").replace("Ann", &"x".repeat(5_000_000)))).await;
    assert_eq!(msa(&stream.block().await), "MSA|AR|m-1|N004: the block is longer than the limit");
    assert_eq!(stream.block_or_end().await, None);
    assert_eq!(handled.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn fault_43_messages_sent_ahead_are_answered_in_order() {
    let at_once = Arc::new(AtomicUsize::new(0));
    let running = at_once.clone();
    let listening = listening(Server::builder(), move |req| {
        let running = running.clone();
        async move {
            assert_eq!(running.fetch_add(1, Ordering::SeqCst), 0, "one at a time");
            tokio::task::yield_now().await;
            running.fetch_sub(1, Ordering::SeqCst);
            Reply::accept(&req)
        }
    })
    .await;
    let mut stream = Stream::connect(&listening.addr).await;
    let all: Vec<u8> = (0..200).flat_map(|n| framed(message(&format!("m-{n}")))).collect();
    stream.send(&all).await;
    for n in 0..200 {
        assert_eq!(msa(&stream.block().await), format!("MSA|AA|m-{n}"));
    }
}

#[tokio::test]
async fn fault_43_a_sender_that_does_not_wait_is_slowed_down() {
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let handler = {
        let (begun, go_on) = (begun.clone(), go_on.clone());
        move |req: Request| {
            let (begun, go_on) = (begun.clone(), go_on.clone());
            async move {
                begun.notify_one();
                go_on.notified().await;
                Reply::accept(&req)
            }
        }
    };
    let listening = listening(Server::builder(), handler).await;
    let stream = TcpStream::connect(&*listening.addr).await.unwrap();
    let block = framed(message("m-1"));
    begun_after(&stream, &block, &begun).await;
    // What both systems keep for the two is some megabytes.
    let mut taken = 0;
    let all = block.repeat(64 * 1024 * 1024 / block.len());
    while let Ok(Ok(())) = tokio::time::timeout(SHORT, stream.writable()).await {
        taken += stream.try_write(&all[taken..]).unwrap_or(0);
        assert!(taken < 32 * 1024 * 1024, "nothing is read ahead");
    }
    assert!(taken > 0);
}

/// Sends a block and waits until the handler has it.
async fn begun_after(stream: &TcpStream, block: &[u8], begun: &Notify) {
    stream.writable().await.unwrap();
    assert_eq!(stream.try_write(block).unwrap(), block.len());
    tokio::time::timeout(PATIENCE, begun.notified()).await.unwrap();
}

#[tokio::test]
async fn a_reply_that_is_not_taken_ends_the_connection() {
    let handler = |_: Request| async { Reply::bytes(vec![b'x'; 64 * 1024 * 1024]) };
    let server = Server::builder().write_timeout(SHORT);
    let meter = server.meter();
    let listening = listening(server, handler).await;
    let mut stream = Stream::connect(&listening.addr).await;
    stream.send(&framed(message("m-1"))).await;
    let closed = async {
        while meter.read().open != 0 || meter.read().accepted == 0 {
            tokio::time::sleep(SHORT / 10).await;
        }
    };
    tokio::time::timeout(PATIENCE, closed).await.expect("the connection is given up");
}

#[tokio::test]
async fn fault_41_a_header_that_no_answer_can_repeat_ends_the_connection() {
    let (listening, handled) = counting(Server::builder()).await;
    let mut stream = Stream::connect(&listening.addr).await;
    stream.send(&framed(message(&"m".repeat(60_000)))).await;
    assert!(stream.block().await.contains("MSA|AA|mmm"));
    stream.send(&framed(message(&"m".repeat(70_000)))).await;
    assert_eq!(stream.block_or_end().await, None);
    assert_eq!(handled.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_acknowledgment_is_sent_for_the_outcomes_that_ask_for_it() {
    let handler = |req: Request| async move {
        match req.message().as_er7().contains("|m-bad|") {
            true => Reply::error(&req, ErrorCode::DataTypeError, "why"),
            false => Reply::accept(&req),
        }
    };
    let listening = listening(Server::builder(), handler).await;
    let mut stream = Stream::connect(&listening.addr).await;
    let cases = [
        ("AL", "NE", Some("CA"), Some("CE")),
        ("SU", "NE", Some("CA"), None),
        ("ER", "NE", None, Some("CE")),
        ("ER", "AL", Some("AA"), Some("CE")),
        ("SU", "ER", Some("CA"), Some("AE")),
        ("NE", "ER", None, Some("AE")),
        ("NE", "SU", Some("AA"), None),
        ("NE", "NE", Some("AA"), Some("AE")),
    ];
    for (accept, application, good, bad) in cases {
        for (id, expected) in [("m-good", good), ("m-bad", bad)] {
            stream.send(&framed(enhanced(id, accept, application))).await;
            stream.send(&framed(message("m-next"))).await;
            if let Some(code) = expected {
                let reply = stream.block().await;
                assert!(
                    msa(&reply).starts_with(&format!("MSA|{code}|{id}")),
                    "{accept} {application}: {reply}"
                );
            }
            assert_eq!(msa(&stream.block().await), "MSA|AA|m-next", "{accept} {application} {id}");
        }
    }
}

/// Panics when it is dropped.
struct Explosive;

impl Drop for Explosive {
    fn drop(&mut self) {
        panic!("planted");
    }
}

#[tokio::test]
async fn fault_44_a_handler_that_panics_when_it_is_dropped_costs_its_message_alone() {
    let handler = |req: Request| async move {
        let text = req.message().as_er7();
        if text.contains("|m-payload|") {
            std::panic::panic_any(Explosive);
        }
        if text.contains("|m-hang|") {
            let _explosive = Explosive;
            std::future::pending::<()>().await;
        }
        Reply::accept(&req)
    };
    let listening = listening(Server::builder().handler_timeout(SHORT), handler).await;
    let mut stream = Stream::connect(&listening.addr).await;
    for (id, expected) in [("m-payload", "AR"), ("m-hang", "AR"), ("m-2", "AA")] {
        stream.send(&framed(message(id))).await;
        assert_eq!(msa(&stream.block().await), format!("MSA|{expected}|{id}"));
    }
}

#[tokio::test]
async fn a_socket_that_listens_already_is_served() {
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = socket.local_addr().unwrap();
    let serving =
        tokio::spawn(Server::builder().listen(socket).serve(|req| async move { Reply::accept(&req) }));
    let text = message("m-1");
    let mut client = Client::connect(addr.to_string()).await.unwrap();
    assert!(client.send(&Message::parse(&text).unwrap()).await.unwrap().code().is_positive());
    serving.abort();
}

#[tokio::test]
async fn fault_44_a_handler_that_panics_or_hangs_costs_its_message_alone() {
    let handler = |req: Request| async move {
        let text = req.message().as_er7();
        if text.contains("|m-panic|") {
            panic!("planted");
        }
        if text.contains("|m-hang|") {
            std::future::pending::<()>().await;
        }
        Reply::accept(&req)
    };
    let listening = listening(Server::builder().handler_timeout(SHORT), handler).await;
    let mut stream = Stream::connect(&listening.addr).await;
    for (text, expected) in [
        (message("m-1"), "MSA|AA|m-1"),
        (message("m-panic"), "MSA|AR|m-panic"),
        (message("m-hang"), "MSA|AR|m-hang"),
        (enhanced("m-panic", "AL", "AL"), "MSA|CE|m-panic"),
        (enhanced("m-hang", "AL", ""), "MSA|CE|m-hang"),
        (enhanced("m-panic", "NE", "AL"), "MSA|AR|m-panic"),
        (message("m-2"), "MSA|AA|m-2"),
    ] {
        stream.send(&framed(text)).await;
        let reply = stream.block().await;
        assert_eq!(msa(&reply), expected);
        let failed = reply.contains("\rERR|||207^Application internal error^HL70357|E\r");
        assert_eq!(failed, !expected.contains("|m-1") && !expected.contains("|m-2"), "{reply:?}");
    }
}

#[tokio::test]
async fn fault_44_a_handler_that_panics_before_its_future_is_caught_too() {
    let reply = replied(&message("1"), |_| panic!("planted")).await;
    assert_eq!(msa(&reply.unwrap()), "MSA|AR|1");
}

/// A listener whose handler waits to be released.
pub(crate) struct Gated {
    pub(crate) addr: String,
    pub(crate) entered: Arc<Notify>,
    pub(crate) release: Arc<Notify>,
    shutdown: oneshot::Sender<()>,
    served: tokio::task::JoinHandle<Result<(), hl7_mllp::ServeError>>,
}

pub(crate) async fn gated(builder: ServerBuilder) -> Gated {
    let server = builder.bind("127.0.0.1:0").await.unwrap();
    let addr = server.local_addr().unwrap().to_string();
    let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (shutdown, asked) = oneshot::channel::<()>();
    let (enter, go) = (entered.clone(), release.clone());
    let handler = move |req: Request| {
        let (enter, go) = (enter.clone(), go.clone());
        async move {
            enter.notify_one();
            go.notified().await;
            Reply::accept(&req)
        }
    };
    let served = tokio::spawn(server.serve_until(handler, async { asked.await.unwrap_or_default() }));
    Gated { addr, entered, release, shutdown, served }
}

#[tokio::test]
async fn fault_49_a_shutdown_ends_what_is_in_flight_and_nothing_more() {
    let gated = gated(Server::builder()).await;
    let mut idle = Stream::connect(&gated.addr).await;
    let mut busy = Stream::connect(&gated.addr).await;
    busy.send(&[framed(message("m-1")), framed(message("m-2"))].concat()).await;
    gated.entered.notified().await;

    gated.shutdown.send(()).unwrap();
    assert_eq!(idle.block_or_end().await, None);
    assert!(TcpStream::connect(&gated.addr).await.is_err(), "no new connection");
    assert!(!gated.served.is_finished());

    gated.release.notify_one();
    assert_eq!(msa(&busy.block().await), "MSA|AA|m-1");
    assert_eq!(busy.block_or_end().await, None, "m-2 was not begun");
    gated.served.await.unwrap().unwrap();
}

#[tokio::test]
async fn fault_49_a_block_on_its_way_at_shutdown_is_answered() {
    let (shutdown, asked) = oneshot::channel::<()>();
    let server = Server::bind("127.0.0.1:0").await.unwrap();
    let addr = server.local_addr().unwrap().to_string();
    let handler = |req: Request| async move { Reply::accept(&req) };
    let served = tokio::spawn(server.serve_until(handler, async { asked.await.unwrap_or_default() }));

    let mut idle = Stream::connect(&addr).await;
    let mut half = Stream::connect(&addr).await;
    still_accepts(&mut half).await;
    let block = framed(message("m-1"));
    half.send(&block[..20]).await;
    // A round trip on another connection: the half block has been read by then.
    still_accepts(&mut idle).await;
    still_accepts(&mut idle).await;
    shutdown.send(()).unwrap();
    assert_eq!(idle.block_or_end().await, None);
    half.send(&block[20..]).await;
    assert_eq!(msa(&half.block().await), "MSA|AA|m-1");
    assert_eq!(half.block_or_end().await, None);
    served.await.unwrap().unwrap();
}

#[tokio::test]
async fn fault_49_what_does_not_end_in_time_is_cut_and_reported() {
    let gated = gated(Server::builder().drain_timeout(SHORT)).await;
    let mut stuck = Stream::connect(&gated.addr).await;
    stuck.send(&framed(message("m-1"))).await;
    gated.entered.notified().await;
    gated.shutdown.send(()).unwrap();
    let why = gated.served.await.unwrap().unwrap_err();
    assert_eq!(why.kind(), ServeErrorKind::Undrained(1));
    stuck.until_closed().await;
}

#[tokio::test]
async fn a_connection_too_many_is_closed_and_one_that_ends_makes_room() {
    let (listening, _) = counting(Server::builder().max_connections(2)).await;
    let mut first = Stream::connect(&listening.addr).await;
    let mut second = Stream::connect(&listening.addr).await;
    still_accepts(&mut first).await;
    still_accepts(&mut second).await;
    let mut third = Stream::connect(&listening.addr).await;
    third.until_closed().await;
    drop(first);
    let admitted = async {
        loop {
            let mut client = Client::connect(listening.addr.as_str()).await.unwrap();
            if client.send(&Message::parse(&message("m-1")).unwrap()).await.is_ok() {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, admitted).await.expect("the place is free again");
    still_accepts(&mut second).await;
}

#[tokio::test]
async fn an_address_that_is_taken_says_so() {
    let listening = accepting().await;
    let why = Server::bind(listening.addr.as_str()).await.unwrap_err();
    assert_eq!((why.kind(), why.code()), (BindErrorKind::InUse, "N301"));
    assert_eq!(Server::bind("192.0.2.1:0").await.unwrap_err().kind(), BindErrorKind::NotAvailable);
}
