//! Which destinations a message goes to.

use hl7_core::{Condition, Message};

use crate::error::IntakeErrorKind;

/// Rules, each with a condition and the destinations of the messages for which it holds.
///
/// ```
/// use hl7_core::Message;
/// use hl7_sender::Router;
///
/// let router = Router::all_matches()
///     .when("MSH-9.1 == ADT".parse()?, ["ehr", "lab"])
///     .when("MSH-9.1 == ORU and OBX[*]-8 in (H L)".parse()?, ["ehr", "alerts"])
///     .always(["archive"]);
/// let msg = Message::parse("MSH|^~\\&|A||||||ADT^A08|m-1|P|2.5.1\r")?;
/// assert_eq!(router.destinations(&msg), ["ehr", "lab", "archive"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Router {
    first_only: bool,
    rules: Vec<Rule>,
    unrouted: Unrouted,
}

#[derive(Clone, Debug)]
struct Rule {
    /// Without one it always holds.
    condition: Option<Condition>,
    destinations: Vec<String>,
}

/// What becomes of a message for which no rule holds. It is never dropped: its sender is told, or a person can look at it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Unrouted {
    /// It is refused: `AR` (`CR` where the message asks for an accept acknowledgment), with code 200 of table 0357. So unless stated, because a positive answer
    /// for what nobody gets would hide a rule that is missing.
    #[default]
    Refuse,
    /// It is taken, and kept as a dead letter of this destination with the reason [`crate::DeadLetterReason::Unrouted`]: it is among
    /// [`crate::Sender::dead_letters`], and [`crate::Sender::replay`] sends it there.
    DeadLetter(String),
}

impl Router {
    /// The most rules: each is asked for each message.
    pub const MAX_RULES: usize = 1_000;

    /// Each rule that holds gives its destinations.
    pub fn all_matches() -> Self {
        Self { first_only: false, rules: Vec::new(), unrouted: Unrouted::Refuse }
    }

    /// The first rule that holds gives its destinations, and no other.
    pub fn first_match() -> Self {
        Self { first_only: true, ..Self::all_matches() }
    }

    /// Every message goes to these.
    pub fn to<D: Into<String>>(destinations: impl IntoIterator<Item = D>) -> Self {
        Self::all_matches().always(destinations)
    }

    /// Adds a rule: messages for which this holds go to these.
    pub fn when<D: Into<String>>(
        self,
        condition: Condition,
        destinations: impl IntoIterator<Item = D>,
    ) -> Self {
        self.rule(Some(condition), destinations)
    }

    /// Adds a rule that always holds; as the last one of [`Router::first_match`] it is for all the others.
    pub fn always<D: Into<String>>(self, destinations: impl IntoIterator<Item = D>) -> Self {
        self.rule(None, destinations)
    }

    /// What becomes of a message for which no rule holds. It is refused unless stated.
    pub fn unrouted(mut self, unrouted: Unrouted) -> Self {
        self.unrouted = unrouted;
        self
    }

    /// Where this message goes: each destination once, in the order of the rules. Empty when no rule holds.
    pub fn destinations(&self, message: &Message<'_>) -> Vec<&str> {
        let holds = |rule: &&Rule| rule.condition.as_ref().is_none_or(|condition| condition.holds(message));
        let most = if self.first_only { 1 } else { self.rules.len() };
        let mut found: Vec<&str> = Vec::new();
        for name in self.rules.iter().filter(holds).take(most).flat_map(|rule| &rule.destinations) {
            if !found.contains(&name.as_str()) {
                found.push(name);
            }
        }
        found
    }

    pub(crate) fn for_the_rest(&self) -> &Unrouted {
        &self.unrouted
    }

    /// Whether it is usable with the destinations that there are.
    pub(crate) fn check(&self, is_known: impl Fn(&str) -> bool) -> Result<(), IntakeErrorKind> {
        if self.rules.is_empty() {
            return Err(IntakeErrorKind::NoRule);
        }
        if self.rules.len() > Self::MAX_RULES {
            return Err(IntakeErrorKind::TooManyRules);
        }
        if self.rules.iter().any(|rule| rule.destinations.is_empty()) {
            return Err(IntakeErrorKind::NoDestination);
        }
        let rest = match &self.unrouted {
            Unrouted::Refuse => None,
            Unrouted::DeadLetter(name) => Some(name),
        };
        let mut names = self.rules.iter().flat_map(|rule| &rule.destinations).chain(rest);
        if names.all(|name| is_known(name)) { Ok(()) } else { Err(IntakeErrorKind::UnknownDestination) }
    }

    fn rule<D: Into<String>>(
        mut self,
        condition: Option<Condition>,
        destinations: impl IntoIterator<Item = D>,
    ) -> Self {
        let destinations = destinations.into_iter().map(Into::into).collect();
        self.rules.push(Rule { condition, destinations });
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(router: Router) -> Result<Router, hl7_core::ConditionError> {
        Ok(router
            .when("MSH-9.1 == ADT".parse()?, ["ehr", "lab"])
            .when("PID-8 == F".parse()?, ["lab", "study"]))
    }

    fn routes(router: &Router, text: &str) -> Option<String> {
        Message::parse(text).ok().map(|message| router.destinations(&message).join(" "))
    }

    #[test]
    fn all_or_the_first_that_hold() -> Result<(), hl7_core::ConditionError> {
        let cases = [
            ("MSH|^~\\&|A||||||ADT^A08\rPID|1|||||||F\r", "ehr lab study", "ehr lab"),
            ("MSH|^~\\&|A||||||ORU^R01\rPID|1|||||||F\r", "lab study", "lab study"),
            ("MSH|^~\\&|A||||||ORU^R01\rPID|1|||||||M\r", "", ""),
        ];
        let (all, first) = (rules(Router::all_matches())?, rules(Router::first_match())?);
        for (text, by_all, by_first) in cases {
            assert_eq!(routes(&all, text).as_deref(), Some(by_all));
            assert_eq!(routes(&first, text).as_deref(), Some(by_first));
            assert_eq!(routes(&rules(Router::first_match().always(["x"]))?, text).as_deref(), Some("x"));
        }
        assert_eq!(routes(&first.always(["rest"]), cases[2].0).as_deref(), Some("rest"));
        Ok(())
    }

    #[test]
    fn what_is_not_usable_is_told() -> Result<(), hl7_core::ConditionError> {
        let known = |name: &str| matches!(name, "ehr" | "lab");
        let unrouted = |name: &str| Unrouted::DeadLetter(name.to_owned());
        let many = (0..=Router::MAX_RULES).fold(Router::all_matches(), |router, _| router.always(["ehr"]));
        let cases = [
            (Router::to(["ehr", "lab"]), None),
            (Router::to(["ehr"]).unrouted(unrouted("lab")), None),
            (Router::first_match(), Some(IntakeErrorKind::NoRule)),
            (Router::to([""; 0]), Some(IntakeErrorKind::NoDestination)),
            (rules(Router::all_matches())?, Some(IntakeErrorKind::UnknownDestination)),
            (Router::to(["ehr"]).unrouted(unrouted("his")), Some(IntakeErrorKind::UnknownDestination)),
            (many, Some(IntakeErrorKind::TooManyRules)),
        ];
        for (router, wrong) in cases {
            assert_eq!(router.check(known).err(), wrong);
        }
        Ok(())
    }
}
