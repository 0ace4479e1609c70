//! The demo, as the README tells a new user to run it.

use std::net::TcpListener;

use crate::process::Process;
use crate::site::gateway;

#[test]
fn the_demo_shows_the_whole_way_and_ends() {
    let data = tempfile::tempdir().unwrap();
    let (status, out, err) =
        Process::start(gateway().args(["demo", "--once", "--data"]).arg(data.path())).wait();
    assert!(status.success(), "{out}{err}");
    let parts = [
        "\"event\": \"crm-2026-000417\"",
        "\nMSH|^~\\&|CRM|NORTH|EHR|NORTH|",
        "|ADT^A08^ADT_A01|",
        "|2.5.1|",
        "\nPID|1||100042^^^NORTH^MR~000-00-0000^^^SSA^SS||Byrne \\T\\ Daughters^Zoë",
        "|||\"\"\nPV1|",
        "\nMSA|AA|",
        "200, delivered, in ",
        "sent over MLLP to adt-in at 127.0.0.1:",
        "|ADT^A03^ADT_A03|adt-2026-000981|P|2.5.1|",
        "\nMSA|AA|adt-2026-000981\n",
        "\nMSA|AA|adt-2026-000982\n",
        "Status page: http://127.0.0.1:",
        &data.path().display().to_string(),
    ];
    for part in parts {
        assert!(out.contains(part), "no {part:?} in {out}");
    }
    // The payload and the first message are of one patient, the second message of another.
    let lanes: Vec<_> =
        out.lines().filter_map(|line| line.strip_prefix("lane ")?.split(' ').next()).collect();
    assert!(lanes.len() == 3 && lanes[0] == lanes[1] && lanes[1] != lanes[2], "{lanes:?}");
    assert_eq!(out.matches(" delivered\n").count(), 3, "{out}");
    // Again with what is there already: the same event is the same message.
    let (status, out, err) =
        Process::start(gateway().args(["demo", "--once", "--data"]).arg(data.path())).wait();
    assert!(status.success(), "{out}{err}");
    assert_eq!(out.matches("nothing is sent twice").count(), 3, "{out}");
    assert_eq!(out.matches("\nlane ").count(), 3, "{out}");
}

#[test]
fn the_demo_leaves_a_folder_that_is_not_its_own_alone() {
    let data = tempfile::tempdir().unwrap();
    std::fs::write(data.path().join("webhook.secrets"), "kept").unwrap();
    let (status, out, err) =
        Process::start(gateway().args(["demo", "--once", "--data"]).arg(data.path())).wait();
    assert_eq!(status.code(), Some(1), "{out}");
    assert!(err.contains("G024"), "{err}");
    assert_eq!(std::fs::read_to_string(data.path().join("webhook.secrets")).unwrap(), "kept");
    assert_eq!(std::fs::read_dir(data.path()).unwrap().count(), 1);
}

#[test]
fn the_demo_takes_other_ports_when_its_own_are_taken() {
    // Whoever has them, this test or another program: the demo has to do without.
    let _taken: Vec<_> = ["127.0.0.1:8080", "127.0.0.1:8081", "127.0.0.1:2575", "127.0.0.1:2576"]
        .map(TcpListener::bind)
        .into_iter()
        .collect();
    let data = tempfile::tempdir().unwrap();
    let (status, out, err) =
        Process::start(gateway().args(["demo", "--once", "--data"]).arg(data.path())).wait();
    assert!(status.success(), "{out}{err}");
    for taken in ["127.0.0.1:8080", "127.0.0.1:2575", "127.0.0.1:2576"] {
        assert!(!out.contains(taken), "{out}");
    }
}

#[test]
fn the_demo_s_folder_has_a_configuration_without_mistakes() {
    let data = tempfile::tempdir().unwrap();
    let run = |command: &mut std::process::Command| Process::start(command).wait();
    assert!(run(gateway().args(["demo", "--once", "--data"]).arg(data.path())).0.success());
    let config = data.path().join("gateway.yaml");
    let (status, out, err) = run(gateway().arg("check").arg(&config));
    assert!(status.success() && out.contains("1 connections, 1 workflows, 1 listeners"), "{out}{err}");
    let (status, out, err) = run(gateway().arg("outbox").arg(&config).args(["list", "--origin", "adt-in"]));
    assert!(status.success(), "{err}");
    assert_eq!(out.matches("adt-in -> ehr  ADT^A0").count(), 2, "{out}");
}

#[test]
fn the_demo_stays_until_it_is_told_to_stop() {
    let data = tempfile::tempdir().unwrap();
    let mut demo = Process::start(gateway().args(["demo", "--data"]).arg(data.path()));
    demo.line_with("Ctrl-C ends the demo");
    demo.terminate();
    let (status, _, err) = demo.wait();
    assert!(status.success(), "{err}");
}
