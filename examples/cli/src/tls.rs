//! TLS from arguments. Files are read again when they change, so a listener need not be started anew for a renewal.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use clap::Args;
use hl7_mllp::tls::{AllowList, ClientTls, CryptoProvider, Fingerprint, Pem, ServerTls, TlsError};

use crate::failure::{Failure, told};
use crate::output;

/// How long before its end a certificate is spoken of: time enough to have a new one issued.
const SOON: Duration = Duration::from_secs(30 * 24 * 60 * 60);

#[derive(Args)]
pub(crate) struct Sending {
    /// Send over TLS; nothing goes out without it. Needs --ca or --pin.
    #[arg(long, help_heading = "TLS")]
    tls: bool,
    /// Trust receivers whose certificate this authority has issued: a PEM file. The system's authorities are not trusted.
    #[arg(long, value_name = "FILE", requires = "tls", help_heading = "TLS")]
    ca: Vec<PathBuf>,
    /// Trust this certificate or key: the SHA-256 as `openssl x509 -noout -fingerprint -sha256` shows it. With --ca both have to hold.
    #[arg(long, value_name = "SHA256", requires = "tls", help_heading = "TLS")]
    pin: Vec<Fingerprint>,
    /// The certificate to show to the receiver: a PEM file, with intermediate certificates behind it.
    #[arg(long, value_name = "FILE", requires_all = ["tls", "key"], help_heading = "TLS")]
    cert: Option<PathBuf>,
    /// Its key: a PEM file without a pass phrase.
    #[arg(long, value_name = "FILE", requires_all = ["tls", "cert"], help_heading = "TLS")]
    key: Option<PathBuf>,
    /// The name that the receiver's certificate is for, where it is not the host of --to.
    #[arg(long, value_name = "NAME", requires = "tls", help_heading = "TLS")]
    server_name: Option<String>,
}

impl Sending {
    /// What the arguments say; `None` without --tls.
    pub(crate) fn read(&self) -> Result<Option<ClientTls>, Failure> {
        if !self.tls {
            return Ok(None);
        }
        let mut tls = ClientTls::builder(provider());
        for file in &self.ca {
            tls = tls.authority(Pem::file(file));
        }
        for &pin in &self.pin {
            tls = tls.pin(pin);
        }
        if let (Some(cert), Some(key)) = (&self.cert, &self.key) {
            tls = tls.certificate(Pem::file(cert), Pem::file(key));
        }
        if let Some(name) = &self.server_name {
            tls = tls.server_name(name);
        }
        let tls = tls.build().map_err(failed)?;
        tell_of_end(tls.not_after());
        Ok(Some(tls))
    }
}

#[derive(Args)]
pub(crate) struct Listening {
    /// Listen for TLS only. Needs --cert and --key.
    #[arg(long, requires_all = ["cert", "key"], help_heading = "TLS")]
    tls: bool,
    /// The listener's certificate: a PEM file, with intermediate certificates behind it.
    #[arg(long, value_name = "FILE", requires = "tls", help_heading = "TLS")]
    cert: Option<PathBuf>,
    /// Its key: a PEM file without a pass phrase.
    #[arg(long, value_name = "FILE", requires = "tls", help_heading = "TLS")]
    key: Option<PathBuf>,
    /// Take senders only that show a certificate of this authority (mutual TLS): a PEM file.
    #[arg(long, value_name = "FILE", requires = "tls", help_heading = "TLS")]
    client_ca: Vec<PathBuf>,
    /// Take senders that show no certificate too.
    #[arg(long, requires = "client_ca", help_heading = "TLS")]
    client_optional: bool,
    /// Take only the sender with this certificate: an alternative name in it, or its SHA-256. May be given more than once. A name needs
    /// --client-ca; a SHA-256 without it lets in a certificate that the sender signed itself.
    #[arg(long, value_name = "NAME | SHA256", requires = "tls", help_heading = "TLS")]
    allow: Vec<String>,
}

impl Listening {
    /// What the arguments say; `None` without --tls.
    pub(crate) fn read(&self) -> Result<Option<ServerTls>, Failure> {
        let (true, Some(cert), Some(key)) = (self.tls, &self.cert, &self.key) else { return Ok(None) };
        let mut tls = ServerTls::builder(provider(), Pem::file(cert), Pem::file(key));
        for file in &self.client_ca {
            tls = tls.client_authority(Pem::file(file));
        }
        if self.client_optional {
            tls = tls.client_certificate_is_optional();
        }
        if !self.allow.is_empty() {
            tls = tls.allow(self.allow_list());
        }
        let tls = tls.build().map_err(failed)?;
        tell_of_end(tls.not_after());
        Ok(Some(tls))
    }

    fn allow_list(&self) -> AllowList {
        self.allow.iter().fold(AllowList::new(), |list, who| match who.parse() {
            Ok(fingerprint) => list.fingerprint(fingerprint),
            Err(_) => list.name(who),
        })
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn failed(why: TlsError) -> Failure {
    Failure::outside(format!("error: {}", told(&why)))
}

/// A certificate that ends soon is spoken of as long as all is well.
fn tell_of_end(not_after: Option<SystemTime>) {
    let Some(end) = not_after else { return };
    match end.duration_since(SystemTime::now()) {
        Err(_) => output::tell("warning: the certificate of this side has expired\n"),
        Ok(left) if left < SOON => {
            let days = left.as_secs() / (24 * 60 * 60);
            output::tell(&format!("warning: the certificate of this side ends in {days} days\n"));
        }
        Ok(_) => {}
    }
}
