//! The picture of the house in ARCHITECTURE.md against the code: every arrow between
//! rooms that the code draws stands in the table there, every arrow of the table is
//! drawn, and none leads back up.
//!
//! A room is a module of the crate's root. What its tests use is no arrow: they may
//! start the emulator.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

type Arrows = BTreeMap<String, BTreeSet<String>>;

#[test]
fn the_arrows_of_the_code_are_those_of_the_picture() {
    let (drawn, pictured) = (drawn(), pictured());
    let mut wrong = Vec::new();
    for (room, uses) in &drawn {
        let Some(may) = pictured.get(room) else {
            wrong.push(format!("{room} has no line in ARCHITECTURE.md"));
            continue;
        };
        wrong.extend(uses.difference(may).map(|used| format!("{room} uses {used} unpictured")));
        wrong.extend(may.difference(uses).map(|used| format!("{room} does not use {used}")));
    }
    let gone = pictured.keys().filter(|room| !drawn.contains_key(*room));
    wrong.extend(gone.map(|room| format!("there is no room {room}")));
    assert!(wrong.is_empty(), "ARCHITECTURE.md and src disagree:\n{}", wrong.join("\n"));
}

#[test]
fn arrows_between_rooms_lead_down_only() {
    // Rooms are taken away from the bottom up; what is left over is a circle.
    let mut left = pictured();
    loop {
        let floor: Vec<String> = left
            .iter()
            .filter(|(_, uses)| uses.iter().all(|used| !left.contains_key(used)))
            .map(|(room, _)| room.clone())
            .collect();
        if floor.is_empty() {
            break;
        }
        left.retain(|room, _| !floor.contains(room));
    }
    assert!(left.is_empty(), "these rooms use each other in a circle: {:?}", left.keys());
}

/// The table in ARCHITECTURE.md: `| room | what it is | uses |`.
fn pictured() -> Arrows {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("the picture");
    let rows = text.lines().filter_map(|line| {
        let cells: Vec<&str> = line.strip_prefix("| `")?.split('|').map(str::trim).collect();
        let [room, _, uses, _] = cells.as_slice() else { return None };
        let words = uses.split([',', ' ']).map(|word| word.trim_matches('`'));
        let uses = words.filter(|word| !matches!(*word, "" | "–")).map(str::to_owned);
        Some((room.trim_end_matches('`').to_owned(), uses.collect()))
    });
    rows.collect()
}

/// What the code says: `crate::room` in the files of another room.
fn drawn() -> Arrows {
    let source = root().join("src");
    let rooms: BTreeSet<String> = entries(&source).iter().filter_map(|path| room(path)).collect();
    let mut arrows = Arrows::new();
    for path in entries(&source) {
        let Some(room) = room(&path) else { continue };
        let uses = arrows.entry(room.clone()).or_default();
        for file in files(&path) {
            uses.extend(names_after_crate(&code(&file)).filter(|name| rooms.contains(name)));
        }
        uses.remove(&room);
    }
    arrows
}

/// The room that a file or folder below `src` is; `lib.rs` and `main.rs` are none.
fn room(path: &Path) -> Option<String> {
    let name = path.file_stem()?.to_str()?;
    (!matches!(name, "lib" | "main")).then(|| name.to_owned())
}

fn files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    entries(path).iter().filter(|path| !is_test(path)).flat_map(|path| files(path)).collect()
}

fn is_test(path: &Path) -> bool {
    let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    name == "tests" || name.ends_with("_tests") || name.ends_with("_model")
}

/// A file without its inline tests, which stand at its end.
fn code(file: &Path) -> String {
    if file.extension().is_none_or(|ending| ending != "rs") {
        return String::new();
    }
    let text = fs::read_to_string(file).expect("source is text");
    let end = text.find("\nmod tests {").unwrap_or(text.len());
    let lines = text[..end].lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

fn names_after_crate(code: &str) -> impl Iterator<Item = String> + '_ {
    code.split("crate::").skip(1).map(|rest| {
        rest.chars().take_while(|char| char.is_alphanumeric() || *char == '_').collect()
    })
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of the sources");
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
