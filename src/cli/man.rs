//! `man`: the manual pages, made from the help.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::anyhow;
use clap::{Command, CommandFactory as _};
use clap_mangen::Man;

use crate::config::args::{Cli, ManArgs};

use super::Exit;
use super::failure::Failure;
use super::ui::Ui;

pub(super) fn run(args: &ManArgs, ui: &Ui) -> Result<Exit, Failure> {
    let mut program = Cli::command();
    program.build();
    if let Some(directory) = &args.out {
        write_all(&program, directory, ui)?;
        return Ok(Exit::Done);
    }
    let command = match &args.command {
        None => &program,
        Some(name) => program.find_subcommand(name).ok_or_else(|| {
            Failure::new(Exit::Usage, anyhow!("{name} is no command of reinvite"))
                .hint("`reinvite --help` lists them")
        })?,
    };
    ui.stdout().write_all(&page(command)?).map_err(Failure::of_stdout)?;
    Ok(Exit::Done)
}

/// One page for the program and one for each command, named as `man` looks for them.
fn write_all(program: &Command, directory: &Path, ui: &Ui) -> Result<(), Failure> {
    let unwritten = |path: &Path, error: &std::io::Error| {
        Failure::new(Exit::Unexpected, anyhow!("{} can't be written: {error}", path.display()))
    };
    fs::create_dir_all(directory).map_err(|error| unwritten(directory, &error))?;
    let commands = program.get_subcommands().filter(|command| command.get_name() != "help");
    let mut pages = 0;
    for command in std::iter::once(program).chain(commands) {
        let name = command.get_display_name().unwrap_or_else(|| command.get_name());
        let path = directory.join(format!("{name}.1"));
        fs::write(&path, page(command)?).map_err(|error| unwritten(&path, &error))?;
        pages += 1;
    }
    ui.note(format_args!("{pages} pages written to {}", directory.display()));
    Ok(())
}

/// What clap knows of a command as a page, with the examples that its help begins with.
fn page(command: &Command) -> std::io::Result<Vec<u8>> {
    let mut page = Vec::new();
    let man = Man::new(command.clone());
    man.render(&mut page)?;
    let help = command.clone().render_long_help().to_string();
    let (examples, _) = help.split_once("\n\n").unwrap_or((&help, ""));
    writeln!(page, ".SH EXAMPLES\n.nf")?;
    for example in examples.lines().skip(1) {
        writeln!(page, "{}", example.replace('\\', "\\e").replace('-', "\\-"))?;
    }
    writeln!(page, ".fi")?;
    Ok(page)
}
