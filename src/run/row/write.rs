//! Writing a guest's mail, and telling a replica that lags from somebody's hand.
//!
//! Leaves to others: whether there is anything to write (`precheck`).

use tokio::time::Instant;

use crate::checkpoint::{BeforeImage, Record};
use crate::domain::{DirectoryUser, Trace, WayBack};
use crate::graph::{CallError, GONE, Verdict, backoff};
use crate::plan::ChangeReason;
use crate::run::event::Event;
use crate::run::request::patch;

use super::{Done, FRESH, MOST_UNSEEN, RowRun};

impl RowRun<'_, '_> {
    /// The plan saw the mail that this campaign wrote, and this reading does not: a
    /// replica that is further behind, unless someone has changed it since.
    pub(super) fn may_be_a_lagging_reading(&self, guest: &DirectoryUser) -> bool {
        let by_us = self.is_ours();
        by_us && self.change.set_mail.is_none() && !guest.has_mail(&self.key.address)
    }

    /// Reads until the replicas have caught up, or have had the time to.
    pub(super) async fn look_until_it_shows_our_mail(
        &mut self,
        mut guest: DirectoryUser,
    ) -> Result<DirectoryUser, Done> {
        let until = Instant::now() + self.run.settings.replication_lag;
        let mut wait = FRESH;
        while self.may_be_a_lagging_reading(&guest) && Instant::now() < until {
            self.wait(wait.min(until.duration_since(Instant::now()))).await?;
            guest = self.look().await?;
            wait *= 2;
        }
        Ok(guest)
    }

    pub(super) async fn write_mail(&mut self, guest: &DirectoryUser) -> Result<(), Done> {
        let set = self.change.set_mail.as_ref().expect("there is something to write");
        let is_correction = self.change.reason == ChangeReason::Correction;
        let mail = guest.mail.as_deref().map(str::to_owned);
        // The before-image is durable before the write it allows to undo.
        self.record(if is_correction {
            Record::Correcting { key: self.key.clone(), found: mail }
        } else {
            let other_mails = guest.other_mails.iter().map(|mail| (**mail).to_owned()).collect();
            let before = BeforeImage { mail, other_mails };
            let (key, reference) = (self.key.clone(), self.reference());
            if set.restores {
                let is_alone = self.change.invite.is_none();
                let way = if is_alone { WayBack::MailAlone } else { WayBack::Invitation };
                Record::Reverting { key, reference, before, way }
            } else {
                let anew = self.begins_anew();
                Record::Patching { key, reference, before, anew }
            }
        })
        .await?;
        let mut unseen = 0;
        loop {
            let mut trace = Trace::default();
            let written = self.run.graph.patch_user(self.user_id(), &patch(set), &mut trace).await;
            self.leave(trace);
            match written {
                Ok(()) => break,
                Err(CallError::Refused { verdict: Verdict::RowFailed(cause), .. })
                    if cause.code == GONE && unseen < MOST_UNSEEN =>
                {
                    unseen += 1;
                    // Ends the row when the guest is gone indeed.
                    self.look().await?;
                    self.wait(backoff(unseen)).await?;
                }
                Err(error) => return Err(self.call_failed(error, "writing the mail").await),
            }
        }
        if is_correction {
            return self.record(Record::Corrected { key: self.key.clone() }).await;
        }
        if self.change.invite.is_some() {
            self.record(Record::Patched { key: self.key.clone() }).await?;
        }
        self.patched = true;
        self.written_at = Some(Instant::now());
        self.run.tally.count_patch();
        (self.run.observe)(Event::Patched { line: self.row.line });
        Ok(())
    }
}
