//! `apply`, on good days.

use serde_json::Value;

use reinvite::emulator::{Action, Fault, Matcher, Options, TenantSeed};

use crate::schemas;
use crate::support::{Campaign, HANNAH, everyone, snapshot};

/// The numbers of a summary that every row is in exactly one of.
const STATES: [&str; 6] = ["invited", "settled", "blocked", "failed", "unknown", "not_attempted"];

#[track_caller]
fn sums_up(summary: &Value) {
    let sum: u64 = STATES.iter().map(|state| summary[state].as_u64().unwrap()).sum();
    assert_eq!(Some(sum), summary["rows"].as_u64(), "{summary}");
}

#[test]
fn everything_that_can_be_done_is_done_and_told() {
    let campaign = Campaign::new();
    snapshot!(campaign.run("apply guests.csv --yes").without_plan(), @"
    Done, but for the blocked rows

    20 rows
      invited             4
      settled             2  nothing to do
      blocked            14  refused by the plan

    took [DURATION], 3 mails written
    ------- stderr -------
    guests.csv: CSV, UTF-8, comma; 20 rows, 3 of which ask for a reset only; columns: user, new_email, message, cc, language, reset
    kept: department
    directory read in one sweep over all guests, in 21 requests
    [PLAN]
    4 rows to do
    line 2     invited       hannah.wagner@northwind.example → hannah.wagner@fabrikam.example
    line 3     invited       ruth.mori@northwind.example → ruth.mori@fabrikam.example
    line 4     invited       olga.ramos@northwind.example → olga.ramos@fabrikam.example
    line 5     invited       maria.popescu@northwind.example
    ------- exit 4 -------
    ");
    assert_eq!(campaign.invitations(), 4);
}

#[test]
fn as_json_the_run_is_one_object_and_adds_up() {
    let campaign = Campaign::new();
    let output = campaign.run("apply guests.csv --yes --output json").exits(4);
    let summary = &output.json()["summary"];
    sums_up(summary);
    let numbers = ["rows", "invited", "patched", "settled", "blocked", "exit_code"];
    let numbers = numbers.map(|key| summary[key].as_u64().unwrap());
    assert_eq!(numbers, [20, 4, 3, 2, 14, 4]);
}

#[test]
fn without_blocked_rows_the_run_ends_with_0() {
    snapshot!(Campaign::new().run("apply three.csv --yes").without_plan(), @"
    Done

    3 rows
      invited             3

    took [DURATION], 3 mails written
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    directory read in one sweep over all guests, in 14 requests
    [PLAN]
    3 rows to do
    line 2     invited       hannah.wagner@northwind.example → hannah.wagner@fabrikam.example
    line 3     invited       ruth.mori@northwind.example → ruth.mori@fabrikam.example
    line 4     invited       olga.ramos@northwind.example → olga.ramos@fabrikam.example
    ");
}

#[test]
fn a_second_apply_sends_no_write_at_all() {
    let campaign = Campaign::new();
    campaign.run("apply guests.csv --yes").exits(4);
    let writes = campaign.writes();
    let posts = |campaign: &Campaign| {
        let ledger = campaign.tenant.ledger();
        let reads = ["GET", "POST /v1.0/$batch"];
        let said = ledger.requests.iter().map(|r| format!("{} {}", r.method, r.path));
        said.filter(|r| !r.contains("/token") && !reads.iter().any(|read| r.starts_with(read)))
            .count()
    };
    let sent = posts(&campaign);
    snapshot!(campaign.run("apply guests.csv --yes").without_plan(), @"
    Done, but for the blocked rows

    20 rows
      invited             0
      settled             6  nothing to do
      blocked            14  refused by the plan

    took [DURATION]
    ------- stderr -------
    guests.csv: CSV, UTF-8, comma; 20 rows, 3 of which ask for a reset only; columns: user, new_email, message, cc, language, reset
    kept: department
    directory read in one sweep over all guests, in 21 requests
    [PLAN]
    0 rows to do
    ------- exit 4 -------
    ");
    assert_eq!((campaign.writes(), posts(&campaign)), (writes, sent));
}

#[test]
fn status_accounts_for_every_row_before_and_after() {
    let campaign = Campaign::new();
    snapshot!(campaign.run("status guests.csv"), @r#"
    ------- stderr -------
    error: there is no checkpoint at guests.csv.checkpoint
      hint: `apply` creates it; name the right file with --checkpoint
    ------- exit 2 -------
    "#);
    campaign.run("apply guests.csv --yes").exits(4);
    snapshot!(campaign.run("status guests.csv"), @r#"
    guests.csv, Contoso (7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 20 rows, since [TIME]
    last run began [TIME], ended [TIME], exit code 4

      invited             4
      settled             2  nothing to do
      blocked            14  refused by the plan
      failed              0
      unknown             0  the answer was lost
      patched             0  mail written, not invited yet
      not attempted       0
    "#);
    // The second run finds the guests moved, and the numbers stay what they are.
    campaign.run("apply guests.csv --yes").exits(4);
    let status = campaign.run("status guests.csv --output json").exits(0).json();
    let counts = &status["counts"];
    let counts = ["invited", "settled", "blocked"].map(|state| counts[state].as_u64().unwrap());
    assert_eq!(counts, [4, 2, 14]);
}

#[test]
fn unusable_rows_that_are_skipped_are_accounted_for() {
    let campaign = Campaign::new();
    let bad = format!("{}nobody@northwind.example,nobody@\n", campaign.read("three.csv"));
    campaign.write("bad.csv", &bad);
    campaign.run("apply bad.csv --yes").exits(2);
    assert_eq!(campaign.writes(), 0);
    let run = campaign.run("apply bad.csv --yes --skip-invalid --output json").exits(4).json();
    sums_up(&run["summary"]);
    assert_eq!(run["summary"]["invited"], 3);
    assert_eq!(run["rows"][3]["line"], 5);
    assert_eq!(run["rows"][3]["reason"], "invalid-row");
}

#[test]
fn a_row_that_failed_is_tried_again_only_when_asked() {
    let campaign = Campaign::new();
    let refused = Fault::new(Matcher::invitation().of(HANNAH), Action::ErrorStatusIn201);
    campaign.tenant.inject(refused);
    snapshot!(campaign.run("apply three.csv --yes").without_plan(), @"
    Finished, and not every row succeeded

    3 rows
      invited             2
      failed              1

    took [DURATION], 3 mails written

    Failed
      status-error: 1 row
        advice: Microsoft documents no cause; look at the guest in the portal before trying again
        line 2      hannah.wagner@northwind.example → hannah.wagner@fabrikam.example
          201 Error: the invitation was created with status Error
          request id [ID]
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    directory read in one sweep over all guests, in 14 requests
    [PLAN]
    3 rows to do
    line 2     failed        hannah.wagner@northwind.example → hannah.wagner@fabrikam.example: 201 Error: the invitation was created with status Error [status-error]
    line 3     invited       ruth.mori@northwind.example → ruth.mori@fabrikam.example
    line 4     invited       olga.ramos@northwind.example → olga.ramos@fabrikam.example
    ------- exit 4 -------
    ");
    let run = campaign.run("apply three.csv --yes --output json").exits(4).json();
    assert_eq!(run["rows"][0]["reason"], "failed-before");
    assert_eq!(campaign.invitations(), 2);
    campaign.run("apply three.csv --yes --retry-failed").exits(0);
    assert_eq!(campaign.invitations(), 3);
    snapshot!(campaign.run("status three.csv"), @r#"
    three.csv, Contoso (7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 3 rows, since [TIME]
    last run began [TIME], ended [TIME], exit code 0

      invited             3
      settled             0  nothing to do
      blocked             0  refused by the plan
      failed              0
      unknown             0  the answer was lost
      patched             0  mail written, not invited yet
      not attempted       0
    "#);
}

#[test]
fn to_send_once_more_takes_a_reason_and_sends_once() {
    let campaign = Campaign::new();
    campaign.run("apply three.csv --yes").exits(0);
    let again = "apply three.csv --yes --resend hannah.wagner@northwind.example";
    snapshot!(campaign.run(again), @r#"
    ------- stderr -------
    error: --resend needs a --reason, which is recorded
      hint: for example --reason 'the mail was lost'
    ------- exit 2 -------
    "#);
    snapshot!(campaign.run("apply three.csv --yes --resend hanna@x.example --reason lost"), @r#"
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    error: --resend hanna@x.example: three.csv has no such row
      hint: name the line, the user as the manifest writes it, or the new address
    ------- exit 2 -------
    "#);
    assert_eq!(campaign.invitations(), 3);
    let with_reason = format!("{again} --reason lost");
    snapshot!(campaign.run(&with_reason), @"
    Done

    3 rows
      invited             1
      settled             2  nothing to do

    took [DURATION]
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    directory read in one sweep over all guests, in 14 requests
    Plan for Contoso (tenant 7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 3 rows, acting as an application

    Change                      1
      resend                    1  invited earlier; sent again as asked
                                   Microsoft mails its standard text in the guest's language
        line 2  hannah.wagner@northwind.example → hannah.wagner@fabrikam.example

    Settled                     2
      already-invited           2  invited by this campaign
        line 3  ruth.mori@northwind.example   invited on [TIME]
        line 4  olga.ramos@northwind.example  invited on [TIME]

    New domains
      fabrikam.example  1 row  no Entra tenant; its people get one-time codes by mail

    Pace  1 write at 1000 a second, less than a minute unless the tenant slows it down

    Digest [DIGEST]   (apply --plan [DIGEST] carries out exactly this)
    1 row to do
    line 2     invited       hannah.wagner@northwind.example → hannah.wagner@fabrikam.example
    ");
    assert_eq!(campaign.tenant.ledger().invitations_for(HANNAH).len(), 2);
    assert_eq!(campaign.invitations(), 4);
    campaign.run("apply three.csv --yes").exits(0);
    assert_eq!(campaign.invitations(), 4);
    campaign.run("apply three.csv --yes --resend 3 --reason lost").exits(0);
    assert_eq!(campaign.invitations(), 5);
    let by_address = "apply three.csv --yes --resend Hannah.Wagner@fabrikam.example --reason lost";
    campaign.run(by_address).exits(0);
    assert_eq!(campaign.tenant.ledger().invitations_for(HANNAH).len(), 3);
}

#[test]
fn to_send_once_more_to_two_guests_at_one_address_is_refused() {
    let campaign = Campaign::new();
    campaign.write(
        "swap.csv",
        "user,new_email\n\
         hannah.wagner@northwind.example,ruth.mori@northwind.example\n\
         ruth.mori@northwind.example,ruth.mori@fabrikam.example\n",
    );
    let again = "apply swap.csv --yes --resend ruth.mori@northwind.example --reason lost";
    snapshot!(campaign.run(again), @r"
    ------- stderr -------
    swap.csv: CSV, UTF-8, comma; 2 rows; columns: user, new_email
    error: --resend ruth.mori@northwind.example: lines 2 and 3 name it
      hint: name the line that is meant
    ------- exit 2 -------
    ");
    assert_eq!(campaign.writes(), 0);
}

#[test]
fn the_result_file_has_every_row_and_no_formula() {
    let campaign = Campaign::new();
    campaign.run("apply guests.csv --yes --result result.csv").exits(4);
    let text = campaign.read("result.csv");
    // Without this mark Excel takes it for the machine's legacy code page.
    let text = text.strip_prefix('\u{feff}').expect("a byte order mark");
    snapshot!(text, @r#"
    line,user,user_id,old_email,new_email,decision,reason,outcome,outcome_reason,explanation,advice,request_id,mail,department
    2,hannah.wagner@northwind.example,63e8a076-a912-4a58-8471-02c26af3569f,hannah.wagner@northwind.example,hannah.wagner@fabrikam.example,change,new-address,invited,accepted,the service accepted the invitation,,,microsoft,Legal
    3,ruth.mori@northwind.example,c0d69061-b05c-411d-93d4-dd58b9e9e283,ruth.mori@northwind.example,ruth.mori@fabrikam.example,change,new-address,invited,accepted,the service accepted the invitation,,,microsoft,Legal
    4,olga.ramos@northwind.example,931d4434-039b-4e8e-aa76-13cb08fc04d9,olga.ramos@northwind.example,olga.ramos@fabrikam.example,change,new-address,invited,accepted,the service accepted the invitation,,,microsoft,"'=HYPERLINK(""https://evil.example"")"
    5,maria.popescu@northwind.example,60631c17-d4c4-42eb-acc2-a3db81089fcb,,maria.popescu@northwind.example,change,reset-only,invited,accepted,the service accepted the invitation,,,microsoft,Sales
    6,maria.popescu_northwind.example#EXT#@contoso.onmicrosoft.com,60631c17-d4c4-42eb-acc2-a3db81089fcb,,maria.popescu@northwind.example,settled,same-as-line,settled,same-as-line,line 5 asks for the same,,,,Sales
    7,mila.petrov@northwind.example,fad0c974-c3c0-40a3-a349-b057439bd4ed,,mila.petrov@fabrikam.example,blocked,conflicting-rows,blocked,conflicting-rows,"lines 7, 8 want different things of this guest",,,,Legal
    8,fad0c974-c3c0-40a3-a349-b057439bd4ed,fad0c974-c3c0-40a3-a349-b057439bd4ed,,mila.petrov@adventure-works.example,blocked,conflicting-rows,blocked,conflicting-rows,"lines 7, 8 want different things of this guest",,,,Legal
    9,chiara.ferrari@fabrikam.example,75c944f2-a84b-4819-a318-3b26ecacc952,,chiara.ferrari@fabrikam.example,settled,already-matches,settled,already-matches,"the mail already is the new address; a reset would lock the guest out until they redeem (reset = always, or --reset-matching, sends it)",,,,Sales
    10,gone.away@northwind.example,,,gone.away@fabrikam.example,blocked,not-found,blocked,not-found,"no user has this object id, UPN or address",,,,Sales
    11,lara.kim@northwind.example,,,lara.kim@fabrikam.example,blocked,ambiguous,blocked,ambiguous,2 users hold it: guest lucia.bianchi_adventure-works.example#EXT#@contoso.onmicrosoft.com (241be008-dc3e-4ab0-8033-6c2b228e66eb); guest lara.kim_northwind.example#EXT#@contoso.onmicrosoft.com (2f828105-4b3c-41a2-8e30-4a11ffb4e37c); name the guest by object id,,,,Sales
    12,sofia.keller@northwind.example,81c27138-34a5-4d28-9fed-d9ca2b15267c,,sofia.keller@fabrikam.example,blocked,internal-guest,blocked,internal-guest,"a guest that signs in to this tenant; an invitation would convert the account, which can't be undone",,,,Sales
    13,bruno.bianchi@contoso.example,2ac83222-9cea-4903-a283-3a438c36c8ae,,bruno.bianchi@fabrikam.example,blocked,not-a-guest,blocked,not-a-guest,"a member of this tenant, not a guest",,,,Sales
    14,leo.gruber@northwind.example,b71899c5-95ba-4d12-b505-adf1e6ee4ebb,,leo.gruber@fabrikam.example,blocked,holds-role,blocked,holds-role,"holds a directory role; an application can't reset it, a signed-in administrator can",,,,Sales
    15,jorge.holm@northwind.example,2314b791-9bf9-4149-8e6d-ed84c1009c48,,jorge.holm@fabrikam.example,blocked,synced,blocked,synced,synchronised from an on-premises directory; change its mail there,,,,Sales
    16,jose.mendes@northwind.example,95bc8dec-3e9c-417a-ac76-74004541534b,,jose.mendes@fabrikam.example,blocked,externally-mastered,blocked,externally-mastered,its mail originates in Exchange or a former on-premises directory; change it in the Exchange admin center,,,,Sales
    17,kai.gruber_northwind.example#EXT#@contoso.onmicrosoft.com,85a7cf2c-68f1-436a-af78-8ff0d6a24d61,,kai.gruber@fabrikam.example,blocked,restricted-unit,blocked,restricted-unit,in a restricted management administrative unit; needs a role scoped to that unit,,,,Sales
    18,carla.fontaine@northwind.example,0337d09d-7422-4d5b-b871-1f6d02c152b7,,carla.fontaine@fabrikam.example,blocked,disabled,blocked,disabled,sign-in is blocked; enable the account first,,,,Sales
    19,rafael.tanaka@northwind.example,80686848-94c3-4c1a-9938-d7bfc6eb4b30,,rafael.tanaka@fabrikam.example,blocked,address-taken,blocked,address-taken,the new address belongs to guest rafael.tanaka_fabrikam.example#EXT#@contoso.onmicrosoft.com (9a62ce28-879d-4553-bd9c-e83fb9ded410),,,,Sales
    20,carla.silva@northwind.example,451c1764-16e6-4907-ae1b-6639904052ce,,carla.silva@contoso.example,blocked,own-domain,blocked,own-domain,contoso.example is a verified domain of this tenant; guests can't be invited to it,,,,Sales
    21,16377b3d-14f3-44c0-b721-e771b5fd315c,16377b3d-14f3-44c0-b721-e771b5fd315c,,,blocked,no-mail,blocked,no-mail,the guest holds no address to invite; give a new_email,,,,Sales
    "#);
}

#[test]
fn a_result_file_that_cannot_be_written_is_said_before_anything_is_sent() {
    let campaign = Campaign::new();
    snapshot!(campaign.run("apply three.csv --yes --result nowhere/result.csv"), @r#"
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    error: failed to write the result file `nowhere/result.csv`
      caused by: No such file or directory (os error [CODE])
      hint: name another file with --result
    ------- exit 2 -------
    "#);
    campaign.run("apply three.csv --yes --result .").exits(2);
    assert!(campaign.tenant.ledger().requests.is_empty());
}

#[test]
fn as_json_lines_the_result_file_has_every_row() {
    let campaign = Campaign::new();
    campaign.run("apply guests.csv --yes --result result.jsonl").exits(4);
    let text = campaign.read("result.jsonl");
    assert!(text.lines().all(|row| row.starts_with("{\"schema\":\"reinvite-result/1\",")));
    schemas::held(&text);
    let rows: Vec<Value> = text.lines().map(|row| serde_json::from_str(row).unwrap()).collect();
    assert_eq!(rows.len(), 20);
    snapshot!(serde_json::to_string_pretty(&rows[2]).unwrap(), @r#"
    {
      "advice": null,
      "decision": "change",
      "delivery": "message-dropped",
      "explanation": "the service accepted the invitation",
      "extra": {
        "department": "=HYPERLINK(\"https://evil.example\")"
      },
      "line": 4,
      "mail": "microsoft",
      "new_email": "olga.ramos@fabrikam.example",
      "old_email": "olga.ramos@northwind.example",
      "outcome": "invited",
      "outcome_reason": "accepted",
      "reason": "new-address",
      "request_id": null,
      "schema": "reinvite-result/1",
      "user": "olga.ramos@northwind.example",
      "user_id": "931d4434-039b-4e8e-aa76-13cb08fc04d9"
    }
    "#);
}

#[test]
fn a_large_campaign_is_done_whole() {
    let guests = 300;
    let campaign = Campaign::with(TenantSeed::with_guests(guests), Options::default());
    campaign.write("all.csv", &everyone(guests));
    let output = campaign.run("apply all.csv --yes --max-changes 100% --output json").exits(0);
    sums_up(&output.json()["summary"]);
    assert_eq!(campaign.invitations(), 300);
}

/// Whoever asks for the result of a run that goes on gets that of the campaign.
#[test]
fn a_later_result_still_knows_who_was_invited_and_from_which_address() {
    let campaign = Campaign::new();
    campaign.run("apply three.csv --yes").exits(0);
    let result = campaign.run("apply three.csv --yes --result r.csv").exits(0);
    assert!(result.stdout.contains("settled"), "{result}");
    let rows = campaign.read("r.csv");
    let ends: Vec<_> = rows
        .lines()
        .skip(1)
        .map(|row| row.split(',').collect::<Vec<_>>())
        .map(|cells| (cells[3].to_owned(), cells[5].to_owned(), cells[7].to_owned()))
        .collect();
    let end =
        |name: &str| (format!("{name}@northwind.example"), "settled".into(), "invited".into());
    assert_eq!(ends, ["hannah.wagner", "ruth.mori", "olga.ramos"].map(end));
}
