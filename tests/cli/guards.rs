//! What keeps `apply` from sending.

use reinvite::emulator::{Action, Canned, Fault, Matcher, Options, TenantSeed};

use crate::support::{self, Campaign, Output, snapshot};

/// A campaign that would move all of a tenant's fifteen guests.
fn everyone() -> Campaign {
    let campaign = Campaign::with(TenantSeed::with_guests(15), Options::default());
    campaign.write("all.csv", &support::everyone(15));
    campaign
}

/// The digest that a plan names last.
fn digest(plan: &Output) -> String {
    let line = plan.stdout.lines().find(|line| line.starts_with("Digest ")).unwrap();
    line.split_whitespace().nth(1).unwrap().to_owned()
}

#[test]
fn too_large_a_share_of_the_tenant_is_refused_with_numbers_and_the_key_that_allows_more() {
    let campaign = everyone();
    snapshot!(campaign.run("apply all.csv --yes").without_plan(), @r#"
    ------- stderr -------
    all.csv: CSV, UTF-8, comma; 15 rows; columns: user, new_email
    directory read in one sweep over all guests, in 18 requests
    [PLAN]
    error: refused before anything was sent: 15 rows would change; the tenant has 15 guests, and max_changes = "30%" allows 4 of them
      hint: review the plan, then set [guards] max_changes or --max-changes to 15 or more, or to a larger share
    ------- exit 5 -------
    "#);
    assert_eq!(campaign.writes(), 0);
    campaign.run("apply all.csv --yes --max-changes 14").exits(5);
    assert_eq!(campaign.writes(), 0);
    campaign.run("apply all.csv --yes --max-changes 15").exits(0);
    assert_eq!(campaign.invitations(), 15);
}

#[test]
fn the_plan_tells_that_apply_would_refuse() {
    let plan = everyone().run("plan all.csv").exits(0);
    let end: Vec<&str> = plan.stdout.lines().skip_while(|line| *line != "Findings").collect();
    snapshot!(end.join("\n"), @r#"
    Findings
      refuse  max-changes
              15 rows would change; the tenant has 15 guests, and max_changes = "30%" allows 4 of them
              review the plan, then set [guards] max_changes or --max-changes to 15 or more, or to a larger share

    Pace  30 writes at 1000 a second, less than a minute unless the tenant slows it down

    Digest [DIGEST]   (apply refuses it until the findings allow it)
    "#);
}

#[test]
fn a_domain_that_is_not_allowed_is_refused() {
    let campaign = Campaign::new();
    let guards = "[guards]\nallowed_domains = [\"adventure-works.example\"]\n";
    campaign.configure(&campaign.origin(), guards);
    snapshot!(campaign.run("apply three.csv --yes").without_plan(), @"
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    directory read in one sweep over all guests, in 14 requests
    [PLAN]
    error: refused before anything was sent: 3 rows go to domains that allowed_domains does not name: fabrikam.example (3)
      hint: correct the rows, or add the domains to [guards] allowed_domains
    ------- exit 5 -------
    ");
    assert_eq!(campaign.writes(), 0);
}

#[test]
fn the_reviewed_plan_is_carried_out() {
    let campaign = Campaign::new();
    let digest = digest(&campaign.run("plan three.csv"));
    campaign.run(&format!("apply three.csv --yes --plan {digest}")).exits(0);
    assert_eq!(campaign.invitations(), 3);
}

#[test]
fn a_plan_that_is_no_longer_the_reviewed_one_is_refused() {
    let campaign = Campaign::new();
    let digest = digest(&campaign.run("plan three.csv"));
    campaign
        .tenant
        .edit(crate::support::RUTH, |user| user.mail = Some("ruth@elsewhere.example".into()));
    campaign.write(
        "reviewed.csv",
        &campaign.read("three.csv").replace("hannah.wagner@f", "h.wagner@f"),
    );
    let output = campaign.run(&format!("apply reviewed.csv --yes --plan {digest}"));
    snapshot!(output.without_plan().to_string().replace(&digest, "[REVIEWED]"), @"
    ------- stderr -------
    reviewed.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    directory read in one sweep over all guests, in 14 requests
    [PLAN]
    error: refused before anything was sent: the plan is now [DIGEST], not the reviewed [REVIEWED]
      hint: review the plan again, then pass its digest
    ------- exit 5 -------
    ");
    assert_eq!(campaign.writes(), 0);
}

#[test]
fn without_a_terminal_and_without_yes_nothing_is_sent() {
    let campaign = Campaign::new();
    snapshot!(campaign.run("apply three.csv").without_plan(), @"
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    directory read in one sweep over all guests, in 14 requests
    [PLAN]
    error: 3 guests of Contoso would change, and there is no terminal to ask at; nothing was sent
      hint: review the plan, then pass --yes, or --yes --plan [DIGEST]
    ------- exit 2 -------
    ");
    assert_eq!(campaign.writes(), 0);
    // A text on stdin is no person.
    campaign.run_with_input("apply three.csv", "yes\n").exits(2);
    assert_eq!(campaign.writes(), 0);
}

#[test]
fn a_stop_file_that_is_there_from_the_beginning_lets_nothing_begin() {
    let campaign = Campaign::new();
    campaign.configure(&campaign.origin(), "[guards]\nstop_file = \"stop\"\n");
    campaign.write("stop", "");
    snapshot!(campaign.run("apply three.csv --yes").without_plan(), @"
    Stopped early: the stop file stop is there [stop-file]
      advice: remove the file first

    3 rows
      invited             0
      not attempted       3

    took [DURATION]

    To carry on
      reinvite apply three.csv --yes
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    directory read in one sweep over all guests, in 14 requests
    [PLAN]
    3 rows to do
    stopping: the stop file stop is there
    ------- exit 5 -------
    ");
    assert_eq!(campaign.writes(), 0);
    std::fs::remove_file(campaign.path("stop")).unwrap();
    campaign.run("apply three.csv --yes").exits(0);
}

#[test]
fn nothing_to_change_needs_no_yes() {
    let campaign = Campaign::new();
    campaign.run("apply three.csv --yes").exits(0);
    campaign.run("apply three.csv").exits(0);
}

#[test]
fn a_refusal_is_still_one_json_object() {
    let campaign = everyone();
    let output = campaign.run("apply all.csv --yes --output json").exits(5);
    let summary = &output.json()["summary"];
    assert_eq!(summary["stop_reason"], "max-changes");
    assert_eq!(summary["exit_code"], 5);
    assert_eq!((&summary["rows"], &summary["not_attempted"]), (&15.into(), &15.into()));
}

/// The canary of the configuration and that of the command line both reach the run.
#[test]
fn a_canary_that_fails_is_the_only_row_that_is_sent() {
    for (guards, flag) in [("\ncanary = 1\n", ""), ("", " --canary 1")] {
        let campaign = everyone();
        campaign
            .configure(&campaign.origin(), &format!("[guards]\nmax_changes = \"100%\"\n{guards}"));
        let refused = Canned::error(400, "BadRequest", "Group email address is not supported");
        campaign.tenant.inject(Fault::new(Matcher::invitation().always(), Action::Answer(refused)));
        let output = campaign.run(&format!("apply all.csv --yes --output json{flag}")).exits(5);
        let summary = &output.json()["summary"];
        assert_eq!(summary["stop_reason"], "canary-failed");
        assert_eq!((&summary["failed"], &summary["not_attempted"]), (&1.into(), &14.into()));
    }
}

/// Both ends of the time budget reach the run; the earlier counts.
#[test]
fn a_time_budget_that_is_used_up_at_once_sends_nothing() {
    let campaign = everyone();
    for (flags, code) in [
        ("--max-duration 1ms", 7),
        ("--max-duration 1ms --until 23:59", 7),
        ("--max-duration 1ms --until 00:01", 7),
    ] {
        let output =
            campaign.run(&format!("apply all.csv --yes --max-changes 100% {flags}")).exits(code);
        assert!(output.stderr.contains("the time budget was used up"), "{output}");
        assert_eq!(campaign.writes(), 0, "{flags}");
    }
}
