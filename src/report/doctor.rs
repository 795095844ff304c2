//! What `doctor` found, for people and for machines.

use std::io::{self, Write};

use serde::Serialize;

use crate::doctor::{Diagnosis, Finding, Permissions, Severity};

use super::schema::Schema;
use super::style::{Styles, paint};
use super::text::{fit, harmless, wrap};

/// Columns of the severity and of the code, with the blanks behind them.
const SEVERITY_COLUMNS: usize = 10;
const CODE_COLUMNS: usize = 22;
const NARROWEST: usize = 60;

/// Writes the findings for a person.
pub fn doctor_text(
    out: &mut dyn Write,
    diagnosis: &Diagnosis,
    styles: Styles,
    width: usize,
) -> io::Result<()> {
    let width = width.max(NARROWEST);
    let title = format!("Doctor for {}", harmless(&diagnosis.tenant));
    writeln!(out, "{}\n", paint(styles.heading, title))?;
    let indent = 2 + SEVERITY_COLUMNS + CODE_COLUMNS;
    for Finding { severity, code, message, advice } in &diagnosis.findings {
        let (word, style) = match severity {
            Severity::Ok => ("ok", styles.good),
            Severity::Warning => ("warning", styles.attention),
            Severity::Problem => ("problem", styles.bad),
            Severity::NotSeen => ("not seen", styles.faint),
        };
        let word = paint(style, fit(word, SEVERITY_COLUMNS));
        let mut head = format!("  {word}{}", fit(code, CODE_COLUMNS));
        for line in wrap(&harmless(message), width.saturating_sub(indent)) {
            writeln!(out, "{head}{line}")?;
            head = " ".repeat(indent);
        }
        for line in advice.iter().flat_map(|advice| wrap(&harmless(advice), width - indent)) {
            writeln!(out, "{head}{}", paint(styles.faint, line))?;
        }
    }
    permissions(out, &diagnosis.permissions, styles, width)?;
    if diagnosis.is_fit() && diagnosis.is_under_way() {
        writeln!(
            out,
            "\nOnce the run under way has ended, nothing seen keeps another from succeeding"
        )
    } else if diagnosis.is_fit() {
        writeln!(out, "\nNothing seen that would keep a run from succeeding")
    } else {
        let text = "A run can't succeed until what is marked as a problem is mended";
        writeln!(out, "\n{}", paint(styles.bad, text))
    }
}

fn permissions(
    out: &mut dyn Write,
    permissions: &Permissions,
    styles: Styles,
    width: usize,
) -> io::Result<()> {
    let Permissions { has, needs, missing, useful, needless } = permissions;
    writeln!(out, "\n{}", paint(styles.heading, "Permissions"))?;
    let granted = has.as_ref().map(|has| has.join(", "));
    // Without knowing what there is nothing is known to be missing.
    let compared = |names: String| has.is_some().then_some(names);
    let lists = [
        ("has", granted),
        ("suffices", Some(needs.join(", "))),
        ("missing", compared(missing.join(", "))),
        ("useful", compared(useful.join(", "))),
        ("needless", compared(needless.join(", "))),
    ];
    let indent = 2 + SEVERITY_COLUMNS;
    for (word, names) in lists {
        let names = match names {
            Some(names) if names.is_empty() => "none".to_owned(),
            Some(names) => names,
            None => "not seen".to_owned(),
        };
        let mut head = format!("  {}", fit(word, SEVERITY_COLUMNS));
        for line in wrap(&harmless(&names), width.saturating_sub(indent)) {
            writeln!(out, "{head}{line}")?;
            head = " ".repeat(indent);
        }
    }
    Ok(())
}

/// Findings by severity, and the exit code where every command has it.
#[derive(Serialize)]
struct Summary {
    problems: usize,
    warnings: usize,
    not_seen: usize,
    exit_code: u8,
}

/// Writes the findings as one object, a line each, so that a difference shows by line.
pub fn doctor_json(out: &mut dyn Write, diagnosis: &Diagnosis, exit_code: u8) -> io::Result<()> {
    let Diagnosis { tenant, findings, permissions } = diagnosis;
    let schema = Schema::Doctor.as_str();
    write!(out, "{{\"schema\":\"{schema}\",\n\"tenant\":{},\n\"findings\":[", json(tenant)?)?;
    for (position, finding) in findings.iter().enumerate() {
        let separator = if position == 0 { "\n" } else { ",\n" };
        write!(out, "{separator}{}", json(finding)?)?;
    }
    let of = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let summary = Summary {
        problems: of(Severity::Problem),
        warnings: of(Severity::Warning),
        not_seen: of(Severity::NotSeen),
        exit_code,
    };
    writeln!(
        out,
        "\n],\n\"permissions\":{},\n\"exit_code\":{exit_code},\n\"summary\":{}}}",
        json(permissions)?,
        json(&summary)?
    )
}

fn json(value: &impl Serialize) -> io::Result<String> {
    Ok(serde_json::to_string(value)?)
}
