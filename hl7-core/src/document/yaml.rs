//! YAML as a tree in which every key and value knows its place and every scalar stays as it was written.

use std::collections::{HashMap, HashSet};

use serde_saphyr::granit_parser::{self, Event, Parser, ScalarStyle, Span, StructureStyle};

use super::place::Place;
use super::shown::harmless;
use super::{Fault, FaultKind};

/// The longest file: 1 MiB, which is some ten thousand rules.
pub const MAX_BYTES: usize = 1024 * 1024;
/// Lists and maps may be this deep in each other; it bounds the stack that loading takes.
const MAX_DEPTH: usize = 64;
/// Values in the tree with every alias written out, so that a few lines of aliases cannot become gigabytes.
const MAX_NODES: usize = 200_000;

/// A value of the file.
#[derive(Clone)]
pub struct Node {
    pub place: Place,
    pub tree: Tree,
}

#[derive(Clone)]
pub enum Tree {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A scalar's text. `plain` when it stands without quotes and on one line, so that a character of the text is a column of the file.
#[derive(Clone)]
pub struct Scalar {
    pub text: String,
    pub style: Style,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    Plain,
    Quoted,
    Block,
}

/// A key of a map and its value.
#[derive(Clone)]
pub struct Entry {
    pub key: Key,
    pub value: Node,
}

#[derive(Clone)]
pub struct Key {
    pub text: String,
    pub place: Place,
    /// The map is written in braces.
    pub in_braces: bool,
}

impl Node {
    /// What the value is, for an error.
    pub fn kind(&self) -> &'static str {
        match &self.tree {
            Tree::Scalar(_) => "a single value",
            Tree::List(_) => "a list",
            Tree::Map(_) => "a map",
        }
    }

    /// The value of a key, when this is a map that has it.
    pub fn get(&self, name: &str) -> Option<&Node> {
        match &self.tree {
            Tree::Map(entries) => {
                entries.iter().find(|entry| entry.key.text == name).map(|entry| &entry.value)
            }
            _ => None,
        }
    }

    /// The first and the last line that something of it stands on.
    pub fn lines(&self) -> (usize, usize) {
        let own = (self.place.line, self.place.line);
        let parts: Vec<&Node> = match &self.tree {
            Tree::Scalar(_) => Vec::new(),
            Tree::List(items) => items.iter().collect(),
            Tree::Map(entries) => entries.iter().map(|entry| &entry.value).collect(),
        };
        parts.into_iter().map(Node::lines).fold(own, |a, b| (a.0.min(b.0), a.1.max(b.1)))
    }

    /// How deep lists and maps lie in each other here.
    fn height(&self) -> usize {
        match &self.tree {
            Tree::Scalar(_) => 0,
            Tree::List(items) => 1 + items.iter().map(Node::height).max().unwrap_or(0),
            Tree::Map(entries) => 1 + entries.iter().map(|entry| entry.value.height()).max().unwrap_or(0),
        }
    }

    fn size(&self) -> usize {
        match &self.tree {
            Tree::Scalar(_) => 1,
            Tree::List(items) => 1 + items.iter().map(Node::size).sum::<usize>(),
            Tree::Map(entries) => 1 + entries.iter().map(|e| 1 + e.value.size()).sum::<usize>(),
        }
    }
}

/// Reads a file. A key that stands twice is among the errors, and the tree is given all the same; `None` where the text cannot be read
/// to its end.
pub fn read(text: &str) -> (Option<Node>, Vec<Fault>) {
    if text.len() > MAX_BYTES {
        let error = Fault::new(FaultKind::TooLarge, Place::START, "the file is longer than 1 MiB");
        return (None, vec![error]);
    }
    let options = granit_parser::options! {
        emit_comments: false,
        block_nesting_limit: 2 * MAX_DEPTH,
        flow_nesting_limit: 2 * MAX_DEPTH,
    };
    let mut builder = Builder::new();
    for event in Parser::new_from_str_with_options(text, options) {
        let done = match event {
            Ok((event, span)) => builder.take(event, span),
            Err(error) => Err(syntax(&error, builder.in_flow())),
        };
        if let Err(error) = done {
            builder.errors.push(error);
            return (None, builder.errors);
        }
    }
    (builder.root, builder.errors)
}

/// What the parser found wrong, inside braces or brackets or not.
fn syntax(error: &granit_parser::ScanError, in_flow: bool) -> Fault {
    let mark = error.marker();
    let place = Place { line: mark.line().max(1), column: mark.col() + 1, width: 1, is_key: false };
    let hint = hint(&error.info(), in_flow).map(str::to_owned);
    Fault::new(FaultKind::Syntax, place, format!("this is not YAML: {}", error.info())).suggest_maybe(hint)
}

/// What is probably the reason, by the words of the parser.
fn hint(info: &str, in_flow: bool) -> Option<&'static str> {
    let told = |words: &str| info.contains(words);
    if told("mapping values are not allowed") {
        Some("a value that holds `: ` has to be quoted")
    } else if told("trailing content after") {
        Some("a value that goes on behind a quote has to be quoted as a whole, with the other kind of quote")
    } else if told("unexpected character") {
        Some("a value that starts with this character has to be quoted")
    } else if told("tabs disallowed") {
        Some("indent with spaces")
    } else if in_flow
        && ["unclosed quote", "did not find expected", "misplaced bracket"].into_iter().any(told)
    {
        Some("a value in braces or brackets that holds `[ ] { } ,` has to be quoted")
    } else {
        None
    }
}

struct Builder {
    root: Option<Node>,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    left: usize,
    documents: usize,
    errors: Vec<Fault>,
}

/// A list or map that is not closed yet.
struct Open {
    anchor: usize,
    place: Place,
    in_flow: bool,
    key: Option<Key>,
    seen: HashSet<String>,
    tree: Tree,
}

type Taken = Result<(), Fault>;

impl Builder {
    fn new() -> Self {
        let (root, open, anchors) = (None, Vec::new(), HashMap::new());
        Self { root, open, anchors, left: MAX_NODES, documents: 0, errors: Vec::new() }
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Taken {
        let place = place_of(&span);
        match event {
            Event::DocumentStart(..) => self.document(place),
            Event::Scalar(text, style, anchor, tag) => {
                refuse_tag(tag.is_some(), place)?;
                let style = style_of(style, &span);
                // A value that is not there is told as a `~` of no width.
                let missing = style == Style::Plain && span.start == span.end;
                let text = if missing { String::new() } else { text.into_owned() };
                let scalar = Scalar { text, style };
                self.add(Node { place, tree: Tree::Scalar(scalar) }, anchor)
            }
            Event::SequenceStart(style, anchor, tag) => {
                refuse_tag(tag.is_some(), place)?;
                self.begin(anchor, place, style == StructureStyle::Flow, Tree::List(Vec::new()))
            }
            Event::MappingStart(style, anchor, tag) => {
                refuse_tag(tag.is_some(), place)?;
                self.begin(anchor, place, style == StructureStyle::Flow, Tree::Map(Vec::new()))
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(id) => self.alias(id, place),
            _ => Ok(()),
        }
    }

    /// Whether something in braces or brackets is open.
    fn in_flow(&self) -> bool {
        self.open.iter().any(|open| open.in_flow)
    }

    fn document(&mut self, place: Place) -> Taken {
        self.documents += 1;
        if self.documents > 1 {
            return Err(Fault::new(FaultKind::SecondDocument, place, "a second document"));
        }
        Ok(())
    }

    fn begin(&mut self, anchor: usize, place: Place, in_flow: bool, tree: Tree) -> Taken {
        if self.open.len() >= MAX_DEPTH {
            return Err(too_deep(place, ""));
        }
        self.open.push(Open { anchor, place, in_flow, key: None, seen: HashSet::new(), tree });
        Ok(())
    }

    fn end(&mut self) -> Taken {
        let Some(open) = self.open.pop() else { return Ok(()) };
        self.add(Node { place: open.place, tree: open.tree }, open.anchor)
    }

    fn alias(&mut self, id: usize, place: Place) -> Taken {
        let Some(node) = self.anchors.get(&id) else {
            return Err(Fault::new(FaultKind::Syntax, place, "an alias stands inside what it repeats"));
        };
        let (size, height) = (node.size(), node.height());
        self.spend(size, place)?;
        if self.open.len() + height > MAX_DEPTH {
            return Err(too_deep(place, ", aliases written out"));
        }
        let node = self.anchors.get(&id).cloned();
        node.map_or(Ok(()), |node| self.add(node, 0))
    }

    fn spend(&mut self, nodes: usize, place: Place) -> Taken {
        match self.left.checked_sub(nodes) {
            Some(left) => self.left = left,
            None => {
                let message = "the file has more than 200,000 values, aliases written out";
                return Err(Fault::new(FaultKind::TooLarge, place, message));
            }
        }
        Ok(())
    }

    /// Puts a finished value where it belongs.
    fn add(&mut self, node: Node, anchor: usize) -> Taken {
        self.spend(1, node.place)?;
        if anchor != 0 {
            self.spend(node.size(), node.place)?;
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut open.tree {
            Tree::List(items) => items.push(node),
            Tree::Map(entries) => match open.key.take() {
                Some(key) => entries.push(Entry { key, value: node }),
                None => {
                    let key = key_of(node, open.in_flow)?;
                    if !open.seen.insert(key.text.clone()) {
                        let message = format!("the key `{}` stands twice in this map", shortened(&key.text));
                        self.errors.push(Fault::new(FaultKind::Twice, key.place, message));
                    }
                    open.key = Some(key);
                }
            },
            Tree::Scalar(_) => {}
        }
        Ok(())
    }
}

fn too_deep(place: Place, counted: &str) -> Fault {
    let message = format!("lists and maps lie more than 64 deep in each other{counted}");
    Fault::new(FaultKind::TooLarge, place, message)
}

fn key_of(node: Node, in_braces: bool) -> Result<Key, Fault> {
    match node.tree {
        Tree::Scalar(scalar) if scalar.text == "<<" && scalar.style == Style::Plain => {
            let message = "merge keys (`<<`) are not used; an alias repeats a whole value";
            Err(Fault::new(FaultKind::Unused, node.place, message))
        }
        Tree::Scalar(scalar) => {
            Ok(Key { text: scalar.text, place: Place { is_key: true, ..node.place }, in_braces })
        }
        _ => Err(Fault::new(FaultKind::Unused, node.place, "a key has to be a single value")
            .suggest("a value that holds `[ ] { } ,` has to be quoted")),
    }
}

/// A name for an error: cut where it is longer than a name would be.
pub fn shortened(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut short: String = harmless(text).chars().take(LONGEST).collect();
    if text.chars().nth(LONGEST).is_some() {
        short.push_str("...");
    }
    short
}

fn refuse_tag(tagged: bool, place: Place) -> Taken {
    if tagged {
        Err(Fault::new(FaultKind::Unused, place, "tags such as `!!str` are not used here"))
    } else {
        Ok(())
    }
}

fn style_of(style: ScalarStyle, span: &Span) -> Style {
    match style {
        ScalarStyle::Plain if span.start.line() == span.end.line() => Style::Plain,
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Style::Quoted,
        _ => Style::Block,
    }
}

fn place_of(span: &Span) -> Place {
    let (start, end) = (span.start, span.end);
    let width = if start.line() == end.line() { end.col().saturating_sub(start.col()) } else { 1 };
    Place { line: start.line().max(1), column: start.col() + 1, width: width.max(1), is_key: false }
}
