//! The groups and segments of message structures, in their order.
//!
//! Each structure of the dictionary as one list, so that places in it are compared as numbers.

use hl7_core::dictionary::Group;

use super::Version;

/// A structure: the message itself first, then everything in it in order, groups before what is in them.
pub(crate) struct Layout {
    elements: Vec<Element>,
}

/// A segment or a group of a structure.
pub(crate) struct Element {
    pub(crate) name: &'static str,
    pub(crate) is_group: bool,
    /// It stands in every instance of what it is in.
    pub(crate) required: bool,
    pub(crate) repeats: bool,
    /// The place of the group it is in.
    pub(crate) parent: usize,
    /// The place behind the last element in it.
    end: usize,
}

/// The place of an element; [`Layout::ROOT`] is the message.
pub(crate) type At = usize;

impl Layout {
    pub(crate) const ROOT: At = 0;

    /// The structure of this name in a version, where the version has it.
    pub(crate) fn of(structure: &str, version: Version) -> Option<Self> {
        let structure = version.dictionary().structure(structure)?;
        let (name, required, repeats) = (structure.name(), true, false);
        let mut layout = Self { elements: Vec::new() };
        layout.add(
            Element { name, is_group: true, required, repeats, parent: 0, end: 0 },
            Some(structure.root()),
        );
        Some(layout)
    }

    /// Adds an element and, of a group, what is in it. Of a choice one part stands, so that none has to.
    fn add(&mut self, element: Element, group: Option<Group>) {
        let at = self.elements.len();
        self.elements.push(element);
        let Some(group) = group else { return };
        for part in group.parts().filter(|part| !part.is_open()) {
            let inner = Element {
                name: part.name(),
                is_group: part.group().is_some(),
                required: part.is_required() && !group.is_choice(),
                repeats: part.repeats(),
                parent: at,
                end: self.elements.len() + 1,
            };
            self.add(inner, part.group());
        }
        let end = self.elements.len();
        if let Some(group) = self.elements.get_mut(at) {
            group.end = end;
        }
    }

    pub(crate) fn element(&self, at: At) -> Option<&Element> {
        self.elements.get(at)
    }

    /// The name of a group; of the message that of its structure.
    pub(crate) fn name(&self, at: At) -> &'static str {
        self.element(at).map_or("", |element| element.name)
    }

    /// Everything in a group, what is in its groups included.
    pub(crate) fn within(&self, group: At) -> impl Iterator<Item = (At, &Element)> + Clone {
        let end = self.element(group).map_or(0, |group| group.end);
        self.elements.iter().enumerate().take(end).skip(group + 1)
    }

    /// The places of a segment in a group: directly, or else in the groups in it.
    pub(crate) fn places(&self, segment: &str, group: At) -> Vec<At> {
        let all = self.within(group).filter(|(_, element)| !element.is_group && element.name == segment);
        let direct: Vec<At> =
            all.clone().filter(|(_, element)| element.parent == group).map(|(at, _)| at).collect();
        if direct.is_empty() { all.map(|(at, _)| at).collect() } else { direct }
    }

    /// The groups of this name in a group, at any depth.
    pub(crate) fn groups(&self, name: &str, group: At) -> impl Iterator<Item = At> {
        self.within(group)
            .filter(move |(_, element)| element.is_group && element.name == name)
            .map(|(at, _)| at)
    }

    /// Whether the element stands in every instance of `group`.
    pub(crate) fn is_required(&self, at: At, group: At) -> bool {
        let mut at = at;
        while at != group {
            match self.element(at) {
                Some(element) if element.required => at = element.parent,
                _ => return false,
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oru() -> Layout {
        Layout::of("ORU_R01", Version::V2_5_1).expect("a structure")
    }

    #[test]
    fn groups_and_what_is_in_them() {
        let oru = oru();
        let order = oru.groups("ORDER_OBSERVATION", Layout::ROOT).next().expect("a group");
        let names: Vec<_> = oru.within(order).map(|(_, element)| element.name).collect();
        assert_eq!(
            names,
            [
                "ORC",
                "OBR",
                "NTE",
                "TIMING_QTY",
                "TQ1",
                "TQ2",
                "CTD",
                "OBSERVATION",
                "OBX",
                "NTE",
                "FT1",
                "CTI",
                "SPECIMEN",
                "SPM",
                "OBX"
            ]
        );
        assert_eq!(oru.name(Layout::ROOT), "ORU_R01");
        assert_eq!(oru.within(Layout::ROOT).last().map(|(_, element)| element.name), Some("DSC"));
    }

    #[test]
    fn a_segment_stands_directly_in_a_group_or_else_in_the_groups_in_it() {
        let oru = oru();
        let parents = |segment: &str, group: &str| -> Vec<&str> {
            let group = oru.groups(group, Layout::ROOT).next().unwrap_or(Layout::ROOT);
            let places = oru.places(segment, group).into_iter();
            places.filter_map(|at| oru.element(at)).map(|element| oru.name(element.parent)).collect()
        };
        assert_eq!(parents("NTE", "ORDER_OBSERVATION"), ["ORDER_OBSERVATION"]);
        assert_eq!(parents("NTE", ""), ["PATIENT", "ORDER_OBSERVATION", "OBSERVATION"]);
        assert_eq!(parents("OBX", "ORDER_OBSERVATION"), ["OBSERVATION", "SPECIMEN"]);
        assert!(parents("EVN", "").is_empty());
    }

    #[test]
    fn what_is_required() {
        let oru = oru();
        let required = |segment: &str, group: &str| {
            let group = oru.groups(group, Layout::ROOT).next().unwrap_or(Layout::ROOT);
            oru.places(segment, group).first().is_some_and(|at| oru.is_required(*at, group))
        };
        assert!(required("OBR", "ORDER_OBSERVATION") && required("OBR", "") && required("PID", "PATIENT"));
        assert!(
            !required("PID", "")
                && !required("OBX", "ORDER_OBSERVATION")
                && !required("ORC", "ORDER_OBSERVATION")
        );
    }
}
