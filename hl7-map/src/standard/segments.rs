//! Segments: their IDs, and which of them are numbered.

/// The segment IDs of versions 2.1 to 2.8.2.
pub(crate) const SEGMENTS: [&str; 190] = [
    "ABS", "ACC", "ADD", "AFF", "AIG", "AIL", "AIP", "AIS", "AL1", "APR", "ARQ", "ARV", "AUT", "BHS", "BLC",
    "BLG", "BPO", "BPX", "BTS", "BTX", "BUI", "CDM", "CDO", "CER", "CM0", "CM1", "CM2", "CNS", "CON", "CSP",
    "CSR", "CSS", "CTD", "CTI", "CTR", "DB1", "DEV", "DG1", "DMI", "DON", "DRG", "DSC", "DSP", "DST", "ECD",
    "ECR", "EDU", "EQL", "EQP", "EQU", "ERQ", "ERR", "EVN", "FAC", "FHS", "FT1", "FTS", "GOL", "GP1", "GP2",
    "GT1", "IAM", "IAR", "IIM", "ILT", "IN1", "IN2", "IN3", "INV", "IPC", "IPR", "ISD", "ITM", "IVC", "IVT",
    "LAN", "LCC", "LCH", "LDP", "LOC", "LRL", "MCP", "MFA", "MFE", "MFI", "MRG", "MSA", "MSH", "NCK", "NDS",
    "NK1", "NPU", "NSC", "NST", "NTE", "OBR", "OBX", "ODS", "ODT", "OH1", "OH2", "OH3", "OH4", "OM1", "OM2",
    "OM3", "OM4", "OM5", "OM6", "OM7", "OMC", "ORC", "ORG", "OVR", "PAC", "PCE", "PCR", "PD1", "PDA", "PDC",
    "PEO", "PES", "PID", "PKG", "PM1", "PMT", "PR1", "PRA", "PRB", "PRC", "PRD", "PRT", "PSG", "PSH", "PSL",
    "PSS", "PTH", "PV1", "PV2", "PYE", "QAK", "QID", "QPD", "QRD", "QRF", "QRI", "RCP", "RDF", "RDT", "REL",
    "RF1", "RFI", "RGS", "RMI", "ROL", "RQ1", "RQD", "RXA", "RXC", "RXD", "RXE", "RXG", "RXO", "RXR", "RXV",
    "SAC", "SCD", "SCH", "SCP", "SDD", "SFT", "SGH", "SGT", "SHP", "SID", "SLT", "SPM", "SPR", "STF", "STZ",
    "TCC", "TCD", "TQ1", "TQ2", "TXA", "UAC", "UB1", "UB2", "VAR", "VND",
];

/// Segments whose first field is their set ID, in every version that has them.
const SET_IDS: [&str; 54] = [
    "AFF", "AIG", "AIL", "AIP", "AIS", "AL1", "ARV", "BPO", "BPX", "BTX", "BUI", "CDO", "CER", "CM0", "CM1",
    "CM2", "CON", "DB1", "DG1", "DSP", "EDU", "FT1", "GT1", "IAM", "ILT", "IN1", "IN3", "IVT", "LAN", "MCP",
    "NK1", "NTE", "OBR", "OBX", "ORG", "PAC", "PCE", "PID", "PKG", "PR1", "PV1", "PYE", "REL", "RGS", "RXV",
    "SGH", "SGT", "SPM", "TQ1", "TQ2", "TXA", "UB1", "UB2", "VND",
];

/// Whether the first field of `segment` is a set ID.
pub(crate) fn has_set_id(segment: &str) -> bool {
    SET_IDS.contains(&segment)
}

/// Whether the numbering of `numbered` begins anew behind a `written` segment, which may be its parent.
pub(crate) fn restarts(numbered: &str, written: &str) -> bool {
    if written == numbered {
        return false;
    }
    match numbered {
        "NTE" => true,
        "OBX" => matches!(written, "OBR" | "ORC" | "RXA" | "RXE" | "FT1" | "PID" | "RGS" | "SPM"),
        "AIS" | "AIG" | "AIL" | "AIP" => written == "RGS",
        "DG1" | "PR1" => matches!(written, "FT1" | "OBR"),
        "TQ1" => matches!(written, "ORC" | "OBR" | "SCH"),
        "SPM" => written == "OBR",
        "PV1" => matches!(written, "PID"),
        "AL1" | "NK1" | "GT1" | "IN1" => written == "PID",
        "TQ2" => matches!(written, "TQ1" | "ORC" | "OBR" | "SCH"),
        "BPO" => written == "ORC",
        "BPX" | "BTX" => matches!(written, "BPO" | "ORC"),
        "AFF" | "CER" | "EDU" | "LAN" | "ORG" => written == "STF",
        "CM0" => written == "MFE",
        "CM1" => matches!(written, "CM0" | "MFE"),
        "CM2" => matches!(written, "CM1" | "CM0" | "MFE"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted_and_without_doubles() {
        assert!(SEGMENTS.is_sorted_by(|a, b| a < b));
        assert!(SET_IDS.is_sorted_by(|a, b| a < b));
        assert!(SET_IDS.iter().all(|id| SEGMENTS.contains(id)));
    }
}
