//! `lint`.

use crate::support::{Campaign, snapshot};

#[test]
fn a_good_manifest_has_no_problems_and_nothing_on_stdout() {
    let campaign = Campaign::new();
    campaign.write("contoso.csv", include_str!("../../samples/contoso.csv"));
    snapshot!(campaign.run("lint contoso.csv"), @"
    ------- stderr -------
    contoso.csv: CSV, UTF-8, comma; 216 rows, 4 of which ask for a reset only; columns: user, new_email, message, cc, language, redirect_url, reset
    kept: department
    contoso.csv: 216 rows, no problems
    ");
}

#[test]
fn every_bad_row_is_reported_at_once() {
    let campaign = Campaign::new();
    campaign.write("broken.csv", include_str!("../../samples/broken.csv"));
    snapshot!(campaign.run("lint broken.csv"), @r#"
    ------- stderr -------
    broken.csv: CSV, UTF-8, comma; 32 rows; columns: user, new_email, message, cc, language, redirect_url, reset
    kept: department
    broken.csv:3:1: this row names no guest [no-user] (2 times, lines 3, 4)
      hint: fill in `user`, or delete the row
    broken.csv:5:25: `no.at.fabrikam.example`: not an email address: missing separator character '@' [bad-address] (2 times, lines 5, 32)
      hint: write one bare address, such as ada@fabrikam.example
    broken.csv:6:29: `no.domain@`: not an email address: domain is empty [bad-address]
      hint: write one bare address, such as ada@fabrikam.example
    broken.csv:7:27: `@fabrikam.example`: not an email address: local part is empty [bad-address]
      hint: write one bare address, such as ada@fabrikam.example
    broken.csv:8:26: `no.dot@fabrikam`: not an email address: too few parts in the domain [bad-address]
      hint: write one bare address, such as ada@fabrikam.example
    broken.csv:9:27: `two@ats@fabrikam.example`: not an email address: invalid character [bad-address] (3 times, lines 9, 10, 15)
      hint: write one bare address, such as ada@fabrikam.example
    broken.csv:11:26: `jürgen.müller@fabrikam.example`: it contains `ü` U+00FC, 2nd character, which is not ASCII; Entra's `mail` takes nothing else [bad-address]
      hint: use the ASCII form of the address; a domain's begins with `xn--`
    broken.csv:12:25: `with blank@fabrikam.example`: it contains U+0020 space, 5th character [bad-address] (2 times, lines 12, 14)
      hint: write one bare address, such as ada@fabrikam.example
    broken.csv:13:26: `"quoted"@fabrikam.example`: quoted local parts are not accepted [bad-address]
      hint: write one bare address, such as ada@fabrikam.example
    broken.csv:16:24: `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@fabrikam.examp…`: not an email address: local part is too long. Length limit: 64 [bad-address]
      hint: write one bare address, such as ada@fabrikam.example
    broken.csv:17:51: `partner desk`: it contains U+0020 space, 8th character [bad-cc] (2 times, lines 17, 32)
      hint: write one bare address, such as ada@fabrikam.example
    broken.csv:18:51: `one@contoso.example; two@contoso.example` holds 2 addresses; an invitation takes one CC [two-cc]
      hint: leave one of them, such as a distribution list; your own mail ([delivery] by) takes several, with `;` between them
    broken.csv:19:56: `german` is not a language tag [bad-language] (3 times, lines 19, 20, 32)
      hint: write a tag such as en-US or de
    broken.csv:21:67: `http://projects.contoso.example` is not an https URL [bad-redirect-url] (2 times, lines 21, 32)
      hint: write a full address, such as https://myapps.microsoft.com
    broken.csv:22:67: `projects.contoso.example` is not a URL: relative URL without a base [bad-redirect-url]
      hint: write a full address, such as https://myapps.microsoft.com
    broken.csv:23:27: this row gives no new address, and does not ask for a reset [missing-address]
      hint: fill in `new_email`; or, to reset the guest at the present address, write always in `reset`, or say --reset-only for the whole file
    broken.csv:24:52: `maybe` is not a value of reset [bad-reset] (2 times, lines 24, 32)
      hint: write always or yes to reset the guest, no or nothing not to
    broken.csv:25:52: the message contains the control character U+0007 [bad-message]
      hint: delete it, or type the text anew; tabs and line breaks are allowed
    broken.csv:27:1: lines 26 and 27 name the same guest, `Twice@Northwind.example` [duplicate-user]
      hint: delete one of the two rows
    broken.csv:29:28: lines 28 and 29 both move a guest to `Same@Fabrikam.example` [duplicate-address]
      hint: delete one of the two rows, or correct the address; two guests cannot share one
    broken.csv:30:1: this row has 1 cell, the header has 8 [wrong-cell-count]
      hint: put a cell that contains the delimiter in quotes, and leave empty cells in place
    broken.csv:31:66: this row has 9 cells, the header has 8 [wrong-cell-count]
      hint: put a cell that contains the delimiter in quotes, and leave empty cells in place
    error: broken.csv: 22 problems in 30 rows
    ------- exit 2 -------
    "#);
}

#[test]
fn stdin_is_read_like_a_file() {
    let campaign = Campaign::new();
    let manifest = "user;new_email\nada@northwind.example;ada@fabrikam\n";
    snapshot!(campaign.run_with_input("lint -", manifest), @r#"
    ------- stderr -------
    <stdin>: CSV, UTF-8, semicolon; 1 row; columns: user, new_email
    <stdin>:2:23: `ada@fabrikam`: not an email address: too few parts in the domain [bad-address]
      hint: write one bare address, such as ada@fabrikam.example
    error: <stdin>: 1 problem in 1 row
    ------- exit 2 -------
    "#);
}

#[test]
fn as_json_stdout_is_one_object_with_every_problem() {
    let campaign = Campaign::new();
    let manifest = "user,new_email\nada@northwind.example,ada@fabrikam\n";
    let output = campaign.run_with_input("lint - --output json", manifest).exits(2);
    output.json();
    snapshot!(output, @r#"
    {"schema":"reinvite-lint/1","problems":[{"advice":"write one bare address, such as ada@fabrikam.example","code":"bad-address","column":23,"count":1,"line":2,"lines":[2],"places":[{"column":23,"line":2}],"problem":"`ada@fabrikam`: not an email address: too few parts in the domain"}],"summary":{"exit_code":2,"manifest":"<stdin>","problems":1,"reset_only":0,"rows":1,"valid":0},"templates":[]}
    ------- stderr -------
    <stdin>: CSV, UTF-8, comma; 1 row; columns: user, new_email
    error: <stdin>: 1 problem in 1 row
    ------- exit 2 -------
    "#);
    campaign.write("broken.csv", include_str!("../../samples/broken.csv"));
    let problems = campaign.run("lint broken.csv --output json").exits(2).json();
    assert_eq!(problems["summary"]["problems"], problems["problems"].as_array().unwrap().len());
    assert_eq!(problems["summary"]["exit_code"], 2);
}

#[test]
fn a_manifest_that_is_not_there_is_named() {
    snapshot!(Campaign::new().run("lint nowhere.csv"), @r#"
    ------- stderr -------
    error: cannot read `nowhere.csv`: No such file or directory (os error [CODE])
      hint: check the path and the permissions; `-` reads standard input
    ------- exit 2 -------
    "#);
}

const BY_FILES: &str = "[delivery]\nby = \"files\"\nfrom = \"it@contoso.example\"\nfolder = \"mails\"\n\
    template = \"mail.{language}.html\"\n";

const IN_TWO_LANGUAGES: &str = "user,new_email,language,send,Cost centre
ada@northwind.example,ada@fabrikam.example,,,4711
bob@northwind.example,bob@fabrikam.example,de-AT,,4712
cyd@northwind.example,cyd@fabrikam.example,ja,no,4713
eve@northwind.example,eve@fabrikam.example,fr,,4714
";

#[test]
fn templates_are_checked_against_the_columns_and_languages_of_the_manifest() {
    let campaign = Campaign::new();
    campaign.configure(&campaign.origin(), BY_FILES);
    campaign.write("guests.csv", IN_TWO_LANGUAGES);
    campaign.write("mail.en.html", "<title>Hi</title><a href=\"{{ redeem_url }}\">go</a>\n");
    campaign.write(
        "mail.de.html",
        "<title>Guten Tag, {{ display_nam }}</title>\n{{ columns.cost_center }}\n",
    );
    snapshot!(campaign.run("lint guests.csv"), @"
    ------- stderr -------
    guests.csv: CSV, UTF-8, comma; 4 rows; columns: user, new_email, language, send
    kept: Cost centre; none is read as message or cc
    mail.de.html:2: the manifest has no column `cost_center`
      hint: did you mean `columns.cost_centre`?
    mail.de.html:1: there is no name `display_nam`
      hint: did you mean `display_name`?
    mail.de.html: the mail has no link to redeem with
      hint: write {{ redeem_url }} where the link belongs
    warning: [delivery] template: there is none for the language `fr`; those guests get the mail in `en`; write one for `fr`
    error: 3 problems of the mail's templates
    ------- exit 2 -------
    ");
    // A filter that nobody knows, and a link inside a condition, show when it is rendered.
    campaign.write("mail.de.html", "<title>{{ message | shout }}</title>{{ redeem_url }}\n");
    campaign.write(
        "mail.en.html",
        "<title>Hi</title>{% if message %}<a href=\"{{ redeem_url }}\">go</a>{% endif %}\n",
    );
    snapshot!(campaign.run("lint guests.csv --output json"), @r#"
    {"schema":"reinvite-lint/1","problems":[],"summary":{"exit_code":2,"manifest":"guests.csv","problems":0,"reset_only":0,"rows":4,"valid":4},"templates":[{"advice":"write {{ redeem_url }} outside of any condition","fatal":true,"line":null,"problem":"the mail to ada@fabrikam.example has no link to redeem with","template":"mail.en.html"},{"advice":"the names a template may use are in reinvite.example.toml","fatal":true,"line":1,"problem":"unknown filter: filter shout is unknown","template":"mail.de.html"},{"advice":"those guests get the mail in `en`; write one for `fr`","fatal":false,"line":null,"problem":"there is none for the language `fr`","template":"[delivery] template"}]}
    ------- stderr -------
    guests.csv: CSV, UTF-8, comma; 4 rows; columns: user, new_email, language, send
    kept: Cost centre; none is read as message or cc
    error: 2 problems of the mail's templates
    ------- exit 2 -------
    "#);
    assert_eq!(campaign.writes(), 0);
}

#[test]
fn templates_that_fit_are_no_problem() {
    let campaign = Campaign::new();
    campaign.configure(&campaign.origin(), &BY_FILES.replace("mail.{language}.html", "mail.html"));
    campaign.write("guests.csv", IN_TWO_LANGUAGES);
    campaign.write(
        "mail.html",
        "<title>Hi</title><a href=\"{{ redeem_url }}\">{{ columns.cost_centre }}</a>\n",
    );
    snapshot!(campaign.run("lint guests.csv"), @"
    ------- stderr -------
    guests.csv: CSV, UTF-8, comma; 4 rows; columns: user, new_email, language, send
    kept: Cost centre; none is read as message or cc
    1 template for mails of your own, no problems
    guests.csv: 4 rows, no problems
    ");
}

#[test]
fn the_templates_of_the_way_back_are_checked_as_well() {
    let campaign = Campaign::new();
    let back =
        "[revert]\ntemplate = \"back.{language}.html\"\nsubject = \"Back, {{ display_nam }}\"\n";
    let own = format!("{}{back}", BY_FILES.replace("mail.{language}.html", "mail.html"));
    campaign.configure(&campaign.origin(), &own);
    campaign.write("guests.csv", &IN_TWO_LANGUAGES.replace("ada@n", "hannah.wagner@n"));
    campaign.write("mail.html", "<title>Hi</title><a href=\"{{ redeem_url }}\">go</a>\n");
    campaign.write("back.en.html", "<title>Hi</title>{{ columns.cost_center }}{{ redeem_url }}\n");
    snapshot!(campaign.run("lint guests.csv"), @"
    ------- stderr -------
    guests.csv: CSV, UTF-8, comma; 4 rows; columns: user, new_email, language, send
    kept: Cost centre; none is read as message or cc
    back.en.html:1: the manifest has no column `cost_center`
      hint: did you mean `columns.cost_centre`?
    [revert] subject:1: there is no name `display_nam`
      hint: did you mean `display_name`?
    warning: [revert] template: there is none for the language `de-at`; those guests get the mail in `en`; write one for `de-at`
    warning: [revert] template: there is none for the language `fr`; those guests get the mail in `en`; write one for `fr`
    error: 2 problems of the mail's templates
    ------- exit 2 -------
    ");
    // A move is not kept from beginning by it, and whoever examines the campaign is told.
    let seen = campaign.run("doctor guests.csv --output json").json();
    let findings = seen["findings"].as_array().unwrap();
    let told = findings.iter().filter(|finding| finding["code"] == "template");
    let told: Vec<_> = told.map(|finding| [&finding["severity"], &finding["message"]]).collect();
    insta::assert_debug_snapshot!(told, @r#"
    [
        [
            String("warning"),
            String("back.en.html:1: the manifest has no column `cost_center`"),
        ],
        [
            String("warning"),
            String("[revert] subject:1: there is no name `display_nam`"),
        ],
        [
            String("warning"),
            String("[revert] template: there is none for the language `de-at`"),
        ],
        [
            String("warning"),
            String("[revert] template: there is none for the language `fr`"),
        ],
    ]
    "#);
    campaign.write("mail.html", "<title>Hi</title>\n");
    campaign.run("doctor guests.csv").exits(6);
}
