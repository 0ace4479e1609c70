//! From words to expressions and conditions.

use std::ops::Range;

use super::token::{Token, TokenKind, tokens};
use super::{Call, Condition, ExprFault, JsonPath, Pipeline, Primary, PrimaryKind, Reads};

/// Parentheses may be this deep in each other; it bounds the stack.
const MAX_DEPTH: usize = 32;

/// Words that mean something in a condition and so are no argument.
const RESERVED: [&str; 5] = ["in", "matches", "and", "or", "not"];

/// A pipeline that takes up all of `text`.
pub(crate) fn pipeline(text: &str, reads: Reads) -> Result<Pipeline, ExprFault> {
    let mut parser = Parser::new(text, reads)?;
    let pipeline = parser.pipeline()?;
    parser.at_end(pipeline)
}

/// A condition that takes up all of `text`.
pub(crate) fn condition(text: &str, reads: Reads) -> Result<Condition, ExprFault> {
    let mut parser = Parser::new(text, reads)?;
    let condition = parser.any()?;
    parser.at_end(condition)
}

/// A path that takes up all of `text`.
pub(crate) fn json_path(text: &str) -> Result<JsonPath, ExprFault> {
    let found = tokens(text, Reads::Json)?;
    match found.as_slice() {
        [Token { kind: TokenKind::Path(path), .. }] => Ok(path.clone()),
        _ => Err(fault(0..text.len(), "a path such as `.patient.id` belongs here")),
    }
}

fn fault(at: Range<usize>, message: &'static str) -> ExprFault {
    ExprFault { code: "M101", at, message }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    length: usize,
    reads: Reads,
}

type Parsed<T> = Result<T, ExprFault>;

/// What parentheses in a condition may hold.
enum Operand {
    Pipeline(Pipeline),
    Condition(Condition),
}

impl Parser {
    fn new(text: &str, reads: Reads) -> Parsed<Self> {
        Ok(Self { tokens: tokens(text, reads)?, at: 0, depth: 0, length: text.len(), reads })
    }

    fn peek(&self) -> Option<&TokenKind> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    fn place(&self) -> Range<usize> {
        self.tokens.get(self.at).map_or(self.length..self.length + 1, |token| token.at.clone())
    }

    fn fault<T>(&self, message: &'static str) -> Parsed<T> {
        Err(fault(self.place(), message))
    }

    fn at_end<T>(&self, parsed: T) -> Parsed<T> {
        match self.peek() {
            None => Ok(parsed),
            Some(TokenKind::Close) => self.fault("a `)` without its `(`"),
            Some(TokenKind::Operator(_)) => self.fault("a comparison belongs into `when` or `filter`"),
            Some(_) => self.fault("`|` or `??` belongs before this"),
        }
    }

    fn takes(&mut self, kind: &TokenKind) -> bool {
        let takes = self.peek() == Some(kind);
        self.at += usize::from(takes);
        takes
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let takes = matches!(self.peek(), Some(TokenKind::Word(found)) if found == word);
        self.at += usize::from(takes);
        takes
    }

    fn pipeline(&mut self) -> Parsed<Pipeline> {
        let first = self.primary()?;
        self.pipeline_from(first)
    }

    /// The rest of a pipeline, from behind its first operand.
    fn pipeline_from(&mut self, first: Primary) -> Parsed<Pipeline> {
        let mut choice = vec![first];
        while self.takes(&TokenKind::Else) {
            choice.push(self.primary()?);
        }
        let mut calls = Vec::new();
        while self.takes(&TokenKind::Pipe) {
            calls.push(self.call()?);
        }
        Ok(Pipeline { choice, calls })
    }

    fn call(&mut self) -> Parsed<Call> {
        let at = self.place();
        let Some(TokenKind::Word(name)) = self.peek().cloned() else {
            return self.fault("the name of a function belongs behind `|`");
        };
        self.at += 1;
        let mut arguments = Vec::new();
        while let Some(argument) = self.argument()? {
            arguments.push(argument);
        }
        Ok(Call { name, at, arguments })
    }

    /// An argument, when one comes next.
    fn argument(&mut self) -> Parsed<Option<Primary>> {
        let at = self.place();
        let Some(kind) = self.peek().cloned() else { return Ok(None) };
        let kind = match kind {
            TokenKind::Word(word) if RESERVED.contains(&word.as_str()) => return Ok(None),
            TokenKind::Word(word) => PrimaryKind::Word(word),
            TokenKind::Pipe | TokenKind::Else | TokenKind::Close | TokenKind::Operator(_) => return Ok(None),
            _ => return self.primary().map(Some),
        };
        self.at += 1;
        Ok(Some(Primary { kind, at }))
    }

    fn primary(&mut self) -> Parsed<Primary> {
        let at = self.place();
        let kind = match self.peek().cloned() {
            Some(TokenKind::Path(path)) => PrimaryKind::Path(path),
            Some(TokenKind::Message(path)) => PrimaryKind::Message(path),
            Some(TokenKind::Variable(name)) => PrimaryKind::Variable(name),
            Some(TokenKind::Text(text)) => PrimaryKind::Text(text),
            Some(TokenKind::Number(number)) => PrimaryKind::Number(number),
            Some(TokenKind::Open) => return self.group(),
            Some(TokenKind::Word(word)) => {
                if let (Reads::Message, Ok(path)) = (self.reads, word.parse()) {
                    self.at += 1;
                    return Ok(Primary { kind: PrimaryKind::Message(path), at });
                }
                return self.fault("a text inside an expression is written in double quotes");
            }
            _ => return self.fault("a path, a text, a number, a variable or `(` belongs here"),
        };
        self.at += 1;
        Ok(Primary { kind, at })
    }

    fn group(&mut self) -> Parsed<Primary> {
        let start = self.place().start;
        self.enter()?;
        let inner = self.pipeline()?;
        let end = self.close()?;
        Ok(Primary { kind: PrimaryKind::Group(Box::new(inner)), at: start..end })
    }

    fn enter(&mut self) -> Parsed<()> {
        if self.depth == MAX_DEPTH {
            return self.fault("parentheses lie more than 32 deep in each other");
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    fn close(&mut self) -> Parsed<usize> {
        let end = self.place().end;
        if !self.takes(&TokenKind::Close) {
            return self.fault("a `)` belongs here");
        }
        self.depth -= 1;
        Ok(end)
    }

    fn any(&mut self) -> Parsed<Condition> {
        let mut terms = vec![self.all()?];
        while self.takes_word("or") {
            terms.push(self.all()?);
        }
        Ok(one_or(terms, Condition::Any))
    }

    fn all(&mut self) -> Parsed<Condition> {
        let mut terms = vec![self.negated()?];
        while self.takes_word("and") {
            terms.push(self.negated()?);
        }
        Ok(one_or(terms, Condition::All))
    }

    fn negated(&mut self) -> Parsed<Condition> {
        if self.takes_word("not") {
            return Ok(Condition::Not(Box::new(self.test()?)));
        }
        self.test()
    }

    fn test(&mut self) -> Parsed<Condition> {
        match self.operand()? {
            Operand::Condition(condition) => Ok(condition),
            Operand::Pipeline(left) => self.comparison(left),
        }
    }

    /// A pipeline, or a condition in parentheses. Parentheses around a bare pipeline are a pipeline's operand.
    fn operand(&mut self) -> Parsed<Operand> {
        if self.peek() != Some(&TokenKind::Open) {
            return self.pipeline().map(Operand::Pipeline);
        }
        let start = self.place().start;
        self.enter()?;
        let inner = self.any()?;
        let end = self.close()?;
        match inner {
            Condition::Present(inner) => {
                let first = Primary { kind: PrimaryKind::Group(Box::new(inner)), at: start..end };
                self.pipeline_from(first).map(Operand::Pipeline)
            }
            condition => Ok(Operand::Condition(condition)),
        }
    }

    fn comparison(&mut self, left: Pipeline) -> Parsed<Condition> {
        if let Some(TokenKind::Operator(comparison)) = self.peek() {
            let comparison = *comparison;
            self.at += 1;
            return match self.argument()? {
                Some(right) => Ok(Condition::Compare(left, comparison, right)),
                None => self.fault("something to compare with belongs here"),
            };
        }
        if self.takes_word("in") {
            return Ok(Condition::In(left, self.list()?));
        }
        if self.takes_word("matches") {
            let at = self.place();
            let Some(TokenKind::Text(text)) = self.peek().cloned() else {
                return self.fault("a regular expression in double quotes belongs behind `matches`");
            };
            self.at += 1;
            return Ok(Condition::Matches(left, text, at));
        }
        Ok(Condition::Present(left))
    }

    fn list(&mut self) -> Parsed<Vec<Primary>> {
        if !self.takes(&TokenKind::Open) {
            return self.fault("a list belongs behind `in`: (a b c)");
        }
        let mut items = Vec::new();
        while let Some(item) = self.argument()? {
            items.push(item);
        }
        if items.is_empty() {
            return self.fault("the list behind `in` is empty");
        }
        if !self.takes(&TokenKind::Close) {
            return self.fault("a `)` belongs here; the items of a list are separated by spaces");
        }
        Ok(items)
    }
}

/// The only term, or all of them.
fn one_or(mut terms: Vec<Condition>, all: fn(Vec<Condition>) -> Condition) -> Condition {
    match (terms.pop(), terms.is_empty()) {
        (Some(only), true) => only,
        (Some(last), false) => {
            terms.push(last);
            all(terms)
        }
        (None, _) => all(terms),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read() {
        for text in [
            ".",
            ".a",
            "^^.a.b[2][0].c",
            "$root",
            "$root.a",
            ".\"first name\".x",
            ".[0].a",
            ".a ?? ^.b ?? \"x\" | table sex",
            "(.a | upper) ?? .b | pad 10 \"0\" | replace \"|\" (.c)",
            "$now | dtm second",
        ] {
            assert!(pipeline(text, Reads::Json).is_ok(), "{text}: {:?}", pipeline(text, Reads::Json));
        }
        for text in [
            ".a",
            "(.a)",
            "((.a == 1) or (.b | len) > 2) and not (.c or .d)",
            ".use in (home \"work\" 3)",
            "not .a and .b != home",
            "(.a ?? .b) | upper == X",
        ] {
            assert!(condition(text, Reads::Json).is_ok(), "{text}: {:?}", condition(text, Reads::Json));
        }
    }

    #[test]
    fn what_is_refused_and_where() {
        for (text, at) in [
            ("", 0),
            (".a |", 4),
            (".a ??", 5),
            (".a b", 3),
            ("(.a", 3),
            (".a)", 2),
            (".a.b$", 4),
            (".a | upper | 5", 13),
            (".a == 5", 3),
            (".a | pad \"x", 9),
        ] {
            assert_eq!(pipeline(text, Reads::Json).map_err(|fault| fault.at.start), Err(at), "{text}");
        }
        for (text, at) in [(".a ==", 5), (".a = 5", 3), (".a in ()", 7), (".a in (1, 2)", 8), ("not", 3)] {
            assert_eq!(condition(text, Reads::Json).map_err(|fault| fault.at.start), Err(at), "{text}");
        }
    }

    #[test]
    fn deep_parentheses_are_refused_in_good_time() {
        for length in [9_000, 100_000] {
            let deep = "(".repeat(length);
            assert!(condition(&deep, Reads::Json).is_err());
            assert!(pipeline(&deep, Reads::Json).is_err());
        }
    }
}
