//! Hooks: programs of the user's, run one after the other with how the command
//! ended in their environment. What they print goes to stderr; a log on stderr
//! gets it as lines of its own.
//!
//! Leaves to others: what they find in their environment (`report`).

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::config::HookSettings;
use crate::report::{Ending, Level, Verdict, hook_environment};

use crate::cli::ui::Ui;

pub(super) struct Hook<'a> {
    pub(super) name: &'static str,
    command: &'a [String],
}

/// Whether there is any hook at all.
pub(super) fn are_there(settings: &HookSettings) -> bool {
    let HookSettings { on_success, on_failure, finally, time_limit: _ } = settings;
    on_success.is_some() || on_failure.is_some() || finally.is_some()
}

/// The hooks to run after such an end. After a run that found another at work,
/// nothing has succeeded or failed.
pub(super) fn due(settings: &HookSettings, verdict: Verdict) -> Vec<Hook<'_>> {
    let particular = match verdict {
        Verdict::Success => ("on_success", &settings.on_success),
        Verdict::Failure => ("on_failure", &settings.on_failure),
        Verdict::Skipped => ("on_success", &None),
    };
    [particular, ("finally", &settings.finally)]
        .into_iter()
        .filter_map(|(name, command)| Some(Hook { name, command: command.as_deref()? }))
        .collect()
}

impl Hook<'_> {
    /// Runs it to its end or to the time limit. What went wrong begins with a verb; the
    /// arguments are not repeated, as they may hold what is nobody's business.
    pub(super) async fn run(
        &self,
        limit: Duration,
        ending: &Ending,
        ui: &Ui,
    ) -> Result<(), String> {
        let [program, arguments @ ..] = self.command else { return Ok(()) };
        let mut command = Command::new(program);
        command.args(arguments).envs(hook_environment(ending)).stdin(Stdio::null());
        command.kill_on_drop(true);
        let as_lines = ui.log.is_on_stderr();
        if as_lines {
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
        } else {
            command.stdout(std::io::stderr()).stderr(Stdio::inherit());
        }
        let child = command.spawn();
        let mut child =
            child.map_err(|error| format!("could not be started: {program}: {error}"))?;
        let end = async {
            if as_lines {
                self.pass_on(&mut child, ui).await;
            }
            child.wait().await
        };
        match timeout(limit, end).await {
            Err(_) => Err(format!("was ended after {} s: {program}", limit.as_secs_f64())),
            Ok(Err(error)) => Err(format!("was lost sight of: {program}: {error}")),
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(format!("ended with {status}: {program}")),
        }
    }

    /// Reads what it prints until it prints no more.
    async fn pass_on(&self, child: &mut Child, ui: &Ui) {
        let (out, err) = (child.stdout.take(), child.stderr.take());
        tokio::join!(self.lines(out, ui), self.lines(err, ui));
    }

    async fn lines(&self, stream: Option<impl AsyncRead + Unpin>, ui: &Ui) {
        let Some(stream) = stream else { return };
        let mut stream = BufReader::new(stream);
        let mut line = Vec::new();
        while stream.read_until(b'\n', &mut line).await.is_ok_and(|read| read > 0) {
            let text = String::from_utf8_lossy(&line);
            let text = text.trim_end_matches(['\r', '\n']);
            ui.log.said_by_hook(Level::Info, self.name, text);
            line.clear();
        }
    }
}
