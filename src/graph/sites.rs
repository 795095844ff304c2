//! Where the sites of groups are.
//!
//! Leaves to others: which groups have one (`reach`), and what is to be looked at there
//! (`report`).

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::domain::{Reach, Unreadable};

use super::batch::Get;
use super::call_error::CallError;
use super::client::Graph;
use super::odata::{query, segment};
use super::redeeming::unavailable;
use super::survey::{Optional, parse};

/// Microsoft Graph, *Get a site resource*, "Get the team site for a group".
const SITES: Optional = Optional {
    what: "sites of groups",
    consequence: "the sites whose user list names guests",
    permission: "Sites.Read.All",
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Site {
    web_url: Option<String>,
}

impl Graph {
    /// The addresses of the sites of groups, by the group's object id. A group whose site is
    /// not there yet has none.
    pub async fn group_sites(
        &self,
        reach: &Reach,
        unreadable: &mut Vec<Unreadable>,
    ) -> Result<BTreeMap<Box<str>, Box<str>>, CallError> {
        let with_site = reach.groups.iter().filter(|(_, group)| group.has_site == Some(true));
        let groups: Vec<&str> = with_site.map(|(id, _)| &**id).collect();
        let query = query(&[("$select", "webUrl")]);
        let get = |group: &&str| Get {
            path: format!("/groups/{}/sites/root", segment(group)),
            query: query.clone(),
        };
        let mut sites = BTreeMap::new();
        // What is refused for the first is refused for all of them.
        let (first, rest) = groups.split_at(groups.len().min(1));
        for chunk in [first, rest] {
            let read = self.get_all(&chunk.iter().map(get).collect::<Vec<_>>()).await;
            let read = self.all_optional(read, &SITES, unreadable)?;
            for (group, got) in chunk.iter().zip(read) {
                if matches!(&got, Err(refusal) if refusal.status == http::StatusCode::NOT_FOUND) {
                    continue;
                }
                let read = got.map_err(unavailable).and_then(parse::<Site>);
                let Some(site) = self.optional_once(read, unreadable, &SITES)? else {
                    return Ok(BTreeMap::new());
                };
                if let Some(url) = site.web_url {
                    sites.insert((*group).into(), url.into());
                }
            }
        }
        Ok(sites)
    }
}
