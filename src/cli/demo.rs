//! `demo`: the whole job on a tenant inside this program, with everything that
//! goes wrong on a real one: lag, throttling, a lost answer.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use http::Method;
use tokio::net::TcpListener;

use crate::config::args::{ApplyArgs, BudgetArgs, DemoArgs, PlanningArgs};
use crate::config::{Overrides, Settings};
use crate::emulator::{
    Action, Canned, Emulator, Fault, Lag, Matcher, Options, RetryAfter, SAMPLE_CLIENT_ID,
    SAMPLE_CLIENT_SECRET, TenantSeed,
};

use super::Exit;
use super::apply::{Job, apply};
use super::failure::Failure;
use super::planning::runtime;
use super::ui::Ui;

const MANIFEST: &str = include_str!("../../samples/contoso.csv");

/// Where the demo keeps its secret, which opens nothing but the demo's tenant.
const SECRET_FILE: &str = "client-secret";

pub(super) fn run(args: &DemoArgs, ui: &Ui) -> Result<Exit, Failure> {
    let files =
        Files::prepare(&args.directory).map_err(|error| Failure::new(Exit::Usage, error))?;
    let runtime = runtime()?;
    let server = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        Emulator::new(TenantSeed::sample(), options()).serve(listener)
    })?;
    write(&files.config, &config(&server.origin()))?;
    write_secret(&args.directory.join(SECRET_FILE))?;
    let (settings, _) = Settings::load(&files.config, true, |_| None, &Overrides::default())?;
    ui.note(format_args!("An Entra tenant is listening on {}.", server.origin()));
    let exit = apply(
        &Job {
            settings: &settings,
            args: &ApplyArgs {
                move_reverted: false,
                planning: PlanningArgs {
                    manifest: files.manifest.clone(),
                    ..PlanningArgs::default()
                },
                dry_run: false,
                plan: None,
                retry_failed: false,
                resend: Vec::new(),
                reason: None,
                canary: None,
                budget: BudgetArgs::default(),
                result: Some(files.result.clone()),
            },
            yes: true,
            again: "reinvite demo".to_owned(),
            checkpoint: files.checkpoint.clone(),
            after: None,
        },
        ui,
    )?;
    runtime.block_on(server.shutdown());
    ui.note(format_args!(
        "\nThe tenant is gone; what it leaves is in {}:\n  {}   what was asked for\n  {}   the checkpoint: `reinvite status --checkpoint {}`\n  {}   what became of every row\n  {}   the configuration it ran with",
        args.directory.display(),
        files.manifest.display(),
        files.checkpoint.display(),
        files.checkpoint.display(),
        files.result.display(),
        files.config.display(),
    ));
    match exit {
        // Rows that are blocked, or that fail, are part of the sample.
        Exit::SomeFailed => {
            ui.note(
                "Some rows are blocked and some fail on purpose; `reinvite apply` ends with exit code 4 then.",
            );
            Ok(Exit::Done)
        }
        other => Ok(other),
    }
}

struct Files {
    manifest: PathBuf,
    config: PathBuf,
    checkpoint: PathBuf,
    result: PathBuf,
}

impl Files {
    /// The demo's own files in its directory. Its tenant is new each time, so an
    /// earlier demo's checkpoint would tell of guests that were never invited.
    fn prepare(directory: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(directory)
            .with_context(|| format!("cannot create the directory {}", directory.display()))?;
        let files = Self {
            manifest: directory.join("contoso.csv"),
            config: directory.join("reinvite.toml"),
            checkpoint: directory.join("contoso.csv.checkpoint"),
            result: directory.join("contoso.result.csv"),
        };
        for suffix in ["", "-journal", "-wal", "-shm"] {
            let mut path = files.checkpoint.clone().into_os_string();
            path.push(suffix);
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error).with_context(|| {
                        format!("cannot remove the earlier demo's {}", Path::new(&path).display())
                    });
                }
                Ok(()) | Err(_) => {}
            }
        }
        std::fs::write(&files.manifest, MANIFEST)
            .with_context(|| format!("cannot write {}", files.manifest.display()))?;
        Ok(files)
    }
}

fn write(path: &Path, content: &str) -> Result<(), Failure> {
    std::fs::write(path, content)
        .with_context(|| format!("cannot write {}", path.display()))
        .map_err(|error| Failure::new(Exit::Usage, error))
}

fn write_secret(path: &Path) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(path)
        .and_then(|mut file| file.write_all(SAMPLE_CLIENT_SECRET.as_bytes()))
        .with_context(|| format!("cannot write {}", path.display()))
        .map_err(|error| Failure::new(Exit::Usage, error))
}

fn config(origin: &str) -> String {
    format!(
        "# What `reinvite demo` ran with. Its tenant ended with it; `reinvite emulate` serves another.\n\n\
         [tenant]\n\
         id = \"contoso.example\"\n\
         graph_url = \"{origin}\"\n\
         login_url = \"{origin}\"\n\n\
         [auth]\n\
         client_id = \"{SAMPLE_CLIENT_ID}\"\n\
         client_secret_file = \"{SECRET_FILE}\"\n\n\
         [pace]\n\
         # Far above what a real tenant should see, so that the demo is short.\n\
         writes_per_second = 30\n\
         burst = 10\n\
         requests_in_flight = 32\n\
         settle = \"2s\"\n\
         replication_lag = \"6s\"\n\n\
         [guards]\n\
         # The sample moves nearly all of its tenant's guests.\n\
         max_changes = \"100%\"\n"
    )
}

/// A bad day, the same every time.
fn options() -> Options {
    let seconds = |n| Duration::from_secs(n);
    Options {
        latency: Some(Duration::from_millis(20)..=Duration::from_millis(90)),
        read_lag: Lag::Spread(Duration::from_millis(200), seconds(2)),
        invitation_lag: Lag::Spread(Duration::from_millis(500), seconds(3)),
        faults: vec![
            Fault::new(
                Matcher::patch().nth(40),
                Action::Answer(Canned::throttled(RetryAfter::Seconds(2))),
            ),
            // Held by something in Exchange that no plan can see, such as a public folder.
            Fault::new(
                Matcher::patch().of("df71b184-b148-4fef-9ce1-fddb61f81c42").always(),
                Action::Answer(Canned::error(
                    400,
                    "Request_BadRequest",
                    "Another object with the same value for property proxyAddresses already exists.",
                )),
            ),
            Fault::new(Matcher::patch().nth(90), Action::Answer(Canned::status(503))),
            Fault::new(Matcher::invitation().nth(25), Action::CommitThenDrop),
            Fault::new(Matcher::invitation().nth(70), Action::Answer(Canned::status(504))),
            Fault::new(
                Matcher::new(Method::POST, "/invitations").nth(110),
                Action::Answer(Canned::throttled(RetryAfter::Seconds(3))),
            ),
        ],
        ..Options::default()
    }
}
