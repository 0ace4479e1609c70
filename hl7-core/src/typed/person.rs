//! XPN and XAD: names and addresses, with the data types of their parts.

use std::fmt;

use super::coded::Cwe;
use super::composite::composite;
use super::identifier::Ei;
use crate::piece::Value;

composite! {
    /// A person's name (HL7 2.5.1, chapter 2A, data type XPN).
    ///
    /// ```
    /// use hl7_core::typed::{FamilyName, Xpn};
    /// use hl7_core::{path, Message};
    ///
    /// let msg = Message::parse("MSH|^~\\&|A\rPID|||7||Doe^Ann^\"\"^^Ms\r")?;
    /// let name = msg.get(path!("PID-5")).map(Xpn::of).unwrap();
    /// assert_eq!((name.family_name().and_then(FamilyName::surname).unwrap().text(), name.prefix().unwrap().text()), ("Doe".into(), "Ms".into()));
    /// assert!(name.second_and_further_given_names().unwrap().is_null());
    /// assert!(name.suffix().unwrap().is_empty());
    /// # Ok::<(), hl7_core::ParseError>(())
    /// ```
    #[doc(alias = "XPN")]
    Xpn {
        /// XPN.1.
        family_name 1: FamilyName;
        /// XPN.2.
        given_name 2;
        /// XPN.3, or initials thereof.
        second_and_further_given_names 3;
        /// XPN.4, such as `Jr`.
        suffix 4;
        /// XPN.5, such as `Dr`.
        prefix 5;
        /// XPN.6 (table 0360), up to 2.6.
        degree 6;
        /// XPN.7 (table 0200), such as `L` for the legal name.
        name_type_code 7;
        /// XPN.8 (table 0465), such as `I` for ideographic.
        name_representation_code 8;
        /// XPN.9 (table 0448).
        name_context 9: Cwe;
        /// XPN.10, up to 2.6.
        name_validity_range 10: DateRange;
        /// XPN.11 (table 0444).
        name_assembly_order 11;
        /// XPN.12, a [`DateTime`](super::DateTime).
        effective_date 12;
        /// XPN.13, a [`DateTime`](super::DateTime).
        expiration_date 13;
        /// XPN.14.
        professional_suffix 14;
        /// XPN.15, since 2.7.
        called_by 15;
    }
}

composite! {
    /// A family name and its parts (HL7 2.5.1, chapter 2A, data type FN). Before 2.3.1 there is no more than the surname.
    #[doc(alias = "FN")]
    FamilyName {
        /// FN.1.
        surname 1;
        /// FN.2, such as `van`.
        own_surname_prefix 2;
        /// FN.3.
        own_surname 3;
        /// FN.4.
        surname_prefix_from_partner 4;
        /// FN.5.
        surname_from_partner 5;
    }
}

composite! {
    /// An address (HL7 2.5.1, chapter 2A, data type XAD).
    #[doc(alias = "XAD")]
    Xad {
        /// XAD.1.
        street_address 1: StreetAddress;
        /// XAD.2.
        other_designation 2;
        /// XAD.3.
        city 3;
        /// XAD.4.
        state_or_province 4;
        /// XAD.5.
        zip_or_postal_code 5;
        /// XAD.6 (table 0399).
        country 6;
        /// XAD.7 (table 0190), such as `H` for home.
        address_type 7;
        /// XAD.8.
        other_geographic_designation 8;
        /// XAD.9 (table 0289); a code with text since 2.7.
        county_parish_code 9: Cwe;
        /// XAD.10 (table 0288); a code with text since 2.7.
        census_tract 10: Cwe;
        /// XAD.11 (table 0465).
        address_representation_code 11;
        /// XAD.12, up to 2.6.
        address_validity_range 12: DateRange;
        /// XAD.13, a [`DateTime`](super::DateTime).
        effective_date 13;
        /// XAD.14, a [`DateTime`](super::DateTime).
        expiration_date 14;
        /// XAD.15, since 2.6.
        expiration_reason 15: Cwe;
        /// XAD.16, since 2.6.
        temporary_indicator 16;
        /// XAD.17, since 2.6.
        bad_address_indicator 17;
        /// XAD.18, since 2.6.
        address_usage 18;
        /// XAD.19, since 2.6.
        addressee 19;
        /// XAD.20, since 2.6.
        comment 20;
        /// XAD.21, a [`Number`](super::Number), since 2.6.
        preference_order 21;
        /// XAD.22, since 2.6.
        protection_code 22: Cwe;
        /// XAD.23, since 2.6.
        address_identifier 23: Ei;
    }
}

composite! {
    /// The first line of an address and its parts (HL7 2.5.1, chapter 2A, data type SAD).
    #[doc(alias = "SAD")]
    StreetAddress {
        /// SAD.1, street or mailing address.
        line 1;
        /// SAD.2.
        street_name 2;
        /// SAD.3.
        dwelling_number 3;
    }
}

composite! {
    /// From when to when (HL7 2.5.1, chapter 2A, data type DR).
    #[doc(alias = "DR")]
    DateRange {
        /// DR.1, a [`DateTime`](super::DateTime).
        start 1;
        /// DR.2, a [`DateTime`](super::DateTime).
        end 2;
    }
}
