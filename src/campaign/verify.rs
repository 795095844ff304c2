//! Looking at the guests of a campaign: lost answers settled as far as the directory
//! can tell, and what it shows of everybody kept. Nothing is written to the directory.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use jiff::Timestamp;
use serde::Serialize;

use crate::checkpoint::{
    CheckpointError, Entry, InvitedHow, Journal, ManifestRow, Past, Planned, Record,
};
use crate::config::{DeliveryWay, Settings};
use crate::domain::{
    Directory, InvitationKey, Ledger, LedgerEntry, LedgerState, Redemption, Shows, Sighting,
    TOLERANCE, UserId,
};
use crate::graph::{CallError, Graph};
use crate::plan::{Look, Observation, left_half_way, observations, shows_invitation};
use crate::run::{Horizon, Intent, LostAnswer, MOOT, NO_CHANGE, SUPERSEDED, Verdict};

use super::CampaignError;
use super::arrivals::MailLook;
use super::digest::{Seen, Standing};
use super::read::{invited_within, lag};
use super::row_names::{RowName, RowNames};

/// What a look at the guests showed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// How many guests are where.
    pub standing: Standing,
    /// Guests of which the directory shows something else than at the look before.
    pub news: Vec<Seen>,
    /// Guests that need a person.
    pub attention: Vec<Seen>,
    /// Guests that were invited and have not redeemed.
    pub pending: Vec<Seen>,
    /// Lost answers that were settled.
    pub settled: SettledAnswers,
    /// Lost answers that are still open.
    pub unknown: Vec<Unsettled>,
    /// New addresses of guests that no row is about any more, and that have the new mail
    /// and no invitation. A night has them in its plan.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<String>,
    /// What became of the mails; None where nobody asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mails: Option<MailLook>,
    /// New addresses of guests that others moved, and that nobody is known to have invited.
    /// A night has them in its plan.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_invited: Vec<String>,
}

/// Lost answers by what the directory showed of them. Serialised, a pair.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(into = "(u64, u64)")]
pub struct SettledAnswers {
    pub sent: u64,
    pub not_sent: u64,
}

impl From<SettledAnswers> for (u64, u64) {
    fn from(SettledAnswers { sent, not_sent }: SettledAnswers) -> Self {
        (sent, not_sent)
    }
}

/// An invitation of which it is not known whether it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unsettled {
    #[serde(flatten)]
    pub row: RowName,
    /// Why it is not known yet.
    pub why: String,
}

/// The times that decide whether a lost answer can be settled by what was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Looked {
    /// When the reading began, in our time.
    pub(super) read_at: Timestamp,
    /// Until when an earlier run may have sent something, in our time.
    pub(super) earlier_runs_ended_at: Timestamp,
}

/// Looks at everybody and keeps what is new.
pub(super) async fn look_at_everybody(
    graph: &Graph,
    directory: &Directory,
    (ledger, past): (&Ledger, &Past),
    journal: &Journal,
    settings: &Settings,
    looked: Looked,
) -> Result<Verified, CampaignError> {
    let names = RowNames::new(&past.manifest, &[], ledger, false);
    let mut verified = Verified::default();
    let all = |_: &InvitationKey| true;
    settle_lost(graph, directory, ledger, all, journal, settings, looked, &names, &mut verified)
        .await?;
    let look = look(graph, settings, looked.read_at);
    let mut observations = observations(ledger, &past.invitations, directory, look);
    // Those that were settled just now are looked at next time.
    observations.retain(|(_, observation)| *observation != Observation::Unknown);
    judge(&observations, past, &names, &mut verified);
    let asked = past.manifest.iter().filter_map(|row| row.user_id).collect();
    let left = left_half_way(&asked, directory, ledger);
    verified.left = left.iter().map(|address| address.as_str().to_owned()).collect();
    let within = invited_within(settings);
    let is_not_invited = |key: &InvitationKey| {
        directory.user(key.user_id).is_some_and(|guest| {
            guest.has_mail(&key.address) && !shows_invitation(&guest.redemption, look.at, within)
        })
    };
    let not_invited = planned_as_not_invited(past).filter(is_not_invited);
    verified.not_invited = not_invited.map(|key| key.address.as_str().to_owned()).collect();
    keep(graph, journal, past, &observations).await?;
    Ok(verified)
}

/// The guests of the last manifest that others had moved, and nobody had invited.
pub(super) fn planned_as_not_invited(past: &Past) -> impl Iterator<Item = InvitationKey> {
    let rows = past.manifest.iter().filter(|row| row.decision == Planned::NotInvited);
    rows.filter_map(ManifestRow::key)
}

pub(super) fn look(graph: &Graph, settings: &Settings, read_at: Timestamp) -> Look {
    let at = read_at.saturating_add(graph.clock().skew()).unwrap_or(read_at);
    Look { mail: settings.mail, at, lag: lag(settings) }
}

/// Settles lost answers by the same rule as a run, without waiting and without sending
/// anything: what turns out not to have been sent, the next run sends.
#[expect(clippy::too_many_arguments, reason = "everything that a look knows")]
pub(super) async fn settle_lost(
    graph: &Graph,
    directory: &Directory,
    ledger: &Ledger,
    which: impl Fn(&InvitationKey) -> bool,
    journal: &Journal,
    settings: &Settings,
    Looked { read_at, earlier_runs_ended_at }: Looked,
    names: &RowNames,
    verified: &mut Verified,
) -> Result<(), CampaignError> {
    let mut lost: Vec<_> = ledger
        .entries()
        .filter_map(|(key, entry)| match &entry.state {
            LedgerState::Unknown { before } if which(key) => Some((key, before, entry.at)),
            _ => None,
        })
        .collect();
    lost.sort_by_key(|(key, _, _)| key.stored());
    for (key, before, intended_at) in lost {
        let open = |why: &str| Unsettled { row: names.of(key), why: why.to_owned() };
        let Some(guest) = directory.user(key.user_id) else {
            verified.unknown.push(open("the guest is not found any more"));
            continue;
        };
        let accepted_at = ledger.resent(key);
        let horizon = Horizon {
            asked_at: read_at,
            ended_at: earlier_runs_ended_at,
            skew: graph.clock().skew(),
            lag: lag(settings),
        };
        let invited_before = ledger.last_invited(key, intended_at);
        let before = before.as_ref();
        let intent = Intent { at: intended_at, before, accepted_at, invited_before };
        let lost = LostAnswer::new(intent, horizon);
        let silent = ledger.is_silent(key);
        let outstanding =
            |why: &str| Record::Outstanding { key: key.clone(), why: why.to_owned() }.into();
        let record: Entry = match lost.judge(&guest.redemption, read_at) {
            // What shows is of another wish, or may be: the last one that was sent voids all
            // before.
            Verdict::Sent | Verdict::Undecided if is_superseded(ledger, key) => {
                verified.settled.not_sent += 1;
                outstanding(SUPERSEDED)
            }
            Verdict::Sent if may_be_of_a_later_wish(ledger, key, &guest.redemption) => {
                let why = "the directory shows an invitation that may be the next one's";
                verified.unknown.push(open(why));
                continue;
            }
            // Nobody has its link, and it is for a run with the manifest to make another.
            Verdict::Sent if silent && settings.delivery.by != DeliveryWay::None => {
                let why = "it was accepted, and its link is lost; the next apply invites again";
                verified.unknown.push(open(why));
                continue;
            }
            Verdict::Sent => {
                verified.settled.sent += 1;
                let how = InvitedHow::SettledFromDirectory;
                let record = Record::Invited { key: key.clone(), how };
                Entry { silent, ..record.into() }
            }
            Verdict::NotSent => {
                verified.settled.not_sent += 1;
                outstanding(NO_CHANGE)
            }
            Verdict::Moot => {
                verified.settled.not_sent += 1;
                outstanding(MOOT)
            }
            Verdict::Undecided => {
                verified.unknown.push(open("the directory can't tell"));
                continue;
            }
            Verdict::TooEarly { .. } => {
                verified.unknown.push(open("a replica may still lag; look again later"));
                continue;
            }
        };
        journal.append(record, graph.clock().service_now()).await?;
    }
    Ok(())
}

/// Whether the guest was invited to another address since.
fn is_superseded(ledger: &Ledger, key: &InvitationKey) -> bool {
    let is_sent =
        |entry: &LedgerEntry| entry.resend.is_some() || entry.state == LedgerState::Invited;
    ledger.wishes_since(key).iter().any(|(_, later)| is_sent(later))
}

/// Whether another invitation whose answer was lost, to another address, explains as well
/// what the guest shows.
fn may_be_of_a_later_wish(ledger: &Ledger, key: &InvitationKey, shows: &Redemption) -> bool {
    ledger.wishes_since(key).iter().any(|(_, later)| {
        matches!(later.state, LedgerState::Unknown { .. })
            && shows.changed_at.is_some_and(|at| at >= later.at - TOLERANCE)
    })
}

/// Counts what was seen, and picks out what is new and what needs a person.
pub(super) fn judge(
    observations: &[(InvitationKey, Observation)],
    past: &Past,
    names: &RowNames,
    verified: &mut Verified,
) {
    for (key, observation) in observations {
        verified.standing.count(observation);
        let Observation::Shows(sighting) = observation else { continue };
        let seen = || Seen::new(names.of(key), sighting);
        let is_new = past.sightings.get(key).is_none_or(|last| !last.is_same(sighting));
        // That an invitation shows is no news; that it was sent, was.
        if is_new && sighting.shows != Shows::Pending {
            verified.news.push(seen());
        }
        if sighting.shows == Shows::Pending {
            verified.pending.push(seen());
        }
        if sighting.shows.needs_a_person() {
            verified.attention.push(seen());
        }
    }
    verified.standing.unknown += verified.unknown.len() as u64;
    verified.news.sort_by(|one, other| order(&one.row).cmp(&order(&other.row)));
    verified.pending.sort_by(|one, other| order(&one.row).cmp(&order(&other.row)));
    verified.attention.sort_by(|one, other| order(&one.row).cmp(&order(&other.row)));
}

/// As the manifest has them, and those that left it at the end.
fn order(row: &RowName) -> (u32, &str) {
    (row.line.unwrap_or(u32::MAX), &row.user)
}

/// Writes down what differs from the look before.
pub(super) async fn keep(
    graph: &Graph,
    journal: &Journal,
    past: &Past,
    observations: &[(InvitationKey, Observation)],
) -> Result<(), CheckpointError> {
    let now = graph.clock().service_now();
    let new = observations.iter().filter_map(|(key, observation)| match observation {
        Observation::Shows(sighting) => {
            let is_same = past.sightings.get(key).is_some_and(|last| last.is_same(sighting));
            (!is_same).then(|| Record::Seen(sighting.clone()))
        }
        Observation::TooEarly | Observation::NotInvited | Observation::Unknown => None,
    });
    join_all(new.map(|record| journal.append(record, now))).await.into_iter().collect()
}

/// Reads guests by their ids. That one is not found is believed of one replica only where it
/// was told before.
pub(super) async fn guests(
    graph: &Graph,
    ids: &BTreeSet<UserId>,
    past: &Past,
    settings: &Settings,
) -> Result<Directory, CallError> {
    let mut directory = graph.guests(ids).await?;
    let deleted = past.sightings.iter().filter(|(_, seen)| seen.shows == Shows::Deleted);
    let deleted: BTreeSet<UserId> = deleted.map(|(key, _)| key.user_id).collect();
    let unsure = ids.difference(&deleted).copied();
    graph.find(&mut directory, unsure, settings.pace.replication_lag).await?;
    Ok(directory)
}

/// Reads guests again and judges them alone.
pub(super) async fn look_again(
    graph: &Graph,
    ids: &BTreeSet<UserId>,
    ledger: &Ledger,
    past: &Past,
    settings: &Settings,
) -> Result<Vec<(InvitationKey, Observation)>, CallError> {
    let read_at = graph.clock().now();
    let directory = guests(graph, ids, past, settings).await?;
    let look = look(graph, settings, read_at);
    let mut observations = observations(ledger, &past.invitations, &directory, look);
    observations.retain(|(key, _)| ids.contains(&key.user_id));
    Ok(observations)
}

impl Seen {
    fn new(row: RowName, sighting: &Sighting) -> Self {
        let (mail, back) = match &sighting.shows {
            Shows::MailChanged { mail, back } => (mail.as_deref().map(str::to_owned), Some(*back)),
            Shows::Pending
            | Shows::Redeemed
            | Shows::NoTrace
            | Shows::Deleted
            | Shows::Reinvited
            | Shows::Unclear { .. } => (None, None),
        };
        Self { row, finding: sighting.shows.finding(), since: sighting.since, mail, back }
    }
}
