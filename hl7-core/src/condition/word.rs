//! The words of a condition.

use nom::branch::alt;
use nom::bytes::complete::{tag, take_while, take_while_m_n, take_while1};
use nom::character::complete::{char, multispace0};
use nom::combinator::{map, map_opt, opt, recognize, value, verify};
use nom::multi::{fold_many0, many1_count};
use nom::sequence::{delimited, pair, preceded, terminated};
use nom::{IResult, Parser};

use super::{Comparison, Order};

/// Words that mean something and so are no argument.
const RESERVED: [&str; 5] = ["in", "matches", "and", "or", "not"];

pub(super) fn blanks(text: &str) -> IResult<&str, &str> {
    multispace0(text)
}

/// A run of characters up to a blank, a parenthesis, a quote or a comparison. What stands in brackets belongs to it, whatever it is.
pub(super) fn bare(text: &str) -> IResult<&str, &str> {
    let plain = take_while1(|c: char| !ends_bare(c) && c != '[');
    let bracketed = recognize((char('['), take_while(|c| c != ']'), opt(char(']'))));
    recognize(many1_count(alt((plain, bracketed)))).parse(text)
}

fn ends_bare(c: char) -> bool {
    c.is_whitespace() || is_sign(c) || matches!(c, '(' | ')' | '"')
}

fn is_sign(c: char) -> bool {
    matches!(c, '=' | '!' | '<' | '>')
}

/// One reserved word.
pub(super) fn keyword<'t>(text: &'t str, word: &str) -> IResult<&'t str, &'t str> {
    verify(bare, |found: &str| found == word).parse(text)
}

/// A run of comparison characters, whether or not it is a comparison.
pub(super) fn signs(text: &str) -> IResult<&str, &str> {
    take_while1(is_sign)(text)
}

pub(super) fn comparison(text: &str) -> IResult<&str, Comparison> {
    map_opt(signs, Comparison::of).parse(text)
}

impl Comparison {
    const ALL: [(&str, Self); 6] = [
        ("==", Self::Equal),
        ("!=", Self::NotEqual),
        ("<", Self::Ordered(Order::Less)),
        ("<=", Self::Ordered(Order::LessOrEqual)),
        (">", Self::Ordered(Order::Greater)),
        (">=", Self::Ordered(Order::GreaterOrEqual)),
    ];

    fn of(sign: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == sign).map(|(_, comparison)| comparison)
    }

    pub(super) fn sign(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, known)| *known == self).map_or("", |(sign, _)| sign)
    }
}

/// Whether `text` is a word, that is: means itself without quotes.
pub(super) fn is_word(text: &str) -> bool {
    !text.is_empty() && unquotable(text).is_none() && !is_reserved(text) && !is_like_path(text)
}

pub(super) fn is_reserved(text: &str) -> bool {
    RESERVED.contains(&text)
}

/// Where the first character stands that a word cannot hold.
pub(super) fn unquotable(text: &str) -> Option<usize> {
    text.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '+' | '.' | '/' | ':')))
}

/// Whether `text` starts with a segment ID and a field's number or an index, so that it is a path or a mistake in one.
pub(super) fn is_like_path(text: &str) -> bool {
    let upper_or_digit = |b: &u8| b.is_ascii_uppercase() || b.is_ascii_digit();
    match text.as_bytes() {
        [a, b, c, rest @ ..] if a.is_ascii_uppercase() && upper_or_digit(b) && upper_or_digit(c) => {
            matches!(rest, [b'[', ..]) || matches!(rest, [b'-', digit, ..] if digit.is_ascii_digit())
        }
        _ => false,
    }
}

/// A string of JSON (RFC 8259, section 7), with its quotes.
pub(super) fn string(text: &str) -> IResult<&str, String> {
    let pieces = fold_many0(
        alt((map(take_while1(stands_in_string), Piece::Plain), map(escape, Piece::Escaped))),
        String::new,
        |mut text, piece| {
            match piece {
                Piece::Plain(plain) => text.push_str(plain),
                Piece::Escaped(c) => text.push(c),
            }
            text
        },
    );
    delimited(char('"'), pieces, char('"')).parse(text)
}

enum Piece<'t> {
    Plain(&'t str),
    Escaped(char),
}

fn stands_in_string(c: char) -> bool {
    c >= ' ' && c != '"' && c != '\\'
}

fn escape(text: &str) -> IResult<&str, char> {
    let letter = alt((
        value('"', char('"')),
        value('\\', char('\\')),
        value('/', char('/')),
        value('\u{8}', char('b')),
        value('\u{C}', char('f')),
        value('\n', char('n')),
        value('\r', char('r')),
        value('\t', char('t')),
    ));
    let hex = preceded(char('u'), utf16);
    preceded(char('\\'), alt((letter, hex))).parse(text)
}

/// The four digits behind `\u`, with a second `\u` where the first is half a character.
fn utf16(text: &str) -> IResult<&str, char> {
    let single = map_opt(unit, |unit| char::from_u32(u32::from(unit)));
    let halves = pair(terminated(unit, tag("\\u")), unit);
    let double = map_opt(halves, |(high, low)| char::decode_utf16([high, low]).next()?.ok());
    alt((single, double)).parse(text)
}

fn unit(text: &str) -> IResult<&str, u16> {
    let digits = take_while_m_n(4, 4, |c: char| c.is_ascii_hexdigit());
    map_opt(digits, |digits: &str| u16::from_str_radix(digits, 16).ok()).parse(text)
}
