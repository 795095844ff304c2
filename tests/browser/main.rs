//! The HTML report in a real browser: that its script finds, sorts and pages, that it
//! asks nobody for anything, that it prints, and that names made to break a page
//! don't.
//!
//! Needs Chromium and its driver, so it runs with `--ignored` alone, as `.ci/run` does;
//! then a missing browser is a failure. `REINVITE_SCREENSHOTS` names a directory for
//! pictures to look at.

mod campaign;
mod driver;
mod rehearsal;

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use campaign::{HOSTILE, checkpoint};
use driver::Browser;

fn report(directory: &Path, checkpoints: &[&Path], name: &str) -> String {
    let path = directory.join(name);
    let status = Command::new(env!("CARGO_BIN_EXE_reinvite"))
        .env_clear()
        .current_dir(directory)
        .arg("report")
        .args(checkpoints)
        .arg("--out")
        .arg(&path)
        .status()
        .expect("the binary was built");
    assert!(status.success());
    format!("file://{}", path.display())
}

#[test]
#[ignore = "needs chromium and chromium-driver; .ci/run runs it"]
fn the_report_works_in_a_browser() {
    let directory = tempfile::tempdir().unwrap();
    let path = checkpoint(directory.path(), "guests.csv", 250);
    let url = report(directory.path(), &[&path], "report.html");
    let browser = Browser::start();
    browser.open(&url);
    browser.screenshot("light", 1280, 3600);

    // Nothing from a manifest became markup or script.
    assert_eq!(browser.run("return document.title"), "Contoso <b>: guests.csv · reinvite report");
    assert_eq!(browser.run("return window.pwned === undefined"), true);
    assert_eq!(
        browser.run("return document.querySelectorAll('img, iframe, object, base').length"),
        0
    );
    assert_eq!(browser.run("return document.scripts.length"), 2);
    for name in HOSTILE {
        let shown = browser.run_with(
            "return [...document.querySelectorAll('table')].some(t => t.textContent.includes(arguments[0]))",
            &[json!(shown(name))],
        );
        assert_eq!(shown, true, "{name}");
    }

    // Pages.
    let rows = "return document.querySelectorAll('table.rows tbody tr').length";
    assert_eq!(browser.run(rows), 100);
    assert_eq!(browser.told(), "rows 1 to 100 of 250");
    browser.click_text("Next");
    assert_eq!(browser.told(), "rows 101 to 200 of 250");

    // Search: every word, anywhere in the row.
    browser.type_into("input[type=search]", "guest7@ fabrikam");
    assert_eq!(browser.told(), "rows 1 to 1 of 1");
    assert_eq!(browser.column(2), ["guest7@fabrikam.example"]);
    browser.type_into("input[type=search]", "nobody at all");
    assert_eq!(browser.told(), "no row matches");
    browser.type_into("input[type=search]", "");

    // One state.
    browser.run("const s = document.querySelector('select'); s.value = 'failed'; s.dispatchEvent(new Event('change'))");
    assert!(browser.column(3).iter().all(|state| state == "failed"));
    assert!(!browser.column(3).is_empty());
    browser.run("const s = document.querySelector('select'); s.value = ''; s.dispatchEvent(new Event('change'))");

    // Sort, numbers as numbers, both ways, told to those who listen.
    browser.click_text("Line");
    assert_eq!(browser.column(0)[..3], ["2", "3", "4"]);
    browser.click_text("Line");
    assert_eq!(browser.column(0)[..3], ["251", "250", "249"]);
    let sorted =
        "return document.querySelector('table.rows th[aria-sort]').getAttribute('aria-sort')";
    assert_eq!(browser.run(sorted), "descending");
    // By the keyboard, too.
    browser.run("document.querySelectorAll('table.rows th button')[1].focus()");
    browser.press_enter();
    let guests = browser.column(1);
    assert!(guests.is_sorted_by_key(String::is_empty), "{guests:?}");
    assert_eq!(browser.run(sorted), "ascending");

    // Nothing left the page, and nothing complained.
    assert_eq!(browser.run("return performance.getEntriesByType('resource').length"), 0);
    assert_eq!(browser.complaints(), Vec::<String>::new());
    // On paper: 250 rows and what needs a person, and nothing is cut off at the right.
    let pages = browser.pages_printed();
    assert!((2..=12).contains(&pages), "{pages} pages");
    browser.print_media(720);
    let cut = "return [...document.querySelectorAll('table')].filter(t => t.checkVisibility() && t.getBoundingClientRect().right > innerWidth).map(t => t.caption.textContent)";
    assert_eq!(browser.run(cut), json!([]), "cut off in print");
}

/// A name as a page shows it: what steers a terminal or a reader is spelt out.
fn shown(name: &str) -> String {
    name.replace('\u{202e}', "\\u{202e}")
}

#[test]
#[ignore = "needs chromium and chromium-driver; .ci/run runs it"]
fn the_page_is_fit_for_everyone() {
    let directory = tempfile::tempdir().unwrap();
    let one = checkpoint(directory.path(), "north.csv", 60);
    let other = checkpoint(directory.path(), "south.csv", 40);
    let url = report(directory.path(), &[&one, &other], "all.html");
    let browser = Browser::start();
    browser.open(&url);
    for (what, selector) in [
        ("a heading cell without scope", "th:not([scope])"),
        ("a table without a caption", "table:not(:has(> caption))"),
        ("a picture without a title", "svg[role=img]:not(:has(> title))"),
        ("a picture without a description", "svg[role=img]:not(:has(> desc))"),
        (
            "a picture that is neither named nor hidden",
            "svg:not([role=img]):not([aria-hidden=true])",
        ),
        ("a field without a label", "input:not(label input), select:not(label select)"),
        ("a section without a name", "section:not([aria-labelledby])"),
        ("a region without a name", "[role=region]:not([aria-label])"),
        ("a style that the policy would refuse", "[style]"),
    ] {
        let found = browser
            .run_with("return document.querySelectorAll(arguments[0]).length", &[json!(selector)]);
        assert_eq!(found, 0, "{what}");
    }
    assert_eq!(browser.run("return document.documentElement.lang"), "en");
    assert_eq!(browser.run("return document.querySelectorAll('main').length"), 1);
    assert_eq!(browser.run("return document.querySelectorAll('h1').length"), 1);
    let twice = "const ids = [...document.querySelectorAll('[id]')].map(e => e.id); return ids.length - new Set(ids).size";
    assert_eq!(browser.run(twice), 0, "an id occurs twice");
    let dangling = "return [...document.querySelectorAll('[aria-labelledby]')].flatMap(e => e.getAttribute('aria-labelledby').split(' ')).filter(id => !document.getElementById(id)).length";
    assert_eq!(browser.run(dangling), 0, "a name leads nowhere");
    let jumps = "let last = 0; return [...document.querySelectorAll('h1,h2,h3,h4')].filter(h => { const n = +h.tagName[1]; const jump = n > last + 1; last = n; return jump }).length";
    assert_eq!(browser.run(jumps), 0, "a heading level is left out");

    for scheme in ["light", "dark"] {
        browser.prefer(scheme);
        assert_eq!(browser.run(CONTRAST), json!([]), "too little contrast in {scheme}");
        browser.screenshot(&format!("all-{scheme}"), 1280, 2400);
        browser.run("document.querySelector('.charts').scrollIntoView()");
        browser.screenshot(&format!("charts-{scheme}"), 1280, 1600);
    }
    browser.screenshot("wide", 1400, 3600);
    browser.screenshot("narrow", 420, 3600);
    // What to do is never beside the screen; where more is, it is said.
    let hidden = "return [...document.querySelectorAll('.need .do, .need td, .need th')].filter(e => e.getBoundingClientRect().right > innerWidth).length";
    assert_eq!(browser.run(hidden), 0, "advice or a reason is off screen");
    let silent = "return [...document.querySelectorAll('.scroll:not(.wide)')].filter(s => s.checkVisibility() && s.scrollWidth > s.clientWidth).length";
    assert_eq!(browser.run(silent), 0, "a table goes on beside the screen without a cue");
    let overflow = "return document.documentElement.scrollWidth <= innerWidth";
    assert_eq!(browser.run(overflow), true, "a narrow page scrolls sideways");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

/// Texts with less contrast than WCAG 2.2 asks for (4.5:1).
const CONTRAST: &str = r"
const channel = c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
const numbers = colour => colour.match(/[\d.]+/g).map(Number);
const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const behind = element => {
  for (let e = element; e; e = e.parentElement) {
    const c = numbers(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] > 0) return c;
  }
  return [255, 255, 255];
};
const bad = new Set();
for (const e of document.querySelectorAll('body *')) {
  const own = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
  if (!own || !e.checkVisibility() || e.closest('script,:disabled')) continue;
  const style = getComputedStyle(e);
  const text = luminance(numbers(e.closest('svg') ? style.fill : style.color));
  const back = luminance(behind(e));
  const ratio = (Math.max(text, back) + 0.05) / (Math.min(text, back) + 0.05);
  if (ratio < 4.5) bad.add(`${e.tagName}.${e.getAttribute('class')}: ${ratio.toFixed(2)}`);
}
return [...bad];
";

#[test]
#[ignore = "needs chromium and chromium-driver; .ci/run runs it"]
fn without_script_the_table_stands_there_whole() {
    let directory = tempfile::tempdir().unwrap();
    let path = checkpoint(directory.path(), "guests.csv", 150);
    let url = report(directory.path(), &[&path], "report.html");
    let browser = Browser::start();
    browser.without_script();
    browser.open(&url);
    let visible = browser.count_visible("table.rows tbody tr");
    assert_eq!(visible, 150);
    assert_eq!(browser.count_visible(".tools"), 0);
}

/// What a picture or a measurement needs: a number, whatever it is called.
fn number(value: &Value) -> usize {
    value.as_u64().and_then(|n| usize::try_from(n).ok()).expect("a count")
}
