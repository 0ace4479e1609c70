//! Segments by their IDs.

use super::Compiler;
use super::document::is_segment_id;
use crate::error::MappingError;
use crate::standard;
use crate::yaml::shortened;
use hl7_core::document;
use hl7_core::document::Place;

impl Compiler<'_> {
    /// Notes a segment that neither the version nor the file has. A mapping that names no version may use those of any.
    pub(super) fn known_segment(&mut self, id: &str, place: Place) -> Option<()> {
        let dictionary = self.version.dictionary();
        let of_any = self.any_version && standard::has_segment(id);
        if of_any
            || dictionary.segment(id).is_some()
            || self.segments.iter().any(|declared| declared.id == id)
        {
            return Some(());
        }
        let error = if is_segment_id(id) && id.starts_with('Z') {
            let error = MappingError::new("M116", place, format!("the segment {id} is not declared"));
            error.suggest(format!("declare it: `segments: {{ {id}: any }}`"))
        } else if standard::has_segment(id) {
            MappingError::new("M116", place, format!("HL7 {} has no segment {id}", self.version.text()))
        } else {
            let error = MappingError::new("M116", place, format!("there is no segment `{}`", shortened(id)));
            error.suggest_maybe(document::did_you_mean(id, dictionary.segments().map(|known| known.id())))
        };
        self.error(error);
        None
    }
}
