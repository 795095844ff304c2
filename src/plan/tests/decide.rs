//! One world for every reason, the order of the questions, and what an
//! invitation carries.

use std::sync::Arc;

use jiff::SignedDuration;

use super::*;
use crate::domain::HolderKind;
use crate::plan::{Blocked, Change, Decision, NOT_INVITED, Settled};

const OLD: &str = "guest1@fabrikam.example";
const NEW: &str = "guest1@northwind.example";

fn moves(user: DirectoryUser) -> World {
    World::new([user]).asks(OLD, NEW)
}

fn change(row: &PlannedRow) -> &Change {
    match &row.decision {
        Decision::Change(change) => change,
        other => panic!("line {}: {other}", row.line),
    }
}

fn failed() -> LedgerState {
    LedgerState::Failed { code: "refused".to_owned(), message: "no".to_owned() }
}

/// A move that an earlier run began, of a guest whose mail it remembers.
fn begun(state: LedgerState) -> World {
    moves(guest(1)).left(1, NEW, state).with(|w| w.names.push((OLD.to_owned(), id(1))))
}

/// A guest that somebody invited so many hours before the directory was read.
fn invited_ago(hours: i64) -> World {
    let world = World::new([guest(1)]);
    let changed_at = Some(world.policy.read_at - SignedDuration::from_hours(hours));
    let state = Some(RedemptionState::PendingAcceptance);
    world.with(|w| w.users[0].redemption = Redemption { state, changed_at })
}

#[test]
fn every_reason_has_a_world_in_which_it_is_given() {
    let holder = AddressHolder { kind: HolderKind::DeletedUser, id: id(9), name: "gone".into() };
    let member = but(guest(1), |user| {
        internal(user);
        user.user_type = UserType::Member;
    });
    let unknown = || LedgerState::Unknown { before: None };
    let with_role = |holding| moves(guest(1)).with(|w| w.roles = Some([(id(1), holding)].into()));
    for (expected, world) in vec![
        ("new-address", moves(guest(1))),
        ("reset-only", World::new([guest(1)]).asks(OLD, "")),
        (
            "reset-only",
            World::new([guest(1)]).asks(OLD, OLD).with(|w| w.rows[0].reset = Reset::Always),
        ),
        (
            "reset-only",
            World::new([guest(1)]).asks(OLD, OLD).with(|w| w.policy.reset_matching = true),
        ),
        ("reset-recently", invited_ago(23).asks(OLD, "")),
        (
            "reset-recently",
            invited_ago(23).asks(OLD, OLD).with(|w| w.rows[0].reset = Reset::Always),
        ),
        ("reset-only", invited_ago(24).asks(OLD, "")),
        ("reset-only", invited_ago(23).asks(OLD, "").with(|w| w.policy.reset_matching = true)),
        ("new-address", invited_ago(1).asks(OLD, NEW)),
        ("finish-earlier-run", begun(LedgerState::Patching)),
        ("finish-earlier-run", begun(LedgerState::Patched)),
        ("finish-earlier-run", begun(LedgerState::Outstanding)),
        (
            "changed-by-hand",
            begun(LedgerState::Patched).with(|w| w.users[0].mail = Some("hand@c.example".into())),
        ),
        ("unknown-outcome", moves(guest(1)).left(1, NEW, unknown())),
        (
            "retry-failed",
            moves(guest(1)).left(1, NEW, failed()).with(|w| w.policy.retry_failed = true),
        ),
        (
            "resend",
            moves(guest(1))
                .left(1, NEW, LedgerState::Invited)
                .with(|w| w.policy.resend = ["2".to_owned()].into()),
        ),
        (
            "resend",
            moves(guest(1))
                .left(1, NEW, unknown())
                .with(|w| w.policy.resend = [OLD.to_owned()].into()),
        ),
        (
            "already-invited",
            World::new([but(guest(1), |user| user.mail = Some(NEW.into()))])
                .asks(&id(1).to_string(), NEW)
                .left(1, NEW, LedgerState::Invited),
        ),
        ("mail-changed", moves(guest(1)).left(1, NEW, LedgerState::Invited)),
        ("already-matches", World::new([guest(1)]).asks(OLD, "GUEST1@Fabrikam.example")),
        ("not-found", World::new([]).asks(OLD, NEW)),
        ("not-found", World::new([]).asks(&id(1).to_string(), NEW)),
        (
            "ambiguous",
            World::new([guest(1), but(guest(2), |u| u.other_mails = vec![OLD.into()])])
                .asks(OLD, NEW),
        ),
        ("not-a-guest", moves(member.clone())),
        ("not-a-guest", moves(but(member, |u| u.user_type = UserType::Other))),
        ("internal-guest", moves(but(guest(1), internal))),
        ("holds-role", with_role(RoleHolding::Direct)),
        ("holds-role", with_role(RoleHolding::ThroughGroup("Admins".into()))),
        ("synced", moves(but(guest(1), |u| u.synced = true))),
        ("externally-mastered", moves(but(guest(1), |u| u.formerly_synced = true))),
        ("restricted-unit", moves(but(guest(1), |u| u.management_restricted = true))),
        ("disabled", moves(but(guest(1), |u| u.account_enabled = Some(false)))),
        ("address-taken", moves(guest(1)).with(|w| w.holders = vec![(NEW.to_owned(), holder)])),
        (
            "address-taken",
            moves(guest(1))
                .with(|w| w.users.push(but(guest(2), |u| u.proxy_addresses = vec![NEW.into()]))),
        ),
        ("own-domain", World::new([guest(1)]).asks(OLD, "guest1@Contoso.example")),
        (
            "domain-not-allowed",
            moves(guest(1)).with(|w| {
                let allowed = ["fabrikam.example".to_owned()].into();
                w.tenant.policies.domains = Some(InvitedDomains::Only(allowed));
            }),
        ),
        (
            // A reset guest would have to redeem, and could not.
            "domain-not-allowed",
            World::new([guest(1)]).asks(OLD, "").with(|w| {
                let blocked = ["fabrikam.example".to_owned()].into();
                w.tenant.policies.domains = Some(InvitedDomains::AllBut(blocked));
            }),
        ),
        ("no-mail", World::new([but(guest(1), |u| u.mail = None)]).asks(&id(1).to_string(), "")),
        ("failed-before", moves(guest(1)).left(1, NEW, failed())),
    ] {
        assert_eq!(world.only().decision.reason(), expected, "{:?}", world.rows);
    }
    let invalid = InvalidRow { line: 2, user: "x".to_owned(), new_email: "?".to_owned() };
    let world = World::new([]).with(|w| w.invalid = vec![invalid]);
    assert_eq!(world.reasons(), ["invalid-row"]);
}

/// A guest that somebody moved of whom the checkpoint knows nothing.
fn moved(user: DirectoryUser) -> World {
    let proxies = vec![OLD.into(), NEW.into()];
    moves(but(user, |user| (user.mail, user.proxy_addresses) = (Some(NEW.into()), proxies)))
}

#[test]
fn a_guest_moved_by_nobody_knows_whom_is_as_wanted_only_with_an_invitation_of_late() {
    use RedemptionState::{Accepted, Other, PendingAcceptance};

    // P6: it is settled, and told with what lacks.
    let lacks = |world: World| {
        assert_eq!(world.reasons(), ["already-matches"]);
        let plan = world.plan();
        let is_told = plan.findings.iter().any(|finding| finding.code == NOT_INVITED);
        assert_eq!(is_told, plan.uninvited() == 1);
        is_told
    };
    let read_at = moved(guest(1)).policy.read_at;
    let shows = |state, days: i64| Redemption {
        state,
        changed_at: Some(read_at - SignedDuration::from_hours(24 * days)),
    };
    for (redemption, expected, of_any_age) in [
        (shows(Some(PendingAcceptance), 0), false, false),
        (shows(Some(PendingAcceptance), 29), false, false),
        (shows(Some(PendingAcceptance), 30), true, false),
        (shows(Some(Accepted), 29), false, false),
        (shows(Some(Accepted), 30), true, false),
        (shows(Some(Other("New".into())), 1), true, true),
        (shows(None, 1), true, true),
        (Redemption { state: Some(Accepted), changed_at: None }, true, false),
    ] {
        let world = || moved(guest(1)).with(|w| w.users[0].redemption = redemption.clone());
        assert_eq!(lacks(world()), expected, "{redemption:?}");
        let any = world().with(|w| w.policy.invited_within = None);
        assert_eq!(lacks(any), of_any_age, "{redemption:?}");
    }

    // How the row names the guest: by an address that it had, or had when it came.
    let upn = "guest1_fabrikam.example#EXT#@contoso.example";
    for (user, expected) in [(OLD, true), (NEW, false), (upn, true), (&*id(1).to_string(), true)] {
        let world = moved(guest(1)).with(|w| w.rows[0].user = GuestRef::parse(user));
        assert_eq!(lacks(world), expected, "{user}");
    }
    let came_with_it = but(guest(1), |user| {
        user.user_principal_name = "Guest1_northwind.example#EXT#@contoso.example".into();
    });
    assert!(!lacks(moved(came_with_it).with(|w| w.rows[0].user = GuestRef::Id(id(1)))));

    // A positive word invites it.
    let always = moved(guest(1)).with(|w| w.rows[0].reset = Reset::Always);
    assert_eq!(always.reasons(), ["reset-only"]);
    let all = moved(guest(1)).with(|w| w.policy.reset_matching = true);
    assert_eq!(all.reasons(), ["reset-only"]);
}

#[test]
fn an_external_member_is_a_guest_like_any_other() {
    let member = but(guest(1), |user| user.user_type = UserType::Member);
    assert_eq!(moves(member).reasons(), ["new-address"]);
}

#[test]
fn who_is_meant_comes_before_what_was_done_and_that_before_what_may_be_done() {
    // From the last question to the first, each obstacle on top of the ones before.
    let mut world = moves(guest(1));
    let mut expect = |expected: &str, change: &dyn Fn(&mut World)| {
        change(&mut world);
        assert_eq!(world.only().decision.reason(), expected);
    };
    let taker = but(guest(2), |user| user.mail = Some(NEW.into()));
    expect("new-address", &|_| {});
    expect("address-taken", &|w| w.users.push(taker.clone()));
    expect("externally-mastered", &|w| w.users[0].formerly_synced = true);
    expect("synced", &|w| w.users[0].synced = true);
    expect("domain-not-allowed", &|w| {
        w.tenant.policies.domains = Some(InvitedDomains::Only(["other.example".into()].into()));
    });
    expect("own-domain", &|w| {
        w.tenant.verified_domains.extend(["northwind.example".into()]);
    });
    expect("restricted-unit", &|w| w.users[0].management_restricted = true);
    expect("disabled", &|w| w.users[0].account_enabled = Some(false));
    expect("holds-role", &|w| w.roles = Some([(id(1), RoleHolding::Direct)].into()));
    expect("mail-changed", &|w| w.ledger.push((key(1, NEW), LedgerState::Invited)));
    expect("internal-guest", &|w| internal(&mut w.users[0]));
    expect("ambiguous", &|w| w.users[1].other_mails = vec![OLD.into()]);
}

#[test]
fn a_role_stops_only_an_application_and_only_where_roles_could_be_read() {
    let holder = |w: &mut World| w.roles = Some([(id(1), RoleHolding::Direct)].into());
    let delegated = moves(guest(1)).with(holder).with(|w| w.policy.caller = Caller::Delegated);
    assert_eq!(delegated.reasons(), ["new-address"]);
    assert_eq!(moves(guest(1)).with(|w| w.roles = None).reasons(), ["new-address"]);
}

#[test]
fn what_concerns_the_patch_alone_does_not_stop_a_reset() {
    for change in [
        |user: &mut DirectoryUser| user.synced = true,
        |user: &mut DirectoryUser| user.formerly_synced = true,
    ] {
        assert_eq!(World::new([but(guest(1), change)]).asks(OLD, "").reasons(), ["reset-only"]);
    }
}

#[test]
fn a_moved_guest_is_found_by_its_old_address_and_not_invited_again() {
    let moved = but(guest(1), |user| user.mail = Some(NEW.into()));
    let world = World::new([moved]).asks(OLD, NEW).left(1, NEW, LedgerState::Invited);
    assert_eq!(world.reasons(), ["not-found"]);
    let world = world.with(|w| w.names.push((OLD.to_owned(), id(1))));
    assert_eq!(world.reasons(), ["already-invited"]);
    // Someone else has the old address by now: both are named.
    let newcomer = but(guest(2), |user| user.mail = Some(OLD.into()));
    let row = world.with(|w| w.users.push(newcomer)).only();
    let Decision::Blocked(Blocked::Ambiguous { candidates }) = row.decision else { panic!() };
    assert_eq!(candidates.iter().map(|by| by.id).collect::<Vec<_>>(), [id(1), id(2)]);
}

#[test]
fn cells_that_name_different_guests_move_nobody() {
    let stranger = but(guest(2), |user| user.mail = Some("bea@fabrikam.example".into()));
    let world = World::new([guest(1), stranger]).asks(&id(1).to_string(), NEW);
    let with = |also: &str| {
        world.clone().with(|w| w.rows[0].also = Box::new([GuestRef::parse(also)])).only().decision
    };
    for named in ["bea@fabrikam.example", &guest(2).user_principal_name, &id(2).to_string()] {
        let Decision::Blocked(Blocked::TwoGuests { other, .. }) = with(named) else {
            panic!("{named}")
        };
        assert_eq!(other.id, id(2));
    }
    // The same guest, and an address that nobody has any more.
    for named in [OLD, "gone@fabrikam.example", &id(3).to_string()] {
        assert!(matches!(with(named), Decision::Change(_)), "{named}");
    }
    // Nothing is to be done, so that nothing contradicts it.
    let moved = world.left(1, NEW, LedgerState::Invited).with(|w| {
        w.users[0].mail = Some(NEW.into());
        w.rows[0].also = Box::new([GuestRef::parse("bea@fabrikam.example")]);
    });
    assert_eq!(moved.reasons(), ["already-invited"]);
}

#[test]
fn an_invited_guest_whose_mail_was_changed_since_is_left_alone_and_never_as_wanted() {
    let decided = |mail: &str, hours: i64| {
        let user = but(guest(1), |user| user.mail = Some(mail.into()));
        let mut world = World::new([user]).asks(&id(1).to_string(), NEW);
        world.policy.read_at = earlier() + jiff::SignedDuration::from_hours(hours);
        world.left(1, NEW, LedgerState::Invited).only().decision
    };
    let (invited_at, third) = (earlier(), "third@fabrikam.example");
    let as_wanted = Decision::Settled(Settled::AlreadyInvited { at: invited_at, lagging: None });
    assert_eq!(decided(NEW, 1), as_wanted);
    let found = Some(third.into());
    let changed = Decision::Blocked(Blocked::MailChanged { invited_at, found });
    assert_eq!(decided(third, 1), changed);
    // A replica may still show the mail of before.
    let lagging = Some(third.into());
    let too_early = Decision::Settled(Settled::AlreadyInvited { at: invited_at, lagging });
    assert_eq!(decided(third, 0), too_early);
}

const A: &str = "a@northwind.example";
const B: &str = "b@tailspin.example";

#[test]
fn a_wish_that_was_replaced_and_comes_back_is_a_new_one() {
    let failed = || LedgerState::Failed { code: "x".into(), message: String::new() };
    let unknown = || LedgerState::Unknown { before: None };
    for (first, then, mail, expected) in [
        (LedgerState::Invited, LedgerState::Invited, B, "new-address"),
        (LedgerState::Invited, LedgerState::Patched, B, "new-address"),
        (LedgerState::Invited, unknown(), B, "new-address"),
        (LedgerState::Invited, failed(), B, "new-address"),
        (unknown(), LedgerState::Invited, B, "new-address"),
        (failed(), LedgerState::Invited, B, "new-address"),
        // Somebody set the mail back: the later invitation has voided the first.
        (LedgerState::Invited, LedgerState::Invited, A, "reset-only"),
        (LedgerState::Invited, unknown(), A, "reset-only"),
        // The second move came to nothing: the first invitation stands.
        (LedgerState::Invited, LedgerState::Patching, A, "already-invited"),
        (LedgerState::Invited, failed(), A, "already-invited"),
        (LedgerState::Invited, failed(), "third@fabrikam.example", "mail-changed"),
    ] {
        let user = but(guest(1), |user| user.mail = Some(mail.into()));
        let world = World::new([user]).asks(&id(1).to_string(), A);
        let world = world.left(1, A, first.clone()).left(1, B, then.clone());
        assert_eq!(world.reasons(), [expected], "{first:?}, then {then:?}, shows {mail}");
        assert_eq!(world.only().new_email, Some(email(A)));
    }
}

#[test]
fn the_last_wish_is_the_one_whose_mail_is_asked_for() {
    for (mail, expected) in [(B, "already-invited"), (A, "mail-changed"), (OLD, "mail-changed")] {
        let user = but(guest(1), |user| user.mail = Some(mail.into()));
        let world = World::new([user]).asks(&id(1).to_string(), B);
        let world = world.left(1, A, LedgerState::Invited).left(1, B, LedgerState::Invited);
        assert_eq!(world.reasons(), [expected], "{mail}");
        // A row that names no address asks for what was invited last.
        let world = World { rows: vec![row(2, &id(1).to_string(), "")], ..world };
        assert_eq!(world.reasons(), [expected], "{mail}");
        assert_eq!(world.only().new_email, Some(email(B)), "{mail}");
    }
}

#[test]
fn another_address_is_another_invitation() {
    let world = moves(guest(1)).left(1, "other@northwind.example", LedgerState::Invited);
    assert_eq!(world.reasons(), ["new-address"]);
}

#[test]
fn an_unknown_outcome_carries_what_settles_it() {
    let before = crate::domain::Redemption {
        state: Some(RedemptionState::Accepted),
        changed_at: Some(earlier()),
    };
    let state = LedgerState::Unknown { before: Some(before.clone()) };
    let row = moves(guest(1)).left(1, NEW, state).only();
    let unsettled = change(&row).unsettled.as_ref().unwrap();
    assert_eq!((unsettled.intended_at, &unsettled.before), (earlier(), &Some(before)));
    for state in [LedgerState::Patched, LedgerState::Outstanding] {
        let row = begun(state).only();
        assert_eq!(change(&row).unsettled, None);
    }
}

#[test]
fn one_guest_through_two_rows_is_carried_out_once() {
    let world = World::new([guest(1)]).asks(OLD, NEW).asks(&id(1).to_string(), NEW);
    assert_eq!(world.reasons(), ["new-address", "same-as-line"]);
    let rows = world.plan().rows;
    assert_eq!(rows[1].decision, Decision::Settled(Settled::SameAsLine { line: 2 }));
}

#[test]
fn different_wishes_for_one_guest_are_refused_with_their_lines() {
    let world =
        World::new([guest(1)]).asks(OLD, NEW).asks(&id(1).to_string(), "other@northwind.example");
    for row in world.plan().rows {
        assert_eq!(row.decision, Decision::Blocked(Blocked::ConflictingRows { lines: vec![2, 3] }));
    }
    // The same address with another text is another wish.
    let world = World::new([guest(1)])
        .asks(OLD, NEW)
        .asks(&id(1).to_string(), NEW)
        .with(|w| w.rows[1].send = Some(false));
    assert_eq!(world.reasons(), ["conflicting-rows"; 2]);
    // A move asked for beside an address already given is refused, too.
    let world = World::new([guest(1)]).asks(OLD, OLD).asks(&id(1).to_string(), NEW);
    assert_eq!(world.reasons(), ["already-matches", "conflicting-rows"]);
}

#[test]
fn two_guests_to_one_address_are_both_refused() {
    let world = World::new([guest(1), guest(2), guest(3)])
        .asks(OLD, "one@northwind.example")
        .asks("guest2@fabrikam.example", "ONE@northwind.example")
        .asks("guest3@fabrikam.example", "two@northwind.example");
    assert_eq!(world.reasons(), ["conflicting-rows", "conflicting-rows", "new-address"]);
}

#[test]
fn a_row_is_not_settled_for_the_sake_of_one_that_is_refused() {
    let world = World::new([guest(1), guest(2)])
        .asks(OLD, NEW)
        .asks(&id(1).to_string(), NEW)
        .asks("guest2@fabrikam.example", NEW);
    assert_eq!(world.reasons(), ["conflicting-rows"; 3]);
}

#[test]
fn two_guests_that_swap_addresses_are_refused_and_each_is_told_by_whom() {
    let second = "guest2@fabrikam.example";
    let world = World::new([guest(1), guest(2)]).asks(OLD, second).asks(second, OLD);
    let holders: Vec<_> = world
        .plan()
        .rows
        .into_iter()
        .map(|row| match row.decision {
            Decision::Blocked(Blocked::AddressTaken { by }) => by.id,
            other => panic!("{other}"),
        })
        .collect();
    assert_eq!(holders, [id(2), id(1)]);
}

#[test]
fn an_address_the_guest_holds_itself_is_not_taken() {
    let own = but(guest(1), |user| user.proxy_addresses = vec![NEW.into()]);
    assert_eq!(moves(own).reasons(), ["new-address"]);
    let holder = AddressHolder { kind: HolderKind::Guest, id: id(1), name: "itself".into() };
    let world = moves(guest(1)).with(|w| w.holders = vec![(NEW.to_owned(), holder)]);
    assert_eq!(world.reasons(), ["new-address"]);
}

#[test]
fn mail_write_says_which_properties_are_written() {
    use MailWrite::{Both, Mail, OtherMails};
    let plain = guest(1);
    let has_other = but(guest(1), |user| user.other_mails = vec!["X@y.example".into(), NEW.into()]);
    let has_mail = but(guest(1), |user| user.mail = Some(NEW.into()));
    for (name, user, write, mail, other_mails) in [
        ("mail", &plain, Mail, true, None),
        ("other mails", &plain, OtherMails, false, Some(vec![NEW])),
        ("both", &plain, Both, true, Some(vec![NEW])),
        ("mail, in other mails already", &has_other, Mail, true, None),
        ("both, in other mails already", &has_other, Both, true, None),
    ] {
        let row = World::new([user.clone()]).asks(&id(1).to_string(), NEW);
        let row = row.with(|w| w.policy.mail = write).only();
        let set = change(&row).set_mail.as_ref().unwrap_or_else(|| panic!("{name}"));
        assert_eq!(set.desired.as_ref().map(Email::as_str), mail.then_some(NEW), "{name}");
        assert_eq!(set.expected, user.mail, "{name}");
        let written = set.other_mails.as_ref();
        assert_eq!(
            written.map(|set| set.desired.iter().map(|mail| &**mail).collect()),
            other_mails,
            "{name}"
        );
    }
    for (name, user, write) in [
        ("other mails has it", &has_other, OtherMails),
        ("mail has it, so other mails needs no entry", &has_mail, OtherMails),
        ("mail has it", &has_mail, Both),
        ("mail has it", &has_mail, Mail),
    ] {
        let world = World::new([user.clone()]).asks(&id(1).to_string(), NEW);
        let world = world.with(|w| {
            w.policy.mail = write;
            w.users[0].redemption.changed_at = Some(earlier());
        });
        assert_eq!(world.reasons(), ["already-matches"], "{name}");
    }
}

#[test]
fn other_mails_keep_what_they_hold() {
    let user = but(guest(1), |user| user.other_mails = vec!["kept@fabrikam.example".into()]);
    let row = moves(user).with(|w| w.policy.mail = MailWrite::OtherMails).only();
    let set = change(&row).set_mail.as_ref().unwrap().other_mails.as_ref().unwrap();
    assert_eq!(set.expected, ["kept@fabrikam.example".into()]);
    assert_eq!(set.desired, ["kept@fabrikam.example".into(), NEW.into()]);
}

#[test]
fn a_row_overrides_the_defaults_one_by_one() {
    let defaults = InvitationDefaults {
        redirect_url: "https://default.example".parse().unwrap(),
        language: Some("de".parse().unwrap()),
        message: Some(Arc::new("default".parse().unwrap())),
        cc: Some(email("cc@fabrikam.example")),
        send: true,
    };
    let world = moves(guest(1)).with(|w| w.policy.invitation = defaults);
    let row = world.only();
    let inherited = change(&row).invite.as_ref().unwrap();
    assert_eq!(inherited.redirect_url.as_str(), "https://default.example");
    assert_eq!(inherited.language.as_ref().unwrap().as_str(), "de");
    assert_eq!(inherited.message.as_ref().unwrap().as_str(), "default");
    assert_eq!(inherited.cc, Some(email("cc@fabrikam.example")));
    assert!(inherited.send && inherited.display_name.is_none());
    let row = world
        .with(|w| {
            let row = &mut w.rows[0];
            row.redirect_url = Some(Arc::new("https://row.example".parse().unwrap()));
            row.language = Some("fr".parse().unwrap());
            row.message = Some(Arc::new("row".parse().unwrap()));
            row.cc = Some(email("row@fabrikam.example"));
            row.send = Some(false);
            row.display_name = Some("Ada".into());
        })
        .only();
    let own = change(&row).invite.as_ref().unwrap();
    assert_eq!(own.redirect_url.as_str(), "https://row.example");
    assert_eq!(own.language.as_ref().unwrap().as_str(), "fr");
    assert_eq!(own.message.as_ref().unwrap().as_str(), "row");
    assert_eq!(own.cc, Some(email("row@fabrikam.example")));
    assert_eq!((own.send, own.display_name.as_deref()), (false, Some("Ada")));
}

#[test]
fn a_copy_to_the_invited_address_itself_is_dropped() {
    let world = moves(guest(1)).with(|w| w.policy.invitation.cc = Some(email(&NEW.to_uppercase())));
    assert_eq!(change(&world.only()).invite.as_ref().unwrap().cc, None);
}

#[test]
fn a_reset_asks_for_the_address_that_was_invited_whatever_the_mail_is_by_now() {
    let invited = |world: World| world.asks(OLD, "").left(1, OLD, LedgerState::Invited);
    let changed = but(guest(1), |user| {
        user.mail = Some("x@y.example".into());
        user.other_mails = vec![OLD.into()];
    });
    let row = invited(World::new([changed])).only();
    assert_eq!(row.new_email, Some(email(OLD)));
    let found = Some("x@y.example".into());
    let changed = Blocked::MailChanged { invited_at: earlier(), found };
    assert_eq!(row.decision, Decision::Blocked(changed));
    assert_eq!(invited(World::new([guest(1)])).reasons(), ["already-invited"]);
}

#[test]
fn a_lost_answer_is_no_leave_to_write_over_a_mail_that_someone_set_since() {
    let obstacle = |mail: &str, new_email: &str, retry_failed: bool| {
        let user = but(guest(1), |user| user.mail = Some(mail.into()));
        let mut world = World::new([user]).asks(&id(1).to_string(), new_email);
        world.names.push((OLD.to_owned(), id(1)));
        world.policy.retry_failed = retry_failed;
        let row = world.left(1, NEW, LedgerState::Unknown { before: None }).only();
        assert_eq!(row.new_email, Some(email(NEW)));
        let change = change(&row);
        assert_eq!(change.reason, crate::plan::ChangeReason::UnknownOutcome);
        let unsettled = change.unsettled.as_ref().unwrap();
        (unsettled.obstacle.as_ref().map(Blocked::code), change.set_mail.is_some())
    };
    let by_hand = Some("changed-by-hand");
    assert_eq!(obstacle("x@y.example", NEW, false), (by_hand, true));
    assert_eq!(obstacle("x@y.example", NEW, true), (None, true));
    // Its own doing, or the old one: a replica that lags.
    assert_eq!(obstacle(NEW, NEW, false), (None, false));
    assert_eq!(obstacle(OLD, NEW, false), (None, true));
    // Nobody asked for a mail, and nobody for an invitation of the present one.
    assert_eq!(obstacle("x@y.example", "", false), (by_hand, false));
    assert_eq!(obstacle("x@y.example", "", true), (by_hand, false));
}

#[test]
fn a_reset_sent_again_in_vain_asks_for_no_reset_of_another_mail() {
    let changed = but(guest(1), |user| user.mail = Some("x@y.example".into()));
    for state in [
        LedgerState::Failed { code: "refused".into(), message: String::new() },
        LedgerState::Outstanding,
        LedgerState::Invited,
    ] {
        let world = World::new([changed.clone()]).asks(&id(1).to_string(), "");
        let world = world.left(1, OLD, state.clone()).asked_again(1, OLD, Redemption::default());
        assert_eq!(world.only().new_email, Some(email(OLD)), "{state:?}");
        assert_eq!(world.reasons(), ["mail-changed"], "{state:?}");
    }
}

#[test]
fn a_reminder_needs_the_right_mail_a_mailing_and_no_obstacle() {
    let pending = |mail: &str| {
        but(guest(1), |user| {
            user.mail = Some(mail.into());
            user.other_mails = vec![OLD.into()];
            user.redemption.state = Some(RedemptionState::PendingAcceptance);
            user.redemption.changed_at = Some(earlier());
        })
    };
    let due = |user: DirectoryUser| {
        World::new([user]).asks(OLD, NEW).left(1, NEW, LedgerState::Invited).with(|world| {
            let sent = crate::domain::Invitations {
                accepted: 1,
                first_at: earlier(),
                accepted_at: earlier(),
                intended_at: earlier(),
                refused_at: None,
                reminded: 0,
                reminded_at: None,
                bounced: false,
            };
            world.policy.reminders = Some(Box::new(crate::plan::Reminders {
                settings: crate::config::RemindSettings {
                    after: Some(std::time::Duration::from_hours(1)),
                    ..crate::config::RemindSettings::default()
                },
                invitations: std::sync::Arc::new([(key(1, NEW), sent)].into()),
                now: earlier() + jiff::SignedDuration::from_hours(2),
                lag: jiff::SignedDuration::from_mins(5),
            }));
        })
    };
    assert_eq!(due(pending(NEW)).reasons(), ["reminder"]);
    assert_eq!(due(pending("x@y.example")).reasons(), ["mail-changed"]);
    assert_eq!(
        due(but(pending(NEW), |user| user.account_enabled = Some(false))).reasons(),
        ["already-invited"]
    );
    let redeemed =
        |user: &mut DirectoryUser| user.redemption.state = Some(RedemptionState::Accepted);
    assert_eq!(due(but(pending(NEW), redeemed)).reasons(), ["already-invited"]);
    let unmailed = due(pending(NEW)).with(|world| world.rows[0].send = Some(false));
    assert_eq!(unmailed.reasons(), ["already-invited"]);
    let off = due(pending(NEW)).with(|world| world.policy.reminders = None);
    assert_eq!(off.reasons(), ["already-invited"]);
}
