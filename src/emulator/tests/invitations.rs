//! Inviting.

use std::time::Duration;

use serde_json::{Value, json};

use super::caller::{TestCaller, one_guest, reset, start};
use crate::domain::Caller;
use crate::emulator::{
    AllowInvitesFrom, Effect, Emulator, Group, Lag, Options, TenantSeed, Tripwire, guest,
};
use crate::graph::wire::{Invitation, RoleAssignment, User};

const MISMATCH: &str = "The email you\u{2019}re using to invite this user doesn\u{2019}t match any \
                        emails on the user object. Please add this email to the user object and \
                        try again.";

#[tokio::test(start_paused = true)]
async fn a_reset_answers_as_documented_and_leaves_the_guest_pending() {
    let starts_at = Some("2026-05-01T08:00:00.9Z".parse().unwrap());
    let (emulator, caller) = one_guest(Options { starts_at, ..Options::default() });
    let answer = caller.invite("A1", "Old@northwind.example").await;
    assert_eq!(answer.status, 201);
    let read: Invitation = serde_json::from_value(answer.json.clone()).unwrap();
    assert_eq!(read.status.as_deref(), Some("PendingAcceptance"));
    assert_eq!(answer.json["invitedUser"]["id"], "A1");
    assert_eq!(answer.json["resetRedemption"], true);
    assert_eq!(answer.json["invitedUserType"], "Guest");
    assert_eq!(
        answer.json["invitedUserMessageInfo"],
        json!({
            "messageLanguage": null,
            "customizedMessageBody": null,
            "ccRecipients": [{ "emailAddress": { "name": null, "address": null } }],
        })
    );
    let user = emulator.user("A1").unwrap();
    assert_eq!(user.external_user_state.as_deref(), Some("PendingAcceptance"));
    assert_eq!(user.external_user_state_change_date_time.as_deref(), Some("2026-05-01T08:00:00Z"));
}

#[tokio::test]
async fn every_post_is_an_invitation_of_its_own() {
    let (emulator, caller) = one_guest(Options::default());
    let first = caller.invite("A1", "old@northwind.example").await;
    let second = caller.invite("A1", "old@northwind.example").await;
    assert_ne!(first.json["inviteRedeemUrl"], second.json["inviteRedeemUrl"]);
    let ledger = emulator.ledger();
    let invitations = ledger.invitations_for("A1");
    assert_eq!(invitations.len(), 2);
    assert!(invitations.iter().all(|sent| sent.mailed && sent.effect == Effect::Reset));
    assert!(emulator.redeem("A1"));
    assert_eq!(emulator.user("A1").unwrap().external_user_state.as_deref(), Some("Accepted"));
}

#[tokio::test(start_paused = true)]
async fn the_invitation_service_sees_a_new_mail_later() {
    let lag = Duration::from_secs(30);
    let options = Options { invitation_lag: Lag::Fixed(lag), ..Options::default() };
    let (emulator, caller) = one_guest(options);
    caller.patch("A1", json!({ "mail": "new@fabrikam.example" })).await;
    assert_eq!(caller.get("/users/A1").await.json["mail"], "new@fabrikam.example");
    let early = caller.invite("A1", "new@fabrikam.example").await;
    assert_eq!((early.status.as_u16(), early.code()), (400, "BadRequest"));
    assert_eq!(early.message(), MISMATCH);
    tokio::time::advance(lag).await;
    assert_eq!(caller.invite("A1", "new@fabrikam.example").await.status, 201);
    assert_eq!(emulator.ledger().invitations().count(), 1);
}

#[tokio::test]
async fn an_address_among_the_others_will_do() {
    let (_, caller) = one_guest(Options::default());
    caller.patch("A1", json!({ "otherMails": ["new@fabrikam.example"] })).await;
    assert_eq!(caller.invite("A1", "new@fabrikam.example").await.status, 201);
}

type Setup = fn(&mut TenantSeed);
type Refused = (u16, &'static str, &'static str);

#[tokio::test]
async fn refusals_are_in_the_words_of_the_service() {
    let nothing: Setup = |_| ();
    let table: Vec<(&str, Setup, Value, Refused)> = vec![
        (
            "the address is not the user's",
            nothing,
            reset("A1", "new@fabrikam.example"),
            (400, "BadRequest", MISMATCH),
        ),
        (
            "the user holds a role",
            |seed| {
                seed.role_assignments.push(RoleAssignment {
                    principal_id: "A1".into(),
                    ..RoleAssignment::default()
                });
            },
            reset("A1", "old@northwind.example"),
            (403, "Forbidden", "Generic authorization exception."),
        ),
        (
            "the user holds a role through a group",
            |seed| {
                seed.role_assignments.push(RoleAssignment {
                    principal_id: "G1".into(),
                    ..RoleAssignment::default()
                });
                seed.groups[0].members.push("A1".into());
            },
            reset("A1", "old@northwind.example"),
            (403, "Forbidden", "Generic authorization exception."),
        ),
        (
            "no permission to reset",
            |seed| seed.applications[0].roles = vec!["User.Invite.All".into()],
            reset("A1", "old@northwind.example"),
            (403, "Forbidden", "Generic authorization exception."),
        ),
        (
            "nobody may invite",
            |seed| seed.allow_invites_from = AllowInvitesFrom::None,
            reset("A1", "old@northwind.example"),
            (
                403,
                "Forbidden",
                "Guest invitations not allowed for your company. Contact your company administrator for more details.",
            ),
        ),
        (
            "few may invite, and the application is not among them",
            |seed| {
                seed.allow_invites_from = AllowInvitesFrom::AdminsAndGuestInviters;
                seed.applications[0].roles = vec!["User.ReadWrite.All".into()];
            },
            reset("A1", "old@northwind.example"),
            (
                403,
                "Forbidden",
                "Guest invitations not allowed for your company. Contact your company administrator for more details.",
            ),
        ),
        (
            "no permission to invite",
            |seed| seed.applications[0].roles = vec!["User.Read.All".into()],
            reset("A1", "old@northwind.example"),
            (
                401,
                "Unauthorized",
                "Insufficient privileges to perform requested operation by the application",
            ),
        ),
        (
            "the address is a group's",
            nothing,
            reset("A1", "Team@fabrikam.example"),
            (400, "BadRequest", "Group email address is not supported"),
        ),
        (
            "the address is in a domain of the tenant",
            nothing,
            reset("A1", "a@Contoso.example"),
            (
                400,
                "BadRequest",
                "This user cannot be invited because the domain of the user's email address is a verified domain of this directory.",
            ),
        ),
        (
            "no user is named",
            nothing,
            {
                let mut body = reset("A1", "old@northwind.example");
                body.as_object_mut().unwrap().remove("invitedUser");
                body
            },
            (
                400,
                "BadRequest",
                "The invited user already exists in the directory as object ID: A1. They can use that account to sign in to shared apps and resources.",
            ),
        ),
        (
            "an invitation of someone who is there",
            nothing,
            {
                let mut body = reset("A1", "old@northwind.example");
                body["resetRedemption"] = json!(false);
                body
            },
            (
                400,
                "BadRequest",
                "The invited user already exists in the directory as object ID: A1.",
            ),
        ),
        (
            "the account is disabled",
            |seed| seed.users[0].user.account_enabled = Some(false),
            reset("A1", "old@northwind.example"),
            (
                400,
                "BadRequest",
                "The invited user already exists in the directory as object ID: A1, but the account is blocked from signing in.",
            ),
        ),
        (
            "nobody has the id",
            nothing,
            reset("B2", "old@northwind.example"),
            (404, "Request_ResourceNotFound", "Resource 'B2' does not exist"),
        ),
        (
            "two carbon copies",
            nothing,
            {
                let mut body = reset("A1", "old@northwind.example");
                let cc = json!({ "emailAddress": { "address": "cc@fabrikam.example" } });
                body["invitedUserMessageInfo"] = json!({ "ccRecipients": [cc, cc] });
                body
            },
            (400, "BadRequest", "Only one additional recipient"),
        ),
        (
            "no address",
            nothing,
            json!({ "inviteRedirectUrl": "https://x.example" }),
            (400, "BadRequest", "The property 'invitedUserEmailAddress' is required"),
        ),
        (
            "no redirect",
            nothing,
            json!({ "invitedUserEmailAddress": "a@b.example" }),
            (400, "BadRequest", "The property 'inviteRedirectUrl' is required"),
        ),
        (
            "a property too many",
            nothing,
            json!({ "invitedUserEmail": "a@b.example" }),
            (400, "BadRequest", "The property 'invitedUserEmail' does not exist"),
        ),
        (
            "no object",
            nothing,
            json!("x"),
            (400, "BadRequest", "Unable to read JSON request payload."),
        ),
        (
            "no address at all",
            nothing,
            json!({ "invitedUserEmailAddress": "x", "inviteRedirectUrl": "https://x.example" }),
            (400, "BadRequest", "The Primary SMTP Address is an invalid value"),
        ),
    ];
    for (case, setup, body, (status, code, message)) in table {
        let mut seed = TenantSeed {
            users: vec![guest("A1", "old@northwind.example")],
            groups: vec![Group {
                id: "G1".into(),
                mail: Some("team@fabrikam.example".into()),
                ..Group::default()
            }],
            ..TenantSeed::empty()
        };
        setup(&mut seed);
        let (emulator, caller) = start(seed, Options::default());
        let before = emulator.user("A1");
        let answer = caller.post("/invitations", body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code()),
            (status, code),
            "{case}: {}",
            answer.text
        );
        assert!(answer.message().starts_with(message), "{case}: {}", answer.message());
        assert!(emulator.ledger().writes.is_empty(), "{case}");
        assert_eq!(emulator.user("A1"), before, "{case}");
    }
}

#[tokio::test]
async fn a_signed_in_administrator_can_reset_a_role_holder_and_keeps_the_message() {
    let (emulator, app) = one_guest(Options::default());
    emulator.assign_role(RoleAssignment { principal_id: "A1".into(), ..RoleAssignment::default() });
    let mut body = reset("A1", "old@northwind.example");
    body["invitedUserMessageInfo"] = json!({ "customizedMessageBody": "Hello" });
    assert_eq!(app.post("/invitations", body.clone()).await.status, 403);
    let person = TestCaller::new(&emulator, Caller::Delegated);
    assert_eq!(person.post("/invitations", body).await.status, 201);
    let ledger = emulator.ledger();
    let sent = ledger.invitations().next().unwrap();
    assert_eq!((sent.message.as_deref(), sent.message_dropped), (Some("Hello"), false));
}

#[tokio::test]
async fn an_application_sends_everything_but_the_message() {
    let (emulator, caller) = one_guest(Options::default());
    let mut body = reset("A1", "old@northwind.example");
    body["invitedUserMessageInfo"] = json!({
        "customizedMessageBody": "Hello",
        "messageLanguage": "de",
        "ccRecipients": [{ "emailAddress": { "address": "cc@fabrikam.example" } }],
    });
    let answer = caller.post("/invitations", body).await;
    let echoed = &answer.json["invitedUserMessageInfo"];
    assert_eq!(echoed["ccRecipients"][0]["emailAddress"]["address"], "cc@fabrikam.example");
    let ledger = emulator.ledger();
    let sent = ledger.invitations().next().unwrap();
    assert!(sent.message_dropped);
    assert_eq!(sent.cc.as_deref(), Some("cc@fabrikam.example"));
    assert_eq!(sent.language.as_deref(), Some("de"));
    assert_eq!(sent.redirect_url, "https://myapps.microsoft.com");
}

#[tokio::test]
async fn the_conversion_of_an_internal_user_does_not_go_unseen() {
    let mut member = guest("A1", "old@northwind.example");
    member.user = User {
        user_principal_name: "ada@contoso.example".into(),
        user_type: Some("Member".into()),
        creation_type: None,
        external_user_state: None,
        external_user_state_change_date_time: None,
        ..member.user
    };
    let seed = TenantSeed { users: vec![member], ..TenantSeed::empty() };
    let (emulator, caller) = start(seed, Options::default());
    assert_eq!(caller.invite("A1", "old@northwind.example").await.status, 201);
    assert_eq!(emulator.ledger().invitations().next().unwrap().effect, Effect::Converted);
    assert_eq!(emulator.user("A1").unwrap().user_type.as_deref(), Some("Member"));
}

#[tokio::test]
async fn an_invitation_without_reset_creates_a_guest() {
    let (emulator, caller) = one_guest(Options::default());
    let mut body = reset("A1", "new@fabrikam.example");
    body["resetRedemption"] = json!(false);
    let answer = caller.post("/invitations", body).await;
    assert_eq!(answer.status, 201);
    let id = answer.json["invitedUser"]["id"].as_str().unwrap();
    assert_ne!(id, "A1");
    assert_eq!(
        emulator.user(id).unwrap().user_principal_name,
        "new_fabrikam.example#EXT#@contoso.onmicrosoft.com"
    );
    assert_eq!(emulator.ledger().invitations().next().unwrap().effect, Effect::Created);
}

async fn is_blocked(emulator: &Emulator, caller: &TestCaller) -> bool {
    let answer = caller.invite("A1", "old@northwind.example").await;
    let blocked = answer.message()
        == "Invitations are blocked for this directory due to suspicious activity. Please contact \
            Microsoft support for help.";
    assert_eq!(blocked, answer.status == 403, "{}", emulator.ledger().writes.len());
    blocked
}

#[tokio::test]
async fn too_many_invitations_or_failures_block_the_directory_for_good() {
    let tripwire = Tripwire { after_invitations: Some(2), after_failures: None };
    let (emulator, caller) = one_guest(Options { tripwire, ..Options::default() });
    assert!(!is_blocked(&emulator, &caller).await);
    assert!(!is_blocked(&emulator, &caller).await);
    assert!(is_blocked(&emulator, &caller).await);
    let tripwire = Tripwire { after_invitations: None, after_failures: Some(2) };
    let (emulator, caller) = one_guest(Options { tripwire, ..Options::default() });
    for _ in 0..2 {
        assert_eq!(caller.invite("A1", "unknown@fabrikam.example").await.status, 400);
    }
    assert!(is_blocked(&emulator, &caller).await);
    emulator.block_invitations(false);
    assert_eq!(caller.invite("nobody", "x@fabrikam.example").await.status, 404);
}
