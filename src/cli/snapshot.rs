//! `snapshot`: a copy of what a plan sees of the tenant, which `emulate` serves.
//!
//! Leaves to others: reading it (`campaign`), its form and the pseudonyms (`emulator`).

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::anyhow;

use crate::campaign::{Snapshot, snapshot};
use crate::config::args::{Cli, SnapshotArgs};
use crate::domain::Unreadable;
use crate::emulator::{Pseudonyms, TenantSeed};
use crate::files;
use crate::graph::CallError;
use crate::manifest::{self, Manifest, Source, write_covered};
use crate::report::{Replace, Schema, check_report_path, count, harmless, report_file};
use crate::run::Stop;

use super::connect::client;
use super::failure::Failure;
use super::plan::settings;
use super::planning::{interrupted, lines, options, runtime};
use super::report::unreplaced;
use super::ui::Ui;
use super::{Exit, lint, signals};

pub(super) fn run(cli: &Cli, args: &SnapshotArgs, ui: &Ui) -> Result<Exit, Failure> {
    let covered = covered(args);
    for path in [Some(&*args.out), covered.as_deref()].into_iter().flatten() {
        check(path, args)?;
    }
    let settings = settings(cli, ui)?;
    let manifest = args.manifest.as_deref().map(|path| {
        let options = options(&settings.manifest, settings.delivery.by);
        let loaded = manifest::read(&Source::from_arg(path), &options)?;
        lint::detected(&loaded.manifest, ui);
        let bad = loaded.manifest.invalid.len() as u64;
        if bad > 0 {
            let rows = count(bad, "unusable row is", "unusable rows are");
            ui.warn(format_args!("{rows} left out; lint tells why"));
        }
        Ok::<_, Failure>(loaded.manifest)
    });
    let manifest = manifest.transpose()?;
    let stop = Stop::new();
    let runtime = runtime()?;
    let _guard = runtime.enter();
    signals::listen(stop.clone());
    let graph = client(&settings, &stop, &lines(ui))?;
    let read = runtime.block_on(async {
        tokio::select! {
            read = snapshot(&graph, &settings, manifest.as_ref()) => read,
            () = stop.requested() => Err(CallError::Stopped),
        }
    });
    let read = read.map_err(|error| interrupted(error, &stop))?;
    let requests = count(read.requests, "request", "requests");
    ui.note(format_args!("directory read in one sweep over all guests, in {requests}"));
    write(args, &read, manifest.as_ref(), covered.as_deref())?;
    show(args, &read, covered.as_deref(), ui)?;
    Ok(Exit::Done)
}

/// Where the manifest goes under pseudonyms.
fn covered(args: &SnapshotArgs) -> Option<PathBuf> {
    args.manifest.as_ref().filter(|_| args.pseudonymise)?;
    let mut name = args.out.clone().into_os_string();
    name.push(".csv");
    Some(name.into())
}

fn check(path: &Path, args: &SnapshotArgs) -> Result<(), Failure> {
    let is_one = |other: &Path| match (path.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => path == other,
    };
    if args.manifest.as_deref().is_some_and(is_one) {
        let text = format!("{} can't be written: it is read", path.display());
        return Err(Failure::new(Exit::Usage, anyhow!(text)).hint("name another file"));
    }
    let replace = if args.force { Replace::Anything } else { Replace::Nothing };
    check_report_path(path, replace).map_err(unreplaced)?;
    files::check_replace(path).map_err(|error| {
        let text = format!("{} can't be written", path.display());
        Failure::new(Exit::Usage, anyhow::Error::new(error).context(text))
            .hint("name another file, or mend its directory")
    })
}

fn write(
    args: &SnapshotArgs,
    read: &Snapshot,
    manifest: Option<&Manifest>,
    covered: Option<&Path>,
) -> Result<(), Failure> {
    let permissions: Vec<&str> = read.permissions.iter().map(String::as_str).collect();
    let mut seed = TenantSeed::copy_of(&read.directory, &permissions);
    let unwritten = |error: crate::report::ResultFileError| {
        Failure::new(Exit::Unexpected, error).hint("check the path, its permissions and the disk")
    };
    if args.pseudonymise {
        let pseudonyms =
            Pseudonyms::new().map_err(|error| Failure::new(Exit::Unexpected, error))?;
        pseudonyms.cover(&mut seed);
        if let (Some(path), Some(manifest)) = (covered, manifest) {
            report_file(path, |out| {
                write_covered(
                    out,
                    manifest,
                    |id| pseudonyms.id(id),
                    |name| pseudonyms.address(name),
                )
            })
            .map_err(unwritten)?;
        }
    }
    report_file(&args.out, |out| {
        serde_json::to_writer(&mut *out, &seed)?;
        out.write_all(b"\n")
    })
    .map_err(unwritten)
}

fn show(
    args: &SnapshotArgs,
    read: &Snapshot,
    covered: Option<&Path>,
    ui: &Ui,
) -> Result<(), Failure> {
    let directory = &read.directory;
    let guests = directory.users().iter().filter(|user| user.is_external()).count();
    let members = directory.users().len() - guests;
    let mut holders: Vec<_> = directory.other_holders().map(|(_, holder)| holder.id).collect();
    holders.sort_unstable();
    holders.dedup();
    let roles = directory.role_holders.as_ref().map_or(0, std::collections::HashMap::len);
    let file = args.out.display().to_string();
    let covered = covered.map(|path| path.display().to_string());
    if ui.json() {
        let object = serde_json::json!({
            "summary": {
                "file": file,
                "manifest": covered,
                "pseudonyms": args.pseudonymise,
                "guests": guests,
                "members": members,
                "holders": holders.len(),
                "role_holders": roles,
                "exit_code": Exit::Done.code(),
            },
            "unreadable": directory.unreadable,
        });
        return Schema::Snapshot.write(&mut ui.stdout(), &object).map_err(Failure::from_stdout);
    }
    let name = directory.tenant.display_name.as_deref().unwrap_or("the tenant");
    let counted = [
        count(guests as u64, "guest", "guests"),
        count(members as u64, "member", "members"),
        count(holders.len() as u64, "other holder of addresses", "other holders of addresses"),
        count(roles as u64, "role holder", "role holders"),
    ];
    let pseudonyms = if args.pseudonymise { ", under pseudonyms" } else { "" };
    let text = format!("{file}: {} with {}{pseudonyms}", name, counted.join(", "));
    writeln!(ui.stdout(), "{}", harmless(&text)).map_err(Failure::from_stdout)?;
    for Unreadable { what, consequence, permission, .. } in &directory.unreadable {
        ui.warn(format_args!("{what} can't be read ({consequence}); {permission} shows it"));
    }
    if args.manifest.is_none() {
        ui.note("without a manifest, nobody who holds a new address is in it");
    }
    let manifest = covered.map_or_else(String::new, |path| format!(", and use {path} with it"));
    ui.note(format_args!("next: reinvite emulate --tenant {file}{manifest}"));
    Ok(())
}
