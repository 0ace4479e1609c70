//! What a certificate says: names, dates, fingerprints. Whether it may say so is decided elsewhere.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use super::der::{OID, SEQUENCE, Value, Values};
use crate::identity::{Fingerprint, PeerIdentity};

const VERSION: u8 = 0xA0;
const EXTENSIONS: u8 = 0xA3;
const SET: u8 = 0x31;
const OCTETS: u8 = 0x04;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const COMMON_NAME: [u8; 3] = [0x55, 0x04, 0x03];
const ALTERNATIVE_NAMES: [u8; 3] = [0x55, 0x1D, 0x11];
/// The kinds of alternative names that are text: mail address, DNS name, URI.
const TEXT_NAMES: [u8; 3] = [0x81, 0x82, 0x86];
const IP_NAME: u8 = 0x87;

/// What the certificate says; `None` where it is none.
pub(crate) fn read(der: &[u8]) -> Option<PeerIdentity> {
    let mut body = Values::of(der).inside(SEQUENCE)?.inside(SEQUENCE)?;
    body.pass(VERSION);
    // Serial number, algorithm, issuer.
    body.nth(2)?;
    let mut validity = body.inside(SEQUENCE)?;
    let (not_before, not_after) = (time(validity.next()?)?, time(validity.next()?)?);
    let subject = body.inside(SEQUENCE)?;
    let key = body.next()?;
    let extensions = body.find(|value| value.tag == EXTENSIONS);
    Some(PeerIdentity {
        common_name: common_name(subject),
        names: extensions.and_then(alternative_names).unwrap_or_default(),
        fingerprint: sha256(der),
        key_fingerprint: sha256(key.whole),
        not_before,
        not_after,
    })
}

fn sha256(bytes: &[u8]) -> Fingerprint {
    Fingerprint::new(Sha256::digest(bytes).into())
}

fn common_name(subject: Values<'_>) -> Option<String> {
    subject.filter(|part| part.tag == SET).find_map(|part| {
        let mut pair = Values::of(part.content).inside(SEQUENCE)?;
        let kind = pair.next()?;
        (kind.tag == OID && kind.content == COMMON_NAME).then(|| text(pair.next()?.content)).flatten()
    })
}

fn alternative_names(extensions: Value<'_>) -> Option<Vec<String>> {
    let mut all = Values::of(extensions.content).inside(SEQUENCE)?;
    let names = all.find_map(|extension| {
        let mut parts = Values::of(extension.content);
        parts.next().filter(|kind| kind.content == ALTERNATIVE_NAMES)?;
        parts.find(|value| value.tag == OCTETS)
    })?;
    Some(Values::of(names.content).inside(SEQUENCE)?.filter_map(alternative_name).collect())
}

fn alternative_name(name: Value<'_>) -> Option<String> {
    match name.tag {
        tag if TEXT_NAMES.contains(&tag) => text(name.content),
        IP_NAME => match name.content.len() {
            4 => <[u8; 4]>::try_from(name.content).ok().map(|ip| IpAddr::from(ip).to_string()),
            _ => <[u8; 16]>::try_from(name.content).ok().map(|ip| IpAddr::from(ip).to_string()),
        },
        _ => None,
    }
}

/// Text that can stand in a log: a name with control characters is none.
fn text(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    (!text.chars().any(char::is_control)).then(|| text.to_owned())
}

fn time(value: Value<'_>) -> Option<SystemTime> {
    let digits = std::str::from_utf8(value.content).ok()?.strip_suffix('Z')?;
    let (year, rest) = match value.tag {
        UTC_TIME => {
            let (year, rest) = (number(digits, 0..2)?, digits.get(2..)?);
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        GENERALIZED_TIME => (number(digits, 0..4)?, digits.get(4..)?),
        _ => return None,
    };
    let day = days(year, number(rest, 0..2)?, number(rest, 2..4)?)?;
    let seconds = number(rest, 4..6)? * 3600 + number(rest, 6..8)? * 60 + number(rest, 8..10)?;
    let since = Duration::from_secs(day.unsigned_abs() * 86_400);
    let date = match day {
        0.. => SystemTime::UNIX_EPOCH.checked_add(since),
        _ => SystemTime::UNIX_EPOCH.checked_sub(since),
    };
    date?.checked_add(Duration::from_secs(seconds.unsigned_abs()))
}

fn number(digits: &str, place: std::ops::Range<usize>) -> Option<i64> {
    digits.get(place)?.parse().ok()
}

/// The days from 1970-01-01 to this date. Years begin in March here, so that the leap day is their last.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || year < 0 {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_all =
        year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year;
    Some(day_of_all - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, KeyPair, SanType, date_time_ymd};

    fn seconds(time: SystemTime) -> u64 {
        time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
    }

    #[test]
    fn names_dates_and_fingerprints_are_read() {
        let mut params = CertificateParams::new(["lab.example".into(), "10.1.2.3".into()]).unwrap();
        params.subject_alt_names.push(SanType::URI("urn:lab:7".try_into().unwrap()));
        params.subject_alt_names.push(SanType::IpAddress("2001:db8::1".parse().unwrap()));
        params.distinguished_name.push(DnType::OrganizationName, "North");
        params.distinguished_name.push(DnType::CommonName, "Lab No\u{EB}l");
        params.not_before = date_time_ymd(2024, 2, 29);
        params.not_after = date_time_ymd(2051, 3, 1);
        let key = KeyPair::generate().unwrap();
        let der = params.self_signed(&key).unwrap();
        let identity = read(der.der()).unwrap();
        assert_eq!(identity.common_name(), Some("Lab No\u{EB}l"));
        assert_eq!(identity.names(), ["lab.example", "10.1.2.3", "urn:lab:7", "2001:db8::1"]);
        assert_eq!(seconds(identity.not_before()), 1_709_164_800);
        assert_eq!(seconds(identity.not_after()), 2_561_241_600);
        use rcgen::PublicKeyData as _;
        assert_eq!(identity.key_fingerprint(), sha256(&key.subject_public_key_info()));
        assert_eq!(identity.fingerprint(), sha256(der.der()));
    }

    #[test]
    fn what_is_cut_off_anywhere_is_no_certificate_and_no_panic() {
        let der = rcgen::generate_simple_self_signed(["lab.example".into()]).unwrap().cert;
        for end in 0..der.der().len() {
            assert!(read(&der.der()[..end]).is_none());
        }
        for at in 0..der.der().len() {
            for bit in 0..8 {
                let mut bytes = der.der().to_vec();
                bytes[at] ^= 1 << bit;
                read(&bytes);
            }
        }
    }

    #[test]
    fn dates_are_days_since_1970() {
        assert_eq!(days(1970, 1, 1), Some(0));
        assert_eq!(days(1969, 12, 31), Some(-1));
        assert_eq!(days(2000, 2, 29), Some(11_016));
        assert_eq!(days(2000, 3, 1), Some(11_017));
        assert_eq!(days(2000, 13, 1), None);
    }
}
