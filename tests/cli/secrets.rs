//! Neither the secret nor a token nor a redeem link is in anything that is said or
//! left behind.

use reinvite::domain::Caller;
use reinvite::emulator::{SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET};

use crate::support::{Campaign, Output};

/// Everything that a campaign left in its directory but the secrets' own files, and
/// what was said.
fn traces(campaign: &Campaign, said: &[String], own: &[&str]) -> Vec<(String, Vec<u8>)> {
    let mut traces: Vec<_> =
        said.iter().map(|text| ("output".to_owned(), text.clone().into_bytes())).collect();
    for entry in std::fs::read_dir(campaign.directory()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !own.contains(&&*name) {
            traces.push((name, std::fs::read(path).unwrap()));
        }
    }
    traces
}

#[track_caller]
fn holds_none(traces: &[(String, Vec<u8>)], secrets: &[String]) {
    for (name, bytes) in traces {
        for secret in secrets {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{secret} is in {name}: {}", String::from_utf8_lossy(bytes));
        }
    }
}

/// Insists that a run that signed in by other means left none of its secrets anywhere
/// but in their own files.
#[track_caller]
pub(crate) fn nowhere(campaign: &Campaign, output: &Output, own: &[&str], secrets: &[&str]) {
    let said = [output.stdout.clone(), output.stderr.clone()];
    let mut secrets: Vec<String> = secrets.iter().map(|&secret| secret.to_owned()).collect();
    secrets.push("Bearer".to_owned());
    holds_none(&traces(campaign, &said, own), &secrets);
}

#[test]
fn a_client_secret_its_tokens_and_the_redeem_links_are_nowhere() {
    let campaign = Campaign::new();
    let mut said = Vec::new();
    for arguments in [
        "plan guests.csv -vvv",
        "apply guests.csv --yes -vvv --result result.csv",
        "apply guests.csv --yes -vvv --output json --resend 2 --reason lost --result result.jsonl",
        "status guests.csv -vvv",
    ] {
        let output = campaign.run(arguments);
        said.extend([output.stdout, output.stderr]);
    }
    let ledger = campaign.tenant.ledger();
    let mut secrets: Vec<String> = ledger.invitations().map(|i| i.redeem_url.clone()).collect();
    assert_eq!(secrets.len(), 5);
    // What all tokens of the tenant begin with, long enough to be no coincidence.
    let tokens =
        [(); 2].map(|()| campaign.tenant.token(SAMPLE_CLIENT_ID, Caller::AppOnly).unwrap());
    let same = tokens[0].bytes().zip(tokens[1].bytes()).take_while(|(a, b)| a == b).count();
    assert!(same >= 8, "{tokens:?}");
    secrets.push(tokens[0][..same.min(20)].to_owned());
    secrets.push(SAMPLE_CLIENT_SECRET.to_owned());
    secrets.push("Bearer".to_owned());
    holds_none(&traces(&campaign, &said, &["client-secret.txt"]), &secrets);
}

#[test]
fn a_given_token_is_nowhere_even_when_it_is_refused() {
    let campaign = Campaign::new();
    let token = campaign.tenant.token(SAMPLE_CLIENT_ID, Caller::AppOnly).unwrap();
    let origin = campaign.origin();
    campaign.write(
        "reinvite.toml",
        &format!(
            "[tenant]\nid = \"contoso.example\"\ngraph_url = \"{origin}\"\nlogin_url = \"{origin}\"\n\
             [auth]\nmethod = \"access-token\"\naccess_token_env = \"TOKEN\"\n\
             [pace]\nsettle = \"0s\"\n"
        ),
    );
    let run = |arguments: &str| {
        let mut command = campaign.command(arguments);
        command.env("TOKEN", &token);
        campaign.complete(command)
    };
    let good = run("apply three.csv --yes -vvv").exits(0);
    campaign.tenant.revoke_tokens();
    let refused = run("plan three.csv -vvv").exits(6);
    let said = [good.stdout, good.stderr, refused.stdout, refused.stderr];
    holds_none(&traces(&campaign, &said, &[]), &[token]);
}
