//! Paths: `PID-5.1`, `OBX[2]-5`, `PID-3[5=MR].1`, `OBX[*]-5`.

use std::fmt;
use std::str::FromStr;

/// The place of a value in a message: segment, field, repetition, component, subcomponent, all counted from 1.
///
/// ```text
/// path       := SEG [ "[" occurrence "]" ] [ "-" field [ "[" repetition "]" ] [ "." component [ "." subcomponent ] ] ]
/// occurrence := number | "*"
/// repetition := number | "*" | component [ "." subcomponent ] "=" text      (text at most 32 bytes, no "]")
/// ```
///
/// Without an occurrence or a repetition the first is meant; `[*]` means all. A path without a component names the whole field.
/// A `Path` is a small `Copy` value; [`crate::path!`] makes one at compile time, [`FromStr`] at run time, by the same parser.
///
/// ```
/// use hl7_core::{path, Path};
/// let given: Path = "PID-3[5=MR].1".parse()?;
/// assert_eq!(given.to_string(), "PID-3[5=MR].1");
/// assert_eq!(path!("OBX[2]-5").field(), Some(5));
/// # Ok::<(), hl7_core::PathError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Path {
    segment: [u8; 3],
    occurrence: Occurrence,
    field: u16,
    repetition: RepetitionIndex,
    component: u16,
    subcomponent: u16,
}

/// Which of the segments with one ID a path means.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Occurrence {
    /// None stated: the first.
    First,
    /// `[n]`, from 1.
    Nth(u32),
    /// `[*]`.
    All,
}

/// Which repetitions of a field a path means.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum RepetitionIndex {
    /// None stated: the whole field, or the first repetition when a component is named.
    Unstated,
    /// `[n]`, from 1.
    Nth(u32),
    /// `[*]`.
    All,
    /// `[5=MR]`: those whose component 5 has the text `MR`.
    Where(RepetitionFilter),
}

/// The `5=MR` of `PID-3[5=MR].1`. Its text is compared with the unescaped text of the component.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RepetitionFilter {
    component: u16,
    subcomponent: u16,
    length: u8,
    text: [u8; MAX_FILTER],
}

const MAX_FILTER: usize = 32;
const MAX_INDEX: u32 = 16_777_215;
const MAX_FIELD: u32 = 9_999;

/// Makes a `&'static` [`Path`] from a literal, checked when the program is compiled.
///
/// ```
/// let family_name = hl7_core::path!("PID-5.1");
/// assert_eq!(family_name.segment_id(), "PID");
/// ```
/// ```compile_fail
/// hl7_core::path!("PID-0");
/// ```
#[macro_export]
macro_rules! path {
    ($text:literal) => {{
        const PATH: &$crate::Path = &$crate::Path::literal($text);
        PATH
    }};
}

impl Path {
    /// What [`crate::path!`] calls. A mistake in the text is an error of the compiler when it is called in a constant.
    ///
    /// # Panics
    /// When the text is not a path. Use [`FromStr`] for text that is only known at run time.
    #[doc(hidden)]
    #[allow(clippy::panic)] // in a constant this is a compile error, which is its purpose
    pub const fn literal(text: &str) -> Path {
        match parse(text.as_bytes()) {
            Ok(path) => path,
            Err(_) => panic!(
                "not an HL7 path; the form is SEG[n]-field[repetition].component.subcomponent, counted from 1"
            ),
        }
    }

    /// The three characters of the segment ID.
    pub fn segment_id(&self) -> &str {
        std::str::from_utf8(&self.segment).unwrap_or_default()
    }

    pub(crate) fn id(&self) -> [u8; 3] {
        self.segment
    }

    /// Which segments of that ID.
    pub fn occurrence(&self) -> Occurrence {
        self.occurrence
    }

    /// The field, from 1; `None` for a path that names a segment.
    pub fn field(&self) -> Option<u16> {
        stated(self.field)
    }

    /// Which repetitions of the field.
    pub fn repetition(&self) -> RepetitionIndex {
        self.repetition
    }

    /// The component, from 1.
    pub fn component(&self) -> Option<u16> {
        stated(self.component)
    }

    /// The subcomponent, from 1.
    pub fn subcomponent(&self) -> Option<u16> {
        stated(self.subcomponent)
    }

    /// The same place in the segment that `segment` names: `NTE-3` within `NTE[2]` is `NTE[2]-3`.
    ///
    /// ```
    /// use hl7_core::path;
    /// assert_eq!(path!("OBX-5[2].1").within(path!("OBX[7]")), *path!("OBX[7]-5[2].1"));
    /// ```
    pub fn within(mut self, segment: &Path) -> Path {
        self.segment = segment.segment;
        self.occurrence = segment.occurrence;
        self
    }

    /// The path `ID[n]`.
    pub(crate) fn of_segment(id: [u8; 3], n: u32) -> Path {
        let occurrence = Occurrence::Nth(n);
        Path {
            segment: id,
            occurrence,
            field: 0,
            repetition: RepetitionIndex::Unstated,
            component: 0,
            subcomponent: 0,
        }
    }

    /// The place with these numbers: occurrence, field, repetition, component, subcomponent, each 0 where it is not stated. `None` when that
    /// is no place.
    pub(crate) fn of_location(id: &[u8], numbers: [u32; 5]) -> Option<Path> {
        let segment = <[u8; 3]>::try_from(id).ok().filter(Self::is_segment_id)?;
        let [occurrence, field, repetition, component, subcomponent] = numbers;
        let needs = |inner: u32, outer: u32| inner == 0 || outer != 0;
        let small = [field, component, subcomponent].into_iter().all(|number| number <= MAX_FIELD);
        let nested = needs(repetition, field) && needs(component, field) && needs(subcomponent, component);
        if !small || !nested || occurrence > MAX_INDEX || repetition > MAX_INDEX {
            return None;
        }
        Some(Path {
            segment,
            occurrence: if occurrence == 0 { Occurrence::First } else { Occurrence::Nth(occurrence) },
            field: field as u16,
            repetition: if repetition == 0 {
                RepetitionIndex::Unstated
            } else {
                RepetitionIndex::Nth(repetition)
            },
            component: component as u16,
            subcomponent: subcomponent as u16,
        })
    }

    /// Whether this is an upper-case letter and two upper-case letters or digits.
    pub(crate) fn is_segment_id(id: &[u8; 3]) -> bool {
        starts_with_segment_id(id)
    }

    /// The same path without the text of a filter, which a mapping's author may have taken from a message.
    pub(crate) fn without_filter(mut self) -> Path {
        if let RepetitionIndex::Where(_) = self.repetition {
            self.repetition = RepetitionIndex::Unstated;
        }
        self
    }
}

fn stated(number: u16) -> Option<u16> {
    (number != 0).then_some(number)
}

impl RepetitionFilter {
    /// The component that is compared, from 1.
    pub fn component(&self) -> u16 {
        self.component
    }

    /// The subcomponent that is compared, from 1, when one is stated.
    pub fn subcomponent(&self) -> Option<u16> {
        stated(self.subcomponent)
    }

    /// The text to compare with.
    pub fn text(&self) -> &str {
        self.text
            .get(..usize::from(self.length))
            .and_then(|t| std::str::from_utf8(t).ok())
            .unwrap_or_default()
    }
}

impl fmt::Debug for RepetitionFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RepetitionFilter").field("component", &self.component).finish_non_exhaustive()
    }
}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Path, PathError> {
        parse(text.as_bytes())
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.segment_id())?;
        match self.occurrence {
            Occurrence::First => {}
            Occurrence::Nth(n) => write!(f, "[{n}]")?,
            Occurrence::All => f.write_str("[*]")?,
        }
        let Some(field) = self.field() else { return Ok(()) };
        write!(f, "-{field}")?;
        match &self.repetition {
            RepetitionIndex::Unstated => {}
            RepetitionIndex::Nth(n) => write!(f, "[{n}]")?,
            RepetitionIndex::All => f.write_str("[*]")?,
            RepetitionIndex::Where(filter) => match filter.subcomponent() {
                Some(sub) => write!(f, "[{}.{sub}={}]", filter.component, filter.text())?,
                None => write!(f, "[{}={}]", filter.component, filter.text())?,
            },
        }
        if let Some(component) = self.component() {
            write!(f, ".{component}")?;
        }
        if let Some(subcomponent) = self.subcomponent() {
            write!(f, ".{subcomponent}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Path({})", self.without_filter())
    }
}

/// Why a text is not a path: a kind, and the byte at which it shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PathError {
    kind: PathErrorKind,
    offset: usize,
}

/// The kinds of [`PathError`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum PathErrorKind {
    /// P001: a segment ID is an upper-case letter and two upper-case letters or digits.
    SegmentId,
    /// P002: a number is missing.
    MissingNumber,
    /// P003: positions count from 1.
    Zero,
    /// P004: a number is larger than any message has (fields and components to 9,999, occurrences and repetitions to 16,777,215).
    TooLarge,
    /// P005: a `[` is not closed, or holds neither a number, `*` nor `component=text`.
    Index,
    /// P006: a filter's text is empty or longer than 32 bytes.
    Filter,
    /// P007: something follows where the path should end.
    Trailing,
}

impl PathError {
    /// The same fault in a text that has `bytes` more in front.
    pub(crate) fn behind(mut self, bytes: usize) -> Self {
        self.offset += bytes;
        self
    }

    /// What is wrong.
    pub fn kind(&self) -> PathErrorKind {
        self.kind
    }

    /// The byte of the text, from 0.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The stable code, `P001` to `P007`.
    pub fn code(&self) -> &'static str {
        self.parts().0
    }

    fn parts(&self) -> (&'static str, &'static str) {
        match self.kind {
            PathErrorKind::SegmentId => ("P001", "a path starts with a segment ID such as PID"),
            PathErrorKind::MissingNumber => ("P002", "a number is missing"),
            PathErrorKind::Zero => ("P003", "positions count from 1"),
            PathErrorKind::TooLarge => ("P004", "the number is too large"),
            PathErrorKind::Index => ("P005", "an index is [2], [*] or [5=MR]"),
            PathErrorKind::Filter => ("P006", "a filter's text has 1 to 32 bytes"),
            PathErrorKind::Trailing => {
                ("P007", "the form is SEG[n]-field[repetition].component.subcomponent")
            }
        }
    }
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, what) = self.parts();
        write!(f, "{code}: {what} (column {})", self.offset + 1)
    }
}

impl std::error::Error for PathError {}

// The parser is `const fn`, so it works on bytes, without iterators and without `?`.

const fn parse(text: &[u8]) -> Result<Path, PathError> {
    if !starts_with_segment_id(text) {
        return fault(PathErrorKind::SegmentId, 0);
    }
    let mut path = Path {
        segment: [text[0], text[1], text[2]],
        occurrence: Occurrence::First,
        field: 0,
        repetition: RepetitionIndex::Unstated,
        component: 0,
        subcomponent: 0,
    };
    let mut at = 3;
    if at_byte(text, at, b'[') {
        match index(text, at) {
            Ok((RepetitionIndex::Nth(n), next)) => (path.occurrence, at) = (Occurrence::Nth(n), next),
            Ok((RepetitionIndex::All, next)) => (path.occurrence, at) = (Occurrence::All, next),
            Ok(_) => return fault(PathErrorKind::Index, at),
            Err(error) => return Err(error),
        }
    }
    if at == text.len() {
        return Ok(path);
    }
    if !at_byte(text, at, b'-') {
        return fault(PathErrorKind::Trailing, at);
    }
    match number(text, at + 1, MAX_FIELD) {
        Ok((n, next)) => (path.field, at) = (n as u16, next),
        Err(error) => return Err(error),
    }
    if at_byte(text, at, b'[') {
        match index(text, at) {
            Ok((index, next)) => (path.repetition, at) = (index, next),
            Err(error) => return Err(error),
        }
    }
    match components(text, at) {
        Ok((component, subcomponent, next)) => {
            (path.component, path.subcomponent, at) = (component, subcomponent, next);
        }
        Err(error) => return Err(error),
    }
    if at == text.len() { Ok(path) } else { fault(PathErrorKind::Trailing, at) }
}

const fn starts_with_segment_id(text: &[u8]) -> bool {
    text.len() >= 3
        && text[0].is_ascii_uppercase()
        && (text[1].is_ascii_uppercase() || text[1].is_ascii_digit())
        && (text[2].is_ascii_uppercase() || text[2].is_ascii_digit())
}

/// `.component[.subcomponent]`, or nothing.
const fn components(text: &[u8], at: usize) -> Result<(u16, u16, usize), PathError> {
    if !at_byte(text, at, b'.') {
        return Ok((0, 0, at));
    }
    let (component, at) = match number(text, at + 1, MAX_FIELD) {
        Ok(read) => read,
        Err(error) => return Err(error),
    };
    if !at_byte(text, at, b'.') {
        return Ok((component as u16, 0, at));
    }
    match number(text, at + 1, MAX_FIELD) {
        Ok((subcomponent, at)) => Ok((component as u16, subcomponent as u16, at)),
        Err(error) => Err(error),
    }
}

/// `[n]`, `[*]` or `[c=text]`, from its bracket on; gives the offset behind it.
const fn index(text: &[u8], open: usize) -> Result<(RepetitionIndex, usize), PathError> {
    if at_byte(text, open + 1, b'*') {
        if at_byte(text, open + 2, b']') {
            return Ok((RepetitionIndex::All, open + 3));
        }
        return fault(PathErrorKind::Index, open);
    }
    let (n, at) = match number(text, open + 1, MAX_INDEX) {
        Ok(read) => read,
        Err(error) if matches!(error.kind, PathErrorKind::MissingNumber) => {
            return fault(PathErrorKind::Index, open);
        }
        Err(error) => return Err(error),
    };
    if at_byte(text, at, b']') {
        return Ok((RepetitionIndex::Nth(n), at + 1));
    }
    if n > MAX_FIELD {
        return fault(PathErrorKind::TooLarge, open + 1);
    }
    filter(text, open, n as u16, at)
}

/// The rest of `[c=text]` or `[c.s=text]`, from behind `c` on.
const fn filter(
    text: &[u8],
    open: usize,
    component: u16,
    at: usize,
) -> Result<(RepetitionIndex, usize), PathError> {
    let (subcomponent, at) = if at_byte(text, at, b'.') {
        match number(text, at + 1, MAX_FIELD) {
            Ok((n, at)) => (n as u16, at),
            Err(error) => return Err(error),
        }
    } else {
        (0, at)
    };
    if !at_byte(text, at, b'=') {
        return fault(PathErrorKind::Index, open);
    }
    let start = at + 1;
    let mut held = [0; MAX_FILTER];
    let mut end = start;
    while end < text.len() && text[end] != b']' {
        if end - start == MAX_FILTER {
            return fault(PathErrorKind::Filter, start);
        }
        held[end - start] = text[end];
        end += 1;
    }
    if end == text.len() {
        return fault(PathErrorKind::Index, open);
    }
    if end == start {
        return fault(PathErrorKind::Filter, start);
    }
    let filter = RepetitionFilter { component, subcomponent, length: (end - start) as u8, text: held };
    Ok((RepetitionIndex::Where(filter), end + 1))
}

const fn number(text: &[u8], start: usize, max: u32) -> Result<(u32, usize), PathError> {
    let mut at = start;
    let mut value: u32 = 0;
    while at < text.len() && text[at].is_ascii_digit() {
        value = value * 10 + (text[at] - b'0') as u32;
        if value > max {
            return fault(PathErrorKind::TooLarge, start);
        }
        at += 1;
    }
    if at == start {
        return fault(PathErrorKind::MissingNumber, start);
    }
    // A leading zero would not come back from `Display`.
    if text[start] == b'0' {
        return fault(PathErrorKind::Zero, start);
    }
    Ok((value, at))
}

const fn at_byte(text: &[u8], at: usize, byte: u8) -> bool {
    at < text.len() && text[at] == byte
}

const fn fault<T: Copy>(kind: PathErrorKind, offset: usize) -> Result<T, PathError> {
    Err(PathError { kind, offset })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_shows_each_form() {
        for text in [
            "PID",
            "PID-5",
            "PID-5.1",
            "PID-5.1.2",
            "PID-5[2].1.1",
            "OBX[2]-5",
            "OBX[*]-5",
            "PID-3[*]",
            "PID-3[5=MR].1",
            "PID-3[4.2=1.2.840]",
            "ZX1[3]",
            "PID-3[5=ä/ü].1",
            "OBX[16777215]-9999",
        ] {
            assert_eq!(text.parse::<Path>().map(|p| p.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn refuses_with_kind_and_place() {
        use PathErrorKind as K;
        let cases = [
            ("", K::SegmentId, 0),
            ("P", K::SegmentId, 0),
            ("pid-5", K::SegmentId, 0),
            ("PI\u{e9}-5", K::SegmentId, 0),
            ("PID5", K::Trailing, 3),
            ("PID.5", K::Trailing, 3),
            ("PID-", K::MissingNumber, 4),
            ("PID-0", K::Zero, 4),
            ("PID-05", K::Zero, 4),
            ("PID-99999999999", K::TooLarge, 4),
            ("PID-5.", K::MissingNumber, 6),
            ("PID-5-1", K::Trailing, 5),
            ("PID-5.1.1.1", K::Trailing, 9),
            ("PID-3[", K::Index, 5),
            ("PID-3[]", K::Index, 5),
            ("PID-3[x]", K::Index, 5),
            ("PID-3[1", K::Index, 5),
            ("PID-3[*", K::Index, 5),
            ("PID-3[5=]", K::Filter, 8),
            ("PID-3[5=123456789012345678901234567890123]", K::Filter, 8),
            ("PID-3[5=MR", K::Index, 5),
            ("PID[5=MR]-3", K::Index, 3),
            ("PID-5 ", K::Trailing, 5),
        ];
        for (text, kind, offset) in cases {
            assert_eq!(text.parse::<Path>(), Err(PathError { kind, offset }), "{text}");
        }
    }
}
