//! CWE, and the CE that it replaced.

use std::fmt;

use super::composite::composite;
use crate::piece::Value;

composite! {
    /// A code with its text and its coding system (HL7 2.5.1, chapter 2A, data types CWE and CE). A CE, which CWE replaces from 2.6 on, is the
    /// first six components.
    ///
    /// ```
    /// use hl7_core::typed::Cwe;
    /// use hl7_core::{path, Message};
    ///
    /// let msg = Message::parse("MSH|^~\\&|A\rOBX|1|NM|718-7^Hemoglobin^LN^HB||13.5\r")?;
    /// let test = msg.get(path!("OBX-3")).map(Cwe::of).unwrap();
    /// assert_eq!(test.name_of_coding_system().unwrap().text(), "LN");
    /// assert!(test.alternate_text().is_none());
    /// # Ok::<(), hl7_core::ParseError>(())
    /// ```
    #[doc(alias = "CWE")]
    #[doc(alias = "CE")]
    Cwe {
        /// CWE.1, the code.
        identifier 1;
        /// CWE.2.
        text 2;
        /// CWE.3 (table 0396), such as `LN`.
        name_of_coding_system 3;
        /// CWE.4.
        alternate_identifier 4;
        /// CWE.5.
        alternate_text 5;
        /// CWE.6 (table 0396).
        name_of_alternate_coding_system 6;
        /// CWE.7.
        coding_system_version_id 7;
        /// CWE.8.
        alternate_coding_system_version_id 8;
        /// CWE.9, what was there before it was coded.
        original_text 9;
        /// CWE.10, since 2.7.
        second_alternate_identifier 10;
        /// CWE.11, since 2.7.
        second_alternate_text 11;
        /// CWE.12 (table 0396), since 2.7.
        name_of_second_alternate_coding_system 12;
        /// CWE.13, since 2.7.
        second_alternate_coding_system_version_id 13;
        /// CWE.14, since 2.7.
        coding_system_oid 14;
        /// CWE.15, since 2.7.
        value_set_oid 15;
        /// CWE.16, since 2.7.
        value_set_version_id 16;
        /// CWE.17, since 2.7.
        alternate_coding_system_oid 17;
        /// CWE.18, since 2.7.
        alternate_value_set_oid 18;
        /// CWE.19, since 2.7.
        alternate_value_set_version_id 19;
        /// CWE.20, since 2.7.
        second_alternate_coding_system_oid 20;
        /// CWE.21, since 2.7.
        second_alternate_value_set_oid 21;
        /// CWE.22, since 2.7.
        second_alternate_value_set_version_id 22;
    }
}
