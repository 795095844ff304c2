//! `verify`: what the directory shows of the campaign's guests. It writes to the
//! checkpoint alone.

use jiff::Timestamp;

use crate::campaign::{self, Session, Unfinished, Verification, Verified};
use crate::checkpoint::{Checkpoint, Reader};
use crate::config::Settings;
use crate::config::args::{Cli, VerifyArgs};
use crate::report::{VerifyView, verify_json, verify_text};
use crate::run::Stop;

use super::after::After;
use super::checkpoint_args::checkpoint_of;
use super::connect::client;
use super::failure::Failure;
use super::plan::settings;
use super::planning::{campaign_failure, lines, runtime};
use super::reconcile::ROWS_PER_LIST;
use super::ui::Ui;
use super::{Exit, signals};

pub(super) fn run(cli: &Cli, args: &VerifyArgs, ui: &Ui) -> Result<Exit, Failure> {
    let settings = settings(cli, ui)?;
    let after = After::new(&settings, ui);
    let result = look(&settings, args, &after, ui);
    after.conclude(result)
}

fn look(
    settings: &Settings,
    args: &VerifyArgs,
    after: &After<'_>,
    ui: &Ui,
) -> Result<Exit, Failure> {
    let path = checkpoint_of(args.manifest.as_deref(), settings.checkpoint.as_deref())?;
    ui.log.checkpoint(&path);
    // There has to be a campaign: looking at one must not begin one.
    Reader::open(&path)?;
    let stop = Stop::new();
    let runtime = runtime()?;
    let _guard = runtime.enter();
    signals::listen(stop.clone());
    let graph = client(settings, &stop, &lines(ui))?;
    let checkpoint = Checkpoint::open(&path, Timestamp::now())?;
    after.started();
    let session = Session { settings, graph: &graph, stop: &stop, deadline: None };
    let exit_code = |verified: Option<&Verified>, unfinished| {
        verified.map_or(Exit::Unexpected, |verified| exit_of(verified, unfinished)).code()
    };
    let asks = args.mail || settings.reconcile.mail_trace;
    let looked = runtime.block_on(campaign::verify(&session, checkpoint, asks, exit_code));
    let Verification { verified, unfinished, ended } =
        looked.map_err(|error| campaign_failure(error, &stop))?;
    let exit = exit_of(&verified, unfinished);
    let told = if ui.json() {
        verify_json(&mut ui.stdout(), &verified, unfinished, exit.code())
    } else {
        let most_rows = if ui.verbose > 0 { usize::MAX } else { ROWS_PER_LIST };
        let view = VerifyView { styles: ui.styles_out(), width: Ui::width(), most_rows };
        verify_text(&mut ui.stdout(), &verified, unfinished, args.pending, &view)
    };
    told.map_err(Failure::from_stdout)?;
    ended.map_err(|error| Failure::from(error).told())?;
    Ok(exit)
}

fn exit_of(verified: &Verified, unfinished: Unfinished) -> Exit {
    if !verified.unknown.is_empty() {
        Exit::SomeUnknown
    } else if !verified.attention.is_empty()
        || verified.mails.as_ref().is_some_and(|mails| !mails.attention.is_empty())
        || unfinished.total() > 0
    {
        Exit::SomeFailed
    } else {
        Exit::Done
    }
}
