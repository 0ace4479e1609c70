//! Every file in `mistakes` gives exactly the errors and warnings that stand beside it, rendered. `BLESS=1` writes what stands beside it
//! anew, to be read before it is committed.

use std::collections::BTreeSet;

use hl7_map::Mapping;

/// Every code of a mapping file's errors and warnings.
const CODES: [&str; 44] = [
    "M001", "M002", "M003", "M004", "M005", "M006", "M007", "M008", "M009", "M010", "M101", "M102", "M103",
    "M104", "M105", "M106", "M107", "M108", "M109", "M110", "M111", "M112", "M113", "M114", "M115", "M116",
    "M117", "M118", "M119", "M120", "M121", "M122", "M123", "M124", "M125", "M126", "M127", "M129", "M130",
    "M131", "M132", "M133", "M134", "M138",
];

#[test]
fn every_mistake_is_told_with_its_place_and_a_suggestion() {
    let mut codes = BTreeSet::new();
    for file in crate::files("tests/mistakes", "yaml") {
        let name = file.file_name().unwrap().to_str().unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        let told = match Mapping::from_yaml(&text) {
            Ok(mapping) => mapping.warnings().clone(),
            Err(errors) => errors,
        };
        let rendered = told.render(name, &text);
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(file.with_extension("txt"), &rendered).unwrap();
        }
        let expected = std::fs::read_to_string(file.with_extension("txt")).unwrap();
        assert_eq!(rendered, expected, "{name}");
        let own = format!("M{}", &name[1..4]);
        assert!(told.iter().any(|error| error.code() == own), "{name} shows no {own}");
        codes.extend(told.iter().map(|error| error.code()));
    }
    let untested: Vec<_> = CODES.iter().filter(|code| !codes.contains(**code)).collect();
    assert!(untested.is_empty(), "no file shows {untested:?}");
}

#[test]
fn a_file_that_is_too_long_is_refused() {
    let errors = Mapping::from_yaml(&"#".repeat(1024 * 1024 + 1)).unwrap_err();
    assert_eq!(errors.iter().map(|error| error.code()).collect::<Vec<_>>(), ["M002"]);
}

#[test]
fn a_mistake_tells_its_parts() {
    let text =
        "map: m\nfrom: json\nto: { hl7: \"2.5.1\", message: ADT^A08 }\nemit:\n  PID: { 8: .sex | uper }\n";
    let errors = Mapping::from_yaml(text).unwrap_err();
    assert_eq!(errors.len(), 1);
    let error = errors.iter().next().unwrap();
    assert_eq!((error.code(), error.line(), error.column(), error.is_warning()), ("M102", 5, 20, false));
    assert_eq!(error.message(), "there is no function `uper`");
    assert_eq!(error.suggestion(), Some("did you mean `upper`?"));
    let shown = "M102: line 5, column 20: there is no function `uper`; did you mean `upper`?";
    assert_eq!((error.to_string().as_str(), errors.to_string().as_str()), (shown, shown));
}
