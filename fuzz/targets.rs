//! What holds of any bytes, for the fuzzer and for the replay of its corpus in the
//! ordinary tests.

use std::sync::LazyLock;

use http::{HeaderMap, StatusCode};
use reinvite::config::{ConfigError, OfflineSettings, Overrides, Settings};
use reinvite::graph::{Operation, Refusal, Verdict, judge, wire};
use reinvite::manifest::{self, Wish};

/// The positive words of the contract, and those of spreadsheets in other languages.
const WORDS_FOR_A_RESET: &[&str] = &[
    "always",
    "yes",
    "true",
    "1",
    "immer",
    "toujours",
    "siempre",
    "altijd",
    "ja",
    "wahr",
    "oui",
    "vrai",
    "si",
    "sí",
    "verdadero",
    "waar",
];

fn word(cell: &str) -> String {
    reinvite::domain::character::trim(cell).to_lowercase()
}

/// Bytes taken for a manifest: every row is accounted for once and asks for nothing
/// that does not stand in it, and whatever is wrong has a place, a sentence and advice.
pub(crate) fn manifest(bytes: &[u8]) {
    let loaded = match manifest::parse("fuzzed", bytes, &manifest::Options::default()) {
        Ok(loaded) => loaded,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let check = manifest::Options { only_check: true, ..manifest::Options::default() };
    let checked = manifest::parse("fuzzed", bytes, &check).expect("it was read a moment ago");
    assert_eq!(checked.problems, loaded.problems, "a check finds what a reading finds");
    assert_eq!(checked.manifest.detected, loaded.manifest.detected);
    assert_eq!(checked.manifest.invalid.len(), loaded.manifest.invalid.len());
    let rows = loaded.manifest.rows.iter().map(|row| row.line);
    let invalid = loaded.manifest.invalid.iter().map(|row| row.line);
    let mut lines: Vec<u32> = rows.chain(invalid).collect();
    let all = lines.len();
    assert_eq!(loaded.manifest.detected.rows, all, "every row is accounted for");
    lines.sort_unstable();
    lines.dedup();
    assert_eq!(lines.len(), all, "no two rows begin on one line");
    for row in &loaded.manifest.rows {
        // Neither a move nor a reset comes from anything but the row itself.
        let cells = loaded.manifest.written.cells(row.line).expect("every row is kept");
        let cells: Vec<String> = serde_json::from_str(cells).expect("cells are a list of texts");
        match &row.wish {
            Wish::Move(address) => {
                let stands = cells.iter().any(|cell| cell.contains(address.as_str()));
                assert!(stands, "{address} does not stand in {cells:?}");
            }
            Wish::ResetOnly => {
                let asks = cells.iter().any(|cell| WORDS_FOR_A_RESET.contains(&&*word(cell)));
                assert!(asks, "nothing asks for a reset in {cells:?}");
            }
        }
    }
    let sound = loaded.problems.is_empty();
    assert!(!sound || loaded.manifest.invalid.is_empty(), "a row is invalid for a reason");
    for problem in &loaded.problems {
        assert!(problem.line > 0 && problem.column > 0, "{problem}");
        assert!(!problem.problem.is_empty() && !problem.advice.is_empty(), "{problem}");
        assert!(!problem.to_string().contains(['\n', '\r', '\u{1b}']), "{problem:?}");
    }
}

/// Bytes taken for `reinvite.toml`: accepted, or refused with what is wrong.
pub(crate) fn configuration(bytes: &[u8]) {
    static DIRECTORY: LazyLock<tempfile::TempDir> =
        LazyLock::new(|| tempfile::tempdir().expect("there is room for a small file"));
    let name = format!("{:?}.toml", std::thread::current().id());
    let path = DIRECTORY.path().join(name);
    std::fs::write(&path, bytes).expect("there is room for a small file");
    let check = |error: ConfigError| {
        assert!(!error.to_string().is_empty());
        if let ConfigError::Invalid(problems) = error {
            assert!(!problems.is_empty());
            assert!(problems.iter().all(|problem| !problem.to_string().is_empty()));
        }
    };
    let overrides = Overrides::default();
    let full = Settings::load(&path, true, |_| None, &overrides);
    let offline = OfflineSettings::load(&path, true, |_| None, &overrides);
    assert!(full.is_err() || offline.is_ok(), "what serves online serves offline");
    full.map_or_else(check, drop);
    offline.map_or_else(check, drop);
}

/// Two bytes taken for a status and the rest for the body of an answer: a refusal
/// is judged for everything that can be asked, a success is read or is not.
pub(crate) fn graph_errors(bytes: &[u8]) {
    let [high, low, body @ ..] = bytes else { return };
    let status = 400 + u16::from_be_bytes([*high, *low]) % 200;
    let status = StatusCode::from_u16(status).expect("400 to 599 are statuses");
    let refusal = Refusal::from_parts(status, &HeaderMap::new(), body);
    assert!(refusal.to_string().starts_with(status.as_str()));
    for operation in [Operation::Read, Operation::WriteMail, Operation::WriteOtherMails] {
        judge(operation, &refusal);
    }
    let verdict = judge(Operation::Invite, &refusal);
    let turned_away = refusal.code.eq_ignore_ascii_case("Request_ThrottledTemporarily");
    if status.is_server_error() && !turned_away {
        assert_eq!(verdict, Verdict::OutcomeUnknown, "a server's error tells nothing");
    }
    if status == StatusCode::TOO_MANY_REQUESTS {
        assert_eq!(verdict, Verdict::Retry);
    }
    if let Ok(invitation) = serde_json::from_slice::<wire::Invitation>(body) {
        let text = serde_json::to_vec(&invitation).expect("plain data");
        serde_json::from_slice::<wire::Invitation>(&text).expect("what is written is read");
    }
    if let Ok(page) = serde_json::from_slice::<wire::Page<wire::User>>(body) {
        let text = serde_json::to_vec(&page).expect("plain data");
        let again: wire::Page<wire::User> =
            serde_json::from_slice(&text).expect("what is written is read");
        assert_eq!(again.value, page.value);
    }
}
