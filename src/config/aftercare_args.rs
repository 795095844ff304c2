//! The own arguments of `aftercare`. Doc comments are the help texts; every flag is also an
//! environment variable, `REINVITE_` and its name.
//!
//! Leaves to others: what is found (`campaign`), and the files (`report`, `cli`).

use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;

/// `aftercare`.
#[derive(Debug, Clone, Args)]
pub struct AftercareArgs {
    /// Manifest of the campaign, to find its checkpoint, or the checkpoint itself
    #[arg(value_name = "MANIFEST|CHECKPOINT")]
    pub campaign: Option<PathBuf>,

    /// Write the files into this directory, which is made where it is not there
    #[arg(long, value_name = "DIR", env = "REINVITE_OUT", hide_env_values = true)]
    pub out: PathBuf,

    /// Replace files of these names that are there, and may have been worked on
    #[arg(
        long,
        env = "REINVITE_FORCE",
        hide_env_values = true,
        value_parser = BoolishValueParser::new()
    )]
    pub force: bool,
}
