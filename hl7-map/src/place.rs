//! Where something stands in a mapping file.

/// A place in the text of a mapping file: the line and the column of its first character, from 1, and its width on that line, all in
/// characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) width: usize,
    /// A key stands there, which may be shown also where values may not.
    pub(crate) is_key: bool,
}

impl Place {
    /// The start of the file.
    pub(crate) const START: Self = Self { line: 1, column: 1, width: 1, is_key: false };

    /// The part of this place that starts `skip` characters in and is `width` wide.
    pub(crate) fn part(self, skip: usize, width: usize) -> Self {
        Self { column: self.column + skip, width: width.max(1), ..self }
    }
}
