//! The apostrophe that keeps a spreadsheet from running a cell: put in front when we
//! write a CSV, and taken back when we read one, so that what was written reads as it
//! was (OWASP, *CSV Injection*).
//!
//! Leaves to others: which cells are written (`report`).

use std::borrow::Cow;

const RUN_BY_SPREADSHEETS: &[char] =
    &['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// The cell as a spreadsheet takes it for text.
pub fn guarded(cell: &str) -> Cow<'_, str> {
    if would_run(cell) { format!("'{cell}").into() } else { cell.into() }
}

/// The cell without the apostrophe that [`guarded`] put in front.
pub fn unguarded(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| would_run(rest)).unwrap_or(cell)
}

/// Whether it would run, or would after an apostrophe was taken back.
fn would_run(cell: &str) -> bool {
    cell.trim_start_matches('\'').starts_with(RUN_BY_SPREADSHEETS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_looks_like_a_formula_is_text() {
        for (cell, written) in [
            ("=1+1", "'=1+1"),
            ("+49 30 1234", "'+49 30 1234"),
            ("-2", "'-2"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "'\r=1"),
            ("\n=1", "'\n=1"),
            ("＝1", "'＝1"),
            ("ada@fabrikam.example", "ada@fabrikam.example"),
            ("1+1=2", "1+1=2"),
            ("'=1", "''=1"),
            ("'a", "'a"),
            ("", ""),
        ] {
            assert_eq!(guarded(cell), written);
        }
    }

    proptest! {
        #[test]
        fn what_is_guarded_reads_as_it_was(cell in "['=+\\-@\t\r\n＝＋－＠a ]{0,6}") {
            let written = guarded(&cell);
            prop_assert_eq!(unguarded(&written), &cell);
            prop_assert!(!written.starts_with(RUN_BY_SPREADSHEETS));
        }
    }
}
