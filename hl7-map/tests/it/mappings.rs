//! Every file in `mappings` loads without a warning and passes its own tests.

use hl7_map::Mapping;

#[test]
fn every_mapping_loads_and_passes_its_own_tests() {
    let files = crate::files("mappings", "yaml");
    assert!(!files.is_empty());
    for file in files {
        let name = file.display().to_string();
        let text = std::fs::read_to_string(&file).unwrap();
        let mapping =
            Mapping::from_yaml(&text).unwrap_or_else(|errors| panic!("{}", errors.render(&name, &text)));
        assert!(mapping.warnings().is_empty(), "{}", mapping.warnings().render(&name, &text));
        let report = mapping.run_tests();
        assert!(report.passed() > 0, "{name} has no tests");
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
