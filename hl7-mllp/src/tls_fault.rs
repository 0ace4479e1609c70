//! What can be wrong with a secure connection. Without the feature `tls` none of it happens.

/// Why there is no secure connection, or not any more.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[non_exhaustive]
pub enum TlsFault {
    /// N401: the peer's certificate has expired.
    Expired,
    /// N402: the peer's certificate is not valid yet.
    NotYetValid,
    /// N403: the peer's certificate, a self-signed one included, is not from a certificate authority that is trusted here.
    UnknownIssuer,
    /// N404: the peer's certificate is for another name.
    WrongName,
    /// N405: the peer's certificate is none of those that are pinned or allowed.
    NotPinned,
    /// N406: the peer's certificate is wrong in another way: revoked, badly signed, not for this purpose.
    BadCertificate,
    /// N407: the peer does not take this side's certificate, or asks for one and got none. With TLS 1.3 a client learns of it
    /// only when it reads.
    CertificateRefused,
    /// N408: this side asks for a certificate and the peer showed none.
    NoCertificate,
    /// N409: the peer does not speak TLS.
    NotTls,
    /// N410: no version or cipher suite that both sides have.
    NothingInCommon,
    /// N411: the connection ended without the end that TLS asks for: it may have been cut.
    Truncated,
    /// N412: no handshake before the deadline.
    TimedOut,
    /// N413: the connection was lost during the handshake; a peer that speaks no TLS may do that too.
    Lost,
    /// N414: another breach of the protocol, or an alert of the peer; see `source`.
    Other,
}

type Parts = (&'static str, &'static str, &'static str);

impl TlsFault {
    /// The stable code, `N401` to `N414`.
    pub fn code(self) -> &'static str {
        self.parts().0
    }

    /// Whether a later attempt may succeed without anybody changing a certificate, a setting or a clock.
    pub fn is_passing(self) -> bool {
        matches!(self, Self::Truncated | Self::TimedOut | Self::Lost | Self::Other)
    }

    pub(crate) fn parts(self) -> Parts {
        of_the_certificate(self).or_else(|| of_the_connection(self)).unwrap_or_default()
    }
}

fn of_the_certificate(fault: TlsFault) -> Option<Parts> {
    use TlsFault as F;
    Some(match fault {
        F::Expired => (
            "N401",
            "the peer's certificate has expired",
            "the peer has to renew it; is the clock right here?",
        ),
        F::NotYetValid => {
            ("N402", "the peer's certificate is not valid yet", "is the clock right, here and at the peer?")
        }
        F::UnknownIssuer => (
            "N403",
            "the peer's certificate is from an authority that is not trusted here",
            "give the authority's certificate, or pin the peer's own",
        ),
        F::WrongName => (
            "N404",
            "the peer's certificate is for another name",
            "connect by the name that it holds, or state the server name",
        ),
        F::NotPinned => (
            "N405",
            "the peer's certificate is none of those that are pinned or allowed",
            "was it renewed? get its fingerprint from the peer by another way",
        ),
        F::BadCertificate => (
            "N406",
            "the peer's certificate cannot be used",
            "the source says why; one that is its own authority has to be pinned",
        ),
        F::CertificateRefused => (
            "N407",
            "the peer refused this side's certificate, or wants one",
            "give the certificate that the peer expects, and its key",
        ),
        F::NoCertificate => ("N408", "the peer showed no certificate", "the peer has to send one"),
        _ => return None,
    })
}

fn of_the_connection(fault: TlsFault) -> Option<Parts> {
    use TlsFault as F;
    Some(match fault {
        F::NotTls => ("N409", "the peer does not speak TLS", "is this its port for TLS?"),
        F::NothingInCommon => {
            ("N410", "no TLS version or cipher suite in common", "the peer has to offer TLS 1.2 or 1.3")
        }
        F::Truncated => ("N411", "the secure connection was cut off", "connect anew and send again"),
        F::TimedOut => {
            ("N412", "no TLS handshake before the deadline", "does the peer speak TLS at this port?")
        }
        F::Lost => (
            "N413",
            "the connection was lost during the TLS handshake",
            "does the peer speak TLS at this port, and does it take connections from here?",
        ),
        F::Other => ("N414", "TLS failed", "the source says why"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use TlsFault as F;

    #[test]
    fn every_fault_has_a_code_of_its_own_and_certificates_do_not_mend_themselves() {
        let all = [
            F::Expired,
            F::NotYetValid,
            F::UnknownIssuer,
            F::WrongName,
            F::NotPinned,
            F::BadCertificate,
            F::CertificateRefused,
            F::NoCertificate,
            F::NotTls,
            F::NothingInCommon,
            F::Truncated,
            F::TimedOut,
            F::Lost,
            F::Other,
        ];
        for (at, fault) in all.into_iter().enumerate() {
            assert_eq!(fault.code(), format!("N4{:02}", at + 1));
            assert!(!fault.parts().1.is_empty() && !fault.parts().2.is_empty());
            assert_eq!(fault.is_passing(), (10..14).contains(&at), "{fault:?}");
        }
    }
}
