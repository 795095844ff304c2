//! `demo`: the whole job on a tenant inside this program, with everything that
//! goes wrong on a real one: lag, throttling, a lost answer.

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser as _;
use http::Method;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::config::args::{ApplyArgs, BudgetArgs, Cli, Command, DemoArgs, PlanningArgs};
use crate::config::{Overrides, Settings};
use crate::emulator::{
    Action, Canned, Emulator, Fault, Lag, MAILS, Matcher, Options, RetryAfter, SAMPLE_CLIENT_ID,
    SAMPLE_CLIENT_SECRET, Server, TakenMail, TenantSeed,
};
use crate::report::count;
use crate::run::Stop;

use super::apply::{Job, apply};
use super::failure::Failure;
use super::planning::runtime;
use super::ui::Ui;
use super::{Exit, report, signals};

const MANIFEST: &str = include_str!("../../samples/contoso.csv");

/// Where the demo keeps its secret, which opens nothing but the demo's tenant.
const SECRET_FILE: &str = "client-secret";

pub(super) fn run(args: &DemoArgs, ui: &Ui) -> Result<Exit, Failure> {
    let files =
        Files::prepare(&args.directory).map_err(|error| Failure::new(Exit::Usage, error))?;
    let runtime = runtime()?;
    let (server, post) = runtime.block_on(async {
        let tenant = Emulator::new(TenantSeed::sample(), options());
        let post = tenant.serve_smtp(TcpListener::bind("127.0.0.1:0").await?, None)?;
        let server = tenant.serve(TcpListener::bind("127.0.0.1:0").await?)?;
        std::io::Result::Ok((server, post))
    })?;
    write(&files.config, &config(&server.origin(), post.addr().port()))?;
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
                into: None,
                only: Vec::new(),
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
    leave_mails(&files.mails, &post.mails())?;
    leave_report(&files, ui)?;
    ui.note(format_args!(
        "\nIt is in {}:\n  \
           {}   the report: open it in a browser\n  \
           {}   the {} as sent: open one in a mail program\n  \
           {}   what became of every row\n  \
           {}   the checkpoint: `reinvite status --checkpoint {}`\n  \
           {}   what was asked for\n  \
           {}   the configuration it ran with",
        args.directory.display(),
        files.report.display(),
        files.mails.display(),
        count(post.mails().len() as u64, "mail", "mails"),
        files.result.display(),
        files.checkpoint.display(),
        files.checkpoint.display(),
        files.manifest.display(),
        files.config.display(),
    ));
    if args.stay {
        stay(&runtime, &server, &files, ui);
    } else {
        ui.note("The tenant is gone. With `reinvite demo --stay` it stays, and the links in its mails redeem.");
    }
    runtime.block_on(server.shutdown());
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

/// Waits for Ctrl-C, and says what there is to do meanwhile.
fn stay(runtime: &Runtime, server: &Server, files: &Files, ui: &Ui) {
    ui.note(format_args!(
        "\nThe tenant stays until Ctrl-C. Its mails are on {}{MAILS}: open one and click its link, \
         and the guest has redeemed.\n`reinvite verify {} --config {}` sees it.",
        server.origin(),
        files.manifest.display(),
        files.config.display(),
    ));
    runtime.block_on(async {
        let stop = Stop::new();
        signals::listen(stop.clone());
        stop.requested().await;
    });
}

/// Every mail as a file that a mail program opens.
fn leave_mails(folder: &Path, mails: &[TakenMail]) -> Result<(), Failure> {
    for mail in mails {
        let to = mail.to.first().map_or("nobody", String::as_str);
        write(&folder.join(format!("{to}.eml")), &mail.text)?;
    }
    Ok(())
}

/// What `reinvite report` with the demo's checkpoint writes.
fn leave_report(files: &Files, ui: &Ui) -> Result<(), Failure> {
    let words: [&OsStr; 9] = [
        "reinvite".as_ref(),
        "report".as_ref(),
        files.checkpoint.as_ref(),
        "--config".as_ref(),
        files.config.as_ref(),
        "--format=html".as_ref(),
        "--force".as_ref(),
        "--out".as_ref(),
        files.report.as_ref(),
    ];
    let cli = Cli::try_parse_from(words)
        .map_err(|error| Failure::new(Exit::Unexpected, anyhow::Error::new(error)))?;
    match &cli.command {
        Command::Report(args) => report::run(&cli, args, &ui.unless_verbose()).map(drop),
        _ => Ok(()),
    }
}

struct Files {
    mails: PathBuf,
    report: PathBuf,
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
            mails: directory.join("mails"),
            report: directory.join("report.html"),
            manifest: directory.join("contoso.csv"),
            config: directory.join("reinvite.toml"),
            checkpoint: directory.join("contoso.csv.checkpoint"),
            result: directory.join("contoso.result.csv"),
        };
        std::fs::create_dir_all(&files.mails)
            .with_context(|| format!("cannot create the directory {}", files.mails.display()))?;
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

fn config(origin: &str, smtp_port: u16) -> String {
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
         writes_per_second = 120\n\
         burst = 20\n\
         requests_in_flight = 32\n\
         settle = \"500ms\"\n\
         replication_lag = \"1500ms\"\n\n\
         [delivery]\n\
         # Mails of Contoso's own, each in the language of its row, to a server inside the demo.\n\
         by = \"smtp\"\n\
         from = \"Contoso IT <it@contoso.example>\"\n\
         ahead = 100\n\n\
         [delivery.smtp]\n\
         host = \"127.0.0.1\"\n\
         port = {smtp_port}\n\
         tls = \"none\"\n\n\
         [delivery.pace]\n\
         # A mailbox of Exchange Online sends 30 a minute.\n\
         per_minute = 6000\n\
         in_flight = 8\n\n\
         [guards]\n\
         # The sample moves nearly all of its tenant's guests.\n\
         max_changes = \"100%\"\n"
    )
}

/// A bad day, the same every time.
fn options() -> Options {
    let millis = |n| Duration::from_millis(n);
    Options {
        latency: Some(millis(5)..=millis(30)),
        read_lag: Lag::Spread(millis(100), millis(600)),
        invitation_lag: Lag::Spread(millis(100), millis(550)),
        faults: vec![
            Fault::new(
                Matcher::patch().nth(150),
                Action::Answer(Canned::throttled(RetryAfter::Seconds(1))),
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
            Fault::new(Matcher::patch().nth(60), Action::Answer(Canned::status(503))),
            Fault::new(Matcher::invitation().nth(25), Action::CommitThenDrop),
            Fault::new(Matcher::invitation().nth(70), Action::Answer(Canned::status(504))),
            Fault::new(
                Matcher::new(Method::POST, "/invitations").nth(160),
                Action::Answer(Canned::throttled(RetryAfter::Seconds(1))),
            ),
        ],
        ..Options::default()
    }
}
