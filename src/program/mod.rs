//! Programs that we start: none inherits a variable that holds one of our secrets. Those
//! that hand over a secret are started without a shell, given so long, and what they
//! print is kept out of every message.
//!
//! Leaves to others: which program, and what its output means (`config` for the
//! commands of `[auth]`, `graph` for the Azure CLI, `notify` for hooks).

mod lookup;
mod running;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;
use zeroize::Zeroizing;

pub use running::Running;

/// More than any token, secret or certificate takes.
const MOST: usize = 64 * 1024;

/// Enough of a program's complaint to act on.
const LONGEST_COMPLAINT: usize = 500;

/// Variables that hold a secret of ours. The environment is the whole process's, and so is
/// what of it is nobody else's business.
static SECRET_VARIABLES: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Keeps an environment variable from every program that is started from now on.
pub fn keep_from_programs(variable: &str) {
    let mut names = SECRET_VARIABLES.lock().unwrap_or_else(PoisonError::into_inner);
    if !names.contains(variable) {
        names.insert(variable.to_owned());
    }
}

/// A program to start, without the variables that hold our secrets. It is found as the
/// shells of the system find it.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let program = program.as_ref();
    let mut command = found(program).map_or_else(|| Command::new(program), Command::new);
    for name in &*SECRET_VARIABLES.lock().unwrap_or_else(PoisonError::into_inner) {
        command.env_remove(name);
    }
    command
}

/// Its file, where the system needs help to find it.
fn found(program: &OsStr) -> Option<PathBuf> {
    if !cfg!(windows) {
        return None;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path_ext = std::env::var("PATHEXT").ok();
    lookup::find(program, std::env::split_paths(&path), path_ext.as_deref())
}

/// A program gave no output that can be used. No message holds any of its output or
/// its arguments, which may be secrets; what it complained of on stderr is shown.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// There is no such program.
    #[error("there is no program `{0}`")]
    Missing(String),
    #[error("cannot start `{program}`")]
    NotStarted {
        program: String,
        #[source]
        source: io::Error,
    },
    /// It said that it failed.
    #[error("`{program}` failed with {status}{}", said(.stderr))]
    Failed {
        program: String,
        status: ExitStatus,
        /// What it wrote to stderr, shortened.
        stderr: String,
    },
    /// It took too long, and was ended.
    #[error("`{program}` did not finish within {} s", .limit.as_secs())]
    TooSlow { program: String, limit: Duration },
    /// It printed far more than it was asked for.
    #[error("`{0}` printed more than 64 KiB")]
    TooMuch(String),
}

fn said(stderr: &str) -> String {
    if stderr.is_empty() { String::new() } else { format!(": {stderr}") }
}

/// Runs a program to its end and gives what it wrote to stdout. It has no stdin, and
/// is ended when it takes longer than the limit or nobody waits for it any more.
/// Needs a tokio runtime.
pub async fn output(
    program: &str,
    arguments: &[impl AsRef<str>],
    limit: Duration,
) -> Result<Zeroizing<Vec<u8>>, ProgramError> {
    let mut command = command(program);
    command.args(arguments.iter().map(AsRef::as_ref));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = Running::start(command).map_err(|error| failed(program, error))?;
    let (stdout, stderr) = (child.stdout(), child.stderr());
    let running = async {
        let (stdout, stderr) = tokio::join!(read(stdout), read(stderr));
        Ok::<_, io::Error>((stdout?, stderr?, child.wait().await?))
    };
    let (stdout, stderr, status) = tokio::time::timeout(limit, running)
        .await
        .map_err(|_| ProgramError::TooSlow { program: program.to_owned(), limit })?
        .map_err(|error| failed(program, error))?;
    if !status.success() {
        let stderr = excerpt(&stderr);
        return Err(ProgramError::Failed { program: program.to_owned(), status, stderr });
    }
    if stdout.len() > MOST {
        return Err(ProgramError::TooMuch(program.to_owned()));
    }
    Ok(stdout)
}

fn failed(program: &str, source: io::Error) -> ProgramError {
    if source.kind() == io::ErrorKind::NotFound {
        ProgramError::Missing(program.to_owned())
    } else {
        ProgramError::NotStarted { program: program.to_owned(), source }
    }
}

/// Keeps the first [`MOST`] bytes and one more, in one allocation, so that no copy of
/// a secret stays behind; reads the rest away, so that the program can finish.
async fn read(pipe: Option<impl AsyncRead + Unpin>) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut kept = Zeroizing::new(Vec::with_capacity(MOST + 64));
    let Some(mut pipe) = pipe else { return Ok(kept) };
    (&mut pipe).take(MOST as u64 + 1).read_to_end(&mut kept).await?;
    tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await?;
    Ok(kept)
}

fn excerpt(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().filter(|c| !c.is_control()).take(LONGEST_COMPLAINT).collect()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    async fn shell(script: &str, limit: Duration) -> Result<String, String> {
        let output = output("/bin/sh", &["-c", script], limit).await;
        let text = |bytes: Zeroizing<Vec<u8>>| String::from_utf8(bytes.to_vec()).unwrap();
        output.map(text).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn a_program_gives_its_output_and_nothing_else_shows_it() {
        assert_eq!(shell("echo s3cret", LONG).await, Ok("s3cret\n".to_owned()));
        assert_eq!(shell("cat", LONG).await, Ok(String::new()), "there is no stdin");
        let error = shell("echo s3cret; echo no such vault >&2; exit 3", LONG).await.unwrap_err();
        assert!(error.ends_with("exit status: 3: no such vault"), "{error}");
        let error = shell("head -c 70000 /dev/zero", LONG).await.unwrap_err();
        assert!(error.contains("more than 64 KiB"), "{error}");
    }

    #[tokio::test]
    async fn a_program_inherits_no_variable_that_holds_a_secret() {
        // Cargo sets both for its tests.
        let show = "echo ${CARGO_PKG_NAME-none} ${CARGO_PKG_VERSION_PATCH-none}";
        keep_from_programs("CARGO_PKG_VERSION_PATCH");
        assert_eq!(shell(show, LONG).await, Ok("reinvite none\n".to_owned()));
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_or_never_ends_is_said_by_name() {
        let error = output("no-such-program", &["s3cret"], LONG).await.unwrap_err().to_string();
        assert_eq!(error, "there is no program `no-such-program`");
        let error = shell("exec sleep 60", Duration::from_millis(50)).await.unwrap_err();
        assert!(error.contains("did not finish"), "{error}");
    }
}
