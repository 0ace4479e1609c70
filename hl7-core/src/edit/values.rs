//! Values: set, emptied, moved.

use std::borrow::Cow;

use super::raw::{breaks_line, escaped};
use crate::error::{EditError, EditErrorKind};
use crate::escape;
use crate::message::{Message, Span};
use crate::path::{Occurrence, Path, RepetitionIndex};
use crate::piece::Value;

impl Message<'_> {
    /// Sets the value at `path`, escaping it. Missing fields, repetitions, components and subcomponents before it are made; a
    /// path without a component replaces the whole field (with `[n]`, that repetition). `[*]` sets every repetition or segment there is.
    /// A text of two quotes is escaped too, so that it is not HL7's null: for that see [`Message::set_null`].
    ///
    /// # Errors
    /// When the path names no field, the message has no such segment, no repetition matches the filter, the place is MSH-1 or MSH-2,
    /// MSH-2 lacks a delimiter that this needs, or it would write more than 128 MiB. The message is then as it was.
    ///
    /// ```
    /// # use hl7_core::{path, Message};
    /// let mut msg = Message::parse("MSH|^~\\&|A\rPID|1\r")?;
    /// msg.set(path!("PID-5.2"), "Ann & Co")?;
    /// assert_eq!(msg.as_er7(), "MSH|^~\\&|A\rPID|1||||^Ann \\T\\ Co\r");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set(&mut self, path: &Path, text: &str) -> Result<(), EditError> {
        let delimiters = self.delimiters;
        let raw = escaped(text, &delimiters, path)?;
        self.put(path, &raw)
    }

    /// Sets HL7's null, `""`, which tells the receiver to delete the value.
    ///
    /// # Errors
    /// As [`Message::set`].
    pub fn set_null(&mut self, path: &Path) -> Result<(), EditError> {
        self.put(path, escape::NULL)
    }

    /// Sets `raw`, which is ER7 already: escaped, and with the delimiters of the levels below the place. So a whole repetition or
    /// component is written at once.
    ///
    /// # Errors
    /// As [`Message::set`], and when `raw` would reach beyond its place: it holds a field separator, a delimiter of the place's own level
    /// or one above, a line end, or one of the characters 0x0B and 0x1C that frame a message on the wire.
    ///
    /// ```
    /// # use hl7_core::{path, Message};
    /// let mut msg = Message::parse("MSH|^~\\&|A\rPID|1||7^^^H^MR\r")?;
    /// msg.set_raw(path!("PID-3[2]"), "8^^^H&1.2.3&ISO^PI")?;
    /// assert_eq!(msg.as_er7(), "MSH|^~\\&|A\rPID|1||7^^^H^MR~8^^^H&1.2.3&ISO^PI\r");
    /// assert_eq!(msg.set_raw(path!("PID-3.1"), "8~9").unwrap_err().code(), "C110");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_raw(&mut self, path: &Path, raw: &str) -> Result<(), EditError> {
        self.check_raw(path, raw)?;
        self.put(path, raw)
    }

    /// Sets each value that stands at `path` to the text that `change` gives for it, escaping it; `None` leaves it as it is. Empty
    /// places are passed over. Gives how many were set.
    ///
    /// All are set in one pass. An edit of one place costs as much as the message is long behind it, so that editing thousands of segments
    /// one by one does not.
    ///
    /// # Errors
    /// As [`Message::set`], except that a missing segment, repetition or delimiter is no error: nothing stands there. The message is then
    /// as it was.
    ///
    /// ```
    /// # use hl7_core::{path, Message};
    /// let mut msg = Message::parse("MSH|^~\\&|A\rOBX|1||||12\rOBX|2||||7\rOBX|3\r")?;
    /// let set = msg.set_each(path!("OBX[*]-5"), |value| Some(format!("{} & more", value.text())))?;
    /// assert_eq!(set, 2);
    /// assert_eq!(msg.as_er7(), "MSH|^~\\&|A\rOBX|1||||12 \\T\\ more\rOBX|2||||7 \\T\\ more\rOBX|3\r");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_each(
        &mut self,
        path: &Path,
        mut change: impl FnMut(Value<'_>) -> Option<String>,
    ) -> Result<usize, EditError> {
        let delimiters = self.delimiters;
        let raw = |text: String| escaped(&text, &delimiters, path).map(Cow::into_owned);
        let exchanges = self.standing(path, |value| change(value).map(raw).transpose())?;
        self.exchange(&exchanges, path)?;
        Ok(exchanges.len())
    }

    /// Takes out what `path` names, and says how many places that were; 0 when nothing stands there.
    ///
    /// A segment goes with its line. A repetition (`PID-3[2]`, `PID-3[5=SS]`) goes, and those behind it close up. A field, component or
    /// subcomponent becomes empty, as its place has a meaning; the delimiters stay, those at the end too.
    ///
    /// # Errors
    /// When the place is MSH, MSH-1 or MSH-2. The message is then as it was.
    ///
    /// ```
    /// # use hl7_core::{path, Message};
    /// let mut msg = Message::parse("MSH|^~\\&|A\rPID|1||7~8~9||Doe^Ann\rNTE|1\rNTE|2\r")?;
    /// assert_eq!(msg.remove(path!("PID-3[2]"))?, 1);
    /// assert_eq!(msg.remove(path!("PID-5.2"))?, 1);
    /// assert_eq!(msg.remove(path!("PID-30"))?, 0);
    /// assert_eq!(msg.remove(path!("NTE[*]"))?, 2);
    /// assert_eq!(msg.as_er7(), "MSH|^~\\&|A\rPID|1||7~9||Doe^\r");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn remove(&mut self, path: &Path) -> Result<usize, EditError> {
        if path.field().is_none() {
            return self.remove_segments(path);
        }
        if path.component().is_none() && path.repetition() != RepetitionIndex::Unstated {
            return self.remove_repetitions(path);
        }
        let exchanges = self.standing(path, |_| Ok(Some(String::new())))?;
        self.exchange(&exchanges, path)?;
        Ok(exchanges.len())
    }

    /// Moves what stands at `from`, as it is, to `to`: it is taken out as by [`Message::remove`], then put as by [`Message::set_raw`].
    /// False when nothing stands at `from`; nothing changes then.
    ///
    /// # Errors
    /// As those two, and when a path names several places. The message is then as it was.
    ///
    /// ```
    /// # use hl7_core::{path, Message};
    /// let mut msg = Message::parse("MSH|^~\\&|A\rPID|1||7^^^H^MR~8^^^H^SS\r")?;
    /// assert!(msg.move_value(path!("PID-3[5=SS].1"), path!("PID-19"))?);
    /// assert_eq!(msg.as_er7(), "MSH|^~\\&|A\rPID|1||7^^^H^MR~^^^H^SS||||||||||||||||8\r");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn move_value(&mut self, from: &Path, to: &Path) -> Result<bool, EditError> {
        let several = |path| Err(EditError::new(EditErrorKind::Several, path));
        if from.field().is_none() {
            return Err(EditError::new(EditErrorKind::NoField, from));
        }
        let mut values = self.get_all(from).map(|value| value.raw().to_owned());
        let raw = match (values.next(), values.next()) {
            (_, Some(_)) => return several(from),
            (Some(raw), None) if !raw.is_empty() => raw,
            _ => return Ok(false),
        };
        drop(values);
        let mut changed = self.clone();
        changed.remove(from)?;
        changed.check_raw(to, &raw)?;
        let exchanges = changed.places(to, &raw)?;
        if exchanges.len() > 1 {
            return several(to);
        }
        changed.exchange(&exchanges, to)?;
        *self = changed;
        Ok(true)
    }

    /// [`Message::set`], but a path without an occurrence means the last segment with its ID.
    pub(crate) fn set_in_last(&mut self, path: &Path, text: &str) -> Result<(), EditError> {
        let delimiters = self.delimiters;
        let raw = escaped(text, &delimiters, path)?;
        self.put_in_last(path, &raw)
    }

    /// [`Message::set_raw`], but a path without an occurrence means the last segment with its ID.
    pub(crate) fn set_raw_in_last(&mut self, path: &Path, raw: &str) -> Result<(), EditError> {
        self.check_raw(path, raw)?;
        self.put_in_last(path, raw)
    }

    fn put_in_last(&mut self, path: &Path, raw: &str) -> Result<(), EditError> {
        let separator = self.delimiters.field_byte();
        let named = |span: &Span| span.has_id(&self.text, path.id(), separator);
        match self.spans.iter().rposition(named) {
            Some(last) if path.occurrence() == Occurrence::First => {
                let exchanges = self.places_in(last, path, raw)?;
                self.exchange(&exchanges, path)
            }
            _ => self.put(path, raw),
        }
    }

    fn put(&mut self, path: &Path, raw: &str) -> Result<(), EditError> {
        let exchanges = self.places(path, raw)?;
        self.exchange(&exchanges, path)
    }

    fn check_raw(&self, path: &Path, raw: &str) -> Result<(), EditError> {
        let d = &self.delimiters;
        let whole_field = path.repetition() == RepetitionIndex::Unstated && path.component().is_none();
        let separators = [
            Some(d.field_byte()),
            (!whole_field).then_some(d.repetition_byte()),
            path.component().map(|_| d.component_byte()),
            path.subcomponent().map(|_| d.subcomponent_byte()),
        ];
        if raw.bytes().any(|byte| breaks_line(byte) || separators.contains(&Some(byte))) {
            return Err(EditError::new(EditErrorKind::OutOfPlace, path));
        }
        Ok(())
    }
}
