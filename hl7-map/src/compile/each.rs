//! `each` over a message: groups and segments, and whose segments a path names inside.

use hl7_core::{Occurrence, Path, RepetitionIndex};

use super::document::is_segment_id;
use super::{Around, Compiler, fits};
use crate::error::MappingError;
use crate::expr::Reads;
use crate::plan::{EachLines, Formula, LinesOf, ReadPath, Term};
use crate::standard::Layout;
use crate::yaml::{Node, Tree, shortened};
use hl7_core::document;
use hl7_core::document::Place;

/// Segments that stand before the groups of a message, where its structure is not known.
const BEFORE_GROUPS: [&str; 8] = ["MSH", "SFT", "EVN", "PID", "PD1", "NK1", "PV1", "PV2"];

impl Compiler<'_> {
    /// What a loop goes over: an expression, or the name of a group or segment of the message.
    pub(super) fn over(&mut self, each: &Node) -> Option<Formula> {
        let Tree::Scalar(scalar) = &each.tree else { return self.formula(each, "`each`") };
        let name = scalar.text.as_str();
        if self.reads == Reads::Json || name.contains(['-', '.', '[', ' ', '$', '=']) {
            return self.formula(each, "`each`");
        }
        let of = self.lines_of(name);
        let Some(of) = of else { return self.unknown_lines(each, name) };
        let above = match of {
            LinesOf::Group(at) => self.above(|around| self.is_within(*around, at)),
            LinesOf::Segment(_) | LinesOf::Anchor(_) => self.scope_of(name).0,
        };
        let choice = vec![Term::Each(EachLines { of, above })];
        Some(Formula { choice, steps: Vec::new() })
    }

    /// The group or segment that a name is, seen from the loops around it.
    fn lines_of(&self, name: &str) -> Option<LinesOf> {
        if let Some(layout) = &self.layout {
            let innermost = self.around.iter().rev().find_map(|around| match around {
                Around::Group(at) => Some(*at),
                _ => None,
            });
            let groups = [innermost.unwrap_or(Layout::ROOT), Layout::ROOT];
            if let Some(at) = groups.into_iter().find_map(|group| layout.groups(name, group).next()) {
                return Some(LinesOf::Group(at));
            }
        }
        let id = name.as_bytes().try_into().ok().filter(|_| is_segment_id(name))?;
        Some(if self.layout.is_none() { LinesOf::Anchor(id) } else { LinesOf::Segment(id) })
    }

    fn unknown_lines<T>(&mut self, each: &Node, name: &str) -> Option<T> {
        let layout = self.layout.as_ref();
        let groups = layout.into_iter().flat_map(|layout| layout.within(Layout::ROOT));
        let names: Vec<&str> =
            groups.filter(|(_, element)| element.is_group).map(|(_, element)| element.name).collect();
        let near = document::did_you_mean(name, names.iter().copied());
        let all = (!names.is_empty()).then(|| format!("its groups are {}", names.join(", ")));
        let message = format!("the message has no group or segment `{}`", shortened(name));
        self.error(MappingError::new("M125", each.place, message).suggest_maybe(near.or(all)));
        None
    }

    /// What is around the rules of a loop.
    pub(super) fn around_of(&self, each: &Node) -> Around {
        let Tree::Scalar(scalar) = &each.tree else { return Around::Items };
        let path = scalar.text.split(' ').next().and_then(|path| path.parse::<Path>().ok());
        match self.lines_of(&scalar.text) {
            _ if self.reads == Reads::Json => Around::Items,
            Some(LinesOf::Group(at)) => Around::Group(at),
            Some(LinesOf::Segment(id)) => Around::Segment(id),
            Some(LinesOf::Anchor(_)) => Around::Anchor,
            None => match path.filter(|path| path.repetition() == RepetitionIndex::All) {
                Some(path) => Around::Repetitions(path),
                None => Around::Items,
            },
        }
    }

    /// So many items above the current one: the innermost for which `holds`, else the whole message.
    fn above(&self, holds: impl Fn(&Around) -> bool) -> usize {
        self.around.iter().rev().position(holds).unwrap_or(self.around.len())
    }

    fn is_within(&self, around: Around, at: usize) -> bool {
        let Around::Group(group) = around else { return false };
        self.layout.as_ref().is_some_and(|layout| layout.within(group).any(|(inner, _)| inner == at))
    }

    /// Where a segment is read, so many items above the current one, and whether directly in that group: in the innermost loop whose group
    /// has it, else in the whole message.
    fn scope_of(&self, id: &str) -> (usize, bool) {
        let places = |group| self.layout.as_ref().map(|layout| layout.places(id, group)).unwrap_or_default();
        let known = !places(Layout::ROOT).is_empty();
        let above = self.above(|around| match around {
            Around::Items | Around::Repetitions(_) => false,
            Around::Segment(pattern) => fits(pattern, id),
            Around::Anchor => !BEFORE_GROUPS.contains(&id),
            Around::Group(group) => !known || !places(*group).is_empty(),
        });
        let group = match self.around.iter().rev().nth(above) {
            Some(Around::Group(group)) => Some(*group),
            Some(_) => None,
            None => Some(Layout::ROOT),
        };
        let direct = group.is_some_and(|group| {
            let layout = self.layout.as_ref();
            let first = layout.and_then(|layout| layout.element(*layout.places(id, group).first()?));
            first.is_some_and(|element| element.parent == group)
        });
        (above, direct)
    }

    /// Warns of a path that reads the first repetition of a field in a loop over its repetitions, where the one at hand will be meant.
    pub(super) fn check_repetition_at_hand(&mut self, path: &Path, at: Place) {
        let is_looped = |around: &Around| matches!(around, Around::Repetitions(over) if over.segment_id() == path.segment_id() && over.field() == path.field());
        if path.repetition() != RepetitionIndex::Unstated || !self.around.iter().any(is_looped) {
            return;
        }
        let parts: String = [path.component(), path.subcomponent()]
            .into_iter()
            .flatten()
            .map(|part| format!(".{part}"))
            .collect();
        let here = if parts.is_empty() { ".".to_owned() } else { parts };
        let message = format!("`{path}` is that of the first repetition in each round");
        let hint = format!("that of the repetition at hand is `{here}`; when the first is meant, say [1]");
        self.warnings.push(MappingError::new("M138", at, message).suggest(hint).into_warning());
    }

    /// A path of the message, read where its segment is. In a `set` of several segments it is that of the one at hand.
    pub(super) fn read_path(&self, path: Path) -> ReadPath {
        let (above, direct) = self.scope_of(path.segment_id());
        let pairs_segment = self.target.is_some_and(|target| {
            target.occurrence() == Occurrence::All
                && target.segment_id() == path.segment_id()
                && !matches!(path.occurrence(), Occurrence::Nth(_))
        });
        let pairs_repetition = path.repetition() == RepetitionIndex::All
            && self.target.is_some_and(|target| target.repetition() == RepetitionIndex::All);
        ReadPath { path, text: path.to_string(), above, direct, pairs_segment, pairs_repetition }
    }
}
