//! A declarative mapping engine: one checked file turns JSON into HL7 v2 messages, messages into JSON, or changes messages in place.
//!
//! A mapping is a YAML file. It is loaded once, every mistake in it is told at once with its line, its column and what was probably
//! meant, and then it makes a message of each payload.
//!
//! ```
//! use hl7_map::{Context, Mapping};
//!
//! let text = r#"
//! map: intake
//! from: json
//! to: { hl7: "2.5.1", message: ADT^A04 }
//! tables:
//!   sex: { map: { female: F, male: M }, on_miss: U }
//! emit:
//!   MSH: { 3: INTAKE, 5: EHR }
//!   PID:
//!     3: { each: .ids, identifier: { id: .value, type: .kind } }
//!     5: { name: { family: .last, given: .first } }
//!     7: .born | date
//!     8: .sex | table sex
//!   PV1: { 2: O }
//! tests:
//!   - given: { ids: [ { value: "7", kind: MR } ], last: Doe, sex: female }
//!     expect: { PID-3: 7^^^^MR, PID-8: F }
//! "#;
//! let mapping = Mapping::from_yaml(text)?;
//! assert_eq!(mapping.run_tests().failed(), 0);
//!
//! let payload = br#"{"ids":[{"value":"7","kind":"MR"}],"last":"O'Brien & Sons","first":"Ann","born":"1980-02","sex":"x"}"#;
//! let ctx = Context::new("id-1", std::time::UNIX_EPOCH);
//! let msg = mapping.apply_json(payload, &ctx)?;
//! assert_eq!(
//!     msg.as_er7().replace('\r', "\n"),
//!     "MSH|^~\\&|INTAKE||EHR||19700101000000+0000||ADT^A04^ADT_A01|id-1|P|2.5.1\n\
//!      EVN||19700101000000+0000\n\
//!      PID|1||7^^^^MR||O'Brien \\T\\ Sons^Ann||198002|U\n\
//!      PV1|1|O\n"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The [guide] goes from a sample message to a running mapping.
//!
//! # The file
//!
//! | key | what it says |
//! | --- | --- |
//! | `map` | the name of the mapping |
//! | `from: json` | what comes in |
//! | `to: { hl7: "2.5.1", message: ADT^A08 }` | the version and the message that goes out; a message that is not known here is written with its structure, `ADT^A08^ADT_A01`; before 2.3.1 MSH-9 has no structure, and none is sent |
//! | `zone` | the time zone of timestamps that have no offset, for `dtm` |
//! | `tables` | `NAME: { map: { from: to }, on_miss: error }`; `on_miss` is `error` (the payload is refused), `keep`, `drop` or a text. In place of `map`, `csv: FILE` with a line of names: the first column to the second, or `from: NAME, to: NAME` |
//! | `lookups` | `NAME: { on_miss: error }` for lookups of the embedding program |
//! | `segments` | the Z segments that are written: `{ ZPD: { 1: ST, 2: FT }, ZNR: any }` |
//! | `require` | paths that have to be present |
//! | `control_id` | MSH-10, where the caller's is not to be used |
//! | `profile` | the name of a file with a profile of the messages that go out: what the mapping gives is checked against it |
//! | `payload_schema` | a JSON Schema of the payload, here or the name of a file: paths that it does not have are told |
//! | `emit` | the segments: `PID: { 5: ... }`; a list where a segment is written at several places |
//! | `tests` | `given` a payload, `change` some of it, `expect` fields as written in the message (`(absent)` where the segment or the repetition is not there), or an `error` |
//!
//! # Groups
//!
//! What is written is laid out in the order of the message's structure, whatever the order of the file. A group is named only where it
//! loops; a segment whose place is unambiguous is written without its groups:
//!
//! ```
//! let mapping = hl7_map::Mapping::from_yaml(r#"
//! map: lab
//! from: json
//! to: { hl7: "2.5.1", message: ORU^R01 }
//! emit:
//!   PID: { 3: .mrn }
//!   ORDER_OBSERVATION:
//!     each: .orders
//!     OBR: { 2: .placer }
//!     OBSERVATION:
//!       each: .results
//!       OBX:
//!         3: { coded: { code: .code } }
//!         5: { switch: .value, number: { type: NM, value: .value }, string: { type: ST, value: .value } }
//!         11: .status ?? ^.status
//! "#)?;
//! let payload = br#"{"mrn":"7","orders":[{"placer":"p1","status":"F","results":[{"code":"GLU","value":7.20}]}]}"#;
//! let msg = mapping.apply_json(payload, &hl7_map::Context::new("1", std::time::UNIX_EPOCH))?;
//! assert!(msg.as_er7().ends_with("PID|1||7\rOBR|1|p1\rOBX|1|NM|GLU||7.20||||||F\r"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A group takes `each`, `filter` and `when` as a segment does. An instance in which nothing was read is not written; one in which something
//! was has the segments that the structure requires, and its set IDs begin anew. Where a structure has a segment at several places, a list
//! gives each its rules, and `ROL@2` means the second. What a structure does not have (a warning, but for Z segments) stands behind what
//! precedes it in the file. Of structures whose groups are not known here any name will do for a group, and the order is that of the file.
//!
//! `switch` chooses by the JSON type of a value: `number`, `string`, `object`, `boolean`, `array`, `null`. A value that is missing writes
//! nothing, one of a type without a line is refused (M220). In OBX-5 each line has its `type`, which OBX-2 gets.
//!
//! # In place
//!
//! `from: hl7` with `to: { hl7: same }` changes a message ([`Mapping::apply_hl7`]); every byte that is not named stays.
//!
//! ```
//! use hl7_core::Message;
//! use hl7_map::{Applied, Context, Mapping};
//!
//! let mapping = Mapping::from_yaml(r#"
//! map: tidy
//! from: hl7
//! to: { hl7: same }
//! accept: { MSH-9.1: [ ADT, ORU ] }
//! drop_message: { when: MSH-11 == T, reason: test message }
//! segments: { ZNR: any }
//! set:
//!   PID-5[*].1: PID-5[*].1 | upper
//!   OBX[*]-8: { value: N, when: OBX-8 == "" }
//! remove: [ PID-19, "PID-3[5=SS]", Z??, { segment: NTE, when: NTE-2 == P } ]
//! add: [ { segment: ZNR, after: PID, fields: { 1: tidied, 2: $now } } ]
//! "#)?;
//! let given = "MSH|^~\\&|A||||||ADT^A08|1|P|2.5\rPID|1||7^^^H^MR~9^^^H^SS||doe^Ann\rZZZ\rNTE|1|P|x\r";
//! let ctx = Context::new("", std::time::UNIX_EPOCH);
//! let Applied::Message(msg) = mapping.apply_hl7(&Message::parse(given)?, &ctx)? else { panic!("dropped") };
//! let expected = "MSH|^~\\&|A||||||ADT^A08|1|P|2.5\rPID|1||7^^^H^MR||DOE^Ann\rZNR|tidied|19700101000000+0000\r";
//! assert_eq!(msg.as_er7(), expected);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | key | what it says |
//! | --- | --- |
//! | `accept` | places with the values that they have to have, one or a list; any other message is refused (M216) |
//! | `drop_message` | `{ when: CONDITION, reason: TEXT }`, or a list of them: such a message is given back as [`Applied::Dropped`] |
//! | `set` | `PATH: VALUE`; a value that is absent leaves the place as it is. `[*]` on both sides goes in pairs; in a `set` of `OBX[*]-8`, `OBX-11` is that of the same segment. `{ value, when }` sets under a condition; a composite or components by number make a whole repetition |
//! | `remove` | paths of values or repetitions, with filters; a segment ID for all of them, `NTE[2]` for one, `?` for any character; `{ segment, when }`, where the condition's paths of that ID speak of the segment at hand |
//! | `add` | `{ segment, after or before, fields, when }`: behind the first segment that `after` names (`OBX[*]`: the last), at the end without |
//!
//! The order is that of the table, whatever the order of the file, and everything reads the message as it came in: a value that was set is
//! not seen by a condition, and what was added is not removed. A function on text changes each leaf of a place with several; `date`,
//! `dtm`, `zone_in`, `number` and `round` change the first and leave the others. A comparison takes the first leaf. Nothing is filled in, and
//! set IDs are not numbered anew.
//!
//! # JSON of a message
//!
//! `from: { hl7: VERSION, message: ORU^R01 }` with `to: json` makes an object of a message ([`Mapping::apply_hl7`]); its members are those of
//! `emit`, in their order.
//!
//! ```
//! use hl7_core::Message;
//! use hl7_map::{Applied, Context, Mapping};
//!
//! let mapping = Mapping::from_yaml(r#"
//! map: results
//! from: { hl7: "2.5.1", message: ORU^R01, accept_versions: { from: "2.3", to: "2.8" } }
//! to: json
//! emit:
//!   id: MSH-10
//!   patient: { mrn: "PID-3[5=MR].1 ?? PID-3[1].1", born: PID-7 | date iso }
//!   orders:
//!     each: ORDER_OBSERVATION
//!     placer: OBR-2.1
//!     results: { each: OBSERVATION, filter: OBX-11 != X, code: OBX-3.1, value: OBX-5 | typed OBX-2, notes: "NTE[*]-3" }
//! "#)?;
//! let given = "MSH|^~\\&|LAB||||||ORU^R01|m1|P|2.5.1\rPID|1||7^^^H^MR||||198002\rOBR|1|p1\rOBX|1|NM|GLU||7.20\rNTE|1||fasting\r";
//! let Applied::Json(json) = mapping.apply_hl7(&Message::parse(given)?, &Context::new("", std::time::UNIX_EPOCH))? else { panic!() };
//! assert_eq!(
//!     json,
//!     r#"{"id":"m1","patient":{"mrn":"7","born":"1980-02"},"orders":[{"placer":"p1","results":[{"code":"GLU","value":7.20,"notes":["fasting"]}]}]}"#
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! * A message of another type, or of a version that is not `hl7` and not in `accept_versions`, is refused (M216); so is what `accept` does
//!   not take. `drop_message` gives [`Applied::Dropped`]. With `from: hl7` any message is read.
//! * `each` names a group or a segment of the structure (in a structure whose groups are not known, a segment's name means everything up to
//!   the next one of its ID), or a path with `[*]`, whose items are `.` with the components `.1`, `.4.2`.
//! * Inside a loop a path is read in the innermost group that has its segment: never in another instance. A segment that stands directly in
//!   the group is looked for there alone, any other in the groups in it too. Segments out of place belong to the group they stand in.
//! * Only `each`, `filter`, `when` and `switch` are keywords; a member called like one is written `"lit:each"`. `switch` chooses a line by
//!   the text of a value; `else` takes all others.
//! * What is absent or empty is left out, an object or list without anything that was read too. HL7's null is `null`. A place with several
//!   leaves gives its first; `[*]` gives a list. Numbers come from `number`, `round`, `len` and `typed`, everything else is a string.
//! * `typed OBX-2` goes by the data type: NM a number with its digits, DT, TS and DTM as ISO 8601 has them, TX and FT text with line feeds,
//!   CE, CWE, CX, XPN, XAD, XTN, XCN and PL an object of the parts by their names, SN comparator, number, separator and second number.
//!
//! # Values
//!
//! A scalar that starts with `.`, `^`, `$` or `(` is an expression, anything else is text; in a mapping that reads messages also a path
//! such as `PID-3[5=MR].1`, alone or followed by `|` or `??`. `=` in front makes it an expression, `lit:` text.
//! Quotes around it mean nothing.
//!
//! ```text
//! .patient.name        a path of the payload; the current item inside a loop
//! .phones[0]."my key"  the first item of a list; a name with other characters
//! ^.id  $root.id       of the item around the current one; of the payload
//! $secret.ehr.key      a secret, when the mapping is loaded with sources
//! $now                 the clock, as 20260102030405+0000; in JSON 2026-01-02T03:04:05Z
//! .a ?? .b ?? "x"      the first that is present
//! .a | trim | upper    functions, one after the other
//! ```
//!
//! JSON's missing, `null` and `""` are absent: functions pass them over, only `??` and `default` put a value in their place, and
//! nothing is written. `""` as text of the file is HL7's null, which tells the receiver to delete; `on_null: delete` writes it for a JSON `null`.
//! A number is written with the digits it came with, a boolean as `true` or `false`.
//!
//! | function | gives |
//! | --- | --- |
//! | `upper`, `lower`, `trim`, `digits` | the text in capitals, in small letters, without blanks around it, its digits 0 to 9 alone |
//! | `left 5`, `pad 10 "0"` | the first five characters; the text with zeros in front up to ten characters |
//! | `replace "a" "b"`, `concat " " .b` | the text with other parts; with more behind it (an absent one adds nothing) |
//! | `split ","`, `join "; "` | a list of a text; a text of a list |
//! | `first`, `last`, `len` | of a list; the number of its items, or of a text's characters |
//! | `default "U"` | the value, or another when it is absent |
//! | `table sex` | the entry of a table |
//! | `date`, `dtm`, `dtm second` | HL7's DT of at most eight digits; HL7's DTM with precision and offset kept, or cut at `year` to `second`; with `offset` behind it, a time without one is refused; `date iso` and `dtm iso` as ISO 8601 |
//! | `zone_in America/Chicago` | a time without an offset gets that of the zone |
//! | `number`, `round 2` | a number as HL7's NM; with at most two digits behind the point, halves away from zero |
//! | `hash 20` | the first 20 hexadecimal digits of the text's SHA-256 |
//! | `time`, `time iso` | HL7's TM, or the time of day as ISO 8601 has it |
//! | `to_zone America/Chicago`, `add_days -7` | the same instant in a zone; so many days later |
//! | `unique`, `empty "N/A" "-"` | each text of a list once; these texts (without any, blanks) as absent |
//! | `mask 4` | all but the last four characters as `*` |
//! | `phone` | the digits of a phone number, with its `+` and without an extension |
//! | `name_part family` | `family`, `given` or `middle` of "Family, Given Middle" or "Given Middle Family" |
//! | `uuid5 "NAMESPACE"` | the UUID of version 5 of the text in a namespace |
//! | `lookup ward`, others | a lookup or a function of the embedding program: see [`Sources`] |
//! | `bool` | yes or no of Y, N, yes, no, true, false, T, F, 1, 0: `true` and `false` in JSON, `Y` and `N` in a message |
//! | `text` | the value as text; of a message its repetitions as lines |
//! | `raw`, `typed OBX-2` | a place of a message as it stands there; by its data type |
//!
//! A function of one text works on each item of a list.
//!
//! A line break becomes `\.br\` in formatted text (FT), and `\X0D\` elsewhere. One repetition a line, as TX may have it, is
//! `{ each: .note | split "\n", value: . }`.
//!
//! # Fields
//!
//! A field is a value, a map, or a list of them: its repetitions. A map holds one of
//!
//! * `value`, with `on_null: delete` where a JSON null has to clear the field,
//! * a composite by the names of its parts: `name` (XPN), `address` (XAD), `identifier` (CX), `phone` (XTN), `coded` (CE, CWE),
//!   `location` (PL), `provider` (XCN),
//! * `switch` with its lines, each of them one of these,
//! * components by number, with subcomponents by number in them: `{ 1: .id, 4: { 1: LAB, 2: .oid } }`,
//!
//! and beside it `each: .list` (one repetition an item; a single object is a list of one), `filter` (asked for each item, which is then `.`)
//! and `when` (asked once, outside the loop). Segments take the same three.
//!
//! Conditions compare with `==`, `!=`, `<`, `<=`, `>`, `>=` and `in (a b c)`, and are joined with `and`, `or`, `not` and parentheses; a bare
//! value asks for presence, and `matches "REGEX"` for a regular expression that fits the whole text. Texts are equal when their characters are; two numbers are ordered by size, other texts by their characters.
//!
//! A repetition that reads the payload is written only when one of the values it reads is present, a segment likewise unless the structure
//! requires it. What reads nothing is always written.
//!
//! # What is filled in
//!
//! MSH-1 and 2, MSH-7 (the clock), 9, 10 (the caller's control ID), 11 (`P`), 12, MSH-18 (`UNICODE UTF-8`, when the message is not ASCII;
//! before 2.3 there is no such field, and a value beyond ASCII is refused unless the file sets MSH-18), EVN-2 (as MSH-7), EVN-1 up to version 2.2, and set IDs, which begin anew behind the segment they belong to. What the file gives goes
//! before.
//!
//! # Where a field comes from
//!
//! [`Mapping::explain_json`] and [`Mapping::explain_hl7`] give a [`Trace`]: for each field the line of its rule, what was read (with the
//! role that it has: the value, a condition, a loop, or what has to be present beside it), each function, and for a field that is absent
//! the reason ([`Outcome`]). Values are kept back until they are asked for. Of set IDs and other values that the engine fills in, and of
//! `accept`, `require` and `drop_message`, which concern the whole message, a trace names no inputs. At most 200 inputs are named of what
//! stands beside a constant.
//!
//! # A draft from samples
//!
//! [`infer`] drafts a mapping from a sample message and the payload it came from, or several of both: what it says of each place, how sure it is of
//! that, and what it did not find.
//!
//! # What a mapping reads
//!
//! [`Mapping::sample_payload`] writes a payload with something for everything that a mapping from JSON reads, and
//! [`Mapping::payload_schema`] the JSON Schema of such payloads. [`mapping_schema`] is that of mapping files themselves, for editors.
//!
//! # Codes
//!
//! Mistakes in a file ([`MappingError`]):
//!
//! | code | |
//! | --- | --- |
//! | M001 | not YAML |
//! | M002 | larger or deeper than the limits |
//! | M003 | a key stands twice |
//! | M004 | an unknown key |
//! | M005 | something is missing |
//! | M006 | a map, a list or a single value is wanted |
//! | M007 | a part of the language that is not available |
//! | M008 | a part of YAML that is not used: tags, merge keys, several documents |
//! | M009 | a value in braces has to be quoted |
//! | M010 | a key does not take this value |
//! | M101 | not an expression |
//! | M102, M103 | an unknown function; wrong arguments |
//! | M104 | a field, component or subcomponent that the version does not have; a warning where it is read or removed |
//! | M105 | an unknown table |
//! | M106 | an unknown part of a composite |
//! | M107, M108, M109 | an unknown message, version, time zone |
//! | M110 | more `^` than loops |
//! | M111 | MSH-1 and MSH-2 are fixed |
//! | M112 | MSH is not removed, added, or behind something |
//! | M113 | two values for one place |
//! | M114 | not a path |
//! | M115 | an unknown variable |
//! | M116 | an unknown segment |
//! | M117 | a text with delimiters in MSH-9 |
//! | M118 | not in this group, or at several places |
//! | M119 | a warning: the structure does not have this segment |
//! | M120, M121, M122 | warnings: a table is not used; a value is never reached; another structure than the standard's |
//! | M123, M124 | warnings: a text that holds delimiters, which are escaped; a text `null` or `~`, or an empty one |
//! | M125 | an unknown group |
//! | M126 | a warning: a loop over a group that stands once |
//! | M127 | something outside the file that is not there, or cannot be asked for: see [`Mapping::load`] |
//! | M128 | a file that is no table |
//! | M129 | a second repetition of a field that does not repeat; a warning where a loop may give one, and of segments of which a profile has fewer |
//! | M130 | a warning: a constant, or the entry of a table, that the HL7 table of the place does not have |
//! | M131 | a composite, and the field has another type |
//! | M132 | a constant or function that gives no number, date or time where the type is one |
//! | M133 | a warning: no rule gives a field that the standard requires |
//! | M134 | the schema of the payload does not have what a path names; a warning where it allows other members |
//! | M135 | the profile has mistakes; a warning where it is for other messages or another version |
//! | M136, M137 | a place that is not to be sent, and a constant that is not taken, by the profile; warnings where it says so |
//! | M138 | a warning: the first repetition of a field is read in a loop over its repetitions |
//!
//! Fields, types and tables are those of the version in `to`; in place those of any version, and of a message that is read those of every
//! version that is accepted. User-defined tables are not asked: their codes are a site's own. A message without a required field is written
//! all the same, because receivers differ.
//!
//! A `profile` ([`hl7_core::profile`]) says what a site wants beside the standard, or instead of it: required fields, components and segments (M133), what is
//! not sent (M136), codes, lengths and patterns of constants (M137), how often fields and segments stand at most (M129), and segments and fields of one's own,
//! which need no declaration then. It is asked of MSH-7 and MSH-9 to 12 too where they are filled in; a set ID or EVN-2 that is not to be sent is not filled in.
//! What depends on the message, how often something stands at least, and what is said of a segment in one group only, is left to `validate`.
//!
//! ```
//! use hl7_map::{Mapping, Sources};
//!
//! struct Site;
//!
//! impl Sources for Site {
//!     fn file(&self, name: &str) -> Option<String> {
//!         let text = "profile: north\nsegments:\n  PID: { fields: { 8: { codes: [F, M] }, 19: X } }\n";
//!         (name == "north.yaml").then(|| text.to_owned())
//!     }
//! }
//!
//! let text = "map: m\nfrom: json\nto: { hl7: \"2.5.1\", message: ADT^A08 }\nprofile: north.yaml\nemit:\n  PID: { 3: .id, 5: .name, 8: U, 19: .ssn }\n";
//! let told = Mapping::load(text, &Site).unwrap_err();
//! let told: Vec<_> = told.iter().map(|error| error.to_string()).collect();
//! assert_eq!(told, [
//!     "M137: line 6, column 31: the profile does not take this for PID-8 (its line 3)",
//!     "M136: line 6, column 34: PID-19 is not to be sent: usage X (line 3 of the profile)",
//! ]);
//! ```
//!
//! Why there is no draft ([`InferError`]):
//!
//! | code | |
//! | --- | --- |
//! | M401, M402 | no pair of samples, or too many; a sample is too large |
//! | M403, M404, M405 | a sample is no message; no JSON; no object |
//! | M406 | the samples state no type, or different ones |
//! | M407 | the standard has no structure for the message type in this version, and MSH-9 states none |
//!
//! Refusals of a payload ([`Refusal`]), and faults of its JSON ([`ApplyError`]):
//!
//! | code | |
//! | --- | --- |
//! | M200 | the mapping reads something else |
//! | M201 | a table has no entry for the value |
//! | M202 | something required is absent |
//! | M203 | a list or object where a single value is needed |
//! | M204, M205 | not a number; not a date |
//! | M206, M207 | a local time that does not exist in the zone, or exists twice |
//! | M208 | there is no control ID |
//! | M209, M210, M211, M212 | the texts and lists on the way to a value, the message, its loops, or the steps it takes go beyond their limit |
//! | M213 | a value beyond ASCII in a version that cannot say in which character set it is |
//! | M214 | the payload is not an object, and the mapping reads its members |
//! | M215 | a local time whose offset in the zone has seconds |
//! | M216 | the mapping does not accept this message |
//! | M217 | the message has no segment for the value, or to add a segment at |
//! | M218 | the message lacks a delimiter that the value needs |
//! | M219 | a time without an offset where one is asked for |
//! | M220 | `switch` has no line for the type of the value |
//! | M221 | neither yes nor no |
//! | M222 | a lookup does not have the value |
//! | M223 | a namespace that is no UUID |
//! | M224 | a function of the embedding program refuses the value |
//! | M299 | what came out is not one message |
//! | M301 to M310 | the payload is not JSON, or beyond a limit |
//!
//! A refusal in a loop says which item (`.ids[1].value`) and which place (`PID-3[2].5`); the `error` of a test may leave the numbers out.
//!
//! # Guarantees
//!
//! * The same file, payload, control ID and clock give the same message.
//! * Every value is escaped once: nothing in a payload adds a field, a repetition, a component or a segment to a message.
//! * Applying ends: there is no recursion, loops run over lists of the payload only, and [`Context`] limits their rounds, the
//!   steps of a call, what is made on the way, and the output.
//! * The crate opens nothing (what a mapping refers to is asked of [`Sources`]), and reads neither the clock nor the zone of the machine; zone data is compiled in.
//! * No error, `Debug` or `Display` shows a value of a payload. [`Difference`] alone does, of a file's own tests, and not by `Debug`.

mod applied;
mod apply;
mod budget;
mod case;
mod compare;
mod compile;
mod context;
mod csv;
mod date;
mod decimal;
mod error;
mod expr;
mod function;
pub mod guide;
mod infer;
mod input;
mod json;
mod leaf;
mod mapping;
mod pattern;
mod plan;
mod refusal;
mod sample;
mod schema;
mod scope;
mod sources;
mod standard;
mod trace;
mod value;
mod yaml;

pub use applied::{Applied, Direction};
pub use case::{CaseReport, Difference, TestReport};
pub use context::Context;
pub use error::{MappingError, MappingErrors};
pub use infer::{Draft, DraftLine, Gap, InferError, InferErrorKind, SamplePair, infer};
pub use mapping::Mapping;
pub use refusal::{ApplyError, ApplyErrorKind, Refusal};
pub use schema::mapping_schema;
pub use sources::{Function, Lookup, Sources};
pub use trace::{Outcome, Role, Trace, TracedField, TracedInput, TracedStep};
