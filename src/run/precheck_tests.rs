//! Tables of what a fresh look at a guest allows.

use std::sync::Arc;

use uuid::Uuid;

use super::*;
use crate::domain::{Email, Redemption, UserType};
use crate::plan::{ChangeReason, Invitation, SetOtherMails};

const OLD: &str = "Ada@fabrikam.example";
const NEW: &str = "ada@northwind.example";
const SINCE: &str = "2024-03-01T09:00:00Z";
const LATER: &str = "2026-11-21T12:00:00Z";

fn email(address: &str) -> Email {
    address.parse().unwrap()
}

fn guest(mail: Option<&str>, other_mails: &[&str]) -> DirectoryUser {
    DirectoryUser {
        id: Uuid::from_u128(1).into(),
        user_principal_name: "ada_fabrikam.example#EXT#@contoso.example".into(),
        display_name: None,
        mail: mail.map(Into::into),
        other_mails: other_mails.iter().map(|&mail| mail.into()).collect(),
        proxy_addresses: Vec::new(),
        user_type: UserType::Guest,
        creation_type: Some("Invitation".into()),
        redemption: Redemption {
            state: Some(RedemptionState::Accepted),
            changed_at: Some(SINCE.parse().unwrap()),
        },
        account_enabled: Some(true),
        synced: false,
        formerly_synced: false,
        management_restricted: false,
    }
}

fn change(set_mail: Option<SetMail>) -> Change {
    Change {
        reason: ChangeReason::NewAddress,
        set_mail,
        invite: Some(Invitation {
            address: email(NEW),
            redirect_url: Arc::new("https://myapps.microsoft.com".parse().unwrap()),
            send: true,
            by: crate::config::DeliveryWay::Microsoft,
            message: None,
            cc: None,
            more_cc: Box::default(),
            language: None,
            display_name: None,
        }),
        redemption: Redemption {
            state: Some(RedemptionState::Accepted),
            changed_at: Some(SINCE.parse().unwrap()),
        },
        ours: Ours::default(),
        accepted_at: None,
        unsettled: None,
    }
}

fn boxed(mails: &[&str]) -> Vec<Box<str>> {
    mails.iter().map(|&mail| mail.into()).collect()
}

/// `mail` from the old address to the new.
fn mail() -> SetMail {
    let (expected, desired) = (Some(OLD.into()), Some(email(NEW)));
    SetMail { expected, desired, other_mails: None, restores: false }
}

/// The new address added to `otherMails`.
fn other_mails() -> SetOtherMails {
    SetOtherMails {
        expected: boxed(&["x@y.example", "z@y.example"]),
        desired: boxed(&["x@y.example", "z@y.example", NEW]),
    }
}

/// `write`, `nothing`, or the code of the conflict.
fn word(change: &Change, guest: &DirectoryUser) -> String {
    match precheck(change, guest) {
        Precheck::Write => "write".to_owned(),
        Precheck::NothingToWrite => "nothing".to_owned(),
        Precheck::Conflict(failure) => failure.code,
    }
}

#[test]
fn mail_is_written_only_over_what_the_plan_expects() {
    for (found, expected) in [
        (Some(OLD), "write"),
        (Some("ADA@Fabrikam.example"), "write"),
        (Some(NEW), "nothing"),
        (Some("Ada@Northwind.example"), "nothing"),
        (Some("third@tailspin.example"), "changed-since-plan"),
        (None, "changed-since-plan"),
    ] {
        assert_eq!(word(&change(Some(mail())), &guest(found, &[])), expected, "{found:?}");
    }
    let none_expected = change(Some(SetMail { expected: None, ..mail() }));
    assert_eq!(word(&none_expected, &guest(None, &[])), "write");
    assert_eq!(word(&none_expected, &guest(Some(OLD), &[])), "changed-since-plan");
    assert_eq!(word(&none_expected, &guest(Some(NEW), &[])), "nothing");
    // The campaign's own writing for another wish is nobody else's.
    let third = "third@tailspin.example";
    let ours = Ours { mail: Some(email(third)), ..Ours::default() };
    let after = Change { ours, ..change(Some(mail())) };
    for (found, expected) in
        [(OLD, "write"), (third, "write"), ("x@y.example", "changed-since-plan")]
    {
        assert_eq!(word(&after, &guest(Some(found), &[])), expected, "{found}");
    }
}

#[test]
fn other_mails_are_replaced_only_as_the_plan_saw_them() {
    let only = change(Some(SetMail { desired: None, other_mails: Some(other_mails()), ..mail() }));
    for (name, found, listed, expected) in [
        ("as seen", OLD, &["x@y.example", "z@y.example"][..], "write"),
        ("in another order", OLD, &["Z@y.example", "x@y.example"], "write"),
        ("written", OLD, &[NEW, "z@y.example", "x@y.example"], "nothing"),
        ("one added", OLD, &["x@y.example", "z@y.example", "q@y.example"], "changed-since-plan"),
        ("one removed", OLD, &["x@y.example"], "changed-since-plan"),
        ("one twice", OLD, &["x@y.example", "x@y.example"], "changed-since-plan"),
        ("mail changed", "q@y.example", &["x@y.example", "z@y.example"], "changed-since-plan"),
    ] {
        assert_eq!(word(&only, &guest(Some(found), listed)), expected, "{name}");
    }
}

#[test]
fn a_write_of_both_is_finished_when_one_half_is_there() {
    let both = change(Some(SetMail { other_mails: Some(other_mails()), ..mail() }));
    let before = &["x@y.example", "z@y.example"][..];
    let after = &["x@y.example", "z@y.example", NEW][..];
    for (name, found, listed, expected) in [
        ("neither", OLD, before, "write"),
        ("mail alone", NEW, before, "write"),
        ("other mails alone", OLD, after, "write"),
        ("both", NEW, after, "nothing"),
        ("mail is someone's", "q@y.example", after, "changed-since-plan"),
        ("other mails are someone's", NEW, &["q@y.example"], "changed-since-plan"),
    ] {
        assert_eq!(word(&both, &guest(Some(found), listed)), expected, "{name}");
    }
}

#[test]
fn without_a_write_the_address_has_to_be_there_still() {
    let reset = change(None);
    assert_eq!(word(&reset, &guest(Some(NEW), &[])), "nothing");
    assert_eq!(word(&reset, &guest(Some(OLD), &["ADA@northwind.example"])), "nothing");
    assert_eq!(word(&reset, &guest(Some(OLD), &[])), "changed-since-plan");
    assert_eq!(word(&reset, &guest(None, &[])), "changed-since-plan");
}

#[test]
fn a_guest_invited_or_redeemed_since_the_plan_is_left_alone() {
    use RedemptionState::{Accepted, Other, PendingAcceptance};
    let earlier = "2020-01-01T00:00:00Z";
    for (state, at, expected) in [
        (Some(Accepted), Some(SINCE), "write"),
        (Some(Accepted), Some(LATER), "redeemed-since-plan"),
        (Some(PendingAcceptance), Some(LATER), "invited-since-plan"),
        (Some(Other("Frozen".into())), Some(LATER), "changed-since-plan"),
        (None, Some(LATER), "changed-since-plan"),
        // A replica that lags shows an older state, and nobody's hand.
        (Some(PendingAcceptance), Some(earlier), "write"),
        (None, None, "write"),
    ] {
        let mut guest = guest(Some(OLD), &[]);
        guest.redemption.state.clone_from(&state);
        guest.redemption.changed_at = at.map(|at| at.parse().unwrap());
        assert_eq!(word(&change(Some(mail())), &guest), expected, "{state:?} {at:?}");
        // Not even when the mail is there already: someone else invited it.
        guest.mail = Some(NEW.into());
        let expected = if expected == "write" { "nothing" } else { expected };
        assert_eq!(word(&change(Some(mail())), &guest), expected, "{state:?} {at:?}");
    }
    let mut never = change(Some(mail()));
    never.redemption = Redemption::default();
    assert_eq!(word(&never, &guest(Some(OLD), &[])), "redeemed-since-plan");
}

#[test]
fn a_conflict_says_what_was_expected_and_what_was_found() {
    let found = guest(Some("third@tailspin.example"), &[]);
    let Precheck::Conflict(failure) = precheck(&change(Some(mail())), &found) else { panic!() };
    for part in [OLD, "third@tailspin.example", "nothing was overwritten"] {
        assert!(failure.message.contains(part), "{}", failure.message);
    }
}

#[test]
fn a_mail_alone_undoes_no_redemption_and_is_checked_like_any_other() {
    let correction =
        Change { reason: ChangeReason::Correction, invite: None, ..change(Some(mail())) };
    let mut redeemed = guest(Some(OLD), &[]);
    redeemed.redemption.changed_at = Some(LATER.parse().unwrap());
    assert_eq!(word(&correction, &redeemed), "write");
    assert_eq!(word(&correction, &guest(Some(NEW), &[])), "nothing");
    assert_eq!(word(&correction, &guest(Some("x@y.example"), &[])), "changed-since-plan");
}
