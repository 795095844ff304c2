//! The guests, the apps and the sites as tables that a spreadsheet opens as they are.

use std::collections::BTreeMap;
use std::io::{self, Write};

use ::csv::{ErrorKind, Terminator, WriterBuilder};

use crate::campaign::Aftercare;
use crate::domain::{Owner, RedemptionState};
use crate::plan::Identifier;
use crate::report::result_file::guarded;

pub(super) fn guests(out: &mut dyn Write, aftercare: &Aftercare) -> io::Result<()> {
    let columns = [
        "user_id",
        "display_name",
        "user_principal_name",
        "old_email",
        "new_email",
        "redeemed",
        "holds_old_email",
        "groups",
        "teams",
        "roles",
        "apps",
    ];
    let number = |number: Option<u64>| number.map_or_else(String::new, |it| it.to_string());
    let rows = aftercare.moved.iter().map(|guest| {
        let touched = aftercare.touched.guests.get(&guest.id).copied().unwrap_or_default();
        let redeemed = match &guest.redemption {
            Some(RedemptionState::Accepted) => "yes",
            Some(RedemptionState::PendingAcceptance) => "no",
            Some(RedemptionState::Other(_)) | None => "",
        };
        [
            guest.id.to_string(),
            guest.name.as_deref().unwrap_or_default().to_owned(),
            guest.user_principal_name.to_string(),
            guest.old.as_ref().map_or_else(String::new, ToString::to_string),
            guest.new.to_string(),
            redeemed.to_owned(),
            if guest.holds_old { "yes" } else { "no" }.to_owned(),
            number(touched.groups),
            number(touched.teams),
            number(touched.roles),
            number(touched.apps),
        ]
    });
    table(out, columns, rows)
}

pub(super) fn apps(out: &mut dyn Write, aftercare: &Aftercare) -> io::Result<()> {
    let columns = ["app", "client_id", "object_id", "guests", "told", "about", "owners"];
    let apps = aftercare.touched.total.apps.iter().flatten();
    let rows = apps.map(|app| {
        let told: Vec<&str> = app.claims.iter().map(|it| it.word()).collect();
        [
            app.label().to_owned(),
            app.client_id.as_deref().unwrap_or_default().to_owned(),
            app.id.to_string(),
            app.guests.to_string(),
            told.join(" "),
            app.about.clone(),
            owners(app.owners.as_deref().unwrap_or_default()),
        ]
    });
    table(out, columns, rows)
}

/// Who owns something, by address where one is shown.
pub(super) fn owners(owners: &[Owner]) -> String {
    let label = |owner: &Owner| {
        owner.address.as_deref().or(owner.name.as_deref()).unwrap_or(&owner.id).to_owned()
    };
    owners.iter().map(label).collect::<Vec<_>>().join(", ")
}

pub(super) fn sites(out: &mut dyn Write, aftercare: &Aftercare) -> io::Result<()> {
    let columns = ["group", "group_id", "team", "site", "user_list", "guests"];
    let mut members: BTreeMap<&str, u64> = BTreeMap::new();
    let memberships = aftercare.reach.guests.values().filter_map(|it| it.memberships.as_ref());
    for group in memberships.flat_map(|it| &it.groups) {
        *members.entry(group).or_default() += 1;
    }
    let rows = aftercare.sites.iter().map(|(id, site)| {
        let group = aftercare.reach.groups.get(id);
        let is_team = group.and_then(|group| group.is_team);
        [
            group.and_then(|group| group.name.as_deref()).unwrap_or(id).to_owned(),
            id.to_string(),
            is_team.map_or("", |is_team| if is_team { "yes" } else { "no" }).to_owned(),
            site.to_string(),
            user_list(site),
            members.get(&**id).copied().unwrap_or_default().to_string(),
        ]
    });
    table(out, columns, rows)
}

/// The page of a site that shows everybody whom it has ever seen.
fn user_list(site: &str) -> String {
    format!("{}/_layouts/15/people.aspx?MembershipGroupId=0", site.trim_end_matches('/'))
}

fn table<const N: usize>(
    out: &mut dyn Write,
    columns: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> io::Result<()> {
    // Excel takes a CSV without this mark for the machine's legacy code page.
    out.write_all("\u{feff}".as_bytes())?;
    let mut csv = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(out);
    let write = || {
        csv.write_record(columns)?;
        for row in rows {
            csv.write_record(row.iter().map(|field| guarded(field).into_owned()))?;
        }
        csv.flush().map_err(::csv::Error::from)
    };
    write().map_err(|error| match error.into_kind() {
        ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    })
}

impl Identifier {
    /// In a table.
    fn word(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Upn => "upn",
        }
    }
}
