//! The safety rules: small named functions over the whole plan, all of them run,
//! all findings returned.

use std::collections::BTreeMap;

use crate::config::{DeliveryWay, Limit};
use crate::domain::{Caller, Directory, DirectoryUser, InvitesFrom, Ledger, Unreadable, UserType};

use super::decision::{ChangeReason, Decision, Invitation, PlannedRow, Settled};
use super::{Counts, Finding};

/// The limits a plan has to keep.
#[derive(Debug, Clone)]
pub struct Guards {
    /// Most changes in one run.
    pub max_changes: Limit,
    /// Domains guests may be moved to, in lower case; None allows all.
    pub allowed_domains: Option<Vec<String>>,
    /// Whether guests that were given their old address back may be moved again.
    pub moves_reverted: bool,
}

/// Up to this many changes a share of the tenant's guests says nothing: in a
/// small tenant a handful of rows is already a large share.
const SHARE_FLOOR: u64 = 10;

/// Invitations from a default `onmicrosoft.com` domain count against Exchange
/// Online's 100 external recipients per organization and day; beyond it the mail
/// bounces while Graph still answers 201 (Exchange team blog, 2025-10). Warn
/// somewhat below.
const CAPPED_MAILS: usize = 90;

/// All findings, the gravest first.
pub fn review(
    rows: &[PlannedRow],
    counts: Counts,
    directory: &Directory,
    caller: Caller,
    guards: &Guards,
) -> Vec<Finding> {
    let invitations: Vec<&Invitation> = rows.iter().filter_map(invitation).collect();
    let mut findings: Vec<Finding> = [
        too_many_changes(counts, directory.tenant.guests, guards.max_changes),
        domains_not_allowed(&invitations, guards.allowed_domains.as_deref()),
        resets(rows),
        stays_undone(rows),
        already_match(rows),
        invitations_disabled(&invitations, directory),
        may_activate_role(rows, directory),
        protected(rows, directory),
        synchronised(rows, directory),
        message_dropped(&invitations, caller),
        language_ignored(&invitations),
        mail_capped(&invitations, directory.tenant.default_domain.as_deref()),
        unusual_characters(&invitations),
        unreadable(&directory.unreadable),
    ]
    .into_iter()
    .flatten()
    .collect();
    findings.sort_by_key(|finding| finding.severity);
    findings
}

fn invitation(row: &PlannedRow) -> Option<&Invitation> {
    row.change()?.invite.as_ref()
}

fn too_many_changes(counts: Counts, guests: Option<u64>, limit: Limit) -> Option<Finding> {
    let changes = counts.change;
    match limit {
        Limit::Count(most) if changes > most => Some(Finding::refuse(
            "max-changes",
            format!("{changes} rows would change, and max_changes allows {most}"),
            format!(
                "review the plan, then set [guards] max_changes or --max-changes to {changes} or more"
            ),
        )),
        Limit::Share(_) if changes > SHARE_FLOOR && guests.is_none() => Some(Finding::refuse(
            "max-changes",
            format!(
                "{changes} rows would change, and how many guests the tenant has could not be read, so that max_changes = \"{limit}\" can't be applied"
            ),
            format!(
                "review the plan, then set [guards] max_changes or --max-changes to a number, {changes} or more"
            ),
        )),
        Limit::Share(share) => {
            let guests = guests.unwrap_or_default();
            let most = share.of(guests);
            (changes > SHARE_FLOOR && changes > most).then(|| Finding::refuse(
                "max-changes",
                format!("{changes} rows would change; the tenant has {guests} guests, and max_changes = \"{limit}\" allows {most} of them"),
                format!("review the plan, then set [guards] max_changes or --max-changes to {changes} or more, or to a larger share"),
            ))
        }
        Limit::Count(_) => None,
    }
}

/// Whether so many changes are more than the guard allows.
pub fn exceeds(changes: u64, guests: Option<u64>, limit: Limit) -> bool {
    let counts = Counts { change: changes, ..Counts::default() };
    too_many_changes(counts, guests, limit).is_some()
}

fn domains_not_allowed(invitations: &[&Invitation], allowed: Option<&[String]>) -> Option<Finding> {
    let allowed = allowed?;
    let mut refused: BTreeMap<String, u64> = BTreeMap::new();
    for invitation in invitations {
        let domain = invitation.address.domain();
        if !allowed.contains(&domain) {
            *refused.entry(domain).or_default() += 1;
        }
    }
    if refused.is_empty() {
        return None;
    }
    let rows: u64 = refused.values().sum();
    let domains: Vec<String> =
        refused.iter().map(|(domain, rows)| format!("{domain} ({rows})")).collect();
    Some(Finding::refuse(
        "allowed-domains",
        format!(
            "{} to domains that allowed_domains does not name: {}",
            count(rows, "row goes", "rows go"),
            domains.join(", ")
        ),
        "correct the rows, or add the domains to [guards] allowed_domains",
    ))
}

/// Guests whose way back somebody began, and whom the manifest asks to move again: a
/// scheduler that still has it must not undo what a person has undone.
pub fn reverted(rows: &[PlannedRow], ledger: &Ledger, guards: &Guards) -> Option<Finding> {
    let is_back = |row: &&PlannedRow| {
        let key = row.key();
        let back = key.as_ref().and_then(|key| ledger.reverted_to(key.user_id));
        back.is_some() && back != key.as_ref()
    };
    let lines: Vec<u32> = rows.iter().filter(is_back).map(|row| row.line).collect();
    let guests = count(lines.len() as u64, "guest", "guests");
    let message = format!(
        "revert took {guests} back, and the manifest moves them again ({})",
        some_lines(&lines)
    );
    let advice = "take their rows out; or run apply, which asks before it moves them, or with --yes wants --move-reverted";
    (!lines.is_empty()).then(|| {
        if guards.moves_reverted {
            Finding::warn(
                "reverted",
                message,
                "apply asks before it moves them once more, and with --yes it wants --move-reverted",
            )
        } else {
            Finding::refuse("reverted", message, advice)
        }
    })
}

/// What going back does not bring back (Entra, *Reset redemption status*, 2026-04; Microsoft
/// Graph, *Update user*, 2026-07).
fn stays_undone(rows: &[PlannedRow]) -> Option<Finding> {
    let goes_back = |row: &&PlannedRow| {
        let set = row.change().and_then(|change| change.set_mail.as_ref());
        set.is_some_and(|set| set.restores)
    };
    let back: Vec<&PlannedRow> = rows.iter().filter(goes_back).collect();
    let invited = back.iter().filter(|row| invitation(row).is_some()).count() as u64;
    let locked_out = match invited {
        0 => String::new(),
        invited => {
            let guests = count(invited, "guest has", "guests have");
            format!("{guests} no access until the new invitation is redeemed, and ")
        }
    };
    (!back.is_empty()).then(|| {
        Finding::warn(
            "not-undone",
            format!(
                "{locked_out}{} the new address as a second one",
                count(back.len() as u64, "guest may keep", "guests may keep")
            ),
            "mails that were sent stay sent; only Exchange takes an address off a guest (Set-MailUser)",
        )
    })
}

fn resets(rows: &[PlannedRow]) -> Option<Finding> {
    let resets = rows.iter().filter(|row| {
        matches!(&row.decision, Decision::Change(change) if change.reason == ChangeReason::ResetOnly)
    });
    let resets = resets.count() as u64;
    (resets > 0).then(|| {
        Finding::warn(
            "resets",
            format!(
                "{} without a new address",
                count(resets, "guest is reset", "guests are reset")
            ),
            "they are locked out until they redeem again; a reset can't be undone",
        )
    })
}

fn already_match(rows: &[PlannedRow]) -> Option<Finding> {
    // Those that lack an invitation have a finding of their own.
    let is_plain =
        |settled: &Settled| matches!(settled, Settled::AlreadyMatches { uninvited: None });
    let matching = |row: &&PlannedRow| matches!(&row.decision, Decision::Settled(settled) if is_plain(settled));
    let matching = rows.iter().filter(matching).count() as u64;
    (matching > 0).then(|| {
        Finding::warn(
            "already-matches",
            format!("{} the new address already without an invitation of this campaign", count(matching, "guest has", "guests have")),
            "if another run wrote it, go on with that run's checkpoint, which knows who was invited; --reset-matching resets them all",
        )
    })
}

fn invitations_disabled(invitations: &[&Invitation], directory: &Directory) -> Option<Finding> {
    let is_disabled = directory.tenant.policies.invites_from == Some(InvitesFrom::Nobody);
    (is_disabled && !invitations.is_empty()).then(|| {
        Finding::refuse(
            "invitations-disabled",
            "the tenant lets nobody invite guests (allowInvitesFrom is none)".to_owned(),
            "no mail is written for invitations that nobody may send; change the guest invite settings in the external collaboration settings and wait up to an hour",
        )
    })
}

/// The guests that change.
fn changing<'a>(
    rows: &'a [PlannedRow],
    directory: &'a Directory,
) -> impl Iterator<Item = (u32, &'a DirectoryUser)> {
    rows.iter().filter(|row| matches!(row.decision, Decision::Change(_))).filter_map(|row| {
        let user = row.user_id.and_then(|id| directory.user(id))?;
        Some((row.line, user))
    })
}

fn may_activate_role(rows: &[PlannedRow], directory: &Directory) -> Option<Finding> {
    if directory.eligible.is_empty() {
        return None;
    }
    let lines: Vec<u32> = changing(rows, directory)
        .filter(|(_, user)| directory.eligible.contains_key(&user.id))
        .map(|(line, _)| line)
        .collect();
    (!lines.is_empty()).then(|| {
        Finding::warn(
            "may-activate-role",
            format!(
                "{} a directory role ({})",
                count(lines.len() as u64, "guest may activate", "guests may activate"),
                some_lines(&lines)
            ),
            "while a role is active an application can't reset the guest",
        )
    })
}

fn protected(rows: &[PlannedRow], directory: &Directory) -> Option<Finding> {
    if directory.protected.is_empty() {
        return None;
    }
    let writes_other_mails = |row: &&PlannedRow| match &row.decision {
        Decision::Change(change) => {
            change.set_mail.as_ref().is_some_and(|set| set.other_mails.is_some())
        }
        Decision::Settled(_) | Decision::Blocked(_) => false,
    };
    let is_protected =
        |row: &&PlannedRow| row.user_id.is_some_and(|id| directory.protected.contains_key(&id));
    let rows = rows.iter().filter(writes_other_mails).filter(is_protected);
    let lines: Vec<u32> = rows.map(|row| row.line).collect();
    (!lines.is_empty()).then(|| {
        Finding::warn(
            "protected-guests",
            format!(
                "{} to a role-assignable group ({}), which protects otherMails",
                count(lines.len() as u64, "guest belongs", "guests belong"),
                some_lines(&lines)
            ),
            "an application without a directory role of its own is refused; [mail] write = \"mail\" needs none",
        )
    })
}

/// Synchronisation makes external members and then owns their properties (Entra,
/// *Cross-tenant synchronization*). Which partner owns one, the directory does not say.
fn synchronised(rows: &[PlannedRow], directory: &Directory) -> Option<Finding> {
    let mut partners: Vec<&str> = directory.tenant.policies.synchronising().collect();
    if partners.is_empty() {
        return None;
    }
    partners.sort_unstable();
    let lines: Vec<u32> = changing(rows, directory)
        .filter(|(_, user)| {
            user.user_type == UserType::Member
                && user.creation_type.as_deref() == Some("Invitation")
        })
        .map(|(line, _)| line)
        .collect();
    (!lines.is_empty()).then(|| {
        Finding::warn(
            "may-be-synchronised",
            format!(
                "{} ({}), and {} may synchronise users into this tenant",
                count(lines.len() as u64, "row is about an external member", "rows are about external members"),
                some_lines(&lines),
                partners.join(", ")
            ),
            "synchronisation may undo the change with its next cycle; have the partner change such an account at its source",
        )
    })
}

/// The lines, the first few of many.
fn some_lines(lines: &[u32]) -> String {
    const SHOWN: usize = 8;
    let shown: Vec<String> = lines.iter().take(SHOWN).map(u32::to_string).collect();
    let word = if lines.len() == 1 { "line" } else { "lines" };
    let more = if lines.len() > SHOWN { ", …" } else { "" };
    format!("{word} {}{more}", shown.join(", "))
}

/// One finding for all that could not be read: by the service's words, which are mostly
/// the same, and with the permissions that show it.
fn unreadable(missing: &[Unreadable]) -> Option<Finding> {
    fn once<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
        let mut seen = Vec::new();
        texts.for_each(|text| {
            if !seen.contains(&text) {
                seen.push(text);
            }
        });
        seen
    }
    if missing.is_empty() {
        return None;
    }
    let reasons = once(missing.iter().map(|missing| missing.why.as_str()));
    let parts: Vec<String> = reasons
        .into_iter()
        .map(|why| {
            let what = missing.iter().filter(|missing| missing.why == why);
            let what: Vec<&str> = what.map(|missing| missing.what).collect();
            format!("{} ({why})", what.join(", "))
        })
        .collect();
    let consequences = once(missing.iter().map(|missing| missing.consequence));
    let permissions = once(missing.iter().map(|missing| missing.permission));
    Some(Finding::warn(
        "unreadable",
        format!("could not be read: {}", parts.join("; ")),
        format!(
            "granting {} shows it; until then the plan does not see {}",
            permissions.join(", "),
            consequences.join(", ")
        ),
    ))
}

/// Whether Microsoft mails it.
fn is_mailed(invitation: &Invitation) -> bool {
    invitation.send && invitation.by == DeliveryWay::Microsoft
}

fn message_dropped(invitations: &[&Invitation], caller: Caller) -> Option<Finding> {
    let mailed = invitations.iter().filter(|i| is_mailed(i) && i.message.is_some()).count() as u64;
    (mailed > 0 && caller == Caller::AppOnly).then(|| {
        // Entra, *Troubleshoot B2B collaboration*, 2025-02.
        Finding::warn(
            "message-dropped",
            format!("{} a message that Microsoft drops, because an application sends the invitation", count(mailed, "row carries", "rows carry")),
            "the guests receive Microsoft's standard text; send your own mail with it: set [delivery] by to graph, smtp or files; or sign in as a user",
        )
    })
}

fn language_ignored(invitations: &[&Invitation]) -> Option<Finding> {
    let both = invitations
        .iter()
        .filter(|i| is_mailed(i) && i.message.is_some() && i.language.is_some())
        .count() as u64;
    (both > 0).then(|| {
        // Microsoft Graph, *invitedUserMessageInfo*, 2025-01.
        Finding::warn(
            "language-ignored",
            format!("{} a message and a language", count(both, "row gives", "rows give")),
            "the service ignores the language when there is a message",
        )
    })
}

fn mail_capped(invitations: &[&Invitation], default_domain: Option<&str>) -> Option<Finding> {
    let mailed = invitations.iter().filter(|invitation| invitation.send).count();
    let domain = default_domain.filter(|domain| domain.contains(".onmicrosoft."))?;
    (mailed > CAPPED_MAILS).then(|| {
        Finding::warn(
            "mail-capped",
            format!("{mailed} invitations are to be mailed, and this tenant's default domain is {domain}"),
            "Exchange Online delivers 100 external mails a day from such a domain and bounces the rest unseen; make a custom domain the default",
        )
    })
}

fn unusual_characters(invitations: &[&Invitation]) -> Option<Finding> {
    let unusual: Vec<&Invitation> = invitations
        .iter()
        .copied()
        .filter(|invitation| invitation.address.discouraged_character().is_some())
        .collect();
    let first = unusual.first()?;
    // Microsoft Graph, *invitation resource type*, 2024-06; not enforced literally.
    Some(Finding::warn(
        "unusual-characters",
        format!(
            "{} a character that Microsoft's documentation forbids, {} first",
            count(unusual.len() as u64, "new address has", "new addresses have"),
            first.address
        ),
        "the service accepts some of them; such a row may fail",
    ))
}

/// A number with its noun: `1 row`, `204 rows`.
pub fn count(n: u64, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {many}") }
}
