//! One run of a campaign: what `apply` does, in its order.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use reinvite::checkpoint::{Checkpoint, Journal, ManifestRow, Record, RunEnd, RunStart};
use reinvite::config::{InvitationDefaults, Limit, MailWrite};
use reinvite::domain::{Email, InvitationKey, Ledger};
use reinvite::emulator::{Emulator, SAMPLE_CLIENT_ID};
use reinvite::graph::{Clock, EarlierWrite, GivenToken, Graph, Wanted};
use reinvite::manifest;
use reinvite::plan::{ChangeReason, Decision, Guards, Plan, PlannedRow, Policy};
use reinvite::run::{Event, RunResult, RunSettings, Stop, StopReason, carry_out};

use super::campaign::Campaign;
use super::finished::Finished;
use super::wire::{Cut, Sent, Wire};

impl Campaign {
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
        // The jitter of repetitions is the same in every run.
        fastrand::seed(1);
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
        let probe = checkpoint.is_stopped_by(StopReason::is_of_tenant).unwrap();
        let plan = self.make_plan(&graph, &ledger).await;
        checkpoint.claim(&plan.tenant_id).unwrap();
        if let Some(act) = self.after_plan.take() {
            act(emulator);
        }
        let now = graph.clock().service_now();
        let earlier: Vec<EarlierWrite> = checkpoint
            .announced_since(now - EarlierWrite::WINDOW, EarlierWrite::MOST)
            .unwrap()
            .iter()
            .map(|write| EarlierWrite {
                ago: now.duration_since(write.at).try_into().unwrap_or_default(),
                is_invitation: write.is_invitation,
            })
            .collect();
        graph.note_earlier_writes(&earlier);
        let start = RunStart {
            at: graph.clock().now(),
            command: "apply",
            manifest: "guests.csv",
            tenant_name: plan.tenant_name.as_deref(),
            plan_digest: plan.digest.to_string(),
            manifest_form: String::new(),
        };
        let journal = checkpoint.begin_run(&start, plan.rows.iter().map(manifest_row)).unwrap();
        self.record_resends(&graph, &journal, &plan).await;
        if let Some(act) = self.after_begin.take() {
            act(&self.checkpoint());
        }
        let settings = RunSettings {
            probe,
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
        journal.end_run(&end).unwrap();
        Finished {
            plan,
            outcomes,
            summary,
            events: events.into_inner().unwrap(),
            sent: sent.lock().unwrap().clone(),
        }
    }

    fn graph(&self, emulator: &Emulator, wire: Wire, stop: &Stop) -> Graph {
        let known = self.token.clone();
        let token = known.unwrap_or_else(|| emulator.token(SAMPLE_CLIENT_ID, self.caller).unwrap());
        Graph::new(
            Arc::new(wire),
            &"https://graph.example".parse().unwrap(),
            Box::new(GivenToken(token.into())),
            self.pace,
            Arc::new(Clock::starting_at(emulator.now() + self.clock_ahead)),
            Arc::new(|_| {}),
            stop.token(),
        )
    }

    async fn make_plan(&mut self, graph: &Graph, ledger: &Ledger) -> Plan {
        let loaded = manifest::parse("guests.csv", self.manifest.as_bytes()).unwrap();
        assert!(self.skip_invalid || loaded.problems.is_empty(), "{:?}", loaded.problems);
        let manifest = loaded.manifest;
        let wanted = Wanted {
            references: manifest.rows.iter().map(|row| row.user.clone()).collect(),
            addresses: manifest.rows.iter().filter_map(|row| row.new_email.clone()).collect(),
            known: ledger.users().collect(),
            remembered: manifest
                .rows
                .iter()
                .map(|row| row.user.folded())
                .filter(|name| ledger.user_named(name).is_some())
                .collect(),
            writes_other_mails: self.mail != MailWrite::Mail,
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
            reminders: None,
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
                    before: change.redemption.clone(),
                };
                journal.append(record, graph.clock().service_now()).await.unwrap();
            }
        }
    }
}

fn manifest_row(row: &PlannedRow) -> ManifestRow<'_> {
    ManifestRow {
        line: row.line,
        user: &row.user,
        user_id: row.user_id.map(|id| id.to_string()),
        address: row.new_email.as_ref().map(Email::folded),
        decision: row.decision.name(),
        reason: row.decision.reason(),
        explanation: None,
        cells: "[]",
    }
}
