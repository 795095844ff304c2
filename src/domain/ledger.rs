//! What the campaign has already done, as planning sees it: the durable record
//! condensed to one present state per guest and address.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::words::words;
use super::{InvitationKey, RedeemUrl, UserId};

/// The present state of one guest and address in the campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum LedgerState {
    /// A PATCH of the mail was sent or about to be sent; no answer is recorded.
    Patching,
    /// The mail is written, no invitation was sent yet.
    Patched,
    /// The invitation's intent is durable and no answer is recorded: it may or
    /// may not have been sent.
    Unknown {
        /// How the guest looked just before the intent: what a settlement
        /// compares the directory with.
        before: Option<Redemption>,
    },
    /// The intent turned out not to have become an invitation: it may be sent.
    Outstanding,
    /// The service accepted the invitation.
    Invited,
    /// Refused for good; not tried again unasked.
    Failed {
        /// Stable code of the failure.
        code: String,
        /// The sentence shown to a person.
        message: String,
    },
    /// The mail from before the campaign was about to be written back; no answer is
    /// recorded.
    Reverting,
    /// It is written back, and nobody is to be invited.
    Reverted,
}

words! {
    /// How a guest gets the address back that it had before the campaign.
    pub enum WayBack ("way back") {
        /// The mail is written, and an invitation follows, since the guest was reset.
        Invitation = "invitation",
        /// The mail is written, and that is all.
        MailAlone = "mail-alone",
    }
}

/// A change this long before the intent can be the intent's own:
/// `externalUserStateChangeDateTime` is cut off to whole seconds, and from its `Date`
/// header the service's clock is known to two seconds (`graph::Clock`).
pub const TOLERANCE: SignedDuration = SignedDuration::from_secs(3);

/// A guest's redemption state and the moment it last changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Redemption {
    /// `externalUserState`.
    pub state: Option<super::RedemptionState>,
    /// `externalUserStateChangeDateTime`; whole seconds.
    pub changed_at: Option<Timestamp>,
}

impl Redemption {
    /// Whether the guest has redeemed an invitation that was accepted then: a replica that
    /// lags may still show what was redeemed before it.
    pub fn is_redeemed_since(&self, invited_at: Timestamp) -> bool {
        self.state == Some(super::RedemptionState::Accepted)
            && self.changed_at.is_none_or(|at| at >= invited_at - TOLERANCE)
    }
}

/// A state and the moment it was recorded. For `Unknown` that is the moment of
/// the intent, in the service's time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerEntry {
    pub state: LedgerState,
    /// When it was recorded.
    pub at: Timestamp,
    /// Another invitation that a person asked for although one was accepted, as long
    /// as it was not accepted too.
    pub resend: Option<Resend>,
}

impl LedgerEntry {
    /// Whether the guest was invited, or may have been.
    pub fn may_be_invited(&self) -> bool {
        match self.state {
            LedgerState::Invited | LedgerState::Unknown { .. } => true,
            LedgerState::Patching
            | LedgerState::Patched
            | LedgerState::Outstanding
            | LedgerState::Failed { .. }
            | LedgerState::Reverting
            | LedgerState::Reverted => self.resend.is_some(),
        }
    }

    /// Whether nothing is to become of it any more: it was refused, and no invitation
    /// stands.
    pub fn is_given_up(&self) -> bool {
        matches!(self.state, LedgerState::Failed { .. }) && self.resend.is_none()
    }
}

/// What a person saw when asking to send again to a guest known to be invited.
/// Whatever becomes of it, the first invitation stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resend {
    /// When the invitation that stands was accepted.
    pub invited_at: Timestamp,
    /// The guest's redemption when it was asked for. One that has changed since was
    /// not what the person spoke of.
    pub before: Redemption,
}

words! {
    /// By which way a mail of one's own was about to leave.
    pub enum MailWay ("way of a mail") {
        /// A mailbox of the tenant.
        Mailbox = "mailbox",
        Server = "server",
        File = "file",
    }
}

/// A mail of one's own that is not at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailStanding {
    /// The guest was invited, and nobody has the link: it was lost with the answer.
    NoLink,
    /// The guest was invited, the link is held, and no mail left.
    Held,
    /// The mail was about to leave when the run ended.
    Begun { by: MailWay, has_link: bool },
    /// Its answer was lost.
    Unknown,
    /// It was sent, and its link is kept for the next one.
    Kept,
    /// The guest is reminded with the link that it has; that mail was about to leave when
    /// the run ended.
    Reminding,
}

/// A link that is to be mailed.
#[derive(Debug, Clone)]
pub struct HeldLink {
    pub link: RedeemUrl,
    /// What an earlier run began with it.
    pub earlier: Option<EarlierMail>,
}

/// A mail that an earlier run began, and of which it is not known that it left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierMail {
    pub message_id: String,
    /// Since when its draft may have been sent; None as long as it certainly was not.
    pub drafted_at: Option<Timestamp>,
}

/// Everything planning needs to know of earlier runs.
#[derive(Debug, Default)]
pub struct Ledger {
    /// The tenant all of it is about; None while nothing was done.
    pub tenant: Option<String>,
    guests: HashMap<UserId, Vec<(InvitationKey, LedgerEntry)>>,
    names: HashMap<Box<str>, UserId>,
    resent: HashMap<InvitationKey, Timestamp>,
    silent: HashSet<InvitationKey>,
    written: HashSet<UserId>,
    written_at: HashMap<InvitationKey, Timestamp>,
    seen_gone: HashSet<UserId>,
    ways_back: HashMap<InvitationKey, WayBack>,
    mails: HashMap<InvitationKey, MailStanding>,
    /// Mails of one's own that left, or may have, and to how many.
    mailed: Vec<(Timestamp, u64)>,
}

impl Ledger {
    /// Records the state of a key; a later call for the same key replaces it. The order
    /// of the calls for one guest is the order in which its addresses were last begun.
    pub fn record(&mut self, key: InvitationKey, entry: LedgerEntry) {
        // Nearly every guest has one address, and there may be a hundred thousand.
        let wishes = self.guests.entry(key.user_id).or_insert_with(|| Vec::with_capacity(1));
        wishes.retain(|(other, _)| *other != key);
        wishes.push((key, entry));
    }

    /// Records that a reference of an earlier run (a UPN, or the address the
    /// guest had before the move) meant this guest.
    pub fn record_name(&mut self, folded: &str, user_id: UserId) {
        self.names.insert(folded.into(), user_id);
    }

    /// Records that the invitation of unknown outcome is one more after one that was
    /// accepted then.
    pub fn record_resent(&mut self, key: InvitationKey, accepted_at: Timestamp) {
        self.resent.insert(key, accepted_at);
    }

    /// When an earlier invitation of the key was accepted, though the outcome of its last
    /// is unknown.
    pub fn resent(&self, key: &InvitationKey) -> Option<Timestamp> {
        self.resent.get(key).copied()
    }

    /// Records that Microsoft was asked not to mail the invitation of unknown outcome, so
    /// that whoever was invited by it has no mail.
    pub fn record_silent(&mut self, key: InvitationKey) {
        self.silent.insert(key);
    }

    /// Whether the invitation of unknown outcome would have brought no mail of Microsoft's.
    pub fn is_silent(&self, key: &InvitationKey) -> bool {
        self.silent.contains(key)
    }

    /// Records that the key takes back what was done about another address.
    pub fn record_revert(&mut self, key: InvitationKey, way: WayBack) {
        self.ways_back.insert(key, way);
    }

    /// How the guest gets this address back; None for an address that it moves to.
    pub fn way_back(&self, key: &InvitationKey) -> Option<WayBack> {
        self.ways_back.get(key).copied()
    }

    /// The address that a guest was given back, or is being, if that is the last thing that
    /// the campaign did about it.
    pub fn reverted_to(&self, user_id: UserId) -> Option<&InvitationKey> {
        let (last, _) = self.wishes(user_id).last()?;
        self.ways_back.contains_key(last).then_some(last)
    }

    /// Records that the campaign has written the guest's mail, or was about to.
    pub fn record_written(&mut self, user_id: UserId) {
        self.written.insert(user_id);
    }

    /// See [`Self::record_written`].
    pub fn has_written(&self, user_id: UserId) -> bool {
        self.written.contains(&user_id)
    }

    /// Records that a guest was not there when it was last looked at.
    pub fn record_seen_gone(&mut self, user_id: UserId) {
        self.seen_gone.insert(user_id);
    }

    /// See [`Self::record_seen_gone`].
    pub fn was_seen_gone(&self, user_id: UserId) -> bool {
        self.seen_gone.contains(&user_id)
    }

    /// Records when the mail was last written, or may have been, for a wish that was given up
    /// since.
    pub fn record_written_at(&mut self, key: InvitationKey, at: Timestamp) {
        self.written_at.insert(key, at);
    }

    /// See [`Self::record_written_at`].
    pub fn written_at(&self, key: &InvitationKey) -> Option<Timestamp> {
        self.written_at.get(key).copied()
    }

    /// Records a mail of one's own that is not at its end.
    pub fn record_mail(&mut self, key: InvitationKey, standing: MailStanding) {
        self.mails.insert(key, standing);
    }

    /// The mail is at its end.
    pub fn forget_mail(&mut self, key: &InvitationKey) {
        self.mails.remove(key);
    }

    /// Records a mail of one's own that was sent, or may have been, and to how many.
    pub fn record_mailed(&mut self, at: Timestamp, recipients: u64) {
        self.mailed.push((at, recipients));
    }

    /// Recipients of one's own mails since a moment.
    pub fn recipients_since(&self, since: Timestamp) -> u64 {
        self.mailed.iter().filter(|(at, _)| *at >= since).map(|(_, recipients)| recipients).sum()
    }

    /// The mail to a guest and address, where it is not at its end.
    pub fn mail(&self, key: &InvitationKey) -> Option<MailStanding> {
        self.mails.get(key).copied()
    }

    /// Mails that were about to leave when a run ended, and by which way; None for one that
    /// brings a link once more, which is left at that by any way.
    pub fn mails_begun(&self) -> impl Iterator<Item = (&InvitationKey, Option<MailWay>)> {
        self.mails.iter().filter_map(|(key, standing)| match standing {
            MailStanding::Begun { by, .. } => Some((key, Some(*by))),
            MailStanding::Reminding => Some((key, None)),
            MailStanding::NoLink
            | MailStanding::Held
            | MailStanding::Unknown
            | MailStanding::Kept => None,
        })
    }

    /// Every guest and address with its present state; guests in no order.
    pub fn entries(&self) -> impl Iterator<Item = (&InvitationKey, &LedgerEntry)> {
        self.guests.values().flatten().map(|(key, entry)| (key, entry))
    }

    /// The addresses that the campaign has begun to give a guest, the last one last. A
    /// wish that was replaced by another and came back stands where it came back.
    pub fn wishes(&self, user_id: UserId) -> &[(InvitationKey, LedgerEntry)] {
        self.guests.get(&user_id).map_or(&[], Vec::as_slice)
    }

    /// What was begun for a guest after this address.
    pub fn wishes_since(&self, key: &InvitationKey) -> &[(InvitationKey, LedgerEntry)] {
        let wishes = self.wishes(key.user_id);
        let place = wishes.iter().position(|(other, _)| other == key);
        place.map_or(&[], |place| &wishes[place + 1..])
    }

    /// The present state of a guest and address.
    pub fn get(&self, key: &InvitationKey) -> Option<&LedgerEntry> {
        self.wishes(key.user_id).iter().find(|(other, _)| other == key).map(|(_, entry)| entry)
    }

    /// When the campaign last invited the guest of a key, or may have, by a moment and to
    /// whatever address, in the service's time. Leaves out the key's own invitation of
    /// unknown outcome.
    pub fn last_invited(&self, key: &InvitationKey, by: Timestamp) -> Option<Timestamp> {
        let wishes = self.wishes(key.user_id).iter();
        let times = wishes.flat_map(|(other, entry)| {
            let last = match entry.state {
                LedgerState::Invited => Some(entry.at),
                LedgerState::Unknown { .. } => Some(entry.at).filter(|_| other != key),
                LedgerState::Patching
                | LedgerState::Patched
                | LedgerState::Outstanding
                | LedgerState::Failed { .. }
                | LedgerState::Reverting
                | LedgerState::Reverted => None,
            };
            let standing = entry.resend.as_ref().map(|resend| resend.invited_at);
            [last, standing, self.resent(other)]
        });
        times.flatten().filter(|at| *at <= by).max()
    }

    /// Whom a reference meant when the campaign first acted on it. After the
    /// move the directory no longer finds the guest by the old address.
    pub fn user_named(&self, folded: &str) -> Option<UserId> {
        self.names.get(folded).copied()
    }

    /// All guests the campaign has acted on.
    pub fn users(&self) -> impl Iterator<Item = UserId> {
        self.guests.keys().copied()
    }

    /// Whether nothing has been done yet.
    pub fn is_empty(&self) -> bool {
        self.guests.is_empty()
    }
}
