//! `schema`: the JSON Schemas of outputs and configuration, for programs and editors.

use std::io::Write as _;

use anyhow::anyhow;

use crate::config::args::SchemaArgs;
use crate::report::{schema_document, schema_names};

use super::Exit;
use super::failure::Failure;
use super::ui::Ui;

pub(super) fn run(args: &SchemaArgs, ui: &Ui) -> Result<Exit, Failure> {
    let names = || schema_names().collect::<Vec<_>>();
    let text = match &args.name {
        None => names().join("\n") + "\n",
        Some(name) => schema_document(name).ok_or_else(|| {
            Failure::new(Exit::Usage, anyhow!("there is no schema `{name}`"))
                .hint(format!("there are {}", names().join(", ")))
        })?,
    };
    ui.stdout().write_all(text.as_bytes()).map_err(Failure::from_stdout)?;
    Ok(Exit::Done)
}
