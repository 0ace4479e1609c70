//! What is filled in where no rule gives a value.

use super::{Record, Run};
use crate::leaf;
use crate::plan::{Build, FieldRule, Fill, SegmentRule};
use crate::value::Fault;

impl<R: Record> Run<'_, R> {
    /// Keeps what other fields depend on.
    pub(super) fn remember(&mut self, rule: &SegmentRule, field: &FieldRule, start: usize) {
        match field.number {
            7 if rule.id == "MSH" => self.time = start..self.out.len(),
            2 if rule.id == "OBX" => self.formatted = self.out.get(start..) == Some("FT"),
            _ => {}
        }
    }

    pub(super) fn fill(&mut self, rule: &SegmentRule, field: &FieldRule) {
        match field.fill {
            Some(Fill::Clock) => self.out.push_str(self.clock.text()),
            Some(Fill::MessageType) => self.message_type(),
            Some(Fill::ControlId) if self.ctx.control_id.is_empty() => {
                let fault =
                    Fault::new("M208", "there is no control ID: neither the file nor the caller gives one");
                self.refuse(fault, Some("MSH-10"), rule.line);
            }
            Some(Fill::ControlId) => {
                let start = self.out.len();
                leaf::push(&mut self.out, &self.ctx.control_id, false);
                self.check_charset(start, "MSH-10", rule.line);
            }
            Some(Fill::Production) => self.out.push('P'),
            Some(Fill::Version) => self.out.push_str(self.build.map_or("", |build| build.version.text())),
            Some(Fill::Event) => self.out.push_str(self.build.map_or("", |build| &build.message.event)),
            Some(Fill::MessageTime) => {
                let time = self.out.get(self.time.clone()).unwrap_or_default().to_owned();
                self.out.push_str(&time);
            }
            Some(Fill::SetId) => {
                let before = self.counts.of(rule.counter).numbered;
                self.out.push_str(&(before + 1).to_string());
            }
            None => {}
        }
    }

    fn message_type(&mut self) {
        let Some(Build { message, version, .. }) = self.build else { return };
        for (n, part) in message.stated(*version).enumerate() {
            self.out.push_str(if n == 0 { "" } else { "^" });
            self.out.push_str(part);
        }
    }
}
