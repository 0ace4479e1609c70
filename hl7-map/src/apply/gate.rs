//! Which messages a mapping takes, and which it drops.

use hl7_core::{Message, path};

use super::{Record, Run};
use crate::applied::Applied;
use crate::plan::{Accept, Gate, SourceMessage};
use crate::standard::Version;
use crate::value::Fault;

impl<'v, R: Record> Run<'v, R> {
    /// Notes what the mapping does not accept; what it drops is given back.
    pub(super) fn gate(&mut self, gate: &'v Gate, message: &Message<'_>) -> Option<Applied> {
        self.accept(&gate.accept, message);
        if !self.refused.is_empty() {
            return None;
        }
        let found = gate.drops.iter().find(|drops| {
            let holds = self.scope.test(&drops.when);
            self.noted(holds, "MSH", drops.line, false)
        });
        found.map(|drops| Applied::Dropped { reason: drops.reason.clone() })
    }

    fn accept(&mut self, accepts: &[Accept], message: &Message<'_>) {
        for accept in accepts {
            let text = |text: &str| accept.texts.iter().any(|accepted| accepted == text);
            if !message.get_all(&accept.path).any(|value| text(&value.text())) {
                let fault =
                    Fault::new("M216", "the mapping does not accept messages with another value here");
                self.refuse(fault, Some(&accept.path.to_string()), accept.line);
            }
        }
    }

    /// The type, the event and the version that the mapping reads.
    pub(super) fn check_source(&mut self, source: &SourceMessage, message: &Message<'_>) {
        let is = |path, text: &str| message.get(path).is_some_and(|value| value.text() == text);
        if !is(path!("MSH-9.1"), &source.kind) || !is(path!("MSH-9.2"), &source.event) {
            let what = format!("the mapping reads {}^{}", source.kind, source.event);
            self.refuse(Fault::new("M216", what), Some("MSH-9"), source.line);
        }
        let version = message.get(path!("MSH-12.1")).and_then(|value| Version::of(&value.text()));
        let (from, to) = source.versions;
        if !version.is_some_and(|version| (from..=to).contains(&version)) {
            let what = match from == to {
                true => format!("the mapping reads HL7 {}", from.text()),
                false => format!("the mapping reads HL7 {} to {}", from.text(), to.text()),
            };
            let fault = Fault::new("M216", what).suggest("other versions are taken with `accept_versions`");
            self.refuse(fault, Some("MSH-12"), source.line);
        }
    }
}
