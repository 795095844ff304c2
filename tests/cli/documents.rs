//! README and `docs/`: their links lead somewhere, their commands and configurations are
//! understood, and the reference is what the program says of itself.
//!
//! `WRITE_REFERENCE=1 cargo test --test cli documents` writes the reference anew.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Arg, Command, CommandFactory as _, Parser as _};

use reinvite::config::args::Cli;
use reinvite::config::{EXAMPLE, Overrides, Settings};

use crate::support::Campaign;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A fenced block: what stands behind its fence, and its lines.
pub(crate) struct Block {
    pub(crate) kind: String,
    pub(crate) text: String,
}

/// A page, apart: its blocks, and its prose without them.
pub(crate) struct Page {
    pub(crate) path: PathBuf,
    pub(crate) blocks: Vec<Block>,
    prose: String,
}

impl Page {
    pub(crate) fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let (mut blocks, mut prose) = (Vec::<Block>::new(), String::new());
        let mut is_open = false;
        for line in text.lines() {
            if let Some(kind) = line.trim_start().strip_prefix("```") {
                is_open = !is_open;
                if is_open {
                    blocks.push(Block { kind: kind.to_owned(), text: String::new() });
                }
            } else if is_open {
                let block = blocks.last_mut().unwrap();
                block.text += line;
                block.text.push('\n');
            } else {
                prose += line;
                prose.push('\n');
            }
        }
        assert!(!is_open, "{}: a block has no end", path.display());
        Self { path: path.to_owned(), blocks, prose }
    }

    fn name(&self) -> String {
        self.path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/")
    }

    /// What its links name: those in the text, and those defined at its end.
    fn links(&self) -> Vec<String> {
        let inline = self.prose.split("](").skip(1).map(|rest| rest.split(')').next().unwrap());
        let defined = self.prose.lines().filter_map(|line| {
            line.starts_with('[').then(|| line.split_once("]: ").map(|(_, link)| link.trim()))?
        });
        inline.chain(defined).map(str::to_owned).collect()
    }

    /// References to links, `[text][name]`, and the names that are defined.
    fn references(&self) -> (BTreeSet<&str>, BTreeSet<&str>) {
        let used = self.prose.split("][").skip(1).map(|rest| rest.split(']').next().unwrap());
        let defined = self.prose.lines().filter_map(|line| {
            line.strip_prefix('[').and_then(|line| line.split_once("]: ")).map(|(name, _)| name)
        });
        (used.collect(), defined.collect())
    }

    /// Its headings as the names that a link gives them.
    fn anchors(&self) -> BTreeSet<String> {
        let headings = self.prose.lines().filter_map(|line| {
            let text = line.trim_start_matches('#');
            (text.len() < line.len()).then(|| text.strip_prefix(' '))?
        });
        headings
            .map(|heading| {
                let kept = heading.chars().filter_map(|c| match c {
                    ' ' => Some('-'),
                    c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
                    _ => None,
                });
                kept.collect::<String>().to_lowercase()
            })
            .collect()
    }

    /// Pieces of code in the prose.
    fn code(&self) -> Vec<String> {
        let pieces = self.prose.split('`').enumerate().filter(|(n, _)| n % 2 == 1);
        pieces.map(|(_, code)| code.replace('\n', " ")).collect()
    }
}

/// Every page that a reader may come upon.
fn pages() -> Vec<Page> {
    let mut paths: Vec<PathBuf> = fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "md"))
        .collect();
    paths.extend(book());
    paths.sort();
    assert!(paths.len() > 20, "{paths:?}");
    paths.iter().map(|path| Page::read(path)).collect()
}

/// The pages of the book.
fn book() -> Vec<PathBuf> {
    let mut paths = Vec::new();
    let mut folders = vec![root().join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "md") {
                paths.push(path);
            }
        }
    }
    paths
}

#[test]
fn every_link_leads_somewhere() {
    let mut wrong = Vec::new();
    for page in pages() {
        let (used, defined) = page.references();
        let undefined = used.difference(&defined).map(|name| format!("[{name}] is not defined"));
        wrong.extend(undefined.map(|why| format!("{}: {why}", page.name())));
        for link in page.links() {
            if link.starts_with("https://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() {
                page.path.clone()
            } else {
                page.path.parent().unwrap().join(file)
            };
            let is_book = page.name().starts_with("docs/");
            let docs = root().join("docs").canonicalize().unwrap();
            if is_book && !target.canonicalize().is_ok_and(|it| it.starts_with(&docs)) {
                wrong.push(format!("{}: {link} leads out of the book", page.name()));
            } else if !target.exists() {
                wrong.push(format!("{}: there is no {link}", page.name()));
            } else if !anchor.is_empty() && !Page::read(&target).anchors().contains(anchor) {
                wrong.push(format!("{}: there is no heading {link}", page.name()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_page_is_in_the_book_once() {
    let summary = Page::read(&root().join("docs/SUMMARY.md"));
    let listed: Vec<PathBuf> =
        summary.links().iter().map(|link| root().join("docs").join(link)).collect();
    let distinct: BTreeSet<_> = listed.iter().cloned().collect();
    assert_eq!(distinct.len(), listed.len(), "{listed:?}");
    let pages: BTreeSet<_> = book().into_iter().filter(|path| *path != summary.path).collect();
    assert_eq!(distinct, pages);
}

/// The words of a command as a shell takes them, up to where another begins.
pub(crate) fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for character in command.chars() {
        match (quote, character) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            (None, '|' | '>' | ';' | '&' | ')') => break,
            (None, '#') if word.is_none() => break,
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// The command lines of this program on a page, in blocks and in the text.
fn commands(page: &Page) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for block in &page.blocks {
        if !["console", "sh", "powershell"].contains(&&*block.kind) {
            continue;
        }
        let lines = block.text.lines().map(str::trim);
        let lines = lines.filter(|line| block.kind != "console" || line.starts_with("$ "));
        let starts = lines.flat_map(|line| {
            line.match_indices("reinvite ").filter_map(move |(at, _)| {
                let before = line[..at].trim_end();
                let begins = before.is_empty() || before.ends_with(['$', '=', '(', '&', '|', ';']);
                begins.then(|| line[at..].to_owned())
            })
        });
        found.extend(starts);
        let demo = block.text.lines().filter_map(|line| line.split_once("cargo run "));
        found.extend(
            demo.filter_map(|(_, line)| Some(line.split_once("-- ")?.1))
                .map(|arguments| format!("reinvite {arguments}")),
        );
    }
    let is_placeholder = |word: &String| {
        word.chars().all(|c| c.is_ascii_uppercase() || c == '_') || word.contains('…')
    };
    found.extend(page.code().into_iter().filter(|code| code.starts_with("reinvite ")));
    found.iter().map(|line| words(line)).filter(|w| !w.iter().any(is_placeholder)).collect()
}

#[test]
fn every_command_is_understood() {
    let (mut seen, mut wrong) = (0, Vec::new());
    for page in pages() {
        for words in commands(&page) {
            seen += 1;
            if let Err(error) = Cli::try_parse_from(&words)
                && error.use_stderr()
            {
                wrong.push(format!("{}: {}\n{error}", page.name(), words.join(" ")));
            }
        }
    }
    assert!(seen > 80, "{seen}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_configuration_is_understood() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("reinvite.toml");
    let mut seen = 0;
    for page in pages() {
        for block in page.blocks.iter().filter(|block| block.kind == "toml") {
            seen += 1;
            let placeholder = "00000000-0000-0000-0000-000000000000";
            let mut text = block.text.replace(placeholder, &placeholder.replace('0', "1"));
            if !text.contains("[tenant]") {
                text += "\n[tenant]\nid = \"contoso.example\"\n";
            }
            if !text.contains("[auth]") {
                text += "\n[auth]\nmethod = \"azure-cli\"\n";
            }
            fs::write(&path, &text).unwrap();
            let loaded = Settings::load(&path, true, |_| None, &Overrides::default());
            loaded.unwrap_or_else(|error| panic!("{}: {error}\n{text}", page.name()));
        }
    }
    assert!(seen > 2, "{seen}");
}

#[test]
fn every_template_is_one() {
    let campaign = Campaign::new();
    let delivery = "[delivery]\nby = \"files\"\nfrom = \"it@contoso.example\"\nfolder = \"mails\"\n\
                    template = \"mail.html\"\n";
    campaign.configure(&campaign.origin(), delivery);
    let mut seen = 0;
    for page in pages() {
        for block in page.blocks.iter().filter(|block| block.kind == "html") {
            seen += 1;
            campaign.write("mail.html", &block.text);
            campaign.run("lint three.csv").exits(0);
            let mail = campaign.run("preview three.csv 2").exits(0).stdout;
            assert!(mail.contains("hannah.wagner@fabrikam.example"), "{}: {mail}", page.name());
        }
    }
    assert!(seen > 0);
}

#[test]
fn the_reference_is_what_the_program_says_of_itself() {
    for (name, text) in [("commands", reference_of_commands()), ("configuration", configuration())]
    {
        let path = root().join(format!("docs/reference/{name}.md"));
        if std::env::var_os("WRITE_REFERENCE").is_some() {
            fs::write(&path, &text).unwrap();
        }
        let written = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            written == text,
            "WRITE_REFERENCE=1 cargo test --test cli documents brings docs/reference/{name}.md up to date"
        );
    }
}

fn configuration() -> String {
    format!(
        "# Configuration\n\n\
         `reinvite.toml` of the directory that a command is started in, or the file of `--config`. `reinvite init` writes this one. Every key\n\
         is also an environment variable, `settle` under `[pace]` is `REINVITE_PACE_SETTLE`; a flag comes first, then the variable, then the file,\n\
         and last the user's own file, which is for [`[auth]`, `[delivery]` and `[notify]`](../how-to/many-tenants.md). `reinvite config show --origin` says who said what.\n\
         `reinvite schema config` prints its JSON Schema. A section or key that does not exist is an error that names the nearest right one.\n\n\
         ```toml\n{EXAMPLE}```\n"
    )
}

fn reference_of_commands() -> String {
    let mut program = Cli::command().term_width(100);
    program.build();
    let mut text = String::from(
        "# Commands\n\n\
         What `reinvite help COMMAND` and `reinvite man COMMAND` say. Every flag is also the environment variable named beside it.\n\n\
         ## Flags of every command\n\n",
    );
    let shared = |argument: &&Arg| argument.is_global_set() && !is_of_clap(argument);
    for argument in program.get_arguments().filter(shared) {
        text += &line(argument);
    }
    for command in program.get_subcommands().filter(|command| command.get_name() != "help") {
        text += &section(command);
    }
    text
}

fn is_of_clap(argument: &Arg) -> bool {
    ["help", "version"].contains(&argument.get_id().as_str())
}

fn section(command: &Command) -> String {
    let about = command.get_about().expect("every command says what it does");
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").trim();
    let help = command.clone().render_long_help().to_string();
    let (examples, _) = help.split_once("\n\n").expect("the examples come first");
    let examples = examples.lines().skip(1).map(str::trim_start);
    let mut text =
        format!("\n## {}\n\n{about}.\n\n```text\n{usage}\n```\n\n```console\n", command.get_name());
    for example in examples {
        let _ = writeln!(text, "$ {example}");
    }
    text += "```\n";
    let own = command.get_arguments().filter(|it| !it.is_global_set() && !is_of_clap(it));
    let lines: Vec<_> = own.map(line).collect();
    if !lines.is_empty() {
        let _ = write!(text, "\n{}", lines.concat());
    }
    text
}

/// An argument: how it is written, what it does, and what stands for it.
fn line(argument: &Arg) -> String {
    let names = argument.get_value_names().unwrap_or_default();
    let values: Vec<String> = names.iter().map(|name| format!("<{name}>")).collect();
    let takes = argument.get_action().takes_values();
    let shown = match argument.get_long() {
        Some(long) if takes => format!("--{long} {}", values.join(" ")),
        Some(long) => format!("--{long}"),
        None => values.join(" "),
    };
    let short = argument.get_short().map(|short| format!("`-{short}`, ")).unwrap_or_default();
    let help = argument.get_long_help().or(argument.get_help()).expect("it says what it does");
    let mut text = format!("- {short}`{shown}`: {}", help.to_string().replace('\n', " "));
    let choices: Vec<_> =
        argument.get_possible_values().iter().map(|it| format!("`{}`", it.get_name())).collect();
    if takes && !choices.is_empty() {
        let _ = write!(text, "; one of {}", choices.join(", "));
    }
    let defaults: Vec<_> =
        argument.get_default_values().iter().map(|it| it.to_string_lossy()).collect();
    if takes && !defaults.is_empty() {
        let _ = write!(text, " (default `{}`)", defaults.join(" "));
    }
    if let Some(variable) = argument.get_env() {
        let _ = write!(text, " — `{}`", variable.to_string_lossy());
    }
    text + "\n"
}
