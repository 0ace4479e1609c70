//! `hl7 get`: the values at a path.

use hl7_core::{Path, PathError, Value};
use serde_json::json;

use crate::failure::Failure;
use crate::input::{self, Source};
use crate::output;
use crate::visible;

/// How values are written.
#[derive(Clone, Copy)]
pub(crate) enum Form {
    Text,
    Raw,
    Json,
}

pub(crate) fn run(path: &Path, source: &Source, form: Form) -> Result<(), Failure> {
    let mut found = false;
    input::each_message(source, |message| {
        let values: Vec<_> = message.get_all(path).filter(|value| !value.is_empty()).collect();
        found |= !values.is_empty();
        output::write_lines(&written(path, &values, form))
    })?;
    if found { Ok(()) } else { Err(Failure::no(format!("{path}: no value"))) }
}

fn written(path: &Path, values: &[Value<'_>], form: Form) -> String {
    let one = |value: &Value<'_>| json!({ "path": path.to_string(), "text": value.text(), "raw": value.raw(), "null": value.is_null() });
    match form {
        Form::Text => {
            values.iter().map(|value| format!("{}\n", visible::without_line_ends(&value.text()))).collect()
        }
        Form::Raw => values.iter().map(|value| format!("{}\n", value.raw())).collect(),
        Form::Json => {
            format!("{}\n", visible::json(&values.iter().map(one).collect::<serde_json::Value>().to_string()))
        }
    }
}

/// The path of a field, a component or a subcomponent.
pub(crate) fn value_path(text: &str) -> Result<Path, String> {
    let path: Path = text.parse().map_err(|why: PathError| why.to_string())?;
    match path.field() {
        Some(_) => Ok(path),
        None => Err(format!("the path names a segment; name a field of it, such as {path}-1")),
    }
}
