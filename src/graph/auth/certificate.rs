//! An application's certificate and its key, from PEM files or a PKCS#12 file: read,
//! checked, and used to sign.
//!
//! Leaves to others: what is signed (`client_certificate`).

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{KeyPair as _, RSA_PSS_SHA256};
use jiff::Timestamp;
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::pem::{Section, sections};
use super::{pkcs12, x509};
use crate::text;

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
    pub path: PathBuf,
    /// Line, from 1, where there is one to name.
    pub line: Option<usize>,
    pub fault: Fault,
}

/// What is wrong with a certificate or its key.
#[derive(Debug)]
pub enum Fault {
    /// The file can't be read.
    Unreadable(io::Error),
    /// A PKCS#12 file, or another binary one, where it can't be read.
    Binary,
    /// Not PKCS#12, or broken PKCS#12.
    Damaged,
    /// A PKCS#12 file with a password, and none is given.
    NoPassword,
    /// A PKCS#12 file with another password.
    WrongPassword,
    /// A PKCS#12 file in a cipher that OpenSSL has retired.
    OldCipher,
    /// A PKCS#12 file that OpenSSL does not open, and its reason.
    Unopened(String),
    /// A PKCS#12 file without a certificate or without a key: which of the two.
    Incomplete(&'static str),
    /// A file for the key beside a PKCS#12 file.
    NeedlessKeyFile,
    /// A password for a PEM file.
    NeedlessPassword,
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
            Self::Damaged => f.write_str("is not a PKCS#12 (PFX) file, or not a whole one"),
            Self::NoPassword => f.write_str("is protected by a password, and none is given"),
            Self::WrongPassword => f.write_str("is not opened by the password that is given"),
            Self::OldCipher => {
                f.write_str("is encrypted with a cipher that OpenSSL has retired, such as RC2")
            }
            Self::Unopened(reason) => write!(f, "cannot be opened by OpenSSL: {reason}"),
            Self::Incomplete(what) => write!(f, "holds no {what}"),
            Self::NeedlessKeyFile => {
                f.write_str("is a PKCS#12 (PFX) file, and a key file is given as well")
            }
            Self::NeedlessPassword => {
                f.write_str("is PEM, and a password is given, which is for PKCS#12 (PFX) files")
            }
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

/// What keeps a key one's own, in the words of the system.
#[cfg(unix)]
macro_rules! only_yourself {
    () => {
        "let only yourself read the result (`chmod 600`)"
    };
}
#[cfg(not(unix))]
macro_rules! only_yourself {
    () => {
        "let only yourself read the result (its Properties, Security)"
    };
}

impl CertificateError {
    pub fn advice(&self) -> &'static str {
        match self.fault {
            Fault::Unreadable(_) => "let the account that runs reinvite read the file",
            // Here only as the file of a key: one for both is opened.
            Fault::Binary if cfg!(feature = "pfx") => {
                "name a PKCS#12 file with [auth] certificate_file, and leave certificate_key_file \
                 out"
            }
            Fault::Binary => {
                concat!(
                    "convert it with `openssl pkcs12 -in FILE -noenc -out certificate.pem`, and ",
                    only_yourself!(),
                    "; or install a reinvite that reads it (`cargo install --path . --locked \
                     --features pfx`)"
                )
            }
            Fault::Damaged => {
                "copy the file again, unchanged; a certificate without its key, or PEM by that \
                 name, will not do: export it as PKCS#12, or name it `.pem`"
            }
            Fault::NoPassword => {
                "say where it is: [auth] certificate_password_file, certificate_password_env or \
                 certificate_password_command"
            }
            Fault::WrongPassword => {
                "check what [auth] certificate_password_file, _env or _command gives: the password \
                 of this very export, alone on its line"
            }
            Fault::OldCipher => {
                concat!(
                    "write it anew with `openssl pkcs12 -legacy -in FILE -noenc -out \
                     certificate.pem`, ",
                    only_yourself!(),
                    ", and name that as [auth] certificate_file, without a password"
                )
            }
            Fault::Unopened(_) | Fault::Incomplete(_) => {
                "export it again, with the certificate and its private key; `openssl pkcs12 -in \
                 FILE -info -noout` shows what is in it"
            }
            Fault::NeedlessKeyFile => {
                "leave [auth] certificate_key_file out: the key is in the PKCS#12 file"
            }
            Fault::NeedlessPassword => {
                "leave [auth] certificate_password_file, _env and _command out; a key in PEM must \
                 have no password (`openssl pkey -in FILE -out key.pem` takes it off)"
            }
            Fault::Malformed(_) => {
                "copy the file again, with whole lines from `-----BEGIN` to `-----END`"
            }
            Fault::NoCertificate => "give a PEM file with `-----BEGIN CERTIFICATE-----`",
            Fault::NoKey => {
                "append the private key in PEM, or name its file with [auth] certificate_key_file"
            }
            Fault::EncryptedKey => {
                concat!(
                    "write it without one (`openssl pkey -in FILE -out key.pem`), and ",
                    only_yourself!()
                )
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
    /// Reads a certificate and its key from a PEM file, or from one each, or from a
    /// PKCS#12 file and its password. Of several certificates, the one that the key
    /// belongs to; it must be valid at `now`.
    pub fn read(
        certificate: &Path,
        key: Option<&Path>,
        password: Option<&SecretString>,
        now: Timestamp,
    ) -> Result<Self, CertificateError> {
        let bytes = load(certificate)?;
        let found = if pkcs12::is_binary(certificate, &bytes) {
            Found::in_pkcs12(&bytes, key, password).map_err(|fault| at(certificate, None, fault))?
        } else if password.is_some() {
            return Err(at(certificate, None, Fault::NeedlessPassword));
        } else {
            Found::in_pem(certificate, &bytes, key)?
        };
        let key_path = key.unwrap_or(certificate);

        let mut read = Vec::new();
        for (line, der) in &found.certificates {
            let fields = x509::read(der).ok_or_else(|| {
                let how = "this is not an X.509 certificate";
                at(certificate, *line, Fault::Malformed(how))
            })?;
            read.push((*line, der, fields));
        }
        let (key, key_line) = found.key.map_err(|(line, fault)| at(key_path, line, fault))?;
        let public = key.public_key().as_ref();
        let own = read.into_iter().find(|(.., fields)| fields.public_key == public);
        let Some((line, der, fields)) = own else {
            return Err(at(key_path, key_line, Fault::OtherKey));
        };
        if now > fields.not_after {
            return Err(at(certificate, line, Fault::Expired(fields.not_after)));
        }
        if now < fields.not_before {
            return Err(at(certificate, line, Fault::NotYetValid(fields.not_before)));
        }
        Ok(Self { der: der.clone(), not_after: fields.not_after, key })
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

/// A key, or what is wrong with it, and the line where it begins if it has one.
type Key = Result<(KeyPair, Option<usize>), (Option<usize>, Fault)>;

/// What the files hold, before it is known whether it fits.
struct Found {
    /// Certificates in DER, and the lines where they begin if they have such. At least
    /// one.
    certificates: Vec<(Option<usize>, Vec<u8>)>,
    key: Key,
}

impl Found {
    fn in_pem(
        certificate: &Path,
        text: &[u8],
        key: Option<&Path>,
    ) -> Result<Self, CertificateError> {
        let key_text = key.map(load).transpose()?;
        let (key_path, key_text) = match (key, &key_text) {
            (Some(path), Some(text)) => (path, text.as_slice()),
            _ => (certificate, text),
        };
        if key.is_some() && pkcs12::is_binary(key_path, key_text) {
            return Err(at(key_path, None, Fault::Binary));
        }
        let sections = parse(certificate, text)?;
        let certificates: Vec<_> = sections
            .iter()
            .filter(|section| section.label == "CERTIFICATE")
            .map(|section| (Some(section.line), section.der.to_vec()))
            .collect();
        if certificates.is_empty() {
            return Err(at(certificate, None, Fault::NoCertificate));
        }
        Ok(Self { certificates, key: private_key(&parse(key_path, key_text)?) })
    }

    fn in_pkcs12(
        bytes: &[u8],
        key: Option<&Path>,
        password: Option<&SecretString>,
    ) -> Result<Self, Fault> {
        let contents = pkcs12::open(bytes, password)?;
        if key.is_some() {
            return Err(Fault::NeedlessKeyFile);
        }
        if contents.certificates.is_empty() {
            return Err(Fault::Incomplete("certificate"));
        }
        let key = contents.key.ok_or(Fault::Incomplete("private key"))?;
        let key = KeyPair::from_pkcs8(&key).map_err(|_| (None, Fault::UnusableKey));
        Ok(Self {
            certificates: contents.certificates.into_iter().map(|der| (None, der)).collect(),
            key: key.map(|key| (key, None)),
        })
    }
}

fn at(path: &Path, line: Option<usize>, fault: Fault) -> CertificateError {
    CertificateError { path: path.into(), line, fault }
}

fn load(path: &Path) -> Result<Zeroizing<Vec<u8>>, CertificateError> {
    let bytes = std::fs::read(path).map_err(|error| at(path, None, Fault::Unreadable(error)))?;
    let bytes = Zeroizing::new(bytes);
    // PEM as the `>` of Windows PowerShell 5.1 writes it; no DER begins like this.
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        let text = text::decoded(&bytes);
        return Ok(text.map_or(bytes, |mut text| Zeroizing::new(std::mem::take(&mut *text).into())));
    }
    Ok(bytes)
}

fn parse(path: &Path, text: &[u8]) -> Result<Vec<Section>, CertificateError> {
    sections(text).map_err(|(line, how)| at(path, Some(line), Fault::Malformed(how)))
}

fn private_key(sections: &[Section]) -> Key {
    let section = sections.iter().find(|section| section.label.ends_with("PRIVATE KEY"));
    let section = section.ok_or((None, Fault::NoKey))?;
    let key = match &*section.label {
        _ if section.is_encrypted => Err(Fault::EncryptedKey),
        "PRIVATE KEY" => KeyPair::from_pkcs8(&section.der).map_err(|_| Fault::UnusableKey),
        "RSA PRIVATE KEY" => KeyPair::from_der(&section.der).map_err(|_| Fault::UnusableKey),
        _ => Err(Fault::UnusableKey),
    };
    match key {
        Ok(key) => Ok((key, Some(section.line))),
        Err(fault) => Err((Some(section.line), fault)),
    }
}

#[cfg(test)]
#[path = "certificate_tests.rs"]
pub(super) mod tests;
