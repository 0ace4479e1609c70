//! Validation without profiles.

use std::marker::PhantomData;

use super::check::{Check, Place};
use super::{FindingCode, Severity, Validation};
use crate::dictionary::{Dictionary, Version};
use crate::message::Message;
use crate::segment::Segment;

/// Nothing that a profile says.
pub(super) struct Profiled<'m>(PhantomData<&'m ()>);

impl<'m> Profiled<'m> {
    pub(super) fn of(_: &'m Message<'_>, _: &'m Validation) -> Self {
        Self(PhantomData)
    }

    pub(super) fn version(&self) -> Option<Version> {
        None
    }

    pub(super) fn table_has(&self, _: u16, _: &str) -> Option<bool> {
        None
    }

    pub(super) fn is_there(&self) -> bool {
        false
    }

    pub(super) fn find_groups(&mut self, _: &'m Message<'_>, _: Dictionary) {}

    pub(super) fn may_be_absent(&self, _: &str, _: &str) -> bool {
        false
    }
}

impl<'m> Check<'m> {
    pub(super) fn severity_of(&self, code: FindingCode) -> Option<Severity> {
        Some(code.severity())
    }

    pub(super) fn is_profiled(&self, _: FindingCode, _: Place) -> bool {
        false
    }

    pub(super) fn profiled_segment(&mut self, _: usize, _: Segment<'m>) {}

    pub(super) fn profile(&mut self) {}
}
