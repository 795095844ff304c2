//! `emulate`: an Entra tenant on loopback, for trying things out and for
//! rehearsals.

use std::io::Write as _;
use std::net::SocketAddr;

use anyhow::Context as _;
use tokio::net::TcpListener;

use crate::config::ListenAddress;
use crate::config::args::EmulateArgs;
use crate::emulator::{
    Certificate, Emulator, MAILS, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, SmtpServer, TenantSeed,
};
use crate::report::Schema;
use crate::run::Stop;

use super::failure::Failure;
use super::ui::Ui;
use super::weather::{options, tenant_of};
use super::{Exit, signals};

/// How the shell of the system sets the variable.
fn set_secret() -> String {
    if cfg!(windows) {
        format!("$env:EMULATOR_SECRET='{SAMPLE_CLIENT_SECRET}'")
    } else {
        format!("export EMULATOR_SECRET={SAMPLE_CLIENT_SECRET}")
    }
}

pub(super) fn run(args: &EmulateArgs, ui: &Ui) -> Result<Exit, Failure> {
    let seed = seed(args)?;
    let certificate = certificate(args)?;
    let options = options(&args.tenant_is)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let stop = Stop::new();
        signals::listen(stop.clone());
        let listener = listen(args.listen, "--listen").await?;
        let emulator = Emulator::new(seed, options);
        let server = match certificate {
            Some(certificate) => emulator.serve_tls(listener, certificate)?,
            None => emulator.serve(listener)?,
        };
        let post = match args.smtp {
            Some(address) => Some(emulator.serve_smtp(listen(address, "--smtp").await?, None)?),
            None => None,
        };
        announce(&emulator, &server.origin(), post.as_ref().map(SmtpServer::addr), ui)?;
        stop.requested().await;
        server.shutdown().await;
        Ok(Exit::Done)
    })
}

async fn listen(ListenAddress(address): ListenAddress, flag: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}")).map_err(
        |error| {
            let hint = format!("name another address with {flag}; port 0 takes a free one");
            Failure::new(Exit::Usage, error).hint(hint)
        },
    )
}

fn seed(args: &EmulateArgs) -> Result<TenantSeed, Failure> {
    match (&args.tenant, args.guests) {
        (Some(_), Some(_)) => Err(Failure::new(
            Exit::Usage,
            anyhow::anyhow!("--tenant and --guests exclude each other"),
        )),
        (Some(path), None) => tenant_of(path),
        (None, Some(guests)) => Ok(TenantSeed::with_guests(guests)),
        (None, None) => Ok(TenantSeed::sample()),
    }
}

fn certificate(args: &EmulateArgs) -> Result<Option<Certificate>, Failure> {
    let (Some(certificate), Some(key)) = (&args.tls_certificate, &args.tls_key) else {
        return Ok(None);
    };
    let read = Certificate::read(certificate, key).with_context(|| {
        let (certificate, key) = (certificate.display(), key.display());
        format!("cannot use the certificate {certificate} with the key {key}")
    });
    read.map(Some).map_err(|error| Failure::new(Exit::Usage, error))
}

/// Tells how to point a configuration at it.
fn announce(
    emulator: &Emulator,
    origin: &str,
    smtp: Option<SocketAddr>,
    ui: &Ui,
) -> Result<(), Failure> {
    let tenant = emulator.tenant_id();
    let sender = emulator.sender();
    let mut stdout = ui.stdout();
    if ui.json() {
        let told = serde_json::json!({
            "graph_url": origin,
            "login_url": origin,
            "tenant_id": tenant,
            "client_id": SAMPLE_CLIENT_ID,
            "client_secret": SAMPLE_CLIENT_SECRET,
            "mails_url": format!("{origin}{MAILS}"),
            "mailbox": sender,
            "smtp": smtp,
        });
        Schema::Emulate.write(&mut stdout, &told)?;
    } else {
        let set = set_secret();
        write!(
            stdout,
            "An Entra tenant is listening on {origin} until Ctrl-C. A reinvite.toml for it:\n\n\
             [tenant]\n\
             id = \"{tenant}\"\n\
             graph_url = \"{origin}\"\n\
             login_url = \"{origin}\"\n\n\
             [auth]\n\
             client_id = \"{SAMPLE_CLIENT_ID}\"\n\
             client_secret_env = \"EMULATOR_SECRET\"   # {set}\n\n\
             Everything it was asked to write: {origin}/emulator/ledger\n\
             Its mails, whose links redeem:    {origin}{MAILS}\n"
        )?;
        if let Some(smtp) = smtp {
            let (host, port) = (smtp.ip(), smtp.port());
            write!(
                stdout,
                "\nMails of your own over SMTP:\n\n\
                 [delivery]\n\
                 by = \"smtp\"\n\
                 from = \"{sender}\"\n\n\
                 [delivery.smtp]\n\
                 host = \"{host}\"\n\
                 port = {port}\n\
                 tls = \"none\"   # on loopback only\n"
            )?;
        }
    }
    stdout.flush()?;
    Ok(())
}
