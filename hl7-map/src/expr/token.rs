//! The words of an expression.

use std::ops::Range;

use nom::branch::alt;
use nom::bytes::complete::{tag, take_while, take_while1};
use nom::character::complete::{char, digit1, satisfy};
use nom::combinator::{map, opt, recognize, value, verify};
use nom::error::{Error, ErrorKind};
use nom::multi::{many0, many1_count};
use nom::sequence::{delimited, pair, preceded};
use nom::{Err, IResult, Parser};

use hl7_core::Path;

use super::{Comparison, ExprFault, JsonPath, Origin, Reads, Step};
use crate::json;

#[derive(Clone, PartialEq, Debug)]
pub(super) enum TokenKind {
    Path(JsonPath),
    Message(Path),
    Variable(String),
    Text(String),
    Number(String),
    Word(String),
    Operator(Comparison),
    Pipe,
    Else,
    Open,
    Close,
}

#[derive(Clone, PartialEq, Debug)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) at: Range<usize>,
}

/// The longest expression, in bytes. What people write has some hundred; the limit keeps the places of mistakes cheap to find.
const MAX_BYTES: usize = 10_000;

/// Operators of other languages, and what is written here.
const FOREIGN: [(&str, &str); 2] = [
    (
        "||",
        "`||` is not used: the first that is present is written `??`, and conditions are joined with `or`",
    ),
    ("&&", "`&&` is not used: conditions are joined with `and`"),
];

/// Splits an expression into its words.
pub(super) fn tokens(text: &str, reads: Reads) -> Result<Vec<Token>, ExprFault> {
    if text.len() > MAX_BYTES {
        return Err(ExprFault {
            code: "M101",
            at: 0..1,
            message: "the expression is longer than 10,000 bytes",
        });
    }
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let start = text.len() - rest.len();
        if rest.starts_with("||") {
            return Err(unknown(rest, start));
        }
        let (behind, kind) = match message_path(rest).filter(|_| reads == Reads::Message) {
            Some((found, behind)) => (behind, TokenKind::Message(path_of(found, start)?)),
            None => token(rest).map_err(|_| unknown(rest, start))?,
        };
        let end = text.len() - behind.len();
        rest = behind.trim_start();
        let separated = rest.len() < behind.len() || rest.is_empty();
        if !separated && touches(&kind, rest) {
            let message = if rest.starts_with('[') {
                "behind `[` stands the number of an item, from 0, and `]`"
            } else {
                "words are separated by spaces, and a name with other characters than letters, digits, `_` and `-` is quoted"
            };
            return Err(ExprFault { code: "M101", at: end..end + 1, message });
        }
        tokens.push(Token { kind, at: start..end });
    }
    Ok(tokens)
}

/// Whether a text has the shape of a path of a message, alone or followed by `|` or `??`.
pub(crate) fn starts_with_path(text: &str) -> bool {
    message_path(text).is_some_and(|(_, behind)| {
        let behind = behind.trim_start();
        behind.is_empty() || behind.starts_with('|') || behind.starts_with("??")
    })
}

/// The path of a message that a text starts with, by its shape: a segment ID and a field or an index. What stands in brackets belongs to
/// it, whatever it is.
fn message_path(text: &str) -> Option<(&str, &str)> {
    let like_path = match text.as_bytes() {
        [a, b, c, rest @ ..] => {
            let upper_or_digit = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
            a.is_ascii_uppercase()
                && [b, c].into_iter().all(upper_or_digit)
                && matches!(rest, [b'[', ..] | [b'-', b'0'..=b'9', ..])
        }
        _ => false,
    };
    let mut in_brackets = false;
    let ends = |c: char| {
        in_brackets = (in_brackets || c == '[') && c != ']';
        !in_brackets
            && (c.is_whitespace() || matches!(c, '=' | '!' | '<' | '>' | '(' | ')' | '|' | '"' | '?'))
    };
    like_path.then(|| text.split_at(text.find(ends).unwrap_or(text.len())))
}

fn path_of(text: &str, start: usize) -> Result<Path, ExprFault> {
    text.parse().map_err(|_| ExprFault {
        code: "M114",
        at: start..start + text.len(),
        message: "this is not a path; the form is PID-3[1].5, counted from 1",
    })
}

/// Whether what follows runs into a word that should end here.
fn touches(kind: &TokenKind, rest: &str) -> bool {
    let is_word = !matches!(
        kind,
        TokenKind::Operator(_) | TokenKind::Pipe | TokenKind::Else | TokenKind::Open | TokenKind::Close
    );
    is_word && !rest.starts_with(['|', '?', '=', '!', '<', '>', '(', ')'])
}

fn unknown(rest: &str, start: usize) -> ExprFault {
    let width = rest.chars().next().map_or(1, char::len_utf8);
    for (operator, message) in FOREIGN {
        if rest.starts_with(operator) {
            return ExprFault { code: "M101", at: start..start + operator.len(), message };
        }
    }
    let message = match rest.chars().next() {
        Some('"') => "a text that is not closed, or not a JSON string",
        Some('=') => "a single `=`; to compare, write `==`",
        Some('\'') => "a text is written in double quotes",
        _ => "this is not part of an expression",
    };
    ExprFault { code: "M101", at: start..start + width, message }
}

fn token(input: &str) -> IResult<&str, TokenKind> {
    alt((
        path_token,
        map(variable, |name: &str| TokenKind::Variable(name.to_owned())),
        map(string, TokenKind::Text),
        map(number, |digits: &str| TokenKind::Number(digits.to_owned())),
        map(operator, TokenKind::Operator),
        value(TokenKind::Else, tag("??")),
        value(TokenKind::Pipe, char('|')),
        value(TokenKind::Open, char('(')),
        value(TokenKind::Close, char(')')),
        map(word, |word: &str| TokenKind::Word(word.to_owned())),
    ))
    .parse(input)
}

fn operator(input: &str) -> IResult<&str, Comparison> {
    alt((
        value(Comparison::Equal, tag("==")),
        value(Comparison::NotEqual, tag("!=")),
        value(Comparison::LessOrEqual, tag("<=")),
        value(Comparison::GreaterOrEqual, tag(">=")),
        value(Comparison::Less, char('<')),
        value(Comparison::Greater, char('>')),
    ))
    .parse(input)
}

/// `America/Chicago`, `PID-5`, `sex`.
fn word(input: &str) -> IResult<&str, &str> {
    let rest = take_while(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '/' | '+'));
    recognize(pair(satisfy(|c| c.is_alphabetic() || c == '_'), rest)).parse(input)
}

fn number(input: &str) -> IResult<&str, &str> {
    recognize((opt(char('-')), digit1, opt(pair(char('.'), digit1)))).parse(input)
}

fn variable(input: &str) -> IResult<&str, &str> {
    preceded(char('$'), take_while1(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.')))
        .parse(input)
}

/// A JSON string.
fn string(input: &str) -> IResult<&str, String> {
    let read = json::leading_string(input);
    let split = read.and_then(|(text, length)| Some((input.get(length..)?, text.into_owned())));
    split.ok_or_else(|| Err::Error(Error::new(input, ErrorKind::Tag)))
}

fn path_token(input: &str) -> IResult<&str, TokenKind> {
    let (rest, (from, steps)) = alt((rooted, relative)).parse(input)?;
    let text = input.get(..input.len() - rest.len()).unwrap_or_default().to_owned();
    Ok((rest, TokenKind::Path(JsonPath { from, steps: steps.into_iter().flatten().collect(), text })))
}

type Start = (Origin, Vec<Vec<Step>>);

/// `$root`, `$root.a.b`.
fn rooted(input: &str) -> IResult<&str, Start> {
    let ends = |c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-'));
    let root =
        verify(tag("$root"), |_: &str| input.get(5..).is_none_or(|r| r.is_empty() || r.starts_with(ends)));
    map(pair(root, many0(preceded(char('.'), step))), |(_, steps)| (Origin::Root, steps)).parse(input)
}

/// `.`, `.a.b`, `^.a`, `.[0]`.
fn relative(input: &str) -> IResult<&str, Start> {
    let above = alt((map(many1_count(char('^')), |n| n), map(tag(""), |_| 0)));
    let steps = alt((
        map(pair(indexes, many0(preceded(char('.'), step))), |(first, rest)| join(first, rest)),
        map(pair(step, many0(preceded(char('.'), step))), |(first, rest)| join(first, rest)),
        map(tag(""), |_| Vec::new()),
    ));
    map((above, char('.'), steps), |(above, _, steps)| (Origin::Above(above), steps)).parse(input)
}

fn join(first: Vec<Step>, rest: Vec<Vec<Step>>) -> Vec<Vec<Step>> {
    std::iter::once(first).chain(rest).collect()
}

/// `name`, `"first name"`, `name[0]`.
fn step(input: &str) -> IResult<&str, Vec<Step>> {
    let bare = map(take_while1(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-')), str::to_owned);
    let (rest, name) = alt((string, bare)).parse(input)?;
    let (rest, mut steps) = many0(index).parse(rest)?;
    steps.insert(0, Step::Name(name));
    Ok((rest, steps))
}

fn indexes(input: &str) -> IResult<&str, Vec<Step>> {
    let (rest, first) = index(input)?;
    let (rest, more) = many0(index).parse(rest)?;
    Ok((rest, std::iter::once(first).chain(more).collect()))
}

fn index(input: &str) -> IResult<&str, Step> {
    let (rest, digits) = delimited(char('['), digit1, char(']')).parse(input)?;
    match digits.parse() {
        Ok(index) => Ok((rest, Step::Index(index))),
        Err(_) => Err(Err::Error(Error::new(input, ErrorKind::Digit))),
    }
}
