//! Mails of one's own: what they cost beside Microsoft's, how well they keep the pace of a
//! mailbox, and what links take that are held for guests who have not redeemed.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

use super::Outcome;
use super::process::{Used, run};
use super::round::{expect, manifest};
use super::tenant::{Pace, Tenant, workplace};

const APPLY: [&str; 5] = ["apply", "guests.csv", "--yes", "--output", "json"];

/// Who mails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Microsoft,
    Files,
    Mailbox,
    Server,
}

impl Way {
    pub(super) const ALL: [Self; 4] = [Self::Microsoft, Self::Files, Self::Mailbox, Self::Server];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Microsoft => "Microsoft",
            Self::Files => "files",
            Self::Mailbox => "graph",
            Self::Server => "smtp",
        }
    }

    /// The configuration, at so many mails a minute.
    fn configuration(self, tenant: &Tenant, per_minute: u32) -> String {
        let own = |by: &str| {
            format!(
                "[delivery]\nby = \"{by}\"\nfrom = \"it@contoso.example\"\nfolder = \"mails\"\n\
                 [delivery.pace]\nper_minute = {per_minute}\nrecipients_per_day = 1000000\n"
            )
        };
        match self {
            Self::Microsoft => String::new(),
            Self::Files | Self::Mailbox => own(if self == Self::Files { "files" } else { "graph" }),
            Self::Server => {
                let (host, port) = tenant.smtp.split_once(':').unwrap_or_default();
                format!(
                    "{}[delivery.smtp]\nhost = \"{host}\"\nport = {port}\ntls = \"none\"\n",
                    own("smtp")
                )
            }
        }
    }
}

/// A campaign whose mails leave by a way.
#[derive(Debug)]
pub(super) struct Mailing {
    pub(super) way: Way,
    pub(super) rows: u32,
    pub(super) apply: Used,
    pub(super) checkpoint_bytes: u64,
    /// A mail as it is written or handed to a server.
    pub(super) mail_bytes: Option<u64>,
}

/// As fast as may be configured.
const UNPACED: u32 = 100_000;

fn begin(directory: &Path, rows: u32, way: Way, per_minute: u32) -> Outcome<Tenant> {
    let flags = ["--quota=none", "--smtp", "127.0.0.1:0"].map(str::to_owned);
    let tenant = Tenant::start(directory, rows, &flags)?;
    fs::write(directory.join("guests.csv"), manifest(rows))?;
    let mut configuration = tenant.configuration(&Pace::unlimited(64));
    configuration.push_str(&way.configuration(&tenant, per_minute));
    fs::write(directory.join("reinvite.toml"), configuration)?;
    Ok(tenant)
}

impl Mailing {
    /// Without any pace.
    pub(super) fn measure(rows: u32, way: Way) -> Outcome<Self> {
        let directory = workplace()?;
        let directory = directory.path();
        let tenant = begin(directory, rows, way, UNPACED)?;
        let apply = run(directory, "apply", APPLY)?;
        expect(directory, "apply", "invited", rows)?;
        let mailed = match way {
            Way::Microsoft => None,
            Way::Files => Some("mail_files"),
            Way::Mailbox | Way::Server => Some("mailed"),
        };
        if let Some(key) = mailed {
            expect(directory, "apply", key, rows)?;
        }
        let mail_bytes = match way {
            Way::Files => {
                let mail = directory.join("mails/guest1@northwind.example.eml");
                Some(fs::metadata(mail)?.len())
            }
            Way::Microsoft | Way::Mailbox | Way::Server => None,
        };
        drop(tenant);
        let checkpoint_bytes = fs::metadata(directory.join("guests.csv.checkpoint"))?.len();
        Ok(Self { way, rows, apply, checkpoint_bytes, mail_bytes })
    }
}

/// Mails at a pace: seconds from a run's beginning to its last mail, beside the least.
#[derive(Debug)]
pub(super) struct PacedMails {
    pub(super) way: Way,
    pub(super) mails: u32,
    pub(super) per_minute: u32,
    pub(super) seconds: f64,
    pub(super) optimum: f64,
}

impl PacedMails {
    pub(super) fn measure(way: Way, mails: u32, per_minute: u32) -> Outcome<Self> {
        let directory = workplace()?;
        let directory = directory.path();
        let tenant = begin(directory, mails, way, per_minute)?;
        run(directory, "apply", APPLY)?;
        let summary = expect(directory, "apply", "mailed", mails)?;
        drop(tenant);
        let seconds = summary["elapsed_seconds"].as_f64().ok_or("no elapsed_seconds")?;
        // The first leaves at once.
        let optimum = f64::from(mails - 1) * 60.0 / f64::from(per_minute);
        Ok(Self { way, mails, per_minute, seconds, optimum })
    }
}

/// A finished campaign that is applied once more, with and without a link for every guest.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) links: u32,
    pub(super) again: Used,
    pub(super) checkpoint_bytes: u64,
}

impl Held {
    /// The links are put into the checkpoint as a mailing by `until-redeemed` leaves them.
    pub(super) fn measure(rows: u32) -> Outcome<[Self; 2]> {
        let directory = workplace()?;
        let directory = directory.path();
        let tenant = begin(directory, rows, Way::Microsoft, UNPACED)?;
        run(directory, "apply", APPLY)?;
        expect(directory, "apply", "invited", rows)?;
        let mut configuration = tenant.configuration(&Pace::unlimited(64));
        configuration.push_str(&Way::Files.configuration(&tenant, UNPACED));
        configuration = configuration
            .replace("[delivery.pace]", "keep_links = \"until-redeemed\"\n[delivery.pace]");
        fs::write(directory.join("reinvite.toml"), configuration)?;
        let again = || -> Outcome<Self> {
            let again = run(directory, "again", APPLY)?;
            expect(directory, "again", "settled", rows)?;
            let checkpoint_bytes = fs::metadata(directory.join("guests.csv.checkpoint"))?.len();
            Ok(Self { links: 0, again, checkpoint_bytes })
        };
        let without = again()?;
        let link = format!(
            "https://login.microsoftonline.com/redeem?rd=https%3a%2f%2finvitations.microsoft.com\
             %2fredeem%2f%3ftenant%3d{id}%26user%3d{id}%26ticket%3d{}%26ver%3d2.0",
            "t".repeat(52),
            id = "7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001",
        );
        Connection::open(directory.join("guests.csv.checkpoint"))?.execute(
            "INSERT INTO mail (user_id, address, state, at, message_id, link)
             SELECT user_id, address, 'mailed', at, '<' || id || '@contoso.example>', ?1
             FROM event WHERE what = 'invited'",
            [link],
        )?;
        let with = Self { links: rows, ..again()? };
        Ok([without, with])
    }
}
