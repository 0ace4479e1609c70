//! From the tree of a mapping file to the plan, with every mistake on the way noted.

mod cases;
mod constant;
mod document;
mod each;
mod edit;
mod emit;
mod field;
mod fit;
mod formula;
mod group;
mod header;
mod json;
mod known;
mod outside;
mod payload;
mod profile;
mod segment;
mod source;
mod switch;
mod target;

use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;

use hl7_core::{Path, Profile};

use crate::case::Case;
use crate::error::MappingError;
use crate::expr::Reads;
use crate::plan::{OnMiss, Plan};
use crate::sources::Sources;
use crate::standard::{At, Layout, Version};
use crate::yaml::{Entry, Key, Node, Scalar, Tree, shortened};
use hl7_core::document::Place;
use hl7_core::document::did_you_mean;

/// What a mapping file comes to.
pub(crate) struct Compiled {
    pub(crate) plan: Plan,
    pub(crate) cases: Vec<Case>,
    pub(crate) warnings: Vec<MappingError>,
}

/// Compiles a file, or gives every mistake in it.
pub(crate) fn compile(
    root: Option<Node>,
    read: Vec<MappingError>,
    sources: Option<&dyn Sources>,
) -> Result<Compiled, Vec<MappingError>> {
    let Some(root) = root else {
        let empty = MappingError::new("M005", Place::START, "the file is empty")
            .suggest("a mapping has `map`, `from`, `to` and `emit`");
        return Err(if read.is_empty() { vec![empty] } else { read });
    };
    let mut compiler = Compiler { errors: read, sources, ..Compiler::default() };
    let compiled = compiler.document(&root);
    compiler.keep_back_data(&root);
    match compiled {
        Some((plan, cases)) if compiler.errors.is_empty() => {
            Ok(Compiled { plan, cases, warnings: compiler.warnings })
        }
        _ => Err(compiler.errors),
    }
}

/// What is known of the file while its parts are compiled.
#[derive(Default)]
struct Compiler<'s> {
    sources: Option<&'s dyn Sources>,
    errors: Vec<MappingError>,
    warnings: Vec<MappingError>,
    tables: Vec<TableName>,
    /// The place of each table among them, by name.
    table_index: HashMap<String, usize>,
    segments: Vec<DeclaredSegment>,
    version: Version,
    profile: Option<Profile>,
    /// The file names no version.
    any_version: bool,
    /// The versions that a message which is read may have, where the file says so.
    read_versions: Option<(Version, Version)>,
    /// JSON goes out.
    writes_json: bool,
    /// What the paths of expressions name.
    reads: Reads,
    /// The loops around the rule at hand.
    around: Vec<Around>,
    /// What the schema of the payload says of it, and of the items of these loops.
    payload: Option<Rc<payload::Shape>>,
    shapes: Vec<Option<Rc<payload::Shape>>>,
    /// The place that a `set` gives a value.
    target: Option<Path>,
    /// The first line that reads a member of the payload itself.
    reads_members: Option<usize>,
    /// What is read of the payload itself: the names that lead to each place.
    places: Vec<Vec<String>>,
    /// How many operands of conditions are the same in every round.
    slots: usize,
    /// What becomes of a text that a lookup does not have.
    lookups: Vec<(String, OnMiss)>,
    /// The IDs of segments, by their counters.
    counted: Vec<String>,
    /// The structure of the message that is made, where its groups are known.
    layout: Option<Layout>,
    /// The tests are compiled: their values are data.
    private: bool,
}

/// What a loop goes over, or what a condition is asked for.
#[derive(Clone, Copy)]
enum Around {
    /// Items of a list.
    Items,
    /// The repetitions of a field.
    Repetitions(Path),
    /// Groups at this place of the structure.
    Group(At),
    /// What begins with a segment, where the structure is not known.
    Anchor,
    /// Segments whose ID fits, `?` for any character.
    Segment([u8; 3]),
}

struct TableName {
    name: String,
    place: Place,
    used: Cell<bool>,
    /// What comes out of it.
    gives: Vec<String>,
}

/// A segment that the file declares, and which of its fields hold formatted text.
struct DeclaredSegment {
    id: String,
    /// Its fields; `None` when it may have any.
    fields: Option<Vec<u16>>,
    formatted: Vec<u16>,
}

/// Whether an ID fits a pattern such as `Z??`.
fn fits(pattern: &[u8; 3], id: &str) -> bool {
    id.len() == 3 && pattern.iter().zip(id.bytes()).all(|(a, b)| *a == b'?' || *a == b)
}

impl Compiler<'_> {
    fn error(&mut self, error: MappingError) {
        let error = if self.private { error.into_private() } else { error };
        self.errors.push(error);
    }

    /// Lines that hold data of the tests are not shown whole, whatever is wrong on them.
    fn keep_back_data(&mut self, root: &Node) {
        let Tree::Map(entries) = &root.tree else { return };
        for tests in entries.iter().filter(|entry| entry.key.text == "tests") {
            let (first, last) = tests.value.lines();
            let on_them = |error: &&mut MappingError| (first..=last).contains(&error.line());
            let all = self.errors.iter_mut().chain(&mut self.warnings);
            all.filter(on_them).for_each(MappingError::hide_line);
        }
    }

    /// Notes a mistake and gives nothing.
    fn fail<T>(&mut self, code: &'static str, place: Place, message: impl Into<String>) -> Option<T> {
        self.error(MappingError::new(code, place, message));
        None
    }

    /// The entries of a map.
    fn map<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [Entry]> {
        match &node.tree {
            Tree::Map(entries) => Some(entries),
            _ => self.fail("M006", node.place, format!("{what} is a map, and this is {}", node.kind())),
        }
    }

    fn scalar<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n Scalar> {
        match &node.tree {
            Tree::Scalar(scalar) => Some(scalar),
            _ => self.fail(
                "M006",
                node.place,
                format!("{what} is a single value, and this is {}", node.kind()),
            ),
        }
    }

    /// A scalar that is not empty.
    fn text<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n str> {
        let scalar = self.scalar(node, what)?;
        if scalar.text.is_empty() {
            return self.fail("M005", node.place, format!("{what} is empty"));
        }
        Some(&scalar.text)
    }

    /// The items of a list; a single value or map is a list of one.
    fn list<'n>(&mut self, node: &'n Node) -> &'n [Node] {
        match &node.tree {
            Tree::List(items) => items,
            _ => std::slice::from_ref(node),
        }
    }

    /// Notes each key that is not given.
    fn needs(&mut self, place: Place, what: &str, keys: &[(&str, Option<&Node>)]) {
        for (key, _) in keys.iter().filter(|(_, given)| given.is_none()) {
            self.error(MappingError::new("M005", place, format!("{what} has no `{key}`")));
        }
    }

    /// Notes a key that is not one of `known`.
    fn unknown_key(&mut self, key: &Key, value: &Node, known: &[&str]) {
        // `{ 5: a, b }` reads as a key `b` without a value: the typical slip of text with a comma in braces.
        let bare = matches!(&value.tree, Tree::Scalar(scalar) if scalar.text.is_empty());
        let name = shortened(&key.text);
        if key.in_braces && bare {
            let message = format!("`{name}` has no value");
            self.error(
                MappingError::new("M009", key.place, message)
                    .suggest("quote this: a value in braces that holds `[ ] { } ,` is written in quotes"),
            );
            return;
        }
        let suggestion = did_you_mean(&key.text, known.iter().copied())
            .unwrap_or_else(|| format!("known here: {}", known.join(", ")));
        let error = MappingError::new("M004", key.place, format!("there is no key `{name}` here"));
        self.error(error.suggest(suggestion));
    }
}
