//! A campaign in numbers: counts, the funnel, domains, what the last run changed.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use crate::campaign::Samples;
use crate::checkpoint::{Delta, History, HistoryRow, MailCounts, MailSent, RunRecord, last_run};
use crate::domain::{ArrivalCounts, Counts, Finding, State};
use crate::plan::{LEFT, NOT_INVITED};

use super::row::{Attention, Redemption, ReportOptions, RowView};

/// One or more campaigns at one moment.
#[derive(Debug)]
pub struct Report {
    pub(super) options: ReportOptions,
    pub(super) campaigns: Vec<Campaign>,
}

/// A campaign and what its rows add up to.
#[derive(Debug)]
pub(super) struct Campaign {
    /// What the checkpoint tells.
    pub(super) history: Arc<History>,
    pub(super) totals: Totals,
    pub(super) domains: Vec<Domain>,
    /// What its own mails are like.
    pub(super) samples: Samples,
    /// Positions of the guests that are left half way.
    left: Vec<usize>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct Totals {
    pub(super) rows: u64,
    #[serde(flatten)]
    pub(super) counts: Counts,
    /// Rows whose mail is in place by this campaign: written, or invited as it was.
    pub(super) changed: u64,
    pub(super) redeemed: u64,
    pub(super) pending: u64,
    pub(super) stuck: u64,
    /// The directory shows something else than this campaign left.
    pub(super) drift: u64,
    /// Invited, and nobody has looked since.
    pub(super) not_verified: u64,
    /// Invitations accepted, reminders and repetitions included.
    pub(super) mails: u64,
    /// Of their newest mails, what the message trace told; left out where it told nothing.
    #[serde(skip_serializing_if = "is_none")]
    pub(super) arrivals: ArrivalCounts,
}

fn is_none(arrivals: &ArrivalCounts) -> bool {
    arrivals.traced() == 0
}

/// The guests that move to one domain.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Domain {
    pub(super) domain: String,
    #[serde(flatten)]
    pub(super) totals: Totals,
}

/// What identifies a campaign in every format.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Heading<'a> {
    pub(super) manifest: &'a str,
    pub(super) tenant_id: &'a str,
    pub(super) tenant_name: Option<&'a str>,
    pub(super) created_at: Option<Timestamp>,
    /// A run is at work on it right now.
    pub(super) running: bool,
    /// When `verify` or `reconcile` last compared the directory.
    pub(super) verified_at: Option<Timestamp>,
    /// Guests of earlier manifests, which this one has no more.
    pub(super) left_manifest: usize,
    /// Redeem links are never kept, so no report has them.
    pub(super) last_run: Option<LastRun<'a>>,
}

/// The last run and what it changed.
#[derive(Debug, Clone, Serialize)]
pub(super) struct LastRun<'a> {
    pub(super) command: &'a str,
    pub(super) started_at: Timestamp,
    pub(super) ended_at: Option<Timestamp>,
    pub(super) stop_reason: Option<&'a str>,
    pub(super) exit_code: Option<u8>,
    pub(super) changed: Delta,
}

impl Report {
    /// A report of these campaigns.
    pub fn new(histories: Vec<History>, options: ReportOptions) -> Self {
        let campaigns = histories.into_iter().map(|history| Campaign::new(history, options));
        Self { options, campaigns: campaigns.collect() }
    }

    /// The same, with what the templates make of each campaign.
    #[must_use]
    pub fn with_samples(mut self, of: impl Fn(&History) -> Samples) -> Self {
        for campaign in &mut self.campaigns {
            campaign.samples = of(&campaign.history);
        }
        self
    }

    /// Mails of one's own of all campaigns.
    pub(super) fn mails(&self) -> MailCounts {
        self.campaigns.iter().fold(MailCounts::default(), |sum, campaign| {
            let MailCounts { mailed, held, failed, unknown } = campaign.history.status.mails;
            MailCounts {
                mailed: sum.mailed + mailed,
                held: sum.held + held,
                failed: sum.failed + failed,
                unknown: sum.unknown + unknown,
            }
        })
    }

    /// What all campaigns add up to.
    pub(super) fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for campaign in &self.campaigns {
            totals.add(&campaign.totals);
        }
        totals
    }
}

impl Campaign {
    fn new(history: History, options: ReportOptions) -> Self {
        let mut totals = Totals::default();
        let mut domains: HashMap<&str, Totals> = HashMap::new();
        for row in history.rows.iter().filter(|row| row.line.is_some()) {
            let one = Totals::new(row, &RowView::new(row, options));
            totals.add(&one);
            let address = row.address.as_deref().unwrap_or_default();
            let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
            domains.entry(domain).or_default().add(&one);
        }
        let mut domains: Vec<Domain> = domains
            .into_iter()
            .map(|(domain, totals)| Domain { domain: domain.to_owned(), totals })
            .collect();
        domains.sort_by(|one, other| {
            other.totals.rows.cmp(&one.totals.rows).then_with(|| one.domain.cmp(&other.domain))
        });
        let left = left_half_way(&history.rows);
        let samples = Samples::default();
        Self { history: Arc::new(history), totals, domains, samples, left }
    }

    /// The rows of the manifest.
    pub(super) fn rows(&self) -> &[HistoryRow] {
        let rows = &self.history.rows;
        &rows[..rows.iter().position(|row| row.line.is_none()).unwrap_or(rows.len())]
    }

    /// Guests without a row that have the new mail and no invitation, or of which that is
    /// not known. The terminal asks the directory; a report knows what the runs left.
    pub(super) fn left_half_way(&self) -> impl ExactSizeIterator<Item = &HistoryRow> {
        self.left.iter().map(|at| &self.history.rows[*at])
    }

    /// Every row of the manifest as a report shows it, then the guests left half way.
    pub(super) fn views(&self, options: ReportOptions) -> impl Iterator<Item = RowView<'_>> {
        let rows = self.rows().iter().map(move |row| RowView::new(row, options));
        rows.chain(self.left_half_way().map(move |row| RowView::left(row, options)))
    }

    pub(super) fn heading(&self) -> Heading<'_> {
        let status = &self.history.status;
        Heading {
            manifest: &status.manifest,
            tenant_id: &status.tenant,
            tenant_name: status.tenant_name.as_deref(),
            created_at: status.created_at,
            running: status.held_by.is_some(),
            verified_at: self.history.looked_at,
            left_manifest: self.history.rows.len() - self.rows().len(),
            last_run: last_run(&self.history.runs).map(|run| self.last_run(run)),
        }
    }

    fn last_run<'a>(&self, run: &'a RunRecord) -> LastRun<'a> {
        LastRun {
            command: &run.command,
            started_at: run.started_at,
            ended_at: run.ended_at,
            stop_reason: run.stop_reason.as_deref(),
            exit_code: run.exit_code,
            changed: self.history.delta,
        }
    }

    /// The tenant and the manifest, for a person.
    pub(super) fn title(&self) -> String {
        let status = &self.history.status;
        let tenant = status.tenant_name.as_deref().unwrap_or(&status.tenant);
        let manifest =
            if status.manifest.is_empty() { "no manifest yet" } else { &status.manifest };
        let rehearsal = if status.is_rehearsal() { "Rehearsal, " } else { "" };
        crate::report::text::harmless(&format!("{rehearsal}{tenant}: {manifest}"))
    }

    /// The rows that need a person, by why.
    pub(super) fn attention(
        &self,
        options: ReportOptions,
    ) -> BTreeMap<&'static str, Vec<RowView<'_>>> {
        let mut lists: BTreeMap<&'static str, Vec<RowView<'_>>> = BTreeMap::new();
        for view in self.views(options) {
            if let Some(attention) = view.attention {
                lists.entry(attention.word()).or_default().push(view);
            }
        }
        lists
    }
}

/// Where among the rows the guests are that are left half way. A guest that a row is
/// about is told by that row, and of several addresses the last one counts.
fn left_half_way(rows: &[HistoryRow]) -> Vec<usize> {
    let asked: HashSet<&str> = rows
        .iter()
        .filter(|row| row.line.is_some())
        .filter_map(|row| row.user_id.as_deref())
        .collect();
    let moment = |row: &HistoryRow| row.patched_at.max(row.invited_at);
    let mut last: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, row) in rows.iter().enumerate().filter(|(_, row)| row.line.is_none()) {
        let Some(user_id) = row.user_id.as_deref().filter(|id| !asked.contains(id)) else {
            continue;
        };
        let known = last.entry(user_id).or_insert(at);
        if moment(row) >= moment(&rows[*known]) {
            *known = at;
        }
    }
    last.into_values().filter(|at| is_left_half_way(&rows[*at])).collect()
}

fn is_left_half_way(row: &HistoryRow) -> bool {
    let is_begun = match row.standing {
        State::Patched | State::Unknown => true,
        State::Failed => row.patched_at.is_some(),
        State::Invited | State::Settled | State::Blocked | State::NotAttempted => false,
    };
    // Deleted, moved on or invited by other hands since.
    let is_over = row.sighting.as_ref().is_some_and(|seen| {
        Some(seen.at) >= row.patched_at
            && !matches!(seen.sighting.shows.finding(), Finding::NoTrace | Finding::Unclear)
    });
    is_begun && !is_over
}

impl Attention {
    /// In the order in which a person should look.
    pub(super) const ALL: [Self; 9] = [
        Self::Unknown,
        Self::LeftHalfWay,
        Self::NotInvited,
        Self::Patched,
        Self::Failed,
        Self::Blocked,
        Self::Bounced,
        Self::Drift,
        Self::Stuck,
    ];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Blocked => "blocked",
            Self::Unknown => "unknown",
            Self::Patched => "patched",
            Self::LeftHalfWay => LEFT,
            Self::NotInvited => NOT_INVITED,
            Self::Bounced => "bounced",
            Self::Stuck => "stuck",
            Self::Drift => "drift",
        }
    }
}

impl Totals {
    fn new(row: &HistoryRow, view: &RowView<'_>) -> Self {
        let is = |yes: bool| u64::from(yes);
        let redemption = |wanted| is(view.redemption == Some(wanted));
        let mut arrivals = ArrivalCounts::default();
        if row.mail.is_some_and(|mail| matches!(mail, MailSent::Sent | MailSent::Microsoft)) {
            arrivals.count(row.arrival.as_ref().map(|arrival| arrival.fate));
        }
        Self {
            rows: 1,
            counts: [row.standing].into_iter().collect(),
            changed: is(row.patched_at.is_some() || row.standing == State::Invited),
            redeemed: redemption(Redemption::Redeemed),
            pending: redemption(Redemption::Pending),
            stuck: is(view.attention == Some(Attention::Stuck)),
            drift: is(view.attention == Some(Attention::Drift)),
            not_verified: redemption(Redemption::NotVerified),
            mails: row.invitations.into(),
            arrivals,
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.rows += other.rows;
        self.counts.add(&other.counts);
        self.changed += other.changed;
        self.redeemed += other.redeemed;
        self.pending += other.pending;
        self.stuck += other.stuck;
        self.drift += other.drift;
        self.not_verified += other.not_verified;
        self.mails += other.mails;
        self.arrivals.add(other.arrivals);
    }
}
