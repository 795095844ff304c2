//! The result of every row as a file: CSV that Excel opens as it is, or JSON
//! lines. It appears whole or not at all.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::domain::UserId;
use crate::files::{self, Readers};
pub(super) use crate::manifest::guarded;
use crate::plan::{Decision, Plan, PlannedRow, Settled};
use crate::run::{MailEnd, Outcome};

use super::json::{RowKeys, ended_rows};
use super::row::RowEnd;
use super::schema::Schema;

/// What the manifest holds beyond the columns this program knows.
#[derive(Clone, Copy)]
pub struct ExtraColumns<'a> {
    pub names: &'a [String],
    /// The cells of a line, in the order of the names; empty for a line that
    /// could not be read.
    pub cells: &'a dyn Fn(u32) -> &'a [Box<str>],
}

impl ExtraColumns<'_> {
    /// None at all.
    pub const NONE: ExtraColumns<'static> = ExtraColumns { names: &[], cells: &|_| &[] };

    /// The cell of a column, empty where the row is too short.
    fn cell(&self, line: u32, column: usize) -> &str {
        (self.cells)(line).get(column).map_or("", |cell| cell)
    }
}

/// What became of the rows, in this run and before it.
#[derive(Clone, Copy)]
pub struct Results<'a> {
    /// By the position in the plan's rows.
    pub outcomes: &'a [Option<Outcome>],
    /// Of one's own mails, by line.
    pub mails: &'a BTreeMap<u32, MailEnd>,
    /// The mail that a guest had before the campaign wrote it, which the plan of a later run
    /// does not show any more.
    pub old_mail: &'a dyn Fn(UserId) -> Option<&'a str>,
}

impl<'a> Results<'a> {
    /// Every row of a plan, as the campaign as a whole left it: who was invited by an
    /// earlier run is invited, and comes from the address that it had then.
    fn rows(self, plan: &'a Plan) -> impl Iterator<Item = (&'a PlannedRow, RowKeys<'a>)> {
        plan.rows.iter().zip(ended_rows(plan, self.outcomes, self.mails)).map(move |(row, keys)| {
            let is_invited = matches!(
                row.decision,
                Decision::Settled(
                    Settled::AlreadyInvited { .. }
                        | Settled::ResendFailed { .. }
                        | Settled::ResendLapsed { .. }
                        | Settled::MailUnknown { .. }
                )
            );
            let before = row.user_id.and_then(|id| (self.old_mail)(id));
            let before = before.filter(|before| {
                let new = row.new_email.as_ref();
                !new.is_some_and(|new| new.as_str().eq_ignore_ascii_case(before))
            });
            let end = keys.end.map(|end| RowEnd {
                outcome: if is_invited { "invited" } else { end.outcome },
                ..end
            });
            (row, RowKeys { end, old_email: keys.old_email.or(before), ..keys })
        })
    }
}

/// The result file could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ResultFileError {
    /// There is something at the path that a file can't replace.
    #[error("`{path}` is not a regular file")]
    NotAFile { path: PathBuf },
    /// A file is there that is no earlier result: it would be lost.
    #[error("`{path}` is there already and is not the result of an earlier run")]
    NotAResult { path: PathBuf },
    /// The name promises a format that is not written.
    #[error("`{path}` is named like a workbook; results are CSV, or JSON lines in .jsonl")]
    Spreadsheet { path: PathBuf },
    #[error("failed to write the result file `{path}`")]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

const COLUMNS: [&str; 13] = [
    "line",
    "user",
    "user_id",
    "old_email",
    "new_email",
    "decision",
    "reason",
    "outcome",
    "outcome_reason",
    "explanation",
    "advice",
    "request_id",
    "mail",
];

/// Writes the result of every row: JSON lines if the path ends in `.jsonl` or
/// `.json`, else CSV. A file already there is replaced once the new one is
/// safely on disk.
pub fn result_file<'a>(
    path: &Path,
    plan: &'a Plan,
    results: Results<'a>,
    extra: ExtraColumns<'_>,
) -> Result<(), ResultFileError> {
    let target = target(path)?;
    let written = files::replace(&target, Readers::Owner, |out| {
        if is_json(path) {
            json_lines(out, plan, results, extra)
        } else {
            csv(out, plan, results, extra)
        }
    });
    written.map_err(|source| ResultFileError::Write { path: path.to_owned(), source })
}

/// Makes sure, before a run begins, that its result can be written to this path:
/// afterwards the guests are invited, and the fault would stand in for the result.
pub fn check_result_path(path: &Path) -> Result<(), ResultFileError> {
    let target = target(path)?;
    let failed = |source| ResultFileError::Write { path: path.to_owned(), source };
    if !is_replaceable(&target).map_err(failed)? {
        return Err(ResultFileError::NotAResult { path: path.to_owned() });
    }
    let spreadsheet = path.extension().is_some_and(|extension| {
        ["xlsx", "xls", "ods"].iter().any(|of| extension.eq_ignore_ascii_case(of))
    });
    if spreadsheet {
        return Err(ResultFileError::Spreadsheet { path: path.to_owned() });
    }
    files::check_replace(&target).map_err(failed)
}

/// Whether nothing but an earlier result is lost with the file that is there. A
/// manifest, a checkpoint or a configuration named by mistake is not to be lost.
fn is_replaceable(target: &Path) -> io::Result<bool> {
    let Some(beginning) = files::beginning(target, 64)? else { return Ok(true) };
    let csv = format!("\u{feff}{},", COLUMNS[..3].join(","));
    let json = format!("{{\"schema\":\"{}\",", Schema::Result.as_str());
    // As version 0.1.0 began each line.
    let earlier = "{\"line\":";
    let is_ours =
        [&*csv, &*json, earlier].iter().any(|mark| beginning.starts_with(mark.as_bytes()));
    Ok(beginning.is_empty() || is_ours)
}

/// The file that is really meant, behind any links.
pub(super) fn target(path: &Path) -> Result<PathBuf, ResultFileError> {
    match files::behind_links(path) {
        Ok(Some(real)) => Ok(real),
        Ok(None) => Err(ResultFileError::NotAFile { path: path.to_owned() }),
        Err(source) => Err(ResultFileError::Write { path: path.to_owned(), source }),
    }
}

fn is_json(path: &Path) -> bool {
    path.extension().is_some_and(|extension| {
        extension.eq_ignore_ascii_case("jsonl") || extension.eq_ignore_ascii_case("json")
    })
}

fn csv<'a>(
    out: &mut dyn Write,
    plan: &'a Plan,
    results: Results<'a>,
    extra: ExtraColumns<'_>,
) -> io::Result<()> {
    // Excel takes a CSV without this mark for the machine's legacy code page.
    out.write_all("\u{feff}".as_bytes())?;
    let mut csv = csv::WriterBuilder::new().from_writer(out);
    for column in COLUMNS {
        csv.write_field(column)?;
    }
    for name in extra.names {
        csv.write_field(guarded(&apart(name)).as_bytes())?;
    }
    csv.write_record(None::<&[u8]>)?;
    for (row, keys) in results.rows(plan) {
        let RowKeys { old_email, mail, end, .. } = keys;
        let end = end.expect("the run is over");
        csv.write_field(row.line.to_string())?;
        csv.write_field(guarded(&row.user).as_bytes())?;
        csv.write_field(row.user_id.map(|id| id.to_string()).unwrap_or_default())?;
        csv.write_field(guarded(old_email.unwrap_or_default()).as_bytes())?;
        let new_email = row.new_email.as_ref().map(crate::domain::Email::as_str);
        csv.write_field(guarded(new_email.unwrap_or_default()).as_bytes())?;
        csv.write_field(row.decision.name())?;
        csv.write_field(row.decision.reason())?;
        csv.write_field(end.outcome)?;
        csv.write_field(guarded(end.reason).as_bytes())?;
        csv.write_field(guarded(&end.message.to_string()).as_bytes())?;
        csv.write_field(guarded(end.advice.unwrap_or_default()).as_bytes())?;
        csv.write_field(guarded(end.request_id.unwrap_or_default()).as_bytes())?;
        csv.write_field(mail.unwrap_or_default())?;
        for column in 0..extra.names.len() {
            csv.write_field(guarded(extra.cell(row.line, column)).as_bytes())?;
        }
        csv.write_record(None::<&[u8]>)?;
    }
    csv.flush()
}

/// A manifest's column under a name that is not one of ours.
fn apart(name: &str) -> String {
    if COLUMNS.iter().any(|column| column.eq_ignore_ascii_case(name.trim())) {
        format!("manifest_{}", name.trim())
    } else {
        name.to_owned()
    }
}

#[derive(Serialize)]
struct JsonLine<'a, 'e> {
    schema: Schema,
    #[serde(flatten)]
    keys: RowKeys<'a>,
    /// The manifest's own columns, apart from ours whatever they are called.
    #[serde(serialize_with = "as_map")]
    extra: (ExtraColumns<'e>, u32),
}

fn as_map<S: Serializer>(
    (extra, line): &(ExtraColumns<'_>, u32),
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(extra.names.len()))?;
    for (column, name) in extra.names.iter().enumerate() {
        map.serialize_entry(name, extra.cell(*line, column))?;
    }
    map.end()
}

fn json_lines<'a>(
    out: &mut dyn Write,
    plan: &'a Plan,
    results: Results<'a>,
    extra: ExtraColumns<'_>,
) -> io::Result<()> {
    for (_, keys) in results.rows(plan) {
        let line = keys.line;
        serde_json::to_writer(
            &mut *out,
            &JsonLine { schema: Schema::Result, keys, extra: (extra, line) },
        )?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::character::trim;
    use crate::domain::{Email, GuestRef, UserId};
    use crate::manifest::{Options, parse};
    use crate::report::sample;

    static NO_MAILS: BTreeMap<u32, MailEnd> = BTreeMap::new();

    fn results(outcomes: &[Option<Outcome>]) -> Results<'_> {
        Results { outcomes, mails: &NO_MAILS, old_mail: &|_| None }
    }

    fn write(name: &str, extra: ExtraColumns<'_>) -> String {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        fs::write(&path, "what was there before").unwrap();
        result_file(&path, &sample::plan(), results(&sample::outcomes()), extra).unwrap();
        let left: Vec<_> = fs::read_dir(&directory).unwrap().collect();
        assert_eq!(left.len(), 1, "no temporary file stays behind");
        fs::read_to_string(path).unwrap()
    }

    #[test]
    fn the_csv_reads_like_this() {
        let names = ["department".to_owned(), "Outcome".to_owned(), "=x".to_owned()];
        let cells: Vec<Box<str>> = vec!["R&D, Köln".into(), "+1".into()];
        let text = write(
            "result.csv",
            ExtraColumns { names: &names, cells: &|line| if line == 2 { &cells } else { &[] } },
        );
        let text = text.strip_prefix('\u{feff}').expect("a mark for Excel");
        insta::assert_snapshot!(text.replace('\u{1b}', "ESC"), @r#"
        line,user,user_id,old_email,new_email,decision,reason,outcome,outcome_reason,explanation,advice,request_id,mail,department,manifest_Outcome,'=x
        2,ada@northwind.example,00000000-0000-0000-0000-000000000002,ada@northwind.example,ada@fabrikam.example,change,new-address,invited,accepted,the service accepted the invitation,,,microsoft,"R&D, Köln",'+1,
        3,bob_northwind.example#EXT#@contoso.example,00000000-0000-0000-0000-000000000003,bob@northwind.example,bob@fabrikam.example,change,new-address,invited,settled-from-directory,the answer was lost; the directory shows that the invitation was accepted,,,microsoft,,,
        4,c.old@northwind.example,00000000-0000-0000-0000-000000000004,cleo@northwind.example,cleo@fabrikam.example,change,new-address,failed,address-mismatch,"the invitation service does not see the new mail: ""doesn't match any emails on the user object"" after 5 tries in 3 min",run apply again with --retry-failed after an hour,0000aaaa-11bb-cccc-dd22-eeeeee333333,none,,,
        5,dan@northwind.example,00000000-0000-0000-0000-000000000005,,dan@northwind.example,change,reset-only,unknown,answer-lost,the connection was lost after the request left; the guest is unchanged since,"run apply again to look once more; if it stays unknown, ask the guest whether the mail came",,unknown,,,
        6,eve@northwind.example,00000000-0000-0000-0000-000000000006,,eve@fabrikam.example,change,finish-earlier-run,not-attempted,mail-written,"the mail is written, the invitation is still to be sent",run apply again,,not-yet,,,
        7,finn@northwind.example,00000000-0000-0000-0000-000000000007,,finn@fabrikam.example,change,unknown-outcome,not-attempted,not-reached,the run ended before this row; whether an earlier run invited the guest is still unknown,run apply again,,not-yet,,,
        8,gil@northwind.example,00000000-0000-0000-0000-000000000008,,gil@fabrikam.example,settled,already-invited,invited,already-invited,invited on 2026-03-01T02:00:00Z; the directory still shows gil@elsewhere.example,,,,,,
        9,hana@fabrikam.example,00000000-0000-0000-0000-000000000009,,hana@fabrikam.example,settled,already-matches,settled,already-matches,"the mail already is the new address; a reset would lock the guest out until they redeem (reset = always, or --reset-matching, sends it)",,,,,,
        10,ada@northwind.example,00000000-0000-0000-0000-00000000000a,,ada@fabrikam.example,settled,same-as-line,settled,same-as-line,line 2 asks for the same,,,,,,
        11,ghostESC[2J@northwind.example,,,ghost@fabrikam.example,blocked,not-found,blocked,not-found,"no user has this object id, UPN or address",,,,,,
        12,"'=HYPERLINK(""https://evil.example"")",,,ivy@fabrikam.example,blocked,not-found,blocked,not-found,"no user has this object id, UPN or address",,,,,,
        13,joe@northwind.example,,,joe@fabrikam.example,blocked,ambiguous,blocked,ambiguous,2 users hold it: guest joe#EXT#@c.example (00000000-0000-0000-0000-00000000000a); guest j#EXT#@c.example (00000000-0000-0000-0000-00000000000b); name the guest by object id,,,,,,
        14,kim@northwind.example,00000000-0000-0000-0000-00000000000e,,kim@fabrikam.example,blocked,failed-before,blocked,failed-before,failed on 2026-03-01T02:00:05Z (guest-gone): the guest no longer exists; --retry-failed tries again,,,,,,
        15,lea,,,,blocked,invalid-row,blocked,invalid-row,the row is unusable (see `lint`) and was skipped,,,,,,
        "#);
    }

    #[test]
    fn json_lines_keep_the_manifest_s_columns_apart() {
        let names = ["outcome".to_owned()];
        let cells: Vec<Box<str>> = vec!["theirs".into()];
        let text = write("result.JSONL", ExtraColumns { names: &names, cells: &|_| &cells });
        assert_eq!(text.lines().count(), sample::plan().rows.len());
        for line in text.lines() {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(row["extra"]["outcome"], "theirs");
            for column in COLUMNS {
                // A row that sends no mail says nothing of one.
                let is_there =
                    column != "mail" || row["decision"] == "change" && row["outcome"] == "invited";
                assert!(!is_there || row.get(column).is_some(), "{column} in {line}");
            }
        }
    }

    proptest! {
        /// A result read in again as a manifest means the same: the guest, the address, and
        /// the manifest's own columns; and never a reset, of which it has no column.
        #[test]
        fn a_result_read_in_again_means_the_same(
            user in "[=+|a-z-]{0,6}",
            local in "[+a-z]{1,4}",
            note in "['=+\\-@|＝a1 \t\r\n\"]{0,8}",
            has_id in any::<bool>(),
        ) {
            let mut plan = sample::plan();
            for (row, number) in plan.rows.iter_mut().zip(1_u32..) {
                row.user = format!("{user}{number}@b.example").into();
                row.user_id = row.user_id.filter(|_| has_id).map(|_| UserId::from(uuid::Uuid::from_u128(number.into())));
                row.new_email = row.new_email.take().map(|_| Email::parse(&format!("{local}{number}@c.example")).unwrap());
            }
            let names = ["=note".to_owned(), "reason".to_owned()];
            let cells: Vec<Box<str>> = vec![note.clone().into(), "theirs".into()];
            let extra = ExtraColumns { names: &names, cells: &|_| &cells };
            for name in ["result.csv", "result.jsonl"] {
                let directory = tempfile::tempdir().unwrap();
                let path = directory.path().join(name);
                result_file(&path, &plan, results(&sample::outcomes()), extra).unwrap();
                let loaded = parse(name, &fs::read(&path).unwrap(), &Options::default()).unwrap();
                let with_address = plan.rows.iter().filter(|row| row.new_email.is_some());
                let mut read = loaded.manifest.rows.iter();
                for planned in with_address {
                    let named = planned.user_id.map_or_else(
                        || GuestRef::parse(planned.user.trim()), GuestRef::Id);
                    // A name that a manifest could not hold stays a problem.
                    let Some(row) = read.clone().next().filter(|row| row.user.folded() == named.folded()) else {
                        prop_assert!(!loaded.problems.is_empty(), "{name}: {planned:?}");
                        continue;
                    };
                    read.next();
                    prop_assert_eq!(row.wish.address(), planned.new_email.as_ref());
                    if name == "result.csv" {
                        let column = loaded.manifest.extra_columns.iter().position(|n| n == "=note");
                        prop_assert_eq!(&*row.extra[column.unwrap()], trim(&note));
                    }
                }
                prop_assert_eq!(read.next(), None);
                prop_assert_eq!(loaded.manifest.detected.resets, 0);
            }
        }
    }

    #[test]
    fn only_an_earlier_result_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("result.csv");
        check_result_path(&path).unwrap();
        for name in ["result.csv", "result.jsonl"] {
            let path = directory.path().join(name);
            result_file(&path, &sample::plan(), results(&[]), ExtraColumns::NONE).unwrap();
            check_result_path(&path).unwrap();
        }
        fs::write(&path, "{\"line\":2,\"user\":\"ada@northwind.example\"}\n").unwrap();
        check_result_path(&path).unwrap();
        for content in ["user,new_email\n", "SQLite format 3\0", "[tenant]\n", "{\"user\":1}\n"] {
            fs::write(&path, content).unwrap();
            let error = check_result_path(&path).unwrap_err();
            assert!(matches!(error, ResultFileError::NotAResult { .. }), "{content:?}");
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
        let workbook = check_result_path(&directory.path().join("result.xlsx"));
        assert!(matches!(workbook, Err(ResultFileError::Spreadsheet { .. })));
    }

    #[test]
    fn errors_name_the_path() {
        let directory = tempfile::tempdir().unwrap();
        let (plan, none) = (sample::plan(), ExtraColumns::NONE);
        let missing = directory.path().join("missing").join("result.csv");
        let error = result_file(&missing, &plan, results(&[]), none).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("failed to write the result file `{}`", missing.display())
        );
        let error = result_file(directory.path(), &plan, results(&[]), none).unwrap_err();
        assert!(matches!(error, ResultFileError::NotAFile { .. }), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_keeps_pointing_to_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("real.csv"), directory.path().join("link.csv"));
        fs::write(&file, "").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        result_file(&link, &sample::plan(), results(&[]), ExtraColumns::NONE).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(fs::metadata(&file).unwrap().len() > 0);
    }
}
