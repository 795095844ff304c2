//! `preview`.

use reinvite::emulator::{SmtpFault, SmtpServer};
use tokio::net::TcpListener;

use crate::support::{Campaign, RUNTIME, snapshot};

const FILES: &str = "\
[delivery]
by = \"files\"
from = \"Contoso IT <it@contoso.example>\"
folder = \"mails\"
";

const MANIFEST: &str = "\
user,new_email,display_name,message,language,send,Cost centre
ada@northwind.example,ada@fabrikam.example,Ada,We are Fabrikam now.,,,4711
bob@northwind.example,bob@fabrikam.example,,,de-AT,,4712
cyd@northwind.example,cyd@fabrikam.example,,,,no,4713
";

fn campaign(delivery: &str) -> Campaign {
    let campaign = Campaign::new();
    campaign.configure(&campaign.origin(), delivery);
    campaign.write("mailed.csv", MANIFEST);
    campaign
}

#[test]
fn every_guest_s_mail_is_shown_with_a_link_that_leads_nowhere() {
    let campaign = campaign(FILES);
    snapshot!(campaign.run("preview mailed.csv"), @"
    To:      ada@fabrikam.example
    Subject: Please confirm your access to contoso.example

      Hello Ada,

      Your access to contoso.example now belongs to ada@fabrikam.example. Your groups and apps stay as they were.

      We are Fabrikam now.

      Please confirm it once. Until then you cannot sign in there.

      Confirm access: https://redeem.invalid/this-is-a-preview

      If the button does not work, open this address:
      https://redeem.invalid/this-is-a-preview

    To:      bob@fabrikam.example
    Subject: Bitte bestätigen Sie Ihren Zugang zu contoso.example

      Guten Tag,

      Ihr Zugang zu contoso.example gehört jetzt zu bob@fabrikam.example. Ihre Gruppen und Apps bleiben, wie sie waren.

      Bitte bestätigen Sie ihn einmal. Bis dahin können Sie sich dort nicht anmelden.

      Zugang bestätigen: https://redeem.invalid/this-is-a-preview

      Falls die Schaltfläche nicht funktioniert, öffnen Sie diese Adresse:
      https://redeem.invalid/this-is-a-preview

    ------- stderr -------
    mailed.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email, display_name, message, language, send
    kept: Cost centre; none is read as cc
    1 row gets no mail: send is off
    ");
    assert_eq!(campaign.writes(), 0);
    assert!(!campaign.exists("mails"));
}

#[test]
fn the_mails_of_some_rows_are_written_to_a_directory() {
    let campaign = campaign(FILES);
    let told = campaign.run("preview mailed.csv bob@fabrikam.example --out look");
    snapshot!(told.exits(0), @"
    ------- stderr -------
    mailed.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email, display_name, message, language, send
    kept: Cost centre; none is read as cc
    1 mail in look: .eml and .html of each
    ");
    let page = campaign.read("look/bob@fabrikam.example.html");
    assert!(page.contains("Ihr Zugang") && page.contains("https://redeem.invalid/"), "{page}");
    assert!(!campaign.exists("look/ada@fabrikam.example.eml"));
    snapshot!(campaign.run("preview mailed.csv 99"), @"
    ------- stderr -------
    mailed.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email, display_name, message, language, send
    kept: Cost centre; none is read as cc
    error: mailed.csv: no row is line 99
      hint: name a row by its line, its user or its new address
    ------- exit 2 -------
    ");
}

#[test]
fn a_template_that_does_not_fit_is_refused_with_every_reason() {
    let campaign = campaign(&format!("{FILES}template = \"mail.html\"\n"));
    campaign.write(
        "mail.html",
        "<title>For {{ display_nam }}</title>\n<p>{{ columns.cost_center }}</p>",
    );
    snapshot!(campaign.run("preview mailed.csv"), @"
    ------- stderr -------
    mailed.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email, display_name, message, language, send
    kept: Cost centre; none is read as cc
    1 row gets no mail: send is off
    error: mail.html:2: the manifest has no column `cost_center`
      hint: did you mean `columns.cost_centre`?
      hint: mail.html:1: there is no name `display_nam`; did you mean `display_name`?
      hint: mail.html: the mail has no link to redeem with; write {{ redeem_url }} where the link belongs
    ------- exit 2 -------
    ");
}

#[test]
fn where_microsoft_mails_there_is_nothing_of_one_s_own() {
    let campaign = campaign("");
    snapshot!(campaign.run("preview mailed.csv"), @r#"
    ------- stderr -------
    error: [delivery] by is `microsoft`: there is no mail of your own
      hint: set `by` to "graph", "smtp" or "files", and `from` to the sender
    ------- exit 2 -------
    "#);
}

#[test]
fn a_mail_to_oneself_goes_to_nobody_else() {
    let server = RUNTIME.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        SmtpServer::start(listener, None).expect("mails are taken")
    });
    let campaign = campaign(&format!(
        "[delivery]\nby = \"smtp\"\nfrom = \"it@contoso.example\"\n\
         [delivery.smtp]\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\n",
        server.addr().port()
    ));
    campaign.run("preview mailed.csv --to me@contoso.example").exits(0);
    let mails = server.mails();
    assert_eq!(mails.len(), 2);
    for mail in &mails {
        assert_eq!(mail.to, ["me@contoso.example"]);
        assert!(mail.text.contains("redeem.invalid"), "{}", mail.text);
    }
    server.inject(SmtpFault::of("me@contoso.example", "550 5.1.1 No such user"));
    let output = campaign.run("preview mailed.csv 2 --to me@contoso.example").exits(1);
    assert!(output.to_string().contains("refused: "), "{output}");
}
