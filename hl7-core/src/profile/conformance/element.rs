//! XML as a tree of elements with their attributes and lines, without text.

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::place;
use crate::profile::error::ProfileError;

/// The largest file: those of whole guides have some megabytes.
const MAX_BYTES: usize = 16 * 1024 * 1024;
/// How deep elements stand in each other, and how many there are. It bounds the memory and the stack.
const MAX_DEPTH: usize = 32;
const MAX_ELEMENTS: usize = 200_000;

pub(super) struct Node {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) children: Vec<Node>,
    attributes: Vec<(String, String)>,
}

impl Node {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The elements in the first element of this name.
    pub(super) fn inside(&self, name: &str) -> impl Iterator<Item = &Node> {
        self.children.iter().find(|node| node.name == name).into_iter().flat_map(|node| &node.children)
    }
}

pub(super) fn read(xml: &str) -> Result<Node, ProfileError> {
    let fault = |line: usize, what: &str| ProfileError::new("R019", place(line), what);
    if xml.len() > MAX_BYTES {
        return Err(ProfileError::new("R002", place(1), "the file is longer than 16 MiB"));
    }
    let mut reader = Reader::from_str(xml);
    reader.config_mut().expand_empty_elements = true;
    let (mut open, mut root): (Vec<Node>, Option<Node>) = (Vec::new(), None);
    let (mut at, mut line, mut elements) = (0, 1, 0);
    loop {
        let event = reader.read_event().map_err(|_| fault(line, "this is not well-formed XML"))?;
        let end = (reader.buffer_position() as usize).min(xml.len());
        line += xml.as_bytes().get(at..end).unwrap_or_default().iter().filter(|byte| **byte == b'\n').count();
        at = end;
        match event {
            Event::Start(start) => {
                elements += 1;
                if open.len() >= MAX_DEPTH || elements > MAX_ELEMENTS || root.is_some() {
                    return Err(fault(line, "too many elements, or too deep"));
                }
                open.push(node(&start, line).ok_or_else(|| fault(line, "an attribute that is none"))?);
            }
            Event::End(_) => {
                let Some(done) = open.pop() else { return Err(fault(line, "this is not well-formed XML")) };
                match open.last_mut() {
                    Some(outer) => outer.children.push(done),
                    None => root = Some(done),
                }
            }
            Event::DocType(_) => return Err(fault(line, "a document type declaration, which is not read")),
            Event::Eof if open.is_empty() => return root.ok_or_else(|| fault(line, "there is no element")),
            Event::Eof => return Err(fault(line, "the file ends inside an element")),
            _ => {}
        }
    }
}

fn node(start: &BytesStart<'_>, line: usize) -> Option<Node> {
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.ok()?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
        attributes.push((attribute.key.local_name().as_ref().to_owned(), value.into_owned()));
    }
    let name = start.local_name().as_ref().to_owned();
    Some(Node { name, line, children: Vec::new(), attributes })
}
