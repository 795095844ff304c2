//! `preview`: the mail that each guest will get, with a link that leads nowhere.

use std::path::Path;

use anyhow::anyhow;
use jiff::Timestamp;

use crate::campaign::sample_letter;
use crate::config::args::{Cli, PreviewArgs};
use crate::config::{DeliverySettings, DeliveryWay, OfflineSettings, RowSelector};
use crate::delivery::{
    Folder, Letter, Mail, Mailer, MessageError, MessageId, Outcome, Sender, TemplateError,
    Templates, check,
};
use crate::domain::{Email, GuestRef};
use crate::manifest::{self, Manifest, Row, Source};
use crate::report::{Schema, count};
use crate::run::Stop;

use super::checkpoint_args::offline;
use super::connect::client;
use super::failure::Failure;
use super::planning::{lines, options, runtime};
use super::ui::Ui;
use super::{Exit, lint, plan};

pub(super) fn run(cli: &Cli, args: &PreviewArgs, ui: &Ui) -> Result<Exit, Failure> {
    let settings = offline(cli, ui)?;
    let delivery = &settings.delivery;
    let sender = sender(delivery)?;
    let options = options(&settings.manifest, settings.delivery.by);
    let loaded = manifest::read(&Source::from_arg(&args.manifest), &options)?;
    lint::detected(&loaded.manifest, ui);
    if !loaded.problems.is_empty() {
        lint::problems(&loaded, ui)?;
        let problems = count(loaded.problems.len() as u64, "problem", "problems");
        let message = anyhow!("{}: {problems}", loaded.manifest.name);
        return Err(Failure::new(Exit::Usage, message).hint("mend the rows, then look again"));
    }
    let letters = letters(&loaded.manifest, &args.rows, &settings, &sender, ui)?;
    let languages = letters.iter().map(|letter| letter.language.as_ref());
    let templates = Templates::load(delivery, settings.invitation.language.as_ref(), languages)?;
    fit(&templates, &loaded.manifest, ui)?;
    let now = Timestamp::now();
    let mails: Vec<Mail> = letters
        .iter()
        .map(|letter| {
            let id = MessageId::random(&sender.from.address);
            Mail::new(&templates, letter, &sender, id, now)
        })
        .collect::<Result<_, _>>()?;
    if let Some(to) = &args.to {
        send(cli, delivery, &letters, &templates, &sender, to, ui)?;
    } else if let Some(directory) = &args.out {
        write(directory, &mails, ui)?;
    } else if !ui.json() {
        let mut stdout = ui.stdout();
        let told = mails.iter().try_for_each(|mail| as_text(mail, &mut stdout));
        told.map_err(Failure::from_stdout)?;
    }
    if ui.json() {
        json(&mails, ui)?;
    }
    Ok(Exit::Done)
}

fn sender(delivery: &DeliverySettings) -> Result<Sender, Failure> {
    let by = delivery.by;
    Sender::of(delivery).filter(|_| by.is_own()).ok_or_else(|| {
        let text = format!("[delivery] by is `{}`: there is no mail of your own", by.as_str());
        Failure::new(Exit::Usage, anyhow!(text))
            .hint("set `by` to \"graph\", \"smtp\" or \"files\", and `from` to the sender")
    })
}

/// The letters of the rows that are asked for, of all rows when none is.
fn letters(
    manifest: &Manifest,
    rows: &[RowSelector],
    settings: &OfflineSettings,
    sender: &Sender,
    ui: &Ui,
) -> Result<Vec<Letter>, Failure> {
    for selector in rows {
        if !manifest.rows.iter().any(|row| selects(selector, row)) {
            let message = anyhow!("{}: no row is {selector}", manifest.name);
            return Err(Failure::new(Exit::Usage, message)
                .hint("name a row by its line, its user or its new address"));
        }
    }
    let is_wanted =
        |row: &&Row| rows.is_empty() || rows.iter().any(|selector| selects(selector, row));
    let mut letters = Vec::new();
    let (mut silent, mut nameless) = (0, 0);
    for row in manifest.rows.iter().filter(is_wanted) {
        if !row.send.unwrap_or(settings.invitation.send) {
            silent += 1;
        } else if let Some(letter) =
            sample_letter(row, &manifest.extra_columns, &settings.invitation, sender)
        {
            letters.push(letter);
        } else {
            nameless += 1;
        }
    }
    if silent > 0 {
        let rows = count(silent, "row gets", "rows get");
        ui.note(format_args!("{rows} no mail: send is off"));
    }
    if nameless > 0 {
        let rows = count(nameless, "row is", "rows are");
        ui.note(format_args!("{rows} left out: only the directory knows the address"));
    }
    Ok(letters)
}

fn selects(selector: &RowSelector, row: &Row) -> bool {
    match selector {
        RowSelector::Line(line) => u64::from(row.line) == *line,
        RowSelector::User(user) => {
            let new = row.wish.address().map(|email| GuestRef::parse(email.as_str()));
            row.user == *user || new.is_some_and(|new| new == *user)
        }
    }
}

/// Says what of the templates does not fit, and refuses what could not be sent.
fn fit(templates: &Templates, manifest: &Manifest, ui: &Ui) -> Result<(), Failure> {
    let problems = check(templates, &manifest.extra_columns);
    let mut fatal = problems.iter().filter(|problem| problem.is_fatal);
    for problem in problems.iter().filter(|problem| !problem.is_fatal) {
        ui.warn(format_args!("{problem}; {}", problem.advice));
    }
    let Some(first) = fatal.next() else { return Ok(()) };
    let mut failure =
        Failure::new(Exit::Usage, anyhow!(first.to_string())).hint(first.advice.clone());
    for problem in fatal {
        failure = failure.hint(format!("{problem}; {}", problem.advice));
    }
    Err(failure)
}

/// Sends the mails to oneself.
fn send(
    cli: &Cli,
    delivery: &DeliverySettings,
    letters: &[Letter],
    templates: &Templates,
    sender: &Sender,
    to: &Email,
    ui: &Ui,
) -> Result<(), Failure> {
    let mailer = Mailer::of(delivery)?.ok_or_else(|| {
        let text = format!("--to does not send by `{}`", delivery.by.as_str());
        Failure::new(Exit::Usage, anyhow!(text))
            .hint("look at the mails with --out, or set `by` to \"graph\" or \"smtp\"")
    })?;
    let runtime = runtime()?;
    let _guard = runtime.enter();
    // A mailbox of the tenant takes mails of whoever has signed in.
    let graph = match delivery.by {
        DeliveryWay::Graph => Some(client(&plan::settings(cli, ui)?, &Stop::new(), &lines(ui))?),
        DeliveryWay::Microsoft | DeliveryWay::Smtp | DeliveryWay::Files | DeliveryWay::None => None,
    };
    for letter in letters {
        let letter = Letter { to: to.clone(), cc: Vec::new(), ..letter.clone() };
        let id = MessageId::random(&sender.from.address);
        let mail = Mail::new(templates, &letter, sender, id, Timestamp::now())?;
        let why = match runtime.block_on(mailer.send(&mail, &letter, graph.as_ref())) {
            Outcome::Accepted { .. } => continue,
            Outcome::RefusedRecipient(refused) | Outcome::RefusedSender(refused) => {
                format!("refused: {refused}")
            }
            Outcome::TryLater { why, .. } => format!("not now: {why}"),
            Outcome::NotSent { why } => format!("not sent: {why}"),
            Outcome::Lost { why } | Outcome::Unsettled { why } => {
                format!("it may have been sent: {why}")
            }
        };
        let message = anyhow!("the mail to {to}: {why}");
        let place = if graph.is_some() { "[delivery] from" } else { "[delivery.smtp]" };
        return Err(Failure::new(Exit::Unexpected, message).hint(format!("see {place}")));
    }
    let mails = count(letters.len() as u64, "mail", "mails");
    ui.note(format_args!("{mails} sent to {to}; their links lead nowhere"));
    Ok(())
}

fn write(directory: &Path, mails: &[Mail], ui: &Ui) -> Result<(), Failure> {
    let folder = Folder::open(directory)?;
    for mail in mails {
        folder.show(mail)?;
    }
    let mails = count(mails.len() as u64, "mail", "mails");
    ui.note(format_args!("{mails} in {}: .eml and .html of each", directory.display()));
    Ok(())
}

fn json(mails: &[Mail], ui: &Ui) -> Result<(), Failure> {
    let mails: Vec<_> = mails.iter().map(as_json).collect();
    let object = serde_json::json!({
        "summary": { "mails": mails.len(), "exit_code": Exit::Done.code() },
        "mails": mails,
    });
    Schema::Preview.write(&mut ui.stdout(), &object).map_err(Failure::from_stdout)
}

fn as_json(mail: &Mail) -> serde_json::Value {
    serde_json::json!({
        "from": mail.from.as_str(),
        "to": mail.to.as_str(),
        "cc": mail.cc.iter().map(Email::as_str).collect::<Vec<_>>(),
        "subject": mail.subject,
        "text": mail.text(),
        "html": mail.html(),
    })
}

fn as_text(mail: &Mail, out: &mut dyn std::io::Write) -> std::io::Result<()> {
    writeln!(out, "To:      {}", mail.to)?;
    for copy in &mail.cc {
        writeln!(out, "Cc:      {copy}")?;
    }
    writeln!(out, "Subject: {}\n", mail.subject)?;
    for line in mail.text().lines() {
        // A terminal must not be steered by what stands in a manifest.
        let line: String = line.chars().filter(|c| !c.is_control() || *c == '\t').collect();
        writeln!(out, "{}", format!("  {line}").trim_end())?;
    }
    writeln!(out)
}

impl From<TemplateError> for Failure {
    fn from(error: TemplateError) -> Self {
        let advice = error.advice();
        Self::new(Exit::Usage, error).hint(advice)
    }
}

impl From<MessageError> for Failure {
    fn from(error: MessageError) -> Self {
        match error {
            MessageError::Template(error) => error.into(),
            error @ (MessageError::Address(_) | MessageError::Shape(_)) => {
                Self::new(Exit::Usage, error)
            }
        }
    }
}
