//! The limits that keep a mistake small.
//!
//! Leaves to others: counting, and stopping.

use std::path::PathBuf;
use std::time::Duration;

use super::Overrides;
use super::cloud::is_domain;
use super::duration::parse_days;
use super::key;
use super::layers::{Layers, Reported};
use super::limit::{Limit, Percent};
use super::value::{Fault, Value};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guards {
    /// The most guests a run may change; a share is one of the tenant's guests.
    pub max_changes: Limit,
    /// The most rows that may fail before the run stops; a share is one of the
    /// rows attempted.
    /// Where it is a share, rows that fail in a row in the same way stop it, too.
    pub max_failures: Option<Limit>,
    /// The only domains that addresses may move to, in lower case. None: any.
    pub allowed_domains: Option<Vec<String>>,
    /// Domains whose people can redeem although the service shows no way, in lower case.
    pub redeemable_domains: Vec<String>,
    /// How many guests go first and are verified before the rest follows.
    pub canary: Option<u32>,
    /// A file whose appearance stops the run.
    pub stop_file: Option<PathBuf>,
    /// How old an invitation or redemption may be to be taken for one to the address that
    /// a guest was moved to by others; None for any age.
    pub invited_within: Option<Duration>,
}

impl Default for Guards {
    fn default() -> Self {
        Self {
            max_changes: Limit::Share(Percent::new(30).expect("30 is a share")),
            max_failures: Some(Limit::Share(Percent::new(20).expect("20 is a share"))),
            allowed_domains: None,
            redeemable_domains: Vec::new(),
            canary: None,
            stop_file: None,
            invited_within: Some(Duration::from_hours(30 * 24)),
        }
    }
}

impl Guards {
    pub(super) fn resolve(
        layers: &mut Layers<'_>,
        overrides: &Overrides,
    ) -> Result<Self, Reported> {
        let changes = layers.get(key::GUARDS_MAX_CHANGES, limit);
        let failures = layers.get(key::GUARDS_MAX_FAILURES, limit);
        let domains = layers.get(key::GUARDS_ALLOWED_DOMAINS, domains);
        let redeemable = layers.get(key::GUARDS_REDEEMABLE_DOMAINS, domain_names);
        let canary = layers.get(key::GUARDS_CANARY, |value| value.whole(0, u32::MAX));
        let stop_file = layers.path(key::GUARDS_STOP_FILE);
        let invited_within = layers.get(key::GUARDS_INVITED_WITHIN, age);
        let default = Self::default();
        Ok(Self {
            max_changes: overrides.max_changes.or(changes?).unwrap_or(default.max_changes),
            max_failures: overrides.max_failures.or(failures?).or(default.max_failures),
            allowed_domains: domains?,
            redeemable_domains: redeemable?.unwrap_or_default(),
            // 0 is how a flag turns off the canary of the file.
            canary: overrides.canary.or(canary?).filter(|&canary| canary > 0),
            stop_file: stop_file?.map(|found| found.value),
            invited_within: invited_within?.unwrap_or(default.invited_within),
        })
    }
}

/// A number as it is or a share in quotes.
pub(super) fn limit(value: &Value) -> Result<Limit, Fault> {
    match value {
        Value::Integer(count) => u64::try_from(*count)
            .map(Limit::Count)
            .map_err(|_| Fault::new("must be at least 0, or a share such as \"30%\"")),
        Value::Variable(_)
        | Value::Text(_)
        | Value::Boolean(_)
        | Value::Float(_)
        | Value::List(_)
        | Value::Table(_)
        | Value::Other(_) => value.parsed(str::parse),
    }
}

/// A duration, or none for any age.
fn age(value: &Value) -> Result<Option<Duration>, Fault> {
    match value {
        Value::Text(text) if text == "any" => Ok(None),
        _ => value
            .parsed(parse_days)
            .map(Some)
            .map_err(|fault| fault.with_hint("\"any\" is any age")),
    }
}

fn domains(value: &Value) -> Result<Vec<String>, Fault> {
    let domains = value.texts()?;
    if domains.is_empty() {
        return Err(Fault::new("an empty list would allow no address at all")
            .with_hint("leave the key out to allow every domain"));
    }
    domain_names(value)
}

fn domain_names(value: &Value) -> Result<Vec<String>, Fault> {
    let domains = value.texts()?;
    domains
        .into_iter()
        .map(|domain| {
            if is_domain(domain) {
                Ok(domain.to_lowercase())
            } else {
                Err(Fault::new(format!("`{domain}` is not a domain name such as fabrikam.example"))
                    .with_hint(
                        "write domains without `@` and without `*`; subdomains each by name",
                    ))
            }
        })
        .collect()
}
