//! The token in use: fetched when first needed, refreshed ahead of its end, and
//! replaced when Graph refuses it.

use std::time::Duration;

use http::HeaderValue;
use secrecy::ExposeSecret;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::{AuthError, Claims, ClaimsRequest, Token, TokenSource};
use crate::graph::transport::Transport;

/// Tokens live 60 to 90 minutes (Entra, *Access tokens*); a fresh one is fetched
/// this long before the end, so that a request under way never outlives its token.
const REFRESH_AHEAD: Duration = Duration::from_mins(5);

/// After a failed fetch, a token that is still good is used so long before the next.
const TRY_AGAIN: Duration = Duration::from_secs(30);

/// The token in use, fetched when first needed and refreshed ahead of its end.
pub(in crate::graph) struct Tokens {
    source: Box<dyn TokenSource>,
    current: Mutex<Option<Current>>,
}

struct Current {
    bearer: HeaderValue,
    caller: Claims,
    expires_at: Option<Instant>,
    refresh_at: Option<Instant>,
}

/// A token that Graph has just refused.
pub(in crate::graph) struct Rejected {
    /// The `Authorization` header's value.
    pub(in crate::graph) bearer: HeaderValue,
    /// What the next token must carry, if Graph said so.
    pub(in crate::graph) claims: Option<ClaimsRequest>,
}

impl Tokens {
    pub(in crate::graph) fn new(source: Box<dyn TokenSource>) -> Self {
        Self { source, current: Mutex::new(None) }
    }

    /// The `Authorization` header's value. `rejected` is the one that Graph has
    /// just refused, if any: it is replaced, once, by whoever comes first.
    pub(in crate::graph) async fn bearer(
        &self,
        transport: &dyn Transport,
        rejected: Option<&Rejected>,
    ) -> Result<HeaderValue, AuthError> {
        let mut current = self.current.lock().await;
        let now = Instant::now();
        let refused = current
            .as_ref()
            .and_then(|token| rejected.filter(|rejected| rejected.bearer == token.bearer));
        if let Some(token) = current.as_ref()
            && refused.is_none()
            && token.refresh_at.is_none_or(|moment| now < moment)
        {
            return Ok(token.bearer.clone());
        }
        let claims = refused.and_then(|refused| refused.claims.as_ref());
        match self.source.fetch(transport, claims).await {
            Ok(token) => {
                let fresh = Current::new(&token, now)?;
                let bearer = fresh.bearer.clone();
                *current = Some(fresh);
                Ok(bearer)
            }
            // A token that is still good outweighs a sign-in service that is not; and not
            // every request waits until that is known.
            Err(error) => match current.as_mut() {
                Some(token)
                    if refused.is_none() && token.expires_at.is_none_or(|end| now < end) =>
                {
                    token.refresh_at = Some(Instant::now() + TRY_AGAIN.min(token.left(now) / 2));
                    Ok(token.bearer.clone())
                }
                Some(_) | None => Err(error),
            },
        }
    }

    pub(in crate::graph) fn can_refresh(&self) -> bool {
        self.source.can_refresh()
    }

    /// The error of a token that was refused and can't be replaced by a better one.
    pub(in crate::graph) fn refused_for_good(
        &self,
        refusal: &str,
        rejected: &Rejected,
    ) -> AuthError {
        let unmet = rejected.claims.is_some() && !self.source.can_carry_claims();
        AuthError::TokenRejected(if unmet {
            format!("{refusal}; Graph asks for claims that this way to sign in can't request")
        } else {
            refusal.to_owned()
        })
    }

    pub(in crate::graph) async fn claims(&self) -> Option<Claims> {
        self.current.lock().await.as_ref().map(|token| token.caller.clone())
    }
}

impl Current {
    /// How long it is still good.
    fn left(&self, now: Instant) -> Duration {
        self.expires_at.map_or(Duration::MAX, |end| end.saturating_duration_since(now))
    }

    fn new(token: &Token, now: Instant) -> Result<Self, AuthError> {
        let text = token.secret.expose_secret();
        let mut bearer = HeaderValue::from_str(&format!("Bearer {text}")).map_err(|_| {
            AuthError::TokenRejected("it holds characters that no token has".to_owned())
        })?;
        bearer.set_sensitive(true);
        let refresh_at = token.expires_at.map(|end| {
            // A short-lived token is used for half its life instead.
            let life = end.saturating_duration_since(now);
            end - REFRESH_AHEAD.min(life / 2)
        });
        Ok(Self { bearer, caller: Claims::read(text), expires_at: token.expires_at, refresh_at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_trait::async_trait;
    use bytes::Bytes;
    use http::Request;

    use crate::graph::transport::{Reached, TransportError};
    use std::sync::atomic::{AtomicU32, Ordering};

    struct Counting {
        fetched: AtomicU32,
        life: Duration,
        fails_after: u32,
    }

    #[async_trait]
    impl TokenSource for Counting {
        async fn fetch(
            &self,
            _: &dyn Transport,
            _: Option<&ClaimsRequest>,
        ) -> Result<Token, AuthError> {
            let n = self.fetched.fetch_add(1, Ordering::SeqCst) + 1;
            if n > self.fails_after {
                return Err(AuthError::Refused { description: "AADSTS".into(), proof: None });
            }
            Ok(Token {
                secret: format!("token-{n}").into(),
                expires_at: Some(Instant::now() + self.life),
            })
        }

        fn can_carry_claims(&self) -> bool {
            true
        }
    }

    struct Shared(std::sync::Arc<Counting>);

    #[async_trait]
    impl TokenSource for Shared {
        async fn fetch(
            &self,
            transport: &dyn Transport,
            claims: Option<&ClaimsRequest>,
        ) -> Result<Token, AuthError> {
            self.0.fetch(transport, claims).await
        }

        fn can_carry_claims(&self) -> bool {
            true
        }
    }

    struct NoTransport;

    #[async_trait]
    impl Transport for NoTransport {
        async fn send(&self, _: Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
            Err(TransportError {
                was_up: false,
                reached: Reached::No,
                message: "no network in this test".into(),
            })
        }
    }

    fn tokens(life: u64, fails_after: u32) -> Tokens {
        Tokens::new(Box::new(Counting {
            fetched: AtomicU32::new(0),
            life: Duration::from_secs(life),
            fails_after,
        }))
    }

    async fn bearer(tokens: &Tokens, rejected: Option<&HeaderValue>) -> Result<String, AuthError> {
        let rejected = rejected.map(|bearer| Rejected { bearer: bearer.clone(), claims: None });
        let bearer = tokens.bearer(&NoTransport, rejected.as_ref()).await?;
        Ok(bearer.to_str().unwrap().to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_used_until_five_minutes_before_its_end() {
        let tokens = tokens(3600, 9);
        assert_eq!(bearer(&tokens, None).await.unwrap(), "Bearer token-1");
        tokio::time::advance(Duration::from_secs(3299)).await;
        assert_eq!(bearer(&tokens, None).await.unwrap(), "Bearer token-1");
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(bearer(&tokens, None).await.unwrap(), "Bearer token-2");
    }

    #[tokio::test(start_paused = true)]
    async fn a_rejected_token_is_replaced_once_for_everyone() {
        let tokens = tokens(3600, 9);
        let first = tokens.bearer(&NoTransport, None).await.unwrap();
        assert_eq!(bearer(&tokens, Some(&first)).await.unwrap(), "Bearer token-2");
        assert_eq!(bearer(&tokens, Some(&first)).await.unwrap(), "Bearer token-2");
    }

    #[tokio::test(start_paused = true)]
    async fn a_good_token_outlives_a_failing_sign_in_service() {
        let tokens = tokens(3600, 1);
        let first = tokens.bearer(&NoTransport, None).await.unwrap();
        tokio::time::advance(Duration::from_secs(3400)).await;
        assert_eq!(bearer(&tokens, None).await.unwrap(), "Bearer token-1");
        assert!(bearer(&tokens, Some(&first)).await.is_err());
        tokio::time::advance(Duration::from_secs(201)).await;
        assert!(bearer(&tokens, None).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_failing_sign_in_service_is_not_asked_for_every_request() {
        let source =
            Counting { fetched: AtomicU32::new(0), life: Duration::from_hours(1), fails_after: 1 };
        let source = std::sync::Arc::new(source);
        let tokens = Tokens::new(Box::new(Shared(std::sync::Arc::clone(&source))));
        bearer(&tokens, None).await.unwrap();
        for (seconds, fetched) in [(3301, 2), (1, 2), (30, 3), (1, 3)] {
            tokio::time::advance(Duration::from_secs(seconds)).await;
            assert_eq!(bearer(&tokens, None).await.unwrap(), "Bearer token-1");
            assert_eq!(source.fetched.load(Ordering::SeqCst), fetched);
        }
    }

    #[test]
    fn a_token_never_shows_in_debug_output() {
        let token = Token { secret: "very-secret".to_owned().into(), expires_at: None };
        assert!(!format!("{token:?}").contains("very-secret"));
    }
}
