//! `report` and `explain`: a campaign from its checkpoint alone.

use jiff::Timestamp;
use reinvite::checkpoint::Checkpoint;
use rusqlite::Connection;
use serde_json::Value;

use crate::support::{Campaign, HANNAH, snapshot};

/// A campaign that has run once.
fn after_a_run() -> Campaign {
    let campaign = Campaign::new();
    campaign.run("apply guests.csv --yes").exits(4);
    campaign
}

#[test]
fn a_report_for_a_ticket_reads_like_this() {
    snapshot!(after_a_run().run("report guests.csv --format markdown").exits(0), @"
    <!-- reinvite report 1 -->
    ## `Contoso: guests.csv`

    Last run: apply, began [TIME], ended [TIME].

    `reinvite verify` has not looked yet, so redemptions are not known.

    | rows | changed | invited | redeemed | settled | blocked | failed | unknown | patched | not attempted |
    |--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|
    | 20 | 4 | 4 | – | 2 | 14 | 0 | 0 | 0 | 0 |

    ### Blocked (14)

    - line 7: `mila.petrov@northwind.example → mila.petrov@fabrikam.example`: `lines 7, 8 want different things of this guest`; keep one of the rows
    - line 8: `fad0c974-c3c0-40a3-a349-b057439bd4ed → mila.petrov@adventure-works.example`: `lines 7, 8 want different things of this guest`; keep one of the rows
    - line 10: `gone.away@northwind.example → gone.away@fabrikam.example`: `no user has this object id, UPN or address`; correct the address or object id, or take the row out
    - line 11: `lara.kim@northwind.example → lara.kim@fabrikam.example`: `2 users hold it: guest lucia.bianchi_adventure-works.example#EXT#@contoso.onmicrosoft.com (241be008-dc3e-4ab0-8033-6c2b228e66eb); guest lara.kim_northwind.example#EXT#@contoso.onmicrosoft.com (2f828105-4b3c-41a2-8e30-4a11ffb4e37c); name the guest by object id`; name the guest by object id
    - line 12: `sofia.keller@northwind.example → sofia.keller@fabrikam.example`: `a guest that signs in to this tenant; an invitation would convert the account, which can't be undone`; take the row out, or convert the account by hand, which can't be undone
    - line 13: `bruno.bianchi@contoso.example → bruno.bianchi@fabrikam.example`: `a member of this tenant, not a guest`; take the row out: members of the tenant are not invited
    - line 14: `leo.gruber@northwind.example → leo.gruber@fabrikam.example`: `holds a directory role; an application can't reset it, a signed-in administrator can`; let a signed-in administrator reset the guest, or take the role off it
    - line 15: `jorge.holm@northwind.example → jorge.holm@fabrikam.example`: `synchronised from an on-premises directory; change its mail there`; change the mail in the on-premises directory
    - line 16: `jose.mendes@northwind.example → jose.mendes@fabrikam.example`: `its mail originates in Exchange or a former on-premises directory; change it in the Exchange admin center`; change the mail in the Exchange admin center
    - line 17: `kai.gruber_northwind.example#EXT#@contoso.onmicrosoft.com → kai.gruber@fabrikam.example`: `in a restricted management administrative unit; needs a role scoped to that unit`; sign in as a caller with a role scoped to that administrative unit
    - line 18: `carla.fontaine@northwind.example → carla.fontaine@fabrikam.example`: `sign-in is blocked; enable the account first`; enable the account, then run apply again
    - line 19: `rafael.tanaka@northwind.example → rafael.tanaka@fabrikam.example`: `the new address belongs to guest rafael.tanaka_fabrikam.example#EXT#@contoso.onmicrosoft.com (9a62ce28-879d-4553-bd9c-e83fb9ded410)`; free the address from its holder, or correct new_email
    - line 20: `carla.silva@northwind.example → carla.silva@contoso.example`: `contoso.example is a verified domain of this tenant; guests can't be invited to it`; correct new_email: guests live outside the tenant's own domains
    - line 21: `16377b3d-14f3-44c0-b721-e771b5fd315c`: `the guest holds no address to invite; give a new_email`; fill in new_email
    ");
}

#[test]
fn every_format_accounts_for_every_row_and_works_beside_a_run() {
    let campaign = after_a_run();
    let held = Checkpoint::open(&campaign.path("guests.csv.checkpoint"), Timestamp::now()).unwrap();
    let status = campaign.run("status guests.csv --output json").exits(0).json();

    let report = campaign.run("report guests.csv --output json").exits(0).json();
    assert_eq!(report["schema"], "reinvite-report/1");
    let only = &report["campaigns"][0];
    assert_eq!(only["running"], true);
    assert_eq!(only["verified_at"], Value::Null);
    for (count, number) in status["counts"].as_object().unwrap() {
        assert_eq!(only["totals"][count], *number, "{count}");
        let state = count.replace('_', "-");
        let rows = only["rows"].as_array().unwrap().iter();
        assert_eq!(rows.filter(|row| row["state"] == *state).count() as u64, *number, "{count}");
    }
    assert_eq!(only["totals"], report["totals"]);

    let rows = usize::try_from(status["rows"].as_u64().unwrap()).unwrap();
    let csv = campaign.run("report guests.csv --format csv").exits(0).stdout;
    assert!(csv.starts_with('\u{feff}'), "Excel takes it for a legacy code page otherwise");
    assert_eq!(csv.matches("\r\n").count(), rows + 1);
    let junit = campaign.run("report guests.csv --format junit").exits(0).stdout;
    assert_eq!(junit.matches("<testcase ").count(), rows);
    let bad = &status["counts"];
    let failures = bad["failed"].as_u64().unwrap() + bad["blocked"].as_u64().unwrap();
    assert_eq!(junit.matches("<failure ").count() as u64, failures);
    let html = campaign.run("report guests.csv").exits(0).stdout;
    assert_eq!(
        html.matches("\n<tr><td>").count()
            + html.matches("<tbody class=\"source\">\n<tr><td>").count(),
        rows + 1
    );
    assert!(html.contains("Nobody has looked into the directory yet"));
    assert!(html.contains("A run is at work on it right now"));
    drop(held);
}

#[test]
fn sightings_tell_who_redeemed_and_an_invitation_after_one_resets_it() {
    let campaign = Campaign::new();
    campaign.run("apply three.csv --yes").exits(0);
    let database = Connection::open(campaign.path("three.csv.checkpoint")).unwrap();
    // As a release before the seal left it, so that it may be written here.
    database
        .execute_batch(
            "DROP TABLE seal; DROP TABLE mail; DROP TABLE arrival; ALTER TABLE row DROP COLUMN reverts;
             PRAGMA user_version = 3;",
        )
        .unwrap();
    let keys: Vec<(String, String)> = database
        .prepare("SELECT user_id, address FROM row ORDER BY address")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let see = |at: &str, (user, address): &(String, String), finding: &str| {
        let sql = "INSERT INTO sighting (run, at, user_id, address, finding, since, detail)
                   VALUES (1, ?1, ?2, ?3, ?4, ?1, '{}')";
        database.execute(sql, [at, user, address, finding]).unwrap();
    };
    // hannah has redeemed, olga had before she was invited, ruth has not.
    see("2999-01-01T00:00:00Z", &keys[0], "redeemed");
    see("2020-01-01T00:00:00Z", &keys[1], "redeemed");
    see("2020-01-01T00:00:00Z", &keys[2], "pending");
    let report = campaign.run("report three.csv --format json").exits(0).json();
    let totals = &report["totals"];
    assert_eq!((&totals["redeemed"], &totals["pending"]), (&1.into(), &2.into()), "{totals}");
    // Pending since just now is no reason to worry.
    assert_eq!(totals["stuck"], 0);
    database.execute("UPDATE event SET at = '2020-01-01T00:00:00Z'", []).unwrap();
    let report = campaign.run("report three.csv --format json").exits(0).json();
    assert_eq!(report["totals"]["stuck"], 1, "{report}");
    let stuck = report["campaigns"][0]["rows"].as_array().unwrap().iter();
    let stuck: Vec<_> = stuck.filter(|row| row["attention"] == "stuck").collect();
    assert_eq!(stuck[0]["new_email"], "ruth.mori@fabrikam.example");
}

#[test]
fn failed_rows_come_back_in_the_users_own_form_and_are_taken_again() {
    let campaign = Campaign::new();
    let text = "version:v1.0;;\r\nBüro;User;new email;Reason\r\n\
                Köln;hannah.wagner@northwind.example;hannah.wagner@fabrikam.example;moved\r\n\
                \"Zürich; \"\"West\"\"\";nobody@northwind.example;nobody@fabrikam.example;=1+1\r\n\
                Genf;not an address;x@fabrikam.example;\r\n";
    let latin: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    std::fs::write(campaign.path("gäste.csv"), latin).unwrap();
    campaign.run("apply gäste.csv --yes --skip-invalid --max-changes 5").exits(4);
    snapshot!(campaign.run("report gäste.csv --failed failed.csv").exits(0), @"
    ------- stderr -------
    failed.csv: 2 failed or blocked rows; mend them, then: reinvite apply failed.csv --into gäste.csv.checkpoint --retry-failed
    ");
    let bytes = std::fs::read(campaign.path("failed.csv")).unwrap();
    let failed: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    assert!(!failed.contains("hannah"));
    snapshot!(failed, @r#"
    version:v1.0;;
    Büro;User;new email;Reason;reinvite_reason;reinvite_advice;reinvite_line
    "Zürich; ""West""";nobody@northwind.example;nobody@fabrikam.example;=1+1;not-found: no user has this object id, UPN or address;correct the address or object id, or take the row out;4
    Genf;not an address;x@fabrikam.example;;invalid-row: the row is unusable (see `lint`) and was skipped;run lint on the manifest and mend the row;5
    "#);
    // The rows as they were, in a file that is read as the first one was.
    snapshot!(campaign.run("lint failed.csv").exits(2), @"
    ------- stderr -------
    failed.csv: CSV, Windows-1252, semicolon; 2 rows; columns: User (as user), new email (as new_email)
    kept: Büro, Reason, reinvite_reason, reinvite_advice, reinvite_line; none is read as message or cc
    note: portal template: version line skipped
    note: Windows-1252 is assumed, as it is no valid UTF-8: check the accents
    failed.csv:4:6: `not an address` names no guest: it is neither an object id nor does it contain an @ [bad-user]
      hint: give the guest's object id, user principal name or present address
    error: failed.csv: 1 problem in 1 row
    ------- exit 2 -------
    ");
    // Mended, and fed in again with the campaign's own checkpoint.
    let mended = failed
        .replace("nobody@northwind", "ruth.mori@northwind")
        .replace("nobody@fabrikam", "ruth.mori@fabrikam")
        .replace("not an address;x@", "olga.ramos@northwind.example;olga.ramos@");
    let mended: Vec<u8> = mended.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    std::fs::write(campaign.path("failed.csv"), mended).unwrap();
    let mend = "apply failed.csv --into gäste.csv.checkpoint --yes --retry-failed --max-changes 5";
    snapshot!(campaign.run(mend).exits(0), @"
    Done

    2 rows
      invited             2

    took [DURATION], 2 mails written
    ------- stderr -------
    failed.csv: CSV, Windows-1252, semicolon; 2 rows; columns: User (as user), new email (as new_email)
    kept: Büro, Reason, reinvite_reason, reinvite_advice, reinvite_line; none is read as message or cc
    note: portal template: version line skipped
    note: Windows-1252 is assumed, as it is no valid UTF-8: check the accents
    directory read in one sweep over all guests, in 14 requests
    Plan for Contoso (tenant 7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 2 rows, acting as an application

    Change                      2
      new-address               2  moves to a new address
                                   Microsoft mails its standard text in the guest's language
        line 3  ruth.mori@northwind.example → ruth.mori@fabrikam.example
        line 4  olga.ramos@northwind.example → olga.ramos@fabrikam.example

    New domains
      fabrikam.example  2 rows  no Entra tenant; its people get one-time codes by mail

    Pace  4 writes at 1000 a second, less than a minute unless the tenant slows it down

    Digest [DIGEST]   (apply --plan [DIGEST] carries out exactly this)
    failed.csv is a part of gäste.csv: its other row stays as it is
    warning: gäste.csv still has the old words of 2 rows: mend it, too, before it is applied again
    2 rows to do
    line 3     invited       ruth.mori@northwind.example → ruth.mori@fabrikam.example
    line 4     invited       olga.ramos@northwind.example → olga.ramos@fabrikam.example
    ");
    assert_eq!(campaign.invitations(), 3);
    // The campaign's rows stay, those that were mended among them.
    snapshot!(campaign.run("status gäste.csv").exits(0), @"
    gäste.csv, Contoso (7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 3 rows, since [TIME]
    last run began [TIME], ended [TIME], exit code 0

      invited             3
      settled             0  nothing to do
      blocked             0  refused by the plan
      failed              0
      unknown             0  the answer was lost
      patched             0  mail written, not invited yet
      not attempted       0
    ");
    campaign.run("verify gäste.csv").exits(0);
    let csv = campaign.run("report gäste.csv --format csv --out -").exits(0).stdout;
    let lines: Vec<&str> =
        csv.lines().skip(1).map(|row| row.split(',').nth(2).unwrap_or_default()).collect();
    assert_eq!(lines, ["3", "4", "5"], "{csv}");
    // No column is added twice, and a file that may have been worked on is kept.
    let again = "report --checkpoint gäste.csv.checkpoint --failed failed.csv";
    snapshot!(campaign.run(again).exits(2), @"
    ------- stderr -------
    error: `failed.csv` is there already, and may have been worked on
      hint: name another file, or replace this one with --force
    ------- exit 2 -------
    ");
    snapshot!(campaign.run(&format!("{again} --force")), @"
    ------- stderr -------
    failed.csv: no row failed or is blocked
    ");
    let bytes = std::fs::read(campaign.path("failed.csv")).unwrap();
    let header: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    assert_eq!(header.matches("reinvite_reason").count(), 1);
}

/// A file that was handed back is told by its columns, whatever the command.
#[test]
fn a_mended_file_is_a_part_of_its_campaign() {
    let campaign = Campaign::new();
    campaign.write(
        "march.csv",
        "user,new_email\nhannah.wagner@northwind.example,hannah.wagner@fabrikam.example\n\
         nobody@northwind.example,ruth.mori@fabrikam.example\n",
    );
    campaign.run("apply march.csv --yes").exits(4);
    campaign.run("report march.csv --failed failed.csv").exits(0);
    snapshot!(campaign.read("failed.csv"), @r#"
    user,new_email,reason,advice,line
    nobody@northwind.example,ruth.mori@fabrikam.example,"not-found: no user has this object id, UPN or address","correct the address or object id, or take the row out",3
    "#);
    let mended = campaign.read("failed.csv").replace("nobody@", "ruth.mori@");
    campaign.write("failed.csv", &mended);

    // By itself it would begin a campaign of its own.
    snapshot!(campaign.run("plan failed.csv"), @"
    Plan for Contoso (tenant 7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 1 row, acting as an application

    Change                      1
      new-address               1  moves to a new address
                                   Microsoft mails its standard text in the guest's language
        line 2  ruth.mori@northwind.example → ruth.mori@fabrikam.example

    New domains
      fabrikam.example  1 row  no Entra tenant; its people get one-time codes by mail

    Pace  2 writes at 1000 a second, less than a minute unless the tenant slows it down

    Digest [DIGEST]   (apply --plan [DIGEST] carries out exactly this)
    ------- stderr -------
    failed.csv: CSV, UTF-8, comma; 1 row; columns: user, new_email
    kept: reason, advice, line; none is read as message or cc
    warning: there is no failed.csv.checkpoint, but march.csv.checkpoint has guests of this manifest; if it is this campaign's, go on with --into march.csv.checkpoint
    directory read in one sweep over all guests, in 14 requests
    ");
    // A night is about the whole of a manifest.
    let night = "reconcile failed.csv --checkpoint march.csv.checkpoint --yes";
    snapshot!(campaign.run(night).exits(2), @"
    ------- stderr -------
    error: failed.csv has rows of march.csv that were handed back, and is a part of it
      hint: carry it out with: reinvite apply failed.csv --into march.csv.checkpoint
    ------- exit 2 -------
    ");
    // There has to be a campaign to be a part of.
    snapshot!(campaign.run("apply failed.csv --into april.csv --yes").exits(2), @"
    ------- stderr -------
    error: there is no checkpoint at april.csv.checkpoint
      hint: `apply` creates it; name the right file with --checkpoint
    ------- exit 2 -------
    ");
    campaign.run("apply failed.csv --into a --checkpoint b --yes").exits(2);

    let dry = campaign.run("apply failed.csv --into march.csv --dry-run").exits(0);
    assert!(dry.stderr.contains("failed.csv is planned as a part of march.csv"), "{dry}");
    campaign.run("apply failed.csv --checkpoint march.csv.checkpoint --yes").exits(0);
    let status = campaign.run("status march.csv --output json").exits(0).json();
    assert_eq!((&status["manifest"], &status["rows"]), (&"march.csv".into(), &2.into()));
    assert_eq!(status["counts"]["invited"], 2);
    // Nothing of it is left to do, nor told of: the manifest of record was mended, too.
    let mended = campaign.read("march.csv").replace("nobody@", "ruth.mori@");
    campaign.write("march.csv", &mended);
    let again = campaign.run("apply march.csv --yes").exits(0);
    assert!(!again.stderr.contains("warning"), "{again}");
    assert_eq!(campaign.invitations(), 2);
}

#[test]
fn only_an_earlier_report_is_replaced() {
    let campaign = after_a_run();
    for name in ["r.html", "r.csv", "r.json", "r.md", "r.xml"] {
        for _ in 0..2 {
            campaign.run(&format!("report guests.csv --out {name} -q")).exits(0);
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(campaign.path(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }
    assert!(campaign.read("r.md").starts_with("<!-- reinvite report 1 -->\n## "));
    assert!(campaign.read("r.xml").starts_with("<?xml "));
    let before = campaign.read("guests.csv");
    snapshot!(campaign.run("report guests.csv --out guests.csv"), @"
    ------- stderr -------
    error: `guests.csv` is there already and is not an earlier report
      hint: name another file, or replace this one with --force
    ------- exit 2 -------
    ");
    assert_eq!(campaign.read("guests.csv"), before);
    let output = campaign.run("report guests.csv --force --out guests.csv.checkpoint").exits(2);
    assert!(output.stderr.contains("is a database"), "{output}");
    campaign.run("report guests.csv --force --out guests.csv").exits(0);
}

#[test]
fn several_campaigns_are_one_report() {
    let campaign = after_a_run();
    campaign.run("apply three.csv --yes").exits(0);
    let report =
        campaign.run("report guests.csv three.csv.checkpoint --format json").exits(0).json();
    let campaigns = report["campaigns"].as_array().unwrap();
    let rows = |object: &Value| object["totals"]["rows"].as_u64().unwrap();
    assert_eq!(campaigns.len(), 2);
    assert_eq!(rows(&report), campaigns.iter().map(rows).sum::<u64>());
    snapshot!(campaign.run("report guests.csv three.csv --failed f.csv"), @"
    ------- stderr -------
    error: --failed writes the rows of one manifest, and several are named
      hint: name one of them
    ------- exit 2 -------
    ");
}

#[test]
fn a_campaign_that_never_ran_has_no_report() {
    snapshot!(Campaign::new().run("report three.csv --format markdown"), @"
    ------- stderr -------
    error: there is no checkpoint at three.csv.checkpoint
      hint: `apply` creates it; name the right file with --checkpoint
    ------- exit 2 -------
    ");
}

#[test]
fn one_row_is_told_from_the_manifest_to_the_last_mail() {
    let campaign = Campaign::new();
    campaign.run("apply three.csv --yes").exits(0);
    let resend = ["--resend", "2", "--reason", "the mail was lost", "--yes"];
    let mut command = campaign.command("apply three.csv");
    command.args(resend);
    campaign.complete(command).exits(0);
    snapshot!(campaign.run("explain 2 three.csv").exits(0), @"
    three.csv, line 2: hannah.wagner@northwind.example → hannah.wagner@fabrikam.example
      state       invited, not verified (accepted)
      asked for   user: hannah.wagner@northwind.example; new_email: hannah.wagner@fabrikam.example
      guest       63e8a076-a912-4a58-8471-02c26af3569f, the only user with this address, which was its mail
      before      hannah.wagner@northwind.example
      after       hannah.wagner@fabrikam.example, written [TIME]

    What happened
      [TIME]  the mail is about to be written
      [TIME]  the mail was written; status 204, request-id [ID],
                            client-request-id [ID]
      [TIME]  the invitation is about to be sent
      [TIME]  invited: the service accepted it; status 201, request-id [ID],
                            client-request-id [ID]
      [TIME]  tester asked for another invitation: the mail was lost
      [TIME]  the invitation is about to be sent
      [TIME]  invited: the service accepted it; status 201, request-id [ID],
                            client-request-id [ID]

    Mails sent
      [TIME]  the first invitation
      [TIME]  sent again, asked for by tester: the mail was lost

    Seen in the directory
      nothing: verify has not looked yet

      next        nothing; verify tells whether the guest has redeemed
    ");
    // By whatever name.
    let told = campaign.run("explain 2 three.csv").stdout;
    for name in [HANNAH, "HANNAH.wagner@northwind.example", "hannah.wagner@fabrikam.example"] {
        assert_eq!(campaign.run(&format!("explain {name} three.csv")).stdout, told, "{name}");
    }
    let object = campaign.run("explain 2 three.csv.checkpoint --output json").exits(0).json();
    let mails = object["mails"].as_array().unwrap();
    assert_eq!(mails.len(), 2);
    assert_eq!((&mails[1]["kind"], &mails[1]["who"]), (&"resend".into(), &"tester".into()));
    // Every request of ours can be found again.
    let asked = campaign.tenant.ledger().requests.len();
    assert!(asked > 0);
    let statuses = object["events"].as_array().unwrap().iter();
    let statuses = statuses.filter_map(|event| event["detail"]["trace"]["status"].as_u64());
    assert_eq!(statuses.collect::<Vec<_>>(), [204, 201, 201]);
}

#[test]
fn a_row_that_is_not_there_or_there_twice_is_not_guessed() {
    let campaign = after_a_run();
    snapshot!(campaign.run("explain 999 guests.csv"), @"
    ------- stderr -------
    error: line 999: the campaign of guests.csv has no such row
      hint: its rows begin on the lines 2 to 21
    ------- exit 2 -------
    ");
    let output = campaign.run("explain hanna.wagner@northwind.example guests.csv").exits(2);
    assert!(
        output.stderr.contains("did you mean \"hannah.wagner@northwind.example\"?"),
        "{output}"
    );
    // Two rows that ask different things of one guest.
    snapshot!(campaign.run("explain fad0c974-c3c0-40a3-a349-b057439bd4ed guests.csv"), @r#"
    ------- stderr -------
    error: fad0c974-c3c0-40a3-a349-b057439bd4ed is in 2 rows: name one
      hint: line 7: "mila.petrov@northwind.example" to "mila.petrov@fabrikam.example"
      hint: line 8: "fad0c974-c3c0-40a3-a349-b057439bd4ed" to "mila.petrov@adventure-works.example"
    ------- exit 2 -------
    "#);
    let blocked = campaign.run("explain 13 guests.csv").exits(0);
    assert!(blocked.stdout.contains("next        take the row out"), "{blocked}");
}

#[test]
fn a_dash_is_stdout_and_no_file() {
    let campaign = Campaign::new();
    campaign.run("apply three.csv --yes").exits(0);
    let output = campaign.run("report three.csv --out - --format markdown").exits(0);
    assert_eq!(output.stdout, campaign.run("report three.csv --format markdown").stdout);
    assert!(campaign.run("report three.csv --out -").exits(0).stdout.contains("<html"));
    assert!(!campaign.exists("-"));
}
