//! A link is a secret until its guest has it: whatever a campaign writes, says and tells
//! others, by whichever way the mails leave, there is none.

use std::path::Path;

use reinvite::emulator::{
    Action, Canned, Fault, Matcher, SmtpAction, SmtpFault, SmtpServer, SmtpStep,
};
use tokio::net::TcpListener;

use crate::after::Receiver;
use crate::support::{Campaign, RUNTIME};

const FILES: &str = "by = \"files\"\nfolder = \"mails\"\nfrom = \"it@contoso.example\"\n";

/// Links as they are in mails and URLs.
fn links(campaign: &Campaign) -> Vec<String> {
    let ledger = campaign.tenant.ledger();
    let tickets = ledger.invitations().map(|invitation| {
        let ticket = invitation.redeem_url.split("ticket%3d").nth(1).expect("it has a ticket");
        ticket[..32].to_owned()
    });
    tickets.chain(["redeem?rd=", "%26ticket%3d"].map(str::to_owned)).collect()
}

/// No file of the campaign holds a link, but those of `meant`.
#[track_caller]
fn assert_none_in_files(campaign: &Campaign, meant: impl Fn(&Path) -> bool) {
    let files: Vec<_> = std::fs::read_dir(campaign.directory()).unwrap().flatten().collect();
    for file in files.iter().map(std::fs::DirEntry::path).filter(|path| path.is_file()) {
        if meant(&file) {
            continue;
        }
        let bytes = std::fs::read(&file).unwrap();
        for link in links(campaign) {
            let is_there = bytes.windows(link.len()).any(|part| part == link.as_bytes());
            assert!(!is_there, "{link} in {}", file.display());
        }
    }
}

/// Mails by this way; the world is told of every run, and a hook keeps what it gets.
fn telling(delivery: &str) -> (Campaign, Receiver) {
    let (campaign, receiver) = (Campaign::new(), Receiver::answering(&[]));
    campaign.write("keep", "env >hook.env; cat >hook.stdin; echo \"$@\" >hook.arguments\n");
    campaign.write("address", &receiver.origin);
    let more = format!(
        "[delivery]\n{delivery}\n[notify]\nwebhook_command = [\"cat\", \"address\"]\n\
         on = [\"always\"]\n[hooks]\nfinally = [\"sh\", \"keep\"]\n\
         [metrics]\ntextfile = \"metrics.prom\"\n[reconcile]\nunattended = true\n"
    );
    campaign.configure(&campaign.origin(), &more);
    campaign.without_lag();
    (campaign, receiver)
}

/// Runs commands, and holds what they say against the links.
#[track_caller]
fn run(campaign: &Campaign, commands: &[(&str, i32)]) {
    for (arguments, exit) in commands {
        let mut command = campaign.command(arguments);
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        let said = campaign.complete(command).exits(*exit).to_string();
        for link in links(campaign) {
            assert!(!said.contains(&link), "{said}");
        }
    }
}

const APPLY: &str =
    "apply three.csv --yes --result result.csv --log-file run.log -vv --output json";

/// Every command that tells of a campaign.
const TOLD: &[(&str, i32)] = &[
    ("explain 2 three.csv --output json", 0),
    ("report three.csv --format html --out page.html", 0),
    ("report three.csv --format json --out report.json", 0),
    ("report three.csv --format csv --out report.csv", 0),
    ("report three.csv --format junit --out report.xml", 0),
    ("verify three.csv --output json", 0),
    ("reconcile three.csv --output json", 0),
];

fn is_checkpoint(path: &Path) -> bool {
    path.to_string_lossy().contains(".checkpoint")
}

#[test]
fn no_link_is_left_by_a_mail_server() {
    let server = RUNTIME.block_on(async {
        SmtpServer::start(TcpListener::bind("127.0.0.1:0").await.unwrap(), None).unwrap()
    });
    let (campaign, receiver) = telling(&format!(
        "by = \"smtp\"\nfrom = \"it@contoso.example\"\n[delivery.smtp]\nhost = \"127.0.0.1\"\n\
         port = {}\ntls = \"none\"\n[delivery.pace]\nper_minute = 6000",
        server.addr().port()
    ));
    // While the links are held, the checkpoint alone has them.
    let no = SmtpAction::Reply("550 5.7.60 Not permitted".to_owned());
    server.inject(SmtpFault { times: u64::MAX, ..SmtpFault::new(SmtpStep::MailFrom, no) });
    run(&campaign, &[(APPLY, 5), TOLD[0], TOLD[1], TOLD[2]]);
    assert!(links(&campaign).len() > 2, "somebody was invited");
    assert_none_in_files(&campaign, is_checkpoint);
    server.heal();
    run(&campaign, &[(APPLY, 0)]);
    run(&campaign, TOLD);
    assert_eq!(server.mails().len(), 3);
    assert_none_in_files(&campaign, |_| false);
    assert_told_nothing(&campaign, &receiver);
}

#[test]
fn no_link_is_left_where_mails_are_files_but_in_these() {
    let (campaign, receiver) = telling(FILES);
    run(&campaign, &[(APPLY, 0)]);
    run(&campaign, TOLD);
    assert_eq!(campaign.read("mails/links.csv").matches("ticket").count(), 3);
    assert_none_in_files(&campaign, |_| false);
    assert_told_nothing(&campaign, &receiver);
}

#[track_caller]
fn assert_told_nothing(campaign: &Campaign, receiver: &Receiver) {
    assert!(campaign.read("hook.env").contains("REINVITE_HOOK_COMMAND"));
    let told = receiver.said();
    assert!(told.contains("\"command\": \"apply\""), "{told}");
    for link in links(campaign) {
        assert!(!told.contains(&link), "{told}");
    }
}

/// A mailbox that is refused, and with a fresh token again, ends the mailing at once: the
/// invitations stop too, and the next run mails the links that this one left.
#[test]
fn a_mailbox_that_refuses_even_a_fresh_token_ends_the_run_and_keeps_the_links() {
    let campaign = Campaign::new();
    campaign.configure(
        &campaign.origin(),
        "[delivery]\nby = \"graph\"\nfrom = \"it@contoso.example\"\nahead = 1\n\
         [delivery.pace]\nper_minute = 6000\n",
    );
    let drafts = || Matcher::new(axum::http::Method::POST, "/users/it@contoso.example/messages");
    let denied = Canned::error(403, "ErrorAccessDenied", "Access is denied. Check credentials.");
    campaign.tenant.inject(Fault::new(drafts().always(), Action::Answer(denied)));
    let stopped = campaign.run("apply three.csv --yes --output json").exits(5).json();
    assert_eq!(stopped["summary"]["stop_reason"], "mailing-refused", "{stopped}");
    assert!(stopped["summary"]["stop_message"].as_str().unwrap().contains("ErrorAccessDenied"));
    let asked = |path: &str| campaign.tenant.ledger().requests_to(path).len();
    // The draft, and once more with a fresh token.
    assert_eq!(asked("/users/it@contoso.example/messages"), 2);
    assert_eq!((campaign.invitations(), stopped["summary"]["mailed"].as_u64()), (1, Some(0)));
    assert_eq!(stopped["summary"]["not_attempted"], 2, "{stopped}");
    campaign.tenant.heal();
    let next = campaign.run("apply three.csv --yes --output json").exits(0).json();
    assert_eq!((&next["summary"]["mailed"], campaign.invitations()), (&3.into(), 3));
}
