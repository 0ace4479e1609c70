//! `preset:` and `on:` of a connection: what is done after each answer.

use std::collections::BTreeMap;

use hl7_core::AckCode;
use hl7_sender::{Action, Answer, Policy};
use serde::Deserialize;

/// A table of the library's by its name.
#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Preset {
    Mirth,
    Rhapsody,
    #[serde(rename = "intersystems")]
    InterSystems,
    #[serde(rename = "intersystems-content-r")]
    InterSystemsContentR,
}

/// The rows of the table.
#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord, Clone, Copy)]
pub(super) enum Row {
    AE,
    AR,
    CE,
    CR,
    #[serde(rename = "none")]
    None,
    #[serde(rename = "garbled")]
    Garbled,
    #[serde(rename = "lost")]
    Lost,
    #[serde(rename = "not-taken")]
    NotTaken,
    #[serde(rename = "other-protocol")]
    OtherProtocol,
}

#[derive(Deserialize, PartialEq, Eq, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Decision {
    Retry,
    Hold,
    DeadLetter,
    Skip,
}

/// The preset with the rows that are stated.
pub(super) fn policy(preset: Option<Preset>, rows: BTreeMap<Row, Decision>) -> Policy {
    let table = match preset {
        None => Policy::new(),
        Some(Preset::Mirth) => Policy::mirth(),
        Some(Preset::Rhapsody) => Policy::rhapsody(),
        Some(Preset::InterSystems) => Policy::intersystems(),
        Some(Preset::InterSystemsContentR) => Policy::intersystems_content_r(),
    };
    rows.into_iter().fold(table, |table, (row, decision)| table.on(Answer::from(row), decision.into()))
}

impl From<Row> for Answer {
    fn from(row: Row) -> Self {
        match row {
            Row::AE => Self::Code(AckCode::AE),
            Row::AR => Self::Code(AckCode::AR),
            Row::CE => Self::Code(AckCode::CE),
            Row::CR => Self::Code(AckCode::CR),
            Row::None => Self::None,
            Row::Garbled => Self::Garbled,
            Row::Lost => Self::Lost,
            Row::NotTaken => Self::NotTaken,
            Row::OtherProtocol => Self::OtherProtocol,
        }
    }
}

impl From<Decision> for Action {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Retry => Self::Retry,
            Decision::Hold => Self::Hold,
            Decision::DeadLetter => Self::DeadLetter,
            Decision::Skip => Self::Skip,
        }
    }
}
