//! What became of mails, and what to do about those that did not arrive, in words.
//!
//! Leaves to others: asking the message trace (`campaign`).

use crate::campaign::{Arrived, BouncedDomain};
use crate::domain::{Arrival, Fate};

/// What the message trace tells of a mail.
pub(super) const fn told(fate: Fate) -> &'static str {
    match fate {
        Fate::Delivered => "delivered to the guest's server",
        Fate::Bounced => "bounced",
        Fate::Quarantined => "quarantined",
        Fate::Spam => "taken for spam; it may be among the junk mail",
        Fate::Pending => "still on its way",
        Fate::Unclear => "in a state that this version does not know",
    }
}

/// What to do about a mail that did not arrive.
pub(super) fn advice(arrival: &Arrival) -> &'static str {
    match arrival.fate {
        Fate::Quarantined => {
            "have an administrator release it from the quarantine, or tell the guest yourself"
        }
        _ => of_code(arrival.code.as_deref()),
    }
}

/// By the enhanced status code (RFC 3463; *Enhanced status codes* at IANA; Exchange Online,
/// *Non-delivery reports*).
fn of_code(code: Option<&str>) -> &'static str {
    let code = code.unwrap_or_default();
    match code {
        "5.1.10" | "5.1.1" | "5.1.0" | "5.1.3" | "5.1.6" => {
            "nobody has this address there: ask the partner for the right one, mend the row and apply again"
        }
        "5.1.2" | "5.4.4" | "5.4.310" | "5.4.312" | "4.4.312" => {
            "the domain takes no mail: see whether it is spelt right, mend the row and apply again"
        }
        "5.2.2" | "4.2.2" => "the mailbox is full: ask the guest, then apply --resend",
        // Exchange Online's own limits.
        "5.7.232" | "5.7.233" | "5.7.236" | "5.1.90" | "5.7.508" => {
            "your tenant has sent its day's mails: apply --resend tomorrow"
        }
        code if code.starts_with("5.7.") => {
            "their server refuses mails from you: ask the partner to let your domain through, see that SPF, DKIM and DMARC pass, then apply --resend"
        }
        code if code.starts_with("4.") || code.starts_with("5.4.") => {
            "their server could not be reached: ask the partner, then apply --resend"
        }
        _ => "ask the guest for an address that takes mail, or tell it yourself",
    }
}

/// A mail that did not arrive, and what to do.
pub(super) fn sentence(Arrived { fate, code, message, .. }: &Arrived) -> String {
    let code = code.as_ref().map_or(String::new(), |code| format!(" [{code}]"));
    let words = if message.is_empty() { String::new() } else { format!(": {message}") };
    format!(
        "its mail was {}{code}{words}",
        if *fate == Fate::Bounced { "refused" } else { told(*fate) }
    )
}

/// A domain where mails bounced, and what to do.
pub(super) fn of_domain(BouncedDomain { domain, traced, bounced, code }: &BouncedDomain) -> String {
    let shown = code.as_ref().map_or(String::new(), |code| format!(" [{code}]"));
    let advice = of_code(code.as_deref());
    let all = if traced == bounced && *bounced > 1 { "all " } else { "" };
    format!("{domain}: {all}{bounced} of {traced} bounced{shown}; {advice}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_bounce_has_its_advice() {
        for (code, part) in [
            (Some("5.1.1"), "nobody has this address"),
            (Some("5.4.4"), "the domain takes no mail"),
            (Some("5.2.2"), "full"),
            (Some("5.7.236"), "day's mails"),
            (Some("5.7.26"), "SPF"),
            (Some("4.4.1"), "could not be reached"),
            (Some("5.3.0"), "tell it yourself"),
            (None, "tell it yourself"),
        ] {
            assert!(of_code(code).contains(part), "{code:?}: {}", of_code(code));
        }
    }
}
