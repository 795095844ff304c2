//! A campaign: a tenant, a manifest, a checkpoint, and as many runs as it takes.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use reinvite::campaign::RevertRequest;
use reinvite::checkpoint::{Status, read_status};
use reinvite::config::{Limit, MailWrite, Overrides, Settings};
use reinvite::domain::Caller;
use reinvite::emulator::{
    Action, ContractGuard, Emulator, Fault, Lag, Ledger, Matcher, Options, Quotas,
    SAMPLE_CLIENT_ID, TenantSeed,
};
use reinvite::run::{Event, Stop};
use tempfile::TempDir;
use tokio::time::Instant;

use super::wire::{Cut, Sent, Watcher};

/// When every campaign begins.
const MORNING: &str = "2026-05-04T08:00:00Z";

/// Object id of the n-th guest, from 1.
pub(crate) fn id(n: u32) -> String {
    TenantSeed::guest_id(n)
}

/// The address to which the n-th guest moves.
pub(crate) fn address(n: u32) -> String {
    format!("guest{n}@northwind.example")
}

/// In memory where the system has a place for that: these tests crash the program,
/// never the disk, and waiting for the disk would take most of their time.
fn scratch() -> TempDir {
    TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap()
}

/// Looks at every event of a run.
pub(super) type Observe = Arc<dyn Fn(&Event, &Stop) + Send + Sync>;

/// Does something once.
pub(super) type Once<T> = Box<dyn FnOnce(&T) + Send>;

const CONFIG: &str = "\
[tenant]
id = \"contoso.example\"
[auth]
method = \"access-token\"
access_token_env = \"TOKEN\"
[pace]
writes_per_second = 20
burst = 20
requests_in_flight = 16
settle = \"15s\"
replication_lag = \"5m\"
";

fn settings(directory: &Path) -> Settings {
    let config = directory.join("reinvite.toml");
    std::fs::write(&config, CONFIG).unwrap();
    let loaded = Settings::load(&config, true, |_| None, &Overrides::default());
    let mut settings = loaded.unwrap().0;
    settings.guards.max_changes = Limit::Count(u64::MAX);
    settings
}

/// A campaign. Settings may be changed between runs.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command")]
pub(crate) struct Campaign {
    pub(super) seed: TenantSeed,
    pub(super) options: Options,
    pub(super) emulator: Option<(Emulator, ContractGuard)>,
    pub(super) directory: TempDir,
    pub(super) manifest: String,
    pub(crate) settings: Settings,
    pub(crate) deadline: Option<Instant>,
    pub(super) caller: Caller,
    pub(super) token: Option<String>,
    pub(super) clock_ahead: SignedDuration,
    pub(crate) retry_failed: bool,
    pub(super) reset_matching: bool,
    pub(super) skip_invalid: bool,
    pub(super) objects: bool,
    pub(super) yes: bool,
    pub(super) revert: Option<RevertRequest>,
    pub(crate) resend: Option<(BTreeSet<String>, &'static str)>,
    pub(super) cut: Option<Cut>,
    pub(super) away: Option<(Range<Duration>, &'static str)>,
    pub(super) watcher: Option<Watcher>,
    pub(super) observe: Option<Observe>,
    pub(super) after_plan: Option<Once<Emulator>>,
    pub(super) after_begin: Option<Once<Path>>,
}

impl Campaign {
    /// A campaign for nobody.
    pub(crate) fn new() -> Self {
        let directory = scratch();
        Self {
            seed: TenantSeed::empty(),
            options: Options {
                quotas: Quotas::unlimited(),
                starts_at: Some(MORNING.parse().unwrap()),
                ..Options::default()
            },
            emulator: None,
            settings: settings(directory.path()),
            directory,
            manifest: String::new(),
            deadline: None,
            caller: Caller::AppOnly,
            token: None,
            clock_ahead: SignedDuration::ZERO,
            retry_failed: false,
            reset_matching: false,
            skip_invalid: false,
            objects: false,
            yes: false,
            revert: None,
            resend: None,
            cut: None,
            away: None,
            watcher: None,
            observe: None,
            after_plan: None,
            after_begin: None,
        }
    }

    /// So many redeemed guests, each to be moved from fabrikam to northwind.
    pub(crate) fn guests(self, guests: u32) -> Self {
        let moves = (1..=guests).map(|n| (format!("guest{n}@fabrikam.example"), address(n)));
        Self { seed: TenantSeed::with_guests(guests), ..self }.rows(moves)
    }

    /// Changes the tenant before it starts.
    pub(crate) fn tenant(mut self, change: impl FnOnce(&mut TenantSeed)) -> Self {
        change(&mut self.seed);
        self
    }

    /// Other rows, from the next run on: who, and to which address.
    pub(crate) fn rows(self, rows: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut manifest = String::from("user,new_email\n");
        for (user, new_email) in rows {
            writeln!(manifest, "{user},{new_email}").unwrap();
        }
        self.manifest(&manifest)
    }

    /// Another manifest, from the next run on.
    pub(crate) fn manifest(mut self, csv: &str) -> Self {
        csv.clone_into(&mut self.manifest);
        self
    }

    /// How long the invitation service does not see a new mail.
    pub(crate) fn invitation_lag(mut self, lag: Duration) -> Self {
        self.options.invitation_lag = Lag::Fixed(lag);
        self
    }

    /// How long reads do not see a write.
    pub(crate) fn read_lag(mut self, lag: Duration) -> Self {
        self.options.read_lag = Lag::Fixed(lag);
        self
    }

    /// Another behaviour of the tenant before it starts.
    pub(crate) fn behaviour(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(&mut self.options);
        self
    }

    /// Something that goes wrong. It may be said between runs, too.
    pub(crate) fn fault(mut self, on: Matcher, action: Action) -> Self {
        let fault = Fault::new(on, action);
        match &self.emulator {
            Some((emulator, _)) => emulator.inject(fault),
            None => self.options.faults.push(fault),
        }
        self
    }

    /// Other settings for the next runs.
    pub(crate) fn settings(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    /// Sends this many writes a second, this many at once, over so many connections.
    pub(crate) fn pace(mut self, writes_per_second: f64, burst: u32, in_flight: usize) -> Self {
        let pace = &mut self.settings.pace;
        pace.writes_per_second = writes_per_second;
        pace.burst = burst;
        pace.requests_in_flight = in_flight;
        self
    }

    /// Our own clock is wrong by so much.
    pub(crate) fn clock_ahead(self, clock_ahead: SignedDuration) -> Self {
        Self { clock_ahead, ..self }
    }

    pub(crate) fn mail(self, mail: MailWrite) -> Self {
        self.settings(|settings| settings.mail = mail)
    }

    /// Whoever is asked to review the next plan does not want it.
    pub(crate) fn objects(self) -> Self {
        Self { objects: true, ..self }
    }

    /// Nobody is asked about the next plans.
    pub(crate) fn yes(self) -> Self {
        Self { yes: true, ..self }
    }

    /// From the next run on, the campaign is taken back.
    pub(crate) fn reverts(self) -> Self {
        Self { revert: Some(RevertRequest::default()), ..self }
    }

    /// The same, with the guests who have redeemed.
    pub(crate) fn reverts_even_redeemed(self) -> Self {
        let revert = RevertRequest { even_redeemed: true, ..RevertRequest::default() };
        Self { revert: Some(revert), ..self }
    }

    /// From the next run on, the manifest is applied again.
    pub(crate) fn applies(self) -> Self {
        Self { revert: None, ..self }
    }

    pub(crate) fn max_failures(self, limit: &str) -> Self {
        let limit: Limit = limit.parse().unwrap();
        self.settings(|settings| settings.guards.max_failures = Some(limit))
    }

    /// `--retry-failed`, from the next run on.
    pub(crate) fn reset_matching(self) -> Self {
        Self { reset_matching: true, ..self }
    }

    pub(crate) fn retry_failed(self) -> Self {
        Self { retry_failed: true, ..self }
    }

    /// `--skip-invalid`.
    pub(crate) fn skip_invalid(self) -> Self {
        Self { skip_invalid: true, ..self }
    }

    /// `--resend ROW --reason WHY` for the next run.
    pub(crate) fn resend(mut self, row: &str, why: &'static str) -> Self {
        self.resend = Some((BTreeSet::from([row.to_owned()]), why));
        self
    }

    /// The next run has no network for a while, counted from its beginning.
    pub(crate) fn away(self, away: Range<Duration>) -> Self {
        self.away_because(away, "no route to host")
    }

    /// No connection comes about in that time, for such a reason.
    pub(crate) fn away_because(self, away: Range<Duration>, why: &'static str) -> Self {
        Self { away: Some((away, why)), ..self }
    }

    /// Stops the world in the next run.
    pub(crate) fn cut(self, cut: Cut) -> Self {
        Self { cut: Some(cut), ..self }
    }

    /// Looks at every request of the next run before it is delivered.
    pub(crate) fn at_each_request(
        mut self,
        watch: impl Fn(usize, &Sent) + Send + Sync + 'static,
    ) -> Self {
        self.watcher = Some(Arc::new(watch));
        self
    }

    /// Looks at every event of the next run; may ask it to stop.
    pub(crate) fn at_each_event(
        mut self,
        observe: impl Fn(&Event, &Stop) + Send + Sync + 'static,
    ) -> Self {
        self.observe = Some(Arc::new(observe));
        self
    }

    /// Does something in the tenant after the next plan was made and before it is
    /// carried out.
    pub(crate) fn after_plan(mut self, act: impl FnOnce(&Emulator) + Send + 'static) -> Self {
        self.after_plan = Some(Box::new(act));
        self
    }

    /// Does something with the checkpoint's file once the next run has begun.
    pub(crate) fn after_begin(mut self, act: impl FnOnce(&Path) + Send + 'static) -> Self {
        self.after_begin = Some(Box::new(act));
        self
    }

    pub(crate) fn emulator(&mut self) -> Emulator {
        let (seed, options) = (&self.seed, &self.options);
        let start = || {
            let emulator = Emulator::new(seed.clone(), options.clone());
            let guard = emulator.insist_on_contract();
            (emulator, guard)
        };
        self.emulator.get_or_insert_with(start).0.clone()
    }

    /// A token that every run uses.
    pub(crate) fn token(&mut self) -> String {
        let caller = self.caller;
        let emulator = self.emulator();
        self.token.get_or_insert_with(|| emulator.token(SAMPLE_CLIENT_ID, caller).unwrap()).clone()
    }

    /// What the tenant took so far.
    pub(crate) fn ledger(&mut self) -> Ledger {
        self.emulator().ledger()
    }

    /// How many invitations the n-th guest got.
    pub(crate) fn invitations(&mut self, n: u32) -> usize {
        self.ledger().invitations_for(&id(n)).len()
    }

    pub(crate) fn checkpoint(&self) -> PathBuf {
        self.directory.path().join("guests.csv.checkpoint")
    }

    /// What `status` would say.
    pub(crate) fn status(&self) -> Status {
        read_status(&self.checkpoint()).unwrap()
    }

    /// The words of one guest's events, in order.
    pub(crate) fn events_of(&self, n: u32) -> Vec<String> {
        let sql = format!("SELECT what FROM event WHERE user_id = '{}' ORDER BY id", id(n));
        self.query(&sql)
    }

    /// One column of the checkpoint, as any tool could read it.
    pub(crate) fn query(&self, sql: &str) -> Vec<String> {
        let connection = rusqlite::Connection::open(self.checkpoint()).unwrap();
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }
}
