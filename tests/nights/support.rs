//! A campaign of nights.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::{Method, Request, Response};
use jiff::{SignedDuration, Timestamp};
use reinvite::campaign::{
    self, Carried, Host, Night, NightRequest, Notice, Reconciled, Review, Scope, Session, Standing,
};
use reinvite::checkpoint::{Checkpoint, Reader, Record, RunEnd, Status, read_ledger, read_status};
use reinvite::cli::Exit;
use reinvite::config::{Overrides, Settings};
use reinvite::domain::{Caller, InvitationKey, Redemption, RedemptionState};
use reinvite::emulator::{
    Action, AnswerLost, Emulator, Fault, Matcher, NoConnection, Options, Person, Quotas,
    SAMPLE_CLIENT_ID, TenantSeed,
};
use reinvite::graph::{Clock, GivenToken, Graph, Pace, Reached, Transport, TransportError};
use reinvite::manifest::{self, Manifest};
use reinvite::report::{
    NightView, Report, ReportFormat, ReportOptions, Styles, night_text, write_report,
};
use reinvite::run::Stop;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::time::Instant;
use tower_service::Service as _;

const CONFIG: &str = "\
[tenant]
id = \"contoso.example\"
[auth]
method = \"access-token\"
access_token_env = \"TOKEN\"
[guards]
max_changes = \"100%\"
[reconcile]
unattended = true
correct_drift = [\"mail-back\"]
[remind]
after = \"3d\"
max = 3
gap = \"3d\"
quiet_hours = \"23:00-07:00\"
weekdays = [\"mon\", \"tue\", \"wed\", \"thu\", \"fri\"]
[waves]
sizes = [2, 4, \"rest\"]
redeemed = \"50%\"
";

/// Object id of the n-th guest, from 1.
pub(crate) fn id(n: u32) -> String {
    TenantSeed::guest_id(n)
}

/// One more guest like those of the seed.
pub(crate) fn guest(n: u32) -> Person {
    TenantSeed::with_guests(n).users.pop().expect("the last of them")
}

pub(crate) fn new_address(n: u32) -> String {
    format!("guest{n}@northwind.example")
}

/// Where the world stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Before the n-th request of the night, from 1, is delivered.
    Before(usize),
    /// After the n-th request was carried out and before its answer is seen.
    After(usize),
    /// So long after the night began.
    At(Duration),
}

/// Something that happens in the tenant.
type Act = Box<dyn FnOnce(&Emulator) + Send>;

/// A tenant, a manifest, and a checkpoint that is all that lasts from night to night.
pub(crate) struct Campaign {
    pub(crate) tenant: Emulator,
    /// The guests that the manifest names.
    pub(crate) rows: Vec<u32>,
    /// Switches the machine off so long after the next night began.
    pub(crate) cut_after: Option<Duration>,
    /// The time budget of the next night.
    pub(crate) stop_after: Option<Duration>,
    /// Something that happens between the plan and its first row.
    pub(crate) after_plan: Option<Act>,
    /// What each night said.
    pub(crate) mornings: Vec<String>,
    settings: Settings,
    begins_at: Timestamp,
    directory: TempDir,
    wire: Arc<Wire>,
}

impl Campaign {
    pub(crate) fn new(guests: u32, begins_at: &str) -> Self {
        Self::with(guests, begins_at, &[])
    }

    /// With other words in the configuration.
    pub(crate) fn with(guests: u32, begins_at: &str, other: &[(&str, &str)]) -> Self {
        Self::with_options(guests, begins_at, other, Options::default())
    }

    /// In a tenant of such a kind.
    pub(crate) fn with_options(
        guests: u32,
        begins_at: &str,
        other: &[(&str, &str)],
        options: Options,
    ) -> Self {
        let begins_at = super::at(begins_at);
        let options =
            Options { quotas: Quotas::unlimited(), starts_at: Some(begins_at), ..options };
        let directory = TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap();
        let config = directory.path().join("reinvite.toml");
        let text = other.iter().fold(CONFIG.to_owned(), |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        });
        std::fs::write(&config, text).unwrap();
        let loaded = Settings::load(&config, true, |_| None, &Overrides::default());
        let tenant = Emulator::new(super::seed(guests), options);
        Self {
            tenant,
            rows: (1..=guests).collect(),
            cut_after: None,
            stop_after: None,
            after_plan: None,
            mornings: Vec::new(),
            settings: loaded.unwrap().0,
            begins_at,
            directory,
            wire: Arc::default(),
        }
    }

    /// A night, now, until the world stops. Says whether it did before the night was
    /// over, and what was sent when, and whether that writes.
    pub(crate) async fn until(&mut self, cut: Option<Cut>) -> (bool, Vec<(Duration, bool)>) {
        self.wire = Arc::new(Wire { cut, ..Wire::default() });
        let wire = Arc::clone(&self.wire);
        let mut stopped = wire.stopped.subscribe();
        let at = async {
            match cut {
                Some(Cut::At(after)) => tokio::time::sleep(after).await,
                _ => std::future::pending().await,
            }
        };
        let began = Instant::now();
        let is_cut = tokio::select! {
            biased;
            _ = stopped.wait_for(|stopped| *stopped) => true,
            () = at => true,
            _ = self.once() => false,
        };
        // Whatever was on its way to the disk arrives, and the lock is given up.
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.wire = Arc::default();
        let sent = wire.sent.lock().unwrap();
        let sent = sent.iter().map(|(at, writes)| (at.duration_since(began), *writes));
        (is_cut, sent.collect())
    }

    /// The n-th night, at its hour.
    pub(crate) async fn night(&mut self, n: u32) {
        let hour = self.begins_at + SignedDuration::from_hours(24 * i64::from(n - 1));
        let wait = hour.duration_since(self.tenant.now());
        tokio::time::sleep(Duration::try_from(wait).unwrap_or_default()).await;
        let said = match self.cut_after.take() {
            None => self.once().await,
            Some(cut_after) => tokio::select! {
                biased;
                () = tokio::time::sleep(cut_after) => "cut off\n".to_owned(),
                said = self.once() => said,
            },
        };
        // Whatever was on its way to the disk arrives, and the lock is given up.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let day = hour.strftime("%a %d %b");
        self.mornings.push(format!("== night {n}, {day}\n{said}"));
    }

    /// A night, now: what `reconcile` does, and what it says.
    pub(crate) async fn once(&mut self) -> String {
        self.once_of(Scope::Everything).await
    }

    /// What `remind` does.
    pub(crate) async fn remind(&mut self) -> String {
        self.once_of(Scope::Reminders).await
    }

    async fn once_of(&mut self, scope: Scope) -> String {
        fastrand::seed(1);
        let stop = Stop::new();
        let graph = self.graph(&stop);
        let manifest = self.manifest();
        let path = self.checkpoint();
        let checkpoint = Checkpoint::open(&path, graph.clock().now()).unwrap();
        let deadline = self.stop_after.take().map(|left| Instant::now() + left);
        let session = Session { settings: &self.settings, graph: &graph, stop: &stop, deadline };
        let watch = Watch { tenant: &self.tenant, after_plan: Mutex::new(self.after_plan.take()) };
        let request = NightRequest { scope, reset_matching: false };
        let exit_of = |night: &Night| Exit::from_summary(&night.summary_for_exit());
        let code = |night: &Night| exit_of(night).code();
        let carried =
            campaign::reconcile(&session, checkpoint, &manifest, request, &watch, code).await;
        let Carried::Out(Reconciled { night_plan, night, ended }) = carried.unwrap() else {
            panic!("the plan was refused")
        };
        ended.unwrap();
        assert!(night.trouble.is_none(), "{:?}", night.trouble);
        let exit = exit_of(&night);
        let summary = &night.summary;
        let accounted = summary.invited
            + summary.settled
            + summary.blocked
            + summary.failed
            + summary.unknown
            + summary.not_attempted;
        assert_eq!(accounted, summary.rows, "{summary:?}");
        if scope == Scope::Everything && night.digest.unverified.is_none() {
            // Every guest is somewhere, but for those that no row asks for and that were
            // settled just now.
            let verified = &night.digest.verified;
            let guests = read_ledger(&path).unwrap().entries().count() as u64;
            let settled = verified.settled.sent + verified.settled.not_sent;
            assert_eq!(total(verified.standing) + settled, guests, "{:?}", night.digest);
        }
        if night.is_quiet() && exit == Exit::Done {
            return "quiet\n".to_owned();
        }
        let mut text = Vec::new();
        let view = NightView {
            styles: Styles::plain(),
            width: 100,
            most_rows: 5,
            manifest: "guests.csv",
            only_reminders: scope == Scope::Reminders,
            continue_with: None,
        };
        let (plan, digest) = (&night_plan.plan, &night.digest);
        night_text(&mut text, plan, &night.outcomes, summary, digest, &view).unwrap();
        let mut text = String::from_utf8(text).unwrap();
        if exit != Exit::Done {
            writeln!(text, "exit {}", exit.code()).unwrap();
        }
        text
    }

    /// What `verify` does.
    pub(crate) async fn verify(&mut self) {
        let stop = Stop::new();
        let graph = self.graph(&stop);
        let checkpoint = Checkpoint::open(&self.checkpoint(), graph.clock().now()).unwrap();
        let settings = &self.settings;
        let session = Session { settings, graph: &graph, stop: &stop, deadline: None };
        campaign::verify(&session, checkpoint, session.settings.reconcile.mail_trace, |_, _| 0)
            .await
            .unwrap()
            .ended
            .unwrap();
    }

    /// A person asks to send to the n-th guest again, and the run that was to do it ends
    /// before it comes to that.
    pub(crate) async fn ask_again(&mut self, n: u32) {
        let user = self.tenant.user(&id(n)).unwrap();
        let changed_at = user.external_user_state_change_date_time;
        let record = Record::ResendAsked {
            key: InvitationKey {
                user_id: id(n).parse().unwrap(),
                address: new_address(n).parse().unwrap(),
            },
            who: "ada".to_owned(),
            why: "the mail was lost".to_owned(),
            before: Redemption {
                state: Some(RedemptionState::PendingAcceptance),
                changed_at: changed_at.map(|at| at.parse().unwrap()),
            },
        };
        let at = self.tenant.now();
        let checkpoint = Checkpoint::open(&self.checkpoint(), at).unwrap();
        let journal = checkpoint.begin_look("apply", at).unwrap();
        journal.append(record, at).await.unwrap();
        let (stop_reason, summary) = (Some("time-budget"), "{}".to_owned());
        journal.end_run(&RunEnd { at, stop_reason, exit_code: 7, summary }).unwrap();
    }

    /// What `status` would say.
    pub(crate) fn status(&self) -> Status {
        read_status(&self.checkpoint()).unwrap()
    }

    /// One column of the checkpoint, as any tool could read it.
    pub(crate) fn query(&self, sql: &str) -> Vec<String> {
        let connection = rusqlite::Connection::open(self.checkpoint()).unwrap();
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }

    fn checkpoint(&self) -> PathBuf {
        self.directory.path().join("guests.csv.checkpoint")
    }

    /// Lets time pass.
    pub(crate) async fn hours(&self, hours: u64) {
        tokio::time::sleep(Duration::from_secs(hours * 3600)).await;
    }

    /// So many invitations vanish on their way.
    pub(crate) fn lose_invitations(&self, times: u64) {
        self.tenant.inject(Fault::new(Matcher::invitation().times(times), Action::Drop));
    }

    /// The states of all rows in the checkpoint, by address.
    pub(crate) fn states(&self) -> Vec<String> {
        self.query("SELECT state FROM row ORDER BY address")
    }

    /// What the campaign's checkpoint tells on the morning after.
    pub(crate) fn report(&self) -> String {
        let path = self.directory.path().join("guests.csv.checkpoint");
        let week = Duration::from_hours(168);
        let options = ReportOptions { now: self.tenant.now(), stuck_after: week };
        let report = Report::new(vec![Reader::open(&path).unwrap().history().unwrap()], options);
        let mut out = Vec::new();
        write_report(&mut out, &report, ReportFormat::Markdown).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// P1 over all nights, and that nobody was forgotten.
    pub(crate) fn everybody_got_what_was_theirs(&self) {
        let ledger = self.tenant.ledger();
        // Three days, as far as the two clocks agree.
        let gap = SignedDuration::from_hours(72) - SignedDuration::from_secs(2);
        for n in 1..=13 {
            let invitations = ledger.invitations_for(&id(n));
            assert!((1..=3).contains(&invitations.len()), "guest {n}: {}", invitations.len());
            for pair in invitations.windows(2) {
                assert!(pair[1].at.duration_since(pair[0].at) >= gap, "guest {n}");
                let weekday = pair[1].at.strftime("%a").to_string();
                assert!(!["Sat", "Sun"].contains(&&*weekday), "guest {n} on {weekday}");
            }
            assert!(invitations.iter().all(|sent| sent.address == new_address(n)), "guest {n}");
        }
        // Redeemed after the first, and never locked out again.
        for n in [1, 3, 4] {
            assert_eq!(ledger.invitations_for(&id(n)).len(), 1, "guest {n}");
            let user = self.tenant.user(&id(n)).unwrap();
            assert_eq!(user.external_user_state.as_deref(), Some("Accepted"), "guest {n}");
        }
        // Never redeemed: all that the policy allows. Left the manifest: no more.
        assert_eq!(ledger.invitations_for(&id(6)).len(), 3);
        assert_eq!(ledger.invitations_for(&id(5)).len(), 1);
        // Somebody else took care of the one, and deleted the other.
        assert_eq!(ledger.invitations_for(&id(7)).len(), 1);
        assert_eq!(ledger.invitations_for(&id(8)).len(), 1);
        let put_right = self.tenant.user(&id(2)).unwrap().mail;
        assert_eq!(put_right.as_deref(), Some(&*new_address(2)));
    }

    fn manifest(&self) -> Manifest {
        let mut csv = String::from("user,new_email\n");
        for n in &self.rows {
            writeln!(csv, "guest{n}@fabrikam.example,{}", new_address(*n)).unwrap();
        }
        manifest::parse("guests.csv", csv.as_bytes(), &manifest::Options::default())
            .unwrap()
            .manifest
    }

    fn graph(&self, stop: &Stop) -> Graph {
        let token = self.tenant.token(SAMPLE_CLIENT_ID, Caller::AppOnly).unwrap();
        let pace = &self.settings.pace;
        Graph::new(
            Arc::new(InProcess(self.tenant.router(), Arc::clone(&self.wire))),
            &"https://graph.example".parse().unwrap(),
            Box::new(GivenToken(token.into())),
            Pace {
                writes_per_second: pace.writes_per_second,
                burst: pace.burst,
                requests_in_flight: pace.requests_in_flight,
            },
            Arc::new(Clock::starting_at(self.tenant.now())),
            Arc::new(|_| {}),
            stop.token(),
        )
    }
}

/// Lets something happen in the tenant between the plan and its first row.
struct Watch<'a> {
    tenant: &'a Emulator,
    after_plan: Mutex<Option<Act>>,
}

impl Host for Watch<'_> {
    type Objection = ();

    fn observe(&self, _: Notice<'_>) {}

    async fn review(&self, _: Review<'_>) -> Result<(), ()> {
        if let Some(act) = self.after_plan.lock().unwrap().take() {
            act(self.tenant);
        }
        Ok(())
    }
}

/// All guests that are somewhere.
fn total(standing: Standing) -> u64 {
    let Standing {
        pending,
        redeemed,
        no_trace,
        mail_changed,
        deleted,
        reinvited,
        unclear,
        too_early,
        not_invited,
        unknown,
    } = standing;
    let invited = pending + redeemed + no_trace + mail_changed + deleted + reinvited + unclear;
    invited + too_early + not_invited + unknown
}

/// What left, when, and whether it writes; and where the world stops.
#[derive(Debug, Default)]
struct Wire {
    cut: Option<Cut>,
    sent: Mutex<Vec<(Instant, bool)>>,
    stopped: watch::Sender<bool>,
}

impl Wire {
    /// Stops the world: no request is delivered, no answer seen any more.
    async fn stop_the_world(&self) -> ! {
        self.stopped.send_replace(true);
        std::future::pending().await
    }
}

/// Requests go straight into the tenant's router.
struct InProcess(Router, Arc<Wire>);

#[async_trait]
impl Transport for InProcess {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let Self(router, wire) = self;
        let is_invitation = request.uri().path().ends_with("/invitations");
        let writes = request.method() == Method::PATCH || is_invitation;
        let n = {
            let mut sent = wire.sent.lock().unwrap();
            sent.push((Instant::now(), writes));
            sent.len()
        };
        if *wire.stopped.borrow() || wire.cut == Some(Cut::Before(n)) {
            wire.stop_the_world().await;
        }
        // A router is always ready and never fails.
        let answer = router.clone().call(request.map(Body::from)).await.unwrap();
        if *wire.stopped.borrow() || wire.cut == Some(Cut::After(n)) {
            wire.stop_the_world().await;
        }
        let lost = |what: &str| TransportError {
            was_up: false,
            reached: Reached::Maybe,
            message: format!("graph.example: {what}"),
        };
        if answer.extensions().get::<NoConnection>().is_some() {
            return Err(TransportError { reached: Reached::No, ..lost("no route to host") });
        }
        if answer.extensions().get::<AnswerLost>().is_some() {
            return Err(lost("the connection was closed"));
        }
        let (parts, body) = answer.into_parts();
        match to_bytes(body, usize::MAX).await {
            Ok(body) => Ok(Response::from_parts(parts, body)),
            Err(_) => Err(lost("the body broke off")),
        }
    }
}
