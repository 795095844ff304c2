//! What a person can do about a row that needs one, by its reason.

use crate::domain::Finding;

/// What to do about a row that the plan blocks.
pub(super) fn of_blocked(reason: &str) -> &'static str {
    match reason {
        "not-found" => "correct the address or object id, or take the row out",
        "ambiguous" => "name the guest by object id",
        "not-a-guest" => "take the row out: members of the tenant are not invited",
        "internal-guest" => {
            "take the row out, or convert the account by hand, which can't be undone"
        }
        "holds-role" => "let a signed-in administrator reset the guest, or take the role off it",
        "synced" => "change the mail in the on-premises directory",
        "externally-mastered" => "change the mail in the Exchange admin center",
        "restricted-unit" => "sign in as a caller with a role scoped to that administrative unit",
        "disabled" => "enable the account, then run apply again",
        "address-taken" => "free the address from its holder, or correct new_email",
        "own-domain" => "correct new_email: guests live outside the tenant's own domains",
        "domain-not-allowed" => {
            "correct new_email, or allow its domain in the external collaboration settings"
        }
        "no-mail" => "fill in new_email",
        "conflicting-rows" => "keep one of the rows",
        "changed-by-hand" => "ask who changed the mail; apply --retry-failed moves it all the same",
        "invalid-row" => "run lint on the manifest and mend the row",
        _ => "mend the cause, then run apply again",
    }
}

/// What to do about a failure that was recorded without advice.
pub(super) const FAILED: &str = "mend the cause, then run apply with --retry-failed";

/// What to do about a lost answer that the directory has not settled.
pub(super) const UNKNOWN: &str =
    "run apply again to look once more; if it stays unknown, ask the guest whether the mail came";

/// What to do about a row that a run has not finished.
pub(super) const RUN_AGAIN: &str = "run apply again";

/// What to do about a guest that was invited and does not redeem.
pub(super) const STUCK: &str = "ask the guest whether the mail came; apply --resend sends another";

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
