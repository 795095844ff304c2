//! How long a plan takes at the configured pace, as far as that can be known beforehand.
//!
//! Leaves to others: keeping the pace (`graph`), and what the tenant has to say about it.

use std::time::Duration;

use serde::Serialize;

use super::decision::{Change, ChangeReason, PlannedRow};
use super::mailing::{Mailing, duration};
use super::review::count;

/// What writes are limited to.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct WritePace {
    /// PATCH and POST together.
    pub writes_per_second: f64,
    /// Writes that may go out at once.
    pub burst: u32,
    /// The wait between the PATCH and the POST of a guest.
    pub settle: Duration,
}

/// What a plan takes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Effort {
    /// PATCH and POST together.
    pub writes: u64,
    /// The configured pace.
    pub writes_per_second: f64,
    /// From the first write to the last, or to the last mail, if the tenant slows nothing
    /// down.
    pub seconds: u64,
    #[serde(skip)]
    rows: u64,
}

impl Effort {
    /// Of a plan's rows; None where nothing changes.
    pub(super) fn of(
        rows: &[PlannedRow],
        pace: WritePace,
        mailing: Option<&Mailing>,
    ) -> Option<Self> {
        let changes = || rows.iter().filter_map(PlannedRow::change);
        let rows = changes().count() as u64;
        let writes: u64 = changes().map(writes).sum();
        let settles = changes().any(|change| change.set_mail.is_some() && change.invite.is_some());
        let paced = writes.saturating_sub(u64::from(pace.burst));
        let settle = if settles { pace.settle } else { Duration::ZERO };
        #[expect(clippy::cast_precision_loss, reason = "counts of guests are far below 2^52")]
        let writing = Duration::try_from_secs_f64(paced as f64 / pace.writes_per_second);
        let writing = writing.unwrap_or_default().saturating_add(settle);
        let mailing = mailing.map_or(0, |mailing| mailing.seconds);
        (rows > 0).then_some(Self {
            writes,
            writes_per_second: pace.writes_per_second,
            seconds: (writing.as_secs() + u64::from(writing.subsec_nanos() > 0)).max(mailing),
            rows,
        })
    }

    /// How long a row takes when many are under way.
    pub fn per_row(&self) -> Duration {
        let rows = u32::try_from(self.rows).unwrap_or(u32::MAX).max(1);
        Duration::from_secs(self.seconds) / rows
    }

    /// The sentence, without full stop.
    pub fn sentence(&self) -> String {
        let Self { writes, writes_per_second, seconds, .. } = self;
        let writes = count(*writes, "write", "writes");
        let pace = format!("{writes} at {writes_per_second} a second");
        match seconds {
            ..=60 => format!("{pace}, less than a minute unless the tenant slows it down"),
            seconds => {
                let time = duration(*seconds);
                format!("{pace}, about {time} unless the tenant slows it down")
            }
        }
    }
}

/// The PATCH and the POST of a row. A lost answer may turn out to need neither.
fn writes(change: &Change) -> u64 {
    let is_mailed_alone = matches!(change.reason, ChangeReason::Mail | ChangeReason::ReminderMail);
    let invites = change.invite.is_some() && !is_mailed_alone;
    u64::from(change.set_mail.is_some()) + u64::from(invites)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Email, Redemption, RedirectUrl};
    use crate::plan::{Decision, Invitation, SetMail, Settled};

    fn row(reason: ChangeReason, moves: bool) -> PlannedRow {
        let address = Email::parse("ada@fabrikam.example").unwrap();
        let set_mail = moves.then(|| SetMail {
            expected: None,
            desired: Some(address.clone()),
            other_mails: None,
            restores: false,
        });
        let redirect_url = RedirectUrl::parse("https://myapps.microsoft.com").unwrap();
        let invite = Invitation {
            address,
            redirect_url: std::sync::Arc::new(redirect_url),
            send: true,
            by: crate::config::DeliveryWay::Microsoft,
            message: None,
            cc: None,
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
                reason,
                set_mail,
                invite: Some(invite),
                redemption: Redemption::default(),
                ours: crate::plan::Ours::default(),
                accepted_at: None,
                unsettled: None,
            })),
        }
    }

    #[test]
    fn a_plan_says_how_long_it_takes() {
        use ChangeReason::{Mail, NewAddress, ResetOnly};
        let steady =
            WritePace { writes_per_second: 4.0, burst: 4, settle: Duration::from_secs(15) };
        for (rows, reason, moves, text) in [
            (1, ResetOnly, false, "1 write at 4 a second, less than a minute"),
            // Its mail waits before it is invited.
            (90, NewAddress, true, "180 writes at 4 a second, less than a minute"),
            (91, NewAddress, true, "182 writes at 4 a second, less than a minute"),
            (180, NewAddress, true, "360 writes at 4 a second, about 2 min"),
            (4_000, NewAddress, true, "8000 writes at 4 a second, about 34 min"),
            // Nothing is written for a mail alone.
            (300, Mail, false, "0 writes at 4 a second, less than a minute"),
        ] {
            let rows = vec![row(reason, moves); rows];
            let effort = Effort::of(&rows, steady, None).unwrap();
            let expected = format!("{text} unless the tenant slows it down");
            assert_eq!(effort.sentence(), expected);
        }
        let settled = PlannedRow {
            decision: Decision::Settled(Settled::AlreadyMatches { uninvited: None }),
            ..row(NewAddress, true)
        };
        assert_eq!(Effort::of(&[settled], steady, None), None);
    }
}
