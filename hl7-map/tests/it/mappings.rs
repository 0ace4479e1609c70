//! Every file in `mappings` and every worked example loads without a warning and passes its own tests.

use hl7_map::Mapping;

#[test]
fn every_mapping_loads_and_passes_its_own_tests() {
    let mut files = crate::files("tests/mappings", "yaml");
    files.extend(crate::files("examples", "yaml"));
    assert!(files.len() > 10);
    for file in files {
        let name = file.display().to_string();
        let text = std::fs::read_to_string(&file).unwrap();
        let mapping =
            Mapping::from_yaml(&text).unwrap_or_else(|errors| panic!("{}", errors.render(&name, &text)));
        // What shows one feature need not be a whole message (M133).
        let is_example = name.contains("examples");
        let odd = mapping.warnings().iter().any(|warning| is_example || warning.code() != "M133");
        assert!(!odd, "{}", mapping.warnings().render(&name, &text));
        let report = mapping.run_tests();
        assert!(report.cases().len() > 0, "{name} has no tests");
        for case in report.cases() {
            let what = format!("{name}:{}: {}", case.line(), case.name());
            assert!(case.error().is_none(), "{what}: {}", case.error().unwrap());
            let differences: Vec<_> =
                case.differences().iter().map(|d| (d.path(), d.want(), d.got())).collect();
            assert!(differences.is_empty(), "{what}: {differences:?}");
        }
    }
}

#[test]
fn a_test_that_fails_says_where_and_what() {
    let text = "map: m\nfrom: json\nto: { hl7: \"2.5.1\", message: ADT^A08 }\nemit:\n  PID: { 7: .d | date, 8: .s }\ntests:\n\
                \x20 - { name: wrong, given: { s: M }, expect: { PID-8: F } }\n\
                \x20 - { given: { d: x }, expect: { PID-8: F } }\n\
                \x20 - { given: { d: x }, error: { code: M201 } }\n\
                \x20 - { given: { s: M }, error: { path: PID-8 } }\n";
    let report = Mapping::from_yaml(text).unwrap().run_tests();
    assert_eq!((report.passed(), report.failed()), (0, 4));
    let cases: Vec<_> = report.cases().collect();
    assert_eq!((cases[0].name(), cases[0].line(), cases[0].passed()), ("wrong", 7, false));
    let difference = &cases[0].differences()[0];
    assert_eq!((difference.path(), difference.want(), difference.got()), ("PID-8", "F", "M"));
    assert_eq!((cases[1].name(), cases[1].error().unwrap().code()), ("test 2", "M205"));
    assert_eq!((cases[2].differences()[0].path(), cases[2].differences()[0].want()), ("error", "M201"));
    assert_eq!((cases[3].differences()[0].want(), cases[3].differences()[0].got()), ("PID-8", "no error"));
}

#[test]
fn an_absent_segment_is_not_an_empty_field() {
    let text = "map: m\nfrom: json\nto: { hl7: \"2.5.1\", message: ADT^A08 }\nemit:\n  PID: { 3: [ .a, .b ], 8: .s }\n  NTE: { 3: .note }\ntests:\n\
                \x20 - { given: { s: M, a: x }, expect: { PID-7: \"\", PID-50: \"\", \"PID-8.2\": \"\", \"PID-3[1].4\": \"\" } }\n\
                \x20 - { given: { s: M }, expect: { ZZZ-1: \"\" } }\n\
                \x20 - { given: { s: M }, expect: { NTE-3: \"\" } }\n\
                \x20 - { given: { s: M }, expect: { \"PID[2]-8\": \"\" } }\n\
                \x20 - { given: { a: x }, expect: { \"PID-3[2].1\": \"\" } }\n\
                \x20 - { given: { a: x }, expect: { \"PID-3[5=SS].1\": \"\" } }\n\
                \x20 - { given: { a: x }, expect: { NTE-3: (absent), \"PID-3[2]\": (absent) } }\n";
    let report = Mapping::from_yaml(text).unwrap().run_tests();
    let passed: Vec<_> = report.cases().map(|case| case.passed()).collect();
    assert_eq!(passed, [true, false, false, false, false, false, true]);
    for case in report.cases().filter(|case| !case.passed()) {
        let difference = &case.differences()[0];
        assert_eq!((difference.want(), difference.got()), ("", "(absent)"), "line {}", case.line());
    }
}

#[test]
fn names_of_a_file_are_obeyed_by_no_terminal() {
    let text = r#"map: "m\e[31m\nx"
from: json
to: { hl7: "2.5.1", message: ADT^A08 }
tables: { "se\e]0;x\a": { map: { a: b } }, "t\u202E": { map: { a: b } } }
emit: { PID: { 5: '."\u001bx" | date', 8: '.y | table "t\u202e"' } }
tests: [ { name: "n\e[2J\u009b", given: { "\ex": z }, expect: { PID-5: x } } ]
"#;
    let mapping = Mapping::from_yaml(text).unwrap();
    let mut shown = format!("{}{:?}{}{:?}", mapping.name(), mapping, mapping.warnings(), mapping.warnings());
    shown.push_str(&mapping.warnings().render("a\u{1b}b", text).replace('\n', " "));
    for case in mapping.run_tests().cases() {
        shown.push_str(&format!("{}{}", case.name(), case.error().unwrap()));
    }
    for payload in [r#"{"y":"q"}"#, "{\"\\u001bx\":\"q\"}"] {
        let error = mapping.apply_json(payload.as_bytes(), &crate::ctx()).unwrap_err();
        shown.push_str(&format!("{error}{:?}", error.iter().map(|r| r.source()).collect::<Vec<_>>()));
    }
    let wrong = text.replace("| date", r#"| table "sey\u001b]0;x\u0007""#);
    shown.push_str(&Mapping::from_yaml(&wrong).unwrap_err().to_string());
    assert!(shown.contains("did you mean `se\u{fffd}]0;x\u{fffd}`?"), "{shown:?}");
    assert!(!shown.contains(|c: char| c.is_control() || c == '\u{202e}'), "{shown:?}");
}
