//! When guests were last seen signing in. Nothing depends on it: where it can't be read, it
//! is not known.
//!
//! Leaves to others: which guest is too long away (`draft`).

use std::collections::HashMap;

use jiff::Timestamp;

use crate::domain::{SignIns, Unreadable, UserId};

use super::call::Call;
use super::call_error::CallError;
use super::client::Graph;
use super::odata::query;
use super::survey::{Optional, is_about_the_filter};
use super::wire;

const SIGN_INS: Optional = Optional {
    what: "sign-ins",
    consequence: "when a guest was last here",
    // Microsoft Graph, *signInActivity resource type*; it takes a licence of Entra ID P1 too.
    permission: "AuditLog.Read.All",
};

/// The largest pages with `signInActivity`: what is documented, and the cap that was met
/// before (microsoftgraph/msgraph-sdk-powershell#1898).
const PAGES: [&str; 2] = ["500", "120"];

/// External members come by invitation, too; the plain form is there for a service that
/// refuses the `or`.
const FILTERS: [&str; 2] =
    ["userType eq 'Guest' or creationType eq 'Invitation'", "userType eq 'Guest'"];

impl Graph {
    /// When each guest last signed in, or tried to. None when that can't be read, which is
    /// noted.
    pub async fn sign_ins(
        &self,
        unreadable: &mut Vec<Unreadable>,
    ) -> Result<Option<SignIns>, CallError> {
        let mut read = self.sign_ins_by(FILTERS[0], PAGES[0]).await;
        if is_refused(&read, |message| message.contains("more than 120 users")) {
            read = self.sign_ins_by(FILTERS[0], PAGES[1]).await;
        }
        if let Err(CallError::Refused { refusal, .. }) = &read
            && is_about_the_filter(refusal)
        {
            read = self.sign_ins_by(FILTERS[1], PAGES[1]).await;
        }
        self.optional(read, unreadable, &SIGN_INS)
    }

    async fn sign_ins_by(&self, filter: &str, page: &str) -> Result<SignIns, CallError> {
        let query = query(&[("$filter", filter), ("$select", "id,signInActivity"), ("$top", page)]);
        let mut sign_ins = HashMap::new();
        self.pages(Call::get(self.url("/users", &query)), |user: wire::UserSignIns| {
            let last = user.sign_in_activity.as_ref().and_then(last);
            if let (Ok(id), Some(last)) = (UserId::parse(&user.id), last) {
                sign_ins.insert(id, last);
            }
            Ok(())
        })
        .await?;
        Ok(sign_ins)
    }
}

fn is_refused<T>(read: &Result<T, CallError>, says: impl Fn(&str) -> bool) -> bool {
    matches!(read, Err(CallError::Refused { refusal, .. }) if says(&refusal.folded_message()))
}

/// The latest of the moments that are told. A moment before there was such a service is the
/// zero of a clock, and no sign-in.
fn last(activity: &wire::SignInActivity) -> Option<Timestamp> {
    const FIRST: i64 = 946_684_800; // 2000-01-01
    [
        &activity.last_sign_in_date_time,
        &activity.last_non_interactive_sign_in_date_time,
        &activity.last_successful_sign_in_date_time,
    ]
    .into_iter()
    .filter_map(|text| text.as_deref()?.parse::<Timestamp>().ok())
    .filter(|at| at.as_second() >= FIRST)
    .max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_moment_counts_and_the_zero_of_a_clock_is_none() {
        let activity = |interactive: &str, other: &str, successful: &str| {
            let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            last(&wire::SignInActivity {
                last_sign_in_date_time: some(interactive),
                last_non_interactive_sign_in_date_time: some(other),
                last_successful_sign_in_date_time: some(successful),
            })
            .map(|at| at.to_string())
        };
        let (march, may) = ("2026-03-01T08:00:00Z", "2026-05-01T08:00:00Z");
        assert_eq!(activity(march, may, "").as_deref(), Some(may));
        assert_eq!(activity("", "", march).as_deref(), Some(march));
        assert_eq!(activity("0001-01-01T00:00:00Z", "", "soon"), None);
        assert_eq!(activity("", "", ""), None);
    }
}
