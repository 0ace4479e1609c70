//! The committed tables, read in place. `dictionary/pack.py` writes them and says what each section holds.

use std::cmp::Ordering;

static FACTS: &[u8] = include_bytes!("../../dictionary/facts.bin");
static TEXT: &str = include_str!("../../dictionary/text.txt");

pub(super) const NAMES: Pool = Pool(section(0));
pub(super) const CODES: Pool = Pool(section(1));
pub(super) const DISPLAYS: Pool = Pool(section(2));
pub(super) const ELEMENTS: Section = section(3);
pub(super) const ELEMENT_LISTS: Section = section(4);
pub(super) const TABLE_NUMBERS: Section = section(5);
pub(super) const LENGTHS: Section = section(6);
pub(super) const MAXIMA: Section = section(7);
pub(super) const COMPOSITES: Section = section(8);
pub(super) const SEGMENT_IDS: Section = section(9);
pub(super) const SEGMENTS: Section = section(10);
pub(super) const TYPE_IDS: Section = section(11);
pub(super) const TYPES: Section = section(12);
pub(super) const STRUCTURE_NAMES: Section = section(13);
pub(super) const STRUCTURES: Section = section(14);
pub(super) const GROUPS: Section = section(15);
pub(super) const NODES: Section = section(16);
pub(super) const EVENTS: Section = section(17);
pub(super) const TABLES: Section = section(18);
pub(super) const TABLE_CODES: Section = section(19);
pub(super) const MASKS: Section = section(20);

const COUNT: usize = 21;

/// A run of rows.
#[derive(Clone, Copy)]
pub(super) struct Section {
    start: usize,
    end: usize,
}

/// The texts of one kind, ordered by length: a section with a row for each length (number of its first text, length, where that stands).
#[derive(Clone, Copy)]
pub(super) struct Pool(Section);

/// The file starts with where its sections end.
const fn section(number: usize) -> Section {
    let start = if number == 0 { 4 * COUNT } else { end(number - 1) };
    Section { start, end: end(number) }
}

const fn end(number: usize) -> usize {
    let at = 4 * number;
    u32::from_le_bytes([FACTS[at], FACTS[at + 1], FACTS[at + 2], FACTS[at + 3]]) as usize
}

/// How many data types there are, over all versions.
pub(super) const TYPE_COUNT: usize = (TYPE_IDS.end - TYPE_IDS.start) / 2;

/// The code of the data type in this row, for the compiler.
pub(super) const fn type_name(row: usize) -> &'static [u8] {
    let Pool(lengths) = NAMES;
    let number = const_word(TYPE_IDS.start + 2 * row);
    let mut at = lengths.start;
    // The last length whose first text is not behind this one.
    while at + 8 < lengths.end && const_word(at + 8) <= number {
        at += 8;
    }
    let start = const_word(at + 4) + (const_word(at + 6) << 16);
    let length = const_word(at + 2);
    let (_, text) = TEXT.as_bytes().split_at(start + (number - const_word(at)) * length);
    text.split_at(length).0
}

/// How many composites there are: segments and data types, of all versions.
const COMPOSITE_COUNT: usize = (COMPOSITES.end - COMPOSITES.start) / 6;

/// The number of the last element of each composite that is required, made by the compiler: behind it nothing can be missing.
pub(super) static LAST_REQUIRED: [u8; COMPOSITE_COUNT] = last_required();

const fn last_required() -> [u8; COMPOSITE_COUNT] {
    let mut last = [0; COMPOSITE_COUNT];
    let mut row = 0;
    while row < last.len() {
        let at = COMPOSITES.start + 6 * row;
        let (first, mut number) = (const_word(at + 2), const_word(at + 4));
        while number > 0 {
            let element = ELEMENTS.start + 6 * const_word(ELEMENT_LISTS.start + 2 * (first + number - 1));
            // As `Element::usage` reads it: three bits from the bit 31 on.
            let usage = (const_word(element + 2) >> 15 | const_word(element + 4) << 1) & 0b111;
            if usage == 1 {
                break;
            }
            number -= 1;
        }
        last[row] = number as u8;
        row += 1;
    }
    last
}

/// The number of the last table, and by number the row of each, counted from 1: made by the compiler.
const LAST_TABLE: usize = const_word(TABLES.end - 12);
static TABLE_ROWS: [u16; LAST_TABLE + 1] = table_rows();

const fn table_rows() -> [u16; LAST_TABLE + 1] {
    let mut rows = [0; LAST_TABLE + 1];
    let mut row = 0;
    while TABLES.start + 12 * row < TABLES.end {
        rows[const_word(TABLES.start + 12 * row)] = row as u16 + 1;
        row += 1;
    }
    rows
}

/// The row of the table with this number.
pub(super) fn table_row(number: u16) -> Option<u16> {
    TABLE_ROWS.get(usize::from(number))?.checked_sub(1)
}

const fn const_word(at: usize) -> usize {
    u16::from_le_bytes([FACTS[at], FACTS[at + 1]]) as usize
}

impl Section {
    /// How many rows of `size` bytes there are.
    pub(super) fn rows(self, size: usize) -> usize {
        (self.end - self.start) / size
    }

    pub(super) fn bytes<const N: usize>(self, row: usize) -> [u8; N] {
        let rest = FACTS.get(self.start + N * row..);
        rest.and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
    }

    /// The word at a place that is counted in words.
    pub(super) fn word(self, at: usize) -> usize {
        usize::from(u16::from_le_bytes(self.bytes(at)))
    }

    pub(super) fn double(self, at: usize) -> usize {
        u32::from_le_bytes(self.bytes(at)) as usize
    }

    /// Bytes that are text.
    pub(super) fn text(self, at: usize, length: usize) -> &'static str {
        let start = self.start + at;
        FACTS.get(start..start + length).and_then(|id| std::str::from_utf8(id).ok()).unwrap_or_default()
    }

    /// The row of a matrix of `names` by versions: what a version has under a name, if it has it.
    pub(super) fn cell(self, name: usize, version: usize) -> Option<usize> {
        self.word(name * super::Version::ALL.len() + version).checked_sub(1)
    }
}

impl Pool {
    pub(super) fn text(self, number: usize) -> &'static str {
        let Pool(lengths) = self;
        let later = partition(lengths.rows(8), |row| lengths.word(4 * row) <= number);
        let row = later.saturating_sub(1);
        let (first, length) = (lengths.word(4 * row), lengths.word(4 * row + 1));
        let start = lengths.double(2 * row + 1) + (number - first) * length;
        TEXT.get(start..start + length).unwrap_or_default()
    }
}

/// Where the texts of one length stand: the number of the first, that of the first longer one, and the place in the text.
#[derive(Clone, Copy)]
struct Run {
    first: usize,
    end: usize,
    start: usize,
}

/// The longest code is shorter than this.
const LONGEST_CODE: usize = 64;

/// The codes by their length, made by the compiler.
static CODES_OF_LENGTH: [Run; LONGEST_CODE] = code_runs();

const fn code_runs() -> [Run; LONGEST_CODE] {
    let mut runs = [Run { first: 0, end: 0, start: 0 }; LONGEST_CODE];
    let Pool(lengths) = CODES;
    let mut at = lengths.start;
    while at < lengths.end {
        let end = if at + 8 < lengths.end { const_word(at + 8) } else { usize::MAX };
        let start = const_word(at + 4) + (const_word(at + 6) << 16);
        runs[const_word(at + 2)] = Run { first: const_word(at), end, start };
        at += 8;
    }
    runs
}

/// How many lengths codes have; of each the number of its first code, and the length. The shortest comes first.
const CODE_LENGTHS: usize = (CODES.0.end - CODES.0.start) / 8;
static FIRST_CODES: [(u16, u16); CODE_LENGTHS] = first_codes();

const fn first_codes() -> [(u16, u16); CODE_LENGTHS] {
    let mut all = [(0, 0); CODE_LENGTHS];
    let mut at = 0;
    while at < CODE_LENGTHS {
        let row = CODES.0.start + 8 * at;
        all[at] = (const_word(row) as u16, const_word(row + 2) as u16);
        at += 1;
    }
    all
}

/// The code with this number, as bytes.
pub(super) fn code_bytes(number: usize) -> &'static [u8] {
    let behind = FIRST_CODES.partition_point(|(first, _)| usize::from(*first) <= number);
    let Some((_, length)) = behind.checked_sub(1).and_then(|at| FIRST_CODES.get(at)) else { return &[] };
    let length = usize::from(*length);
    let Some(run) = CODES_OF_LENGTH.get(length) else { return &[] };
    let start = run.start + (number - run.first) * length;
    TEXT.as_bytes().get(start..start + length).unwrap_or_default()
}

/// Which of the codes with these numbers, from 0, has this text. Nearly all have another length, which their number tells.
pub(super) fn code_with(text: &str, mut numbers: impl Iterator<Item = usize>) -> Option<usize> {
    let (wanted, length) = (text.as_bytes(), text.len());
    let run = CODES_OF_LENGTH.get(length)?;
    numbers.position(|number| {
        (run.first..run.end).contains(&number) && {
            let start = run.start + (number - run.first) * length;
            TEXT.as_bytes().get(start..start + length) == Some(wanted)
        }
    })
}

/// How many of `count` rows, the first ones, `holds` is true for.
pub(super) fn partition(count: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) { low = middle + 1 } else { high = middle }
    }
    low
}

/// The row, of `count` in order, that `compare` finds equal.
pub(super) fn search(count: usize, compare: impl Fn(usize) -> Ordering) -> Option<usize> {
    let row = partition(count, |row| compare(row) == Ordering::Less);
    (row < count && compare(row) == Ordering::Equal).then_some(row)
}

/// `width` bits of a number, from the bit `at` on.
pub(super) fn bits(number: u64, at: u32, width: u32) -> usize {
    (number >> at & ((1 << width) - 1)) as usize
}
