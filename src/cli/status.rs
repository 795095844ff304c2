//! `status`: the campaign in numbers, from the checkpoint alone.

use crate::checkpoint::read_status;
use crate::config::args::{Cli, StatusArgs};
use crate::report::{status_json, status_text};

use super::Exit;
use super::checkpoint_args::{checkpoint_of, offline};
use super::failure::Failure;
use super::ui::Ui;

pub(super) fn run(cli: &Cli, args: &StatusArgs, ui: &Ui) -> Result<Exit, Failure> {
    let settings = offline(cli, ui)?;
    let path = checkpoint_of(args.manifest.as_deref(), settings.checkpoint.as_deref())?;
    let status = read_status(&path)?;
    let told = if ui.json() {
        status_json(&mut ui.stdout(), &status)
    } else {
        status_text(&mut ui.stdout(), &status, ui.styles_out(), Ui::width())
    };
    told.map_err(Failure::from_stdout)?;
    Ok(Exit::Done)
}
