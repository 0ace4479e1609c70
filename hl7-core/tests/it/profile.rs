//! Profiles: what they find beside the standard, what they allow, and what is wrong with them.

use std::collections::BTreeSet;

use hl7_core::dictionary::Version;
use hl7_core::{AckCode, Against, FindingCode, Level, Message, Profile, Severity, Validation, validate};

const NORTH: &str = include_str!("../../profiles/north-adt.yaml");
const FITS: [&str; 6] = [
    "MSH|^~\\&|REG|NORTH|EHR|NORTH|20260102||ADT^A08^ADT_A01|1|P|2.5.1||||||UNICODE UTF-8",
    "EVN||20260102",
    "PID|1||7^^^H^MR~8^^^S^SS||Doe^Ann||19840701|F",
    "ZPT|1|CAT|9^^^CHIP",
    "ZPT|2|OTHER|10",
    "PV1|1|T|W1",
];

/// The message with lines exchanged by their first four characters and number: `ZPT#2` is the second.
fn with(changes: &[(&str, &str)]) -> String {
    let mut lines = FITS.map(str::to_owned).to_vec();
    for (which, line) in changes {
        let (id, nth) = which.split_once('#').map_or((*which, 1), |(id, nth)| (id, nth.parse().unwrap()));
        let (at, _) = lines.iter().enumerate().filter(|(_, it)| it.starts_with(id)).nth(nth - 1).unwrap();
        lines[at] = (*line).to_owned();
    }
    lines.join("\r") + "\r"
}

fn shown(er7: &str, against: &impl Against) -> Vec<String> {
    validate(&Message::parse(er7).unwrap(), against).iter().map(ToString::to_string).collect()
}

#[test]
fn what_fits_has_no_findings_and_the_standard_alone_has() {
    let profile = Profile::from_yaml(NORTH).unwrap();
    assert_eq!(profile.name(), "north-adt");
    assert_eq!(shown(&with(&[]), &profile), [""; 0]);
    let alone = shown(&with(&[]), &Validation::new());
    assert_eq!(alone.len(), 1, "a code: {alone:#?}");
}

/// Lines to exchange, and what is found then.
type Case<'c> = (&'c [(&'c str, &'c str)], &'c [&'c str]);

#[test]
fn a_profile_narrows_the_standard() {
    let profile = Profile::from_yaml(NORTH).unwrap();
    let cases: [Case<'_>; 20] = [
        (
            &[("PID", "PID|1||7^^^H^MR||Doe^Ann|||F")],
            &["V301 at PID[1]-7: a required field is empty (profile, line 26)"],
        ),
        (
            &[("PID", "PID|1|2|7^^^H^MR||Doe^Ann||1984|F")],
            &["V305 at PID[1]-2: nothing may be valued here (profile, line 19)"],
        ),
        (
            &[("PID", "PID|1||x^^^H^MR||Doe^Ann||1984|F")],
            &["V504 at PID[1]-3[1].1: not the value or form that is stated (profile, line 23)"],
        ),
        (
            &[("PID", "PID|1||7^^^H^XX||Doe^Ann||1984|F")],
            &["V703 at PID[1]-3[1].5: a code that is not listed (profile, line 24)"],
        ),
        (
            &[("PID", "PID|1||^^^H^MR||Doe^Ann||1984|F")],
            &["V302 at PID[1]-3[1].1: a required component is empty (profile, line 23)"],
        ),
        (
            &[("PID", "PID|1||1~2~3~4~5||Doe^Ann||1984|F")],
            &["V401 at PID[1]-3[4]: the field repeats too often (profile, line 20)"],
        ),
        (
            &[("PID", "PID|1||||Doe^Ann||1984|F")],
            &[
                "V301 at PID[1]-3: a required field is empty (Patient Identifier List)",
                "V402 at PID[1]-3: the field repeats too seldom (profile, line 20)",
            ],
        ),
        (
            &[("PID", "PID|1||7||Doe||1984|F")],
            &["V302 at PID[1]-5[1].2: a required component is empty (profile, line 25)"],
        ),
        (&[("PID", "PID|1||7||Doe^Ann||1984|O")], &["V703 at PID[1]-8[1]: a code that is not listed (0001)"]),
        (
            &[("PID", &("PID|1||7||Doe^Ann||1984|F".to_owned() + &"|".repeat(21) + "2026"))],
            &["V305 at PID[1]-29: nothing may be valued here (profile, line 27)"],
        ),
        (
            &[("PID", &("PID|1||7||Doe^Ann||1984|F".to_owned() + &"|".repeat(22) + "Y"))],
            &["V301 at PID[1]-29: a required field is empty (profile, line 27)"],
        ),
        (
            &[(
                "MSH",
                "MSH|^~\\&|REG|NORTH|EHR|NORTH|20260102||ADT^A08^ADT_A01|one-two-three-four-five-six|P|2.5.1",
            )],
            &["V603 at MSH[1]-10[1]: longer than it may be (profile, line 15)"],
        ),
        (
            &[("MSH", "MSH|^~\\&|REG|NORTH|EHR|NORTH|20260102||ADT^A08^ADT_A01|1|P|2.5.1||||||8859/1")],
            &["V504 at MSH[1]-18[1]: not the value or form that is stated (profile, line 16)"],
        ),
        (
            &[("ZPT", "PV1|1|I|W")],
            &[
                "V204 at PV1[2]: this segment belongs before the ones before it (Patient Visit)",
                "V207 at ZPT[1]: this segment stands behind others than it should (profile, line 31)",
                "V208 at PV1[2]: this segment stands too often (profile, line 29)",
            ],
        ),
        (
            &[("ZPT", "ZPT|x|FISH|")],
            &[
                "V501 at ZPT[1]-1[1]: this is no value of the data type (SI, T004: a whole number from 0 to 9999)",
                "V703 at ZPT[1]-2[1]: a code that is not listed (profile, line 36)",
            ],
        ),
        (&[("ZPT", "ZPT|1|CAT|9|more")], &["V304 at ZPT[1]-4: the segment has no such field"]),
        (&[("ZPT#2", "ZPT|2|OTHER")], &["V801 at ZPT[2]-3[1].1: N-3: an unusual animal without a number"]),
        (&[("PV1", "PV1|1|I")], &["V801 at PV1[1]-3[1].1: N-1: an inpatient without a ward"]),
        (
            &[("PID", "PID|1||7||Doe^Ann||20400101|F")],
            &["V801 at PID[1]-7[0]: N-2: a date of birth in the future"],
        ),
        (&[("EVN", "EVN||2026|||||more|and more")], &["V304 at EVN[1]-8: the segment has no such field"]),
    ];
    for (changes, expected) in cases {
        let found = shown(&with(changes), &profile);
        let expected: Vec<_> = expected.iter().map(|text| text.replace("[0]:", ":")).collect();
        assert_eq!(found, expected, "{changes:?}");
    }
}

#[test]
fn severities_are_as_the_profile_says() {
    let profile = Profile::from_yaml(NORTH).unwrap();
    let worst =
        |changes: &[(&str, &str)]| validate(&Message::parse(&with(changes)).unwrap(), &profile).worst();
    assert_eq!(worst(&[("EVN", "EVN||2026|||||more|and more")]), Some(Severity::Error));
    assert_eq!(worst(&[("PID", "PID|1||7||Doe^Ann||20400101|F")]), Some(Severity::Warning));
    assert_eq!(worst(&[]), None);
    let text = "profile: p\nsegments: { PID: { fields: { 8: { codes: [F], severity: information } } } }";
    let lenient = Profile::from_yaml(text).unwrap();
    let findings = validate(&Message::parse(&with(&[("PID", "PID|1||7||Doe||1984|M")])).unwrap(), &lenient);
    let listed = findings.iter().find(|finding| finding.code() == FindingCode::UnlistedCode).unwrap();
    assert_eq!(listed.severity(), Severity::Information);
}

#[test]
fn a_profile_for_other_messages_says_so() {
    let profile = Profile::from_yaml(NORTH).unwrap();
    let other = with(&[("MSH", "MSH|^~\\&|REG|SOUTH|EHR|SOUTH|20260102||ADT^A08^ADT_A01|1|P|2.5.1")]);
    let found = shown(&other, &profile);
    assert_eq!(found.last().unwrap(), "V802 at MSH[1]: the profile is for other messages");
    assert_eq!(found[..found.len() - 1], shown(&other, &Validation::new()));
    assert_eq!(shown(&other, &Validation::new().profile(&profile).levels([Level::Usage])), [""; 0]);
}

#[test]
fn levels_hold_for_profiles() {
    let profile = Profile::from_yaml(NORTH).unwrap();
    let er7 = with(&[("PID", "PID|1|2|x^^^H^XX~~~4||Doe^Ann|||O"), ("PV1", "PV1|1|I")]);
    let mut codes = BTreeSet::new();
    for level in Level::ALL {
        let findings =
            validate(&Message::parse(&er7).unwrap(), &Validation::new().profile(&profile).levels([level]));
        for finding in &findings {
            assert_eq!(finding.code().level(), level);
            codes.insert(finding.code().to_string());
        }
    }
    assert_eq!(codes.into_iter().collect::<Vec<_>>(), ["V301", "V305", "V401", "V504", "V703", "V801"]);
}

#[test]
fn a_profile_widens_the_standard() {
    let text = "profile: wide\nsegments:\n  PID: { fields: { 5: O, 8: { codes: [XX], length: 2 }, 19: { times: 0..3 } } }\n  EVN: { times: 0..1 }\n  TXA: { times: 0..1 }\n  PV1: { fields: { 60: ST } }\n";
    let profile = Profile::from_yaml(text).unwrap();
    let er7 = "MSH|^~\\&|A|B|C|D|20260102||ADT^A08^ADT_A01|1|P|2.5.1\rPID|1||7||||1984|XX|||||||||||1~2\rTXA|1|CN\rPV1|1|I".to_owned()
        + &"|".repeat(58)
        + "own\r";
    let standard: BTreeSet<_> =
        shown(&er7, &Validation::new()).iter().map(|text| text[..4].to_owned()).collect();
    for code in ["V202", "V205", "V301", "V304", "V401", "V601", "V702"] {
        assert!(standard.contains(code), "{code}: {standard:?}");
    }
    let left = shown(&er7, &profile);
    assert!(left.iter().all(|text| text.contains("TXA") && text.starts_with("V301")), "{left:#?}");
}

#[test]
fn groups_are_named() {
    let text = "profile: p\nsegments:\n  PATIENT.NTE: { times: 0..1 }\n  OBSERVATION.NTE: { fields: { 3: { length: 3 } } }\n  OBSERVATION.OBX: { times: 1 }\n";
    let profile = Profile::from_yaml(text).unwrap();
    let er7 = "MSH|^~\\&|A|B|C|D|20260102||ORU^R01^ORU_R01|1|P|2.5.1\rPID|1||7||Doe\rNTE|1||long\rNTE|2||long\rOBR|1|||K\rOBX|1|ST|K||x||||||F\rNTE|1||long\rOBX|2|ST|K||y||||||F\rNTE|1||abc\r";
    let found: Vec<_> =
        shown(er7, &Validation::new().profile(&profile).levels([Level::Structure, Level::Length]));
    assert_eq!(
        found,
        [
            "V603 at NTE[3]-3[1]: longer than it may be (profile, line 4)",
            "V208 at NTE[2]: this segment stands too often (profile, line 3)",
        ]
    );
}

#[test]
fn findings_of_a_profile_become_an_acknowledgment() {
    let profile = Profile::from_yaml(NORTH).unwrap();
    let er7 = with(&[("PV1", "PV1|1|I")]);
    let msg = Message::parse(&er7).unwrap();
    let findings = validate(&msg, &profile);
    assert_eq!(findings.iter().next().unwrap().rule(), Some("N-1"));
    let ack = findings.ack(&msg).build();
    assert_eq!(hl7_core::Msa::of(&ack).unwrap().code(), Some(AckCode::AE));
    let error = "ERR||PV1^1^3^1^1|101^Required field missing^HL70357|E||||N-1: an inpatient without a ward\r";
    assert!(ack.as_er7().ends_with(error), "{}", ack.as_er7());
}

#[test]
fn findings_become_an_http_problem() {
    let text = "profile: p\nchecks: [ { code: 'a\"b', text: \"tab\\there\", require: ZZZ-1 } ]";
    let profile = Profile::from_yaml(text).unwrap();
    let er7 = with(&[]);
    let findings = validate(&Message::parse(&er7).unwrap(), &profile);
    let problem: serde_json::Value = serde_json::from_str(&findings.problem().unwrap()).unwrap();
    assert_eq!(problem["status"], 422);
    assert_eq!(problem["errors"].as_array().unwrap().len(), findings.len());
    let own = problem["errors"].as_array().unwrap().iter().find(|error| error["code"] == "V801").unwrap();
    assert_eq!((own["detail"].as_str(), own["path"].as_str()), (Some("a\"b: tab\there"), Some("ZZZ[1]-1")));
    let fits = validate(&Message::parse(&er7).unwrap(), &Profile::from_yaml(NORTH).unwrap());
    assert_eq!(fits.problem(), None);
}

#[test]
fn the_work_of_conditions_is_bounded() {
    let text = "profile: p\nchecks: [ { code: c, each: OBX, text: t, assert: 'OBX[*]-5 == y' } ]";
    let profile = Profile::from_yaml(text).unwrap();
    let er7 = with(&[]) + &"OBX|1|ST|K||x\r".repeat(20_000);
    let validation = Validation::new().profile(&profile).levels([Level::Profile]).limit(5_000);
    let found = shown(&er7, &validation);
    assert!(found.len() > 100 && found.len() < 2_000, "{}", found.len());
    assert!(
        found
            .last()
            .unwrap()
            .ends_with("V803 at MSH[1]: the message is too large for all conditions of the profile")
    );
}

#[test]
fn a_check_of_each_segment_may_ask_about_another() {
    let text = "profile: p\nchecks: [ { code: c, each: ZPT, text: t, require: PID-4 }, { code: d, each: ZPT, text: t, require: ZPT-9 } ]";
    let profile = Profile::from_yaml(text).unwrap();
    let found = shown(&with(&[]), &Validation::new().profile(&profile).levels([Level::Profile]));
    let place = |text: &String| text.split(':').next().unwrap().to_owned();
    let places: Vec<_> = found.iter().map(place).collect();
    assert_eq!(places, ["V801 at PID[1]-4", "V801 at PID[1]-4", "V801 at ZPT[1]-9", "V801 at ZPT[2]-9"]);
}

#[test]
fn every_code_of_a_profile_can_be_found() {
    let mut left: BTreeSet<_> = FindingCode::ALL.into_iter().filter(|code| code.is_of_profile()).collect();
    let profile = Profile::from_yaml(
        "profile: p\nfor: { MSH-3: REG }\nsegments:\n  EVN: { after: PV1, times: 0 }\n  PID: { fields: { 1: X, 3: { times: 5 }, 5: { length: 99..100 }, 7: { length: 1, constant: x, codes: [x] } } }\nchecks: [ { code: c, text: t, require: ZZZ-1 } ]\n",
    )
    .unwrap();
    // That one has a test of its own, with a large message.
    left.remove(&FindingCode::NotAsked);
    for er7 in [with(&[]), with(&[("MSH", "MSH|^~\\&|X|Y|||20260102||ADT^A08^ADT_A01|1|P|2.5.1")])] {
        for finding in &validate(&Message::parse(&er7).unwrap(), &profile) {
            left.remove(&finding.code());
        }
    }
    assert!(left.is_empty(), "{left:?}");
}

/// A profile with a mistake, its code, line and column, and a part of its suggestion.
const MISTAKES: [(&str, &str, usize, usize, &str); 46] = [
    ("profile: [a", "R001", 1, 10, ""),
    ("profile: p\nprofile: q", "R003", 2, 1, ""),
    ("profile: !!str p", "R004", 1, 16, ""),
    ("profile: p\n---\nprofile: q", "R004", 2, 1, ""),
    ("profile: p\nsegmnets: {}", "R005", 2, 1, "did you mean `segments`?"),
    ("profile: p\nsegments: []", "R006", 2, 11, ""),
    ("profile: p\nchecks: {}", "R006", 2, 9, ""),
    ("profile: [p]", "R006", 1, 10, ""),
    ("", "R007", 1, 1, ""),
    ("version: \"2.5\"", "R007", 1, 1, ""),
    ("profile: p\nchecks: [ { text: t, require: PID-3 } ]", "R007", 2, 11, ""),
    ("profile: p\nchecks: [ { code: c, text: t } ]", "R007", 2, 11, ""),
    ("profile: p\nversion: 2.5.2", "R008", 2, 10, "did you mean `2.5.1`?"),
    ("profile: p\nfor: { PID: x }", "R009", 2, 8, "PID-3"),
    ("profile: p\nchecks: [ { code: c, text: t, require: PID-0 } ]", "R009", 2, 40, "PID-3"),
    ("profile: p\nchecks: [ { code: c, text: t, assert: PID-3 === 4 } ]", "R010", 2, 45, "== != <"),
    ("profile: p\nsegments: { pid: {} }", "R011", 2, 13, "did you mean `PID`?"),
    ("profile: p\nsegments: { ZZZ: {} }", "R011", 2, 13, ""),
    ("profile: p\nversion: \"2.5\"\nsegments: { PID: { fields: { 99: R } } }", "R012", 3, 30, "data type"),
    ("profile: p\nsegments: { ZZZ: { fields: { 1: { type: CXX } } } }", "R013", 2, 41, "did you mean `CX`?"),
    ("profile: p\nsegments: { PID: { fields: { 3: Q } } }", "R014", 2, 33, "R, RE, O or X"),
    ("profile: p\nsegments: { PID: { fields: { 3: { usage: must } } } }", "R014", 2, 42, "R, RE, O or X"),
    ("profile: p\nsegments: { PID: { fields: { 3: { times: 3..1 } } } }", "R015", 2, 42, "1..3"),
    ("profile: p\nsegments: { PID: { fields: { x: R } } }", "R015", 2, 30, ""),
    (
        "profile: p\ntables: { mine: [A] }\nsegments: { PID: { fields: { 8: { table: mien } } } }",
        "R016",
        3,
        42,
        "did you mean `mine`?",
    ),
    ("profile: p\nsegments: { PID: { fields: { 8: { pattern: \"(\" } } } }", "R017", 2, 44, ""),
    ("profile: p\ntables: { 99999: [A] }", "R016", 2, 11, "1 to 9999"),
    ("profile: p\ntables: { 1: [A], \"0001\": [B] }", "R003", 2, 19, ""),
    ("profile: p\nsegments: { PID: { fields: { 03: R } } }", "R015", 2, 30, ""),
    ("profile: p\nsegments: { PID: { fields: { +3: R } } }", "R015", 2, 30, ""),
    ("profile: p\nsegments: { PID: { fields: { 8: { codes: [F], table: \"0001\" } } } }", "R005", 2, 54, ""),
    (
        "profile: p\nsegments: { PID: { fields: { 3: { components: { 1: { times: 2 } } } } } }",
        "R005",
        2,
        61,
        "",
    ),
    (
        "profile: p\nsegments:\n  PID: { fields: { 3: { components: { 4: { components: { 1: { components: { 3: R } } } } } } } }",
        "R005",
        3,
        75,
        "",
    ),
    (
        "profile: p\nsegments: { OBSERVTION.NTE: { times: 0..1 } }",
        "R022",
        2,
        13,
        "did you mean `OBSERVATION`?",
    ),
    (
        "profile: p\nsegments: { ZPT: { after: pid, fields: { 1: ST } } }",
        "R011",
        2,
        27,
        "did you mean `PID`?",
    ),
    ("profile: p\nsegments: { ZPT: { after: [PID, \"\"], fields: { 1: ST } } }", "R011", 2, 33, ""),
    (
        "profile: p\nchecks: [ { code: A, text: t, require: PID-3, each: obx } ]",
        "R011",
        2,
        53,
        "did you mean `OBX`?",
    ),
    ("profile: p\nseverities: { V801: warning }", "R018", 2, 15, "a `severity`"),
    ("profile: p\nchecks:\n  - { code: A, text: t, assert: PID-3 == \"äöü\" an PID-4 }", "R010", 3, 48, ""),
    ("profile: p\nchecks:\n  - { code: A, text: t, assert: 'PID-3 == \"x\" an PID-4' }", "R010", 3, 47, ""),
    (
        "profile: p\nchecks:\n  - { code: A, text: t, assert: \"PID-3 == \\\"x\\\" an PID-4\" }",
        "R010",
        3,
        33,
        "",
    ),
    (
        "profile: p\nchecks:\n  - code: A\n    text: t\n    assert: >\n      PID-3 == 1\n      an PID-4\n",
        "R010",
        6,
        7,
        "",
    ),
    ("profile: p\ntables: { 0: [A] }", "R016", 2, 11, "1 to 9999"),
    ("profile: p\nseverities: { V701: fatal }", "R018", 2, 21, "error, warning, information"),
    ("profile: p\nchecks: [ { code: V301, text: t, require: PID-3 } ]", "R021", 2, 19, "of its own"),
    (
        "profile: p\nchecks:\n  - { code: A, text: t, require: PID-3 }\n  - { code: A, text: u, require: PID-5 }",
        "R021",
        4,
        13,
        "of its own",
    ),
];

#[test]
fn every_mistake_has_a_code_a_place_and_a_suggestion() {
    let mut codes = BTreeSet::from(["R002", "R019", "R020"].map(str::to_owned));
    for (text, code, line, column, suggestion) in MISTAKES {
        let errors = Profile::from_yaml(text).unwrap_err();
        let error = errors.iter().next().unwrap();
        assert_eq!((error.code(), error.line(), error.column()), (code, line, column), "{text}\n{errors}");
        assert!(error.suggestion().unwrap_or_default().contains(suggestion), "{text}\n{errors}");
        assert_eq!(errors.iter().len(), 1, "{text}\n{errors}");
        codes.insert(code.to_owned());
    }
    let large = format!("profile: p\n#{}", "x".repeat(2 << 20));
    assert_eq!(Profile::from_yaml(&large).unwrap_err().iter().next().unwrap().code(), "R002");
    let documented =
        include_str!("../../src/profile/mod.rs").lines().filter_map(|line| line.strip_prefix("//! | R"));
    let documented: BTreeSet<_> = documented.map(|row| format!("R{}", &row[..3])).collect();
    assert_eq!(codes, documented);
}

#[test]
fn all_mistakes_are_told_at_once_with_carets() {
    let text = "profile: p\nsegments:\n  PID:\n    fields: { 3: Q, 8: { codess: [F] } }\n  PDI: {}\n";
    let errors = Profile::from_yaml(text).unwrap_err();
    assert_eq!(
        errors.render("p.yaml", text),
        "error[R014]: no usage or data type: `Q`\n  --> p.yaml:4:18\n4 |     fields: { 3: Q, 8: { codess: [F] } }\n  |                  ^ a usage is R, RE, O or X\n\
         error[R005]: an unknown key `codess`\n  --> p.yaml:4:26\n4 |     fields: { 3: Q, 8: { codess: [F] } }\n  |                          ^^^^^^ did you mean `codes`?\n\
         error[R011]: a segment that the standard does not have needs its fields: `PDI`\n  --> p.yaml:5:3\n5 |   PDI: {}\n  |   ^^^ did you mean `PD1`?\n"
    );
}

#[test]
fn the_place_in_a_long_line_is_in_sight() {
    let text = format!("profile: p\nsegments: {{ PID: {{ fields: {{ {} 40: Q }} }} }}\n", " ".repeat(800));
    let errors = Profile::from_yaml(&text).unwrap_err();
    let shown = errors.render("p.yaml", &text);
    let lines: Vec<&str> = shown.lines().skip(2).collect();
    let at = lines[1].find('^').unwrap();
    assert!(lines[0].len() < 200 && lines[0][at..].starts_with("Q "), "{shown}");
}

/// Aliases lie in each other where they are used, however the file writes them.
#[test]
fn aliases_lie_no_deeper_than_what_is_written_out() {
    let mut text = "profile: p\nsegments:\n  ZA0: &a0 { fields: { 1: { components: { 1: { components: { 1: ST } } } } } }\n".to_owned();
    for stage in 1..40 {
        let open = "{ a: ".repeat(20);
        let close = " }".repeat(20);
        text += &format!("x{stage}: &a{stage} {open}*a{}{close}\n", stage - 1);
    }
    let errors = Profile::from_yaml(&text).unwrap_err();
    assert!(errors.iter().any(|error| error.code() == "R002"), "{errors}");
}

#[test]
fn severities_reach_what_only_a_profile_finds() {
    let profile = |graded: &str| {
        Profile::from_yaml(&format!("profile: p\n{graded}segments: {{ PID: {{ fields: {{ 2: X }} }} }}"))
            .unwrap()
    };
    let er7 = with(&[("PID", "PID|1|2|7^^^H^MR||Doe^Ann||1984|F")]);
    let severity = |graded: &str| {
        let profile = profile(graded);
        let found = validate(&Message::parse(&er7).unwrap(), &profile);
        found.iter().find(|found| found.code() == FindingCode::NotAllowed).map(|found| found.severity())
    };
    assert_eq!(severity(""), Some(Severity::Error));
    assert_eq!(severity("severities: { V305: warning }\n"), Some(Severity::Warning));
    assert_eq!(severity("severities: { V305: off }\n"), None);
}

#[test]
fn without_a_version_the_message_s_own_counts() {
    let profile =
        Profile::from_yaml("profile: p\nsegments: { PRT: { fields: { 1: R } }, PID: { fields: { 40: X } } }")
            .unwrap();
    for version in Version::ALL {
        let er7 = format!("MSH|^~\\&|A|B|C|D|20260102||ADT^A08^ADT_A01|1|P|{version}\rPRT||x\r");
        let found = shown(&er7, &profile);
        assert!(
            found.iter().any(|text| text.starts_with("V301 at PRT[1]-1") && text.contains("line 2")),
            "{found:#?}"
        );
    }
}

#[test]
fn no_finding_shows_a_value() {
    let profile = Profile::from_yaml(NORTH).unwrap();
    let er7 = with(&[
        ("PID", "PID|TWEETY7|TWEETY7|TWEETY7^^^H^TWEETY7||TWEETY7||TWEETY7|TWEETY7"),
        ("ZPT", "ZPT|TWEETY7|TWEETY7|TWEETY7|TWEETY7"),
    ]);
    let findings = validate(&Message::parse(&er7).unwrap(), &profile);
    let shown = format!(
        "{findings:?} {profile:?} {:?}",
        findings.iter().map(ToString::to_string).collect::<Vec<_>>()
    );
    assert!(findings.len() > 5 && !shown.contains("TWEETY"), "{shown}");
}

#[cfg(feature = "xml")]
mod conformance {
    use hl7_core::{Message, Profile, validate};

    const XML: &str = include_str!("profile/conformance.xml");

    fn found(er7: &str) -> Vec<String> {
        let read = Profile::from_conformance_xml(XML, Some("ORU_SITE")).unwrap();
        validate(&Message::parse(er7).unwrap(), &read.profile).iter().map(ToString::to_string).collect()
    }

    const FITS: &str = "MSH|^~\\&|A|B|C|D|20260102||ORU^R01^ORU_R01|1|P|2.5.1\rPID|1||7^^^H^MR||Doe^Ann||1984\rOBR|1|||K\rOBX|1|NM|K||5||||||F\r";

    #[test]
    fn a_conformance_profile_is_read_as_far_as_it_maps() {
        let read = Profile::from_conformance_xml(XML, Some("ORU_SITE")).unwrap();
        assert_eq!(read.profile.name(), "A site's results");
        let left: Vec<_> = read.unmapped.iter().map(|it| format!("{}: {}", it.line, it.what)).collect();
        assert_eq!(
            left,
            [
                "8: usage and cardinality of the group PATIENT_RESULT",
                "9: usage and cardinality of the group PATIENT",
                "29: the value set HL70001 of PID-8",
                "30: the condition of PID-9",
                "44: DynamicMapping of OBX",
            ]
        );
        assert_eq!(found(FITS), [""; 0]);
    }

    /// The profile of ADT^A01 with these references, segments and data types.
    fn adt(
        members: &str,
        segments: &str,
        types: &str,
    ) -> Result<hl7_core::profile::ConformanceProfile, hl7_core::ProfileErrors> {
        let xml = format!(
            r#"<ConformanceProfile ID="p" HL7Version="2.5.1"><MetaData Name="Site"/><Messages>
<Message ID="m" Type="ADT" Event="A01" {members}</Message></Messages><Segments>{segments}</Segments><Datatypes>{types}</Datatypes></ConformanceProfile>"#
        );
        Profile::from_conformance_xml(&xml, None)
    }

    const ADT: &str = "MSH|^~\\&|A|B|C|D|20260102||ADT^A01^ADT_A01|1|P|2.5.1\rEVN||2026\rPID|1||7||Doe\rROL|1|AD|AT|x\rPV1|1|I\rROL|1|AD|AT|x\r";

    fn found_in(read: &hl7_core::profile::ConformanceProfile, er7: &str) -> Vec<String> {
        let findings = validate(&Message::parse(er7).unwrap(), &read.profile);
        findings.iter().map(ToString::to_string).filter(|text| text.contains("profile")).collect()
    }

    #[test]
    fn a_segment_at_two_places_of_a_group_is_counted_at_both() {
        let members = r#"StructID="ADT_A01"><Segment Ref="R" Usage="O" Min="0" Max="1"/><Segment Ref="R" Usage="O" Min="0" Max="1"/>"#;
        let read = adt(members, r#"<Segment ID="R" Name="ROL"/>"#, "").unwrap();
        assert_eq!(found_in(&read, ADT), [""; 0]);
        let third = format!("{ADT}ROL|1|AD|AT|x\r");
        assert_eq!(found_in(&read, &third).len(), 1);
    }

    #[test]
    fn without_the_structure_that_of_the_event_counts() {
        let segments =
            r#"<Segment ID="P" Name="PID"><Field Name="Set ID" Datatype="SI" Usage="X"/></Segment>"#;
        let read = adt(r#"><Segment Ref="P" Usage="R" Min="1" Max="1"/>"#, segments, "").unwrap();
        assert_eq!((found_in(&read, ADT).len(), read.unmapped.len()), (1, 0));
    }

    #[test]
    fn a_condition_that_is_not_read_asks_for_nothing() {
        let segments = r#"<Segment ID="P" Name="PID"><Field Name="Set ID" Datatype="SI" Usage="O"/><Field Name="Patient ID" Datatype="CX" Usage="C" Min="1" Max="1"/></Segment>"#;
        let read =
            adt(r#"StructID="ADT_A01"><Segment Ref="P" Usage="R" Min="1" Max="1"/>"#, segments, "").unwrap();
        assert_eq!(found_in(&read, ADT), [""; 0]);
        assert_eq!(read.unmapped[0].what, "the condition of PID-2");
    }

    #[test]
    fn constants_are_read_and_what_is_beside_components_is_none() {
        let segments = r#"<Segment ID="P" Name="PID"><Field Name="Set ID" Datatype="SI" Usage="R" Min="1" Max="many" ConstantValue="77"/>
            <Field Name="Patient ID" Datatype="CX" Usage="O" ConfLength="5"/><Field Name="IDs" Datatype="CX_1" Usage="R" Min="1" Max="*" ConfLength="7"/></Segment>"#;
        let types = r#"<Datatype ID="CX_1" Name="CX"><Text/><Component Name="ID" Datatype="ST" Usage="R"/></Datatype>"#;
        let read = adt(
            r#"StructID="ADT_A01"><Choice/><Segment Ref="P" Usage="R" Min="1" Max="1"/>"#,
            segments,
            types,
        )
        .unwrap();
        let found = found_in(&read, ADT);
        assert!(found.len() == 1 && found[0].starts_with("V504 at PID[1]-1"), "{found:#?}");
        let without = found_in(&read, &ADT.replace("||7||", "||^x||"));
        assert!(without.iter().any(|text| text.starts_with("V302 at PID[1]-3[1].1")), "{without:#?}");
        let left: Vec<_> = read.unmapped.iter().map(|left| left.what.as_str()).collect();
        assert_eq!(
            left,
            [
                "Choice of the message",
                "Max of PID-1, which is no number",
                "ConfLength, at first that of PID-2"
            ]
        );
    }

    /// Each field has each component of each component: a small file, and a profile that no machine holds.
    #[test]
    fn data_types_are_written_out_up_to_a_limit() {
        let each = |n: usize, text: &str| text.repeat(n);
        let members = each(100, r#"<Segment Ref="S" Usage="R" Min="1" Max="1"/>"#);
        let fields = each(100, r#"<Field Name="f" Datatype="D" Usage="R"/>"#);
        let types = each(100, r#"<Component Name="c" Datatype="D" Usage="R"/>"#);
        let read = adt(
            &format!(r#"StructID="ADT_A01">{members}"#),
            &format!(r#"<Segment ID="S" Name="PID">{fields}</Segment>"#),
            &format!(r#"<Datatype ID="D" Name="XPN">{types}</Datatype>"#),
        );
        assert_eq!(read.unwrap_err().iter().next().unwrap().code(), "R002");
    }

    #[test]
    fn what_it_says_is_found() {
        let cases = [
            (
                "PID|1||7^^^H^MR||Doe^Ann||1984",
                "PID|1|2|7^^^H^MR||Doe^Ann||1984",
                "V305 at PID[1]-2: nothing may be valued here (profile, line 23)",
            ),
            (
                "PID|1||7^^^H^MR||Doe^Ann||1984",
                "PID|1||7^^^H||Doe^Ann||1984",
                "V302 at PID[1]-3[1].5: a required component is empty (profile, line 56)",
            ),
            (
                "PID|1||7^^^H^MR||Doe^Ann||1984",
                "PID|1||7^^^H^MR||Doe^Ann",
                "V301 at PID[1]-7: a required field is empty (profile, line 28)",
            ),
            (
                "7^^^H^MR",
                "7^^^H^MR~8^^^H^MR~9^^^H^MR",
                "V401 at PID[1]-3[3]: the field repeats too often (profile, line 24)",
            ),
            ("7^^^H^MR", "1234567^^^H^MR", "V603 at PID[1]-3[1].1: longer than it may be (profile, line 52)"),
            (
                "OBX|1",
                "NTE|1||x\rNTE|2||y\rOBX|1",
                "V208 at NTE[2]: this segment stands too often (profile, line 15)",
            ),
            ("OBX|1|NM|K||5||||||F\r", "OBX|1|NM|K||5||||||F\rNTE|1||x\rNTE|2||y\r", ""),
        ];
        for (from, to, expected) in cases {
            let found = found(&FITS.replace(from, to));
            let expected: Vec<_> = Some(expected).filter(|text| !text.is_empty()).into_iter().collect();
            assert_eq!(found, expected, "{to}");
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        let deep = "<a>".repeat(40);
        let cases = [
            ("", "R019"),
            ("<ConformanceProfile>", "R019"),
            ("<ConformanceProfile></Other>", "R019"),
            ("<!DOCTYPE a [<!ENTITY b 'c'>]><ConformanceProfile/>", "R019"),
            ("<html/>", "R019"),
            (&deep, "R019"),
            ("<ConformanceProfile a='1' a='2'/>", "R019"),
            ("<ConformanceProfile/>", "R020"),
            (
                "<ConformanceProfile><Messages><Message ID='a'/><Message ID='b'/></Messages></ConformanceProfile>",
                "R020",
            ),
        ];
        for (xml, code) in cases {
            let errors = Profile::from_conformance_xml(xml, None).unwrap_err();
            assert_eq!(errors.iter().next().unwrap().code(), code, "{xml}: {errors}");
        }
        let named = Profile::from_conformance_xml(XML, Some("none")).unwrap_err();
        assert!(named.to_string().contains("the messages are ORU_SITE, ACK_SITE"), "{named}");
    }
}
