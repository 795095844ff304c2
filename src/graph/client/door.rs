//! The door that every request goes through, and what is sent through it again: it is sent
//! when it has its turn, with a token, and once more where it was certainly not carried out,
//! or is safe to repeat.
//!
//! Leaves to others: what an answer means (`catalogue`), and whose it is (`answer`).

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use url::Url;
use uuid::Uuid;

use super::{Graph, Observation};
use crate::graph::answer::from_json;
use crate::graph::auth::{AuthError, ClaimsRequest, Rejected};
use crate::graph::backoff::backoff;
use crate::graph::call::{Call, log, request};
use crate::graph::call_error::CallError;
use crate::graph::catalogue::{Operation, Verdict, judge};
use crate::graph::pace::{Lane, Shape, Throttling, sleep_or_stop};
use crate::graph::redact::redact;
use crate::graph::refusal::{Refusal, header};
use crate::graph::transport::{ExplanationLost, Reached};

/// How often a request that is safe to repeat is sent before its failure counts.
/// With the waits between, this bridges about a minute of trouble.
const ATTEMPTS: u32 = 6;

/// So often in a row is an answer believed to have broken on its way.
const BROKEN_ANSWERS: u32 = 3;

/// How often one request may be turned away. With Graph's usual waits of some
/// seconds to a minute this is a quarter of an hour or more without one request
/// getting through: a person or the next run should decide.
pub(crate) const THROTTLED_ATTEMPTS: u32 = 30;

/// An answer that took longer says nothing about the time it arrives at.
const QUICK_ANSWER: Duration = Duration::from_secs(1);

/// An invitation whose token took longer is not sent with it, but decided on once more.
const QUICK_TOKEN: Duration = Duration::from_secs(2);

impl Graph {
    /// Reads JSON; repeats what is safe to repeat.
    pub(in crate::graph) async fn read<T: DeserializeOwned>(
        &self,
        call: &Call,
    ) -> Result<T, CallError> {
        self.read_sized(call).await.map(|(answer, _)| answer)
    }

    /// The same, and how many bytes it was.
    pub(in crate::graph) async fn read_sized<T: DeserializeOwned>(
        &self,
        call: &Call,
    ) -> Result<(T, usize), CallError> {
        let mut attempt = 1;
        loop {
            let body = self.repeat(call).await?;
            let error = match from_json(&body) {
                Ok(answer) => return Ok((answer, body.len())),
                Err(error) => error,
            };
            let why = format!("{} {}: {error}", call.method, call.url.path());
            // No JSON to its end: it broke on its way, and one odd answer is none.
            if !(error.is_syntax() || error.is_eof()) || attempt == BROKEN_ANSWERS {
                return Err(CallError::Protocol(why));
            }
            self.retry_wait(attempt, None, why).await?;
            attempt += 1;
        }
    }

    /// Sends a request that is safe to repeat until it is answered for good.
    pub(in crate::graph) async fn repeat(&self, call: &Call) -> Result<Bytes, CallError> {
        let mut attempt = 1;
        loop {
            let error = match self.pass(call).await {
                Ok(answer) => return Ok(answer.into_body()),
                Err(error) => error,
            };
            // A 503 may say how long (Microsoft Graph, *Throttling*).
            let (passing, asked) = match &error {
                CallError::Lost { .. } => (true, None),
                CallError::Refused { verdict, refusal } => {
                    let passing = matches!(verdict, Verdict::OutcomeUnknown | Verdict::RetrySoon);
                    (passing, refusal.retry_after)
                }
                CallError::Stopped
                | CallError::Auth(_)
                | CallError::Unreachable(_)
                | CallError::Throttled { .. }
                | CallError::ThrottledOut(_)
                | CallError::Foreign(_)
                | CallError::Protocol(_) => (false, None),
            };
            if !passing || attempt == ATTEMPTS {
                return Err(error);
            }
            self.retry_wait(attempt, asked, error.to_string()).await?;
            attempt += 1;
        }
    }

    /// Sends one request through the door. It is sent again only when it was
    /// certainly not carried out: turned away with a 429, refused for its token,
    /// or never connected.
    pub(in crate::graph) async fn pass(&self, call: &Call) -> Result<Response<Bytes>, CallError> {
        let mut rejected: Option<Rejected> = None;
        let (mut throttled, mut unexplained) = (0, 0);
        let (lane, shape) = (call.lane(), self.shape(&call.url));
        loop {
            // An invitation waited for that before its intent was written down.
            if lane != Lane::Invite {
                self.connected().await?;
            }
            let permit = match lane {
                Lane::Read | Lane::Patch | Lane::Mail => self.pacer.enter(lane, shape).await?,
                // Its turn was taken before its intent was written down.
                Lane::Invite => match self.pacer.enter_now().await? {
                    Some(permit) => permit,
                    None => return Err(CallError::Throttled { by_service: false }),
                },
            };
            let asked_at = Instant::now();
            let way = self.sign_in_way();
            let bearer = tokio::select! {
                biased;
                () = self.stop.cancelled() => return Err(CallError::Stopped),
                bearer = self.tokens.bearer(&way, rejected.as_ref()) => bearer,
            };
            let bearer = match bearer {
                Ok(bearer) => bearer,
                Err(AuthError::Unreachable(error)) => {
                    drop(permit);
                    self.away(error).map_err(AuthError::Unreachable)?;
                    if lane == Lane::Invite {
                        return Err(CallError::Throttled { by_service: false });
                    }
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            if lane == Lane::Invite && asked_at.elapsed() > QUICK_TOKEN {
                // Signing in took its time: the guest may have changed meanwhile.
                return Err(CallError::Throttled { by_service: true });
            }
            self.traffic.requests.fetch_add(1, Ordering::Relaxed);
            let sent_at = Instant::now();
            let id = Uuid::new_v4();
            call.note_request(id);
            let answer = self.transport.send(request(call, &bearer, id)).await;
            drop(permit);
            log(call, &answer, sent_at.elapsed());
            let mut answer = match answer {
                Ok(answer) => answer,
                Err(error) if error.reached == Reached::No => {
                    self.away(error).map_err(CallError::Unreachable)?;
                    if lane == Lane::Invite {
                        // By the time there is a way again, the guest may have changed.
                        return Err(CallError::Throttled { by_service: false });
                    }
                    self.traffic.retries.fetch_add(1, Ordering::Relaxed);
                    continue;
                }
                Err(error) => {
                    self.connection.lost();
                    return Err(CallError::Lost { evidence: format!("no answer: {error}") });
                }
            };
            self.connection.is_up();
            let token = bearer.to_str().unwrap_or_default().trim_start_matches("Bearer ");
            redact(&mut answer, &[token]);
            self.recognise(call, &answer)?;
            call.note_answer(&answer);
            // A date that was long on its way would put the service's clock back by as much.
            if sent_at.elapsed() <= QUICK_ANSWER
                && let Some(apart) = self.clock.learn(answer.headers())
            {
                let what = format!(
                    "one answer was dated {apart:#} from the others; its date is not believed"
                );
                (self.observer)(Observation::Noticed { what });
            }
            self.pacer.learn_cost(shape, answer.headers());
            if answer.status() != StatusCode::TOO_MANY_REQUESTS {
                self.pacer.let_through(lane, sent_at, answer.headers());
            }
            if answer.status().is_success() {
                return Ok(answer);
            }
            let refusal = Refusal::read(&answer);
            // Refused, so not carried out; but the same status means "later" and
            // "never", and which of them was cut off. Asking again tells.
            let is_unexplained = answer.extensions().get::<ExplanationLost>().is_some();
            // A 403 may be the tenant's stop, which is not asked for twice; 408 and 429 mean
            // what they mean without words.
            let is_ambiguous = matches!(
                answer.status(),
                StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND | StatusCode::CONFLICT
            );
            if is_unexplained && is_ambiguous && unexplained < ATTEMPTS {
                unexplained += 1;
                let why = format!("{refusal}, and the explanation was cut off");
                self.retry_wait(unexplained, refusal.retry_after, why).await?;
                continue;
            }
            let verdict = judge(call.operation, &refusal);
            match verdict {
                Verdict::Retry => {
                    throttled += 1;
                    if throttled == THROTTLED_ATTEMPTS {
                        return Err(CallError::ThrottledOut(throttled));
                    }
                    let wait = refusal.retry_after.unwrap_or_else(|| backoff(throttled));
                    self.hold_off_for(wait, lane, sent_at, answer.headers());
                    if call.operation == Operation::Invite {
                        // By the time the hold-off ends, the guest may have changed.
                        return Err(CallError::Throttled { by_service: true });
                    }
                }
                Verdict::RefreshToken => {
                    let claims = ClaimsRequest::from_headers(answer.headers());
                    let refused = Rejected { bearer, claims };
                    // A token got for this very request and refused again: another won't help.
                    if rejected.is_some() || !self.tokens.can_refresh() {
                        // Whose token is good and who may not do this: the sign-in is in order.
                        if answer.status() == StatusCode::FORBIDDEN {
                            return Err(CallError::Refused { refusal: Box::new(refusal), verdict });
                        }
                        let refusal = refusal.to_string();
                        return Err(self.tokens.refused_for_good(&refusal, &refused).into());
                    }
                    rejected = Some(refused);
                    self.traffic.retries.fetch_add(1, Ordering::Relaxed);
                }
                Verdict::RetrySoon
                | Verdict::RetryWhileReplicating(_)
                | Verdict::Postponed(_)
                | Verdict::RowFailed(_)
                | Verdict::NotPermitted(_)
                | Verdict::StopRun(_)
                | Verdict::OutcomeUnknown => {
                    return Err(CallError::Refused { refusal: Box::new(refusal), verdict });
                }
            }
        }
    }

    /// Holds off what a refusal names. Whoever waits at the door notices.
    pub(in crate::graph) fn hold_off_for(
        &self,
        wait: Duration,
        lane: Lane,
        sent_at: Instant,
        headers: &HeaderMap,
    ) {
        self.traffic.throttled.fetch_add(1, Ordering::Relaxed);
        self.traffic.retries.fetch_add(1, Ordering::Relaxed);
        let scope = header(headers, "x-ms-throttle-scope");
        let information = header(headers, "x-ms-throttle-information");
        let (scope_told, information) = (scope.as_deref(), information.as_deref());
        self.pacer.refused(Throttling { lane, sent_at, wait, scope: scope_told, information });
        (self.observer)(Observation::Throttled { scope, wait });
    }

    /// What the cost of a call depends on.
    fn shape(&self, url: &Url) -> Shape {
        let path = url.path().strip_prefix(self.root.path()).unwrap_or_default();
        Shape::from_request(path, url.query().unwrap_or_default())
    }

    pub(in crate::graph) async fn retry_wait(
        &self,
        attempt: u32,
        asked: Option<Duration>,
        why: String,
    ) -> Result<(), CallError> {
        let wait = asked.unwrap_or_default().max(backoff(attempt));
        self.traffic.retries.fetch_add(1, Ordering::Relaxed);
        (self.observer)(Observation::Retrying { attempt, wait, why });
        Ok(sleep_or_stop(wait, &self.stop).await?)
    }
}
