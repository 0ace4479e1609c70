//! HAPI: messages as it wrote them after it had read them. Every value that it read is read here, in the same place.

use std::collections::BTreeMap;

use hl7_core::{Message, Segment};

use super::{Case, Exclusion, judge};
use crate::corpus;

const EXCLUSIONS: &[Exclusion] = &[
    Exclusion {
        cases: &[
            "hapi/src__docs__examples__ADT_A01.txt",
            "hapi-literals/EscapeTest.java.L114.hl7",
            "hapi-literals/NewPipeParserTest.java.L650.hl7",
            "hapi-literals/NewPipeParserTest.java.L784.hl7",
            "ms-fhir-converter/data__SampleData__Hl7v2__ADT01-23.hl7",
            "ms-fhir-converter/data__SampleData__Hl7v2__LAB-ORM-1.hl7",
            "ms-fhir-converter/data__SampleData__Hl7v2__MDM-T02-03.hl7",
            "ms-fhir-converter/data__SampleData__Hl7v2__ORU-R01-01.hl7",
            "ms-fhir-converter/data__SampleData__Hl7v2__PC1-Problem-Add-v2.3.1.hl7",
            "ms-fhir-converter/data__SampleData__Hl7v2__PC1-Problem-Delete-v2.3.1.hl7",
            "ms-fhir-converter/data__SampleData__Hl7v2__PC1-Problem-Update-v2.3.1.hl7",
            "ipf/commons__ihe__hl7v3__src__test__resources__translation__pixupdatenotification__v2__adt-a31-1.hl7",
            "ipf/commons__ihe__hl7v3__src__test__resources__translation__pixupdatenotification__v2__adt-a31-2.hl7",
            "efferent/test__Sample-ADT.txt",
        ],
        why: "2.A, ST and TX: blanks at the start are part of a text, those at the end may be; HAPI takes both away, here none goes",
    },
    Exclusion {
        cases: &[
            "hapi-literals/SimpleServerTest.java.L131.hl7",
            "hapi-literals/DefaultValidatorTest.java.L62.hl7",
        ],
        why: "2.15.9.18: MSH-18 names a set of table 0211; one that is not known is an error, unless the caller states another",
    },
    Exclusion {
        cases: &["ipf/platform-camel__ihe__mllp__src__test__resources__iti8__iti8-a40-iso-8859-1.hl7"],
        why: "2.15.9.18: bytes of ISO 8859-1 that MSH-18 does not name are an error, unless the caller states the set",
    },
];

#[test]
fn hapi_wrote_the_values_that_are_read() {
    let Some(folder) = corpus::folder() else { return };
    let oracle = folder.join("expected/hapi-oracle");
    let table = std::fs::read_to_string(oracle.join("hapi-oracle.tsv")).unwrap();
    let case = |row: &str| {
        let columns: Vec<_> = row.split('\t').collect();
        let (file, written) = (columns[0], columns[6]);
        (!written.is_empty()).then(|| Case {
            name: file.to_owned(),
            outcome: same_values(
                &std::fs::read(folder.join(file)).unwrap(),
                &std::fs::read(oracle.join("er7").join(written)).unwrap(),
            ),
        })
    };
    let cases: Vec<_> = table.lines().skip(1).filter_map(case).collect();
    judge("HAPI, values written", &cases, EXCLUSIONS);
}

fn same_values(read: &[u8], written: &[u8]) -> Result<(), String> {
    let parse =
        |bytes: &[u8]| Message::from_bytes(bytes).map(Message::into_owned).map_err(|why| why.to_string());
    let (read, written) = (values(&parse(read)?), values(&parse(written)?));
    match read.iter().find(|(place, value)| written.get(*place) != Some(*value)) {
        Some((place, value)) => Err(format!("{place}: {value:?}, written {:?}", written.get(place))),
        None => match written.keys().find(|place| !read.contains_key(*place)) {
            Some(place) => Err(format!("{place}: not read")),
            None => Ok(()),
        },
    }
}

/// Every value that is not empty, by its place.
fn values(msg: &Message<'_>) -> BTreeMap<String, String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut values = BTreeMap::new();
    for segment in msg.iter() {
        let occurrence = seen.entry(segment.id().to_owned()).or_default();
        *occurrence += 1;
        for (place, value) in in_segment(segment) {
            values.insert(format!("{}[{occurrence}]-{place}", segment.id()), value);
        }
    }
    values
}

fn in_segment(segment: Segment<'_>) -> Vec<(String, String)> {
    let mut values = Vec::new();
    for (f, field) in segment.fields().enumerate() {
        for (r, repetition) in field.repetitions().enumerate() {
            for (c, component) in repetition.components().enumerate() {
                for (s, leaf) in component.subcomponents().enumerate() {
                    if !leaf.text().is_empty() {
                        let place = format!("{}[{}].{}.{}", f + 1, r + 1, c + 1, s + 1);
                        values.push((place, leaf.text().into_owned()));
                    }
                }
            }
        }
    }
    values
}
