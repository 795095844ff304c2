//! Client assertions: signing in with a certificate or with a token of another
//! identity provider (Entra, *Certificate credentials*, 2025-01; *Workload identity
//! federation*).
//!
//! Leaves to others: the signature, which is not verified. Whether a client signs
//! well is for its own tests; here it must name the right key and the right claims.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::seed::Application;

/// Value of `client_assertion_type`.
pub(super) const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Audience of an assertion that another identity provider issued.
const FEDERATION_AUDIENCE: &str = "api://AzureADTokenExchange";

/// Why an assertion is refused: number and text of Entra's error.
pub(super) type AssertionError = (u32, String);

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(rename = "x5t#S256")]
    thumbprint: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    aud: String,
    iss: String,
    sub: String,
    exp: i64,
    #[serde(default)]
    nbf: i64,
}

/// Checks an assertion for an application; `now` in seconds since 1970.
pub(super) fn check(
    assertion: &str,
    application: &Application,
    token_path: &str,
    now: i64,
) -> Result<(), AssertionError> {
    let malformed = || (50_027, "JWT token is invalid or malformed.".to_owned());
    let mut parts = assertion.split('.');
    let mut part = || parts.next().and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let (header, claims) = (part().ok_or_else(malformed)?, part().ok_or_else(malformed)?);
    let has_signature = part().is_some_and(|signature| !signature.is_empty());
    let header: Header = serde_json::from_slice(&header).map_err(|_| malformed())?;
    let claims: Claims = serde_json::from_slice(&claims).map_err(|_| malformed())?;
    if !has_signature || !matches!(header.alg.as_str(), "PS256" | "RS256") {
        return Err(malformed());
    }
    if claims.exp <= now || claims.nbf > now {
        let text = "Client assertion is not within its valid time range.";
        return Err((700_024, text.to_owned()));
    }
    if claims.aud == FEDERATION_AUDIENCE {
        let known = &application.federated_identities;
        let mut of_issuer = known.iter().filter(|trusted| trusted.issuer == claims.iss).peekable();
        let (number, what, value) = if of_issuer.peek().is_none() {
            (700_211, "issuer", &claims.iss)
        } else if of_issuer.any(|trusted| trusted.subject == claims.sub) {
            return Ok(());
        } else {
            (700_213, "subject", &claims.sub)
        };
        let text = format!(
            "No matching federated identity record found for presented assertion {what} '{value}'. \
             Check your federated identity credential Subject, Audience and Issuer against the \
             presented assertion."
        );
        return Err((number, text));
    }
    if !claims.aud.ends_with(token_path) {
        let text = "Client assertion audience claim does not match Realm issuer.";
        return Err((700_023, text.to_owned()));
    }
    if claims.iss != application.client_id || claims.sub != application.client_id {
        let text = "Client assertion contains an invalid issuer or subject.";
        return Err((700_021, text.to_owned()));
    }
    let registered = header
        .thumbprint
        .is_some_and(|thumbprint| application.certificate_thumbprints.contains(&thumbprint));
    if registered {
        Ok(())
    } else {
        let text = "The certificate with identifier used to sign the client assertion is not \
                    registered on application.";
        Err((700_027, text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::emulator::seed::FederatedIdentity;

    const PATH: &str = "/contoso.example/oauth2/v2.0/token";

    fn application() -> Application {
        Application {
            client_id: "app".into(),
            certificate_thumbprints: vec!["print".into()],
            federated_identities: vec![FederatedIdentity {
                issuer: "https://issuer.example".into(),
                subject: "repo:contoso".into(),
            }],
            ..Application::default()
        }
    }

    fn signed(header: &Value, claims: &Value) -> String {
        let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        format!("{}.{}.c2ln", part(header), part(claims))
    }

    fn certificate(change: impl FnOnce(&mut Value, &mut Value)) -> Result<(), u32> {
        let mut header = json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": "print" });
        let mut claims = json!({
            "aud": format!("http://127.0.0.1:1{PATH}"), "iss": "app", "sub": "app",
            "jti": "1", "nbf": 100, "exp": 700,
        });
        change(&mut header, &mut claims);
        check(&signed(&header, &claims), &application(), PATH, 300).map_err(|(number, _)| number)
    }

    #[test]
    fn a_registered_certificate_signs_in_and_nothing_else_does() {
        assert_eq!(certificate(|_, _| ()), Ok(()));
        assert_eq!(certificate(|header, _| header["x5t#S256"] = json!("other")), Err(700_027));
        assert_eq!(certificate(|header, _| header["alg"] = json!("none")), Err(50_027));
        assert_eq!(certificate(|_, claims| claims["exp"] = json!(300)), Err(700_024));
        assert_eq!(certificate(|_, claims| claims["nbf"] = json!(301)), Err(700_024));
        assert_eq!(certificate(|_, claims| claims["aud"] = json!("https://else")), Err(700_023));
        assert_eq!(certificate(|_, claims| claims["sub"] = json!("else")), Err(700_021));
        assert_eq!(check("a.b", &application(), PATH, 300).unwrap_err().0, 50_027);
    }

    #[test]
    fn a_trusted_identity_provider_vouches_for_its_subject() {
        let header = json!({ "alg": "RS256" });
        for (subject, expected) in [("repo:contoso", Ok(())), ("repo:other", Err(700_213))] {
            let claims = json!({
                "aud": FEDERATION_AUDIENCE, "iss": "https://issuer.example", "sub": subject,
                "exp": 700,
            });
            let checked = check(&signed(&header, &claims), &application(), PATH, 300);
            assert_eq!(checked.map_err(|(number, _)| number), expected);
        }
    }
}
