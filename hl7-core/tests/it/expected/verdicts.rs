//! The verdicts of hl7apy and HAPI: whether a message is valid.

use hl7_core::{Charset, Level, Message, ReadOptions, Severity, Validation, validate};
use serde_json::Value as Json;

use super::{Case, Exclusion, judge, recorded, text};
use crate::corpus;

const HL7APY: &[Exclusion] = &[
    Exclusion {
        cases: &["6", "7", "16", "17"],
        why: "2.5, RSP_K21: QRI is required in QUERY_RESPONSE, in hl7apy's own tables too",
    },
    Exclusion {
        cases: &["33", "37", "40", "44"],
        why: "2.6: separators behind the last value say that nothing is there, which a receiver passes over",
    },
    Exclusion {
        cases: &["34"],
        why: "2.5.1, table 0076: the type is no code of its table, which is V701 of the level that hl7apy does not have",
    },
    Exclusion {
        cases: &["26", "36"],
        why: "2.6: what hl7apy's object knew, a name and a data type, is not in the text, and the text has no fault",
    },
    Exclusion { cases: &["42", "43"], why: "2.11: what a local segment holds is for those who agreed on it" },
    Exclusion {
        cases: &["29"],
        why: "2.7, EVN-1: withdrawn (usage W): receivers pass over it, so it is information (V303)",
    },
];

const HAPI: &[Exclusion] = &[
    Exclusion {
        cases: &[
            "hapi-literals/IsEmptyTest.java.L52.hl7",
            "hapi-literals/IsEmptyTest.java.L72.hl7",
            "ms-fhir-converter/data__SampleData__Hl7v2__ADT01-23.hl7",
            "ms-fhir-converter/data__SampleData__Hl7v2__ADT04-251.hl7",
            "ms-fhir-converter/data__SampleData__Hl7v2__LAB-ORM-1.hl7",
            "ms-fhir-converter/data__SampleData__Hl7v2__MDM-T02-03.hl7",
            "ms-fhir-converter/data__SampleData__Hl7v2__PC1-Problem-Delete-v2.3.1.hl7",
            "ruby-hl7/test_data__lotsunknowns.hl7",
            "ruby-hl7/test_data__test2.hl7",
            "ipf/commons__ihe__hl7v3__src__test__resources__translation__pixfeed__v2__PIX_FEED_REG_Maximal_Request.hl7",
            "ipf/commons__ihe__hl7v3__src__test__resources__translation__pixfeed__v2__PIX_FEED_REV_Maximal_Request.hl7",
            "ipf/commons__ihe__hl7v3__src__test__resources__translation__pixsource__v2__A08.hl7",
            "hamaluik-hl7-parser/test_assets__sample_adt_a02.hl7",
            "hamaluik-hl7-parser/test_assets__sample_adt_a03.hl7",
            "efferent/benchmarks__Sample-Orm.txt",
            "roundingwell/tests__data__adt-a03.txt",
            "roundingwell/tests__data__adt-a06.txt",
            "roundingwell/tests__data__adt-a07.txt",
            "roundingwell/tests__data__adt-a13.txt",
            "hl7tools-dotnet/src__HL7Tools.Tests__EvaluatorTests__HL7V2__sample-messages__ADT-A05_Pre-admit_Patient.txt",
            "hl7tools-dotnet/src__HL7Tools.Tests__EvaluatorTests__HL7V2__sample-messages__ADT-A28_Add_Patient.txt",
            "hl7tools-dotnet/src__HL7Tools.Tests__EvaluatorTests__HL7V2__sample-messages__SIU-S12_New_Appointment.txt",
        ],
        why: "2.5.1, 2.A (TN, XTN-1): the form of a telephone number is that of the United States only, and is not checked",
    },
    Exclusion {
        cases: &["hapi-literals/EscapeTest.java.L89.hl7"],
        why: "2.5.1, 2.15.9.9: MSH-9 without an event is V201 at another level than that of values",
    },
    Exclusion {
        cases: &["hapi-literals/NewPipeParserTest.java.L650.hl7"],
        why: "2.3.1, CX.2: a number (NM) in two of the three sources of the dictionary, a string in HAPI: a check digit of letters is reported",
    },
    Exclusion {
        cases: &[
            "hapi-literals/EncodingCharactersTest.java.L14.hl7",
            "efferent-literals/AckNackTests.cs.L81.hl7",
            "efferent-literals/ComposeTests.cs.L165.hl7",
        ],
        why: "2.5.4, figure 2-1: the later characters of MSH-2 may be left out",
    },
];

#[test]
fn hl7apy_s_verdicts() {
    let Some(file) = recorded("hl7apy-validation.json") else { return };
    let case = |(index, case): (usize, &Json)| Case { name: index.to_string(), outcome: as_hl7apy(case) };
    judge(
        "hl7apy, validation",
        &file.as_array().unwrap().iter().enumerate().map(case).collect::<Vec<_>>(),
        HL7APY,
    );
}

/// hl7apy refuses what is an error or a warning here, and nothing for a code or a length.
fn as_hl7apy(case: &Json) -> Result<(), String> {
    let version = text(case, "version");
    let er7 = match text(case, "element") {
        "Message" => text(case, "input").to_owned(),
        "Segment" => format!("MSH|^~\\&|A||||2026||ZZZ^Z01^ZZZ_Z01|1|P|{version}\r{}\r", text(case, "input")),
        _ => format!("MSH|^~\\&|A||||2026||ZZZ^Z01^ZZZ_Z01|1|P|{version}\rZIN|{}\r", text(case, "input")),
    };
    let msg = Message::parse(&er7).map_err(|error| error.to_string())?;
    let levels = [Level::Syntax, Level::Structure, Level::Usage, Level::Cardinality, Level::Type];
    let findings = validate(&msg, &Validation::new().levels(levels));
    let told = findings.iter().filter(|finding| finding.severity() > Severity::Information);
    let told: Vec<_> =
        told.filter(|finding| finding.code().as_str() != "V201").map(ToString::to_string).collect();
    match (told.is_empty(), case["valid"].as_bool().unwrap()) {
        (true, false) => Err(format!("nothing found; {} {}", text(case, "error"), text(case, "test"))),
        (false, true) => Err(format!("{told:?}; {}", text(case, "test"))),
        _ => Ok(()),
    }
}

#[test]
fn hapi_s_verdicts() {
    let Some(folder) = corpus::folder() else { return };
    let table = std::fs::read_to_string(folder.join("expected/hapi-oracle/hapi-oracle.tsv")).unwrap();
    let case = |row: &str| {
        let columns: Vec<_> = row.split('\t').collect();
        let bytes = std::fs::read(folder.join(columns[0])).unwrap();
        Case { name: columns[0].to_owned(), outcome: as_hapi(&bytes, columns[4]) }
    };
    judge("HAPI, validation", &table.lines().skip(1).map(case).collect::<Vec<_>>(), HAPI);
}

/// HAPI's default validation looks at values alone, ends at the first fault, and names its segment and its field, those of MSH from 0.
fn as_hapi(bytes: &[u8], verdict: &str) -> Result<(), String> {
    let latin1 = || ReadOptions::new().charset(Charset::from_label("8859/1").unwrap()).read(bytes);
    let msg = match Message::from_bytes(bytes).or_else(|_| latin1()) {
        Ok(msg) => msg,
        Err(_) if !verdict.is_empty() => return Ok(()),
        Err(error) => return Err(error.to_string()),
    };
    let findings = validate(&msg, &Validation::new().levels([Level::Type]));
    let values = findings.iter().filter(|finding| matches!(finding.code().as_str(), "V501" | "V502"));
    let found: Vec<_> = values.map(|finding| finding.path().unwrap().to_string()).collect();
    let place = verdict.rsplit_once(" at ").map(|(_, place)| place.split('(').next().unwrap());
    let place = place.map(|place| match place.strip_prefix("MSH-") {
        Some(number) => format!("MSH[1]-{}", number.parse::<u32>().unwrap() + 1),
        None => place.replace('-', "[1]-"),
    });
    match place {
        None if verdict.is_empty() && found.is_empty() => Ok(()),
        Some(place) if found.iter().any(|path| path.starts_with(&format!("{place}["))) => Ok(()),
        _ => Err(format!("found {found:?}; {verdict}")),
    }
}
