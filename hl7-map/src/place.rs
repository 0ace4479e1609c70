//! Where something stands in a mapping file.

/// A place in the text of a mapping file: the line and the column of its first character, from 1, and its width on that line, all in
/// characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) width: usize,
}

impl Place {
    /// The start of the file.
    pub(crate) const START: Self = Self { line: 1, column: 1, width: 1 };

    /// The part of this place that starts `skip` characters in and is `width` wide.
    pub(crate) fn part(self, skip: usize, width: usize) -> Self {
        Self { line: self.line, column: self.column + skip, width: width.max(1) }
    }
}
