//! Faults of a secure connection.

use super::{Fault, fault};
use crate::doctor::severity::Severity::{Error, Warning};
use crate::tls_fault::TlsFault;

pub(in crate::doctor) static EXPIRED: Fault = fault(
    "D121",
    Error,
    ["the receiver's certificate has expired", "", "let the receiver renew it; is the clock right here?"],
);
pub(in crate::doctor) static NOT_YET_VALID: Fault = fault(
    "D122",
    Error,
    ["the receiver's certificate is not valid yet", "", "is the clock right, here and at the receiver?"],
);
pub(in crate::doctor) static UNKNOWN_ISSUER: Fault = fault(
    "D123",
    Error,
    [
        "the receiver's certificate is from an authority that is not trusted here",
        "",
        "give the authority's certificate, or pin the receiver's own",
    ],
);
pub(in crate::doctor) static WRONG_NAME: Fault = fault(
    "D124",
    Error,
    [
        "the receiver's certificate is for another name",
        "",
        "connect by the name that it holds, or state the server name",
    ],
);
pub(in crate::doctor) static NOT_PINNED: Fault = fault(
    "D125",
    Error,
    [
        "the receiver's certificate is none of those that are pinned",
        "",
        "was it renewed? get its fingerprint from the receiver by another way",
    ],
);
pub(in crate::doctor) static BAD_CERTIFICATE: Fault = fault(
    "D126",
    Error,
    [
        "the receiver's certificate cannot be used",
        "",
        "one that is its own authority has to be pinned; otherwise let the receiver have a proper one issued",
    ],
);
pub(in crate::doctor) static CERTIFICATE_REFUSED: Fault = fault(
    "D127",
    Error,
    [
        "the receiver refuses this side's certificate, or wants one",
        "",
        "give the certificate that the receiver expects, and its key",
    ],
);
pub(in crate::doctor) static NO_CERTIFICATE: Fault =
    fault("D128", Error, ["the receiver shows no certificate", "", "let the receiver send one"]);
pub(in crate::doctor) static NOT_TLS: Fault =
    fault("D129", Error, ["the receiver does not speak TLS", "", "is this its port for TLS?"]);
pub(in crate::doctor) static NOTHING_IN_COMMON: Fault = fault(
    "D130",
    Error,
    ["no TLS version or cipher suite in common", "", "let the receiver offer TLS 1.2 or 1.3"],
);
pub(in crate::doctor) static TRUNCATED: Fault = fault(
    "D131",
    Error,
    [
        "the secure connection ends without the end that TLS asks for",
        "",
        "let the receiver send close_notify: without it an end cannot be told from a cut",
    ],
);
pub(in crate::doctor) static HANDSHAKE_TIMED_OUT: Fault = fault(
    "D132",
    Error,
    ["no TLS handshake before the deadline", "", "does the receiver speak TLS at this port?"],
);
pub(in crate::doctor) static HANDSHAKE_LOST: Fault = fault(
    "D133",
    Error,
    [
        "the connection was lost during the TLS handshake",
        "",
        "does the receiver speak TLS at this port, and does it take connections from here?",
    ],
);
pub(in crate::doctor) static NOT_SECURE: Fault =
    fault("D135", Error, ["TLS failed", "", "look into the receiver's log"]);
pub(in crate::doctor) static ENDS_SOON: Fault = fault(
    "D136",
    Warning,
    ["the receiver's certificate ends soon", "", "let the receiver have a new one issued"],
);

/// The fault that this one of TLS is.
pub(in crate::doctor) fn insecure(why: TlsFault) -> &'static Fault {
    match why {
        TlsFault::Expired => &EXPIRED,
        TlsFault::NotYetValid => &NOT_YET_VALID,
        TlsFault::UnknownIssuer => &UNKNOWN_ISSUER,
        TlsFault::WrongName => &WRONG_NAME,
        TlsFault::NotPinned => &NOT_PINNED,
        TlsFault::BadCertificate => &BAD_CERTIFICATE,
        TlsFault::CertificateRefused => &CERTIFICATE_REFUSED,
        TlsFault::NoCertificate => &NO_CERTIFICATE,
        TlsFault::NotTls => &NOT_TLS,
        TlsFault::NothingInCommon => &NOTHING_IN_COMMON,
        TlsFault::Truncated => &TRUNCATED,
        TlsFault::TimedOut => &HANDSHAKE_TIMED_OUT,
        TlsFault::Lost => &HANDSHAKE_LOST,
        TlsFault::Other => &NOT_SECURE,
    }
}
