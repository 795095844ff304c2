//! What a refusal means: the one place where answers are told apart.
//!
//! The service gives several causes the same code and differs only in the
//! message, so messages are matched too, folded and by their stable core. The
//! sources are public: documentation, and issues where administrators quoted the
//! answer they got. An answer not listed falls to the rule of its status and is
//! reported verbatim.

use http::StatusCode;

use super::refusal::Refusal;
use super::rules::{RULES, failed};

/// What was asked for: the same answer means different things for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Any GET, and `$batch` of GETs.
    Read,
    /// `PATCH /users/{id}` of `mail` alone.
    WriteMail,
    /// `PATCH /users/{id}` with `otherMails`, a sensitive property.
    WriteOtherMails,
    /// `POST /invitations`: not idempotent.
    Invite,
    /// Looking into a mailbox or the message trace, and putting a draft there: repeating
    /// it leaves one more draft, which nobody gets.
    Mailbox,
    /// Sending a draft: not idempotent.
    SendMail,
}

/// What is to be done about a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Turned away unprocessed: repeat it later, whatever it was.
    Retry,
    /// Turned away unprocessed because something else was at work on it: repeat it after a
    /// short wait.
    RetrySoon,
    /// Refused because a replica has not caught up, if we have just written the
    /// guest; otherwise a failure of the row.
    RetryWhileReplicating(Cause),
    /// Refused for this guest.
    RowFailed(Cause),
    /// Refused, and not for this guest: the next run takes the step up.
    Postponed(Cause),
    /// Not permitted: a failure of the row where the guest is the reason, the end
    /// of the run where nobody can be invited.
    NotPermitted(Cause),
    /// True of the tenant: nothing more is to be sent.
    StopRun(StopCause),
    /// The token is no longer accepted, or is from before a grant: a fresh one may do.
    RefreshToken,
    /// It may or may not have been carried out. A write that is safe to repeat is
    /// repeated; an invitation is not.
    OutcomeUnknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cause {
    pub code: &'static str,
    pub advice: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopCause {
    /// Microsoft has blocked invitations of this directory.
    InvitationsBlocked,
    /// The tenant does not allow invitations, or not this caller's.
    InvitationsDisabled,
    QuotaExceeded,
    /// A permission or its consent is missing, or Conditional Access refuses.
    NotPermitted,
}

impl StopCause {
    pub fn code(self) -> &'static str {
        match self {
            Self::InvitationsBlocked => "invitations-blocked",
            Self::InvitationsDisabled => "invitations-disabled",
            Self::QuotaExceeded => "quota-exceeded",
            Self::NotPermitted => "permission",
        }
    }
}

/// The code of the cause that a guest is not found.
pub(crate) const GONE: &str = "gone";

/// Tells what a refusal means for what was asked.
pub fn judge(operation: Operation, refusal: &Refusal) -> Verdict {
    if matches!(operation, Operation::Mailbox | Operation::SendMail) {
        return judge_mail(refusal);
    }
    // A 429 was turned away before anything was done, whatever it says
    // (Microsoft Graph, *Throttling*).
    if refusal.status == StatusCode::TOO_MANY_REQUESTS {
        return Verdict::Retry;
    }
    // A server's error says nothing about what it did before.
    if refusal.status.is_server_error() {
        return match operation {
            Operation::Read | Operation::WriteMail | Operation::WriteOtherMails
                if refusal.code.eq_ignore_ascii_case("Request_ThrottledTemporarily") =>
            {
                Verdict::Retry
            }
            Operation::Read
            | Operation::WriteMail
            | Operation::WriteOtherMails
            | Operation::Invite
            | Operation::Mailbox
            | Operation::SendMail => Verdict::OutcomeUnknown,
        };
    }
    let message = refusal.folded_message();
    if let Some(rule) = RULES.iter().find(|rule| rule.matches.holds(refusal, &message)) {
        return (rule.verdict)();
    }
    by_status(operation, refusal)
}

/// The answers of a mailbox, which is Exchange's and knows no rule of the directory. What
/// a refusal means for the guest, whoever mails knows (`mailbox`).
fn judge_mail(refusal: &Refusal) -> Verdict {
    match refusal.status {
        // Not before tomorrow.
        StatusCode::TOO_MANY_REQUESTS if refusal.code != "ErrorExceededMessageLimit" => {
            Verdict::Retry
        }
        StatusCode::UNAUTHORIZED => Verdict::RefreshToken,
        // The token may be from before the grant (seen in the field, 2026-09).
        StatusCode::FORBIDDEN if refusal.code.eq_ignore_ascii_case("ErrorAccessDenied") => {
            Verdict::RefreshToken
        }
        StatusCode::REQUEST_TIMEOUT => Verdict::OutcomeUnknown,
        status if status.is_server_error() => Verdict::OutcomeUnknown,
        _ => Verdict::Postponed(Cause {
            code: "mail-refused",
            advice: "see the mailbox's own words",
        }),
    }
}

/// The rule of last resort: an answer that no rule names.
fn by_status(operation: Operation, refusal: &Refusal) -> Verdict {
    match refusal.status {
        StatusCode::UNAUTHORIZED => Verdict::RefreshToken,
        StatusCode::REQUEST_TIMEOUT => Verdict::OutcomeUnknown,
        StatusCode::FORBIDDEN => match operation {
            // `mail` is no sensitive property: nothing about the guest explains
            // the refusal (Microsoft Graph, *Working with users*).
            Operation::WriteMail
                if refusal.code.eq_ignore_ascii_case("Authorization_RequestDenied") =>
            {
                Verdict::StopRun(StopCause::NotPermitted)
            }
            Operation::Read => Verdict::StopRun(StopCause::NotPermitted),
            Operation::WriteMail
            | Operation::WriteOtherMails
            | Operation::Invite
            | Operation::Mailbox
            | Operation::SendMail => Verdict::NotPermitted(Cause {
                code: "not-permitted",
                advice: "the guest may hold a role, or the application lacks a permission",
            }),
        },
        StatusCode::CONFLICT | StatusCode::LOCKED => Verdict::RetrySoon,
        StatusCode::NOT_FOUND => {
            failed(GONE, "look for the guest in the portal: the service does not find it")
        }
        StatusCode::BAD_REQUEST
        | StatusCode::MULTIPLE_CHOICES
        | StatusCode::UNPROCESSABLE_ENTITY => {
            failed("refused", "see the service's own words; nothing was changed by this request")
        }
        _ => Verdict::Postponed(Cause {
            code: "refused",
            advice: "see the service's own words; nothing was changed, and the next apply tries again",
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::rules::Match;
    use super::*;

    fn refusal(status: u16, code: &str, message: &str) -> Refusal {
        Refusal {
            status: StatusCode::from_u16(status).unwrap(),
            code: code.into(),
            message: message.into(),
            details: Vec::new(),
            request_id: None,
            retry_after: None,
        }
    }

    fn name(verdict: &Verdict) -> String {
        match verdict {
            Verdict::Retry => "retry".into(),
            Verdict::RetrySoon => "retry soon".into(),
            Verdict::Postponed(cause) => format!("postponed {}", cause.code),
            Verdict::RetryWhileReplicating(cause) => format!("replicating {}", cause.code),
            Verdict::RowFailed(cause) => format!("failed {}", cause.code),
            Verdict::NotPermitted(cause) => format!("not permitted {}", cause.code),
            Verdict::StopRun(cause) => format!("stop {}", cause.code()),
            Verdict::RefreshToken => "refresh".into(),
            Verdict::OutcomeUnknown => "unknown".into(),
        }
    }

    #[test]
    fn every_catalogued_answer_to_an_invitation_has_its_meaning() {
        for (status, code, message, expected) in [
            (
                400,
                "BadRequest",
                "The email you\u{2019}re using to invite this user doesn\u{2019}t match any emails on the user object. Please add this email to the user object and try again.",
                "replicating address-not-on-guest",
            ),
            (403, "Forbidden", "Generic authorization exception.", "not permitted not-permitted"),
            (
                403,
                "Forbidden",
                "Guest invitations not allowed for your company. Contact your company administrator for more details.",
                "stop invitations-disabled",
            ),
            (
                401,
                "Unauthorized",
                "Insufficient privileges to perform requested operation by the application '-0000-0000-c000-'. ControllerName=MSGraphInviteAPI, ActionName=CreateInvite",
                "stop permission",
            ),
            (
                403,
                "Forbidden",
                "Invitations are blocked for this directory due to suspicious activity. Please contact Microsoft support for help.",
                "stop invitations-blocked",
            ),
            (400, "BadRequest", "Group email address is not supported", "failed group-address"),
            (
                400,
                "BadRequest",
                "This user cannot be invited because the domain of the user's email address is a verified domain of this directory.",
                "failed own-domain",
            ),
            (
                400,
                "BadRequest",
                "The invited user already exists in the directory as object ID: 1. They can use that account to sign in to shared apps and resources.",
                "failed already-exists",
            ),
            (
                400,
                "BadRequest",
                "The invited user already exists in the directory as object ID: 1, but the account is blocked from signing in. If the account is unblocked, they can use that account",
                "failed disabled",
            ),
            (400, "BadRequest", "Invitee is in inviter tenant", "failed own-tenant"),
            (
                400,
                "BadRequest",
                "This user can\u{2019}t be invited to this directory. Please try a different email address",
                "failed not-invitable",
            ),
            (
                403,
                "Forbidden",
                "This invitation is blocked by cross-tenant access settings in your organization.",
                "failed cross-tenant-policy",
            ),
            (500, "InternalServerError", "Unable to find target address", "unknown"),
            (300, "", "", "failed refused"),
            (
                404,
                "Request_ResourceNotFound",
                "Resource '1' does not exist or one of its queried reference-property objects are not present.",
                "failed gone",
            ),
            (
                404,
                "Directory_ObjectNotFound",
                "Unable to read the company information from the directory.",
                "replicating not-replicated",
            ),
            (
                400,
                "Request_BadRequest",
                "Not a valid reference update",
                "replicating not-replicated",
            ),
            (
                403,
                "Directory_QuotaExceeded",
                "The directory object quota limit for the Tenant has been exceeded.",
                "stop quota-exceeded",
            ),
            (
                403,
                "Authorization_RequestDenied",
                "Insufficient privileges to complete the operation.",
                "not permitted not-permitted",
            ),
            (429, "TooManyRequests", "Please retry again later.", "retry"),
            (
                503,
                "Request_ThrottledTemporarily",
                "Your request is throttled temporarily",
                "unknown",
            ),
            (503, "", "", "unknown"),
            (
                401,
                "InvalidAuthenticationToken",
                "Access token has expired or is not yet valid.",
                "refresh",
            ),
            (403, "insufficient_claims", "", "stop permission"),
            (408, "", "", "unknown"),
            (418, "Teapot", "", "postponed refused"),
            (409, "Directory_ConcurrencyViolation", "Please wait briefly and retry.", "retry soon"),
            (423, "Locked", "", "retry soon"),
        ] {
            let verdict = judge(Operation::Invite, &refusal(status, code, message));
            assert_eq!(name(&verdict), expected, "{status} {code} {message}");
        }
    }

    #[test]
    fn every_catalogued_answer_to_a_patch_has_its_meaning() {
        let mut conflict = refusal(400, "Request_BadRequest", "");
        conflict.details = vec!["ObjectConflict".into(), "ConflictingObjects".into()];
        assert_eq!(name(&judge(Operation::WriteMail, &conflict)), "failed address-conflict");
        for (operation, status, code, message, expected) in [
            (
                Operation::WriteMail,
                400,
                "Request_BadRequest",
                "Another object with the same value for property proxyAddresses already exists.",
                "failed address-conflict",
            ),
            (
                Operation::WriteMail,
                400,
                "Request_BadRequest",
                "Unable to update the specified properties for objects that have originated within an external service.",
                "failed externally-mastered",
            ),
            (
                Operation::WriteMail,
                400,
                "Request_BadRequest",
                "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently undergoing migration.",
                "failed synced",
            ),
            (
                Operation::WriteMail,
                403,
                "Authorization_RequestDenied",
                "Insufficient privileges to complete the operation.",
                "stop permission",
            ),
            (
                Operation::WriteOtherMails,
                403,
                "Authorization_RequestDenied",
                "Insufficient privileges to complete the operation.",
                "not permitted not-permitted",
            ),
            (
                Operation::Read,
                403,
                "Authorization_RequestDenied",
                "Insufficient privileges to complete the operation.",
                "stop permission",
            ),
        ] {
            assert_eq!(
                name(&judge(operation, &refusal(status, code, message))),
                expected,
                "{message}"
            );
        }
    }

    #[test]
    fn no_server_error_ever_counts_as_refused_or_repeatable() {
        for status in 500..600 {
            for rule in RULES {
                let message = match rule.matches {
                    Match::Message(part) => part,
                    Match::Code(_) | Match::Detail(_) => "",
                };
                let verdict = judge(Operation::Invite, &refusal(status, "", message));
                assert_eq!(verdict, Verdict::OutcomeUnknown, "{status} {} {message}", rule.source);
            }
        }
    }
}
