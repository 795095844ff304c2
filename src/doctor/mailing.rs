//! Whether mails of one's own would leave, as far as that shows without sending one.
//!
//! Leaves to others: trying the way (`cli`), and what is wrong with a server in its own
//! words (`delivery`).

use super::{Configured, Finding, Identity};

const CODE: &str = "mailing";

/// What is granted for every mailbox of a tenant, if it is granted in Entra (Microsoft
/// Graph, *Limit mailbox access*).
pub(super) const OF_A_MAILBOX: &[&str] = &["Mail.Send", "Mail.ReadWrite"];

/// The configured way, and what trying it showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mailing {
    Nobody,
    Files { folder: String, trouble: Option<String> },
    Server { name: String, user: Option<String>, trouble: Option<Trouble> },
    Mailbox { address: String, trouble: Option<Trouble> },
}

/// What is in the way, in its own words, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    pub message: String,
    pub advice: String,
}

/// Something about a template that a person should mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// Which, where in it, and what is wrong.
    pub message: String,
    pub advice: String,
    /// Whether no run could mail with it.
    pub is_fatal: bool,
}

pub(super) fn template(Unfit { message, advice, is_fatal }: &Unfit) -> Finding {
    let finding = if *is_fatal { Finding::problem } else { Finding::warning };
    finding("template", message, advice)
}

pub(super) fn findings(mailing: &Mailing, identity: Option<&Identity>) -> Vec<Finding> {
    match mailing {
        Mailing::Nobody => vec![Finding::warning(
            CODE,
            "[delivery] by is none: nobody mails the guests, and a reset guest can't sign in",
            "tell the guests yourself, or set by to graph, smtp or files",
        )],
        Mailing::Files { folder, trouble: None } => {
            vec![Finding::ok(
                CODE,
                format!("mails are put into the folder {folder}, to be sent by you"),
            )]
        }
        Mailing::Files { folder, trouble: Some(trouble) } => vec![Finding::problem(
            CODE,
            format!("mails can't be put into the folder {folder}: {trouble}"),
            "see folder under [delivery]",
        )],
        Mailing::Server { name, user, trouble: None } => {
            let signed_in = match user {
                Some(user) => format!("takes the sign-in of {user}"),
                None => "answers; nobody signs in to it".to_owned(),
            };
            vec![Finding::ok(CODE, format!("the mail server {name} {signed_in}"))]
        }
        Mailing::Server { trouble: Some(Trouble { message, advice }), .. } => {
            vec![Finding::problem(CODE, message.clone(), advice.clone())]
        }
        Mailing::Mailbox { address, trouble: None } => mailbox(address, identity),
        Mailing::Mailbox { address, trouble: Some(Trouble { message, advice }) } => {
            let message = format!("the mailbox {address} can't be used: {message}");
            vec![Finding::problem(CODE, message, advice.clone())]
        }
    }
}

/// Nights that are to ask for what is not there (Microsoft Graph, *List messageTraces*,
/// 2026-01: global service alone).
pub(super) fn trace(configured: &Configured) -> Option<Finding> {
    (configured.mail_trace && !configured.has_message_trace).then(|| {
        Finding::not_seen(
            "mail-trace",
            format!(
                "nights are to ask the message trace whether mails arrived, and Graph has it in \
                 the global cloud alone; this is {}",
                configured.cloud
            ),
            "set mail_trace under [reconcile] to false; Exchange's own trace shows bounced mails",
        )
    })
}

/// A mailbox that may be written to. Whether it may be sent from shows in the token alone,
/// and not there where Exchange grants it.
fn mailbox(address: &str, identity: Option<&Identity>) -> Vec<Finding> {
    let permissions = identity.and_then(|identity| identity.permissions.as_ref());
    let has = |name: &str| permissions.is_some_and(|all| all.iter().any(|one| one == name));
    let mut findings = vec![if has("Mail.Send") {
        Finding::ok(CODE, format!("the mailbox {address} may be written to and sent from"))
    } else {
        Finding::not_seen(
            CODE,
            format!(
                "the mailbox {address} may be written to; whether it may be sent from, the token \
                 does not say"
            ),
            "preview --to YOU tells; Exchange grants it by the role Application Mail.Send",
        )
    }];
    let unscoped: Vec<&str> = OF_A_MAILBOX.iter().copied().filter(|name| has(name)).collect();
    if !unscoped.is_empty() {
        findings.push(Finding::warning(
            "mailbox-scope",
            format!("granted for every mailbox of the tenant: {}", unscoped.join(", ")),
            format!(
                "take it away and let Exchange grant it for {address} alone (RBAC for Applications)"
            ),
        ));
    }
    findings
}
