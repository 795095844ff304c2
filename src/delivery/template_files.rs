//! The files of templates: which of them a language gets, their text, and the images that lie
//! beside them.
//!
//! Leaves to others: what stands in them (`templates`).

use std::fs;
use std::path::{Path, PathBuf};

use crate::text;

use super::template_error::TemplateError;

/// What stands for the language in a template's path.
const PLACE: &str = "{language}";

/// A picture inside the mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Image {
    pub(super) name: String,
    pub(super) content_type: &'static str,
    pub(super) bytes: Vec<u8>,
}

/// A language and the one it is a kind of: `de-at`, `de`.
pub(super) fn with_primary(language: &str) -> Vec<String> {
    let primary = language.split('-').next().unwrap_or_default();
    let mut both = vec![language.to_owned()];
    if primary != language {
        both.push(primary.to_owned());
    }
    both
}

/// The path for the first language that has a file, and that language. `section` is where the
/// path is configured.
pub(super) fn existing(
    path: &Path,
    candidates: &[String],
    section: &'static str,
) -> Result<(PathBuf, String), TemplateError> {
    let pattern = path.display().to_string();
    if !pattern.contains(PLACE) {
        return Ok((path.to_owned(), String::new()));
    }
    let mut tried = Vec::new();
    for candidate in candidates {
        let path = PathBuf::from(pattern.replace(PLACE, candidate));
        if path.is_file() {
            return Ok((path, candidate.clone()));
        }
        let name = format!("`{}`", path.display());
        if !tried.contains(&name) {
            tried.push(name);
        }
    }
    let language = candidates.first().cloned().unwrap_or_default();
    Err(TemplateError::Missing { language, tried: tried.join(", "), section })
}

/// A template's text, without the mark of its encoding.
pub(super) fn read(path: &Path) -> Result<String, TemplateError> {
    let unreadable = |source| TemplateError::Unreadable { path: path.to_owned(), source };
    let text = text::decoded(&fs::read(path).map_err(unreadable)?);
    let text = text.ok_or_else(|| TemplateError::NotText { name: path.display().to_string() })?;
    Ok(text.to_string())
}

/// The images that a template shows: `cid:logo.png` is the file `logo.png` beside it.
pub(super) fn images(name: &str, path: &Path, source: &str) -> Result<Vec<Image>, TemplateError> {
    let mut images: Vec<Image> = Vec::new();
    for part in source.split("cid:").skip(1) {
        let image: String =
            part.chars().take_while(|&c| c.is_ascii_alphanumeric() || "._-".contains(c)).collect();
        if image.is_empty() || images.iter().any(|known| known.name == image) {
            continue;
        }
        let failed = |what: String| TemplateError::Image {
            name: name.to_owned(),
            image: image.clone(),
            what,
        };
        let ending = image.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        let content_type = match ending.as_str() {
            "png" => "image/png",
            "jpg" | "jpeg" => "image/jpeg",
            "gif" => "image/gif",
            _ => return Err(failed("not the name of an image that mail programs show".to_owned())),
        };
        let bytes = fs::read(path.with_file_name(&image))
            .map_err(|error| failed(format!("the file beside it can't be read: {error}")))?;
        images.push(Image { name: image, content_type, bytes });
    }
    Ok(images)
}
