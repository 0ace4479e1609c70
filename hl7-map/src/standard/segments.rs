//! Which segments are numbered.

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

/// Whether messages of this type have an EVN segment behind the header.
pub(crate) fn has_event_segment(kind: &str) -> bool {
    matches!(kind, "ADT" | "BAR" | "DFT" | "MDM" | "PMU")
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
    use super::super::Version;
    use super::*;

    #[test]
    fn the_list_is_sorted_and_names_set_ids() {
        assert!(SET_IDS.is_sorted_by(|a, b| a < b));
        let first = |id: &str| Version::LAST.dictionary().segment(id)?.field(1).map(|field| field.name());
        for id in SET_IDS.iter().filter(|id| first(id).is_some()) {
            let name = first(id).unwrap_or_default();
            assert!(name.starts_with("Set ID") || name.contains("Set Id"), "{id}: {name}");
        }
    }
}
