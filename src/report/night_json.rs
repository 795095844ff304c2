//! A night, and a look at the guests, as one JSON object each: the keys of `apply` and
//! more. Keys are only ever added.

use std::io::{self, BufWriter, Write};

use serde::Serialize;

use crate::campaign::{Digest, MailLook, Seen, Standing, Unfinished, Unsettled, Verified};
use crate::domain::Finding;
use crate::plan::Plan;
use crate::run::{Outcome, Summary};

use super::json::{RunSummary, ended_rows, write_object};
use super::schema::Schema;

/// The night's own numbers in the summary.
#[derive(Serialize)]
struct NightSummary<'a> {
    #[serde(flatten)]
    run: RunSummary<'a>,
    /// Of the invited, those that were invited before.
    reminded: u64,
    reminded_by_mail: u64,
    corrected: u64,
    /// Newly seen to have redeemed.
    redeemed: u64,
    new: u64,
    left: u64,
    /// Guests that need a person, beyond the rows of the run.
    attention: u64,
}

/// Writes a night as one object with `summary`, `findings`, `rows` and `night`.
pub fn night_json(
    out: &mut dyn Write,
    plan: &Plan,
    outcomes: &[Option<Outcome>],
    summary: &Summary,
    digest: &Digest,
    exit_code: u8,
) -> io::Result<()> {
    let redeemed = digest.verified.news.iter().filter(|seen| seen.finding == Finding::Redeemed);
    let mails = &summary.mails;
    let summary = NightSummary {
        run: RunSummary::new(plan, summary, exit_code),
        reminded: digest.reminded,
        reminded_by_mail: digest.reminded_by_mail,
        corrected: digest.corrected(),
        redeemed: redeemed.count() as u64,
        new: digest.new.len() as u64,
        left: digest.left.len() as u64,
        attention: digest.attention(),
    };
    let rows = ended_rows(plan, outcomes, mails);
    write_object(out, Schema::Reconcile, &summary, &plan.findings, rows, Some(digest))
}

#[derive(Serialize)]
struct VerifySummary<'a> {
    guests: u64,
    #[serde(flatten)]
    standing: &'a Standing,
    settled_sent: u64,
    settled_not_sent: u64,
    attention: u64,
    /// What the manifest asks for and is not done.
    unfinished: Unfinished,
    exit_code: u8,
}

#[derive(Serialize)]
struct VerifyKeys<'a> {
    summary: VerifySummary<'a>,
    attention: &'a [Seen],
    news: &'a [Seen],
    pending: &'a [Seen],
    unknown: &'a [Unsettled],
    /// Without a row, with the new mail and no invitation.
    left: &'a [String],
    not_invited: &'a [String],
    /// Only where the message trace was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    mails: Option<&'a MailLook>,
}

/// Writes what a look at the guests showed as one object.
pub fn verify_json(
    out: &mut dyn Write,
    verified: &Verified,
    unfinished: Unfinished,
    exit_code: u8,
) -> io::Result<()> {
    let Verified {
        standing,
        news,
        attention,
        pending: not_redeemed,
        settled,
        unknown,
        left,
        not_invited: uninvited,
        mails,
    } = verified;
    let Standing {
        pending,
        redeemed,
        no_trace,
        mail_changed,
        deleted,
        reinvited,
        unclear,
        too_early,
        not_invited,
        unknown: lost,
    } = *standing;
    let guests = pending
        + redeemed
        + no_trace
        + mail_changed
        + deleted
        + reinvited
        + unclear
        + too_early
        + not_invited
        + lost;
    let summary = VerifySummary {
        guests,
        standing,
        settled_sent: settled.sent,
        settled_not_sent: settled.not_sent,
        attention: (attention.len() + mails.as_ref().map_or(0, |it| it.attention.len())) as u64,
        unfinished,
        exit_code,
    };
    let mut out = BufWriter::new(out);
    let keys = VerifyKeys {
        summary,
        attention,
        news,
        pending: not_redeemed,
        unknown,
        left,
        not_invited: uninvited,
        mails: mails.as_ref(),
    };
    Schema::Verify.write(&mut out, &keys)?;
    out.flush()
}
