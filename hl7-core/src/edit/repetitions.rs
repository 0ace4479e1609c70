//! Repetitions: inserted, removed, moved within their field.

use std::ops::Range;

use super::place::{FieldPlace, Gap, Room};
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
            RepetitionIndex::Nth(n) => Some(n as usize),
            RepetitionIndex::All | RepetitionIndex::Where(_) => return Err(fault(EditErrorKind::Several)),
        };
        let places = self.fields_at(path)?;
        if places.is_empty() {
            return Err(fault(EditErrorKind::NoSegment));
        }
        let mut room = Room::new(path);
        let exchanges: Result<Vec<_>, _> =
            places.iter().map(|place| inserted(place, at, &raw, &mut room)).collect();
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
        let mut room = Room::new(path);
        let mut exchanges = Vec::new();
        for place in &places {
            exchanges.extend(reordered(place, to, &mut room)?);
        }
        if exchanges.is_empty() {
            return fault(EditErrorKind::NoRepetition);
        }
        self.exchange(&exchanges, path)
    }

    pub(super) fn remove_repetitions(&mut self, path: &Path) -> Result<usize, EditError> {
        let mut room = Room::new(path);
        let mut exchanges = Vec::new();
        let mut removed = 0;
        for place in &self.fields_at(path)? {
            let field = place.field(&mut room)?.range;
            let gone = place.repetitions(&field).filter(|(_, named)| *named).count();
            if gone > 0 {
                removed += gone;
                let mut kept = Joined::new(place);
                kept.extend(place.repetitions(&field).filter(|(_, named)| !named))?;
                room.take_place()?;
                exchanges.push(Exchange { segment: place.segment, range: field, text: kept.text });
            }
        }
        self.exchange(&exchanges, path)?;
        Ok(removed)
    }
}

/// The field with one repetition more, as the `at`-th, from 1, or behind the last.
fn inserted(
    place: &FieldPlace<'_>,
    at: Option<usize>,
    raw: &str,
    room: &mut Room<'_>,
) -> Result<Exchange, EditError> {
    let mut gap = place.field(room)?;
    let (_, new) = place.leaf(Gap { range: 0..0, pad: String::new() }, raw, room)?;
    let field = gap.range.clone();
    match at {
        None => gap.range.start = field.end,
        // A field that is empty has no repetition to come before, nor has what stands behind the last one.
        Some(n) => place.nth_repetition(&mut gap, n, room)?,
    }
    let Gap { range: Range { start, .. }, mut pad } = gap;
    let before_one = at.is_some() && pad.is_empty() && !field.is_empty();
    let behind_all = at.is_none() && !field.is_empty();
    if behind_all {
        pad.push(place.repetition_separator()?);
    }
    pad.push_str(&new);
    if before_one {
        pad.push(place.repetition_separator()?);
    }
    room.take_place()?;
    Ok(Exchange { segment: place.segment, range: start..start, text: pad })
}

/// The field with the named repetitions from `to` on; `None` when it has none of them.
fn reordered(place: &FieldPlace<'_>, to: usize, room: &mut Room<'_>) -> Result<Option<Exchange>, EditError> {
    let range = place.field(room)?.range;
    let those = |named: bool| place.repetitions(&range).filter(move |&(_, is_named)| is_named == named);
    if those(true).next().is_none() {
        return Ok(None);
    }
    let before = to.saturating_sub(1);
    let mut all = Joined::new(place);
    all.extend(those(false).take(before))?;
    all.extend(those(true))?;
    all.extend(those(false).skip(before))?;
    room.take_place()?;
    Ok(Some(Exchange { segment: place.segment, range, text: all.text }))
}

/// Repetitions with what separates them.
struct Joined<'p> {
    place: &'p FieldPlace<'p>,
    text: String,
    empty: bool,
}

impl<'p> Joined<'p> {
    fn new(place: &'p FieldPlace<'p>) -> Self {
        Self { place, text: String::new(), empty: true }
    }

    fn extend<'r>(&mut self, repetitions: impl Iterator<Item = (&'r str, bool)>) -> Result<(), EditError> {
        for (raw, _) in repetitions {
            if !std::mem::replace(&mut self.empty, false) {
                self.text.push(self.place.repetition_separator()?);
            }
            self.text.push_str(raw);
        }
        Ok(())
    }
}
