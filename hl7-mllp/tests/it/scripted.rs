//! The scripted peers do what their names say: the client against each receiver, each sender against the listener.

use std::time::Duration;

use hl7_core::Message;
use hl7_mllp::scripted::{Act, Answer, Call, Ending, Receiver, Script, Seen, perform};
use hl7_mllp::{Client, DecoderOptions, Server};
use tokio::task::JoinSet;

use crate::peer::{PATIENCE, accepting, listening, message};

const SHORT: Duration = Duration::from_millis(200);
/// Long enough for a machine that has other work, as what is silent is silent for all of them at once.
const DEADLINE: Duration = Duration::from_millis(700);
const LATE: Duration = Duration::from_millis(1100);

/// What the client says of two messages sent one after the other on a connection: an acknowledgment code, or that of an error.
async fn said(script: Script) -> (String, String) {
    let receiver = Receiver::start(script).await.unwrap();
    let client = Client::builder().ack_timeout(DEADLINE).max_ack_bytes(100_000);
    let mut client = client.connect(receiver.address().to_string()).await.unwrap();
    let mut said = Vec::new();
    for id in ["m-Number-1", "m-Number-2"] {
        // Where the receiver greets, closes or says more, that has to have arrived before the next message.
        tokio::time::sleep(Duration::from_millis(80)).await;
        let text = message(id);
        said.push(match client.send(&Message::parse(&text).unwrap()).await {
            Ok(ack) => ack.code().to_string(),
            Err(why) => why.code().to_owned(),
        });
    }
    (said.remove(0), said.remove(0))
}

/// Script, what the client says of the first message, and of the second. `N1` stands for any error.
const SAID: &[(&str, &str, &str)] = &[
    ("late", "N111", "N106"),
    ("closes-idle", "AA", "AA"),
    ("cut-control-id", "N116", "N106"),
    ("resets-while-reading", "N110", "N106"),
    ("proper", "AA", "AA"),
    ("fragmenting", "AA", "AA"),
    ("commit-then-application", "CA", "N108"),
    ("half-open", "N111", "N106"),
    ("closes-at-once", "N107", "N106"),
    ("closes-without-answer", "N112", "N106"),
    ("resets-mid-ack", "N110", "N106"),
    ("closes-mid-ack", "N113", "N106"),
    ("resets-before-end", "N110", "N106"),
    ("closes-before-end", "N113", "N106"),
    ("cuts-mid-ack", "N113", "N106"),
    ("stops-mid-ack", "N111", "N106"),
    ("closes-after-each", "AA", "N107"),
    ("reads-nothing", "N111", "N106"),
    ("answers-once", "AA", "N111"),
    ("no-start-block", "N111", "N106"),
    ("no-end-block", "N111", "N106"),
    ("end-block-without-cr", "N111", "N106"),
    ("end-block-with-lf", "N113", "N106"),
    ("garbage-before", "AA", "AA"),
    ("garbage-behind", "AA", "N108"),
    ("endless-ack", "N113", "N106"),
    ("http", "N113", "N106"),
    ("telnet", "N108", "N106"),
    ("greets", "N108", "N106"),
    ("release-2-ack", "N1", "N106"),
    ("release-2-nak", "N1", "N106"),
    ("wrong-control-id", "N116", "N106"),
    ("no-control-id", "N115", "N106"),
    ("padded-control-id", "N116", "N106"),
    ("lower-case-control-id", "N116", "N106"),
    ("upper-case-control-id", "N116", "N106"),
    ("unescaped-control-id", "AA", "AA"),
    ("previous-control-id", "AA", "N116"),
    ("answers-twice", "AA", "N108"),
    ("answers-all-again", "AA", "N116"),
    ("echoes", "N114", "N106"),
    ("no-msa", "N114", "N106"),
    ("says-fail", "N114", "N106"),
    ("html", "N114", "N106"),
    ("xml", "N114", "N106"),
    ("lower-case-code", "AA", "AA"),
    ("unknown-code", "N114", "N106"),
    ("line-feeds", "AA", "AA"),
    ("open-last-segment", "AA", "AA"),
    ("wrong-charset", "AA", "AA"),
    ("unescaped-text", "AA", "AA"),
    ("constant-own-id", "AA", "AA"),
    ("application-error", "AE", "AE"),
    ("application-reject", "AR", "AR"),
    ("commit-error", "CE", "CE"),
    ("commit-reject", "CR", "CR"),
    ("commit-only", "CA", "CA"),
    ("takes-everything", "AA", "AA"),
    ("drops-what-is-behind", "AA", "AA"),
    ("reads-in-one-piece", "AA", "AA"),
    ("merges-blocks", "AA", "AA"),
    ("answers-out-of-order", "AA", "AA"),
    ("answers-the-last", "AA", "AA"),
];

#[tokio::test]
async fn every_scripted_receiver_is_met_as_its_name_says() {
    let scripts = Script::catalogue(LATE, LATE);
    let names: Vec<&str> = scripts.iter().map(Script::name).collect();
    let listed: Vec<&str> = SAID.iter().map(|(name, ..)| *name).collect();
    assert_eq!(names, listed);
    let mut runs = JoinSet::new();
    for script in scripts {
        runs.spawn(async move { (script.name(), said(script).await) });
    }
    let fits = |said: &str, expected: &str| said == expected || (expected == "N1" && said.starts_with("N1"));
    let mut others = Vec::new();
    while let Some(run) = runs.join_next().await {
        let (name, (first, second)) = run.unwrap();
        let (_, one, two) = SAID.iter().find(|(listed, ..)| *listed == name).unwrap();
        if !fits(&first, one) || !fits(&second, two) {
            others.push((name, first, second));
        }
    }
    assert!(others.is_empty(), "{others:?}");
}

#[tokio::test]
async fn a_receiver_tells_what_it_has_seen() {
    let receiver = Receiver::start(Script::proper()).await.unwrap();
    let addr = receiver.address().to_string();
    for id in ["m-1", "m-2"] {
        let text = message(id);
        let mut client = Client::connect(addr.as_str()).await.unwrap();
        client.send(&Message::parse(&text).unwrap()).await.unwrap();
    }
    assert!(receiver.messages(2, PATIENCE).await && receiver.connected(2, PATIENCE).await);
    assert_eq!((receiver.connections(), receiver.control_ids()), (2, vec!["m-1".into(), "m-2".into()]));
    assert!(!receiver.messages(3, Duration::from_millis(5)).await);
    assert!(!format!("{receiver:?}").contains("m-1"));
}

#[tokio::test]
async fn each_connection_can_have_a_script_of_its_own() {
    let scripts = [Script::closes_without_answer(), Script::application_error(), Script::proper()];
    let receiver = Receiver::start_at("127.0.0.1:0".parse().unwrap(), scripts).await.unwrap();
    let mut client = Client::connect(receiver.address().to_string()).await.unwrap();
    let text = message("m-1");
    let msg = Message::parse(&text).unwrap();
    let mut said = Vec::new();
    for _ in 0..4 {
        said.push(client.send(&msg).await.map(|ack| ack.code().to_string()).map_err(|why| why.code()));
        client.reconnect().await.unwrap();
    }
    assert_eq!(said, [Err("N112"), Ok("AE".into()), Ok("AA".into()), Ok("AA".into())]);
}

#[tokio::test]
async fn a_receiver_ends_when_it_is_dropped() {
    let receiver = Receiver::start(Script::half_open()).await.unwrap();
    let addr = receiver.address().to_string();
    let mut client = Client::connect(addr.as_str()).await.unwrap();
    assert!(receiver.connected(1, PATIENCE).await);
    drop(receiver);
    let text = message("m-1");
    let why = client.send(&Message::parse(&text).unwrap()).await.unwrap_err();
    assert!(["N107", "N110", "N112"].contains(&why.code()), "{why}");
    assert!(Client::connect(addr).await.is_err());
}

#[tokio::test]
async fn a_script_and_a_call_play_over_any_stream() {
    let (mut near, mut far) = tokio::io::duplex(64);
    let answer = Answer::proper().code("AE").in_pieces(3, Duration::ZERO);
    let script = Script::each([Act::Send(answer), Act::Close]);
    let seen = Seen::new();
    let call = Call::proper();
    let (ending, heard) = tokio::join!(perform(&mut far, &script, &seen), call.over(&mut near, PATIENCE));
    assert_eq!((ending, heard.acknowledged()), (Ending::Close, vec!["AE call-1".to_owned()]));
    assert_eq!(seen.control_ids(), ["call-1"]);
}

#[test]
fn scripts_and_calls_show_nothing_of_what_they_say() {
    let id = hl7_mllp::scripted::ControlId::Text("CANARY".into());
    let answer = Answer::proper()
        .text("CANARY")
        .own_id("CANARY")
        .charset("CANARY")
        .code("CANARY")
        .control_id(id.clone());
    let script = Script::each([Act::Send(answer), Act::SendToAll(Answer::bytes("CANARY"))]);
    let call = Call::new().block("CANARY").bytes("CANARY").slowly("CANARY", 1, SHORT);
    let shown = format!("{script:?} {script:#?} {call:?} {id:?}");
    assert!(!shown.contains("CANARY"), "{shown}");
}

/// What a listener with these limits answers to a call, and whether it closes.
async fn heard(call: Call) -> (Vec<String>, bool) {
    let limits = Server::builder()
        .idle_timeout(SHORT)
        .block_timeout(SHORT)
        .decoder(DecoderOptions::new().max_block_bytes(100_000).max_garbage_bytes(100));
    let listening = listening(limits, |req| async move { hl7_mllp::Reply::accept(&req) }).await;
    let heard = call.to(&listening.addr, PATIENCE).await.unwrap();
    (heard.acknowledged(), heard.is_closed())
}

#[tokio::test]
async fn scripted_senders_are_met_as_the_listener_promises() {
    let one: &[&str] = &["AA call-1"];
    let calls: [(&str, Call, &[&str], bool); 14] = [
        ("proper", Call::proper(), one, false),
        ("pipelining", Call::pipelining(3), &["AA call-1", "AA call-2", "AA call-3"], false),
        ("fragmenting", Call::fragmenting(), one, false),
        ("slow loris", Call::slow_loris(Duration::from_millis(5)), &[], true),
        ("silent", Call::silent(), &[], true),
        ("without end", Call::without_end(), &[], true),
        ("half a block", Call::half_block(), &[], true),
        ("some garbage", Call::garbage_first(100), one, false),
        ("much garbage", Call::garbage_first(101), &[], true),
        ("oversized", Call::oversized(200_000), &["AR call-1"], false),
        ("0x1C inside", Call::end_block_inside(), &["AR call-1"], false),
        ("broken, then good", Call::broken_then_good(), &["AA call-2"], false),
        ("0x1C alone at the end", Call::end_block_without_cr(), &[], true),
        ("not HL7", Call::not_hl7(), &[], true),
    ];
    let mut runs = JoinSet::new();
    for (name, call, answers, closed) in calls {
        runs.spawn(async move { (name, heard(call).await, answers, closed) });
    }
    let mut others = Vec::new();
    while let Some(run) = runs.join_next().await {
        let (name, heard, answers, closed) = run.unwrap();
        if heard.0 != answers || heard.1 != closed {
            others.push((name, heard));
        }
    }
    assert!(others.is_empty(), "{others:?}");
}

#[tokio::test]
async fn a_start_block_inside_a_message_starts_another() {
    // What is behind it is no message and its sender cannot be told.
    assert_eq!(heard(Call::start_block_inside()).await, (vec![], true));
}

#[tokio::test]
async fn a_call_that_resets_leaves_the_listener_as_it_was() {
    let listening = accepting().await;
    let heard = Call::half_block_then_reset().to(&listening.addr, PATIENCE).await.unwrap();
    assert!(heard.is_written() && heard.acknowledged().is_empty());
    let heard = Call::proper().to(&listening.addr, PATIENCE).await.unwrap();
    assert_eq!(heard.acknowledged(), ["AA call-1"]);
    assert!(!format!("{heard:?}").contains("call-1"));
}
