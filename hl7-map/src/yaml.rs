//! The file as a tree, and what is wrong with it as YAML.

use hl7_core::document::{self, Fault, FaultKind};
pub(crate) use hl7_core::document::{Entry, Key, Node, Scalar, Style, Tree, shortened};

use crate::error::MappingError;

/// Reads a file. A key that stands twice is among the errors, and the tree is given all the same; `None` where the text cannot be read
/// to its end.
pub(crate) fn read(text: &str) -> (Option<Node>, Vec<MappingError>) {
    let (root, faults) = document::read(text);
    let errors = faults.into_iter().map(error).collect();
    let errors = if root.is_none() { without_data(errors, text) } else { errors };
    (root, errors)
}

fn error(fault: Fault) -> MappingError {
    let code = match fault.kind {
        FaultKind::Syntax => "M001",
        FaultKind::TooLarge => "M002",
        FaultKind::Twice => "M003",
        FaultKind::Unused | FaultKind::SecondDocument => "M008",
    };
    let message = match fault.kind {
        FaultKind::SecondDocument => format!("{}: one file is one mapping", fault.message),
        _ => fault.message,
    };
    MappingError::new(code, fault.place, message).suggest_maybe(fault.suggestion)
}

/// Keeps back what may be data. Without a tree it is not known what belongs to the tests: everything from the first line on that says so.
fn without_data(errors: Vec<MappingError>, text: &str) -> Vec<MappingError> {
    let tests = document::lines(text).position(|line| line.contains("tests"));
    let may_be_data = |error: &MappingError| tests.is_some_and(|tests| error.line() > tests);
    errors.into_iter().map(|error| if may_be_data(&error) { error.into_private() } else { error }).collect()
}
