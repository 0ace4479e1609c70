//! The doctor against the scripted receivers: it names the planted fault and nothing else, and finds a sound receiver sound.

use std::time::Duration;

use hl7_core::{ErrorCode, Message};
use hl7_mllp::doctor::{CheckState, Probe, ProcessingId, Report, Severity};
use hl7_mllp::scripted::{Act, Answer, Order, Reading, Receiver, Script};
use hl7_mllp::{Doctor, Reply, Request, Server};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::peer::{accepting, listening};

/// Long enough for a machine that has other work.
const DEADLINE: Duration = Duration::from_millis(700);
const QUIET: Duration = Duration::from_millis(60);
const IDLE: Duration = Duration::from_millis(500);

fn hasty() -> Doctor {
    Doctor::new().ack_timeout(DEADLINE).quiet(QUIET).idle(IDLE).probes(Probe::all())
}

async fn examined(script: Script) -> Report {
    let receiver = Receiver::start(script).await.unwrap();
    hasty().examine(&receiver.address().to_string()).await
}

/// The codes of a report's errors and warnings, each once.
fn troubles(report: &Report) -> Vec<&'static str> {
    let found = report.findings().iter().filter(|f| f.severity() > Severity::Info).map(|f| f.code());
    let mut found: Vec<_> = found.collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Script, and what has to be found: errors and warnings, each of them and no other.
const FOUND: &[(&str, &[&str])] = &[
    ("late", &["D202"]),
    ("closes-idle", &["D208"]),
    ("cut-control-id", &["D503"]),
    ("resets-while-reading", &["D204"]),
    ("proper", &[]),
    ("fragmenting", &[]),
    ("commit-then-application", &["D415"]),
    ("half-open", &["D201"]),
    ("closes-at-once", &["D107"]),
    ("closes-without-answer", &["D203"]),
    ("resets-mid-ack", &["D308"]),
    ("closes-mid-ack", &["D307"]),
    ("resets-before-end", &["D308"]),
    ("closes-before-end", &["D307"]),
    ("cuts-mid-ack", &["D307"]),
    ("stops-mid-ack", &["D306"]),
    ("closes-after-each", &["D207"]),
    ("reads-nothing", &["D201", "D205"]),
    ("answers-once", &["D209"]),
    ("no-start-block", &["D301"]),
    ("no-end-block", &["D302"]),
    ("end-block-without-cr", &["D303"]),
    ("end-block-with-lf", &["D303"]),
    ("garbage-before", &["D304"]),
    ("garbage-behind", &["D305"]),
    ("endless-ack", &["D309"]),
    ("http", &["D109"]),
    ("telnet", &["D109"]),
    ("greets", &["D108"]),
    ("release-2-ack", &["D412"]),
    ("release-2-nak", &["D413"]),
    ("wrong-control-id", &["D502"]),
    ("no-control-id", &["D501"]),
    ("padded-control-id", &["D504"]),
    ("lower-case-control-id", &["D505"]),
    ("upper-case-control-id", &["D505"]),
    ("unescaped-control-id", &["D506"]),
    ("previous-control-id", &["D507"]),
    ("answers-twice", &["D414"]),
    ("answers-all-again", &["D417"]),
    ("echoes", &["D411"]),
    ("no-msa", &["D402"]),
    ("says-fail", &["D401"]),
    ("html", &["D401"]),
    ("xml", &["D401"]),
    ("lower-case-code", &["D405", "D715"]),
    ("unknown-code", &["D404"]),
    ("line-feeds", &["D406"]),
    ("open-last-segment", &["D419"]),
    ("wrong-charset", &["D407"]),
    ("unescaped-text", &["D408"]),
    ("constant-own-id", &["D410"]),
    ("application-error", &["D601"]),
    ("application-reject", &["D602"]),
    ("commit-error", &["D603"]),
    ("commit-reject", &["D604"]),
    ("commit-only", &["D416"]),
    ("takes-everything", &["D713", "D715"]),
    ("drops-what-is-behind", &["D702"]),
    ("reads-in-one-piece", &["D607", "D701"]),
    ("merges-blocks", &["D710"]),
    ("answers-out-of-order", &["D704"]),
    ("answers-the-last", &["D703"]),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_planted_fault_of_each_script_is_named_and_no_other() {
    let scripts = Script::catalogue(DEADLINE * 3 / 2, IDLE * 3 / 5);
    assert_eq!(
        scripts.iter().map(Script::name).collect::<Vec<_>>(),
        FOUND.iter().map(|f| f.0).collect::<Vec<_>>()
    );
    let mut runs = JoinSet::new();
    for script in scripts {
        runs.spawn(async move { (script.name(), examined(script).await) });
    }
    let mut others = Vec::new();
    while let Some(run) = runs.join_next().await {
        let (name, report) = run.unwrap();
        let found = troubles(&report);
        let expected = FOUND.iter().find(|(listed, _)| *listed == name).unwrap().1;
        if found != expected {
            others.push(format!("{name}: {found:?}\n{report}"));
        }
    }
    assert!(others.is_empty(), "{}", others.join("\n"));
}

/// Scripts that have no name, and what has to be found.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rarer_faults_are_named_too() {
    let answer = Answer::proper;
    let other = answer().control_id(hl7_mllp::scripted::ControlId::Text("other".into()));
    let cases: [(Script, &[&str]); 8] = [
        (Script::cut_control_id(20), &["D508"]),
        (Script::each([Act::Send(answer().start(*b"\x0BMSH|^~\\&|half\x0B"))]), &["D310"]),
        (Script::each([Act::Send(answer().text(*b"x\rMSA|AA|1"))]), &["D403"]),
        (Script::each([Act::Send(answer().own_id(""))]), &["D409"]),
        (Script::each([Act::Send(answer()), Act::Send(other)]), &["D418"]),
        (Script::each([Act::Send(Answer::content(*b""))]), &["D401"]),
        (Script::proper().opening([Act::Reset]), &["D107"]),
        (Script::each([Act::Send(Answer::bytes(*b"ok\r\n"))]), &["D109"]),
    ];
    let mut runs = JoinSet::new();
    for (script, expected) in cases {
        runs.spawn(async move { (examined(script).await, expected) });
    }
    while let Some(run) = runs.join_next().await {
        let (report, expected) = run.unwrap();
        assert_eq!(troubles(&report), expected, "{report}");
    }
}

#[tokio::test]
async fn a_slow_receiver_is_named_before_it_is_too_slow() {
    let receiver = Receiver::start(Script::after(DEADLINE * 3 / 5)).await.unwrap();
    let report = hasty().probes([Probe::Pipelining]).examine(&receiver.address().to_string()).await;
    assert_eq!(troubles(&report), ["D206"], "{report}");
}

#[tokio::test]
async fn an_answer_that_comes_again_in_a_pause_is_named() {
    let answer = || Act::Send(Answer::proper());
    let script = Script::each([answer(), Act::Pause(QUIET * 3), answer()]);
    let receiver = Receiver::start(script).await.unwrap();
    let report = hasty().probes([Probe::Idle]).examine(&receiver.address().to_string()).await;
    assert!(troubles(&report).contains(&"D418"), "{report}");
}

#[tokio::test]
async fn our_own_listener_is_sound() {
    let listening = accepting().await;
    let report = hasty().probes(Probe::STANDARD).examine(&listening.addr).await;
    assert!(report.is_clean() && report.findings().is_empty(), "{report}");
    assert_eq!(report.peer().unwrap().to_string(), listening.addr);
    assert_eq!(report.checks().len(), Probe::STANDARD.len());
    // On request: its handler takes whatever is a message.
    let report = hasty().examine(&listening.addr).await;
    assert_eq!(troubles(&report), ["D715"], "{report}");
}

#[tokio::test]
async fn without_requests_only_test_messages_are_sent() {
    let receiver = Receiver::start(Script::proper()).await.unwrap();
    let report = hasty().probes(Probe::STANDARD).examine(&receiver.address().to_string()).await;
    assert!(report.is_clean(), "{report}");
    let ids = receiver.control_ids();
    assert!(ids.iter().all(|id| id.starts_with(report.control_id_prefix())), "{ids:?}");
    // One message is sent twice.
    assert_eq!(ids.len(), report.messages() + 1);
}

/// A report of a listener that replies so.
async fn replying(reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Report {
    let listening = listening(Server::builder(), move |req| std::future::ready(reply(&req))).await;
    hasty().probes(Probe::STANDARD).examine(&listening.addr).await
}

fn valued(req: &Request, path: &hl7_core::Path) -> String {
    req.message().get(path).map(|value| value.raw().to_owned()).unwrap_or_default()
}

#[tokio::test]
async fn a_message_that_differs_in_one_thing_shows_what_a_receiver_does_not_take() {
    let no_utf8 = replying(|req| match valued(req, hl7_core::path!("MSH-18")).as_str() {
        "" => Reply::accept(req),
        _ => Reply::error(req, ErrorCode::DataTypeError, "character set"),
    });
    let no_long_ids = replying(|req| match valued(req, hl7_core::path!("MSH-10")).len() {
        0..=20 => Reply::accept(req),
        _ => Reply::close(),
    });
    let no_enhanced = replying(|req| match valued(req, hl7_core::path!("MSH-15")).as_str() {
        "" => Reply::accept(req),
        _ => Reply::none(),
    });
    let seen = std::sync::Mutex::new(std::collections::HashSet::new());
    let no_duplicates =
        replying(move |req| match seen.lock().unwrap().insert(valued(req, hl7_core::path!("MSH-10"))) {
            true => Reply::accept(req),
            false => Reply::reject(req, ErrorCode::DuplicateKeyIdentifier, "known"),
        });
    let last = std::sync::Mutex::new(std::collections::HashMap::new());
    let no_pauses = replying(move |req| {
        let before = last.lock().unwrap().insert(req.peer(), std::time::Instant::now());
        match before.is_some_and(|before| before.elapsed() > QUIET * 3) {
            true => Reply::none(),
            false => Reply::accept(req),
        }
    });
    let (no_utf8, no_long_ids, no_enhanced, no_duplicates, no_pauses) =
        tokio::join!(no_utf8, no_long_ids, no_enhanced, no_duplicates, no_pauses);
    assert_eq!(troubles(&no_utf8), ["D605"], "{no_utf8}");
    assert_eq!(troubles(&no_long_ids), ["D607"], "{no_long_ids}");
    assert_eq!(troubles(&no_enhanced), ["D707"], "{no_enhanced}");
    assert_eq!(troubles(&no_duplicates), ["D709"], "{no_duplicates}");
    assert_eq!(troubles(&no_pauses), ["D210"], "{no_pauses}");
    let original =
        replying(|req| Reply::message(hl7_core::Ack::to(req.message(), hl7_core::AckCode::AA).build()));
    let original = original.await;
    assert!(original.is_clean(), "{original}");
    assert_eq!(original.findings().iter().map(|f| f.code()).collect::<Vec<_>>(), ["D706", "D706"]);
}

#[tokio::test]
async fn the_caller_chooses_the_message_and_its_processing_id() {
    let text = "MSH|^~\\&|LAB|NORTH|EHR|NORTH|20260102||ORU^R01^ORU_R01|mine|P|2.4|||AL|NE\rOBX|1|ST|||x\r";
    let listening = listening(Server::builder(), |req: Request| async move {
        let fits = valued(&req, hl7_core::path!("MSH-11")) == "D"
            && valued(&req, hl7_core::path!("MSH-9.1")) == "ORU"
            && valued(&req, hl7_core::path!("OBX-5")) == "x"
            && valued(&req, hl7_core::path!("MSH-10")) != "mine"
            && valued(&req, hl7_core::path!("MSH-15")).is_empty();
        if fits { Reply::accept(&req) } else { Reply::close() }
    })
    .await;
    let doctor = hasty().message(Message::parse(text).unwrap().into_owned());
    let doctor = doctor.processing_id(ProcessingId::Debugging).probes([Probe::Again]);
    let report = doctor.examine(&listening.addr).await;
    assert!(report.is_clean(), "{report}");
    assert_eq!(
        report.checks().iter().map(|check| check.probe().as_str()).collect::<Vec<_>>(),
        ["reach", "message", "again"]
    );
    assert!(!format!("{doctor:?}").contains("mine"));
}

#[tokio::test]
async fn a_message_that_cannot_be_changed_skips_what_needs_the_change() {
    let listening = accepting().await;
    let text = "MSH|^~\\&|LAB|NORTH|EHR|NORTH|20260102||ORU^R01|m|P|2.4\r";
    let doctor = hasty().message(Message::parse(text).unwrap().into_owned()).probes([Probe::Charset]);
    let report = doctor.examine(&listening.addr).await;
    assert_eq!(report.checks().last().unwrap().state(), CheckState::Skipped, "{report}");
    assert!(!report.is_clean());
}

#[tokio::test]
async fn what_cannot_be_reached_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap().to_string();
    drop(listener);
    // Which of the two a name gets that is none, the system says.
    let cases: [(&str, &[&str]); 3] =
        [(&addr, &["D103"]), ("no-port", &["D101"]), ("a name with blanks:2575", &["D102", "D110"])];
    for (addr, codes) in cases {
        let report = hasty().examine(addr).await;
        assert!(matches!(troubles(&report)[..], [code] if codes.contains(&code)), "{report}");
        assert!(report.checks()[1..].iter().all(|check| check.state() == CheckState::Skipped), "{report}");
    }
}

#[tokio::test]
async fn the_whole_examination_has_a_deadline() {
    let receiver = Receiver::start(Script::half_open()).await.unwrap();
    let doctor = Doctor::new().quiet(QUIET).deadline(DEADLINE);
    let begun = std::time::Instant::now();
    let report = doctor.examine(&receiver.address().to_string()).await;
    assert!(begun.elapsed() < DEADLINE * 4);
    assert_eq!(troubles(&report), ["D901"], "{report}");
    assert_eq!(report.checks().len(), Probe::STANDARD.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_holds_nothing_of_what_was_said() {
    const CANARY: &str = "CANARY";
    let in_text = |code: &str| Answer::proper().code(code).text(CANARY).own_id(CANARY).charset(CANARY);
    let answers = [
        in_text("AA"),
        in_text("AE"),
        in_text(CANARY),
        Answer::content(CANARY),
        Answer::bytes(CANARY),
        Answer::proper().start(*b"CANARY\x0B").end(*b"\x1C\rCANARY"),
        Answer::proper().control_id(hl7_mllp::scripted::ControlId::Text(CANARY.into())),
        Answer::content(format!("MSH|^~\\&|{CANARY}\r{CANARY}\r")),
    ];
    let mut runs = JoinSet::new();
    for answer in answers {
        let script = Script::each([Act::Send(answer)]);
        runs.spawn(examined(script.order(Order::AsSent).reading(Reading::Blocks)));
    }
    while let Some(report) = runs.join_next().await {
        let report = report.unwrap();
        assert!(report.worst().is_some());
        for shown in [report.to_string(), report.to_json(), format!("{report:?} {report:#?}")] {
            assert!(!shown.contains(CANARY), "{shown}");
        }
    }
}

#[tokio::test]
async fn a_report_reads_as_text_and_as_json() {
    let report = examined(Script::no_control_id()).await;
    let text = report.to_string();
    assert!(text.contains("\nerror D501 (message): MSA-2 is missing\n"), "{text}");
    let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
    assert_eq!(json["verdict"], "error");
    assert_eq!(json["findings"][0]["code"], "D501");
    assert_eq!(json["checks"][2]["state"], "skipped");
    assert_eq!(json["control_id_prefix"], report.control_id_prefix());
    assert_eq!(json["messages"], 1);
}

#[test]
fn a_probe_is_named_and_read_back() {
    for probe in Probe::all() {
        assert_eq!(probe.as_str().parse(), Ok(probe));
    }
    let why = "x-ray".parse::<Probe>().unwrap_err().to_string();
    assert!(why.contains(" control-ids ") && !why.contains("x-ray"), "{why}");
}
