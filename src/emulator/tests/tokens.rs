//! Signing in, and calling with what came of it.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::caller::{TestCaller, one_guest};
use crate::emulator::{Options, SAMPLE_CLIENT_ID};

#[tokio::test(start_paused = true)]
async fn a_token_says_whose_it_is_and_works_until_it_expires() {
    let life = Duration::from_mins(10);
    let (emulator, _) = one_guest(Options { token_life: life, ..Options::default() });
    for tenant in [emulator.tenant_id(), "contoso.example", "Contoso.onmicrosoft.com"] {
        assert_eq!(TestCaller::sign_in(&emulator, tenant, &[]).await.status, 200, "{tenant}");
    }
    let answer = TestCaller::sign_in(&emulator, "contoso.example", &[]).await;
    assert_eq!(answer.json["expires_in"], 600);
    let token = answer.json["access_token"].as_str().unwrap();
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!(claims["tid"], emulator.tenant_id());
    assert_eq!(claims["appid"], SAMPLE_CLIENT_ID);
    assert_eq!(claims["idtyp"], "app");
    assert!(claims["roles"].as_array().unwrap().contains(&json!("User.Invite.All")));

    let caller = TestCaller::with_token(&emulator, token);
    assert_eq!(caller.get("/users/A1").await.status, 200);
    tokio::time::advance(life).await;
    let expired = caller.get("/users/A1").await;
    assert_eq!((expired.status.as_u16(), expired.code()), (401, "InvalidAuthenticationToken"));
}

#[tokio::test]
async fn a_sign_in_is_refused_in_the_words_of_entra() {
    let (emulator, _) = one_guest(Options::default());
    let table = [
        ("contoso.example", ("client_secret", "wrong"), 401, "invalid_client", "AADSTS7000215: "),
        ("contoso.example", ("client_id", "2222"), 400, "unauthorized_client", "AADSTS700016: "),
        ("other.example", ("client_id", "1"), 400, "invalid_request", "AADSTS90002: "),
        ("contoso.example", ("scope", "User.Read"), 400, "invalid_scope", "AADSTS1002012: "),
        (
            "contoso.example",
            ("grant_type", "password"),
            400,
            "unsupported_grant_type",
            "AADSTS70003: ",
        ),
        ("contoso.example", ("scope", ""), 400, "invalid_request", "AADSTS900144: "),
    ];
    for (tenant, change, status, error, description) in table {
        let answer = TestCaller::sign_in(&emulator, tenant, &[change]).await;
        assert_eq!((answer.status.as_u16(), answer.json["error"].as_str()), (status, Some(error)));
        let text = answer.json["error_description"].as_str().unwrap();
        assert!(text.starts_with(description), "{text}");
    }
}

#[tokio::test]
async fn a_certificate_signs_in_in_place_of_a_secret() {
    let (emulator, _) = one_guest(Options::default());
    emulator.edit_application(SAMPLE_CLIENT_ID, |app| {
        app.certificate_thumbprints.push("print".into());
    });
    let part = |json: Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let claims = json!({
        "aud": "http://localhost/contoso.example/oauth2/v2.0/token",
        "iss": SAMPLE_CLIENT_ID,
        "sub": SAMPLE_CLIENT_ID,
        "exp": emulator.now().as_second() + 300,
    });
    let header = json!({ "alg": "PS256", "x5t#S256": "print" });
    let assertion = format!("{}.{}.c2ln", part(header), part(claims));
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    let form = [("client_secret", ""), ("client_assertion_type", kind)];
    let with = |assertion| [form[0], form[1], ("client_assertion", assertion)];
    let answer = TestCaller::sign_in(&emulator, "contoso.example", &with(&assertion)).await;
    assert_eq!(answer.status, 200);
    let answer = TestCaller::sign_in(&emulator, "contoso.example", &with("x.y.z")).await;
    assert_eq!(
        (answer.status.as_u16(), answer.json["error"].as_str()),
        (401, Some("invalid_client"))
    );
    let answer = TestCaller::sign_in(&emulator, "contoso.example", &form[..1]).await;
    assert_eq!(answer.json["error_codes"], json!([7_000_218]));
}

#[tokio::test]
async fn without_a_good_token_there_is_no_answer() {
    let (emulator, caller) = one_guest(Options::default());
    let unknown = TestCaller::with_token(&emulator, "unknown").get("/users/A1").await;
    assert_eq!((unknown.status.as_u16(), unknown.code()), (401, "InvalidAuthenticationToken"));
    assert!(unknown.headers.contains_key("www-authenticate"));
    emulator.revoke_tokens();
    assert_eq!(caller.get("/users/A1").await.status, 401);
}
