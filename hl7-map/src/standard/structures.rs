//! Message structures (MSH-9.3, HL7 table 0354) of the messages that are sent most, version by version.
//!
//! The facts are those of table 0354 and the chapters of each version; versions before 2.3.1, which do not send a structure, have that
//! of 2.3.1 here, so that it is known which segments a message needs.

use super::Version;

/// A structure, the events that have it, and the versions in which they do.
pub(crate) struct Structure {
    pub(crate) name: &'static str,
    events: &'static [&'static str],
    pub(crate) since: Version,
    pub(crate) until: Version,
}

const fn between(
    since: Version,
    until: Version,
    name: &'static str,
    events: &'static [&'static str],
) -> Structure {
    Structure { name, events, since, until }
}

const fn since(version: Version, name: &'static str, events: &'static [&'static str]) -> Structure {
    between(version, Version::LAST, name, events)
}

const fn always(name: &'static str, events: &'static [&'static str]) -> Structure {
    since(Version::V2_1, name, events)
}

/// Every structure; the type of a message is the first three letters of its structure.
const STRUCTURES: &[Structure] = &[
    always("ADT_A01", &["A01", "A04", "A08", "A13"]),
    between(Version::V2_1, Version::V2_3_1, "ADT_A01", &["A05", "A14"]),
    between(Version::V2_2, Version::V2_3_1, "ADT_A01", &["A28", "A31"]),
    always("ADT_A02", &["A02"]),
    between(Version::V2_1, Version::V2_3_1, "ADT_A02", &["A21", "A22", "A23"]),
    between(Version::V2_2, Version::V2_3_1, "ADT_A02", &["A25", "A26", "A27", "A29", "A32", "A33"]),
    always("ADT_A03", &["A03"]),
    since(Version::V2_4, "ADT_A05", &["A05", "A14", "A28", "A31"]),
    always("ADT_A06", &["A06", "A07"]),
    always("ADT_A09", &["A09", "A10", "A11"]),
    between(Version::V2_1, Version::V2_3_1, "ADT_A09", &["A15"]),
    between(Version::V2_4, Version::V2_4, "ADT_A09", &["A12"]),
    between(Version::V2_1, Version::V2_3_1, "ADT_A12", &["A12"]),
    since(Version::V2_5, "ADT_A12", &["A12"]),
    since(Version::V2_4, "ADT_A15", &["A15"]),
    always("ADT_A16", &["A16"]),
    always("ADT_A17", &["A17"]),
    between(Version::V2_1, Version::V2_6, "ADT_A18", &["A18"]),
    always("ADT_A20", &["A20"]),
    since(Version::V2_4, "ADT_A21", &["A21", "A22", "A23", "A25", "A26", "A27", "A29", "A32", "A33"]),
    always("ADT_A24", &["A24"]),
    between(Version::V2_2, Version::V2_6, "ADT_A30", &["A30", "A34", "A35", "A36"]),
    between(Version::V2_3, Version::V2_6, "ADT_A30", &["A46", "A47", "A48", "A49"]),
    since(Version::V2_2, "ADT_A37", &["A37"]),
    since(Version::V2_3, "ADT_A38", &["A38"]),
    since(Version::V2_3, "ADT_A39", &["A39", "A40", "A41", "A42"]),
    since(Version::V2_3, "ADT_A43", &["A43"]),
    between(Version::V2_3, Version::V2_6, "ADT_A43", &["A44"]),
    since(Version::V2_7, "ADT_A43", &["A49"]),
    since(Version::V2_7, "ADT_A44", &["A44", "A47"]),
    since(Version::V2_3, "ADT_A45", &["A45"]),
    since(Version::V2_3, "ADT_A50", &["A50", "A51"]),
    since(Version::V2_4, "ADT_A52", &["A52", "A53"]),
    between(Version::V2_4, Version::V2_5_1, "ADT_A52", &["A55"]),
    since(Version::V2_4, "ADT_A54", &["A54"]),
    since(Version::V2_6, "ADT_A54", &["A55"]),
    since(Version::V2_4, "ADT_A60", &["A60"]),
    since(Version::V2_4, "ADT_A61", &["A61", "A62"]),
    always("BAR_P01", &["P01"]),
    between(Version::V2_3, Version::V2_3_1, "BAR_P01", &["P05"]),
    always("BAR_P02", &["P02"]),
    since(Version::V2_4, "BAR_P05", &["P05"]),
    since(Version::V2_3, "BAR_P06", &["P06"]),
    since(Version::V2_4, "BAR_P10", &["P10"]),
    since(Version::V2_5, "BAR_P12", &["P12"]),
    always("DFT_P03", &["P03"]),
    since(Version::V2_4, "DFT_P11", &["P11"]),
    since(Version::V2_3, "MDM_T01", &["T01", "T03", "T05", "T07", "T09", "T11"]),
    since(Version::V2_3, "MDM_T02", &["T02", "T04", "T06", "T08", "T10"]),
    between(Version::V2_2, Version::V2_6, "MFN_M01", &["M01"]),
    since(Version::V2_2, "MFN_M02", &["M02"]),
    between(Version::V2_2, Version::V2_6, "MFN_M03", &["M03"]),
    since(Version::V2_3, "MFN_M04", &["M04"]),
    since(Version::V2_3, "MFN_M05", &["M05"]),
    since(Version::V2_3, "MFN_M06", &["M06"]),
    since(Version::V2_3, "MFN_M07", &["M07"]),
    since(Version::V2_3, "MFN_M08", &["M08"]),
    since(Version::V2_3, "MFN_M09", &["M09"]),
    since(Version::V2_3, "MFN_M10", &["M10"]),
    since(Version::V2_3, "MFN_M11", &["M11"]),
    since(Version::V2_4, "MFN_M12", &["M12"]),
    since(Version::V2_5, "MFN_M13", &["M13"]),
    since(Version::V2_5, "MFN_M15", &["M15"]),
    since(Version::V2_4, "OMG_O19", &["O19"]),
    since(Version::V2_5, "OMI_O23", &["O23"]),
    since(Version::V2_4, "OML_O21", &["O21"]),
    since(Version::V2_5, "OML_O33", &["O33"]),
    since(Version::V2_5, "OML_O35", &["O35"]),
    since(Version::V2_7, "OML_O39", &["O39"]),
    since(Version::V2_4, "OMP_O09", &["O09"]),
    between(Version::V2_1, Version::V2_6, "ORM_O01", &["O01"]),
    always("ORU_R01", &["R01"]),
    since(Version::V2_8, "ORU_R01", &["R40"]),
    since(Version::V2_5, "ORU_R30", &["R30", "R31", "R32"]),
    between(Version::V2_4, Version::V2_6, "OUL_R21", &["R21"]),
    since(Version::V2_5, "OUL_R22", &["R22"]),
    since(Version::V2_5, "OUL_R23", &["R23"]),
    since(Version::V2_5, "OUL_R24", &["R24"]),
    between(Version::V2_3, Version::V2_3_1, "RAS_O01", &["O01"]),
    since(Version::V2_4, "RAS_O17", &["O17"]),
    between(Version::V2_3, Version::V2_3_1, "RDE_O01", &["O01"]),
    since(Version::V2_4, "RDE_O11", &["O11"]),
    since(Version::V2_5, "RDE_O11", &["O25"]),
    between(Version::V2_3, Version::V2_3_1, "RDS_O01", &["O01"]),
    since(Version::V2_4, "RDS_O13", &["O13"]),
    since(Version::V2_3, "REF_I12", &["I12", "I13", "I14", "I15"]),
    between(Version::V2_3, Version::V2_3_1, "RGV_O01", &["O01"]),
    since(Version::V2_4, "RGV_O15", &["O15"]),
    since(
        Version::V2_3,
        "SIU_S12",
        &["S12", "S13", "S14", "S15", "S16", "S17", "S18", "S19", "S20", "S21", "S22", "S23", "S24", "S26"],
    ),
    since(Version::V2_7, "SIU_S12", &["S27"]),
    since(Version::V2_3, "VXU_V04", &["V04"]),
];

impl Structure {
    fn kind(&self) -> &'static str {
        self.name.get(..3).unwrap_or_default()
    }

    fn in_version(&self, version: Version) -> bool {
        (self.since..=self.until).contains(&version)
    }
}

/// The structure of a message type and event in a version.
pub(crate) fn structure(kind: &str, event: &str, version: Version) -> Option<&'static str> {
    of_event(kind, event).find(|row| row.in_version(version)).map(|row| row.name)
}

/// The structures that an event has in any version, the earliest first.
pub(crate) fn of_event(kind: &str, event: &str) -> impl Iterator<Item = &'static Structure> {
    STRUCTURES.iter().filter(move |row| row.kind() == kind && row.events.contains(&event))
}

/// The first version that has a structure of this name.
pub(crate) fn first_with(name: &str) -> Option<Version> {
    STRUCTURES.iter().filter(|row| row.name == name).map(|row| row.since).min()
}

/// The messages of a version, such as `ADT^A08`.
pub(crate) fn messages(version: Version) -> Vec<String> {
    let rows = STRUCTURES.iter().filter(|row| row.in_version(version));
    rows.flat_map(|row| row.events.iter().map(|event| format!("{}^{event}", row.kind()))).collect()
}

/// Whether messages of this type have an EVN segment behind the header.
pub(crate) fn has_event_segment(kind: &str) -> bool {
    matches!(kind, "ADT" | "BAR" | "DFT" | "MDM" | "PMU")
}

/// Whether the structure has this segment in every message, outside any group.
pub(crate) fn is_required(structure: &str, segment: &str) -> bool {
    match structure {
        "ADT_A01" | "ADT_A02" | "ADT_A03" | "ADT_A05" | "ADT_A06" | "ADT_A09" | "ADT_A12" | "ADT_A15"
        | "ADT_A16" | "ADT_A21" | "ADT_A52" | "ADT_A54" => matches!(segment, "PID" | "PV1"),
        "MDM_T01" | "MDM_T02" => matches!(segment, "PID" | "PV1" | "TXA"),
        "DFT_P03" | "DFT_P11" | "VXU_V04" => segment == "PID",
        "SIU_S12" => segment == "SCH",
        _ if structure.starts_with("MFN_") => segment == "MFI",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_the_structure_of_its_version() {
        for (kind, event, version, structure) in [
            ("ADT", "A08", "2.3.1", Some("ADT_A01")),
            ("ADT", "A08", "2.8.2", Some("ADT_A01")),
            ("ADT", "A31", "2.3.1", Some("ADT_A01")),
            ("ADT", "A31", "2.4", Some("ADT_A05")),
            ("ADT", "A22", "2.3.1", Some("ADT_A02")),
            ("ADT", "A22", "2.5.1", Some("ADT_A21")),
            ("ADT", "A15", "2.3.1", Some("ADT_A09")),
            ("ADT", "A15", "2.4", Some("ADT_A15")),
            ("ADT", "A12", "2.3.1", Some("ADT_A12")),
            ("ADT", "A12", "2.4", Some("ADT_A09")),
            ("ADT", "A12", "2.5", Some("ADT_A12")),
            ("ADT", "A55", "2.5.1", Some("ADT_A52")),
            ("ADT", "A55", "2.6", Some("ADT_A54")),
            ("ADT", "A44", "2.6", Some("ADT_A43")),
            ("ADT", "A44", "2.7", Some("ADT_A44")),
            ("ADT", "A47", "2.5", Some("ADT_A30")),
            ("ADT", "A47", "2.7", Some("ADT_A44")),
            ("ADT", "A49", "2.7", Some("ADT_A43")),
            ("ADT", "A34", "2.7", None),
            ("ADT", "A60", "2.3.1", None),
            ("BAR", "P05", "2.3.1", Some("BAR_P01")),
            ("BAR", "P05", "2.4", Some("BAR_P05")),
            ("RDE", "O01", "2.3.1", Some("RDE_O01")),
            ("RDE", "O01", "2.4", None),
            ("RDE", "O11", "2.3.1", None),
            ("ORM", "O01", "2.6", Some("ORM_O01")),
            ("ORM", "O01", "2.7", None),
            ("ORU", "R30", "2.4", None),
            ("ORU", "R40", "2.8", Some("ORU_R01")),
            ("SIU", "S12", "2.2", None),
        ] {
            let version = Version::of(version).expect("a version");
            assert_eq!(
                super::structure(kind, event, version),
                structure,
                "{kind}^{event} in {}",
                version.text()
            );
        }
    }

    #[test]
    fn an_event_has_one_structure_in_a_version() {
        for version in super::super::VERSIONS.map(Version::of).into_iter().flatten() {
            let messages = messages(version);
            let mut once = messages.clone();
            once.sort();
            once.dedup();
            assert_eq!(once.len(), messages.len(), "{}", version.text());
        }
    }
}
