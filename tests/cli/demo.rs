//! `demo`, in real time, and `emulate`.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use reinvite::emulator::MAILS;

use crate::support::Campaign;

#[test]
fn the_demo_ends_well_and_leaves_its_files() {
    let campaign = Campaign::new();
    let output = campaign.run("demo --directory demo").exits(0);
    assert!(output.stderr.contains("Some rows are blocked and some fail on purpose"), "{output}");
    assert!(output.stderr.contains("182 mails as sent"), "{output}");
    for file in ["contoso.csv", "reinvite.toml", "contoso.csv.checkpoint", "contoso.result.csv"] {
        assert!(campaign.exists(&format!("demo/{file}")), "{file}");
    }
    assert!(campaign.read("demo/report.html").contains("reinvite report"));
    let mails = std::fs::read_dir(campaign.path("demo/mails")).unwrap();
    let mails = mails.map(|mail| std::fs::read_to_string(mail.unwrap().path()).unwrap());
    let mails: Vec<String> = mails.collect();
    assert_eq!(mails.len(), 182);
    for language in ["en", "de", "es", "it", "fr"] {
        let begins = format!("lang=3D\"{language}");
        assert!(mails.iter().any(|mail| mail.contains(&begins)), "{language}");
    }
    let status = campaign.run("status --checkpoint demo/contoso.csv.checkpoint --output json");
    let status = status.exits(0).json();
    assert_eq!(status["counts"]["not_attempted"], 0, "{status}");
    assert_eq!(status["counts"]["unknown"], 0, "{status}");
    assert_eq!(status["counts"]["invited"], 182, "{status}");
    assert_eq!(status["mails"]["mailed"], 182, "{status}");
}

#[test]
fn the_emulator_says_how_to_send_and_where_to_look() {
    let campaign = Campaign::new();
    let mut command = campaign.command("emulate --listen 127.0.0.1:0 --smtp 127.0.0.1:0");
    let mut emulate = command.stdout(Stdio::piped()).spawn().expect("the binary was built");
    let mut lines = BufReader::new(emulate.stdout.take().expect("it is piped")).lines();
    let mut told = String::new();
    while !told.contains("tls = \"none\"") {
        told.push_str(&lines.next().expect("it says more").expect("its words are text"));
        told.push('\n');
    }
    emulate.kill().and_then(|()| emulate.wait()).expect("it was started");
    assert!(told.contains(MAILS), "{told}");
    assert!(told.contains("from = \"it@contoso.example\""), "{told}");
    assert!(told.contains("[delivery.smtp]\nhost = \"127.0.0.1\""), "{told}");
}
