//! An edit equals a rebuild: operations on a message and on lists of lists give the same text, and untouched segments keep their bytes.

use hl7_core::{EditError, Message, Path, Position};
use proptest::prelude::*;

/// A message as lists of lists: segment, field, repetition. The ID is field 0; an empty field has no repetitions.
#[derive(Clone, Debug, PartialEq)]
struct Model(Vec<Vec<Vec<String>>>);

/// Before or behind the n-th segment with this ID; `None` is the end.
type Target = Option<(bool, &'static str, usize)>;

#[derive(Clone, Debug)]
enum Op {
    Set(Place, String),
    Empty(Place),
    RemoveRepetition(Place),
    InsertRepetition(Place, bool, String),
    MoveRepetition(Place, usize),
    RemoveSegment(&'static str, usize),
    InsertSegment(Target, &'static str),
    MoveSegment(&'static str, Option<usize>, Target),
}

#[derive(Clone, Debug)]
struct Place {
    id: &'static str,
    occurrence: usize,
    field: usize,
    repetition: usize,
    component: usize,
}

impl Place {
    fn field_path(&self) -> String {
        format!("{}[{}]-{}", self.id, self.occurrence, self.field)
    }

    fn repetition_path(&self) -> String {
        format!("{}[{}]", self.field_path(), self.repetition)
    }

    fn path(&self) -> Path {
        path_of(&format!("{}.{}", self.repetition_path(), self.component))
    }
}

impl Model {
    fn er7(&self) -> String {
        let segment = |fields: &Vec<Vec<String>>| {
            fields.iter().map(|repetitions| repetitions.join("~")).collect::<Vec<_>>().join("|")
        };
        let body: String = self.0.iter().map(|fields| segment(fields) + "\r").collect();
        format!("MSH|^~\\&|A\r{body}")
    }

    fn index(&self, id: &str, occurrence: usize) -> Option<usize> {
        let mut named = self.0.iter().enumerate().filter(|(_, fields)| fields[0][0] == id);
        named.nth(occurrence - 1).map(|(index, _)| index)
    }

    fn field(&mut self, place: &Place) -> Option<&mut Vec<String>> {
        let index = self.index(place.id, place.occurrence)?;
        self.0[index].get_mut(place.field)
    }

    fn made_field(&mut self, place: &Place) -> Option<&mut Vec<String>> {
        let index = self.index(place.id, place.occurrence)?;
        let fields = &mut self.0[index];
        fields.resize(fields.len().max(place.field + 1), Vec::new());
        Some(&mut fields[place.field])
    }

    /// The index behind which a new segment stands; 0 is directly behind MSH.
    fn target(&self, at: Target) -> Option<usize> {
        match at {
            None => Some(self.0.len()),
            Some((before, id, n)) => Some(self.index(id, n)? + usize::from(!before)),
        }
    }

    /// Does it, or answers `None` where it has to be refused.
    fn apply(&mut self, op: &Op) -> Option<()> {
        match op {
            Op::Set(place, text) => {
                let field = self.made_field(place)?;
                field.resize(field.len().max(place.repetition), String::new());
                let repetition = &mut field[place.repetition - 1];
                let mut components: Vec<_> = repetition.split('^').map(str::to_owned).collect();
                components.resize(components.len().max(place.component), String::new());
                components[place.component - 1] = text.clone();
                *repetition = components.join("^");
                normal(field);
            }
            Op::Empty(place) => {
                let Some(repetition) = self.field(place).and_then(|f| f.get_mut(place.repetition - 1)) else {
                    return Some(());
                };
                let mut components: Vec<_> = repetition.split('^').collect();
                if let Some(component) = components.get_mut(place.component - 1) {
                    *component = "";
                }
                *repetition = components.join("^");
                normal(self.field(place)?);
            }
            Op::RemoveRepetition(place) => {
                if let Some(field) = self.field(place).filter(|field| field.len() >= place.repetition) {
                    field.remove(place.repetition - 1);
                    normal(field);
                }
            }
            Op::InsertRepetition(place, at_end, text) => {
                let field = self.made_field(place)?;
                let at = if *at_end { field.len() } else { place.repetition - 1 };
                field.resize(field.len().max(at), String::new());
                field.insert(at, "^".repeat(place.component - 1) + text);
                normal(field);
            }
            Op::MoveRepetition(place, to) => {
                let field = self.field(place).filter(|field| field.len() >= place.repetition)?;
                let moved = field.remove(place.repetition - 1);
                field.insert((to - 1).min(field.len()), moved);
            }
            Op::RemoveSegment(id, n) => {
                if let Some(index) = self.index(id, *n) {
                    self.0.remove(index);
                }
            }
            Op::InsertSegment(at, id) => {
                let index = self.target(*at)?;
                self.0.insert(index, vec![vec![(*id).to_owned()]]);
            }
            Op::MoveSegment(id, n, at) => {
                let target = self.target(*at)?;
                let moved: Vec<_> = match n {
                    Some(n) => vec![self.index(id, *n)?],
                    None => (0..self.0.len()).filter(|&index| self.0[index][0][0] == *id).collect(),
                };
                if moved.is_empty() {
                    return None;
                }
                let segments = moved.iter().map(|&index| self.0[index].clone());
                let kept = |range: std::ops::Range<usize>| {
                    range.filter(|index| !moved.contains(index)).map(|index| self.0[index].clone())
                };
                self.0 = kept(0..target).chain(segments).chain(kept(target..self.0.len())).collect();
            }
        }
        Some(())
    }
}

/// One empty repetition is none.
fn normal(field: &mut Vec<String>) {
    if field.iter().map(String::as_str).eq([""]) {
        field.clear();
    }
}

fn apply(msg: &mut Message<'_>, op: &Op) -> Result<(), EditError> {
    match op {
        Op::Set(place, text) => msg.set(&place.path(), text),
        Op::Empty(place) => msg.remove(&place.path()).map(drop),
        Op::RemoveRepetition(place) => msg.remove(&path_of(&place.repetition_path())).map(drop),
        Op::InsertRepetition(place, at_end, text) => {
            let field = if *at_end { place.field_path() } else { place.repetition_path() };
            msg.insert_repetition(&path_of(&format!("{field}.{}", place.component)), text)
        }
        Op::MoveRepetition(place, to) => msg.move_repetition(&path_of(&place.repetition_path()), *to),
        Op::RemoveSegment(id, n) => msg.remove(&path_of(&format!("{id}[{n}]"))).map(drop),
        Op::InsertSegment(to, id) => msg.insert_segment(position(*to, &path_to(*to)), id).map(drop),
        Op::MoveSegment(id, n, to) => {
            let n = n.map_or("*".to_owned(), |n| n.to_string());
            msg.move_segment(&path_of(&format!("{id}[{n}]")), position(*to, &path_to(*to)))
        }
    }
}

fn path_of(text: &str) -> Path {
    text.parse().unwrap()
}

fn path_to(target: Target) -> Path {
    target.map_or(path_of("MSH"), |(_, id, n)| path_of(&format!("{id}[{n}]")))
}

fn position(target: Target, path: &Path) -> Position<'_> {
    match target {
        None => Position::End,
        Some((true, ..)) => Position::Before(path),
        Some((false, ..)) => Position::After(path),
    }
}

fn segment_id() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["PID", "OBX", "NTE"])
}

fn op() -> impl Strategy<Value = Op> {
    let place = (segment_id(), 1..4usize, 1..5usize, 1..4usize, 1..4usize).prop_map(
        |(id, occurrence, field, repetition, component)| Place {
            id,
            occurrence,
            field,
            repetition,
            component,
        },
    );
    let target = prop::option::of((any::<bool>(), segment_id(), 1..4usize));
    let text = prop::sample::select(vec!["", "x", "yy", "zzz"]).prop_map(str::to_owned);
    (0..9, place, target, segment_id(), 1..4usize, text).prop_map(|(kind, place, target, id, n, text)| {
        match kind {
            0 => Op::Set(place, text),
            1 => Op::Empty(place),
            2 => Op::RemoveRepetition(place),
            3 => Op::InsertRepetition(place, n == 1, text),
            4 => Op::MoveRepetition(place, n),
            5 => Op::RemoveSegment(id, n),
            6 => Op::InsertSegment(target, id),
            7 => Op::MoveSegment(id, Some(n), target),
            _ => Op::MoveSegment(id, None, target),
        }
    })
}

fn of_segments(op: &Op) -> bool {
    matches!(op, Op::RemoveSegment(..) | Op::InsertSegment(..) | Op::MoveSegment(..))
}

fn model() -> impl Strategy<Value = Model> {
    let repetition = prop::sample::select(vec!["", "a", "b^c", "^^d", "e^"]).prop_map(str::to_owned);
    let field = prop::collection::vec(repetition, 0..4).prop_map(|mut field| {
        normal(&mut field);
        field
    });
    let segment = (segment_id(), prop::collection::vec(field, 0..5)).prop_map(|(id, mut fields)| {
        fields.insert(0, vec![id.to_owned()]);
        fields
    });
    prop::collection::vec(segment, 0..6).prop_map(Model)
}

proptest! {
    #[test]
    fn an_edit_equals_a_rebuild(model in model(), ops in prop::collection::vec(op(), 1..8)) {
        let mut model = model;
        let er7 = model.er7();
        let mut msg = Message::parse(&er7).unwrap();
        for op in &ops {
            let mut changed = model.clone();
            let expected = changed.apply(op);
            let found = apply(&mut msg, op);
            prop_assert_eq!(found.is_ok(), expected.is_some(), "{:?}", op);
            if expected.is_some() {
                model = changed;
            }
            prop_assert_eq!(msg.as_er7(), model.er7(), "{:?}", op);
            let again = Message::parse(msg.as_er7()).unwrap();
            prop_assert!(msg.iter().map(|s| s.raw()).eq(again.iter().map(|s| s.raw())));
        }
    }

    #[test]
    fn untouched_segments_keep_their_bytes(
        lines in prop::collection::vec((segment_id(), prop::sample::select(vec!["\r", "\n", "\r\n", "\n\n"])), 1..6),
        ops in prop::collection::vec(op().prop_filter("of segments", of_segments), 1..6),
    ) {
        let mut bytes = b"MSH|^~\\&|A|||||||||||||||SHIFT_JIS\r".to_vec();
        let mut before = Vec::new();
        for (number, (id, end)) in lines.iter().enumerate() {
            let line = [id.as_bytes(), b"|||||||", number.to_string().as_bytes(), b"|\xFA\x54"].concat();
            bytes.extend_from_slice(&line);
            bytes.extend_from_slice(end.as_bytes());
            before.push(line);
        }
        let mut msg = Message::from_bytes(&bytes).unwrap();
        for op in &ops {
            let _ = apply(&mut msg, op);
        }
        let written = msg.to_wire().unwrap();
        let again = Message::from_bytes(&written).unwrap();
        prop_assert!(msg.iter().map(|s| s.raw()).eq(again.iter().map(|s| s.raw())));
        let with_old_bytes = |line: &&[u8]| before.iter().any(|old| old == line);
        let kept = msg.iter().filter(|segment| segment.raw().ends_with('\u{FFE2}')).count();
        prop_assert_eq!(written.split(|&byte| byte == b'\r').filter(with_old_bytes).count(), kept);
        let text = msg.to_bytes().unwrap().into_owned();
        prop_assert_eq!(Message::from_bytes(&text).unwrap().to_wire().unwrap(), written);
    }
}
