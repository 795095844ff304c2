//! `plan --out`: the plan for whoever signs it off.

use crate::support::{Campaign, THREE, snapshot};

#[test]
fn the_page_names_the_command_that_carries_out_exactly_this() {
    let campaign = Campaign::new();
    campaign.write("guests.csv", THREE);
    snapshot!(campaign.run("plan guests.csv --max-changes 50% --out plan.md"), @"
    Plan for Contoso (tenant 7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001): 3 rows, acting as an application

    Change                      3
      new-address               3  moves to a new address
                                   Microsoft mails its standard text in the guest's language
        line 2  hannah.wagner@northwind.example → hannah.wagner@fabrikam.example
        line 3  ruth.mori@northwind.example → ruth.mori@fabrikam.example
        line 4  olga.ramos@northwind.example → olga.ramos@fabrikam.example

    New domains
      fabrikam.example  3 rows  no Entra tenant; its people get one-time codes by mail

    Pace  6 writes at 1000 a second, less than a minute unless the tenant slows it down

    Digest [DIGEST]   (apply --plan [DIGEST] carries out exactly this)
    ------- stderr -------
    guests.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    directory read in one sweep over all guests, in 14 requests
    the plan for review is in plan.md
    ");
    let page = campaign.read("plan.md");
    let command = page.lines().find(|line| line.starts_with("reinvite apply")).unwrap();
    assert!(command.contains(" --max-changes 50% --plan "), "{command}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = campaign.directory().join("plan.md").metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    // It is made anew, and carried out as it says.
    campaign.run("plan guests.csv --max-changes 50% --out plan.md").exits(0);
    let arguments = command.strip_prefix("reinvite ").unwrap();
    campaign.run(&format!("{arguments} --yes")).exits(0);
    assert_eq!(campaign.tenant.ledger().invitations().count(), 3);
    // A plan that was reviewed and is no longer the plan is refused.
    campaign.run(&format!("{arguments} --yes")).exits(5);
}

#[test]
fn the_page_shows_an_example_of_ones_own_mail() {
    let campaign = Campaign::new();
    campaign.write("guests.csv", THREE);
    let delivery =
        "[delivery]\nby = \"files\"\nfrom = \"it@contoso.example\"\nfolder = \"mails\"\n";
    campaign.configure(&campaign.origin(), delivery);
    campaign.run("plan guests.csv --out plan.html").exits(0);
    let page = campaign.read("plan.html");
    assert!(page.contains("Example: built-in en"), "{page}");
    assert!(page.contains("hannah.wagner@fabrikam.example"), "{page}");
    assert!(!campaign.directory().join("mails").exists(), "a plan writes no mail");
}

#[test]
fn nothing_but_an_earlier_page_is_replaced() {
    let campaign = Campaign::new();
    campaign.write("guests.csv", THREE);
    campaign.write("notes.md", "my notes\n");
    snapshot!(campaign.run("plan guests.csv --out notes.md"), @"
    ------- stderr -------
    error: `notes.md` is there already and is not an earlier report
      hint: choose another name
    ------- exit 2 -------
    ");
    assert_eq!(campaign.read("notes.md"), "my notes\n");
    snapshot!(campaign.run("plan guests.csv --out plan.pdf"), @"
    ------- stderr -------
    error: --out plan.pdf: no .html or .md file
      hint: name it plan.html for a page, or plan.md for a ticket
    ------- exit 2 -------
    ");
}
