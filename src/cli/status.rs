//! `status`: the campaign in numbers, from the checkpoint alone.

use crate::checkpoint::{self, read_status};
use crate::config::args::{Cli, StatusArgs};
use crate::report::{
    FailureGroup, LastRun, NotInManifestCounts, ResendCounts, Status, status_json, status_text,
};

use super::Exit;
use super::checkpoint_args::{checkpoint_of, offline};
use super::failure::Failure;
use super::ui::Ui;

pub(super) fn run(cli: &Cli, args: &StatusArgs, ui: &Ui) -> Result<Exit, Failure> {
    let settings = offline(cli, ui)?;
    let path = checkpoint_of(args.manifest.as_deref(), settings.checkpoint.as_deref())?;
    let status = shown(read_status(&path)?);
    let told = if ui.json() {
        status_json(&mut ui.stdout(), &status)
    } else {
        status_text(&mut ui.stdout(), &status, ui.styles_out(), Ui::width())
    };
    told.map_err(Failure::of_stdout)?;
    Ok(Exit::Done)
}

fn shown(status: checkpoint::Status) -> Status {
    Status {
        manifest: status.manifest,
        tenant: match status.tenant_name {
            Some(name) => format!("{name} ({})", status.tenant),
            None => status.tenant,
        },
        created: status.created_at.unwrap_or_default(),
        rows: status.rows,
        counts: status.counts,
        resends: ResendCounts {
            outstanding: status.resends.outstanding,
            failed: status.resends.failed,
        },
        not_in_manifest: NotInManifestCounts {
            invited: status.not_in_manifest.invited,
            patched: status.not_in_manifest.patched,
            unknown: status.not_in_manifest.unknown,
            failed: status.not_in_manifest.failed,
            not_attempted: status.not_in_manifest.not_attempted,
        },
        last_run: status.last_run.map(|run| LastRun {
            started: run.started_at,
            ended: run.ended_at,
            stop_reason: run.stop_reason,
            exit_code: run.exit_code,
        }),
        locked_by: status.held_by.map(|owner| owner.to_string()),
        failures: status
            .failures
            .into_iter()
            .map(|failure| FailureGroup {
                code: failure.code,
                rows: failure.rows,
                message: failure.message,
            })
            .collect(),
    }
}
