//! Hands the program what only the build knows: the commit, the target, and where its
//! documentation is (`REINVITE_DOCUMENTATION`, which whoever publishes it sets).
//!
//! The commit is looked up for release builds only: otherwise every commit would build
//! the whole crate again.

use std::env;
use std::process::Command;

fn main() {
    let target = env::var("TARGET").unwrap_or_default();
    println!("cargo::rustc-env=BUILD_TARGET={target}");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=REINVITE_DOCUMENTATION");
    let documentation = env::var("REINVITE_DOCUMENTATION").unwrap_or_default();
    println!("cargo::rustc-env=BUILD_DOCUMENTATION={}", documentation.trim());
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let commit = if is_release { commit() } else { None };
    let commit = commit.unwrap_or_else(|| "not recorded".to_owned());
    println!("cargo::rustc-env=BUILD_COMMIT={commit}");
}

/// The commit that is checked out; None where there is no git or no repository.
fn commit() -> Option<String> {
    for file in ["HEAD", "logs/HEAD"] {
        println!("cargo::rerun-if-changed={}", git(&["rev-parse", "--git-path", file])?);
    }
    git(&["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"])
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned()).filter(|text| !text.is_empty())
}
