//! Any command of a campaign, and what it is to a scheduler.

use std::sync::{Arc, Mutex};

use reinvite::campaign::{self, CampaignError, Carried, NightRequest, Scope, Session};
use reinvite::checkpoint::Checkpoint;
use reinvite::cli::Exit;
use reinvite::emulator::Emulator;
use reinvite::manifest;
use reinvite::run::Stop;

use super::campaign::Campaign;
use super::wire::{Sent, Wire};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    Apply,
    Reconcile,
    Verify,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// A script stopped the world.
    Cut,
    /// The tenant or the checkpoint could not be read.
    Failed(CampaignError),
    /// A guard refused the plan.
    Refused(String),
    /// With this exit code.
    Out(u8),
}

impl Campaign {
    /// Runs a command until its end or until a script stops the world.
    pub(crate) async fn command(&mut self, command: Command) -> Ended {
        let work =
            async move |campaign: &mut Self, emulator: &Emulator, wire, sent: &_| match command {
                Command::Apply => campaign.apply_to_exit(emulator, wire, sent).await,
                Command::Reconcile => campaign.reconcile_to_exit(emulator, wire).await,
                Command::Verify => campaign.verify_to_exit(emulator, wire).await,
            };
        self.until_cut(work).await.unwrap_or(Ended::Cut)
    }

    async fn apply_to_exit(
        &mut self,
        emulator: &Emulator,
        wire: Wire,
        sent: &Arc<Mutex<Vec<Sent>>>,
    ) -> Ended {
        match self.attempt(emulator, wire, sent).await.1 {
            Ok(Carried::Out(applied)) => {
                applied.ended.expect("the end can be written down");
                let summary = applied.result.summary;
                let accounted = summary.invited
                    + summary.settled
                    + summary.blocked
                    + summary.failed
                    + summary.unknown
                    + summary.not_attempted;
                assert_eq!(accounted, summary.rows, "{summary:?}");
                Ended::Out(Exit::from_summary(&summary).code())
            }
            Ok(Carried::Refused { refusal, .. }) => Ended::Refused(refusal.reason.to_string()),
            Ok(Carried::Declined(())) => unreachable!("nobody objects"),
            Err(error) => Ended::Failed(error),
        }
    }

    async fn reconcile_to_exit(&mut self, emulator: &Emulator, wire: Wire) -> Ended {
        let stop = Stop::new();
        let graph = self.graph(emulator, wire, &stop);
        let loaded =
            manifest::parse("guests.csv", self.manifest.as_bytes(), &manifest::Options::default())
                .unwrap();
        let checkpoint = Checkpoint::open(&self.checkpoint(), graph.clock().now()).unwrap();
        let session =
            Session { settings: &self.settings, graph: &graph, stop: &stop, deadline: None };
        let request = NightRequest { scope: Scope::Everything, reset_matching: false };
        let carried =
            campaign::reconcile(&session, checkpoint, &loaded.manifest, request, &Consents, |_| 0)
                .await;
        match carried {
            Ok(Carried::Out(reconciled)) => {
                reconciled.ended.expect("the end can be written down");
                let night = reconciled.night;
                let exit = Exit::from_summary(&night.summary_for_exit()).code();
                // Guests that could not be looked at are told of.
                Ended::Out(if exit == 0 && night.trouble.is_some() { 1 } else { exit })
            }
            Ok(Carried::Refused { refusal, .. }) => Ended::Refused(refusal.reason.to_string()),
            Ok(Carried::Declined(())) => unreachable!("nobody objects"),
            Err(error) => Ended::Failed(error),
        }
    }

    async fn verify_to_exit(&mut self, emulator: &Emulator, wire: Wire) -> Ended {
        let stop = Stop::new();
        let graph = self.graph(emulator, wire, &stop);
        let checkpoint = Checkpoint::open(&self.checkpoint(), graph.clock().now()).unwrap();
        let session =
            Session { settings: &self.settings, graph: &graph, stop: &stop, deadline: None };
        match campaign::verify(&session, checkpoint, self.settings.reconcile.mail_trace, |_, _| 0)
            .await
        {
            Ok(looked) => {
                looked.ended.expect("the end can be written down");
                let verified = &looked.verified;
                // As `verify` ends.
                Ended::Out(if !verified.unknown.is_empty() {
                    9
                } else if !verified.attention.is_empty() || looked.unfinished.total() > 0 {
                    4
                } else {
                    0
                })
            }
            Err(error) => Ended::Failed(error),
        }
    }
}

/// Whoever is asked says yes.
struct Consents;

impl campaign::Host for Consents {
    type Objection = ();

    fn observe(&self, _: campaign::Notice<'_>) {}

    async fn review(&self, _: campaign::Review<'_>) -> Result<(), ()> {
        Ok(())
    }
}
