//! An example of one's own mail on a page: to look at, with nothing that leads anywhere.
//!
//! Leaves to others: making it (`campaign`), and the pages (`plan_page`, `campaign`).

use minijinja::context;
use minijinja::value::Value;

use crate::campaign::SampleMail;

use super::text::{harmless, harmless_lines};

/// Its values for a page's template.
pub(super) fn sample_mail(mail: &SampleMail) -> Value {
    let cc: Vec<_> = mail.cc.iter().map(|copy| harmless(copy.as_str())).collect();
    context! {
        template => harmless(&mail.template),
        rows => mail.rows,
        line => mail.line,
        from => harmless(&mail.from),
        cc => cc.join(", "),
        to => harmless(mail.to.as_str()),
        subject => harmless(&mail.subject),
        text => harmless_lines(&mail.text),
    }
}
