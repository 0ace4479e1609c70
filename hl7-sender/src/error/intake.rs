//! Why an intake was not built.

use super::display;

/// Why an intake was not built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntakeError {
    kind: IntakeErrorKind,
}

/// The kinds of [`IntakeError`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum IntakeErrorKind {
    /// S141: the router names a destination that the sender does not have.
    UnknownDestination,
    /// S142: a rule of the router names no destination.
    NoDestination,
    /// S143: the router has no rule.
    NoRule,
    /// S144: the router has more than [`crate::Router::MAX_RULES`] rules.
    TooManyRules,
    /// S145: the origin is longer than 128 bytes.
    OriginTooLong,
    /// S146: the time for a commit is zero.
    Timeout,
}

impl IntakeError {
    pub(crate) fn new(kind: IntakeErrorKind) -> Self {
        Self { kind }
    }

    /// What is wrong.
    pub fn kind(&self) -> IntakeErrorKind {
        self.kind
    }

    /// The stable code, `S141` to `S146`.
    pub fn code(&self) -> &'static str {
        self.parts().0
    }

    /// What to do about it.
    pub fn suggestion(&self) -> &'static str {
        self.parts().2
    }

    fn parts(&self) -> (&'static str, &'static str, &'static str) {
        use IntakeErrorKind as K;
        match self.kind {
            K::UnknownDestination => (
                "S141",
                "the router names a destination that the sender does not have",
                "add it to the sender",
            ),
            K::NoDestination => ("S142", "a rule of the router names no destination", "name at least one"),
            K::NoRule => ("S143", "the router has no rule", "give it one; `Router::to` takes everything"),
            K::TooManyRules => ("S144", "the router has more than 1,000 rules", "join conditions with `or`"),
            K::OriginTooLong => ("S145", "the origin is longer than 128 bytes", "use a short name"),
            K::Timeout => ("S146", "the time for a commit is zero", "give it time"),
        }
    }
}

display!(IntakeError, _error => None::<&str>);

impl std::error::Error for IntakeError {}
