//! doctor, against the scripted receivers and `hl7 listen`.

use hl7_mllp::scripted::{Receiver, Script};

use crate::wire::listen;
use crate::{ADT, Run, finish, hl7};

/// Runs `hl7 doctor` against a receiver with this script.
fn examined(script: Script, more: &[&str]) -> Run {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let receiver = runtime.block_on(Receiver::start(script)).unwrap();
    let address = receiver.address().to_string();
    hl7(&[&["doctor", &address], more].concat(), "")
}

#[test]
fn a_sound_receiver_is_exit_code_0() {
    let run = examined(Script::proper(), &["--probe", "again", "--probe", "enhanced"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(run.out.contains("\n0 errors, 0 warnings in "), "{}", run.out);
    let probes: Vec<&str> = run.out.lines().map_while(|line| line.strip_prefix("ok       ")).collect();
    assert_eq!(probes.len(), 4, "{}", run.out);
}

#[test]
fn a_planted_fault_is_named_with_exit_code_1() {
    for (script, code) in [
        (Script::cut_control_id(8), "D503"),
        (Script::no_control_id(), "D501"),
        (Script::end_block_without_cr(), "D303"),
        (Script::half_open(), "D201"),
        (Script::http(), "D109"),
    ] {
        let run = examined(script, &["--ack-timeout", "1"]);
        assert_eq!((run.code, run.err.as_str()), (1, ""), "{}", run.out);
        assert!(run.out.contains(&format!("\nerror {code} (message): ")), "{code}: {}", run.out);
        assert!(run.out.contains("skipped  again "), "{}", run.out);
    }
}

#[test]
fn a_warning_alone_is_exit_code_0() {
    let run = examined(Script::closes_after_each(), &["--probe", "again"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(run.out.contains("\nwarning D207 (message): "), "{}", run.out);
}

#[test]
fn the_report_can_be_had_as_json() {
    let run = examined(Script::no_msa(), &["--json"]);
    assert_eq!(run.code, 1, "{}", run.err);
    let report: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((&report["verdict"], &report["findings"][0]["code"]), (&"error".into(), &"D402".into()));
}

#[test]
fn nobody_there_is_exit_code_4() {
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let run = hl7(&["doctor", &address], "");
    assert_eq!(run.code, 4, "{}", run.out);
    assert!(run.err.starts_with("error: D103: "), "{}", run.err);
}

#[test]
fn wrong_arguments_are_exit_code_2() {
    for more in [&["--probe", "x-ray"][..], &["--all", "--probe", "idle"], &["--processing-id", "X"]] {
        assert_eq!(hl7(&[&["doctor", "127.0.0.1:1"], more].concat(), "").code, 2, "{more:?}");
    }
}

#[test]
fn the_message_can_be_ones_own() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.hl7");
    std::fs::write(&file, ADT).unwrap();
    let (listener, address) = listen(&["--count", "1"]);
    let file = file.to_str().unwrap();
    let run = hl7(&["doctor", &address, "--message", file, "--processing-id", "D", "--probe", "message"], "");
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    let received = finish(listener).out;
    assert!(received.contains("|ADT^A08^ADT_A01|Dr") && received.contains("|D|2.5.1"), "{received}");
    assert!(received.contains("Byrne"), "{received}");
    let missing = hl7(&["doctor", &address, "--message", "no-such-file"], "");
    assert_eq!(missing.code, 4, "{}", missing.err);
}
