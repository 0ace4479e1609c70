//! nHapi: what its fuzzing found, each with whether nHapi refuses it. Here none panics, each is read or refused, and what is read
//! writes back byte for byte.

use hl7_core::{Message, ReadOptions, Undecodable};

use super::{Case, Exclusion, judge, recorded, text};
use crate::corpus;

const EXCLUSIONS: &[Exclusion] = &[
    Exclusion {
        cases: &["hang1", "stackoverflow1", "stackoverflow2", "id_000029"],
        why: "2.5.4, figure 2-1: the later characters of MSH-2 may be left out; message type and content are validation",
    },
    Exclusion {
        cases: &["id_000146"],
        why: "2.5.3: two quotation marks are the null value, so that a quotation mark is no delimiter",
    },
    Exclusion {
        cases: &["regex1", "id_000168"],
        why: "2.5.4: delimiters are displayable characters, and letters and digits are none (the documentation of Delimiters)",
    },
];

#[test]
fn nhapi_s_bad_inputs_are_read_or_refused() {
    let Some(file) = recorded("nhapi-badinputs.json") else { return };
    let folder = corpus::folder().unwrap();
    let case = |case: &serde_json::Value| {
        let bytes = std::fs::read(folder.join(text(case, "file"))).unwrap();
        let name = text(case, "file").rsplit("__").next().unwrap();
        let name = name.split(',').next().unwrap().to_owned();
        Case { name, outcome: as_expected(&bytes, text(case, "expected") == "NoException") }
    };
    let cases: Vec<_> = file.as_array().unwrap().iter().map(case).collect();
    judge("nHapi, fuzz inputs", &cases, EXCLUSIONS);
}

fn as_expected(bytes: &[u8], readable: bool) -> Result<(), String> {
    let replacing = ReadOptions::new().undecodable(Undecodable::Replace);
    for msg in [Message::from_bytes(bytes), replacing.read(bytes)].into_iter().flatten() {
        for segment in msg.iter() {
            let texts = segment.fields().flat_map(|field| field.repetitions()).map(|r| r.text().len());
            assert!(texts.sum::<usize>() <= bytes.len() * 3);
        }
        assert_eq!(&*msg.to_bytes().unwrap(), bytes);
    }
    match (Message::from_bytes(bytes), readable) {
        (Ok(_), true) | (Err(_), false) => Ok(()),
        (Ok(_), false) => Err("read".to_owned()),
        (Err(error), true) => Err(error.to_string()),
    }
}
