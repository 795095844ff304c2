//! The JSON that programs rely on: one object on stdout, its keys and their types.

use serde_json::Value;

use crate::support::Campaign;

#[track_caller]
fn are_integers(object: &Value, keys: &[&str]) {
    for key in keys {
        assert!(object[key].is_u64(), "{key} in {object}");
    }
}

#[track_caller]
fn ends_as_the_contract_says(summary: &Value) {
    are_integers(summary, &["exit_code"]);
    assert!(summary["stop_reason"].is_null() || summary["stop_reason"].is_string(), "{summary}");
    assert!(summary.get("stop_reason").is_some(), "{summary}");
    assert_eq!(summary["plan_digest"].as_str().map(str::len), Some(64), "{summary}");
    assert!(summary["elapsed_seconds"].is_number(), "{summary}");
}

#[track_caller]
fn rows_as_the_contract_says(object: &Value, expected: usize) {
    let rows = object["rows"].as_array().expect("rows are a list");
    assert_eq!(rows.len(), expected);
    for row in rows {
        are_integers(row, &["line"]);
        for key in ["user", "decision", "reason"] {
            assert!(row[key].is_string(), "{key} in {row}");
        }
        for key in ["user_id", "new_email"] {
            let value = row.get(key).unwrap_or_else(|| panic!("{key} in {row}"));
            assert!(value.is_string() || value.is_null(), "{key} in {row}");
        }
        let decision = row["decision"].as_str().unwrap_or_default();
        assert!(["change", "settled", "blocked"].contains(&decision), "{row}");
    }
}

#[test]
fn the_plan_has_the_keys_of_the_contract() {
    let campaign = Campaign::new();
    let plan = campaign.run("plan guests.csv --output json").exits(0).json();
    let summary = &plan["summary"];
    are_integers(summary, &["rows", "change", "settled", "blocked"]);
    ends_as_the_contract_says(summary);
    rows_as_the_contract_says(&plan, 20);
    let sum: u64 =
        ["change", "settled", "blocked"].iter().filter_map(|k| summary[k].as_u64()).sum();
    assert_eq!(Some(sum), summary["rows"].as_u64());
    let plan = campaign.run("plan guests.csv --output json --expect-no-changes").exits(3).json();
    assert_eq!(plan["summary"]["exit_code"], 3);
}

#[test]
fn the_run_has_the_keys_of_the_contract() {
    let run = Campaign::new().run("apply guests.csv --yes --output json").exits(4).json();
    are_integers(
        &run["summary"],
        &[
            "rows",
            "invited",
            "patched",
            "settled",
            "blocked",
            "failed",
            "unknown",
            "not_attempted",
            "retries",
            "throttled",
        ],
    );
    ends_as_the_contract_says(&run["summary"]);
    assert_eq!(run["summary"]["exit_code"], 4);
    rows_as_the_contract_says(&run, 20);
}

#[test]
fn the_night_has_the_keys_of_the_run_and_its_own() {
    let campaign = Campaign::new();
    let night = campaign.run("reconcile guests.csv --yes --output json").exits(4).json();
    are_integers(
        &night["summary"],
        &[
            "rows",
            "invited",
            "patched",
            "settled",
            "blocked",
            "failed",
            "unknown",
            "not_attempted",
            "retries",
            "throttled",
            "reminded",
            "corrected",
            "redeemed",
            "new",
            "left",
            "held",
            "attention",
        ],
    );
    ends_as_the_contract_says(&night["summary"]);
    rows_as_the_contract_says(&night, 20);
    assert!(night["night"]["standing"]["pending"].is_u64(), "{night}");
    // A quiet night has its object all the same, and says nothing else.
    let campaign = Campaign::new();
    campaign.run("reconcile three.csv --yes").exits(0);
    let quiet = campaign.run("reconcile three.csv --yes --output json").exits(0);
    assert_eq!(quiet.stderr, "");
    assert_eq!(quiet.json()["summary"]["settled"], 3);
}

#[test]
fn stdout_holds_the_object_alone_however_talkative_the_run_is() {
    let campaign = Campaign::new();
    let output =
        campaign.run("apply guests.csv --yes --output json -vvv --result result.csv").exits(4);
    assert!(output.json()["summary"].is_object());
    assert!(output.stderr.contains("Plan for Contoso"), "{output}");
}

#[test]
fn the_environment_asks_like_a_flag() {
    let campaign = Campaign::new();
    let mut command = campaign.command("plan three.csv");
    command.env("REINVITE_OUTPUT", "json").env("REINVITE_EXPECT_NO_CHANGES", "true");
    assert_eq!(campaign.complete(command).exits(3).json()["summary"]["change"], 3);
}
