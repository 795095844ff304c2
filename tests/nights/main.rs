//! A simulated fortnight: the same manifest every night with nobody watching, while
//! guests redeem or never do, people change things by hand, a night is cut off, the
//! tenant throttles and an answer is lost. Under a paused clock, the tenant called in
//! process, as for the promises.

mod crash;
mod mail_trace;
mod order;
mod reminders;
mod support;

use std::time::Duration;

use jiff::Timestamp;
use reinvite::emulator::{Action, Canned, Fault, Matcher, RetryAfter, TenantSeed};

use support::{Campaign, id};

/// What a person would find in the morning, night after night.
#[tokio::test(start_paused = true)]
async fn a_fortnight_of_nights() {
    let mut campaign = Campaign::new(12, "2026-05-04T22:00:00Z");
    let tenant = campaign.tenant.clone();

    // Monday: the first wave. One of its two redeems the next day.
    campaign.night(1).await;
    tenant.redeem(&id(1));
    // Tuesday: half have redeemed, so the second wave goes.
    campaign.night(2).await;
    tenant.redeem(&id(3));
    tenant.edit(&id(2), |user| user.mail = Some("guest2@fabrikam.example".into()));
    // Wednesday: two of six are not half; a mail that was changed back is put right.
    campaign.night(3).await;
    tenant.redeem(&id(4));
    // Thursday: the rest, and the machine is switched off in the middle of it.
    // Whose turn comes last is up to the disk; so one is held up, and it is the one.
    let held_up = Action::Delay(Duration::from_mins(2));
    tenant.inject(Fault::new(Matcher::patch().of(&id(12)), held_up));
    campaign.cut_after = Some(Duration::from_mins(1));
    campaign.night(4).await;
    // Friday: what was left, on a tenant that throttles and loses an answer.
    let throttled = Canned::throttled(RetryAfter::Seconds(30));
    tenant.inject(Fault::new(Matcher::invitation().nth(2).times(3), Action::Answer(throttled)));
    tenant.inject(Fault::new(Matcher::invitation().nth(5), Action::CommitThenDrop));
    campaign.night(5).await;
    let requests = tenant.ledger().requests;
    assert_eq!(requests.iter().filter(|request| request.status == 429).count(), 3);
    assert_eq!(requests.iter().filter(|request| request.lost).count(), 1);
    // Over the weekend nobody is reminded. Somebody else invites one and deletes one.
    tenant.reinvite(&id(7));
    tenant.delete(&id(8));
    campaign.night(6).await;
    campaign.rows.retain(|n| *n != 5);
    campaign.rows.push(13);
    tenant.add(support::guest(13));
    campaign.night(7).await;
    // Monday: reminders again, but not for who left the manifest.
    campaign.night(8).await;
    tenant.redeem(&id(9));
    tenant.edit(&id(10), |user| user.mail = Some("ten@tailspin.example".into()));
    campaign.night(9).await;
    for night in 10..=14 {
        campaign.night(night).await;
    }

    insta::assert_snapshot!(campaign.mornings.join("\n"), @"
    == night 1, Mon 04 May
    Night of guests.csv, Contoso
      invited               2

    Waits
      10 rows wait for wave 2

    2 guests of the campaign: 2 pending

    == night 2, Tue 05 May
    Night of guests.csv, Contoso
      invited               4
      redeemed              1

    Waits
      6 rows wait for wave 3

    6 guests of the campaign: 1 redeemed, 5 pending

    == night 3, Wed 06 May
    Night of guests.csv, Contoso
      mails put right       1
      redeemed              1

    Waits
      6 rows wait for wave 3: 2 of 6 have redeemed, and 50% must

    6 guests of the campaign: 2 redeemed, 3 pending, 1 too early to tell

    == night 4, Thu 07 May
    cut off

    == night 5, Fri 08 May
    Night of guests.csv, Contoso
      invited               1
      reminded              1
      redeemed              1

    12 guests of the campaign: 3 redeemed, 9 pending

    == night 6, Sat 09 May
    Night of guests.csv, Contoso
      invited by hand       1
      deleted               1
      blocked               1

    Needs a person
      line 9 guest8@northwind.example: the guest is gone; restore it, or take the row out
      1 row is blocked: `reinvite plan` tells why

    Waits
      nobody is reminded before 2026-05-11T07:00:00Z

    12 guests of the campaign: 3 redeemed, 7 pending, 1 invited by hand, 1 deleted
    exit 4

    == night 7, Sun 10 May
    Night of guests.csv, Contoso
      new rows              1
      left                  1
      invited               1
      blocked               1

    Needs a person
      line 8 guest8@northwind.example: the guest is gone; restore it, or take the row out
      1 row is blocked: `reinvite plan` tells why

    Left the manifest, and left as they are
      guest5@northwind.example

    Waits
      nobody is reminded before 2026-05-11T07:00:00Z

    13 guests of the campaign: 3 redeemed, 8 pending, 1 invited by hand, 1 deleted
    exit 4

    == night 8, Mon 11 May
    Night of guests.csv, Contoso
      reminded              5
      blocked               1

    Needs a person
      line 8 guest8@northwind.example: the guest is gone; restore it, or take the row out
      1 row is blocked: `reinvite plan` tells why

    13 guests of the campaign: 3 redeemed, 8 pending, 1 invited by hand, 1 deleted
    exit 4

    == night 9, Tue 12 May
    Night of guests.csv, Contoso
      reminded              1
      redeemed              1
      mail changed          1
      blocked               2

    Needs a person
      line 8 guest8@northwind.example: the guest is gone; restore it, or take the row out
      line 10 guest10@northwind.example: someone changed the mail to ten@tailspin.example
      2 rows are blocked: `reinvite plan` tells why

    Waits
      1 guest has had all mails that [remind] max allows, and not redeemed

    13 guests of the campaign: 4 redeemed, 6 pending, 1 invited by hand, 1 with another mail, 1 deleted
    exit 4

    == night 10, Wed 13 May
    Night of guests.csv, Contoso
      blocked               2

    Needs a person
      line 8 guest8@northwind.example: the guest is gone; restore it, or take the row out
      line 10 guest10@northwind.example: someone changed the mail to ten@tailspin.example
      2 rows are blocked: `reinvite plan` tells why

    Waits
      1 guest has had all mails that [remind] max allows, and not redeemed

    13 guests of the campaign: 4 redeemed, 6 pending, 1 invited by hand, 1 with another mail, 1 deleted
    exit 4

    == night 11, Thu 14 May
    Night of guests.csv, Contoso
      reminded              3
      blocked               2

    Needs a person
      line 8 guest8@northwind.example: the guest is gone; restore it, or take the row out
      line 10 guest10@northwind.example: someone changed the mail to ten@tailspin.example
      2 rows are blocked: `reinvite plan` tells why

    Waits
      1 guest has had all mails that [remind] max allows, and not redeemed

    13 guests of the campaign: 4 redeemed, 6 pending, 1 invited by hand, 1 with another mail, 1 deleted
    exit 4

    == night 12, Fri 15 May
    Night of guests.csv, Contoso
      reminded              1
      blocked               2

    Needs a person
      line 8 guest8@northwind.example: the guest is gone; restore it, or take the row out
      line 10 guest10@northwind.example: someone changed the mail to ten@tailspin.example
      2 rows are blocked: `reinvite plan` tells why

    Waits
      3 guests have had all mails that [remind] max allows, and not redeemed

    13 guests of the campaign: 4 redeemed, 6 pending, 1 invited by hand, 1 with another mail, 1 deleted
    exit 4

    == night 13, Sat 16 May
    Night of guests.csv, Contoso
      blocked               2

    Needs a person
      line 8 guest8@northwind.example: the guest is gone; restore it, or take the row out
      line 10 guest10@northwind.example: someone changed the mail to ten@tailspin.example
      2 rows are blocked: `reinvite plan` tells why

    Waits
      4 guests have had all mails that [remind] max allows, and not redeemed
      nobody is reminded before 2026-05-18T07:00:00Z

    13 guests of the campaign: 4 redeemed, 6 pending, 1 invited by hand, 1 with another mail, 1 deleted
    exit 4

    == night 14, Sun 17 May
    Night of guests.csv, Contoso
      blocked               2

    Needs a person
      line 8 guest8@northwind.example: the guest is gone; restore it, or take the row out
      line 10 guest10@northwind.example: someone changed the mail to ten@tailspin.example
      2 rows are blocked: `reinvite plan` tells why

    Waits
      4 guests have had all mails that [remind] max allows, and not redeemed
      nobody is reminded before 2026-05-18T07:00:00Z

    13 guests of the campaign: 4 redeemed, 6 pending, 1 invited by hand, 1 with another mail, 1 deleted
    exit 4
    ");
    campaign.everybody_got_what_was_theirs();
    insta::assert_snapshot!(campaign.report(), @"
    <!-- reinvite report 1 -->
    ## `Contoso: guests.csv`

    Last run: reconcile, began 2026-05-17T22:00:02Z, ended 2026-05-17T22:00:02Z.

    Verified in the directory 2026-05-17T22:00:02Z.

    | rows | changed | invited | redeemed | settled | blocked | failed | unknown | patched | not attempted |
    |--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|
    | 12 | 11 | 11 | 4 | 0 | 1 | 0 | 0 | 0 | 0 |

    ### Blocked (1)

    - line 8: `guest8@fabrikam.example → guest8@northwind.example`: `deleted on 2026-05-08T22:01:46Z`; restore the guest, or take the row out

    ### Drift (2)

    - line 7: `guest7@fabrikam.example → guest7@northwind.example`; someone else invited the guest since: ask who, if it does not redeem
    - line 10: `guest10@fabrikam.example → guest10@northwind.example`; someone changed the mail after the move: ask who, and decide
    ");
}

/// The same night three times over is one night.
#[tokio::test(start_paused = true)]
async fn a_night_may_be_started_as_often_as_one_likes() {
    let mut campaign = Campaign::new(6, "2026-05-04T22:00:00Z");
    for _ in 0..3 {
        campaign.once().await;
    }
    let invited = campaign.tenant.ledger().invitations().count();
    assert_eq!(invited, 2, "the first wave, once");
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a timestamp")
}

fn seed(guests: u32) -> TenantSeed {
    TenantSeed::with_guests(guests)
}
