//! The part of a plan that says what its changes touch: groups, teams, roles and apps.
//!
//! Leaves to others: the judgement of an app and its sentences (`plan`).

use std::cmp::Reverse;
use std::io::{self, Write};

use crate::domain::{Owner, Unreadable};
use crate::plan::{Plan, PlannedRow, Touched, TouchedApp, TouchedByOne, TouchedTotal};

use super::plan_text::PlanView;
use super::row::who;
use super::style::{count, paint};
use super::text::{columns, fit, harmless, wrap};

/// The widest name of an app beside which its sentence stands.
const APP_COLUMNS: usize = 28;

/// Writes what the changes touch, where that was asked for.
pub(super) fn reach(out: &mut dyn Write, plan: &Plan, view: &PlanView) -> io::Result<()> {
    let Some(touched) = &plan.touched else { return Ok(()) };
    let total = &touched.total;
    writeln!(out, "\n{}", paint(view.styles.heading, "Reach"))?;
    for line in wrap(&total_sentence(total), view.width.saturating_sub(2)) {
        writeln!(out, "  {line}")?;
    }
    apps(out, total, view)?;
    heaviest(out, plan, touched, view)?;
    for line in not_seen(total) {
        for line in wrap(&line, view.width.saturating_sub(2)) {
            writeln!(out, "  {}", paint(view.styles.faint, line))?;
        }
    }
    Ok(())
}

fn apps(out: &mut dyn Write, total: &TouchedTotal, view: &PlanView) -> io::Result<()> {
    let apps = total.apps.as_deref().unwrap_or_default();
    let shown = &apps[..apps.len().min(view.max_rows_per_reason)];
    let names = shown.iter().map(|app| columns(&harmless(app.label()))).max().unwrap_or_default();
    let names = names.min(APP_COLUMNS);
    let numbers: Vec<String> = shown.iter().map(|it| count(it.guests, "guest", "guests")).collect();
    let widest = numbers.iter().map(String::len).max().unwrap_or_default();
    let indent = 2 + names + 2 + widest + 2;
    for (app, number) in shown.iter().zip(&numbers) {
        let name = harmless(app.label());
        let name = if columns(&name) > names { name } else { fit(&name, names) };
        let style = if app.claims.is_empty() { view.styles.faint } else { view.styles.attention };
        let mut head = format!("  {}  {number:>widest$}  ", paint(style, name));
        for line in wrap(&about(app), view.width.saturating_sub(indent)) {
            writeln!(out, "{head}{line}")?;
            head = " ".repeat(indent);
        }
    }
    if apps.len() > shown.len() {
        let more = format!("… and {} more apps (-v shows all)", apps.len() - shown.len());
        writeln!(out, "  {}", paint(view.styles.faint, more))?;
    }
    Ok(())
}

/// The guests on whom the most hangs, those with a role first.
fn heaviest(
    out: &mut dyn Write,
    plan: &Plan,
    touched: &Touched,
    view: &PlanView,
) -> io::Result<()> {
    let of = |row: &PlannedRow| {
        let one = touched.guests.get(&row.user_id?).copied()?;
        (row.change().is_some() && one.weight() > 0).then_some(one)
    };
    let mut rows: Vec<(&PlannedRow, TouchedByOne)> =
        plan.rows.iter().filter_map(|row| Some((row, of(row)?))).collect();
    rows.sort_by_key(|(row, one)| {
        (one.roles.is_none_or(|n| n == 0), Reverse(one.weight()), row.line)
    });
    let shown = &rows[..rows.len().min(view.max_rows_per_reason)];
    for (row, one) in shown {
        let line = format!("line {}  {}: {}", row.line, who(row), one.sentence());
        for line in wrap(&line, view.width.saturating_sub(4)) {
            writeln!(out, "    {line}")?;
        }
    }
    if rows.len() > shown.len() {
        let more = format!("… and {} more guests (-v shows all)", rows.len() - shown.len());
        writeln!(out, "    {}", paint(view.styles.faint, more))?;
    }
    Ok(())
}

/// What all of the guests touch together.
pub(super) fn total_sentence(total: &TouchedTotal) -> String {
    if total.guests == 0 {
        return "no guest changes".to_owned();
    }
    let guests = count(total.guests, "guest", "guests");
    let Some(groups) = total.groups else {
        return format!("{guests}: their groups and roles could not be read");
    };
    let groups = match (groups, total.teams) {
        (0, _) => "in no group".to_owned(),
        (groups, teams) => {
            let teams = match teams {
                Some(0) => "none of them a team".to_owned(),
                Some(1) => "1 of them a team".to_owned(),
                Some(teams) => format!("{teams} of them teams"),
                None => "which of them are teams is not known".to_owned(),
            };
            format!("in {}, {teams}", count(groups, "group", "groups"))
        }
    };
    let roles = match total.role_holders.unwrap_or_default() {
        0 => "nobody holds a role".to_owned(),
        holders => count(holders, "holds a role", "hold a role"),
    };
    let is_told = |app: &&TouchedApp| !app.claims.is_empty();
    let apps = match total.apps.as_deref() {
        None => "which apps they are assigned to is not known".to_owned(),
        Some([]) => "assigned to no app".to_owned(),
        Some(apps) => format!(
            "assigned to {}, of which {} told an address that changes",
            count(apps.len() as u64, "app", "apps"),
            count(apps.iter().filter(is_told).count() as u64, "is", "are"),
        ),
    };
    format!("{guests} {groups}; {roles}; {apps}")
}

/// What is known of an app, and who owns it.
pub(super) fn about(app: &TouchedApp) -> String {
    let mut about = app.about.clone();
    match app.owners.as_deref() {
        None => {}
        Some([]) => about.push_str("; nobody owns it"),
        Some(owners) => {
            let owner = |owner: &Owner| {
                let name = owner.address.as_deref().or(owner.name.as_deref());
                name.unwrap_or(&owner.id).to_owned()
            };
            let owners: Vec<String> = owners.iter().map(owner).collect();
            about.push_str("; owned by ");
            about.push_str(&owners.join(", "));
        }
    }
    harmless(&about)
}

/// What could not be read, in lines of their own.
pub(super) fn not_seen(total: &TouchedTotal) -> Vec<String> {
    let mut lines = Vec::new();
    if total.guests == 0 {
        return lines;
    }
    if total.not_seen > 0 {
        let guests = count(total.not_seen, "guest", "guests");
        lines.push(format!("not everything could be read of {guests}"));
    }
    let line = |it: &Unreadable| {
        harmless(&format!("could not see {}; {} would show it", it.what, it.permission))
    };
    lines.extend(total.unreadable.iter().map(line));
    lines.push("an app that takes guests without an assignment is not counted".to_owned());
    lines
}
