//! The own arguments of commands to begin with and to try things out, which need no tenant:
//! `demo`, `init`, `emulate` and `rehearse`. Doc comments are the help texts; every flag is also an environment
//! variable, `REINVITE_` and its name.
//!
//! Leaves to others: what a command does with them.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::arg_values::{Factor, Latencies, ListenAddress, Quota};
use super::command_args::{BudgetArgs, PlanningArgs};
use super::duration::parse_duration;
use super::redeem::Redeem;

/// `demo`.
#[derive(Debug, Clone, Args)]
pub struct DemoArgs {
    /// Leave manifest, checkpoint, result, report and mails in this directory
    #[arg(
        long,
        value_name = "DIR",
        default_value = "reinvite-demo",
        env = "REINVITE_DIRECTORY",
        hide_env_values = true
    )]
    pub directory: PathBuf,

    /// Keep the tenant until Ctrl-C, to click through its mails in a browser
    #[arg(
        long,
        env = "REINVITE_STAY",
        hide_env_values = true,
        value_parser = BoolishValueParser::new()
    )]
    pub stay: bool,
}

/// `init`.
#[derive(Debug, Clone, Args)]
pub struct InitArgs {
    /// Write into this directory
    #[arg(value_name = "DIR", default_value = ".")]
    pub directory: PathBuf,

    /// Replace files that are already there
    #[arg(
        long,
        env = "REINVITE_FORCE",
        hide_env_values = true,
        value_parser = BoolishValueParser::new()
    )]
    pub force: bool,
}

/// `emulate`.
#[derive(Debug, Clone, Args)]
pub struct EmulateArgs {
    /// Listen on this address of this machine
    #[arg(
        long,
        value_name = "ADDR",
        default_value = "127.0.0.1:8080",
        env = "REINVITE_LISTEN",
        hide_env_values = true
    )]
    pub listen: ListenAddress,

    /// Take mails over SMTP on this address, without a sign-in; they leave the tenant like
    /// those of its mailboxes
    #[arg(long, value_name = "ADDR", env = "REINVITE_SMTP", hide_env_values = true)]
    pub smtp: Option<ListenAddress>,

    /// Serve the tenant that this file describes
    #[arg(long, value_name = "FILE", env = "REINVITE_TENANT", hide_env_values = true)]
    pub tenant: Option<PathBuf>,

    /// Make up so many guests
    #[arg(long, value_name = "N", env = "REINVITE_GUESTS", hide_env_values = true)]
    pub guests: Option<u32>,

    /// Serve it over https, with this certificate (PEM), which MSAL and its kin demand
    #[arg(
        long,
        value_name = "FILE",
        requires = "tls_key",
        env = "REINVITE_TLS_CERTIFICATE",
        hide_env_values = true
    )]
    pub tls_certificate: Option<PathBuf>,

    /// The private key of that certificate (PEM)
    #[arg(
        long,
        value_name = "FILE",
        requires = "tls_certificate",
        env = "REINVITE_TLS_KEY",
        hide_env_values = true
    )]
    pub tls_key: Option<PathBuf>,

    /// How the tenant behaves.
    #[command(flatten)]
    pub tenant_is: WeatherArgs,
}

/// How a tenant of the emulator behaves: `emulate` and `rehearse`.
#[derive(Debug, Clone, Args)]
pub struct WeatherArgs {
    /// Let a day's worth of things go wrong: refusals, lost answers, slow replicas, and other
    /// applications that take their share of the quotas
    #[arg(
        long,
        value_enum,
        value_name = "DAY",
        default_value_t,
        env = "REINVITE_FAULTS",
        hide_env_values = true
    )]
    pub faults: Faults,

    /// Let the mails to this address or domain bounce, or become =quarantined, =spam or
    /// =pending; the message trace shows it. May be given several times
    #[arg(
        long,
        value_name = "WHOSE[=FATE]",
        env = "REINVITE_BOUNCE",
        hide_env_values = true,
        value_delimiter = ','
    )]
    pub bounce: Vec<String>,

    /// Let the message trace show a mail so much later
    #[arg(
        long,
        value_name = "DURATION",
        value_parser = parse_duration,
        default_value = "0s",
        env = "REINVITE_TRACE_DELAY",
        hide_env_values = true
    )]
    pub trace_delay: Duration,

    /// Enforce Microsoft's documented quotas, none, or the documented ones times a factor
    #[arg(
        long,
        value_name = "documented|none|FACTOR",
        default_value = "documented",
        env = "REINVITE_QUOTA",
        hide_env_values = true
    )]
    pub quota: Quota,

    /// Let an invitation use up the quota of directory writes as well, which is not documented
    #[arg(
        long,
        env = "REINVITE_INVITATIONS_ARE_WRITES",
        hide_env_values = true,
        value_parser = BoolishValueParser::new()
    )]
    pub invitations_are_writes: bool,

    /// Count quotas over windows so much shorter or longer, none below 5 seconds; the rates stay
    #[arg(
        long,
        value_name = "FACTOR",
        default_value = "1",
        env = "REINVITE_QUOTA_WINDOW",
        hide_env_values = true
    )]
    pub quota_window: Factor,

    /// Say nothing of a quota before it is used up
    #[arg(
        long,
        env = "REINVITE_SILENT_QUOTA",
        hide_env_values = true,
        value_parser = BoolishValueParser::new()
    )]
    pub silent_quota: bool,

    /// Refuse over a quota a growing share, as Microsoft documents it, and not everything
    #[arg(
        long,
        env = "REINVITE_GRADUAL_REFUSALS",
        hide_env_values = true,
        value_parser = BoolishValueParser::new()
    )]
    pub gradual_refusals: bool,

    /// Let other applications make so many writes a second, and as many invitations, of the
    /// tenant's quotas
    #[arg(long, value_name = "PER_SECOND", env = "REINVITE_OTHER_WRITES", hide_env_values = true)]
    pub other_writes: Option<Factor>,

    /// Refuse every Nth PATCH and every Nth invitation for a second, whatever the pace
    #[arg(
        long,
        value_name = "N",
        env = "REINVITE_REFUSE_EVERY",
        hide_env_values = true,
        value_parser = clap::value_parser!(u64).range(2..)
    )]
    pub refuse_every: Option<u64>,

    /// Take so many milliseconds for an answer; a PATCH or an invitation may take its own
    /// time, as in 30..120,patch=80..250,invite=150..600
    #[arg(
        long,
        value_name = "MIN..MAX",
        default_value = "0",
        env = "REINVITE_LATENCY",
        hide_env_values = true
    )]
    pub latency: Latencies,

    /// Let reads show a write so much later
    #[arg(
        long,
        value_name = "DURATION",
        value_parser = parse_duration,
        default_value = "0s",
        env = "REINVITE_READ_LAG",
        hide_env_values = true
    )]
    pub read_lag: Duration,

    /// Let invitations see a changed address so much later
    #[arg(
        long,
        value_name = "DURATION",
        value_parser = parse_duration,
        default_value = "0s",
        env = "REINVITE_INVITATION_LAG",
        hide_env_values = true
    )]
    pub invitation_lag: Duration,
}

/// What goes wrong in a tenant of the emulator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Faults {
    /// Nothing.
    #[default]
    None,
    /// Much of what a real tenant has shown, all on one day.
    BadDay,
}

/// `rehearse`.
#[derive(Debug, Clone, Args)]
pub struct RehearseArgs {
    /// How the plan is made.
    #[command(flatten)]
    pub planning: PlanningArgs,

    /// Rehearse on the tenant that this file describes, as `snapshot` writes it
    #[arg(long, value_name = "FILE", env = "REINVITE_TENANT", hide_env_values = true)]
    pub tenant: PathBuf,

    /// Let so many of those who get a mail redeem within so long, such as "60% in 3d"
    #[arg(long, value_name = "SHARE in TIME", env = "REINVITE_REDEEM", hide_env_values = true)]
    pub redeem: Option<Redeem>,

    /// Choose other guests to redeem, and other latencies
    #[arg(
        long,
        value_name = "N",
        default_value = "1",
        env = "REINVITE_SEED",
        hide_env_values = true
    )]
    pub seed: u64,

    /// End after so many nights [default: when nothing more would happen]
    #[arg(
        long,
        value_name = "N",
        env = "REINVITE_NIGHTS",
        hide_env_values = true,
        value_parser = clap::value_parser!(u32).range(0..=MOST_NIGHTS)
    )]
    pub nights: Option<u32>,

    /// Begin at this moment, in UTC; each night begins at the same time of day [default: now]
    #[arg(long, value_name = "TIME", env = "REINVITE_BEGIN", hide_env_values = true)]
    pub begin: Option<Timestamp>,

    /// When each run ends.
    #[command(flatten)]
    pub budget: BudgetArgs,

    /// Keep report, checkpoint and mails in this directory
    #[arg(long, value_name = "DIR", env = "REINVITE_OUT", hide_env_values = true)]
    pub out: Option<PathBuf>,

    /// Replace what an earlier rehearsal left there
    #[arg(
        long,
        env = "REINVITE_FORCE",
        hide_env_values = true,
        value_parser = BoolishValueParser::new()
    )]
    pub force: bool,

    /// How the tenant behaves.
    #[command(flatten)]
    pub tenant_is: WeatherArgs,
}

/// A year: whatever is not settled by then will not be.
const MOST_NIGHTS: i64 = 366;
