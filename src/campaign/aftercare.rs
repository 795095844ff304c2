//! `aftercare`, in its order: find the guests that a campaign gave another address, and read
//! what hangs on them. Nothing is written, neither to the directory nor to the checkpoint.
//!
//! Leaves to others: what is to be done about it, in words (`report`), and the files (`cli`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering::Relaxed;

use jiff::Timestamp;

use crate::checkpoint::{Past, Status, Undo};
use crate::config::Settings;
use crate::domain::{
    Counts, Directory, DirectoryUser, Email, Ledger, Reach, RedemptionState, Unreadable, UserId,
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
    /// Rows of the last manifest that are not done: what is said is not all of it.
    pub open_rows: u64,
    /// The guests that have an address that the campaign gave them, or gave back.
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
    /// Its mail before the campaign, or the one that it had in between where that was given
    /// back; None where it had none, or what it had is no address.
    pub old: Option<Email>,
    pub new: Email,
    /// Every address that it may have been known by since: the old one, and those that the
    /// campaign asked for before this one.
    pub former: Vec<Email>,
    /// None where the directory does not say.
    pub redemption: Option<RedemptionState>,
    /// Whether one of these is still among its proxy addresses.
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
    /// It has the mail that it had before, and not by `revert`: it was not written in the
    /// end, or given back by hand.
    AsBefore,
    /// Its mail was not asked for: an address of the campaign is in `otherMails` alone.
    OtherMailsOnly,
    /// It has a mail that is none of the campaign's.
    ChangedSince,
}

/// Finds out what is left to do after a campaign.
pub async fn aftercare(
    graph: &Graph,
    settings: &Settings,
    (ledger, past, undo): (&Ledger, &Past, &Undo),
    status: &Status,
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
        open_rows: {
            let Counts { not_attempted, patched, failed, unknown, .. } = status.counts;
            not_attempted + patched + failed + unknown
        },
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
        let wishes: Vec<&Email> = ledger.wishes(*id).iter().map(|(key, _)| &key.address).collect();
        let is_wish = wishes.iter().any(|address| user.has_mail(address));
        let is_other_mail = wishes.iter().any(|address| user.has_other_mail(address));
        let label = user.mail.as_deref();
        match (is_before, is_wish, label.map(Email::parse)) {
            (true, _, Some(Ok(back))) if ledger.reverted_to(*id).is_some() => {
                let between = wishes.iter().rev().find(|address| !user.has_mail(address));
                moved.push(moved_guest(user, between.map(|it| it.as_str()), back, &wishes));
            }
            (true, false, _) if is_other_mail => leave_out(WhyLeftOut::OtherMailsOnly, label),
            (true, _, _) => leave_out(WhyLeftOut::AsBefore, label),
            (false, true, Some(Ok(new))) => moved.push(moved_guest(user, old, new, &wishes)),
            (false, _, _) => leave_out(WhyLeftOut::ChangedSince, label),
        }
    }
    (moved, left_out)
}

fn moved_guest(
    user: &DirectoryUser,
    old: Option<&str>,
    new: Email,
    wishes: &[&Email],
) -> MovedGuest {
    let old = old.and_then(|old| Email::parse(old).ok());
    let mut former: Vec<Email> = Vec::new();
    for address in old.iter().chain(wishes.iter().copied()) {
        let is = |known: &Email| known.folded() == address.folded();
        if !is(&new) && !former.iter().any(is) {
            former.push(address.clone());
        }
    }
    let holds = |old: &Email| {
        user.proxy_addresses.iter().any(|proxy| proxy.eq_ignore_ascii_case(old.as_str()))
    };
    MovedGuest {
        id: user.id,
        name: user.display_name.clone(),
        user_principal_name: user.user_principal_name.clone(),
        holds_old: former.iter().any(holds),
        former,
        old,
        new,
        redemption: user.redemption.state.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::BeforeImage;
    use crate::domain::{
        InvitationKey, LedgerEntry, LedgerState, Redemption, Tenant, UserType, WayBack,
    };

    const GUEST: &str = "00000001-0000-4000-8000-00000000b2b0";
    const OLD: &str = "ada@old.example";
    const NEW: &str = "ada@new.example";
    const NEWER: &str = "ada@newer.example";

    /// What becomes of a guest with this mail before, these addresses asked for one after the
    /// other, and this mail and these otherMails now.
    fn sorted(
        before: Option<&str>,
        wishes: &[&str],
        now: Option<(&str, &[&str])>,
    ) -> (Vec<MovedGuest>, Vec<LeftOut>) {
        let id: UserId = GUEST.parse().unwrap();
        let mut ledger = Ledger::default();
        for address in wishes {
            let key = InvitationKey { user_id: id, address: address.parse().unwrap() };
            let at = Timestamp::UNIX_EPOCH;
            ledger.record(key, LedgerEntry { state: LedgerState::Invited, at, resend: None });
        }
        sort(before, &ledger, now)
    }

    fn sort(
        before: Option<&str>,
        ledger: &Ledger,
        now: Option<(&str, &[&str])>,
    ) -> (Vec<MovedGuest>, Vec<LeftOut>) {
        let id: UserId = GUEST.parse().unwrap();
        let mut directory = Directory::new(Tenant::default());
        if let Some((mail, other_mails)) = now {
            directory.add_user(DirectoryUser {
                id,
                user_principal_name: "ada_old.example#EXT#@contoso.example".into(),
                display_name: None,
                mail: Some(mail.into()),
                other_mails: other_mails.iter().map(|&it| it.into()).collect(),
                proxy_addresses: vec![mail.into(), OLD.to_uppercase().into()],
                user_type: UserType::Guest,
                creation_type: None,
                redemption: Redemption::default(),
                account_enabled: None,
                synced: false,
                formerly_synced: false,
                management_restricted: false,
            });
        }
        let image = BeforeImage { mail: before.map(str::to_owned), other_mails: Vec::new() };
        let undo = Undo { before: [(id, image)].into(), ..Undo::default() };
        sort_out(&[id].into(), &directory, ledger, &undo)
    }

    #[test]
    fn a_guest_with_an_address_of_the_campaign_was_moved() {
        for (before, wishes, mail, former, holds) in [
            (Some(OLD), &[NEW][..], NEW, &[OLD][..], true),
            // As the directory writes it.
            (Some(OLD), &[NEW], "Ada@NEW.example", &[OLD], true),
            (Some(OLD), &[NEW, NEWER], NEWER, &[OLD, NEW], true),
            (Some(OLD), &[OLD, NEW], NEW, &[OLD], true),
            (None, &[NEW], NEW, &[], false),
            (Some("no address"), &[NEW], NEW, &[], false),
        ] {
            let (moved, left_out) = sorted(before, wishes, Some((mail, &[])));
            assert!(left_out.is_empty(), "{left_out:?}");
            let known: Vec<&str> = moved[0].former.iter().map(Email::as_str).collect();
            assert_eq!((known.as_slice(), moved[0].holds_old), (former, holds), "{wishes:?}");
            assert_eq!(moved[0].new.as_str(), mail);
        }
    }

    #[test]
    fn a_guest_that_was_given_its_address_back_was_moved_the_other_way() {
        let (mut ledger, id) = (Ledger::default(), GUEST.parse().unwrap());
        let key = |address: &str| InvitationKey { user_id: id, address: address.parse().unwrap() };
        for address in [NEW, OLD] {
            let at = Timestamp::UNIX_EPOCH;
            ledger.record(
                key(address),
                LedgerEntry { state: LedgerState::Reverted, at, resend: None },
            );
        }
        ledger.record_revert(key(OLD), WayBack::MailAlone);
        let (moved, left_out) = sort(Some(OLD), &ledger, Some((OLD, &[])));
        assert!(left_out.is_empty(), "{left_out:?}");
        let old = moved[0].old.as_ref().map(Email::as_str);
        assert_eq!((old, moved[0].new.as_str()), (Some(NEW), OLD));
        assert_eq!(moved[0].former, [NEW.parse().unwrap()]);
        assert!(!moved[0].holds_old);
    }

    #[test]
    fn who_has_none_is_left_out_with_the_reason() {
        for (before, wishes, now, expected) in [
            (Some(OLD), &[NEW][..], None, WhyLeftOut::Gone),
            (Some(OLD), &[NEW], Some((OLD, &[][..])), WhyLeftOut::AsBefore),
            (Some(OLD), &[NEW], Some((OLD, &[NEW])), WhyLeftOut::OtherMailsOnly),
            (Some(OLD), &[NEW], Some((NEWER, &[])), WhyLeftOut::ChangedSince),
            (Some(OLD), &[NEW], Some(("`$(x)`", &[])), WhyLeftOut::ChangedSince),
        ] {
            let (moved, left_out) = sorted(before, wishes, now);
            assert!(moved.is_empty(), "{moved:?}");
            assert_eq!(left_out[0].why, expected, "{now:?}");
        }
    }
}
