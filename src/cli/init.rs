//! `init`: a commented configuration, its schema and a manifest to start from.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;

use crate::config::EXAMPLE;
use crate::config::args::{DEFAULT_CONFIG, InitArgs};

use crate::report::{Schema, schema_document};

use super::Exit;
use super::failure::Failure;
use super::ui::Ui;

/// A manifest to start from: the columns, and rows to replace.
const MANIFEST: &str = include_str!("../../samples/starter.csv");
const MANIFEST_NAME: &str = "guests.csv";

/// What an editor checks the configuration by; its first line names it.
const SCHEMA_NAME: &str = "reinvite.schema.json";

pub(super) fn run(args: &InitArgs, ui: &Ui) -> Result<Exit, Failure> {
    let directory = &args.directory;
    std::fs::create_dir_all(directory)
        .with_context(|| format!("cannot create the directory {}", directory.display()))
        .map_err(|error| Failure::new(Exit::Usage, error))?;
    let schema = schema_document("config").expect("it is one of ours");
    let files = [(DEFAULT_CONFIG, EXAMPLE), (MANIFEST_NAME, MANIFEST), (SCHEMA_NAME, &*schema)];
    if !args.force {
        // All or none: half an initialisation would have to be explained.
        for (name, _) in files {
            let path = directory.join(name);
            if path.exists() {
                return Err(Failure::new(
                    Exit::Usage,
                    anyhow::anyhow!("{} is already there", path.display()),
                )
                .hint("--force replaces it"));
            }
        }
    }
    let mut written = Vec::new();
    for (name, content) in files {
        let path = directory.join(name);
        write(&path, content, args.force)
            .with_context(|| format!("cannot write {}", path.display()))
            .map_err(|error| Failure::new(Exit::Usage, error))?;
        ui.note(format_args!("wrote {}", path.display()));
        written.push(path.display().to_string());
    }
    if ui.json() {
        let object = serde_json::json!({ "written": written });
        Schema::Init.write(&mut ui.stdout(), &object).map_err(Failure::from_stdout)?;
    }
    let place = if directory == Path::new(".") {
        String::new()
    } else {
        format!("in {}: ", directory.display())
    };
    ui.note(format_args!(
        "next, {place}fill in [tenant] and [auth], then `reinvite doctor`; replace the rows, then `reinvite plan {MANIFEST_NAME}`"
    ));
    Ok(Exit::Done)
}

fn write(path: &Path, content: &str, replace: bool) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true);
    if replace {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    options.open(path)?.write_all(content.as_bytes())
}
