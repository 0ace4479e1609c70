//! The field index beside reading without it, both with the parse.

use hl7_core::{Message, Path, path};

use crate::measure::{compare, contender};
use crate::samples;

/// Forty places of an admission, in no order.
const PATHS: [&Path; 40] = [
    path!("MSH-9.1"),
    path!("PID-3.1"),
    path!("PV1-2"),
    path!("PID-5.1"),
    path!("MSH-10"),
    path!("PV1-19"),
    path!("PID-7"),
    path!("EVN-2"),
    path!("PID-8"),
    path!("MSH-12"),
    path!("PID-3[2].1"),
    path!("PID-3.4"),
    path!("PID-5.2"),
    path!("PID-11.1"),
    path!("PID-11.3"),
    path!("PID-11.5"),
    path!("PID-13.1"),
    path!("PID-14"),
    path!("PID-15"),
    path!("PID-16"),
    path!("NK1-2.1"),
    path!("NK1-3"),
    path!("NK1-5"),
    path!("PV1-3.1"),
    path!("PV1-3.2"),
    path!("PV1-7.1"),
    path!("PV1-7.2"),
    path!("PV1-8.1"),
    path!("PV1-10"),
    path!("PV1-44"),
    path!("AL1-3.2"),
    path!("AL1-5"),
    path!("DG1-3.1"),
    path!("DG1-3.2"),
    path!("IN1-3"),
    path!("IN1-4"),
    path!("IN1-8"),
    path!("IN1-16.1"),
    path!("MSH-3"),
    path!("MSH-7"),
];

fn without(text: &str, paths: &[&Path]) -> usize {
    let Ok(msg) = Message::parse(text) else { return 0 };
    paths.iter().filter_map(|path| msg.get(path)).map(|value| value.raw().len()).sum()
}

fn with(text: &str, paths: &[&Path]) -> usize {
    let Ok(msg) = Message::parse(text) else { return 0 };
    let index = msg.index();
    paths.iter().filter_map(|path| index.get(path)).map(|value| value.raw().len()).sum()
}

/// How many reads of a message pay for its index.
pub fn run() {
    let adt = samples::adt();
    for count in [10, 15, 20, 40] {
        let paths = &PATHS[..count];
        assert_eq!(with(&adt, paths), without(&adt, paths), "contenders read the same");
        compare(
            &format!("ADT: parse and read {count} places"),
            vec![
                contender("hl7-core, indexed", || with(&adt, paths)),
                contender("hl7-core", || without(&adt, paths)),
            ],
        );
    }
    let oru = samples::oru();
    let results: Vec<Path> = (1..=200)
        .flat_map(|n| [3, 5, 6, 8].map(|field| format!("OBX[{n}]-{field}").parse()))
        .filter_map(Result::ok)
        .collect();
    let results: Vec<&Path> = results.iter().collect();
    assert_eq!(with(&oru, &results), without(&oru, &results), "contenders read the same");
    compare(
        "ORU: parse and read four fields of each of 200 OBX by path",
        vec![
            contender("hl7-core, indexed", || with(&oru, &results)),
            contender("hl7-core", || without(&oru, &results)),
        ],
    );
}
