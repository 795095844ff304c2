//! Cuts collections into pages.
//!
//! Leaves to others: what is in them.

use serde::Serialize;

use super::http::{Answer, Request};
use super::odata::Query;

/// A page of a collection as it travels.
#[derive(Serialize)]
struct Page<'a, T> {
    #[serde(rename = "@odata.context")]
    context: &'a str,
    #[serde(rename = "@odata.count", skip_serializing_if = "Option::is_none")]
    count: Option<usize>,
    #[serde(rename = "@odata.nextLink", skip_serializing_if = "Option::is_none")]
    next_link: Option<String>,
    value: Vec<T>,
}

/// Answers with the page that the query asks for. `items` are all items from the
/// page's start on, each with its position in the whole collection.
pub(super) fn page<T: Serialize>(
    request: &Request,
    query: &Query,
    context: &str,
    count: Option<usize>,
    items: impl Iterator<Item = (usize, T)>,
) -> Answer {
    let mut items = items.peekable();
    let mut value = Vec::new();
    while value.len() < query.top() {
        match items.next() {
            Some((_, item)) => value.push(item),
            None => break,
        }
    }
    let next_link = items
        .peek()
        .map(|(position, _)| query.next_link(&request.origin, &request.path, *position));
    let context = format!("{}/v1.0/$metadata#{context}", request.origin);
    Answer::ok(&Page { context: &context, count, next_link, value })
}
