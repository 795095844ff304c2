//! The binary as a process: starting it, and reading from `/proc` what it used.
//!
//! Elsewhere than on Linux there is no `/proc`, and only time is measured.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::Outcome;

/// How often the peak of the memory is read. It only grows, so what is missed is
/// the growth of the last moment.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Linux tells CPU time in hundredths of a second (`proc_pid_stat(5)`, `USER_HZ`,
/// 100 on every architecture that this runs on).
const TICKS_PER_SECOND: f64 = 100.0;

/// What a process used from its start to its end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Used {
    pub(super) elapsed: Duration,
    pub(super) cpu_seconds: Option<f64>,
    pub(super) peak_bytes: Option<u64>,
}

/// The binary with arguments, in a directory, its answers in files there.
pub(super) fn reinvite(directory: &Path, name: &str) -> Outcome<Command> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reinvite"));
    // What the person who measures has in the environment is not measured.
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("REINVITE_") {
            command.env_remove(variable);
        }
    }
    command
        .current_dir(directory)
        .env("EMULATOR_SECRET", reinvite::emulator::SAMPLE_CLIENT_SECRET)
        .stdin(Stdio::null())
        .stdout(File::create(directory.join(format!("{name}.out")))?)
        .stderr(File::create(directory.join(format!("{name}.err")))?);
    Ok(command)
}

/// Runs a command to its end. Anything but exit code 0 is an error.
pub(super) fn run<S: AsRef<OsStr>>(
    directory: &Path,
    name: &str,
    arguments: impl IntoIterator<Item = S>,
) -> Outcome<Used> {
    let started = Instant::now();
    let mut child = reinvite(directory, name)?.args(arguments).spawn()?;
    let id = child.id();
    let mut peak_bytes = None;
    // A process that has ended keeps its times until it is waited for.
    while has_not_ended(id) {
        peak_bytes = self::peak_bytes(id).or(peak_bytes);
        std::thread::sleep(LOOK_EVERY);
    }
    let elapsed = started.elapsed();
    let cpu_seconds = cpu_seconds(id);
    let status = child.wait()?;
    // Without `/proc` the end is noticed here.
    let elapsed = if cpu_seconds.is_some() { elapsed } else { started.elapsed() };
    if !status.success() {
        let said = fs::read_to_string(directory.join(format!("{name}.err")))?;
        return Err(format!("{name} ended with {status}:\n{said}").into());
    }
    Ok(Used { elapsed, cpu_seconds, peak_bytes })
}

/// A child that does not outlive its owner.
#[derive(Debug)]
pub(super) struct Guarded(pub(super) Child);

impl Drop for Guarded {
    fn drop(&mut self) {
        // It has nothing to lose; if it is gone already, all the better.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// CPU seconds of a process so far, in itself and in the kernel.
pub(super) fn cpu_seconds(id: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let mut fields = after_name(&stat)?.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

/// The most memory a process has had in RAM so far.
pub(super) fn peak_bytes(id: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

fn has_not_ended(id: u32) -> bool {
    fs::read_to_string(format!("/proc/{id}/stat"))
        .is_ok_and(|stat| after_name(&stat).is_some_and(|rest| !rest.starts_with('Z')))
}

/// The fields from the state on: the name before may hold blanks and brackets.
fn after_name(stat: &str) -> Option<&str> {
    Some(stat.rsplit_once(')')?.1.trim_start())
}
