//! `lint`: a manifest checked offline.

use std::io::Write as _;

use crate::config::args::{Cli, LintArgs};
use crate::manifest::{self, Loaded, Manifest, Options, Source};
use crate::report::{Level, Schema, count, harmless};

use super::Exit;
use super::checkpoint_args::offline;
use super::failure::Failure;
use super::planning::options;
use super::ui::Ui;

pub(super) fn run(cli: &Cli, args: &LintArgs, ui: &Ui) -> Result<Exit, Failure> {
    let settings = offline(cli, ui)?;
    let options = Options { only_check: true, ..options(&settings.manifest) };
    let loaded = manifest::read(&Source::from_arg(&args.manifest), &options)?;
    detected(&loaded.manifest, ui);
    if ui.json() {
        json(&loaded, ui)?;
    }
    if loaded.problems.is_empty() {
        let rows = count(loaded.manifest.detected.rows as u64, "row", "rows");
        ui.note(format_args!("{}: {rows}, no problems", loaded.manifest.name));
        return Ok(Exit::Done);
    }
    if !ui.json() {
        problems(&loaded, ui)?;
    }
    let problems = count(loaded.problems.len() as u64, "problem", "problems");
    let rows = count(loaded.manifest.invalid.len() as u64, "row", "rows");
    let message = anyhow::anyhow!("{}: {problems} in {rows}", loaded.manifest.name);
    let failure = Failure::new(Exit::Usage, message);
    Err(Failure { is_told: ui.json(), ..failure })
}

/// Says what was taken the file for.
pub(super) fn detected(manifest: &Manifest, ui: &Ui) {
    ui.note(&manifest.detected);
}

/// Every problem with its place, and what to do about it.
pub(super) fn problems(loaded: &Loaded, ui: &Ui) -> Result<(), Failure> {
    for problem in &loaded.problems {
        let elsewhere = problem.elsewhere().map_or(String::new(), |text| format!(" ({text})"));
        let text = format!("{}:{problem}{elsewhere}", loaded.manifest.name);
        ui.log.said(Level::Error, "problem", &text);
    }
    if !ui.is_read_by_a_person() {
        return Ok(());
    }
    let style = ui.styles_err().faint;
    let mut stderr = std::io::BufWriter::new(ui.stderr());
    for problem in &loaded.problems {
        let text = format!("{}:{problem} [{}]", loaded.manifest.name, problem.code);
        write!(stderr, "{}", harmless(&text))?;
        match problem.elsewhere() {
            Some(elsewhere) => writeln!(stderr, " ({elsewhere})")?,
            None => writeln!(stderr)?,
        }
        if !problem.advice.is_empty() {
            writeln!(stderr, "  {style}hint: {}{style:#}", harmless(&problem.advice))?;
        }
    }
    Ok(stderr.flush()?)
}

fn place((line, column): (u32, u32)) -> serde_json::Value {
    serde_json::json!({ "line": line, "column": column })
}

fn json(loaded: &Loaded, ui: &Ui) -> Result<(), Failure> {
    let problems: Vec<_> = loaded
        .problems
        .iter()
        .map(|problem| {
            serde_json::json!({
                "line": problem.line,
                "column": problem.column,
                "code": problem.code.as_str(),
                "problem": problem.problem,
                "advice": problem.advice,
                "count": problem.count(),
                "places": problem.places.iter().take(3).copied().map(place).collect::<Vec<_>>(),
                "lines": problem.places.iter().map(|(line, _)| line).collect::<Vec<_>>(),
            })
        })
        .collect();
    let exit = if problems.is_empty() { Exit::Done } else { Exit::Usage };
    let report = serde_json::json!({
        "summary": {
            "manifest": loaded.manifest.name,
            "rows": loaded.manifest.detected.rows,
            "valid": loaded.manifest.detected.rows - loaded.manifest.invalid.len(),
            "reset_only": loaded.manifest.detected.resets,
            "problems": problems.len(),
            "exit_code": exit.code(),
        },
        "problems": problems,
    });
    Schema::Lint.write(&mut ui.stdout(), &report).map_err(Failure::from_stdout)
}
