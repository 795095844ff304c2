//! An application's certificate and its key, from PEM files: read, checked, and used
//! to sign.
//!
//! Leaves to others: what is signed (`client_certificate`).

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{KeyPair as _, RSA_PSS_SHA256};
use jiff::Timestamp;
use zeroize::Zeroizing;

use super::pem::{Section, sections};
use super::x509;

/// A certificate with its private key.
pub struct Certificate {
    der: Vec<u8>,
    key: KeyPair,
    not_after: Timestamp,
}

/// Why a certificate can't be used, and where that shows. No message holds any part
/// of a key.
#[derive(Debug, thiserror::Error)]
#[error("{}{}: {fault}", .path.display(), .line.map(|line| format!(":{line}")).unwrap_or_default())]
pub struct CertificateError {
    /// The file.
    pub path: PathBuf,
    /// Line, from 1, where there is one to name.
    pub line: Option<usize>,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong with a certificate or its key.
#[derive(Debug)]
pub enum Fault {
    /// The file can't be read.
    Unreadable(io::Error),
    /// A PKCS#12 file, or another binary one.
    Binary,
    /// Not PEM, or broken PEM.
    Malformed(&'static str),
    /// No certificate in the file.
    NoCertificate,
    /// No private key in the file.
    NoKey,
    /// The private key is protected by a password.
    EncryptedKey,
    /// Not an RSA key that can be used.
    UnusableKey,
    /// The key belongs to none of the file's certificates.
    OtherKey,
    /// The certificate's time is over.
    Expired(Timestamp),
    /// The certificate's time has not come.
    NotYetValid(Timestamp),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => write!(f, "cannot be read: {error}"),
            Self::Binary => f.write_str("is a PKCS#12 (PFX) or another binary file, not PEM"),
            Self::Malformed(how) => f.write_str(how),
            Self::NoCertificate => f.write_str("holds no certificate"),
            Self::NoKey => f.write_str("holds no private key"),
            Self::EncryptedKey => f.write_str("the private key is protected by a password"),
            Self::UnusableKey => {
                f.write_str("the private key is not an RSA key of at least 2048 bits")
            }
            Self::OtherKey => f.write_str("the private key is not that of the certificate"),
            Self::Expired(at) => write!(f, "the certificate expired at {at}"),
            Self::NotYetValid(at) => write!(f, "the certificate is valid from {at} on only"),
        }
    }
}

impl CertificateError {
    /// What to do about it.
    pub fn advice(&self) -> &'static str {
        match self.fault {
            Fault::Unreadable(_) => "let the account that runs reinvite read the file",
            Fault::Binary => {
                "convert it with `openssl pkcs12 -in FILE -noenc -out certificate.pem`, and let \
                 only yourself read the result (`chmod 600`)"
            }
            Fault::Malformed(_) => {
                "copy the file again, with whole lines from `-----BEGIN` to `-----END`"
            }
            Fault::NoCertificate => "give a PEM file with `-----BEGIN CERTIFICATE-----`",
            Fault::NoKey => {
                "append the private key in PEM, or name its file with [auth] certificate_key_file"
            }
            Fault::EncryptedKey => {
                "write it without one (`openssl pkey -in FILE -out key.pem`), and let only yourself \
                 read the result (`chmod 600`)"
            }
            Fault::UnusableKey => "Entra takes RSA keys of 2048 bits or more",
            Fault::OtherKey => "name the certificate and the key that were made together",
            Fault::Expired(_) | Fault::NotYetValid(_) => {
                "make a new certificate and upload its public part to the app registration, or set \
                 this machine's clock"
            }
        }
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("not_after", &self.not_after).finish_non_exhaustive()
    }
}

impl Certificate {
    /// Reads a certificate and its key from a PEM file, or from one each. Of several
    /// certificates, the one that the key belongs to; it must be valid at `now`.
    pub fn read(
        certificate: &Path,
        key: Option<&Path>,
        now: Timestamp,
    ) -> Result<Self, CertificateError> {
        let text = load(certificate)?;
        let key_text = key.map(load).transpose()?;
        let (key_path, key_text) = match (key, &key_text) {
            (Some(path), Some(text)) => (path, text),
            _ => (certificate, &text),
        };
        let fault = |path: &Path, line, fault| CertificateError { path: path.into(), line, fault };

        let found = parse(certificate, &text)?;
        let mut certificates = Vec::new();
        for section in found.iter().filter(|section| section.label == "CERTIFICATE") {
            let read = x509::read(&section.der).ok_or_else(|| {
                let how = "this is not an X.509 certificate";
                fault(certificate, Some(section.line), Fault::Malformed(how))
            })?;
            certificates.push((section, read));
        }
        if certificates.is_empty() {
            return Err(fault(certificate, None, Fault::NoCertificate));
        }
        let (key, key_line) = private_key(&parse(key_path, key_text)?)
            .map_err(|(line, found)| fault(key_path, line, found))?;

        let public = key.public_key().as_ref();
        let own = certificates.iter().find(|(_, read)| read.public_key == public);
        let Some((section, read)) = own else {
            return Err(fault(key_path, Some(key_line), Fault::OtherKey));
        };
        if now > read.not_after {
            return Err(fault(certificate, Some(section.line), Fault::Expired(read.not_after)));
        }
        if now < read.not_before {
            let not_yet = Fault::NotYetValid(read.not_before);
            return Err(fault(certificate, Some(section.line), not_yet));
        }
        Ok(Self { der: section.der.to_vec(), not_after: read.not_after, key })
    }

    /// The certificate alone, in DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// When its time is over.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// Signs as `PS256` does (RFC 7518, 3.5).
    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(&RSA_PSS_SHA256, &SystemRandom::new(), message, &mut signature)
            .expect("the buffer has the key's length");
        signature
    }
}

fn load(path: &Path) -> Result<Zeroizing<Vec<u8>>, CertificateError> {
    let fault = |fault| CertificateError { path: path.into(), line: None, fault };
    let bytes = std::fs::read(path).map_err(|error| fault(Fault::Unreadable(error)))?;
    let bytes = Zeroizing::new(bytes);
    let extension = path.extension().map(std::ffi::OsStr::to_ascii_lowercase);
    let named = extension.is_some_and(|extension| extension == "pfx" || extension == "p12");
    // What ASN.1 in binary begins with.
    if named || matches!(bytes.as_slice(), [0x30, 0x80..=0xff, ..]) {
        return Err(fault(Fault::Binary));
    }
    Ok(bytes)
}

fn parse(path: &Path, text: &[u8]) -> Result<Vec<Section>, CertificateError> {
    sections(text).map_err(|(line, how)| CertificateError {
        path: path.into(),
        line: Some(line),
        fault: Fault::Malformed(how),
    })
}

/// The first private key, and its line.
fn private_key(sections: &[Section]) -> Result<(KeyPair, usize), (Option<usize>, Fault)> {
    let section = sections.iter().find(|section| section.label.ends_with("PRIVATE KEY"));
    let section = section.ok_or((None, Fault::NoKey))?;
    let key = match &*section.label {
        _ if section.is_encrypted => Err(Fault::EncryptedKey),
        "PRIVATE KEY" => KeyPair::from_pkcs8(&section.der).map_err(|_| Fault::UnusableKey),
        "RSA PRIVATE KEY" => KeyPair::from_der(&section.der).map_err(|_| Fault::UnusableKey),
        _ => Err(Fault::UnusableKey),
    };
    match key {
        Ok(key) => Ok((key, section.line)),
        Err(fault) => Err((Some(section.line), fault)),
    }
}

#[cfg(test)]
#[path = "certificate_tests.rs"]
pub(super) mod tests;
