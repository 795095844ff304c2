//! Replays what the fuzzer found worth keeping (`fuzz/corpus`), and changes of it.

use std::path::Path;

#[path = "../fuzz/targets.rs"]
mod targets;

/// Every input of a corpus, in the order of the names.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut inputs: Vec<_> = std::fs::read_dir(&directory)
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()))
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.display().to_string(), std::fs::read(&path).unwrap()))
        .collect();
    inputs.sort_unstable();
    assert!(inputs.len() > 10, "the corpus is there");
    inputs
}

/// How many changed inputs each target gets; `REINVITE_FUZZ_ROUNDS` asks for more.
fn rounds() -> usize {
    let asked = std::env::var("REINVITE_FUZZ_ROUNDS").ok();
    asked.map_or(300, |rounds| rounds.parse().expect("REINVITE_FUZZ_ROUNDS is a number"))
}

/// Runs the corpus and then changes of it, always the same ones.
fn replay(target: &str, check: fn(&[u8])) {
    let inputs = corpus(target);
    for (name, bytes) in &inputs {
        run(name, bytes, check);
    }
    let mut random = fastrand::Rng::with_seed(7);
    for round in 0..rounds() {
        let (name, bytes) = &inputs[random.usize(..inputs.len())];
        let other = &inputs[random.usize(..inputs.len())].1;
        let mut bytes = bytes.clone();
        for _ in 0..random.usize(1..5) {
            change(&mut bytes, other, &mut random);
        }
        run(&format!("{name}, changed in round {round}"), &bytes, check);
    }
}

fn run(name: &str, bytes: &[u8], check: fn(&[u8])) {
    let result = std::panic::catch_unwind(|| check(bytes));
    assert!(result.is_ok(), "{name}: {:?}", String::from_utf8_lossy(bytes));
}

/// One small change, as a fuzzer makes them.
fn change(bytes: &mut Vec<u8>, other: &[u8], random: &mut fastrand::Rng) {
    const TOKENS: &[&str] = &[
        "\"", ",", ";", "\t", "\n", "\r", "\\", "'", "@", "=", "[", "]", "{", "}", "null", "-1",
        "1e999", "\u{feff}", "\u{2019}", "\0", "#EXT#", "%", "nan", "\"\"\"",
    ];
    let at = random.usize(..=bytes.len());
    match random.u8(..6) {
        0 => bytes.truncate(at),
        1 if at < bytes.len() => bytes[at] = random.u8(..),
        2 if at < bytes.len() => drop(bytes.remove(at)),
        3 => {
            let from = random.usize(..=other.len());
            let to = random.usize(from..=other.len().min(from + 64));
            bytes.splice(at..at, other[from..to].iter().copied());
        }
        4 => {
            let end = random.usize(at..=bytes.len().min(at + 64));
            let piece = bytes[at..end].to_vec();
            bytes.splice(at..at, piece);
        }
        _ => {
            let token = TOKENS[random.usize(..TOKENS.len())];
            bytes.splice(at..at, token.bytes());
        }
    }
}

#[test]
fn no_bytes_upset_the_manifest() {
    replay("manifest", targets::manifest);
}

#[test]
fn no_bytes_upset_the_configuration() {
    replay("configuration", targets::configuration);
}

#[test]
fn no_answer_upsets_the_judgement() {
    replay("graph_errors", targets::graph_errors);
}
