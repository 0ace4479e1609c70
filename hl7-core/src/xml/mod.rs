//! HL7 v2 XML (HL7 Version 2: XML Encoding Syntax), both ways.
//!
//! The root element has the name of the message's structure, a group that of the structure and its own (`ORU_R01.PATIENT_RESULT`), a segment its
//! ID, a field the segment's ID and its number (`PID.5`), a component the code of its data type and its number (`XPN.1`). A repetition is the
//! field's element once more. All are in the namespace `urn:hl7-org:v2xml`.
//!
//! ```
//! use hl7_core::{path, Message};
//!
//! let msg = Message::parse("MSH|^~\\&|LAB||||2026||ADT^A08^ADT_A01|m-1|P|2.5.1\rPID|1||7^^^H^MR||O'Brien \\T\\ Sons^Ann||\"\"\r")?;
//! let xml = msg.to_xml()?;
//! assert!(xml.contains("<XPN.1>\n        <FN.1>O'Brien &amp; Sons</FN.1>\n"));
//! let again = Message::from_xml(&xml)?;
//! assert_eq!(again.as_er7(), msg.as_er7());
//! assert!(again.get(path!("PID-7")).unwrap().is_null());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What becomes of what
//!
//! | in the message | in XML |
//! | --- | --- |
//! | an empty field or component | no element; an empty repetition is an empty element |
//! | null, `""` | the text `""` |
//! | an escape sequence that stands for a delimiter | the character |
//! | `\P\`, which is no truncation character, and any other one (`\.br\`, `\H\`, `\X0D\`, `\Zx\`) | `<escape V=".br"/>` |
//! | a control character, which XML cannot hold | `<escape V="X01"/>`: the same text, written otherwise |
//! | a field or component the standard does not know | components named `UNKNOWN.1` |
//! | more components than the data type has, or any in a primitive one | the next numbers of the data type |
//! | a line that is no segment | `<Z.line>` with the line as it came, and `<escape V="X1C"/>` for what XML cannot hold |
//! | a segment without a place where it stands | an element in the group of the segment before it |
//!
//! What is read back has the same segments, and each place the same value; separators at the end of a segment, field or component are not kept,
//! nor line ends: each segment ends with CR. OBX-5 is written by the data type in OBX-2, MFE-4 by MFE-5.
//!
//! A reader of XML goes by the numbers: the data types' names can be those of another version or program. Comments, processing instructions
//! and other attributes are passed over.
//!
//! # Hostile input
//!
//! A document type declaration is refused, whatever it says, and entities other than the five of XML are. Depth, the attributes of an
//! element, and the length of what is read are limited; time and memory grow with the text.

mod decode;
mod er7;
mod error;
mod read;
mod text;
mod write;

pub use error::{XmlError, XmlErrorKind, XmlPlace};

use crate::message::Message;
use crate::read::ReadOptions;

const NAMESPACE: &str = "urn:hl7-org:v2xml";

/// A line that is no segment. What is not of the standard has a name with a Z (2.5.1, 2.11).
const LINE: &str = "Z.line";

/// The most parts of a part: no segment of the standard has a hundred.
const MOST: usize = 999;

impl Message<'_> {
    /// The message as HL7 v2 XML, in lines that are indented by two spaces.
    ///
    /// # Errors
    /// When a character that XML cannot hold has no escape character to be written with, when something has more than 999 parts, and when
    /// bytes were replaced as the message was read.
    ///
    /// ```
    /// let msg = hl7_core::Message::parse("MSH|^~\\&|A\rbroken line\r")?;
    /// assert!(msg.to_xml()?.contains("<Z.line>broken line</Z.line>"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_xml(&self) -> Result<String, XmlError> {
        write::write(self)
    }

    /// The message that is written as HL7 v2 XML, with the default limits.
    ///
    /// # Errors
    /// When the text is not well-formed, declares a document type or entities, is no message, has elements where they have no place, or is
    /// beyond a limit.
    ///
    /// ```
    /// let msg = hl7_core::Message::from_xml("<ACK><MSH><MSH.3><HD.1>EHR</HD.1></MSH.3></MSH></ACK>")?;
    /// assert_eq!(msg.as_er7(), "MSH|^~\\&|EHR\r");
    /// # Ok::<(), hl7_core::XmlError>(())
    /// ```
    pub fn from_xml(xml: &str) -> Result<Message<'static>, XmlError> {
        ReadOptions::new().read_xml(xml)
    }

    /// As [`Message::from_xml`], from bytes: by their byte order mark (UTF-8 or UTF-16), else in the encoding that the XML declares, else UTF-8.
    ///
    /// # Errors
    /// As [`Message::from_xml`], and when the encoding is not known or the bytes do not fit it.
    ///
    /// ```
    /// let xml = b"<?xml version='1.0' encoding='ISO-8859-1'?><ACK><MSH><MSH.3>M\xFCller</MSH.3></MSH></ACK>";
    /// let msg = hl7_core::Message::from_xml_bytes(xml)?;
    /// assert_eq!(msg.as_er7(), "MSH|^~\\&|M\u{fc}ller\r");
    /// # Ok::<(), hl7_core::XmlError>(())
    /// ```
    pub fn from_xml_bytes(xml: &[u8]) -> Result<Message<'static>, XmlError> {
        ReadOptions::new().read_xml_bytes(xml)
    }
}

impl ReadOptions {
    /// The message that is written as HL7 v2 XML; see [`Message::from_xml`]. The limits are those of the message, not of the XML.
    ///
    /// # Errors
    /// As [`Message::from_xml`].
    pub fn read_xml(&self, xml: &str) -> Result<Message<'static>, XmlError> {
        read::read(xml, self)
    }

    /// As [`ReadOptions::read_xml`], from bytes; see [`Message::from_xml_bytes`]. The character sets of these options are for the pipe form.
    ///
    /// # Errors
    /// As [`Message::from_xml_bytes`].
    pub fn read_xml_bytes(&self, xml: &[u8]) -> Result<Message<'static>, XmlError> {
        self.read_xml(&decode::decode(xml)?)
    }
}
