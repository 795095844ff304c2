//! P4 Never destructive: no guest is deleted, no UPN rewritten, no internal user
//! converted, nothing touched that nobody asked for, and what was written can be
//! taken back.

use http::Method;
use reinvite::config::MailWrite;
use reinvite::emulator::{Action, Effect, Emulator, Matcher, guest};
use reinvite::graph::wire;

use crate::support::{Campaign, Cut, address, id};

/// A guest as far as it must not change: everything but mail, addresses derived from
/// it, and the redemption that was to be reset.
fn untouchable(emulator: &Emulator, n: u32) -> wire::User {
    wire::User {
        mail: None,
        other_mails: Vec::new(),
        proxy_addresses: Vec::new(),
        external_user_state: None,
        external_user_state_change_date_time: None,
        ..emulator.user(&id(n)).unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_deleted_and_only_the_mail_is_written() {
    for (mail, allowed) in [
        (MailWrite::Mail, &["mail"][..]),
        (MailWrite::OtherMails, &["otherMails"]),
        (MailWrite::Both, &["mail", "otherMails"]),
    ] {
        let mut campaign = Campaign::new().guests(3).mail(mail);
        let emulator = campaign.emulator();
        let before: Vec<_> = (1..=3).map(|n| untouchable(&emulator, n)).collect();
        let finished = campaign.run().await;
        assert_eq!(finished.summary.invited, 3, "{mail:?}");

        for sent in &finished.sent {
            assert!([Method::GET, Method::PATCH, Method::POST].contains(&sent.method), "{sent:?}");
        }
        for patch in finished.sent.iter().filter(|sent| sent.is_patch()) {
            let keys: Vec<&String> = patch.body.as_object().unwrap().keys().collect();
            assert_eq!(keys, allowed, "{mail:?}");
        }
        let after: Vec<_> = (1..=3).map(|n| untouchable(&emulator, n)).collect();
        assert_eq!(before, after, "{mail:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn other_mails_that_were_there_stay_there() {
    let mut campaign = Campaign::new().guests(1).mail(MailWrite::Both).tenant(|tenant| {
        tenant.users[0].user.other_mails = vec!["private@home.example".to_owned()];
    });
    campaign.run().await;
    let other_mails = campaign.emulator().user(&id(1)).unwrap().other_mails;
    assert_eq!(other_mails, ["private@home.example".to_owned(), address(1)]);
}

#[tokio::test(start_paused = true)]
async fn an_internal_guest_or_a_member_is_never_invited() {
    let mut campaign = Campaign::new().guests(3).tenant(|tenant| {
        for (n, kind) in [(0, "Guest"), (1, "Member")] {
            let user = &mut tenant.users[n].user;
            user.user_principal_name = format!("guest{n}@contoso.example");
            user.user_type = Some(kind.to_owned());
            user.creation_type = None;
            user.external_user_state = None;
            user.external_user_state_change_date_time = None;
        }
    });
    let finished = campaign.run().await;
    assert_eq!((finished.planned(1), finished.planned(2)), ("internal-guest", "not-a-guest"));
    assert!(finished.writes().iter().all(|sent| sent.is_about(&id(3))));
    let ledger = campaign.ledger();
    assert!(ledger.invitations().all(|invitation| invitation.effect == Effect::Reset));
}

/// Every invitation names its guest and asks for a reset: one that did neither would
/// create a second account.
#[tokio::test(start_paused = true)]
async fn every_invitation_resets_a_guest_and_creates_none() {
    let mut campaign = Campaign::new()
        .guests(5)
        .fault(Matcher::invitation().nth(2), Action::CommitThenDrop)
        .fault(Matcher::invitation().nth(4), Action::Drop);
    let users = campaign.emulator().users().len();
    let finished = campaign.run().await;
    for sent in finished.invitations() {
        assert_eq!(sent.body["resetRedemption"], true);
        assert!(sent.body["invitedUser"]["id"].is_string(), "{sent:?}");
    }
    assert_eq!(campaign.emulator().users().len(), users);
    let ledger = campaign.ledger();
    assert!(ledger.invitations().all(|invitation| invitation.effect == Effect::Reset));
}

#[tokio::test(start_paused = true)]
async fn the_before_image_of_every_written_guest_is_the_original_after_several_runs() {
    let mut campaign = Campaign::new().guests(3).tenant(|tenant| {
        tenant.users[1].user.other_mails = vec!["private@home.example".to_owned()];
        tenant.users.push(guest(&id(4), "bystander@fabrikam.example"));
    });
    // Killed once on the way, then finished, then moved on to yet another address.
    campaign = campaign.cut(Cut::Before(14));
    assert!(campaign.run_until_cut().await.is_none());
    campaign.resume().await;
    campaign = campaign.rows((1..=3).map(|n| (id(n), format!("again{n}@tailspin.example"))));
    assert_eq!(campaign.run().await.summary.patched, 3);

    let images = campaign.query(
        "SELECT user_id || ' ' || mail || ' ' || other_mails FROM before_image ORDER BY user_id",
    );
    assert_eq!(
        images,
        [
            format!("{} guest1@fabrikam.example []", id(1)),
            format!("{} guest2@fabrikam.example [\"private@home.example\"]", id(2)),
            format!("{} guest3@fabrikam.example []", id(3)),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_before_image_is_durable_before_the_write_it_allows_to_undo() {
    let mut campaign = Campaign::new().guests(3);
    let checkpoint = campaign.checkpoint();
    campaign = campaign.at_each_request(move |_, sent| {
        if sent.is_patch() {
            let connection = rusqlite::Connection::open(&checkpoint).unwrap();
            let user = sent.path.strip_prefix("/users/").unwrap();
            let mail: String = connection
                .query_row("SELECT mail FROM before_image WHERE user_id = ?1", [user], |row| {
                    row.get(0)
                })
                .unwrap();
            assert!(mail.ends_with("@fabrikam.example"));
        }
    });
    assert_eq!(campaign.run().await.summary.patched, 3);
}
