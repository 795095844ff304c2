//! Our PowerShell before a parser of PowerShell's grammar: tree-sitter's, for want of
//! Microsoft's own.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use jiff::Timestamp;
use reinvite::campaign::{Aftercare, MovedGuest};
use reinvite::domain::{Email, Reach};
use reinvite::plan::Touched;
use reinvite::report::AftercareFile;
use serde_json::Value;
use tempfile::TempDir;

use crate::{job, run};

const PARSER: &[&str] = &["web-tree-sitter@0.27.2", "tree-sitter-powershell@0.26.4"];

/// Local parts that would end a string, expand in one, or begin a comment.
const TRAPS: &[&str] =
    &["o'brien", "''", "'+'", "a`b", "$env.x", "x'#y", "${x}", "{}", "&x|y", "a'b''c'''d"];

fn moved(part: &str) -> Option<MovedGuest> {
    let address = |domain| Email::parse(&format!("{part}@{domain}.example")).ok();
    let old = address("northwind")?;
    Some(MovedGuest {
        id: "63e8a076-a912-4a58-8471-02c26af3569f".parse().unwrap(),
        name: None,
        user_principal_name: part.into(),
        former: vec![old.clone(), address("tailspin")?],
        old: Some(old),
        new: address("fabrikam")?,
        redemption: None,
        holds_old: true,
    })
}

#[test]
#[ignore = "installs packages from npm"]
fn every_script_is_one_and_an_address_in_it_stays_text() {
    let place = TempDir::new().unwrap();
    let mut npm = Command::new("npm");
    npm.args(["install", "--silent", "--no-fund", "--ignore-scripts"]).args(PARSER);
    run(npm.current_dir(place.path()));
    let moved: Vec<MovedGuest> = TRAPS.iter().filter_map(|part| moved(part)).collect();
    assert!(moved.len() > 3, "hardly any of them is an address");
    let expected: Vec<String> = moved
        .iter()
        .flat_map(|guest| {
            let addresses = guest.former.iter().chain([&guest.new]);
            std::iter::once(guest.id.to_string()).chain(addresses.map(ToString::to_string))
        })
        .collect();
    let aftercare = Aftercare {
        manifest: "guests.csv".to_owned(),
        tenant_id: "#>\n'; throw; '".to_owned(),
        tenant_name: None,
        tenant_key: String::new(),
        read_at: Timestamp::UNIX_EPOCH,
        open_rows: 0,
        moved,
        left_out: Vec::new(),
        reach: Reach::default(),
        touched: Touched::default(),
        sites: BTreeMap::new(),
        unreadable: Vec::new(),
        requests: 0,
    };
    let script = place.path().join("exchange.ps1");
    let mut text = Vec::new();
    AftercareFile::Exchange.write(&mut text, &aftercare).unwrap();
    fs::write(&script, text).unwrap();
    let parse = place.path().join("powershell.mjs");
    fs::copy(job("powershell.mjs"), &parse).unwrap();
    let sample = job("../../config/azure-automation.ps1");
    let parsed = Command::new("node").arg(&parse).arg(&script).arg(sample).output().unwrap();
    let said = String::from_utf8_lossy(&parsed.stderr);
    let parsed: Value = serde_json::from_slice(&parsed.stdout).expect(&said);
    for script in parsed.as_array().unwrap() {
        assert_eq!(script["errors"], serde_json::json!([]), "{}", script["path"]);
    }
    let strings = parsed[0]["strings"].as_array().unwrap().iter();
    let strings = strings.map(|literal| {
        let literal = literal.as_str().unwrap();
        literal[1..literal.len() - 1].replace("''", "'")
    });
    let found: Vec<String> = strings.take(expected.len()).collect();
    assert_eq!(found, expected);
}
