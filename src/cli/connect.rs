//! From settings to a client: transport, sign-in, pace, and where its
//! observations go.

use std::sync::{Arc, Mutex, PoisonError};

use crate::config::{PaceSettings, Settings};
use crate::graph::{CallError, Clock, Graph, HttpTransport, Observation, Pace};
use crate::run::{Event, Stop};

use super::failure::Failure;
use super::sign_in;

/// Where events go at the moment: lines while planning, the progress display
/// during a run.
#[derive(Clone)]
pub(super) struct Sink(Arc<Mutex<Take>>);

type Take = Box<dyn FnMut(Event) + Send>;

impl Sink {
    pub(super) fn new(take: impl FnMut(Event) + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Box::new(take))))
    }

    /// Sends events elsewhere from now on.
    pub(super) fn redirect(&self, take: impl FnMut(Event) + Send + 'static) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(take);
    }

    pub(super) fn take(&self, event: Event) {
        (self.0.lock().unwrap_or_else(PoisonError::into_inner))(event);
    }
}

/// A client for the configured tenant. Nothing is sent yet. To be called within a
/// runtime, and outside of a future: a secret's program may have to be waited for.
pub(super) fn client(settings: &Settings, stop: &Stop, sink: &Sink) -> Result<Graph, Failure> {
    let tenant = &settings.tenant;
    let transport = HttpTransport::new().map_err(CallError::Unreachable)?;
    let clock = Arc::new(Clock::system());
    let source = sign_in::source(tenant, &settings.auth, &clock, stop, sink)?;
    let PaceSettings { writes_per_second, burst, requests_in_flight, .. } = settings.pace;
    let sink = sink.clone();
    Ok(Graph::new(
        Arc::new(transport),
        &tenant.graph_url,
        source,
        Pace { writes_per_second, burst, requests_in_flight },
        clock,
        Arc::new(move |observation| sink.take(event(observation))),
        stop.token(),
    ))
}

fn event(observation: Observation) -> Event {
    match observation {
        Observation::Throttled { scope, wait } => Event::Throttled { scope, wait },
        Observation::Retrying { attempt, wait, why } => {
            Event::Retrying { line: None, attempt, wait, why }
        }
        Observation::Waiting { at_most, why } => Event::Waiting { line: None, why, at_most },
        Observation::Noticed { what } => Event::Noticed { line: None, what },
    }
}
