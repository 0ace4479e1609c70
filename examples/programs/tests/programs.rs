//! Each program runs and prints what it says.

#![allow(clippy::unwrap_used)] // a failed test panics

use std::process::Command;

fn output(program: &str) -> String {
    let output = Command::new(program).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn read() {
    let expected = "control ID  m-1\nfamily      Byrne & Sons\nGlucose     7.20\nSodium      140\nSS          000-00-0000\n\
                    edited      Smith \\T\\ Sons^Zoe\nanswer      MSA|AA|m-1\n";
    assert_eq!(output(env!("CARGO_BIN_EXE_read")), expected);
}

#[test]
fn exchange() {
    assert_eq!(output(env!("CARGO_BIN_EXE_exchange")), "ADT^A08: AA \nMFN^M02: AE only ADT is taken here\n");
}

#[test]
fn map() {
    let out = output(env!("CARGO_BIN_EXE_map"));
    assert!(
        out.starts_with("MSH|^~\\&|CRM||EHR||20260102030405+0000||ADT^A08^ADT_A01|m-1|P|2.5.1\n"),
        "{out}"
    );
    assert!(
        out.contains("\nPID|1||7^^^^MR||Byrne \\T\\ Sons|||F\n") && out.contains("M201 .gender: "),
        "{out}"
    );
}

#[test]
fn deliver() {
    assert_eq!(output(env!("CARGO_BIN_EXE_deliver")), "m-1: AA\nm-2: AA\nm-3: AA\n");
}

#[test]
fn intake() {
    let expected = "m-1: AA \nm-1: AA \nm-2: AR no route takes this message\n\
                    archive: false\nehr: true\ntaken 1, repeats 1, refused 1\n";
    assert_eq!(output(env!("CARGO_BIN_EXE_intake")), expected);
}
