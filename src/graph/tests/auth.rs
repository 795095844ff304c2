//! Every way to sign in, against the emulator's token endpoint or the documented
//! answers of others.

use std::collections::HashMap;

use http::StatusCode;
use secrecy::ExposeSecret as _;
use tokio::time::Instant;
use url::form_urlencoded;

use super::*;
use crate::domain::UserId;
use crate::emulator::{Action, Canned, DeviceSignIn, Fault, FederatedIdentity, Matcher};
use crate::graph::{
    AuthError, CallError, DeviceCode, DevicePrompt, Federation, IdentityHost, ManagedIdentity,
    Token, WorkloadIdentity,
};

const SCOPE: &str = "https://graph.microsoft.com/.default";
const RESOURCE: &str = "https://graph.microsoft.com";

/// What was asked: URL, headers, and the form of a POST.
#[derive(Clone)]
struct Asked {
    url: Url,
    headers: http::HeaderMap,
    form: HashMap<String, String>,
}

type Log = Arc<Mutex<Vec<Asked>>>;

/// Notes every request that has such a path, and lets a script answer it.
fn watching(path: &'static str, script: Script) -> (Log, Script) {
    let log = Log::default();
    let noted = Arc::clone(&log);
    let script: Script = Box::new(move |request| {
        if request.uri().path().ends_with(path) {
            noted.lock().unwrap().push(Asked {
                url: request.uri().to_string().parse().unwrap(),
                headers: request.headers().clone(),
                form: form_urlencoded::parse(request.body()).into_owned().collect(),
            });
        }
        script(request)
    });
    (log, script)
}

fn nothing() -> Script {
    Box::new(|_| None)
}

fn transport(emulator: &Emulator, script: Script) -> InProcess {
    InProcess { router: emulator.router(), script, sent: Mutex::default() }
}

fn tenant(options: Options) -> Emulator {
    Emulator::new(TenantSeed::with_guests(1), options)
}

fn someone() -> UserId {
    UserId::parse(&TenantSeed::guest_id(1)).unwrap()
}

/// A document of another identity provider that says what it must; nobody checks its
/// signature here.
fn vouched(subject: &str) -> String {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let claims = format!(
        r#"{{"iss":"https://issuer.example","sub":"{subject}","aud":"api://AzureADTokenExchange","exp":99999999999}}"#
    );
    let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
    format!("{}.{}.c2ln", part(r#"{"alg":"RS256"}"#), part(&claims))
}

fn trusting(emulator: &Emulator, subject: &str) {
    let trusted =
        FederatedIdentity { issuer: "https://issuer.example".into(), subject: subject.into() };
    emulator.edit_application(SAMPLE_CLIENT_ID, |app| app.federated_identities.push(trusted));
}

fn workload(emulator: &Emulator, federation: Federation) -> WorkloadIdentity {
    WorkloadIdentity {
        endpoint: endpoint(emulator),
        client_id: SAMPLE_CLIENT_ID.to_owned(),
        scope: SCOPE.to_owned(),
        federation,
    }
}

#[tokio::test(start_paused = true)]
async fn a_federated_token_is_read_anew_each_time() {
    let emulator = tenant(Options::default());
    trusting(&emulator, "pod");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("token");
    let source = workload(&emulator, Federation::TokenFile(file.clone()));
    let transport = transport(&emulator, nothing());

    let error = source.fetch(&transport, None).await.unwrap_err();
    assert!(error.to_string().contains("can't be read"), "{error}");
    std::fs::write(&file, "two words").unwrap();
    let error = source.fetch(&transport, None).await.unwrap_err();
    assert!(error.to_string().contains("does not hold a token"), "{error}");
    std::fs::write(&file, format!("{}\n", vouched("another"))).unwrap();
    let error = source.fetch(&transport, None).await.unwrap_err();
    assert!(error.to_string().contains("AADSTS700213"), "{error}");
    assert!(error.advice().contains("credential with exactly this issuer"), "{}", error.advice());
    std::fs::write(&file, format!("\u{feff}{}\r\n", vouched("pod"))).unwrap();
    source.fetch(&transport, None).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_github_job_asks_for_an_identity_token_for_the_clouds_audience() {
    let emulator = tenant(Options::default());
    trusting(&emulator, "repo:contoso");
    let body = format!(r#"{{"count":1,"value":"{}"}}"#, vouched("repo:contoso"));
    let said = vec![Ok(answer(503, "")), Ok(answer(200, &body)), Ok(answer(403, "no"))];
    let (log, script) = watching("/idtoken", says(Method::GET, "/idtoken", said));
    let transport = transport(&emulator, script);
    let federation = Federation::GitHub {
        url: "https://github.example/idtoken?api-version=2.0".parse().unwrap(),
        bearer: "Bearer s3cret".parse().unwrap(),
        audience: "api://AzureADTokenExchange".to_owned(),
    };
    let source = workload(&emulator, federation);
    source.fetch(&transport, None).await.unwrap();
    let asked = log.lock().unwrap()[1].clone();
    assert_eq!(
        asked.url.query(),
        Some("api-version=2.0&audience=api%3A%2F%2FAzureADTokenExchange")
    );
    assert_eq!(asked.headers["authorization"], "Bearer s3cret");
    let error = source.fetch(&transport, None).await.unwrap_err();
    assert!(error.to_string().contains("github.example gave no identity token: status 403"));
    assert!(error.advice().contains("id-token: write"));
}

fn managed(client_id: Option<&str>, host: IdentityHost) -> ManagedIdentity {
    ManagedIdentity { host, client_id: client_id.map(str::to_owned), resource: RESOURCE.to_owned() }
}

fn life(token: &Token) -> Duration {
    token.expires_at.unwrap() - Instant::now()
}

#[tokio::test(start_paused = true)]
async fn a_virtual_machine_is_asked_as_documented() {
    const PATH: &str = "/metadata/identity/oauth2/token";
    let emulator = tenant(Options::default());
    // Entra, *How to use managed identities on a virtual machine to acquire an access
    // token*: sample response.
    let granted = r#"{"access_token":"eyJ0eXAi...","refresh_token":"","expires_in":"3599",
        "expires_on":"1506484173","not_before":"1506480273",
        "resource":"https://graph.microsoft.com/","token_type":"Bearer"}"#;
    let unknown = r#"{"error":"invalid_request","error_description":"Identity not found"}"#;
    let said = [410, 410, 404, 500].map(|status| Ok(answer(status, "")));
    let said = said.into_iter().chain([Ok(answer(200, granted)), Ok(answer(400, unknown))]);
    let (log, script) = watching(PATH, says(Method::GET, PATH, said.collect()));
    let transport = transport(&emulator, script);
    let started = Instant::now();
    let source = managed(Some("abc"), IdentityHost::Metadata);
    let token = source.fetch(&transport, None).await.unwrap();
    assert!(started.elapsed() >= seconds(3 + 6), "{:?}", started.elapsed());
    assert_eq!(token.secret.expose_secret(), "eyJ0eXAi...");
    assert_eq!(life(&token), seconds(3599));
    let asked = log.lock().unwrap()[0].clone();
    assert_eq!(
        asked.url.as_str(),
        "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01\
         &resource=https%3A%2F%2Fgraph.microsoft.com&client_id=abc"
    );
    assert_eq!(asked.headers["metadata"], "true");
    let error = source.fetch(&transport, None).await.unwrap_err();
    assert_eq!(error.to_string(), "169.254.169.254 gives no token: Identity not found");
    assert!(error.advice().contains("client id abc"));
}

#[tokio::test(start_paused = true)]
async fn an_update_of_the_metadata_service_is_outlasted() {
    let emulator = tenant(Options::default());
    let gone: Script = Box::new(|_| Some(Ok(answer(410, ""))));
    let transport = transport(&emulator, gone);
    let started = Instant::now();
    managed(None, IdentityHost::Metadata).fetch(&transport, None).await.unwrap_err();
    assert!(started.elapsed() >= seconds(70), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_machine_outside_of_azure_has_no_managed_identity() {
    let emulator = tenant(Options::default());
    let nobody: Script = Box::new(|_| {
        Some(Err(TransportError {
            was_up: false,
            reached: Reached::No,
            message: "no route".to_owned(),
        }))
    });
    let transport = transport(&emulator, nobody);
    let error = managed(None, IdentityHost::Metadata).fetch(&transport, None).await.unwrap_err();
    assert!(error.to_string().starts_with("this machine has no managed identity service"));
    assert!(error.advice().contains("on Azure only"));
}

#[tokio::test(start_paused = true)]
async fn an_app_service_is_asked_as_documented() {
    let emulator = tenant(Options::default());
    let end = jiff::Timestamp::now().as_second() + 7200;
    let granted = format!(
        r#"{{"access_token":"eyJ0eXAi…","expires_on":"{end}","resource":"https://graph.microsoft.com",
            "token_type":"Bearer","client_id":"5E29463D-71DA-4FE0-8E69-999B57DB23B0"}}"#
    );
    // What we sent as a secret is nobody's to print.
    let repeats = r#"{"error":"invalid_request","error_description":"not 853b9a84-2f61"}"#;
    let (log, script) = watching(
        "/msi/token",
        says(Method::GET, "/msi/token", vec![Ok(answer(200, &granted)), Ok(answer(400, repeats))]),
    );
    let transport = transport(&emulator, script);
    let host = IdentityHost::AppService {
        endpoint: "http://localhost:41741/msi/token".parse().unwrap(),
        header: "853b9a84-2f61".parse().unwrap(),
    };
    let source = managed(None, host);
    let token = source.fetch(&transport, None).await.unwrap();
    assert!((7198..=7200).contains(&life(&token).as_secs()));
    let asked = log.lock().unwrap()[0].clone();
    assert_eq!(
        asked.url.query(),
        Some("api-version=2019-08-01&resource=https%3A%2F%2Fgraph.microsoft.com")
    );
    assert_eq!(asked.headers["x-identity-header"], "853b9a84-2f61");
    let error = source.fetch(&transport, None).await.unwrap_err();
    assert_eq!(error.to_string(), "localhost gives no token: not [redacted]");
}

type Prompts = Arc<Mutex<Vec<DevicePrompt>>>;

fn device(emulator: &Emulator) -> (DeviceCode, Prompts) {
    let prompts = Prompts::default();
    let shown = Arc::clone(&prompts);
    let prompt = move |prompt| shown.lock().unwrap().push(prompt);
    let source = DeviceCode::new(endpoint(emulator), SAMPLE_CLIENT_ID.to_owned(), SCOPE, prompt);
    (source, prompts)
}

fn signing_in(script: DeviceSignIn) -> Options {
    Options { device_sign_in: script, ..Options::default() }
}

#[tokio::test(start_paused = true)]
async fn a_person_signs_in_once_and_the_run_goes_on_for_hours() {
    let emulator = tenant(Options::default());
    let (source, prompts) = device(&emulator);
    let (log, script) = watching("/token", nothing());
    let started = Instant::now();
    let rig = Rig::with_source(emulator, script, Box::new(source));
    let claims = rig.graph.sign_in().await.unwrap();
    // Two questions too early and one at the right time, five seconds apart.
    assert_eq!(started.elapsed(), seconds(15));
    assert_eq!(claims.caller(), Caller::Delegated);
    assert!(claims.permissions().contains(&"User.Invite.All"));
    for _ in 0..5 {
        tokio::time::advance(seconds(3600)).await;
        assert!(rig.graph.user(someone()).await.unwrap().is_some());
    }
    let prompts = prompts.lock().unwrap();
    assert_eq!(prompts.len(), 1, "{prompts:?}");
    assert_eq!(prompts[0].url, format!("{ROOT}/devicelogin"));
    assert_eq!(prompts[0].valid_for, seconds(900));
    let forms = log.lock().unwrap();
    let grants: Vec<_> = forms.iter().map(|asked| &*asked.form["grant_type"]).collect();
    assert_eq!(grants[..3], ["urn:ietf:params:oauth:grant-type:device_code"; 3]);
    assert!(grants.len() > 3 && grants[3..].iter().all(|grant| *grant == "refresh_token"));
    assert!(forms[3].form["scope"].ends_with("/.default offline_access"));
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_that_was_revoked_is_asked_for_again() {
    let emulator = tenant(Options::default());
    let (source, prompts) = device(&emulator);
    let transport = transport(&emulator, nothing());
    source.fetch(&transport, None).await.unwrap();
    source.fetch(&transport, None).await.unwrap();
    assert_eq!(prompts.lock().unwrap().len(), 1);
    emulator.sign_everybody_out();
    source.fetch(&transport, None).await.unwrap();
    assert_eq!(prompts.lock().unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_person_who_declines_or_never_comes_is_told() {
    for (script, expected, least, most) in [
        (DeviceSignIn { is_approved: false, ..DeviceSignIn::default() }, "was declined", 15, 15),
        (
            DeviceSignIn { after_polls: u32::MAX, ..DeviceSignIn::default() },
            "nobody signed in",
            900,
            905,
        ),
    ] {
        let emulator = tenant(signing_in(script));
        let (source, _) = device(&emulator);
        let started = Instant::now();
        let error = source.fetch(&transport(&emulator, nothing()), None).await.unwrap_err();
        assert!(matches!(error, AuthError::Unavailable { .. }), "{error:?}");
        assert!(error.to_string().contains(expected), "{error}");
        assert!((least..=most).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_asks_for_patience_gets_it() {
    let emulator = tenant(signing_in(DeviceSignIn { after_polls: 0, ..DeviceSignIn::default() }));
    let (source, _) = device(&emulator);
    let slow = || Ok(answer(400, r#"{"error":"slow_down"}"#));
    let said = Mutex::new(VecDeque::from([slow(), slow()]));
    let script: Script = Box::new(move |request| {
        let is_poll = request.uri().path().ends_with("/token");
        is_poll.then(|| said.lock().unwrap().pop_front()).flatten()
    });
    let transport = transport(&emulator, script);
    let started = Instant::now();
    source.fetch(&transport, None).await.unwrap();
    assert_eq!(started.elapsed(), seconds(5 + 10 + 15));
}

fn challenged(times: u64) -> Options {
    let action = Action::Answer(Canned::claims_challenge());
    let faults = vec![Fault::new(Matcher::new(Method::GET, "/users").times(times), action)];
    Options { faults, ..Options::default() }
}

#[tokio::test(start_paused = true)]
async fn a_claims_challenge_is_answered_with_a_token_that_carries_the_claims() {
    let (log, script) = watching("/token", nothing());
    let rig = Rig::signing_in(TenantSeed::with_guests(1), challenged(1), script);
    assert!(rig.graph.user(someone()).await.unwrap().is_some());
    let asked = log.lock().unwrap();
    let claims: Vec<_> = asked.iter().map(|asked| asked.form.get("claims")).collect();
    let expected = r#"{"access_token":{"nbf":{"essential":true,"value":"0"}}}"#.to_owned();
    assert_eq!(claims, [None, Some(&expected)]);
}

#[tokio::test(start_paused = true)]
async fn a_challenge_that_stays_ends_the_sign_in_and_says_when_it_could_not_be_met() {
    let rig = Rig::signing_in(TenantSeed::with_guests(1), challenged(9), nothing());
    let error = rig.graph.user(someone()).await.unwrap_err();
    assert!(matches!(error, CallError::Auth(AuthError::TokenRejected(_))), "{error:?}");
    assert!(!error.to_string().contains("can't request"), "{error}");
    assert_eq!(rig.sent(&Method::GET, "/users"), 2);

    let rig = Rig::new(TenantSeed::with_guests(1), challenged(9));
    let error = rig.graph.user(someone()).await.unwrap_err();
    assert!(error.to_string().contains("claims that this way to sign in can't request"), "{error}");
    assert_eq!(rig.sent(&Method::GET, "/users"), 1);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_no_token_is_never_quoted() {
    let emulator = tenant(Options::default());
    let said: Script = Box::new(|_| {
        Some(Ok(answer(StatusCode::OK.as_u16(), r#"{"access_token":5,"s3cret":"s3cret"}"#)))
    });
    let transport = transport(&emulator, said);
    let host = || IdentityHost::Metadata;
    let error = managed(None, host()).fetch(&transport, None).await.unwrap_err();
    assert!(error.to_string().contains("unreadable answer, at line 1"), "{error}");
    assert!(!format!("{error:?}").contains("s3cret"));
}
