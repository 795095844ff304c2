//! Where the mail of a guest's newest invitation stands, as what records leave behind: a
//! pure function of them.
//!
//! Leaves to others: the table that keeps it (`mail`).

use jiff::Timestamp;

use crate::checkpoint::database::ReadError;
use crate::checkpoint::tables::content;
use crate::checkpoint::{Entry, InvitedHow, Record};
use crate::domain::{EarlierMail, HeldLink, MailStanding, MailWay, RedeemUrl, Shows, Sighting};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The link was lost with the answer that told it: nobody has it.
    NoLink,
    /// The link is here, and no mail was begun.
    Held,
    /// It is about to leave; from a mailbox, to be put there as a draft.
    Intended(MailWay),
    /// The draft is about to be sent.
    Drafted,
    Mailed,
    /// It was, and the same link is about to be mailed once more.
    Reminding,
    Failed,
    Unknown,
}

impl Step {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::NoLink => "no-link",
            Self::Held => "held",
            Self::Intended(MailWay::Server) => "intended",
            Self::Intended(MailWay::File) => "intended-file",
            Self::Intended(MailWay::Mailbox) => "intended-draft",
            Self::Drafted => "drafted",
            Self::Mailed => "mailed",
            Self::Reminding => "reminding",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }

    pub(super) fn parse(word: &str) -> Result<Self, ReadError> {
        let intended = MailWay::ALL.iter().map(|&by| Self::Intended(by));
        let others = [Self::NoLink, Self::Held, Self::Drafted, Self::Mailed, Self::Reminding];
        others
            .into_iter()
            .chain([Self::Failed, Self::Unknown])
            .chain(intended)
            .find(|step| step.word() == word)
            .ok_or_else(|| content(format!("state of a mail `{word}`")))
    }
}

/// The mail of the guest's newest invitation.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct MailState {
    pub(super) step: Step,
    pub(super) at: Timestamp,
    pub(super) message_id: Option<String>,
    pub(super) link: Option<RedeemUrl>,
}

impl MailState {
    /// The state after a record; none where no link of one's own is mailed.
    pub(super) fn after(state: Option<Self>, entry: &Entry, at: Timestamp) -> Option<Self> {
        match &entry.record {
            Record::Invited { how: InvitedHow::LinkLost, .. } => {
                Some(Self { step: Step::NoLink, at, message_id: None, link: None })
            }
            // The next invitation voids the link of the one before.
            Record::Invited { .. } => {
                let link = Some(entry.link.clone()?);
                Some(Self { step: Step::Held, at, message_id: None, link })
            }
            Record::MailIntended { message_id, by, .. } => {
                let message_id = Some(message_id.clone());
                state.map(|state| Self { step: Step::Intended(*by), at, message_id, ..state })
            }
            Record::Reminding { message_id, .. } => {
                let message_id = Some(message_id.clone());
                state.map(|state| Self { step: Step::Reminding, at, message_id, ..state })
            }
            // Whatever came of a reminder, the mail before it was sent.
            Record::Reminded { .. } | Record::MailWithdrawn { .. } | Record::MailUnknown { .. }
                if state.as_ref().is_some_and(|state| state.step == Step::Reminding) =>
            {
                state.map(|state| Self { step: Step::Mailed, at, ..state })
            }
            Record::MailDrafted { .. }
                if state.as_ref().is_some_and(|state| state.step == Step::Reminding) =>
            {
                state
            }
            Record::MailDrafted { .. } => {
                state.map(|state| Self { step: Step::Drafted, at, ..state })
            }
            Record::MailWithdrawn { .. } => {
                state.map(|state| Self { step: Step::Held, at, ..state })
            }
            Record::Mailed { keeps_link, .. } => state.map(|state| Self {
                step: Step::Mailed,
                at,
                link: state.link.filter(|_| *keeps_link),
                ..state
            }),
            Record::MailFailed { .. } => {
                state.map(|state| Self { step: Step::Failed, at, link: None, ..state })
            }
            Record::MailUnknown { .. } => {
                state.map(|state| Self { step: Step::Unknown, at, link: None, ..state })
            }
            // A mail that shows there has left; what does not show there may have.
            Record::MailTraced { message_id, .. } => state.map(|state| match state.step {
                Step::Unknown | Step::Intended(MailWay::Server)
                    if state.message_id == *message_id =>
                {
                    Self { step: Step::Mailed, link: None, ..state }
                }
                _ => state,
            }),
            Record::Seen(Sighting { shows: Shows::Redeemed, .. })
                if state.as_ref().is_some_and(|state| state.step == Step::NoLink) =>
            {
                None
            }
            // Who has redeemed needs no link.
            Record::Seen(Sighting { shows: Shows::Redeemed, .. }) => {
                state.map(|state| Self { link: None, ..state })
            }
            // It leads nowhere any more: the guest is gone, or another invitation voids it.
            Record::Seen(Sighting { shows: Shows::Deleted | Shows::Reinvited, .. })
                if state.as_ref().is_some_and(|state| state.step == Step::Mailed) =>
            {
                state.map(|state| Self { link: None, ..state })
            }
            Record::Patching { .. }
            | Record::Patched { .. }
            | Record::Intended { .. }
            | Record::Outstanding { .. }
            | Record::Unknown { .. }
            | Record::Failed { .. }
            | Record::ResendAsked { .. }
            | Record::Correcting { .. }
            | Record::Corrected { .. }
            | Record::Reverting { .. }
            | Record::Reverted { .. }
            | Record::Reminded { .. }
            | Record::Seen(_) => state,
        }
    }

    pub(super) fn held(self) -> Option<HeldLink> {
        let Self { step, at, message_id, link } = self;
        let drafted_at = (step == Step::Drafted).then_some(at);
        // Of a mail that was sent nothing is to be settled before the next.
        let earlier = message_id.filter(|_| step != Step::Mailed);
        let earlier = earlier.map(|message_id| EarlierMail { message_id, drafted_at });
        Some(HeldLink { link: link?, earlier })
    }

    pub(super) fn standing(&self) -> Option<MailStanding> {
        let has_link = self.link.is_some();
        match self.step {
            // A draft that nobody sent is no mail.
            Step::Held | Step::Intended(MailWay::Mailbox) if has_link => Some(MailStanding::Held),
            Step::Drafted => Some(MailStanding::Begun { by: MailWay::Mailbox, has_link }),
            Step::Intended(by) => Some(MailStanding::Begun { by, has_link }),
            Step::NoLink => Some(MailStanding::NoLink),
            Step::Unknown => Some(MailStanding::Unknown),
            Step::Mailed if has_link => Some(MailStanding::Kept),
            Step::Reminding => Some(MailStanding::Reminding),
            Step::Held | Step::Mailed | Step::Failed => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::MailedHow;
    use crate::domain::{Email, InvitationKey, UserId};

    fn key() -> InvitationKey {
        InvitationKey {
            user_id: UserId::parse("0000abcd-0000-4000-8000-00000000b2b0").unwrap(),
            address: Email::parse("ada@northwind.example").unwrap(),
        }
    }

    /// An accepted invitation whose answer had this link.
    fn invited(link: Option<&str>) -> Entry {
        let record = Record::Invited { key: key(), how: InvitedHow::Accepted };
        Entry { link: link.map(RedeemUrl::new), ..record.into() }
    }

    /// What records leave: where the mail stands, and the link that is kept.
    fn left(entries: impl IntoIterator<Item = Entry>) -> (Option<MailStanding>, Option<String>) {
        let state = entries
            .into_iter()
            .fold(None, |state, entry| MailState::after(state, &entry, Timestamp::UNIX_EPOCH));
        let Some(state) = state else { return (None, None) };
        (state.standing(), state.link.map(|link| link.expose().to_owned()))
    }

    #[test]
    fn a_link_is_kept_until_its_mail_has_an_end() {
        let intended = |by| {
            let message_id = "<1@c>".into();
            Record::MailIntended { key: key(), message_id, by }.into()
        };
        let drafted = || Record::MailDrafted { key: key() }.into();
        let withdrawn = || Record::MailWithdrawn { key: key(), why: "later".into() }.into();
        let mailed = |keeps_link| {
            Record::Mailed { key: key(), how: MailedHow::Sent, recipients: 1, keeps_link }.into()
        };
        let unknown = || Record::MailUnknown { key: key(), evidence: "lost".into() }.into();
        let (code, message, advice) = ("5.1.1".to_owned(), String::new(), String::new());
        let failed = Record::MailFailed { key: key(), code, message, advice }.into();
        let traced: fn(&str) -> Entry = |message_id| {
            let (message_id, code) = (Some(message_id.to_owned()), None);
            let fate = crate::domain::Fate::Bounced;
            Record::MailTraced { key: key(), fate, message_id, code, message: String::new() }.into()
        };
        let shows = Shows::Redeemed;
        let redeemed = || Record::Seen(Sighting { key: key(), shows: shows.clone(), since: None });
        let held = || invited(Some("one"));
        let lost = || Record::Invited { key: key(), how: InvitedHow::LinkLost }.into();
        let begun = |by| Some(MailStanding::Begun { by, has_link: true });
        let server = MailWay::Server;
        let one = || Some("one".to_owned());
        let kept = Some(MailStanding::Kept);
        let reminding = || Record::Reminding { key: key(), message_id: "<2@c>".into() }.into();
        let reminded =
            || Record::Reminded { key: key(), how: MailedHow::Sent, recipients: 1 }.into();
        let reinvited: fn() -> Entry = || {
            let shows = Shows::Reinvited;
            Record::Seen(Sighting { key: key(), shows, since: None }).into()
        };
        for (records, standing, link) in [
            (vec![invited(None)], None, None),
            (vec![held()], Some(MailStanding::Held), one()),
            (vec![held(), intended(server)], begun(server), one()),
            (vec![held(), intended(MailWay::File)], begun(MailWay::File), one()),
            (vec![held(), intended(MailWay::Mailbox)], Some(MailStanding::Held), one()),
            (vec![held(), intended(MailWay::Mailbox), drafted()], begun(MailWay::Mailbox), one()),
            (vec![held(), intended(server), withdrawn()], Some(MailStanding::Held), one()),
            (vec![held(), intended(server), mailed(false)], None, None),
            (vec![held(), intended(server), mailed(true)], kept, one()),
            (vec![held(), mailed(true), reminding()], Some(MailStanding::Reminding), one()),
            (vec![held(), mailed(true), reminding(), reminded()], kept, one()),
            (vec![held(), mailed(true), reminding(), drafted(), withdrawn()], kept, one()),
            (vec![held(), mailed(true), reminding(), unknown()], kept, one()),
            (vec![held(), mailed(true), reinvited()], None, None),
            (vec![held(), reinvited()], Some(MailStanding::Held), one()),
            (vec![held(), intended(server), mailed(true), redeemed().into()], None, None),
            (vec![held(), intended(server), unknown()], Some(MailStanding::Unknown), None),
            (vec![held(), intended(server), unknown(), traced("<1@c>")], None, None),
            (vec![held(), intended(server), traced("<1@c>")], None, None),
            (vec![held(), intended(server), traced("<0@c>")], begun(server), one()),
            // Another mail says nothing of it.
            (
                vec![held(), intended(server), unknown(), traced("<0@c>")],
                Some(MailStanding::Unknown),
                None,
            ),
            (vec![held(), intended(server), mailed(true), traced("<1@c>")], kept, one()),
            (vec![held(), intended(server), failed], None, None),
            (vec![held(), redeemed().into()], None, None),
            (vec![held(), mailed(true), lost()], Some(MailStanding::NoLink), None),
            (vec![lost(), held()], Some(MailStanding::Held), one()),
            (vec![lost(), redeemed().into()], None, None),
            // The next invitation voids the link before, and Microsoft mails its own.
            (vec![held(), invited(None)], None, None),
            (
                vec![held(), intended(server), unknown(), invited(Some("two"))],
                Some(MailStanding::Held),
                Some("two".to_owned()),
            ),
        ] {
            let told = format!("{records:?}");
            assert_eq!(left(records), (standing, link), "{told}");
        }
    }
}
