//! Repetitions: inserted, removed, moved within their field.

use super::place::{FieldPlace, Gap};
use super::raw::escaped;
use super::splice::Exchange;
use crate::error::{EditError, EditErrorKind};
use crate::message::Message;
use crate::path::{Path, RepetitionIndex};

impl Message<'_> {
    /// Inserts a repetition that becomes the one `path` names, with `text`, escaped, at its component; those from there on move up.
    /// Without `[n]` it comes behind the last one. A field that is empty has no repetitions.
    ///
    /// # Errors
    /// As [`Message::set`], and when the path says `[*]` or has a filter. The message is then as it was.
    ///
    /// ```
    /// # use hl7_core::{path, Message};
    /// let mut msg = Message::parse("MSH|^~\\&|A\rPID|1||7^^^H^MR\r")?;
    /// msg.insert_repetition(path!("PID-3[1].1"), "6")?;
    /// msg.insert_repetition(path!("PID-3"), "8")?;
    /// assert_eq!(msg.as_er7(), "MSH|^~\\&|A\rPID|1||6~7^^^H^MR~8\r");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn insert_repetition(&mut self, path: &Path, text: &str) -> Result<(), EditError> {
        let fault = |kind| EditError::new(kind, path);
        let delimiters = self.delimiters;
        let raw = escaped(text, &delimiters, path)?;
        let at = match path.repetition() {
            RepetitionIndex::Unstated => None,
            RepetitionIndex::Nth(n) => Some(n as usize - 1),
            RepetitionIndex::All | RepetitionIndex::Where(_) => return Err(fault(EditErrorKind::Several)),
        };
        let places = self.fields_at(path)?;
        if places.is_empty() {
            return Err(fault(EditErrorKind::NoSegment));
        }
        let exchanges: Result<Vec<_>, _> = places.iter().map(|place| inserted(place, at, &raw)).collect();
        let exchanges = exchanges?;
        self.exchange(&exchanges, path)
    }

    /// Moves the repetition that `path` names (without `[n]` the first; with a filter all that match, in their order) so that it
    /// becomes the `to`-th of its field, from 1, or the last when there are fewer.
    ///
    /// # Errors
    /// When the message has no such segment or repetition, the path names no field or a component, or the place is MSH-1 or MSH-2. The
    /// message is then as it was.
    ///
    /// ```
    /// # use hl7_core::{path, Message};
    /// let mut msg = Message::parse("MSH|^~\\&|A\rPID|1||7^^^H^SS~8^^^H^MR\r")?;
    /// msg.move_repetition(path!("PID-3[5=MR]"), 1)?;
    /// assert_eq!(msg.as_er7(), "MSH|^~\\&|A\rPID|1||8^^^H^MR~7^^^H^SS\r");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn move_repetition(&mut self, path: &Path, to: usize) -> Result<(), EditError> {
        let fault = |kind| Err(EditError::new(kind, path));
        if path.component().is_some() {
            return fault(EditErrorKind::WrongLevel);
        }
        let places = self.fields_at(path)?;
        if places.is_empty() {
            return fault(EditErrorKind::NoSegment);
        }
        let mut exchanges = Vec::new();
        for place in &places {
            exchanges.extend(reordered(place, to)?);
        }
        if exchanges.is_empty() {
            return fault(EditErrorKind::NoRepetition);
        }
        self.exchange(&exchanges, path)
    }

    pub(super) fn remove_repetitions(&mut self, path: &Path) -> Result<usize, EditError> {
        let mut exchanges = Vec::new();
        let mut removed = 0;
        for place in &self.fields_at(path)? {
            let field = place.field()?.range;
            let all = place.repetitions(&field);
            let kept: Vec<_> = all.iter().filter(|(_, named)| !named).map(|&(raw, _)| raw).collect();
            if kept.len() < all.len() {
                removed += all.len() - kept.len();
                exchanges.push(Exchange { segment: place.segment, range: field, text: place.joined(&kept)? });
            }
        }
        self.exchange(&exchanges, path)?;
        Ok(removed)
    }
}

/// The field with one repetition more.
fn inserted(place: &FieldPlace<'_>, at: Option<usize>, raw: &str) -> Result<Exchange, EditError> {
    let Gap { range, pad } = place.field()?;
    let (_, new) = place.leaf(Gap { range: 0..0, pad: String::new() }, raw)?;
    let mut all: Vec<&str> = place.repetitions(&range).into_iter().map(|(raw, _)| raw).collect();
    let at = at.unwrap_or(all.len());
    if all.len() < at {
        all.resize(at, "");
    }
    all.insert(at, &new);
    let text = pad + &place.joined(&all)?;
    Ok(Exchange { segment: place.segment, range, text })
}

/// The field with the named repetitions from `to` on; `None` when it has none of them.
fn reordered(place: &FieldPlace<'_>, to: usize) -> Result<Option<Exchange>, EditError> {
    let range = place.field()?.range;
    let (moved, mut all): (Vec<_>, Vec<_>) =
        place.repetitions(&range).into_iter().partition(|&(_, named)| named);
    if moved.is_empty() {
        return Ok(None);
    }
    let at = to.saturating_sub(1).min(all.len());
    all.splice(at..at, moved);
    let all: Vec<_> = all.into_iter().map(|(raw, _)| raw).collect();
    Ok(Some(Exchange { segment: place.segment, range, text: place.joined(&all)? }))
}
