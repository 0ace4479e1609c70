//! Findings as an HTTP problem.

use std::fmt::Write as _;

use super::{Finding, Findings, Severity};

/// The status of a problem with errors: the request is understood, and what it holds cannot be worked on.
const STATUS: u16 = 422;

impl Findings {
    /// The findings as a problem of RFC 9457, the body of an answer of the type `application/problem+json` with the status 422; `None` when there is
    /// no error. Each is a member of `errors`: `code`, `severity`, `condition` (table 0357), `path`, `offset` and `detail`, all without content.
    ///
    /// ```
    /// use hl7_core::{Message, Validation, validate};
    /// let msg = Message::parse("MSH|^~\\&|A|B|C|D|2026||ADT^A08^ADT_A01|1|P|2.5.1\rEVN||2026\rPID|1||7^^^H||\rPV1|1|I\r")?;
    /// let problem = validate(&msg, &Validation::new()).problem().unwrap();
    /// assert!(problem.starts_with(r#"{"type":"about:blank","title":"the message is not valid","status":422,"detail":"1 error, the first at PID[1]-5","#));
    /// assert!(problem.contains(r#"{"code":"V301","severity":"error","condition":"101","path":"PID[1]-5","offset":"#));
    /// # Ok::<(), hl7_core::ParseError>(())
    /// ```
    pub fn problem(&self) -> Option<String> {
        if self.is_valid() {
            return None;
        }
        let errors = || self.iter().filter(|finding| finding.severity() == Severity::Error);
        let count = self.errors;
        let several = if count == 1 { "" } else { "s" };
        let first =
            errors().find_map(Finding::path).map_or(String::new(), |path| format!(", the first at {path}"));
        let mut json = format!(
            r#"{{"type":"about:blank","title":"the message is not valid","status":{STATUS},"detail":"{count} error{several}{first}","more":{},"errors":["#,
            self.more()
        );
        for (at, finding) in self.iter().enumerate() {
            if at > 0 {
                json.push(',');
            }
            finding.member(&mut json);
        }
        json.push_str("]}");
        Some(json)
    }
}

impl Finding {
    fn member(&self, json: &mut String) {
        let path = self.path().map_or("null".to_owned(), |path| format!("\"{path}\""));
        let (code, condition) = (self.code(), self.error_code().number());
        let _ = write!(
            json,
            r#"{{"code":"{code}","severity":"{}","condition":"{condition}","path":{path},"offset":{},"detail":"#,
            self.severity(),
            self.offset()
        );
        quote(json, &self.text());
        json.push('}');
    }
}

/// A string of JSON (RFC 8259, section 7).
fn quote(json: &mut String, text: &str) {
    json.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => json.extend(['\\', character]),
            control if control < ' ' => drop(write!(json, "\\u{:04x}", u32::from(control))),
            other => json.push(other),
        }
    }
    json.push('"');
}
