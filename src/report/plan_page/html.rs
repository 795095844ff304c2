//! The page as HTML: no other file, no request, no script. Every text from a manifest, a
//! directory or a template is escaped by the template engine, whose rule for HTML is on for
//! the whole page.

use std::io::{self, Write};

use minijinja::value::Value;
use minijinja::{Environment, context};

use crate::plan::{Mailing, Severity, TouchedApp};
use crate::report::campaign::{STYLE, hash, moment};
use crate::report::plan_reach::{about, not_seen, total_sentence};
use crate::report::sample_mail::sample_mail;
use crate::report::text::harmless;

use super::PlanPage;
use super::view::{Group, Kind, deliveries, groups, guest, particular};

pub(super) const MARK: &str = "<!doctype html>\n<!-- reinvite plan 1 -->";

const TEMPLATE: &str = include_str!("plan.html");

/// What a report has no use for.
const OWN_STYLE: &str = "\
.command{color:var(--fg)}
";

pub(super) fn write(out: &mut dyn Write, page: &PlanPage<'_>) -> io::Result<()> {
    let mut environment = Environment::new();
    environment.add_template("plan.html", TEMPLATE).map_err(io::Error::other)?;
    let template = environment.get_template("plan.html").map_err(io::Error::other)?;
    let plan = page.plan;
    let style = format!("{STYLE}{OWN_STYLE}");
    let findings: Vec<Value> = plan
        .findings
        .iter()
        .map(|finding| {
            context! {
                refuses => finding.severity == Severity::Refuse,
                code => finding.code,
                message => harmless(&finding.message),
                advice => harmless(&finding.advice),
            }
        })
        .collect();
    let domains: Vec<Value> = plan
        .domains
        .iter()
        .map(|domain| {
            let (name, about) = (harmless(&domain.domain), harmless(&domain.about));
            context! { name, about, rows => domain.rows, unknown => domain.unknown.join(", ") }
        })
        .collect();
    let reach = plan.touched.as_ref().map(|touched| {
        let total = &touched.total;
        let app = |app: &TouchedApp| {
            let (name, owners) = (harmless(app.label()), about(app));
            context! { name, about => owners, guests => app.guests }
        };
        context! {
            sentence => total_sentence(total),
            apps => total.apps.iter().flatten().map(app).collect::<Vec<_>>(),
            not_seen => not_seen(total),
        }
    });
    let mails: Vec<Value> = page.samples.mails.iter().map(sample_mail).collect();
    let received: Vec<Value> =
        deliveries(plan).into_iter().map(|(rows, about)| context! { rows, about }).collect();
    let section = |kind, title: &str, word: &str| {
        let groups: Vec<Value> =
            groups(plan, kind).iter().map(|group| group_view(group, page)).collect();
        context! { title, word, groups }
    };
    let values = context! {
        mark => Value::from_safe_string(MARK.to_owned()),
        style => Value::from_safe_string(style.clone()),
        style_hash => hash(&style),
        version => env!("CARGO_PKG_VERSION"),
        generated_at => moment(page.now),
        tenant => page.tenant(),
        about => page.about(),
        counts => context! {
            rows => plan.counts.rows,
            change => plan.counts.change,
            settled => plan.counts.settled,
            blocked => plan.counts.blocked,
        },
        digest => plan.digest.to_string(),
        command => harmless(&page.command),
        changes_nothing => page.changes_nothing(),
        refusals => page.refusals().join(", "),
        effort => plan.effort.map(|effort| effort.sentence()),
        mailing => plan.mailing.filter(Mailing::is_paced).map(|it| it.sentence()),
        findings => findings,
        received => received,
        mails => mails,
        domains => domains,
        reach => reach,
        sections => [
            section(Kind::Change, "What changes", "change"),
            section(Kind::Blocked, "What can't be carried out", "blocked"),
            section(Kind::Settled, "What needs nothing", "settled"),
        ],
    };
    template.render_captured_to(values, out).map(drop).map_err(io::Error::other)
}

fn group_view(group: &Group<'_>, page: &PlanPage<'_>) -> Value {
    let rows: Vec<Value> = group
        .rows
        .iter()
        .map(|row| {
            context! {
                line => row.line,
                guest => guest(row),
                more => particular(row, page.plan),
            }
        })
        .collect();
    context! {
        code => group.code,
        about => group.about,
        advice => group.advice,
        count => group.rows.len(),
        rows => rows,
    }
}
