//! A campaign in waves: how many guests each has, and what the next waits for.
//!
//! Leaves to others: which wave it is (`plan`).

use std::time::Duration;

use super::duration::parse_days;
use super::guards::limit;
use super::key;
use super::layers::{Layers, Reported};
use super::limit::{Limit, Percent};
use super::value::{Fault, Value};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WaveSettings {
    /// Guests of each wave; none at all without waves.
    pub sizes: Vec<WaveSize>,
    /// Most guests that may have failed before the next wave; a share is one of those
    /// begun.
    pub max_failures: Option<Limit>,
    /// Most guests whose mails may have bounced; a share is one of those invited.
    pub max_bounced: Option<Limit>,
    /// How many of those invited must have redeemed before the next wave …
    pub redeemed: Option<Percent>,
    /// … or how long it must be since the last of them was invited.
    pub after: Option<Duration>,
}

/// How many guests a wave has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaveSize {
    /// So many, or such a share of the rows in scope.
    Limit(Limit),
    Rest,
}

impl WaveSettings {
    pub(super) fn resolve(layers: &mut Layers<'_>) -> Result<Self, Reported> {
        let sizes = layers.get(key::WAVES_SIZES, sizes);
        let failures = layers.get(key::WAVES_MAX_FAILURES, limit);
        let bounced = layers.get(key::WAVES_MAX_BOUNCED, limit);
        let redeemed = layers.get(key::WAVES_REDEEMED, |value| match limit(value)? {
            Limit::Share(share) => Ok(share),
            Limit::Count(_) => Err(Fault::new("must be a share such as \"80%\"")),
        });
        let after = layers.get(key::WAVES_AFTER, |value| value.parsed(parse_days));
        Ok(Self {
            sizes: sizes?.unwrap_or_default(),
            max_failures: failures?,
            max_bounced: bounced?,
            redeemed: redeemed?,
            after: after?,
        })
    }
}

fn sizes(value: &Value) -> Result<Vec<WaveSize>, Fault> {
    let items = match value {
        Value::List(items) => items.clone(),
        Value::Variable(text) => text.split(',').map(|part| Value::Variable(part.into())).collect(),
        Value::Text(_)
        | Value::Boolean(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Table(_)
        | Value::Other(_) => {
            return Err(Fault::new("must be a list such as [5, 50, \"20%\", \"rest\"]"));
        }
    };
    let size = |item: &Value| match item {
        Value::Text(text) | Value::Variable(text) if text.trim() == "rest" => Ok(WaveSize::Rest),
        item => match limit(item)? {
            Limit::Count(0) => Err(Fault::new("a wave of 0 guests would never end")),
            limit => Ok(WaveSize::Limit(limit)),
        },
    };
    let sizes = items.iter().map(size).collect::<Result<Vec<_>, _>>()?;
    match sizes.iter().position(|size| *size == WaveSize::Rest) {
        Some(position) if position + 1 < sizes.len() => {
            Err(Fault::new("nothing comes after \"rest\""))
        }
        Some(_) | None => Ok(sizes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_numbers_shares_and_the_rest() {
        let list = |items: Vec<Value>| sizes(&Value::List(items));
        let text = |text: &str| Value::Text(text.into());
        let share = WaveSize::Limit("20%".parse().unwrap());
        let five = WaveSize::Limit(Limit::Count(5));
        assert_eq!(
            list(vec![Value::Integer(5), text("20%"), text("rest")]),
            Ok(vec![five, share, WaveSize::Rest])
        );
        assert_eq!(sizes(&Value::Variable("5, 20%".into())), Ok(vec![five, share]));
        for wrong in [vec![text("rest"), text("5")], vec![Value::Integer(0)], vec![text("all")]] {
            assert!(list(wrong.clone()).is_err(), "{wrong:?}");
        }
        assert!(sizes(&Value::Integer(5)).is_err());
    }
}
