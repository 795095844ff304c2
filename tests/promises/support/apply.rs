//! One run of a campaign.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reinvite::campaign::{
    self, Applied, ApplyRequest, Asked, CampaignError, Carried, Host, Notice, ResendReason,
    RevertRequest, Review, Session,
};
use reinvite::checkpoint::Checkpoint;
use reinvite::domain::Ledger;
use reinvite::emulator::{Emulator, SAMPLE_CLIENT_ID};
use reinvite::graph::{Clock, GivenToken, Graph, Method, Pace};
use reinvite::manifest;
use reinvite::plan::Plan;
use reinvite::run::{Event, RunResult, Stop};

use super::campaign::{Campaign, Observe, Once};
use super::finished::Finished;
use super::wire::{Cut, Sent, Wire};

impl Campaign {
    /// Applies the manifest. Panics when a script stops the world.
    pub(crate) async fn run(&mut self) -> Finished {
        self.run_until_cut().await.expect("no script stops this run")
    }

    /// The same, for reading: `apply` after any stop is the resume.
    pub(crate) async fn resume(&mut self) -> Finished {
        self.run().await
    }

    /// Applies the manifest until a script stops the world: None when one did.
    pub(crate) async fn run_until_cut(&mut self) -> Option<Finished> {
        let asked_before = self.resends_asked();
        let work = async |campaign: &mut Self, emulator: &Emulator, wire, sent: &Arc<_>| {
            campaign.apply(emulator, wire, sent).await
        };
        let finished = self.until_cut(work).await;
        // Whoever asked asks once more only if nothing of it was written down.
        if self.resends_asked() > asked_before {
            self.resend = None;
        }
        finished
    }

    /// Does something until a script stops the world: None when one did.
    pub(super) async fn until_cut<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut Self, &Emulator, Wire, &Arc<Mutex<Vec<Sent>>>) -> T,
    ) -> Option<T> {
        // The jitter of repetitions is the same in every run.
        fastrand::seed(1);
        let emulator = self.emulator();
        let sent = Arc::new(Mutex::new(Vec::new()));
        let cut = self.cut.take();
        let wire = Wire::new(&emulator, Arc::clone(&sent), cut, self.watcher.take())
            .away(self.away.take());
        let mut stopped = wire.stopped();
        let at = async {
            if let Some(Cut::At(moment)) = cut {
                let left = moment.duration_since(emulator.now());
                tokio::time::sleep(Duration::try_from(left).unwrap_or_default()).await;
            } else {
                std::future::pending::<()>().await;
            }
        };
        let done = {
            let work = work(self, &emulator, wire, &sent);
            tokio::select! {
                biased;
                _ = stopped.wait_for(|stopped| *stopped) => None,
                () = at => None,
                done = work => Some(done),
            }
        };
        // Records that were handed in and that nobody waits for any more may still be
        // on their way to the disk. The clock moves only when none is.
        tokio::time::sleep(Duration::from_secs(1)).await;
        done
    }

    fn resends_asked(&self) -> usize {
        if !self.checkpoint().exists() {
            return 0;
        }
        self.query("SELECT what FROM event WHERE what = 'resend-asked'").len()
    }

    async fn apply(
        &mut self,
        emulator: &Emulator,
        wire: Wire,
        sent: &Mutex<Vec<Sent>>,
    ) -> Finished {
        let (events, carried) = self.attempt(emulator, wire, sent).await;
        let Carried::Out(applied) = carried.expect("the tenant can be read") else {
            panic!("the plan was refused")
        };
        applied.ended.expect("the end can be written down");
        let RunResult { outcomes, summary } = applied.result;
        let plan = Arc::try_unwrap(applied.plan).expect("nobody else has it");
        Finished { plan, outcomes, summary, events, sent: sent.lock().unwrap().clone() }
    }

    /// `apply` once, for runs that do not come as far as carrying something out.
    pub(crate) async fn try_run(&mut self) -> Result<Carried<Applied, ()>, CampaignError> {
        let emulator = self.emulator();
        let sent = Arc::new(Mutex::new(Vec::new()));
        let wire = Wire::new(&emulator, Arc::clone(&sent), None, self.watcher.take())
            .away(self.away.take());
        self.attempt(&emulator, wire, &sent).await.1
    }

    pub(super) async fn attempt(
        &mut self,
        emulator: &Emulator,
        wire: Wire,
        sent: &Mutex<Vec<Sent>>,
    ) -> (Vec<Event>, Result<Carried<Applied, ()>, CampaignError>) {
        let stop = Stop::new();
        let graph = self.graph(emulator, wire, &stop);
        let several_cc = self.settings.delivery.by.is_own();
        let options = manifest::Options { several_cc, ..manifest::Options::default() };
        let loaded = manifest::parse("guests.csv", self.manifest.as_bytes(), &options).unwrap();
        assert!(self.skip_invalid || loaded.problems.is_empty(), "{:?}", loaded.problems);
        let (resend, why) = self.resend.clone().unzip();
        let request = ApplyRequest {
            reset_matching: self.reset_matching,
            retry_failed: self.retry_failed,
            resend: resend.unwrap_or_default(),
            moves_reverted: !self.yes,
            resend_reason: why
                .map(|why| ResendReason { who: "ada".to_owned(), why: why.to_owned() }),
            ..ApplyRequest::default()
        };
        let path = self.checkpoint();
        let checkpoint = Checkpoint::open(&path, graph.clock().now()).unwrap();
        let watch = Watch {
            emulator,
            stop: &stop,
            sent,
            runs_before: runs(&path),
            path,
            objects: std::mem::take(&mut self.objects),
            after_plan: Mutex::new(self.after_plan.take()),
            after_begin: Mutex::new(self.after_begin.take()),
            observe: self.observe.take(),
            events: Mutex::default(),
        };
        let (settings, deadline) = (&self.settings, self.deadline);
        let session = Session { settings, graph: &graph, stop: &stop, deadline };
        let carried = if let Some(revert) = self.revert.clone() {
            let request = RevertRequest { retry_failed: self.retry_failed, ..revert };
            let carried = campaign::revert(&session, checkpoint, request, &watch, |_| 0).await;
            carried.map(|carried| match carried {
                Carried::Out(reverted) => Carried::Out(reverted.applied),
                Carried::Refused { plan, refusal } => Carried::Refused { plan, refusal },
                Carried::Declined(objection) => Carried::Declined(objection),
            })
        } else {
            let manifest = &loaded.manifest;
            campaign::apply(&session, checkpoint, manifest, request, &watch, |_| 0).await
        };
        (watch.events.into_inner().unwrap(), carried)
    }

    /// The plan of somebody who has no checkpoint, the guests read in this way.
    pub(crate) async fn plan_by(&mut self, method: Method) -> Plan {
        let emulator = self.emulator();
        let wire = Wire::new(&emulator, Arc::default(), None, None);
        let graph = self.graph(&emulator, wire, &Stop::new());
        let options = manifest::Options::default();
        let loaded = manifest::parse("guests.csv", self.manifest.as_bytes(), &options).unwrap();
        let asked = Asked { method: Some(method), ..Asked::default() };
        let (manifest, ledger) = (&loaded.manifest, Ledger::default());
        let read = campaign::read_and_plan(&graph, manifest, &ledger, &self.settings, asked).await;
        read.expect("the tenant can be read").plan
    }

    pub(super) fn graph(&self, emulator: &Emulator, wire: Wire, stop: &Stop) -> Graph {
        let known = self.token.clone();
        let token = known.unwrap_or_else(|| emulator.token(SAMPLE_CLIENT_ID, self.caller).unwrap());
        Graph::new(
            Arc::new(wire),
            &"https://graph.example".parse().unwrap(),
            Box::new(GivenToken(token.into())),
            Pace {
                writes_per_second: self.settings.pace.writes_per_second,
                burst: self.settings.pace.burst,
                requests_in_flight: self.settings.pace.requests_in_flight,
            },
            Arc::new(Clock::starting_at(emulator.now() + self.clock_ahead)),
            Arc::new(|_| {}),
            stop.token(),
        )
    }
}

/// Looks on, and makes sure that nothing is written before the plan was reviewed.
struct Watch<'a> {
    emulator: &'a Emulator,
    stop: &'a Stop,
    sent: &'a Mutex<Vec<Sent>>,
    path: PathBuf,
    runs_before: i64,
    objects: bool,
    after_plan: Mutex<Option<Once<Emulator>>>,
    after_begin: Mutex<Option<Once<Path>>>,
    observe: Option<Observe>,
    events: Mutex<Vec<Event>>,
}

impl Host for Watch<'_> {
    type Objection = ();

    fn observe(&self, notice: Notice<'_>) {
        match notice {
            Notice::OtherManifest { .. } | Notice::Part { .. } | Notice::DirectoryRead { .. } => {}
            Notice::RunBegan { .. } => {
                if let Some(act) = self.after_begin.lock().unwrap().take() {
                    act(&self.path);
                }
            }
            Notice::Run(event) => {
                if let Some(observe) = &self.observe {
                    observe(&event, self.stop);
                }
                self.events.lock().unwrap().push(event);
            }
        }
    }

    async fn review(&self, _: Review<'_>) -> Result<(), ()> {
        let is_write = self.sent.lock().unwrap().iter().any(Sent::is_write);
        assert!(!is_write, "something was written before the review");
        assert_eq!(runs(&self.path), self.runs_before, "a run began before the review");
        if let Some(act) = self.after_plan.lock().unwrap().take() {
            act(self.emulator);
        }
        if self.objects { Err(()) } else { Ok(()) }
    }
}

fn runs(checkpoint: &Path) -> i64 {
    let connection = rusqlite::Connection::open(checkpoint).unwrap();
    connection.query_row("SELECT count(*) FROM run", [], |row| row.get(0)).unwrap()
}
