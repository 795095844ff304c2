//! A report as CSV that Excel opens as it is: a mark that says UTF-8, CRLF, and
//! nothing that a spreadsheet would run.

use std::io::{self, Write};

use ::csv::{ErrorKind, Terminator, WriterBuilder};

use crate::report::result_file::guarded;

use super::row::{Redemption, word};
use super::view::Report;

/// How every such file begins.
pub(super) const MARK: &str = "\u{feff}tenant,manifest,line,user,";

const COLUMNS: [&str; 23] = [
    "tenant",
    "manifest",
    "line",
    "user",
    "user_id",
    "old_email",
    "new_email",
    "state",
    "redemption",
    "attention",
    "reason",
    "explanation",
    "advice",
    "invitations",
    "patched_at",
    "invited_at",
    "last_invited_at",
    "redeemed_at",
    "request_id",
    "mail",
    "arrival",
    "arrival_code",
    "arrival_at",
];

pub(super) fn write(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    write_rows(out, report).map_err(|error| match error.into_kind() {
        // As it was, for whoever asks whether the reader is gone.
        ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    })
}

fn write_rows(out: &mut dyn Write, report: &Report) -> ::csv::Result<()> {
    // Excel takes a CSV without this mark for the machine's legacy code page.
    out.write_all("\u{feff}".as_bytes())?;
    let mut csv = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(out);
    csv.write_record(COLUMNS)?;
    for campaign in &report.campaigns {
        let heading = campaign.heading();
        let tenant = heading.tenant_name.unwrap_or(heading.tenant_id);
        for row in campaign.views(report.options) {
            let number = |number: u32| number.to_string();
            let time = |at: Option<jiff::Timestamp>| at.map(|at| format!("{at:.0}"));
            let fields: [Option<String>; 23] = [
                Some(tenant.to_owned()),
                Some(heading.manifest.to_owned()),
                row.line.map(number),
                Some(row.user.to_owned()),
                row.user_id.map(str::to_owned),
                row.old_email.map(str::to_owned),
                row.new_email.map(str::to_owned),
                Some(word(row.state).to_owned()),
                row.redemption.map(Redemption::word).map(str::to_owned),
                row.attention.map(|attention| attention.word().to_owned()),
                Some(row.reason.to_owned()),
                row.explanation.map(str::to_owned),
                row.advice.map(str::to_owned),
                Some(number(row.invitations)),
                time(row.patched_at),
                time(row.invited_at),
                time(row.last_invited_at),
                time(row.redeemed_at),
                row.request_id.map(str::to_owned),
                row.mail.map(|mail| mail.as_str().to_owned()),
                row.arrival.map(|arrival| arrival.fate.as_str().to_owned()),
                row.arrival.and_then(|arrival| arrival.code.clone()),
                time(row.arrival.map(|arrival| arrival.at)),
            ];
            for field in fields {
                csv.write_field(guarded(&field.unwrap_or_default()).as_bytes())?;
            }
            csv.write_record(None::<&[u8]>)?;
        }
    }
    Ok(csv.flush()?)
}
