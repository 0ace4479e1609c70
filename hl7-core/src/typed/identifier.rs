//! CX, EI and HD: identifiers and who assigns them.

use std::fmt;

use super::coded::Cwe;
use super::composite::composite;
use crate::piece::Value;

composite! {
    /// An identifier with who assigned it, such as a patient's (HL7 2.5.1, chapter 2A, data type CX).
    ///
    /// ```
    /// use hl7_core::typed::Cx;
    /// use hl7_core::{path, Message};
    ///
    /// let msg = Message::parse("MSH|^~\\&|A\rPID|||7^^^NORTH&1.2.3&ISO^MR~8^^^SSA^SS\r")?;
    /// let pid = msg.segments("PID").next().unwrap();
    /// let types: Vec<_> = pid.field(3).unwrap().repetitions().map(Cx::of)
    ///     .map(|id| id.identifier_type_code().unwrap().text()).collect();
    /// assert_eq!(types, ["MR", "SS"]);
    /// # Ok::<(), hl7_core::ParseError>(())
    /// ```
    #[doc(alias = "CX")]
    Cx {
        /// CX.1.
        id_number 1;
        /// CX.2.
        check_digit 2;
        /// CX.3 (table 0061).
        check_digit_scheme 3;
        /// CX.4 (table 0363).
        assigning_authority 4: Hd;
        /// CX.5 (table 0203), such as `MR`.
        identifier_type_code 5;
        /// CX.6.
        assigning_facility 6: Hd;
        /// CX.7, a [`Date`](super::Date).
        effective_date 7;
        /// CX.8, a [`Date`](super::Date).
        expiration_date 8;
        /// CX.9.
        assigning_jurisdiction 9: Cwe;
        /// CX.10.
        assigning_agency_or_department 10: Cwe;
        /// CX.11, since 2.7.
        security_check 11;
        /// CX.12, since 2.7.
        security_check_scheme 12;
    }
}

composite! {
    /// An identifier of a thing, such as an order (HL7 2.5.1, chapter 2A, data type EI).
    #[doc(alias = "EI")]
    Ei {
        /// EI.1.
        entity_identifier 1;
        /// EI.2 (table 0363).
        namespace_id 2;
        /// EI.3.
        universal_id 3;
        /// EI.4 (table 0301), such as `ISO`.
        universal_id_type 4;
    }
}

composite! {
    /// A designation of an application, a facility or another who assigns identifiers (HL7 2.5.1, chapter 2A, data type HD).
    #[doc(alias = "HD")]
    Hd {
        /// HD.1 (table 0300).
        namespace_id 1;
        /// HD.2.
        universal_id 2;
        /// HD.3 (table 0301), such as `ISO`.
        universal_id_type 3;
    }
}
