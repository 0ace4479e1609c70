//! What the file refers to outside itself: CSV tables, secrets, lookups, functions of the embedding program.

use super::Compiler;
use super::document::literal;
use crate::csv;
use crate::error::MappingError;
use crate::plan::{Function, OnMiss, Term};
use crate::sources::Sources;
use crate::yaml::{Entry, Node, shortened};
use hl7_core::document::Place;

impl<'s> Compiler<'s> {
    /// What `sources` has under a name; that there are none, or not this one, is noted.
    fn ask<T>(&mut self, place: Place, what: &str, give: impl Fn(&'s dyn Sources) -> Option<T>) -> Option<T> {
        let Some(sources) = self.sources else {
            let error =
                MappingError::new("M127", place, format!("the file refers to {what}, which is outside it"));
            self.error(error.suggest("load it with `Mapping::load`, which is given what it refers to"));
            return None;
        };
        let given = give(sources);
        if given.is_none() {
            self.error(MappingError::new("M127", place, format!("there is no such thing as {what}")));
        }
        given
    }

    /// The text of a file.
    pub(super) fn file(&mut self, place: Place, what: &str, name: &str) -> Option<String> {
        self.ask(place, what, |sources| sources.file(name))
    }

    pub(super) fn secret(&mut self, name: &str, place: Place) -> Option<Term> {
        let what = format!("the secret `{}`", shortened(name));
        self.ask(place, &what, |sources| sources.secret(name)).map(Term::Text)
    }

    /// The rows of a table in CSV: a line of names, then the first column to the second, or `from` to `to`.
    pub(super) fn csv_rows(
        &mut self,
        file: &Node,
        from: Option<&Node>,
        to: Option<&Node>,
    ) -> Option<Vec<(String, String)>> {
        let name = self.text(file, "the file of a table")?;
        let what = format!("the file `{}`", shortened(name));
        let text = self.file(file.place, &what, name)?;
        let rows = match csv::rows(&text) {
            Ok(rows) => rows,
            Err(fault) => {
                let message = format!("line {} of {what} is not CSV: {}", fault.line, fault.why);
                return self.fail("M128", file.place, message);
            }
        };
        let mut rows = rows.into_iter();
        let (_, names) = rows.next().unwrap_or_default();
        let from = self.column(&names, from, 0, file)?;
        let to = self.column(&names, to, 1, file)?;
        let mut found: Vec<(String, String)> = rows
            .map(|(_, row)| {
                let field = |at: usize| row.get(at).cloned().unwrap_or_default();
                (field(from), field(to))
            })
            .collect();
        found.sort();
        found.dedup();
        let twice = found.iter().zip(found.iter().skip(1)).any(|(a, b)| a.0 == b.0);
        if twice {
            return self.fail("M128", file.place, format!("{what} has two values for one entry"));
        }
        Some(found)
    }

    /// The place of a column by its name, or where it is when none is stated.
    fn column(
        &mut self,
        names: &[String],
        stated: Option<&Node>,
        otherwise: usize,
        file: &Node,
    ) -> Option<usize> {
        let found = match stated {
            Some(node) => {
                let name = self.text(node, "the name of a column")?.to_owned();
                names.iter().position(|known| *known == name)
            }
            None => (otherwise < names.len()).then_some(otherwise),
        };
        if found.is_none() {
            let place = stated.map_or(file.place, |node| node.place);
            let error = MappingError::new("M128", place, "the file has no such column");
            self.error(error.suggest("its first line has the names of the columns; two are needed"));
        }
        found
    }

    /// `lookups: { ward: { on_miss: drop } }`
    pub(super) fn lookups(&mut self, node: &Node) {
        for Entry { key, value } in self.map(node, "`lookups`").unwrap_or_default() {
            let mut on_miss = OnMiss::Error;
            for Entry { key, value } in self.map(value, "a lookup").unwrap_or_default() {
                match key.text.as_str() {
                    "on_miss" => on_miss = self.on_miss(value),
                    _ => self.unknown_key(key, value, &["on_miss"]),
                }
            }
            self.lookups.push((literal(&key.text).to_owned(), on_miss));
        }
    }

    pub(super) fn lookup(&mut self, name: &str, place: Place) -> Option<Function> {
        let what = format!("the lookup `{}`", shortened(name));
        let lookup = self.ask(place, &what, |sources| sources.lookup(name))?;
        let declared = self.lookups.iter().find(|(known, _)| known == name);
        let on_miss = declared.map_or(OnMiss::Error, |(_, on_miss)| on_miss.clone());
        Some(Function::Lookup(lookup, on_miss))
    }
}
