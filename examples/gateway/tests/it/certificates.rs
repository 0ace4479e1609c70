//! An authority with certificates, made anew in each test.

use std::fs;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};

/// Writes `ca.pem`, and certificate and key of `node` (localhost, 127.0.0.1, node.example) and `lab` (lab.example).
pub(crate) fn write(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    // openssl takes a certificate whose issuer has its own name for self-signed.
    params.distinguished_name.push(DnType::CommonName, "Test Authority");
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    fs::write(folder.join("ca.pem"), authority.pem()).unwrap();
    for (file, names) in
        [("node", &["localhost", "127.0.0.1", "node.example"][..]), ("lab", &["lab.example"])]
    {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
        fs::write(folder.join(format!("{file}.pem")), certificate.pem()).unwrap();
        fs::write(folder.join(format!("{file}.key")), key.serialize_pem()).unwrap();
    }
}
