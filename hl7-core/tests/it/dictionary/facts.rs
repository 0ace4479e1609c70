//! Facts of the standard, written down by hand with the chapter that states them, and not taken from the tables' sources.

use hl7_core::dictionary::{Dictionary, Group, Version};

/// Version, place, name, data type, usage, whether it repeats, length, table, chapter.
type Fact = (&'static str, &'static str, &'static str, &'static str, char, bool, u32, u16, &'static str);

const FIELDS: &[Fact] = &[
    ("2.1", "PID-5", "Patient Name", "PN", 'R', false, 48, 0, "3"),
    ("2.1", "MSH-10", "Message Control ID", "ST", 'R', false, 20, 0, "2"),
    ("2.2", "PID-5", "Patient Name", "PN", 'R', false, 48, 0, "3.3.2"),
    ("2.3", "PID-5", "Patient Name", "XPN", 'R', false, 48, 0, "3.3.2.5"),
    ("2.3", "OBX-11", "Observation Result Status", "ID", 'R', false, 1, 85, "7.3.2.11"),
    ("2.3.1", "PID-5", "Patient Name", "XPN", 'R', true, 48, 0, "3.3.2.5"),
    ("2.3.1", "MSH-9", "Message Type", "MSG", 'R', false, 7, 76, "2.24.1.9"),
    ("2.4", "PID-3", "Patient Identifier List", "CX", 'R', true, 250, 0, "3.4.2.3"),
    ("2.5", "PV1-2", "Patient Class", "IS", 'R', false, 1, 4, "3.4.3.2"),
    ("2.5.1", "MSH-1", "Field Separator", "ST", 'R', false, 1, 0, "2.15.9.1"),
    ("2.5.1", "MSH-7", "Date/Time of Message", "TS", 'R', false, 26, 0, "2.15.9.7"),
    ("2.5.1", "MSH-9", "Message Type", "MSG", 'R', false, 15, 0, "2.15.9.9"),
    ("2.5.1", "MSH-10", "Message Control ID", "ST", 'R', false, 20, 0, "2.15.9.10"),
    ("2.5.1", "MSH-11", "Processing ID", "PT", 'R', false, 3, 0, "2.15.9.11"),
    ("2.5.1", "MSH-12", "Version ID", "VID", 'R', false, 60, 0, "2.15.9.12"),
    ("2.5.1", "MSH-18", "Character Set", "ID", 'O', true, 16, 211, "2.15.9.18"),
    ("2.5.1", "MSA-1", "Acknowledgment Code", "ID", 'R', false, 2, 8, "2.15.8.1"),
    ("2.5.1", "ERR-3", "HL7 Error Code", "CWE", 'R', false, 705, 357, "2.15.5.3"),
    ("2.5.1", "ERR-4", "Severity", "ID", 'R', false, 2, 516, "2.15.5.4"),
    ("2.5.1", "EVN-2", "Recorded Date/Time", "TS", 'R', false, 26, 0, "3.4.1.2"),
    ("2.5.1", "PID-1", "Set ID - PID", "SI", 'O', false, 4, 0, "3.4.2.1"),
    ("2.5.1", "PID-3", "Patient Identifier List", "CX", 'R', true, 250, 0, "3.4.2.3"),
    ("2.5.1", "PID-5", "Patient Name", "XPN", 'R', true, 250, 0, "3.4.2.5"),
    ("2.5.1", "PID-7", "Date/Time of Birth", "TS", 'O', false, 26, 0, "3.4.2.7"),
    ("2.5.1", "PID-8", "Administrative Sex", "IS", 'O', false, 1, 1, "3.4.2.8"),
    ("2.5.1", "PID-11", "Patient Address", "XAD", 'O', true, 250, 0, "3.4.2.11"),
    ("2.5.1", "PV1-2", "Patient Class", "IS", 'R', false, 1, 4, "3.4.3.2"),
    ("2.5.1", "PV1-3", "Assigned Patient Location", "PL", 'O', false, 80, 0, "3.4.3.3"),
    ("2.5.1", "PV1-44", "Admit Date/Time", "TS", 'O', false, 26, 0, "3.4.3.44"),
    ("2.5.1", "AL1-3", "Allergen Code/Mnemonic/Description", "CE", 'R', false, 250, 0, "3.4.6.3"),
    ("2.5.1", "NK1-3", "Relationship", "CE", 'O', false, 250, 63, "3.4.5.3"),
    ("2.5.1", "ORC-1", "Order Control", "ID", 'R', false, 2, 119, "4.5.1.1"),
    ("2.5.1", "OBR-4", "Universal Service Identifier", "CE", 'R', false, 250, 0, "4.5.3.4"),
    ("2.5.1", "RXA-5", "Administered Code", "CE", 'R', false, 250, 292, "4.14.7.5"),
    ("2.5.1", "DG1-6", "Diagnosis Type", "IS", 'R', false, 2, 52, "6.5.2.6"),
    ("2.5.1", "IN1-3", "Insurance Company ID", "CX", 'R', true, 250, 0, "6.5.6.3"),
    ("2.5.1", "OBX-2", "Value Type", "ID", 'C', false, 2, 125, "7.4.2.2"),
    ("2.5.1", "OBX-3", "Observation Identifier", "CE", 'R', false, 250, 0, "7.4.2.3"),
    ("2.5.1", "OBX-5", "Observation Value", "varies", 'C', true, 99999, 0, "7.4.2.5"),
    ("2.5.1", "OBX-8", "Abnormal Flags", "IS", 'O', true, 5, 78, "7.4.2.8"),
    ("2.5.1", "OBX-11", "Observation Result Status", "ID", 'R', false, 1, 85, "7.4.2.11"),
    ("2.5.1", "OBX-23", "Performing Organization Name", "XON", 'O', false, 567, 0, "7.4.2.23"),
    ("2.5.1", "SPM-4", "Specimen Type", "CWE", 'R', false, 250, 487, "7.4.3.4"),
    ("2.5.1", "TXA-2", "Document Type", "IS", 'R', false, 30, 270, "9.6.1.2"),
    ("2.5.1", "SCH-11", "Appointment Timing Quantity", "TQ", 'B', true, 200, 0, "10.6.1.11"),
    ("2.6", "PID-7", "Date/Time of Birth", "DTM", 'O', false, 24, 0, "3.4.2.7"),
    ("2.7", "PID-8", "Administrative Sex", "CWE", 'O', false, 0, 1, "3.4.2.8"),
    ("2.7.1", "PID-5", "Patient Name", "XPN", 'R', true, 0, 200, "3.4.2.5"),
    ("2.8", "OBX-3", "Observation Identifier", "CWE", 'R', false, 0, 0, "7.4.2.3"),
    ("2.8.2", "MSH-12", "Version ID", "VID", 'R', false, 0, 0, "2.14.9.12"),
];

#[test]
fn fields_are_as_the_chapters_describe_them() {
    for &(version, place, name, data_type, usage, repeats, length, table, chapter) in FIELDS {
        let (segment, number) = place.split_once('-').unwrap();
        let dictionary = Dictionary::of(Version::of(version).unwrap());
        let field = dictionary.segment(segment).unwrap().field(number.parse().unwrap()).unwrap();
        // B is told from O by no source.
        let usage = if usage == 'B' { 'O' } else { usage };
        let found =
            (field.name(), field.data_type().unwrap().id(), field.usage().letter(), field.max() != Some(1));
        assert_eq!(found, (name, data_type, usage, repeats), "{place} of {version}, chapter {chapter}");
        let found = (field.length().unwrap_or(0), field.table_number().unwrap_or(0));
        assert_eq!(found, (length, table), "{place} of {version}, chapter {chapter}");
    }
}

/// Version, data type, its components' types, chapter.
const TYPES: &[(&str, &str, &str, &str)] = &[
    ("2.1", "PN", "ST ST ST ST ST ST", "2"),
    ("2.5.1", "CE", "ST ST ID ST ST ID", "2.A.3"),
    ("2.5.1", "CX", "ST ST ID HD ID HD DT DT CWE CWE", "2.A.14"),
    ("2.5.1", "EI", "ST IS ST ID", "2.A.28"),
    ("2.5.1", "HD", "IS ST ID", "2.A.33"),
    ("2.5.1", "MSG", "ID ID ID", "2.A.43"),
    ("2.5.1", "PL", "IS IS IS HD IS IS IS IS ST EI HD", "2.A.53"),
    ("2.5.1", "TS", "DTM ID", "2.A.77"),
    ("2.5.1", "XPN", "FN ST ST ST ST IS ID ID CE DR ID TS TS ST", "2.A.88"),
    ("2.7", "HD", "IS ST ID", "2.A.33"),
    ("2.8.2", "CE", "", "withdrawn in 2.7"),
];

#[test]
fn data_types_have_the_components_the_chapters_give_them() {
    for &(version, id, expected, chapter) in TYPES {
        let data_type = Dictionary::of(Version::of(version).unwrap()).data_type(id);
        let components = data_type.into_iter().flat_map(|data_type| data_type.components());
        let found: Vec<_> =
            components.map(|component| component.data_type().map_or("-", |own| own.id())).collect();
        let expected = expected.replace("XPN.10", "DR");
        let found = found.join(" ").replace("DR_SIMPLE", "DR");
        assert_eq!(found, expected, "{id} of {version}, chapter {chapter}");
    }
}

/// Version, message type, event, structure, chapter.
const EVENTS: &[(&str, &str, &str, &str, &str)] = &[
    ("2.1", "ADT", "A08", "ADT_A08", "3"),
    ("2.3", "ADT", "A08", "ADT_A01", "3.2.8"),
    ("2.3", "ADR", "A19", "ADR_A19", "3.2.19"),
    ("2.5.1", "ADT", "A01", "ADT_A01", "3.3.1"),
    ("2.5.1", "ADT", "A04", "ADT_A01", "3.3.4"),
    ("2.5.1", "ADT", "A08", "ADT_A01", "3.3.8"),
    ("2.5.1", "ADT", "A13", "ADT_A01", "3.3.13"),
    ("2.5.1", "ADT", "A28", "ADT_A05", "3.3.28"),
    ("2.5.1", "ADT", "A31", "ADT_A05", "3.3.31"),
    ("2.5.1", "ADT", "A40", "ADT_A39", "3.3.40"),
    ("2.5.1", "ORM", "O01", "ORM_O01", "4.4.1"),
    ("2.5.1", "OML", "O21", "OML_O21", "4.4.6"),
    ("2.5.1", "RDE", "O11", "RDE_O11", "4.13.7"),
    ("2.5.1", "VXU", "V04", "VXU_V04", "4.17.6"),
    ("2.5.1", "QBP", "Q22", "QBP_Q21", "3.3.57"),
    ("2.5.1", "RSP", "K22", "RSP_K21", "3.3.57"),
    ("2.5.1", "DFT", "P03", "DFT_P03", "6.4.3"),
    ("2.5.1", "ORU", "R01", "ORU_R01", "7.3.1"),
    ("2.5.1", "MFN", "M02", "MFN_M02", "8.6"),
    ("2.5.1", "MDM", "T01", "MDM_T01", "9.5.1"),
    ("2.5.1", "MDM", "T03", "MDM_T01", "9.5.3"),
    ("2.5.1", "MDM", "T08", "MDM_T02", "9.5.8"),
    ("2.5.1", "SIU", "S12", "SIU_S12", "10.4.1"),
    ("2.5.1", "SIU", "S26", "SIU_S12", "10.4.15"),
    ("2.5.1", "REF", "I14", "REF_I12", "11.5.3"),
    ("2.5.1", "ACK", "A01", "ACK", "2.14.1"),
    ("2.8.2", "ADT", "A08", "ADT_A01", "3.3.8"),
];

#[test]
fn events_use_the_structures_the_chapters_name() {
    for &(version, message_type, event, structure, chapter) in EVENTS {
        let dictionary = Dictionary::of(Version::of(version).unwrap());
        let found = dictionary.structure_of(message_type, event).map(|found| found.name());
        assert_eq!(found, Some(structure), "{message_type}^{event} of {version}, chapter {chapter}");
    }
}

/// A structure as the standard writes it: `[ ]` may be left out, `{ }` may repeat, a group with its parts in `( )`, a choice in `< >`.
fn written(group: Group) -> String {
    let parts = group.parts().map(|part| {
        let inner = match part.group() {
            Some(group) => format!("{}{}", part.name(), written(group)),
            None => part.name().to_owned(),
        };
        let inner = if part.repeats() { format!("{{{inner}}}") } else { inner };
        if part.is_required() { inner } else { format!("[{inner}]") }
    });
    let (open, close) = if group.is_choice() { ('<', '>') } else { ('(', ')') };
    format!("{open}{}{close}", parts.collect::<Vec<_>>().join(" "))
}

const STRUCTURES: &[(&str, &str, &str, &str)] = &[
    (
        "2.5.1",
        "ADT_A01",
        "(MSH [{SFT}] EVN PID [PD1] [{ROL}] [{NK1}] PV1 [PV2] [{ROL}] [{DB1}] [{OBX}] [{AL1}] [{DG1}] [DRG] \
         [{PROCEDURE(PR1 [{ROL}])}] [{GT1}] [{INSURANCE(IN1 [IN2] [{IN3}] [{ROL}])}] [ACC] [UB1] [UB2] [PDA])",
        "3.3.1",
    ),
    (
        "2.5.1",
        "ORU_R01",
        "(MSH [{SFT}] {PATIENT_RESULT([PATIENT(PID [PD1] [{NTE}] [{NK1}] [VISIT(PV1 [PV2])])] \
         {ORDER_OBSERVATION([ORC] OBR [{NTE}] [{TIMING_QTY(TQ1 [{TQ2}])}] [CTD] [{OBSERVATION(OBX [{NTE}])}] \
         [{FT1}] [{CTI}] [{SPECIMEN(SPM [{OBX}])}])})} [DSC])",
        "7.3.1",
    ),
    (
        "2.3",
        "ORU_R01",
        "(MSH {RESPONSE([PATIENT(PID [PD1] [{NTE}] [VISIT(PV1 [PV2])])] \
         {ORDER_OBSERVATION([ORC] OBR [{NTE}] {OBSERVATION([OBX] [{NTE}])} [{CTI}])})} [DSC])",
        "7.2.1",
    ),
    ("2.5.1", "ACK", "(MSH [{SFT}] MSA [{ERR}])", "2.14.1"),
];

#[test]
fn structures_are_laid_out_as_the_chapters_write_them() {
    for &(version, name, expected, chapter) in STRUCTURES {
        let structure = Dictionary::of(Version::of(version).unwrap()).structure(name).unwrap();
        assert_eq!(written(structure.root()), expected, "{name} of {version}, chapter {chapter}");
    }
}

#[test]
fn tables_hold_the_codes_of_appendix_a() {
    let cases = [
        ("2.5.1", 1, "A F M N O U"),
        ("2.5.1", 8, "AA AE AR CA CE CR"),
        ("2.5.1", 103, "D P T"),
        ("2.5.1", 136, "N Y"),
        ("2.5.1", 155, "AL ER NE SU"),
        ("2.5.1", 85, "C D F I N O P R S U W X"),
        ("2.5.1", 516, "E I W"),
    ];
    for (version, number, expected) in cases {
        let table = Dictionary::of(Version::of(version).unwrap()).table(number).unwrap();
        let codes: Vec<_> = table.codes().map(|code| code.code()).collect();
        assert_eq!(codes.join(" "), expected, "{number:04} of {version}");
    }
    let results = Dictionary::of(Version::V2_5_1).table(85).unwrap();
    assert_eq!(results.name(), "Observation Result Status Codes Interpretation");
}
