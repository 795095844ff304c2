//! Every finding: when it is made, when it is not, and how much it weighs.

use std::sync::Arc;

use super::*;
use crate::plan::Severity;

/// So many guests that all move to `northwind.example`.
fn movers(n: u128) -> World {
    (1..=n).fold(World::new((1..=n).map(guest)), |world, n| {
        world.asks(&format!("guest{n}@fabrikam.example"), &format!("guest{n}@northwind.example"))
    })
}

fn found(world: &World) -> Vec<&'static str> {
    world.plan().findings.iter().map(|finding| finding.code).collect()
}

fn refused(world: &World) -> bool {
    world.plan().refusals().count() > 0
}

fn limited(rows: u128, guests: Option<u64>, limit: &str) -> World {
    movers(rows).with(|w| {
        w.tenant.guests = guests;
        w.guards.max_changes = limit.parse().unwrap();
    })
}

#[test]
fn a_quiet_plan_has_no_findings() {
    assert!(found(&movers(3)).is_empty());
}

#[test]
fn max_changes_refuses_one_more_than_it_allows() {
    for (rows, guests, limit, refuses) in [
        (3, Some(1000), "3", false),
        (4, Some(1000), "3", true),
        (1, None, "0", true),
        (4, None, "4", false),
        // Up to ten changes a share says nothing.
        (10, Some(10), "1%", false),
        (10, None, "1%", false),
        (10, Some(0), "1%", false),
        (11, Some(11), "1%", true),
        (11, Some(36), "30%", true),
        (11, Some(37), "30%", false),
        (11, Some(11), "100%", false),
        // A share of nobody knows how many.
        (11, None, "30%", true),
        (11, None, "100%", true),
    ] {
        let world = limited(rows, guests, limit);
        let expected: &[&str] = if refuses { &["max-changes"] } else { &[] };
        assert_eq!(found(&world), expected, "{rows} of {guests:?} at {limit}");
        assert_eq!(refused(&world), refuses);
    }
}

#[test]
fn max_changes_counts_changes_and_not_rows() {
    let world = limited(3, Some(1000), "1")
        .left(1, "guest1@northwind.example", LedgerState::Invited)
        .with(|w| w.users[1].synced = true);
    assert!(found(&world).is_empty());
}

#[test]
fn a_refusal_names_the_numbers_and_what_allows_more() {
    let plan = limited(11, Some(20), "30%").plan();
    let finding = plan.refusals().next().unwrap();
    for part in ["11 rows", "20 guests", "30%", "allows 6"] {
        assert!(finding.message.contains(part), "{}", finding.message);
    }
    for part in ["max_changes", "--max-changes", "11"] {
        assert!(finding.advice.contains(part), "{}", finding.advice);
    }
}

#[test]
fn only_allowed_domains_are_moved_to() {
    let allow = |domains: &[&str]| {
        let domains = domains.iter().map(|&domain| domain.to_owned()).collect();
        movers(2).with(|w| {
            w.guards.allowed_domains = Some(domains);
            w.rows[1].wish = Wish::Move(email("guest2@Sub.Northwind.example"));
        })
    };
    assert!(found(&allow(&["northwind.example", "sub.northwind.example"])).is_empty());
    // A domain does not allow what lies below it.
    let plan = allow(&["northwind.example"]).plan();
    let finding = plan.refusals().next().unwrap();
    assert_eq!(finding.code, "allowed-domains");
    assert!(finding.message.contains("1 row goes"), "{}", finding.message);
    assert!(finding.message.contains("sub.northwind.example (1)"), "{}", finding.message);
    assert!(refused(&allow(&[])));
}

#[test]
fn a_reset_is_pointed_out() {
    let world = World::new([guest(1)]).asks("guest1@fabrikam.example", "");
    assert_eq!(found(&world), ["resets"]);
    assert!(!refused(&world));
}

#[test]
fn a_message_is_said_to_be_dropped_where_an_application_sends_it() {
    let text = Some(Arc::new("Welcome".parse().unwrap()));
    let world = movers(1).with(|w| w.rows[0].message = text);
    assert_eq!(found(&world), ["message-dropped"]);
    let delegated = world.clone().with(|w| w.policy.caller = Caller::Delegated);
    assert!(found(&delegated).is_empty());
    let unsent = world.clone().with(|w| w.rows[0].send = Some(false));
    assert!(found(&unsent).is_empty());
    let german = delegated.with(|w| w.rows[0].language = Some("de".parse().unwrap()));
    assert_eq!(found(&german), ["language-ignored"]);
}

#[test]
fn many_mails_from_a_default_onmicrosoft_domain_are_pointed_out() {
    let from = |rows, domain: Option<&str>| {
        movers(rows).with(|w| w.tenant.default_domain = domain.map(str::to_owned))
    };
    assert_eq!(found(&from(91, Some("contoso.onmicrosoft.com"))), ["mail-capped"]);
    assert_eq!(found(&from(91, Some("contoso.onmicrosoft.us"))), ["mail-capped"]);
    assert!(found(&from(90, Some("contoso.onmicrosoft.com"))).is_empty());
    assert!(found(&from(91, Some("contoso.example"))).is_empty());
    assert!(found(&from(91, None)).is_empty());
    let unsent =
        from(91, Some("contoso.onmicrosoft.com")).with(|w| w.policy.invitation.send = false);
    assert!(found(&unsent).is_empty());
}

#[test]
fn discouraged_characters_are_pointed_out() {
    let world = movers(1).with(|w| w.rows[0].wish = Wish::Move(email("a+b@northwind.example")));
    assert_eq!(found(&world), ["unusual-characters"]);
    let plain = movers(1).with(|w| w.rows[0].wish = Wish::Move(email("o'neil@northwind.example")));
    assert!(found(&plain).is_empty());
}

#[test]
fn guests_that_may_activate_a_role_are_pointed_out_and_not_blocked() {
    let world = movers(3).with(|w| w.eligible = vec![id(1), id(3), id(9)]);
    let plan = world.plan();
    assert_eq!(plan.counts.change, 3);
    assert_eq!(plan.findings[0].code, "may-activate-role");
    assert!(plan.findings[0].message.contains("2 guests may activate"), "{plan:?}");
    assert!(plan.findings[0].message.contains("(lines 2, 4)"), "{plan:?}");
    assert!(found(&movers(1).with(|w| w.eligible = vec![id(9)])).is_empty());
}

#[test]
fn protected_guests_are_pointed_out_where_other_mails_are_written() {
    let world = |mail| {
        movers(2).with(|w| {
            w.protected = vec![id(2)];
            w.policy.mail = mail;
        })
    };
    let plan = world(MailWrite::OtherMails).plan();
    assert_eq!(plan.findings[0].code, "protected-guests");
    assert!(plan.findings[0].message.contains("(line 3)"), "{plan:?}");
    assert_eq!(found(&world(MailWrite::Both)), ["protected-guests"]);
    assert!(found(&world(MailWrite::Mail)).is_empty());
}

#[test]
fn external_members_are_pointed_out_where_a_partner_synchronises_users() {
    let partner = |synchronises| Partner {
        tenant_id: "f".to_owned(),
        name: Some("Fabrikam".to_owned()),
        synchronises,
        ..Partner::default()
    };
    let world = |user_type, synchronises| {
        movers(2).with(|w| {
            w.users[0].user_type = user_type;
            w.tenant.policies.partners = Some(vec![partner(synchronises)]);
        })
    };
    let plan = world(UserType::Member, true).plan();
    assert_eq!(plan.findings[0].code, "may-be-synchronised");
    assert!(plan.findings[0].message.contains("(line 2), and Fabrikam may"), "{plan:?}");
    assert!(found(&world(UserType::Member, false)).is_empty());
    assert!(found(&world(UserType::Guest, true)).is_empty());
}

#[test]
fn a_tenant_that_lets_nobody_invite_is_pointed_out_where_something_would_change() {
    let from = |world: World, from| world.with(|w| w.tenant.policies.invites_from = Some(from));
    assert_eq!(found(&from(movers(1), InvitesFrom::Nobody)), ["invitations-disabled"]);
    assert!(found(&from(movers(1), InvitesFrom::AdminsAndGuestInviters)).is_empty());
    let idle = movers(1).left(1, "guest1@northwind.example", LedgerState::Invited);
    assert!(found(&from(idle, InvitesFrom::Nobody)).is_empty());
}

#[test]
fn what_could_not_be_read_is_one_finding_after_what_refuses() {
    let missing = |what, consequence, permission, why: &str| Unreadable {
        what,
        consequence,
        permission,
        why: why.to_owned(),
    };
    let world = limited(2, Some(1000), "1").with(|w| {
        w.unreadable = vec![
            missing("contacts", "holders", "Directory.Read.All", "403"),
            missing("who may invite", "inviters", "Policy.Read.All", "404"),
            missing("groups", "holders", "Directory.Read.All", "403"),
        ];
    });
    assert_eq!(found(&world), ["max-changes", "unreadable"]);
    let findings = world.plan().findings;
    assert_eq!([findings[0].severity, findings[1].severity], [Severity::Refuse, Severity::Warn]);
    assert_eq!(
        findings[1].message,
        "could not be read: contacts, groups (403); who may invite (404)"
    );
    assert_eq!(
        findings[1].advice,
        "granting Directory.Read.All, Policy.Read.All shows it; until then the plan does not see holders, inviters"
    );
}

#[test]
fn columns_that_are_swapped_are_guessed_where_nearly_nobody_is_found() {
    let swapped = |n: u128, found: u128| {
        let world = (1..=n).fold(World::new((1..=n + found).map(guest)), |world, n| {
            world
                .asks(&format!("guest{n}@northwind.example"), &format!("guest{n}@fabrikam.example"))
        });
        (n + 1..=n + found).fold(world, |world, n| {
            let (from, to) =
                (format!("guest{n}@fabrikam.example"), format!("guest{n}@northwind.example"));
            world.asks(&from, &to)
        })
    };
    assert_eq!(found(&swapped(1, 0)), ["columns-swapped"]);
    assert_eq!(found(&swapped(3, 3)), ["columns-swapped"]);
    assert!(found(&swapped(3, 4)).is_empty());
    let nobody = World::new([guest(1)]).asks("nobody@fabrikam.example", "new@northwind.example");
    assert!(found(&nobody).is_empty());
    let otherwise = nobody.with(|w| {
        w.rows[0].also = Box::new([GuestRef::parse("guest1@fabrikam.example")]);
    });
    assert_eq!(found(&otherwise), ["other-column"]);
}
