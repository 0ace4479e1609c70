//! `proxy:` of a connection.

use std::path::PathBuf;

use hl7_mllp::Proxy;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::Checker;
use super::error::{Place, Problem};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    socks5: Option<Spanned<String>>,
    http: Option<Spanned<String>>,
    user: Option<String>,
    password_file: Option<Spanned<PathBuf>>,
}

impl Checker {
    pub(super) fn proxy(&mut self, stated: Spanned<Entry>) -> Option<Proxy> {
        let at = self.at(&stated);
        let entry = stated.value;
        let proxy = match (entry.socks5, entry.http) {
            (Some(address), None) => {
                self.host_and_port("socks5", &address);
                Proxy::socks5(address.value)
            }
            (None, Some(address)) => {
                self.host_and_port("http", &address);
                Proxy::http(address.value)
            }
            _ => {
                return self.no_proxy(
                    at,
                    "a proxy is either socks5 or http",
                    "{ socks5: \"proxy.example:1080\" }",
                );
            }
        };
        match (entry.user, entry.password_file) {
            (None, None) => Some(proxy),
            (Some(user), Some(file)) => {
                let password = self.read(&file.value, self.at(&file))?;
                Some(proxy.credentials(user, password.trim_end_matches(['\r', '\n'])))
            }
            _ => self.no_proxy(at, "user and password_file go together", "name both, or none of them"),
        }
    }

    fn no_proxy(&mut self, at: Place, text: &str, suggestion: &str) -> Option<Proxy> {
        self.problems.push(Problem::new("G029", text).at(at).suggest(suggestion));
        None
    }
}
