//! Why a template can't be used, and what to do about it.
//!
//! Leaves to others: finding that out (`templates`, `template_files`).

use std::io;
use std::path::PathBuf;

/// Why a template can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    #[error("cannot read the template `{path}`")]
    Unreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// There is none for a language, nor for any that could stand in.
    #[error("there is no template for `{language}`: looked for {tried}")]
    Missing { language: String, tried: String, section: &'static str },
    #[error("the template {name} is not UTF-8 text")]
    NotText { name: String },
    /// It is no template, or does not work for one guest.
    #[error("{name}{}: {what}", line.map(|line| format!(":{line}")).unwrap_or_default())]
    Broken { name: String, line: Option<usize>, what: String },
    /// The image that it shows.
    #[error("{name} shows `cid:{image}`: {what}")]
    Image { name: String, image: String, what: String },
    /// A mail without link would leave the guest without access.
    #[error("{name} leaves out the link of {to}")]
    NoLink { name: String, to: String },
}

impl TemplateError {
    /// What to do about it.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } | Self::Missing { .. } => {
                "write the file, or correct its path in the configuration"
            }
            Self::NotText { .. } => "save it with the encoding UTF-8",
            Self::Broken { .. } => "the names a template may use are in reinvite.example.toml",
            Self::Image { .. } => "put a .png, .jpg or .gif file beside the template",
            Self::NoLink { .. } => "write {{ redeem_url }} outside of any condition",
        }
    }
}
