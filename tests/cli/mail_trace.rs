//! Whether mails arrived: `verify --mail`, and what is said of those that did not.

use reinvite::emulator::{Options, SAMPLE_CLIENT_ID, TenantSeed};

use crate::support::{Campaign, snapshot};

const MAILBOX: &str = "[delivery]\nby = \"graph\"\nfrom = \"it@contoso.example\"\n\
     [delivery.pace]\nper_minute = 600\n";

/// Three guests are mailed from a mailbox: Ruth's mail bounces, Olga's is quarantined.
fn mailed(more: &str) -> Campaign {
    let rules = ["ruth.mori@fabrikam.example", "olga.ramos@fabrikam.example=quarantined"];
    let mail_rules = rules.iter().map(|rule| rule.parse().unwrap()).collect();
    let campaign =
        Campaign::with(TenantSeed::sample(), Options { mail_rules, ..Options::default() });
    campaign.configure(&campaign.origin(), &format!("{MAILBOX}{more}"));
    campaign.without_lag();
    campaign.tenant.edit_application(SAMPLE_CLIENT_ID, |app| {
        app.roles.extend(["Mail.Send", "Mail.ReadWrite"].map(str::to_owned));
    });
    campaign.run("apply three.csv --yes -q").exits(0);
    // What the trace is asked for ends before now by as much as clocks may differ.
    std::thread::sleep(std::time::Duration::from_millis(3200));
    campaign
}

fn may_trace(campaign: &Campaign) {
    campaign.tenant.edit_application(SAMPLE_CLIENT_ID, |app| {
        app.roles.push("ExchangeMessageTrace.Read.All".to_owned());
    });
}

#[test]
fn verify_asks_the_trace_and_every_command_tells_what_it_said() {
    let campaign = mailed("");
    may_trace(&campaign);
    snapshot!(campaign.run("verify three.csv --mail"), @"
    Some guests need a person

    Needs a person
      line 3 ruth.mori@fabrikam.example: its mail was refused [5.1.1]: Reason: [{LED=550 5.1.1 The email account that
          you tried to reach does not exist.}]
      line 4 olga.ramos@fabrikam.example: its mail was quarantined

    Where mails bounced
      fabrikam.example: 1 of 3 bounced [5.1.1]; nobody has this address there: ask the partner for the right one, mend
          the row and apply again

    3 guests of the campaign: 3 pending
    3 mails: 1 delivered, 1 bounced, 1 quarantined
    ------- exit 4 -------
    ");
    snapshot!(campaign.run("status three.csv"), @"
    three.csv, Contoso (7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 3 rows, since [TIME]
    last run began [TIME], ended [TIME], exit code 0

      invited             3
      settled             0  nothing to do
      blocked             0  refused by the plan
      failed              0
      unknown             0  the answer was lost
      patched             0  mail written, not invited yet
      not attempted       0

      your mails: 3 sent or written

      of the mails that left, by the message trace: 1 delivered, 1 bounced, 1 quarantined
    ");
    let object = campaign.run("verify three.csv --mail --output json").exits(4).json();
    let mails = &object["mails"];
    let numbers = ["delivered", "bounced", "quarantined", "not_traced"];
    assert_eq!(numbers.map(|key| mails[key].as_u64().unwrap()), [1, 1, 1, 0], "{mails}");
    assert_eq!(mails["news"], serde_json::json!([]), "it was told before");
    assert_eq!(mails["domains"][0]["code"], "5.1.1");
    let explained = campaign.run("explain 3 three.csv").to_string();
    assert!(explained.contains("mail        bounced\n"), "{explained}");
    assert!(
        explained.contains("the message trace tells of the mail: bounced [5.1.1]"),
        "{explained}"
    );
    assert!(explained.contains("nobody has this address there"), "{explained}");
    let status = campaign.run("status three.csv --output json").json();
    assert_eq!(status["arrivals"]["bounced"], 1);
    let report = campaign.run("report three.csv --format json --out -").json();
    assert_eq!(report["totals"]["arrivals"]["delivered"], 1, "{}", report["totals"]);
    let rows = report["campaigns"][0]["rows"].as_array().unwrap();
    let attention: Vec<_> = rows.iter().map(|row| row["attention"].as_str()).collect();
    assert_eq!(attention, [None, Some("bounced"), Some("bounced")]);
    let page = campaign.run("report three.csv --format html --out -").to_string();
    assert!(page.contains("Delivered") && page.contains("nobody has this address there"));
    // One example for the template of all three, with a link that leads nowhere.
    assert_eq!(page.matches("<details><summary>built-in en: 3 rows, as line 2").count(), 1);
    assert!(page.contains("<dt>To</dt><dd>hannah.wagner@fabrikam.example</dd>"), "{page}");
    assert!(page.contains("Your access to Contoso now belongs to hannah"), "{page}");
    let csv = campaign.run("report three.csv --format csv").exits(0).stdout;
    let mut csv = csv::Reader::from_reader(csv.trim_start_matches('\u{feff}').as_bytes());
    let rows = csv.records().map(|row| row.unwrap().iter().skip(19).map(str::to_owned).collect());
    let rows: Vec<Vec<String>> = rows.collect();
    assert_eq!(rows[0][..3], ["sent", "delivered", ""]);
    assert_eq!(rows[1][..3], ["sent", "bounced", "5.1.1"]);
    assert!(rows[2][3].ends_with('Z'), "{rows:?}");
    let ticket = campaign.run("report three.csv --format markdown").exits(0).stdout;
    let at = ticket.find("Mails:").unwrap();
    let table: Vec<_> = ticket[at..].lines().skip(2).take(3).collect();
    insta::assert_snapshot!(table.join("\n"), @"
    | mailed | to be mailed | not mailed | unknown | delivered | bounced | quarantined | spam | pending | unclear | no trace |
    |--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|
    | 3 | 0 | 0 | 0 | 1 | 1 | 1 | 0 | 0 | 0 | 0 |
    ");
}

#[test]
fn what_may_not_be_seen_is_said_and_fails_nothing() {
    let campaign = mailed("[reconcile]\nunattended = true\nmail_trace = true\n");
    snapshot!(campaign.run("verify three.csv"), @"
    Everybody is invited; 3 guests have yet to redeem

    3 guests of the campaign: 3 pending
    3 mails: 3 without a trace
    the message trace was not seen: it takes the permission ExchangeMessageTrace.Read.All, and the service principal of
    8bd644d1-64a1-4d4b-ae52-2e0cbf64e373 in the tenant; the service says: 403 Authorization_RequestDenied: Insufficient
    privileges to complete the operation.
    ");
    let night = campaign.run("reconcile three.csv").exits(0);
    assert_eq!(&*night.stdout, "", "{night}");
}

#[test]
fn a_night_tells_of_mails_that_did_not_arrive() {
    let campaign = mailed("[reconcile]\nunattended = true\nmail_trace = true\n");
    may_trace(&campaign);
    snapshot!(campaign.run("reconcile three.csv"), @"
    Night of three.csv, Contoso
      arrived               1
      bounced               1
      quarantined           1

    Needs a person
      line 3 ruth.mori@fabrikam.example: its mail was refused [5.1.1]: Reason: [{LED=550 5.1.1 The email account that
          you tried to reach does not exist.}]
      line 4 olga.ramos@fabrikam.example: its mail was quarantined

    Where mails bounced
      fabrikam.example: 1 of 3 bounced [5.1.1]; nobody has this address there: ask the partner for the right one, mend
          the row and apply again

    3 guests of the campaign: 3 pending
    3 mails: 1 delivered, 1 bounced, 1 quarantined
    ------- exit 4 -------
    ");
}

/// Whoever is mailed by nobody is said to be, wherever a row is told of.
#[test]
fn a_guest_that_nobody_mails_is_named_with_what_to_tell_it() {
    let campaign = Campaign::new();
    campaign.configure(&campaign.origin(), "[reconcile]\nunattended = true\n");
    campaign.without_lag();
    let rows = campaign.read("three.csv").replace("new_email\n", "new_email,send\n");
    campaign.write("three.csv", &rows.replacen("fabrikam.example\n", "fabrikam.example,no\n", 1));
    snapshot!(campaign.run("reconcile three.csv"), @"
    Night of three.csv, Contoso
      invited               3
      of them unmailed      1

    3 guests of the campaign: 3 pending
    ");
    let explained = campaign.run("explain 2 three.csv").to_string();
    assert!(explained.contains("nobody mailed the guest: send is off"), "{explained}");
    assert!(explained.contains("tell the guest yourself"), "{explained}");
    assert!(explained.contains("Mails sent\n  none"), "{explained}");
    let report = campaign.run("report three.csv --format json --out -").json();
    let rows = report["campaigns"][0]["rows"].as_array().unwrap();
    let mails: Vec<_> = rows.iter().map(|row| row["mail"].as_str().unwrap()).collect();
    assert_eq!(mails, ["none", "microsoft", "microsoft"]);
    assert_eq!(rows[1]["advice"], serde_json::Value::Null);
    let page = campaign.run("report three.csv --format html --out -").to_string();
    assert!(page.contains("nobody mailed the guest"));
}

/// Every file that a campaign leaves, and all that it said: nowhere is a link.
#[test]
fn no_link_is_left_in_any_file_or_word() {
    let campaign = mailed("");
    may_trace(&campaign);
    let mut said = String::new();
    for command in [
        "verify three.csv --mail --output json",
        "explain 2 three.csv --output json",
        "report three.csv --format html --out page.html",
        "report three.csv --format json --out report.json",
        "report three.csv --format csv --out report.csv",
        "apply three.csv --yes --result result.csv --log-file run.log -v --output json",
    ] {
        said.push_str(&campaign.run(command).to_string());
    }
    let links: Vec<String> = {
        let mailbox = campaign.tenant.mailbox("it@contoso.example");
        let texts = mailbox.iter().map(|mail| mail.message.body.content.clone());
        texts.map(|text| text.split("ticket").nth(1).unwrap()[..40].to_owned()).collect()
    };
    assert_eq!(links.len(), 3);
    let files: Vec<_> = std::fs::read_dir(campaign.directory()).unwrap().flatten().collect();
    assert!(files.len() >= 9, "{files:?}");
    for link in links.iter().map(String::as_str).chain(["redeem?rd=", "%26ticket%3d"]) {
        assert!(!said.contains(link), "{said}");
        for file in &files {
            let bytes = std::fs::read(file.path()).unwrap();
            let is_there = bytes.windows(link.len()).any(|part| part == link.as_bytes());
            assert!(!is_there, "{link} in {}", file.path().display());
        }
    }
}
