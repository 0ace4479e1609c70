//! The tables agree with themselves, and with facts of the standard that were looked up by hand.

mod facts;

use std::collections::BTreeSet;

use hl7_core::Message;
use hl7_core::dictionary::{DataType, Dictionary, Element, Group, TableKind, Usage, Version};

fn dictionaries() -> impl Iterator<Item = Dictionary> {
    Version::ALL.into_iter().map(Dictionary::of)
}

/// Every field and component of a version, with where it stands.
fn elements(dictionary: Dictionary) -> Vec<(String, Element)> {
    let fields =
        dictionary.segments().flat_map(|segment| segment.fields().map(move |field| (segment.id(), field)));
    let components = dictionary
        .data_types()
        .flat_map(|composite| composite.components().map(move |component| (composite.id(), component)));
    fields.chain(components).map(|(id, element)| (format!("{id}-{}", element.number()), element)).collect()
}

fn groups(dictionary: Dictionary) -> Vec<(String, Group)> {
    let mut found = Vec::new();
    for structure in dictionary.structures() {
        let mut open = vec![structure.root()];
        while let Some(group) = open.pop() {
            open.extend(group.parts().filter_map(|part| part.group()));
            found.push((format!("{} {} of {}", dictionary.version(), group.name(), structure.name()), group));
        }
    }
    found
}

#[test]
fn every_version_is_there() {
    for dictionary in dictionaries() {
        let version = dictionary.version();
        let counts = [
            dictionary.segments().count(),
            dictionary.data_types().count(),
            dictionary.structures().count(),
            dictionary.events().count(),
        ];
        let least = if version < Version::V2_3 { [38, 15, 39, 39] } else { [110, 75, 110, 200] };
        assert!(counts.iter().zip(least).all(|(&count, least)| count >= least), "{version}: {counts:?}");
        let with_codes = dictionary.tables().filter(|table| table.codes().next().is_some()).count();
        assert!(with_codes >= if version < Version::V2_3_1 { 0 } else { 190 }, "{version}: {with_codes}");
        assert_eq!(Version::of(version.number()), Some(version));
        assert_eq!(Version::nearest(version.number()), Some(version));
    }
}

#[test]
fn every_field_and_component_has_a_name_and_a_data_type_unless_it_was_withdrawn() {
    for dictionary in dictionaries() {
        for (place, element) in elements(dictionary) {
            let place = format!("{} {place}", dictionary.version());
            let described = element.data_type().is_some() && !element.name().is_empty();
            assert!(described || element.usage() == Usage::Withdrawn, "{place}");
            let own = element.data_type().map(|own| own.id());
            assert_eq!(own.and_then(|id| dictionary.data_type(id)), element.data_type(), "{place}");
            assert_eq!(element.table().map(|table| table.number()), element.table_number(), "{place}");
        }
    }
}

#[test]
fn data_types_end_in_primitives() {
    fn depth(data_type: DataType) -> usize {
        let deepest = data_type.components().filter_map(|part| part.data_type()).map(depth).max();
        1 + deepest.unwrap_or(0)
    }
    for dictionary in dictionaries() {
        for data_type in dictionary.data_types() {
            assert!(!data_type.name().is_empty(), "{data_type:?}");
            assert!(depth(data_type) <= 4, "{data_type:?}");
            assert_eq!(dictionary.data_type(data_type.id()), Some(data_type));
        }
    }
}

#[test]
fn every_structure_names_segments_that_are_described() {
    let mut unknown = BTreeSet::new();
    for dictionary in dictionaries() {
        for (place, group) in groups(dictionary) {
            assert!(group.parts().len() > 0, "{place}");
            assert!(!group.name().is_empty(), "{place}");
            for part in group.parts() {
                assert!(!part.name().is_empty(), "{place}");
                if part.group().is_none() && part.segment().is_none() && !part.is_open() {
                    unknown.insert(part.name());
                }
            }
        }
    }
    assert_eq!(unknown, BTreeSet::new());
}

#[test]
fn every_event_has_a_structure() {
    for dictionary in dictionaries() {
        for structure in dictionary.structures() {
            assert_eq!(dictionary.structure(structure.name()), Some(structure));
            assert!(structure.events().next().is_some(), "{structure:?}");
            assert_eq!(structure.parts().next().unwrap().name(), "MSH", "{structure:?}");
        }
        for event in dictionary.events() {
            let structure = event.structure().unwrap();
            let found = dictionary.structure_of(event.message_type(), event.trigger_event());
            assert_eq!(found, Some(structure), "{event:?}");
        }
    }
}

#[test]
fn every_code_is_found_in_its_table() {
    for dictionary in dictionaries() {
        for table in dictionary.tables() {
            assert_eq!(dictionary.table(table.number()), Some(table));
            for code in table.codes() {
                assert_eq!(table.code(code.code()), Some(code), "{table:?}");
                assert!(!code.code().is_empty(), "{table:?}");
            }
            assert_eq!(table.code("no such code"), None);
        }
        assert_eq!(dictionary.table(0), None);
        assert_eq!(dictionary.table(9999), None);
    }
}

#[test]
fn what_is_not_there_is_none() {
    let dictionary = Dictionary::of(Version::V2_5_1);
    for id in ["", "P", "PI", "pid", "PIDX", "ZZZ", "\u{e9}"] {
        assert_eq!(dictionary.segment(id), None, "{id}");
        assert_eq!(dictionary.data_type(id), None, "{id}");
        assert_eq!(dictionary.structure(id), None, "{id}");
        assert_eq!(dictionary.structure_of(id, "A08"), None, "{id}");
    }
    let pid = dictionary.segment("PID").unwrap();
    assert_eq!(pid.field(0), None);
    assert_eq!(pid.field(40), None);
    assert_eq!(pid.field(usize::MAX), None);
    assert_eq!(dictionary.structure_of("ADT", ""), None);
    assert_eq!(dictionary.structure_of("ADT", "A08_A01"), None);
}

#[test]
fn a_message_has_the_dictionary_of_its_version_or_of_the_nearest() {
    let cases = [
        ("2.5.1", Version::V2_5_1),
        ("2.5^DEU&&ISO3166-1", Version::V2_5),
        ("2.5.1 ", Version::V2_5_1),
        ("2.5.2", Version::V2_5_1),
        ("2.8.3", Version::V2_8_2),
        ("2.3.", Version::V2_3),
        ("3.0", Version::V2_8_2),
        ("1.9", Version::V2_1),
        ("2", Version::V2_1),
        ("", Version::V2_5_1),
        ("unknown", Version::V2_5_1),
        ("999.1", Version::V2_5_1),
    ];
    for (stated, version) in cases {
        let er7 = format!("MSH|^~\\&|A|B|C|D|20260101||ADT^A08^ADT_A01|1|P|{stated}\r");
        let msg = Message::parse(&er7).unwrap();
        assert_eq!(Dictionary::of_message(&msg).version(), version, "{stated:?}");
    }
}

#[test]
fn tables_say_whose_they_are() {
    let dictionary = Dictionary::of(Version::V2_5_1);
    let kind = |number| dictionary.table(number).unwrap().kind();
    for number in [3, 8, 76, 85, 103, 104, 119, 125, 136, 203, 357] {
        assert_eq!(kind(number), TableKind::Hl7, "{number}");
    }
    for number in [1, 2, 4, 7, 52, 63, 69, 112] {
        assert_eq!(kind(number), TableKind::UserDefined, "{number}");
    }
}
