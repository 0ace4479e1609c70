//! Real messages: every file of the folder `shared/corpus` beside the checkout, when it is there.
//! `HL7_CORPUS` names another folder.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use hl7_core::{Charset, Message, ParseErrorKind, ReadOptions};

/// The folder of real messages; says so when there is none.
pub(crate) fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("HL7_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus"), PathBuf::from);
    if !folder.is_dir() {
        // Straight to stderr: the harness would hold back what a passing test prints.
        let _ =
            writeln!(std::io::stderr(), "skipped: no corpus of real messages (set HL7_CORPUS to its folder)");
        return None;
    }
    Some(folder)
}

/// Calls `test` with the name and bytes of every file; false when there are none.
pub(crate) fn each_file(mut test: impl FnMut(&str, &[u8])) -> bool {
    let Some(folder) = folder() else { return false };
    let mut folders = vec![folder];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                test(&path.to_string_lossy(), &std::fs::read(&path).unwrap());
                files += 1;
            }
        }
    }
    assert!(files > 0, "the corpus folder is empty");
    true
}

/// Cuts a file at the lines that start a message, and leaves out the lines of batches and frames around them.
pub(crate) fn messages_of(file: &[u8]) -> Vec<Vec<u8>> {
    let mut messages: Vec<Vec<u8>> = Vec::new();
    for line in file.split_inclusive(|b| matches!(b, b'\r' | b'\n')) {
        let bare = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
        let bare = bare.strip_prefix(b"\x0B").unwrap_or(bare);
        let starts_message = bare.starts_with(b"MSH") && bare.get(3).is_some_and(u8::is_ascii_punctuation);
        if starts_message {
            messages.push(bare.to_vec());
        } else if [&b"FHS"[..], b"BHS", b"BTS", b"FTS"].iter().any(|id| bare.starts_with(id)) {
            continue;
        } else if let Some(message) = messages.last_mut() {
            message.extend_from_slice(line);
        }
    }
    messages
}

/// Reads every level of every field, and writes the message back.
fn read_all(msg: &Message<'_>) -> usize {
    let mut leaves = 0;
    for segment in msg.iter() {
        for field in segment.fields() {
            for repetition in field.repetitions() {
                for component in repetition.components() {
                    leaves += component.subcomponents().map(|leaf| leaf.text().len().min(1)).sum::<usize>();
                }
            }
        }
    }
    leaves
}

#[test]
fn real_messages_write_back_byte_for_byte() {
    let (mut read, mut refused, mut leaves) = (0, 0, 0);
    let present = each_file(|name, file| {
        for bytes in messages_of(file) {
            let options = ReadOptions::new();
            let latin = ReadOptions::new().default_charset(Charset::Iso8859_1);
            let parsed = options.read(&bytes).or_else(|error| match error.kind() {
                ParseErrorKind::Charset(_) => latin.read(&bytes),
                _ => Err(error),
            });
            match parsed {
                Ok(msg) => {
                    assert_eq!(&*msg.to_bytes().unwrap(), bytes, "{name}");
                    leaves += read_all(&msg);
                    let wire = msg.to_wire().unwrap();
                    let again = options.read(&wire).or_else(|_| latin.read(&wire)).unwrap();
                    assert_eq!(again.iter().len(), msg.iter().len(), "{name}");
                    read += 1;
                }
                Err(_) => refused += 1,
            }
        }
    });
    if present {
        assert!(read >= 1900 && leaves > 100_000, "read {read}, refused {refused}, leaves {leaves}");
        assert!(refused * 20 < read, "read {read}, refused {refused}");
    }
}

#[test]
fn real_files_never_panic_as_they_are() {
    each_file(|_, file| {
        for end in [file.len(), file.len() / 2, file.len() / 3] {
            if let Ok(msg) = ReadOptions::new().read(&file[..end]) {
                read_all(&msg);
            }
            if let Ok(msg) = Message::parse(&String::from_utf8_lossy(&file[..end])) {
                read_all(&msg);
                let _ = msg.to_wire();
            }
        }
    });
}

#[test]
fn real_files_of_several_messages_are_never_read_as_one() {
    each_file(|name, file| {
        if messages_of(file).len() > 1 {
            for charset in [Charset::Utf8, Charset::Iso8859_1] {
                assert!(ReadOptions::new().default_charset(charset).read(file).is_err(), "{name}");
            }
        }
    });
}

#[test]
fn a_changed_field_leaves_every_other_byte_of_a_real_message() {
    each_file(|name, file| {
        for bytes in messages_of(file) {
            let Ok(msg) = Message::from_bytes(&bytes) else { continue };
            let before = msg.as_er7().to_owned();
            let mut msg = msg.into_owned();
            let Some(old) = msg.get(hl7_core::path!("MSH-4")).map(|v| v.raw().to_owned()) else { continue };
            if msg.set(hl7_core::path!("MSH-4"), "CHANGED").is_err() {
                continue;
            }
            let separator = msg.delimiters().field();
            let mut fields: Vec<&str> = before.split(separator).collect();
            assert_eq!(fields[3], old, "{name}");
            fields[3] = "CHANGED";
            assert_eq!(fields.join(&separator.to_string()), msg.as_er7(), "{name}");
        }
    });
}
