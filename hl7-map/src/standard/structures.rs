//! Message structures (MSH-9.3, HL7 table 0354) of the messages that are sent most.

use super::Version;

/// A structure and the events that have it.
pub(crate) const MESSAGES: &[(&str, &str, &[&str])] = &[
    ("ADT", "ADT_A01", &["A01", "A04", "A08", "A13"]),
    ("ADT", "ADT_A02", &["A02"]),
    ("ADT", "ADT_A03", &["A03"]),
    ("ADT", "ADT_A05", &["A05", "A14", "A28", "A31"]),
    ("ADT", "ADT_A06", &["A06", "A07"]),
    ("ADT", "ADT_A09", &["A09", "A10", "A11"]),
    ("ADT", "ADT_A12", &["A12"]),
    ("ADT", "ADT_A15", &["A15"]),
    ("ADT", "ADT_A16", &["A16"]),
    ("ADT", "ADT_A17", &["A17"]),
    ("ADT", "ADT_A18", &["A18"]),
    ("ADT", "ADT_A20", &["A20"]),
    ("ADT", "ADT_A21", &["A21", "A22", "A23", "A25", "A26", "A27", "A29", "A32", "A33"]),
    ("ADT", "ADT_A24", &["A24"]),
    ("ADT", "ADT_A30", &["A30", "A34", "A35", "A36", "A46", "A47", "A48", "A49"]),
    ("ADT", "ADT_A37", &["A37"]),
    ("ADT", "ADT_A38", &["A38"]),
    ("ADT", "ADT_A39", &["A39", "A40", "A41", "A42"]),
    ("ADT", "ADT_A43", &["A43", "A44"]),
    ("ADT", "ADT_A45", &["A45"]),
    ("ADT", "ADT_A50", &["A50", "A51"]),
    ("ADT", "ADT_A52", &["A52", "A53"]),
    ("ADT", "ADT_A54", &["A54", "A55"]),
    ("ADT", "ADT_A60", &["A60"]),
    ("ADT", "ADT_A61", &["A61", "A62"]),
    ("BAR", "BAR_P01", &["P01"]),
    ("BAR", "BAR_P02", &["P02"]),
    ("BAR", "BAR_P05", &["P05"]),
    ("BAR", "BAR_P06", &["P06"]),
    ("BAR", "BAR_P10", &["P10"]),
    ("BAR", "BAR_P12", &["P12"]),
    ("DFT", "DFT_P03", &["P03"]),
    ("DFT", "DFT_P11", &["P11"]),
    ("MDM", "MDM_T01", &["T01", "T03", "T05", "T07", "T09", "T11"]),
    ("MDM", "MDM_T02", &["T02", "T04", "T06", "T08", "T10"]),
    ("MFN", "MFN_M01", &["M01"]),
    ("MFN", "MFN_M02", &["M02"]),
    ("MFN", "MFN_M03", &["M03"]),
    ("MFN", "MFN_M04", &["M04"]),
    ("MFN", "MFN_M05", &["M05"]),
    ("MFN", "MFN_M06", &["M06"]),
    ("MFN", "MFN_M07", &["M07"]),
    ("MFN", "MFN_M08", &["M08"]),
    ("MFN", "MFN_M09", &["M09"]),
    ("MFN", "MFN_M10", &["M10"]),
    ("MFN", "MFN_M11", &["M11"]),
    ("MFN", "MFN_M12", &["M12"]),
    ("MFN", "MFN_M13", &["M13"]),
    ("OMG", "OMG_O19", &["O19"]),
    ("OMI", "OMI_O23", &["O23"]),
    ("OML", "OML_O21", &["O21"]),
    ("OML", "OML_O33", &["O33"]),
    ("OML", "OML_O35", &["O35"]),
    ("OMP", "OMP_O09", &["O09"]),
    ("ORM", "ORM_O01", &["O01"]),
    ("ORU", "ORU_R01", &["R01"]),
    ("ORU", "ORU_R30", &["R30", "R31", "R32"]),
    ("OUL", "OUL_R21", &["R21"]),
    ("OUL", "OUL_R22", &["R22"]),
    ("OUL", "OUL_R23", &["R23"]),
    ("OUL", "OUL_R24", &["R24"]),
    ("RAS", "RAS_O17", &["O17"]),
    ("RDE", "RDE_O11", &["O11", "O25"]),
    ("RDS", "RDS_O13", &["O13"]),
    ("REF", "REF_I12", &["I12", "I13", "I14", "I15"]),
    ("RGV", "RGV_O15", &["O15"]),
    (
        "SIU",
        "SIU_S12",
        &["S12", "S13", "S14", "S15", "S16", "S17", "S18", "S19", "S20", "S21", "S22", "S23", "S24", "S26"],
    ),
    ("VXU", "VXU_V04", &["V04"]),
];

/// The structure of a message type and event.
pub(crate) fn structure(kind: &str, event: &str, version: Version) -> Option<&'static str> {
    // Until 2.3.1 these shared the structure of A01; since 2.4 they have one of their own.
    if kind == "ADT" && matches!(event, "A05" | "A14" | "A28" | "A31") && version <= Version::V2_3_1 {
        return Some("ADT_A01");
    }
    MESSAGES
        .iter()
        .find(|(k, _, events)| *k == kind && events.contains(&event))
        .map(|(_, structure, _)| *structure)
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
