//! `hl7 get`: the values at a path.

use std::path::Path;

use hl7_core::Value;
use serde_json::json;

use crate::failure::Failure;
use crate::input;
use crate::output;

/// How values are written.
#[derive(Clone, Copy)]
pub(crate) enum Form {
    Text,
    Raw,
    Json,
}

pub(crate) fn run(path: &hl7_core::Path, file: Option<&Path>, form: Form) -> Result<(), Failure> {
    let mut found = false;
    input::each_message(file, |message| {
        let values: Vec<_> = message.get_all(path).filter(|value| !value.is_empty()).collect();
        found |= !values.is_empty();
        output::write(written(path, &values, form).as_bytes())
    })?;
    if found { Ok(()) } else { Err(Failure::no(format!("{path}: no value"))) }
}

fn written(path: &hl7_core::Path, values: &[Value<'_>], form: Form) -> String {
    let one = |value: &Value<'_>| json!({ "path": path.to_string(), "text": value.text(), "raw": value.raw(), "null": value.is_null() });
    match form {
        Form::Text => values.iter().map(|value| format!("{}\n", value.text())).collect(),
        Form::Raw => values.iter().map(|value| format!("{}\n", value.raw())).collect(),
        Form::Json => format!("{}\n", values.iter().map(one).collect::<serde_json::Value>()),
    }
}
