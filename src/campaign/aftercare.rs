//! `aftercare`, in its order: find the guests that a campaign gave another address, and read
//! what hangs on them. Nothing is written, neither to the directory nor to the checkpoint.
//!
//! Leaves to others: what is to be done about it, in words (`report`), and the files (`cli`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering::Relaxed;

use jiff::Timestamp;

use crate::checkpoint::{Past, Undo};
use crate::config::Settings;
use crate::domain::{
    Directory, DirectoryUser, Email, Ledger, Reach, RedemptionState, Unreadable, UserId,
};
use crate::graph::{CallError, Graph};
use crate::plan::Touched;

use super::verify::guests;

/// What is left to do by hand, as data.
#[derive(Debug)]
pub struct Aftercare {
    /// Name of the manifest.
    pub manifest: String,
    pub tenant_id: String,
    pub tenant_name: Option<String>,
    /// What a checkpoint is bound to.
    pub tenant_key: String,
    /// When the tenant was read, in our time.
    pub read_at: Timestamp,
    /// The guests that have an address of the campaign.
    pub moved: Vec<MovedGuest>,
    /// The guests whose mail the campaign wrote, and that show another by now.
    pub left_out: Vec<LeftOut>,
    pub reach: Reach,
    pub touched: Touched,
    /// The sites of groups, by the group's object id.
    pub sites: BTreeMap<Box<str>, Box<str>>,
    /// What could not be read.
    pub unreadable: Vec<Unreadable>,
    pub requests: u64,
}

/// A guest with another address than before.
#[derive(Debug, Clone)]
pub struct MovedGuest {
    pub id: UserId,
    pub name: Option<Box<str>>,
    pub user_principal_name: Box<str>,
    /// Its mail before the campaign; None where it had none, or what it had is no address.
    pub old: Option<Email>,
    pub new: Email,
    /// None where the directory does not say.
    pub redemption: Option<RedemptionState>,
    /// Whether the old address is still among its proxy addresses.
    pub holds_old: bool,
}

/// A guest whose mail the campaign wrote, and of which nothing is said.
#[derive(Debug, Clone)]
pub struct LeftOut {
    pub id: UserId,
    /// What a person knows it by.
    pub label: String,
    pub why: WhyLeftOut,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhyLeftOut {
    /// It is not in the directory.
    Gone,
    /// It has the mail that it had before: given back, or not written in the end.
    AsBefore,
    /// It has a mail that is none of the campaign's.
    ChangedSince,
}

/// Finds out what is left to do after a campaign.
pub async fn aftercare(
    graph: &Graph,
    settings: &Settings,
    ledger: &Ledger,
    past: &Past,
    undo: &Undo,
) -> Result<Aftercare, CallError> {
    let before = graph.traffic().requests.load(Relaxed);
    let claims = graph.sign_in().await?;
    let read_at = graph.clock().now();
    let ids: BTreeSet<UserId> = undo.before.keys().copied().collect();
    // A directory is large, and so is the future that reads it.
    let directory = Box::pin(guests(graph, &ids, past, settings)).await?;
    let (moved, left_out) = sort_out(&ids, &directory, ledger, undo);
    let reach = graph.reach(&moved.iter().map(|guest| guest.id).collect()).await?;
    let mut unreadable = reach.unreadable.clone();
    let sites = graph.group_sites(&reach, &mut unreadable).await?;
    let tenant = directory.tenant;
    let id = tenant.id.or(claims.tenant().map(str::to_owned));
    Ok(Aftercare {
        manifest: undo.manifest.clone(),
        tenant_key: id.clone().unwrap_or_else(|| settings.tenant.id.clone()),
        tenant_id: id.unwrap_or_else(|| settings.tenant.id.clone()),
        tenant_name: tenant.display_name,
        read_at,
        moved,
        left_out,
        touched: Touched::of(&reach),
        reach,
        sites,
        unreadable,
        requests: graph.traffic().requests.load(Relaxed) - before,
    })
}

/// The guests that have an address of the campaign, and those that do not.
fn sort_out(
    ids: &BTreeSet<UserId>,
    directory: &Directory,
    ledger: &Ledger,
    undo: &Undo,
) -> (Vec<MovedGuest>, Vec<LeftOut>) {
    let (mut moved, mut left_out) = (Vec::new(), Vec::new());
    for id in ids {
        let old = undo.before.get(id).and_then(|before| before.mail.as_deref());
        let mut leave_out = |why, label: Option<&str>| {
            let label = label.or(old).map_or_else(|| id.to_string(), str::to_owned);
            left_out.push(LeftOut { id: *id, label, why });
        };
        let Some(user) = directory.user(*id) else {
            leave_out(WhyLeftOut::Gone, None);
            continue;
        };
        let is_before = match (user.mail.as_deref(), old) {
            (Some(mail), Some(old)) => mail.eq_ignore_ascii_case(old),
            (mail, old) => mail.is_none() && old.is_none(),
        };
        let mut wishes = ledger.wishes(*id).iter().map(|(key, _)| &key.address);
        let wish = wishes.find(|address| user.has_mail(address));
        let label = user.mail.as_deref();
        match (is_before, wish, label.map(Email::parse)) {
            (true, _, _) => leave_out(WhyLeftOut::AsBefore, label),
            (false, Some(_), Some(Ok(new))) => moved.push(moved_guest(user, old, new)),
            (false, _, _) => leave_out(WhyLeftOut::ChangedSince, label),
        }
    }
    (moved, left_out)
}

fn moved_guest(user: &DirectoryUser, old: Option<&str>, new: Email) -> MovedGuest {
    let old = old.and_then(|old| Email::parse(old).ok());
    let holds = |old: &Email| {
        user.proxy_addresses.iter().any(|proxy| proxy.eq_ignore_ascii_case(old.as_str()))
    };
    MovedGuest {
        id: user.id,
        name: user.display_name.clone(),
        user_principal_name: user.user_principal_name.clone(),
        holds_old: old.as_ref().is_some_and(holds),
        old,
        new,
        redemption: user.redemption.state.clone(),
    }
}
