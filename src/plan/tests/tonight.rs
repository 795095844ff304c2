//! Waves and the budget of a night.

use std::time::Duration;

use super::*;
use crate::plan::{Change, Invitation, Ours, Unsettled};

const HOUR: i64 = 60 * 60;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + seconds).unwrap()
}

/// Rows by letter: `n` new, `i` invited, `f` failed, `u` to be finished, `r` to be
/// reminded, `s` settled otherwise.
fn rows(letters: &str) -> Vec<PlannedRow> {
    let decision = |letter| match letter {
        'n' => change(ChangeReason::NewAddress),
        'u' => change(ChangeReason::UnknownOutcome),
        'r' => change(ChangeReason::Reminder),
        'i' => Decision::Settled(Settled::AlreadyInvited { at: at(0), lagging: None }),
        'f' => {
            let (code, message) = ("x".to_owned(), "x".to_owned());
            Decision::Blocked(Blocked::FailedBefore { code, message, at: at(0) })
        }
        's' => Decision::Settled(Settled::AlreadyMatches { uninvited: None }),
        other => panic!("{other}"),
    };
    (2..)
        .zip(letters.chars())
        .map(|(line, letter)| PlannedRow {
            line,
            user: "x".into(),
            user_id: None,
            new_email: None,
            decision: decision(letter),
        })
        .collect()
}

fn change(reason: ChangeReason) -> Decision {
    let unsettled: Option<Unsettled> = None;
    Decision::Change(Box::new(Change {
        reason,
        set_mail: None,
        invite: Some(Invitation {
            address: "a@b.example".parse().unwrap(),
            redirect_url: std::sync::Arc::new("https://myapps.microsoft.com".parse().unwrap()),
            send: true,
            by: crate::config::DeliveryWay::Microsoft,
            message: None,
            cc: None,
            more_cc: Box::default(),
            language: None,
            display_name: None,
        }),
        redemption: crate::domain::Redemption::default(),
        ours: Ours::default(),
        accepted_at: None,
        unsettled,
    }))
}

fn waves(sizes: &[&str]) -> WaveSettings {
    let size = |size: &&str| match *size {
        "rest" => WaveSize::Rest,
        limit => WaveSize::Limit(limit.parse().unwrap()),
    };
    WaveSettings { sizes: sizes.iter().map(size).collect(), ..WaveSettings::default() }
}

#[test]
fn a_run_takes_what_is_left_of_the_wave_that_the_ledger_tells() {
    let waves = waves(&["2", "50%", "rest"]);
    for (letters, number, held) in [
        ("nnnnnnnnnn", 1, "2345 6789"),
        ("innnnnnnnn", 1, "2345 6789"),
        ("iinnnnnnnn", 2, "789"),
        ("iifnnnnnnn", 2, "789"),
        ("iiiiiiinnn", 3, ""),
        ("usnnnnn", 1, "3456"),
    ] {
        let tonight = tonight(&rows(letters), Progress::default(), &waves, None, at(0));
        let expected: BTreeSet<usize> =
            held.chars().filter_map(|c| c.to_digit(10)).map(|digit| digit as usize).collect();
        assert_eq!(tonight.held, expected, "{letters}");
        assert_eq!(tonight.wave.as_ref().map(|wave| wave.number), Some(number), "{letters}");
        assert_eq!(tonight.wave.and_then(|wave| wave.held_because), None, "{letters}");
    }
    // Nothing is left to begin, so there is no wave to speak of.
    assert_eq!(tonight(&rows("iii"), Progress::default(), &waves, None, at(0)), Tonight::default());
}

#[test]
fn the_next_wave_waits_for_what_was_asked_of_the_ones_before() {
    let of = |redeemed: Option<&str>, after: Option<u64>, failures: Option<&str>| {
        let share = |text: &str| match text.parse().unwrap() {
            Limit::Share(share) => share,
            Limit::Count(_) => panic!(),
        };
        WaveSettings {
            redeemed: redeemed.map(share),
            after: after.map(Duration::from_secs),
            max_failures: failures.map(|limit| limit.parse().unwrap()),
            ..waves(&["5", "rest"])
        }
    };
    let day = Some(24 * 3600);
    for (name, letters, waves, redeemed, hours, opens) in [
        ("no condition", "iiiiinn", of(None, None, None), 0, 0, true),
        ("too few redeemed", "iiiiinn", of(Some("80%"), None, None), 3, 999, false),
        ("enough redeemed", "iiiiinn", of(Some("80%"), None, None), 4, 0, true),
        ("nobody to redeem", "fffffnn", of(Some("80%"), None, None), 0, 0, false),
        ("too soon", "iiiiinn", of(None, day, None), 5, 23, false),
        ("a day later", "iiiiinn", of(None, day, None), 0, 24, true),
        ("either: redeemed", "iiiiinn", of(Some("80%"), day, None), 4, 1, true),
        ("either: a day later", "iiiiinn", of(Some("80%"), day, None), 0, 24, true),
        ("neither", "iiiiinn", of(Some("80%"), day, None), 3, 23, false),
        ("one failed", "iiiifnn", of(None, None, Some("1")), 0, 0, true),
        ("two failed", "iiiffnn", of(None, None, Some("1")), 0, 0, false),
        ("a share failed", "iiiffnn", of(None, None, Some("20%")), 0, 0, false),
        ("has begun already", "iiiiiinn", of(Some("80%"), None, None), 0, 0, true),
        ("the first waits for nothing", "nnnnnnn", of(Some("80%"), None, None), 0, 0, true),
    ] {
        let progress = Progress { redeemed, last_invited_at: Some(at(0)), ..Progress::default() };
        let tonight = tonight(&rows(letters), progress, &waves, None, at(hours * HOUR));
        let wave = tonight.wave.unwrap();
        assert_eq!(wave.held_because.is_none(), opens, "{name}: {:?}", wave.held_because);
        let fresh = letters.matches('n').count() as u64;
        assert_eq!(wave.waiting == fresh, !opens, "{name}");
    }
}

#[test]
fn a_wave_waits_for_bounced_mails_to_be_mended() {
    let most = |limit: &str| WaveSettings {
        max_bounced: Some(limit.parse().unwrap()),
        ..waves(&["5", "rest"])
    };
    for (limit, bounced, opens) in
        [("1", 1, true), ("1", 2, false), ("20%", 1, true), ("20%", 2, false), ("0", 1, false)]
    {
        let progress = Progress { bounced, ..Progress::default() };
        let wave = tonight(&rows("iiiiinn"), progress, &most(limit), None, at(0)).wave.unwrap();
        assert_eq!(wave.held_because.is_none(), opens, "{limit}, {bounced}");
        let why = wave.held_because.unwrap_or_default();
        assert!(opens || why.contains("bounced, and max_bounced allows"), "{why}");
    }
}

#[test]
fn the_budget_takes_new_guests_before_reminders_and_finishes_what_was_begun() {
    let none = WaveSettings::default();
    for (letters, budget, held) in [
        ("nnnn", 2, vec![2, 3]),
        ("rnrn", 3, vec![2]),
        ("rnrn", 1, vec![0, 2, 3]),
        ("uunn", 2, vec![2, 3]),
        ("uunn", 0, vec![2, 3]),
        ("nn", 9, vec![]),
    ] {
        let tonight = tonight(&rows(letters), Progress::default(), &none, Some(budget), at(0));
        assert_eq!(tonight.over_budget, held.len() as u64, "{letters} {budget}");
        assert_eq!(tonight.held, held.into_iter().collect(), "{letters} {budget}");
    }
}
