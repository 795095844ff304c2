//! The samples for schedulers in `config/`: they are what they claim to be, and every
//! command and variable in them is one that this program knows.

use std::path::{Path, PathBuf};

use clap::Parser as _;
use yaml_rust2::{Yaml, YamlLoader};

use reinvite::config::args::{Cli, Command};
use reinvite::config::unknown_variables;

#[cfg(unix)]
use crate::support::Campaign;

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn yaml(name: &str) -> Vec<Yaml> {
    YamlLoader::load_from_str(&read(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

const WORKFLOWS: [&str; 3] =
    ["github-actions.yml", "github-actions-tenants.yml", "github-pull-request.yml"];
const KUBERNETES: [&str; 2] = ["kubernetes/cronjob.yaml", "kubernetes/tenants.yaml"];
const CONTAINERS: [&str; 3] = [KUBERNETES[0], KUBERNETES[1], "azure-container-app-job.yaml"];

/// Every mapping in a document, from the outside in.
fn mappings(yaml: &Yaml) -> Vec<&Yaml> {
    match yaml {
        Yaml::Hash(hash) => std::iter::once(yaml).chain(hash.values().flat_map(mappings)).collect(),
        Yaml::Array(items) => items.iter().flat_map(mappings).collect(),
        _ => Vec::new(),
    }
}

/// Containers that run this program.
fn containers(name: &str) -> Vec<Yaml> {
    let documents = yaml(name);
    let all = documents.iter().flat_map(mappings);
    let ours = all.filter(|map| map["image"].as_str().is_some_and(|i| i.contains("/reinvite:")));
    ours.cloned().collect()
}

/// The scripts of a workflow, as a shell sees them.
fn scripts(name: &str) -> Vec<String> {
    let documents = yaml(name);
    let all = documents.iter().flat_map(mappings);
    let scripts = all.filter_map(|map| map["run"].as_str());
    let plain = |script: &str| {
        let mut parts = script.split("${{");
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |text, part| text + "value" + part.split_once("}}").unwrap().1)
    };
    scripts.map(plain).collect()
}

/// Every command line of this program in the samples, with the file it is in.
fn commands() -> Vec<(&'static str, String)> {
    let mut commands = Vec::new();
    let service = read("systemd/reinvite.service");
    for line in service.lines().filter_map(|line| line.strip_prefix("ExecStart=")) {
        let arguments = line.strip_prefix("/usr/local/bin/reinvite ").unwrap();
        commands.push(("systemd/reinvite.service", arguments.to_owned()));
    }
    let cron = cron_command();
    let from = cron.find("$(reinvite ").unwrap() + "$(reinvite ".len();
    let to = cron.find(" 2>&1").unwrap();
    commands.push(("crontab", cron[from..to].to_owned()));
    for name in CONTAINERS {
        for container in containers(name) {
            let words = container["args"].as_vec().unwrap().iter();
            let words: Vec<_> = words.map(|word| word.as_str().unwrap()).collect();
            commands.push((name, words.join(" ")));
        }
    }
    for name in WORKFLOWS {
        for script in scripts(name) {
            let lines = script.lines().map(str::trim);
            let ours = lines.filter_map(|line| line.strip_prefix("reinvite "));
            commands.extend(ours.map(|line| (name, line.split(" ||").next().unwrap().to_owned())));
        }
    }
    let task = read("windows-task.xml");
    let task = roxmltree::Document::parse(&task).unwrap();
    let arguments = task.descendants().find(|node| node.tag_name().name() == "Arguments");
    commands.push(("windows-task.xml", arguments.unwrap().text().unwrap().to_owned()));
    let runbook = read("azure-automation.ps1");
    let line = runbook.lines().find_map(|line| line.strip_prefix("& ")).expect("the command");
    let (_, arguments) = line.split_once("reinvite.exe' ").unwrap();
    let arguments = arguments.split(" 2>&1").next().unwrap();
    commands.push(("azure-automation.ps1", arguments.to_owned()));
    commands
}

/// The job of the crontab, without when and as whom.
fn cron_command() -> String {
    let text = read("crontab");
    let jobs: Vec<_> =
        text.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit())).collect();
    let [job] = jobs[..] else { panic!("one job: {jobs:?}") };
    assert!(!job.contains('%'), "cron makes a line end of it: {job}");
    let mut rest = job;
    for _ in 0..6 {
        rest = rest.split_once(' ').unwrap().1;
    }
    rest.to_owned()
}

#[test]
fn every_command_in_the_samples_is_understood() {
    let commands = commands();
    assert_eq!(commands.len(), 9, "{commands:?}");
    for (name, command) in commands {
        let words = std::iter::once("reinvite").chain(command.split_whitespace());
        let cli = Cli::try_parse_from(words).unwrap_or_else(|error| panic!("{name}: {error}"));
        // Without it, and without a terminal, nothing would be changed; a plan changes nothing.
        let is_plan = matches!(cli.command, Command::Plan(_));
        assert_ne!(cli.global.yes, is_plan, "{name}: {command}");
    }
}

#[test]
fn every_variable_in_the_samples_means_something() {
    let mut names = Vec::new();
    let service = read("systemd/reinvite.service");
    let set = service.lines().filter_map(|line| line.strip_prefix("Environment="));
    names.extend(set.map(|set| set.split('=').next().unwrap().to_owned()));
    for name in CONTAINERS {
        for container in containers(name) {
            let variables = container["env"].as_vec().unwrap().iter();
            names.extend(variables.map(|set| set["name"].as_str().unwrap().to_owned()));
        }
    }
    for name in WORKFLOWS {
        let documents = yaml(name);
        let set = documents.iter().flat_map(mappings).filter_map(|map| map["env"].as_hash());
        names.extend(set.flat_map(|set| set.keys()).map(|name| name.as_str().unwrap().to_owned()));
    }
    let runbook = read("azure-automation.ps1");
    let set = runbook.lines().filter_map(|line| line.strip_prefix("$env:"));
    names.extend(set.map(|set| set.split(' ').next().unwrap().to_owned()));
    assert!(names.iter().filter(|name| name.starts_with("REINVITE_")).count() > 5, "{names:?}");
    assert_eq!(unknown_variables(names.into_iter()), []);
}

#[test]
fn kubernetes_runs_one_at_a_time_and_tries_again_what_can_help() {
    for name in KUBERNETES {
        let documents = yaml(name);
        let jobs: Vec<_> = documents
            .iter()
            .flat_map(mappings)
            .filter(|map| !map["podFailurePolicy"].is_badvalue())
            .collect();
        let [job] = jobs[..] else { panic!("{name}: one job") };
        let pod = &job["template"]["spec"];
        // What podFailurePolicy needs.
        assert_eq!(pod["restartPolicy"].as_str(), Some("Never"), "{name}");
        let container = &pod["containers"][0];
        assert_eq!(container["securityContext"]["readOnlyRootFilesystem"].as_bool(), Some(true));
        assert_eq!(pod["securityContext"]["runAsNonRoot"].as_bool(), Some(true), "{name}");
        let rules = job["podFailurePolicy"]["rules"].as_vec().unwrap();
        let codes = rules.iter().find(|rule| !rule["onExitCodes"].is_badvalue()).unwrap();
        assert_eq!(codes["onExitCodes"]["containerName"], container["name"], "{name}");
        let codes = codes["onExitCodes"]["values"].as_vec().unwrap().iter();
        let codes: Vec<_> = codes.map(|code| code.as_i64().unwrap()).collect();
        assert_eq!(codes, [2, 3, 4, 5, 6, 7, 8, 9], "{name}");
    }
    let documents = yaml(KUBERNETES[0]);
    let cron = documents.iter().find(|it| it["kind"].as_str() == Some("CronJob")).unwrap();
    assert_eq!(cron["spec"]["concurrencyPolicy"].as_str(), Some("Forbid"));
}

#[test]
fn workflows_sign_in_without_a_secret_and_their_steps_are_whole() {
    for name in WORKFLOWS {
        let workflow = &yaml(name)[0];
        assert_eq!(workflow["permissions"]["id-token"].as_str(), Some("write"), "{name}");
        assert!(!read(name).contains("secrets."), "{name}");
        for (_, job) in workflow["jobs"].as_hash().unwrap() {
            for step in job["steps"].as_vec().unwrap() {
                assert_ne!(
                    step["uses"].is_badvalue(),
                    step["run"].is_badvalue(),
                    "{name}: {step:?}"
                );
            }
        }
    }
}

#[test]
fn the_windows_task_has_its_elements_in_the_schemas_order() {
    let text = read("windows-task.xml");
    let task = roxmltree::Document::parse(&text).unwrap();
    let root = task.root_element();
    let space = "http://schemas.microsoft.com/windows/2004/02/mit/task";
    assert_eq!(root.tag_name().namespace(), Some(space));
    let children = |name: &str| -> Vec<String> {
        let node = task.descendants().find(|node| node.tag_name().name() == name).unwrap();
        let elements = node.children().filter(roxmltree::Node::is_element);
        elements.map(|child| child.tag_name().name().to_owned()).collect()
    };
    let order = ["RegistrationInfo", "Triggers", "Principals", "Settings", "Actions"];
    assert_eq!(children("Task"), order);
    assert_eq!(children("CalendarTrigger"), ["StartBoundary", "RandomDelay", "ScheduleByDay"]);
    assert_eq!(children("Exec"), ["Command", "Arguments", "WorkingDirectory"]);
}

/// Files that the sources below a folder take in by name.
fn compiled_in(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(compiled_in(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let literals = text.split("include_str!(\"").skip(1);
            let literals = literals.chain(text.split("include_str!(concat!(\"").skip(1));
            files.extend(literals.map(|rest| {
                let name = rest.split('"').next().unwrap();
                let file = folder.join(name);
                file.canonicalize().unwrap_or_else(|e| panic!("{}: {e}", file.display()))
            }));
        }
    }
    files
}

#[test]
fn the_containerfile_copies_what_is_there_into_an_image_of_its_own() {
    let text = read("Containerfile");
    let known = ["FROM", "RUN", "WORKDIR", "COPY", "USER", "ENTRYPOINT"];
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let steps: Vec<Vec<&str>> = lines.map(|line| line.split_whitespace().collect()).collect();
    let stages: Vec<_> = steps
        .iter()
        .filter(|step| step[0] == "FROM" && step.len() == 4)
        .map(|step| format!("--from={}", step[3]))
        .collect();
    for step in &steps {
        assert!(known.contains(&step[0]), "{step:?}");
        if step[0] == "COPY" && step[1].starts_with("--") {
            assert!(stages.iter().any(|stage| stage == step[1]), "{step:?}");
        } else if step[0] == "COPY" {
            for source in &step[1..step.len() - 1] {
                assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(source).exists(), "{source}");
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).canonicalize().unwrap();
    let copied = steps.iter().filter(|step| step[0] == "COPY").flat_map(|step| &step[1..]);
    let copied: Vec<_> = copied.map(|source| root.join(source)).collect();
    for file in compiled_in(&root.join("src")) {
        let is_there = copied.iter().any(|source| file.starts_with(source));
        assert!(is_there, "{} is compiled in and not copied", file.display());
    }
    assert!(copied.contains(&root.join("build.rs")));
    assert_eq!(steps[0][0], "FROM");
    assert!(steps.iter().any(|step| step[..] == ["FROM", "scratch"]));
    assert_eq!(steps.last().unwrap()[..], ["ENTRYPOINT", "[\"/usr/local/bin/reinvite\"]"]);
}

#[test]
fn the_unit_and_its_timer_hold_keys_with_values_in_sections() {
    for (name, sections) in [
        ("systemd/reinvite.service", &["[Unit]", "[Service]"][..]),
        ("systemd/reinvite.timer", &["[Unit]", "[Timer]", "[Install]"]),
    ] {
        let text = read(name);
        let lines: Vec<_> =
            text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
        let found: Vec<_> = lines.iter().copied().filter(|line| line.starts_with('[')).collect();
        assert_eq!(found, sections, "{name}");
        assert!(lines.iter().all(|line| line.starts_with('[') || line.contains('=')), "{name}");
    }
    // What the next night goes on with, and a night that found another at work, are no
    // failure of the unit.
    assert!(read("systemd/reinvite.service").contains("\nSuccessExitStatus=7 8\n"));
}

#[cfg(unix)]
mod in_a_shell {
    use std::process::Command;

    use super::*;

    /// Runs the crontab's job for the campaign as cron would, and gives what cron would
    /// mail.
    fn mailed(campaign: &Campaign) -> String {
        let directory = campaign.directory().to_str().unwrap();
        let configuration = format!("{directory}/reinvite.toml");
        let job = cron_command()
            .replace("/var/lib/reinvite", directory)
            .replace("/etc/reinvite/reinvite.toml", &configuration)
            // Whatever the time is.
            .replace("--until 05:00", "--max-duration 1h");
        let binary = Path::new(env!("CARGO_BIN_EXE_reinvite")).parent().unwrap();
        let search = format!("{}:/usr/bin:/bin", binary.display());
        let output = Command::new("/bin/sh")
            .args(["-c", &job])
            .env_clear()
            .env("PATH", search)
            .current_dir("/")
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        text(output.stdout) + &text(output.stderr)
    }

    #[test]
    fn cron_mails_what_somebody_has_to_see_and_nothing_else() {
        let campaign = Campaign::new();
        campaign.write("guests.csv", &campaign.read("three.csv"));
        assert_eq!(mailed(&campaign), "");
        assert_eq!(campaign.invitations(), 3);
        assert!(campaign.read("reinvite.log").contains("finished"));
        let held = reinvite::checkpoint::Checkpoint::open(
            &campaign.path("guests.csv.checkpoint"),
            jiff::Timestamp::now(),
        );
        assert_eq!(mailed(&campaign), "");
        drop(held);
        campaign.write("guests.csv", crate::support::GUESTS);
        let mail = mailed(&campaign);
        assert!(mail.contains("  14 rows are blocked"), "{mail}");
        assert!(mail.ends_with("reinvite ended with exit code 4\n"), "{mail}");
    }

    #[test]
    fn the_scripts_of_the_workflows_are_shell() {
        for name in WORKFLOWS {
            for script in scripts(name) {
                let checked = Command::new("/bin/sh").args(["-n", "-c", &script]).status();
                assert!(checked.unwrap().success(), "{name}: {script}");
            }
        }
    }
}
