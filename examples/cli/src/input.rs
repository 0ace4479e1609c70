//! Reading messages and payloads from files or standard input.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use hl7_core::{Charset, CharsetError, Message, ReadOptions};

use crate::failure::Failure;
use crate::split;

/// More than any one message should be; a larger file is not what this tool is for.
const MAX_INPUT: u64 = 256 * 1024 * 1024;

/// Where messages come from, and how they are read.
#[derive(Args)]
pub(crate) struct Source {
    /// The messages.
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

/// How messages are read.
#[derive(Args, Clone, Copy)]
pub(crate) struct Reading {
    /// The character set of messages whose MSH-18 is empty, by its name in HL7 table 0211, such as 8859/1 or SHIFT_JIS. UTF-8 when
    /// left out.
    #[arg(long, value_name = "LABEL", value_parser = charset)]
    charset: Option<Charset>,
    /// The character set of all messages, whatever MSH-18 says: for a sender that names a wrong or unknown one.
    #[arg(long, value_name = "LABEL", value_parser = charset, conflicts_with = "charset")]
    force_charset: Option<Charset>,
}

impl Reading {
    pub(crate) fn options(self) -> ReadOptions {
        match (self.force_charset, self.charset) {
            (Some(charset), _) => ReadOptions::new().charset(charset),
            (None, Some(charset)) => ReadOptions::new().default_charset(charset),
            (None, None) => ReadOptions::new(),
        }
    }
}

/// The name a user knows an input by.
pub(crate) fn name(file: Option<&Path>) -> String {
    match stated(file) {
        Some(file) => file.display().to_string(),
        None => "standard input".to_owned(),
    }
}

fn stated(file: Option<&Path>) -> Option<&Path> {
    file.filter(|file| *file != Path::new("-"))
}

/// All bytes of `file`, or of standard input.
///
/// # Errors
/// When it cannot be read or is longer than 256 MiB.
pub(crate) fn bytes(file: Option<&Path>) -> Result<Vec<u8>, Failure> {
    let failed = |why: io::Error| Failure::outside(format!("error: {} cannot be read: {why}", name(file)));
    let mut bytes = Vec::new();
    let read = match stated(file) {
        Some(path) => File::open(path).map_err(failed)?.take(MAX_INPUT + 1).read_to_end(&mut bytes),
        None => io::stdin().lock().take(MAX_INPUT + 1).read_to_end(&mut bytes),
    };
    read.map_err(failed)?;
    if bytes.len() as u64 > MAX_INPUT {
        return Err(Failure::outside(format!("error: {} is longer than {MAX_INPUT} bytes", name(file))));
    }
    Ok(bytes)
}

/// All text of a file.
///
/// # Errors
/// As [`bytes()`], and when it is not UTF-8.
pub(crate) fn text(file: &Path) -> Result<String, Failure> {
    String::from_utf8(bytes(Some(file))?)
        .map_err(|_| Failure::mistake(format!("error: {} is not UTF-8 text", name(Some(file)))))
}

/// Calls `each` with every message of the input, in order.
///
/// # Errors
/// When there is no message, at the first part that is none, and at the first failure of `each`.
pub(crate) fn each_message(
    source: &Source,
    each: impl FnMut(&Message<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    each_in_pipe_form(source, &bytes(source.file.as_deref())?, each)
}

/// The same, and where the input begins with `<`, with every message in XML.
///
/// # Errors
/// As [`each_message`].
pub(crate) fn each_message_or_xml(
    source: &Source,
    mut each: impl FnMut(&Message<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let file = source.file.as_deref();
    let bytes = bytes(file)?;
    let bare = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes);
    if !bare.trim_ascii_start().starts_with(b"<") {
        return each_in_pipe_form(source, &bytes, each);
    }
    let mistake = |why: String| Failure::mistake(format!("error: {}{why}", name(file)));
    let Ok(text) = std::str::from_utf8(bare) else {
        // One document, which says what it is written in.
        let message = source.reading.options().read_xml_bytes(bytes.trim_ascii_start());
        return each(&message.map_err(|why| mistake(format!(": {why}")))?);
    };
    for (number, document) in split::documents(text.trim_start()).enumerate() {
        let message = source.reading.options().read_xml(document);
        each(&message.map_err(|why| mistake(format!(", document {}: {why}", number + 1)))?)?;
    }
    Ok(())
}

fn each_in_pipe_form(
    source: &Source,
    bytes: &[u8],
    mut each: impl FnMut(&Message<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let file = source.file.as_deref();
    let options = source.reading.options();
    let parts =
        split::messages(bytes).map_err(|why| Failure::mistake(format!("error: {}: {why}", name(file))))?;
    for part in parts {
        let options = if part.utf8 { options.clone().charset(Charset::Utf8) } else { options.clone() };
        let message = options.read(part.bytes).map_err(|why| {
            Failure::mistake(format!(
                "error: {}, the message that starts at byte {}: {why}",
                name(file),
                part.offset
            ))
        })?;
        each(&message)?;
    }
    Ok(())
}

/// The character set that a label of table 0211 names.
pub(crate) fn charset(label: &str) -> Result<Charset, String> {
    Charset::from_label(label).map_err(|why| match why {
        CharsetError::Unknown => "no such character set; known are those of HL7 table 0211, \
            such as 8859/1, UNICODE UTF-8, GB 18030-2000 and also SHIFT_JIS"
            .to_owned(),
        why => why.to_string(),
    })
}
