//! One round: a fresh tenant, a manifest that moves all its guests, and then plan,
//! apply, and apply once more.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use reinvite::emulator::TenantSeed;
use serde_json::Value;
use tempfile::TempDir;

use super::Outcome;
use super::process::{Guarded, Used, cpu_seconds, peak_bytes, reinvite, run};

/// Long enough for a tenant of a million guests to be made up.
const START_WITHIN: Duration = Duration::from_secs(60);

/// What is measured.
#[derive(Debug)]
pub(super) struct Setup {
    pub(super) rows: u32,
    pub(super) in_flight: usize,
}

/// What was measured.
#[derive(Debug)]
pub(super) struct Round {
    pub(super) plan: Used,
    pub(super) apply: Used,
    /// From the run's first row to its last, without planning.
    pub(super) sending_seconds: f64,
    pub(super) again: Used,
    /// Requests it took to read the directory, for the plan and for the second apply.
    pub(super) plan_requests: u64,
    pub(super) again_requests: u64,
    /// Of the emulator, during the apply.
    pub(super) emulator_cpu_seconds: Option<f64>,
    pub(super) emulator_peak_bytes: Option<u64>,
    pub(super) checkpoint_bytes: u64,
}

impl Round {
    pub(super) fn measure(setup: &Setup) -> Outcome<Self> {
        let directory = workplace()?;
        let directory = directory.path();
        let tenant = Tenant::start(directory, setup.rows)?;
        fs::write(directory.join("guests.csv"), manifest(setup.rows))?;
        fs::write(directory.join("reinvite.toml"), tenant.configuration(setup))?;

        let plan = run(directory, "plan", ["plan", "guests.csv", "--output", "json"])?;
        expect(directory, "plan", "change", setup.rows)?;
        let apply_arguments = ["apply", "guests.csv", "--yes", "--output", "json"];
        let before = cpu_seconds(tenant.process_id());
        let apply = run(directory, "apply", apply_arguments)?;
        let after = cpu_seconds(tenant.process_id());
        let summary = expect(directory, "apply", "invited", setup.rows)?;
        let again = run(directory, "again", apply_arguments)?;
        let nothing = expect(directory, "again", "settled", setup.rows)?;
        if nothing["invited"] != 0 || nothing["patched"] != 0 {
            return Err(format!("the second apply sent something: {nothing}").into());
        }
        Ok(Self {
            plan,
            apply,
            again,
            sending_seconds: summary["elapsed_seconds"].as_f64().ok_or("no elapsed_seconds")?,
            plan_requests: requests(directory, "plan")?,
            again_requests: requests(directory, "again")?,
            emulator_cpu_seconds: after.zip(before).map(|(after, before)| after - before),
            emulator_peak_bytes: peak_bytes(tenant.process_id()),
            checkpoint_bytes: fs::metadata(directory.join("guests.csv.checkpoint"))?.len(),
        })
    }
}

/// A directory of its own, on the disk on which the project is built: a temporary
/// directory in memory would make durability free.
pub(super) fn workplace() -> Outcome<TempDir> {
    Ok(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?)
}

/// The emulator in a process of its own.
#[derive(Debug)]
pub(super) struct Tenant {
    process: Guarded,
    pub(super) origin: String,
    id: String,
    client_id: String,
    client_secret: String,
}

impl Tenant {
    pub(super) fn start(directory: &Path, guests: u32) -> Outcome<Self> {
        let guests = guests.to_string();
        let mut command = reinvite(directory, "emulate")?;
        command.args(["emulate", "--quota", "none", "--listen", "127.0.0.1:0"]);
        command.args(["--guests", &guests, "--output", "json"]);
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

    /// As fast as it goes: no waiting, and a rate beyond reach.
    fn configuration(&self, setup: &Setup) -> String {
        let Self { origin, id, client_id, .. } = self;
        format!(
            "[tenant]\n\
             id = \"{id}\"\n\
             graph_url = \"{origin}\"\n\
             login_url = \"{origin}\"\n\
             [auth]\n\
             client_id = \"{client_id}\"\n\
             client_secret_env = \"EMULATOR_SECRET\"\n\
             [pace]\n\
             writes_per_second = 1000000\n\
             burst = 1000000\n\
             requests_in_flight = {}\n\
             settle = \"0s\"\n\
             [guards]\n\
             max_changes = \"100%\"\n",
            setup.in_flight
        )
    }
}

fn manifest(rows: u32) -> String {
    let mut text = "user,new_email\n".to_owned();
    for n in 1..=rows {
        let _ = writeln!(text, "{},guest{n}@northwind.example", TenantSeed::guest_id(n));
    }
    text
}

/// The summary of a command that must have counted every row so.
fn expect(directory: &Path, name: &str, key: &str, rows: u32) -> Outcome<Value> {
    let text = fs::read(directory.join(format!("{name}.out")))?;
    let mut printed: Value = serde_json::from_slice(&text)?;
    let summary = printed["summary"].take();
    if summary[key] != rows {
        return Err(format!("{name}: not {rows} rows are {key}: {summary}").into());
    }
    Ok(summary)
}

/// How many requests the directory took, which is said on stderr only.
fn requests(directory: &Path, name: &str) -> Outcome<u64> {
    let said = fs::read_to_string(directory.join(format!("{name}.err")))?;
    let line = said.lines().find(|line| line.contains("directory read"));
    let number = line.and_then(|line| line.split_once(" in ")?.1.rsplit(' ').nth(1));
    let number = number.ok_or("nothing said about reading the directory")?;
    Ok(number.replace(',', "").parse()?)
}
