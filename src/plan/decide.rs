//! From a row and what was found to a decision. The order of the questions is
//! the design: who is meant, what was already done, is there anything to do, may
//! it be done.

mod earlier;
mod way_back;

pub use way_back::{Before, Returning, Revert};

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::config::{DeliveryWay, InvitationDefaults, MailWrite};
use crate::domain::{
    AddressHolder, Caller, Directory, DirectoryUser, Email, GuestRef, HolderKind, InvitationKey,
    Ledger, LedgerEntry, LedgerState, Redemption, RedemptionState, UserId, UserType, WayBack,
};
use crate::manifest::{InvalidRow, Manifest, Reset, Row, Wish};

use super::decision::{
    Blocked, Change, ChangeReason, Decision, Invitation, PlannedRow, SetMail, SetOtherMails,
    Settled, Uninvited,
};
use super::left::{shows_invitation, was_moved};
use super::readiness::cannot_redeem;
use super::{MailPace, Reminders, WritePace};

/// What the configuration and the command line say about planning.
#[derive(Debug, Clone)]
pub struct Policy {
    /// What the configuration calls the tenant.
    pub tenant: String,
    pub caller: Caller,
    /// What invitations carry when a row does not say.
    pub invitation: InvitationDefaults,
    /// Who mails the guests.
    pub delivery: DeliveryWay,
    /// How fast, where it is ourselves.
    pub mail_pace: MailPace,
    /// How fast guests are written.
    pub write_pace: WritePace,
    /// Which properties hold the new address.
    pub mail: MailWrite,
    /// Reset guests whose mail already matches, too.
    pub reset_matching: bool,
    /// Try rows again that failed for good in an earlier run.
    pub retry_failed: bool,
    /// Rows to send again although they were invited, by line or as the manifest
    /// names the guest (folded).
    pub resend: BTreeSet<String>,
    /// When the directory was read, in the service's time.
    pub read_at: Timestamp,
    /// The longest that a replica is believed to lag.
    pub lag: SignedDuration,
    /// How old an invitation or redemption may be to be taken for one to the address that
    /// a guest was moved to by others; None for any age.
    pub invited_within: Option<SignedDuration>,
    /// Whom to remind; None for nobody.
    pub reminders: Option<Box<Reminders>>,
    /// Guests that other rows of the campaign are about, where the manifest is a part of it.
    pub others: BTreeSet<UserId>,
    /// Domains whose people redeem although nothing here shows how.
    pub redeemable_domains: Vec<String>,
    /// The way back is planned, rather than a move.
    pub revert: Option<Arc<Revert>>,
}

/// Within this time an invitation that nobody knows of is taken for the campaign's own.
/// A night's run that is begun again without its checkpoint comes within a day.
const RECENT: SignedDuration = SignedDuration::from_hours(24);

/// Decides every row, in the order of the manifest. Rows that could not be read
/// are accounted for as blocked.
pub fn decide(
    manifest: &Manifest,
    directory: &Directory,
    ledger: &Ledger,
    policy: &Policy,
) -> Vec<PlannedRow> {
    let planner = Planner::new(directory, ledger, policy);
    let mut rows: Vec<PlannedRow> = match &policy.revert {
        Some(revert) => planner.ways_back(manifest, revert),
        None => manifest.rows.iter().map(|row| planner.row(row)).collect(),
    };
    refuse_conflicting_rows(&mut rows);
    rows.extend(manifest.invalid.iter().map(invalid));
    rows.sort_by_key(|row| row.line);
    rows
}

fn invalid(row: &InvalidRow) -> PlannedRow {
    PlannedRow {
        line: row.line,
        user: row.user.as_str().into(),
        user_id: None,
        new_email: Email::parse(&row.new_email).ok(),
        decision: Decision::Blocked(Blocked::InvalidRow),
    }
}

pub(super) struct Planner<'a> {
    directory: &'a Directory,
    ledger: &'a Ledger,
    policy: &'a Policy,
    redirect_url: Arc<crate::domain::RedirectUrl>,
}

impl<'a> Planner<'a> {
    pub(super) fn new(directory: &'a Directory, ledger: &'a Ledger, policy: &'a Policy) -> Self {
        let redirect_url = Arc::new(policy.invitation.redirect_url.clone());
        Self { directory, ledger, policy, redirect_url }
    }

    fn row(&self, row: &Row) -> PlannedRow {
        let mut planned = PlannedRow {
            line: row.line,
            user: row.user.to_string().into(),
            user_id: None,
            new_email: row.wish.address().cloned(),
            decision: Decision::Blocked(Blocked::NotFound),
        };
        let guest = match self.find(&row.user) {
            Ok(guest) => guest,
            Err(blocked) => {
                planned.decision = Decision::Blocked(blocked);
                return planned;
            }
        };
        planned.user_id = Some(guest.id);
        let present = guest.mail.as_deref().and_then(|mail| Email::parse(mail).ok());
        if let Some((at, address)) = self.reset_before(row, guest) {
            planned.new_email = Some(address.clone());
            planned.decision = self.reset_of_another_mail(row, guest, address, at);
            return planned;
        }
        let address = match &row.wish {
            Wish::Move(address) => Some(address.clone()),
            Wish::ResetOnly => present,
        };
        let Some(address) = address else {
            planned.decision = Decision::Blocked(Blocked::NoMail);
            return planned;
        };
        planned.decision = self.decide(row, guest, &address);
        planned.new_email = Some(address);
        planned
    }

    /// The one user a reference means: by the directory, and by what it meant
    /// when this campaign first acted on it, since a moved guest is no longer
    /// found by the old address.
    fn find(&self, reference: &GuestRef) -> Result<&DirectoryUser, Blocked> {
        let name = match reference {
            GuestRef::Id(id) => return self.directory.user(*id).ok_or_else(|| self.absent(*id)),
            GuestRef::Name(name) => name,
        };
        let mut found = self.directory.users_named(name);
        let earlier = self.ledger.user_named(&reference.folded());
        if let Some(earlier) = earlier
            && let Some(user) = self.directory.user(earlier)
            && !found.iter().any(|candidate| candidate.id == earlier)
        {
            found.push(user);
        }
        match found.as_slice() {
            [] => Err(earlier.map_or_else(|| self.nobody(name), |id| self.absent(id))),
            [guest] => Ok(guest),
            several => {
                let mut candidates: Vec<_> = several.iter().map(|user| holder(user)).collect();
                candidates.sort();
                Err(Blocked::Ambiguous { candidates })
            }
        }
    }

    /// What there is to say of a user that the directory does not show.
    fn absent(&self, id: UserId) -> Blocked {
        match self.directory.deleted.get(&id) {
            Some(at) => Blocked::Deleted { at: *at },
            None if self.ledger.wishes(id).is_empty() => Blocked::NotFound,
            None => Blocked::NoLongerFound,
        }
    }

    /// What there is to say of a name that no user has: perhaps a deleted one had it.
    fn nobody(&self, name: &str) -> Blocked {
        let address = Email::parse(name).ok();
        let holder = address.and_then(|address| self.directory.other_holder(&address));
        match holder {
            Some(holder) if holder.kind == HolderKind::DeletedUser => self.absent(holder.id),
            Some(_) | None => Blocked::NotFound,
        }
    }

    /// Whether another cell of the row names somebody else. One that names nobody, as
    /// the old address of a guest who was moved, contradicts nothing.
    fn two_guests(&self, row: &Row, guest: &DirectoryUser) -> Option<Blocked> {
        row.also.iter().find_map(|reference| {
            let other = match self.find(reference) {
                Ok(user) if user.id != guest.id => holder(user),
                Err(Blocked::Ambiguous { candidates })
                    if candidates.iter().all(|candidate| candidate.id != guest.id) =>
                {
                    candidates.into_iter().next()?
                }
                Ok(_) | Err(_) => return None,
            };
            Some(Blocked::TwoGuests { named: reference.to_string().into(), other })
        })
    }

    fn decide(&self, row: &Row, guest: &DirectoryUser, address: &Email) -> Decision {
        if let Some(blocked) = internal(guest) {
            return Decision::Blocked(blocked);
        }
        let key = InvitationKey { user_id: guest.id, address: address.clone() };
        let set_mail = self.set_mail(guest, address);
        let moves = set_mail.is_some();
        let writes_mail = self.policy.mail != MailWrite::OtherMails;
        if writes_mail
            && !moves
            && self.policy.revert.is_none()
            && self.may_show_the_mail_of_before(&key)
        {
            return Decision::Blocked(Blocked::MayLag);
        }
        // A wish that was replaced and comes back is a new one.
        let came_back = self.came_back(guest, &key, moves);
        // A mail that was written back, and no more, is no part of this wish.
        let is_alone = self.ledger.way_back(&key) == Some(WayBack::MailAlone);
        let earlier = self.ledger.get(&key).filter(|_| !came_back && !is_alone);
        let reason = match self.reason(row, guest, earlier, moves) {
            Err(Decision::Settled(Settled::AlreadyMatches { .. })) if came_back => {
                ChangeReason::ResetOnly
            }
            Ok(reason) => reason,
            Err(Decision::Settled(Settled::AlreadyMatches { .. })) if !is_alone => {
                let uninvited = self.uninvited(row, guest, address);
                return Decision::Settled(Settled::AlreadyMatches { uninvited });
            }
            Err(decision) => {
                if let Some(mail) = self.mail_due(row, guest, &key, &decision) {
                    return mail;
                }
                let decision = self.unless_changed(guest, &key, moves, decision);
                return self.reminder(row, guest, &key, &decision).unwrap_or(decision);
            }
        };
        let obstacle = self
            .two_guests(row, guest)
            .or_else(|| self.obstacle(guest, address, moves))
            .or_else(|| self.cannot_redeem(address));
        let unsettled = match (reason, earlier) {
            (ChangeReason::UnknownOutcome, Some(entry)) => {
                // It is to be settled whatever stands in the way by now.
                let by_hand = || self.changed_by_hand(guest, moves);
                self.unsettled(&key, entry, obstacle.or_else(by_hand))
            }
            _ => match obstacle {
                Some(blocked) => return Decision::Blocked(blocked),
                None => None,
            },
        };
        let accepted_at = earlier.and_then(Self::accepted_at);
        Decision::Change(Box::new(Change {
            reason,
            set_mail,
            invite: Some(self.invitation(row, address.clone())),
            redemption: guest.redemption.clone(),
            accepted_at,
            ours: self.ours(&key),
            unsettled,
        }))
    }

    /// Why the row is a change; or the decision when there is nothing to do or
    /// an earlier run was refused.
    fn reason(
        &self,
        row: &Row,
        guest: &DirectoryUser,
        earlier: Option<&LedgerEntry>,
        moves: bool,
    ) -> Result<ChangeReason, Decision> {
        if let Some(LedgerEntry { state, at, resend }) = earlier {
            if let Some(resend) = resend {
                return self.unfinished_resend(row, guest, state, resend, moves);
            }
            return match state {
                LedgerState::Invited | LedgerState::Unknown { .. } if self.resend_asked(row) => {
                    Ok(ChangeReason::Resend)
                }
                LedgerState::Invited => {
                    Err(Decision::Settled(Settled::AlreadyInvited { at: *at, lagging: None }))
                }
                LedgerState::Failed { .. } if self.policy.retry_failed => {
                    Ok(ChangeReason::RetryFailed)
                }
                LedgerState::Failed { code, message } => {
                    Err(Decision::Blocked(Blocked::FailedBefore {
                        code: code.clone(),
                        message: message.clone(),
                        at: *at,
                    }))
                }
                LedgerState::Unknown { .. } => Ok(ChangeReason::UnknownOutcome),
                LedgerState::Patching
                | LedgerState::Patched
                | LedgerState::Outstanding
                | LedgerState::Reverting
                | LedgerState::Reverted => match self.changed_by_hand(guest, moves) {
                    Some(blocked) => Err(Decision::Blocked(blocked)),
                    None => Ok(ChangeReason::FinishEarlierRun),
                },
            };
        }
        if moves {
            Ok(ChangeReason::NewAddress)
        } else if self.policy.reset_matching {
            Ok(ChangeReason::ResetOnly)
        } else if row.wish.is_reset_only() || row.reset == Reset::Always {
            self.reset_recently(guest).map_or(Ok(ChangeReason::ResetOnly), Err)
        } else {
            Err(Decision::Settled(Settled::AlreadyMatches { uninvited: None }))
        }
    }

    /// What lacks of a guest that has the wanted address by another's hand.
    fn uninvited(&self, row: &Row, guest: &DirectoryUser, address: &Email) -> Option<Uninvited> {
        let Policy { read_at, invited_within, revert, .. } = self.policy;
        let is_left = revert.is_none()
            && was_moved(row, guest, address)
            && !shows_invitation(&guest.redemption, *read_at, *invited_within);
        is_left.then_some(Uninvited { since: guest.redemption.changed_at })
    }

    /// A reset of a guest that was reset a moment ago, though no earlier run is known to
    /// have done it: most likely this very manifest did, and its checkpoint was lost.
    fn reset_recently(&self, guest: &DirectoryUser) -> Option<Decision> {
        let Redemption { state, changed_at } = &guest.redemption;
        let since = (*changed_at).filter(|_| *state == Some(RedemptionState::PendingAcceptance))?;
        let is_recent = since.saturating_add(RECENT).is_ok_and(|then| self.policy.read_at < then);
        is_recent.then_some(Decision::Blocked(Blocked::ResetRecently { since }))
    }

    fn resend_asked(&self, row: &Row) -> bool {
        let resend = &self.policy.resend;
        !resend.is_empty()
            && (resend.contains(&row.line.to_string()) || resend.contains(&row.user.folded()))
    }

    /// What keeps a guest from being carried out, the most fundamental first.
    pub(super) fn obstacle(
        &self,
        guest: &DirectoryUser,
        address: &Email,
        moves: bool,
    ) -> Option<Blocked> {
        if self.policy.caller == Caller::AppOnly
            && let Some(roles) = &self.directory.role_holders
            && let Some(holding) = roles.get(&guest.id)
        {
            return Some(Blocked::HoldsRole { holding: holding.clone() });
        }
        if guest.account_enabled == Some(false) {
            return Some(Blocked::Disabled);
        }
        if guest.management_restricted {
            return Some(Blocked::RestrictedUnit);
        }
        let domain = address.domain();
        if self.directory.tenant.verified_domains.contains(&domain) {
            return Some(Blocked::OwnDomain { domain });
        }
        let allowed = &self.directory.tenant.policies.domains;
        if allowed.as_ref().is_some_and(|allowed| !allowed.allow(&domain)) {
            return Some(Blocked::DomainNotAllowed { domain });
        }
        if !moves {
            return None;
        }
        // These concern the PATCH alone: a reset without one is not refused for them.
        if guest.synced {
            return Some(Blocked::Synced);
        }
        if guest.formerly_synced {
            return Some(Blocked::ExternallyMastered);
        }
        self.other_holder(guest.id, address).map(|by| Blocked::AddressTaken { by })
    }

    /// What keeps everybody from redeeming an invitation to this address.
    pub(super) fn cannot_redeem(&self, address: &Email) -> Option<Blocked> {
        let (domain, tenant) = (address.domain(), &self.directory.tenant);
        let why = cannot_redeem(&domain, tenant, &self.policy.redeemable_domains)?;
        Some(Blocked::CannotRedeem { domain, why })
    }

    fn other_holder(&self, guest: UserId, address: &Email) -> Option<AddressHolder> {
        let users = self.directory.users_named(address.as_str());
        if let Some(other) = users.iter().find(|user| user.id != guest) {
            return Some(holder(other));
        }
        self.directory.other_holder(address).filter(|holder| holder.id != guest).cloned()
    }

    /// The PATCH that gives the guest the address, or None when it has it.
    pub(super) fn set_mail(&self, guest: &DirectoryUser, address: &Email) -> Option<SetMail> {
        if self.policy.revert.is_some() {
            return self.set_mail_back(guest, address);
        }
        let mail = match self.policy.mail {
            MailWrite::Mail | MailWrite::Both => !guest.has_mail(address),
            MailWrite::OtherMails => false,
        };
        let other_mails = match self.policy.mail {
            MailWrite::Mail => false,
            // A guest that already has it as `mail` needs no entry in `otherMails`
            // to be invited (Microsoft Graph, *Create invitation*).
            MailWrite::OtherMails => !guest.has_mail(address) && !guest.has_other_mail(address),
            MailWrite::Both => mail && !guest.has_other_mail(address),
        };
        (mail || other_mails).then(|| SetMail {
            expected: guest.mail.clone(),
            desired: mail.then(|| address.clone()),
            other_mails: other_mails.then(|| {
                let mut desired = guest.other_mails.clone();
                desired.push(address.as_str().into());
                SetOtherMails { expected: guest.other_mails.clone(), desired }
            }),
            restores: false,
        })
    }

    fn invitation(&self, row: &Row, address: Email) -> Invitation {
        let defaults = &self.policy.invitation;
        // A carbon copy to the address invited would be refused in the manifest;
        // as a default it is simply superfluous for that one guest.
        let cc = row.cc.clone().or_else(|| defaults.cc.clone()).filter(|cc| *cc != address);
        let is_own = self.policy.delivery.is_own();
        let more_cc = row.more_cc.iter().filter(|cc| is_own && **cc != address).cloned().collect();
        Invitation {
            redirect_url: row.redirect_url.clone().unwrap_or_else(|| self.redirect_url.clone()),
            send: row.send.unwrap_or(defaults.send) && self.policy.delivery != DeliveryWay::None,
            by: self.policy.delivery,
            message: row.message.clone().or_else(|| defaults.message.clone()),
            cc,
            more_cc,
            language: row.language.clone().or_else(|| defaults.language.clone()),
            display_name: row.display_name.clone(),
            address,
        }
    }
}

fn internal(user: &DirectoryUser) -> Option<Blocked> {
    (!user.is_external()).then_some(match user.user_type {
        UserType::Guest => Blocked::InternalGuest,
        UserType::Member | UserType::Other => Blocked::NotAGuest,
    })
}

fn holder(user: &DirectoryUser) -> AddressHolder {
    let kind = if user.is_external() || user.user_type == UserType::Guest {
        HolderKind::Guest
    } else {
        HolderKind::Member
    };
    AddressHolder { kind, id: user.id, name: user.user_principal_name.clone() }
}

/// Two rows may name one guest in different ways. Asking the same twice is
/// harmless: the first row is carried out. Asking for different things is not
/// ours to choose from. Two guests moving to one address can't both have it.
fn refuse_conflicting_rows(rows: &mut [PlannedRow]) {
    let mut by_guest: BTreeMap<UserId, Vec<usize>> = BTreeMap::new();
    let mut by_address: HashMap<Email, Vec<usize>> = HashMap::new();
    for (position, row) in rows.iter().enumerate() {
        if let Some(id) = row.user_id {
            by_guest.entry(id).or_default().push(position);
        }
        if let (Decision::Change(_), Some(address)) = (&row.decision, &row.new_email) {
            by_address.entry(address.clone()).or_default().push(position);
        }
    }
    // Addresses first: a row must not be settled for the sake of one that is refused.
    for positions in by_address.into_values() {
        let different_guests =
            positions.iter().any(|&p| rows[p].user_id != rows[positions[0]].user_id);
        if different_guests {
            block_as_conflicting(rows, &positions);
        }
    }
    for positions in by_guest.into_values().filter(|positions| positions.len() > 1) {
        let first = positions[0];
        if positions.iter().all(|&p| rows[p].decision == rows[first].decision) {
            let line = rows[first].line;
            for &position in &positions[1..] {
                if matches!(rows[position].decision, Decision::Change(_)) {
                    rows[position].decision = Decision::Settled(Settled::SameAsLine { line });
                }
            }
        } else {
            block_as_conflicting(rows, &positions);
        }
    }
}

fn block_as_conflicting(rows: &mut [PlannedRow], positions: &[usize]) {
    let lines: Vec<u32> = positions.iter().map(|&p| rows[p].line).collect();
    for &position in positions {
        if matches!(rows[position].decision, Decision::Change(_)) {
            let lines = lines.clone();
            rows[position].decision = Decision::Blocked(Blocked::ConflictingRows { lines });
        }
    }
}
