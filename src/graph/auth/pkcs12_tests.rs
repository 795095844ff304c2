//! PKCS#12 files made by OpenSSL as an administrator's tools make them: which can be
//! used, and what is said of the others.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::stack::Stack;
use openssl::x509::X509;
use secrecy::SecretString;
use tempfile::TempDir;

use super::super::certificate::tests::{Pair, now};
use super::super::certificate::{Certificate, CertificateError};

const PASSWORD: &str = "s3cret pässword";

/// A file of another time: `openssl pkcs12 -export -legacy` of a certificate for P-256,
/// with the password `s3cret`. RC2 can't be written without the legacy provider.
const RC2: &str = "\
MIIDcgIBAzCCAzgGCSqGSIb3DQEHAaCCAykEggMlMIIDITCCAhcGCSqGSIb3DQEHBqCCAggwggIEAgEAMIIB/QYJKoZIhvcN
AQcBMBwGCiqGSIb3DQEMAQYwDgQIffZ57aNqPLsCAggAgIIB0AtTEcVj2pAx6bldDp7RGL1NKQHGJdW4+KcGCFtVczga/uJc
jrzU9xNCpcBHw4U62CFiN/3URsQn4xceHtBmygSXQVxEJLIgXcagzqkW7BAZR3qe0c6Ouiz4d3T9/2Z8w/XG8RKXpVeNA8iY
PkwZ7UzrgEIOTDvNKqpa70Hr9g6DUUZI2y2GNEI8VsVRnLd/fY0MiLjb/OXUXBfeqKGILLOUlDIwT4k5vLwN56HyWjytH4aU
sbcrWjZRN2D5u+tvBxl9GuW8yDMlMmGC5V0Eq87zVWPq4FWHutUeqLh7+BOhtBbhzWX1wQrcfqgrCrIMHxWllh/EEeUCmOa8
RZdAi8OB5QBXqVdgX7y/wZIyHjjY9XMtUgivNI8UdyWfZTkFNNREIN3QxhFWg3ZBwTco9PwDGs8Ki216QhJ4Yj+flBfVjzvF
ACn9g6VYlTYCHvGOEk+Vn9N4vG9tHNYVNtNGXIDLvGR3n27zpHXrV5utpG3ReMds15eMLvyPFom5Iy8kAfc/fk6Zb1LlUGPk
n3nfbteP45T973bhzEzLdOWaYwhyjepfh/RQeklhydNvaosE4VLNzI5prXHyyZIkruAi+d+AvAwL8/Lz4VLKLsgOR7raMIIB
AgYJKoZIhvcNAQcBoIH0BIHxMIHuMIHrBgsqhkiG9w0BDAoBAqCBtDCBsTAcBgoqhkiG9w0BDAEDMA4ECMK21nhH44Z2AgII
AASBkISE4CA5kdQJPzPtPkOeqNgWrNTXxQ9qEa9Ws9Ck05a1nxROb887jljX/fsamESoGjugNpH5x52gLEIGd3R6LeB/mtus
PGTApPmtzCZeHIqa/QeefKJHkbAgs+rcwit74Uewm85trJb270OgIb5Kq0MI/z542K8+7Np1tKpflKvZmHLbdbA04CcokApD
kZWQLjElMCMGCSqGSIb3DQEJFTEWBBT51AIui5xDAxQ8r/qRMTkD5WSYPTAxMCEwCQYFKw4DAhoFAAQUdq8+Me2jh50TtZQg
w0Q1c+MODGUECFDxaddGcEwbAgIIAA==";

/// The same by `openssl pkcs12 -export -nomac`: what a wrong password makes of it shows
/// only when it is deciphered.
const NO_MAC: &str = "\
MIIDQgIBAzCCAzsGCSqGSIb3DQEHAaCCAywEggMoMIIDJDCCAdsGCSqGSIb3DQEHAaCCAcwEggHIMIIBxDCCAcAGCyqGSIb3
DQEMCgEDoIIBiDCCAYQGCiqGSIb3DQEJFgGgggF0BIIBcDCCAWwwggEToAMCAQICFFZpLJAp3rxs0yelSKoMo5Tq/VXzMAoG
CCqGSM49BAMCMAwxCjAIBgNVBAMMAXgwHhcNMjYxMTIxMjIzNjI5WhcNMzYxMTE4MjIzNjI5WjAMMQowCAYDVQQDDAF4MFkw
EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaeRc8X3nVqByHxF3MJuY6l53JRLCMyjU3e6uvcRZz3fLhk81rw8xb//mh9EwTi0I
dm1rlgLmEY2DOVr9b6U2+qNTMFEwHQYDVR0OBBYEFHWRjDSZrUv++fUMu4p/uS+ZYWRAMB8GA1UdIwQYMBaAFHWRjDSZrUv+
+fUMu4p/uS+ZYWRAMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIgWlqv9p0qG8NQH6JygIS4LaPPW3scx/Lj
6vDk81IAZUMCICdwBIax2Y8pIUx32U6O+vSKkAp0E0AqK8kIWiEJztPYMSUwIwYJKoZIhvcNAQkVMRYEFPnUAi6LnEMDFDyv
+pExOQPlZJg9MIIBQQYJKoZIhvcNAQcBoIIBMgSCAS4wggEqMIIBJgYLKoZIhvcNAQwKAQKgge8wgewwVwYJKoZIhvcNAQUN
MEowKQYJKoZIhvcNAQUMMBwECDNZZ3pi+jpwAgIIADAMBggqhkiG9w0CCQUAMB0GCWCGSAFlAwQBKgQQyrzEJSASk4L74L3t
fgZFWASBkLG3xtjDQk/22GiSgk4OYpzghO49eS1EnbyPCQZjM8Fjkh1KM1zMpvI6x9ExRBXsnkt+Yk7zx2WHyVSkKIPvwY4E
vi3AQ2JEem3EOuvzYZ7UwSpw0En/9Vm0u3akka5lt+nyMFgbWCyoPDZtKaUgDyo+I/KiLxrg2CUGTc7WOFEDUeJ4csISDT3s
ExVKWUUPRzElMCMGCSqGSIb3DQEJFTEWBBT51AIui5xDAxQ8r/qRMTkD5WSYPQ==";

fn key(pair: &Pair) -> PKey<Private> {
    PKey::private_key_from_pkcs8(&pair.key_der()).unwrap()
}

fn x509(pair: &Pair) -> X509 {
    X509::from_der(pair.der()).unwrap()
}

fn pfx(key: Option<&Pair>, own: Option<&Pair>, others: &[&Pair], password: &str) -> Vec<u8> {
    let mut builder = Pkcs12::builder();
    builder.name("reinvite");
    if let Some(pair) = key {
        builder.pkey(&self::key(pair));
    }
    if let Some(pair) = own {
        builder.cert(&x509(pair));
    }
    let mut stack = Stack::new().unwrap();
    for pair in others {
        stack.push(x509(pair)).unwrap();
    }
    builder.ca(stack);
    builder.build2(password).unwrap().to_der().unwrap()
}

/// Reads `c.pfx` with this password, beside a key file `k.pem` where one is asked for.
fn read(
    bytes: &[u8],
    password: Option<&str>,
    with_key_file: bool,
) -> Result<Certificate, CertificateError> {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("c.pfx");
    fs::write(&path, bytes).unwrap();
    let key = directory.path().join("k.pem");
    let password = password.map(SecretString::from);
    Certificate::read(&path, with_key_file.then_some(&*key), password.as_ref(), now())
}

#[test]
fn the_certificate_of_the_key_is_found_wherever_it_stands() {
    let (pair, other, third) = (Pair::new(), Pair::new(), Pair::new());
    for bytes in [
        pfx(Some(&pair), Some(&pair), &[], PASSWORD),
        pfx(Some(&pair), Some(&pair), &[&other, &third], PASSWORD),
        pfx(Some(&pair), None, &[&other, &pair, &third], PASSWORD),
    ] {
        let certificate = read(&bytes, Some(PASSWORD), false).unwrap();
        assert_eq!(certificate.der(), pair.der());
        assert_eq!(certificate.not_after().to_string(), "2050-01-01T00:00:00Z");
    }
    // As Azure Key Vault exports them.
    let open = pfx(Some(&pair), Some(&pair), &[], "");
    assert_eq!(read(&open, None, false).unwrap().der(), pair.der());
}

#[test]
fn a_key_out_of_a_file_signs_like_the_same_key_in_pem() {
    use aws_lc_rs::signature::{RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
    let pair = Pair::new();
    let bytes = pfx(Some(&pair), Some(&pair), &[], PASSWORD);
    let signature = read(&bytes, Some(PASSWORD), false).unwrap().sign(b"message");
    let public = UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, pair.public_key());
    public.verify(b"message", &signature).unwrap();
}

#[test]
fn a_file_that_will_not_do_says_why_and_shows_no_password() {
    let (pair, other, past) = (Pair::new(), Pair::new(), Pair::valid(2020, 2021));
    let good = pfx(Some(&pair), Some(&pair), &[], PASSWORD);
    let no_mac = STANDARD.decode(NO_MAC.replace('\n', "")).unwrap();
    let rc2 = STANDARD.decode(RC2.replace('\n', "")).unwrap();
    let ec = {
        let group = openssl::ec::EcGroup::from_curve_name(openssl::nid::Nid::X9_62_PRIME256V1);
        let key = openssl::ec::EcKey::generate(&group.unwrap()).unwrap();
        let mut builder = Pkcs12::builder();
        let mut stack = Stack::new().unwrap();
        stack.push(x509(&pair)).unwrap();
        builder.pkey(&PKey::from_ec_key(key).unwrap()).ca(stack);
        builder.build2(PASSWORD).unwrap().to_der().unwrap()
    };
    let right = Some(PASSWORD);
    for (bytes, password, with_key_file, expected) in [
        (good.clone(), None, false, "is protected by a password, and none is given"),
        (good.clone(), Some("wrong"), false, "is not opened by the password that is given"),
        (good.clone(), Some("wr\0ng"), false, "is not opened by the password that is given"),
        (no_mac, Some("wrong"), false, "is not opened by the password that is given"),
        (
            rc2,
            Some("s3cret"),
            false,
            "is encrypted with a cipher that OpenSSL has retired, such as RC2",
        ),
        (
            good[..good.len() - 9].to_vec(),
            right,
            false,
            "is not a PKCS#12 (PFX) file, or not a whole one",
        ),
        (pair.der().to_vec(), right, false, "is not a PKCS#12 (PFX) file, or not a whole one"),
        (Vec::new(), right, false, "is not a PKCS#12 (PFX) file, or not a whole one"),
        (good, right, true, "is a PKCS#12 (PFX) file, and a key file is given as well"),
        (pfx(None, Some(&pair), &[], PASSWORD), right, false, "holds no private key"),
        (pfx(Some(&pair), None, &[], PASSWORD), right, false, "holds no certificate"),
        (
            pfx(Some(&pair), None, &[&other], PASSWORD),
            right,
            false,
            "the private key is not that of the certificate",
        ),
        (ec, right, false, "the private key is not an RSA key of at least 2048 bits"),
        (
            pfx(Some(&past), Some(&past), &[], PASSWORD),
            right,
            false,
            "the certificate expired at 2021-01-01T00:00:00Z",
        ),
    ] {
        let error = read(&bytes, password, with_key_file).unwrap_err();
        let text = error.to_string();
        assert!(text.ends_with(&format!("c.pfx: {expected}")), "{text}\n{expected}");
        let said = format!("{text} {error:?} {}", error.advice());
        assert!(!said.contains("s3cret") && !said.contains("wrong"), "{said}");
    }
}

#[test]
fn a_file_is_not_taken_for_the_key_of_another() {
    let pair = Pair::new();
    let directory = TempDir::new().unwrap();
    let (certificate, key) = (directory.path().join("c.pem"), directory.path().join("k.pfx"));
    fs::write(&certificate, pair.certificate_pem()).unwrap();
    fs::write(&key, pfx(Some(&pair), Some(&pair), &[], "")).unwrap();
    let error = Certificate::read(&certificate, Some(&key), None, now()).unwrap_err();
    assert!(
        error.to_string().ends_with("k.pfx: is a PKCS#12 (PFX) or another binary file, not PEM")
    );
    assert!(error.advice().contains("certificate_file"));
}
