//! The reader: each byte is looked at once, and only what is kept is made into values.

use std::borrow::Cow;

use super::places::Node;
use super::{Json, JsonFault, JsonFaultKind, JsonLimits, Object, Payload, Places};

/// Lists and objects may be this deep in each other, as with most JSON readers; it bounds the stack that reading takes.
const MAX_DEPTH: usize = 128;

/// Reads one JSON value that takes up all of `bytes`.
pub(crate) fn read(bytes: &[u8], limits: JsonLimits) -> Result<Json<'_>, JsonFault> {
    read_as(bytes, limits, |reader| reader.value(0))
}

/// Reads one JSON value that takes up all of `bytes`, and keeps these places of it.
pub(crate) fn read_places<'a>(
    bytes: &'a [u8],
    limits: JsonLimits,
    places: &Places,
) -> Result<Payload<'a>, JsonFault> {
    read_as(bytes, limits, |reader| {
        let at = reader.blanks(0);
        let mut payload = Payload::new(places, reader.byte(at) == Some(b'{'));
        let end = reader.part(places.top(), &mut payload, at)?;
        payload.end(places);
        Ok((payload, end))
    })
}

fn read_as<'a, T>(
    bytes: &'a [u8],
    limits: JsonLimits,
    read: impl FnOnce(&mut Reader<'a>) -> Read<(T, usize)>,
) -> Result<T, JsonFault> {
    read_boxed(bytes, limits, read).map_err(|fault| *fault)
}

fn read_boxed<'a, T>(
    bytes: &'a [u8],
    limits: JsonLimits,
    read: impl FnOnce(&mut Reader<'a>) -> Read<(T, usize)>,
) -> Read<T> {
    if bytes.len() > limits.bytes {
        return fault(JsonFaultKind::TooLong, limits.bytes);
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return fault(JsonFaultKind::NotUtf8, error.valid_up_to()),
    };
    let mut reader = Reader { text, depth: 0, left: limits.values };
    let (value, at) = read(&mut reader)?;
    let at = reader.blanks(at);
    if at < text.len() { fault(JsonFaultKind::Trailing, at) } else { Ok(value) }
}

/// The JSON string that `text` starts with, and how many bytes it takes.
pub(crate) fn leading_string(text: &str) -> Option<(Cow<'_, str>, usize)> {
    Reader { text, depth: 0, left: 1 }.string(0).ok()
}

/// Whether `text` is a JSON number.
pub(crate) fn is_number(text: &str) -> bool {
    Reader { text, depth: 0, left: 1 }.number(0).is_ok_and(|at| at == text.len())
}

/// What reads takes the place where it begins, `at`, and gives the place behind it. A place that is handed on stays in a register, which
/// is what makes reading fast.
struct Reader<'a> {
    text: &'a str,
    depth: usize,
    /// How many values may still come.
    left: usize,
}

/// A fault is small, because every value is handed on beside where one could be.
type Read<T> = Result<T, Box<JsonFault>>;

#[cold]
fn fault<T>(kind: JsonFaultKind, offset: usize) -> Read<T> {
    Err(Box::new(JsonFault { kind, offset }))
}

impl<'a> Reader<'a> {
    /// What stands where JSON wants something else.
    #[cold]
    fn unexpected<T>(&self, at: usize) -> Read<T> {
        let ended = at >= self.text.len();
        fault(if ended { JsonFaultKind::EndsEarly } else { JsonFaultKind::Unexpected }, at)
    }

    #[inline]
    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    #[inline]
    fn behind(&self, at: usize) -> &'a [u8] {
        self.text.as_bytes().get(at..).unwrap_or_default()
    }

    /// Behind the blanks.
    #[inline]
    fn blanks(&self, mut at: usize) -> usize {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.byte(at) {
            at += 1;
        }
        at
    }

    /// Behind this byte.
    #[inline]
    fn mark(&self, byte: u8, at: usize) -> Read<usize> {
        let at = self.blanks(at);
        if self.byte(at) == Some(byte) { Ok(at + 1) } else { self.unexpected(at) }
    }

    /// The first byte of a value, which is counted, and its place.
    #[inline]
    fn first(&mut self, at: usize) -> Read<(u8, usize)> {
        let at = self.blanks(at);
        let Some(left) = self.left.checked_sub(1) else { return fault(JsonFaultKind::TooMany, at) };
        self.left = left;
        match self.byte(at) {
            Some(first) => Ok((first, at)),
            None => self.unexpected(at),
        }
    }

    /// A value with all that is in it.
    fn value(&mut self, at: usize) -> Read<(Json<'a>, usize)> {
        let (first, at) = self.first(at)?;
        self.rest_of_value(first, at)
    }

    fn rest_of_value(&mut self, first: u8, at: usize) -> Read<(Json<'a>, usize)> {
        match first {
            b'"' => self.string(at).map(|(text, at)| (Json::String(text), at)),
            b'-' | b'0'..=b'9' => {
                let end = self.number(at)?;
                let text = self.text.get(at..end).unwrap_or_default();
                Ok((Json::Number(Cow::Borrowed(text)), end))
            }
            b'{' => {
                let mut members = Vec::new();
                let at = self.members(at, |reader, name, at| {
                    let (first, at) = reader.first(at)?;
                    if let Some((plain, at)) = reader.plain_string(at) {
                        members.push((name, Json::String(Cow::Borrowed(plain))));
                        return Ok(at);
                    }
                    let (value, at) = reader.rest_of_value(first, at)?;
                    members.push((name, value));
                    Ok(at)
                })?;
                Ok((Json::Object(Object::of(members)), at))
            }
            b'[' => {
                let mut items = Vec::new();
                let at = self.items(at, |reader, at| {
                    let (value, at) = reader.value(at)?;
                    items.push(value);
                    Ok(at)
                })?;
                Ok((Json::List(items), at))
            }
            b't' => Ok((Json::Bool("true"), self.word("true", at)?)),
            b'f' => Ok((Json::Bool("false"), self.word("false", at)?)),
            b'n' => Ok((Json::Null, self.word("null", at)?)),
            _ => self.unexpected(at),
        }
    }

    /// A value of which nothing is kept.
    fn passed_over(&mut self, at: usize) -> Read<usize> {
        let (first, at) = self.first(at)?;
        self.rest_passed_over(first, at)
    }

    fn rest_passed_over(&mut self, first: u8, at: usize) -> Read<usize> {
        match first {
            b'"' => self.string(at).map(|(_, at)| at),
            b'-' | b'0'..=b'9' => self.number(at),
            b'{' => self.members(at, |reader, _, at| reader.passed_over(at)),
            b'[' => self.items(at, Self::passed_over),
            b't' => self.word("true", at),
            b'f' => self.word("false", at),
            b'n' => self.word("null", at),
            _ => self.unexpected(at),
        }
    }

    /// A value that is kept, or parts of it.
    #[inline(always)]
    fn part(&mut self, node: &Node, payload: &mut Payload<'a>, at: usize) -> Read<usize> {
        let (first, at) = self.first(at)?;
        if !node.is_kept() {
            return self.parts(first, node, payload, at);
        }
        // Most values are such strings: each is made at its place.
        if let Some((plain, end)) = self.plain_string(at) {
            payload.keep(node, at, Json::String(Cow::Borrowed(plain)));
            return Ok(end);
        }
        let (value, end) = self.rest_of_value(first, at)?;
        payload.keep(node, at, value);
        Ok(end)
    }

    /// A value of which some members are kept. A name leads to no item of a list and to nothing in a single value.
    #[inline(never)]
    fn parts(&mut self, first: u8, node: &Node, payload: &mut Payload<'a>, at: usize) -> Read<usize> {
        payload.begin(node, at);
        if first != b'{' {
            return self.rest_passed_over(first, at);
        }
        self.nested(b'}', at, |reader, at| {
            let (member, at) = match node.member_at(reader.behind(at)) {
                Some((member, length)) => (Some(member), reader.mark(b':', at + length)?),
                None => {
                    let (name, at) = reader.name(at)?;
                    (node.member(&name), at)
                }
            };
            match member {
                Some(member) => reader.part(member, payload, at),
                None => reader.passed_over(at),
            }
        })
    }

    /// Goes through an object, from its brace on: `member` reads the value of a name.
    fn members(
        &mut self,
        at: usize,
        mut member: impl FnMut(&mut Self, Cow<'a, str>, usize) -> Read<usize>,
    ) -> Read<usize> {
        self.nested(b'}', at, |reader, at| {
            let (name, at) = reader.name(at)?;
            member(reader, name, at)
        })
    }

    /// Goes through a list, from its bracket on.
    fn items(&mut self, at: usize, item: impl FnMut(&mut Self, usize) -> Read<usize>) -> Read<usize> {
        self.nested(b']', at, item)
    }

    /// The parts of a list or an object, from its bracket or brace on.
    #[inline]
    fn nested(
        &mut self,
        close: u8,
        at: usize,
        mut part: impl FnMut(&mut Self, usize) -> Read<usize>,
    ) -> Read<usize> {
        if self.depth == MAX_DEPTH {
            return fault(JsonFaultKind::TooDeep, at);
        }
        self.depth += 1;
        let mut at = self.blanks(at + 1);
        let mut goes_on = self.byte(at) != Some(close);
        at += usize::from(!goes_on);
        while goes_on {
            at = part(self, self.blanks(at))?;
            at = self.blanks(at);
            goes_on = match self.byte(at) {
                Some(b',') => true,
                Some(byte) if byte == close => false,
                _ => return self.unexpected(at),
            };
            at += 1;
        }
        self.depth -= 1;
        Ok(at)
    }

    /// The name of a member, and the place behind its colon.
    #[inline]
    fn name(&mut self, at: usize) -> Read<(Cow<'a, str>, usize)> {
        let (name, at) = self.string(self.blanks(at))?;
        Ok((name, self.mark(b':', at)?))
    }

    fn word(&self, word: &str, at: usize) -> Read<usize> {
        let mut end = at;
        for byte in word.bytes() {
            if self.byte(end) != Some(byte) {
                return self.unexpected(end);
            }
            end += 1;
        }
        Ok(end)
    }

    fn number(&self, mut at: usize) -> Read<usize> {
        if self.byte(at) == Some(b'-') {
            at += 1;
        }
        at = if self.byte(at) == Some(b'0') { at + 1 } else { self.digits(at)? };
        if self.byte(at) == Some(b'.') {
            at = self.digits(at + 1)?;
        }
        if let Some(b'e' | b'E') = self.byte(at) {
            let sign = matches!(self.byte(at + 1), Some(b'+' | b'-'));
            at = self.digits(at + 1 + usize::from(sign))?;
        }
        match self.byte(at) {
            Some(b'0'..=b'9') => fault(JsonFaultKind::Number, at),
            _ => Ok(at),
        }
    }

    /// One digit or more.
    fn digits(&self, at: usize) -> Read<usize> {
        let digits = self.behind(at).iter().take_while(|byte| byte.is_ascii_digit()).count();
        match at + digits {
            end if digits > 0 => Ok(end),
            end if end >= self.text.len() => fault(JsonFaultKind::EndsEarly, end),
            end => fault(JsonFaultKind::Number, end),
        }
    }

    /// A string, from its opening quote on. Without an escape it is borrowed.
    #[inline]
    fn string(&self, at: usize) -> Read<(Cow<'a, str>, usize)> {
        match self.plain_string(at) {
            Some((plain, at)) => Ok((Cow::Borrowed(plain), at)),
            None => self.string_with_escapes(at),
        }
    }

    /// A string in which every character means itself.
    #[inline]
    fn plain_string(&self, at: usize) -> Option<(&'a str, usize)> {
        let (b'"', rest) = self.behind(at).split_first()? else { return None };
        let end = at + 1 + plain_length(rest);
        if self.byte(end) != Some(b'"') {
            return None;
        }
        Some((self.text.get(at + 1..end)?, end + 1))
    }

    #[cold]
    fn string_with_escapes(&self, at: usize) -> Read<(Cow<'a, str>, usize)> {
        if self.byte(at) != Some(b'"') {
            return self.unexpected(at);
        }
        let mut out = String::new();
        let mut at = self.plain(&mut out, at + 1)?;
        while self.byte(at) != Some(b'"') {
            at = self.escape(&mut out, at)?;
            at = self.plain(&mut out, at)?;
        }
        Ok((Cow::Owned(out), at + 1))
    }

    /// The characters up to the next quote or backslash.
    fn plain(&self, out: &mut String, at: usize) -> Read<usize> {
        let end = at + plain_length(self.behind(at));
        match self.byte(end) {
            Some(b'"' | b'\\') => {}
            Some(_) => return fault(JsonFaultKind::String, end),
            None => return fault(JsonFaultKind::EndsEarly, end),
        }
        out.push_str(self.text.get(at..end).unwrap_or_default());
        Ok(end)
    }

    fn escape(&self, out: &mut String, at: usize) -> Read<usize> {
        let meant = match self.byte(at + 1) {
            Some(c @ (b'"' | b'\\' | b'/')) => char::from(c),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{C}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(out, at),
            Some(_) => return fault(JsonFaultKind::Escape, at),
            None => return fault(JsonFaultKind::EndsEarly, at),
        };
        out.push(meant);
        Ok(at + 2)
    }

    /// `\uXXXX`, or two of them that make one character.
    fn unicode(&self, out: &mut String, at: usize) -> Read<usize> {
        let high = self.hex(at, at + 2)?;
        let (code, end) = match high {
            0xD800..=0xDBFF => {
                let low = match self.text.as_bytes().get(at + 6..at + 8) {
                    Some(b"\\u") => self.hex(at, at + 8)?,
                    _ => 0,
                };
                if !(0xDC00..=0xDFFF).contains(&low) {
                    return fault(JsonFaultKind::Escape, at);
                }
                (0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00), at + 12)
            }
            _ => (high, at + 6),
        };
        let Some(c) = char::from_u32(code) else { return fault(JsonFaultKind::Escape, at) };
        out.push(c);
        Ok(end)
    }

    /// Four digits of the escape sequence that begins `at`.
    fn hex(&self, at: usize, start: usize) -> Read<u32> {
        let Some(digits) = self.text.as_bytes().get(start..start + 4) else {
            return fault(JsonFaultKind::EndsEarly, at);
        };
        let mut code = 0;
        for &digit in digits {
            let Some(value) = char::from(digit).to_digit(16) else {
                return fault(JsonFaultKind::Escape, at);
            };
            code = code * 16 + value;
        }
        Ok(code)
    }
}

/// How many bytes of a string mean themselves: up to a quote, a backslash or a control character.
#[inline]
fn plain_length(bytes: &[u8]) -> usize {
    let short = bytes.get(..SHORT).unwrap_or(bytes);
    let (fours, rest) = short.as_chunks::<4>();
    let ends = |byte: u8| ENDS_PLAIN[usize::from(byte)];
    let mut length = 0;
    for &[a, b, c, d] in fours {
        if ends(a) {
            return length;
        }
        if ends(b) {
            return length + 1;
        }
        if ends(c) {
            return length + 2;
        }
        if ends(d) {
            return length + 3;
        }
        length += 4;
    }
    match rest.iter().position(|&byte| ends(byte)) {
        Some(more) => length + more,
        None => short.len() + plain_words(bytes.get(short.len()..).unwrap_or_default()),
    }
}

/// The same of a longer string: eight are looked at together.
#[cold]
fn plain_words(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    for (n, word) in words.iter().enumerate() {
        let ends = ends_plain(u64::from_le_bytes(*word));
        if ends != 0 {
            return n * 8 + ends.trailing_zeros() as usize / 8;
        }
    }
    words.len() * 8 + rest.iter().position(|&byte| ENDS_PLAIN[usize::from(byte)]).unwrap_or(rest.len())
}

/// Up to so many bytes, looking at one after the other is faster.
const SHORT: usize = 32;

/// Which bytes end a run of characters that mean themselves.
const ENDS_PLAIN: [bool; 256] = {
    let mut ends = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        ends[byte] = true;
        byte += 1;
    }
    ends[b'"' as usize] = true;
    ends[b'\\' as usize] = true;
    ends
};

/// A mark at the lowest of eight bytes that ends a run of characters that mean themselves; marks above it say nothing.
#[inline]
fn ends_plain(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    // Subtracting one borrows into the top bit of a byte that is zero.
    let zero = |word: u64| word.wrapping_sub(ONES) & !word;
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    (zero(word ^ (ONES * 0x22)) | zero(word ^ (ONES * 0x5C)) | control) & HIGH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_at_every_place_ends_a_run_or_does_not() {
        for byte in 0..=u8::MAX {
            let ends = byte < 0x20 || byte == b'"' || byte == b'\\';
            for length in 0..60 {
                for fill in [b'a', 0x7F, 0x80, 0xFF, b'!', b'#', b' '] {
                    let mut bytes = vec![fill; length + 5];
                    bytes[length] = byte;
                    assert_eq!(
                        plain_length(&bytes),
                        if ends { length } else { length + 5 },
                        "{byte} {length}"
                    );
                }
            }
        }
    }
}
