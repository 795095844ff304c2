//! Whole campaigns at random, judged by a simple model: a tenant and a manifest that is
//! edited from run to run and back again, faults out of the scripted set, kills, people who
//! change, delete and redeem guests meanwhile, in the middle of a run too, every command and
//! flag that asks for invitations, reminders, and mails of one's own from a mailbox and in
//! files. Whatever happens,
//!
//! - nobody gets more invitations to an address than there were wishes for it, and requests
//!   of a person or of the policy for one more; with mails of one's own, no more mails;
//! - nobody is reminded too early, too often, or after redeeming;
//! - nothing is written but what the manifest of that run wants;
//! - what the checkpoint says was sent was sent, and what was sent was announced there;
//! - a run that ends with 0 leaves nobody who needs something;
//! - what a guest was before is kept;
//! - once the weather is fair, everybody whom no person meddled with gets there.
//!
//! A seed is one campaign. `REINVITE_JUDGE_SEEDS=A..B` judges those, each told with its
//! story when it fails; without it, a few.

mod mails;
mod model;
mod weather;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use world::World;

const USUAL: std::ops::Range<u64> = 0..40;

fn seeds() -> std::ops::Range<u64> {
    let Ok(given) = std::env::var("REINVITE_JUDGE_SEEDS") else { return USUAL };
    let bounds = given.split_once("..").map(|(from, to)| (from.parse(), to.parse()));
    match bounds {
        Some((Ok(from), Ok(to))) => from..to,
        _ => panic!("REINVITE_JUDGE_SEEDS is A..B"),
    }
}

/// Plays one campaign. The story and why it is wrong, if it is.
fn judge(seed: u64) -> Result<(), String> {
    let story = Mutex::new(Vec::new());
    let play = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(World::new(seed, &story).play());
    };
    catch_unwind(AssertUnwindSafe(play)).map_err(|panic| {
        let why = panic.downcast_ref::<String>().map(String::as_str);
        let why = why.or(panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked");
        let story = story.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        format!("== seed {seed}\n{}\n-> {why}\n", story.join("\n"))
    })
}

#[test]
fn campaigns_at_random_keep_every_promise() {
    let seeds = seeds();
    let next = AtomicU64::new(seeds.start);
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    if let Err(story) = judge(seed) {
                        wrong.lock().unwrap().push(story);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {seeds:?}:\n{}", wrong.len(), wrong.join("\n"));
}
