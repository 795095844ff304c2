//! Every problem is reported, at its place.

use super::{load, load_resets, moves, places};
use crate::manifest::{Options, parse};

#[test]
fn every_problem_of_every_row_is_reported_at_once() {
    let loaded = load(
        "user,new_email,message,cc,language,redirect_url,send,display_name,reset\n\
         ada,zo\u{eb}@c.example,a\u{7}b,x,english,http://a.example,maybe,\"A\nB\",never\n\
         ,ada@@c.example,,a@b.example;c@d.example,,,,,\n\
         g@b.example,g@c.example,,G@C.example,,,,,\n\
         ok@b.example,ok@c.example,,,,,,,\n",
    );
    assert_eq!(
        places(&loaded),
        [
            "2:1 bad-user",
            "2:5 bad-address",
            "2:19 bad-message",
            "2:23 bad-cc",
            "2:25 bad-language",
            "2:33 bad-redirect-url",
            "2:50 bad-send",
            "2:56 bad-display-name",
            "3:4 bad-reset",
            "4:1 no-user",
            "4:2 bad-address",
            "4:18 two-cc",
            "5:26 cc-is-new-address",
        ]
    );
    assert_eq!(moves(&loaded), [("ok@b.example".into(), "ok@c.example".into())]);
    assert!(loaded.problems.iter().all(|problem| !problem.advice.is_empty()));
}

#[test]
fn invalid_rows_keep_their_texts() {
    let loaded = load("user,new_email\nada,x\na@b.example\n");
    let invalid = &loaded.manifest.invalid;
    let texts: Vec<_> = invalid.iter().map(|row| (row.line, &*row.user, &*row.new_email)).collect();
    assert_eq!(texts, [(2, "ada", "x"), (3, "a@b.example", "")]);
    assert_eq!(loaded.manifest.detected.rows, 2);
}

#[test]
fn two_rows_for_one_guest_are_both_set_aside() {
    let loaded = load(
        "user,new_email\n\
         9071BFDE-35e0-47d2-a582-d244ab1b4af6,a@c.example\n\
         b@b.example,b@c.example\n\
         9071bfde-35E0-47d2-a582-d244ab1b4af6,c@c.example\n\
         d@b.example,d@c.example\n\
         e@b.example,D@C.example\n\
         F@b.example,f@c.example\n\
         f@B.example,f@c.example\n",
    );
    assert_eq!(
        loaded.problems.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "4:1: lines 2 and 4 name the same guest, `9071bfde-35e0-47d2-a582-d244ab1b4af6`",
            "6:13: lines 5 and 6 both move a guest to `D@C.example`",
        ]
    );
    assert_eq!(moves(&loaded), [("b@b.example".into(), "b@c.example".into())]);
    let lines: Vec<_> = loaded.manifest.invalid.iter().map(|row| row.line).collect();
    assert_eq!(lines, [2, 4, 5, 6, 7, 8]);
}

#[test]
fn a_row_with_another_problem_still_counts_as_a_duplicate() {
    let loaded = load("user,new_email,send\na@b.example,,maybe\nA@b.example,,\n");
    assert_eq!(places(&loaded), ["2:13 missing-address", "2:14 bad-send", "3:1 duplicate-user"]);
    assert!(loaded.manifest.rows.is_empty());
}

#[test]
fn resets_without_an_address_are_no_duplicates() {
    let loaded = load_resets("user,new_email\na@b.example,\nc@b.example,\n");
    assert_eq!(places(&loaded), [""; 0]);
}

#[test]
fn a_bad_header_spares_no_row_and_hides_no_problem() {
    for (text, expected) in [
        ("new_email,send\na@b.example,maybe\n", &["1:1 missing-column", "2:13 bad-send"][..]),
        ("user,User\na@b.example,\n", &["1:6 duplicate-column"]),
        ("user,\"new_email\na@b.example,c\nd,e,f\n", &["1:6 unclosed-quote"]),
        ("new_email\n", &["1:1 missing-column"]),
    ] {
        let loaded = load(text);
        assert_eq!(places(&loaded), expected, "{text:?}");
        assert!(loaded.manifest.rows.is_empty());
    }
}

#[test]
fn ragged_rows_are_reported_where_they_go_astray() {
    let loaded = load(
        "user,new_email,message\n\
         a@b.example,a@c.example,Hello, you\n\
         c@b.example,c@c.example\n\
         d@b.example,d@c.example,Hi,,\n\
         e@b.example\n",
    );
    assert_eq!(places(&loaded), ["2:31 wrong-cell-count", "5:1 wrong-cell-count"]);
    assert_eq!(moves(&loaded).len(), 2);
}

#[test]
fn an_unclosed_quote_leaves_the_other_rows_standing() {
    let loaded = load_resets(
        "user,message\n\
         a@b.example,\"Hello\n\
         c@b.example,Hi\n\
         d@b.example,\"Dear\nD\"\n\
         e@b.example\n",
    );
    assert_eq!(places(&loaded), ["2:13 unclosed-quote"]);
    let lines: Vec<_> = loaded.manifest.rows.iter().map(|row| row.line).collect();
    assert_eq!(lines, [3, 4, 6]);
}

#[test]
fn problems_of_json_lines_have_places_too() {
    let loaded = parse(
        "m.jsonl",
        b"{\"user\": \"a@b.example\", \"cc\": [\"x\"], \"send\": \"maybe\"}\n\
          {\"user\": {}}\n\
          {\"user\": \"c@b.example\",\n\
          {\"new_email\": \"x@c.example\"}\n\
          {\"user\": \"d@b.example\", \"send\": 1, \"reset\": true}\n",
        &Options::default(),
    )
    .unwrap();
    assert_eq!(
        places(&loaded),
        ["1:25 nested-value", "1:38 bad-send", "3:23 bad-json", "4:1 no-user"]
    );
    assert_eq!(loaded.manifest.rows[0].send, Some(true));
}

#[test]
fn what_a_problem_quotes_cannot_steer_a_terminal() {
    let loaded = load_resets(
        "user,language,a longer text so that this is no binary file,\"new\u{1b}[2J\nline\"\n\
         \u{1b}[2J,\u{1b}]0;x,,\n",
    );
    assert_eq!(places(&loaded), ["3:1 bad-user", "3:6 bad-language"]);
    for problem in &loaded.problems {
        assert!(!problem.to_string().contains(char::is_control), "{problem:?}");
    }
    let detected = loaded.manifest.detected.to_string();
    assert!(detected.lines().all(|line| !line.contains(char::is_control)), "{detected:?}");
    assert_eq!(detected.lines().count(), 2, "{detected}");
}

#[test]
fn a_line_that_is_no_row_is_one_problem() {
    let loaded = load(
        "user,new_email\na@b.example,a@c.example\nTotal,2\nLeavers:,\nuser,reason\n\
         ada,adac.example\nada,z@c.example\n",
    );
    assert_eq!(places(&loaded), ["3:1 bad-user", "6:5 bad-address"]);
    assert_eq!(loaded.problems[0].places, [(3, 1), (4, 1), (5, 1), (6, 1), (7, 1)]);
    assert!(loaded.problems[0].advice.ends_with("or delete the line"));
    let twice = load("user,new_email,user,new_email\na@b.example,a@c.example,,\n");
    assert_eq!(twice.problems[0].elsewhere().unwrap(), "2 times in this line");
}

#[test]
fn a_second_header_is_one_problem() {
    let loaded = load(
        "user,new_email\na@b.example,a@c.example\n\u{feff}user, new_email\nb@b.example,b@c.example\n",
    );
    assert_eq!(places(&loaded), ["3:1 repeated-header"]);
}

#[test]
fn an_email_that_is_set_aside_is_pointed_at() {
    let loaded = load("User,Email,New Email\nAda Lovelace,a@b.example,a@c.example\n");
    assert_eq!(places(&loaded), ["2:1 bad-user"]);
    assert!(loaded.problems[0].advice.ends_with("say --column current_email=\"Email\""));
}
