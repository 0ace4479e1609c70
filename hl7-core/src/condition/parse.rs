//! From text to a condition.

use nom::IResult;

use super::argument::{Argument, Pattern};
use super::error::{ConditionError, ConditionErrorKind as Kind};
use super::{Clause, Condition, show, word};
use crate::path::Path;

/// The longest condition in bytes. What people write has some hundred.
const MAX_BYTES: usize = 4096;

/// Parentheses may be this deep in each other; it bounds the stack.
const MAX_DEPTH: usize = 32;

type Parsed<T> = Result<T, ConditionError>;

/// A condition that takes up all of `text`.
pub(super) fn condition(text: &str) -> Parsed<Condition> {
    if text.len() > MAX_BYTES {
        let last = (0..=MAX_BYTES).rev().find(|&at| text.is_char_boundary(at));
        return Err(ConditionError::new(Kind::TooLong, last.unwrap_or_default()));
    }
    let mut parser = Parser { length: text.len(), rest: text, depth: 0 };
    let clause = parser.whole()?;
    // Blanks are added where it is shown, and what is shown has to be readable again.
    if show::length(&clause) > MAX_BYTES {
        return Err(ConditionError::new(Kind::TooLong, text.len()));
    }
    Ok(Condition { clause })
}

/// What is left of the text, its blanks in front taken off behind each word.
struct Parser<'t> {
    length: usize,
    rest: &'t str,
    depth: usize,
}

impl<'t> Parser<'t> {
    /// Takes what `read` finds and the blanks behind it, if it finds anything.
    fn take<T>(&mut self, read: impl FnOnce(&'t str) -> IResult<&'t str, T>) -> Option<T> {
        let (rest, found) = read(self.rest).ok()?;
        self.rest = rest;
        self.skip_blanks();
        Some(found)
    }

    fn skip_blanks(&mut self) {
        if let Ok((rest, _)) = word::blanks(self.rest) {
            self.rest = rest;
        }
    }

    fn takes_word(&mut self, wanted: &str) -> bool {
        self.take(|text| word::keyword(text, wanted)).is_some()
    }

    fn takes_sign(&mut self, sign: char) -> bool {
        let Some(rest) = self.rest.strip_prefix(sign) else { return false };
        self.rest = rest;
        self.skip_blanks();
        true
    }

    fn offset(&self) -> usize {
        self.length - self.rest.len()
    }

    fn fault<T>(&self, kind: Kind) -> Parsed<T> {
        Err(ConditionError::new(kind, self.offset()))
    }

    fn whole(&mut self) -> Parsed<Clause> {
        self.skip_blanks();
        if self.rest.is_empty() {
            return Err(ConditionError::new(Kind::Empty, 0));
        }
        let clause = self.any()?;
        match self.rest.chars().next() {
            None => Ok(clause),
            Some(')') => self.fault(Kind::Parenthesis),
            Some(_) => self.fault(Kind::Trailing),
        }
    }

    fn any(&mut self) -> Parsed<Clause> {
        let first = self.all()?;
        self.more(first, "or", Self::all, Clause::Any)
    }

    fn all(&mut self) -> Parsed<Clause> {
        let first = self.one()?;
        self.more(first, "and", Self::one, Clause::All)
    }

    /// `first` alone, or with all that follow behind `between`.
    fn more(
        &mut self,
        first: Clause,
        between: &str,
        next: fn(&mut Self) -> Parsed<Clause>,
        all: fn(Vec<Clause>) -> Clause,
    ) -> Parsed<Clause> {
        if !self.takes_word(between) {
            return Ok(first);
        }
        let mut clauses = vec![first, next(self)?];
        while self.takes_word(between) {
            clauses.push(next(self)?);
        }
        Ok(all(clauses))
    }

    fn one(&mut self) -> Parsed<Clause> {
        if self.takes_word("not") {
            return Ok(Clause::Not(Box::new(self.positive()?)));
        }
        self.positive()
    }

    fn positive(&mut self) -> Parsed<Clause> {
        if self.rest.starts_with('(') { self.group() } else { self.test() }
    }

    fn group(&mut self) -> Parsed<Clause> {
        if self.depth == MAX_DEPTH {
            return self.fault(Kind::TooDeep);
        }
        self.depth += 1;
        self.takes_sign('(');
        let inner = self.any()?;
        if !self.takes_sign(')') {
            return self.fault(if self.rest.is_empty() { Kind::Parenthesis } else { Kind::Trailing });
        }
        self.depth -= 1;
        Ok(inner)
    }

    fn test(&mut self) -> Parsed<Clause> {
        let start = self.offset();
        let path = self.path()?;
        let clause = if word::signs(self.rest).is_ok() {
            let Some(comparison) = self.take(word::comparison) else { return self.fault(Kind::Operator) };
            Clause::Compare(path, comparison, self.argument(Kind::Argument)?)
        } else if self.takes_word("in") {
            Clause::In(path, self.list()?)
        } else if self.takes_word("matches") {
            Clause::Matches(path, self.pattern()?)
        } else {
            return Ok(Clause::Present(path));
        };
        field_of(path, start)?;
        Ok(clause)
    }

    /// The path on the left.
    fn path(&mut self) -> Parsed<Path> {
        let start = self.offset();
        let text = self.take(word::bare).unwrap_or_default();
        text.parse().map_err(|why| ConditionError::path(why, start))
    }

    fn list(&mut self) -> Parsed<Vec<Argument>> {
        if !self.takes_sign('(') {
            return self.fault(Kind::List);
        }
        let mut list = vec![self.argument(Kind::List)?];
        while !self.takes_sign(')') {
            list.push(self.argument(Kind::List)?);
        }
        Ok(list)
    }

    /// A path, a string or a word; `missing` is what is said when there is none.
    fn argument(&mut self, missing: Kind) -> Parsed<Argument> {
        let start = self.offset();
        if self.rest.starts_with('"') {
            return self.string().map(|text| Argument::Text(text.into()));
        }
        let text = match word::bare(self.rest) {
            Ok((_, text)) if !word::is_reserved(text) => text,
            _ => return self.fault(missing),
        };
        if word::is_like_path(text) {
            let path = text.parse().map_err(|why| ConditionError::path(why, start))?;
            self.separated(text.len())?;
            return field_of(path, start).map(Argument::Path);
        }
        match word::unquotable(text) {
            Some(at) => Err(ConditionError::new(Kind::Character, start + at)),
            None => self.separated(text.len()).map(|()| Argument::Text(text.into())),
        }
    }

    fn pattern(&mut self) -> Parsed<Pattern> {
        let start = self.offset();
        if !self.rest.starts_with('"') {
            return self.fault(Kind::Pattern);
        }
        let text = self.string()?;
        Pattern::new(&text).map_err(|why| ConditionError::pattern(why, start))
    }

    fn string(&mut self) -> Parsed<String> {
        let Ok((behind, text)) = word::string(self.rest) else { return self.fault(Kind::Text) };
        self.separated(self.rest.len() - behind.len())?;
        Ok(text)
    }

    /// Takes `bytes` off, behind which a blank, a `)` or the end has to come, and the blanks.
    fn separated(&mut self, bytes: usize) -> Parsed<()> {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
        match self.rest.chars().next() {
            Some(c) if !c.is_ascii_whitespace() && c != ')' => self.fault(Kind::Character),
            _ => {
                self.skip_blanks();
                Ok(())
            }
        }
    }
}

/// `path`, which has to name more than a segment.
fn field_of(path: Path, start: usize) -> Parsed<Path> {
    match path.field() {
        Some(_) => Ok(path),
        None => Err(ConditionError::new(Kind::Segment, start)),
    }
}
