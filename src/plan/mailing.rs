//! How long the mails of a plan take, and what the mailbox's day leaves for tomorrow.
//!
//! Leaves to others: keeping the pace (`delivery`), and how many were mailed before
//! (`checkpoint`).

use serde::Serialize;

use super::decision::{Invitation, PlannedRow};
use super::finding::Finding;
use super::review::count;

/// What one's own mails are limited to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MailPace {
    /// Messages a minute; None for files, which are there at once.
    pub per_minute: Option<u32>,
    /// Recipients in any 24 hours; None for no limit.
    pub recipients_per_day: Option<u32>,
    /// How many of them the last 24 hours took.
    pub spent: u64,
}

impl MailPace {
    /// Recipients that are left now; None for no limit.
    pub fn left(&self) -> Option<u64> {
        Some(u64::from(self.recipients_per_day?).saturating_sub(self.spent))
    }
}

/// The mails of one's own that a plan sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Mailing {
    pub mails: u64,
    /// Everybody in To and Cc.
    pub recipients: u64,
    /// How long they take at the configured pace, from the first to the last.
    pub seconds: u64,
    /// Recipients that the mailbox still takes today; None for no limit.
    pub recipients_left: Option<u64>,
    /// Mails that wait for another day.
    pub mails_tomorrow: u64,
    #[serde(skip)]
    per_minute: Option<u32>,
    #[serde(skip)]
    per_day: Option<u32>,
}

impl Mailing {
    /// Of a plan's rows, in their order; None where none of them is mailed by ourselves.
    pub fn of(rows: &[PlannedRow], pace: MailPace) -> Option<Self> {
        let (mut mails, mut recipients, mut tomorrow) = (0_u64, 0_u64, 0_u64);
        let mut left = pace.left();
        for invitation in rows.iter().filter_map(own_mail) {
            mails += 1;
            let needed = invitation.recipients();
            recipients += needed;
            match left.map(|left| left.checked_sub(needed)) {
                None => {}
                Some(Some(rest)) => left = Some(rest),
                Some(None) => tomorrow += 1,
            }
        }
        let seconds = pace.per_minute.map_or(0, |per_minute| {
            (mails.saturating_sub(1) * 60).div_ceil(u64::from(per_minute.max(1)))
        });
        (mails > 0).then_some(Self {
            mails,
            recipients,
            seconds,
            recipients_left: pace.left(),
            mails_tomorrow: tomorrow,
            per_minute: pace.per_minute,
            per_day: pace.recipients_per_day,
        })
    }

    /// Whether they leave one after the other; files are there at once.
    pub fn is_paced(&self) -> bool {
        self.per_minute.is_some()
    }

    /// The sentence, without full stop.
    pub fn sentence(&self) -> String {
        let mails = count(self.mails, "mail of your own", "mails of your own");
        match self.per_minute {
            None => mails,
            Some(per_minute) if self.seconds > 60 => {
                format!("{mails}, about {} at {per_minute} a minute", duration(self.seconds))
            }
            Some(per_minute) => format!("{mails}, at {per_minute} a minute"),
        }
    }

    /// That the day's budget does not last.
    pub(super) fn finding(&self) -> Option<Finding> {
        let (left, per_day) = (self.recipients_left?, self.per_day?);
        (self.mails_tomorrow > 0).then(|| {
            Finding::warn(
                "mail-budget",
                format!(
                    "{} to {}, and of the mailbox's {per_day} recipients a day {left} are left: {} for another day",
                    count(self.mails, "mail goes", "mails go"),
                    count(self.recipients, "recipient", "recipients"),
                    count(self.mails_tomorrow, "row waits", "rows wait"),
                ),
                "nobody is reset whose mail would not leave; run apply again a day later, or set [delivery.pace] recipients_per_day if the mailbox takes more",
            )
        })
    }
}

fn own_mail(row: &PlannedRow) -> Option<&Invitation> {
    row.change()?.invite.as_ref().filter(|invitation| invitation.send && invitation.by.is_own())
}

/// So many seconds, to the minute.
pub(super) fn duration(seconds: u64) -> String {
    let minutes = seconds.div_ceil(60);
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::config::DeliveryWay;
    use crate::domain::{Email, Redemption, RedirectUrl};
    use crate::plan::{Change, ChangeReason, Decision};

    fn row(by: DeliveryWay, send: bool, copies: bool) -> PlannedRow {
        let email = |text| Email::parse(text).unwrap();
        let invite = Invitation {
            address: email("ada@fabrikam.example"),
            redirect_url: Arc::new(RedirectUrl::parse("https://myapps.microsoft.com").unwrap()),
            send,
            by,
            message: None,
            cc: copies.then(|| email("pm@contoso.example")),
            more_cc: Box::default(),
            language: None,
            display_name: None,
        };
        PlannedRow {
            line: 2,
            user: "ada@northwind.example".into(),
            user_id: None,
            new_email: None,
            decision: Decision::Change(Box::new(Change {
                accepted_at: None,
                reason: ChangeReason::NewAddress,
                set_mail: None,
                invite: Some(invite),
                redemption: Redemption::default(),
                ours: crate::plan::Ours::default(),
                unsettled: None,
            })),
        }
    }

    #[test]
    fn a_plan_says_how_long_its_mails_take_and_what_waits() {
        use DeliveryWay::{Graph, Microsoft};
        let rows = |mails| vec![row(Graph, true, false); mails];
        let pace =
            |per_day, spent| MailPace { per_minute: Some(25), recipients_per_day: per_day, spent };
        for (rows, pace, text, tomorrow) in [
            (rows(1), pace(None, 0), "1 mail of your own, at 25 a minute", 0),
            (rows(26), pace(None, 9_000), "26 mails of your own, at 25 a minute", 0),
            (rows(201), pace(None, 0), "201 mails of your own, about 8 min at 25 a minute", 0),
            (
                rows(4_000),
                pace(Some(10_000), 7_000),
                "4000 mails of your own, about 2 h 40 min at 25 a minute",
                1_000,
            ),
            (
                vec![row(Graph, true, true); 4],
                pace(Some(7), 0),
                "4 mails of your own, at 25 a minute",
                1,
            ),
            (rows(3), pace(Some(2), 5), "3 mails of your own, at 25 a minute", 3),
        ] {
            let mailing = Mailing::of(&rows, pace).unwrap();
            assert_eq!((mailing.sentence().as_str(), mailing.mails_tomorrow), (text, tomorrow));
            assert_eq!(mailing.finding().is_some(), tomorrow > 0, "{text}");
        }
        for silent in [row(Graph, false, false), row(Microsoft, true, false)] {
            assert_eq!(Mailing::of(&[silent], pace(None, 0)), None);
        }
    }
}
