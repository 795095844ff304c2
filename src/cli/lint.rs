//! `lint`: a manifest checked offline, and the templates of the mails that go with it.

use std::io::Write as _;

use crate::campaign::Samples;
use crate::config::args::{Cli, LintArgs};
use crate::manifest::{self, Loaded, Manifest, Options, RowProblem, Source};
use crate::report::{Level, Schema, count, harmless};

use super::Exit;
use super::checkpoint_args::offline;
use super::failure::Failure;
use super::planning::options;
use super::ui::Ui;

pub(super) fn run(cli: &Cli, args: &LintArgs, ui: &Ui) -> Result<Exit, Failure> {
    let settings = offline(cli, ui)?;
    let options = Options { only_check: true, ..options(&settings.manifest, settings.delivery.by) };
    let loaded = manifest::read(&Source::from_arg(&args.manifest), &options)?;
    detected(&loaded.manifest, ui);
    let manifest = &loaded.manifest;
    let mut samples = Samples::of(manifest, &settings.delivery, &settings.invitation);
    let revert = &settings.revert;
    let back = Samples::way_back(manifest, &settings.delivery, &settings.invitation, revert);
    samples.problems.extend(back);
    let unfit = samples.problems.iter().filter(|problem| problem.is_fatal).count();
    if ui.json() {
        json(&loaded, &samples, ui)?;
    } else {
        problems(&loaded, ui)?;
        templates(&samples, ui)?;
    }
    if settings.delivery.by.is_own() && samples.problems.is_empty() && !samples.mails.is_empty() {
        let used = count(samples.mails.len() as u64, "template", "templates");
        ui.note(format_args!("{used} for mails of your own, no problems"));
    }
    if loaded.problems.is_empty() && unfit == 0 {
        let rows = count(manifest.detected.rows as u64, "row", "rows");
        ui.note(format_args!("{}: {rows}, no problems", manifest.name));
        return Ok(Exit::Done);
    }
    let told = count(loaded.problems.len() as u64, "problem", "problems");
    let rows = count(manifest.invalid.len() as u64, "row", "rows");
    let of_templates = count(unfit as u64, "problem", "problems");
    let message = match (loaded.problems.len(), unfit) {
        (0, _) => format!("{of_templates} of the mail's templates"),
        (_, 0) => format!("{}: {told} in {rows}", manifest.name),
        _ => format!("{}: {told} in {rows}, and {of_templates} of templates", manifest.name),
    };
    let failure = Failure::new(Exit::Usage, anyhow::anyhow!(message));
    Err(Failure { is_told: ui.json(), ..failure })
}

/// What is wrong with the templates of one's own mail, and what is worth knowing of them.
fn templates(samples: &Samples, ui: &Ui) -> Result<(), Failure> {
    let style = ui.styles_err().faint;
    for problem in &samples.problems {
        if !problem.is_fatal {
            ui.warn(format_args!("{}; {}", harmless(&problem.to_string()), problem.advice));
            continue;
        }
        ui.log.said(Level::Error, "problem", &problem.to_string());
        if ui.is_read_by_a_person() {
            let mut stderr = std::io::BufWriter::new(ui.stderr());
            writeln!(stderr, "{}", harmless(&problem.to_string()))?;
            writeln!(stderr, "  {style}hint: {}{style:#}", harmless(&problem.advice))?;
            stderr.flush()?;
        }
    }
    Ok(())
}

/// Says what was taken the file for.
pub(super) fn detected(manifest: &Manifest, ui: &Ui) {
    ui.note(&manifest.detected);
}

/// Every problem with its place, and what to do about it.
pub(super) fn problems(loaded: &Loaded, ui: &Ui) -> Result<(), Failure> {
    tell_problems(&loaded.manifest.name, &loaded.problems, ui)
}

/// The same of a file that is no manifest.
pub(super) fn tell_problems(name: &str, problems: &[RowProblem], ui: &Ui) -> Result<(), Failure> {
    for problem in problems {
        let elsewhere = problem.elsewhere().map_or(String::new(), |text| format!(" ({text})"));
        let text = format!("{name}:{problem}{elsewhere}");
        ui.log.said(Level::Error, "problem", &text);
    }
    if !ui.is_read_by_a_person() {
        return Ok(());
    }
    let style = ui.styles_err().faint;
    let mut stderr = std::io::BufWriter::new(ui.stderr());
    for problem in problems {
        let text = format!("{name}:{problem} [{}]", problem.code);
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

fn json(loaded: &Loaded, samples: &Samples, ui: &Ui) -> Result<(), Failure> {
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
    let templates: Vec<_> = samples
        .problems
        .iter()
        .map(|problem| {
            serde_json::json!({
                "template": problem.template,
                "line": problem.line,
                "problem": problem.problem,
                "advice": problem.advice,
                "fatal": problem.is_fatal,
            })
        })
        .collect();
    let is_fit = samples.problems.iter().all(|problem| !problem.is_fatal);
    let exit = if problems.is_empty() && is_fit { Exit::Done } else { Exit::Usage };
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
        "templates": templates,
    });
    Schema::Lint.write(&mut ui.stdout(), &report).map_err(Failure::from_stdout)
}
