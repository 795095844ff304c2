//! What `emulate` and `rehearse` share: the tenant of a file, and how a tenant behaves.
//!
//! Leaves to others: the tenant itself (`emulator`).

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;

use crate::config::args::{Faults, WeatherArgs};
use crate::config::{Factor, Latencies, Latency, Quota};
use crate::emulator::{
    Action, Canned, Fault, Lag, MailRule, Matcher, Options, Others, Quotas, RetryAfter, TenantSeed,
};

use super::Exit;
use super::failure::Failure;

/// The tenant that a file describes.
pub(super) fn tenant_of(path: &Path) -> Result<TenantSeed, Failure> {
    let name = path.display();
    let json = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read {name}"))
        .map_err(|error| Failure::new(Exit::Usage, error))?;
    TenantSeed::from_json(&json)
        .with_context(|| format!("{name} describes no tenant"))
        .map_err(|error| Failure::new(Exit::Usage, error))
}

/// How the tenant behaves that these arguments describe.
pub(super) fn options(args: &WeatherArgs) -> Result<Options, Failure> {
    let latency = |Latency { min, max }| min..=max;
    let Latencies { all, patch, invite } = args.latency;
    let invitations_are_writes = args.invitations_are_writes;
    let quotas = match args.quota {
        Quota::Documented => Quotas::default(),
        Quota::None => Quotas::unlimited(),
        Quota::Factor(factor) => Quotas::default().scaled(factor),
    };
    let options = Options {
        mail_rules: mail_rules(&args.bounce)?,
        quotas: Quotas {
            invitations_are_writes,
            tells_share: !args.silent_quota,
            refuses_gradually: args.gradual_refusals,
            others: args.other_writes.map_or_else(Others::default, |Factor(rate)| Others {
                writes: rate,
                invitations: rate,
            }),
            ..quotas.over(args.quota_window.0)
        },
        faults: args.refuse_every.map(by_chance).unwrap_or_default(),
        trace_delay: args.trace_delay,
        read_lag: lag(args.read_lag),
        invitation_lag: lag(args.invitation_lag),
        latency: (all.max > Duration::ZERO).then(|| latency(all)),
        patch_latency: patch.map(latency),
        invitation_latency: invite.map(latency),
        // Hours of rehearsal with every request kept would only grow.
        log_requests: false,
        ..Options::default()
    };
    Ok(match args.faults {
        Faults::None => options,
        Faults::BadDay => options.on_a_bad_day(),
    })
}

/// Refusals that come whatever the pace.
fn by_chance(every: u64) -> Vec<Fault> {
    let writes = [Matcher::patch(), Matcher::invitation()];
    let refused = || Action::Answer(Canned::throttled(RetryAfter::Seconds(1)));
    writes.map(|write| Fault::new(write.nth(every).every(every).always(), refused())).into()
}

fn lag(lag: Duration) -> Lag {
    if lag.is_zero() { Lag::None } else { Lag::Fixed(lag) }
}

fn mail_rules(texts: &[String]) -> Result<Vec<MailRule>, Failure> {
    let rules = texts.iter().map(|text| {
        text.parse().map_err(|form: &str| {
            Failure::new(Exit::Usage, anyhow::anyhow!("--bounce {text} is no rule")).hint(form)
        })
    });
    rules.collect()
}
