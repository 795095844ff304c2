//! What may be done with nobody watching: drift put right, guests reminded.
//!
//! Leaves to others: deciding what is due (`plan`).

use std::time::Duration;

use jiff::civil::{Time, Weekday};

use super::arg_values::parse_time_of_day;
use super::duration::parse_days;
use super::key;
use super::layers::{Layers, Reported};
use super::value::{Fault, Value};
use crate::domain::Email;

/// What a night may do unasked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReconcileSettings {
    /// Go ahead without asking.
    pub unattended: bool,
    /// Which changed mails to write again.
    pub correct_drift: Vec<Correct>,
    /// The most guests to begin in a night; None for all.
    pub max_changes: Option<u64>,
    /// Ask the message trace what became of mails.
    pub mail_trace: bool,
    /// Who sends Microsoft's invitations, as the trace shows it; None where those are not
    /// looked for.
    pub invitations_from: Option<Email>,
}

/// A kind of drift that may be put right unasked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Correct {
    /// The guest has an address again that it had before the campaign.
    MailBack,
    /// The guest has some other address.
    MailOther,
}

const CORRECT: &[(&str, Correct)] =
    &[("mail-back", Correct::MailBack), ("mail-other", Correct::MailOther)];

/// Who is invited once more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemindSettings {
    /// How long after its first invitation a guest is reminded; None for never.
    pub after: Option<Duration>,
    /// Most mails to a guest and address, the first invitation included.
    pub max: u32,
    /// Least time between two reminders of a guest, and after one that was refused.
    pub gap: Duration,
    /// When nobody is reminded.
    pub quiet_hours: Option<QuietHours>,
    /// On which days guests are reminded.
    pub weekdays: Weekdays,
}

impl Default for RemindSettings {
    fn default() -> Self {
        Self {
            after: None,
            max: 3,
            gap: Duration::from_hours(168),
            quiet_hours: None,
            weekdays: Weekdays::default(),
        }
    }
}

/// A part of every day, in UTC, that may reach over midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    pub from: Time,
    /// Up to this time of day, which is no longer in it.
    pub to: Time,
}

impl QuietHours {
    /// Whether a time of day is in it.
    pub fn contain(self, time: Time) -> bool {
        if self.from < self.to {
            (self.from..self.to).contains(&time)
        } else {
            time >= self.from || time < self.to
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weekdays([bool; 7]);

impl Default for Weekdays {
    fn default() -> Self {
        Self([true; 7])
    }
}

impl Weekdays {
    /// Whether a day is among them.
    pub fn contain(self, day: Weekday) -> bool {
        self.0[usize::from(day.to_monday_zero_offset().unsigned_abs())]
    }
}

const DAYS: &[(&str, usize)] =
    &[("mon", 0), ("tue", 1), ("wed", 2), ("thu", 3), ("fri", 4), ("sat", 5), ("sun", 6)];

impl ReconcileSettings {
    pub(super) fn resolve(layers: &mut Layers<'_>) -> Result<Self, Reported> {
        let unattended = layers.get(key::RECONCILE_UNATTENDED, Value::boolean);
        let correct = layers.get(key::RECONCILE_CORRECT_DRIFT, |value| words(value, CORRECT));
        let changes = layers.get(key::RECONCILE_MAX_CHANGES, |value| value.whole(1, u32::MAX));
        let trace = layers.get(key::RECONCILE_MAIL_TRACE, Value::boolean);
        let from = layers.get(key::RECONCILE_INVITATIONS_FROM, |value| value.parsed(Email::parse));
        Ok(Self {
            unattended: unattended?.unwrap_or_default(),
            correct_drift: correct?.unwrap_or_default(),
            max_changes: changes?.map(u64::from),
            mail_trace: trace?.unwrap_or_default(),
            invitations_from: from?,
        })
    }
}

impl RemindSettings {
    pub(super) fn resolve(layers: &mut Layers<'_>) -> Result<Self, Reported> {
        let after = layers.get(key::REMIND_AFTER, |value| value.parsed(parse_days));
        let max = layers.get(key::REMIND_MAX, |value| value.whole(1, 100));
        let gap = layers.get(key::REMIND_GAP, |value| value.parsed(parse_days));
        let quiet = layers.get(key::REMIND_QUIET_HOURS, |value| value.parsed(quiet_hours));
        let days = layers.get(key::REMIND_WEEKDAYS, |value| words(value, DAYS));
        let default = Self::default();
        Ok(Self {
            after: after?,
            max: max?.unwrap_or(default.max),
            gap: gap?.unwrap_or(default.gap),
            quiet_hours: quiet?,
            weekdays: match days?.filter(|days| !days.is_empty()) {
                None => default.weekdays,
                Some(days) => {
                    let mut weekdays = [false; 7];
                    for day in days {
                        weekdays[day] = true;
                    }
                    Weekdays(weekdays)
                }
            },
        })
    }
}

/// A list of words, each one of those given.
fn words<T: Copy>(value: &Value, choices: &[(&'static str, T)]) -> Result<Vec<T>, Fault> {
    let texts = value.texts()?;
    texts.into_iter().map(|text| Value::Text(text.to_owned()).choice(choices)).collect()
}

fn quiet_hours(text: &str) -> Result<QuietHours, String> {
    let form = || format!("`{text}` is not a part of the day such as 20:00-07:00");
    let (from, to) = text.split_once('-').ok_or_else(form)?;
    let time = |text: &str| parse_time_of_day(text.trim()).map_err(|_| form());
    let (from, to) = (time(from)?, time(to)?);
    if from == to {
        return Err(format!("`{text}` begins when it ends: leave out [remind] after instead"));
    }
    Ok(QuietHours { from, to })
}

#[cfg(test)]
mod tests {
    use jiff::civil::time;

    use super::*;

    #[test]
    fn quiet_hours_may_reach_over_midnight() {
        let night = quiet_hours("20:00-07:00").unwrap();
        for (hour, quiet) in [(19, false), (20, true), (23, true), (0, true), (6, true), (7, false)]
        {
            assert_eq!(night.contain(time(hour, 0, 0, 0)), quiet, "{hour}");
        }
        let noon = quiet_hours("12:00 - 13:30").unwrap();
        assert!(noon.contain(time(13, 29, 0, 0)) && !noon.contain(time(13, 30, 0, 0)));
        for text in ["20:00", "8-9", "20:00-24:00", "07:00-07:00"] {
            assert!(quiet_hours(text).is_err(), "{text}");
        }
    }

    #[test]
    fn days_are_named_by_three_letters() {
        let days = |list: &[&str]| {
            words(&Value::List(list.iter().map(|&d| Value::Text(d.into())).collect()), DAYS)
        };
        assert_eq!(days(&["mon", "sun"]), Ok(vec![0, 6]));
        let fault = days(&["sunday"]).unwrap_err();
        assert!(fault.message.contains("`sunday` is not `mon`"), "{}", fault.message);
        let only_sunday = Weekdays([false, false, false, false, false, false, true]);
        assert!(only_sunday.contain(Weekday::Sunday) && !only_sunday.contain(Weekday::Monday));
    }
}
