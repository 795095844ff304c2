//! `verify`: what the directory shows of the campaign's guests. It writes to the
//! checkpoint alone.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::campaign::{Verified, verify};
use crate::checkpoint::{Checkpoint, RunEnd, read_status};
use crate::config::Settings;
use crate::config::args::{Cli, VerifyArgs};
use crate::domain::Directory;
use crate::report::{VerifyView, verify_json, verify_text};
use crate::run::Stop;

use super::after::After;
use super::checkpoint_args::checkpoint_of;
use super::connect::client;
use super::failure::Failure;
use super::plan::settings;
use super::planning::{Context, lines, reading, runtime};
use super::reconcile::ROWS_PER_LIST;
use super::running::earlier_runs_ended_at;
use super::ui::Ui;
use super::{Exit, signals};

pub(super) fn run(cli: &Cli, args: &VerifyArgs, ui: &Ui) -> Result<Exit, Failure> {
    let settings = settings(cli, ui)?;
    let after = After::of(&settings, ui);
    let result = look(&settings, args, &after, ui);
    after.conclude(result)
}

fn look(
    settings: &Settings,
    args: &VerifyArgs,
    after: &After<'_>,
    ui: &Ui,
) -> Result<Exit, Failure> {
    let path = checkpoint_of(args.manifest.as_deref(), settings.checkpoint.as_deref())?;
    ui.chronicle.checkpoint(&path);
    // There has to be a campaign: looking at one must not begin one.
    read_status(&path)?;
    let stop = Stop::new();
    let runtime = runtime()?;
    let _guard = runtime.enter();
    signals::listen(stop.clone());
    let graph = client(settings, &stop, &lines(ui))?;
    let checkpoint = Checkpoint::open(&path, Timestamp::now())?;
    after.started();
    let (ledger, past) = (checkpoint.ledger()?, checkpoint.past()?);
    let last_run = checkpoint.last_run()?;
    let ids: BTreeSet<_> = ledger.users().collect();
    let context = Context { runtime: &runtime, graph: &graph, settings, stop: &stop, ui };
    let read_at = graph.clock().now();
    let (claims, directory): (_, Directory) = reading(&context, async {
        let claims = graph.sign_in().await?;
        Ok((claims, graph.guests(&ids).await?))
    })?;
    let tenant = directory.tenant.id.clone().or(claims.tenant().map(str::to_owned));
    checkpoint.claim(&tenant.unwrap_or_else(|| settings.tenant.id.clone()))?;
    let earlier_runs_ended_at = earlier_runs_ended_at(last_run.as_ref(), read_at);
    let journal = checkpoint.begin_look("verify", read_at)?;
    let looked = runtime.block_on(verify(
        &graph,
        &directory,
        (&ledger, &past),
        &journal,
        settings,
        (read_at, earlier_runs_ended_at),
    ));
    let exit = looked.as_ref().map_or(Exit::Unexpected, exit_of);
    let summary = looked.as_ref().map(serde_json::to_value).ok().and_then(Result::ok);
    let ended = journal.end_run(&RunEnd {
        at: Timestamp::now(),
        stop_reason: None,
        exit_code: exit.code(),
        summary: summary.unwrap_or_default().to_string(),
    });
    let verified = looked.map_err(|error| match error {
        crate::campaign::NightError::Call(error) => Failure::from(error),
        crate::campaign::NightError::Checkpoint(error) => error.into(),
    })?;
    let told = if ui.json() {
        verify_json(&mut ui.stdout(), &verified, exit.code())
    } else {
        let most_rows = if ui.verbose > 0 { usize::MAX } else { ROWS_PER_LIST };
        let view = VerifyView { styles: ui.styles_out(), width: Ui::width(), most_rows };
        verify_text(&mut ui.stdout(), &verified, &view)
    };
    told.map_err(Failure::of_stdout)?;
    ended.map_err(|error| Failure::from(error).told())?;
    Ok(exit)
}

fn exit_of(verified: &Verified) -> Exit {
    if !verified.unknown.is_empty() {
        Exit::SomeUnknown
    } else if !verified.attention.is_empty() {
        Exit::SomeFailed
    } else {
        Exit::Done
    }
}
