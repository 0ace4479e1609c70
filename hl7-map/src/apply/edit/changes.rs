//! The changes of one message: found first, made afterwards.

use std::collections::BTreeSet;

use hl7_core::{EditError, Message, Path, Position, RepetitionIndex, Segment};

use super::{Record, Run};
use crate::input;
use crate::value::Fault;

/// What is to change. Places are those of the message as it came in.
#[derive(Default)]
pub(super) struct Changes<'v> {
    sets: Vec<Set<'v>>,
    /// Repetitions and values, and the line of the rule.
    removes: Vec<(Path, usize)>,
    /// Segments, by their place.
    segments: BTreeSet<usize>,
    added: Vec<Added>,
}

/// A place: the segment among those of its ID and the repetition of its field, from 1.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) path: Path,
    pub(super) segment: usize,
    pub(super) repetition: Option<usize>,
}

struct Set<'v> {
    place: Place,
    raw: String,
    rule: &'v str,
    line: usize,
}

/// A new segment, behind so many of the segments as they came in.
pub(super) struct Added {
    pub(super) behind: usize,
    pub(super) segment: String,
    pub(super) line: usize,
}

impl Place {
    fn path(self) -> Option<Path> {
        let Place { path, segment, repetition } = self;
        let mut text = format!("{}[{segment}]-{}", path.segment_id(), path.field()?);
        if let Some(repetition) = repetition {
            text.push_str(&format!("[{repetition}]"));
        }
        for part in [path.component(), path.subcomponent()].into_iter().flatten() {
            text.push_str(&format!(".{part}"));
        }
        text.parse().ok()
    }
}

impl<'v> Changes<'v> {
    pub(super) fn set(&mut self, place: Place, raw: String, rule: &'v str, line: usize) {
        self.sets.push(Set { place, raw, rule, line });
    }

    /// Removes what a path names in the `n`-th segment of its ID.
    pub(super) fn remove_in(&mut self, path: &Path, line: usize, n: usize, segment: Segment<'_>) {
        let place = |repetition| Some((Place { path: *path, segment: n, repetition }.path()?, line));
        let Some(field) = path.field().and_then(|field| segment.field(field.into())) else { return };
        let wanted: Vec<usize> = match path.repetition() {
            RepetitionIndex::Where(filter) => {
                let repetitions = (1..).zip(field.repetitions());
                repetitions.filter(|(_, r)| input::fits(*r, &filter)).map(|(k, _)| k).collect()
            }
            RepetitionIndex::All => (1..=field.repetitions().count()).collect(),
            RepetitionIndex::Nth(k) => vec![k as usize],
            _ => {
                self.removes.extend(place(None));
                return;
            }
        };
        self.removes.extend(wanted.into_iter().filter_map(|k| place(Some(k))));
    }

    pub(super) fn remove_segment(&mut self, index: usize) {
        self.segments.insert(index);
    }

    pub(super) fn add(&mut self, added: Added) {
        self.added.push(added);
    }

    /// Makes the changes: set, remove, add.
    pub(super) fn make<R: Record>(
        mut self,
        run: &mut Run<'_, R>,
        message: &Message<'_>,
    ) -> Option<Message<'static>> {
        let mut changed = message.clone().into_owned();
        let bytes = message.as_er7().len() / 16;
        for Set { place, raw, rule, line } in &self.sets {
            let done = place.path().map_or(Ok(()), |path| changed.set_raw(&path, raw));
            run.edited(done, rule, *line, bytes);
        }
        // Each once, and of several repetitions the last first, so that the numbers of the others stay right.
        self.removes.sort_by_key(|(path, _)| std::cmp::Reverse(order(path)));
        self.removes.dedup_by_key(|(path, _)| *path);
        for (path, line) in &self.removes {
            let done = changed.remove(path).map(drop);
            run.edited(done, path.segment_id(), *line, bytes);
        }
        if !self.segments.is_empty() {
            let mut index = 1..;
            changed.retain_segments(|_| index.next().is_none_or(|index| !self.segments.contains(&index)));
        }
        for (more, added) in self.added.iter().enumerate() {
            let gone = self.segments.range(..added.behind).count();
            let earlier = self.added.iter().take(more).filter(|other| other.behind <= added.behind).count();
            let done = insert(&mut changed, added.behind - gone + earlier, &added.segment);
            run.edited(done, added.segment.get(..3).unwrap_or_default(), added.line, bytes);
        }
        (changed.as_er7().len() <= run.ctx.max_output_bytes || run.too_long()).then_some(changed)
    }
}

/// By segment, field and repetition; what lies within a repetition behind it.
fn order(path: &Path) -> (String, u32, Option<u16>, u32, Option<u16>, Option<u16>) {
    let segment = match path.occurrence() {
        hl7_core::Occurrence::Nth(n) => n,
        _ => 1,
    };
    let repetition = match path.repetition() {
        RepetitionIndex::Nth(n) => n,
        _ => 0,
    };
    let id = path.segment_id().to_owned();
    (id, segment, path.field(), repetition, path.component(), path.subcomponent())
}

/// Puts a segment behind the first `count` ones.
fn insert(message: &mut Message<'static>, count: usize, segment: &str) -> Result<(), EditError> {
    let before = message.iter().take(count);
    let Some(id) = before.clone().next_back().map(Segment::id) else { return Ok(()) };
    let n = before.filter(|segment| segment.id() == id).count();
    match format!("{id}[{n}]").parse::<Path>() {
        Ok(path) => message.insert_segment(Position::After(&path), segment).map(drop),
        Err(_) => message.push_segment(segment).map(drop),
    }
}

impl<R: Record> Run<'_, R> {
    /// Charges for an edit, and notes one that was refused.
    fn edited(&mut self, done: Result<(), EditError>, place: &str, line: usize, bytes: usize) {
        let steps = self.scope.budget().text(bytes);
        self.noted(steps, place, line, ());
        if done.is_err() {
            let fault = Fault::new("M218", "the value cannot stand here");
            self.refuse(fault.suggest("the message lacks a delimiter that this needs"), Some(place), line);
        }
    }

    /// Notes that the message is too long.
    fn too_long(&mut self) -> bool {
        self.refuse(Fault::new("M210", "the message is longer than the limit"), None, 1);
        false
    }
}
