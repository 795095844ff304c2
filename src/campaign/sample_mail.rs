//! What one guest's mail is made of before there is any link: as far as the manifest tells,
//! or as a plan says.
//!
//! Leaves to others: what the templates make of it (`samples`), and the mails that are sent
//! (`run`).

use std::sync::Arc;

use crate::config::InvitationDefaults;
use crate::delivery::{Letter, RedeemUrl, Sender, columns};
use crate::domain::{Directory, Email};
use crate::manifest::{Manifest, Row};
use crate::plan::{Change, Invitation, PlannedRow};

/// What the guest of a row will get, with a link that leads nowhere. None where only the
/// directory knows the address.
pub fn sample_letter(
    row: &Row,
    headings: &[String],
    defaults: &InvitationDefaults,
    sender: &Sender,
) -> Option<Letter> {
    let user = Email::parse(&row.user.to_string()).ok();
    let to = row.wish.address().cloned().or_else(|| user.clone())?;
    let cc = row.cc.clone().or_else(|| defaults.cc.clone()).filter(|cc| *cc != to);
    let old_email = user.filter(|user| *user != to).map(|user| user.as_str().into());
    let redirect_url = row.redirect_url.clone();
    Some(Letter {
        cc: cc.into_iter().chain(row.more_cc.iter().filter(|cc| **cc != to).cloned()).collect(),
        redeem_url: RedeemUrl::nowhere(),
        display_name: row.display_name.clone(),
        old_email: old_email
            .or_else(|| row.wish.address().is_some().then(|| "(old address)".into())),
        message: row.message.clone().or_else(|| defaults.message.clone()),
        redirect_url: redirect_url.unwrap_or_else(|| Arc::new(defaults.redirect_url.clone())),
        language: row.language.clone().or_else(|| defaults.language.clone()),
        // The directory knows its name; offline the sender's domain stands for it.
        tenant_name: sender.from.address.domain().into(),
        columns: columns(headings.iter().map(String::as_str), row.extra.iter().map(|cell| &**cell)),
        to,
    })
}

/// What the guest of a planned change will get, with a link that leads nowhere.
pub(super) fn planned_letter(
    row: &PlannedRow,
    (change, invitation): (&Change, &Invitation),
    manifest: &Manifest,
    directory: &Directory,
    tenant_name: &Arc<str>,
) -> Letter {
    let to = invitation.address.clone();
    let guest = row.user_id.and_then(|id| directory.user(id));
    let planned = change.set_mail.as_ref().and_then(|set| set.expected.clone());
    let old_email =
        planned.or_else(|| Email::parse(&row.user).ok().map(|user| user.as_str().into()));
    let cells = manifest.rows.iter().find(|it| it.line == row.line).map(|row| &row.extra);
    let headings = manifest.extra_columns.iter().map(String::as_str);
    Letter {
        cc: invitation.copies().cloned().collect(),
        redeem_url: RedeemUrl::nowhere(),
        display_name: invitation
            .display_name
            .clone()
            .or_else(|| guest.and_then(|guest| guest.display_name.clone())),
        old_email: old_email.filter(|old| !old.eq_ignore_ascii_case(to.as_str())),
        message: invitation.message.clone(),
        redirect_url: Arc::clone(&invitation.redirect_url),
        language: invitation.language.clone(),
        tenant_name: Arc::clone(tenant_name),
        columns: columns(headings, cells.into_iter().flatten().map(|cell| &**cell)),
        to,
    }
}

/// The letter of the guest's way back: to the old address, without what the move's row said.
pub(super) fn returned(letter: Letter, invitation: &InvitationDefaults) -> Letter {
    let old = letter.old_email.as_deref().and_then(|old| Email::parse(old).ok());
    let to = old.unwrap_or_else(|| letter.to.clone());
    let old_email = (to != letter.to).then(|| letter.to.as_str().into());
    Letter { to, old_email, message: invitation.message.clone(), ..letter }
}
