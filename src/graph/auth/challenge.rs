//! Claims challenges: Graph refuses a token before its time and says what the next
//! one must carry (Entra, *Claims challenges and client capabilities*).
//!
//! Leaves to others: asking for that token.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;
use serde_json::{Map, Value};

/// The claims that the next token must carry: a JSON object for the parameter
/// `claims` of a token request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimsRequest(String);

impl ClaimsRequest {
    /// The claims that an answer asks for. It may hold several challenges, in one
    /// header or in several; their claims are merged.
    pub(in crate::graph) fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let mut merged = Map::new();
        let lines = headers.get_all(WWW_AUTHENTICATE).iter();
        for line in lines.filter_map(|line| line.to_str().ok()) {
            for parameters in challenges(line) {
                let value = |name: &str| {
                    let mut named = parameters.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
                    named.next().map(|(_, value)| value.as_str())
                };
                if value("error") == Some("insufficient_claims")
                    && let Some(Value::Object(claims)) = value("claims").and_then(decode)
                {
                    merge(&mut merged, claims);
                }
            }
        }
        (!merged.is_empty()).then(|| Self(Value::Object(merged).to_string()))
    }

    pub fn as_json(&self) -> &str {
        &self.0
    }
}

/// Padding is optional in what services send.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

fn decode(claims: &str) -> Option<Value> {
    let standard = claims.replace('-', "+").replace('_', "/");
    serde_json::from_slice(&BASE64.decode(standard).ok()?).ok()
}

fn merge(into: &mut Map<String, Value>, from: Map<String, Value>) {
    for (name, value) in from {
        match (into.get_mut(&name), value) {
            (Some(Value::Object(into)), Value::Object(from)) => merge(into, from),
            (_, value) => {
                into.insert(name, value);
            }
        }
    }
}

/// The parameters of each challenge of a line (RFC 9110, 11.6.1): a scheme, then
/// `name=value` separated by commas, where a further scheme begins a further one.
fn challenges(line: &str) -> Vec<Vec<(String, String)>> {
    let mut challenges: Vec<Vec<(String, String)>> = Vec::new();
    let mut rest = line;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let end = rest.find(['=', ' ', '\t', ',']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if word.is_empty() && after.is_empty() {
            return challenges;
        }
        let Some(value) = after.trim_start_matches([' ', '\t']).strip_prefix('=') else {
            challenges.push(Vec::new());
            rest = after;
            continue;
        };
        let (value, after) = parameter(value.trim_start_matches([' ', '\t']));
        if let Some(parameters) = challenges.last_mut() {
            parameters.push((word.to_owned(), value));
        }
        rest = after;
    }
}

/// A value, quoted or not, and what comes after it.
fn parameter(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([' ', '\t', ',']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            char => value.push(char),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
    use proptest::prelude::*;

    fn asked(lines: &[&str]) -> Option<Value> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(WWW_AUTHENTICATE, line.parse().unwrap());
        }
        let request = ClaimsRequest::from_headers(&headers)?;
        Some(serde_json::from_str(request.as_json()).unwrap())
    }

    fn encoded(claims: &str) -> String {
        format!(r#"Bearer realm="", error="insufficient_claims", claims="{claims}""#)
    }

    fn challenge(claims: &str) -> String {
        encoded(&STANDARD.encode(claims))
    }

    #[test]
    fn the_documented_challenge_is_read() {
        // Entra, *Claims challenges and client capabilities*, example of a challenge.
        let line = "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\", \
            client_id=\"00000003-0000-0000-c000-000000000000\", error=\"insufficient_claims\", \
            claims=\"eyJhY2Nlc3NfdG9rZW4iOnsiYWNycyI6eyJlc3NlbnRpYWwiOnRydWUsInZhbHVlIjoiYzEifX19\"";
        let expected = serde_json::json!({"access_token":{"acrs":{"essential":true,"value":"c1"}}});
        assert_eq!(asked(&[line]), Some(expected));
    }

    #[test]
    fn several_challenges_are_merged_and_others_are_none() {
        let nbf = r#"{"access_token":{"nbf":{"essential":true,"value":"1"}}}"#;
        let acrs = r#"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#;
        let both = serde_json::json!({"access_token":{
            "nbf":{"essential":true,"value":"1"}, "acrs":{"essential":true,"value":"c1"},
        }});
        let (one, two) = (challenge(nbf), challenge(acrs));
        assert_eq!(asked(&[&one, &two]), Some(both.clone()));
        assert_eq!(asked(&["Bearer realm=\"\"", &format!("{one}, {two}")]), Some(both));
        for engine in [STANDARD_NO_PAD, URL_SAFE] {
            assert!(asked(&[&encoded(&engine.encode(acrs))]).is_some());
        }
        for none in [
            "Bearer".to_owned(),
            "Bearer realm=\"\", error=\"invalid_token\"".to_owned(),
            one.replace("insufficient_claims", "invalid_token"),
            "Bearer error=\"insufficient_claims\", claims=\"%%%\"".to_owned(),
            challenge("[1]"),
            challenge("{}"),
        ] {
            assert_eq!(asked(&[&none]), None, "{none}");
        }
        assert_eq!(asked(&[]), None);
    }

    proptest! {
        #[test]
        fn no_header_makes_trouble(line in "[ -~]{0,80}") {
            let _ = challenges(&line);
        }
    }
}
