//! What rustls says, in the words of [`TlsFault`].

use std::io;

use rustls::{AlertDescription as Alert, CertificateError, Error};

use crate::tls_fault::TlsFault;

/// The fault that an error of an established connection stands for; `None` where it is the network's.
pub(crate) fn fault_of(why: &io::Error) -> Option<TlsFault> {
    if why.kind() == io::ErrorKind::UnexpectedEof {
        return Some(TlsFault::Truncated);
    }
    Some(match cause(why)? {
        // After the handshake a garbled record is no sign of another protocol.
        Error::InvalidMessage(_) => TlsFault::Other,
        why => fault(why),
    })
}

/// The fault that an error during the handshake stands for.
pub(crate) fn handshake_fault(why: &io::Error) -> TlsFault {
    cause(why).map_or(TlsFault::Lost, fault)
}

fn cause(why: &io::Error) -> Option<&Error> {
    why.get_ref()?.downcast_ref()
}

fn fault(why: &Error) -> TlsFault {
    match why {
        Error::InvalidCertificate(why) => of_certificate(why),
        Error::AlertReceived(alert) => of_alert(*alert),
        Error::PeerIncompatible(_) => TlsFault::NothingInCommon,
        Error::NoCertificatesPresented => TlsFault::NoCertificate,
        Error::InvalidMessage(_) => TlsFault::NotTls,
        _ => TlsFault::Other,
    }
}

fn of_certificate(why: &CertificateError) -> TlsFault {
    use CertificateError as C;
    match why {
        C::Expired | C::ExpiredContext { .. } => TlsFault::Expired,
        C::NotValidYet | C::NotValidYetContext { .. } => TlsFault::NotYetValid,
        // Signed by another authority of the same name.
        C::UnknownIssuer | C::BadSignature => TlsFault::UnknownIssuer,
        C::NotValidForName | C::NotValidForNameContext { .. } => TlsFault::WrongName,
        C::ApplicationVerificationFailure => TlsFault::NotPinned,
        _ => TlsFault::BadCertificate,
    }
}

fn of_alert(alert: Alert) -> TlsFault {
    match alert {
        Alert::NoCertificate
        | Alert::BadCertificate
        | Alert::UnsupportedCertificate
        | Alert::CertificateRevoked
        | Alert::CertificateExpired
        | Alert::CertificateUnknown
        | Alert::UnknownCA
        | Alert::AccessDenied
        // The peer could not verify a signature: that of the certificate or that made with its key.
        | Alert::DecryptError
        | Alert::CertificateRequired => TlsFault::CertificateRefused,
        Alert::HandshakeFailure | Alert::ProtocolVersion | Alert::InsufficientSecurity => {
            TlsFault::NothingInCommon
        }
        _ => TlsFault::Other,
    }
}
