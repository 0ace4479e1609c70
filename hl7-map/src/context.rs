//! What a call gives besides the payload: the control ID, the clock, and limits.

use std::fmt;
use std::time::SystemTime;

use jiff::{Timestamp, tz::TimeZone};

use crate::date::{self, Digits};

/// The control ID and the clock of one message, and how large its input and output may be.
///
/// ```
/// use std::time::SystemTime;
/// let ctx = hl7_map::Context::new("msg-1", SystemTime::now()).max_output_bytes(1024 * 1024);
/// # let _ = ctx;
/// ```
#[derive(Clone)]
pub struct Context {
    pub(crate) control_id: String,
    pub(crate) now: SystemTime,
    pub(crate) max_payload_bytes: usize,
    pub(crate) max_payload_values: usize,
    pub(crate) max_output_bytes: usize,
    pub(crate) max_items: usize,
    pub(crate) max_working_bytes: usize,
    pub(crate) max_steps: usize,
}

impl Context {
    /// The default limit on the payload: 32 MiB, twice the output, because base64 and escapes are longer in JSON.
    pub const MAX_PAYLOAD_BYTES: usize = 32 * 1024 * 1024;
    /// The default limit on the values in the payload: one million, for which some 40 MB are kept.
    pub const MAX_PAYLOAD_VALUES: usize = 1_000_000;
    /// The default limit on the message: 16 MiB, the most that common receivers take.
    pub const MAX_OUTPUT_BYTES: usize = 16 * 1024 * 1024;
    /// The default limit on the rounds of all loops together: 100,000. Loops in each other multiply, so the size of the payload alone
    /// does not bound them.
    pub const MAX_ITEMS: usize = 100_000;
    /// The default limit on the texts and lists that are made on the way to one value, together with those that the loops around it run
    /// over: 64 MiB, four times the message, because functions follow each other. Lists can multiply a text that stands once in the payload.
    pub const MAX_WORKING_BYTES: usize = 64 * 1024 * 1024;
    /// The default limit on the steps of one call: 20 million, about a second. A step is a value looked up, an item visited, or 16 bytes of
    /// text read or written. A payload of one million values takes some of them for each; only loops over long lists in other loops, and
    /// conditions over such lists, come near.
    pub const MAX_STEPS: usize = 20_000_000;

    /// `control_id` becomes MSH-10 where the file does not set it; `now` is the clock, in MSH-7 and `$now`, written in UTC.
    pub fn new(control_id: impl Into<String>, now: SystemTime) -> Self {
        Self {
            control_id: control_id.into(),
            now,
            max_payload_bytes: Self::MAX_PAYLOAD_BYTES,
            max_payload_values: Self::MAX_PAYLOAD_VALUES,
            max_output_bytes: Self::MAX_OUTPUT_BYTES,
            max_items: Self::MAX_ITEMS,
            max_working_bytes: Self::MAX_WORKING_BYTES,
            max_steps: Self::MAX_STEPS,
        }
    }

    /// Longer payloads are refused.
    pub fn max_payload_bytes(mut self, bytes: usize) -> Self {
        self.max_payload_bytes = bytes;
        self
    }

    /// Payloads with more values (objects, lists and what is in them, each counted) are refused.
    pub fn max_payload_values(mut self, values: usize) -> Self {
        self.max_payload_values = values;
        self
    }

    /// Messages that would be longer are refused.
    pub fn max_output_bytes(mut self, bytes: usize) -> Self {
        self.max_output_bytes = bytes;
        self
    }

    /// Messages whose loops take more rounds, all together, are refused.
    pub fn max_items(mut self, items: usize) -> Self {
        self.max_items = items;
        self
    }

    /// Messages on the way to one of whose values more bytes are made are refused.
    pub fn max_working_bytes(mut self, bytes: usize) -> Self {
        self.max_working_bytes = bytes;
        self
    }

    /// Messages that take more steps are refused.
    pub fn max_steps(mut self, steps: usize) -> Self {
        self.max_steps = steps;
        self
    }

    /// The clock as RFC 3339 has it, to seconds: `2026-01-02T03:04:05Z`.
    pub(crate) fn now_as_iso(&self) -> String {
        date::as_iso(&self.now_as_dtm()).unwrap_or_default()
    }

    /// The clock as HL7's DTM: `20260102030405+0000`. A time that HL7 cannot write (before the year 1, after 9999) gives the nearest.
    pub(crate) fn now_as_dtm(&self) -> String {
        let time = Timestamp::try_from(self.now).unwrap_or(Timestamp::UNIX_EPOCH);
        let local = TimeZone::UTC.to_datetime(time);
        if local.year() < 1 {
            return "00010101000000+0000".to_owned();
        }
        let mut digits = Digits::default();
        digits.year(local.year());
        for part in [local.month(), local.day(), local.hour(), local.minute(), local.second()] {
            digits.two(part);
        }
        digits.offset(0);
        digits.text().to_owned()
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("now", &self.now)
            .field("max_payload_bytes", &self.max_payload_bytes)
            .field("max_payload_values", &self.max_payload_values)
            .field("max_output_bytes", &self.max_output_bytes)
            .field("max_items", &self.max_items)
            .field("max_working_bytes", &self.max_working_bytes)
            .field("max_steps", &self.max_steps)
            .finish_non_exhaustive()
    }
}
