//! The few fields of a message's header that an answer repeats.

/// A header, read without the parser of hl7-core.
#[derive(Clone, Default)]
pub(super) struct Header {
    fields: Vec<String>,
    separator: char,
    content: Vec<u8>,
}

impl Header {
    /// `None` for what does not start with a header.
    pub(super) fn of(content: &[u8]) -> Option<Self> {
        let line = content.split(|byte| matches!(byte, b'\r' | b'\n')).next()?;
        let line = String::from_utf8_lossy(line.strip_prefix(b"MSH")?).into_owned();
        let separator = line.chars().next().filter(|c| !c.is_alphanumeric())?;
        let fields = line.split(separator).map(str::to_owned).collect();
        Some(Self { fields, separator, content: content.to_vec() })
    }

    /// What stands for a message that cannot be read.
    pub(super) fn none() -> Self {
        Self { fields: vec![String::new(), "^~\\&".to_owned()], separator: '|', content: Vec::new() }
    }

    /// MSH-n as sent; empty when it is missing.
    pub(super) fn field(&self, n: usize) -> &str {
        self.fields.get(n.saturating_sub(1)).map_or("", String::as_str)
    }

    /// The fields behind each other, separated as in the message.
    pub(super) fn joined(&self, fields: &[&str]) -> String {
        fields.join(&self.separator.to_string())
    }

    pub(super) fn control_id(&self) -> &str {
        self.field(10)
    }

    /// The second component of MSH-9.
    pub(super) fn trigger(&self) -> &str {
        let component = self.field(2).chars().next().unwrap_or('^');
        self.field(9).split(component).nth(1).unwrap_or("")
    }

    /// The code of the acknowledgment: MSH-15 asks for an accept acknowledgment or not; a type of the site's own (`Z..`) is refused.
    pub(super) fn proper_code(&self) -> &'static str {
        let asked = self.field(15).to_ascii_uppercase();
        let is_known = !self.field(9).starts_with('Z');
        match (asked.is_empty() || asked == "NE", is_known) {
            (true, true) => "AA",
            (true, false) => "AR",
            (false, true) => "CA",
            (false, false) => "CR",
        }
    }

    /// The whole message.
    pub(super) fn content(&self) -> &[u8] {
        &self.content
    }
}
