//! `docs/tutorial.md`, done as it says: its files written, its commands run one after the
//! other against the tenant that it starts, the link in the mail opened, and every line
//! that it shows compared with what is said.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::documents::{Page, words};
use crate::support::{RUNTIME, reinvite};

/// Where the tutorial finds its tenant; a test takes whatever port is free.
const SHOWN: &str = "http://127.0.0.1:8080";

/// The tenant of the first terminal.
struct Tenant {
    child: Child,
    origin: String,
}

impl Tenant {
    fn start() -> Self {
        let mut child = reinvite()
            .args(["emulate", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary was built");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let first = lines.next().expect("it says where it is").expect("its words are text");
        let origin = first.split(' ').find(|word| word.starts_with("http://"));
        let origin = origin.expect("its address").to_owned();
        // It goes on writing, and must not meet a closed pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, origin }
    }

    fn get(&self, path: &str) -> String {
        let url =
            if path.starts_with("http") { path.to_owned() } else { self.origin.clone() + path };
        RUNTIME.block_on(async {
            let answer = reqwest::get(&url).await.expect("the tenant answers");
            answer.text().await.expect("its pages are text")
        })
    }

    /// Opens the only mail of a mailbox and the link in it: the page behind it.
    fn click(&self, mailbox: &str) -> String {
        let mails = self.get(&format!("/emulator/mail?mailbox={mailbox}"));
        let mail = between(&mails, "th scope=\"row\"><a href=\"/emulator/mail/", "\"");
        let body = self.get(&format!("/emulator/mail/{mail}/body"));
        let body = body.replace("&#x2f;", "/").replace("&amp;", "&");
        let link = body.split('"').find(|it| it.contains("/redeem?")).expect("a link");
        self.get(link)
    }
}

impl Drop for Tenant {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What stands behind the first `from`, up to `to`.
fn between<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    let (_, rest) = text.split_once(from).unwrap_or_else(|| panic!("no {from} in {text}"));
    rest.split(to).next().unwrap()
}

/// What a command of the second terminal says, in the order in which it says it.
fn say(directory: &Path, command: &str) -> String {
    let mut words = words(command).into_iter();
    assert_eq!(words.next().as_deref(), Some("reinvite"), "{command}");
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let mut program: Command = reinvite();
    program.args(words).current_dir(directory).env("EMULATOR_SECRET", "emulator-secret");
    program.env("COLUMNS", "110");
    program.stdout(writer.try_clone().expect("both ends")).stderr(writer);
    let mut child = program.spawn().expect("the binary was built");
    drop(program);
    let said = std::io::read_to_string(reader).expect("its words are text");
    child.wait().expect("it ends");
    said
}

/// Every line that is shown was said; `…` stands for what is left out.
fn compare(shown: &[&str], said: &str, command: &str) {
    let mut rest = said.lines();
    let mut is_gap = false;
    for line in shown {
        if *line == "…" {
            is_gap = true;
            continue;
        }
        let fits = |said: &str| match line.strip_suffix('…') {
            Some(beginning) => said.starts_with(beginning),
            None => said == *line,
        };
        let found =
            if is_gap { rest.find(|said| fits(said)) } else { rest.next().filter(|it| fits(it)) };
        assert!(found.is_some(), "{command}\nshows:\n{line}\nand says:\n{said}");
        is_gap = false;
    }
    // A command whose words are left out altogether shows none.
    assert!(is_gap || shown.is_empty() || rest.next().is_none(), "{command} says more:\n{said}");
}

#[test]
fn the_tutorial_goes_as_it_says() {
    let page = Page::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tutorial.md"));
    let tenant = Tenant::start();
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let mut commands = Vec::new();
    for block in &page.blocks {
        let text = block.text.replace(SHOWN, &tenant.origin);
        match &*block.kind {
            "toml" => std::fs::write(path("reinvite.toml"), text).unwrap(),
            "csv" => std::fs::write(path("guests.csv"), text).unwrap(),
            "console" => {
                let mut lines = text.lines();
                let command = lines.next().and_then(|line| line.strip_prefix("$ "));
                let command = command.expect("a block begins with a command").to_owned();
                let shown: Vec<&str> = lines.collect();
                match &*command {
                    "reinvite emulate" | "export EMULATOR_SECRET=emulator-secret" => {}
                    command => {
                        if command.starts_with("reinvite verify") {
                            let page = tenant.click("hannah.wagner@fabrikam.example");
                            assert!(page.contains("has redeemed the invitation"), "{page}");
                        }
                        compare(&shown, &say(directory.path(), command), command);
                        if command.starts_with("reinvite lint") {
                            let list = std::fs::read_to_string(path("guests.csv")).unwrap();
                            let mended = list.replace("fabrikam,example", "fabrikam.example");
                            std::fs::write(path("guests.csv"), mended).unwrap();
                        }
                    }
                }
                commands.push(command);
            }
            kind => panic!("the tutorial has a block of {kind:?}"),
        }
    }
    assert!(commands.len() > 9, "{commands:?}");
    assert!(path("report.html").exists() && path("moved.csv").exists());
}
