//! `apply` with one's own mail.

use std::net::TcpListener;

use reinvite::emulator::{SmtpAction, SmtpFault, SmtpServer, SmtpStep};

use crate::support::{Campaign, snapshot};

const FILES: &str =
    "[delivery]\nby = \"files\"\nfrom = \"Contoso IT <it@contoso.example>\"\nfolder = \"mails\"\n";

fn campaign(delivery: &str) -> Campaign {
    let campaign = Campaign::new();
    campaign.configure(&campaign.origin(), delivery);
    campaign
}

fn with_server() -> (Campaign, SmtpServer, tokio::runtime::Runtime) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        SmtpServer::start(listener, None).unwrap()
    });
    let campaign = campaign(&format!(
        "[delivery]\nby = \"smtp\"\nfrom = \"it@contoso.example\"\n\
         [delivery.smtp]\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\n\
         [delivery.pace]\nper_minute = 600\n",
        server.addr().port()
    ));
    (campaign, server, runtime)
}

#[test]
fn by_files_the_mails_are_there_to_be_sent() {
    let campaign = campaign(FILES);
    snapshot!(campaign.run("apply three.csv --yes"), @"
    Done

    3 rows
      invited             3

    Your mails
      files               3  to be sent by you

    took [DURATION], 3 mails written
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    directory read in one sweep over all guests, in 14 requests
    Plan for Contoso (tenant 7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 3 rows, acting as an application

    Change                      3
      new-address               3  moves to a new address
                                   your own mail is written as a file: send it yourself
        line 2  hannah.wagner@northwind.example → hannah.wagner@fabrikam.example
        line 3  ruth.mori@northwind.example → ruth.mori@fabrikam.example
        line 4  olga.ramos@northwind.example → olga.ramos@fabrikam.example

    Mails of your own  (an example for each template; `preview` shows every guest's)
      built-in en  3 rows, as line 2 gets it
        From     Contoso IT <it@contoso.example>
        To       hannah.wagner@fabrikam.example
        Subject  Please confirm your access to Contoso
                 Hello Hannah Wagner,
                 Your access to Contoso now belongs to hannah.wagner@fabrikam.example. Your groups and apps stay as they we…
                 Please confirm it once. Until then you cannot sign in there.
                 … and 3 more lines (-v shows all)

    New domains
      fabrikam.example  3 rows  no Entra tenant; its people get one-time codes by mail

    Pace  6 writes at 1000 a second, less than a minute unless the tenant slows it down

    Digest [DIGEST]   (apply --plan [DIGEST] carries out exactly this)
    3 rows to do
    line 2     invited       hannah.wagner@northwind.example → hannah.wagner@fabrikam.example
    line 3     invited       ruth.mori@northwind.example → ruth.mori@fabrikam.example
    line 4     invited       olga.ramos@northwind.example → olga.ramos@fabrikam.example
    ");
    let links = campaign.read("mails/links.csv");
    assert_eq!(links.lines().count(), 4, "{links}");
    let explained = campaign.run("explain 2 three.csv").to_string();
    assert!(explained.contains("the mail was written as a file"), "{explained}");
    assert!(explained.contains("Mails sent\n  none"), "{explained}");
}

#[test]
fn over_smtp_each_guest_gets_a_mail_and_the_run_says_so() {
    let (campaign, server, _runtime) = with_server();
    snapshot!(campaign.run("apply three.csv --yes").without_plan(), @"
    Done

    3 rows
      invited             3

    Your mails
      sent                3

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
    assert_eq!(server.mails().len(), 3);
    let explained = campaign.run("explain 2 three.csv").to_string();
    assert!(explained.contains("the first invitation"), "{explained}");
    assert!(!explained.contains("ticket"), "{explained}");
}

#[test]
fn the_object_counts_the_mails_and_names_each() {
    let (campaign, server, _runtime) = with_server();
    server.inject(SmtpFault::new(SmtpStep::Text, SmtpAction::TakeThenDrop));
    let object = campaign.run("apply three.csv --yes --output json").exits(9).json();
    let summary = &object["summary"];
    let numbers = ["invited", "mailed", "mail_failed", "mail_unknown"];
    assert_eq!(numbers.map(|key| summary[key].as_u64().unwrap()), [3, 2, 0, 1]);
    let rows = object["rows"].as_array().unwrap();
    let count = |word: &str| rows.iter().filter(|row| row["mail"] == word).count();
    assert_eq!((count("sent"), count("unknown")), (2, 1));
    assert!(!object.to_string().contains("ticket"));
    snapshot!(campaign.run("apply three.csv --yes").without_plan(), @"
    Finished, and not every row succeeded

    3 rows
      invited             0
      settled             3  nothing to do

    Your mails
      unknown             1  the answer was lost: ask the guest; --resend invites and mails again

    took [DURATION]
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    directory read in one sweep over all guests, in 14 requests
    [PLAN]
    0 rows to do
    ------- exit 9 -------
    ");
}

#[test]
fn a_server_that_is_not_there_ends_nothing_for_good() {
    // Nobody listens here.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let campaign = campaign(&format!(
        "[delivery]\nby = \"smtp\"\nfrom = \"it@contoso.example\"\n\
         [delivery.smtp]\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\n"
    ));
    let output = campaign.run("apply three.csv --yes --max-duration 3s --output json").exits(7);
    let object = output.json();
    assert_eq!(object["summary"]["mailed"], 0);
    assert!(object["rows"].as_array().unwrap().iter().all(|row| row["mail"] == "not-yet"));
    campaign.configure(&campaign.origin(), FILES);
    let object = campaign.run("apply three.csv --yes --output json").exits(0).json();
    assert_eq!((&object["summary"]["mail_files"], campaign.invitations()), (&3.into(), 3));
}

#[test]
fn from_a_mailbox_of_the_tenant_each_guest_gets_a_mail() {
    let campaign = campaign(
        "[delivery]\nby = \"graph\"\nfrom = \"it@contoso.example\"\n[delivery.pace]\nper_minute = 600\n",
    );
    snapshot!(campaign.run("apply three.csv --yes"), @"
    Done

    3 rows
      invited             3

    Your mails
      sent                3

    took [DURATION], 3 mails written
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    directory read in one sweep over all guests, in 14 requests
    Plan for Contoso (tenant 7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 3 rows, acting as an application

    Change                      3
      new-address               3  moves to a new address
                                   your own mail is sent from your mailbox
        line 2  hannah.wagner@northwind.example → hannah.wagner@fabrikam.example
        line 3  ruth.mori@northwind.example → ruth.mori@fabrikam.example
        line 4  olga.ramos@northwind.example → olga.ramos@fabrikam.example

    Mails of your own  (an example for each template; `preview` shows every guest's)
      built-in en  3 rows, as line 2 gets it
        From     it@contoso.example
        To       hannah.wagner@fabrikam.example
        Subject  Please confirm your access to Contoso
                 Hello Hannah Wagner,
                 Your access to Contoso now belongs to hannah.wagner@fabrikam.example. Your groups and apps stay as they we…
                 Please confirm it once. Until then you cannot sign in there.
                 … and 3 more lines (-v shows all)

    New domains
      fabrikam.example  3 rows  no Entra tenant; its people get one-time codes by mail

    Pace  6 writes at 1000 a second, less than a minute unless the tenant slows it down
    Mails 3 mails of your own, at 600 a minute

    Digest [DIGEST]   (apply --plan [DIGEST] carries out exactly this)
    3 rows to do
    line 2     invited       hannah.wagner@northwind.example → hannah.wagner@fabrikam.example
    line 3     invited       ruth.mori@northwind.example → ruth.mori@fabrikam.example
    line 4     invited       olga.ramos@northwind.example → olga.ramos@fabrikam.example
    ");
    let mailbox = campaign.tenant.mailbox("it@contoso.example");
    assert!(mailbox.len() == 3 && mailbox.iter().all(|mail| mail.sent == 1 && mail.has_left));
    campaign.run("preview three.csv 2 --to me@contoso.example").exits(0);
    let mailbox = campaign.tenant.mailbox("it@contoso.example");
    assert_eq!(mailbox.last().unwrap().to(), ["me@contoso.example"]);
}
