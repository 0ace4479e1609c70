//! `tls:` of connections and listeners. Files are named and never their content; they are read again when they change.

use std::path::PathBuf;
use std::sync::Arc;

use hl7_mllp::tls::{AllowList, ClientTls, CryptoProvider, Fingerprint, Pem, ServerTls, TlsError};
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::Checker;
use super::error::{Place, Problem};
use super::several::Several;

/// A connection's: whom it trusts, and what it shows.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sending {
    ca: Option<Spanned<Several>>,
    pin: Option<Spanned<Several>>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    server_name: Option<String>,
}

/// A listener's: what it shows, and whom it lets in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listening {
    certificate: PathBuf,
    key: PathBuf,
    client_ca: Option<Spanned<Several>>,
    #[serde(default)]
    client_optional: bool,
    allow: Option<Spanned<Several>>,
}

impl Checker {
    pub(super) fn client_tls(&mut self, stated: Spanned<Sending>) -> Option<ClientTls> {
        let at = self.at(&stated);
        let entry = stated.value;
        let mut tls = ClientTls::builder(provider());
        for (file, _) in self.several(entry.ca) {
            tls = tls.authority(self.pem(file));
        }
        for (text, at) in self.several(entry.pin) {
            tls = tls.pin(self.pin(&text, at)?);
        }
        tls = match (entry.certificate, entry.key) {
            (None, None) => tls,
            (Some(certificate), Some(key)) => tls.certificate(self.pem(certificate), self.pem(key)),
            _ => {
                let problem = Problem::new("G019", "certificate and key go together").at(at);
                self.problems.push(problem.suggest("name the PEM files of both, or of none"));
                return None;
            }
        };
        if let Some(name) = entry.server_name {
            tls = tls.server_name(name);
        }
        self.built(tls.build(), at)
    }

    pub(super) fn server_tls(&mut self, stated: Spanned<Listening>) -> Option<ServerTls> {
        let at = self.at(&stated);
        let entry = stated.value;
        let mut tls = ServerTls::builder(provider(), self.pem(entry.certificate), self.pem(entry.key));
        let authorities = self.several(entry.client_ca);
        if entry.client_optional && authorities.is_empty() {
            let problem = Problem::new("G019", "client_optional needs client_ca").at(at);
            self.problems.push(problem.suggest("without an authority no certificate is asked for"));
            return None;
        }
        for (file, _) in authorities {
            tls = tls.client_authority(self.pem(file));
        }
        if entry.client_optional {
            tls = tls.client_certificate_is_optional();
        }
        let allowed = self.several(entry.allow);
        if !allowed.is_empty() {
            tls = tls.allow(allowed.iter().fold(AllowList::new(), |list, (who, _)| allow(list, who)));
        }
        self.built(tls.build(), at)
    }

    fn pin(&mut self, text: &str, at: Place) -> Option<Fingerprint> {
        let shape = |_| {
            let problem =
                Problem::new("G019", "a pin is the SHA-256 of a certificate or a key: 64 hexadecimal digits");
            problem.at(at).suggest("`openssl x509 -noout -fingerprint -sha256 -in FILE` shows it")
        };
        text.parse().map_err(|why| self.problems.push(shape(why))).ok()
    }

    fn pem(&self, file: impl Into<PathBuf>) -> Pem {
        Pem::file(self.folder.join(file.into()))
    }

    fn built<T>(&mut self, tls: Result<T, TlsError>, at: Place) -> Option<T> {
        tls.map_err(|why| self.problems.push(Problem::new("G019", told(&why)).at(at))).ok()
    }
}

/// A name, or a fingerprint where it has the shape of one.
fn allow(list: AllowList, who: &str) -> AllowList {
    match who.parse() {
        Ok(fingerprint) => list.fingerprint(fingerprint),
        Err(_) => list.name(who),
    }
}

/// The error with what is behind it: which file it is about stands there.
fn told(why: &TlsError) -> String {
    let mut text = why.to_string();
    let mut next = std::error::Error::source(why);
    while let Some(cause) = next {
        text.push_str(&format!("\n  because: {cause}"));
        next = cause.source();
    }
    text
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}
