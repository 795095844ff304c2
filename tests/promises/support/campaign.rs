//! A campaign: a tenant, a manifest, a checkpoint, and as many runs as it takes.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use reinvite::checkpoint::{
    Checkpoint, Journal, ManifestRow, Record, RunEnd, RunStart, Status, read_status,
};
use reinvite::config::{InvitationDefaults, Limit, MailWrite};
use reinvite::domain::{Caller, Email, InvitationKey};
use reinvite::emulator::{
    Action, Emulator, Fault, Lag, Ledger, Matcher, Options, Quotas, SAMPLE_CLIENT_ID, TenantSeed,
};
use reinvite::graph::{Clock, GivenToken, Graph, Pace, Wanted};
use reinvite::manifest;
use reinvite::plan::{ChangeReason, Decision, Guards, Plan, Policy};
use reinvite::run::{Event, RunResult, RunSettings, Stop, StopReason, carry_out};
use tempfile::TempDir;

use super::finished::Finished;
use super::wire::{Cut, Sent, Watcher, Wire};

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
type Observe = Arc<dyn Fn(&Event, &Stop) + Send + Sync>;

/// A campaign. Settings may be changed between runs.
pub(crate) struct Campaign {
    seed: TenantSeed,
    options: Options,
    emulator: Option<Emulator>,
    directory: TempDir,
    manifest: String,
    pub(crate) settings: RunSettings,
    mail: MailWrite,
    caller: Caller,
    pace: Pace,
    retry_failed: bool,
    skip_invalid: bool,
    resend: Option<(BTreeSet<String>, &'static str)>,
    cut: Option<Cut>,
    watcher: Option<Watcher>,
    observe: Option<Observe>,
    after_plan: Option<Box<dyn FnOnce(&Emulator) + Send>>,
    after_journal: Option<Box<dyn FnOnce(&std::path::Path) + Send>>,
}

impl Campaign {
    /// A campaign for nobody.
    pub(crate) fn new() -> Self {
        Self {
            seed: TenantSeed::empty(),
            options: Options {
                quotas: Quotas::unlimited(),
                starts_at: Some(MORNING.parse().unwrap()),
                ..Options::default()
            },
            emulator: None,
            directory: scratch(),
            manifest: String::new(),
            settings: RunSettings {
                settle: Duration::from_secs(15),
                replication_lag: Duration::from_secs(300),
                max_failures: None,
                canary: 0,
                deadline: None,
                stop_file: None,
                writes_per_second: 20.0,
                requests_in_flight: 16,
                probe: false,
                earlier_runs_ended_at: Timestamp::UNIX_EPOCH,
            },
            mail: MailWrite::default(),
            caller: Caller::AppOnly,
            pace: Pace { writes_per_second: 20.0, burst: 20, requests_in_flight: 16 },
            retry_failed: false,
            skip_invalid: false,
            resend: None,
            cut: None,
            watcher: None,
            observe: None,
            after_plan: None,
            after_journal: None,
        }
    }

    /// So many redeemed guests, each to be moved from fabrikam to northwind.
    pub(crate) fn guests(self, guests: u32) -> Self {
        let mut manifest = String::from("user,new_email\n");
        for n in 1..=guests {
            writeln!(manifest, "guest{n}@fabrikam.example,{}", address(n)).unwrap();
        }
        Self { seed: TenantSeed::with_guests(guests), ..self }.manifest(&manifest)
    }

    /// Changes the tenant before it starts.
    pub(crate) fn tenant(mut self, change: impl FnOnce(&mut TenantSeed)) -> Self {
        change(&mut self.seed);
        self
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

    /// Something that goes wrong. It may be said between runs, too.
    pub(crate) fn fault(mut self, on: Matcher, action: Action) -> Self {
        let fault = Fault::new(on, action);
        match &self.emulator {
            Some(emulator) => emulator.inject(fault),
            None => self.options.faults.push(fault),
        }
        self
    }

    /// Other settings for the next runs.
    pub(crate) fn settings(mut self, change: impl FnOnce(&mut RunSettings)) -> Self {
        change(&mut self.settings);
        self
    }

    /// Sends this many writes a second, this many at once, over so many connections.
    pub(crate) fn pace(mut self, writes_per_second: f64, burst: u32, in_flight: usize) -> Self {
        self.pace = Pace { writes_per_second, burst, requests_in_flight: in_flight };
        self.settings.writes_per_second = writes_per_second;
        self.settings.requests_in_flight = in_flight;
        self
    }

    pub(crate) fn mail(self, mail: MailWrite) -> Self {
        Self { mail, ..self }
    }

    pub(crate) fn max_failures(self, limit: &str) -> Self {
        let limit: Limit = limit.parse().unwrap();
        self.settings(|settings| settings.max_failures = Some(limit))
    }

    /// `--retry-failed`, from the next run on.
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
    pub(crate) fn after_begin(
        mut self,
        act: impl FnOnce(&std::path::Path) + Send + 'static,
    ) -> Self {
        self.after_journal = Some(Box::new(act));
        self
    }

    pub(crate) fn emulator(&mut self) -> Emulator {
        let (seed, options) = (&self.seed, &self.options);
        self.emulator.get_or_insert_with(|| Emulator::new(seed.clone(), options.clone())).clone()
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

    /// Plans without doing anything.
    pub(crate) async fn plan(&mut self) -> Plan {
        let ledger = reinvite::checkpoint::read_ledger(&self.checkpoint()).unwrap();
        let sent = Arc::default();
        let emulator = self.emulator();
        let wire = Wire::new(&emulator, sent, None, None);
        let graph = self.graph(&emulator, wire, &Stop::new());
        self.make_plan(&graph, &ledger).await
    }

    /// Does what `apply` does, in its order. Panics when a script stops the world.
    pub(crate) async fn run(&mut self) -> Finished {
        self.run_until_cut().await.expect("no script stops this run")
    }

    /// The same, for reading: `apply` after any stop is the resume.
    pub(crate) async fn resume(&mut self) -> Finished {
        self.run().await
    }

    /// Does what `apply` does until a script stops the world: None when one did.
    pub(crate) async fn run_until_cut(&mut self) -> Option<Finished> {
        let emulator = self.emulator();
        let sent = Arc::new(Mutex::new(Vec::new()));
        let cut = self.cut.take();
        let wire = Wire::new(&emulator, Arc::clone(&sent), cut, self.watcher.take());
        let mut stopped = wire.stopped();
        let at = async {
            if let Some(Cut::At(moment)) = cut {
                let left = moment.duration_since(emulator.now());
                tokio::time::sleep(Duration::try_from(left).unwrap_or_default()).await;
            } else {
                std::future::pending::<()>().await;
            }
        };
        let finished = {
            let apply = self.apply(&emulator, wire, &sent);
            tokio::select! {
                biased;
                _ = stopped.wait_for(|stopped| *stopped) => None,
                () = at => None,
                finished = apply => Some(finished),
            }
        };
        // Records that were handed in and that nobody waits for any more may still be
        // on their way to the disk. The clock moves only when none is.
        tokio::time::sleep(Duration::from_secs(1)).await;
        finished
    }

    async fn apply(
        &mut self,
        emulator: &Emulator,
        wire: Wire,
        sent: &Mutex<Vec<Sent>>,
    ) -> Finished {
        let stop = Stop::new();
        let graph = self.graph(emulator, wire, &stop);
        let checkpoint = Checkpoint::open(&self.checkpoint(), graph.clock().now()).unwrap();
        let ledger = checkpoint.ledger().unwrap();
        let last_run = checkpoint.last_run().unwrap();
        let plan = self.make_plan(&graph, &ledger).await;
        checkpoint.claim(&plan.tenant_id).unwrap();
        if let Some(act) = self.after_plan.take() {
            act(emulator);
        }
        let start = RunStart {
            at: graph.clock().now(),
            manifest: "guests.csv",
            tenant_name: plan.tenant_name.as_deref(),
            plan_digest: plan.digest.to_string(),
        };
        let journal = checkpoint.begin_run(&start, plan.rows.iter().map(manifest_row)).unwrap();
        self.record_resends(&graph, &journal, &plan).await;
        if let Some(act) = self.after_journal.take() {
            act(&self.checkpoint());
        }
        let stopped_by = last_run.as_ref().and_then(|run| run.stop_reason.as_deref());
        let settings = RunSettings {
            probe: stopped_by.is_some_and(StopReason::is_of_tenant),
            earlier_runs_ended_at: last_run
                .as_ref()
                .and_then(|run| run.ended_at)
                .unwrap_or_else(|| graph.clock().now()),
            ..self.settings.clone()
        };
        let observer = self.observe.take();
        let events = Mutex::new(Vec::new());
        let observe = |event: Event| {
            if let Some(observer) = &observer {
                observer(&event, &stop);
            }
            events.lock().unwrap().push(event);
        };
        let result = carry_out(&plan, &graph, &journal, &settings, &stop, &observe).await;
        let RunResult { outcomes, summary } = result;
        let end = RunEnd {
            at: graph.clock().now(),
            stop_reason: summary.stop_reason.as_ref().map(StopReason::code),
            exit_code: 0,
            summary: "{}".to_owned(),
        };
        let ended = journal.end_run(&end);
        Finished {
            plan,
            outcomes,
            summary,
            events: events.into_inner().unwrap(),
            sent: sent.lock().unwrap().clone(),
            ended,
        }
    }

    fn graph(&self, emulator: &Emulator, wire: Wire, stop: &Stop) -> Graph {
        let token = emulator.token(SAMPLE_CLIENT_ID, self.caller).unwrap();
        Graph::new(
            Arc::new(wire),
            &"https://graph.example".parse().unwrap(),
            Box::new(GivenToken(token.into())),
            self.pace,
            Arc::new(Clock::starting_at(emulator.now())),
            Arc::new(|_| {}),
            stop.token(),
        )
    }

    async fn make_plan(&mut self, graph: &Graph, ledger: &reinvite::domain::Ledger) -> Plan {
        let loaded = manifest::parse("guests.csv", self.manifest.as_bytes()).unwrap();
        assert!(self.skip_invalid || loaded.problems.is_empty(), "{:?}", loaded.problems);
        let manifest = loaded.manifest;
        let wanted = Wanted {
            references: manifest.rows.iter().map(|row| row.user.clone()).collect(),
            addresses: manifest.rows.iter().filter_map(|row| row.new_email.clone()).collect(),
            known: ledger.users().collect(),
        };
        let caller = graph.sign_in().await.unwrap().caller();
        let survey = graph.survey(&wanted, caller).await.unwrap();
        let policy = Policy {
            tenant: "contoso.example".to_owned(),
            caller,
            invitation: InvitationDefaults::default(),
            mail: self.mail,
            reset_matching: false,
            retry_failed: self.retry_failed,
            resend: self.resend.as_ref().map(|(rows, _)| rows.clone()).unwrap_or_default(),
        };
        let guards = Guards { max_changes: Limit::Count(u64::MAX), allowed_domains: None };
        Plan::make(&manifest, &survey.directory, ledger, &policy, &guards)
    }

    async fn record_resends(&mut self, graph: &Graph, journal: &Journal, plan: &Plan) {
        let Some((_, why)) = self.resend.take() else { return };
        for row in &plan.rows {
            let (Decision::Change(change), Some(user_id)) = (&row.decision, row.user_id) else {
                continue;
            };
            if change.reason == ChangeReason::Resend {
                let record = Record::ResendAsked {
                    key: InvitationKey { user_id, address: change.invitation.address.clone() },
                    who: "ada".to_owned(),
                    why: why.to_owned(),
                };
                journal.append(record, graph.clock().service_now()).await.unwrap();
            }
        }
    }
}

fn manifest_row(row: &reinvite::plan::PlannedRow) -> ManifestRow<'_> {
    ManifestRow {
        line: row.line,
        user: &row.user,
        user_id: row.user_id.map(|id| id.to_string()),
        address: row.new_email.as_ref().map(Email::folded),
        decision: row.decision.name(),
        reason: row.decision.reason(),
    }
}
