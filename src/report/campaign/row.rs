//! One row of a campaign in words: where it stands, whether the guest redeemed, and
//! whether it needs a person. Every format takes its words from here.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::checkpoint::{HistoryRow, MailSent};
use crate::domain::{Arrival, Finding, State};
use crate::plan::LEFT;
use crate::report::bounce;
use crate::report::text::harmless;

use super::advice;

/// What a report is made for.
#[derive(Debug, Clone, Copy)]
pub struct ReportOptions {
    pub now: Timestamp,
    /// An invitation pending for so long needs a person.
    pub stuck_after: Duration,
}

/// Why a row needs a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Attention {
    Failed,
    Blocked,
    Unknown,
    /// The mail is written, and no invitation was sent.
    Patched,
    /// The same of a guest whose row the manifest has no more, or not known of it.
    LeftHalfWay,
    /// The new mail was written by others, and nobody is known to have invited the guest.
    NotInvited,
    Stuck,
    /// Its mail did not arrive, and it has not redeemed.
    Bounced,
    /// The directory shows something that this campaign did not do.
    Drift,
}

/// Whether an invited guest has redeemed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Redemption {
    /// Nobody has looked since the invitation.
    NotVerified,
    Pending,
    Redeemed,
    NoTrace,
    MailChanged,
    Deleted,
    Reinvited,
    /// In a state that this version does not know.
    Unclear,
}

/// A row as every format shows it. Its keys are those of the JSON report.
#[derive(Debug, Serialize)]
pub(super) struct RowView<'a> {
    pub(super) line: Option<u32>,
    pub(super) user: &'a str,
    pub(super) user_id: Option<&'a str>,
    pub(super) old_email: Option<&'a str>,
    pub(super) new_email: Option<&'a str>,
    pub(super) state: State,
    pub(super) reason: &'a str,
    pub(super) redemption: Option<Redemption>,
    pub(super) attention: Option<Attention>,
    pub(super) explanation: Option<&'a str>,
    pub(super) advice: Option<&'a str>,
    pub(super) invitations: u32,
    pub(super) patched_at: Option<Timestamp>,
    pub(super) invited_at: Option<Timestamp>,
    pub(super) last_invited_at: Option<Timestamp>,
    pub(super) redeemed_at: Option<Timestamp>,
    pub(super) seen_at: Option<Timestamp>,
    pub(super) request_id: Option<&'a str>,
    /// The mail of an invited guest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mail: Option<MailSent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) arrival: Option<&'a Arrival>,
}

const NO_MAIL: &str = "nobody mailed the guest: send is off, or [delivery] by is none";
const WRITTEN: &str = "the mail is written, the invitation is still to be sent";
const LEFT_WRITTEN: &str = "the mail is written, no invitation was sent, and the manifest has no row for the guest any more";
const LEFT_UNKNOWN: &str = "whether the invitation was sent is not known, and the manifest has no row for the guest any more";

impl<'a> RowView<'a> {
    pub(super) fn new(row: &'a HistoryRow, options: ReportOptions) -> Self {
        let redemption = redemption(row);
        let attention = attention(row, redemption, options);
        let (reason, explanation) = reason(row);
        let advice = match (attention, row.standing) {
            (Some(Attention::Failed), _) => {
                let recorded = row.failure.as_ref().map(|failure| failure.advice.as_str());
                Some(recorded.filter(|text| !text.is_empty()).unwrap_or(advice::FAILED))
            }
            (Some(Attention::Blocked), _) => Some(advice::of_blocked(&row.reason)),
            (Some(Attention::Unknown), _) => Some(advice::UNKNOWN),
            (Some(Attention::Patched), _) | (None, State::NotAttempted) => Some(advice::RUN_AGAIN),
            (Some(Attention::LeftHalfWay), _) => Some(advice::LEFT),
            (Some(Attention::NotInvited), _) => Some(advice::NOT_INVITED),
            (Some(Attention::Stuck), _) => Some(advice::STUCK),
            (Some(Attention::Bounced), _) => row.arrival.as_ref().map(bounce::advice),
            (Some(Attention::Drift), _) => row
                .sighting
                .as_ref()
                .and_then(|seen| advice::of_finding(seen.sighting.shows.finding())),
            (None, State::Invited)
                if row.mail == Some(MailSent::None) && redemption != Some(Redemption::Redeemed) =>
            {
                Some(advice::NO_MAIL)
            }
            (None, _) => None,
        };
        Self {
            line: row.line,
            user: &row.user,
            user_id: row.user_id.as_deref(),
            old_email: row.old_mail.as_deref(),
            new_email: row.address.as_deref(),
            state: row.standing,
            reason,
            redemption,
            attention,
            explanation,
            advice,
            invitations: row.invitations,
            patched_at: row.patched_at,
            invited_at: row.first_invited_at,
            last_invited_at: row.invited_at,
            redeemed_at: (redemption == Some(Redemption::Redeemed))
                .then_some(row.redeemed_at)
                .flatten(),
            seen_at: row.sighting.as_ref().map(|seen| seen.at),
            request_id: row.failure.as_ref().and_then(|failure| failure.request_id.as_deref()),
            mail: row.mail.filter(|_| row.standing == State::Invited),
            arrival: row.arrival.as_ref(),
        }
    }

    /// A guest that is left half way: no row of the manifest tells of it any more.
    pub(super) fn left(row: &'a HistoryRow, options: ReportOptions) -> Self {
        let explanation = match row.standing {
            State::Unknown => LEFT_UNKNOWN,
            _ => LEFT_WRITTEN,
        };
        Self {
            reason: LEFT,
            attention: Some(Attention::LeftHalfWay),
            explanation: Some(explanation),
            advice: Some(advice::LEFT),
            ..Self::new(row, options)
        }
    }

    /// The guest as a person recognises it, and the address it moves to if that is
    /// another.
    pub(super) fn journey(&self) -> String {
        let is_address = self.user.contains('@') && !self.user.to_uppercase().contains("#EXT#");
        let user =
            harmless(if is_address { self.user } else { self.old_email.unwrap_or(self.user) });
        match self.new_email {
            Some(new) if !new.eq_ignore_ascii_case(self.user) => {
                format!("{user} → {}", harmless(new))
            }
            Some(_) | None => user,
        }
    }
}

impl Redemption {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::NotVerified => "not verified",
            Self::Pending => "pending",
            Self::Redeemed => "redeemed",
            Self::NoTrace => "no trace",
            Self::MailChanged => "mail changed",
            Self::Deleted => "deleted",
            Self::Reinvited => "invited by others",
            Self::Unclear => "unclear",
        }
    }
}

/// The state for a person.
pub(super) const fn word(standing: State) -> &'static str {
    match standing {
        State::Invited => "invited",
        State::Settled => "settled",
        State::Blocked => "blocked",
        State::Failed => "failed",
        State::Unknown => "unknown",
        State::Patched => "patched",
        State::NotAttempted => "not attempted",
    }
}

/// What is known of the redemption of the last invitation. What was seen before it
/// says nothing about it, but that one pending before is pending still: another
/// invitation redeems nothing, and resets what was redeemed.
fn redemption(row: &HistoryRow) -> Option<Redemption> {
    let invited_at = row.invited_at.filter(|_| row.standing == State::Invited)?;
    let Some(seen) = &row.sighting else { return Some(Redemption::NotVerified) };
    let is_old = seen.at < invited_at;
    Some(match seen.sighting.shows.finding() {
        Finding::Redeemed if is_old => Redemption::Pending,
        Finding::NoTrace if is_old => Redemption::NotVerified,
        Finding::Redeemed => Redemption::Redeemed,
        Finding::Pending => Redemption::Pending,
        Finding::NoTrace => Redemption::NoTrace,
        Finding::MailChanged => Redemption::MailChanged,
        Finding::Deleted => Redemption::Deleted,
        Finding::Reinvited => Redemption::Reinvited,
        Finding::Unclear => Redemption::Unclear,
    })
}

fn attention(
    row: &HistoryRow,
    redemption: Option<Redemption>,
    options: ReportOptions,
) -> Option<Attention> {
    match row.standing {
        State::Failed => return Some(Attention::Failed),
        State::Blocked => return Some(Attention::Blocked),
        State::Unknown => return Some(Attention::Unknown),
        State::Patched => return Some(Attention::Patched),
        State::Settled if row.is_not_invited => return Some(Attention::NotInvited),
        State::Settled | State::NotAttempted => return None,
        State::Invited => {}
    }
    let has_no_mail = row.arrival.as_ref().is_some_and(|arrival| arrival.fate.needs_a_person());
    match redemption? {
        Redemption::Pending | Redemption::NotVerified if has_no_mail => Some(Attention::Bounced),
        Redemption::Pending => {
            let long = SignedDuration::try_from(options.stuck_after).unwrap_or(SignedDuration::MAX);
            (options.now.duration_since(row.invited_at?) >= long).then_some(Attention::Stuck)
        }
        Redemption::NoTrace
        | Redemption::MailChanged
        | Redemption::Deleted
        | Redemption::Reinvited
        | Redemption::Unclear => Some(Attention::Drift),
        Redemption::NotVerified | Redemption::Redeemed => None,
    }
}

/// The reason's code and its sentence.
fn reason(row: &HistoryRow) -> (&str, Option<&str>) {
    let failure = row.failure.as_ref();
    let planned = Some(row.explanation.as_str()).filter(|text| !text.is_empty());
    match row.standing {
        State::Invited => {
            let told = row.arrival.as_ref().filter(|arrival| arrival.fate.needs_a_person());
            let words = told.map(|arrival| arrival.message.as_str()).filter(|it| !it.is_empty());
            ("accepted", words.or((row.mail == Some(MailSent::None)).then_some(NO_MAIL)))
        }
        State::Settled | State::Blocked => (&row.reason, planned),
        State::Failed => (
            failure.map_or("failed", |failure| &failure.code),
            failure.map(|failure| failure.message.as_str()),
        ),
        State::Unknown => ("answer-lost", row.evidence.as_deref()),
        State::Patched => ("mail-written", Some(WRITTEN)),
        State::NotAttempted => ("not-reached", None),
    }
}
