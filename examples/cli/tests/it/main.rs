//! The `hl7` command as its users type it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a failed test panics

mod doctor;
mod explain;
mod guide;
mod infer;
mod map;
mod messages;
mod output;
mod secure;
#[cfg(target_os = "linux")] // `script`, which makes a terminal, takes other arguments elsewhere
mod terminal;
mod validate;
mod wire;

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What a run gave: exit code, standard output, standard error.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hl7"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs `hl7` with `input` as its standard input.
pub(crate) fn hl7(arguments: &[&str], input: &str) -> Run {
    let mut child = command(arguments).spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    finish(child)
}

/// Runs `hl7` in a folder, with nothing to read.
pub(crate) fn hl7_in(folder: &std::path::Path, arguments: &[&str]) -> Run {
    let child = command(arguments).current_dir(folder).stdin(Stdio::null()).spawn().unwrap();
    finish(child)
}

/// The bytes that `hl7` writes with `input` as its standard input.
pub(crate) fn output_of(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = command(arguments).spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap().stdout
}

/// Waits for the end, for at most a minute.
pub(crate) fn finish(mut child: Child) -> Run {
    let read = |mut from: Box<dyn Read + Send>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            from.read_to_end(&mut bytes).unwrap();
            String::from_utf8(bytes).unwrap()
        })
    };
    let out = child.stdout.take().map(|from| read(Box::new(from)));
    let err = child.stderr.take().map(|from| read(Box::new(from)));
    let deadline = Instant::now() + Duration::from_secs(60);
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            panic!("it does not end");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let text = |thread: Option<std::thread::JoinHandle<String>>| {
        thread.map(|t| t.join().unwrap()).unwrap_or_default()
    };
    Run { code: status.code().unwrap(), out: text(out), err: text(err) }
}

pub(crate) const ADT: &str = "MSH|^~\\&|LAB|NORTH|EHR|NORTH|20260102||ADT^A08^ADT_A01|m1|P|2.5.1\r\
    PID|1||7^^^NORTH^MR~8^^^SSA^SS||Byrne \\T\\ Sons^Zoë||1984|F|||12 Harbour Rd&12&Harbour^^Springfield\r\
    NTE|1||a\\.br\\b\rNTE|2||second\r";
