//! What mapping files do, mistakes in them, JSON, and that no diagnostic shows a payload.

#![allow(clippy::unwrap_used, clippy::panic)] // a test that meets the unexpected fails

mod canary;
mod codes;
mod explain;
mod in_place;
mod infer;
mod json;
mod json_out;
mod limits;
mod mappings;
mod mistakes;
mod profile;
mod properties;
mod refusals;
mod sample;
mod schema;
mod sources;

use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use hl7_map::{Context, Mapping};

/// The files of a folder of the crate with this extension, by name.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    files.sort();
    files
}

/// 2026-01-02T03:04:05Z and the control ID `id-1`.
fn ctx() -> Context {
    Context::new("id-1", UNIX_EPOCH + Duration::from_secs(1_767_323_045))
}

/// A mapping to ADT^A08 with these lines in `emit`, and whatever follows.
fn mapping(emit: &str) -> Mapping {
    let text = format!("map: m\nfrom: json\nto: {{ hl7: \"2.5.1\", message: ADT^A08 }}\nemit:\n{emit}\n");
    Mapping::from_yaml(&text).unwrap_or_else(|errors| panic!("{}", errors.render("m.yaml", &text)))
}

fn registration() -> Mapping {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mappings/registration.yaml");
    Mapping::from_yaml(&std::fs::read_to_string(path).unwrap()).unwrap()
}
