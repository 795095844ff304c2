//! Whose answer it is: Graph's, or that of something on the way to it. A proxy, a
//! portal or a gateway that answers with a page says nothing about a guest.
//!
//! Leaves to others: what an answer of Graph's means (`catalogue`), and what follows
//! when others answer (`client`).

use std::fmt;

use bytes::Bytes;
use http::header::{SERVER, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use serde::de::DeserializeOwned;

use super::refusal::header;
use super::transport::{ExplanationLost, Proxied};
use super::wire::ErrorEnvelope;

/// An answer that is not the service's, by what a person can recognise its author by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign {
    /// The host that was asked.
    pub host: String,
    pub status: u16,
    /// The header `Server`.
    pub server: Option<String>,
    /// The title of its page.
    pub title: Option<String>,
    /// The variable of the environment that names a proxy for the request.
    pub proxy: Option<&'static str>,
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "something else answers for {}: status {}", self.host, self.status)?;
        if let Some(server) = &self.server {
            write!(f, ", server `{server}`")?;
        }
        if let Some(title) = &self.title {
            write!(f, ", page `{title}`")?;
        }
        match self.proxy {
            Some(variable) => write!(f, "; {variable} names a proxy"),
            None => f.write_str("; no proxy is set"),
        }
    }
}

impl Foreign {
    pub const ADVICE: &str = "sign in to the network's portal, or have the proxy or gateway let \
        the service through; then run the same command again";

    pub(super) fn describe(host: &str, answer: &Response<Bytes>) -> Self {
        Self {
            host: host.to_owned(),
            status: answer.status().as_u16(),
            server: answer
                .headers()
                .get(SERVER)
                .map(|name| shortened(&String::from_utf8_lossy(name.as_bytes()))),
            title: title(answer.body()),
            proxy: answer.extensions().get::<Proxied>().map(|Proxied(variable)| *variable),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Author {
    Graph,
    /// Something on the way, perhaps: but the status says "later" to everybody, and
    /// gateways of the service itself say it without its form.
    Anybody,
    Other,
}

/// Whose an answer is. Graph's errors are JSON of its form or carry its request id, or
/// both: its own gateways answer without JSON (Microsoft Graph, *Error responses*).
pub(super) fn author(answer: &Response<Bytes>) -> Author {
    if header(answer.headers(), "request-id").is_some_and(|id| !id.is_empty()) {
        return Author::Graph;
    }
    let status = answer.status();
    let body = answer.body().trim_ascii();
    let is_graphs = if status == StatusCode::NO_CONTENT {
        body.is_empty()
    } else if status.is_success() {
        // A count is plain text, sometimes behind a byte order mark.
        let text = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
        let is_number = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
        text.starts_with(b"{") || is_number
    } else {
        let is_about_the_token = status == StatusCode::UNAUTHORIZED
            && header(answer.headers(), WWW_AUTHENTICATE.as_str())
                .is_some_and(|challenge| challenge.starts_with("Bearer"));
        is_about_the_token
            || answer.extensions().get::<ExplanationLost>().is_some()
            || serde_json::from_slice::<ErrorEnvelope>(body).is_ok()
    };
    if is_graphs {
        return Author::Graph;
    }
    match status {
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Author::Anybody,
        // Only what stands between says this (RFC 6585, section 6).
        StatusCode::NETWORK_AUTHENTICATION_REQUIRED => Author::Other,
        status if status.is_server_error() => Author::Anybody,
        _ => Author::Other,
    }
}

/// Reads JSON. Half of a surrogate pair, which a display name cut in two holds, becomes
/// the replacement character: JSON can write it, and no text can hold it.
pub(super) fn from_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(body).or_else(|error| match without_lone_surrogates(body) {
        Some(mended) => serde_json::from_slice(&mended),
        None => Err(error),
    })
}

/// None when there is none.
fn without_lone_surrogates(body: &[u8]) -> Option<Vec<u8>> {
    let unit = |at: usize| -> Option<u16> {
        let escape = body.get(at..at + 6).filter(|escape| escape.starts_with(b"\\u"))?;
        u16::from_str_radix(std::str::from_utf8(&escape[2..]).ok()?, 16).ok()
    };
    let mut mended = Vec::with_capacity(body.len());
    let (mut at, mut is_changed) = (0, false);
    while let Some(&byte) = body.get(at) {
        let length = match (byte, unit(at)) {
            (b'\\', Some(0xD800..=0xDBFF)) if matches!(unit(at + 6), Some(0xDC00..=0xDFFF)) => 12,
            (b'\\', Some(0xD800..=0xDFFF)) => {
                mended.extend_from_slice(b"\\ufffd");
                (at, is_changed) = (at + 6, true);
                continue;
            }
            // The character after a backslash begins no escape of its own.
            (b'\\', _) => 2,
            _ => 1,
        };
        mended.extend_from_slice(&body[at..(at + length).min(body.len())]);
        at += length;
    }
    is_changed.then_some(mended)
}

/// Enough of a title to recognise a page by.
const LONGEST_TITLE: usize = 80;

fn title(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let folded = text.to_ascii_lowercase();
    let from = folded.find("<title")?;
    let from = from + folded[from..].find('>')? + 1;
    let to = from + folded[from..].find("</title")?;
    let title = shortened(&text[from..to]);
    (!title.is_empty()).then_some(title)
}

fn shortened(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().filter(|c| !c.is_control()).take(LONGEST_TITLE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    const PAGE: &str = "<html><head><TITLE>\n Sign in to\u{1b}[31m Wi-Fi </TITLE></head></html>";

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Response<Bytes> {
        let mut answer = Response::builder().status(status);
        for (name, value) in headers {
            answer = answer.header(*name, *value);
        }
        answer.body(Bytes::copy_from_slice(body.as_bytes())).unwrap()
    }

    #[test]
    fn an_answer_is_graphs_only_if_it_looks_like_one() {
        use Author::{Anybody, Graph, Other};
        let error = r#"{"error":{"code":"Request_ResourceNotFound","message":"Resource"}}"#;
        let id: &[(&str, &str)] = &[("request-id", "1")];
        for (status, headers, body, expected) in [
            (204, &[][..], "", Graph),
            (200, &[], r#"{"value":[]}"#, Graph),
            (201, &[], r#"{"id":"1"}"#, Graph),
            (200, &[], "\u{feff}17", Graph),
            (200, id, PAGE, Graph),
            (404, &[], error, Graph),
            (403, id, "", Graph),
            (300, id, "", Graph),
            (401, &[("www-authenticate", "Bearer realm=\"\"")], "", Graph),
            (200, &[], PAGE, Other),
            (200, &[], "", Other),
            (302, &[("location", "http://portal.example/")], "", Other),
            (400, &[], PAGE, Other),
            (401, &[("www-authenticate", "Basic realm=\"proxy\"")], PAGE, Other),
            (403, &[], r#"{"message":"blocked"}"#, Other),
            (404, &[], PAGE, Other),
            (407, &[("proxy-authenticate", "Basic")], "", Other),
            (451, &[], PAGE, Other),
            (511, &[], PAGE, Other),
            (429, &[], "", Anybody),
            (503, &[], PAGE, Anybody),
            (502, id, PAGE, Graph),
        ] {
            let answer = answer(status, headers, body);
            assert_eq!(author(&answer), expected, "{status} {headers:?} {body}");
        }
    }

    #[test]
    fn who_answered_is_named_in_one_line() {
        let mut foreign = answer(302, &[("server", "squid/6.1")], PAGE);
        let named = Foreign::describe("graph.example", &foreign);
        assert_eq!(
            named.to_string(),
            "something else answers for graph.example: status 302, server `squid/6.1`, page \
             `Sign in to[31m Wi-Fi`; no proxy is set"
        );
        foreign.extensions_mut().insert(Proxied("HTTPS_PROXY"));
        let named = Foreign::describe("graph.example", &foreign);
        assert!(named.to_string().ends_with("; HTTPS_PROXY names a proxy"), "{named}");
    }

    #[test]
    fn half_of_a_surrogate_pair_is_replaced_and_nothing_else() {
        for (body, expected) in [
            (r#""a\ud83d""#, "a\u{fffd}"),
            (r#""\ude00b""#, "\u{fffd}b"),
            (r#""\ud83d\ud83d\ude00""#, "\u{fffd}\u{1f600}"),
            (r#""\\ud83d""#, "\\ud83d"),
            (r#""\ud83d\ude00\ud83d""#, "\u{1f600}\u{fffd}"),
        ] {
            assert_eq!(from_json::<Value>(body.as_bytes()).unwrap(), expected, "{body}");
        }
        assert!(from_json::<Value>(br#"{"a":"\ud8"#).is_err());
    }
}
