//! `explain`: everything about one row, from the checkpoint alone.

use jiff::Timestamp;

use crate::checkpoint::{History, HistoryRow, Reader};
use crate::config::RowSelector;
use crate::config::args::{Cli, ExplainArgs};
use crate::manifest::Form;
use crate::report::{Explained, ReportOptions, count, explain_json, explain_text};

use super::Exit;
use super::checkpoint_args::{checkpoint_of, offline};
use super::failure::Failure;
use super::ui::Ui;

/// Rows named when several match, or when none does.
const MOST_NAMED: usize = 10;

pub(super) fn run(cli: &Cli, args: &ExplainArgs, ui: &Ui) -> Result<Exit, Failure> {
    let settings = offline(cli, ui)?;
    let path = checkpoint_of(args.manifest.as_deref(), settings.checkpoint.as_deref())?;
    let reader = Reader::open(&path)?;
    let history = reader.history()?;
    let known = match &args.row {
        RowSelector::User(user) => reader.user_named(&user.folded())?,
        RowSelector::Line(_) => None,
    };
    let row = match matching(&history, &args.row, known.as_deref()).as_slice() {
        [row] => *row,
        [] => return Err(not_found(&history, &args.row)),
        several => return Err(ambiguous(several, &args.row)),
    };
    let trail = match (&row.user_id, &row.address) {
        (Some(user_id), Some(address)) => Some(reader.trail(user_id, address)?),
        _ => None,
    };
    let form: Option<Form> =
        history.form.as_deref().and_then(|form| serde_json::from_str(form).ok());
    let explained = Explained {
        manifest: &history.status.manifest,
        header: form.as_ref().map_or(&[], |form| &form.header),
        row,
        trail: trail.as_ref(),
        options: ReportOptions { now: Timestamp::now(), stuck_after: args.stuck_after },
    };
    let told = if ui.json() {
        explain_json(&mut ui.stdout(), &explained)
    } else {
        explain_text(&mut ui.stdout(), &explained, ui.styles_out(), Ui::width())
    };
    told.map_err(Failure::from_stdout)?;
    Ok(Exit::Done)
}

/// The rows that a person can mean: the line; or the guest by id, by the manifest's
/// name for it, by its old address, its new one, or a name it once had.
fn matching<'h>(
    history: &'h History,
    selector: &RowSelector,
    known: Option<&str>,
) -> Vec<&'h HistoryRow> {
    let is_meant = |row: &&HistoryRow| match selector {
        RowSelector::Line(line) => row.line.map(u64::from) == Some(*line),
        RowSelector::User(user) => {
            let wanted = user.folded();
            let is = |name: &str| name.to_lowercase() == wanted;
            is(&row.user)
                || names(row).any(is)
                || known.is_some_and(|known| row.user_id.as_deref() == Some(known))
        }
    };
    history.rows.iter().filter(is_meant).collect()
}

fn names(row: &HistoryRow) -> impl Iterator<Item = &str> {
    [&row.user_id, &row.address, &row.old_mail].into_iter().filter_map(|name| name.as_deref())
}

fn ambiguous(rows: &[&HistoryRow], selector: &RowSelector) -> Failure {
    let count = count(rows.len() as u64, "row", "rows");
    let failure = Failure::new(Exit::Usage, anyhow::anyhow!("{selector} is in {count}: name one"));
    rows.iter().take(MOST_NAMED).fold(failure, |failure, row| failure.hint(shown(row)))
}

fn shown(row: &HistoryRow) -> String {
    let address = row.address.as_deref().unwrap_or("no new address");
    match row.line {
        Some(line) => format!("line {line}: {:?} to {address:?}", row.user),
        None => format!("of an earlier manifest: {:?} to {address:?}", row.user),
    }
}

fn not_found(history: &History, selector: &RowSelector) -> Failure {
    let rows = history.rows.iter().filter_map(|row| row.line);
    let failure = Failure::new(
        Exit::Usage,
        anyhow::anyhow!("{selector}: the campaign of {} has no such row", history.status.manifest),
    );
    match selector {
        RowSelector::Line(_) => match (rows.clone().min(), rows.max()) {
            (Some(first), Some(last)) => {
                failure.hint(format!("its rows begin on the lines {first} to {last}"))
            }
            _ => failure.hint("it has no rows yet"),
        },
        RowSelector::User(user) => {
            let wanted = user.folded();
            let near = nearest(history, &wanted);
            let failure = near
                .iter()
                .fold(failure, |failure, name| failure.hint(format!("did you mean {name:?}?")));
            if near.is_empty() {
                failure.hint("name a line, an object id or an address")
            } else {
                failure
            }
        }
    }
}

/// The names that are most like the one wanted.
fn nearest<'h>(history: &'h History, wanted: &str) -> Vec<&'h str> {
    const ENOUGH: f64 = 0.85;
    const MOST: usize = 3;
    let names = history.rows.iter().flat_map(|row| std::iter::once(&*row.user).chain(names(row)));
    let mut near: Vec<(f64, &str)> = names
        .map(|name| (strsim::jaro_winkler(wanted, &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness >= ENOUGH)
        .collect();
    near.sort_by(|one, other| other.0.total_cmp(&one.0).then_with(|| one.1.cmp(other.1)));
    near.dedup_by_key(|(_, name)| name.to_lowercase());
    near.into_iter().take(MOST).map(|(_, name)| name).collect()
}
