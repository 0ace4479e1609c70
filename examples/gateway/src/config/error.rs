//! What is wrong with a configuration, each with a code, a place and a suggestion.

use std::fmt;

/// Everything that is wrong with a configuration.
#[derive(Debug)]
pub(crate) struct ConfigError {
    problems: Vec<Problem>,
}

impl ConfigError {
    pub(crate) fn of(problem: Problem) -> Self {
        Self { problems: vec![problem] }
    }

    pub(crate) fn all(problems: Vec<Problem>) -> Self {
        Self { problems }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            writeln!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// Where in a file; line and column count from 1, and 0 says that they are not known.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) file: String,
    pub(crate) line: u64,
    pub(crate) column: u64,
}

/// One thing that is wrong.
#[derive(Debug)]
pub(crate) enum Problem {
    Stated {
        code: &'static str,
        text: String,
        at: Option<Place>,
        suggestion: Option<String>,
    },
    /// Shown as another part of the system words it.
    Rendered(String),
}

impl Problem {
    pub(crate) fn new(code: &'static str, text: impl Into<String>) -> Self {
        Self::Stated { code, text: text.into(), at: None, suggestion: None }
    }

    /// A fault of YAML, or a key or value that is not what it has to be.
    pub(crate) fn yaml(file: &str, error: &serde_saphyr::Error) -> Self {
        let text = error.without_snippet().to_string();
        let text = text.lines().next().unwrap_or_default();
        let text =
            text.split_once(": ").filter(|(place, _)| place.contains("line ")).map_or(text, |(_, text)| text);
        let text = text.strip_suffix(", set DuplicateKeyPolicy in Options if acceptable").unwrap_or(text);
        // The place is told in its own way.
        let text = text.rsplit_once(" at line ").map_or(text, |(text, _)| text);
        let (line, column) = error.location().map_or((0, 0), |at| (at.line(), at.column()));
        let problem = Self::new("G001", text).at(Place { file: file.to_owned(), line, column });
        match suggestion(text) {
            Some(suggestion) => problem.suggest(suggestion),
            None => problem,
        }
    }

    pub(crate) fn rendered(text: String) -> Self {
        Self::Rendered(text.trim_end().to_owned())
    }

    pub(crate) fn at(mut self, place: Place) -> Self {
        if let Self::Stated { at, .. } = &mut self {
            *at = Some(place);
        }
        self
    }

    pub(crate) fn suggest(mut self, text: impl Into<String>) -> Self {
        if let Self::Stated { suggestion, .. } = &mut self {
            *suggestion = Some(text.into());
        }
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rendered(text) => f.write_str(text),
            Self::Stated { code, text, at, suggestion } => {
                write!(f, "error[{code}]: {text}")?;
                if let Some(Place { file, line, column }) = at {
                    write!(f, "\n  --> {file}")?;
                    if *line > 0 {
                        write!(f, ":{line}:{column}")?;
                    }
                }
                match suggestion {
                    Some(suggestion) => write!(f, "\n  {suggestion}"),
                    None => Ok(()),
                }
            }
        }
    }
}

/// What was probably meant, where a fault lists what there is: "unknown field `maping`, expected one of mapping, to".
fn suggestion(text: &str) -> Option<String> {
    if text.starts_with("invalid u") || text.starts_with("invalid i") {
        return Some("write a whole number, without a unit".to_owned());
    }
    let (unknown, expected) = text.split_once(", expected ")?;
    let unknown = unknown.split('`').nth(1)?;
    let expected = expected.trim_start_matches("one of ");
    let known = expected.split(", ").map(|name| name.trim_matches('`'));
    let nearest = known.min_by_key(|name| distance(unknown, name))?;
    (distance(unknown, nearest) <= 2).then(|| format!("did you mean {nearest}?"))
}

/// How many letters have to be put in, taken out or exchanged to make one word of the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().take(64).enumerate() {
        let mut diagonal = row.first().copied().unwrap_or_default();
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (above, b) in row.iter_mut().skip(1).zip(&other) {
            let exchanged = diagonal + usize::from(a != *b);
            diagonal = *above;
            left = exchanged.min(diagonal + 1).min(left + 1);
            *above = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_suggested() {
        let cases = [
            ("unknown field `maping`, expected one of mapping, to, secrets", Some("did you mean mapping?")),
            ("unknown field `lane-key`, expected one of mllp, lane_key", Some("did you mean lane_key?")),
            ("unknown field `colour`, expected one of mllp, lane_key", None),
            ("missing field `data`", None),
        ];
        for (text, expected) in cases {
            assert_eq!(suggestion(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn distances_are_counted_in_letters() {
        for (one, other, expected) in [("", "", 0), ("a", "", 1), ("kitten", "sitting", 3), ("ab", "ba", 2)] {
            assert_eq!(distance(one, other), expected, "{one} {other}");
        }
    }
}
