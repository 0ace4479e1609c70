//! Conformance profiles in XML, as the NIST's tools (IGAMT) write them, as far as they are a profile here.

mod element;

use std::collections::HashMap;
use std::ops::RangeInclusive;

use element::Node;

use super::Profile;
use super::error::{ProfileError, ProfileErrors};
use super::rules::{PartRules, Rules, SegmentRules, Times, UsageRule, Wanted};
use crate::dictionary::{Dictionary, Element, Usage, Version};
use crate::document::{Place, shortened};

/// A profile that was read, and what of the file it does not say.
#[derive(Clone, Debug)]
pub struct ConformanceProfile {
    /// The profile of the message.
    pub profile: Profile,
    /// What was left out, in the order of the file; of more than 1,000 things the first.
    pub unmapped: Vec<Unmapped>,
}

/// Something of a conformance profile that the profile does not say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unmapped {
    /// The line of the file.
    pub line: usize,
    /// What it is, such as `a condition of PID-29`.
    pub what: String,
}

/// The most that is told to be left out.
const MOST: usize = 1_000;
/// How many fields and components a profile describes at most, with the data types of each written out: those of a whole guide are some ten thousand.
const MAX_PARTS: usize = 200_000;

impl Profile {
    /// Reads a conformance profile in XML (`ConformanceProfile` with `Messages`, `Segments` and `Datatypes`): the profile of the message with this `ID`, or
    /// of the only one.
    ///
    /// What is read: the version, the message's type and event; usage and cardinality of segments in their groups; usage, cardinality and length of
    /// fields, and usage and length of components, through the flavours of data types. What is not, and is told: usage and cardinality
    /// of groups, conditions and value sets, which stand in other files, other data types than the standard's, and dynamic mappings.
    ///
    /// # Errors
    /// When the text is no well-formed XML, declares a document type, is larger than 16 MiB or deeper than 32 elements, is something else, or has no
    /// such message.
    ///
    /// ```
    /// use hl7_core::{Message, Profile, validate};
    ///
    /// let xml = r#"<ConformanceProfile ID="p" HL7Version="2.5.1"><MetaData Name="Site"/>
    ///   <Messages><Message ID="m" Type="ADT" Event="A08" StructID="ADT_A01">
    ///     <Segment Ref="PID_1" Usage="R" Min="1" Max="1"/>
    ///   </Message></Messages>
    ///   <Segments><Segment ID="PID_1" Name="PID">
    ///     <Field Name="Set ID" Datatype="SI" Usage="X" Min="0" Max="1" MinLength="1" MaxLength="4"/>
    ///   </Segment></Segments><Datatypes><Datatype ID="SI" Name="SI"/></Datatypes></ConformanceProfile>"#;
    /// let read = Profile::from_conformance_xml(xml, None)?;
    /// assert_eq!((read.profile.name(), read.unmapped.len()), ("Site", 0));
    /// let msg = Message::parse("MSH|^~\\&|A|B|C|D|2026||ADT^A08^ADT_A01|1|P|2.5.1\rEVN||2026\rPID|1||7||Doe\rPV1|1|I\r")?;
    /// let found = validate(&msg, &read.profile);
    /// assert_eq!(found.iter().next().unwrap().to_string(), "V305 at PID[1]-1: nothing may be valued here (profile, line 6)");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_conformance_xml(
        xml: &str,
        message: Option<&str>,
    ) -> Result<ConformanceProfile, ProfileErrors> {
        let one = |error| ProfileErrors::new(vec![error]);
        let root = element::read(xml).map_err(one)?;
        if root.name != "ConformanceProfile" {
            let what = format!(
                "a conformance profile begins with ConformanceProfile, not with {}",
                shortened(&root.name)
            );
            return Err(one(ProfileError::new("R019", place(root.line), what)));
        }
        let chosen = chosen(&root, message).map_err(one)?;
        let mut reading = Reading::of(&root);
        let rules = reading.rules(&root, chosen);
        if reading.left == 0 {
            let what = "the message has more than 200,000 fields and components, data types written out";
            return Err(one(ProfileError::new("R002", place(chosen.line), what)));
        }
        Ok(ConformanceProfile { profile: Profile { rules: rules.into() }, unmapped: reading.unmapped })
    }
}

fn place(line: usize) -> Place {
    Place { line, column: 1, width: 1, is_key: false }
}

fn chosen<'n>(root: &'n Node, id: Option<&str>) -> Result<&'n Node, ProfileError> {
    let messages = || root.inside("Messages").filter(|node| node.name == "Message");
    let found = match id {
        Some(id) => messages().find(|node| node.attribute("ID") == Some(id)),
        None => messages().next().filter(|_| messages().count() == 1),
    };
    found.ok_or_else(|| {
        let known: Vec<_> = messages().filter_map(|node| node.attribute("ID")).map(shortened).collect();
        let error = ProfileError::new(
            "R020",
            place(root.line),
            "there is no such message, or several and none is named",
        );
        error.suggest(Some(format!("the messages are {}", known.join(", "))))
    })
}

struct Reading<'n> {
    dictionary: Dictionary,
    version: Option<Version>,
    segments: HashMap<&'n str, &'n Node>,
    types: HashMap<&'n str, &'n Node>,
    unmapped: Vec<Unmapped>,
    /// How many fields and components may still be described: flavours of data types are written out wherever they are used.
    left: usize,
    told_of_conf_length: bool,
}

impl<'n> Reading<'n> {
    fn of(root: &'n Node) -> Self {
        let by_id = |list: &str, name: &str| -> HashMap<&'n str, &'n Node> {
            let nodes = root.inside(list).filter(|node| node.name == name);
            nodes.filter_map(|node| Some((node.attribute("ID")?, node))).collect()
        };
        let version = root.attribute("HL7Version").and_then(Version::of);
        Self {
            dictionary: Dictionary::of(version.unwrap_or(Version::V2_5_1)),
            version,
            segments: by_id("Segments", "Segment"),
            types: by_id("Datatypes", "Datatype"),
            unmapped: Vec::new(),
            left: MAX_PARTS,
            told_of_conf_length: false,
        }
    }

    fn left_out(&mut self, line: usize, what: String) {
        if self.unmapped.len() < MOST {
            self.unmapped.push(Unmapped { line, what });
        }
    }

    fn rules(&mut self, root: &'n Node, message: &'n Node) -> Rules {
        let meta = root.children.iter().find(|node| node.name == "MetaData");
        let name =
            meta.and_then(|meta| meta.attribute("Name")).or(message.attribute("ID")).unwrap_or_default();
        let mut rules = Rules { name: name.to_owned(), version: self.version, ..Rules::default() };
        if self.version.is_none() {
            self.left_out(root.line, "HL7Version, which is not known".to_owned());
        }
        for (path, attribute) in [("MSH-9.1", "Type"), ("MSH-9.2", "Event")] {
            if let (Ok(path), Some(value)) = (path.parse(), message.attribute(attribute)) {
                rules.applies.push((path, vec![value.to_owned()]));
            }
        }
        let structure = message.attribute("StructID").map(str::to_owned).or_else(|| self.structure(message));
        if structure.is_none() {
            self.left_out(
                message.line,
                "what is said of segments outside groups: there is no StructID".to_owned(),
            );
        }
        let mut found = Vec::new();
        self.members(message, structure.as_deref().unwrap_or_default(), &mut found);
        rules.segments = self.merged(found);
        rules
    }

    /// The structure that the standard has for the message.
    fn structure(&self, message: &Node) -> Option<String> {
        let (kind, event) = (message.attribute("Type")?, message.attribute("Event")?);
        Some(self.dictionary.structure_of(kind, event)?.name().to_owned())
    }

    fn members(&mut self, node: &'n Node, group: &str, found: &mut Vec<(&'n str, SegmentRules)>) {
        for child in &node.children {
            match child.name.as_str() {
                "Segment" => found.extend(self.segment(child, group)),
                "Group" => {
                    let name = child.attribute("Name").unwrap_or_default();
                    let name = name.rsplit('.').next().unwrap_or_default();
                    let is_free =
                        child.attribute("Usage") == Some("O") && child.attribute("Max") == Some("*");
                    if !is_free {
                        self.left_out(
                            child.line,
                            format!("usage and cardinality of the group {}", shortened(name)),
                        );
                    }
                    self.members(child, name, found);
                }
                other => self.left_out(child.line, format!("{} of the message", shortened(other))),
            }
        }
    }

    /// The rules of a reference, and what it refers to.
    fn segment(&mut self, reference: &'n Node, group: &str) -> Option<(&'n str, SegmentRules)> {
        let ref_id = reference.attribute("Ref")?;
        let Some(node) = self.segments.get(ref_id).copied() else {
            self.left_out(
                reference.line,
                format!("the segment {}, which the file does not describe", shortened(ref_id)),
            );
            return None;
        };
        let id = node.attribute("Name").unwrap_or(ref_id);
        if id.len() != 3 {
            self.left_out(node.line, format!("the segment {}, which has no ID", shortened(id)));
            return None;
        }
        let definition = self.dictionary.segment(id);
        let mut fields = Vec::new();
        for (at, field) in node.children.iter().filter(|child| child.name == "Field").enumerate() {
            let number = at + 1;
            if id == "MSH" && number <= 2 {
                continue;
            }
            let element = definition.and_then(|segment| segment.field(number));
            fields.extend(self.part(field, number, element, &format!("{id}-{number}"), 0));
        }
        for other in node.children.iter().filter(|child| child.name != "Field") {
            self.left_out(other.line, format!("{} of {id}", shortened(&other.name)));
        }
        let rules = SegmentRules {
            id: id.to_owned(),
            line: reference.line as u32,
            group: Some(group.to_owned()),
            after: Vec::new(),
            times: self.times(reference, id),
            fields,
            is_standard: definition.is_some(),
        };
        Some((ref_id, rules))
    }

    /// A field or component; `None` where it says no more than the standard.
    fn part(
        &mut self,
        node: &'n Node,
        number: usize,
        element: Option<Element>,
        path: &str,
        depth: usize,
    ) -> Option<PartRules> {
        self.left = self.left.saturating_sub(1);
        if self.left == 0 {
            return None;
        }
        let wanted = self.wanted(node, path);
        let flavour = node.attribute("Datatype").and_then(|id| self.types.get(id).copied());
        let base = flavour.and_then(|node| node.attribute("Name")).or(node.attribute("Datatype"));
        let standard = element.and_then(Element::data_type);
        let own = base.and_then(|base| self.dictionary.data_type(base));
        if let (Some(standard), Some(own)) = (standard, own)
            && standard.id() != own.id()
            && standard.id() != "varies"
        {
            self.left_out(node.line, format!("the data type {} of {path}", own.id()));
        }
        for attribute in ["Binding", "Table"] {
            if let Some(set) = node.attribute(attribute) {
                self.left_out(node.line, format!("the value set {} of {path}", shortened(set)));
            }
        }
        if node.attribute("ConfLength").is_some_and(|length| !matches!(length, "" | "NA"))
            && !std::mem::replace(&mut self.told_of_conf_length, true)
        {
            self.left_out(node.line, format!("ConfLength, at first that of {path}"));
        }
        let is_primitive = standard.or(own).is_none_or(|kind| kind.is_primitive());
        let kind = standard.or(own);
        let mut parts = Vec::new();
        // A subcomponent has no parts.
        let components = flavour.filter(|_| depth < 2).into_iter().flat_map(|node| &node.children);
        for (at, component) in components.filter(|child| child.name == "Component").enumerate() {
            let inner = kind.and_then(|kind| kind.component(at + 1));
            let path = format!("{path}.{}", at + 1);
            parts.extend(self.part(component, at + 1, inner, &path, depth + 1));
        }
        let says_usage = wanted != Wanted::Optional
            || element.is_some_and(|element| matches!(element.usage(), Usage::Required | Usage::Withdrawn));
        let part = PartRules {
            number,
            line: node.line as u32,
            usage: says_usage.then_some(UsageRule::Always(wanted)),
            times: self.times(node, path).filter(|_| depth == 0 && wanted != Wanted::NotAllowed),
            constant: node.attribute("ConstantValue").filter(|text| !text.is_empty()).map(str::to_owned),
            length: length(node).filter(|_| is_primitive),
            data_type: own.filter(|_| element.is_none()),
            parts,
            ..PartRules::default()
        };
        let says_something = part.usage.is_some()
            || part.times.is_some()
            || part.length.is_some()
            || part.constant.is_some()
            || part.data_type.is_some()
            || !part.parts.is_empty();
        says_something.then_some(part)
    }

    /// A segment may stand at several places of a group, each with its own numbers: what counts is how often it stands there in all.
    fn merged(&mut self, found: Vec<(&'n str, SegmentRules)>) -> Vec<SegmentRules> {
        let mut places: HashMap<(Option<String>, String), usize> = HashMap::new();
        let mut all: Vec<(&str, SegmentRules)> = Vec::new();
        for (described, segment) in found {
            let place = *places.entry((segment.group.clone(), segment.id.clone())).or_insert(all.len());
            let Some((first_described, first)) = all.get_mut(place) else {
                all.push((described, segment));
                continue;
            };
            first.times = first.times.zip(segment.times).map(|(a, b)| Times {
                least: a.least.saturating_add(b.least),
                most: a.most.saturating_add(b.most),
                line: a.line,
            });
            if *first_described != described && !first.fields.is_empty() {
                // What only one of them says cannot be asked of all.
                first.fields = Vec::new();
                let what =
                    format!("the fields of {}, described differently at two places of a group", segment.id);
                self.left_out(segment.line as usize, what);
            }
        }
        all.into_iter().map(|(_, segment)| segment).collect()
    }

    /// `Min` and `Max`; none or any number are no rule, and what a condition decides may be missing.
    fn times(&mut self, node: &Node, path: &str) -> Option<Times> {
        let usage = node.attribute("Usage").unwrap_or("O");
        let least = self.number(node, "Min", path).unwrap_or(0);
        let most = self.number(node, "Max", path).unwrap_or(u32::MAX);
        let (least, most) = match usage {
            "X" | "W" => (0, 0),
            "R" => (least.max(1), most),
            usage if usage.starts_with('C') => (0, most),
            _ => (least, most),
        };
        let says_something = least <= most && (least, most) != (0, u32::MAX);
        says_something.then_some(Times { least, most, line: node.line as u32 })
    }

    /// A number; `*` is none.
    fn number(&mut self, node: &Node, name: &str, path: &str) -> Option<u32> {
        let text = node.attribute(name).filter(|text| *text != "*")?;
        let number = text.parse().ok();
        if number.is_none() {
            self.left_out(node.line, format!("{name} of {path}, which is no number"));
        }
        number
    }

    fn wanted(&mut self, node: &Node, path: &str) -> Wanted {
        match node.attribute("Usage").unwrap_or("O") {
            "R" => Wanted::Required,
            "X" | "W" => Wanted::NotAllowed,
            usage => {
                if usage.starts_with('C') {
                    self.left_out(node.line, format!("the condition of {path}"));
                }
                Wanted::Optional
            }
        }
    }
}

fn length(node: &Node) -> Option<RangeInclusive<u32>> {
    let number = |name: &str| node.attribute(name).and_then(|text| text.parse::<u32>().ok());
    let (least, most) = (number("MinLength").unwrap_or(0), number("MaxLength").unwrap_or(u32::MAX));
    (least <= most && (least > 1 || most < u32::MAX)).then_some(least..=most)
}
