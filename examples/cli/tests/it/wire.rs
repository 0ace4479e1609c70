//! send and listen, with each other and with receivers that misbehave.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::Child;

use crate::{ADT, Run, command, finish, hl7};

/// A listener on a free port, and its address.
pub(crate) fn listen(more: &[&str]) -> (Child, String) {
    let mut child = command(&[&["listen", "127.0.0.1:0"], more].concat()).spawn().unwrap();
    let mut err = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    err.read_line(&mut line).unwrap();
    let address = line.strip_prefix("listening at ").unwrap().split(',').next().unwrap().to_owned();
    // Read on, so that the child never writes into a closed pipe.
    std::thread::spawn(move || std::io::copy(&mut err, &mut std::io::sink()));
    (child, address)
}

#[test]
fn what_is_sent_is_received_printed_and_acknowledged() {
    let (listener, address) = listen(&["--count", "2"]);
    let two = format!("{ADT}{}", ADT.replace("|m1|", "|m2|"));
    let sent = hl7(&["send", "--to", &address], &two);
    assert_eq!(sent.code, 0, "{}", sent.err);
    assert!(sent.out.contains("\nMSA|AA|m1\n") && sent.out.contains("\nMSA|AA|m2\n"), "{}", sent.out);
    let received = finish(listener);
    assert_eq!(received.code, 0);
    assert_eq!(
        received.out,
        format!("{}\n{}\n", ADT.replace('\r', "\n"), ADT.replace("|m1|", "|m2|").replace('\r', "\n"))
    );
}

#[test]
fn a_refused_message_is_exit_code_1() {
    for code in ["AE", "AR"] {
        let (mut listener, address) = listen(&["--answer", code]);
        let sent = hl7(&["send", "--to", &address], ADT);
        assert_eq!(sent.code, 1, "{}", sent.err);
        assert!(sent.out.contains(&format!("MSA|{code}|m1")), "{}", sent.out);
        listener.kill().unwrap();
        listener.wait().unwrap();
    }
}

/// Sends to a receiver that answers with these bytes and closes.
fn sent_to(answer: &'static [u8]) -> Run {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let receiver = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut bytes = Vec::new();
        let mut chunk = [0; 1024];
        while !bytes.ends_with(b"\x1C\r") {
            let n = stream.read(&mut chunk).unwrap();
            assert!(n > 0);
            bytes.extend_from_slice(&chunk[..n]);
        }
        stream.write_all(answer).unwrap();
    });
    let run = hl7(&["send", "--to", &address, "--ack-timeout", "5"], ADT);
    receiver.join().unwrap();
    run
}

#[test]
fn no_acknowledgment_of_this_message_is_exit_code_4() {
    let cases: [&[u8]; 4] = [
        b"",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x0BMSH|^~\\&|E||||2026||ACK|x|P|2.5.1\rMSA|AA|another\r\x1C\r",
        b"\x0BMSH|^~\\&|E||||2026||ACK|x|P|2.5.1\r\x1C\r",
    ];
    for answer in cases {
        let run = sent_to(answer);
        assert_eq!(run.code, 4, "{}", run.err);
        assert!(run.err.contains("error: N1"), "{}", run.err);
        assert!(!run.err.contains("Byrne"), "{}", run.err);
        assert_eq!(run.err.matches("N1").count(), 1, "{}", run.err);
        assert!(run.err.contains("\n  message 1 of 1 may have arrived; those behind it"), "{}", run.err);
    }
}

#[test]
fn a_message_that_cannot_be_printed_is_not_acknowledged() {
    let (mut listener, address) = listen(&[]);
    drop(listener.stdout.take());
    let sent = hl7(&["send", "--to", &address], ADT);
    assert_eq!((sent.code, sent.out.as_str()), (4, ""), "{}", sent.err);
    assert_eq!(finish(listener).code, 4);
}

#[test]
fn a_character_set_holds_for_sending_and_listening_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("latin.hl7");
    std::fs::write(&file, b"MSH|^~\\&|A|||||||m1|P|2.5.1\rPID|1||7||M\xFCller\r").unwrap();
    let (listener, address) = listen(&["--count", "1", "--charset", "8859/1"]);
    let sent = hl7(&["send", "--to", &address, "--charset", "8859/1", file.to_str().unwrap()], "");
    assert_eq!(sent.code, 0, "{}", sent.err);
    let received = listener.wait_with_output().unwrap();
    assert!(received.stdout.ends_with(b"PID|1||7||M\xFCller\n\n"), "the bytes as they came");
}

#[test]
fn nobody_there_is_exit_code_4() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let run = hl7(&["send", "--to", &address], ADT);
    assert_eq!((run.code, run.out.as_str()), (4, ""));
    assert!(run.err.contains("error: N"), "{}", run.err);
    assert!(run.err.contains("message 1 of 1 was not sent"), "{}", run.err);
}
