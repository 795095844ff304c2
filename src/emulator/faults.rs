//! What goes wrong on purpose: which request, and how. Deterministic, because it is
//! counted in requests.
//!
//! Leaves to others: carrying it out (`routes`, `server`).

use std::time::Duration;

use http::Method;

use super::canned::Canned;
use super::http::Request;

/// Something that goes wrong.
#[derive(Debug, Clone)]
pub struct Fault {
    pub on: Matcher,
    pub action: Action,
}

impl Fault {
    pub fn new(on: Matcher, action: Action) -> Self {
        Self { on, action }
    }
}

/// Chooses requests. Items of a batch are requests of their own.
#[derive(Debug, Clone)]
pub struct Matcher {
    /// None is any method.
    pub method: Option<Method>,
    /// How the path begins, `/v1.0` left out; for the token endpoint, how it ends.
    pub path: String,
    /// An object id in the path or in the body.
    pub object: Option<String>,
    /// The first matching request that it befalls, from 1.
    pub first: u64,
    /// Every how many matching requests from there on.
    pub every: u64,
    pub times: u64,
}

impl Matcher {
    /// The first request of this method whose path begins so.
    pub fn new(method: Method, path: &str) -> Self {
        Self { method: Some(method), path: path.into(), object: None, first: 1, every: 1, times: 1 }
    }

    /// The first request of any kind.
    pub fn any() -> Self {
        Self { method: None, ..Self::new(Method::GET, "") }
    }

    pub fn invitation() -> Self {
        Self::new(Method::POST, "/invitations")
    }

    /// The first change of a user.
    pub fn patch() -> Self {
        Self::new(Method::PATCH, "/users/")
    }

    /// The first request for a token.
    pub fn token() -> Self {
        Self::new(Method::POST, TOKEN_PATH)
    }

    /// Only requests about this object.
    #[must_use]
    pub fn of(self, object: &str) -> Self {
        Self { object: Some(object.to_lowercase()), ..self }
    }

    /// From the n-th matching request on.
    #[must_use]
    pub fn nth(self, first: u64) -> Self {
        Self { first, ..self }
    }

    /// Only every n-th matching request.
    #[must_use]
    pub fn every(self, every: u64) -> Self {
        Self { every: every.max(1), ..self }
    }

    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self { times, ..self }
    }

    #[must_use]
    pub fn always(self) -> Self {
        self.times(u64::MAX)
    }

    fn matches(&self, request: &Request) -> bool {
        let path = request.path.strip_prefix("/v1.0").unwrap_or(&request.path);
        let path_matches = if self.path == TOKEN_PATH {
            path.ends_with(TOKEN_PATH)
        } else {
            path.starts_with(&self.path)
        };
        path_matches
            && self.method.as_ref().is_none_or(|method| *method == request.method)
            && self.object.as_ref().is_none_or(|object| {
                request.path.to_lowercase().contains(object.as_str())
                    || String::from_utf8_lossy(&request.body)
                        .to_lowercase()
                        .contains(object.as_str())
            })
    }
}

const TOKEN_PATH: &str = "/oauth2/v2.0/token";

/// How a request goes wrong.
#[derive(Debug, Clone)]
pub enum Action {
    /// Nothing is done; this is answered.
    Answer(Canned),
    /// The request is carried out, and this is answered all the same.
    CommitThenAnswer(Canned),
    /// Nothing is done; the connection closes without an answer.
    Drop,
    /// The request is carried out; the connection closes without an answer.
    CommitThenDrop,
    /// The request is carried out; the connection closes halfway through the answer.
    TruncateBody,
    /// An invitation is answered with `201` and `status: "Error"`, and is none.
    ErrorStatusIn201,
    /// The request is carried out this much later.
    Delay(Duration),
    /// The request is carried out; the answer comes this much later.
    CommitThenDelay(Duration),
    /// The request is carried out; its answer comes spoilt.
    Spoil(Spoil),
    /// A list is answered, and says that there is one more page, whatever there is.
    OneMorePage,
    /// Nothing is done: every connection is cut, and for so long none comes about.
    Away(Duration),
}

/// How an answer comes spoilt. Over a socket: a caller in process sees the body as it would
/// travel, and has to stop reading by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spoil {
    /// The connection is reset halfway through it.
    Reset,
    /// Its head announces half of it, and no more is sent.
    TooShort,
    /// Blanks follow it for as long as anybody listens.
    Endless,
    /// In its place something compressed that unfolds to more than a hundred times of it, for
    /// as long as anybody listens.
    Unfolding,
    /// One byte at a time, each after this pause.
    Dripping(Duration),
}

/// Faults that wait for their requests.
#[derive(Debug, Default)]
pub(super) struct Armed(Vec<(Fault, u64)>);

impl Armed {
    pub(super) fn new(faults: Vec<Fault>) -> Self {
        Self(faults.into_iter().map(|fault| (fault, 0)).collect())
    }

    pub(super) fn add(&mut self, fault: Fault) {
        self.0.push((fault, 0));
    }

    /// What befalls this request. Every fault counts the requests it matches; the
    /// first whose turn it is wins.
    pub(super) fn strike(&mut self, request: &Request) -> Option<Action> {
        let mut action = None;
        for (fault, matched) in &mut self.0 {
            if fault.on.matches(request) {
                *matched += 1;
                let turn = matched.checked_sub(fault.on.first).is_some_and(|since| {
                    since % fault.on.every == 0 && since / fault.on.every < fault.on.times
                });
                if turn && action.is_none() {
                    action = Some(fault.action.clone());
                }
            }
        }
        action
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: Method, path: &str, body: &'static str) -> Request {
        Request {
            method,
            path: path.into(),
            query: String::new(),
            headers: http::HeaderMap::new(),
            body: body.into(),
            origin: String::new(),
            id: String::new(),
        }
    }

    #[test]
    fn a_fault_befalls_the_requests_it_was_made_for() {
        let on = Matcher::invitation().of("A1").nth(2).times(2);
        let mut armed = Armed::new(vec![Fault::new(on, Action::Drop)]);
        let mut strikes =
            |path: &str, body| armed.strike(&request(Method::POST, path, body)).is_some();
        let mine = "{\"invitedUser\":{\"id\":\"a1\"}}";
        assert!(!strikes("/v1.0/invitations", mine));
        assert!(!strikes("/v1.0/invitations", "{}"));
        assert!(!strikes("/v1.0/users/a1", ""));
        assert!(strikes("/v1.0/invitations", mine));
        assert!(strikes("/v1.0/invitations", mine));
        assert!(!strikes("/v1.0/invitations", mine));
    }

    #[test]
    fn a_fault_can_befall_every_third_request() {
        let on = Matcher::patch().nth(2).every(3).times(2);
        let mut armed = Armed::new(vec![Fault::new(on, Action::Drop)]);
        let struck: Vec<u64> = (1..=12)
            .filter(|_| armed.strike(&request(Method::PATCH, "/v1.0/users/1", "")).is_some())
            .collect();
        assert_eq!(struck, [2, 5]);
    }
}
