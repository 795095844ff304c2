//! Contacts and groups that hold the new addresses: a PATCH to an address of theirs
//! fails without saying whose it is (microsoftgraph/microsoft-graph-docs-contrib#8421).
//!
//! A few addresses are asked for in one batch, many are found in one sweep, unless there
//! are more contacts or groups than questions.

use std::collections::BTreeSet;

use crate::domain::{AddressHolder, Directory, Email, HolderKind, Unreadable, UserId};

use super::batch::{BATCH_SIZE, Get};
use super::call::Call;
use super::call_error::CallError;
use super::client::Graph;
use super::odata::{literal, query};
use super::survey::{Optional, PAGE, PAGE_SIZE, Wanted};
use super::users::smtp_addresses;
use super::wire;

/// What holds addresses besides users.
struct Kind {
    collection: &'static str,
    /// Leaves out what holds no address; None takes all.
    filter: Option<&'static str>,
    holder: HolderKind,
    optional: Optional,
}

/// What the plan does not know when holders of addresses can't be read.
pub(super) const TAKEN: &str = "new addresses that others hold";

const KINDS: [Kind; 2] = [
    Kind {
        collection: "/contacts",
        filter: None,
        holder: HolderKind::Contact,
        optional: Optional {
            what: "contacts",
            consequence: TAKEN,
            permission: "Directory.Read.All",
        },
    },
    Kind {
        collection: "/groups",
        filter: Some("mailEnabled eq true"),
        holder: HolderKind::Group,
        optional: Optional { what: "groups", consequence: TAKEN, permission: "Directory.Read.All" },
    },
];

/// Addresses in one filter: two clauses each, and a filter may have 15 (Microsoft Graph
/// refuses more; microsoftgraph/microsoft-graph-docs#1238).
const ADDRESSES_PER_FILTER: usize = 7;

const SELECT: &str = "id,displayName,mail,proxyAddresses";

impl Graph {
    /// Notes which contacts and groups hold new addresses.
    pub(super) async fn recipients(
        &self,
        directory: &mut Directory,
        wanted: &Wanted,
        unreadable: &mut Vec<Unreadable>,
    ) -> Result<(), CallError> {
        let own = &directory.tenant.verified_domains;
        let addresses: BTreeSet<String> = wanted
            .addresses
            .iter()
            .filter(|address| !own.contains(&address.domain()))
            .map(Email::folded)
            .collect();
        if addresses.is_empty() {
            return Ok(());
        }
        let [contacts, groups] = &KINDS;
        let (of_contacts, of_groups) = tokio::join!(
            self.holders_among(contacts, &addresses),
            self.holders_among(groups, &addresses)
        );
        for (kind, read) in [(contacts, of_contacts), (groups, of_groups)] {
            let found = self.optional(read, unreadable, &kind.optional)?;
            for (address, holder) in found.unwrap_or_default() {
                directory.add_holder(&address, holder);
            }
        }
        Ok(())
    }

    /// The wanted addresses that objects of a kind hold.
    async fn holders_among(
        &self,
        kind: &Kind,
        addresses: &BTreeSet<String>,
    ) -> Result<Vec<(String, AddressHolder)>, CallError> {
        let mut found = Vec::new();
        let take = |recipient: wire::MailRecipient| {
            note(kind.holder, &recipient, addresses, &mut found);
            Ok(())
        };
        let questions = addresses.len().div_ceil(ADDRESSES_PER_FILTER);
        // One batch is sent sooner than it is found out whether a page would do.
        let there_are = if questions > BATCH_SIZE {
            self.count(kind.collection, kind.filter).await?
        } else {
            Some(u64::MAX)
        };
        if there_are == Some(0) {
            return Ok(found);
        }
        if there_are.is_none_or(|n| n.div_ceil(PAGE_SIZE) <= questions as u64) {
            let mut options = vec![("$select", SELECT), ("$top", PAGE)];
            options.extend(kind.filter.map(|filter| ("$filter", filter)));
            let call = Call::get(self.url(kind.collection, &query(&options)));
            self.pages(call, take).await?;
        } else {
            let recipients = self.all_of(&look_ups(kind, addresses)).await?;
            recipients.into_iter().try_for_each(take)?;
        }
        Ok(found)
    }
}

fn look_ups(kind: &Kind, addresses: &BTreeSet<String>) -> Vec<Get> {
    let addresses: Vec<&String> = addresses.iter().collect();
    addresses
        .chunks(ADDRESSES_PER_FILTER)
        .map(|chunk| {
            let clauses: Vec<String> = chunk
                .iter()
                .map(|address| {
                    let (mail, proxy) = (literal(address), literal(&format!("smtp:{address}")));
                    format!("mail eq {mail} or proxyAddresses/any(p:p eq {proxy})")
                })
                .collect();
            Get {
                path: kind.collection.to_owned(),
                query: query(&[("$filter", &clauses.join(" or ")), ("$select", SELECT)]),
            }
        })
        .collect()
}

/// Notes which of the wanted addresses an object holds.
fn note(
    kind: HolderKind,
    recipient: &wire::MailRecipient,
    wanted: &BTreeSet<String>,
    found: &mut Vec<(String, AddressHolder)>,
) {
    let Ok(id) = UserId::parse(&recipient.id) else { return };
    let held = recipient.mail.as_deref().into_iter();
    for address in held.chain(smtp_addresses(&recipient.proxy_addresses)) {
        let address = address.to_lowercase();
        if wanted.contains(&address) {
            let name = recipient.display_name.as_deref().unwrap_or(&address).into();
            found.push((address, AddressHolder { kind, id, name }));
        }
    }
}
