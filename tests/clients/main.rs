//! Microsoft's own clients against the emulator: msgraph-sdk with MSAL (Python), and
//! microsoft-graph-client with MSAL (Node.js), do the documented job unchanged. Beside them
//! our own PowerShell is parsed.
//!
//! They are installed from `PyPI` and npm, so these tests are ignored; `.ci/sdk` runs them.

mod powershell;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const PYTHON: &[&str] = &["msgraph-sdk==1.65.0", "msal==1.39.0", "azure-identity==1.27.0"];
const NODE: &[&str] = &[
    "@microsoft/microsoft-graph-client@3.0.7",
    "@azure/identity@4.13.1",
    "@azure/msal-node@7.2.3",
];

/// `emulate` with a certificate of its own.
struct Tenant {
    process: Child,
    told: Value,
    directory: TempDir,
}

impl Tenant {
    fn start() -> Self {
        let directory = TempDir::new().unwrap();
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let [certificate, key] = ["certificate.pem", "key.pem"].map(|it| directory.path().join(it));
        fs::write(&certificate, made.cert.pem()).unwrap();
        fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_reinvite"))
            .args(["emulate", "--guests", "20", "--listen", "127.0.0.1:0", "--output", "json"])
            .arg("--tls-certificate")
            .arg(&certificate)
            .arg("--tls-key")
            .arg(&key)
            .current_dir(directory.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        Self { process, told: serde_json::from_str(&line).expect(&line), directory }
    }

    /// Runs a job for one guest, and looks at what it says of it.
    fn does(&self, command: &mut Command, guest: u32) {
        let told = |key: &str| self.told[key].as_str().unwrap().to_owned();
        let certificate = self.directory.path().join("certificate.pem");
        let done = command
            .args([told("graph_url"), told("tenant_id"), told("client_id")])
            .arg(format!("guest{guest}@fabrikam.example"))
            .arg(format!("guest{guest}@northwind.example"))
            .env("EMULATOR_SECRET", told("client_secret"))
            .env("SSL_CERT_FILE", &certificate)
            .env("REQUESTS_CA_BUNDLE", &certificate)
            .env("NODE_EXTRA_CA_CERTS", &certificate)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{said}");
        let answer: Value = serde_json::from_slice(&done.stdout).expect(&said);
        assert!(answer["redeem_url"].as_str().is_some_and(|url| url.contains("ticket")));
    }
}

impl Drop for Tenant {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn run(command: &mut Command) {
    let status = command.status().unwrap();
    assert!(status.success(), "{command:?}: {status}");
}

fn job(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(name)
}

#[test]
#[ignore = "installs packages from PyPI"]
fn the_python_sdk_does_the_documented_job() {
    let place = TempDir::new().unwrap();
    run(Command::new("python3").args(["-m", "venv"]).arg(place.path()));
    let python = place.path().join("bin/python");
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(PYTHON));
    Tenant::start().does(Command::new(&python).arg(job("job.py")), 3);
}

#[test]
#[ignore = "installs packages from npm"]
fn the_javascript_client_does_the_documented_job() {
    let place = TempDir::new().unwrap();
    let mut npm = Command::new("npm");
    run(npm.args(["install", "--silent", "--no-fund"]).args(NODE).current_dir(place.path()));
    // Beside the packages, where Node.js looks for them.
    let script = place.path().join("job.mjs");
    fs::copy(job("job.mjs"), &script).unwrap();
    Tenant::start().does(Command::new("node").arg(&script), 5);
}
