//! The part of a plan that says, for each new domain, whether its people can redeem.
//!
//! Leaves to others: the judgement and its sentences (`plan`).

use std::io::{self, Write};

use crate::plan::{Plan, Redeems, order_sentence};

use super::plan_text::PlanView;
use super::style::{count, paint};
use super::text::{columns, fit, harmless, wrap};

/// The widest domain beside which its sentence stands.
const DOMAIN_COLUMNS: usize = 28;

/// Writes the new domains. Where nothing is known of any, the finding about what could not
/// be read says so, and with which permissions it could.
pub(super) fn domains(out: &mut dyn Write, plan: &Plan, view: &PlanView) -> io::Result<()> {
    if plan.domains.iter().all(|domain| domain.has_tenant.is_none()) {
        return Ok(());
    }
    writeln!(out, "\n{}", paint(view.styles.heading, "New domains"))?;
    let shown = &plan.domains[..plan.domains.len().min(view.max_rows_per_reason)];
    let names = shown.iter().map(|domain| columns(&domain.domain)).max().unwrap_or_default();
    let names = names.min(DOMAIN_COLUMNS);
    let numbers: Vec<String> = shown.iter().map(|it| count(it.rows, "row", "rows")).collect();
    let widest = numbers.iter().map(String::len).max().unwrap_or_default();
    let indent = 2 + names + 2 + widest + 2;
    for (domain, number) in shown.iter().zip(&numbers) {
        let name = harmless(&domain.domain);
        let name = if columns(&name) > names { name } else { fit(&name, names) };
        let style = match domain.redeems {
            Redeems::No => view.styles.attention,
            Redeems::Unknown => view.styles.faint,
            Redeems::Tenant
            | Redeems::Federation
            | Redeems::Code
            | Redeems::MicrosoftAccount
            | Redeems::AsConfigured => view.styles.good,
        };
        let mut head = format!("  {}  {number:>widest$}  ", paint(style, name));
        for line in wrap(&harmless(&domain.about), view.width.saturating_sub(indent)) {
            writeln!(out, "{head}{line}")?;
            head = " ".repeat(indent);
        }
        if !domain.unknown.is_empty() {
            let text = format!("{} would show it", domain.unknown.join(", "));
            for line in wrap(&text, view.width.saturating_sub(indent)) {
                writeln!(out, "{:indent$}{}", "", paint(view.styles.faint, line))?;
            }
        }
    }
    if plan.domains.len() > shown.len() {
        let more = format!("… and {} more (-v shows all)", plan.domains.len() - shown.len());
        writeln!(out, "  {}", paint(view.styles.faint, more))?;
    }
    let is_whole = view.max_rows_per_reason == usize::MAX;
    let order = plan.redemption_order.as_ref();
    if let Some(order) = order.filter(|order| is_whole || !order.is_default()) {
        let sentence = harmless(&order_sentence(order));
        for line in wrap(&sentence, view.width.saturating_sub(2)) {
            writeln!(out, "  {}", paint(view.styles.faint, line))?;
        }
    }
    Ok(())
}
