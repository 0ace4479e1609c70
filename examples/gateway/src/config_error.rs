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
        let options = serde_saphyr::render_options! { source_name: Some(file) };
        Self::Rendered(format!("error[G001]: {}", error.render_with_options(options)))
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
