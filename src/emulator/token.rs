//! The token endpoint, and the tokens it gave out.
//!
//! Leaves to others: what a permission permits (`users`, `invitations`, `lookups`).

use std::collections::HashMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use super::assertion::{self, ASSERTION_TYPE};
use super::device::DeviceRefusal;
use super::errors::Refusal;
use super::http::{Answer, Request};
use super::seed::Application;
use super::state::Shared;
use crate::domain::Caller;
use crate::graph::wire;

#[derive(Debug, Clone)]
pub(super) struct Grant {
    pub(super) app: String,
    pub(super) permissions: Vec<String>,
    pub(super) caller: Caller,
    /// Holds a directory role of its own.
    pub(super) is_privileged: bool,
    /// Mailboxes that Exchange itself opens to it.
    pub(super) mailboxes: Vec<String>,
}

impl Grant {
    /// Whether it has one of these permissions.
    pub(super) fn has_any(&self, permissions: &[&str]) -> bool {
        self.permissions.iter().any(|permission| permissions.contains(&permission.as_str()))
    }

    /// Whether it may do this in a mailbox: by its token, or by a grant of Exchange's own.
    pub(super) fn may_in_mailbox(&self, permission: &str, address: &str) -> Result<(), Refusal> {
        let is_own = self.mailboxes.iter().any(|own| own.eq_ignore_ascii_case(address));
        if is_own || self.has_any(&[permission]) {
            return Ok(());
        }
        let message = "Access is denied. Check credentials and try again.";
        Err(Refusal::new(StatusCode::FORBIDDEN, "ErrorAccessDenied", message))
    }

    pub(super) fn require_any(&self, permissions: &[&str]) -> Result<(), Refusal> {
        if self.has_any(permissions) { Ok(()) } else { Err(Refusal::denied()) }
    }
}

#[derive(Debug, Default)]
pub(super) struct Tokens(HashMap<String, (Grant, Instant)>);

impl Tokens {
    fn add(&mut self, token: String, grant: Grant, life: Duration) {
        let now = Instant::now();
        self.0.retain(|_, (_, expires)| *expires > now);
        self.0.insert(token, (grant, now + life));
    }

    pub(super) fn revoke_all(&mut self) {
        self.0.clear();
    }

    fn find(&self, token: &str) -> Option<&Grant> {
        let (grant, expires) = self.0.get(token)?;
        (*expires > Instant::now()).then_some(grant)
    }
}

impl Shared {
    /// The grant behind the bearer token of a request.
    pub(super) fn authorize(&self, request: &Request) -> Result<Grant, Refusal> {
        let token = request
            .header("Authorization")
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        let Some(token) = token else {
            return Err(Refusal::unauthenticated("Access token is empty."));
        };
        self.tokens().find(token).cloned().ok_or_else(|| {
            Refusal::unauthenticated("Lifetime validation failed, the token is expired.")
        })
    }

    /// Makes a token for an application, or for a user signed in to it.
    pub(super) fn issue(&self, application: &Application, caller: Caller) -> String {
        let now = self.clock.now().as_second();
        let life = i64::try_from(self.options.token_life.as_secs()).unwrap_or(i64::MAX);
        let mut claims = json!({
            "aud": "https://graph.microsoft.com",
            "iss": format!("https://sts.windows.net/{}/", self.tenant_id),
            "iat": now,
            "nbf": now,
            "exp": now.saturating_add(life),
            "appid": application.client_id,
            "tid": self.tenant_id,
            "uti": Uuid::new_v4().simple().to_string(),
        });
        match caller {
            Caller::AppOnly => {
                claims["idtyp"] = Value::from("app");
                claims["roles"] = json!(application.roles);
            }
            Caller::Delegated => {
                claims["idtyp"] = Value::from("user");
                claims["scp"] = Value::from(application.roles.join(" "));
            }
        }
        let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let header = json!({ "typ": "JWT", "alg": "RS256" });
        let signature = URL_SAFE_NO_PAD.encode(Uuid::new_v4().as_bytes());
        let token = format!("{}.{}.{signature}", part(&header), part(&claims));
        let grant = Grant {
            app: application.client_id.clone(),
            permissions: application.roles.clone(),
            caller,
            is_privileged: application.is_privileged,
            mailboxes: application.mailboxes.clone(),
        };
        self.tokens().add(token.clone(), grant, self.options.token_life);
        token
    }

    /// `POST /{tenant}/oauth2/v2.0/token` (Entra, *OAuth 2.0 client credentials flow*,
    /// *device authorization grant flow*, *Refresh tokens*).
    pub(super) fn token(&self, tenant: &str, request: &Request) -> Answer {
        let form = Form::from_request(request);
        let granted = self.application(tenant, &form).and_then(|application| {
            match form.required("grant_type")? {
                "client_credentials" => self.client_credentials(tenant, &form, &application),
                "urn:ietf:params:oauth:grant-type:device_code" => {
                    let device_code = form.required("device_code")?;
                    let script = self.options.device_sign_in;
                    let polled =
                        self.device_codes().poll(device_code, &application.client_id, script);
                    polled.map_err(TokenRefusal::of_device)?;
                    Ok(self.grant_person(&application))
                }
                "refresh_token" => {
                    let token = form.required("refresh_token")?;
                    if self.device_codes().accepts(token, &application.client_id) {
                        return Ok(self.grant_person(&application));
                    }
                    let text = "The provided grant has expired due to it being revoked, a fresh \
                                auth token is needed. The user might have changed or reset their \
                                password.";
                    Err(TokenRefusal::bad("invalid_grant", 50_173, text))
                }
                _ => {
                    let text = "The app requested an unsupported grant type.";
                    Err(TokenRefusal::bad("unsupported_grant_type", 70_003, text))
                }
            }
        });
        self.answer(granted)
    }

    /// `POST /{tenant}/oauth2/v2.0/devicecode` (Entra, *OAuth 2.0 device authorization
    /// grant flow*).
    pub(super) fn device_code(&self, tenant: &str, request: &Request) -> Answer {
        let form = Form::from_request(request);
        let begun = self.application(tenant, &form).and_then(|application| {
            form.required("scope")?;
            let script = self.options.device_sign_in;
            let client_id = &application.client_id;
            Ok(self.device_codes().begin(client_id, script, &request.origin))
        });
        self.answer(begun)
    }

    fn answer<T: Serialize>(&self, result: Result<T, TokenRefusal>) -> Answer {
        let mut answer = match result {
            Ok(response) => Answer::ok(&response),
            Err(TokenRefusal { status, error, number, text }) => {
                let (trace, correlation) = (Uuid::new_v4(), Uuid::new_v4());
                let moment = self.clock.now_in_seconds();
                let description = format!(
                    "AADSTS{number}: {text} Trace ID: {trace} Correlation ID: {correlation} \
                     Timestamp: {moment}"
                );
                Answer::json(
                    status,
                    &json!({
                        "error": error,
                        "error_description": description,
                        "error_codes": [number],
                        "timestamp": moment.to_string(),
                        "trace_id": trace,
                        "correlation_id": correlation,
                    }),
                )
            }
        };
        answer.content_type = "application/json; charset=utf-8";
        answer
    }

    /// The application that a form names.
    fn application(&self, tenant: &str, form: &Form) -> Result<Application, TokenRefusal> {
        if !self.is_tenant(tenant) {
            let text = format!(
                "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and \
                 are signing into the correct cloud."
            );
            return Err(TokenRefusal::bad("invalid_request", 90_002, text));
        }
        let client_id = form.required("client_id")?;
        self.applications()
            .iter()
            .find(|application| application.client_id.eq_ignore_ascii_case(client_id))
            .cloned()
            .ok_or_else(|| {
                let text = format!(
                    "Application with identifier '{client_id}' was not found in the directory \
                     '{tenant}'. This can happen if the application has not been installed by the \
                     administrator of the tenant or consented to by any user in the tenant."
                );
                TokenRefusal::bad("unauthorized_client", 700_016, text)
            })
    }

    fn client_credentials(
        &self,
        tenant: &str,
        form: &Form,
        application: &Application,
    ) -> Result<wire::TokenResponse, TokenRefusal> {
        let client_id = &application.client_id;
        let scope = form.required("scope")?;
        if !scope.ends_with("/.default") {
            let text = format!(
                "The provided value for scope {scope} is not valid. Client credential flows must \
                 have a scope value with /.default suffixed to the resource identifier."
            );
            return Err(TokenRefusal::bad("invalid_scope", 1_002_012, text));
        }
        let unproven = |number, text| TokenRefusal {
            status: StatusCode::UNAUTHORIZED,
            error: "invalid_client",
            number,
            text,
        };
        if form.get("client_assertion_type") == Some(ASSERTION_TYPE) {
            let path = format!("/{tenant}/oauth2/v2.0/token");
            let now = self.clock.now().as_second();
            assertion::check(form.required("client_assertion")?, application, &path, now)
                .map_err(|(number, text)| unproven(number, text))?;
        } else {
            let secret = form.get("client_secret").ok_or_else(|| {
                let text = "The request body must contain the following parameter: \
                            'client_assertion' or 'client_secret'.";
                unproven(7_000_218, text.to_owned())
            })?;
            if *secret != application.client_secret {
                let text = format!(
                    "Invalid client secret provided. Ensure the secret being sent in the request \
                     is the client secret value, not the client secret ID, for a secret added to \
                     app '{client_id}'."
                );
                return Err(unproven(7_000_215, text));
            }
        }
        Ok(wire::TokenResponse {
            access_token: self.issue(application, Caller::AppOnly),
            expires_in: self.options.token_life.as_secs(),
            token_type: "Bearer".into(),
            refresh_token: None,
        })
    }

    /// A token for a person, and what buys the next.
    fn grant_person(&self, application: &Application) -> wire::TokenResponse {
        wire::TokenResponse {
            access_token: self.issue(application, Caller::Delegated),
            expires_in: self.options.token_life.as_secs(),
            token_type: "Bearer".into(),
            refresh_token: Some(self.device_codes().refresh_token(&application.client_id)),
        }
    }
}

struct Form(HashMap<String, String>);

impl Form {
    fn from_request(request: &Request) -> Self {
        Self(url::form_urlencoded::parse(&request.body).into_owned().collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn required(&self, name: &str) -> Result<&str, TokenRefusal> {
        self.get(name).ok_or_else(|| {
            let text = format!("The request body must contain the following parameter: '{name}'.");
            TokenRefusal::bad("invalid_request", 900_144, text)
        })
    }
}

/// A refusal of the token endpoint.
struct TokenRefusal {
    status: StatusCode,
    error: &'static str,
    number: u32,
    text: String,
}

impl TokenRefusal {
    fn bad(error: &'static str, number: u32, text: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error, number, text: text.into() }
    }

    fn of_device((error, number, text): DeviceRefusal) -> Self {
        Self::bad(error, number, text)
    }
}
