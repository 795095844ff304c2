//! One's own mail with the link: its intent on record, handed over, and what came of it
//! on record. A mail whose answer was lost is not sent again.
//!
//! Leaves to others: its text and its way (`delivery`).

use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::SemaphorePermit;

use crate::checkpoint::{Entry, MailedHow, Record};
use crate::delivery::{Letter, MessageId, Outcome as Handed, Post, columns};
use crate::domain::{DirectoryUser, EarlierMail, MailWay, RedeemUrl};
use crate::plan::{Change, ChangeReason, Invitation};
use crate::run::event::{Event, Failure, InvitedHow, MailEnd, Outcome, Phase, StopReason};
use crate::run::own_failure::OwnFailure;

use super::{Done, RowRun};

/// How often a mail is handed over that was certainly not taken.
const MOST_TRIES: u32 = 8;
const FIRST_WAIT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_mins(5);

/// What came of a mail.
enum Ended {
    At(MailEnd),
    Failed(Failure),
}

impl<'r> RowRun<'r, '_> {
    /// The post office, where the row's guest gets a mail of one's own.
    pub(super) fn post(&self) -> Option<&'r Post> {
        let is_mailed = self.change.invite.as_ref().is_some_and(|invitation| invitation.send);
        self.run.settings.post.as_deref().filter(|_| is_mailed)
    }

    /// A place among the guests who are reset and not mailed yet.
    pub(super) async fn place_ahead(&self) -> Result<Option<SemaphorePermit<'r>>, Done> {
        // A file is there at once.
        let Some(post) = self.post().filter(|post| !post.is_files()) else { return Ok(None) };
        tokio::select! {
            biased;
            () = self.run.stop.requested() => Err(self.not_attempted()),
            place = post.ahead.acquire() => Ok(Some(place.expect("it is never closed"))),
        }
    }

    /// Takes the row's mail off what the mailbox takes today, before anything is done to its
    /// guest. Where that is used up the row waits for another day.
    pub(super) fn reserve_mail(&self) -> Result<(), Done> {
        let (Some(post), Some(invitation)) = (self.post(), &self.change.invite) else {
            return Ok(());
        };
        if post.reserve(invitation.recipients()) { Ok(()) } else { Err(self.not_attempted()) }
    }

    /// Refuses a row whose mail can't be written, before anything is done to its guest.
    pub(super) async fn check_letter(&self, guest: &DirectoryUser) -> Result<(), Done> {
        let (Some(post), Some(invitation)) = (self.post(), &self.change.invite) else {
            return Ok(());
        };
        let letter = self.letter(post, invitation, guest, RedeemUrl::nowhere());
        let id = MessageId::random(post.from());
        match post.mail(&letter, id, self.run.graph.clock().service_now()) {
            Ok(_) => Ok(()),
            Err(error) => Err(self.failed(OwnFailure::Unwritable.because(error.to_string())).await),
        }
    }

    /// The plan's instruction; what we ourselves did to the redemption is no surprise.
    pub(super) fn expected(&self, guest: &DirectoryUser) -> Change {
        let mut change = self.change.clone();
        if self.is_remade.load(Ordering::Relaxed) {
            change.redemption = guest.redemption.clone();
        }
        change
    }

    /// Whether the guest is to get a mail, and the invitation whose answer was lost brought
    /// none: Microsoft was asked not to mail it. Who mails now does not matter.
    pub(super) fn is_unmailed(&self) -> bool {
        let is_mailed = self.change.invite.as_ref().is_some_and(|invitation| invitation.send);
        is_mailed && self.is_silent.load(Ordering::Relaxed)
    }

    /// An invitation of ours was accepted, and its answer, with the link, was lost. With a
    /// mail of one's own nobody has that link, so a guest who still waits is invited again
    /// for a new one: true when that is so.
    pub(super) async fn is_to_be_remade(&self, intended_at: Timestamp) -> Result<bool, Done> {
        if !self.is_unmailed() {
            return Ok(false);
        }
        match self.run.graph.user(self.user_id()).await {
            Ok(Some(guest)) if guest.redemption.is_redeemed_since(intended_at) => {
                return Ok(false);
            }
            Ok(Some(guest)) => {
                self.remake(guest.redemption.changed_at.max(Some(intended_at))).await?;
            }
            Ok(None) => return Err(self.unknown("the guest was not found".to_owned()).await),
            Err(error) => {
                self.note_stop(&error);
                return Err(self.unknown(format!("the guest could not be read: {error}")).await);
            }
        }
        Ok(true)
    }

    /// Writes down that an invitation was accepted whose link nobody has, so that whatever
    /// becomes of this run the next one knows that the guest is without. `at` is when, so
    /// that the next invitation can be told from it.
    pub(super) async fn remake(&self, at: Option<Timestamp>) -> Result<(), Done> {
        self.is_remade.store(true, Ordering::Relaxed);
        let (key, how) = (self.key.clone(), InvitedHow::LinkLost);
        let at = at.unwrap_or_else(|| self.run.graph.clock().service_now());
        // Microsoft was asked not to mail it.
        let entry = Entry { silent: true, ..Record::Invited { key, how }.into() };
        self.record_at(entry, at).await?;
        self.is_intended.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// Mails the link of an invitation that an earlier run made.
    pub(super) async fn mail_held(&mut self) -> Result<Outcome, Done> {
        let (Some(post), Some(invitation)) = (self.post(), &self.change.invite) else {
            return Err(self.not_attempted());
        };
        let Some(held) = post.known.links.get(&self.key) else {
            return Err(self.not_attempted());
        };
        let _place = self.place_ahead().await?;
        self.reserve_mail()?;
        self.enter(Phase::Inviting);
        let guest = self.look().await?;
        let invited_at = self.change.accepted_at.unwrap_or(Timestamp::MIN);
        if guest.redemption.is_redeemed_since(invited_at) {
            return Ok(Outcome::AsWanted { written: false });
        }
        let letter = self.letter(post, invitation, &guest, held.link.clone());
        let ended = self.hand_over_until_taken(post, &letter, held.earlier.clone()).await;
        self.count(&ended);
        match ended {
            Ended::Failed(failure) => Err(Done(Outcome::Failed(failure))),
            Ended::At(MailEnd::NotYet) => Err(self.not_attempted()),
            Ended::At(_) => Ok(Outcome::AsWanted { written: false }),
        }
    }

    /// Mails the link that the guest has once more, and invites nobody.
    pub(super) async fn remind_by_mail(&mut self) -> Result<Outcome, Done> {
        let (Some(post), Some(invitation)) = (self.post(), &self.change.invite) else {
            return Err(self.not_attempted());
        };
        let Some(held) = post.known.links.get(&self.key) else {
            return Err(self.not_attempted());
        };
        self.reserve_mail()?;
        self.enter(Phase::Inviting);
        let guest = self.look().await?;
        if !self.may_remind(&guest) {
            return Err(self.not_attempted());
        }
        let letter = self.letter(post, invitation, &guest, held.link.clone());
        let ended = self.hand_over_until_taken(post, &letter, None).await;
        self.count(&ended);
        match ended {
            Ended::Failed(failure) => Err(Done(Outcome::Failed(failure))),
            Ended::At(MailEnd::NotYet) => Err(self.not_attempted()),
            Ended::At(_) => Ok(Outcome::AsWanted { written: false }),
        }
    }

    /// The record that a mail is about to leave.
    pub(super) fn mail_intent(&self, id: &MessageId, by: MailWay) -> Record {
        let (key, message_id) = (self.key.clone(), id.to_string());
        if self.is_reminder_mail() {
            Record::Reminding { key, message_id }
        } else {
            Record::MailIntended { key, message_id, by }
        }
    }

    /// Whether the link of the mail was mailed before.
    fn is_reminder_mail(&self) -> bool {
        self.change.reason == ChangeReason::ReminderMail
    }

    /// Mails the link of the invitation that was just accepted.
    pub(super) async fn mail_new(&self, how: InvitedHow, guest: &DirectoryUser) -> Outcome {
        let (Some(post), Some(invitation)) = (self.post(), &self.change.invite) else {
            return Outcome::Invited(how);
        };
        let Some(link) = self.link.clone() else {
            // One that was settled from the directory is redeemed already.
            if how == InvitedHow::SettledFromDirectory {
                return Outcome::Invited(how);
            }
            let why = "the service accepted the invitation and gave no link to mail".to_owned();
            let ended = self.mail_failed(OwnFailure::NoLink.because(why)).await;
            return self.concluded(ended, how);
        };
        let letter = self.letter(post, invitation, guest, link);
        let ended = self.hand_over_until_taken(post, &letter, None).await;
        self.concluded(ended, how)
    }

    /// The outcome of a row whose guest was invited.
    fn concluded(&self, ended: Ended, how: InvitedHow) -> Outcome {
        self.count(&ended);
        match ended {
            Ended::Failed(failure) => Outcome::Failed(failure),
            Ended::At(_) => Outcome::Invited(how),
        }
    }

    fn letter(
        &self,
        post: &Post,
        invitation: &Invitation,
        guest: &DirectoryUser,
        redeem_url: RedeemUrl,
    ) -> Letter {
        let planned = self.change.set_mail.as_ref().and_then(|set| set.expected.clone());
        let earlier = post.known.old_mails.get(&self.key.user_id).cloned().flatten();
        let old_email = planned.or_else(|| earlier.map(Into::into));
        Letter {
            to: invitation.address.clone(),
            cc: invitation.copies().cloned().collect(),
            redeem_url,
            display_name: invitation.display_name.clone().or_else(|| guest.display_name.clone()),
            old_email: old_email
                .filter(|old| !old.eq_ignore_ascii_case(invitation.address.as_str())),
            message: invitation.message.clone(),
            redirect_url: invitation.redirect_url.clone(),
            language: invitation.language.clone(),
            tenant_name: post.tenant_name.clone(),
            columns: post
                .known
                .columns
                .get(&self.row.line)
                .cloned()
                .unwrap_or_else(|| columns([], [])),
        }
    }

    fn count(&self, ended: &Ended) {
        let end = match ended {
            Ended::At(end) => *end,
            Ended::Failed(failure) if failure.code == OwnFailure::Unanswered.code() => {
                MailEnd::NotYet
            }
            Ended::Failed(_) => MailEnd::Failed,
        };
        self.run.tally.count_mail(self.row.line, end);
    }

    async fn hand_over_until_taken(
        &self,
        post: &Post,
        letter: &Letter,
        mut earlier: Option<EarlierMail>,
    ) -> Ended {
        let id = if self.is_reminder_mail() {
            MessageId::random(post.from())
        } else {
            // The same for the same link, whichever run sends it.
            MessageId::of(&self.key, letter.redeem_url.expose(), post.from())
        };
        let mut wait = FIRST_WAIT;
        for attempt in 1.. {
            let turn = tokio::select! {
                biased;
                () = self.run.stop.requested() => return Ended::At(MailEnd::NotYet),
                turn = post.turn() => turn,
            };
            let now = self.run.graph.clock().service_now();
            // Quiet hours may begin while the mails before it leave.
            let is_late = |until: Timestamp| now >= until;
            if self.is_reminder_mail() && self.run.settings.reminders_until.is_some_and(is_late) {
                return Ended::At(MailEnd::NotYet);
            }
            let mail = match post.mail(letter, id.clone(), now) {
                Ok(mail) => mail,
                Err(error) => {
                    return self
                        .mail_failed(OwnFailure::Unwritable.because(error.to_string()))
                        .await;
                }
            };
            let leaving = self.run.stop.leaving(self.row.line);
            let handed = if let Some(mailbox) = post.mailbox() {
                self.hand_to_mailbox(mailbox, &mail, earlier.as_ref()).await
            } else {
                // P1: the intent is durable before the mail leaves.
                if self.append(self.mail_intent(&id, post.way())).await.is_err() {
                    return Ended::At(MailEnd::NotYet);
                }
                post.send(&mail, letter).await
            };
            // What is withdrawn below was certainly not sent; its draft may be there.
            earlier = Some(EarlierMail { message_id: id.to_string(), drafted_at: None });
            let (after, why, is_server) = match handed {
                Handed::Accepted { .. } => return self.mailed(post, mail.recipients()).await,
                Handed::RefusedRecipient(refused) => {
                    let failure = OwnFailure::MailRefused.because(refused.to_string());
                    let code = if refused.code.is_empty() { failure.code } else { refused.code };
                    return self.mail_failed(Failure { code, ..failure }).await;
                }
                Handed::RefusedSender(refused) => {
                    let message = refused.to_string();
                    if self.withdraw(&message).await {
                        self.run.stop(StopReason::Mailing { message });
                        return Ended::At(MailEnd::NotYet);
                    }
                    return Ended::At(MailEnd::Unknown);
                }
                Handed::Lost { why } => {
                    let record = Record::MailUnknown { key: self.key.clone(), evidence: why };
                    // The intent is durable and says the same.
                    let _ = self.append(record).await;
                    return Ended::At(MailEnd::Unknown);
                }
                // Its draft is on record, and the next run asks again.
                Handed::Unsettled { .. } => return Ended::At(MailEnd::Unknown),
                Handed::TryLater { after, why } => (after, why, false),
                Handed::NotSent { why } => (None, why, true),
            };
            if !self.withdraw(&why).await {
                return Ended::At(MailEnd::Unknown);
            }
            // Until here, so that nothing follows a refusal of the sender.
            drop(turn);
            drop(leaving);
            if self.run.stop.is_requested() {
                return Ended::At(MailEnd::NotYet);
            }
            if attempt == MOST_TRIES {
                if is_server {
                    self.run.stop(StopReason::Mailing { message: why });
                    return Ended::At(MailEnd::NotYet);
                }
                return Ended::Failed(super::end::unanswered("mailing the link", &why));
            }
            let pause = after.unwrap_or(wait);
            (self.run.observe)(Event::Retrying {
                line: Some(self.row.line),
                attempt,
                wait: pause,
                why,
            });
            tokio::select! {
                biased;
                () = self.run.stop.requested() => return Ended::At(MailEnd::NotYet),
                () = tokio::time::sleep(pause) => {}
            }
            wait = (wait * 2).min(LONGEST_WAIT);
        }
        unreachable!("the last try returns")
    }

    async fn mailed(&self, post: &Post, recipients: u64) -> Ended {
        let is_file = post.is_files();
        let how = if is_file { MailedHow::File } else { MailedHow::Sent };
        let keeps_link = post.keeps_links;
        let key = self.key.clone();
        let record = if self.is_reminder_mail() {
            Record::Reminded { key, how, recipients }
        } else {
            Record::Mailed { key, how, recipients, keeps_link }
        };
        match self.append(record).await {
            Ok(()) => Ended::At(if is_file { MailEnd::File } else { MailEnd::Sent }),
            // P2: success is reported after its record is durable.
            Err(_) => Ended::At(MailEnd::Unknown),
        }
    }

    /// Whether it is on record that the mail was not sent.
    async fn withdraw(&self, why: &str) -> bool {
        let (key, why) = (self.key.clone(), why.to_owned());
        self.append(Record::MailWithdrawn { key, why }).await.is_ok()
    }

    async fn mail_failed(&self, failure: Failure) -> Ended {
        let record = Record::MailFailed {
            key: self.key.clone(),
            code: failure.code.clone(),
            message: failure.message.clone(),
            advice: failure.advice.clone(),
        };
        match self.append(record).await {
            Ok(()) => Ended::Failed(failure),
            Err(_) => Ended::At(MailEnd::Unknown),
        }
    }
}
