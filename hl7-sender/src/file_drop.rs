//! Messages as files in a folder: where, and under which names.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::id::EntryId;
use crate::shape;

/// The longest name, in bytes: file systems take 255, and the temporary name is longer.
const MAX_NAME: usize = 200;
/// How long a time gets in a name: milliseconds since 1970 have so few digits until the year 33658.
const DIGITS: usize = 15;

/// A folder into which messages are put, one a file, for a program that takes them from there. [`crate::Destination::files`] sends to one.
///
/// A file appears whole or not at all: it is written under a hidden name (a dot before it, `.part` behind), flushed to the disk, renamed, and the folder is
/// flushed. It holds the message in wire form: segments end in CR, without a frame. Its name says nothing of the message.
///
/// A message is sent again under the same name, so that it makes no second file as long as the first has not been taken away.
///
/// ```
/// use hl7_sender::{Destination, FileDrop};
/// let archive = Destination::files("archive", FileDrop::new("/var/spool/hl7").named("adt-{time}-{entry}.hl7"));
/// # let _ = archive;
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileDrop {
    folder: PathBuf,
    template: String,
    group_readable: bool,
}

impl FileDrop {
    /// The default template.
    pub const TEMPLATE: &str = "{time}-{entry}.hl7";

    /// This folder, which has to be there. It should be on a local disk: only there a flush is known to be one.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), template: Self::TEMPLATE.to_owned(), group_readable: false }
    }

    /// How files are named: `{entry}` is the name of the entry (32 hexadecimal digits) and has to be there, because it alone is never another's;
    /// `{time}` is when it was enqueued, in milliseconds since 1970 (15 digits), so that names sort by it. The rest stands as it is: letters, digits,
    /// `_`, `.` and `-`, no dot at the front, 200 bytes at most. `{time}-{entry}.hl7` unless stated.
    pub fn named(mut self, template: impl Into<String>) -> Self {
        self.template = template.into();
        self
    }

    /// Makes the files readable for their group too. Unless stated only their owner can read them. Without effect on Windows.
    pub fn group_readable(mut self) -> Self {
        self.group_readable = true;
        self
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The permissions of a file.
    pub(crate) fn mode(&self) -> u32 {
        if self.group_readable { 0o640 } else { 0o600 }
    }

    /// Whether the template gives names that can be used.
    pub(crate) fn is_usable(&self) -> bool {
        let name = self.name(EntryId::from_bytes([0; 16]), UNIX_EPOCH);
        self.template.contains("{entry}")
            && name.len() <= MAX_NAME
            && !name.starts_with('.')
            && name.bytes().all(shape::in_name)
    }

    pub(crate) fn name(&self, entry: EntryId, since: SystemTime) -> String {
        let millis = since.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let time = format!("{millis:0DIGITS$}");
        self.template.replace("{entry}", &entry.to_string()).replace("{time}", &time)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn names_are_made_from_the_entry_and_the_time_alone() {
        let at = UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
        let name =
            |template: &str| FileDrop::new("x").named(template).name(EntryId::from_bytes([0xAB; 16]), at);
        assert_eq!(name("{time}_{entry}.txt"), format!("001700000000123_{}.txt", "ab".repeat(16)));
        assert_eq!(name(FileDrop::TEMPLATE), format!("001700000000123-{}.hl7", "ab".repeat(16)));
    }

    #[test]
    fn templates_that_could_meet_another_file_are_not_usable() {
        assert!(FileDrop::new("x").is_usable());
        for template in
            ["", "{time}.hl7", "../{entry}", "a/{entry}", ".{entry}", "{entry} {other}", "{entry}\0"]
        {
            assert!(!FileDrop::new("x").named(template).is_usable(), "{template}");
        }
        assert!(!FileDrop::new("x").named("x".repeat(200) + "{entry}").is_usable());
    }
}
