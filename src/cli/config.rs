//! `config`: the configuration as it is in force.

use crate::config::args::{Cli, ConfigAction, ConfigArgs};
use crate::config::shown;
use crate::report::{Schema, configuration_json, configuration_text};

use super::elsewhere::Elsewhere;
use super::failure::Failure;
use super::ui::Ui;
use super::{Exit, pager};

pub(super) fn run(cli: &Cli, args: &ConfigArgs, ui: &Ui) -> Result<Exit, Failure> {
    match args.action {
        ConfigAction::Show => show(cli, args.origin, ui),
    }
}

fn show(cli: &Cli, origin: bool, ui: &Ui) -> Result<Exit, Failure> {
    let (path, named) = cli.global.config_file();
    let env = |name: &str| std::env::var_os(name);
    let keys = shown(path, named, env, &cli.overrides());
    if let Some(elsewhere) = Elsewhere::of(cli).filter(|_| keys.is_err()) {
        ui.warn(elsewhere);
    }
    let keys = keys?;
    if ui.json() {
        let object = configuration_json(&keys);
        Schema::ConfigShow.write(&mut ui.stdout(), &object).map_err(Failure::from_stdout)?;
    } else {
        let text = configuration_text(&keys, origin, ui.styles_out());
        pager::show(text.as_bytes(), ui).map_err(Failure::from_stdout)?;
    }
    Ok(Exit::Done)
}
