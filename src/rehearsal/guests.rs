//! The guests of a rehearsal: what mails they get, and who of them redeems when.
//!
//! Whoever redeems does so with the newest link, some time after its first mail. Others are
//! asked again with their next one.
//!
//! Leaves to others: what redeeming does (`emulator`).

use std::collections::{BTreeSet, HashMap, HashSet};
use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::config::Redeem;
use crate::emulator::{Emulator, Write};

use super::calendar::Mailed;

/// How often they look for mail.
const OFTEN: Duration = Duration::from_mins(1);

/// All guests.
pub(super) struct Guests {
    tenant: Emulator,
    redeem: Option<Redeem>,
    luck: u64,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// How many of the tenant's mails and writes were looked at.
    mails: usize,
    writes: usize,
    /// Who was invited at an address, in lower case.
    invited: HashMap<String, String>,
    /// How many mails a guest got.
    got: HashMap<String, u32>,
    /// Who is going to redeem, the next first.
    due: BTreeSet<(Timestamp, String)>,
    decided: HashSet<String>,
    mailed: Vec<Mailed>,
    redeemed: u64,
    last_redeemed_at: Option<Timestamp>,
}

impl Guests {
    pub(super) fn new(tenant: &Emulator, redeem: Option<Redeem>, luck: u64) -> Self {
        Self { tenant: tenant.clone(), redeem, luck, known: Mutex::default() }
    }

    /// They live, until the rehearsal is over.
    pub(super) async fn live(&self) -> Infallible {
        loop {
            let next = self.look();
            let wait = next.map(|at| at.duration_since(self.tenant.now()));
            let wait = wait.map(|wait| Duration::try_from(wait).unwrap_or_default());
            tokio::time::sleep(wait.unwrap_or(OFTEN).min(OFTEN)).await;
        }
    }

    /// They look for mail, and redeem what is due. Says when the next redeems.
    pub(super) fn look(&self) -> Option<Timestamp> {
        let mut known = self.known();
        self.read_mails(&mut known);
        let now = self.tenant.now();
        while let Some((at, id)) = known.due.first().filter(|(at, _)| *at <= now).cloned() {
            known.decided.remove(&id);
            known.due.remove(&(at, id.clone()));
            let user = self.tenant.user(&id);
            let state = user.as_ref().and_then(|user| user.external_user_state.as_deref());
            if state == Some("PendingAcceptance") && self.tenant.redeem(&id) {
                known.redeemed += 1;
                known.last_redeemed_at = Some(now);
            }
        }
        known.due.first().map(|(at, _)| *at)
    }

    fn read_mails(&self, known: &mut Known) {
        let writes = self.tenant.writes_since(known.writes);
        known.writes += writes.len();
        for write in writes {
            if let Write::Invitation(invitation) = write {
                known.invited.insert(invitation.address.to_lowercase(), invitation.id);
            }
        }
        let (mails, next) = self.tenant.mails_since(known.mails);
        known.mails = next;
        for mail in mails {
            let recipients = mail.recipients.len() as u64;
            if let Some(address) = mail.recipients.into_iter().next() {
                self.gets(known, Mailed { at: mail.at, address, recipients });
            }
        }
    }

    /// A mail left as a file, and somebody sends it at once.
    pub(super) fn get_file(&self, address: String, recipients: u64) {
        let mut known = self.known();
        self.read_mails(&mut known);
        self.gets(&mut known, Mailed { at: self.tenant.now(), address, recipients });
    }

    fn gets(&self, known: &mut Known, mail: Mailed) {
        let id = known.invited.get(&mail.address.to_lowercase()).cloned();
        if let (Some(redeem), Some(id)) = (self.redeem, id) {
            let got = known.got.entry(id.clone()).or_default();
            *got += 1;
            let delay = delay(redeem, self.luck, &id, *got);
            let at = delay.and_then(|delay| mail.at.checked_add(delay).ok());
            if let Some(at) = at
                && known.decided.insert(id.clone())
            {
                known.due.insert((at, id));
            }
        }
        known.mailed.push(mail);
    }

    /// Whether somebody is going to redeem.
    pub(super) fn is_any_due(&self) -> bool {
        !self.known().due.is_empty()
    }

    /// How many redeemed so far, and when the last one did.
    pub(super) fn redeemed(&self) -> (u64, Option<Timestamp>) {
        let known = self.known();
        (known.redeemed, known.last_redeemed_at)
    }

    /// Every mail so far.
    pub(super) fn mailed(&self) -> Vec<Mailed> {
        self.known().mailed.clone()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// After how long a guest redeems with its n-th mail; None if it does not. Always the same
/// for the same guest, mail and luck.
fn delay(redeem: Redeem, luck: u64, id: &str, nth: u32) -> Option<Duration> {
    let draw = |what: &str| {
        let mut hasher = DefaultHasher::new();
        (luck, id, nth, what).hash(&mut hasher);
        u32::try_from(hasher.finish() % u64::from(DRAWS)).expect("fewer than the lots")
    };
    let share = redeem.share.of(DRAWS.into());
    let moment = f64::from(draw("when")) / f64::from(DRAWS);
    (u64::from(draw("whether")) < share).then(|| redeem.within.mul_f64(moment))
}

/// Lots in the pot; a share is exact in hundredths of a percent.
const DRAWS: u32 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_redeem_as_was_said_and_none_later() {
        let redeem: Redeem = "60% in 3d".parse().unwrap();
        let delays: Vec<_> =
            (0..10_000).filter_map(|n| delay(redeem, 1, &n.to_string(), 1)).collect();
        assert!((5_800..6_200).contains(&delays.len()), "{}", delays.len());
        assert!(delays.iter().all(|delay| *delay < redeem.within));
        let early = delays.iter().filter(|delay| **delay < redeem.within / 2).count();
        assert!((2_800..3_200).contains(&early), "{early}");
        let of = |luck, nth| (0..99).filter_map(move |n| delay(redeem, luck, &n.to_string(), nth));
        assert!(of(1, 1).eq(of(1, 1)));
        assert!(!of(1, 1).eq(of(2, 1)));
        assert!(!of(1, 1).eq(of(1, 2)), "who gets another mail is asked anew");
        let all: Redeem = "100% in 1h".parse().unwrap();
        assert!((0..99).all(|n| delay(all, 1, &n.to_string(), 1).is_some()));
    }
}
