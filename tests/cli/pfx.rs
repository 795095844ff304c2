//! Signing in with a certificate from a PKCS#12 file, which the cargo feature `pfx`
//! permits.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::PKey;
use openssl::x509::X509;
use rcgen::{CertificateParams, PKCS_RSA_SHA256};
use reinvite::emulator::SAMPLE_CLIENT_ID;
use sha2::{Digest as _, Sha256};

use crate::secrets::nowhere;
use crate::sign_in::{by, run_in, with_id};
use crate::support::{Campaign, snapshot};

const PASSWORD: &str = "pfx-s3cret";

/// A campaign that signs in with `certificate.pfx`, which the tenant knows, and these
/// lines of `[auth]`.
fn by_pfx(more: &str) -> Campaign {
    let campaign = by(&with_id(&format!(
        "method = \"client-certificate\"\ncertificate_file = \"certificate.pfx\"\n{more}"
    )));
    let key = rcgen::KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    let certificate = CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap();
    let file = Pkcs12::builder()
        .name("reinvite")
        .pkey(&PKey::private_key_from_pkcs8(&key.serialize_der()).unwrap())
        .cert(&X509::from_der(certificate.der()).unwrap())
        .build2(PASSWORD)
        .unwrap();
    std::fs::write(campaign.path("certificate.pfx"), file.to_der().unwrap()).unwrap();
    campaign.restrict("certificate.pfx");
    let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(certificate.der()));
    campaign.tenant.edit_application(SAMPLE_CLIENT_ID, |app| {
        app.certificate_thumbprints.push(thumbprint);
    });
    campaign
}

#[test]
fn a_pfx_file_signs_in_and_its_password_is_nowhere() {
    let campaign = by_pfx("certificate_password_file = \"password.txt\"\n");
    campaign.write("password.txt", &format!("{PASSWORD}\r\n"));
    campaign.restrict("password.txt");
    let output = campaign.run("apply three.csv --yes -vvv").exits(0);
    assert_eq!(campaign.invitations(), 3);
    let own = ["certificate.pfx", "password.txt"];
    nowhere(&campaign, &output, &own, &[PASSWORD, "client_assertion"]);
}

#[test]
fn a_pfx_file_and_its_password_must_fit() {
    let campaign = by_pfx("");
    snapshot!(campaign.run("plan three.csv"), @"
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    error: certificate.pfx: is protected by a password, and none is given
      hint: say where it is: [auth] certificate_password_file, certificate_password_env or certificate_password_command
    ------- exit 2 -------
    ");
    let wrong = [("REINVITE_AUTH_CERTIFICATE_PASSWORD_ENV", "PASSWORD"), ("PASSWORD", "s3cret")];
    snapshot!(run_in(&campaign, "plan three.csv", &wrong), @"
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    error: certificate.pfx: is not opened by the password that is given
      hint: check what [auth] certificate_password_file, _env or _command gives: the password of this very export, alone on its line
    ------- exit 2 -------
    ");
    let unset = [("REINVITE_AUTH_CERTIFICATE_PASSWORD_ENV", "PASSWORD")];
    snapshot!(run_in(&campaign, "plan three.csv", &unset), @"
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    error: the environment variable PASSWORD is not set; the configuration says it holds the secret
      hint: set the variable where reinvite is started, or name another one
    ------- exit 2 -------
    ");
    assert!(campaign.tenant.ledger().requests.is_empty());
    let right = [("REINVITE_AUTH_CERTIFICATE_PASSWORD_ENV", "PASSWORD"), ("PASSWORD", PASSWORD)];
    run_in(&campaign, "plan three.csv", &right).exits(0);
}

#[cfg(unix)]
#[test]
fn a_password_open_to_others_is_warned_about() {
    use std::os::unix::fs::PermissionsExt as _;
    let campaign = by_pfx("certificate_password_file = \"password.txt\"\n");
    campaign.write("password.txt", PASSWORD);
    let open = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(campaign.path("password.txt"), open).unwrap();
    let output = campaign.run("plan three.csv").exits(0);
    let warning = "other accounts can read the secret in `password.txt`";
    assert!(output.stderr.contains(warning), "{output}");
}
