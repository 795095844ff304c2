//! `completions`: what a shell reads to complete the command line.

use clap::CommandFactory as _;
use clap_complete::{generate, shells};

use crate::config::args::{Cli, CompletionsArgs, Shell};

use super::Exit;
use super::failure::Failure;
use super::ui::Ui;

pub(super) fn run(args: &CompletionsArgs, ui: &Ui) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    let (mut command, name) = (Cli::command(), "reinvite");
    match args.shell {
        Shell::Bash => generate(shells::Bash, &mut command, name, &mut script),
        Shell::Zsh => generate(shells::Zsh, &mut command, name, &mut script),
        Shell::Fish => generate(shells::Fish, &mut command, name, &mut script),
        Shell::Powershell => generate(shells::PowerShell, &mut command, name, &mut script),
        Shell::Elvish => generate(shells::Elvish, &mut command, name, &mut script),
        Shell::Nushell => {
            generate(clap_complete_nushell::Nushell, &mut command, name, &mut script);
        }
    }
    std::io::Write::write_all(&mut ui.stdout(), &script).map_err(Failure::of_stdout)?;
    Ok(Exit::Done)
}
