//! The soak: the real program, killed at random moments a hundred times while the
//! tenant throttles, drops connections, answers 5xx and loses answers, and its
//! replicas lag. Afterwards every guest is invited exactly once.
//!
//! It takes some minutes, so it is not part of the ordinary run:
//! `cargo test --release --test soak -- --ignored`

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reinvite::emulator::{
    Action, Canned, Emulator, Fault, Lag, Matcher, Options, Quotas, RetryAfter, SAMPLE_CLIENT_ID,
    SAMPLE_CLIENT_SECRET, TenantSeed,
};
use tokio::net::TcpListener;

const GUESTS: u32 = 1500;
const KILLS: u32 = 100;
/// Printed with a failure, so that it can be had again.
const SEED: u64 = 20_261_121;

fn faults() -> Vec<Fault> {
    let every = |matcher: Matcher, n, action| Fault::new(matcher.nth(n).every(n).always(), action);
    vec![
        every(Matcher::patch(), 97, Action::Answer(Canned::throttled(RetryAfter::Decimal(0.3)))),
        every(Matcher::patch(), 61, Action::CommitThenDrop),
        every(Matcher::invitation(), 53, Action::CommitThenDrop),
        every(Matcher::invitation(), 71, Action::Drop),
        every(Matcher::invitation(), 83, Action::TruncateBody),
        every(Matcher::invitation(), 89, Action::CommitThenAnswer(Canned::status(504))),
        every(Matcher::invitation(), 101, Action::Answer(Canned::status(503))),
        every(Matcher::any(), 401, Action::Answer(Canned::status(502))),
    ]
}

fn program(directory: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_reinvite"))
        .args(["apply", "guests.csv", "--yes", "--quiet"])
        .current_dir(directory)
        .env("SOAK_SECRET", SAMPLE_CLIENT_SECRET)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts")
}

fn prepare(directory: &Path, origin: &str, tenant: &str) {
    let mut manifest = String::from("user,new_email\n");
    for guest in 1..=GUESTS {
        let id = TenantSeed::guest_id(guest);
        writeln!(manifest, "{id},moved{guest}@adventure-works.example").unwrap();
    }
    std::fs::write(directory.join("guests.csv"), manifest).unwrap();
    let config = format!(
        "[tenant]\nid = \"{tenant}\"\ngraph_url = \"{origin}\"\nlogin_url = \"{origin}\"\n\
         [auth]\nclient_id = \"{SAMPLE_CLIENT_ID}\"\nclient_secret_env = \"SOAK_SECRET\"\n\
         [pace]\nwrites_per_second = 60\nburst = 20\nrequests_in_flight = 32\n\
         settle = \"100ms\"\nreplication_lag = \"2s\"\n\
         [guards]\nmax_changes = \"100%\"\n"
    );
    std::fs::write(directory.join("reinvite.toml"), config).unwrap();
}

#[test]
#[ignore = "kills the program a hundred times, which takes minutes"]
fn a_hundred_kills_invite_nobody_twice_and_forget_nobody() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let emulator = {
        let _guard = runtime.enter();
        Emulator::new(
            TenantSeed::with_guests(GUESTS),
            Options {
                quotas: Quotas::unlimited(),
                latency: Some(Duration::from_millis(5)..=Duration::from_millis(60)),
                read_lag: Lag::Spread(Duration::ZERO, Duration::from_millis(600)),
                invitation_lag: Lag::Spread(Duration::ZERO, Duration::from_millis(900)),
                faults: faults(),
                log_requests: false,
                ..Options::default()
            },
        )
    };
    let server = runtime.block_on(async {
        emulator.serve(TcpListener::bind("127.0.0.1:0").await.unwrap()).unwrap()
    });
    let directory = tempfile::tempdir().unwrap();
    prepare(directory.path(), &server.origin(), emulator.tenant_id());

    let mut random = fastrand::Rng::with_seed(SEED);
    let mut kills = 0;
    while kills < KILLS {
        let mut child = program(directory.path());
        std::thread::sleep(Duration::from_millis(random.u64(100..3000)));
        if child.try_wait().unwrap().is_none() {
            child.kill().unwrap();
            kills += 1;
        } else if emulator.ledger().invitations().count() >= GUESTS as usize {
            break;
        }
        child.wait().unwrap();
    }
    // Whatever is still open: a lost answer may take a run or two to settle.
    for _ in 0..5 {
        if program(directory.path()).wait().unwrap().code() == Some(0) {
            break;
        }
    }

    let mut invitations: BTreeMap<String, u32> = BTreeMap::new();
    for invitation in emulator.ledger().invitations() {
        *invitations.entry(invitation.id.clone()).or_default() += 1;
    }
    let twice: Vec<_> = invitations.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "seed {SEED}: invited more than once: {twice:?}");
    let status = reinvite::checkpoint::read_status(&directory.path().join("guests.csv.checkpoint"));
    let status = status.unwrap();
    let rows = u64::from(GUESTS);
    assert_eq!(status.rows, rows);
    let accounted = status.counts.invited
        + status.counts.unknown
        + status.counts.failed
        + status.counts.patched
        + status.counts.not_attempted;
    assert_eq!(accounted, rows, "seed {SEED}: {status:?}");
    // A guest is either invited or known not to be decidable: never forgotten.
    assert_eq!(status.counts.invited + status.counts.unknown, rows, "seed {SEED}: {status:?}");
    assert_eq!(status.counts.invited, rows, "seed {SEED}, after {kills} kills: {status:?}");
    assert!(kills >= KILLS / 2, "the campaign ended after {kills} kills: give it more guests");
    runtime.block_on(server.shutdown());
}
