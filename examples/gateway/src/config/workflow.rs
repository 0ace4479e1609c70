//! `workflows:`, each a mapping, a connection, and who may start it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use hl7_map::Mapping;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::Checker;
use super::error::{Place, Problem};
use crate::endpoint;
use crate::secret::SecretHash;

/// A workflow: its mapping, where it sends, and who may start it.
#[derive(Debug)]
pub(crate) struct WorkflowConfig {
    pub(crate) name: String,
    pub(crate) mapping: Mapping,
    pub(crate) to: String,
    pub(crate) secrets: Vec<SecretHash>,
    pub(crate) endpoint: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    mapping: Spanned<PathBuf>,
    to: Spanned<String>,
    #[serde(default)]
    secrets: Vec<Spanned<String>>,
    secrets_file: Option<Spanned<PathBuf>>,
    endpoint: Option<Spanned<String>>,
}

impl Checker {
    pub(super) fn workflows(
        &mut self,
        entries: BTreeMap<String, Spanned<Entry>>,
        connections: &[String],
    ) -> Vec<WorkflowConfig> {
        let mut all: Vec<WorkflowConfig> = Vec::new();
        for (name, entry) in entries {
            let at = self.at(&entry);
            self.check_name(&name, at.clone());
            let entry = entry.value;
            let who = format!("the workflow {name}");
            self.known(&who, entry.to.value.clone(), self.at(&entry.to), connections);
            let endpoint = entry.endpoint.as_ref().and_then(|id| self.endpoint(id, &all));
            let secrets = self.secrets(&name, &entry, at);
            if let Some(mapping) = self.mapping(&entry.mapping) {
                all.push(WorkflowConfig { name, mapping, to: entry.to.value, secrets, endpoint });
            }
        }
        all
    }

    fn endpoint(&mut self, id: &Spanned<String>, others: &[WorkflowConfig]) -> Option<String> {
        let taken = others.iter().any(|other| other.endpoint.as_deref() == Some(id.value.as_str()));
        if endpoint::is_endpoint(&id.value) && !taken {
            return Some(id.value.clone());
        }
        let text = if taken {
            "two workflows have the same endpoint"
        } else {
            "an endpoint is 22 to 64 letters, digits, - and _"
        };
        let leave_out = "leave it out, and one is generated and kept";
        self.problems.push(Problem::new("G008", text).at(self.at(id)).suggest(leave_out));
        None
    }

    fn secrets(&mut self, workflow: &str, entry: &Entry, at: Place) -> Vec<SecretHash> {
        let mut written: Vec<(String, Place)> =
            entry.secrets.iter().map(|secret| (secret.value.clone(), self.at(secret))).collect();
        if let Some(file) = &entry.secrets_file {
            let place = self.at(file);
            let Some(text) = self.read(&file.value, place.clone()) else { return Vec::new() };
            let lines = text.lines().filter(|line| !line.trim().is_empty());
            written.extend(lines.map(|line| (line.to_owned(), place.clone())));
        }
        if written.is_empty() || written.len() > 2 {
            let text =
                format!("the workflow {workflow} needs one secret, or two while one replaces the other");
            let suggestion = "`hl7-gateway keys new` makes a secret and its hash";
            self.problems.push(Problem::new("G009", text).at(at).suggest(suggestion));
        }
        written.into_iter().filter_map(|(text, place)| self.secret(&text, place)).collect()
    }

    fn secret(&mut self, text: &str, at: Place) -> Option<SecretHash> {
        text.parse().map_err(|shape: &str| self.problems.push(Problem::new("G010", shape).at(at))).ok()
    }

    fn mapping(&mut self, file: &Spanned<PathBuf>) -> Option<Mapping> {
        let name = self.folder.join(&file.value).display().to_string();
        let text = self.read(&file.value, self.at(file))?;
        match Mapping::from_yaml(&text) {
            Ok(mapping) => self.tested(mapping, &name),
            Err(errors) => {
                self.problems.push(Problem::rendered(errors.render(&name, &text)));
                None
            }
        }
    }

    /// A mapping that fails its own tests would write messages that its author does not want.
    fn tested(&mut self, mapping: Mapping, name: &str) -> Option<Mapping> {
        let report = mapping.run_tests();
        if report.failed() == 0 {
            return Some(mapping);
        }
        let text = format!("{name}: {} of the mapping's own tests fail", report.failed());
        self.problems.push(Problem::new("G011", text).suggest(format!("`hl7 map test {name}` shows them")));
        None
    }
}
