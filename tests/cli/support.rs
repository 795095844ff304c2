//! A campaign under test: a tenant on loopback in this process, a directory of its
//! own, and the real binary. What the binary says is a value whose `Display` is
//! the snapshot.

use std::fmt::{self, Write as _};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

use reinvite::emulator::{
    ContractGuard, Emulator, Options, Quotas, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, Server,
    TenantSeed,
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// Every decision that a fresh campaign can come to in the sample tenant, each once
/// or twice.
pub(crate) const GUESTS: &str = include_str!("guests.csv");

/// Three guests of the sample tenant that move without any trouble.
pub(crate) const THREE: &str = "\
user,new_email
hannah.wagner@northwind.example,hannah.wagner@fabrikam.example
ruth.mori@northwind.example,ruth.mori@fabrikam.example
olga.ramos@northwind.example,olga.ramos@fabrikam.example
";

/// Object ids of the guests in [`THREE`].
pub(crate) const HANNAH: &str = "63e8a076-a912-4a58-8471-02c26af3569f";
pub(crate) const RUTH: &str = "c0d69061-b05c-411d-93d4-dd58b9e9e283";
pub(crate) const OLGA: &str = "931d4434-039b-4e8e-aa76-13cb08fc04d9";

/// The manifest that moves so many guests of [`TenantSeed::with_guests`].
pub(crate) fn everyone(guests: u32) -> String {
    let row = |n| format!("guest{n}@fabrikam.example,guest{n}@tailspin.example\n");
    std::iter::once("user,new_email\n".to_owned()).chain((1..=guests).map(row)).collect()
}

/// All tenants are served by one runtime: its threads outlive the tests.
pub(crate) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("threads for the tenants")
});

pub(crate) struct Campaign {
    pub(crate) tenant: Emulator,
    server: Option<Server>,
    directory: TempDir,
    _contract: ContractGuard,
}

impl Campaign {
    /// The sample tenant without quotas, and a configuration that points at it.
    pub(crate) fn new() -> Self {
        Self::with(TenantSeed::sample(), Options::default())
    }

    pub(crate) fn with(seed: TenantSeed, options: Options) -> Self {
        let options = Options { quotas: Quotas::unlimited(), ..options };
        let (tenant, server) = RUNTIME.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let tenant = Emulator::new(seed, options);
            let server = tenant.serve(listener).expect("the tenant is served");
            (tenant, server)
        });
        let directory = tempfile::tempdir().expect("a directory");
        let contract = tenant.insist_on_contract();
        let campaign = Self { tenant, server: Some(server), directory, _contract: contract };
        campaign.configure(&campaign.origin(), "");
        campaign.write("client-secret.txt", SAMPLE_CLIENT_SECRET);
        campaign.restrict("client-secret.txt");
        campaign.write("guests.csv", GUESTS);
        campaign.write("three.csv", THREE);
        campaign
    }

    pub(crate) fn origin(&self) -> String {
        self.server.as_ref().expect("it lives as long as the campaign").origin()
    }

    /// Writes a configuration for the server at `origin`, with more lines at its end:
    /// sections that it does not have yet.
    pub(crate) fn configure(&self, origin: &str, more: &str) {
        self.write(
            "reinvite.toml",
            &format!(
                "[tenant]\n\
                 id = \"contoso.example\"\n\
                 graph_url = \"{origin}\"\n\
                 login_url = \"{origin}\"\n\
                 \n\
                 [auth]\n\
                 client_id = \"{SAMPLE_CLIENT_ID}\"\n\
                 client_secret_file = \"client-secret.txt\"\n\
                 \n\
                 [pace]\n\
                 writes_per_second = 1000\n\
                 burst = 1000\n\
                 requests_in_flight = 32\n\
                 settle = \"0s\"\n\
                 replication_lag = \"1s\"\n\
                 \n\
                 {more}"
            ),
        );
    }

    /// Believes every reading at once: this tenant's replicas do not lag.
    pub(crate) fn without_lag(&self) {
        let config = self.read("reinvite.toml");
        self.write(
            "reinvite.toml",
            &config.replace("replication_lag = \"1s\"", "replication_lag = \"0s\""),
        );
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: &str) {
        std::fs::write(self.path(name), content).expect("a file in our own directory");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    #[cfg_attr(not(unix), expect(unused_variables, clippy::unused_self))]
    pub(crate) fn restrict(&self, name: &str) {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let owner_only = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(self.path(name), owner_only).expect("our own file");
        }
    }

    /// The binary with these arguments, separated by blanks.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = reinvite();
        command.args(arguments.split_whitespace()).current_dir(self.directory());
        command
    }

    /// Runs the binary with these arguments, separated by blanks.
    pub(crate) fn run(&self, arguments: &str) -> Output {
        self.complete(self.command(arguments))
    }

    /// Runs a command of [`Self::command`] that was refined.
    pub(crate) fn complete(&self, mut command: Command) -> Output {
        Output::of(&command.output().expect("the binary was built"), self)
    }

    /// Runs the binary with a text on its standard input.
    pub(crate) fn run_with_input(&self, arguments: &str, input: &str) -> Output {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary was built");
        let mut stdin = child.stdin.take().expect("it is piped");
        stdin.write_all(input.as_bytes()).expect("the binary reads its input");
        drop(stdin);
        Output::of(&child.wait_with_output().expect("it was started"), self)
    }

    /// Starts the binary and leaves it running.
    pub(crate) fn start(&self, arguments: &str) -> Running<'_> {
        let mut child = self
            .command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary was built");
        let stderr = BufReader::new(child.stderr.take().expect("it is piped"));
        Running { campaign: self, child, stderr, heard: String::new() }
    }

    /// Writes that the tenant took.
    pub(crate) fn writes(&self) -> usize {
        self.tenant.ledger().writes.len()
    }

    pub(crate) fn invitations(&self) -> usize {
        self.tenant.ledger().invitations().count()
    }
}

impl Drop for Campaign {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            // A test that fails must not wait for connections that stay open.
            RUNTIME.spawn(server.shutdown());
        }
    }
}

/// The binary in an environment that holds nothing of ours.
pub(crate) fn reinvite() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reinvite"));
    command.env_clear().env("USER", "tester").stdin(Stdio::null());
    // Windows starts no sockets without it.
    command.envs(std::env::var_os("SystemRoot").map(|root| ("SystemRoot", root)));
    command
}

/// A run under way. A test that fails leaves none behind.
pub(crate) struct Running<'c> {
    campaign: &'c Campaign,
    child: Child,
    stderr: BufReader<std::process::ChildStderr>,
    heard: String,
}

impl Running<'_> {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Reads what it says until a line holds this text.
    pub(crate) fn hear(&mut self, text: &str) {
        loop {
            let from = self.heard.len();
            let read = self.stderr.read_line(&mut self.heard).expect("its words are text");
            assert!(read > 0, "it ended before it said {text:?}:\n{}", self.heard);
            if self.heard[from..].contains(text) {
                return;
            }
        }
    }

    #[cfg(unix)]
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").arg("-s").arg(name).arg(self.id().to_string()).status();
        assert!(status.expect("kill is part of every Unix").success());
    }

    pub(crate) fn finish(mut self) -> Output {
        self.stderr.read_to_string(&mut self.heard).expect("its words are text");
        let mut stdout = String::new();
        let mut pipe = self.child.stdout.take().expect("it is piped");
        pipe.read_to_string(&mut stdout).expect("its words are text");
        let status = self.child.wait().expect("it was started");
        let stderr = std::mem::take(&mut self.heard);
        crate::schemas::held(&stdout);
        Output { stdout, stderr, code: status.code(), directory: self.campaign.directory().into() }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a run said. Shown as a snapshot: stdout, a marked stderr, and a marked exit
/// status unless it is 0.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: Option<i32>,
    directory: PathBuf,
}

impl Output {
    fn of(output: &std::process::Output, campaign: &Campaign) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("its words are text");
        crate::schemas::held(&text(&output.stdout));
        Self {
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
            code: output.status.code(),
            directory: campaign.directory().to_owned(),
        }
    }

    /// Insists on an exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "\n{self}");
        self
    }

    /// Everything that stdout holds, as one JSON value.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}\n{self}"))
    }

    /// Without stderr, for runs of which only the data matters.
    pub(crate) fn without_stderr(self) -> Self {
        Self { stderr: String::new(), ..self }
    }

    /// Without the plan that `apply` shows before it acts: another test has it.
    pub(crate) fn without_plan(self) -> Self {
        let from = self.stderr.find("Plan for ").unwrap_or(self.stderr.len());
        let ends = ["Digest ", "Nothing to change"];
        let last = ends.iter().filter_map(|end| self.stderr[from..].find(end)).min();
        let Some(at) = last.map(|at| from + at) else { return self };
        let rest = self.stderr[at..].find('\n').map_or("", |end| &self.stderr[at + end + 1..]);
        let stderr = format!("{}[PLAN]\n{rest}", &self.stderr[..from]);
        Self { stderr, ..self }
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.stdout.clone();
        if !self.stderr.is_empty() {
            let _ = write!(text, "------- stderr -------\n{}", in_order(&self.stderr));
        }
        if self.code != Some(0) {
            let code = self.code.map_or_else(|| "by a signal".to_owned(), |code| code.to_string());
            let _ = write!(text, "------- exit {code} -------");
        }
        f.write_str(&text.replace(&*self.directory.to_string_lossy(), "[DIR]"))
    }
}

/// Rows finish in any order; in a snapshot they stand in that of the manifest.
fn in_order(stderr: &str) -> String {
    let key = |line: &str| -> Option<u32> {
        let number = line.strip_prefix("line ")?.split_whitespace().next()?;
        number.parse().ok()
    };
    let mut lines: Vec<&str> = stderr.split_inclusive('\n').collect();
    for group in lines.chunk_by_mut(|one, next| key(one).is_some() && key(next).is_some()) {
        group.sort_by_key(|line| key(line));
    }
    lines.concat()
}

/// What Windows, or Wine, says otherwise: the causes of errors that a test brings about, the
/// separator in the paths that tests use, and who can read a file.
#[cfg(windows)]
const OTHERWISE: &[(&str, &str)] = &[
    (r"[A-Z][^:(\n]* \(os error [23]\)", "No such file or directory (os error 2)"),
    (r"[A-Z][^:(\n]* \(os error 10061\)", "Connection refused (os error 111)"),
    (r"\.config\\reinvite\\", ".config/reinvite/"),
    (r"([\w.])\\([\w-]+\.[a-z])", "$1/$2"),
    (r"its Properties, Security", "`chmod 600`"),
];
#[cfg(not(windows))]
const OTHERWISE: &[(&str, &str)] = &[];

/// What varies from run to run, and from system to system.
pub(crate) fn filters() -> Vec<(&'static str, &'static str)> {
    let varying = [
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "[TIME]"),
        (r"127\.0\.0\.1:\d+", "127.0.0.1:[PORT]"),
        (r"took [0-9.]+ (ms|s)", "took [DURATION]"),
        // How many were under way when the run stopped is up to the machine.
        // Of many rows, how far each had come when the run was stopped.
        (
            r"  patched +[0-9]{2}  mail written, not invited yet\n(  not attempted +[0-9]+\n)?",
            "  [PATCHED OR NOT ATTEMPTED]\n",
        ),
        (r#""elapsed_seconds":[0-9.]+"#, r#""elapsed_seconds":"[DURATION]""#),
        (r#""limited_by":"[a-z-]+""#, r#""limited_by":"[LIMIT]""#),
        (r"limited by .*\n", ""),
        (r"(request id|request-id|Trace ID:|Correlation ID:) [0-9a-f-]{36}", "$1 [ID]"),
        (r"\(os error \d+\)", "(os error [CODE])"),
        (r#""(run_id|request_id)":( ?)"[0-9a-f-]{36}""#, r#""$1":$2"[ID]""#),
        (r#""(elapsed|duration)_seconds": [0-9.]+"#, r#""$1_seconds": "[DURATION]""#),
        (r"\b[0-9a-f]{64}\b", "[DIGEST]"),
        (r"(Digest |--plan |now )[0-9a-f]{12}\b", "$1[DIGEST]"),
    ];
    [OTHERWISE, &varying].concat()
}

/// Asserts that a value shows as the snapshot, whatever varies filtered out.
macro_rules! snapshot {
    ($value:expr, @$expected:literal) => {
        insta::with_settings!({ filters => crate::support::filters() }, {
            insta::assert_snapshot!($value.to_string(), @$expected);
        });
    };
}
pub(crate) use snapshot;
