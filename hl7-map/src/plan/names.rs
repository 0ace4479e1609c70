//! Functions by their names, and what they take.

use super::{Function, Term};

impl Function {
    /// The name in mapping files.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Function::Upper => "upper",
            Function::Lower => "lower",
            Function::Trim => "trim",
            Function::Digits => "digits",
            Function::Left(_) => "left",
            Function::Pad(..) => "pad",
            Function::Replace(..) => "replace",
            Function::Split(_) => "split",
            Function::Join(_) => "join",
            Function::Concat(_) => "concat",
            Function::Default(_) => "default",
            Function::Table(_) => "table",
            Function::Date(_) => "date",
            Function::Dtm(..) => "dtm",
            Function::ZoneIn(_) => "zone_in",
            Function::Number => "number",
            Function::Round(_) => "round",
            Function::Len => "len",
            Function::First => "first",
            Function::Last => "last",
            Function::Hash(_) => "hash",
            Function::Text => "text",
            Function::Bool => "bool",
            Function::Raw => "raw",
            Function::Typed(_) => "typed",
            Function::Time(_) => "time",
            Function::ToZone(_) => "to_zone",
            Function::AddDays(_) => "add_days",
            Function::Unique => "unique",
            Function::Empty(_) => "empty",
            Function::Mask(_) => "mask",
            Function::Uuid5(_) => "uuid5",
            Function::Phone => "phone",
            Function::NamePart(_) => "name_part",
            Function::Lookup(..) => "lookup",
            Function::Outside(..) => "a function of the program",
        }
    }

    /// The arguments that may be read from the input.
    pub(crate) fn terms(&self) -> Vec<&Term> {
        match self {
            Function::Replace(a, b) => vec![a, b],
            Function::Split(a) | Function::Join(a) | Function::Default(a) | Function::Typed(a) => vec![a],
            Function::Uuid5(a) => vec![a],
            Function::Concat(terms) | Function::Empty(terms) | Function::Outside(_, terms) => {
                terms.iter().collect()
            }
            _ => Vec::new(),
        }
    }
}
