//! What a refusal means: the one place where answers are told apart.
//!
//! The service gives several causes the same code and differs only in the
//! message, so messages are matched too, folded and by their stable core. The
//! sources are public: documentation, and issues where administrators quoted the
//! answer they got. An answer not listed falls to the rule of its status and is
//! reported verbatim.

use http::StatusCode;

use super::refusal::Refusal;

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
}

/// What is to be done about a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Turned away unprocessed: repeat it later, whatever it was.
    Retry,
    /// Refused because a replica has not caught up, if we have just written the
    /// guest; otherwise a failure of the row.
    RetryWhileReplicating(Cause),
    /// Refused for this guest.
    RowFailed(Cause),
    /// Not permitted: a failure of the row where the guest is the reason, the end
    /// of the run where nobody can be invited.
    NotPermitted(Cause),
    /// True of the tenant: nothing more is to be sent.
    StopRun(StopCause),
    /// The token is no longer accepted: a fresh one may be.
    RefreshToken,
    /// It may or may not have been carried out. A write that is safe to repeat is
    /// repeated; an invitation is not.
    OutcomeUnknown,
}

/// Why a row was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cause {
    /// Stable code.
    pub code: &'static str,
    /// What to do about it.
    pub advice: &'static str,
}

/// Why a run has to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopCause {
    /// Microsoft has blocked invitations of this directory.
    InvitationsBlocked,
    /// The tenant does not allow invitations, or not this caller's.
    InvitationsDisabled,
    /// The directory is full.
    QuotaExceeded,
    /// A permission or its consent is missing, or Conditional Access refuses.
    NotPermitted,
}

impl StopCause {
    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::InvitationsBlocked => "invitations-blocked",
            Self::InvitationsDisabled => "invitations-disabled",
            Self::QuotaExceeded => "quota-exceeded",
            Self::NotPermitted => "permission",
        }
    }
}

struct Rule {
    /// Where the answer is documented or was quoted.
    #[cfg_attr(not(test), expect(dead_code, reason = "read by the tests and by people"))]
    source: &'static str,
    matches: Match,
    verdict: fn() -> Verdict,
}

enum Match {
    /// Part of the folded message.
    Message(&'static str),
    /// `error.code`, in any case.
    Code(&'static str),
    /// The code of one of `error.details`.
    Detail(&'static str),
}

const fn failed(code: &'static str, advice: &'static str) -> Verdict {
    Verdict::RowFailed(Cause { code, advice })
}

/// In order; the first that matches decides.
const RULES: &[Rule] = &[
    Rule {
        source: "Microsoft Q&A 5781008 and MSP reports, 2026-02 and 2026-04",
        matches: Match::Message("invitations are blocked for this directory"),
        verdict: || Verdict::StopRun(StopCause::InvitationsBlocked),
    },
    Rule {
        source: "MicrosoftDocs/azure-docs#78054",
        matches: Match::Message("guest invitations not allowed for your company"),
        verdict: || Verdict::StopRun(StopCause::InvitationsDisabled),
    },
    Rule {
        source: "microsoftgraph/microsoft-graph-docs#10759: a 401 that no fresh token cures",
        matches: Match::Message(
            "insufficient privileges to perform requested operation by the application",
        ),
        verdict: || Verdict::StopRun(StopCause::NotPermitted),
    },
    Rule {
        source: "Microsoft Graph, Error codes: Directory_QuotaExceeded",
        matches: Match::Code("directory_quotaexceeded"),
        verdict: || Verdict::StopRun(StopCause::QuotaExceeded),
    },
    Rule {
        source: "MicrosoftDocs/azure-docs#71825, #86773",
        matches: Match::Message("doesn't match any emails on the user object"),
        verdict: || {
            Verdict::RetryWhileReplicating(Cause {
                code: "address-not-on-guest",
                advice: "the directory did not take over the new mail in time; run apply with --retry-failed later",
            })
        },
    },
    Rule {
        source: "microsoftgraph/microsoft-graph-docs#15839",
        matches: Match::Message("unable to read the company information from the directory"),
        verdict: || {
            Verdict::RetryWhileReplicating(Cause {
                code: "not-replicated",
                advice: "the directory has not caught up; run apply with --retry-failed later",
            })
        },
    },
    Rule {
        source: "microsoftgraph/msgraph-sdk-dotnet#2508",
        matches: Match::Message("not a valid reference update"),
        verdict: || {
            Verdict::RetryWhileReplicating(Cause {
                code: "not-replicated",
                advice: "the directory has not caught up; run apply with --retry-failed later",
            })
        },
    },
    Rule {
        source: "Azure AD Graph error codes: Request_ThrottledTemporarily",
        matches: Match::Code("request_throttledtemporarily"),
        verdict: || Verdict::Retry,
    },
    Rule {
        source: "MicrosoftDocs/azure-docs#71825, #72075, #80892",
        matches: Match::Message("generic authorization exception"),
        verdict: || {
            Verdict::NotPermitted(Cause {
                code: "not-permitted",
                advice: "the guest may hold a role (an application can't reset it), or the application lacks User.ReadWrite.All",
            })
        },
    },
    Rule {
        source: "microsoftgraph/microsoft-graph-docs-contrib#8421",
        matches: Match::Detail("objectconflict"),
        verdict: || {
            failed(
                "address-conflict",
                "another object holds the new address, perhaps a deleted user, a contact or a group; release it there first",
            )
        },
    },
    Rule {
        source: "microsoftgraph/microsoft-graph-docs-contrib#8421",
        matches: Match::Message("another object with the same value for property proxyaddresses"),
        verdict: || {
            failed(
                "address-conflict",
                "another object holds the new address, perhaps a deleted user, a contact or a group; release it there first",
            )
        },
    },
    Rule {
        source: "microsoftgraph/microsoft-graph-docs-contrib#3564",
        matches: Match::Message("objects that have originated within an external service"),
        verdict: || failed("externally-mastered", "change the mail in the Exchange admin center"),
    },
    Rule {
        source: "Entra, Provisioning error codes",
        matches: Match::Message("on-premises mastered directory sync objects"),
        verdict: || failed("synced", "change the mail in the on-premises directory"),
    },
    Rule {
        source: "public code that handles the answer",
        matches: Match::Message("group email address is not supported"),
        verdict: || {
            failed("group-address", "the new address belongs to a group; give the guest's own")
        },
    },
    Rule {
        source: "Entra, Troubleshoot B2B collaboration",
        matches: Match::Message("is a verified domain of this directory"),
        verdict: || failed("own-domain", "guests can't be invited to the tenant's own domains"),
    },
    Rule {
        source: "Entra, Troubleshoot B2B collaboration",
        matches: Match::Message("the account is blocked from signing in"),
        verdict: || failed("disabled", "enable the account first"),
    },
    Rule {
        source: "microsoftgraph/msgraph-beta-sdk-dotnet#798",
        matches: Match::Message("already exists in the directory as object id"),
        verdict: || {
            failed(
                "already-exists",
                "the service did not take the invitation as a reset of this guest; look at the object it names",
            )
        },
    },
    Rule {
        source: "Entra, Troubleshoot B2B collaboration",
        matches: Match::Message("invitee is in inviter tenant"),
        verdict: || failed("own-tenant", "the new address belongs to this very tenant"),
    },
    Rule {
        source: "MicrosoftDocs/azure-docs#48061",
        matches: Match::Message("this user can't be invited to this directory"),
        verdict: || {
            failed(
                "not-invitable",
                "the home tenant of the new address can't be invited, perhaps for being in another cloud",
            )
        },
    },
    Rule {
        source: "Entra, Troubleshoot B2B collaboration",
        matches: Match::Message("blocked by cross-tenant access settings"),
        verdict: || {
            failed(
                "cross-tenant-policy",
                "allow the partner's tenant in the cross-tenant access settings",
            )
        },
    },
    Rule {
        source: "Entra, Troubleshoot B2B collaboration",
        matches: Match::Message("b2b cross cloud worker application has been disabled"),
        verdict: || {
            failed(
                "cross-cloud",
                "the partner has to enable the Microsoft B2B Cross Cloud Worker application",
            )
        },
    },
    Rule {
        source: "Microsoft Graph, Error codes: insufficient_claims",
        matches: Match::Code("insufficient_claims"),
        verdict: || Verdict::StopRun(StopCause::NotPermitted),
    },
    Rule {
        source: "hashicorp/terraform-provider-azuread#656",
        matches: Match::Code("request_resourcenotfound"),
        verdict: || failed("gone", "the guest no longer exists"),
    },
];

impl Match {
    fn holds(&self, refusal: &Refusal, message: &str) -> bool {
        match self {
            Self::Message(part) => message.contains(part),
            Self::Code(code) => refusal.code.eq_ignore_ascii_case(code),
            Self::Detail(code) => refusal.details.iter().any(|d| d.eq_ignore_ascii_case(code)),
        }
    }
}

/// Tells what a refusal means for what was asked.
pub fn judge(operation: Operation, refusal: &Refusal) -> Verdict {
    // A 429 was turned away before anything was done, whatever it says
    // (Microsoft Graph, *Throttling*).
    if refusal.status == StatusCode::TOO_MANY_REQUESTS {
        return Verdict::Retry;
    }
    // A server's error says nothing about what it did before.
    if refusal.status.is_server_error() {
        return match operation {
            _ if refusal.code.eq_ignore_ascii_case("Request_ThrottledTemporarily") => {
                Verdict::Retry
            }
            Operation::Read
            | Operation::WriteMail
            | Operation::WriteOtherMails
            | Operation::Invite => Verdict::OutcomeUnknown,
        };
    }
    let message = refusal.folded_message();
    if let Some(rule) = RULES.iter().find(|rule| rule.matches.holds(refusal, &message)) {
        return (rule.verdict)();
    }
    by_status(operation, refusal)
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
            Operation::WriteMail | Operation::WriteOtherMails | Operation::Invite => {
                Verdict::NotPermitted(Cause {
                    code: "not-permitted",
                    advice: "the guest may hold a role, or the application lacks a permission",
                })
            }
        },
        StatusCode::NOT_FOUND => failed("gone", "the guest no longer exists"),
        _ => failed("refused", "see the service's own words; nothing was changed by this request"),
    }
}

#[cfg(test)]
mod tests {
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
            (503, "Request_ThrottledTemporarily", "Your request is throttled temporarily", "retry"),
            (503, "", "", "unknown"),
            (
                401,
                "InvalidAuthenticationToken",
                "Access token has expired or is not yet valid.",
                "refresh",
            ),
            (403, "insufficient_claims", "", "stop permission"),
            (408, "", "", "unknown"),
            (418, "Teapot", "", "failed refused"),
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
