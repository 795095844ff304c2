//! Every way to sign in, from the configuration to the tenant, and what is said when
//! it does not work.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{CertificateParams, PKCS_RSA_SHA256};
use reinvite::domain::Caller;
#[cfg(unix)]
use reinvite::emulator::SAMPLE_CLIENT_SECRET;
use reinvite::emulator::{FederatedIdentity, SAMPLE_CLIENT_ID};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;

use crate::secrets::nowhere;
use crate::support::{Campaign, Output, RUNTIME, snapshot};

/// A campaign that signs in by these lines of `[auth]`.
pub(crate) fn by(auth: &str) -> Campaign {
    let campaign = Campaign::new();
    rewrite(&campaign, auth);
    campaign
}

fn rewrite(campaign: &Campaign, auth: &str) {
    campaign.configure(&campaign.origin(), "");
    let configuration = campaign.read("reinvite.toml");
    let (before, rest) = configuration.split_once("[auth]\n").unwrap();
    let (_, after) = rest.split_once("[pace]").unwrap();
    campaign.write("reinvite.toml", &format!("{before}[auth]\n{auth}\n[pace]{after}"));
}

pub(crate) fn with_id(auth: &str) -> String {
    format!("client_id = \"{SAMPLE_CLIENT_ID}\"\n{auth}")
}

/// Runs with variables that a platform sets.
pub(crate) fn run_in(campaign: &Campaign, arguments: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = campaign.command(arguments);
    command.envs(variables.iter().copied());
    campaign.complete(command)
}

/// An endpoint on loopback that answers 200 with what `answer` makes of a request.
pub(crate) fn serve(answer: impl Fn(&Request) -> String + Send + Sync + 'static) -> String {
    let answer = Arc::new(answer);
    let router = Router::new().fallback(move |request: Request| {
        let answer = Arc::clone(&answer);
        async move { answer(&request) }
    });
    let listener = RUNTIME.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    RUNTIME.spawn(async move { axum::serve(listener, router).await });
    origin
}

/// A certificate valid in these years, with its key.
fn certificate(campaign: &Campaign, from: i32, to: i32) -> String {
    let key = rcgen::KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.not_before = rcgen::date_time_ymd(from, 1, 1);
    params.not_after = rcgen::date_time_ymd(to, 1, 1);
    let certificate = params.self_signed(&key).unwrap();
    campaign.write("certificate.pem", &format!("{}{}", certificate.pem(), key.serialize_pem()));
    campaign.restrict("certificate.pem");
    URL_SAFE_NO_PAD.encode(Sha256::digest(certificate.der()))
}

fn by_certificate() -> Campaign {
    by(&with_id("method = \"client-certificate\"\ncertificate_file = \"certificate.pem\"\n"))
}

#[test]
fn a_registered_certificate_signs_in_and_its_key_is_nowhere() {
    let campaign = by_certificate();
    let thumbprint = certificate(&campaign, 2020, 2050);
    campaign.tenant.edit_application(SAMPLE_CLIENT_ID, |app| {
        app.client_secret = "none".to_owned();
        app.certificate_thumbprints.push(thumbprint);
    });
    let output = campaign.run("apply three.csv --yes -vvv").exits(0);
    assert_eq!(campaign.invitations(), 3);
    let pem = campaign.read("certificate.pem");
    let key_line = pem.lines().rev().nth(1).unwrap();
    nowhere(&campaign, &output, &["certificate.pem"], &[key_line, "client_assertion"]);
}

#[test]
fn a_certificate_that_is_not_registered_is_told_in_the_words_of_entra() {
    let campaign = by_certificate();
    certificate(&campaign, 2020, 2050);
    snapshot!(campaign.run("plan three.csv"), @"
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    error: sign-in was refused: AADSTS700027: The certificate with identifier used to sign the client assertion is not registered on application. Trace ID: [ID] Correlation ID: [ID] Timestamp: [TIME]
      hint: upload the certificate of the file `certificate.pem`, without its key, to the app registration (Certificates & secrets), or a new one if Entra says that it has expired
    ------- exit 6 -------
    ");
}

#[test]
fn a_certificate_that_cannot_work_is_refused_before_anything_is_sent() {
    let campaign = by_certificate();
    certificate(&campaign, 2020, 2021);
    snapshot!(campaign.run("plan three.csv"), @"
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    error: certificate.pem:1: the certificate expired at [TIME]
      hint: make a new certificate and upload its public part to the app registration, or set this machine's clock
    ------- exit 2 -------
    ");
    certificate(&campaign, 2020, 2050);
    let pem = campaign.read("certificate.pem");
    campaign.write("certificate.pem", &pem.replacen("\nMII", "\nM(I", 1));
    snapshot!(campaign.run("plan three.csv"), @"
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    error: certificate.pem:2: this is not Base64
      hint: copy the file again, with whole lines from `-----BEGIN` to `-----END`
    ------- exit 2 -------
    ");
    campaign.write("certificate.pem", &pem.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"));
    snapshot!(campaign.run("plan three.csv"), @"
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    error: certificate.pem:19: the private key is protected by a password
      hint: write it without one (`openssl pkey -in FILE -out key.pem`), and let only yourself read the result (`chmod 600`)
    ------- exit 2 -------
    ");
    assert!(campaign.tenant.ledger().requests.is_empty());
}

#[test]
fn a_password_of_a_certificate_is_for_pfx_alone() {
    let campaign = by_certificate();
    certificate(&campaign, 2020, 2050);
    let password = [("REINVITE_AUTH_CERTIFICATE_PASSWORD_ENV", "PASSWORD"), ("PASSWORD", "s3cret")];
    snapshot!(run_in(&campaign, "plan three.csv", &password), @"
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    error: certificate.pem: is PEM, and a password is given, which is for PKCS#12 (PFX) files
      hint: leave [auth] certificate_password_file, _env and _command out; a key in PEM must have no password (`openssl pkey -in FILE -out key.pem` takes it off)
    ------- exit 2 -------
    ");
    assert!(campaign.tenant.ledger().requests.is_empty());
}

#[cfg(not(feature = "pfx"))]
#[test]
fn a_pfx_file_is_refused_with_two_ways_on() {
    let campaign =
        by(&with_id("method = \"client-certificate\"\ncertificate_file = \"certificate.pfx\"\n"));
    campaign.write("certificate.pfx", "0");
    campaign.restrict("certificate.pfx");
    snapshot!(campaign.run("plan three.csv"), @"
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    error: certificate.pfx: is a PKCS#12 (PFX) or another binary file, not PEM
      hint: convert it with `openssl pkcs12 -in FILE -noenc -out certificate.pem`, and let only yourself read the result (`chmod 600`); or install a reinvite that reads it (`cargo install --path . --locked --features pfx`)
    ------- exit 2 -------
    ");
    assert!(campaign.tenant.ledger().requests.is_empty());
}

/// What another identity provider says of us.
fn vouched(audience: &str) -> String {
    let claims = serde_json::json!({
        "iss": "https://issuer.example", "sub": "campaign", "aud": audience,
        "exp": 99_999_999_999_u64,
    });
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.{}", part(r#"{"alg":"RS256"}"#), part(&claims.to_string()), part("s3cret"))
}

fn trusted(campaign: &Campaign) {
    let issuer = "https://issuer.example".to_owned();
    let trusted = FederatedIdentity { issuer, subject: "campaign".to_owned() };
    campaign
        .tenant
        .edit_application(SAMPLE_CLIENT_ID, |app| app.federated_identities.push(trusted));
}

const AUDIENCE: &str = "api://AzureADTokenExchange";

#[test]
fn a_federated_token_from_a_file_signs_in() {
    let campaign = by("method = \"workload-identity\"\n");
    campaign.write("token", &vouched(AUDIENCE));
    let pod = [("AZURE_CLIENT_ID", SAMPLE_CLIENT_ID), ("AZURE_FEDERATED_TOKEN_FILE", "token")];
    snapshot!(run_in(&campaign, "plan three.csv", &pod), @"
    ------- stderr -------
    signing in by workload identity, with the token in token
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    error: sign-in was refused: AADSTS700211: No matching federated identity record found for presented assertion issuer 'https://issuer.example'. Check your federated identity credential Subject, Audience and Issuer against the presented assertion. Trace ID: [ID] Correlation ID: [ID] Timestamp: [TIME]
      hint: give the app registration (Certificates & secrets) a federated credential with exactly this issuer, subject and audience
    ------- exit 6 -------
    ");
    trusted(&campaign);
    let output = run_in(&campaign, "apply three.csv --yes -vvv", &pod).exits(0);
    assert!(output.stderr.contains("signing in by workload identity, with the token in token\n"));
    nowhere(&campaign, &output, &["token"], &[&vouched(AUDIENCE)]);
    assert_eq!(campaign.invitations(), 3);
    std::fs::remove_file(campaign.path("token")).unwrap();
    snapshot!(run_in(&campaign, "plan three.csv", &pod), @"
    ------- stderr -------
    signing in by workload identity, with the token in token
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    error: the federated token's file `token` can't be read: No such file or directory (os error [CODE])
      hint: check [auth] federated_token_file (or AZURE_FEDERATED_TOKEN_FILE), and that whoever runs reinvite keeps the file fresh
    ------- exit 6 -------
    ");
}

#[test]
fn a_github_job_signs_in_with_its_identity_token() {
    let campaign = by(&with_id("method = \"workload-identity\"\n"));
    trusted(&campaign);
    let github = serve(|request| {
        assert_eq!(request.headers()["authorization"], "Bearer job-s3cret");
        let query = request.uri().query().unwrap();
        let audience = url::form_urlencoded::parse(query.as_bytes());
        let audience = audience.into_iter().find(|(name, _)| name == "audience").unwrap().1;
        format!(r#"{{"value":"{}"}}"#, vouched(&audience))
    });
    let url = format!("{github}/idtoken?api-version=2.0");
    let job =
        [("ACTIONS_ID_TOKEN_REQUEST_URL", &*url), ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "job-s3cret")];
    let output = run_in(&campaign, "apply three.csv --yes -vvv", &job).exits(0);
    assert!(output.stderr.contains("with the token of this GitHub Actions job\n"), "{output}");
    nowhere(&campaign, &output, &[], &["job-s3cret", &vouched(AUDIENCE)]);
    assert_eq!(campaign.invitations(), 3);
}

#[test]
fn an_app_of_azure_signs_in_with_its_identity() {
    let campaign = by(&with_id("method = \"managed-identity\"\n"));
    let token = campaign.tenant.token(SAMPLE_CLIENT_ID, Caller::AppOnly).unwrap();
    let issued = token.clone();
    let host = serve(move |request| {
        assert_eq!(request.headers()["x-identity-header"], "app-s3cret");
        assert!(request.uri().query().unwrap().contains(SAMPLE_CLIENT_ID));
        format!(r#"{{"access_token":"{issued}","expires_on":"99999999999"}}"#)
    });
    let endpoint = format!("{host}/msi/token");
    let app = [("IDENTITY_ENDPOINT", &*endpoint), ("IDENTITY_HEADER", "app-s3cret")];
    let output = run_in(&campaign, "apply three.csv --yes -vvv", &app).exits(0);
    nowhere(&campaign, &output, &[], &["app-s3cret", &token]);
    assert_eq!(campaign.invitations(), 3);
}

#[test]
fn a_device_code_is_refused_where_nobody_could_answer() {
    let campaign = by(&with_id("method = \"device-code\"\n"));
    snapshot!(campaign.run("apply three.csv --yes"), @"
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    error: `device-code` needs a person, and stdin is no terminal
      hint: run it in a terminal, or choose another [auth] method for unattended runs
    ------- exit 6 -------
    ");
    assert!(campaign.tenant.ledger().requests.is_empty());
}

#[test]
fn a_person_may_change_guests_that_hold_a_role() {
    let campaign = by("method = \"access-token\"\naccess_token_env = \"TOKEN\"\n");
    let reasons = |caller| {
        let token = campaign.tenant.token(SAMPLE_CLIENT_ID, caller).unwrap();
        let output = run_in(&campaign, "plan guests.csv --output json", &[("TOKEN", &token)]);
        output.json()["summary"]["reasons"].clone()
    };
    assert_eq!(reasons(Caller::AppOnly)["holds-role"], 1);
    assert_eq!(reasons(Caller::Delegated).get("holds-role"), None);
}

#[cfg(unix)]
fn program(campaign: &Campaign, name: &str, script: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    campaign.write(name, &format!("#!/bin/sh\n{script}\n"));
    let executable = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(campaign.path(name), executable).unwrap();
}

#[test]
fn a_missing_azure_cli_is_said() {
    let campaign = by("method = \"azure-cli\"\n");
    // Without a PATH the system's own directories are searched.
    let path = [("PATH", campaign.directory().to_str().unwrap())];
    snapshot!(run_in(&campaign, "plan three.csv", &path), @"
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    error: the Azure CLI is not installed, or `az` is not on the PATH
      hint: install the Azure CLI, or choose another [auth] method
    ------- exit 6 -------
    ");
}

#[cfg(unix)]
#[test]
fn the_azure_cli_signs_in_or_says_what_to_do() {
    let campaign = by("method = \"azure-cli\"\n");
    let path = campaign.directory().to_str().unwrap().to_owned();
    let path = [("PATH", &*path)];
    program(
        &campaign,
        "az",
        "echo \"ERROR: Please run 'az login' to setup account.\" >&2\necho s3cret\nexit 1",
    );
    snapshot!(run_in(&campaign, "plan three.csv", &path), @"
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    error: `az` failed with exit status: 1: ERROR: Please run 'az login' to setup account.
      hint: sign in with `az login --tenant contoso.example`, in the cloud of [tenant] cloud (`az cloud set`)
    ------- exit 6 -------
    ");
    let token = campaign.tenant.token(SAMPLE_CLIENT_ID, Caller::AppOnly).unwrap();
    let printed = format!(r#"{{"accessToken":"{token}","expires_on":99999999999}}"#);
    program(&campaign, "az", &format!("echo \"$*\" >>asked\necho '{printed}'"));
    let output = run_in(&campaign, "apply three.csv --yes -vvv", &path).exits(0);
    nowhere(&campaign, &output, &["az"], &[&token]);
    assert_eq!(campaign.invitations(), 3);
    let asked = format!(
        "account get-access-token --output json --resource {} --tenant contoso.example\n",
        campaign.origin()
    );
    assert_eq!(campaign.read("asked"), asked);
}

#[cfg(unix)]
#[test]
fn a_secret_may_come_from_a_program() {
    let campaign =
        by(&with_id("client_secret_command = [\"./vault\", \"get\", \"s3cret-name\"]\n"));
    program(
        &campaign,
        "vault",
        &format!("test \"$1 $#\" = \"get 2\" && echo {SAMPLE_CLIENT_SECRET}"),
    );
    let output = campaign.run("apply three.csv --yes -vvv").exits(0);
    nowhere(&campaign, &output, &["vault", "client-secret.txt"], &[SAMPLE_CLIENT_SECRET]);
    program(
        &campaign,
        "vault",
        &format!("echo {SAMPLE_CLIENT_SECRET}\necho the vault is locked >&2\nexit 7"),
    );
    snapshot!(campaign.run("plan three.csv"), @"
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    error: cannot get the secret from its program
      caused by: `./vault` failed with exit status: 7: the vault is locked
      hint: run the command under [auth] by hand; it must print the secret alone
    ------- exit 2 -------
    ");
    std::fs::remove_file(campaign.path("vault")).unwrap();
    snapshot!(campaign.run("plan three.csv"), @"
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    error: cannot get the secret from its program
      caused by: there is no program `./vault`
      hint: run the command under [auth] by hand; it must print the secret alone
    ------- exit 2 -------
    ");
}

#[cfg(unix)]
#[test]
fn a_program_that_gives_tokens_is_asked_again_when_one_is_refused() {
    let campaign = by("method = \"access-token\"\naccess_token_command = [\"./broker\"]\n");
    let token = campaign.tenant.token(SAMPLE_CLIENT_ID, Caller::AppOnly).unwrap();
    program(
        &campaign,
        "broker",
        &format!("if test -e asked; then echo {token}; else echo x; fi\n: >asked"),
    );
    let output = campaign.run("apply three.csv --yes -vvv").exits(0);
    nowhere(&campaign, &output, &["broker"], &[&token]);
    assert_eq!(campaign.invitations(), 3);
}

#[test]
fn a_given_token_that_ends_in_the_middle_ends_the_run() {
    let campaign = by("method = \"access-token\"\naccess_token_env = \"TOKEN\"\n");
    let token = campaign.tenant.token(SAMPLE_CLIENT_ID, Caller::AppOnly).unwrap();
    let tenant = campaign.tenant.clone();
    campaign.tenant.on_write(1, move |_| tenant.revoke_tokens());
    let output = run_in(&campaign, "apply three.csv --yes --output json", &[("TOKEN", &token)]);
    let output = output.exits(6);
    assert_eq!(output.json()["summary"]["stop_reason"], "permission");
    nowhere(&campaign, &output, &[], &[&token]);
}

#[test]
fn a_key_of_another_method_is_named_with_its_place() {
    let campaign = by(&with_id("method = \"managed-identity\"\ncertificate_file = \"c.pem\"\n"));
    snapshot!(campaign.run("plan three.csv"), @r#"
    ------- stderr -------
    error: reinvite.toml:9:20: [auth] certificate_file: is for `client-certificate`, and the method is `managed-identity`
    9 | certificate_file = "c.pem"
      |                    ^^^^^^^
      hint: leave `certificate_file` out, or choose another `method`
    ------- exit 2 -------
    "#);
}

/// Each refusal of Entra with what is to be mended, and where the secret is from.
#[test]
fn a_refused_sign_in_says_what_is_to_be_mended_and_where() {
    for (from, to, part) in [
        ("id = \"contoso.example\"", "id = \"other.example\"", "check [tenant] id"),
        (SAMPLE_CLIENT_ID, "22222222-2222-2222-2222-222222222222", "check [auth] client_id"),
    ] {
        let campaign = Campaign::new();
        campaign.write("reinvite.toml", &campaign.read("reinvite.toml").replace(from, to));
        let output = campaign.run("plan three.csv").exits(6);
        assert!(output.stderr.contains(part), "{output}");
    }
    let campaign = Campaign::new();
    campaign.write("client-secret.txt", "wrong");
    campaign.restrict("client-secret.txt");
    let output = campaign.run("plan three.csv").exits(6);
    let place = "not its id, into the file `client-secret.txt`";
    assert!(output.stderr.contains(place), "{output}");
}
