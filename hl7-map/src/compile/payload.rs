//! Paths of the payload against the JSON Schema that the mapping names.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::Compiler;
use crate::error::MappingError;
use crate::expr::{self, JsonPath, Origin, Step};
use crate::yaml::{Node, Tree, shortened};
use hl7_core::document::{self, Place};

/// How deep a schema is followed, which one that refers to itself has no end of, and how many values it may describe.
const MAX_DEPTH: usize = 24;
const MAX_SHAPES: usize = 20_000;

/// What a schema says of a value.
#[derive(Clone, Default)]
pub(super) struct Shape {
    members: BTreeMap<String, Rc<Shape>>,
    item: Option<Rc<Shape>>,
    /// There are no other members.
    is_closed: bool,
}

/// Reads a schema (JSON Schema 2020-12): `properties`, `items`, `additionalProperties: false`, `$ref` inside the file, and what `allOf`, `anyOf` and
/// `oneOf` add. Whatever else it says is passed over.
struct Reading<'n> {
    root: &'n Node,
    left: usize,
}

impl Reading<'_> {
    fn shape(&mut self, node: &Node, depth: usize) -> Rc<Shape> {
        let mut shape = Shape::default();
        self.add(&mut shape, node, depth);
        Rc::new(shape)
    }

    fn add(&mut self, shape: &mut Shape, node: &Node, depth: usize) {
        let Some(left) = self.left.checked_sub(1).filter(|_| depth < MAX_DEPTH) else { return };
        self.left = left;
        if let Some(Tree::Map(entries)) = node.get("properties").map(|node| &node.tree) {
            for entry in entries {
                match shape.members.get_mut(&entry.key.text) {
                    Some(known) => self.add_to(known, &entry.value, depth + 1),
                    None => {
                        let member = self.shape(&entry.value, depth + 1);
                        shape.members.insert(entry.key.text.clone(), member);
                    }
                }
            }
        }
        if let Some(items) = node.get("items").filter(|items| matches!(items.tree, Tree::Map(_))) {
            match &mut shape.item {
                Some(known) => self.add_to(known, items, depth + 1),
                item => *item = Some(self.shape(items, depth + 1)),
            }
        }
        shape.is_closed |=
            node.get("additionalProperties").is_some_and(|value| scalar(value) == Some("false"));
        let root = self.root;
        if let Some(inner) = node.get("$ref").and_then(scalar).and_then(|name| referred(root, name)) {
            self.add(shape, inner, depth + 1);
        }
        for part in alternatives(node, "allOf") {
            self.add(shape, part, depth + 1);
        }
        for key in ["anyOf", "oneOf"] {
            self.add_one_of(shape, alternatives(node, key), depth + 1);
        }
    }

    /// Adds what another part says of the same value. It has other members where one of the two allows them.
    fn add_to(&mut self, known: &mut Rc<Shape>, node: &Node, depth: usize) {
        let shape = Rc::make_mut(known);
        let was_closed = std::mem::replace(&mut shape.is_closed, false);
        self.add(shape, node, depth);
        shape.is_closed &= was_closed;
    }

    /// Of several of which one holds: what any has, and other members where any allows them.
    fn add_one_of(&mut self, shape: &mut Shape, parts: &[Node], depth: usize) {
        let was_closed = std::mem::replace(&mut shape.is_closed, false);
        let mut all_closed = !parts.is_empty();
        for part in parts {
            self.add(shape, part, depth);
            all_closed &= std::mem::replace(&mut shape.is_closed, false);
        }
        shape.is_closed = was_closed || all_closed;
    }
}

fn alternatives<'n>(node: &'n Node, key: &str) -> &'n [Node] {
    match node.get(key).map(|node| &node.tree) {
        Some(Tree::List(parts)) => parts,
        _ => &[],
    }
}

fn scalar(node: &Node) -> Option<&str> {
    match &node.tree {
        Tree::Scalar(scalar) => Some(&scalar.text),
        _ => None,
    }
}

/// `#/$defs/name`.
fn referred<'n>(root: &'n Node, name: &str) -> Option<&'n Node> {
    let path = name.strip_prefix("#/")?;
    path.split('/').try_fold(root, |node, step| node.get(&step.replace("~1", "/").replace("~0", "~")))
}

impl Compiler<'_> {
    /// The schema of the payload: written here, or the name of a file.
    pub(super) fn payload_schema(&mut self, node: &Node) {
        if matches!(node.tree, Tree::Map(_)) {
            self.payload = Some(Reading { root: node, left: MAX_SHAPES }.shape(node, 0));
            return;
        }
        let Some(name) = self.text(node, "the schema of the payload") else { return };
        let what = format!("the file `{}`", shortened(name));
        let Some(text) = self.file(node.place, &what, name) else { return };
        let (root, faults) = document::read(&text);
        match root.filter(|root| faults.is_empty() && matches!(root.tree, Tree::Map(_))) {
            Some(root) => self.payload = Some(Reading { root: &root, left: MAX_SHAPES }.shape(&root, 0)),
            None => {
                let line = faults.first().map_or(1, |fault| fault.place.line);
                let message = format!("{what} is no JSON Schema (line {line})");
                self.error(MappingError::new("M128", node.place, message));
            }
        }
    }

    /// What the schema says of the items that a loop goes over.
    pub(super) fn item_shape(&self, each: &Node) -> Option<Rc<Shape>> {
        let path = expr::json_path(scalar(each)?).ok()?;
        let mut shape = self.origin(&path)?;
        for step in &path.steps {
            shape = next(&shape, step)?;
        }
        // A single object is a list of one.
        Some(shape.item.clone().unwrap_or(shape))
    }

    fn origin(&self, path: &JsonPath) -> Option<Rc<Shape>> {
        match path.from {
            Origin::Root | Origin::Kept(_) => self.payload.clone(),
            Origin::Above(above) if above == self.shapes.len() => self.payload.clone(),
            Origin::Above(above) => self.shapes.iter().rev().nth(above)?.clone(),
        }
    }

    /// M134.
    pub(super) fn check_payload(&mut self, path: &JsonPath, place: Place) {
        let Some(mut shape) = self.origin(path) else { return };
        for step in &path.steps {
            if let Some(inner) = next(&shape, step) {
                shape = inner;
                continue;
            }
            let Step::Name(name) = step else { return };
            // Nothing is said of what is in it.
            if shape.members.is_empty() && !shape.is_closed {
                return;
            }
            let names: Vec<&str> = shape.members.keys().map(String::as_str).collect();
            let near = document::did_you_mean(name, names.iter().copied());
            let all =
                (!names.is_empty() && names.len() <= 20).then(|| format!("there are {}", names.join(", ")));
            let message = format!(
                "the schema of the payload has no `{}` in `{}`",
                shortened(name),
                shortened(&path.text)
            );
            let error = MappingError::new("M134", place, message).suggest_maybe(near.or(all));
            if shape.is_closed {
                self.error(error);
            } else {
                self.warnings.push(error.into_warning());
            }
            return;
        }
    }
}

fn next(shape: &Shape, step: &Step) -> Option<Rc<Shape>> {
    match step {
        Step::Name(name) => shape.members.get(name).cloned(),
        Step::Index(_) => shape.item.clone(),
    }
}
