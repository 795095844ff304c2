//! What is right, said simply: of the tenant's own history, of the wishes, and of what
//! people did. It knows nothing of how the program decides.

use std::collections::BTreeMap;

use jiff::Timestamp;
use reinvite::emulator::{Emulator, Write};

use super::mails::Way;
use crate::support::{Campaign, id};

/// What is wanted of a guest, and what befell it besides.
#[derive(Debug, Default)]
pub(super) struct Guest {
    /// The address that the manifest asks for now, if it asks for the guest.
    pub(super) wanted: Option<String>,
    /// The last address that a run was asked for, and how often each began to be wanted.
    last_asked: Option<String>,
    pub(super) wishes: BTreeMap<String, usize>,
    /// Requests of a person to send again that are on record, by address.
    resends: BTreeMap<String, usize>,
    /// When people last did something to it.
    pub(super) meddled_at: Option<Timestamp>,
    pub(super) is_redeemed: bool,
    pub(super) redeemed_at: Vec<Timestamp>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) guests: BTreeMap<u32, Guest>,
    /// Writes of the tenant that are judged.
    judged: usize,
    /// Who mails. Of a campaign that does so by itself an invitation whose link is lost is
    /// made again, and what nobody gets twice is its mail.
    pub(super) way: Way,
}

impl Model {
    pub(super) fn new(guests: u32, way: Way) -> Self {
        let guests = (1..=guests).map(|n| (n, Guest::default())).collect();
        Self { guests, judged: 0, way }
    }

    /// A run is about to begin with what the manifest says now.
    pub(super) fn asked(&mut self) {
        for guest in self.guests.values_mut() {
            let Some(wanted) = &guest.wanted else { continue };
            if guest.last_asked.as_ref() != Some(wanted) {
                guest.last_asked = Some(wanted.clone());
                *guest.wishes.entry(wanted.clone()).or_default() += 1;
            }
        }
    }

    /// What the run wrote is what is wanted, and no more often than wanted.
    pub(super) fn judge_writes(&mut self, emulator: &Emulator, campaign: &Campaign) {
        let ledger = emulator.ledger();
        let of = |user: &str| self.guests.iter().find(|(n, _)| id(**n).eq_ignore_ascii_case(user));
        for write in &ledger.writes[self.judged..] {
            let (n, guest) = of(write.id()).expect("only guests of the manifest are written");
            let wanted = guest.wanted.as_deref();
            match write {
                Write::Patch(patch) => {
                    assert_eq!(patch.after.mail.as_deref(), wanted, "a mail of guest {n}");
                }
                Write::Invitation(invitation) => {
                    assert_eq!(Some(&*invitation.address), wanted, "an invitation of guest {n}");
                }
            }
        }
        self.judged = ledger.writes.len();
        if !campaign.checkpoint().exists() {
            assert!(ledger.writes.is_empty());
            return;
        }
        for (n, guest) in &mut self.guests {
            let events = |what: &str, address: &str| {
                let sql = format!(
                    "SELECT what FROM event WHERE user_id = '{}' AND address = '{address}' \
                     AND what = '{what}'",
                    id(*n)
                );
                campaign.query(&sql).len()
            };
            let invitations = ledger.invitations_for(&id(*n));
            let mut by_address: BTreeMap<&str, usize> = BTreeMap::new();
            for invitation in &invitations {
                *by_address.entry(&invitation.address).or_default() += 1;
            }
            for (address, sent) in by_address {
                let resends = events("resend-asked", address);
                guest.resends.insert(address.to_owned(), resends);
                let wishes = guest.wishes.get(address).copied().unwrap_or_default();
                let reminders = reminders(campaign, *n, address).len();
                assert!(
                    self.way.is_own() || sent <= wishes + resends + reminders,
                    "guest {n} has {sent} invitations to {address} for {wishes} wishes, \
                     {resends} requests and {reminders} reminders"
                );
                let announced = events("intended", address);
                assert!(announced >= sent, "guest {n}: {announced} announced, {sent} sent");
            }
        }
        self.judge_record(emulator, campaign);
        self.judge_mails(emulator, campaign);
        self.judge_reminders(emulator, campaign);
    }

    /// What is on record is so.
    fn judge_record(&self, emulator: &Emulator, campaign: &Campaign) {
        let ledger = emulator.ledger();
        for (n, guest) in &self.guests {
            let user = id(*n);
            let sql =
                format!("SELECT address FROM row WHERE user_id = '{user}' AND state = 'invited'");
            for address in campaign.query(&sql) {
                let is_sent = ledger
                    .invitations_for(&user)
                    .iter()
                    .any(|invitation| invitation.address.eq_ignore_ascii_case(&address));
                assert!(
                    is_sent || guest.meddled_at.is_some(),
                    "guest {n} is on record as invited to {address}, and was not"
                );
            }
            if let Some(first) = ledger.patches_of(&user).first()
                && guest.meddled_at.is_none()
            {
                let sql = format!("SELECT mail FROM before_image WHERE user_id = '{user}'");
                let kept = campaign.query(&sql);
                assert_eq!(kept.first(), first.before.mail.as_ref(), "what guest {n} was before");
            }
        }
        let status = campaign.status();
        assert_eq!(status.counts.sum(), status.rows);
    }

    /// Whether the last manifest that a run planned is the one of now.
    pub(super) fn is_planned(&self, campaign: &Campaign) -> bool {
        let planned = campaign.query("SELECT lower(user_id) || ' ' || address FROM manifest_row");
        let wanted = self
            .guests
            .iter()
            .filter_map(|(n, guest)| Some(format!("{} {}", id(*n), guest.wanted.as_ref()?)));
        let wanted: std::collections::BTreeSet<String> = wanted.collect();
        planned.into_iter().collect::<std::collections::BTreeSet<_>>() == wanted
    }

    /// Guests of the manifest who need something as far as anybody can know who has not looked
    /// since a while.
    pub(super) fn in_need(&self, emulator: &Emulator, settled: Timestamp) -> Vec<(u32, String)> {
        let mut in_need = Vec::new();
        for (n, guest) in &self.guests {
            let Some(wanted) = &guest.wanted else { continue };
            if guest.meddled_at.is_some_and(|at| at > settled) {
                continue;
            }
            let why = match emulator.user(&id(*n)) {
                None => Some("is not there".to_owned()),
                Some(user) if !is(user.mail.as_deref(), wanted) => {
                    Some(format!("has {:?} and is to have {wanted}", user.mail))
                }
                // Who has the mail of somebody else's making is as wanted without an invitation.
                Some(_) if guest.meddled_at.is_some() => None,
                Some(_) => {
                    let last = last_invited(emulator, *n);
                    let why = || format!("was last invited to {last:?}, not {wanted}");
                    let is_invited = is(last.as_deref(), wanted);
                    if is_invited { self.lacks_mail(emulator, *n) } else { Some(why()) }
                }
            };
            in_need.extend(why.map(|why| (*n, why)));
        }
        in_need
    }

    /// Whether a guest that left the manifest was moved and not invited.
    pub(super) fn is_anybody_left(&self, emulator: &Emulator) -> bool {
        self.guests.iter().filter(|(_, guest)| guest.wanted.is_none()).any(|(n, _)| {
            let mail = emulator.user(&id(*n)).and_then(|user| user.mail);
            let is_moved = !emulator.ledger().patches_of(&id(*n)).is_empty();
            is_moved && !is(last_invited(emulator, *n).as_deref(), mail.as_deref().unwrap_or(""))
        })
    }

    /// Requests of a person that were not carried out, and are not moot.
    pub(super) fn open_requests(&self, emulator: &Emulator, campaign: &Campaign) -> Vec<String> {
        let mut open = Vec::new();
        for (n, guest) in &self.guests {
            let Some(wanted) = &guest.wanted else { continue };
            if guest.meddled_at.is_some() || guest.is_redeemed {
                continue;
            }
            let sql = format!(
                "SELECT at FROM event WHERE user_id = '{}' AND address = '{wanted}' AND \
                 what = 'resend-asked' ORDER BY id DESC LIMIT 1",
                id(*n)
            );
            let Some(asked) = campaign.query(&sql).pop() else { continue };
            let asked: Timestamp = asked.parse().unwrap();
            // The tenant dates to the second.
            let since = Timestamp::from_second(asked.as_second()).unwrap();
            let last = format!(
                "SELECT what FROM event WHERE user_id = '{}' AND address = '{wanted}' \
                 ORDER BY id DESC LIMIT 1",
                id(*n)
            );
            if campaign.query(&last) == ["failed"] {
                // Refused, and told.
                continue;
            }
            let ledger = emulator.ledger();
            let invitations = ledger.invitations_for(&id(*n));
            if !invitations.iter().any(|sent| sent.address == *wanted && sent.at >= since) {
                open.push(format!("guest {n} was to be sent {wanted} again"));
            }
        }
        open
    }
}

fn is(address: Option<&str>, wanted: &str) -> bool {
    address.is_some_and(|address| address.eq_ignore_ascii_case(wanted))
}

/// When the campaign was about to remind the guest, with an invitation or a mail alone.
pub(super) fn reminders(campaign: &Campaign, n: u32, address: &str) -> Vec<Timestamp> {
    let sql = format!(
        "SELECT at FROM event WHERE user_id = '{}' AND address = '{address}' AND (what = \
         'reminding' OR what = 'intended' AND detail ->> '$.reason' = 'reminder') ORDER BY id",
        id(n)
    );
    campaign.query(&sql).iter().map(|at| at.parse().unwrap()).collect()
}

/// Where the guest's last invitation went.
fn last_invited(emulator: &Emulator, n: u32) -> Option<String> {
    let ledger = emulator.ledger();
    ledger.invitations_for(&id(n)).last().map(|invitation| invitation.address.clone())
}
