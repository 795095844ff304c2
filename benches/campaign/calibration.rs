//! What this machine gives at most at this moment: requests of a bare client that
//! does nothing with the answers, and durable commits of a bare database.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use reinvite::emulator::TenantSeed;
use reinvite::graph::wire;
use rusqlite::{Connection, params};

use super::Outcome;
use super::process::cpu_seconds;
use super::tenant::{Pace, Tenant, workplace};

/// Bare requests that are sent: some tenths of a second's worth.
const REQUESTS: u32 = 15_000;

/// How long commits are made.
const COMMITTING: Duration = Duration::from_millis(500);

/// A measure of the machine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Calibration {
    pub(super) requests_per_second: f64,
    pub(super) client_cpu_per_request: Option<f64>,
    pub(super) emulator_cpu_per_request: Option<f64>,
    pub(super) commits_per_second: f64,
}

impl Calibration {
    pub(super) fn measure(rows: u32, pace: &Pace) -> Outcome<Self> {
        let directory = workplace()?;
        let tenant = Tenant::start(directory.path(), rows, &["--quota=none".to_owned()])?;
        let (client, emulator) =
            (cpu_seconds(std::process::id()), cpu_seconds(tenant.process_id()));
        let elapsed = read_guests(&tenant, rows, pace.in_flight)?;
        let per_request =
            |before: Option<f64>, id| Some((cpu_seconds(id)? - before?) / f64::from(REQUESTS));
        Ok(Self {
            requests_per_second: f64::from(REQUESTS) / elapsed.as_secs_f64(),
            client_cpu_per_request: per_request(client, std::process::id()),
            emulator_cpu_per_request: per_request(emulator, tenant.process_id()),
            commits_per_second: commits_per_second(&directory.path().join("bare.db"))?,
        })
    }
}

/// Reads guests, as many at a time as a run has requests in flight.
fn read_guests(tenant: &Tenant, rows: u32, in_flight: usize) -> Outcome<Duration> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().tcp_nodelay(true).build()?;
        let bearer = Arc::new(format!("Bearer {}", tenant.token(&client).await?));
        let next = Arc::new(AtomicU32::new(0));
        let started = Instant::now();
        let workers: Vec<_> = (0..in_flight)
            .map(|_| {
                let (client, bearer, next) = (client.clone(), bearer.clone(), next.clone());
                let users = format!("{}/v1.0/users", tenant.origin);
                tokio::spawn(async move {
                    loop {
                        let n = next.fetch_add(1, Ordering::Relaxed);
                        if n >= REQUESTS {
                            return Ok::<_, reqwest::Error>(());
                        }
                        let id = TenantSeed::guest_id(n % rows + 1);
                        let url = format!("{users}/{id}?$select={}", wire::USER_SELECT);
                        let request = client.get(url).header("authorization", bearer.as_str());
                        request.send().await?.error_for_status()?.bytes().await?;
                    }
                })
            })
            .collect();
        for worker in workers {
            worker.await??;
        }
        Ok(started.elapsed())
    })
}

/// Durable commits of one small row each, as the checkpoint's settings make them.
fn commits_per_second(path: &std::path::Path) -> Outcome<f64> {
    let connection = Connection::open(path)?;
    connection.pragma_update_and_check(None, "journal_mode", "TRUNCATE", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "EXTRA")?;
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT NOT NULL)", [])?;
    let mut insert = connection.prepare("INSERT INTO t (text) VALUES (?1)")?;
    let started = Instant::now();
    let mut commits = 0_u32;
    while started.elapsed() < COMMITTING {
        insert.execute(params!["guest@fabrikam.example invited"])?;
        commits += 1;
    }
    Ok(f64::from(commits) / started.elapsed().as_secs_f64())
}
