//! What one guest's mail is made of.
//!
//! Leaves to others: where it comes from (a row, the directory, an answer), and the text
//! around it (`templates`).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::{Email, Language, Message, RedeemUrl, RedirectUrl};

#[derive(Debug, Clone)]
pub struct Letter {
    pub to: Email,
    pub cc: Vec<Email>,
    pub redeem_url: RedeemUrl,
    pub display_name: Option<Box<str>>,
    /// None where only the redemption is reset.
    pub old_email: Option<Box<str>>,
    pub message: Option<Arc<Message>>,
    pub redirect_url: Arc<RedirectUrl>,
    /// The row's, or the configuration's.
    pub language: Option<Language>,
    pub tenant_name: Arc<str>,
    /// Cells of the columns that only templates use; see [`columns`].
    pub columns: BTreeMap<String, String>,
}

/// The cells of a row under the names by which a template calls them: the heading as it
/// is, and in lower case with `_` for what is neither letter nor digit, so that
/// `Cost centre` is `columns.cost_centre`.
pub fn columns<'a>(
    headings: impl IntoIterator<Item = &'a str>,
    cells: impl IntoIterator<Item = &'a str>,
) -> BTreeMap<String, String> {
    let mut columns = BTreeMap::new();
    for (heading, cell) in headings.into_iter().zip(cells) {
        columns.insert(identifier(heading), cell.to_owned());
        columns.insert(heading.to_owned(), cell.to_owned());
    }
    columns
}

pub(super) fn identifier(heading: &str) -> String {
    let letters = heading.trim().chars().flat_map(char::to_lowercase);
    letters.map(|c| if c.is_alphanumeric() { c } else { '_' }).collect()
}
