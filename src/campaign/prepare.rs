//! Before anything is changed: the plan, what of it this night takes, the drift to put
//! right, and what changed in the manifest.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::checkpoint::{Checkpoint, Past, Record};
use crate::config::{Settings, WaveSettings};
use crate::domain::{Directory, Fate, InvitationKey, Ledger, MailStanding, MailWay};
use crate::graph::{Graph, Method};
use crate::manifest::Manifest;
use crate::plan::{
    self, Look, Observation, Plan, PlannedRow, Tonight, corrections, observations, tonight,
};

use super::CampaignError;
use super::arrivals::{TracedMails, trace_mails};
use super::read::{Asked, Read, lag, read_and_plan};
use super::row_names::{RowName, RowNames, changed};
use super::wave::progress;

/// What the budget of a night counts: long enough for a night that was begun several
/// times, and short enough that the next night, which may begin a little earlier, is
/// another one.
const NIGHT: Duration = Duration::from_hours(12);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The whole manifest: `reconcile`.
    Everything,
    /// Reminders alone: `remind`.
    Reminders,
}

/// A night before it begins.
#[derive(Debug)]
pub struct NightPlan {
    pub plan: Arc<Plan>,
    /// What a checkpoint is bound to.
    pub tenant_key: String,
    /// What of the plan waits.
    pub tonight: Tonight,
    /// How many mails are not put right for the guard against too many changes.
    pub corrections_refused: u64,
    /// When reminders may be sent again; None if that is now.
    pub quiet_until: Option<Timestamp>,
    /// When no more reminders may be sent.
    pub reminders_until: Option<Timestamp>,
    /// Rows since the last run; none in the first.
    pub new: Vec<RowName>,
    /// Rows that left the manifest since the last run.
    pub left: Vec<RowName>,
    /// How the guests were read.
    pub method: Method,
    pub requests: u64,
    /// What the message trace told of earlier mails; None where it was not asked.
    pub(super) mails: Option<TracedMails>,
    pub(super) scope: Scope,
    pub(super) directory: Directory,
    pub(super) ledger: Ledger,
    pub(super) past: Past,
    pub(super) names: RowNames,
    pub(super) observations: Vec<(InvitationKey, Observation)>,
    pub(super) read_at: Timestamp,
}

/// Reads the directory and plans the night. Nothing is changed.
pub(super) async fn prepare(
    graph: &Graph,
    checkpoint: &Checkpoint,
    manifest: &Manifest,
    settings: &Settings,
    scope: Scope,
    reset_matching: bool,
) -> Result<NightPlan, CampaignError> {
    let mut ledger = checkpoint.ledger()?;
    let mut past = checkpoint.past()?;
    let mut sent = std::mem::take(&mut past.invitations);
    let mails = if settings.reconcile.mail_trace {
        Some(trace_mails(graph, settings, checkpoint.mails_sent()?).await?)
    } else {
        None
    };
    for record in mails.iter().flat_map(|mails| &mails.records) {
        let Record::MailTraced { key, fate, message_id, .. } = record else { continue };
        // Nobody is reminded at an address whose mail has turned out to bounce.
        if let Some(sent) = sent.get_mut(key) {
            sent.bounced = *fate == Fate::Bounced;
        }
        // One's own mail that shows there has left.
        let may_have_left = matches!(
            ledger.mail(key),
            Some(MailStanding::Unknown | MailStanding::Begun { by: MailWay::Server, .. })
        );
        if message_id.is_some() && may_have_left {
            ledger.forget_mail(key);
        }
    }
    let sent = Arc::new(sent);
    let asked = Asked {
        reset_matching,
        remind: Some(Arc::clone(&sent)),
        only_reminders: scope == Scope::Reminders,
        ..Asked::default()
    };
    let read = read_and_plan(graph, manifest, &ledger, settings, asked).await?;
    let Read { mut plan, tenant_key, directory, policy, method, requests, read_at } = read;
    let reminders = policy.reminders.clone().expect("a night asks for reminders");
    let look = Look {
        mail: settings.mail,
        at: read_at.saturating_add(graph.clock().skew()).unwrap_or(read_at),
        lag: lag(settings),
    };
    let observations = observations(&ledger, &sent, &directory, look);
    let is_night = scope == Scope::Everything;
    let budget = match settings.reconcile.max_changes.filter(|_| is_night) {
        Some(most) => {
            let night = SignedDuration::try_from(NIGHT).expect("half a day");
            let begun = checkpoint.begun_since(graph.clock().service_now() - night)?;
            Some(most.saturating_sub(begun))
        }
        None => None,
    };
    let waves = if is_night { settings.waves.clone() } else { WaveSettings::default() };
    let keys = plan.rows.iter().filter_map(PlannedRow::key).collect();
    let progress = progress(&keys, &observations, &sent);
    let now = graph.clock().service_now();
    let tonight = tonight(&plan.rows, progress, &waves, budget, now);
    plan.wave.clone_from(&tonight.wave);
    let kinds = if is_night { &*settings.reconcile.correct_drift } else { &[] };
    let mut corrections =
        corrections(manifest, &plan.rows, &observations, &directory, &ledger, &policy, kinds);
    let changes = plan.counts.change + corrections.len() as u64;
    let mut corrections_refused = 0;
    if !corrections.is_empty()
        && plan::exceeds(changes, directory.tenant.guests, settings.guards.max_changes)
    {
        corrections_refused = corrections.len() as u64;
        corrections.clear();
    }
    let names = RowNames::new(&past.manifest, &plan.rows, &ledger, is_night);
    let (new, left) = match scope {
        Scope::Everything if !past.manifest.is_empty() => changed(&past.manifest, &plan.rows),
        Scope::Everything | Scope::Reminders => (Vec::new(), Vec::new()),
    };
    // A budget that is used up holds corrections back, too: they are for tomorrow.
    if let Some(left) = budget {
        let begun = plan.counts.change.saturating_sub(tonight.held.len() as u64);
        corrections.truncate(usize::try_from(left.saturating_sub(begun)).unwrap_or(usize::MAX));
    }
    plan.correct(corrections);
    past.invitations = Arc::unwrap_or_clone(sent);
    Ok(NightPlan {
        plan: Arc::new(plan),
        tenant_key,
        tonight,
        corrections_refused,
        quiet_until: settings.remind.after.and_then(|_| reminders.quiet_until()),
        reminders_until: reminders.until(),
        new,
        left,
        method,
        requests,
        mails,
        scope,
        directory,
        ledger,
        past,
        names,
        observations,
        read_at,
    })
}
