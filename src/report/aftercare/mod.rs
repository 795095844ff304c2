//! What is left to do by hand after a campaign, as files for whoever does it: a checklist,
//! a script for Exchange, and tables of the guests, the apps and the sites.
//!
//! Everything in them was read; nothing was done. Leaves to others: reading it (`campaign`),
//! and where the files go (`cli`).

mod checklist;
mod exchange;
mod powershell;
mod tables;

use std::io::{self, Write};

use serde::Serialize;

use crate::campaign::{Aftercare, LeftOut, MovedGuest, WhyLeftOut};
use crate::domain::{RedemptionState, Unreadable, UserId};

use super::schema::Schema;
use super::style::{Styles, count, paint};
use super::text::{columns, fit, harmless, wrap};

/// The files, each by its name, in the order in which they are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AftercareFile {
    Checklist,
    Exchange,
    Guests,
    Apps,
    Sites,
}

impl AftercareFile {
    pub const ALL: [Self; 5] =
        [Self::Checklist, Self::Exchange, Self::Guests, Self::Apps, Self::Sites];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Checklist => "README.md",
            Self::Exchange => "exchange.ps1",
            Self::Guests => "guests.csv",
            Self::Apps => "apps.csv",
            Self::Sites => "sites.csv",
        }
    }

    const fn about(self) -> &'static str {
        match self {
            Self::Checklist => "what is to be done, system by system",
            Self::Exchange => "gives mail users in Exchange Online the new address",
            Self::Guests => "who was moved, from which address to which",
            Self::Apps => "the apps that guests are assigned to, and their owners",
            Self::Sites => "the sites of their groups",
        }
    }

    /// Writes the file.
    pub fn write(self, out: &mut dyn Write, aftercare: &Aftercare) -> io::Result<()> {
        match self {
            Self::Checklist => checklist::write(out, aftercare),
            Self::Exchange => exchange::write(out, aftercare),
            Self::Guests => tables::guests(out, aftercare),
            Self::Apps => tables::apps(out, aftercare),
            Self::Sites => tables::sites(out, aftercare),
        }
    }
}

/// How it is told.
#[derive(Debug, Clone, Copy)]
pub struct AftercareView<'a> {
    /// Where the files were written; None where there was nothing to write.
    pub directory: Option<&'a str>,
    pub styles: Styles,
    /// Columns of the terminal; `usize::MAX` where there is none.
    pub width: usize,
    /// Most guests named that are left out.
    pub most_rows: usize,
}

/// Says what was written, and how much there is to do.
pub fn aftercare_text(
    out: &mut dyn Write,
    aftercare: &Aftercare,
    view: &AftercareView<'_>,
) -> io::Result<()> {
    let AftercareView { directory, styles, width, most_rows } = *view;
    let tenant = aftercare.tenant_name.as_deref().unwrap_or(&aftercare.tenant_id);
    let title = format!("Aftercare of {} in {}", aftercare.manifest, tenant);
    writeln!(out, "{}", paint(styles.heading, harmless(&title)))?;
    let sentence = moved_sentence(aftercare);
    for line in wrap(&sentence, width.saturating_sub(2)) {
        writeln!(out, "  {line}")?;
    }
    if let Some(open) = open_sentence(aftercare) {
        writeln!(out, "  {}", paint(styles.attention, open))?;
    }
    let Some(directory) = directory else {
        for guest in aftercare.left_out.iter().take(most_rows) {
            writeln!(out, "    {}: {}", harmless(&guest.label), why(guest.why))?;
        }
        if aftercare.left_out.len() > most_rows {
            let more =
                format!("… and {} more (-v shows all)", aftercare.left_out.len() - most_rows);
            writeln!(out, "    {}", paint(styles.faint, more))?;
        }
        return writeln!(
            out,
            "  {}",
            paint(styles.faint, "there is nothing to do, and no file was written")
        );
    };
    writeln!(out)?;
    let paths = AftercareFile::ALL.map(|file| harmless(&format!("{directory}/{}", file.name())));
    let widest = paths.iter().map(|path| columns(path)).max().unwrap_or_default();
    for (file, path) in AftercareFile::ALL.iter().zip(&paths) {
        writeln!(out, "  {}  {}", fit(path, widest), paint(styles.faint, file.about()))?;
    }
    if !aftercare.unreadable.is_empty() {
        writeln!(out)?;
    }
    for unreadable in &aftercare.unreadable {
        let line = unseen(unreadable);
        for line in wrap(&line, width.saturating_sub(2)) {
            writeln!(out, "  {}", paint(styles.attention, line))?;
        }
    }
    Ok(())
}

fn moved_sentence(aftercare: &Aftercare) -> String {
    let moved = count(aftercare.moved.len() as u64, "guest was", "guests were");
    let pending = pending(aftercare);
    let pending = match pending {
        0 => "and no invitation of theirs is pending".to_owned(),
        pending => format!("{pending} of them not redeemed yet"),
    };
    let left_out = match aftercare.left_out.len() as u64 {
        0 => String::new(),
        left_out => format!("; {} left out", count(left_out, "guest is", "guests are")),
    };
    if aftercare.moved.is_empty() && aftercare.left_out.is_empty() {
        return "no run has given a guest another address yet".to_owned();
    }
    if aftercare.moved.is_empty() {
        return format!("no guest has an address that this campaign gave it{left_out}");
    }
    format!("{moved} given an address by this campaign, {pending}{left_out}")
}

/// What is not done yet of the campaign itself; None when all is.
fn open_sentence(aftercare: &Aftercare) -> Option<String> {
    let rows = Some(aftercare.open_rows).filter(|rows| *rows > 0)?;
    let rows = count(rows, "row of the manifest is", "rows of the manifest are");
    Some(format!("{rows} not done; run this again when all are"))
}

fn pending(aftercare: &Aftercare) -> u64 {
    let is_pending =
        |guest: &&MovedGuest| guest.redemption == Some(RedemptionState::PendingAcceptance);
    aftercare.moved.iter().filter(is_pending).count() as u64
}

fn unseen(unreadable: &Unreadable) -> String {
    let Unreadable { what, permission, .. } = unreadable;
    format!("could not see {what}; {permission} would show it")
}

fn why(why: WhyLeftOut) -> &'static str {
    match why {
        WhyLeftOut::Gone => "it is not in the directory any more",
        WhyLeftOut::AsBefore => "it has the mail that it had before",
        WhyLeftOut::OtherMailsOnly => "its mail was left as it was, as [mail] write says",
        WhyLeftOut::ChangedSince => "somebody gave it another mail since",
    }
}

/// Writes what was found as one object.
pub fn aftercare_json(
    out: &mut dyn Write,
    aftercare: &Aftercare,
    directory: Option<&str>,
    exit_code: u8,
) -> io::Result<()> {
    #[derive(Serialize)]
    struct Object<'a> {
        summary: Summary<'a>,
        left_out: Vec<Left<'a>>,
        unreadable: &'a [Unreadable],
    }
    #[derive(Serialize)]
    struct Summary<'a> {
        directory: Option<&'a str>,
        files: Vec<&'static str>,
        tenant_id: &'a str,
        tenant_name: Option<&'a str>,
        manifest: &'a str,
        moved: u64,
        pending: u64,
        holding_old_address: u64,
        left_out: u64,
        open_rows: u64,
        groups: Option<u64>,
        teams: Option<u64>,
        sites: u64,
        apps: Option<u64>,
        exit_code: u8,
    }
    #[derive(Serialize)]
    struct Left<'a> {
        user_id: UserId,
        label: &'a str,
        why: &'static str,
    }
    let total = &aftercare.touched.total;
    let left = |it: &'_ LeftOut| why(it.why);
    let left_out = aftercare
        .left_out
        .iter()
        .map(|it| Left { user_id: it.id, label: &it.label, why: left(it) })
        .collect();
    let object = Object {
        summary: Summary {
            directory,
            files: directory
                .map_or_else(Vec::new, |_| AftercareFile::ALL.map(AftercareFile::name).to_vec()),
            tenant_id: &aftercare.tenant_id,
            tenant_name: aftercare.tenant_name.as_deref(),
            manifest: &aftercare.manifest,
            moved: aftercare.moved.len() as u64,
            pending: pending(aftercare),
            holding_old_address: holding_old(aftercare),
            left_out: aftercare.left_out.len() as u64,
            open_rows: aftercare.open_rows,
            groups: total.groups,
            teams: total.teams,
            sites: aftercare.sites.len() as u64,
            apps: total.apps.as_ref().map(|apps| apps.len() as u64),
            exit_code,
        },
        left_out,
        unreadable: &aftercare.unreadable,
    };
    Schema::Aftercare.write(out, &object)
}

/// Guests that the directory still knows by their old address, too.
fn holding_old(aftercare: &Aftercare) -> u64 {
    aftercare.moved.iter().filter(|guest| guest.holds_old).count() as u64
}
