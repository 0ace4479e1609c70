//! Drafts of mappings: what they recover of pairs whose mapping is known, and that what they are sure of is so.

use std::collections::BTreeMap;
use std::path::Path;

use hl7_map::{Draft, InferErrorKind, Mapping, SamplePair, infer};

struct Pair {
    name: String,
    hl7: String,
    json: String,
    truth: BTreeMap<String, String>,
}

/// Every folder of `tests/pairs`: a message, its payload, and the lines of the mapping that a person wrote.
fn pairs() -> Vec<Pair> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pairs");
    let mut pairs: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let read = |name: &str| std::fs::read_to_string(path.join(name)).unwrap();
            let line = |line: &str| {
                let (place, rule) = match line.strip_prefix("each ") {
                    Some(rest) => {
                        let (place, rule) = rest.split_once(' ').unwrap();
                        (format!("each {place}"), rule)
                    }
                    None => line.split_once(' ').map(|(place, rule)| (place.to_owned(), rule)).unwrap(),
                };
                (place, rule.to_owned())
            };
            Pair {
                name: path.file_name().unwrap().to_str().unwrap().to_owned(),
                hl7: read("message.hl7").replace('\n', "\r"),
                json: read("payload.json"),
                truth: read("truth.txt").lines().map(line).collect(),
            }
        })
        .collect();
    pairs.sort_by(|a, b| a.name.cmp(&b.name));
    pairs
}

fn draft_of(pair: &Pair) -> Draft {
    infer(&[SamplePair { hl7: &pair.hl7, json: &pair.json }])
        .unwrap_or_else(|error| panic!("{}: {error}", pair.name))
}

#[test]
fn drafts_recover_most_of_known_mappings_and_are_sure_of_nothing_wrong() {
    let (mut recovered, mut all, mut report) = (0, 0, String::new());
    let mut wrong = Vec::new();
    for pair in pairs() {
        let draft = draft_of(&pair);
        let found = |place: &str| draft.lines().iter().find(|line| line.place == place);
        let right = pair
            .truth
            .iter()
            .filter(|(place, rule)| found(place).is_some_and(|line| line.rule == **rule))
            .count();
        report += &format!(
            "    {}: {right} of {}, {:?} values made again\n",
            pair.name,
            pair.truth.len(),
            draft.reproduced()
        );
        if std::env::var_os("SHOW_DRAFTS").is_some() {
            report += draft.yaml();
            for (place, rule) in &pair.truth {
                if found(place).is_none_or(|line| line.rule != *rule) {
                    report +=
                        &format!("  != {place} {rule}, drafted {:?}\n", found(place).map(|line| &line.rule));
                }
            }
        }
        for line in draft.lines().iter().filter(|line| line.confidence >= 0.9) {
            let known = pair.truth.get(&line.place);
            if known != Some(&line.rule) {
                wrong.push(format!(
                    "{}: {} is {}, drafted {} at {:.2}",
                    pair.name,
                    line.place,
                    known.map_or("nothing", String::as_str),
                    line.rule,
                    line.confidence
                ));
            }
        }
        (recovered, all) = (recovered + right, all + pair.truth.len());
    }
    let share = 100 * recovered / all;
    let _ = std::io::Write::write_all(
        &mut std::io::stderr(),
        format!("infer: {recovered} of {all} lines recovered, {share} %\n{report}").as_bytes(),
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(share >= 90, "{share} %");
}

#[test]
fn every_draft_loads_and_passes_its_own_test() {
    for pair in pairs() {
        let draft = draft_of(&pair);
        let mapping = Mapping::from_yaml(draft.yaml())
            .unwrap_or_else(|errors| panic!("{}: {errors}\n{}", pair.name, draft.yaml()));
        let report = mapping.run_tests();
        assert_eq!((report.passed(), report.failed()), (1, 0), "{}", pair.name);
    }
}

const HEADER: &str = "MSH|^~\\&|A|||C|2026||ADT^A04^ADT_A01|1|P|2.5.1\r";

#[test]
fn several_pairs_tell_meaning_from_chance() {
    let hl7 = |n: u32, class: &str| format!("{HEADER}PID|1||{n}||Doe\rPV1|1|{class}\r");
    let json =
        |n: u32, class: &str| format!("{{\"a\":\"{n}\",\"b\":\"70{n}\",\"c\":\"{class}\",\"d\":\"I\"}}");
    let one = [(hl7(31, "I"), json(31, "I"))];
    let three = [one[0].clone(), (hl7(32, "O"), json(32, "O")), (hl7(33, "E"), json(33, "E"))];
    let draft = |pairs: &[(String, String)]| {
        let pairs: Vec<_> = pairs.iter().map(|(hl7, json)| SamplePair { hl7, json }).collect();
        let draft = infer(&pairs).unwrap();
        let line = draft.lines().iter().find(|line| line.place == "PV1-2").unwrap().clone();
        (line.rule, line.confidence)
    };
    assert!(draft(&one).1 < 0.5, "either of two members: {:?}", draft(&one));
    let (rule, confidence) = draft(&three);
    assert!(rule == ".c" && confidence > 0.6, "{rule} {confidence}");
}

#[test]
fn a_table_is_drafted_from_several_codes_and_an_unknown_one_is_refused_then() {
    let hl7 = |code: &str| format!("{HEADER}PID|1||1000{code}||Doe|||||||||||{code}\rPV1|1|O\r");
    let json = |word: &str, code: &str| format!("{{\"id\":\"1000{code}\",\"maritalStatus\":\"{word}\"}}");
    let pairs = [(hl7("M"), json("yes", "M")), (hl7("S"), json("no", "S"))];
    let pairs: Vec<_> = pairs.iter().map(|(hl7, json)| SamplePair { hl7, json }).collect();
    let draft = infer(&pairs).unwrap();
    assert!(draft.yaml().contains("pid_16: { map: { \"no\": \"S\", \"yes\": \"M\" } }"), "{}", draft.yaml());
    let mapping = Mapping::from_yaml(draft.yaml()).unwrap();
    let ctx = hl7_map::Context::new("1", std::time::UNIX_EPOCH);
    assert!(
        mapping.apply_json(json("perhaps", "S").as_bytes(), &ctx).unwrap_err().to_string().contains("M201")
    );
}

#[test]
fn what_is_not_found_is_a_gap_and_no_guess() {
    let hl7 = format!("{HEADER}PID|1||7||Doe||||||||||||||999887777\rZPI|1|x\r");
    let draft = infer(&[SamplePair { hl7: &hl7, json: r#"{"nothing":"like it"}"# }]).unwrap();
    let gaps: Vec<_> = draft.gaps().iter().map(|gap| (gap.place.as_str(), gap.name.as_str())).collect();
    assert!(
        gaps.contains(&("PID-19", "SSN Number - Patient")) && gaps.contains(&("PID-5", "Patient Name")),
        "{gaps:?}"
    );
    assert!(draft.yaml().contains("# TODO PID-19 SSN Number - Patient"));
    assert!(!draft.yaml().contains("10: "), "a control ID is never the same for all messages");
    assert!(!draft.yaml().contains("999887777"), "no constant is made of what may be a patient's");
}

#[test]
fn samples_that_are_none_are_refused_with_a_code() {
    let good = format!("{HEADER}PID|1||7\r");
    let other = good.replace("2.5.1", "2.4");
    let (long, many) = ("x".repeat(300_000), format!("{HEADER}{}", "NTE|1\r".repeat(501)));
    let values = format!("[{}1]", "1,".repeat(10_001));
    let pair = |hl7, json| SamplePair { hl7, json };
    let cases: [(Vec<SamplePair<'_>>, &str); 12] = [
        (vec![], "M401"),
        (vec![pair(&good, "{}"); 21], "M401"),
        (vec![pair(&good, &long)], "M402"),
        (vec![pair(&long, "{}")], "M402"),
        (vec![pair(&many, "{}")], "M402"),
        (vec![pair("PID|1", "{}")], "M403"),
        (vec![pair(&good, "{")], "M404"),
        (vec![pair(&good, &values)], "M404"),
        (vec![pair(&good, "[]")], "M405"),
        (vec![pair(&good, "{}"), pair(&other, "{}")], "M406"),
        (vec![pair("MSH|^~\\&|A\r", "{}")], "M406"),
        (vec![pair("MSH|^~\\&|A||||||ZZZ^Z01|1|P|2.5.1\r", "{}")], "M407"),
    ];
    for (pairs, code) in cases {
        let error = infer(&pairs).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().starts_with(code) && !error.suggestion().is_empty());
    }
    let second = infer(&[pair(&good, "{}"), pair("PID|1", "{}")]).unwrap_err();
    assert!(second.pair() == 2 && matches!(second.kind(), InferErrorKind::Message(_)));
}

#[test]
fn a_sample_with_many_equal_lists_is_drafted_in_bounded_work() {
    let lists: Vec<_> =
        (0..300).map(|n| format!("\"l{n}\":[{{\"a\":1,\"b\":[1,2]}},{{\"a\":2,\"b\":[3,4]}}]")).collect();
    let json = format!("{{{}}}", lists.join(","));
    let lines = "OBR|1|1\rOBX|1|NM|1||1\rNTE|1||1\rNTE|2||2\r".repeat(40);
    let hl7 = format!("{}{lines}", HEADER.replace("ADT^A04^ADT_A01", "ORU^R01^ORU_R01"));
    assert!(infer(&[SamplePair { hl7: &hl7, json: &json }]).is_ok());
}

#[test]
fn errors_and_debug_show_nothing_of_the_samples() {
    let hl7 = format!("{HEADER}PID|1||TWEETY7||TWEETY7\r");
    let pair = SamplePair { hl7: &hl7, json: r#"{"id":"TWEETY7","TWEETY7":"x"}"# };
    let draft = infer(&[pair]).unwrap();
    let mut shown = format!("{pair:?} {draft:?} {:?} {:?}", draft.lines(), draft.gaps());
    for broken in ["{\"a\":TWEETY7}", "TWEETY7", "\"TWEETY7\""] {
        let error = infer(&[SamplePair { json: broken, ..pair }]).unwrap_err();
        shown += &format!("{error} {error:?}");
    }
    let error = infer(&[SamplePair { hl7: "TWEETY7|TWEETY7", ..pair }]).unwrap_err();
    shown += &format!("{error} {error:?}");
    assert!(!shown.contains("TWEETY"), "{shown}");
}

/// What stands in groups of the same segments, payloads that YAML or a test would trip over: each draft loads, and its test passes.
#[test]
fn drafts_load_and_make_their_samples_again() {
    let oru = |rest: &str| format!("MSH|^~\\&|A||||20260101||ORU^R01^ORU_R01|1|P|2.5.1\rPID|1||777\r{rest}");
    let adt =
        |rest: &str| format!("MSH|^~\\&|A||||20260101||ADT^A08^ADT_A01|evt-100|P|2.5.1\r{rest}PV1|1|I\r");
    for (hl7, json, has) in [
        (
            oru("OBR|1|plac1\rOBX|1|ST|GLU||5.5||||||F\rNTE|1||onote\r"),
            r#"{"mrn":"777","placer":"plac1","code":"GLU","val":"5.5","on":"onote"}"#.to_owned(),
            "  OBSERVATION:\n",
        ),
        (
            oru("NTE|1||pnote\rOBR|1|plac1\rOBX|1|ST|GLU||5.5||||||F\rNTE|1||onote\r"),
            r#"{"mrn":"777","pn":"pnote","placer":"plac1","code":"GLU","val":"5.5","on":"onote"}"#.to_owned(),
            "  PATIENT:\n",
        ),
        (
            oru("OBR|1|plac1\rNTE|1||ordernote\rOBX|1|ST|GLU||5.5||||||F\rNTE|1||onote\r"),
            r#"{"mrn":"777","placer":"plac1","results":[{"code":"GLU","val":"5.5","on":"onote"}],"order":"ordernote"}"#
                .to_owned(),
            "    OBSERVATION:\n      each: .results",
        ),
        (
            adt("PID|1||777||Doe\r"),
            r#"{"events":[{"id":"evt-100","mrn":"777","name":"Doe"}]}"#.to_owned(),
            "  MSH:\n",
        ),
        (adt("PID|1||777||Doe\r"), r#"{"mrn":"1","mrn":"777","name":"Doe"}"#.to_owned(), "3: .mrn"),
        (
            adt("PID|1||777||Doe\r"),
            "{\"Record: No\":\"777\",\"n\u{7f}\":\"Doe\"}".to_owned(),
            "3: '.\"Record: No\"'",
        ),
        (
            adt("PID|1||777||D\u{fffe}oe\r"),
            "{\"mrn\":\"777\",\"name\":\"D\u{fffe}oe\",\"x\":\"\u{7f}\u{85}\u{feff}\"}".to_owned(),
            "5: .name",
        ),
    ] {
        let draft = infer(&[SamplePair { hl7: &hl7, json: &json }]).unwrap();
        let mapping = Mapping::from_yaml(draft.yaml())
            .unwrap_or_else(|errors| panic!("{}", errors.render("draft.yaml", draft.yaml())));
        assert_eq!((mapping.run_tests().passed(), mapping.run_tests().failed()), (1, 0), "{}", draft.yaml());
        assert_eq!(draft.reproduced().0, draft.reproduced().1, "{}", draft.yaml());
        assert!(draft.yaml().contains(has), "{}", draft.yaml());
    }
}

#[test]
fn a_group_of_which_nothing_was_found_is_not_written() {
    let hl7 = "MSH|^~\\&|||||20260101||ORU^R01^ORU_R01|1|P|2.5.1\rPID|1||777\rNTE|1||pnote\rOBR|1|plac1||glucose\rNTE|1||onote\rOBX|1|ST|GLU||5.5\r";
    let draft = infer(&[SamplePair { hl7, json: r#"{"c":"glucose"}"# }]).unwrap();
    let loaded = Mapping::from_yaml(draft.yaml());
    assert!(loaded.is_ok(), "{}", loaded.err().map_or(String::new(), |e| e.render("d", draft.yaml())));
    assert!(draft.yaml().contains("# TODO NTE-3") && !draft.yaml().contains("PATIENT:"), "{}", draft.yaml());
}
