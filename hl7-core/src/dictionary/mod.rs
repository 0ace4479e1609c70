//! What the standard knows: message structures, segments, data types and tables of HL7 2.1 to 2.8.2.
//!
//! ```
//! use hl7_core::dictionary::{Dictionary, Usage, Version};
//!
//! let dictionary = Dictionary::of(Version::V2_5_1);
//! let name = dictionary.segment("PID").unwrap().field(5).unwrap();
//! assert_eq!(name.name(), "Patient Name");
//! assert_eq!(name.usage(), Usage::Required);
//! let family_name = name.data_type().unwrap().component(1).unwrap();
//! assert_eq!((family_name.name(), family_name.data_type().unwrap().id()), ("Family Name", "FN"));
//!
//! let sex = dictionary.segment("PID").unwrap().field(8).unwrap().table().unwrap();
//! assert_eq!(sex.code("F").unwrap().display(), Some("Female"));
//! assert_eq!(dictionary.structure_of("ADT", "A08").unwrap().name(), "ADT_A01");
//! ```
//!
//! Everything here is a small `Copy` view into tables that are part of the program: nothing is read or built at the start, and nothing of
//! this is used by parsing.
//!
//! # Where the facts come from
//!
//! From three published packages under the MIT licence, each checked against the others: hl7apy (structures, components, tables), hl7types
//! (2.7.1, usage, names) and hl7-dictionary (lengths to 2.6, displays of codes). The folder `dictionary` of this crate holds the script that
//! makes the tables and the list of what the packages disagree about. They do not know everything: no lengths from 2.7 on, no tables
//! before 2.3.1, in 2.2 no usage but R and C, and no conditions.

mod element;
mod facts;
mod kind;
mod segment;
mod structure;
mod table;
mod version;

pub use element::{Element, Usage};
pub(crate) use kind::Kind;
pub use segment::{DataType, SegmentDefinition};
pub use structure::{Event, Group, Part, Structure};
pub use table::{Table, TableCode, TableKind};
pub use version::Version;

use crate::message::Message;

/// What one version of the standard knows.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Dictionary {
    version: Version,
}

impl Dictionary {
    /// That of a version.
    pub fn of(version: Version) -> Dictionary {
        Dictionary { version }
    }

    /// That of the version which MSH-12 states, or the nearest one ([`Version::nearest`]). Where it states none, 2.5.1 is taken: it has the
    /// segments of the older versions and those that most newer messages use.
    pub fn of_message(message: &Message<'_>) -> Dictionary {
        let stated = message.header().version().and_then(|version| Version::nearest(&version.text()));
        Dictionary::of(stated.unwrap_or(Version::V2_5_1))
    }

    /// The version.
    pub fn version(self) -> Version {
        self.version
    }

    /// The structure with this name, such as `ADT_A01`.
    pub fn structure(self, name: &str) -> Option<Structure> {
        Structure::find(self, name)
    }

    /// The structure that the message of an event uses: `ADT`, `A08` gives `ADT_A01`. Acknowledgments use `ACK` with any event.
    pub fn structure_of(self, message_type: &str, trigger_event: &str) -> Option<Structure> {
        let event = Event::find(self, message_type, trigger_event);
        // A message type that is a structure by itself: ACK, and QRY of 2.5.
        event.and_then(Event::structure).or_else(|| self.structure(message_type))
    }

    /// All structures, by name.
    pub fn structures(self) -> impl Iterator<Item = Structure> {
        Structure::all(self)
    }

    /// The messages of all events, by message type and event.
    pub fn events(self) -> impl Iterator<Item = Event> {
        Event::all(self)
    }

    /// The segment with this ID, such as `PID`.
    pub fn segment(self, id: &str) -> Option<SegmentDefinition> {
        SegmentDefinition::find(self, id)
    }

    /// All segments, by ID.
    pub fn segments(self) -> impl Iterator<Item = SegmentDefinition> {
        SegmentDefinition::all(self)
    }

    /// The data type with this code, such as `XPN`.
    pub fn data_type(self, id: &str) -> Option<DataType> {
        DataType::find(self, id)
    }

    /// All data types, by code.
    pub fn data_types(self) -> impl Iterator<Item = DataType> {
        DataType::all(self)
    }

    /// The table with this number: 1 for table 0001. Before 2.3.1 tables have no codes here.
    pub fn table(self, number: u16) -> Option<Table> {
        Table::find(self, number)
    }

    /// All tables, by number.
    pub fn tables(self) -> impl Iterator<Item = Table> {
        Table::all(self)
    }
}
