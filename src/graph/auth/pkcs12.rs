//! Certificates and a private key out of a PKCS#12 (PFX) file, by OpenSSL and only with
//! the cargo feature `pfx`; without it every such file is refused.
//!
//! Leaves to others: whether they fit each other and can be used (`certificate`).

use std::path::Path;

use secrecy::SecretString;
use zeroize::Zeroizing;

use super::certificate::Fault;

pub(super) struct Contents {
    /// The certificates in DER, in no order to rely on.
    pub(super) certificates: Vec<Vec<u8>>,
    /// The first private key, in PKCS#8.
    pub(super) key: Option<Zeroizing<Vec<u8>>>,
}

/// Whether a file is to be opened here and not as PEM.
pub(super) fn is_binary(path: &Path, bytes: &[u8]) -> bool {
    let extension = path.extension().map(std::ffi::OsStr::to_ascii_lowercase);
    let is_named = extension.is_some_and(|extension| extension == "pfx" || extension == "p12");
    // What ASN.1 in binary begins with.
    is_named || matches!(bytes, [0x30, 0x80..=0xff, ..])
}

/// Takes a file apart. A file without a password has the empty one.
#[cfg(feature = "pfx")]
pub(super) fn open(bytes: &[u8], password: Option<&SecretString>) -> Result<Contents, Fault> {
    use openssl::pkcs12::Pkcs12;
    use openssl::x509::X509Ref;
    use secrecy::ExposeSecret;

    let file = Pkcs12::from_der(bytes).map_err(|_| Fault::Damaged)?;
    let text = password.map_or("", ExposeSecret::expose_secret);
    // No string of C, which the binding would panic about.
    if text.contains('\0') {
        return Err(Fault::WrongPassword);
    }
    let parsed = file.parse2(text).map_err(|errors| why(&errors, password.is_some()))?;
    let own = parsed.cert.as_deref().into_iter();
    let others = parsed.ca.iter().flatten();
    let certificates = own.chain(others).map(X509Ref::to_der).collect::<Result<_, _>>();
    let key = parsed.pkey.map(|key| key.private_key_to_pkcs8()).transpose();
    let unopened = |errors| why(&errors, true);
    Ok(Contents {
        certificates: certificates.map_err(unopened)?,
        key: key.map_err(unopened)?.map(Zeroizing::new),
    })
}

/// The same in a program without OpenSSL.
#[cfg(not(feature = "pfx"))]
pub(super) fn open(_: &[u8], _: Option<&SecretString>) -> Result<Contents, Fault> {
    Err(Fault::Binary)
}

/// What OpenSSL's errors mean. A library and a reason are numbers of its headers
/// (`err.h`, `pkcs12err.h`); their texts may be left out of a build.
#[cfg(feature = "pfx")]
fn why(errors: &openssl::error::ErrorStack, had_password: bool) -> Fault {
    const MAC_VERIFY_FAILURE: (i32, i32) = (35, 113);
    // Of a file without a MAC, whose content did not decipher.
    const CIPHERFINAL_ERROR: (i32, i32) = (35, 116);
    // Of OpenSSL 3: a cipher that no loaded provider has.
    const UNSUPPORTED: (i32, i32) = (6, 0x8_010c);

    let is = |kind| {
        errors.errors().iter().any(|error| (error.library_code(), error.reason_code()) == kind)
    };
    if is(UNSUPPORTED) {
        Fault::OldCipher
    } else if is(MAC_VERIFY_FAILURE) || is(CIPHERFINAL_ERROR) {
        if had_password { Fault::WrongPassword } else { Fault::NoPassword }
    } else {
        let reason = errors.errors().last().and_then(openssl::error::Error::reason);
        Fault::Unopened(reason.unwrap_or("without giving a reason").to_owned())
    }
}

#[cfg(all(test, feature = "pfx"))]
#[path = "pkcs12_tests.rs"]
mod tests;
