//! The plan and outcomes that all tests of this module render.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::{
    AddressHolder, Caller, Email, HolderKind, Language, Message, Redemption, RedirectUrl, UserId,
};
use crate::plan::{
    Blocked, Change, ChangeReason, Counts, Decision, Digest, Finding, Invitation, Plan, PlannedRow,
    SetMail, Settled, Severity,
};
use crate::run::{Failure, InvitedHow, LimitedBy, Outcome, StopReason, Summary};

pub(super) fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

fn id(n: u128) -> UserId {
    UserId::from(Uuid::from_u128(n))
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(super) fn invitation(address: &str) -> Invitation {
    Invitation {
        address: email(address),
        redirect_url: Arc::new(RedirectUrl::parse("https://myapps.microsoft.com").unwrap()),
        send: true,
        by: crate::config::DeliveryWay::Microsoft,
        message: None,
        cc: None,
        more_cc: Box::default(),
        language: None,
        display_name: None,
    }
}

fn row(line: u32, user: &str, new_email: Option<&str>, decision: Decision) -> PlannedRow {
    let user_id = match decision {
        Decision::Blocked(Blocked::NotFound | Blocked::Ambiguous { .. } | Blocked::InvalidRow) => {
            None
        }
        Decision::Change(_) | Decision::Settled(_) | Decision::Blocked(_) => {
            Some(id(u128::from(line)))
        }
    };
    PlannedRow { line, user: user.into(), user_id, new_email: new_email.map(email), decision }
}

/// A change; `from` is the mail to be replaced, if one is.
pub(super) fn change(
    line: u32,
    user: &str,
    reason: ChangeReason,
    from: Option<&str>,
    invitation: Invitation,
) -> PlannedRow {
    let address = invitation.address.clone();
    let set_mail = from.map(|from| SetMail {
        expected: Some(from.into()),
        desired: Some(address.clone()),
        other_mails: None,
        restores: false,
    });
    let redemption = Redemption::default();
    let decision = Decision::Change(Box::new(Change {
        reason,
        set_mail,
        invite: Some(invitation),
        redemption,
        ours: crate::plan::Ours::default(),
        accepted_at: None,
        unsettled: None,
    }));
    row(line, user, Some(address.as_str()), decision)
}

/// Fourteen rows: six changes, three settled, five blocked.
pub(super) fn plan() -> Plan {
    use ChangeReason::{FinishEarlierRun, NewAddress, ResetOnly, UnknownOutcome};
    let holder = |n: u128, name: &str| AddressHolder {
        kind: HolderKind::Guest,
        id: id(n),
        name: name.into(),
    };
    let settled = Decision::Settled;
    let blocked = Decision::Blocked;
    plan_of(vec![
        change(
            2,
            "ada@northwind.example",
            NewAddress,
            Some("ada@northwind.example"),
            Invitation {
                language: Some(Language::parse("de").unwrap()),
                ..invitation("ada@fabrikam.example")
            },
        ),
        change(
            3,
            "bob_northwind.example#EXT#@contoso.example",
            NewAddress,
            Some("bob@northwind.example"),
            Invitation {
                message: Some(Arc::new(Message::parse("We are Fabrikam now.").unwrap())),
                cc: Some(email("boss@fabrikam.example")),
                more_cc: Box::default(),
                ..invitation("bob@fabrikam.example")
            },
        ),
        change(
            4,
            "c.old@northwind.example",
            NewAddress,
            Some("cleo@northwind.example"),
            Invitation { send: false, ..invitation("cleo@fabrikam.example") },
        ),
        change(5, "dan@northwind.example", ResetOnly, None, invitation("dan@northwind.example")),
        change(
            6,
            "eve@northwind.example",
            FinishEarlierRun,
            None,
            invitation("eve@fabrikam.example"),
        ),
        change(
            7,
            "finn@northwind.example",
            UnknownOutcome,
            None,
            invitation("finn@fabrikam.example"),
        ),
        row(
            8,
            "gil@northwind.example",
            Some("gil@fabrikam.example"),
            settled(Settled::AlreadyInvited {
                at: at("2026-03-01T02:00:00Z"),
                lagging: Some("gil@elsewhere.example".into()),
            }),
        ),
        row(
            9,
            "hana@fabrikam.example",
            Some("hana@fabrikam.example"),
            settled(Settled::AlreadyMatches { uninvited: None }),
        ),
        row(
            10,
            "ada@northwind.example",
            Some("ada@fabrikam.example"),
            settled(Settled::SameAsLine { line: 2 }),
        ),
        row(
            11,
            "ghost\u{1b}[2J@northwind.example",
            Some("ghost@fabrikam.example"),
            blocked(Blocked::NotFound),
        ),
        row(
            12,
            "=HYPERLINK(\"https://evil.example\")",
            Some("ivy@fabrikam.example"),
            blocked(Blocked::NotFound),
        ),
        row(
            13,
            "joe@northwind.example",
            Some("joe@fabrikam.example"),
            blocked(Blocked::Ambiguous {
                candidates: vec![
                    holder(0xa, "joe#EXT#@c.example"),
                    holder(0xb, "j#EXT#@c.example"),
                ],
            }),
        ),
        row(
            14,
            "kim@northwind.example",
            Some("kim@fabrikam.example"),
            blocked(Blocked::FailedBefore {
                code: "guest-gone".into(),
                message: "the guest no longer exists".into(),
                at: at("2026-03-01T02:00:05Z"),
            }),
        ),
        row(15, "lea", None, blocked(Blocked::InvalidRow)),
    ])
}

/// A plan of these rows with two findings.
pub(super) fn plan_of(rows: Vec<PlannedRow>) -> Plan {
    let mut counts = Counts { rows: rows.len() as u64, ..Counts::default() };
    for row in &rows {
        match row.decision {
            Decision::Change(_) => counts.change += 1,
            Decision::Settled(_) => counts.settled += 1,
            Decision::Blocked(_) => counts.blocked += 1,
        }
    }
    let tenant_id = "7d1c2a40-0000-4000-8000-0000000000aa".to_owned();
    Plan {
        mailing: None,
        effort: None,
        part: None,
        wave: None,
        domains: Vec::new(),
        redemption_order: None,
        digest: Digest::new(&tenant_id, &rows),
        rows,
        counts,
        findings: vec![
            Finding {
                severity: Severity::Refuse,
                code: "max-changes",
                message: format!("{} rows would change, and max_changes allows 5", counts.change),
                advice:
                    "review the plan, then set [guards] max_changes or --max-changes to 6 or more"
                        .to_owned(),
            },
            Finding {
                severity: Severity::Warn,
                code: "resets",
                message: "1 guest is reset without a new address".to_owned(),
                advice: "they are locked out until they redeem again; a reset can't be undone"
                    .to_owned(),
            },
        ],
        tenant_id,
        tenant_name: Some("Contoso".to_owned()),
        caller: Caller::AppOnly,
        left: Vec::new(),
        touched: None,
    }
}

pub(super) fn failure() -> Failure {
    Failure {
        code: "address-mismatch".to_owned(),
        message: "the invitation service does not see the new mail: \"doesn't match any emails on the user object\" after 5 tries in 3 min".to_owned(),
        advice: "run apply again with --retry-failed after an hour".to_owned(),
        request_id: Some("0000aaaa-11bb-cccc-dd22-eeeeee333333".to_owned()),
    }
}

/// What a run stopped by the tenant made of [`plan`].
pub(super) fn outcomes() -> Vec<Option<Outcome>> {
    let mut outcomes = vec![None; plan().rows.len()];
    outcomes[0] = Some(Outcome::Invited(InvitedHow::Accepted));
    outcomes[1] = Some(Outcome::Invited(InvitedHow::SettledFromDirectory));
    outcomes[2] = Some(Outcome::Failed(failure()));
    outcomes[3] = Some(Outcome::Unknown {
        evidence: "the connection was lost after the request left; the guest is unchanged since"
            .to_owned(),
    });
    outcomes[4] = Some(Outcome::NotAttempted { patched: true });
    outcomes
}

/// The numbers of [`outcomes`].
pub(crate) fn summary() -> Summary {
    Summary {
        rows: 14,
        invited: 2,
        patched: 4,
        settled: 3,
        blocked: 5,
        failed: 1,
        unknown: 1,
        held: 0,
        not_attempted: 2,
        left: 0,
        not_invited: 0,
        canary: 0,
        retries: 7,
        throttled: 1,
        limited_by: Some(LimitedBy::Throttling {
            refusals: 1,
            waited: std::time::Duration::from_secs(130),
        }),
        stop_reason: Some(StopReason::Tenant {
            code: "invitations-blocked",
            message: "Guest invitations are blocked for suspicious activity".to_owned(),
        }),
        elapsed: Duration::from_millis(192_400),
        started_at: Some(at("2026-03-02T02:00:00Z")),
        mails: std::collections::BTreeMap::new(),
    }
}
