//! A list of Graph's, from its first page to its last: begun again where it breaks off, and
//! with an end, whatever the pages say.
//!
//! Leaves to others: what is asked for, and what its items mean.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;

use super::call::Call;
use super::call_error::CallError;
use super::catalogue::Verdict;
use super::client::Graph;
use super::wire;

/// How often a list that breaks off is begun.
const BEGINNINGS: u32 = 3;

/// More pages than any directory has: ten million users.
const MOST_PAGES: usize = 10_000;

/// More than a list of a million guests, of which each is less than a kilobyte.
const MOST_BYTES: usize = 1 << 30;

/// More than can be in such a list, should they be hardly anything.
const MOST_ITEMS: usize = 2_000_000;

/// How long a list is so far.
#[derive(Debug, Default)]
struct Extent {
    pages: usize,
    bytes: usize,
    items: usize,
}

impl Extent {
    /// Counts a page. What the list has too much of, with its bound.
    fn add(&mut self, bytes: usize, items: usize) -> Result<(), &'static str> {
        self.pages += 1;
        self.bytes += bytes;
        self.items += items;
        if self.pages > MOST_PAGES {
            Err("10,000")
        } else if self.bytes > MOST_BYTES {
            Err("1 GiB")
        } else if self.items > MOST_ITEMS {
            Err("2,000,000 items")
        } else {
            Ok(())
        }
    }
}

impl Graph {
    /// Reads a collection page by page. Links are followed as they are, never to
    /// another origin, and never in a circle.
    pub(super) async fn pages<T: DeserializeOwned>(
        &self,
        call: Call,
        take: impl FnMut(T) -> Result<(), CallError>,
    ) -> Result<(), CallError> {
        let mut beginning = 1;
        let items = loop {
            match self.list(&call).await {
                Ok(items) => break items,
                Err(Broken { later: true, why }) if beginning < BEGINNINGS && may_pass(&why) => {
                    self.retry_wait(beginning, None, format!("a list broke off: {why}")).await?;
                    beginning += 1;
                }
                Err(Broken { later: true, why: why @ CallError::Refused { .. } }) => {
                    return Err(CallError::Protocol(format!(
                        "the list of {} broke off {beginning} times, last: {why}",
                        call.url.path()
                    )));
                }
                Err(Broken { why, .. }) => return Err(why),
            }
        };
        // Nothing of a list that broke off is kept.
        items.into_iter().try_for_each(take)
    }

    /// A list from its first page to its last.
    async fn list<T: DeserializeOwned>(&self, from: &Call) -> Result<Vec<T>, Broken> {
        let mut seen = BTreeSet::new();
        let mut items = Vec::new();
        let mut extent = Extent::default();
        let mut url = from.url.clone();
        loop {
            let later = !seen.is_empty();
            let broken = |why| Broken { later, why };
            let call =
                Call { advanced: from.advanced, operation: from.operation, ..Call::get(url) };
            let (page, bytes): (wire::Page<T>, _) = self.read_sized(&call).await.map_err(broken)?;
            let odd = |what: &str| {
                broken(CallError::Protocol(format!("the pages of {} {what}", from.url.path())))
            };
            let within = extent.add(bytes, page.value.len());
            within.map_err(|most| Broken {
                later: false,
                ..odd(&format!("have no end: more than {most}"))
            })?;
            items.extend(page.value);
            let Some(link) = page.next_link else { return Ok(items) };
            if !seen.insert(link.clone()) {
                return Err(odd("go in a circle"));
            }
            url = self.own_link(&link).map_err(|why| Broken { later: false, why })?;
        }
    }
}

/// A list that was not read to its end.
struct Broken {
    /// Whether its first page had been read.
    later: bool,
    why: CallError,
}

/// Whether a list that broke off so may be read whole when it is begun again: the token of
/// a page has expired, for one (microsoftgraph/msgraph-sdk-dotnet#2254).
fn may_pass(why: &CallError) -> bool {
    match why {
        CallError::Refused { verdict, .. } => !matches!(verdict, Verdict::StopRun(_)),
        CallError::Protocol(_) => true,
        CallError::Stopped
        | CallError::Auth(_)
        | CallError::Unreachable(_)
        | CallError::Throttled { .. }
        | CallError::ThrottledOut(_)
        | CallError::Foreign(_)
        | CallError::Lost { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_an_end_in_pages_bytes_and_items() {
        for (pages, bytes, items, expected) in [
            (10_000, 100_000, 200, Ok(())),
            (10_001, 1_000, 0, Err("10,000")),
            (32, 32 << 20, 999, Ok(())),
            (33, 32 << 20, 999, Err("1 GiB")),
            (200, 40_000, 10_000, Ok(())),
            (201, 40_000, 10_000, Err("2,000,000 items")),
        ] {
            let mut extent = Extent::default();
            let read = (0..pages).try_for_each(|_| extent.add(bytes, items));
            assert_eq!(read, expected, "{pages} pages of {bytes} bytes, {items} items");
            assert_eq!(extent.pages, pages);
        }
    }
}
