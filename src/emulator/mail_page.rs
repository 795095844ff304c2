//! The mails that left the tenant as pages for a browser: all of them, those of one
//! mailbox, each as its reader sees it. Where a mail holds a link that redeems, it is the
//! link of the mail, and clicking it redeems.
//!
//! No page has a script or asks for anything but what is here. What stands in a mail is
//! escaped, or is shown as HTML in a frame without rights.
//!
//! Leaves to others: reading a mail (`mail_body`), and redeeming (`redeem`).

use http::{Method, StatusCode};
use minijinja::value::Serde;
use minijinja::{Environment, context};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use super::http::percent::decode_query;
use super::http::{Answer, Request};
use super::mail_body::Letter;
use super::outbox::{Leaving, Sender};
use super::state::{Shared, Tenant};

/// The path of the page with all mails.
pub const MAILS: &str = "/emulator/mail";

/// Mails on a page.
const PER_PAGE: usize = 100;

const TEMPLATE: &str = include_str!("mail_page.html");
const STYLE: &str = include_str!("mail_page.css");

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// Of our pages.
const POLICY: &str = "default-src 'none'; style-src 'self'; frame-src 'self'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";
/// Of a mail in its frame: no script, no request, no form; its links lead where they lead.
const MAIL_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
                           form-action 'none'; frame-ancestors 'self'; \
                           sandbox allow-top-navigation-by-user-activation";

/// What a page shows.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(super) enum Page {
    List {
        mails: Vec<Line>,
        /// Whose mailbox it is; empty for everybody's.
        mailbox: String,
        count: usize,
        /// Where the pages beside it are.
        newer: Option<String>,
        older: Option<String>,
    },
    Mail {
        line: Line,
        head: Vec<(&'static str, String)>,
        is_html: bool,
        text: Option<String>,
        has_source: bool,
    },
    Said {
        title: String,
        text: String,
    },
}

/// A mail in a list.
#[derive(Serialize)]
pub(super) struct Line {
    place: usize,
    at: String,
    by: &'static str,
    recipients: Vec<Recipient>,
    subject: String,
    guest: &'static str,
}

/// Whom a mail is for, and where that mailbox is.
#[derive(Serialize)]
struct Recipient {
    address: String,
    list: String,
}

/// A page of ours.
pub(super) fn page(status: StatusCode, page: &Page) -> Answer {
    let mut environment = Environment::new();
    environment.add_template("mail_page.html", TEMPLATE).expect("a test renders it");
    let template = environment.get_template("mail_page.html").expect("it was just added");
    let html =
        template.render(context! { page => Serde(page) }).expect("a test renders every page");
    guarded(Answer::new(status, HTML, html.into_bytes()), POLICY)
}

fn guarded(mut answer: Answer, policy: &str) -> Answer {
    answer.set("content-security-policy", policy);
    answer.set("x-content-type-options", "nosniff");
    answer.set("referrer-policy", "no-referrer");
    answer.set("cache-control", "no-store");
    answer
}

impl Shared {
    /// `GET /emulator/mail…`
    pub(super) fn mail_page(&self, path: &[&str], request: &Request) -> Answer {
        if request.method != Method::GET {
            return said(StatusCode::METHOD_NOT_ALLOWED, "A page is only read");
        }
        if path == ["style.css"] {
            return guarded(Answer::new(StatusCode::OK, CSS, STYLE.into()), POLICY);
        }
        if path.is_empty() {
            return self.list(request);
        }
        let place = path[0].parse().ok();
        let mail = place.and_then(|place: usize| Some((place, self.outbox().get(place)?.clone())));
        match (mail, &path[1..]) {
            (Some((place, mail)), []) => self.one(place, &mail),
            (Some((_, mail)), ["body"]) => match self.letter(&mail).html {
                Some(html) => {
                    guarded(Answer::new(StatusCode::OK, HTML, led_out(&html).into()), MAIL_POLICY)
                }
                None => said(StatusCode::NOT_FOUND, "This mail has no HTML"),
            },
            (Some((_, Leaving { sender: Sender::Smtp(mail), .. })), ["source"]) => {
                guarded(Answer::new(StatusCode::OK, TEXT, mail.text.clone().into()), POLICY)
            }
            _ => said(StatusCode::NOT_FOUND, "There is no such mail"),
        }
    }

    fn list(&self, request: &Request) -> Answer {
        let mailbox = parameter(request, "mailbox").unwrap_or_default().trim().to_owned();
        let start = parameter(request, "from").and_then(|from| from.parse().ok()).unwrap_or(0);
        let found: Vec<(usize, Leaving)> = {
            let outbox = self.outbox();
            let all = outbox.newest_first();
            let wanted = all.filter(|(_, mail)| mailbox.is_empty() || mail.is_for(&mailbox));
            wanted.map(|(place, mail)| (place, mail.clone())).collect()
        };
        let tenant = self.tenant();
        let shown = found.iter().skip(start).take(PER_PAGE);
        let mails =
            shown.map(|(place, mail)| Self::line(&tenant, *place, mail, self.letter(mail).subject));
        let mails = mails.collect();
        drop(tenant);
        let end = start.saturating_add(PER_PAGE);
        let here = list_of(&mailbox);
        let beside = |from: usize| format!("{here}&from={from}");
        page(
            StatusCode::OK,
            &Page::List {
                mails,
                mailbox,
                count: found.len(),
                newer: (start > 0).then(|| beside(start.saturating_sub(PER_PAGE))),
                older: (end < found.len()).then(|| beside(end)),
            },
        )
    }

    fn one(&self, place: usize, mail: &Leaving) -> Answer {
        let Letter { from, to, cc, reply_to, subject, message_id, html, text } = self.letter(mail);
        let line = Self::line(&self.tenant(), place, mail, subject);
        let head = [
            ("From", from),
            ("To", to),
            ("Cc", cc),
            ("Reply-To", reply_to),
            ("Message-ID", message_id),
        ];
        page(
            StatusCode::OK,
            &Page::Mail {
                line,
                head: head.into_iter().filter(|(_, value)| !value.is_empty()).collect(),
                is_html: html.is_some(),
                text,
                has_source: matches!(mail.sender, Sender::Smtp(_)),
            },
        )
    }

    fn line(tenant: &Tenant, place: usize, mail: &Leaving, subject: String) -> Line {
        let guest = mail.recipients.first().and_then(|to| tenant.directory.find_mail(to));
        let state =
            guest.and_then(|at| tenant.directory.current(at).user.external_user_state.as_deref());
        let recipients = mail
            .recipients
            .iter()
            .map(|address| Recipient { address: address.clone(), list: list_of(address) });
        Line {
            place,
            at: mail.at.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
            by: match mail.sender {
                Sender::Microsoft(_) => "Microsoft's invitation",
                Sender::Mailbox { .. } => "own mail, by Graph",
                Sender::Smtp(_) => "own mail, over SMTP",
            },
            recipients: recipients.collect(),
            subject,
            guest: match state {
                Some("Accepted") => "redeemed",
                Some(_) => "pending",
                None => "",
            },
        }
    }
}

fn said(status: StatusCode, title: &str) -> Answer {
    page(status, &Page::Said { title: title.to_owned(), text: String::new() })
}

fn list_of(mailbox: &str) -> String {
    format!("{MAILS}?mailbox={}", utf8_percent_encode(mailbox, NON_ALPHANUMERIC))
}

fn parameter(request: &Request, name: &str) -> Option<String> {
    let mut pairs = request.query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(_, value)| decode_query(value))
}

/// The HTML of a mail, whose links lead out of its frame.
fn led_out(html: &str) -> String {
    const OUT: &str = "<base target=\"_top\">";
    let lower = html.to_ascii_lowercase();
    let after = |tag: &str| {
        let at = lower.find(tag)?;
        Some(at + lower[at..].find('>')? + 1)
    };
    let at = after("<head").or_else(|| after("<!doctype")).unwrap_or(0);
    format!("{}{OUT}{}", &html[..at], &html[at..])
}

#[cfg(test)]
mod tests {
    use super::led_out;

    #[test]
    fn links_of_a_mail_lead_out_of_its_frame_whatever_it_begins_with() {
        for (html, led) in [
            (
                "<!doctype html><html><HEAD lang=x><title>",
                "<!doctype html><html><HEAD lang=x>|<title>",
            ),
            ("<!DOCTYPE html><p>", "<!DOCTYPE html>|<p>"),
            ("<p>Ö", "|<p>Ö"),
            ("", "|"),
        ] {
            assert_eq!(led_out(html), led.replace('|', "<base target=\"_top\">"));
        }
    }
}
