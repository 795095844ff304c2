//! A rehearsal clicked through: from the manifest by the mails in the browser to guests
//! that have redeemed.

use std::path::Path;
use std::process::Command;

use reinvite::emulator::{
    Emulator, MAILS, Options, Quotas, SAMPLE_CLIENT_ID, SAMPLE_CLIENT_SECRET, Server, SmtpServer,
    TenantSeed,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::CONTRAST;
use crate::driver::Browser;

/// Text of a row made to break out of the page and of the mail.
const HOSTILE: &str = "<script>window.pwned=1</script><img src=x onerror=window.pwned=1>";

struct Rehearsal {
    tenant: Emulator,
    server: Server,
    directory: TempDir,
    // Before the runtime, which it stops on.
    _post: SmtpServer,
    _runtime: Runtime,
}

impl Rehearsal {
    fn start(by: &str) -> Self {
        let runtime = Runtime::new().unwrap();
        let tenant = runtime.block_on(async {
            let options = Options { quotas: Quotas::unlimited(), ..Options::default() };
            Emulator::new(TenantSeed::sample(), options)
        });
        let (server, post) = runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let server = tenant.serve(listener).unwrap();
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            (server, tenant.serve_smtp(listener, None).unwrap())
        });
        let directory = tempfile::tempdir().unwrap();
        let (origin, smtp_port) = (server.origin(), post.addr().port());
        let delivery = match by {
            "microsoft" => String::new(),
            "graph" => "[delivery]\nby = \"graph\"\nfrom = \"it@contoso.example\"\n".to_owned(),
            _ => format!(
                "[delivery]\nby = \"smtp\"\nfrom = \"Contoso IT <it@contoso.example>\"\n\
                 [delivery.smtp]\nhost = \"127.0.0.1\"\nport = {smtp_port}\ntls = \"none\"\n"
            ),
        };
        let config = format!(
            "[tenant]\nid = \"contoso.example\"\ngraph_url = \"{origin}\"\nlogin_url = \"{origin}\"\n\
             [auth]\nclient_id = \"{SAMPLE_CLIENT_ID}\"\nclient_secret_env = \"EMULATOR_SECRET\"\n\
             [pace]\nsettle = \"0s\"\nreplication_lag = \"0s\"\n{delivery}"
        );
        std::fs::write(directory.path().join("reinvite.toml"), config).unwrap();
        let manifest = format!(
            "user,new_email,message,language\n\
             hannah.wagner@northwind.example,hannah.wagner@fabrikam.example,{HOSTILE},de\n\
             ruth.mori@northwind.example,ruth.mori@fabrikam.example,,en\n"
        );
        std::fs::write(directory.path().join("guests.csv"), manifest).unwrap();
        Self { tenant, server, directory, _post: post, _runtime: runtime }
    }

    fn run(&self, arguments: &[&str]) -> Value {
        let output = Command::new(env!("CARGO_BIN_EXE_reinvite"))
            .env_clear()
            .env("EMULATOR_SECRET", SAMPLE_CLIENT_SECRET)
            .current_dir(Path::new(self.directory.path()))
            .args(arguments)
            .args(["--output", "json"])
            .output()
            .expect("the binary was built");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{stderr}"))
    }

    fn mails(&self) -> String {
        format!("{}{MAILS}", self.server.origin())
    }

    /// How many of the two the directory shows as redeemed.
    fn redeemed(&self) -> usize {
        let users = self.tenant.users();
        let moved = users.iter().filter(|user| {
            let mail = user.mail.as_deref();
            mail.is_some_and(|mail| {
                mail == "hannah.wagner@fabrikam.example" || mail == "ruth.mori@fabrikam.example"
            })
        });
        moved.filter(|user| user.external_user_state.as_deref() == Some("Accepted")).count()
    }
}

/// Opens the mail of a guest and clicks the link in it.
fn redeem(browser: &Browser, mails: &str, guest: &str) {
    browser.open(&format!("{mails}?mailbox={guest}"));
    browser.click("tbody th a");
    browser.enter("iframe");
    browser.click("a[href*='/redeem?']");
    browser.leave();
}

#[test]
#[ignore = "needs chromium and chromium-driver; .ci/run runs it"]
fn from_the_manifest_by_the_mails_to_redeemed() {
    for by in ["smtp", "graph", "microsoft"] {
        let rehearsal = Rehearsal::start(by);
        let browser = Browser::start();
        browser.open(&rehearsal.mails());
        assert_eq!(
            browser.text("main p"),
            "None yet. A mail is here once it has left: reload after a run."
        );
        assert_eq!(
            rehearsal.run(&["apply", "guests.csv", "--yes"])["summary"]["invited"],
            2,
            "{by}"
        );

        browser.open(&rehearsal.mails());
        browser.screenshot(&format!("mails-{by}"), 1280, 800);
        assert_eq!(browser.run("return document.querySelectorAll('tbody tr').length"), 2, "{by}");
        let states = "return [...document.querySelectorAll('tbody td:nth-child(2)')].map(c => c.textContent)";
        assert_eq!(browser.run(states), json!(["pending", "pending"]), "{by}");

        redeem(&browser, &rehearsal.mails(), "hannah.wagner@fabrikam.example");
        assert_eq!(browser.text("h1"), "Hannah Wagner has redeemed the invitation", "{by}");
        assert_eq!(rehearsal.redeemed(), 1, "{by}");
        redeem(&browser, &rehearsal.mails(), "hannah.wagner@fabrikam.example");
        assert_eq!(browser.text("h1"), "Hannah Wagner had redeemed this invitation before", "{by}");
        redeem(&browser, &rehearsal.mails(), "ruth.mori@fabrikam.example");
        assert_eq!(rehearsal.redeemed(), 2, "{by}");

        browser.open(&rehearsal.mails());
        assert_eq!(browser.run(states), json!(["redeemed", "redeemed"]), "{by}");
        let verified = rehearsal.run(&["verify", "guests.csv"]);
        assert_eq!(verified["summary"]["redeemed"], 2, "{by}: {verified}");
        assert_eq!(browser.complaints(), Vec::<String>::new(), "{by}");
    }
}

#[test]
#[ignore = "needs chromium and chromium-driver; .ci/run runs it"]
fn what_stands_in_a_mail_stays_in_it_and_the_pages_are_fit_for_everyone() {
    let rehearsal = Rehearsal::start("smtp");
    let browser = Browser::start();
    rehearsal.run(&["apply", "guests.csv", "--yes"]);
    browser.open(&format!(
        "{}?mailbox=%22%3E%3Cscript%3Ewindow.pwned=1%3C/script%3E",
        rehearsal.mails()
    ));
    assert_eq!(browser.run("return window.pwned === undefined && document.scripts.length"), 0);
    browser.open(&format!("{}?mailbox=hannah.wagner@fabrikam.example", rehearsal.mails()));
    browser.click("tbody th a");
    let words = browser.text("pre");
    assert!(words.contains("window.pwned=1") && words.contains("/redeem?"), "{words}");
    assert_eq!(browser.run("return document.querySelectorAll('img, object, embed').length"), 0);
    browser.enter("iframe");
    assert!(browser.text("body").contains(HOSTILE), "the message is shown as it was written");
    assert_eq!(browser.run("return document.scripts.length + document.images.length"), 0);
    assert_eq!(browser.run("return document.documentElement.lang"), "de");
    browser.leave();
    for (name, page) in [("list", ""), ("mail", "/1"), ("none", "/7")] {
        browser.open(&format!("{}{page}", rehearsal.mails()));
        for scheme in ["light", "dark"] {
            browser.prefer(scheme);
            assert_eq!(browser.run(CONTRAST), json!([]), "too little contrast in {name}, {scheme}");
            browser.screenshot(&format!("mail-{name}-{scheme}"), 1280, 1000);
        }
        browser.screenshot(&format!("mail-{name}-narrow"), 420, 1000);
        let overflow = "return document.documentElement.scrollWidth <= innerWidth";
        assert_eq!(browser.run(overflow), true, "{name}: a narrow page scrolls sideways");
        for selector in [
            "th:not([scope])",
            "table:not(:has(> caption))",
            "iframe:not([title])",
            "input:not(label input)",
            "[style]",
        ] {
            let found = browser.run_with(
                "return document.querySelectorAll(arguments[0]).length",
                &[json!(selector)],
            );
            assert_eq!(found, 0, "{name}: {selector}");
        }
        assert_eq!(browser.run("return document.querySelectorAll('main h1').length"), 1);
    }
}
