//! The answers that are told apart by their code or message, each with its source.

use super::catalogue::{Cause, GONE, StopCause, Verdict};
use super::refusal::Refusal;

pub(super) struct Rule {
    /// Where the answer is documented or was quoted.
    #[cfg_attr(not(test), expect(dead_code, reason = "read by the tests and by people"))]
    pub(super) source: &'static str,
    pub(super) matches: Match,
    pub(super) verdict: fn() -> Verdict,
}

pub(super) enum Match {
    /// Part of the folded message.
    Message(&'static str),
    /// `error.code`, in any case.
    Code(&'static str),
    /// The code of one of `error.details`.
    Detail(&'static str),
}

pub(super) const fn failed(code: &'static str, advice: &'static str) -> Verdict {
    Verdict::RowFailed(Cause { code, advice })
}

/// In order; the first that matches decides.
pub(super) const RULES: &[Rule] = &[
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
        source: "nais/azurerator#448; as 503 Azure/azure-cli#23081",
        matches: Match::Code("directory_concurrencyviolation"),
        verdict: || Verdict::RetrySoon,
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
        verdict: || failed(GONE, "look for the guest in the portal: the service does not find it"),
    },
];

impl Match {
    pub(super) fn holds(&self, refusal: &Refusal, message: &str) -> bool {
        match self {
            Self::Message(part) => message.contains(part),
            Self::Code(code) => refusal.code.eq_ignore_ascii_case(code),
            Self::Detail(code) => refusal.details.iter().any(|d| d.eq_ignore_ascii_case(code)),
        }
    }
}
