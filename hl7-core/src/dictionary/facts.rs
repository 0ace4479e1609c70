//! The committed tables, read in place. `dictionary/pack.py` writes them and says what each section holds.

use std::cmp::Ordering;

static FACTS: &[u8] = include_bytes!("../../dictionary/facts.bin");
static TEXT: &str = include_str!("../../dictionary/text.txt");

pub(super) const NAMES: Pool = Pool(&runs::<{ run_count(0) }>(0));
pub(super) const CODES: Pool = Pool(&runs::<{ run_count(1) }>(1));
pub(super) const DISPLAYS: Pool = Pool(&runs::<{ run_count(2) }>(2));
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

/// The texts of one kind, the shortest first.
#[derive(Clone, Copy)]
pub(super) struct Pool(&'static [Run]);

/// The texts of one length: the number of the first, and where that stands in the text.
#[derive(Clone, Copy)]
struct Run {
    first: usize,
    length: usize,
    start: usize,
}

/// A section has a row for each length: the number of its first text, the length, and where that text stands.
const fn run_count(number: usize) -> usize {
    let Section { start, end } = section(number);
    (end - start) / 8
}

const fn runs<const N: usize>(number: usize) -> [Run; N] {
    let Section { start, .. } = section(number);
    let mut runs = [Run { first: 0, length: 0, start: 0 }; N];
    let mut row = 0;
    while row < N {
        let at = start + 8 * row;
        let text = const_word(at + 4) | const_word(at + 6) << 16;
        runs[row] = Run { first: const_word(at), length: const_word(at + 2), start: text };
        row += 1;
    }
    runs
}

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
    let Pool(runs) = NAMES;
    let number = const_word(TYPE_IDS.start + 2 * row);
    let mut at = 0;
    // The last length whose first text is not behind this one.
    while at + 1 < runs.len() && runs[at + 1].first <= number {
        at += 1;
    }
    let Run { first, length, start } = runs[at];
    let (_, text) = TEXT.as_bytes().split_at(start + (number - first) * length);
    text.split_at(length).0
}

/// The IDs of the segments, one behind the other.
const SEGMENT_ID_TEXT: &str = {
    let (ids, _) = FACTS.split_at(SEGMENT_IDS.end);
    match std::str::from_utf8(ids.split_at(SEGMENT_IDS.start).1) {
        Ok(ids) => ids,
        Err(_) => "",
    }
};

/// The ID of the segment with this number.
pub(super) fn segment_id(number: usize) -> &'static str {
    SEGMENT_ID_TEXT.get(3 * number..3 * number + 3).unwrap_or_default()
}

/// Whether an element is to be valued, of its facts: this is how [`REQUIRED`] and the others are told apart.
pub(super) const fn usage(element: u64) -> usize {
    bits(element, 31, 3)
}

/// The [`usage`] of what is required.
pub(super) const REQUIRED: usize = 1;

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
            let [a, b, c] = [const_word(element), const_word(element + 2), const_word(element + 4)];
            if usage(a as u64 | (b as u64) << 16 | (c as u64) << 32) == REQUIRED {
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

    /// The row of a matrix of `names` by versions: what a version has under a name, if it has it.
    pub(super) fn cell(self, name: usize, version: usize) -> Option<usize> {
        self.word(name * super::Version::ALL.len() + version).checked_sub(1)
    }
}

impl Pool {
    pub(super) fn text(self, number: usize) -> &'static str {
        let Pool(runs) = self;
        let behind = runs.partition_point(|run| run.first <= number);
        behind.checked_sub(1).and_then(|at| runs.get(at)).map_or("", |run| run.text(number))
    }
}

/// How many numbers codes have at most.
const CODE_NUMBERS: usize = 1 << 12;
/// By the number of a code the place of its run: made by the compiler, because tables are searched by text.
static CODE_RUNS: [u8; CODE_NUMBERS] = code_runs();

const fn code_runs() -> [u8; CODE_NUMBERS] {
    let Pool(runs) = CODES;
    let mut places = [0; CODE_NUMBERS];
    let (mut number, mut at) = (0, 0);
    while number < CODE_NUMBERS {
        while at + 1 < runs.len() && runs[at + 1].first <= number {
            at += 1;
        }
        places[number] = at as u8;
        number += 1;
    }
    places
}

/// The code with this number.
pub(super) fn code(number: usize) -> &'static str {
    let Pool(runs) = CODES;
    let at = CODE_RUNS.get(number).copied().unwrap_or_default();
    runs.get(usize::from(at)).map_or("", |run| run.text(number))
}

impl Run {
    fn text(&self, number: usize) -> &'static str {
        let start = self.start + (number - self.first) * self.length;
        TEXT.get(start..start + self.length).unwrap_or_default()
    }
}

/// Which of the codes with these numbers, from 0, has this text. Nearly all have another length, which their number tells.
pub(super) fn code_with(text: &str, mut numbers: impl Iterator<Item = usize>) -> Option<usize> {
    let Pool(runs) = CODES;
    let at = runs.iter().position(|run| run.length == text.len())?;
    let run = runs.get(at)?;
    let end = runs.get(at + 1).map_or(usize::MAX, |longer| longer.first);
    numbers.position(|number| (run.first..end).contains(&number) && run.text(number) == text)
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
pub(super) const fn bits(number: u64, at: u32, width: u32) -> usize {
    (number >> at & ((1 << width) - 1)) as usize
}
