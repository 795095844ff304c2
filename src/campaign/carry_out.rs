//! A night from its first row to its digest.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::checkpoint::{Journal, Reader};
use crate::config::{DeliveryWay, Settings};
use crate::domain::{InvitationKey, UserId};
use crate::graph::{CallError, Graph};
use crate::plan::{ChangeReason, Observation, PlannedRow};
use crate::run::{
    Observer, Outcome, RunResult, RunSettings, Stop, Summary, carry_out as carry_out_plan,
};

use super::CampaignError;
use super::arrivals::keep_arrivals;
use super::correct::{Corrected, corrections};
use super::digest::Digest;
use super::prepare::{NightPlan, Scope};
use super::verify::{Looked, judge, keep, look_again, settle_lost};

#[derive(Debug)]
pub struct Night {
    /// One per row of the plan; None for rows that were no change.
    pub outcomes: Vec<Option<Outcome>>,
    pub summary: Summary,
    /// What a person should know in the morning.
    pub digest: Digest,
    /// Why the guests could not be looked at, if something other than a stop kept it
    /// from doing so.
    pub trouble: Option<CampaignError>,
}

impl Night {
    /// The numbers that the exit code goes by: those of the run, and the guests that
    /// need a person or of which it is not known whether they were invited.
    pub fn summary_for_exit(&self) -> Summary {
        Summary {
            failed: self.summary.failed + self.digest.attention(),
            unknown: self.summary.unknown + self.digest.verified.unknown.len() as u64,
            ..self.summary.clone()
        }
    }

    /// Whether nothing happened that was not so at the last look.
    pub fn is_quiet(&self) -> bool {
        let Summary { invited, patched, failed, unknown, .. } = self.summary;
        let mails = self.summary.mails.len();
        invited + patched + failed + unknown == 0 && mails == 0 && !self.digest.has_news()
    }
}

/// Carries out what [`super::prepare`] planned: the rows that this night takes, the
/// mails to put right, and a look at everybody.
pub(super) async fn carry_out(
    night_plan: &NightPlan,
    graph: &Graph,
    journal: &Journal,
    settings: &Settings,
    run: &RunSettings,
    stop: &Stop,
    observe: Observer<'_>,
) -> Night {
    let run = RunSettings {
        held: night_plan.tonight.held.clone(),
        reminders_until: night_plan.reminders_until,
        ..run.clone()
    };
    let result = carry_out_plan(&night_plan.plan, graph, journal, &run, stop, observe).await;
    let RunResult { outcomes, mut summary } = result;
    let mut digest = Digest {
        new: night_plan.new.clone(),
        left: night_plan.left.clone(),
        reminded: invited_as(night_plan, &outcomes, ChangeReason::Reminder),
        reminded_by_mail: reminded_by_mail(night_plan, &outcomes),
        resets: invited_as(night_plan, &outcomes, ChangeReason::ResetOnly),
        without_mail: without_mail(night_plan, &outcomes),
        corrections: corrections(&night_plan.plan, &outcomes, &night_plan.names),
        corrections_refused: night_plan.corrections_refused,
        wave: night_plan.tonight.wave.clone(),
        over_budget: night_plan.tonight.over_budget,
        quiet_until: night_plan.quiet_until,
        ..Digest::default()
    };
    let mut trouble = None;
    if night_plan.scope == Scope::Everything {
        let over = run.earlier_runs_ended_at;
        if let Err(error) =
            look_at_all(night_plan, graph, journal, settings, over, &outcomes, &mut digest).await
        {
            digest.unverified = Some(error.to_string());
            // A run that was told to stop has its own reason.
            let is_stopped = matches!(error, CampaignError::Call(CallError::Stopped));
            trouble = (!is_stopped).then_some(error);
        }
        digest.verified.standing.unknown += summary.unknown;
    }
    if let Some(mails) = &night_plan.mails {
        match keep_arrivals(graph, journal, mails.clone(), &night_plan.names).await {
            Ok(look) => digest.verified.mails = Some(look),
            Err(error) => trouble = trouble.or(Some(error.into())),
        }
    }
    // Whatever asked to stop after the last row is the night's reason as well.
    summary.stop_reason = stop.reason();
    Night { outcomes, summary, digest, trouble }
}

/// Rows whose guests were mailed the link that they have once more.
fn reminded_by_mail(night_plan: &NightPlan, outcomes: &[Option<Outcome>]) -> u64 {
    let is_meant = |row: &PlannedRow| {
        row.change().is_some_and(|change| change.reason == ChangeReason::ReminderMail)
    };
    let rows = night_plan.plan.rows.iter().zip(outcomes);
    rows.filter(|(row, outcome)| is_meant(row) && matches!(outcome, Some(Outcome::AsWanted { .. })))
        .count() as u64
}

/// Rows that were invited and whose guests nobody mails.
fn without_mail(night_plan: &NightPlan, outcomes: &[Option<Outcome>]) -> u64 {
    let nobody_mails = |row: &PlannedRow| {
        let invite = row.change().and_then(|change| change.invite.as_ref());
        invite.is_some_and(|invite| !invite.send || invite.by == DeliveryWay::None)
    };
    let rows = night_plan.plan.rows.iter().zip(outcomes);
    rows.filter(|(row, outcome)| nobody_mails(row) && matches!(outcome, Some(Outcome::Invited(_))))
        .count() as u64
}

/// Rows that were invited for this reason.
fn invited_as(night_plan: &NightPlan, outcomes: &[Option<Outcome>], reason: ChangeReason) -> u64 {
    let rows = night_plan.plan.rows.iter().zip(outcomes);
    let is_meant = |row: &PlannedRow| row.change().is_some_and(|change| change.reason == reason);
    rows.filter(|(row, outcome)| is_meant(row) && matches!(outcome, Some(Outcome::Invited(_))))
        .count() as u64
}

/// What was read for the plan is fresh enough for everybody whom the night did not
/// touch; the others are read again.
async fn look_at_all(
    night_plan: &NightPlan,
    graph: &Graph,
    journal: &Journal,
    settings: &Settings,
    earlier_runs_ended_at: Timestamp,
    outcomes: &[Option<Outcome>],
    digest: &mut Digest,
) -> Result<(), CampaignError> {
    let rows: BTreeSet<String> =
        night_plan.plan.rows.iter().filter_map(PlannedRow::key).map(|key| key.stored()).collect();
    let is_left = |key: &InvitationKey| !rows.contains(&key.stored());
    let looked = Looked { read_at: night_plan.read_at, earlier_runs_ended_at };
    let (directory, ledger, names) = (&night_plan.directory, &night_plan.ledger, &night_plan.names);
    let verified = &mut digest.verified;
    settle_lost(graph, directory, ledger, is_left, journal, settings, looked, names, verified)
        .await?;
    let mut touched: BTreeSet<UserId> = BTreeSet::new();
    for (index, row) in night_plan.plan.rows.iter().enumerate() {
        let Some(change) = row.change() else { continue };
        // Their correction may not show yet, and what it was, is known.
        if change.reason == ChangeReason::Correction {
            continue;
        }
        // Settling a lost answer changes what is known, even if nothing follows from it.
        let is_begun = change.unsettled.is_some()
            || !matches!(
                outcomes[index],
                Some(Outcome::NotAttempted { patched: false } | Outcome::Held)
            );
        touched.extend(row.user_id.filter(|_| is_begun));
    }
    let corrected: BTreeSet<UserId> = digest
        .corrections
        .iter()
        .filter(|one| one.outcome == Corrected::Done)
        .filter_map(|one| one.row.user_id)
        .collect();
    let mut observations: Vec<(InvitationKey, Observation)> = night_plan
        .observations
        .iter()
        .filter(|(key, _)| !touched.contains(&key.user_id))
        .cloned()
        .map(|(key, observation)| {
            if corrected.contains(&key.user_id) {
                (key, Observation::TooEarly)
            } else {
                (key, observation)
            }
        })
        .collect();
    digest.used_up =
        settings.remind.after.map_or(0, |_| used_up(night_plan, settings, &observations));
    let again = if touched.is_empty() {
        Ok(Vec::new())
    } else {
        let reader = Reader::open(journal.path())?;
        let (ledger, past) = (reader.ledger()?, reader.past()?);
        look_again(graph, &touched, &ledger, &past, settings).await
    };
    // A night that ends before it could read again keeps what it read before.
    let trouble = match again {
        Ok(again) => {
            observations.extend(again);
            Ok(())
        }
        Err(error) => Err(error.into()),
    };
    judge(&observations, &night_plan.past, names, verified);
    keep(graph, journal, &night_plan.past, &observations).await?;
    trouble
}

/// Guests still pending whom the policy allows no more mails.
fn used_up(
    night_plan: &NightPlan,
    settings: &Settings,
    observations: &[(InvitationKey, Observation)],
) -> u64 {
    let most = u64::from(settings.remind.max);
    let is_pending = |observation: &Observation| matches!(observation, Observation::Shows(seen) if seen.shows == crate::domain::Shows::Pending);
    let has_had_all = |key: &InvitationKey| {
        night_plan.past.invitations.get(key).is_some_and(|sent| sent.mails() >= most)
    };
    observations
        .iter()
        .filter(|(key, observation)| is_pending(observation) && has_had_all(key))
        .count() as u64
}
