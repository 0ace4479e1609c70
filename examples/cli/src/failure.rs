//! Why a command ends without success, and with which exit code.

use std::error::Error;
use std::fmt::Display;
use std::process::ExitCode;

/// A failure: what is told to the user, and the exit code.
pub(crate) struct Failure {
    text: String,
    code: u8,
}

impl Failure {
    /// Exit code 1: the answer is no.
    pub(crate) fn no(text: impl Display) -> Self {
        Self { text: lines(&text), code: 1 }
    }

    /// Exit code 1, when all has been told on standard output.
    pub(crate) fn told() -> Self {
        Self { text: String::new(), code: 1 }
    }

    /// Exit code 2: arguments that do not go together.
    pub(crate) fn arguments(text: impl Display) -> Self {
        Self { text: lines(&text), code: 2 }
    }

    /// Exit code 3: the input has mistakes.
    pub(crate) fn mistake(text: impl Display) -> Self {
        Self { text: lines(&text), code: 3 }
    }

    /// Exit code 4: a file or the network failed.
    pub(crate) fn outside(text: impl Display) -> Self {
        Self { text: lines(&text), code: 4 }
    }

    /// Exit code 4: whoever reads standard output has had enough, which is no news to them.
    pub(crate) fn closed() -> Self {
        Self { text: String::new(), code: 4 }
    }

    /// All failures as one: their texts in order, and the worst exit code, which is the highest.
    ///
    /// # Errors
    /// When there is one.
    pub(crate) fn all(failures: Vec<Self>) -> Result<(), Self> {
        match failures.iter().map(|failure| failure.code).max() {
            None => Ok(()),
            Some(code) => {
                Err(Self { text: failures.into_iter().map(|failure| failure.text).collect(), code })
            }
        }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

fn lines(text: &impl Display) -> String {
    format!("{}\n", text.to_string().trim_end())
}

/// The error with what is behind it, line by line.
pub(crate) fn told(why: &dyn Error) -> String {
    let mut text = why.to_string();
    let mut next = why.source();
    while let Some(cause) = next {
        text.push_str(&format!("\n  because: {cause}"));
        next = cause.source();
    }
    text
}
