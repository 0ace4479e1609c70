//! Data types: which texts are values, what they mean, and where the parts of composites are found.

use std::cmp::Ordering;
use std::time::{Duration, UNIX_EPOCH};

use hl7_core::typed::{
    Cwe, Cx, DataType, DataTypeError, Date, DateRange, DateTime, Ei, FamilyName, Hd, Number, Offset,
    Precision, SequenceId, StreetAddress, Time, Xad, Xpn,
};
use hl7_core::{Message, Path, Value};
use proptest::prelude::*;

/// What a text is as each data type, in one line: its parts, or code and offset of the error.
fn shown(data_type: DataType, text: &str) -> String {
    let part = |part: Option<u8>| part.map_or("-".to_owned(), |part| part.to_string());
    let result = match data_type {
        DataType::Dt => Date::parse(text)
            .map(|d| format!("{} {} {} {:?}", d.year(), part(d.month()), part(d.day()), d.precision())),
        DataType::Tm => Time::parse(text).map(|t| {
            let offset = t.offset().map_or("-".to_owned(), |offset| offset.minutes().to_string());
            let nanos = t.nanosecond().map_or("-".to_owned(), |nanos| nanos.to_string());
            let (minute, second) = (part(t.minute()), part(t.second()));
            format!("{} {minute} {second} {nanos} {offset} {:?}", t.hour(), t.precision())
        }),
        DataType::Dtm => DateTime::parse(text).map(|t| {
            let time = t.time().map_or("-".to_owned(), |time| shown(DataType::Tm, &time.to_string()));
            format!("{}, {time}, {:?}", t.date(), t.precision())
        }),
        DataType::Nm => Number::parse(text).map(|n| {
            let integer = n.integer().map_or("-".to_owned(), |integer| integer.to_string());
            format!("{integer} {:?} {}", n.to_f64(), n.decimals())
        }),
        _ => SequenceId::parse(text).map(|id| id.get().to_string()),
    };
    result.unwrap_or_else(|error: DataTypeError| {
        assert_eq!(error.data_type(), data_type);
        assert!(error.to_string().contains(error.code()) && !error.suggestion().is_empty());
        format!("{} at {}", error.code(), error.offset())
    })
}

fn check(data_type: DataType, cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(shown(data_type, text), *expected, "{text:?} as {data_type}");
    }
}

#[test]
fn dates_are_read_as_precise_as_they_were_sent() {
    check(
        DataType::Dt,
        &[
            ("2024", "2024 - - Year"),
            ("202412", "2024 12 - Month"),
            ("20240229", "2024 2 29 Day"),
            ("20000229", "2000 2 29 Day"),
            ("00000101", "0 1 1 Day"),
            ("99991231", "9999 12 31 Day"),
            ("20230229", "T005 at 6"),
            ("19000229", "T005 at 6"),
            ("20240431", "T005 at 6"),
            ("20240100", "T005 at 6"),
            ("20241301", "T005 at 4"),
            ("00000000", "T005 at 4"),
            ("", "T001 at 0"),
            ("202", "T003 at 3"),
            ("20241", "T003 at 5"),
            ("2024121", "T003 at 7"),
            ("2024-12-01", "T004 at 4"),
            ("2O24", "T004 at 1"),
            (" 2024", "T004 at 0"),
            ("20240101 ", "T004 at 8"),
            ("202401011", "T006 at 8"),
            ("2024\u{661}", "T004 at 4"),
        ],
    );
}

#[test]
fn times_are_read_as_precise_as_they_were_sent() {
    check(
        DataType::Tm,
        &[
            ("00", "0 - - - - Hour"),
            ("2359", "23 59 - - - Minute"),
            ("235959", "23 59 59 - - Second"),
            ("235959.1", "23 59 59 100000000 - Fraction(1)"),
            ("235959.1000", "23 59 59 100000000 - Fraction(4)"),
            ("235959.000000001", "23 59 59 1 - Fraction(9)"),
            ("08+0100", "8 - - - 60 Hour"),
            ("0800-0330", "8 0 - - -210 Minute"),
            ("080000-0000", "8 0 0 - 0 Second"),
            ("080000+1400", "8 0 0 - 840 Second"),
            ("24", "T005 at 0"),
            ("2400", "T005 at 0"),
            ("2360", "T005 at 2"),
            ("235960", "T005 at 4"),
            ("080000+1401", "T005 at 7"),
            ("080000+1500", "T005 at 7"),
            ("080000+0160", "T005 at 9"),
            ("", "T001 at 0"),
            ("8", "T003 at 1"),
            ("080", "T003 at 3"),
            ("080000.", "T003 at 7"),
            ("080000+", "T003 at 7"),
            ("080000+01", "T003 at 9"),
            ("0800.5", "T004 at 4"),
            ("08:00", "T004 at 2"),
            ("080000Z", "T004 at 6"),
            ("080000.+0100", "T004 at 7"),
            ("080000+01:00", "T004 at 9"),
            ("080000.1234567890", "T006 at 16"),
            ("08000001", "T006 at 6"),
            ("080000+01000", "T006 at 11"),
        ],
    );
}

#[test]
fn points_in_time_are_a_date_then_a_time() {
    check(
        DataType::Dtm,
        &[
            ("2024", "2024, -, Year"),
            ("2024+0100", "2024, -, Year"),
            ("20240229", "20240229, -, Day"),
            ("2024022912", "20240229, 12 - - - - Hour, Hour"),
            ("202402291200-0500", "20240229, 12 0 - - -300 Minute, Minute"),
            ("20240229120000.25+0000", "20240229, 12 0 0 250000000 0 Fraction(2), Fraction(2)"),
            ("20230229120000", "T005 at 6"),
            ("202402292400", "T005 at 8"),
            ("2024022912000", "T003 at 13"),
            ("2024-02-29T12:00:00Z", "T004 at 7"),
            ("20240229T12", "T004 at 8"),
            ("20240229 1200", "T004 at 8"),
            ("202402+01", "T003 at 9"),
        ],
    );
}

#[test]
fn numbers_keep_their_digits() {
    check(
        DataType::Nm,
        &[
            ("999", "999 999.0 0"),
            ("-123.792", "- -123.792 3"),
            ("0.1", "- 0.1 1"),
            ("+7", "7 7.0 0"),
            ("007", "7 7.0 0"),
            ("5.", "5 5.0 0"),
            (".5", "- 0.5 1"),
            ("5.00", "5 5.0 2"),
            ("-0", "0 -0.0 0"),
            ("9223372036854775807", "9223372036854775807 9.223372036854776e18 0"),
            ("-9223372036854775808", "-9223372036854775808 -9.223372036854776e18 0"),
            ("9223372036854775808", "- 9.223372036854776e18 0"),
            ("", "T001 at 0"),
            ("+", "T003 at 1"),
            (".", "T003 at 1"),
            ("-.", "T003 at 2"),
            ("<12", "T004 at 0"),
            ("1,5", "T004 at 1"),
            ("1.2.3", "T004 at 3"),
            ("1e3", "T004 at 1"),
            ("--1", "T004 at 1"),
            ("1-", "T004 at 1"),
            ("12 ", "T004 at 2"),
            ("inf", "T004 at 0"),
            ("\u{ff11}", "T004 at 0"),
        ],
    );
    assert!(Number::parse(&"9".repeat(400)).unwrap().to_f64().is_infinite());
}

#[test]
fn numbers_compare_by_what_they_mean() {
    let rising = [
        "-100000000000000000000.5",
        "-10",
        "-9.99",
        "-0.001",
        "0",
        "0.0010",
        "0.01",
        "0.011",
        "1.2",
        "1.20000000000000000000000001",
        "9",
        "10",
        "100000000000000000000",
    ];
    for (i, a) in rising.iter().enumerate() {
        for (j, b) in rising.iter().enumerate() {
            assert_eq!(Number::parse(a).unwrap().cmp(&Number::parse(b).unwrap()), i.cmp(&j), "{a} and {b}");
        }
    }
    for (a, b) in [("01.20", "1.2"), ("-0", "0.00"), ("+5", "5."), (".5", "0.5")] {
        assert_eq!(Number::parse(a), Number::parse(b));
        assert_eq!(Number::parse(a).unwrap().cmp(&Number::parse(b).unwrap()), Ordering::Equal);
    }
}

#[test]
fn sequence_numbers_have_one_to_four_digits() {
    let cases = [
        ("0", "0"),
        ("1", "1"),
        ("0012", "12"),
        ("9999", "9999"),
        ("10000", "T006 at 4"),
        ("-1", "T004 at 0"),
        ("1.0", "T004 at 1"),
        ("", "T001 at 0"),
    ];
    check(DataType::Si, &cases);
}

#[test]
fn offsets_are_told_apart_also_at_zero() {
    let offset = |text: &str| Time::parse(text).unwrap().offset().unwrap();
    assert_eq!(offset("08+0000"), Offset::UTC);
    assert!(offset("08-0000").is_minus_zero() && offset("08-0000") != Offset::UTC);
    assert_eq!(Some(offset("08-0330")), Offset::from_minutes(-210));
    assert_eq!([-841, 841].map(Offset::from_minutes), [None, None]);
    let stated = DateTime::parse("2024010108+0100").unwrap();
    assert_eq!(stated.or_offset(Offset::UTC), stated);
}

#[test]
fn instants_are_known_where_an_offset_is() {
    let cases = [
        ("19700101000000+0000", 0, 0),
        ("197001010100+0100", 0, 0),
        ("1970+0000", 0, 0),
        ("19691231235959.75-0000", -1, 750_000_000),
        ("20240229120000.5-0500", 1_709_226_000, 500_000_000),
        ("00000101+0000", -62_167_219_200, 0),
        ("99991231235959+0000", 253_402_300_799, 0),
    ];
    for (text, seconds, nanos) in cases {
        let since = Duration::from_secs(i64::unsigned_abs(seconds));
        let whole = if seconds < 0 { UNIX_EPOCH.checked_sub(since) } else { UNIX_EPOCH.checked_add(since) };
        let expected = whole.map(|whole| whole + Duration::from_nanos(nanos));
        assert_eq!(DateTime::parse(text).unwrap().earliest(), expected, "{text}");
    }
    assert_eq!(DateTime::parse("20240229120000").unwrap().earliest(), None);
}

#[test]
fn order_is_told_only_where_it_is_certain() {
    use Ordering::{Equal, Greater, Less};
    let cases = [
        ("20240101+0000", "20240102+0000", Some(Less)),
        ("202402+0000", "202401+0000", Some(Greater)),
        ("2024+0000", "2024+0000", Some(Equal)),
        ("202402+0000", "20240229+0000", None),
        ("202402+0000", "20240301+0000", Some(Less)),
        ("2023+0000", "20240101+0000", Some(Less)),
        ("2024+0000", "20241231+0000", None),
        ("2024010112+0100", "2024010111+0000", Some(Equal)),
        ("202401012330-0100", "202401020000+0000", Some(Greater)),
        ("2024010112+0000", "202401011259+0000", None),
        ("2024010112+0000", "202401011300+0000", Some(Less)),
        ("20240101120000.1+0000", "20240101120000.10+0000", None),
        ("20240101120000.1+0000", "20240101120000.2+0000", Some(Less)),
        ("20240101", "20250101", None),
        ("20240101+0000", "20250101", None),
    ];
    for (a, b, expected) in cases {
        let (first, second) = (DateTime::parse(a).unwrap(), DateTime::parse(b).unwrap());
        assert_eq!(first.order(second), expected, "{a} and {b}");
        assert_eq!(second.order(first), expected.map(Ordering::reverse), "{b} and {a}");
    }
    assert!(Precision::Second < Precision::Fraction(1) && Precision::Fraction(1) < Precision::Fraction(4));
}

const COMPOSITES: &str = "MSH|^~\\&|A&1.2&ISO^1.2.3^ISO|B\r\
    PID|1||7^4^M11^N&1.2.3&ISO^MR^F^2020^2021^J&Jx&ISO^D&&L^s^t~8^^^\"\"^\r\
    PV1|\"\"||x&y|a^b\\T\\c\r\
    NK1|Doe&van&Doe&de&Roe^Ann^Bea^Jr^Dr^MD^L^I^ctx&Context^20200101&20211231^G^2020^2021^PhD^Annie\r\
    IN1|1 Elm St&Elm St&1^Apt 2^Town^TX^75001^USA^H^geo^c&County^ct&Tract^A^2020&2021^2022^2023^r&Reason^Y^N^M^To^note^1^p&Protected^e&n&u&ISO\r";

fn place<'m>(msg: &'m Message<'_>, path: &str) -> Option<Value<'m>> {
    msg.get(&path.parse::<Path>().unwrap())
}

fn texts<'m, const N: usize>(values: [Option<Value<'m>>; N]) -> String {
    values.map(|value| value.map_or("-", Value::raw).to_owned()).join("|")
}

#[test]
fn identifiers_give_their_components() {
    let msg = Message::parse(COMPOSITES).unwrap();
    let cx = Cx::of(place(&msg, "PID-3").unwrap());
    assert_eq!(cx.raw(), "7^4^M11^N&1.2.3&ISO^MR^F^2020^2021^J&Jx&ISO^D&&L^s^t");
    let authority = |hd: Option<Hd<'_>>| {
        hd.map(|hd| texts([hd.namespace_id(), hd.universal_id(), hd.universal_id_type()]))
    };
    assert_eq!(authority(cx.assigning_authority()).as_deref(), Some("N|1.2.3|ISO"));
    assert_eq!(authority(cx.assigning_facility()).as_deref(), Some("F|-|-"));
    assert_eq!(
        texts([cx.id_number(), cx.check_digit(), cx.check_digit_scheme(), cx.identifier_type_code()]),
        "7|4|M11|MR"
    );
    assert_eq!(
        texts([cx.effective_date(), cx.expiration_date(), cx.security_check(), cx.security_check_scheme()]),
        "2020|2021|s|t"
    );
    assert_eq!(texts([cx.assigning_jurisdiction().unwrap().text()]), "Jx");
    assert_eq!(texts([cx.assigning_agency_or_department().unwrap().name_of_coding_system()]), "L");

    let second = place(&msg, "PID-3[2]").map(Cx::of).unwrap();
    assert!(second.assigning_authority().unwrap().is_null());
    assert!(second.identifier_type_code().unwrap().is_empty());
    assert!(second.assigning_facility().is_none());
}

#[test]
fn the_parts_of_a_composite_are_found_at_each_level() {
    let msg = Message::parse(COMPOSITES).unwrap();
    let cases = [
        ("MSH-3", "A&1.2&ISO|1.2.3|ISO|-"),
        ("MSH-3[1]", "A&1.2&ISO|1.2.3|ISO|-"),
        ("MSH-3.1", "A|1.2|ISO|-"),
        ("MSH-3.1.2", "1.2|-|-|-"),
        ("MSH-2", "^~\\&|-|-|-"),
        ("PID-3.4", "N|1.2.3|ISO|-"),
        ("PV1-1", "\"\"|-|-|-"),
        ("PV1-2", "|-|-|-"),
        ("PV1-4", "a|b\\T\\c|-|-"),
    ];
    for (path, expected) in cases {
        let ei = Ei::of(place(&msg, path).unwrap());
        let parts = [ei.entity_identifier(), ei.namespace_id(), ei.universal_id(), ei.universal_id_type()];
        assert_eq!(texts(parts), expected, "{path}");
    }
    // The same from the parts themselves, which know their level by their type.
    let field = msg.segments("PID").next().unwrap().field(3).unwrap();
    let repetition = field.repetition(1).unwrap();
    let component = repetition.component(4).unwrap();
    assert_eq!(texts([Cx::of(field).id_number(), Cx::of(repetition).id_number()]), "7|7");
    assert_eq!(texts([Hd::of(component).universal_id()]), "1.2.3");
    let leaf = Hd::of(component.subcomponent(2).unwrap());
    assert_eq!(texts([leaf.namespace_id(), leaf.universal_id()]), "1.2.3|-");
    assert_eq!(texts([Cwe::of(place(&msg, "PV1-4").unwrap()).text()]), "b\\T\\c");
}

#[test]
fn names_give_their_components() {
    let msg = Message::parse(COMPOSITES).unwrap();
    let name = place(&msg, "NK1-1").map(Xpn::of).unwrap();
    let family: FamilyName<'_> = name.family_name().unwrap();
    let own = [family.surname(), family.own_surname_prefix(), family.own_surname()];
    assert_eq!(texts(own), "Doe|van|Doe");
    assert_eq!(texts([family.surname_prefix_from_partner(), family.surname_from_partner()]), "de|Roe");
    assert_eq!(
        texts([
            name.given_name(),
            name.second_and_further_given_names(),
            name.suffix(),
            name.prefix(),
            name.degree(),
            name.name_type_code(),
            name.name_representation_code(),
            name.name_assembly_order(),
            name.effective_date(),
            name.expiration_date(),
            name.professional_suffix(),
            name.called_by(),
        ]),
        "Ann|Bea|Jr|Dr|MD|L|I|G|2020|2021|PhD|Annie"
    );
    assert_eq!(texts([name.name_context().unwrap().text()]), "Context");
    let range: DateRange<'_> = name.name_validity_range().unwrap();
    assert_eq!(range.start().map(DateTime::of), Some(DateTime::parse("20200101")));
    assert_eq!(range.end().map(DateTime::of), Some(DateTime::parse("20211231")));
}

#[test]
fn addresses_give_their_components() {
    let msg = Message::parse(COMPOSITES).unwrap();
    let address = place(&msg, "IN1-1").map(Xad::of).unwrap();
    let street: StreetAddress<'_> = address.street_address().unwrap();
    assert_eq!(texts([street.line(), street.street_name(), street.dwelling_number()]), "1 Elm St|Elm St|1");
    assert_eq!(
        texts([
            address.other_designation(),
            address.city(),
            address.state_or_province(),
            address.zip_or_postal_code(),
            address.country(),
            address.address_type(),
            address.other_geographic_designation(),
            address.address_representation_code(),
        ]),
        "Apt 2|Town|TX|75001|USA|H|geo|A"
    );
    let codes = [
        address.county_parish_code(),
        address.census_tract(),
        address.expiration_reason(),
        address.protection_code(),
    ];
    assert_eq!(texts(codes.map(|code| code.unwrap().text())), "County|Tract|Reason|Protected");
    assert_eq!(texts([address.address_validity_range().unwrap().end()]), "2021");
    assert_eq!(
        texts([
            address.effective_date(),
            address.expiration_date(),
            address.temporary_indicator(),
            address.bad_address_indicator(),
            address.address_usage(),
            address.addressee(),
            address.comment(),
            address.preference_order(),
        ]),
        "2022|2023|Y|N|M|To|note|1"
    );
    assert_eq!(texts([address.address_identifier().unwrap().universal_id_type()]), "ISO");
}

#[test]
fn codes_give_their_components() {
    let parts: Vec<_> = (1..=22).map(|n| n.to_string()).collect();
    let er7 = format!("MSH|^~\\&|A\rOBX|{}\r", parts.join("^"));
    let msg = Message::parse(&er7).unwrap();
    let code = place(&msg, "OBX-1").map(Cwe::of).unwrap();
    let values = [
        code.identifier(),
        code.text(),
        code.name_of_coding_system(),
        code.alternate_identifier(),
        code.alternate_text(),
        code.name_of_alternate_coding_system(),
        code.coding_system_version_id(),
        code.alternate_coding_system_version_id(),
        code.original_text(),
        code.second_alternate_identifier(),
        code.second_alternate_text(),
        code.name_of_second_alternate_coding_system(),
        code.second_alternate_coding_system_version_id(),
        code.coding_system_oid(),
        code.value_set_oid(),
        code.value_set_version_id(),
        code.alternate_coding_system_oid(),
        code.alternate_value_set_oid(),
        code.alternate_value_set_version_id(),
        code.second_alternate_coding_system_oid(),
        code.second_alternate_value_set_oid(),
        code.second_alternate_value_set_version_id(),
    ];
    assert_eq!(texts(values), parts.join("|"));
}

#[test]
fn scalars_are_read_from_the_first_leaf_of_a_place() {
    let er7 = "MSH|^~\\&|A\rOBX|7|NM|20240102^D|\"\"||4\\X2E\\2|2024\\X30\\1|12&x~13\r";
    let msg = Message::parse(er7).unwrap();
    let at = |n: usize| msg.segments("OBX").next().unwrap().field(n).unwrap();
    assert_eq!(SequenceId::of(at(1)).map(u16::from), Ok(7));
    assert_eq!(DateTime::of(at(3)).unwrap().precision(), Precision::Day, "a TS with its degree of precision");
    assert_eq!(Date::of(at(7)), Date::parse("202401"));
    assert_eq!(Time::of(at(8)), Time::parse("12"));
    let codes = [at(4), at(5), at(6), at(2)].map(|place| Number::of(place).unwrap_err().code());
    assert_eq!(codes, ["T002", "T001", "T007", "T004"]);
    assert_eq!(at(4).value().valued().is_none(), at(5).value().valued().is_none());
}

/// Texts that are nearly dates, times and numbers.
fn nearly() -> impl Strategy<Value = String> {
    prop_oneof![
        "[0-9]{0,16}(\\.[0-9]{0,10})?([+-][0-9]{0,5})?",
        "[12][0-9]{3}((0[1-9]|1[0-2])((0[1-9]|1[0-9]|2[0-8])([01][0-9]([0-5][0-9]([0-5][0-9](\\.[0-9]{1,9})?)?)?)?)?)?([+-](0[0-9]|1[0-3])[0-5][0-9])?",
        "([01][0-9]|2[0-3])([0-5][0-9]([0-5][0-9](\\.[0-9]{1,9})?)?)?([+-](0[0-9]|1[0-3])[0-5][0-9])?",
        "[+-]?[0-9]{0,20}\\.?[0-9]{0,20}",
        "[-+.0-9 Zé]{0,20}",
        any::<String>(),
    ]
}

proptest! {
    #[test]
    fn what_is_read_is_shown_as_it_was_sent(text in nearly()) {
        for shown in [
            Date::parse(&text).map(|value| value.to_string()),
            Time::parse(&text).map(|value| value.to_string()),
            DateTime::parse(&text).map(|value| value.to_string()),
            Number::parse(&text).map(|value| value.to_string()),
        ] {
            match shown {
                Ok(shown) => prop_assert_eq!(&shown, &text),
                Err(error) => prop_assert!(error.offset() <= text.len() && text.is_char_boundary(error.offset())),
            }
        }
        if let Ok(id) = SequenceId::parse(&text) {
            prop_assert_eq!(text.parse::<u16>().ok(), Some(id.get()));
        }
    }

    #[test]
    fn well_formed_times_are_read(
        text in "[12][0-9]{3}((0[1-9]|1[0-2])((0[1-9]|1[0-9]|2[0-8])([01][0-9]([0-5][0-9]([0-5][0-9](\\.[0-9]{1,9})?)?)?)?)?)?([+-](0[0-9]|1[0-3])[0-5][0-9])?"
    ) {
        let time = DateTime::parse(&text).unwrap();
        prop_assert_eq!(time.order(time), time.offset().map(|_| Ordering::Equal));
        prop_assert_eq!(time.earliest().is_some(), time.offset().is_some());
    }

    #[test]
    fn numbers_agree_with_floating_point(a in "[+-]?[0-9]{1,6}(\\.[0-9]{0,6})?", b in "[+-]?[0-9]{1,6}(\\.[0-9]{0,6})?") {
        let (a, b) = (Number::parse(&a).unwrap(), Number::parse(&b).unwrap());
        prop_assert_eq!(a.to_f64().partial_cmp(&b.to_f64()), Some(a.cmp(&b)));
        prop_assert_eq!(a.integer().map(|n| n as f64), Some(a.to_f64()).filter(|n| n.fract() == 0.0));
    }
}
