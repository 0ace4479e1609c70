//! Where something stands in a file.

/// A place in the text of a file: the line and the column of its first character, from 1, and its width on that line, all in
/// characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Place {
    pub line: usize,
    pub column: usize,
    pub width: usize,
    /// A key stands there, which may be shown also where values may not.
    pub is_key: bool,
}

impl Place {
    /// The start of the file.
    pub const START: Self = Self { line: 1, column: 1, width: 1, is_key: false };

    /// The part of this place that starts `skip` characters in and is `width` wide.
    pub fn part(self, skip: usize, width: usize) -> Self {
        Self { column: self.column + skip, width: width.max(1), ..self }
    }
}

/// The lines of a file as YAML counts them: they end in CR LF, CR or LF.
pub fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text).filter(|text| !text.is_empty());
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = text.find(['\r', '\n']) else {
            rest = None;
            return Some(text);
        };
        let (line, behind) = text.split_at(end);
        let length = if behind.starts_with("\r\n") { 2 } else { 1 };
        rest = behind.get(length..).filter(|rest| !rest.is_empty());
        Some(line)
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_line_ends_in_cr_lf_or_both() {
        for (text, lines) in
            [("a\r\nb\rc\nd", vec!["a", "b", "c", "d"]), ("a\n\r\n\n", vec!["a", "", ""]), ("", vec![])]
        {
            assert_eq!(super::lines(text).collect::<Vec<_>>(), lines);
        }
    }
}
