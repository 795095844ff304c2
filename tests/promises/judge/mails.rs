//! What is right of mails of one's own, and of reminders.

use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use reinvite::emulator::Emulator;

use super::model::{Model, reminders};
use crate::support::{Campaign, id};

pub(super) const MAILBOX: &str = "it@contoso.example";

/// As `[remind]` says.
pub(super) const GAP: SignedDuration = SignedDuration::from_hours(20);
pub(super) const MOST: u32 = 3;

/// What is not known of a moment: lag, and a lost answer that was settled later.
const ABOUT: SignedDuration = SignedDuration::from_mins(15);

/// Who mails, and where the mails are seen.
#[derive(Debug, Clone)]
pub(super) enum Way {
    Microsoft,
    /// [`MAILBOX`].
    Mailbox,
    Folder(PathBuf),
}

impl Way {
    /// Whether the campaign mails by itself.
    pub(super) fn is_own(&self) -> bool {
        !matches!(self, Self::Microsoft)
    }

    /// How many mails went to an address, and whether the last has the link.
    fn mails(&self, emulator: &Emulator, address: &str, link: &str) -> (usize, bool) {
        let mails: Vec<String> = match self {
            Self::Microsoft => Vec::new(),
            Self::Mailbox => {
                let mailbox = emulator.mailbox(MAILBOX).into_iter();
                let sent = mailbox.filter(|mail| mail.sent > 0 && mail.to() == [address]);
                sent.map(|mail| mail.message.body.content.replace("&amp;", "&")).collect()
            }
            // The next mail of a guest takes the place of the one before.
            Self::Folder(folder) => {
                let list = std::fs::read_to_string(folder.join("links.csv")).unwrap_or_default();
                let is_its = |line: &&str| line.starts_with(&format!("{address},"));
                list.lines().filter(is_its).map(str::to_owned).collect()
            }
        };
        (mails.len(), mails.last().is_some_and(|mail| mail.contains(link)))
    }
}

/// What is the link's own, in whatever a mail is written.
fn ticket(link: &str) -> &str {
    &link.split("ticket%3d").nth(1).expect("it has a ticket")[..32]
}

impl Model {
    /// Nobody gets more mails to an address than were asked for, and none twice.
    pub(super) fn judge_mails(&self, emulator: &Emulator, campaign: &Campaign) {
        if !self.way.is_own() {
            return;
        }
        for mail in emulator.mailbox(MAILBOX) {
            assert!(mail.sent <= 1, "{:?} was sent {} times", mail.to(), mail.sent);
        }
        for (n, guest) in &self.guests {
            assert!(emulator.ledger().invitations_for(&id(*n)).iter().all(|sent| !sent.mailed));
            for (address, wishes) in &guest.wishes {
                let sql = format!(
                    "SELECT what FROM event WHERE user_id = '{}' AND address = '{address}' \
                     AND what = 'resend-asked'",
                    id(*n)
                );
                let resends = campaign.query(&sql).len();
                let reminders = reminders(campaign, *n, address).len();
                let (mails, _) = self.way.mails(emulator, address, "");
                assert!(
                    mails <= wishes + resends + reminders,
                    "guest {n} has {mails} mails to {address} for {wishes} wishes, {resends} \
                     requests and {reminders} reminders"
                );
            }
        }
    }

    /// Reminders keep to the policy, and to those who have not redeemed.
    pub(super) fn judge_reminders(&self, emulator: &Emulator, campaign: &Campaign) {
        for (n, guest) in &self.guests {
            let ledger = emulator.ledger();
            let invitations = ledger.invitations_for(&id(*n));
            for address in guest.wishes.keys() {
                for at in reminders(campaign, *n, address) {
                    // The tenant dates to the second.
                    let second = at - SignedDuration::from_secs(1);
                    let earlier: Vec<Timestamp> = invitations
                        .iter()
                        .filter(|sent| sent.address == *address && sent.at < second)
                        .map(|sent| sent.at)
                        .collect();
                    let last = earlier.last().expect("who is reminded was invited");
                    let after = at.duration_since(*last);
                    assert!(after >= GAP - ABOUT, "guest {n} is reminded after {after:?}");
                    let redeemed = guest
                        .redeemed_at
                        .iter()
                        .find(|redeemed| **redeemed > *last && **redeemed < at - ABOUT);
                    assert_eq!(redeemed, None, "guest {n} is reminded at {at}");
                }
            }
        }
    }

    /// Whether the guest has no mail with the link of its newest invitation, and needs one.
    pub(super) fn lacks_mail(&self, emulator: &Emulator, n: u32) -> Option<String> {
        let guest = &self.guests[&n];
        if !self.way.is_own() || guest.is_redeemed {
            return None;
        }
        let ledger = emulator.ledger();
        let newest = &ledger.invitations_for(&id(n)).last()?.redeem_url;
        let (mails, has_it) = self.way.mails(emulator, guest.wanted.as_ref()?, ticket(newest));
        (!has_it).then(|| format!("has {mails} mails, the last without its link"))
    }
}
