//! Files as people have them, and what must come of each.

use std::path::Path;

use super::{moves, places};
use crate::manifest::{ColumnChoice, Loaded, Meaning, Options, parse};

fn read(name: &str, options: &Options) -> Result<Loaded, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/manifest").join(name);
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    parse(name, &bytes, options).map_err(|error| error.to_string())
}

fn guest(n: u32, place: &str) -> String {
    format!("guest{n}@{place}.example")
}

/// So many guests who move from Fabrikam to Contoso.
fn movers(guests: impl IntoIterator<Item = u32>) -> Vec<(String, String)> {
    guests.into_iter().map(|n| (guest(n, "fabrikam"), guest(n, "contoso"))).collect()
}

fn by_id(guests: impl IntoIterator<Item = u32>) -> Vec<(String, String)> {
    let id = |n: u32| format!("00000000-0000-4000-8000-{:012}", n + 1);
    guests.into_iter().map(|n| (id(n), guest(n, "contoso"))).collect()
}

#[test]
fn what_is_plainly_meant_is_read() {
    let upn = |n| format!("guest{n}_fabrikam.example#EXT#@judge.onmicrosoft.com");
    for (name, expected) in [
        ("csv-excel-short-rows-blocked.csv", movers(0..8)),
        (
            "csv-exchange-id-column-hides-upn.csv",
            (0..3).map(|n| (upn(n), guest(n, "contoso"))).collect(),
        ),
        ("csv-forms-running-id-blocks.csv", movers(0..3)),
        ("csv-header-email-read-as-new-moves-to-old-address.csv", by_id(0..3)),
        ("csv-header-new-email-address-unknown-resets-everyone.csv", movers(0..3)),
        ("csv-header-space-before-quote-resets-everyone.csv", movers(0..1)),
        ("csv-header-zero-width-space-resets-everyone.csv", movers(0..1)),
        ("csv-outer-quoted-lines.csv", movers(0..1)),
        (
            "csv-portal-template-note-contradicts-plan.csv",
            vec![(guest(0, "fabrikam"), guest(0, "fabrikam"))],
        ),
        ("csv-powershell-type-line.csv", by_id(0..3)),
        ("csv-powershell-type-line-utf16.csv", movers(0..3)),
        ("csv-user-mailto-angle-smtp-pass-lint.csv", movers(0..6)),
    ] {
        let loaded = read(name, &Options::default()).unwrap();
        assert_eq!(places(&loaded), [""; 0], "{name}: {:?}", loaded.problems);
        assert_eq!(moves(&loaded), expected, "{name}");
        assert_eq!(loaded.manifest.detected.resets, 0, "{name}");
    }
}

#[test]
fn what_is_not_said_is_a_problem_and_no_order() {
    for (name, problems, valid) in [
        (
            "csv-blank-new_email-resets-guest.csv",
            &["4:25 missing-address"][..],
            movers([0, 1, 3, 4]),
        ),
        (
            "csv-reset-no-and-blank-new_email-resets-anyway.csv",
            &["2:25 missing-address"],
            movers([3]),
        ),
        ("csv-leading-apostrophe-becomes-part-of-address.csv", &["3:25 bad-address"], movers([0])),
        (
            "csv-new_email-zero-width-inside-advice-xn.csv",
            &["2:25 bad-address", "3:25 bad-address"],
            vec![],
        ),
    ] {
        let loaded = read(name, &Options::default()).unwrap();
        assert_eq!(places(&loaded), problems, "{name}");
        assert_eq!(moves(&loaded), valid, "{name}");
        assert_eq!(loaded.manifest.detected.resets, 0, "{name}");
    }
    let loaded =
        read("csv-new_email-zero-width-inside-advice-xn.csv", &Options::default()).unwrap();
    assert!(
        loaded.problems[0].problem.ends_with("it contains U+200B zero width space, 7th character")
    );
    assert!(loaded.problems.iter().all(|problem| !problem.advice.contains("xn--")));
    let page = read("csv-html-page-as-csv.csv", &Options::default()).unwrap_err();
    assert_eq!(page, "`csv-html-page-as-csv.csv` is not a manifest: it looks like a web page");
}

#[test]
fn a_reset_takes_a_word_of_the_row_or_of_the_whole_file() {
    let reset_only = Options { reset_only: true, ..Options::default() };
    let loaded = read("csv-blank-new_email-resets-guest.csv", &reset_only).unwrap();
    assert_eq!(places(&loaded), [""; 0]);
    assert_eq!((loaded.manifest.rows.len(), loaded.manifest.detected.resets), (5, 1));
    // `no` in the row is the last word.
    let loaded = read("csv-reset-no-and-blank-new_email-resets-anyway.csv", &reset_only).unwrap();
    assert_eq!(loaded.problems[0].count(), 3);
    assert_eq!(loaded.manifest.detected.resets, 0);
    for (word, resets) in [
        ("always", 1),
        ("YES", 1),
        ("True", 1),
        ("1", 1),
        ("ja", 1),
        ("WAHR", 1),
        ("no", 0),
        ("false", 0),
        ("0", 0),
        ("", 0),
        ("auto", 0),
        ("nein", 0),
        ("perhaps", 0),
    ] {
        let text = format!("user,new_email,reset\na@b.example,,{word}\nc@b.example,c@d.example,\n");
        let loaded = parse("m.csv", text.as_bytes(), &Options::default()).unwrap();
        assert_eq!(loaded.manifest.detected.resets, resets, "{word}");
        assert_eq!(loaded.problems.is_empty(), resets == 1, "{word}");
    }
}

#[test]
fn a_manifest_without_new_addresses_is_asked_about() {
    for (text, candidates) in [
        ("user,Adresse 2\na@b.example,a@c.example\n", "it might be `Adresse 2`: "),
        (
            "user,note,Ziel (Mail)x\na@b.example,x@c.example,y\n",
            "it might be `note`, `Ziel (Mail)x`: ",
        ),
        ("user,note\na@b.example,\n", "name the column `new_email`; "),
        ("user,reset\na@b.example,no\n", "name the column `new_email`; "),
    ] {
        let loaded = parse("m.csv", text.as_bytes(), &Options::default()).unwrap();
        assert_eq!(loaded.problems.len(), 1, "{text}");
        assert_eq!(loaded.problems[0].code.as_str(), "missing-column", "{text}");
        assert!(loaded.problems[0].advice.starts_with(candidates), "{}", loaded.problems[0].advice);
        assert!(loaded.manifest.rows.is_empty());
    }
    // One row that asks for a reset shows that the column is missing on purpose.
    let text = b"user,reset\na@b.example,always\nc@b.example,\n";
    let loaded = parse("m.csv", text, &Options::default()).unwrap();
    assert_eq!(places(&loaded), ["3:13 missing-address"]);
    assert_eq!(loaded.manifest.detected.resets, 1);
}

#[test]
fn a_column_named_by_hand_settles_what_headings_leave_open() {
    let columns = vec![ColumnChoice { meaning: Meaning::NewEmail, heading: "wohin".to_owned() }];
    let options = Options { columns, ..Options::default() };
    let loaded =
        parse("m.csv", b"user,email,Wohin\na@b.example,x@y.example,a@c.example\n", &options)
            .unwrap();
    assert_eq!(places(&loaded), [""; 0]);
    assert_eq!(moves(&loaded), [("a@b.example".into(), "a@c.example".into())]);
    assert_eq!(loaded.manifest.extra_columns, ["email"]);
}

#[test]
fn what_stands_above_the_header_is_left_out_and_said() {
    let row = "a@b.example,a@c.example\n";
    for (above, note) in [
        ("#TYPE Selected.Thing\n", "#TYPE line"),
        ("\u{feff}#TYPE Selected.Thing\n\u{feff}", "#TYPE line"),
        ("\u{feff}\u{feff}", ""),
        ("\u{feff}version:v1.0\n\u{feff}", "version line"),
        ("sep=,\n", ""),
        (
            "Guest migration 2026,\n,\nprepared by Ada,\n",
            "line 4 is taken for the header; 2 lines above it left out, beginning with `Guest migration 2026`",
        ),
    ] {
        for header in ["user,new_email\n", "\"user\",\"new_email\"\n"] {
            let text = format!("{above}{header}{row}\u{1a}");
            let loaded = parse("m.csv", text.as_bytes(), &Options::default()).unwrap();
            assert_eq!(places(&loaded), [""; 0], "{text}");
            assert_eq!(moves(&loaded).len(), 1, "{text}");
            let notes = loaded.manifest.detected.notes.join("\n");
            assert!(notes.contains(note) && notes.contains("Ctrl-Z"), "{text}: {notes}");
        }
    }
    // What looks like data is not taken for a title.
    let text = format!("x@b.example,x@c.example\nuser,new_email\n{row}");
    let loaded = parse("m.csv", text.as_bytes(), &Options::default()).unwrap();
    assert_eq!(loaded.problems[0].code.as_str(), "missing-column");
}

#[test]
fn two_cells_that_name_different_guests_are_a_problem() {
    let (one, other) =
        ("00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002");
    for (text, count) in [
        (format!("id,objectId,new_email\n{one},{other},a@c.example\n"), 1),
        (format!("id,objectId,new_email\n{one},{{{one}}},a@c.example\n"), 0),
        ("user,upn,new_email\na_b#EXT#@t.example,c_d#EXT#@t.example,a@c.example\n".into(), 1),
        ("upn,mail,new_email\na_b#EXT#@t.example,a@b.example,a@c.example\n".into(), 0),
    ] {
        let loaded = parse("m.csv", text.as_bytes(), &Options::default()).unwrap();
        assert_eq!(loaded.problems.len(), count, "{text}");
        assert!(loaded.problems.iter().all(|problem| problem.code.as_str() == "two-guests"));
    }
}
