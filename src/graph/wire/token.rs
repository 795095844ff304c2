//! What the token endpoint answers, and a managed identity's.

use serde::{Deserialize, Deserializer, Serialize};

/// A successful answer of the token endpoint.
#[derive(Clone, Serialize, Deserialize)]
pub struct TokenResponse {
    pub access_token: String,
    /// Life in seconds; some endpoints send it as a string.
    #[serde(deserialize_with = "number_or_string")]
    pub expires_in: u64,
    /// `Bearer`.
    #[serde(default)]
    pub token_type: String,
    /// What buys the next token of a person who signed in: a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
}

/// An answer of a managed identity's endpoint (Entra, *How to use managed identities
/// … to acquire an access token*; App Service, *Use managed identities*). Which of the
/// two times there is differs between hosts.
#[derive(Clone, Deserialize)]
pub struct IdentityTokenResponse {
    pub access_token: String,
    /// Life in seconds.
    #[serde(default, deserialize_with = "optional_number_or_string")]
    pub expires_in: Option<u64>,
    /// Its end, in seconds since 1970.
    #[serde(default, deserialize_with = "optional_number_or_string")]
    pub expires_on: Option<u64>,
}

/// The beginning of a device code sign-in (Entra, *OAuth 2.0 device authorization
/// grant flow*).
#[derive(Clone, Serialize, Deserialize)]
pub struct DeviceCodeResponse {
    /// What the client shows when it asks whether the person has signed in: a secret.
    pub device_code: String,
    pub user_code: String,
    pub verification_uri: String,
    /// Life of both codes in seconds.
    pub expires_in: u64,
    /// Seconds between two questions.
    #[serde(default = "five")]
    pub interval: u64,
    /// Entra's sentence for the person.
    #[serde(default)]
    pub message: String,
}

/// The interval where none is told (RFC 8628, 3.2).
fn five() -> u64 {
    5
}

/// A refusal of the token endpoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TokenError {
    /// OAuth code: `invalid_client`, …
    pub error: String,
    /// Entra's text, which begins with `AADSTS`.
    #[serde(default)]
    pub error_description: String,
}

/// Some endpoints send an empty string where they have no number.
fn optional_number_or_string<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<u64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(u64),
        Text(String),
    }
    Ok(match Option::<Either>::deserialize(deserializer)? {
        Some(Either::Number(number)) => Some(number),
        Some(Either::Text(text)) if text.trim().is_empty() => None,
        Some(Either::Text(text)) => Some(text.trim().parse().map_err(serde::de::Error::custom)?),
        None => None,
    })
}

fn number_or_string<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(u64),
        Text(String),
    }
    match Either::deserialize(deserializer)? {
        Either::Number(number) => Ok(number),
        Either::Text(text) => text.trim().parse().map_err(serde::de::Error::custom),
    }
}
