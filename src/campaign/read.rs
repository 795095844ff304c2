//! Sign in, read the directory, decide: what `plan`, `apply` and every night begin
//! with.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::config::{DeliveryWay, MailWrite, Settings};
use crate::domain::{
    Caller, Directory, GuestRef, InvitationKey, Invitations, Ledger, Tenant, UserId,
};
use crate::graph::{CallError, Graph, Method, Wanted};
use crate::manifest::{Manifest, Row};
use crate::plan::{Guards, MailPace, Plan, Policy, Reminders, Revert, WritePace};

/// What the command adds to the settings for planning.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of a command")]
pub struct Asked {
    /// Reset guests whose mail already matches, too.
    pub reset_matching: bool,
    /// Try rows again that failed for good in an earlier run.
    pub retry_failed: bool,
    /// Rows to send again although they were invited.
    pub resend: BTreeSet<String>,
    /// What was sent so far, to remind whoever is due; None to remind nobody.
    pub remind: Option<Arc<HashMap<InvitationKey, Invitations>>>,
    /// Plan the reminders and nothing else.
    pub only_reminders: bool,
    /// Guests that were given their old address back may be moved again.
    pub moves_reverted: bool,
    /// Guests that other rows of the campaign are about, where the manifest is a part of it.
    pub others: BTreeSet<UserId>,
    /// Plan the way back instead of a move.
    pub revert: Option<Arc<Revert>>,
    /// How to read the guests; None for whatever costs less.
    pub method: Option<Method>,
}

/// A plan, and what it was made from.
#[derive(Debug)]
pub struct Read {
    pub plan: Plan,
    /// What a checkpoint is bound to.
    pub tenant_key: String,
    pub directory: Directory,
    /// What the plan was made by.
    pub policy: Policy,
    /// How the guests were read.
    pub method: Method,
    pub requests: u64,
    /// When the reading began, in our time.
    pub read_at: Timestamp,
}

/// Reads the directory and plans a manifest.
pub async fn read_and_plan(
    graph: &Graph,
    manifest: &Manifest,
    ledger: &Ledger,
    settings: &Settings,
    asked: Asked,
) -> Result<Read, CallError> {
    let claims = graph.sign_in().await?;
    let caller = claims.caller();
    let read_at = graph.clock().now();
    let known: BTreeSet<UserId> = ledger.users().collect();
    let is_known = |row: &&Row| match &row.user {
        GuestRef::Id(id) => known.contains(id),
        GuestRef::Name(name) => ledger.user_named(&name.to_lowercase()).is_some(),
    };
    // Whatever else such a row calls its guest is most likely the address it was moved from.
    let remembered = manifest.rows.iter().filter(is_known).flat_map(Row::names);
    let remembered = remembered.map(GuestRef::folded).collect();
    let wanted = Wanted {
        references: manifest.rows.iter().flat_map(|row| row.names().cloned()).collect(),
        addresses: manifest.rows.iter().filter_map(|row| row.wish.address().cloned()).collect(),
        resets: manifest
            .rows
            .iter()
            .filter(|row| row.wish.is_reset_only())
            .map(|row| row.user.clone())
            .collect(),
        known: known.into_iter().collect(),
        remembered,
        writes_other_mails: settings.mail != MailWrite::Mail,
    };
    let survey = graph.survey_by(asked.method, &wanted, caller).await?;
    // Before the plan is made, which is when the most is in memory.
    drop(wanted);
    let mut directory = survey.directory;
    // That one is not found is believed of a replica only where it was told before, or where
    // the deleted users say so.
    let named = manifest.rows.iter().filter_map(|row| match &row.user {
        GuestRef::Id(id) => Some(*id).filter(|id| !ledger.wishes(*id).is_empty()),
        GuestRef::Name(name) => ledger.user_named(&name.to_lowercase()),
    });
    let is_unsure = |id: &UserId| !directory.deleted.contains_key(id) && !ledger.was_seen_gone(*id);
    let unsure: BTreeSet<UserId> = named.filter(is_unsure).collect();
    graph.find(&mut directory, unsure.into_iter(), settings.pace.replication_lag).await?;
    let Tenant { id, .. } = &mut directory.tenant;
    *id = id.take().or(claims.tenant().map(str::to_owned));
    let tenant_key = id.clone().unwrap_or_else(|| settings.tenant.id.clone());
    let reminders = asked.remind.map(|invitations| {
        Box::new(Reminders {
            settings: settings.remind.clone(),
            invitations,
            now: graph.clock().service_now(),
            lag: lag(settings),
        })
    });
    let policy = Policy {
        reset_matching: asked.reset_matching,
        retry_failed: asked.retry_failed,
        resend: asked.resend,
        reminders,
        others: asked.others,
        revert: asked.revert,
        ..policy(graph, settings, ledger, caller, read_at)
    };
    let guards = Guards {
        max_changes: settings.guards.max_changes,
        allowed_domains: settings.guards.allowed_domains.clone(),
        moves_reverted: asked.moves_reverted,
    };
    let make = if asked.only_reminders { Plan::reminders } else { Plan::make };
    let plan = make(manifest, &directory, ledger, &policy, &guards);
    let (method, requests) = (survey.method, survey.requests);
    Ok(Read { plan, tenant_key, directory, policy, method, requests, read_at })
}

/// What the settings say of a plan; nothing more is asked.
pub(super) fn policy(
    graph: &Graph,
    settings: &Settings,
    ledger: &Ledger,
    caller: Caller,
    read_at: Timestamp,
) -> Policy {
    Policy {
        tenant: settings.tenant.id.clone(),
        caller,
        invitation: settings.invitation.clone(),
        delivery: settings.delivery.by,
        mail_pace: mail_pace(settings, ledger, graph.clock().service_now()),
        write_pace: WritePace {
            writes_per_second: settings.pace.writes_per_second,
            burst: settings.pace.burst,
            settle: settings.pace.settle,
        },
        mail: settings.mail,
        reset_matching: false,
        retry_failed: false,
        resend: BTreeSet::new(),
        read_at: read_at.saturating_add(graph.clock().skew()).unwrap_or(read_at),
        lag: lag(settings),
        invited_within: invited_within(settings),
        redeemable_domains: settings.guards.redeemable_domains.clone(),
        reminders: None,
        others: BTreeSet::new(),
        revert: None,
    }
}

/// How old an invitation may be to be one to the address that a guest was moved to by others.
pub(super) fn invited_within(settings: &Settings) -> Option<SignedDuration> {
    let within = settings.guards.invited_within?;
    Some(SignedDuration::try_from(within).unwrap_or(SignedDuration::MAX))
}

/// How fast one's own mails may leave, and what the last day took of it.
pub(super) fn mail_pace(settings: &Settings, ledger: &Ledger, now: Timestamp) -> MailPace {
    let pace = settings.delivery.pace;
    MailPace {
        per_minute: (settings.delivery.by != DeliveryWay::Files).then_some(pace.per_minute),
        recipients_per_day: pace.recipients_per_day,
        spent: ledger.recipients_since(now - SignedDuration::from_hours(24)),
    }
}

/// The longest that a replica is believed to lag.
pub(super) fn lag(settings: &Settings) -> SignedDuration {
    SignedDuration::try_from(settings.pace.replication_lag).unwrap_or(SignedDuration::MAX)
}
