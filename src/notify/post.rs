//! One message to one address: tried a few times, for a few seconds, and never with
//! the address in what is said of it.
//!
//! Leaves to others: the message, and how a request travels (`graph::Transport`).

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tokio::time::{sleep, timeout};
use url::Url;

use crate::config::SecretSource;
use crate::graph::{Transport, is_loopback};

/// How long posting may take, all tries together. The run is over and its scheduler
/// waits.
pub(super) const TIME_LIMIT: Duration = Duration::from_secs(12);

/// How long one try may take. Slack, Teams and the monitors answer within a second.
const TRY_LIMIT: Duration = Duration::from_secs(5);

/// Waits between the tries.
const WAITS: [Duration; 2] = [Duration::from_millis(500), Duration::from_millis(1500)];

/// An address that is itself a secret.
#[derive(Clone)]
pub(super) struct Address(Url);

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address([REDACTED])")
    }
}

impl Address {
    /// Reads it from where the configuration says. The error is a sentence without it.
    pub(super) async fn read(source: &SecretSource) -> Result<Self, String> {
        let text = source.read().await.map_err(|error| {
            let cause = std::error::Error::source(&error);
            let cause = cause.map(|cause| format!(": {cause}")).unwrap_or_default();
            format!("{error}{cause}")
        })?;
        Self::parse(text.expose_secret())
    }

    fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text.trim()).map_err(|_| "its address is no URL".to_owned())?;
        let is_safe = match url.scheme() {
            "https" => url.has_host(),
            "http" => is_loopback(&url),
            _ => false,
        };
        if !is_safe {
            return Err("its address is not https".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("its address carries a user name or a password".to_owned());
        }
        Ok(Self(url))
    }

    /// The address with one more step at the end of its path.
    pub(super) fn with(&self, step: &str) -> Self {
        let mut url = self.0.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push(step);
        }
        Self(url)
    }
}

#[derive(Debug)]
pub(super) enum Body {
    Json(Value),
    Text(String),
}

impl Body {
    fn request(&self, address: &Address) -> Request<Bytes> {
        let (kind, bytes) = match self {
            Self::Json(value) => ("application/json", value.to_string()),
            Self::Text(text) => ("text/plain; charset=utf-8", text.clone()),
        };
        Request::builder()
            .method(Method::POST)
            .uri(address.0.as_str())
            .header(header::CONTENT_TYPE, kind)
            .body(Bytes::from(bytes))
            .expect("a parsed URL and constant headers")
    }
}

/// Posts the body until it is taken. A message told twice does less harm than one
/// never told, so that every doubtful try is repeated.
pub(super) async fn post(
    transport: &dyn Transport,
    address: &Address,
    body: &Body,
) -> Result<(), String> {
    let mut last = "no answer".to_owned();
    let tries = async {
        let mut waits = WAITS.into_iter();
        loop {
            match timeout(TRY_LIMIT, transport.send(body.request(address))).await {
                Ok(Ok(answer)) if answer.status().is_success() => return Ok(()),
                Ok(Ok(answer)) => {
                    last = format!("it answered {}", answer.status().as_u16());
                    if !is_passing(answer.status()) {
                        return Err(());
                    }
                }
                Ok(Err(error)) => last = error.to_string(),
                Err(_) => last = format!("no answer within {} s", TRY_LIMIT.as_secs()),
            }
            let Some(wait) = waits.next() else { return Err(()) };
            sleep(wait).await;
        }
    };
    match timeout(TIME_LIMIT, tries).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(())) | Err(_) => Err(last),
    }
}

/// Whether the next try may fare better.
fn is_passing(status: StatusCode) -> bool {
    status.is_server_error()
        || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use http::Response;
    use tokio::time::Instant;

    use super::*;
    use crate::graph::{Reached, TransportError};

    /// Answers with these in turn, and then not at all.
    struct Answers(Mutex<Vec<u16>>);

    #[async_trait]
    impl Transport for Answers {
        async fn send(&self, _: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
            let next = self.0.lock().unwrap().pop();
            match next {
                None => std::future::pending().await,
                Some(0) => {
                    let message = "host: connection refused".to_owned();
                    Err(TransportError { was_up: false, reached: Reached::No, message })
                }
                Some(status) => Ok(Response::builder().status(status).body(Bytes::new()).unwrap()),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_is_tried_a_few_times_and_given_up_soon() {
        for (answers, told, left, seconds) in [
            (vec![200], Ok(()), 0, 0.0),
            (vec![202, 503], Ok(()), 0, 0.5),
            (vec![204, 0, 429], Ok(()), 0, 2.0),
            (vec![200, 404], Err("it answered 404"), 1, 0.0),
            (vec![200, 302], Err("it answered 302"), 1, 0.0),
            (vec![200, 0, 0, 0], Err("host: connection refused"), 1, 2.0),
            (vec![], Err("no answer within 5 s"), 0, 12.0),
            (vec![500], Err("no answer within 5 s"), 0, 12.0),
        ] {
            let text = format!("{answers:?}");
            let answers = Answers(Mutex::new(answers));
            let address = Address::parse("https://hooks.example/secret").unwrap();
            let started = Instant::now();
            let result = post(&answers, &address, &Body::Text(String::new())).await;
            assert_eq!(
                result.as_ref().map_err(String::as_str),
                told.as_ref().map_err(|e| *e),
                "{text}"
            );
            assert_eq!(answers.0.lock().unwrap().len(), left, "{text}");
            let took = started.elapsed().as_secs_f64();
            assert!(
                (took - seconds).abs() < 0.1 || took <= TIME_LIMIT.as_secs_f64() && seconds > 11.0,
                "{text}: {took}"
            );
        }
    }

    #[test]
    fn an_address_is_https_but_on_loopback_and_never_shown() {
        for (text, is_taken) in [
            ("https://hooks.example/T0/B0/secret", true),
            ("http://127.0.0.1:8080/secret", true),
            ("http://hooks.example/secret", false),
            ("https://user:secret@hooks.example/", false),
            ("file:///etc/secret", false),
            ("secret", false),
        ] {
            let read = Address::parse(text);
            assert_eq!(read.is_ok(), is_taken, "{text}");
            assert!(!format!("{read:?}").contains("secret"), "{read:?}");
        }
    }

    #[test]
    fn a_step_is_added_before_the_query() {
        for (address, started) in [
            ("https://hc.example/uuid", "https://hc.example/uuid/start"),
            ("https://hc.example/uuid/", "https://hc.example/uuid/start"),
            ("https://hc.example/key/slug?create=1", "https://hc.example/key/slug/start?create=1"),
        ] {
            assert_eq!(Address::parse(address).unwrap().with("start").0.as_str(), started);
        }
    }
}
