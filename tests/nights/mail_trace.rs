//! What a night does about mails that did not arrive.

use std::time::Duration;

use reinvite::emulator::{Options, SAMPLE_CLIENT_ID};

use crate::support::{Campaign, id, new_address};

const MAILBOX: &str = "it@contoso.example";

/// Everybody is mailed from a mailbox, the trace is asked, and guest 2 has no mailbox.
fn campaign(guests: u32, keep_links: &str, sizes: &str) -> Campaign {
    let delivery = format!(
        "[delivery]\nby = \"graph\"\nfrom = \"{MAILBOX}\"\nkeep_links = \"{keep_links}\"\n[remind]\n"
    );
    let config: &[(&str, &str)] = &[
        ("sizes = [2, 4, \"rest\"]\nredeemed = \"50%\"", sizes),
        ("after = \"3d\"", "after = \"1d\""),
        ("gap = \"3d\"", "gap = \"1d\""),
        ("unattended = true", "unattended = true\nmail_trace = true"),
        ("[remind]\n", &delivery),
    ];
    let options = Options {
        mail_rules: vec![new_address(2).parse().unwrap()],
        trace_delay: Duration::from_mins(30),
        ..Options::default()
    };
    let campaign = Campaign::with_options(guests, "2026-05-04T12:00:00Z", config, options);
    campaign.tenant.edit_application(SAMPLE_CLIENT_ID, |app| {
        app.roles.push("ExchangeMessageTrace.Read.All".to_owned());
    });
    campaign
}

fn mails_to(campaign: &Campaign, n: u32) -> usize {
    let to = new_address(n);
    let mailbox = campaign.tenant.mailbox(MAILBOX);
    mailbox.iter().filter(|mail| mail.sent > 0 && mail.to() == [to.as_str()]).count()
}

#[tokio::test(start_paused = true)]
async fn a_guest_whose_mail_bounced_is_not_reminded_and_is_named() {
    for keep_links in ["until-redeemed", "until-sent"] {
        let mut campaign = campaign(3, keep_links, "sizes = []");
        campaign.night(1).await;
        // The very night that learns of it would remind.
        campaign.hours(26).await;
        let said = campaign.once().await;
        assert!(said.contains("reminded              2\n"), "{keep_links}: {said}");
        assert!(said.contains("bounced               1\n"), "{said}");
        assert!(said.contains("its mail was refused [5.1.1]"), "{said}");
        assert!(said.contains("northwind.example: 1 of 3 bounced [5.1.1]"), "{said}");
        for _ in 0..3 {
            campaign.hours(26).await;
            campaign.once().await;
        }
        assert_eq!([1, 2, 3].map(|n| mails_to(&campaign, n)), [3, 1, 3], "{keep_links}");
        assert_eq!(campaign.tenant.ledger().invitations_for(&id(2)).len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn the_next_wave_waits_for_bounced_mails() {
    let mut campaign = campaign(5, "until-sent", "sizes = [2, \"rest\"]\nmax_bounced = 0");
    campaign.night(1).await;
    campaign.hours(2).await;
    let said = campaign.once().await;
    assert!(said.contains("the mails to 1 of 2 bounced, and max_bounced allows 0"), "{said}");
    assert_eq!([1, 2, 3, 4, 5].map(|n| mails_to(&campaign, n)), [1, 1, 0, 0, 0]);
    // Without the trace nothing is known of it, and so nothing is held for it.
    let mut unseen = self::campaign(5, "until-sent", "sizes = [2, \"rest\"]\nmax_bounced = 0");
    unseen.tenant.edit_application(SAMPLE_CLIENT_ID, |app| {
        app.roles.retain(|role| role != "ExchangeMessageTrace.Read.All");
    });
    unseen.night(1).await;
    unseen.hours(2).await;
    let said = unseen.once().await;
    assert!(said.contains("the message trace was not seen"), "{said}");
    assert!(mails_to(&unseen, 5) == 1, "{said}");
}
