//! A program that runs, ended when nobody waits for it any more. On Windows a batch file
//! is `cmd.exe`, and what works and hangs is its child: there the whole family is one job
//! object, and ends as one.
//!
//! Leaves to others: how long it may take.

use std::io;
use std::process::ExitStatus;

use tokio::process::{ChildStderr, ChildStdout, Command};

#[cfg(unix)]
type Child = tokio::process::Child;
#[cfg(windows)]
type Child = Box<dyn process_wrap::tokio::ChildWrapper>;

/// A started program. Dropped before its end it is ended, and on Windows whatever it
/// started too. What it leaves running after its end is left alone: a hook may start a
/// program that stays.
#[derive(Debug)]
pub struct Running {
    child: Child,
    is_over: bool,
}

impl Running {
    /// Starts it. Needs a tokio runtime.
    pub fn start(mut command: Command) -> io::Result<Self> {
        command.kill_on_drop(true);
        Ok(Self { child: spawn(command)?, is_over: false })
    }

    /// Its output, once, where it is piped.
    pub fn stdout(&mut self) -> Option<ChildStdout> {
        #[cfg(unix)]
        return self.child.stdout.take();
        #[cfg(windows)]
        return self.child.stdout().take();
    }

    /// Its complaints, once, where they are piped.
    pub fn stderr(&mut self) -> Option<ChildStderr> {
        #[cfg(unix)]
        return self.child.stderr.take();
        #[cfg(windows)]
        return self.child.stderr().take();
    }

    /// Waits until it ends, and not for what it leaves running.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        #[cfg(unix)]
        let status = self.child.wait().await?;
        #[cfg(windows)]
        let status = self.child.inner_mut().wait().await?;
        self.is_over = true;
        Ok(status)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.is_over {
            // It may just have ended.
            let _ = self.child.start_kill();
        }
    }
}

#[cfg(unix)]
fn spawn(mut command: Command) -> io::Result<Child> {
    command.spawn()
}

#[cfg(windows)]
fn spawn(command: Command) -> io::Result<Child> {
    use process_wrap::tokio::{CommandWrap, JobObject};
    CommandWrap::from(command).wrap(JobObject).spawn()
}

#[cfg(all(test, windows))]
mod tests {
    use std::process::Stdio;
    use std::time::{Duration, Instant};

    use super::*;

    #[tokio::test]
    async fn what_a_batch_file_started_is_ended_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("again.cmd"), ":again\r\n@goto again\r\n").unwrap();
        std::fs::write(at("hang.cmd"), "@cmd /c again.cmd > held.txt\r\n").unwrap();
        let mut command = crate::program::command(at("hang"));
        command.current_dir(folder.path()).stdin(Stdio::null());
        let mut running = Running::start(command).unwrap();
        let limit = Instant::now() + Duration::from_secs(20);
        let mut until = async |is_so: &dyn Fn() -> bool| {
            while !is_so() {
                assert!(Instant::now() < limit, "the batch file's child is not as it should be");
                let wait = tokio::time::timeout(Duration::from_millis(20), running.wait());
                assert!(wait.await.is_err(), "it ended by itself");
            }
        };
        until(&|| at("held.txt").exists()).await;
        drop(running);
        // Held by the child that never ends, it could not be removed.
        while std::fs::remove_file(at("held.txt")).is_err() {
            assert!(Instant::now() < limit, "the batch file's child lives on");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    #[tokio::test]
    async fn a_batch_file_that_ends_tells_how() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("three.cmd");
        std::fs::write(&file, "@exit /b 3\r\n").unwrap();
        let mut running = Running::start(crate::program::command(file)).unwrap();
        assert_eq!(running.wait().await.unwrap().code(), Some(3));
    }
}
