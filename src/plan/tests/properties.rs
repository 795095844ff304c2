//! What holds of every plan.

use proptest::prelude::*;

use super::*;
use crate::plan::{Change, Decision, Settled};

/// What is unusual about a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trait {
    Nothing,
    Internal,
    Disabled,
    Restricted,
    Synced,
    Role,
    NoMail,
}

/// A row in terms of the world: which guest, how it is named, and what it asks.
#[derive(Debug, Clone, Copy)]
struct Ask {
    guest: u128,
    named: u8,
    address: Option<u8>,
    reset: bool,
    send: bool,
}

/// Few guests and few addresses, so that rows meet.
const GUESTS: u128 = 4;

fn ask() -> impl Strategy<Value = Ask> {
    (1..=GUESTS + 1, 0..3_u8, prop::option::of(0..5_u8), any::<bool>(), any::<bool>())
        .prop_map(|(guest, named, address, reset, send)| Ask { guest, named, address, reset, send })
}

fn unusual() -> impl Strategy<Value = Trait> {
    use Trait::{Disabled, Internal, NoMail, Nothing, Restricted, Role, Synced};
    prop_oneof![
        4 => Just(Nothing),
        1 => prop::sample::select(vec![Internal, Disabled, Restricted, Synced, Role, NoMail]),
    ]
}

fn state() -> impl Strategy<Value = LedgerState> {
    prop::sample::select(vec![
        LedgerState::Patching,
        LedgerState::Patched,
        LedgerState::Outstanding,
        LedgerState::Unknown { before: None },
        LedgerState::Invited,
        LedgerState::Failed { code: "x".to_owned(), message: "y".to_owned() },
    ])
}

fn address(n: u8) -> String {
    match n {
        0 => "guest1@fabrikam.example".to_owned(),
        1 => "one@contoso.example".to_owned(),
        n => format!("new{n}@northwind.example"),
    }
}

fn asked(line: usize, ask: Ask) -> Row {
    let user = match ask.named {
        0 => id(ask.guest).to_string(),
        1 => format!("guest{}@fabrikam.example", ask.guest),
        _ => format!("guest{}_fabrikam.example#EXT#@contoso.example", ask.guest),
    };
    let mut row =
        row(u32::try_from(line).unwrap() + 2, &user, &ask.address.map(address).unwrap_or_default());
    row.reset = if ask.reset { Reset::Always } else { Reset::WhenMoved };
    row.send = Some(ask.send);
    row
}

fn world() -> impl Strategy<Value = World> {
    (
        prop::collection::vec(unusual(), usize::try_from(GUESTS).unwrap()),
        prop::collection::vec(ask(), 1..10),
        prop::collection::vec((1..=GUESTS, 0..5_u8, state()), 0..4),
        (any::<bool>(), any::<bool>(), any::<bool>()),
    )
        .prop_map(|(traits, asks, states, (retry_failed, reset_matching, delegated))| {
            let mut world = World::of([]);
            for (n, unusual) in (1..=GUESTS).zip(traits) {
                let user = but(guest(n), |user| match unusual {
                    Trait::Nothing => {}
                    Trait::Internal => internal(user),
                    Trait::Disabled => user.account_enabled = Some(false),
                    Trait::Restricted => user.management_restricted = true,
                    Trait::Synced => user.synced = true,
                    Trait::NoMail => user.mail = None,
                    Trait::Role => {
                        let roles = world.roles.get_or_insert_default();
                        roles.insert(id(n), RoleHolding::Direct);
                    }
                });
                world.users.push(user);
            }
            world.rows = asks.iter().enumerate().map(|(n, ask)| asked(n, *ask)).collect();
            for (n, to, state) in states {
                world = world.left(n, &address(to), state);
            }
            world.policy.retry_failed = retry_failed;
            world.policy.reset_matching = reset_matching;
            if delegated {
                world.policy.caller = Caller::Delegated;
            }
            world
        })
}

/// The same rows in another order, numbered anew.
fn reordered(world: &World, keys: &[u32]) -> World {
    let mut rows: Vec<_> = world.rows.iter().cloned().zip(keys.iter().cycle()).collect();
    rows.sort_by_key(|(row, key)| (**key, u32::MAX - row.line));
    let mut rows: Vec<Row> = rows.into_iter().map(|(row, _)| row).collect();
    for (line, row) in (2..).zip(&mut rows) {
        row.line = line;
    }
    World { rows, ..world.clone() }
}

/// Who gets which decision, without regard to lines.
fn decisions(plan: &Plan) -> Vec<String> {
    let mut decisions: Vec<String> = plan
        .rows
        .iter()
        .map(|row| {
            let mut decision = serde_json::to_value(&row.decision).unwrap();
            let fields = decision.as_object_mut().unwrap();
            fields.remove("line");
            fields.remove("lines");
            let who = row.user_id.map_or_else(|| row.user.to_string(), |id| id.to_string());
            format!("{who} {:?} {decision}", row.new_email)
        })
        .collect();
    decisions.sort_unstable();
    decisions
}

fn changes(plan: &Plan) -> impl Iterator<Item = (UserId, &Change)> {
    plan.rows.iter().filter_map(|row| match &row.decision {
        Decision::Change(change) => Some((row.user_id.unwrap(), &**change)),
        Decision::Settled(_) | Decision::Blocked(_) => None,
    })
}

proptest! {
    #[test]
    fn planning_twice_gives_the_same_plan(world in world()) {
        let (one, two) = (world.plan(), world.plan());
        prop_assert_eq!(&one.rows, &two.rows);
        prop_assert_eq!(one.digest, two.digest);
    }

    #[test]
    fn the_order_of_the_rows_changes_nothing(
        world in world(),
        keys in prop::collection::vec(any::<u32>(), 10),
    ) {
        let (one, two) = (world.plan(), reordered(&world, &keys).plan());
        prop_assert_eq!(decisions(&one), decisions(&two));
        prop_assert_eq!(one.counts, two.counts);
        prop_assert_eq!(one.digest, two.digest);
    }

    #[test]
    fn every_row_is_there_once_and_the_counts_add_up(world in world()) {
        let plan = world.plan();
        let planned: Vec<u32> = plan.rows.iter().map(|row| row.line).collect();
        let asked: Vec<u32> = world.rows.iter().map(|row| row.line).collect();
        prop_assert_eq!(planned, asked);
        let counts = plan.counts;
        prop_assert_eq!(counts.rows, counts.change + counts.settled + counts.blocked);
        for (name, count) in
            [("change", counts.change), ("settled", counts.settled), ("blocked", counts.blocked)]
        {
            let named = plan.rows.iter().filter(|row| row.decision.name() == name).count();
            prop_assert_eq!(named as u64, count);
        }
    }

    #[test]
    fn no_guest_is_changed_that_must_not_be(world in world()) {
        for (user_id, change) in changes(&world.plan()) {
            let user = world.users.iter().find(|user| user.id == user_id).unwrap();
            prop_assert!(user.is_external());
            // Settled and then left alone: `run` sends nothing where something stands in
            // the way.
            if change.unsettled.as_ref().is_some_and(|open| open.obstacle.is_some()) {
                continue;
            }
            prop_assert!(user.account_enabled != Some(false) && !user.management_restricted);
            prop_assert!(change.set_mail.is_none() || !user.synced);
            prop_assert_ne!(change.invite.as_ref().unwrap().address.domain(), "contoso.example");
            if world.policy.caller == Caller::AppOnly {
                prop_assert!(!world.roles.as_ref().unwrap().contains_key(&user_id));
            }
        }
    }

    #[test]
    fn no_guest_is_changed_twice_and_no_address_given_twice(world in world()) {
        let plan = world.plan();
        let mut guests: Vec<UserId> = changes(&plan).map(|(guest, _)| guest).collect();
        let mut addresses: Vec<String> =
            changes(&plan).map(|(_, change)| change.invite.as_ref().unwrap().address.folded()).collect();
        let all = guests.len();
        guests.sort_unstable();
        guests.dedup();
        addresses.sort_unstable();
        addresses.dedup();
        prop_assert_eq!((guests.len(), addresses.len()), (all, all));
    }

    #[test]
    fn a_row_whose_guest_shows_another_mail_than_it_wants_is_never_settled(world in world()) {
        for row in &world.plan().rows {
            let Decision::Settled(settled) = &row.decision else { continue };
            if matches!(settled, Settled::SameAsLine { .. }) {
                continue;
            }
            let key = row.key().unwrap();
            let guest = world.users.iter().find(|user| user.id == key.user_id).unwrap();
            prop_assert!(guest.has_mail(&key.address), "{settled}");
        }
    }

    #[test]
    fn a_row_is_never_settled_by_an_invitation_that_another_has_voided(world in world()) {
        let last = |key: &InvitationKey| world.ledger.iter().rposition(|(other, _)| other == key);
        for row in &world.plan().rows {
            let Decision::Settled(Settled::AlreadyInvited { .. }) = &row.decision else { continue };
            let key = row.key().unwrap();
            for (place, (other, state)) in world.ledger.iter().enumerate() {
                let is_later = last(other) == Some(place) && Some(place) > last(&key);
                let may_be_sent = matches!(state, LedgerState::Invited | LedgerState::Unknown { .. });
                prop_assert!(other.user_id != key.user_id || !is_later || !may_be_sent);
            }
        }
    }

    #[test]
    fn the_digest_tells_different_decisions_apart_and_no_others(
        world in world(),
        at in any::<prop::sample::Index>(),
        replaced in ask(),
        disabled in 0..=GUESTS,
    ) {
        let mut other = world.clone();
        let position = at.index(other.rows.len());
        if disabled == 0 {
            other.rows[position] = asked(position, replaced);
        } else {
            other.users[usize::try_from(disabled).unwrap() - 1].account_enabled = Some(false);
        }
        let (one, two) = (world.plan(), other.plan());
        prop_assert_eq!(one.digest == two.digest, decisions(&one) == decisions(&two));
    }
}
