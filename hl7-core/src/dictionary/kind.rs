//! The data types that validation treats in ways of their own, known by number: no text is compared while it runs.

use super::facts;

/// What is special about a data type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Date,
    Time,
    DateTime,
    /// TS, whose first component is a DTM under the name ST in some versions.
    TimeStamp,
    Number,
    SequenceId,
    /// ID and IS: a code of a table.
    Code,
    /// CE and its kin: a code with its coding system.
    Coded,
    /// Any data type.
    Varies,
    Other,
}

static KINDS: [Kind; facts::TYPE_COUNT] = kinds();

const fn kinds() -> [Kind; facts::TYPE_COUNT] {
    let mut kinds = [Kind::Other; facts::TYPE_COUNT];
    let mut row = 0;
    while row < kinds.len() {
        kinds[row] = kind_of(facts::type_name(row));
        row += 1;
    }
    kinds
}

const fn kind_of(id: &[u8]) -> Kind {
    match id {
        b"DT" => Kind::Date,
        b"TM" => Kind::Time,
        b"DTM" => Kind::DateTime,
        b"TS" => Kind::TimeStamp,
        b"NM" => Kind::Number,
        b"SI" => Kind::SequenceId,
        b"ID" | b"IS" => Kind::Code,
        b"CE" | b"CWE" | b"CNE" | b"CF" => Kind::Coded,
        b"varies" | b"*" | b"CM" => Kind::Varies,
        _ => Kind::Other,
    }
}

/// The kind of the data type in this row.
pub(super) fn of_row(row: u16) -> Kind {
    KINDS.get(usize::from(row)).copied().unwrap_or(Kind::Other)
}
