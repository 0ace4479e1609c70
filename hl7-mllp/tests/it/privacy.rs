//! No diagnostic shows message content: a word planted everywhere is looked for in every error, `Debug` and `tracing` event.

use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use hl7_core::{ErrorCode, Message, ReadOptions};
use hl7_mllp::{
    AckMode, AckTracker, Acknowledgment, ApplicationAcks, ApplicationOutcome, ApplicationReply, Block,
    Client, DecodeErrorKind, Decoder, DecoderOptions, Exchange, Frame, Proxy, Received, Reply, Request,
    Responder, SequenceTarget, Server, Step, encode,
};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Dispatch, Event, Metadata, Subscriber};

use crate::peer::{Stream, answering, framed, listening, scripted};

const CANARY: &str = "CANARY7";

/// Keeps every event, with all its fields.
#[derive(Clone, Default)]
pub(crate) struct Log {
    lines: Arc<Mutex<Vec<String>>>,
}

struct Line<'l>(&'l mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.push_str(&format!("{field}={value:?} "));
    }
}

/// A second subscriber that nobody uses. While there is only one, `tracing` decides whether an event is wanted by the thread that comes to it
/// first, which may be another test's.
static SECOND: OnceLock<Dispatch> = OnceLock::new();

impl Log {
    /// Keeps the events of this thread.
    pub(crate) fn record(&self) -> DefaultGuard {
        SECOND.get_or_init(|| Dispatch::new(Log::default()));
        let recording = tracing::subscriber::set_default(self.clone());
        tracing::callsite::rebuild_interest_cache();
        recording
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("hl7")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut line = String::new();
        span.record(&mut Line(&mut line));
        self.lines.lock().unwrap().push(line);
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut line = String::new();
        values.record(&mut Line(&mut line));
        self.lines.lock().unwrap().push(line);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = String::new();
        event.record(&mut Line(&mut line));
        self.lines.lock().unwrap().push(line);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

fn clean(shown: &str) {
    assert!(!shown.contains("CANARY"), "shows content: {shown}");
}

fn clean_error(why: &(dyn Error + 'static)) {
    let mut next = Some(why);
    while let Some(why) = next {
        clean(&format!("{why} {why:?} {why:#?}"));
        next = why.source();
    }
}

/// Messages with the word in every place, and ways to break them.
fn planted() -> Vec<Vec<u8>> {
    let c = CANARY;
    let whole = format!(
        "MSH|^~\\&|{c}|{c}|{c}|{c}|{c}|{c}|{c}^{c}^{c}|{c}|{c}|{c}|{c}|{c}|AL|AL|{c}\rPID|{c}||{c}\r{c}\r{c}|{c}\r"
    );
    let charset = format!("MSH|^~\\&|{c}|{c}|{c}|{c}|{c}||{c}|{c}|P|2.5||||||{c}\rPID|{c}\r");
    let msa = format!("MSH|^~\\&|{c}||||||{c}|{c}|P|2.5\rMSA|{c}|{c}|{c}\r");
    let wrong_id = format!("MSH|^~\\&|{c}||||||{c}|{c}|P|2.5\rMSA|AA|{c}X|{c}\r");
    let no_id = format!("MSH|^~\\&|{c}\rMSA|AA||{c}\r");
    let texts = [
        whole.clone(),
        format!("{whole}{whole}"),
        format!("{whole}{wrong_id}"),
        charset,
        msa,
        wrong_id,
        no_id,
        format!("{c}|{c}\r"),
        format!("<{c}>"),
        format!("FHS|{c}"),
        format!("MSH{c}{c}"),
        format!("MSH|{c}|{c}"),
        format!("MSH|^~\\&|{c}\r{c}\x1C{c}\r"),
        format!("MSH|^~\\&|{c}\r{c}\x0B{c}\r"),
    ];
    let mut all: Vec<Vec<u8>> = texts.into_iter().map(String::into_bytes).collect();
    all.push([whole.as_bytes(), b"\xFF\xFE"].concat());
    all
}

#[test]
fn values_and_errors_show_no_content() {
    for content in planted() {
        let block = Block::new(content.clone());
        clean(&format!("{block:?} {block:#?}"));
        match Acknowledgment::read(&content) {
            Ok(ack) => clean(&format!("{ack:?} {ack:#?}")),
            Err(why) => clean_error(&why),
        }
        if let Err(why) = encode(&content, &mut bytes::BytesMut::new()) {
            clean_error(&why);
        }
        let mut decoder = Decoder::new(DecoderOptions::new().max_block_bytes(40).max_garbage_bytes(3));
        let mut buf = bytes::BytesMut::from(&[CANARY.as_bytes(), &framed(&content)].concat()[..]);
        for _ in 0..10 {
            if let Err(why) = decoder.decode(&mut buf) {
                clean_error(&why);
            }
            clean(&format!("{decoder:?}"));
        }
        for mode in [AckMode::Original, AckMode::Accept, AckMode::Application] {
            let now = std::time::Instant::now();
            let new = || Exchange::new(CANARY, mode, now + Duration::from_secs(1));
            let both = new().then_application(Duration::from_secs(1)).missing_control_id_allowed();
            for mut exchange in [new(), new().release2(), both] {
                let step = exchange.handle_block(block.clone(), now);
                clean(&format!("{exchange:?} {step:?}"));
                if let Step::Refused(why) = step {
                    clean(&format!("{why:?}"));
                }
            }
        }
    }
}

#[test]
fn what_a_listener_owes_shows_no_content() {
    let peer = ([127, 0, 0, 1], 1).into();
    for content in planted() {
        let mut responder = Responder::new(ReadOptions::default(), Frame::default()).release2();
        let fault = responder.handle_fault(DecodeErrorKind::TooLong, Some(Block::new(content.clone())));
        let received = responder.handle_block(Block::new(content));
        clean(&format!("{responder:?} {fault:?} {received:?} {received:#?}"));
        let Received::Message(message, block) = received else { continue };
        let req = Request::new(message, block, peer);
        let work = ApplicationReply::error(&req, ErrorCode::DataTypeError, CANARY);
        clean(&format!("{work:?}"));
        let reply = Reply::accept(&req).then(std::future::ready(work));
        clean(&format!("{reply:?}"));
        let response = responder.handle_reply(&req, reply);
        let arrival = SequenceTarget::new(None).handle(&req);
        clean(&format!("{response:?} {response:#?} {arrival:?} {:?}", arrival.reply(&req)));
    }
}

#[test]
fn what_is_awaited_shows_no_content() {
    let mut tracker = AckTracker::new(1);
    let acks = ApplicationAcks::with_room_for(1);
    let now = std::time::Instant::now();
    tracker.expect(CANARY, now, ()).unwrap();
    for id in [CANARY, "another"] {
        clean_error(&tracker.expect(id, now, ()).unwrap_err());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let expected = acks.expect(CANARY, Duration::from_millis(1)).unwrap();
        clean(&format!("{tracker:?} {acks:?} {expected:?} {expected:#?}"));
        clean_error(&expected.acknowledgment().await.unwrap_err());
    });
    clean_error(&CANARY.parse::<hl7_mllp::Sequence>().unwrap_err());
    clean_error(&Frame::new(b'C', b'A').unwrap_err());
}

#[cfg(feature = "codec")]
#[test]
fn the_codec_of_tokio_util_shows_no_content() {
    use tokio_util::codec::{Decoder as _, Encoder as _};

    for content in planted() {
        let mut codec = hl7_mllp::BlockCodec::new(DecoderOptions::new().max_block_bytes(40));
        if let Err(why) = codec.encode(&content[..], &mut bytes::BytesMut::new()) {
            clean_error(&why);
        }
        if let Err(why) = codec.decode_eof(&mut bytes::BytesMut::from(&framed(&content)[..])) {
            clean_error(&why);
        }
        clean(&format!("{codec:?}"));
    }
}

#[tokio::test]
async fn both_phases_and_release_2_show_no_content() {
    let log = Log::default();
    let _logging = tracing::subscriber::set_default(log.clone());
    let header = format!("MSH|^~\\&|{CANARY}|{CANARY}|||||{CANARY}|{CANARY}|P|2.5|||AL|AL\rPID|{CANARY}\r");
    let message = Message::parse(&header).unwrap();
    let commit = format!("MSH|^~\\&|{CANARY}\rMSA|CA|{CANARY}|{CANARY}\r");
    let mut missing = 0;
    for answer in planted() {
        let answers = [framed(&commit), framed(&answer)].concat();
        for (bytes, release2) in [
            (answers.clone(), false),
            ([framed("\x06"), answers].concat(), true),
            (framed(&answer), true),
            (framed("\x15"), true),
        ] {
            let builder = Client::builder().application_timeout(Duration::from_millis(20));
            let mut client = builder.release2(release2).connect(answering(bytes).await).await.unwrap();
            match client.send_two_phase(&message).await {
                Ok(both) => {
                    clean(&format!("{both:?} {both:#?}"));
                    if let ApplicationOutcome::Missing(why) = both.application {
                        missing += 1;
                        clean_error(&why);
                    }
                }
                Err(why) => clean_error(&why),
            }
        }
    }
    assert!(missing > 20, "{missing}");
    clean(&log.lines().concat());
}

#[tokio::test]
async fn a_listener_with_work_behind_its_answers_shows_no_content() {
    let log = Log::default();
    let _logging = tracing::subscriber::set_default(log.clone());
    let acks = ApplicationAcks::new();
    let handler = move |req: Request| {
        let taken = acks.take(&req);
        std::future::ready(taken.unwrap_or_else(|| {
            Reply::accept(&req).then(async move {
                match req.message().iter().count() {
                    2 => panic!("{}", req.message().as_er7()),
                    3 => ApplicationReply::message(Message::parse("MSH|^~\\&|\x1C").unwrap().into_owned()),
                    _ => ApplicationReply::error(&req, ErrorCode::DataTypeError, CANARY),
                }
            })
        }))
    };
    let listening = listening(Server::builder().release2(true), handler).await;
    let mut contents = planted();
    contents.push(format!("MSH|^~\\&|{CANARY}\rPID|{CANARY}\r").into_bytes());
    contents.push(format!("MSH|^~\\&|{CANARY}\rPID|{CANARY}\rPV1|{CANARY}\r").into_bytes());
    for content in contents {
        let mut stream = Stream::connect(&listening.addr).await;
        stream.try_send(&[framed(&content), framed("\x15"), framed(&content)].concat()).await;
        stream.finish().await;
        stream.until_closed().await;
    }
    let lines = log.lines().concat();
    clean(&lines);
    for told in
        ["the handler panicked", "the reply cannot be sent", "refused an answer", "nobody's or unreadable"]
    {
        assert!(lines.contains(told), "nothing was said of {told:?}");
    }
}

#[tokio::test]
async fn a_client_shows_no_content() {
    let log = Log::default();
    let _logging = log.record();
    let text = format!("MSH|^~\\&|{CANARY}|{CANARY}|||||{CANARY}|{CANARY}|P|2.5\rPID|{CANARY}\r");
    let message = Message::parse(&text).unwrap();
    let mut failed = 0;
    for answer in planted() {
        let garbage = [CANARY.as_bytes().repeat(200), framed(&answer)].concat();
        for answer in [framed(&answer), answer.clone(), garbage, [framed(&answer), framed(&answer)].concat()]
        {
            let addr = answering(answer).await;
            let mut client =
                Client::builder().ack_timeout(Duration::from_millis(50)).connect(addr).await.unwrap();
            for _ in 0..2 {
                if let Err(why) = client.send(&message).await {
                    failed += 1;
                    clean_error(&why);
                }
                clean(&format!("{client:?}"));
            }
            if let Err(why) = client.send_wire(&answer_as_message(&text)).await {
                clean_error(&why);
            }
        }
    }
    assert!(failed > 60, "{failed}");
    let lines = log.lines();
    assert!(lines.len() > 40, "{}", lines.len());
    clean(&lines.concat());
}

/// The message, broken so that it cannot be sent.
fn answer_as_message(text: &str) -> Vec<u8> {
    text.replace("MSH|^", CANARY).into_bytes()
}

#[tokio::test]
async fn a_listener_shows_no_content() {
    let log = Log::default();
    let _logging = log.record();
    let handler = |req: Request| async move {
        clean(&format!("{req:?} {req:#?}"));
        let reply = Reply::reject(&req, ErrorCode::DataTypeError, CANARY);
        clean(&format!("{reply:?} {reply:#?}"));
        if req.message().iter().count() == 2 {
            panic!("{}", req.message().as_er7());
        }
        if req.message().iter().count() == 3 {
            return Reply::bytes(format!("{CANARY}\x1C").into_bytes());
        }
        reply
    };
    let listening = listening(Server::builder().max_block_bytes(500), handler).await;
    let mut contents = planted();
    contents.push(format!("MSH|^~\\&|{CANARY}\rPID|{CANARY}\rPV1|{CANARY}\r").into_bytes());
    contents.push(format!("MSH|^~\\&|{CANARY}\r{}", CANARY.repeat(200)).into_bytes());
    for content in contents {
        let garbage = CANARY.repeat(200).into_bytes();
        for bytes in [framed(&content), [&framed(&content)[..], &garbage].concat()] {
            let mut stream = Stream::connect(&listening.addr).await;
            stream.try_send(&bytes).await;
            stream.finish().await;
            stream.until_closed().await;
        }
    }
    let lines = log.lines().concat();
    clean(&lines);
    for told in ["broken framing", "not a message", "the handler panicked", "the reply cannot be sent"] {
        assert!(lines.contains(told), "nothing was said of {told:?}");
    }
}

#[tokio::test]
async fn a_proxys_credentials_are_shown_nowhere() {
    let log = Log::default();
    let _logging = log.record();
    for answer in [&b"\x05\xFF"[..], b"\x05\x02\x01\x01", b"HTTP/1.1 407 CANARY7\r\n\r\n", b"CANARY7", b""] {
        for proxy in [Proxy::socks5, Proxy::http] {
            let addr = scripted(move |peer| async move {
                let mut stream = peer.accept().await;
                stream.try_send(answer).await;
                stream.until_closed().await;
            })
            .await;
            let builder = Client::builder()
                .connect_timeout(Duration::from_millis(50))
                .proxy(proxy(addr).credentials(CANARY, CANARY));
            clean_error(&builder.connect("host:1").await.unwrap_err());
        }
    }
    clean(&log.lines().concat());
}

#[tokio::test]
async fn addresses_that_fail_are_not_content() {
    // What the user typed is not repeated either: it may hold a password by mistake.
    let why = Client::connect(format!("{CANARY}@host")).await.unwrap_err();
    clean_error(&why);
    let host = || Client::builder().connect_timeout(Duration::from_millis(50));
    for proxy in [Proxy::socks5(CANARY), Proxy::http(format!("{CANARY}:{CANARY}@127.0.0.1:1"))] {
        let proxy = proxy.credentials(CANARY, CANARY);
        clean(&format!("{proxy:?} {:?}", host().proxy(proxy.clone())));
        clean_error(&host().proxy(proxy).connect("host:1").await.unwrap_err());
    }
    let why = Server::bind(format!("{CANARY}@host")).await.unwrap_err();
    clean_error(&why);
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn tls_and_pools_show_no_content_and_no_key() {
    use crate::authority::{Authority, serving, trusting};
    let log = Log::default();
    let _logging = log.record();
    let (authority, stranger) = (Authority::new(), Authority::new());
    let (own, lab) = (authority.issue(), stranger.issue_to("lab.example"));
    let handler = |req: Request| async move {
        clean(&format!("{req:?} {:?}", req.identity()));
        Reply::reject(&req, ErrorCode::DataTypeError, CANARY)
    };
    let tls = serving(&own).client_authority(authority.pem()).client_certificate_is_optional();
    let builder = Server::builder().tls(tls.build().unwrap()).max_block_bytes(500);
    let meter = builder.meter();
    let listening = listening(builder, handler).await;
    let text = format!("MSH|^~\\&|{CANARY}|{CANARY}|||||{CANARY}|{CANARY}|P|2.5\rPID|{CANARY}\r");
    let long = text.replace("PID|", &format!("PID|{}", CANARY.repeat(200)));
    let good = trusting(&authority).build().unwrap();
    let refused = trusting(&authority).certificate(lab.chain(), lab.key()).build().unwrap();
    let untrusted = trusting(&stranger).build().unwrap();
    for tls in [good, refused, untrusted] {
        let pool = Client::builder().tls(tls).pool(&*listening.addr, 1);
        for text in [&text, &long] {
            let sent = pool.send(&Message::parse(text).unwrap()).await;
            sent.map_or_else(|why| clean_error(&why), |ack| clean(&format!("{ack:?}")));
            clean(&format!("{pool:?} {:?}", pool.meter().read()));
        }
    }
    // In plain, to a port for TLS.
    let mut plain = Stream::connect(&listening.addr).await;
    plain.try_send(&framed(&text)).await;
    plain.until_closed().await;
    while !meter.read().handshake_errors.contains_key("N409") {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let lines = log.lines().concat();
    clean(&format!("{lines} {:?}", meter.read()));
    for told in ["no secure connection", "code=\"N407\"", "code=\"N409\"", "broken framing", "bytes="] {
        assert!(lines.contains(told), "nothing was said of {told:?}");
    }
}
