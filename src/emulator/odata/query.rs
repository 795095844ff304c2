//! The query options of a request.
//!
//! Leaves to others: reading the filter (`parse`).

use crate::emulator::errors::Refusal;
use crate::emulator::http::percent::decode_query;
use crate::emulator::property::Property;

/// Page size without `$top` (Microsoft Graph, *List users*).
const DEFAULT_TOP: usize = 100;
/// The largest `$top`.
const MAX_TOP: usize = 999;

/// The query options of a request.
#[derive(Debug, Default)]
pub(in crate::emulator) struct Query {
    pub(in crate::emulator) filter: Option<String>,
    pub(in crate::emulator) select: Option<Vec<String>>,
    pub(in crate::emulator) expand: Option<String>,
    top: Option<usize>,
    pub(in crate::emulator) count: bool,
    /// Where this page begins.
    pub(in crate::emulator) start: usize,
    /// Everything as sent but `$skiptoken`, for the link to the next page.
    rest: Vec<String>,
}

impl Query {
    pub(in crate::emulator) fn parse(text: &str) -> Result<Self, Refusal> {
        let mut query = Self::default();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode_query(name), decode_query(value));
            let invalid = || {
                Refusal::bad_request(format!("Invalid value '{value}' for {name} query option."))
            };
            match name.as_str() {
                "$filter" => query.filter = Some(value),
                "$select" => {
                    query.select = Some(value.split(',').map(|name| name.trim().into()).collect());
                }
                "$expand" => query.expand = Some(value),
                "$top" => {
                    let top = value.parse().ok().filter(|top| (1..=MAX_TOP).contains(top));
                    query.top = Some(top.ok_or_else(invalid)?);
                }
                "$count" => query.count = value.parse().map_err(|_| invalid())?,
                "$skiptoken" => {
                    query.start = usize::from_str_radix(&value, 16).map_err(|_| invalid())?;
                    continue;
                }
                _ if name.starts_with('$') => {
                    return Err(Refusal::unsupported_query(format!(
                        "Query option '{name}' is not supported here."
                    )));
                }
                _ => {}
            }
            query.rest.push(pair.to_owned());
        }
        Ok(query)
    }

    /// How many items a page holds.
    pub(in crate::emulator) fn top(&self) -> usize {
        self.top.unwrap_or(DEFAULT_TOP)
    }

    /// The properties to answer with: those asked for, or the default ones.
    pub(in crate::emulator) fn properties(&self) -> Result<Vec<&'static Property>, Refusal> {
        let Some(names) = &self.select else { return Ok(Property::defaults()) };
        names
            .iter()
            .map(|name| Property::named(name).ok_or_else(|| Refusal::unknown_property(name)))
            .collect()
    }

    /// The link to the page that begins there.
    pub(in crate::emulator) fn next_link(&self, origin: &str, path: &str, start: usize) -> String {
        let mut pairs = self.rest.join("&");
        if !pairs.is_empty() {
            pairs.push('&');
        }
        format!("{origin}{path}?{pairs}$skiptoken={start:016x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_asked_for_with_the_same_options() {
        let query = Query::parse("$filter=mail+eq+'a%2Bb'&%24top=5&$skiptoken=0a&x=1").unwrap();
        assert_eq!(query.filter.as_deref(), Some("mail eq 'a+b'"));
        assert_eq!((query.top(), query.start), (5, 10));
        assert_eq!(
            query.next_link("http://h", "/v1.0/users", 15),
            "http://h/v1.0/users?$filter=mail+eq+'a%2Bb'&%24top=5&x=1&$skiptoken=000000000000000f"
        );
    }

    #[test]
    fn options_out_of_range_or_unknown_are_refused() {
        for text in ["$top=0", "$top=1000", "$top=x", "$skip=5", "$count=maybe", "$skiptoken=-"] {
            assert!(Query::parse(text).is_err(), "{text}");
        }
    }
}
