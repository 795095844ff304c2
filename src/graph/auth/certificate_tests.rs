//! Which files are a certificate with its key, and what is said of those that are not.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, PKCS_RSA_SHA256};
use tempfile::TempDir;

use super::*;

/// A self-signed certificate and its key, made for one test.
pub(in super::super) struct Pair {
    key: rcgen::KeyPair,
    certificate: rcgen::Certificate,
}

impl Pair {
    pub(in super::super) fn new() -> Self {
        Self::valid(2020, 2050)
    }

    #[cfg(feature = "pfx")]
    pub(in super::super) fn key_der(&self) -> Vec<u8> {
        self.key.serialize_der()
    }

    #[cfg(feature = "pfx")]
    pub(in super::super) fn certificate_pem(&self) -> String {
        self.certificate.pem()
    }

    pub(in super::super) fn valid(from: i32, to: i32) -> Self {
        let key = rcgen::KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.not_before = rcgen::date_time_ymd(from, 1, 1);
        params.not_after = rcgen::date_time_ymd(to, 1, 1);
        Self { certificate: params.self_signed(&key).unwrap(), key }
    }

    pub(in super::super) fn der(&self) -> &[u8] {
        self.certificate.der()
    }

    pub(in super::super) fn public_key(&self) -> Vec<u8> {
        x509::read(self.der()).unwrap().public_key.to_vec()
    }

    pub(in super::super) fn certificate(&self) -> Certificate {
        read(&self.both(), None).unwrap()
    }

    fn both(&self) -> String {
        format!("{}{}", self.certificate.pem(), self.key.serialize_pem())
    }
}

pub(in super::super) fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

fn read(certificate: &str, key: Option<&str>) -> Result<Certificate, CertificateError> {
    let directory = TempDir::new().unwrap();
    let path = |name: &str| directory.path().join(name);
    fs::write(path("c.pem"), certificate).unwrap();
    let key = key.map(|key| {
        fs::write(path("k.pem"), key).unwrap();
        path("k.pem")
    });
    Certificate::read(&path("c.pem"), key.as_deref(), None, now())
}

#[test]
fn a_certificate_and_its_key_are_read_from_one_file_or_two() {
    let (pair, other) = (Pair::new(), Pair::new());
    let key = pair.key.serialize_pem();
    assert_eq!(read(&pair.both(), None).unwrap().der(), pair.der());
    assert_eq!(read(&pair.certificate.pem(), Some(&key)).unwrap().der(), pair.der());
    // Key first, another certificate (an issuer's) beside, and lines of a Windows editor.
    let text = format!("{key}{}{}", other.certificate.pem(), pair.certificate.pem());
    let read = read(&text.replace('\n', "\r\n"), None).unwrap();
    assert_eq!(read.der(), pair.der());
    assert_eq!(read.not_after().to_string(), "2050-01-01T00:00:00Z");
    assert!(!format!("{read:?}").contains("key"));
    // As `>` of Windows PowerShell 5.1 writes it.
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("c.pem");
    let units = pair.both().encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    fs::write(&path, [&b"\xff\xfe"[..], &units].concat()).unwrap();
    assert_eq!(Certificate::read(&path, None, None, now()).unwrap().der(), pair.der());
}

#[test]
fn a_certificate_that_will_not_do_says_why_and_where() {
    let pair = Pair::new();
    let (certificate, key) = (pair.certificate.pem(), pair.key.serialize_pem());
    let lines = certificate.lines().count();
    let (past, future) = (Pair::valid(2020, 2021), Pair::valid(2030, 2031));
    let encrypted = key
        .replace("BEGIN PRIVATE", "BEGIN ENCRYPTED PRIVATE")
        .replace("END PRIVATE", "END ENCRYPTED PRIVATE");
    let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0\n\nAQID\n-----END RSA PRIVATE KEY-----\n";
    let ec = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let broken = certificate.replacen('M', "?", 1);
    let no_certificate = format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        STANDARD.encode("no")
    );
    let at = |line: usize, what: &str| format!("c.pem:{line}: {what}");
    let in_key = |what: &str| format!("k.pem:1: {what}");
    for (certificate, key, expected) in [
        (certificate.clone(), None, "c.pem: holds no private key".to_owned()),
        (key.clone(), None, "c.pem: holds no certificate".to_owned()),
        (String::new(), None, "c.pem: holds no certificate".to_owned()),
        (broken, None, at(2, "this is not Base64")),
        (no_certificate + &key, None, at(1, "this is not an X.509 certificate")),
        (
            certificate.clone() + &encrypted,
            None,
            at(lines + 1, "the private key is protected by a password"),
        ),
        (certificate.clone(), Some(old), in_key("the private key is protected by a password")),
        (
            certificate.clone(),
            Some(&*ec),
            in_key("the private key is not an RSA key of at least 2048 bits"),
        ),
        (
            past.certificate.pem(),
            Some(&*key),
            in_key("the private key is not that of the certificate"),
        ),
        (past.both(), None, at(1, "the certificate expired at 2021-01-01T00:00:00Z")),
        (future.both(), None, at(1, "the certificate is valid from 2030-01-01T00:00:00Z on only")),
        (
            "\u{30}\u{82}".to_owned(),
            None,
            if cfg!(feature = "pfx") {
                "c.pem: is not a PKCS#12 (PFX) file, or not a whole one".to_owned()
            } else {
                "c.pem: is a PKCS#12 (PFX) or another binary file, not PEM".to_owned()
            },
        ),
    ] {
        let error = read(&certificate, key).unwrap_err();
        let text = error.to_string();
        assert!(text.ends_with(&expected), "{text}\n{expected}");
        assert!(!error.advice().is_empty());
    }
    let error = Certificate::read(Path::new("nowhere.pem"), None, None, now()).unwrap_err();
    assert!(error.to_string().starts_with("nowhere.pem: cannot be read"), "{error}");
}

#[test]
fn a_password_for_pem_is_refused_and_not_shown() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("c.pem");
    fs::write(&path, Pair::new().both()).unwrap();
    let password = SecretString::from("s3cret");
    let error = Certificate::read(&path, None, Some(&password), now()).unwrap_err();
    assert!(matches!(error.fault, Fault::NeedlessPassword), "{error}");
    assert!(!format!("{error} {error:?} {}", error.advice()).contains("s3cret"));
}
