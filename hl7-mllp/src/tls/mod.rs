//! TLS 1.2 and 1.3. There is no way from TLS to plain text: a connection that was to be secure and cannot be is none.
//!
//! The program chooses the cryptography and gives its [`CryptoProvider`], such as that of `aws-lc-rs` or `ring`:
//!
//! ```no_run
//! use std::sync::Arc;
//! use hl7_mllp::tls::{ClientTls, Pem, ServerTls};
//! use hl7_mllp::{Client, Reply, Request, Server};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
//! let tls = ServerTls::builder(provider.clone(), Pem::file("ehr.pem"), Pem::file("ehr.key"))
//!     .client_authority(Pem::file("partners-ca.pem"))
//!     .build()?;
//! let server = Server::builder().tls(tls).bind("0.0.0.0:2576").await?;
//! tokio::spawn(server.serve(|req: Request| async move {
//!     println!("from {:?}", req.identity().map(|it| it.names()));
//!     Reply::accept(&req)
//! }));
//!
//! let tls = ClientTls::builder(provider)
//!     .authority(Pem::file("ehr-ca.pem"))
//!     .certificate(Pem::file("lab.pem"), Pem::file("lab.key"))
//!     .build()?;
//! let client = Client::builder().tls(tls).connect("ehr.example:2576").await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What is checked
//!
//! A client checks that the receiver's certificate comes from one of the authorities given, is valid now and is for the host that was asked for
//! (or [`ClientTlsBuilder::server_name`]). The authorities of the system are not trusted: a receiver of patients' data is known by name to
//! whoever sends them. With a pin and no authority the pin takes the place of the authority and of the name, but the dates still have to hold;
//! with a pin and an authority both have to hold.
//!
//! A listener checks that the sender's certificate, where one is asked for, comes from one of its authorities and is valid now, and, where there is
//! an [`AllowList`], that it is on it. With a list of fingerprints and no authority these take the place of one, so that senders with certificates that
//! they signed themselves are known too. Every connection shows its certificate anew, on both sides: sessions are not resumed, so that a certificate
//! that was taken off a list does not come back by way of an old session.
//!
//! # Renewal
//!
//! Certificates and keys in files are read again at each connection when they have changed. Connections that stand go on with what they have.
//! Where the new files cannot be used (half written, a key that does not fit), the old ones stay, an error is logged, and
//! [`ClientTls::reload_fault`] tells its code. So write the certificate and the key, in any order: between the two the old pair is used.

mod allow;
mod certificate;
mod client;
mod der;
mod error;
mod pem;
mod reloading;
mod server;
mod trust;

pub use allow::AllowList;
pub use client::{ClientTls, ClientTlsBuilder};
pub use error::{TlsError, TlsErrorKind};
pub use pem::Pem;
pub use rustls::crypto::CryptoProvider;
pub use server::{ServerTls, ServerTlsBuilder};

pub use crate::identity::{Fingerprint, FingerprintError, PeerIdentity};
