use super::*;
use crate::campaign::SampleMail;
use crate::plan::{Identifier, Touched, TouchedApp, TouchedByOne, TouchedTotal};
use crate::report::sample;

fn samples() -> Samples {
    let mail = SampleMail {
        template: "mail-{language}.html".to_owned(),
        rows: 1,
        line: 2,
        from: "Contoso <IT> <it@contoso.example>".to_owned(),
        to: "ada@fabrikam.example".parse().unwrap(),
        cc: vec!["boss@fabrikam.example".parse().unwrap()],
        subject: "Your <new> access".to_owned(),
        text: "Hello <script>alert(1)</script>\n```\n@everyone\n".to_owned(),
    };
    Samples { mails: vec![mail], problems: Vec::new() }
}

fn render(plan: &Plan, format: PlanFormat) -> String {
    let samples = samples();
    let page = PlanPage {
        plan,
        manifest: "<b>guests</b>.csv",
        samples: &samples,
        command: "reinvite apply guests.csv --plan 4232697f8850".to_owned(),
        now: "2026-03-01T02:00:00Z".parse().unwrap(),
    };
    let mut out = Vec::new();
    write_plan(&mut out, &page, format).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_plan_reads_like_this_in_a_ticket() {
    insta::assert_snapshot!(render(&sample::plan(), PlanFormat::Markdown), @r#"
    <!-- reinvite plan 1 -->
    # Plan for `Contoso`

    `<b>guests</b>.csv: 14 rows, tenant 7d1c2a40-0000-4000-8000-0000000000aa, acting as an application`. Made 2026-03-01T02:00:00Z; nothing was written to the directory.

    | rows | change | blocked | settled |
    |--:|--:|--:|--:|
    | 14 | 6 | 5 | 3 |

    ## To carry it out

    `apply` refuses this plan until its findings allow it: max-changes.

    Digest `4232697f88502bb2c289f73d522c8f49e2f590181a2e0696c94ea8012a60a85b`.

    ## Findings

    - **refuse** `max-changes`: `6 rows would change, and max_changes allows 5`; `review the plan, then set [guards] max_changes or --max-changes to 6 or more`
    - warn `resets`: `1 guest is reset without a new address`; `they are locked out until they redeem again; a reset can't be undone`

    ## Who gets which mail

    - 4 rows: `Microsoft mails its standard text in the guest's language or de`
    - 1 row: `Microsoft mails its standard text and drops your message, 1 row with a cc`
    - 1 row: `no mail, send is off: tell the guest yourself`

    ### Example: `mail-{language}.html`

    1 row, as line 2 gets it; the link leads nowhere yet.

    - From: `Contoso <IT> <it@contoso.example>`
    - To: `ada@fabrikam.example`
    - Cc: `boss@fabrikam.example`
    - Subject: `Your <new> access`

    ````text
    Hello <script>alert(1)</script>
    ```
    @everyone
    ````


    ## What changes

    ### `new-address` (3)

    moves to a new address.

    - line 2: `ada@northwind.example → ada@fabrikam.example`: `standard text, de`
    - line 3: `bob@northwind.example → bob@fabrikam.example`: `standard text, message dropped, copy to boss@fabrikam.example`
    - line 4: `c.old@northwind.example (cleo@northwind.example) → cleo@fabrikam.example`: `no mail`

    ### `finish-earlier-run` (1)

    begun by an earlier run; the invitation is due.

    - line 6: `eve@northwind.example → eve@fabrikam.example`: `standard text`

    ### `reset-only` (1)

    keeps its address; locked out until it redeems again.

    - line 5: `dan@northwind.example`: `standard text`

    ### `unknown-outcome` (1)

    the answer was lost; settled from the directory, sent only if it never happened.

    - line 7: `finn@northwind.example → finn@fabrikam.example`: `standard text`

    ## What can't be carried out

    ### `not-found` (2)

    no user has this object id, UPN or address.
    To do: correct the address or object id, or take the row out.

    - line 11: `ghost\u{1b}[2J@northwind.example`
    - line 12: `=HYPERLINK("https://evil.example")`

    ### `ambiguous` (1)

    several users hold it; name the guest by object id.
    To do: name the guest by object id.

    - line 13: `joe@northwind.example`: `2 users hold it: guest joe#EXT#@c.example (00000000-0000-0000-0000-00000000000a); guest j#EXT#@c.example (00000000-0000-0000-0000-00000000000b); name the guest by object id`

    ### `failed-before` (1)

    failed for good in an earlier run; --retry-failed tries again.
    To do: mend the cause, then run apply with --retry-failed.

    - line 14: `kim@northwind.example`: `failed on 2026-03-01T02:00:05Z (guest-gone): the guest no longer exists; --retry-failed tries again`

    ### `invalid-row` (1)

    the row is unusable (see `lint`) and was skipped.
    To do: run lint on the manifest and mend the row.

    - line 15: `lea`

    ## What needs nothing

    ### `already-invited` (1)

    invited by this campaign.

    - line 8: `gil@northwind.example`: `invited on 2026-03-01T02:00:00Z; the directory still shows gil@elsewhere.example`

    ### `already-matches` (1)

    the mail already is the new address; a reset would lock the guest out until they redeem (reset = always, or --reset-matching, sends it).

    - line 9: `hana@fabrikam.example`

    ### `same-as-line` (1)

    another row asks for the same.

    - line 10: `ada@northwind.example`: `line 2 asks for the same`
    "#);
}

#[test]
fn a_page_holds_every_row_and_nothing_of_a_stranger_is_markup() {
    let plan = sample::plan();
    let page = render(&plan, PlanFormat::Html);
    assert!(is_plan_page(page.as_bytes()));
    for row in &plan.rows {
        assert!(page.contains(&format!("<td class=\"n\">{}</td>", row.line)), "{row:?}");
    }
    assert!(page.contains("&lt;b&gt;guests&lt;"), "{page}");
    assert!(page.contains("Hello &lt;script&gt;alert(1)"), "{page}");
    assert!(page.contains("ghost\\u{1b}[2J@northwind.example"), "{page}");
    for foreign in ["<script", "<b>guests", "src=", "href=\"http", "url(", "\u{1b}"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
}

#[test]
fn what_the_changes_touch_is_told_without_the_markup_of_a_stranger() {
    let mut plan = sample::plan();
    let id = plan.rows[0].user_id.unwrap();
    let app = TouchedApp {
        id: "5a0c1f3e".into(),
        client_id: None,
        name: Some("<script>`x`</script>\u{1b}[2J".into()),
        guests: 1,
        sign_on: None,
        claims: [Identifier::Mail].into(),
        about: "it asks for the claim <b>".to_owned(),
        owners: Some(Vec::new()),
    };
    let one = TouchedByOne { groups: Some(2), teams: None, roles: Some(1), apps: Some(1) };
    let total = TouchedTotal {
        guests: 6,
        groups: Some(2),
        role_holders: Some(1),
        not_seen: 5,
        apps: Some(vec![app]),
        ..TouchedTotal::default()
    };
    plan.touched = Some(Box::new(Touched { total, guests: [(id, one)].into() }));
    let html = render(&plan, PlanFormat::Html);
    for text in [
        "6 guests in 2 groups, which of them are teams is not known; 1 holds a role; assigned to \
         1 app, of which 1 is told an address that changes",
        "&lt;script&gt;`x`&lt;&#x2f;script&gt;\\u{1b}[2J",
        "it asks for the claim &lt;b&gt;; nobody owns it",
        "not everything could be read of 5 guests",
        "standard text, de; 2 groups, 1 role, 1 app",
    ] {
        assert!(html.contains(text), "{text}\n{html}");
    }
    assert!(!html.contains("<script>") && !html.contains('\u{1b}'));
    let markdown = render(&plan, PlanFormat::Markdown);
    let line = "- ``<script>`x`</script>\\u{1b}[2J``, 1 guest: `it asks for the claim <b>; nobody owns it`";
    assert!(markdown.contains(line), "{markdown}");
}

#[test]
fn only_a_plan_that_nothing_refuses_comes_with_its_command() {
    let mut plan = sample::plan();
    for format in [PlanFormat::Html, PlanFormat::Markdown] {
        assert!(!render(&plan, format).contains("--plan 4232697f8850"));
    }
    plan.findings.clear();
    for format in [PlanFormat::Html, PlanFormat::Markdown] {
        let page = render(&plan, format);
        assert!(page.contains("reinvite apply guests.csv --plan 4232697f8850"), "{page}");
        assert!(page.contains(&plan.digest.to_string()), "{page}");
    }
}

#[test]
fn the_name_of_the_file_decides_the_format() {
    for (name, format) in [
        ("plan.html", Some(PlanFormat::Html)),
        ("a/plan.HTM", Some(PlanFormat::Html)),
        ("plan.md", Some(PlanFormat::Markdown)),
        ("plan.markdown", Some(PlanFormat::Markdown)),
        ("plan.csv", None),
        ("plan", None),
    ] {
        assert_eq!(PlanFormat::of(Path::new(name)), format, "{name}");
    }
}
