//! What is filled in where the file says nothing: MSH, EVN and set IDs.

use super::Compiler;
use crate::error::MappingError;
use crate::plan::{FieldRule, Fill, Formula, LineBreaks, MessageType, Part, SegmentRule};
use crate::standard::{self, Layout, Version};
use crate::yaml::Node;
use hl7_core::profile::ProfileUsage;

/// Fields of MSH that every message has.
const HEADER: [(u16, Fill); 5] = [
    (7, Fill::Clock),
    (9, Fill::MessageType),
    (10, Fill::ControlId),
    (11, Fill::Production),
    (12, Fill::Version),
];

impl Compiler<'_> {
    /// The parts of the file with the header and the event in front, and what is filled in.
    pub(super) fn with_header(
        &mut self,
        parts: Vec<Part>,
        control_id: Option<&Node>,
        message: Option<&MessageType>,
        emit: Option<&Node>,
    ) -> Vec<Part> {
        let (headers, parts): (Vec<_>, Vec<_>) = parts.into_iter().partition(|part| is_segment(part, "MSH"));
        let mut header = match headers.into_iter().next() {
            Some(Part::Segment(header)) => header,
            _ => self.empty("MSH"),
        };
        header.required = true;
        self.control_id(&mut header, control_id);
        self.check_filled_in(&header, message, emit);
        for (number, fill) in HEADER {
            fill_in(&mut header, number, fill);
        }
        let (mut events, mut rest): (Vec<_>, Vec<_>) =
            parts.into_iter().partition(|part| is_segment(part, "EVN"));
        let has_event =
            self.layout.as_ref().is_some_and(|layout| !layout.places("EVN", Layout::ROOT).is_empty());
        if events.is_empty()
            && (has_event || message.is_some_and(|message| standard::has_event_segment(&message.kind)))
        {
            events.push(Part::Segment(self.empty("EVN")));
        }
        for event in &mut events {
            if let Part::Segment(event) = event {
                self.event(event);
            }
        }
        rest.iter_mut().for_each(|part| self.fill_set_ids(part));
        std::iter::once(Part::Segment(header)).chain(events).chain(rest).collect()
    }

    fn control_id(&mut self, header: &mut SegmentRule, node: Option<&Node>) {
        let Some(node) = node else { return };
        if header.fields.iter().any(|field| field.number == 10) {
            let message = "`control_id` and field 10 of MSH are the same place";
            self.error(MappingError::new("M113", node.place, message));
        }
        let repetitions = self.repetition("MSH-10", node, LineBreaks::Hex).into_iter().collect();
        insert(header, FieldRule { number: 10, repetitions, fill: None, repeats: false });
    }

    fn empty(&mut self, id: &str) -> SegmentRule {
        SegmentRule {
            id: id.to_owned(),
            line: 1,
            when: None,
            each: None,
            fields: Vec::new(),
            required: false,
            constant: true,
            repeats: false,
            counter: self.counter(id),
            restarts: Vec::new(),
        }
    }

    /// EVN-1 was required up to 2.2 and is kept for older receivers only since; EVN-2 is the time of MSH-7.
    fn event(&mut self, event: &mut SegmentRule) {
        event.required = event.when.is_none();
        if self.version <= Version::V2_2 && self.may_fill_in("EVN-1") {
            fill_in(event, 1, Fill::Event);
        }
        if self.may_fill_in("EVN-2") {
            fill_in(event, 2, Fill::MessageTime);
        }
    }

    fn fill_set_ids(&self, part: &mut Part) {
        match part {
            Part::Segment(rule) if standard::has_set_id(&rule.id) => {
                if self.may_fill_in(&format!("{}-1", rule.id)) {
                    fill_in(rule, 1, Fill::SetId);
                }
            }
            Part::Segment(_) => {}
            Part::Group(group) => group.parts.iter_mut().for_each(|part| self.fill_set_ids(part)),
        }
    }

    /// What the profile does not want is not filled in.
    fn may_fill_in(&self, place: &str) -> bool {
        self.said_of(place).is_none_or(|said| said.usage() != Some(ProfileUsage::NotAllowed))
    }

    /// What every message has in its header, where the file has no rule for it, against the profile.
    fn check_filled_in(&mut self, header: &SegmentRule, message: Option<&MessageType>, emit: Option<&Node>) {
        let (Some(_), Some(emit)) = (&self.profile, emit) else { return };
        for (number, fill) in HEADER {
            if header.fields.iter().any(|field| field.number == number && !field.repetitions.is_empty()) {
                continue;
            }
            let field = format!("MSH-{number}");
            let texts = match (fill, message) {
                (Fill::Production, _) => vec![(field, "P")],
                (Fill::Version, _) => vec![(field, self.version.text())],
                (Fill::MessageType, Some(message)) => message
                    .stated(self.version)
                    .enumerate()
                    .map(|(n, text)| (format!("{field}.{}", n + 1), text))
                    .collect(),
                _ => vec![(field, "")],
            };
            for (place, text) in texts {
                if let Ok(path) = place.parse() {
                    self.check_allowed(&path, true, emit.place);
                }
                if !text.is_empty() {
                    self.check_said(&place, &Formula::of_text(text), emit.place);
                }
            }
        }
    }
}

fn is_segment(part: &Part, id: &str) -> bool {
    matches!(part, Part::Segment(rule) if rule.id == id)
}

fn fill_in(rule: &mut SegmentRule, number: u16, fill: Fill) {
    match rule.fields.iter_mut().find(|field| field.number == number) {
        Some(field) => field.fill = Some(fill),
        None => {
            let (repetitions, fill) = (Vec::new(), Some(fill));
            insert(rule, FieldRule { number, repetitions, fill, repeats: false });
        }
    }
}

fn insert(rule: &mut SegmentRule, field: FieldRule) {
    rule.fields.push(field);
    rule.fields.sort_by_key(|field| field.number);
}
