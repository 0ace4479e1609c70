//! Segments: inserted, removed, moved. Each line that is not named keeps its bytes and its line end.

use super::raw::breaks_line;
use crate::error::{EditError, EditErrorKind};
use crate::message::{Message, Span};
use crate::path::Path;
use crate::segment::Segment;

/// Where a segment goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Position<'p> {
    /// Before the first segment that the path names.
    Before(&'p Path),
    /// Behind the last segment that the path names: `After(path!("OBX[*]"))` is behind all OBX, `After(path!("OBX"))` behind the first.
    After(&'p Path),
    /// At the end of the message.
    End,
}

impl Message<'_> {
    /// Inserts a segment: an ID such as `NTE`, or a whole segment in ER7 such as `NTE|1||text`, with this message's delimiters and without
    /// a line end. It gets the line end of its neighbour. The answer is the path of the new segment, such as `NTE[2]`, for use with
    /// [`Path::within`].
    ///
    /// # Errors
    /// When the position names no segment or stands before MSH; when `segment` is MSH or belongs to a batch (FHS, BHS, BTS, FTS), has no
    /// well-formed ID, or holds a line end or one of the characters 0x0B and 0x1C. The message is then as it was.
    ///
    /// ```
    /// # use hl7_core::{path, Message, Position};
    /// let mut msg = Message::parse("MSH|^~\\&|A\nOBX|1\nNTE|1\nOBX|2\n")?;
    /// let note = msg.insert_segment(Position::After(path!("OBX[2]")), "NTE|2")?;
    /// msg.set(&path!("NTE-3").within(&note), "late")?;
    /// assert_eq!(msg.as_er7(), "MSH|^~\\&|A\nOBX|1\nNTE|1\nOBX|2\nNTE|2||late\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn insert_segment(&mut self, at: Position<'_>, segment: &str) -> Result<Path, EditError> {
        let (index, id) = self.insert_new(at, segment)?;
        let separator = self.delimiters.field_byte();
        let before = self.spans.iter().take(index).filter(|span| span.has_id(&self.text, id, separator));
        Ok(Path::of_segment(id, before.count() as u32 + 1))
    }

    /// [`Message::insert_segment`] at the end.
    ///
    /// # Errors
    /// As there.
    pub fn push_segment(&mut self, segment: &str) -> Result<Path, EditError> {
        self.insert_segment(Position::End, segment)
    }

    /// Moves the segments that `from` names, in their order. Line ends stay where they are.
    ///
    /// # Errors
    /// When a path names no segment of this message or a field, and when MSH would be moved or have something before it. The message
    /// is then as it was.
    ///
    /// ```
    /// # use hl7_core::{path, Message, Position};
    /// let mut msg = Message::parse("MSH|^~\\&|A\rNTE|1\rPID|1\rNTE|2\r")?;
    /// msg.move_segment(path!("NTE[*]"), Position::After(path!("PID")))?;
    /// assert_eq!(msg.as_er7(), "MSH|^~\\&|A\rPID|1\rNTE|1\rNTE|2\r");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn move_segment(&mut self, from: &Path, to: Position<'_>) -> Result<(), EditError> {
        let moved = self.segments_named(from)?;
        if moved.is_empty() {
            return fault(EditErrorKind::NoSegment, Some(from));
        }
        let target = self.index_of(to)?;
        let stays = |index: &usize| moved.binary_search(index).is_err();
        let before = (0..target).filter(stays);
        let behind = (target..self.spans.len()).filter(stays);
        let order: Vec<usize> = before.chain(moved.iter().copied()).chain(behind).collect();
        self.reorder(&order);
        Ok(())
    }

    /// Removes the segments for which `keep` says no, each with its line end, all in one pass. MSH stays, and `keep` is not asked for it.
    /// Gives how many were removed.
    ///
    /// ```
    /// # use hl7_core::Message;
    /// let mut msg = Message::parse("MSH|^~\\&|A\rNTE|1\rPID|1\rZXX|1\rNTE|2\r")?;
    /// assert_eq!(msg.retain_segments(|segment| segment.id() != "NTE"), 2);
    /// assert_eq!(msg.as_er7(), "MSH|^~\\&|A\rPID|1\rZXX|1\r");
    /// # Ok::<(), hl7_core::ParseError>(())
    /// ```
    pub fn retain_segments(&mut self, mut keep: impl FnMut(Segment<'_>) -> bool) -> usize {
        let rest = self.iter().enumerate().skip(1);
        let dropped: Vec<usize> =
            rest.filter(|(_, segment)| !keep(*segment)).map(|(index, _)| index).collect();
        if !dropped.is_empty() {
            self.drop_lines(&dropped);
        }
        dropped.len()
    }

    /// [`Message::push_segment`] without the path.
    pub(crate) fn add_segment(&mut self, segment: &str) -> Result<(), EditError> {
        self.insert_new(Position::End, segment).map(drop)
    }

    /// Inserts a segment; gives its index and its ID.
    fn insert_new(&mut self, at: Position<'_>, segment: &str) -> Result<(usize, [u8; 3]), EditError> {
        let place = position_path(at);
        let Some(id) = self.id_of_new(segment) else { return fault(EditErrorKind::BadSegment, place) };
        if matches!(&id, b"MSH" | b"FHS" | b"BHS" | b"BTS" | b"FTS") {
            return fault(EditErrorKind::Header, place);
        }
        let index = self.index_of(at)?;
        self.check_room(segment.len() + 2, place.unwrap_or(&Path::of_segment(id, 1)))?;
        self.insert_line(index, segment);
        Ok((index, id))
    }

    pub(super) fn remove_segments(&mut self, path: &Path) -> Result<usize, EditError> {
        let named = self.segments_named(path)?;
        if !named.is_empty() {
            self.drop_lines(&named);
        }
        Ok(named.len())
    }

    /// The indexes that a segment path names, the header not among them.
    fn segments_named(&self, path: &Path) -> Result<Vec<usize>, EditError> {
        if path.field().is_some() {
            return fault(EditErrorKind::WrongLevel, Some(path));
        }
        let named: Vec<_> = self.segment_indexes(path).collect();
        match named.first() {
            Some(0) => fault(EditErrorKind::Header, Some(path)),
            _ => Ok(named),
        }
    }

    /// The index that a new segment at this position gets.
    fn index_of(&self, at: Position<'_>) -> Result<usize, EditError> {
        let (path, index) = match at {
            Position::Before(path) => (path, self.segment_indexes(path).next()),
            Position::After(path) => (path, self.segment_indexes(path).last().map(|index| index + 1)),
            Position::End => return Ok(self.spans.len()),
        };
        match index {
            _ if path.field().is_some() => fault(EditErrorKind::WrongLevel, Some(path)),
            None => fault(EditErrorKind::NoSegment, Some(path)),
            Some(0) => fault(EditErrorKind::Header, Some(path)),
            Some(index) => Ok(index),
        }
    }

    /// The ID of a text that can be a segment of this message.
    fn id_of_new(&self, segment: &str) -> Option<[u8; 3]> {
        let (id, rest) = segment.as_bytes().split_first_chunk::<3>()?;
        let ends = rest.first().is_none_or(|&next| next == self.delimiters.field_byte());
        (ends && Path::is_segment_id(id) && !segment.bytes().any(breaks_line)).then_some(*id)
    }

    /// Inserts a line behind the line `index - 1`, with the line end that follows that one, or else precedes it.
    fn insert_line(&mut self, index: usize, segment: &str) {
        let end_of = |index: usize| self.spans.get(index).map_or(0, |span| span.end as usize);
        let at = end_of(index - 1);
        let line_end = match first_line_end(self.text.get(at..).unwrap_or_default()) {
            "" if index > 1 => first_line_end(self.text.get(end_of(index - 2)..).unwrap_or_default()),
            found => found,
        };
        let line_end = if line_end.is_empty() { "\r" } else { line_end };
        let added = format!("{line_end}{segment}");
        let start = at + line_end.len();
        self.text.to_mut().insert_str(at, &added);
        for span in self.spans.iter_mut().skip(index) {
            *span = Span { start: span.start + added.len() as u32, end: span.end + added.len() as u32 };
        }
        self.spans.insert(index, Span { start: start as u32, end: (start + segment.len()) as u32 });
        if let Some(origin) = &mut self.origin {
            origin.rearrange(|spans| spans.insert(index, None));
        }
    }

    /// Takes lines out, each with the line end behind it; the last one, where it has none, with the one before it.
    fn drop_lines(&mut self, dropped: &[usize]) {
        let mut rebuilt = Rebuilt::with_capacity(self.text.len(), self.spans.len());
        let mut between = self.between(0).to_owned();
        for (index, span) in self.spans.iter().enumerate() {
            let behind = self.between(index + 1);
            if dropped.binary_search(&index).is_err() {
                rebuilt.push(&between, span.of(&self.text));
                between.clear();
                between.push_str(behind);
            } else if behind.is_empty() {
                between.truncate(between.len() - last_line_end(&between));
            } else {
                between.push_str(behind.get(first_line_end(behind).len()..).unwrap_or_default());
            }
        }
        rebuilt.text.push_str(&between);
        self.adopt(rebuilt);
        if let Some(origin) = &mut self.origin {
            let mut index = 0..;
            origin.rearrange(|spans| {
                spans.retain(|_| index.next().is_none_or(|index| dropped.binary_search(&index).is_err()));
            });
        }
    }

    /// Puts the segments in another order; what stands between lines stays where it is.
    fn reorder(&mut self, order: &[usize]) {
        let mut rebuilt = Rebuilt::with_capacity(self.text.len(), self.spans.len());
        for (place, &index) in order.iter().enumerate() {
            let segment = self.spans.get(index).map_or("", |span| span.of(&self.text));
            rebuilt.push(self.between(place), segment);
        }
        rebuilt.text.push_str(self.between(order.len()));
        self.adopt(rebuilt);
        if let Some(origin) = &mut self.origin {
            origin.rearrange(|spans| {
                *spans = order.iter().map(|&index| spans.get(index).copied().flatten()).collect();
            });
        }
    }

    /// What stands before the segment `index`, behind the one before it.
    fn between(&self, index: usize) -> &str {
        let start = index.checked_sub(1).and_then(|before| self.spans.get(before)).map_or(0, |span| span.end);
        let end = self.spans.get(index).map_or(self.text.len(), |span| span.start as usize);
        self.text.get(start as usize..end).unwrap_or_default()
    }

    fn adopt(&mut self, rebuilt: Rebuilt) {
        self.text = rebuilt.text.into();
        self.spans = rebuilt.spans;
    }
}

/// A text under way, with the places of its segments.
struct Rebuilt {
    text: String,
    spans: Vec<Span>,
}

impl Rebuilt {
    fn with_capacity(bytes: usize, segments: usize) -> Self {
        Self { text: String::with_capacity(bytes), spans: Vec::with_capacity(segments) }
    }

    fn push(&mut self, between: &str, segment: &str) {
        self.text.push_str(between);
        let start = self.text.len() as u32;
        self.text.push_str(segment);
        self.spans.push(Span { start, end: self.text.len() as u32 });
    }
}

fn position_path(at: Position<'_>) -> Option<&Path> {
    match at {
        Position::Before(path) | Position::After(path) => Some(path),
        Position::End => None,
    }
}

fn fault<T>(kind: EditErrorKind, path: Option<&Path>) -> Result<T, EditError> {
    Err(EditError::at(kind, path.copied()))
}

/// The line end that `text` starts with.
fn first_line_end(text: &str) -> &str {
    let length = match text.as_bytes() {
        [b'\r', b'\n', ..] => 2,
        [b'\r' | b'\n', ..] => 1,
        _ => 0,
    };
    text.get(..length).unwrap_or_default()
}

/// The length of the line end that `text` ends with.
fn last_line_end(text: &str) -> usize {
    match text.as_bytes() {
        [.., b'\r', b'\n'] => 2,
        [.., b'\r' | b'\n'] => 1,
        _ => 0,
    }
}
