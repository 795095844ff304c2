//! The checklist: system by system what is to be looked at, what is so, and what is not known.
//! Texts from outside stand in code spans, so that they are neither links nor mentions.

use std::io::{self, Write};

use crate::campaign::Aftercare;
use crate::plan::TouchedApp;
use crate::report::campaign::code;
use crate::report::plan_reach::{about, total_sentence};
use crate::report::style::count;

use super::{AftercareFile, holding_old, moved_sentence, open_sentence, pending, unseen, why};

/// How it begins.
const MARK: &str = "<!-- reinvite aftercare 1 -->\n";

/// Guests, groups or apps listed by name; the tables have all of them.
const LIST: usize = 50;

pub(super) fn write(out: &mut dyn Write, aftercare: &Aftercare) -> io::Result<()> {
    out.write_all(MARK.as_bytes())?;
    let tenant = aftercare.tenant_name.as_deref().unwrap_or(&aftercare.tenant_id);
    writeln!(out, "# Aftercare of {} in {}\n", code(&aftercare.manifest), code(tenant))?;
    writeln!(
        out,
        "Read {:.0}: {}. Nothing below has been done: these files were written, and nothing else.\n",
        aftercare.read_at,
        moved_sentence(aftercare)
    )?;
    if let Some(open) = open_sentence(aftercare) {
        writeln!(out, "**{open}, with `--force`.**\n")?;
    }
    writeln!(out, "{}.\n", total_sentence(&aftercare.touched.total))?;
    for file in AftercareFile::ALL.into_iter().skip(1) {
        writeln!(out, "- [{}]({}): {}", file.name(), file.name(), file.about())?;
    }
    exchange(out, aftercare)?;
    sharepoint(out, aftercare)?;
    groups(out, aftercare)?;
    apps(out, aftercare)?;
    elsewhere(out)?;
    left_out(out, aftercare)?;
    not_known(out, aftercare)
}

fn exchange(out: &mut dyn Write, aftercare: &Aftercare) -> io::Result<()> {
    out.write_all(
        b"
## Exchange Online

A guest is a *mail user* here, and not a mail contact: `Set-MailUser` is for it, `Set-MailContact` is not. Graph wrote its `mail`; whether
and when Exchange takes that over is not documented. What Exchange is given shows in the directory.

- [ ] `Connect-ExchangeOnline`, then `./exchange.ps1 -WhatIf`: shows what it would set, and sets nothing
- [ ] `./exchange.ps1`: sets `ExternalEmailAddress` where Exchange still has a former address
",
    )?;
    let holding = holding_old(aftercare);
    if holding > 0 {
        writeln!(
            out,
            "- [ ] {} the old address as a further one, so that mail from within the tenant to it may go to the new one, and nobody else can\n  \
             have it. Where that is not wanted: `./exchange.ps1 -RemoveOldAddress`",
            count(holding, "guest still holds", "guests still hold")
        )?;
    }
    out.write_all(
        b"- [ ] Mail contacts, distribution lists, mail flow rules, and lists of safe or blocked senders that name an old address: not looked at
",
    )
}

fn sharepoint(out: &mut dyn Write, aftercare: &Aftercare) -> io::Result<()> {
    out.write_all(
        b"
## SharePoint and OneDrive

Object id and user principal name are the same as before, and so are the permissions that hang on them. Each site keeps a list of the users
whom it has seen, with a name and an address of its own; whether that follows a guest's new mail is not documented.

",
    )?;
    if aftercare.sites.is_empty() {
        out.write_all(b"- [ ] Sites of the groups below: none could be named\n")?;
    } else {
        let sites = count(aftercare.sites.len() as u64, "site", "sites");
        writeln!(
            out,
            "- [ ] {sites} in [sites.csv](sites.csv): open `user_list` of each, and look whether it shows the old address"
        )?;
    }
    out.write_all(
        b"- [ ] Links to files that were shared with an old address by name: whoever can't open one needs it shared again
- Not known: sites and files that were shared with a guest directly, and OneDrive. Graph has no list of them by guest
",
    )
}

fn groups(out: &mut dyn Write, aftercare: &Aftercare) -> io::Result<()> {
    out.write_all(b"\n## Groups, teams and roles\n\nMemberships and roles stay as they are.\n\n")?;
    let pending = pending(aftercare);
    if pending > 0 {
        writeln!(
            out,
            "- [ ] {} access to any of it until the invitation is redeemed: `reinvite verify --pending` names them",
            count(pending, "guest has no", "guests have no")
        )?;
    }
    let mut names: Vec<String> = aftercare
        .reach
        .groups
        .iter()
        .map(|(id, group)| {
            let kind = if group.is_team == Some(true) { "team" } else { "group" };
            format!("{kind} {}", code(group.name.as_deref().unwrap_or(id)))
        })
        .collect();
    names.sort_unstable();
    let more = names.len().saturating_sub(LIST);
    for name in names.iter().take(LIST) {
        writeln!(out, "- {name}")?;
    }
    if more > 0 {
        writeln!(out, "- and {more} more")?;
    }
    Ok(())
}

fn apps(out: &mut dyn Write, aftercare: &Aftercare) -> io::Result<()> {
    out.write_all(
        b"
## Apps

An app that knows a user by an address takes a moved guest for somebody new: it makes a second account, or lets nobody in. Ask its owner
which it is, and have the account there renamed before the guest signs in.

",
    )?;
    match aftercare.touched.total.apps.as_deref() {
        None => out.write_all(b"- Which apps the guests are assigned to could not be read\n")?,
        Some([]) => out.write_all(b"- The guests are assigned to no app\n")?,
        Some(apps) => {
            for app in apps.iter().take(LIST) {
                app_line(out, app)?;
            }
            if apps.len() > LIST {
                writeln!(out, "- and {} more in [apps.csv](apps.csv)", apps.len() - LIST)?;
            }
        }
    }
    out.write_all(b"- Not known: apps that take guests without an assignment\n")
}

fn app_line(out: &mut dyn Write, app: &TouchedApp) -> io::Result<()> {
    // What is told no address needs nobody; what is not known does.
    let mark = if app.is_clear() { "" } else { "[ ] " };
    let guests = count(app.guests, "guest", "guests");
    writeln!(out, "- {mark}{}, {guests}: {}", code(app.label()), code(&about(app)))
}

fn elsewhere(out: &mut dyn Write) -> io::Result<()> {
    out.write_all(
        b"
## Beyond the directory

Nobody looked at these. [guests.csv](guests.csv) has the old and the new address of everyone, to search with.

- [ ] Customer and ticket systems, address books, mailing lists, and documents with an old address in them
- [ ] Gateways and firewalls that let somebody in by mail domain; add the new one
- [ ] Conditional Access, entitlement management and cross-tenant access settings that name the old domain or its tenant
- [ ] Development and reporting services with lists of users of their own
",
    )
}

fn left_out(out: &mut dyn Write, aftercare: &Aftercare) -> io::Result<()> {
    if aftercare.left_out.is_empty() {
        return Ok(());
    }
    out.write_all(b"\n## Left out\n\nThe campaign wrote the mail of these, and nothing above is about them.\n\n")?;
    for guest in aftercare.left_out.iter().take(LIST) {
        writeln!(out, "- {} (`{}`): {}", code(&guest.label), guest.id, why(guest.why))?;
    }
    if aftercare.left_out.len() > LIST {
        writeln!(out, "- and {} more", aftercare.left_out.len() - LIST)?;
    }
    Ok(())
}

fn not_known(out: &mut dyn Write, aftercare: &Aftercare) -> io::Result<()> {
    if aftercare.unreadable.is_empty() {
        return Ok(());
    }
    out.write_all(b"\n## What could not be read\n\n")?;
    for unreadable in &aftercare.unreadable {
        writeln!(out, "- {}", code(&unseen(unreadable)))?;
    }
    Ok(())
}
