//! Tables in CSV (RFC 4180): lines of fields between commas, in quotes where a field holds a comma, a quote or a line end.

/// Why a text is no table, and on which line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct CsvFault {
    pub(crate) line: usize,
    pub(crate) why: &'static str,
}

/// The longest file: 16 MiB.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// The rows of a file, each with its line. Empty lines are no rows.
pub(crate) fn rows(text: &str) -> Result<Vec<(usize, Vec<String>)>, CsvFault> {
    if text.len() > MAX_BYTES {
        return Err(CsvFault { line: 1, why: "the file is longer than 16 MiB" });
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader { rest: text, line: 1 };
    let mut rows = Vec::new();
    while !reader.rest.is_empty() {
        let line = reader.line;
        let row = reader.row()?;
        if row.iter().any(|field| !field.is_empty()) {
            rows.push((line, row));
        }
    }
    Ok(rows)
}

struct Reader<'t> {
    rest: &'t str,
    line: usize,
}

impl<'t> Reader<'t> {
    fn row(&mut self) -> Result<Vec<String>, CsvFault> {
        let mut row = Vec::new();
        loop {
            row.push(if self.takes("\"") { self.quoted()? } else { self.plain() });
            if self.takes(",") {
                continue;
            }
            if self.rest.is_empty() || self.takes("\r\n") || self.takes("\n") || self.takes("\r") {
                self.line += 1;
                return Ok(row);
            }
            return self.fault("something follows the quote that closes a field");
        }
    }

    fn fault<T>(&self, why: &'static str) -> Result<T, CsvFault> {
        Err(CsvFault { line: self.line, why })
    }

    fn takes(&mut self, mark: &str) -> bool {
        let behind = self.rest.strip_prefix(mark);
        self.rest = behind.unwrap_or(self.rest);
        behind.is_some()
    }

    fn up_to(&mut self, end: usize) -> &'t str {
        let (found, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        found
    }

    fn plain(&mut self) -> String {
        let end = self.rest.find([',', '\r', '\n']).unwrap_or(self.rest.len());
        self.up_to(end).trim().to_owned()
    }

    /// A field from behind its opening quote on; two quotes in it are one.
    fn quoted(&mut self) -> Result<String, CsvFault> {
        let mut out = String::new();
        loop {
            let Some(end) = self.rest.find('"') else { return self.fault("a quote is not closed") };
            let part = self.up_to(end);
            self.line += part.matches('\n').count();
            out.push_str(part);
            self.takes("\"");
            if !self.takes("\"") {
                return Ok(out);
            }
            out.push('"');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_with_quotes_and_all_line_ends() {
        let read = rows("\u{feff}from,to\r\na, b \n\n\"x,\"\"1\n2\",y\rlast,\"\"").expect("rows");
        let texts: Vec<(usize, Vec<&str>)> =
            read.iter().map(|(line, row)| (*line, row.iter().map(String::as_str).collect())).collect();
        assert_eq!(
            texts,
            [(1, vec!["from", "to"]), (2, vec!["a", "b"]), (4, vec!["x,\"1\n2", "y"]), (6, vec!["last", ""])]
        );
    }

    #[test]
    fn what_is_broken_says_where() {
        for (text, line) in [("a,b\n\"c", 2), ("\"a\"b,c", 1)] {
            assert_eq!(rows(text).map_err(|fault| fault.line), Err(line), "{text}");
        }
    }
}
