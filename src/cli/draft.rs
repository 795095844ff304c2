//! `draft`: a manifest of the guests of a domain, or of a list of people.
//!
//! Leaves to others: who is matched (`draft`), its order (`campaign`).

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::anyhow;

use crate::campaign::{DraftRequest, Drafting, draft};
use crate::config::args::{Cli, DraftArgs};
use crate::config::{DeliveryWay, ManifestSettings};
use crate::draft::{Draft, Guest, People, Rules};
use crate::files;
use crate::manifest::{
    self, DomainMap, DoubtfulRow, DraftedGuest, DraftedRow, Options, RowProblem, Source,
    read_domain_map, write_doubtful, write_drafted,
};
use crate::report::{
    DraftView, Replace, check_report_path, count, draft_json, draft_text, report_file,
};
use crate::run::Stop;

use super::connect::client;
use super::failure::Failure;
use super::plan::{ROWS_PER_REASON, settings};
use super::planning::{interrupted, lines, options, runtime};
use super::report::unreplaced;
use super::ui::Ui;
use super::{Exit, lint, signals};

/// What a person decides, where no other file is named for it.
const REVIEW: &str = "review.csv";

pub(super) fn run(cli: &Cli, args: &DraftArgs, ui: &Ui) -> Result<Exit, Failure> {
    let files = Files::of(args);
    files.check(args, ui)?;
    let rules = rules(args, ui)?;
    let people = args.people.as_deref().map(|path| people(path, args, ui)).transpose()?;
    let settings = settings(cli, ui)?;
    let stop = Stop::new();
    let runtime = runtime()?;
    let _guard = runtime.enter();
    signals::listen(stop.clone());
    let graph = client(&settings, &stop, &lines(ui))?;
    let request = DraftRequest { rules, people, active_since: args.active_since };
    let drafting = runtime.block_on(async {
        tokio::select! {
            drafted = draft(&graph, &settings, &request) => drafted,
            () = stop.requested() => Err(crate::graph::CallError::Stopped),
        }
    });
    let drafting = drafting.map_err(|error| interrupted(error, &stop))?;
    let requests = count(drafting.requests, "request", "requests");
    ui.note(format_args!("directory read in one sweep over all guests, in {requests}"));
    let is_unseen = drafting.unreadable.iter().any(|unreadable| unreadable.what == "sign-ins");
    if args.active_since.is_some() && is_unseen {
        ui.warn("sign-ins can't be read: --active-since leaves nobody out");
    }
    files.write(&drafting.draft, ui)?;
    files.show(&drafting, ui)?;
    Ok(Exit::Done)
}

/// Where a draft goes.
struct Files {
    /// None is stdout.
    manifest: Option<PathBuf>,
    review: PathBuf,
    replace: Replace,
}

impl Files {
    fn of(args: &DraftArgs) -> Self {
        let manifest = (args.out != Path::new("-")).then(|| args.out.clone());
        let beside =
            || manifest.as_deref().map_or_else(|| REVIEW.into(), |m| m.with_file_name(REVIEW));
        Self {
            review: args.review.clone().unwrap_or_else(beside),
            manifest,
            replace: if args.force { Replace::Anything } else { Replace::Nothing },
        }
    }

    /// Makes sure that both can be written, before anything is read.
    fn check(&self, args: &DraftArgs, ui: &Ui) -> Result<(), Failure> {
        let usage = |text: String, hint| Err(Failure::new(Exit::Usage, anyhow!(text)).hint(hint));
        if self.manifest.is_none() && ui.json() {
            let text = "--out - and --output json would both write to stdout";
            return usage(text.to_owned(), "write the manifest to a file");
        }
        if self.review == Path::new("-") {
            let text = "what a person decides can't go to stdout";
            return usage(text.to_owned(), "name a file with --review");
        }
        let outputs: Vec<&Path> =
            self.manifest.iter().map(PathBuf::as_path).chain([&*self.review]).collect();
        let inputs = args.people.iter().chain(&args.map).map(|path| (&**path, "is read"));
        let others = inputs.chain([(&*self.review, "is for what a person decides")]);
        for (path, why) in others {
            let is_other = |output: &&&Path| !std::ptr::eq(**output, path) && is_one(output, path);
            if let Some(output) = outputs.iter().find(is_other) {
                let text =
                    format!("{} can't be written: {} {why}", output.display(), path.display());
                return usage(text, "name another file");
            }
        }
        for path in outputs {
            check_report_path(path, self.replace).map_err(unreplaced)?;
            files::check_replace(path).map_err(|error| {
                let text = format!("{} can't be written", path.display());
                Failure::new(Exit::Usage, anyhow::Error::new(error).context(text))
                    .hint("name another file, or mend its directory")
            })?;
        }
        Ok(())
    }

    fn write(&self, draft: &Draft, ui: &Ui) -> Result<(), Failure> {
        let unwritten = |error: crate::report::ResultFileError| {
            Failure::new(Exit::Unexpected, error)
                .hint("check the path, its permissions and the disk")
        };
        if self.has_review(draft) {
            report_file(&self.review, |out| write_review(out, draft)).map_err(unwritten)?;
        }
        match &self.manifest {
            _ if draft.rows.is_empty() => {}
            Some(path) => report_file(path, |out| write_rows(out, draft)).map_err(unwritten)?,
            None => write_rows(&mut ui.stdout(), draft).map_err(Failure::from_stdout)?,
        }
        Ok(())
    }

    /// Whether there is anything to decide, or the file of an earlier draft would be taken
    /// for this one's.
    fn has_review(&self, draft: &Draft) -> bool {
        !draft.review.is_empty() || self.review.exists()
    }

    fn show(&self, drafting: &Drafting, ui: &Ui) -> Result<(), Failure> {
        let draft = &drafting.draft;
        let manifest = self.manifest.as_deref().map(|path| path.display().to_string());
        let review = self.review.display().to_string();
        let is_stdout = self.manifest.is_none();
        let view = DraftView {
            styles: if is_stdout { ui.styles_err() } else { ui.styles_out() },
            max_rows_per_reason: if ui.verbose > 0 { usize::MAX } else { ROWS_PER_REASON },
            width: Ui::width(),
            manifest: manifest.as_deref().filter(|_| !draft.rows.is_empty()),
            review: Some(&*review).filter(|_| self.has_review(draft)),
        };
        if ui.json() {
            return draft_json(&mut ui.stdout(), drafting, &view, Exit::Done.code())
                .map_err(Failure::from_stdout);
        }
        if !is_stdout {
            draft_text(&mut ui.stdout(), drafting, &view).map_err(Failure::from_stdout)?;
        } else if ui.is_read_by_a_person() && !ui.quiet {
            draft_text(&mut ui.stderr(), drafting, &view)?;
        }
        if draft.rows.is_empty() {
            ui.note("nobody is to be moved without a person's word: no manifest is written");
        } else if let Some(manifest) = &view.manifest {
            ui.note(format_args!("next: reinvite plan {manifest}"));
        }
        if let Some(review) = view.review.filter(|_| !draft.review.is_empty()) {
            ui.note(format_args!(
                "in {review}, fill in new_email where you know it and delete the other rows; it is a manifest then"
            ));
        }
        Ok(())
    }
}

/// Whether two paths name one file.
fn is_one(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

/// The domains that move.
fn rules(args: &DraftArgs, ui: &Ui) -> Result<Rules, Failure> {
    let mut rules = Rules::default();
    if let (Some(from), Some(to)) = (&args.from, &args.to) {
        let added = rules.add(from.clone(), to.clone(), "--from and --to");
        added.map_err(|error| Failure::new(Exit::Usage, error).hint("name two domains"))?;
    }
    let Some(path) = &args.map else { return Ok(rules) };
    let DomainMap { name, moves, problems } =
        read_domain_map(&Source::from_arg(path), &Options::default())?;
    refuse(&name, &problems, ui)?;
    for moved in moves {
        let place = format!("{name} line {}", moved.line);
        rules.add(moved.from, moved.to, place.as_str()).map_err(|error| {
            let text = format!("{name}:{}: {error}", moved.line);
            Failure::new(Exit::Usage, anyhow!(text)).hint("keep one row for each domain")
        })?;
    }
    Ok(rules)
}

/// Tells the problems of a file, and refuses it for them.
fn refuse(name: &str, problems: &[RowProblem], ui: &Ui) -> Result<(), Failure> {
    if problems.is_empty() {
        return Ok(());
    }
    lint::tell_problems(name, problems, ui)?;
    let problems = count(problems.len() as u64, "problem", "problems");
    Err(Failure::new(Exit::Usage, anyhow!("{name}: {problems}")).hint("mend the rows"))
}

/// The list of people.
fn people(path: &Path, args: &DraftArgs, ui: &Ui) -> Result<People, Failure> {
    let settings = ManifestSettings {
        reset_only: false,
        columns: args.columns.clone(),
        sheet: args.sheet.clone(),
        include_hidden: args.include_hidden,
    };
    // What is carbon copied is of no interest in a list of people.
    let options = options(&settings, DeliveryWay::Files);
    let loaded = manifest::read(&Source::from_arg(path), &options)?;
    lint::detected(&loaded.manifest, ui);
    if !loaded.problems.is_empty() {
        lint::problems(&loaded, ui)?;
        let bad = loaded.manifest.invalid.len() as u64;
        if !args.skip_invalid || loaded.manifest.rows.is_empty() {
            let problems = count(loaded.problems.len() as u64, "problem", "problems");
            let message = anyhow!("{}: {problems}; nothing was drafted", loaded.manifest.name);
            return Err(Failure::new(Exit::Usage, message)
                .hint("mend the rows, or leave them out with --skip-invalid"));
        }
        let rows = count(bad, "unusable row is", "unusable rows are");
        ui.warn(format_args!("{rows} skipped, as asked"));
    }
    let name = path.file_name().map_or_else(|| "-".into(), |name| name.to_string_lossy());
    let people = People::new(name.into_owned(), &loaded.manifest);
    if people.is_nameless() {
        ui.note("the list has no column with names: whether an address is the person's is seen less well");
    }
    Ok(people)
}

fn write_rows(out: &mut dyn Write, draft: &Draft) -> io::Result<()> {
    write_drafted(
        out,
        draft.rows.iter().map(|row| DraftedRow {
            guest: guest(&row.guest),
            new_email: &row.new_email,
            matched: row.matched.as_str(),
            evidence: &row.evidence,
        }),
    )
}

fn write_review(out: &mut dyn Write, draft: &Draft) -> io::Result<()> {
    write_doubtful(
        out,
        draft.review.iter().map(|row| {
            let words = row.doubt.words();
            let reason = format!("{}: {}", words.code, row.sentence());
            let candidates = row.candidates.iter();
            DoubtfulRow {
                guest: guest(&row.guest),
                reason,
                advice: words.advice,
                candidates: candidates.map(|found| (&found.address, &*found.evidence)).collect(),
            }
        }),
    )
}

fn guest(guest: &Guest) -> DraftedGuest<'_> {
    DraftedGuest {
        user: guest.id,
        current_email: guest.mail.as_deref(),
        name: guest.name.as_deref(),
        last_sign_in: guest.last_sign_in,
    }
}
