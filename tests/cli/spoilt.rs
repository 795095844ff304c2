//! Answers that come spoilt, over real sockets: never-ending, unfolding, dripping, cut, or
//! none because nobody listens for a while.

use std::process::Command;
use std::time::{Duration, Instant};

use http::Method;
use reinvite::emulator::{Action, Fault, Matcher, Spoil};

use crate::support::{Campaign, THREE};

const SPOILT: [Spoil; 4] = [Spoil::Reset, Spoil::TooShort, Spoil::Endless, Spoil::Unfolding];

/// Below this nothing is refused to a run that keeps what it reads within bounds: most of
/// it is address space for threads, which is not used.
const MEMORY_IN_KIB: u32 = 1_500_000;

/// The command, in so much memory.
fn bounded(campaign: &Campaign, arguments: &str) -> Command {
    let bounded = campaign.command(arguments);
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", &format!("ulimit -v {MEMORY_IN_KIB}; exec \"$0\" \"$@\"")])
        .arg(bounded.get_program())
        .args(bounded.get_args())
        .env_clear()
        .env("USER", "tester")
        .current_dir(campaign.directory());
    command
}

#[test]
fn a_spoilt_answer_to_an_invitation_is_lost_and_settled() {
    for spoil in SPOILT {
        let campaign = Campaign::new();
        campaign.tenant.inject(Fault::new(Matcher::invitation(), Action::Spoil(spoil)));
        let output = campaign.complete(bounded(&campaign, "apply three.csv --yes")).exits(0);
        assert_eq!(campaign.invitations(), 3, "{spoil:?}: {output}");
        campaign.run("apply three.csv --yes").exits(0);
        assert_eq!(campaign.invitations(), 3, "{spoil:?}");
    }
}

#[test]
fn a_spoilt_page_of_the_directory_is_asked_for_again() {
    for spoil in SPOILT {
        let campaign = Campaign::new();
        let sweep = Matcher::new(Method::GET, "/users").nth(2);
        campaign.tenant.inject(Fault::new(sweep, Action::Spoil(spoil)));
        campaign.complete(bounded(&campaign, "plan three.csv")).exits(0);
    }
}

#[test]
fn a_spoilt_token_is_no_token() {
    for spoil in [Spoil::TooShort, Spoil::Endless, Spoil::Unfolding] {
        let campaign = Campaign::new();
        campaign.tenant.inject(Fault::new(Matcher::token(), Action::Spoil(spoil)));
        campaign.complete(bounded(&campaign, "apply three.csv --yes")).exits(0);
        assert_eq!(campaign.invitations(), 3, "{spoil:?}");
    }
}

#[test]
fn a_service_that_is_away_for_a_moment_is_waited_for() {
    let campaign = Campaign::new();
    let away = Action::Away(Duration::from_millis(700));
    campaign.tenant.inject(Fault::new(Matcher::invitation().nth(2), away));
    let output = campaign.run("apply three.csv --yes").exits(0);
    let waiting = output.stderr.lines().find(|line| line.starts_with("no way to the service"));
    assert!(waiting.is_some_and(|line| line.contains("waiting for at most")), "{output}");
    assert_eq!(campaign.invitations(), 3);
    for id in [crate::support::HANNAH, crate::support::RUTH, crate::support::OLGA] {
        assert_eq!(campaign.tenant.ledger().invitations_for(id).len(), 1);
    }
}

#[test]
fn a_signal_does_not_wait_for_a_page_that_drips() {
    let campaign = Campaign::new();
    campaign.write("three.csv", THREE);
    let drips = Action::Spoil(Spoil::Dripping(Duration::from_secs(2)));
    let sweep = Matcher::new(Method::GET, "/users").nth(2).always();
    campaign.tenant.inject(Fault::new(sweep, drips));
    let run = campaign.start("plan three.csv");
    let asked = || campaign.tenant.ledger().requests_to("/users").len();
    while asked() < 2 {
        std::thread::sleep(Duration::from_millis(10));
    }
    let began = Instant::now();
    run.signal("TERM");
    run.finish().exits(143);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}
