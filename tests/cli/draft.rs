//! `draft`: a manifest that nobody had to type.

use reinvite::emulator::{Options, TenantSeed, guest};
use reinvite::graph::wire::SignInActivity;

use crate::support::{Campaign, snapshot};

const MOVE: &str = "draft --from northwind.example --to fabrikam.example --out drafted.csv";

/// A tenant with five guests of Northwind, whose sign-ins may be read.
fn five() -> TenantSeed {
    let mut seed = TenantSeed::empty();
    seed.applications[0].roles.push("AuditLog.Read.All".into());
    for (n, (mail, name, last)) in (1..).zip([
        ("jurgen.muller@northwind.example", "Jürgen Müller", Some("2099-05-01T08:00:00Z")),
        ("ada.vance@northwind.example", "Ada Vance", Some("2021-05-01T08:00:00Z")),
        ("bob.smith@northwind.example", "=Bob Smith", None),
        ("eve.roy@northwind.example", "Eve Roy", Some("2099-05-01T08:00:00Z")),
        ("gus.holm@northwind.example", "Gus Holm", Some("0001-01-01T00:00:00Z")),
    ]) {
        let mut person = guest(&TenantSeed::guest_id(n), mail);
        person.user.display_name = Some(name.into());
        person.sign_in_activity = last.map(|last| SignInActivity {
            last_sign_in_date_time: Some(last.into()),
            ..SignInActivity::default()
        });
        seed.users.push(person);
    }
    seed
}

const LIST: &str = "\
Mitarbeiter;Bisherige E-Mail;Neue E-Mail;Abteilung
Jürgen Müller;jurgen.muller@northwind.example;juergen.mueller@fabrikam.example;Recht
Ada Mayer;ada.vance@northwind.example;ada.mayer@fabrikam.example;Einkauf
Bob Smith;b.smith@northwind.example;bob.smith@fabrikam.example;Einkauf
Otto Nobody;otto@northwind.example;otto.nobody@fabrikam.example;Einkauf
";

#[test]
fn the_guests_of_a_domain_become_a_manifest_that_plans_without_a_blocked_row() {
    let campaign = Campaign::new();
    snapshot!(campaign.run(MOVE), @"
    Draft for Contoso (231 guests)

    To be moved                   185  into drafted.csv
      same-local-part             185  its domain moves; what stands before the @ stays

    For a person to decide          9  into review.csv
      address-taken                 5  the new address belongs to another object
          daniel.zimmer@northwind.example → daniel.zimmer@fabrikam.example? the new address belongs to member
              zoe.wood@contoso.example (2ae36a89-9e5c-47cb-b1b0-1a767a7953b1)
          ines.nielsen@northwind.example → ines.nielsen@fabrikam.example? the new address belongs to soft-deleted user
              Ines Nielsen (8ea04e22-f5eb-4b71-a728-4abef2de1f1f)
          isaac.fischer@northwind.example → isaac.fischer@fabrikam.example? the new address belongs to contact Isaac
              Fischer (Fabrikam) (f35f484b-437d-4132-84f3-096658a45712)
          liam.rao@northwind.example → liam.rao@fabrikam.example? the new address belongs to group Fabrikam service desk
              (b7a5a3d4-61b5-4a3f-8f0c-2f9f3b7f6c10)
          marco.holm@northwind.example → marco.holm@fabrikam.example? the new address belongs to soft-deleted user Marco
              Holm (c090d405-5f61-489c-89e6-42391e448022)
      namesake-there                2  a guest of the same name is at the new domain already
          marco.ivanova@northwind.example → marco.ivanova@fabrikam.example? marco.ivanova@fabrikam.example
          rafael.tanaka@northwind.example → rafael.tanaka@fabrikam.example? rafael.tanaka@fabrikam.example
      no-mail                       2  has no mail; another of its addresses is at the domain that moves
          gloria.nagy_northwind.example#EXT#@contoso.onmicrosoft.com → gloria.nagy@fabrikam.example?
          yara.cruz_northwind.example#EXT#@contoso.onmicrosoft.com → yara.cruz@fabrikam.example?

    Left out                       20
      already-there                 3  its mail is at the new domain already
          chiara.ferrari@fabrikam.example
          nadia.blanc@fabrikam.example
          wei.castro@fabrikam.example
      disabled                      2  sign-in is blocked; enable the account first
          carla.fontaine@northwind.example
          mei.khan@northwind.example
      elsewhere                     2  its mail is at a third domain; only another of its addresses is at one that moves
          hana.silva@adventure-works.example lucia.saito@northwind.example
          lucia.bianchi@adventure-works.example lara.kim@northwind.example
      externally-mastered           2  its mail originates in Exchange or a former on-premises directory; change it in the
                                       Exchange admin center
          jana.osei@northwind.example
          jose.mendes@northwind.example
      holds-role                    4  holds a directory role; a signed-in administrator can reset it
          clara.tanaka@northwind.example holds a directory role through the group Partner support; an application can't
              reset it, a signed-in administrator can
          iris.sousa@northwind.example holds a directory role through the group Partner support; an application can't
              reset it, a signed-in administrator can
          leo.gruber@northwind.example holds a directory role; an application can't reset it, a signed-in administrator
              can
          mara.schmidt@northwind.example holds a directory role; an application can't reset it, a signed-in
              administrator can
      internal-guest                3  a guest that signs in to this tenant; an invitation would convert the account, which
                                       can't be undone
          leo.schmidt@northwind.example
          sofia.keller@northwind.example
          tara.popescu@northwind.example
      restricted-unit               2  in a restricted management administrative unit; needs a role scoped to that unit
          kai.gruber@northwind.example
          zoe.sato@northwind.example
      synced                        2  synchronised from an on-premises directory; change its mail there
          anita.suzuki@northwind.example
          jorge.holm@northwind.example

    Not seen
      sign-ins: when a guest was last here (403 Authorization_RequestDenied: Insufficient privileges to complete the
      operation.; AuditLog.Read.All shows it)
    ------- stderr -------
    directory read in one sweep over all guests, in 22 requests
    next: reinvite plan drafted.csv
    in review.csv, fill in new_email where you know it and delete the other rows; it is a manifest then
    ");
    let drafted = campaign.read("drafted.csv");
    let head: Vec<&str> = drafted.lines().take(3).collect();
    snapshot!(head.join("\n"), @"
    ﻿user,current_email,new_email,name,match,evidence,last_sign_in
    3365feaf-4821-438c-86d5-a70c6438d8f8,ada.hansen@northwind.example,ada.hansen@fabrikam.example,Ada Hansen,same-local-part,northwind.example moves to fabrikam.example (--from and --to),
    c11eb304-0424-4468-8ae3-c2a76f5b017b,ada.jansen@northwind.example,ada.jansen@fabrikam.example,Ada Jansen,same-local-part,northwind.example moves to fabrikam.example (--from and --to),
    ");
    let review = campaign.read("review.csv");
    let head: Vec<&str> = review.lines().take(2).collect();
    snapshot!(head.join("\n"), @r#"
    ﻿user,current_email,new_email,name,reason,advice,candidate,candidates,last_sign_in
    16377b3d-14f3-44c0-b721-e771b5fd315c,,,Gloria Nagy,no-mail: has no mail; another of its addresses is at the domain that moves,"make sure which address the person uses, and fill in new_email",gloria.nagy@fabrikam.example,gloria.nagy@fabrikam.example (same local part: its domain moves to fabrikam.example (--from and --to)),
    "#);
    snapshot!(campaign.run("lint drafted.csv"), @"
    ------- stderr -------
    drafted.csv: CSV, UTF-8 with BOM, comma; 185 rows; columns: user, new_email
    only compared: current_email (user names the guest)
    kept: name, match, evidence, last_sign_in; none is read as message or cc
    drafted.csv: 185 rows, no problems
    ");
    let plan = campaign.run("plan drafted.csv --output json").exits(0).json();
    let rows = drafted.lines().count() - 1;
    assert_eq!(plan["summary"]["change"], rows, "{}", plan["summary"]);
    assert_eq!(campaign.writes(), 0);
}

#[test]
fn what_a_person_fills_in_is_a_manifest() {
    let campaign = Campaign::new();
    campaign.run(MOVE).exits(0);
    let review = campaign.read("review.csv");
    let header = review.lines().next().unwrap();
    let row = review.lines().find(|line| line.contains("yara.cruz@fabrikam.example")).unwrap();
    let filled = row.replacen(",,", ",,yara.cruz@fabrikam.example", 1);
    campaign.write("review.csv", &format!("{header}\r\n{filled}\r\n"));
    let plan = campaign.run("plan review.csv --output json").exits(0).json();
    assert_eq!(plan["summary"]["change"], 1, "{plan}");
    assert_eq!(plan["rows"][0]["new_email"], "yara.cruz@fabrikam.example");
}

#[test]
fn a_list_of_people_stands_above_the_domains_and_names_are_candidates_only() {
    let campaign = Campaign::with(five(), Options::default());
    campaign.write("hr.csv", LIST);
    snapshot!(campaign.run(&format!("{MOVE} --people hr.csv")), @"
    Draft for Contoso (5 guests)

    To be moved                     2  into drafted.csv
      old-address                   2  the list names the guest's mail

    For a person to decide          3  into review.csv
      not-listed                    3  the list has no row that names the guest
          bob.smith@northwind.example → bob.smith@fabrikam.example?
          eve.roy@northwind.example → eve.roy@fabrikam.example?
          gus.holm@northwind.example → gus.holm@fabrikam.example?

    2 rows of the list name no guest of this tenant
    ------- stderr -------
    hr.csv: CSV, UTF-8, semicolon; 4 rows; columns: Bisherige E-Mail (as user), Neue E-Mail (as new_email)
    kept: Mitarbeiter, Abteilung; none is read as message or cc
    directory read in one sweep over all guests, in 17 requests
    next: reinvite plan drafted.csv
    in review.csv, fill in new_email where you know it and delete the other rows; it is a manifest then
    ");
    snapshot!(campaign.read("drafted.csv").replace('\r', ""), @"
    ﻿user,current_email,new_email,name,match,evidence,last_sign_in
    00000002-0000-4000-8000-00000000b2b0,ada.vance@northwind.example,ada.mayer@fabrikam.example,Ada Vance,old-address,hr.csv line 3,[TIME]
    00000001-0000-4000-8000-00000000b2b0,jurgen.muller@northwind.example,juergen.mueller@fabrikam.example,Jürgen Müller,old-address,hr.csv line 2,[TIME]
    ");
    snapshot!(campaign.read("review.csv").replace('\r', ""), @r#"
    ﻿user,current_email,new_email,name,reason,advice,candidate,candidates,last_sign_in
    00000003-0000-4000-8000-00000000b2b0,bob.smith@northwind.example,,'=Bob Smith,not-listed: the list has no row that names the guest,"ask whether the person has moved, and fill in new_email",bob.smith@fabrikam.example,bob.smith@fabrikam.example (same name: hr.csv line 4; same local part: its domain moves to fabrikam.example (--from and --to)),
    00000004-0000-4000-8000-00000000b2b0,eve.roy@northwind.example,,Eve Roy,not-listed: the list has no row that names the guest,"ask whether the person has moved, and fill in new_email",eve.roy@fabrikam.example,eve.roy@fabrikam.example (same local part: its domain moves to fabrikam.example (--from and --to)),[TIME]
    00000005-0000-4000-8000-00000000b2b0,gus.holm@northwind.example,,Gus Holm,not-listed: the list has no row that names the guest,"ask whether the person has moved, and fill in new_email",gus.holm@fabrikam.example,gus.holm@fabrikam.example (same local part: its domain moves to fabrikam.example (--from and --to)),
    "#);
    snapshot!(
        campaign.run("draft --people hr.csv --out listed.csv --review doubts.csv --output json"),
        @r#"
    {"schema":"reinvite-draft/1","summary":{"manifest":"listed.csv","review":"doubts.csv","guests":5,"drafted":2,"doubtful":1,"left_out":0,"not_guests":2,"reasons":{"by-name-only":1,"old-address":2},"exit_code":0},"rows":[{"user_id":"00000002-0000-4000-8000-00000000b2b0","user":"ada.vance_northwind.example#EXT#@contoso.onmicrosoft.com","current_email":"ada.vance@northwind.example","name":"Ada Vance","last_sign_in":"[TIME]","standing":"drafted","reason":"old-address","explanation":"hr.csv line 3","new_email":"ada.mayer@fabrikam.example","candidates":[]},{"user_id":"00000001-0000-4000-8000-00000000b2b0","user":"jurgen.muller_northwind.example#EXT#@contoso.onmicrosoft.com","current_email":"jurgen.muller@northwind.example","name":"Jürgen Müller","last_sign_in":"[TIME]","standing":"drafted","reason":"old-address","explanation":"hr.csv line 2","new_email":"juergen.mueller@fabrikam.example","candidates":[]},{"user_id":"00000003-0000-4000-8000-00000000b2b0","user":"bob.smith_northwind.example#EXT#@contoso.onmicrosoft.com","current_email":"bob.smith@northwind.example","name":"=Bob Smith","last_sign_in":null,"standing":"doubtful","reason":"by-name-only","explanation":"the list has the name, and no address of the guest","new_email":null,"candidates":[{"address":"bob.smith@fabrikam.example","evidence":"same name: hr.csv line 4"}]}],"unreadable":[]}
    ------- stderr -------
    hr.csv: CSV, UTF-8, semicolon; 4 rows; columns: Bisherige E-Mail (as user), Neue E-Mail (as new_email)
    kept: Mitarbeiter, Abteilung; none is read as message or cc
    directory read in one sweep over all guests, in 14 requests
    "#
    );
}

#[test]
fn guests_who_were_not_here_for_long_are_left_out_and_unknown_ones_never() {
    let campaign = Campaign::with(five(), Options::default());
    snapshot!(campaign.run(&format!("{MOVE} --active-since 540d")), @"
    Draft for Contoso (5 guests)

    To be moved                     2  into drafted.csv
      same-local-part               2  its domain moves; what stands before the @ stays

    For a person to decide          2  into review.csv
      never-seen                    2  no sign-in is known, so nobody can say since when it is inactive
          bob.smith@northwind.example → bob.smith@fabrikam.example?
          gus.holm@northwind.example → gus.holm@fabrikam.example?

    Left out                        1
      inactive                      1  has not signed in for longer than --active-since says
          ada.vance@northwind.example last on [TIME]
    ------- stderr -------
    directory read in one sweep over all guests, in 19 requests
    next: reinvite plan drafted.csv
    in review.csv, fill in new_email where you know it and delete the other rows; it is a manifest then
    ");
    // Where sign-ins can't be read, nobody is inactive.
    let mut seed = five();
    seed.applications[0].roles.pop();
    let campaign = Campaign::with(seed, Options::default());
    snapshot!(campaign.run(&format!("{MOVE} --active-since 180d")), @"
    Draft for Contoso (5 guests)

    To be moved                     5  into drafted.csv
      same-local-part               5  its domain moves; what stands before the @ stays

    Not seen
      sign-ins: when a guest was last here (403 Authorization_RequestDenied: Insufficient privileges to complete the
      operation.; AuditLog.Read.All shows it)
    ------- stderr -------
    directory read in one sweep over all guests, in 19 requests
    warning: sign-ins can't be read: --active-since leaves nobody out
    next: reinvite plan drafted.csv
    ");
}

#[test]
fn several_domains_move_by_a_map_and_through_a_pipe() {
    let mut seed = TenantSeed::empty();
    for (n, mail) in (1..).zip(["ada@northwind.example", "ADA@oldco.example", "bob@oldco.example"])
    {
        seed.users.push(guest(&TenantSeed::guest_id(n), mail));
    }
    let campaign = Campaign::with(seed, Options::default());
    campaign.write(
        "domains.csv",
        "Old domain,New domain\nnorthwind.example,fabrikam.example\noldco.example,Fabrikam.example\n",
    );
    let drafted = campaign.run("draft --map domains.csv --out -");
    snapshot!(drafted, @"
    ﻿user,current_email,new_email,name,match,evidence,last_sign_in
    00000003-0000-4000-8000-00000000b2b0,bob@oldco.example,bob@fabrikam.example,bob,same-local-part,oldco.example moves to fabrikam.example (domains.csv line 3),
    ------- stderr -------
    directory read in one sweep over all guests, in 14 requests
    Draft for Contoso (3 guests)

    To be moved                     1
      same-local-part               1  its domain moves; what stands before the @ stays

    For a person to decide          2  into review.csv
      namesake                      2  somebody else has the same name
          ada@northwind.example → ada@fabrikam.example? ADA@oldco.example
          ADA@oldco.example → ADA@fabrikam.example? ada@northwind.example

    Not seen
      sign-ins: when a guest was last here (403 Authorization_RequestDenied: Insufficient privileges to complete the
      operation.; AuditLog.Read.All shows it)
    in review.csv, fill in new_email where you know it and delete the other rows; it is a manifest then
    ");
    let plan = campaign.run_with_input("plan - --output json", &drafted.stdout).exits(0).json();
    assert_eq!((&plan["summary"]["rows"], &plan["summary"]["blocked"]), (&1.into(), &0.into()));
}

#[test]
fn nothing_is_replaced_unasked_and_nothing_is_read_before_both_files_can_be_written() {
    let campaign = Campaign::with(five(), Options::default());
    campaign.run(MOVE).exits(0);
    let requests = campaign.tenant.ledger().requests.len();
    campaign.write("hr.csv", LIST);
    campaign.write("domains.csv", "from,to\nnorthwind.example,fabrikam\na.example,b.example\n");
    campaign
        .write("twice.csv", "from,to\nnorthwind.example,a.example\nnorthwind.example,b.example\n");
    snapshot!(campaign.run(MOVE), @"
    ------- stderr -------
    error: `drafted.csv` is there already, and may have been worked on
      hint: name another file, or replace this one with --force
    ------- exit 2 -------
    ");
    snapshot!(campaign.run("draft --people hr.csv --out new.csv --review nowhere/review.csv"), @"
    ------- stderr -------
    error: failed to write the result file `nowhere/review.csv`
      caused by: No such file or directory (os error [CODE])
      hint: name another file
    ------- exit 2 -------
    ");
    snapshot!(campaign.run("draft --people hr.csv --out hr.csv --force"), @"
    ------- stderr -------
    error: hr.csv can't be written: hr.csv is read
      hint: name another file
    ------- exit 2 -------
    ");
    snapshot!(campaign.run("draft --people hr.csv --out one.csv --review one.csv"), @"
    ------- stderr -------
    error: one.csv can't be written: one.csv is for what a person decides
      hint: name another file
    ------- exit 2 -------
    ");
    snapshot!(campaign.run("draft --map domains.csv --out new.csv --review r.csv"), @"
    ------- stderr -------
    domains.csv:2:19: `fabrikam` is not a domain [bad-domain]
      hint: write a domain such as fabrikam.example
    error: domains.csv: 1 problem
      hint: mend the rows
    ------- exit 2 -------
    ");
    snapshot!(campaign.run("draft --map twice.csv --out new.csv --review r.csv"), @"
    ------- stderr -------
    error: twice.csv:3: `northwind.example` moves to `a.example` (twice.csv line 2) and to `b.example`
      hint: keep one row for each domain
    ------- exit 2 -------
    ");
    snapshot!(campaign.run("draft --from a.example --to a.example --out new.csv --review r.csv"), @"
    ------- stderr -------
    error: `a.example` would move to itself
      hint: name two domains
    ------- exit 2 -------
    ");
    snapshot!(campaign.run("draft --out new.csv"), @"
    ------- stderr -------
    error: the following required arguments were not provided:
      <--from <DOMAIN>|--map <FILE>|--people <FILE>>

    Usage: reinvite draft --out <FILE> <--from <DOMAIN>|--map <FILE>|--people <FILE>>

    For more information, try '--help'.
    ------- exit 2 -------
    ");
    snapshot!(campaign.run("draft --from northwind.example --out new.csv"), @"
    ------- stderr -------
    error: the following required arguments were not provided:
      --to <DOMAIN>

    Usage: reinvite draft --out <FILE> --to <DOMAIN> <--from <DOMAIN>|--map <FILE>|--people <FILE>>

    For more information, try '--help'.
    ------- exit 2 -------
    ");
    assert!(!campaign.exists("new.csv") && !campaign.exists("one.csv"));
    assert_eq!(campaign.tenant.ledger().requests.len(), requests, "nothing was asked");
    campaign.run(&format!("{MOVE} --force")).exits(0);
}
