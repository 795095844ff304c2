//! Hooks: programs of the user's, run one after the other with how the command
//! ended in their environment. What they print goes to stderr, or line by line to
//! whoever wants it so.
//!
//! Leaves to others: what they find in their environment (`hook_environment`).

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::time::timeout;

use crate::config::HookSettings;
use crate::program::{self, Running};

use super::ending::{Ending, Verdict};
use super::hook_environment::hook_environment;
use super::{Hear, HookOutput, Notice};

pub(super) struct Hook<'a> {
    pub(super) name: &'static str,
    command: &'a [String],
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
        output: HookOutput,
        hear: Hear<'_>,
    ) -> Result<(), String> {
        let [name, arguments @ ..] = self.command else { return Ok(()) };
        let mut command = program::command(name);
        command.args(arguments).envs(hook_environment(ending)).stdin(Stdio::null());
        match output {
            HookOutput::Lines => command.stdout(Stdio::piped()).stderr(Stdio::piped()),
            HookOutput::Stderr => command.stdout(std::io::stderr()).stderr(Stdio::inherit()),
        };
        let child = Running::start(command);
        let mut child = child.map_err(|error| format!("could not be started: {name}: {error}"))?;
        let end = async {
            if output == HookOutput::Lines {
                self.pass_on(&mut child, hear).await;
            }
            child.wait().await
        };
        match timeout(limit, end).await {
            Err(_) => Err(format!("was ended after {} s: {name}", limit.as_secs_f64())),
            Ok(Err(error)) => Err(format!("was lost sight of: {name}: {error}")),
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(format!("ended with {status}: {name}")),
        }
    }

    /// Reads what it prints until it prints no more.
    async fn pass_on(&self, child: &mut Running, hear: Hear<'_>) {
        let (out, err) = (child.stdout(), child.stderr());
        tokio::join!(self.lines(out, hear), self.lines(err, hear));
    }

    async fn lines(&self, stream: Option<impl AsyncRead + Unpin>, hear: Hear<'_>) {
        let Some(stream) = stream else { return };
        let mut stream = BufReader::new(stream);
        let mut line = Vec::new();
        while stream.read_until(b'\n', &mut line).await.is_ok_and(|read| read > 0) {
            let text = String::from_utf8_lossy(&line);
            let text = text.trim_end_matches(['\r', '\n']);
            hear(Notice::HookLine { hook: self.name, text });
            line.clear();
        }
    }
}
