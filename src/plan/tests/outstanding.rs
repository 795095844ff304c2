//! What a resume would send: the plan over the ledger, against a second opinion
//! written from the design alone, and campaigns cut off anywhere.

use proptest::prelude::*;

use super::*;
use crate::plan::{ChangeReason, Decision};

const OLD: &str = "guest1@fabrikam.example";
const WANTED: &str = "guest1@northwind.example";
const THIRD: &str = "guest1@tailspin.example";

#[derive(Debug, Clone, Copy)]
enum Asks {
    Move,
    MoveAndReset,
    ResetOnly,
}

#[derive(Debug, Clone, Copy)]
struct Flags {
    retry_failed: bool,
    resend: bool,
    reset_matching: bool,
}

/// What happened to a guest's redemption since a person asked to send again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Since {
    Unchanged,
    Changed,
}

/// What a resume does about one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    Sends { patch: bool },
    SettlesFirst { patch: bool },
    Nothing,
}

/// The second opinion. "Which mail a guest has: the directory is the authority.
/// Whether we sent an invitation: the checkpoint is." A guest that may not be
/// carried out never is.
fn opinion(
    asks: Asks,
    state: Option<&LedgerState>,
    mail: &str,
    enabled: bool,
    asked_again: Option<Since>,
    flags: Flags,
) -> Does {
    let address = if matches!(asks, Asks::ResetOnly) { mail } else { WANTED };
    // A reset whose mail somebody changed since is no other reset, unless a person asks.
    if matches!(asks, Asks::ResetOnly) && mail != WANTED && !flags.resend {
        match state {
            // Perhaps it was sent: that is to be known, and nothing is written for it.
            Some(LedgerState::Unknown { .. }) => return Does::SettlesFirst { patch: false },
            Some(LedgerState::Invited) => return Does::Nothing,
            // It was, and a person asked for one more to the mail of that time.
            Some(_) if asked_again.is_some() => return Does::Nothing,
            Some(_) | None => {}
        }
    }
    // The ledger speaks of the wanted address alone.
    let state = state.filter(|_| address == WANTED);
    let patch = mail != address;
    // P1: once per campaign, unless a person asks.
    let asked_again = asked_again.filter(|_| state.is_some());
    let to_send_again = flags.resend
        || asked_again.is_some_and(|since| since == Since::Unchanged)
            && (!matches!(state, Some(LedgerState::Failed { .. })) || flags.retry_failed);
    // Known to be invited: from here on only a person's word sends another.
    let sent = matches!(state, Some(LedgerState::Invited))
        || asked_again.is_some() && !matches!(state, Some(LedgerState::Unknown { .. }));
    let maybe_sent = matches!(state, Some(LedgerState::Unknown { .. }));
    let given_up = matches!(state, Some(LedgerState::Failed { .. }));
    let nothing_happened = state.is_none();
    let reset_wanted = flags.reset_matching || matches!(asks, Asks::MoveAndReset | Asks::ResetOnly);
    // What became of a lost answer is to be known whatever stands in the way by now.
    let blocked = !enabled && (!maybe_sent || flags.resend);
    // A mail that is neither the old nor the wanted one is someone else's.
    let begun = matches!(
        state,
        Some(LedgerState::Patching | LedgerState::Patched | LedgerState::Outstanding)
    );
    let by_hand =
        begun && mail == THIRD && !flags.retry_failed && !(asked_again.is_some() && flags.resend);
    let quiet = blocked
        || by_hand
        || (sent && !to_send_again)
        || (given_up && !sent && !flags.retry_failed)
        || (nothing_happened && !patch && !reset_wanted);
    if quiet {
        Does::Nothing
    } else if maybe_sent && !flags.resend {
        Does::SettlesFirst { patch }
    } else {
        Does::Sends { patch }
    }
}

fn does(row: &PlannedRow) -> Does {
    match &row.decision {
        Decision::Change(change) if change.unsettled.is_some() => {
            Does::SettlesFirst { patch: change.set_mail.is_some() }
        }
        Decision::Change(change) => Does::Sends { patch: change.set_mail.is_some() },
        Decision::Settled(_) | Decision::Blocked(_) => Does::Nothing,
    }
}

#[test]
fn the_outstanding_rows_are_those_of_the_second_opinion() {
    let states = [
        None,
        Some(LedgerState::Patching),
        Some(LedgerState::Patched),
        Some(LedgerState::Unknown { before: None }),
        Some(LedgerState::Outstanding),
        Some(LedgerState::Invited),
        Some(LedgerState::Failed { code: "x".to_owned(), message: "y".to_owned() }),
    ];
    let before = |since| {
        let mut before = guest(1).redemption;
        if since == Since::Changed {
            before.state = Some(RedemptionState::PendingAcceptance);
        }
        before
    };
    let mut asked = 0;
    for state in &states {
        for asked_again in [None, Some(Since::Unchanged), Some(Since::Changed)] {
            for asks in [Asks::Move, Asks::MoveAndReset, Asks::ResetOnly] {
                for mail in [OLD, WANTED, THIRD] {
                    for bits in 0..16 {
                        let enabled = bits & 1 == 0;
                        let flags = Flags {
                            retry_failed: bits & 2 != 0,
                            resend: bits & 4 != 0,
                            reset_matching: bits & 8 != 0,
                        };
                        let mut world = world(asks, mail, enabled, flags);
                        if let Some(state) = state {
                            world = world.left(1, WANTED, state.clone());
                            // The mail from before the first write is remembered.
                            world.names.push((OLD.to_owned(), id(1)));
                        }
                        if let Some(since) = asked_again {
                            world = world.asked_again(1, WANTED, before(since));
                        }
                        let row = world.only();
                        assert_eq!(
                            does(&row),
                            opinion(asks, state.as_ref(), mail, enabled, asked_again, flags),
                            "{state:?} {asked_again:?} {asks:?} {mail} enabled: {enabled} {flags:?}: {}",
                            row.decision
                        );
                        asked += 1;
                    }
                }
            }
        }
    }
    assert_eq!(asked, 7 * 3 * 3 * 3 * 16);
}

fn world(asks: Asks, mail: &str, enabled: bool, flags: Flags) -> World {
    let user = but(guest(1), |user| {
        user.mail = Some(mail.into());
        user.account_enabled = Some(enabled);
    });
    let new_email = if matches!(asks, Asks::ResetOnly) { "" } else { WANTED };
    let mut world = World::of([user]).asks(&id(1).to_string(), new_email);
    if matches!(asks, Asks::MoveAndReset) {
        world.rows[0].reset = Reset::Always;
    }
    world.policy.retry_failed = flags.retry_failed;
    world.policy.reset_matching = flags.reset_matching;
    if flags.resend {
        world.policy.resend = ["2".to_owned()].into();
    }
    world
}

/// How far a run came with a row before it was cut off.
#[derive(Debug, Clone, Copy)]
enum Cut {
    BeforeAnything,
    MailAnnounced,
    MailWritten,
    IntentAndNotSent,
    IntentAndSent,
    PutBack,
    Done,
}

fn cut() -> impl Strategy<Value = Cut> {
    prop::sample::select(vec![
        Cut::BeforeAnything,
        Cut::MailAnnounced,
        Cut::MailWritten,
        Cut::IntentAndNotSent,
        Cut::IntentAndSent,
        Cut::PutBack,
        Cut::Done,
    ])
}

/// Carries a planned row out as far as the cut, on a world that remembers as the
/// checkpoint does. Says whether an invitation left. `open_sent`: whether the one
/// whose outcome is not known did.
fn carry_out(world: &mut World, row: &PlannedRow, cut: Cut, open_sent: bool) -> bool {
    let Decision::Change(change) = &row.decision else { return false };
    let key = InvitationKey {
        user_id: row.user_id.unwrap(),
        address: change.invite.as_ref().unwrap().address.clone(),
    };
    let note = |world: &mut World, state: LedgerState| {
        world.ledger.retain(|(known, _)| *known != key);
        if state == LedgerState::Invited {
            world.resends.retain(|(known, _)| *known != key);
        }
        world.ledger.push((key.clone(), state));
    };
    // The directory tells what became of the one before.
    if change.unsettled.is_some() && open_sent {
        note(world, LedgerState::Invited);
        return false;
    }
    if matches!(cut, Cut::BeforeAnything) {
        return false;
    }
    if let Some(set) = &change.set_mail {
        let user = world.users.iter_mut().find(|user| Some(user.id) == row.user_id).unwrap();
        world.names.push((user.mail.as_deref().unwrap().to_lowercase(), user.id));
        if !matches!(cut, Cut::MailAnnounced) {
            user.mail = set.desired.as_ref().map(|mail| mail.as_str().into());
        }
        note(world, LedgerState::Patching);
    }
    if matches!(cut, Cut::MailAnnounced) {
        return false;
    }
    note(world, LedgerState::Patched);
    match cut {
        Cut::BeforeAnything | Cut::MailAnnounced | Cut::MailWritten => false,
        Cut::IntentAndNotSent => {
            note(world, LedgerState::Unknown { before: None });
            false
        }
        Cut::IntentAndSent => {
            note(world, LedgerState::Unknown { before: None });
            true
        }
        Cut::PutBack => {
            note(world, LedgerState::Outstanding);
            false
        }
        Cut::Done => {
            note(world, LedgerState::Invited);
            true
        }
    }
}

/// Writes down who is to be sent to again, as a run does before its first request.
/// Says for how many guests known to be invited that is news.
fn note_requests(world: &mut World, plan: &Plan) -> usize {
    let mut news = 0;
    for row in &plan.rows {
        let Decision::Change(change) = &row.decision else { continue };
        let user_id = row.user_id.unwrap();
        let key =
            InvitationKey { user_id, address: change.invite.as_ref().unwrap().address.clone() };
        let is_known = world.ledger.contains(&(key.clone(), LedgerState::Invited));
        let is_noted = world.resends.iter().any(|(noted, _)| *noted == key);
        if change.reason == ChangeReason::Resend && is_known && !is_noted {
            let before = change.redemption.clone();
            world.resends.push((key, Resend { invited_at: earlier(), before }));
            news += 1;
        }
    }
    news
}

proptest! {
    #[test]
    fn however_runs_are_cut_off_a_request_to_send_again_is_kept_and_sends_once(
        runs in prop::collection::vec((any::<bool>(), cut()), 1..10),
    ) {
        let mut world = World::of([guest(1)]).asks(&id(1).to_string(), WANTED);
        let (mut sent, mut open_sent, mut asked, mut kept) = (0, false, 0, 0);
        for (asks, cut) in runs.into_iter().chain([(false, Cut::Done), (false, Cut::Done)]) {
            let line = asks.then(|| "2".to_owned());
            world.policy.resend = line.into_iter().collect();
            let plan = world.plan();
            let row = &plan.rows[0];
            asked += usize::from(asks && row.decision.reason() == "resend");
            kept += note_requests(&mut world, &plan);
            sent += usize::from(carry_out(&mut world, row, cut, open_sent));
            match cut {
                Cut::IntentAndSent => open_sent = true,
                Cut::IntentAndNotSent => open_sent = false,
                _ => {}
            }
        }
        // P1: one, and one more for every time that a person asked; and none of the
        // requests to send again to an invited guest is lost.
        prop_assert!((1 + kept..=1 + asked).contains(&sent), "{} of {} and {}", sent, kept, asked);
        prop_assert_eq!(world.only().decision.name(), "settled");
        prop_assert!(world.resends.is_empty());
    }

    #[test]
    fn however_runs_are_cut_off_every_guest_is_invited_once(
        guests in 1_usize..6,
        by_id in prop::collection::vec(any::<bool>(), 6),
        runs in prop::collection::vec(prop::collection::vec(cut(), 6), 0..6),
    ) {
        let mut world = World::of((1..=guests as u128).map(guest));
        for (n, by_id) in (1..=guests as u128).zip(by_id) {
            let user = if by_id { id(n).to_string() } else { format!("guest{n}@fabrikam.example") };
            world = world.asks(&user, &format!("guest{n}@northwind.example"));
        }
        let mut sent = vec![0; guests];
        let last_run = [vec![Cut::Done; 6], vec![Cut::Done; 6]];
        for cuts in runs.into_iter().chain(last_run) {
            let plan = world.plan();
            for (position, (row, cut)) in plan.rows.iter().zip(cuts).enumerate() {
                let left = carry_out(&mut world, row, cut, sent[position] > 0);
                sent[position] += u32::from(left);
            }
        }
        prop_assert_eq!(sent, vec![1; guests]);
        let plan = world.plan();
        prop_assert_eq!(plan.counts.change, 0);
        prop_assert_eq!(plan.counts.settled, guests as u64);
    }
}
