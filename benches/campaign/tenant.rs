//! The tenant of a measurement: the emulator in a process of its own, and the
//! configuration that points at it.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde_json::Value;
use tempfile::TempDir;

use super::Outcome;
use super::process::{Guarded, reinvite};

/// Long enough for a tenant of a million guests to be made up.
const START_WITHIN: Duration = Duration::from_mins(1);

/// A directory of its own, on the disk on which the project is built: a temporary
/// directory in memory would make durability free.
pub(super) fn workplace() -> Outcome<TempDir> {
    Ok(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?)
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    pub(super) writes_per_second: u32,
    pub(super) burst: u32,
    pub(super) in_flight: usize,
    pub(super) settle_ms: u32,
}

impl Pace {
    /// As fast as it goes: no waiting, and a rate beyond reach.
    pub(super) fn unlimited(in_flight: usize) -> Self {
        Self { writes_per_second: 1_000_000, burst: 1_000_000, in_flight, settle_ms: 0 }
    }
}

/// The emulator in a process of its own.
#[derive(Debug)]
pub(super) struct Tenant {
    process: Guarded,
    pub(super) origin: String,
    /// Where it takes mails, where it does.
    pub(super) smtp: String,
    id: String,
    client_id: String,
    client_secret: String,
}

impl Tenant {
    /// Starts it with so many guests, and with these flags.
    pub(super) fn start(directory: &Path, guests: u32, flags: &[String]) -> Outcome<Self> {
        let guests = guests.to_string();
        let mut command = reinvite(directory, "emulate")?;
        command.args(["emulate", "--listen", "127.0.0.1:0", "--output", "json"]);
        command.args(["--guests", &guests]).args(flags);
        let mut process = Guarded(command.spawn()?);
        let started = Instant::now();
        loop {
            let told = fs::read_to_string(directory.join("emulate.out"))?;
            if told.ends_with('\n') {
                let told: Value = serde_json::from_str(&told)?;
                let text = |key: &str| told[key].as_str().unwrap_or_default().to_owned();
                return Ok(Self {
                    process,
                    origin: text("graph_url"),
                    smtp: text("smtp"),
                    id: text("tenant_id"),
                    client_id: text("client_id"),
                    client_secret: text("client_secret"),
                });
            }
            if process.0.try_wait()?.is_some() || started.elapsed() > START_WITHIN {
                let said = fs::read_to_string(directory.join("emulate.err"))?;
                return Err(format!("the emulator did not start: {said}").into());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(super) fn process_id(&self) -> u32 {
        self.process.0.id()
    }

    /// A token, for requests that the benchmark makes itself.
    pub(super) async fn token(&self, client: &reqwest::Client) -> Outcome<String> {
        let Self { origin, id, client_id, client_secret, .. } = self;
        let answer = client
            .post(format!("{origin}/{id}/oauth2/v2.0/token"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!(
                "grant_type=client_credentials&client_id={client_id}\
                 &client_secret={client_secret}&scope={origin}/.default"
            ))
            .send()
            .await?
            .error_for_status()?
            .bytes()
            .await?;
        let answer: Value = serde_json::from_slice(&answer)?;
        Ok(answer["access_token"].as_str().ok_or("no token")?.to_owned())
    }

    /// What the emulator says of itself.
    pub(super) fn about<T: DeserializeOwned>(&self, what: &str) -> Outcome<T> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let client = reqwest::Client::builder().no_proxy().build()?;
            let url = format!("{}/emulator/{what}", self.origin);
            let told = client.get(url).send().await?.error_for_status()?.bytes().await?;
            Ok(serde_json::from_slice(&told)?)
        })
    }

    /// A configuration for it.
    pub(super) fn configuration(&self, pace: &Pace) -> String {
        let Self { origin, id, client_id, .. } = self;
        let Pace { writes_per_second, burst, in_flight, settle_ms } = pace;
        format!(
            "[tenant]\n\
             id = \"{id}\"\n\
             graph_url = \"{origin}\"\n\
             login_url = \"{origin}\"\n\
             [auth]\n\
             client_id = \"{client_id}\"\n\
             client_secret_env = \"EMULATOR_SECRET\"\n\
             [pace]\n\
             writes_per_second = {writes_per_second}\n\
             burst = {burst}\n\
             requests_in_flight = {in_flight}\n\
             settle = \"{settle_ms}ms\"\n\
             [guards]\n\
             max_changes = \"100%\"\n"
        )
    }
}
