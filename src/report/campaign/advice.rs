//! What a person can do about a row that needs one, by its reason.

use crate::domain::Finding;
use crate::plan::BlockedKind;

/// What to do about a row that the plan blocks.
pub(super) fn of_blocked(reason: &str) -> &'static str {
    match BlockedKind::parse(reason) {
        Some(kind) => kind.words().advice,
        // Stored by a version that knew more reasons.
        None => "mend the cause, then run apply again",
    }
}

/// What to do about a failure that was recorded without advice.
pub(super) const FAILED: &str = "mend the cause, then run apply with --retry-failed";

/// What to do about a lost answer that the directory has not settled.
pub(super) const UNKNOWN: &str =
    "run apply again to look once more; if it stays unknown, ask the guest whether the mail came";

/// What to do about a row that a run has not finished.
pub(super) const RUN_AGAIN: &str = "run apply again";

/// What to do about a guest that is left half way.
pub(super) const LEFT: &str =
    "put the row back and apply again, with --retry-failed where the invitation was refused";

/// What to do about a guest that others moved and nobody invited.
pub(super) const NOT_INVITED: &str = "if an earlier run wrote the mail, go on with its checkpoint; without one, reset = always in the row invites the guest";

/// What to do about a guest that was invited and does not redeem.
pub(super) const STUCK: &str = "ask the guest whether the mail came; apply --resend sends another";

/// What to do about a guest to whom nobody sent a mail (Entra, *Redemption experience*,
/// 2026-04: signing in to the tenant redeems, too).
pub(super) const NO_MAIL: &str = "tell the guest yourself: it redeems by signing in with the new address at https://myapps.microsoft.com/?tenantid= and the id of this tenant";

/// What to do about something that the directory showed, if anything.
pub(super) const fn of_finding(finding: Finding) -> Option<&'static str> {
    match finding {
        Finding::NoTrace => Some(
            "the service accepted the invitation and the directory shows none: look at the guest, then apply --resend",
        ),
        Finding::MailChanged => {
            Some("someone changed the mail after the move: ask who, and decide")
        }
        Finding::Unclear => {
            Some("the redemption is in a state unknown to this version: look at the guest")
        }
        Finding::Deleted => Some("the guest was deleted: restore it, or take the row out"),
        Finding::Reinvited => {
            Some("someone else invited the guest since: ask who, if it does not redeem")
        }
        Finding::Pending | Finding::Redeemed => None,
    }
}
