//! `doctor`: is a run going to succeed, and what is to be done if not. Nothing is
//! written to the directory, and what can't be found out is said.

use std::path::Path;

use crate::campaign::Samples;
use crate::checkpoint::{CheckpointError, Reader, is_configured_name};
use crate::config::args::{Cli, DoctorArgs, PlanningArgs};
use crate::config::{Cloud, DeliverySettings, DeliveryWay, Settings, checkpoint_path};
use crate::delivery::{Folder, Smtp, TemplateProblem, mailbox_advice};
use crate::doctor::{
    Configured, Diagnosis, Facts, Finding, Identity, LastRun, Mailing, Seen, Trouble, Unfit,
    diagnose,
};
use crate::domain::Ledger;
use crate::graph::{AuthError, CallError, Claims, Graph};
use crate::manifest::Manifest;
use crate::plan::Plan;
use crate::report::{doctor_json, doctor_text};
use crate::run::Stop;

use super::connect::client;
use super::failure::Failure;
use super::planning::{
    Asked, Context, Planned, interrupted, lines, make_plan, read_manifest, runtime,
};
use super::ui::Ui;
use super::{Exit, plan, signals};

pub(super) fn run(cli: &Cli, args: &DoctorArgs, ui: &Ui) -> Result<Exit, Failure> {
    let settings = plan::settings(cli, ui)?;
    let path = checkpoint_path(args.manifest.as_deref(), settings.checkpoint.as_deref()).ok();
    let configured = configured(&settings, path.as_deref());
    let (visit, last_run) = match look(&settings, args, path.as_deref(), ui) {
        Err(failure) if ui.json() => return Err(tell(failure, configured, ui)),
        seen => seen?,
    };
    let facts = Facts {
        configured,
        identity: visit.identity,
        seen: visit.seen,
        plan: visit.plan.as_ref(),
        last_run,
        mailing: visit.mailing,
        templates: visit.templates,
        obstacle: visit.obstacle,
    };
    let diagnosis = diagnose(&facts);
    let exit = match visit.exit {
        Some(exit) => exit,
        None if diagnosis.is_fit() => Exit::Done,
        None => Exit::Permission,
    };
    print(&diagnosis, exit, ui)?;
    Ok(exit)
}

/// Reads the manifest, the checkpoint and the tenant, whatever there is of them.
fn look(
    settings: &Settings,
    args: &DoctorArgs,
    path: Option<&Path>,
    ui: &Ui,
) -> Result<(Visit, Option<LastRun>), Failure> {
    let manifest = args.manifest.as_ref().map(|manifest| {
        let planning = PlanningArgs { manifest: manifest.clone(), ..PlanningArgs::default() };
        read_manifest(&planning, settings, ui)
    });
    let manifest = manifest.transpose()?;
    let reader = match path.map(Reader::open).transpose() {
        Err(CheckpointError::Missing { .. }) => None,
        reader => reader?,
    };
    let ledger = reader.as_ref().map(Reader::ledger).transpose()?.unwrap_or_default();
    let last_run = path.map(|_| last_run(reader.as_ref())).transpose()?;
    let visit = visit(settings, manifest.as_ref(), &ledger, path, ui)?;
    Ok((visit, last_run))
}

/// With `--output json` even an examination that could not begin prints its one object.
fn tell(failure: Failure, configured: Configured, ui: &Ui) -> Failure {
    let advice = failure.hints.join("; ");
    let code = failure.exit.stop_reason();
    let facts = Facts {
        configured,
        identity: None,
        seen: None,
        plan: None,
        last_run: None,
        mailing: None,
        templates: Vec::new(),
        obstacle: Some(Finding::problem(code, failure.error.to_string(), advice)),
    };
    // When stdout is gone there is nobody left to tell; the error itself is what counts.
    let _ = print(&diagnose(&facts), failure.exit, ui);
    failure.told()
}

fn print(diagnosis: &Diagnosis, exit: Exit, ui: &Ui) -> Result<(), Failure> {
    let printed = if ui.json() {
        doctor_json(&mut ui.stdout(), diagnosis, exit.code())
    } else {
        doctor_text(&mut ui.stdout(), diagnosis, ui.styles_out(), Ui::width())
    };
    printed.map_err(Failure::from_stdout)
}

fn configured(settings: &Settings, checkpoint: Option<&Path>) -> Configured {
    let tenant = &settings.tenant;
    let cloud = match tenant.cloud_name() {
        Some(name) => format!("cloud {name}"),
        None => format!("Graph at {}", tenant.graph_url.as_str().trim_end_matches('/')),
    };
    let login = tenant.login_url.as_str().trim_end_matches('/');
    Configured {
        consent_url: format!("{login}/{}/adminconsent?client_id=", tenant.id),
        tenant: tenant.id.clone(),
        cloud,
        method: settings.auth.method(),
        user_wide: settings.user_wide.clone(),
        checkpoint: checkpoint.map(|path| path.display().to_string()),
        open_folder: checkpoint.and_then(open_folder),
        client_id: settings.auth.client_id().map(str::to_owned),
        mail: settings.mail,
        mail_trace: settings.reconcile.mail_trace,
        has_message_trace: tenant.cloud == Cloud::Global,
    }
}

/// The folder of a checkpoint on Windows, where it is not in the user's profile, which
/// nobody else but administrators can read.
fn open_folder(checkpoint: &Path) -> Option<String> {
    if !cfg!(windows) {
        return None;
    }
    let parent = checkpoint.parent().filter(|parent| !parent.as_os_str().is_empty());
    let folder = std::path::absolute(parent.unwrap_or(Path::new("."))).ok()?;
    let profile = std::env::home_dir()?;
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    (!real(&folder).starts_with(real(&profile))).then(|| folder.display().to_string())
}

fn last_run(reader: Option<&Reader>) -> Result<LastRun, Failure> {
    let Some(reader) = reader else {
        return Ok(LastRun { started_at: None, stop_reason: None, unknown: 0, held_by: None });
    };
    let status = reader.status()?;
    let run = status.last_run.as_ref();
    Ok(LastRun {
        started_at: run.map(|run| run.started_at),
        stop_reason: run.and_then(|run| run.stop_reason.clone()),
        unknown: status.counts.unknown,
        held_by: status.held_by.map(|owner| owner.to_string()),
    })
}

/// What a visit to the tenant brought, as far as it came.
#[derive(Default)]
struct Visit {
    identity: Option<Identity>,
    seen: Option<Seen>,
    plan: Option<Plan>,
    mailing: Option<Mailing>,
    templates: Vec<Unfit>,
    obstacle: Option<Finding>,
    /// Where the obstacle decides the exit code.
    exit: Option<Exit>,
}

fn visit(
    settings: &Settings,
    manifest: Option<&Manifest>,
    ledger: &Ledger,
    path: Option<&Path>,
    ui: &Ui,
) -> Result<Visit, Failure> {
    let stop = Stop::new();
    let runtime = runtime()?;
    let _guard = runtime.enter();
    signals::listen(stop.clone());
    let graph = client(settings, &stop, &lines(ui))?;
    let mut visit = Visit::default();
    let seen = runtime.block_on(async {
        tokio::select! {
            seen = examine(&graph, &mut visit) => seen,
            () = stop.requested() => Err(CallError::Stopped),
        }
    });
    let token_tenant = match seen {
        Ok(tenant) => tenant,
        Err(CallError::Stopped) => return Err(interrupted(CallError::Stopped, &stop)),
        Err(error) => {
            let (obstacle, exit) = obstacle(error);
            visit.mailing = runtime.block_on(mailing(settings, None))?;
            return Ok(Visit { obstacle: Some(obstacle), exit: Some(exit), ..visit });
        }
    };
    visit.mailing = runtime.block_on(mailing(settings, Some(&graph)))?;
    belongs(ledger, visit.seen.as_ref(), token_tenant, settings, path)?;
    let Some(manifest) = manifest else { return Ok(visit) };
    let context = Context { runtime: &runtime, graph: &graph, settings, stop: &stop, ui };
    match make_plan(&context, manifest, ledger, Asked::default(), None) {
        Ok(Planned { plan, samples, .. }) => {
            visit.plan = Some(plan);
            let Settings { delivery, invitation, revert, .. } = settings;
            let back = Samples::way_back(manifest, delivery, invitation, revert);
            // A move does not need what only the way back says.
            let back = back.into_iter().map(|it| TemplateProblem { is_fatal: false, ..it });
            visit.templates = samples.problems.into_iter().chain(back).map(unfit).collect();
        }
        Err(failure) if failure.exit == Exit::Permission => {
            let message = format!("the guests can't be read: {}", failure.error);
            let advice = "see what is missing above";
            visit.obstacle = Some(Finding::problem("plan", message, advice));
        }
        Err(failure) => return Err(failure),
    }
    Ok(visit)
}

fn unfit(problem: TemplateProblem) -> Unfit {
    let message = problem.to_string();
    Unfit { message, advice: problem.advice, is_fatal: problem.is_fatal }
}

/// Tries the way of one's own mails as far as it can be tried without sending one. A
/// mailbox is looked into by whoever could sign in.
async fn mailing(settings: &Settings, graph: Option<&Graph>) -> Result<Option<Mailing>, Failure> {
    let DeliverySettings { by, from, folder, smtp, .. } = &settings.delivery;
    Ok(match (by, from, folder, smtp, graph) {
        (DeliveryWay::None, ..) => Some(Mailing::Nobody),
        (DeliveryWay::Files, _, Some(folder), ..) => {
            let trouble = Folder::can_take(folder).err().map(|error| error.to_string());
            Some(Mailing::Files { folder: folder.display().to_string(), trouble })
        }
        (DeliveryWay::Smtp, _, _, Some(smtp), _) => {
            let greeted = Smtp::new(smtp.clone()).greet().await;
            let trouble = greeted.err().map(|error| Trouble {
                message: error.to_string(),
                advice: error.advice().to_owned(),
            });
            let name = format!("{}:{}", smtp.host, smtp.port);
            let user = smtp.login.as_ref().map(|login| login.user.clone());
            Some(Mailing::Server { name, user, trouble })
        }
        (DeliveryWay::Graph, Some(from), _, _, Some(graph)) => {
            let address = &from.address;
            let trouble = match graph.look_into_mailbox(address).await {
                Ok(()) => None,
                Err(CallError::Refused { refusal, .. }) => Some(Trouble {
                    advice: mailbox_advice(&refusal.code).to_owned(),
                    message: refusal.to_string(),
                }),
                Err(error) => return Err(error.into()),
            };
            Some(Mailing::Mailbox { address: address.to_string(), trouble })
        }
        (
            DeliveryWay::Microsoft | DeliveryWay::Files | DeliveryWay::Smtp | DeliveryWay::Graph,
            ..,
        ) => None,
    })
}

/// Signs in and reads about the tenant; the token's tenant.
async fn examine(graph: &Graph, visit: &mut Visit) -> Result<Option<String>, CallError> {
    let claims = graph.sign_in().await?;
    visit.identity = Some(identity(&claims));
    let examination = graph.examine().await?;
    visit.seen = Some(Seen {
        tenant: examination.tenant,
        users: examination.users,
        inbound_allowed: examination.inbound_allowed,
        skew: graph.clock().skew(),
    });
    Ok(claims.tenant().map(str::to_owned))
}

fn identity(claims: &Claims) -> Identity {
    let mut permissions: Vec<String> =
        claims.permissions().into_iter().map(str::to_owned).collect();
    permissions.sort_unstable();
    // A token that names neither application nor tenant is no token we can read.
    let is_opaque = claims.app_id().is_none() && claims.tenant().is_none();
    Identity {
        caller: claims.caller(),
        app_id: claims.app_id().map(str::to_owned),
        user_name: claims.user_name().map(str::to_owned),
        permissions: (!is_opaque || !permissions.is_empty()).then_some(permissions),
        roles: claims.role_templates().to_vec(),
    }
}

/// What kept the examination from its end, with the advice that any command gives.
fn obstacle(error: CallError) -> (Finding, Exit) {
    let code = match &error {
        CallError::Auth(AuthError::Unreachable(_)) | CallError::Unreachable(_) => "unreachable",
        CallError::Auth(_) => "sign-in",
        _ => "tenant",
    };
    let Failure { exit, error, hints, .. } = Failure::from(error);
    let advice = hints.join("; ");
    let advice = if advice.is_empty() { "run it again later".to_owned() } else { advice };
    (Finding::problem(code, error.to_string(), advice), exit)
}

/// A checkpoint tells which tenant it is about.
fn belongs(
    ledger: &Ledger,
    seen: Option<&Seen>,
    token_tenant: Option<String>,
    settings: &Settings,
    path: Option<&Path>,
) -> Result<(), Failure> {
    let id = seen.and_then(|seen| seen.tenant.id.clone()).or(token_tenant);
    let wanted = id.unwrap_or_else(|| settings.tenant.id.clone());
    match (&ledger.tenant, path) {
        (Some(found), Some(path))
            if !found.eq_ignore_ascii_case(&wanted)
                && !is_configured_name(found, &settings.tenant.id) =>
        {
            let found = found.clone();
            Err(CheckpointError::OtherTenant { path: path.to_owned(), found, wanted }.into())
        }
        _ => Ok(()),
    }
}
