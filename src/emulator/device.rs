//! Device code sign-ins: a person who, according to a script, takes their time,
//! approves, or declines (Entra, *OAuth 2.0 device authorization grant flow*).
//!
//! Leaves to others: the tokens that are issued then (`token`).

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use crate::graph::wire;

#[derive(Debug, Clone, Copy)]
pub struct DeviceSignIn {
    /// After how many questions of the client.
    pub after_polls: u32,
    /// Whether the person approves or declines then.
    pub is_approved: bool,
    /// Seconds between two questions that the client is told to keep.
    pub interval: u64,
    pub life: Duration,
}

impl Default for DeviceSignIn {
    fn default() -> Self {
        Self { after_polls: 2, is_approved: true, interval: 5, life: Duration::from_mins(15) }
    }
}

/// Sign-ins under way, and the refresh tokens that came of them.
#[derive(Debug, Default)]
pub(super) struct DeviceCodes {
    pending: HashMap<String, Pending>,
    /// Refresh tokens, each with its application.
    refresh_tokens: HashMap<String, String>,
}

#[derive(Debug)]
struct Pending {
    client_id: String,
    polls: u32,
    ends: Instant,
}

/// OAuth code, number and text of a refusal.
pub(super) type DeviceRefusal = (&'static str, u32, &'static str);

impl DeviceCodes {
    pub(super) fn begin(
        &mut self,
        client_id: &str,
        script: DeviceSignIn,
        origin: &str,
    ) -> wire::DeviceCodeResponse {
        let device_code = Uuid::new_v4().simple().to_string();
        let user_code = Uuid::new_v4().simple().to_string()[..9].to_uppercase();
        let ends = Instant::now() + script.life;
        let pending = Pending { client_id: client_id.to_lowercase(), polls: 0, ends };
        self.pending.insert(device_code.clone(), pending);
        let verification_uri = format!("{origin}/devicelogin");
        wire::DeviceCodeResponse {
            device_code,
            expires_in: script.life.as_secs(),
            interval: script.interval,
            message: format!(
                "To sign in, use a web browser to open the page {verification_uri} and enter the \
                 code {user_code} to authenticate."
            ),
            user_code,
            verification_uri,
        }
    }

    /// The client asks whether the person has signed in.
    pub(super) fn poll(
        &mut self,
        device_code: &str,
        client_id: &str,
        script: DeviceSignIn,
    ) -> Result<(), DeviceRefusal> {
        let Some(pending) = self.pending.get_mut(device_code) else {
            return Err(("bad_verification_code", 70_018, "The verification code is invalid."));
        };
        if pending.client_id != client_id.to_lowercase() {
            return Err(("invalid_grant", 700_005, "The code was issued to another application."));
        }
        if Instant::now() >= pending.ends {
            let text = "Verification code expired. Have the user retry the sign-in.";
            return Err(("expired_token", 70_019, text));
        }
        pending.polls += 1;
        if pending.polls <= script.after_polls {
            let text = "OAuth 2.0 device flow error. Authorization is pending. Continue polling.";
            return Err(("authorization_pending", 70_016, text));
        }
        self.pending.remove(device_code);
        if script.is_approved {
            Ok(())
        } else {
            // Its number is not documented; this is that of any invalid grant.
            Err(("authorization_declined", 70_000, "The end user denied the authorization."))
        }
    }

    /// A new refresh token for an application.
    pub(super) fn refresh_token(&mut self, client_id: &str) -> String {
        let token = format!("refresh-{}", Uuid::new_v4().simple());
        self.refresh_tokens.insert(token.clone(), client_id.to_lowercase());
        token
    }

    /// Whether a refresh token is this application's and still good.
    pub(super) fn accepts(&self, token: &str, client_id: &str) -> bool {
        self.refresh_tokens.get(token).is_some_and(|owner| *owner == client_id.to_lowercase())
    }

    pub(super) fn revoke_all(&mut self) {
        self.refresh_tokens.clear();
    }
}
