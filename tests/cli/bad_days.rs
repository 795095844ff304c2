//! Wrong secrets, wrong keys, wrong servers, and a tenant that says no.

use std::io::Read as _;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reinvite::emulator::{
    Action, Canned, CannedBody, Fault, Matcher, Options, SAMPLE_CLIENT_ID, TenantSeed, Tripwire,
};

use crate::support::{Campaign, THREE, everyone, snapshot};

#[test]
fn a_wrong_secret_is_told_in_the_words_of_entra() {
    let campaign = Campaign::new();
    campaign.write("client-secret.txt", "not-the-secret");
    snapshot!(campaign.run("apply three.csv --yes"), @"
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    error: sign-in was refused: AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '11111111-1111-1111-1111-111111111111'. Trace ID: [ID] Correlation ID: [ID] Timestamp: [TIME]
      hint: put the secret's value, not its id, into the file `client-secret.txt`; Entra shows it only once, and a new one is made in the app registration (Certificates & secrets)
    ------- exit 6 -------
    ");
}

#[test]
fn a_server_that_cannot_be_reached_is_named_with_the_cause() {
    let campaign = Campaign::new();
    // Bound and let go: nobody listens there now.
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    campaign.configure(&format!("http://{nobody}"), "");
    snapshot!(campaign.run("plan three.csv"), @r#"
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    no way to the service: 127.0.0.1:[PORT]: client error (Connect): tcp connect error: Connection refused (os error [CODE]); waiting for at most 3 s
    error: the sign-in service could not be reached: 127.0.0.1:[PORT]: client error (Connect): tcp connect error: Connection refused (os error [CODE])
      hint: check the network, the proxy, and [tenant] cloud, graph_url and login_url
    ------- exit 1 -------
    "#);
}

#[test]
fn a_misspelt_key_is_named_with_its_place_and_the_nearest_right_one() {
    let campaign = Campaign::new();
    campaign.configure(&campaign.origin(), "[guards]\nmax_chnages = 5\n");
    snapshot!(campaign.run("plan three.csv"), @r#"
    ------- stderr -------
    error: reinvite.toml:18:1: [guards] has no key `max_chnages`
    18 | max_chnages …
       | ^^^^^^^^^^^
      hint: did you mean `max_changes`?
    ------- exit 2 -------
    "#);
    assert!(campaign.tenant.ledger().requests.is_empty());
}

#[test]
fn a_misspelt_section_is_named_too() {
    let campaign = Campaign::new();
    campaign.configure(&campaign.origin(), "[gaurds]\nmax_changes = 5\n");
    snapshot!(campaign.run("plan three.csv"), @r#"
    ------- stderr -------
    error: reinvite.toml:17:2: there is no section [gaurds]
    17 | [gaurds …
       |  ^^^^^^
      hint: did you mean [guards]?
    ------- exit 2 -------
    "#);
}

#[test]
fn without_a_configuration_the_missing_keys_are_told() {
    let campaign = Campaign::new();
    std::fs::remove_file(campaign.path("reinvite.toml")).unwrap();
    snapshot!(campaign.run("plan three.csv"), @r#"
    ------- stderr -------
    warning: there is no reinvite.toml in this directory; name one with --config, or write one with `reinvite init`
    error: [tenant] id is not set
      hint: write `id = "<your tenant id>"` under [tenant] in reinvite.toml, or set REINVITE_TENANT_ID
    error: [auth] client_id is not set
      hint: write `client_id = "<the application's id>"` under [auth] in reinvite.toml, or set REINVITE_AUTH_CLIENT_ID
    error: [auth] client_secret_file or [auth] client_secret_env or [auth] client_secret_command is not set
      hint: write `client_secret_file = "secret.txt"` under [auth] in reinvite.toml, or set REINVITE_AUTH_CLIENT_SECRET_FILE or REINVITE_AUTH_CLIENT_SECRET_ENV or REINVITE_AUTH_CLIENT_SECRET_COMMAND
    ------- exit 2 -------
    "#);
    snapshot!(campaign.run("plan three.csv --config mine.toml"), @r#"
    ------- stderr -------
    error: there is no configuration file `mine.toml`
      hint: name an existing file with --config, or write one with `reinvite init`
    ------- exit 2 -------
    "#);
}

#[test]
fn plain_http_to_another_machine_is_refused() {
    let campaign = Campaign::new();
    campaign.configure("http://graph.example", "");
    snapshot!(campaign.run("plan three.csv"), @r#"
    ------- stderr -------
    error: reinvite.toml:3:13: [tenant] graph_url: `http://graph.example` is http, which would send secrets in clear
    3 | graph_url = "http://graph.example"
      |             ^^^^^^^^^^^^^^^^^^^^^^
      hint: use https; http is for 127.0.0.0/8, [::1] and localhost only
    error: reinvite.toml:4:13: [tenant] login_url: `http://graph.example` is http, which would send secrets in clear
    4 | login_url = "http://graph.example"
      |             ^^^^^^^^^^^^^^^^^^^^^^
    ------- exit 2 -------
    "#);
}

#[test]
fn a_next_link_to_another_origin_is_refused_and_the_token_is_never_sent_there() {
    let campaign = Campaign::new();
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = elsewhere.local_addr().unwrap();
    let heard = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&heard);
    // Listens until the test process ends.
    std::thread::spawn(move || {
        for stream in elsewhere.incoming() {
            count.fetch_add(1, Ordering::SeqCst);
            let _ = stream.and_then(|mut stream| stream.read(&mut [0; 4096]));
        }
    });
    let page = format!(
        "{{\"value\":[],\"@odata.nextLink\":\"http://{address}/v1.0/users?$skiptoken=1\"}}"
    );
    // The first request below /users counts the guests; the second begins the sweep.
    let on = Matcher::new(http::Method::GET, "/users").nth(2);
    let answer = Canned { body: CannedBody::Html(page), ..Canned::status(200) };
    campaign.tenant.inject(Fault::new(on, Action::Answer(answer)));
    let output = campaign.run("plan three.csv").exits(1);
    snapshot!(output.to_string().replace(&address.to_string(), "[ELSEWHERE]"), @r#"
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    error: the service's answer can't be used: the next page is said to be at http://[ELSEWHERE], another origin than http://127.0.0.1:[PORT]; not followed
    ------- exit 1 -------
    "#);
    assert_eq!(heard.load(Ordering::SeqCst), 0);
}

#[test]
fn a_token_that_is_no_longer_accepted_is_replaced_in_the_middle_of_a_run() {
    let campaign = Campaign::new();
    let tenant = campaign.tenant.clone();
    campaign.tenant.on_write(2, move |_| tenant.revoke_tokens());
    campaign.run("apply three.csv --yes").exits(0);
    assert_eq!(campaign.invitations(), 3);
    let ledger = campaign.tenant.ledger();
    let sign_ins = ledger.requests.iter().filter(|r| r.path.contains("/oauth2/")).count();
    assert_eq!(sign_ins, 2);
}

#[test]
fn a_token_is_replaced_before_it_expires() {
    let latency = Some(Duration::from_millis(20)..=Duration::from_millis(20));
    let token_life = Duration::from_secs(2);
    let options = Options { latency, token_life, ..Options::default() };
    let campaign = Campaign::with(TenantSeed::with_guests(60), options);
    let configuration = campaign.read("reinvite.toml");
    let one = configuration.replace("requests_in_flight = 32", "requests_in_flight = 1");
    campaign.write("reinvite.toml", &one);
    campaign.write("all.csv", &everyone(60));
    campaign.run("apply all.csv --yes --max-changes 60").exits(0);
    let ledger = campaign.tenant.ledger();
    assert!(ledger.requests.iter().filter(|r| r.path.contains("/oauth2/")).count() >= 2);
    assert!(ledger.requests.iter().all(|r| r.status != 401));
}

#[test]
fn an_application_without_any_permission_is_told_which_to_grant() {
    let campaign = Campaign::new();
    campaign.tenant.edit_application(SAMPLE_CLIENT_ID, |app| app.roles.clear());
    snapshot!(campaign.run("apply three.csv --yes"), @r#"
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    error: 403 Authorization_RequestDenied: Insufficient privileges to complete the operation.
      hint: grant the application User.Invite.All and User.ReadWrite.All, with admin consent, first
    ------- exit 6 -------
    "#);
}

/// microsoft-graph-docs#10759: no new token cures this 401.
#[test]
fn an_invitation_refused_for_want_of_a_permission_ends_the_run() {
    let campaign = Campaign::new();
    let message = "Insufficient privileges to perform requested operation by the application \
                   '-0000-0000-c000-'. ControllerName=MSGraphInviteAPI, ActionName=CreateInvite, \
                   URL absolute path=/api/7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001/invites";
    let refusal = Action::Answer(Canned::error(401, "Unauthorized", message));
    campaign.tenant.inject(Fault::new(Matcher::invitation().always(), refusal));
    campaign.write("one.csv", &THREE.lines().take(2).collect::<Vec<_>>().join("\n"));
    snapshot!(campaign.run("apply one.csv --yes").without_stderr(), @"
    Stopped early: not permitted: 401 Unauthorized: Insufficient privileges to perform requested operation by the
    application '-0000-0000-c000-'. ControllerName=MSGraphInviteAPI, ActionName=CreateInvite, URL absolute
    path=/api/7c0f5c1e-2b1d-4f0a-9a53-c0ffee000001/invites [permission]
      advice: grant the application User.Invite.All and User.ReadWrite.All, with admin consent, first

    1 row
      invited             0
      patched             1  mail written, not invited yet

    took [DURATION], 1 mail written

    To carry on
      reinvite apply one.csv --yes
    ------- exit 6 -------
    ");
    let ledger = campaign.tenant.ledger();
    let asked = |path: &str| ledger.requests.iter().filter(|r| r.path.contains(path)).count();
    assert_eq!((asked("/invitations"), asked("/oauth2/")), (1, 1));
}

#[test]
fn an_application_that_may_read_but_not_write_stops_at_the_first_refusal() {
    let campaign = Campaign::new();
    let reading = |role: &String| role.contains(".Read.");
    campaign.tenant.edit_application(SAMPLE_CLIENT_ID, |app| app.roles.retain(reading));
    campaign.configure(&campaign.origin(), "[guards]\nmax_failures = 1\n");
    let output = campaign.run("apply three.csv --yes --output json").exits(6);
    assert_eq!(output.json()["summary"]["stop_reason"], "permission");
    assert_eq!(campaign.writes(), 0);
    snapshot!(campaign.run("apply three.csv --yes").without_stderr(), @r#"
    Stopped early: not permitted: 403 Authorization_RequestDenied: Insufficient privileges to complete the operation.
    [permission]
      advice: grant the application User.Invite.All and User.ReadWrite.All, with admin consent, first

    3 rows
      invited             0
      not attempted       3

    took [DURATION]

    To carry on
      reinvite apply three.csv --yes
    ------- exit 6 -------
    "#);
}

#[test]
fn a_tenant_that_blocks_invitations_ends_the_run_at_once() {
    let options = Options {
        tripwire: Tripwire { after_invitations: Some(5), after_failures: None },
        ..Options::default()
    };
    let campaign = Campaign::with(TenantSeed::with_guests(60), options);
    campaign.write("all.csv", &everyone(60));
    let run = "apply all.csv --yes --max-changes 100%";
    let output = campaign.run(&format!("{run} --output json")).exits(5);
    let summary = &output.json()["summary"];
    assert_eq!(summary["stop_reason"], "invitations-blocked");
    assert_eq!(summary["invited"], 5);
    assert_eq!(summary["not_attempted"], 55);
    // The next run tries one row and no more.
    let asked = campaign.tenant.ledger().requests_to("/invitations").len();
    let output = campaign.run(run).exits(5);
    assert_eq!(campaign.tenant.ledger().requests_to("/invitations").len(), asked + 1);
    snapshot!(output.without_plan(), @"
    Stopped early: the tenant says stop: 403 Forbidden: Invitations are blocked for this directory due to suspicious
    activity. Please contact Microsoft support for help. [invitations-blocked]
      advice: only Microsoft support can lift the block; the next run tries one row before all others

    60 rows
      invited             0
      settled             5  nothing to do
      [PATCHED OR NOT ATTEMPTED]

    took [DURATION]

    To carry on
      reinvite apply all.csv --yes --max-changes 100%
    ------- stderr -------
    all.csv: CSV, UTF-8, comma; 60 rows; columns: user, new_email
    directory read in one sweep over all guests, in 18 requests
    [PLAN]
    55 rows to do
    stopping: the tenant says stop: 403 Forbidden: Invitations are blocked for this directory due to suspicious activity. Please contact Microsoft support for help.
    ------- exit 5 -------
    ");
}

/// The same 400 means "later" and "never"; which of them, only the body says.
#[test]
fn a_refusal_whose_explanation_is_cut_off_is_asked_for_again() {
    let lag = Duration::from_millis(300);
    let options = Options {
        invitation_lag: reinvite::emulator::Lag::Fixed(lag),
        faults: vec![Fault::new(Matcher::invitation(), Action::TruncateBody)],
        ..Options::default()
    };
    let campaign = Campaign::with(TenantSeed::with_guests(1), options);
    campaign.write("one.csv", "user,new_email\nguest1@fabrikam.example,moved@tailspin.example\n");
    campaign.run("apply one.csv --yes").exits(0);
    assert_eq!(campaign.invitations(), 1);
}
