//! What a parse allocates and holds, and how its cost grows from a kilobyte to 64 megabytes.

use std::hint::black_box;
use std::time::{Duration, Instant};

use hl7_core::Message;

use crate::count::allocations;
use crate::samples;

fn counted(name: &str, text: &str) {
    let (calls, held) = allocations(|| Message::parse(text));
    let quarter = held as f64 / text.len() as f64;
    println!("  {name:<44} {calls:>3} allocations, {held} bytes held: {quarter:.2} of the input");
}

/// A message of `length` bytes or a little more, in segments of 110 bytes.
fn of_length(length: usize) -> String {
    let oru = samples::oru();
    let (head, observations) = oru.split_at(oru.find("OBX|").unwrap_or(0));
    let mut text = head.to_owned();
    while text.len() < length {
        let missing = length - text.len();
        text.push_str(
            observations.get(..missing).filter(|_| missing < observations.len()).unwrap_or(observations),
        );
    }
    text
}

fn best(text: &str) -> Duration {
    let runs = (4_000_000 / text.len()).max(1);
    let round = || {
        let start = Instant::now();
        (0..runs).for_each(|_| drop(black_box(Message::parse(black_box(text)))));
        start.elapsed() / runs as u32
    };
    (0..7).map(|_| round()).min().unwrap_or_default()
}

/// Counts first, then times.
pub fn run() {
    println!("What a parse allocates");
    counted("ADT (bar 1)", &samples::adt());
    counted("ORU (bar 1, at most 0.25)", &samples::oru());
    counted("a field of a megabyte", &samples::document());
    for (name, calls) in [
        ("er7 0.1.4, ADT", allocations(|| er7::parse(&samples::adt())).0),
        ("hl7-v2 0.1.0, ADT", allocations(|| hl7_v2::Hl7Message::parse(samples::adt().as_bytes()).is_ok()).0),
    ] {
        println!("  {name:<44} {calls:>3} allocations");
    }
    let densest = format!("MSH|^~\\&|A\r{}", "ZZZ\r".repeat(250_000));
    counted("250,000 segments of four bytes", &densest);
    println!("The cost of a kilobyte, parsed (linear: the same on every line)");
    for kilobytes in [1, 16, 256, 4 * 1024, 64 * 1024] {
        let text = of_length(kilobytes << 10);
        let each = best(&text).as_secs_f64() * 1e9 / (text.len() as f64 / 1024.0);
        println!("  {:<44} {each:>8.1} ns", format!("{kilobytes} KiB"));
    }
}
