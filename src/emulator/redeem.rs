//! Redeeming: a guest opens the link of an invitation.
//!
//! With the next invitation of the same guest a link is void, which is known from the
//! field and not documented. Entra asks for a sign-in and for consent before; here
//! opening the link is all of it.
//!
//! Leaves to others: making links (`invitations`), and the mails that hold them
//! (`mail_page`).

use http::StatusCode;

use super::http::percent::decode;
use super::http::{Answer, Request};
use super::invitations::{REDEEM, set_state};
use super::mail_page::{Page, page};
use super::state::Shared;
use tokio::time::Instant;

/// What a link leads to.
enum Link {
    Nowhere,
    Void,
    /// The guest is no more.
    Orphan,
    Good {
        name: String,
        redirect_url: String,
        was_redeemed: bool,
    },
}

impl Shared {
    /// The guest redeems its invitation. False when there is no such user.
    pub(super) fn redeem(&self, id: &str) -> bool {
        let now = self.clock.now_in_seconds();
        let mut tenant = self.tenant();
        let Some(at) = tenant.directory.find(id) else { return false };
        tenant.directory.write(at, self.longest_lag(), Instant::now(), |person| {
            set_state(&mut person.user, "Accepted", now);
        });
        tenant.redemptions.push((now, id.to_owned()));
        true
    }

    /// `GET /redeem?…`
    pub(super) fn open_link(&self, request: &Request) -> Answer {
        let (status, title, text) = match self.follow(request) {
            Link::Good { name, redirect_url, was_redeemed } => {
                let title = if was_redeemed {
                    format!("{name} had redeemed this invitation before")
                } else {
                    format!("{name} has redeemed the invitation")
                };
                (StatusCode::OK, title, format!("Entra would lead on to {redirect_url}."))
            }
            Link::Void => (
                StatusCode::GONE,
                "This link is void".to_owned(),
                "The guest was invited again since: the link of the last invitation redeems."
                    .to_owned(),
            ),
            Link::Orphan => (
                StatusCode::GONE,
                "The guest of this link was deleted".to_owned(),
                "Nobody is left to redeem it.".to_owned(),
            ),
            Link::Nowhere => (
                StatusCode::NOT_FOUND,
                "No invitation has this link".to_owned(),
                "The tenant forgets everything when it ends; links of an earlier one lead nowhere."
                    .to_owned(),
            ),
        };
        page(status, &Page::Said { title, text })
    }

    fn follow(&self, request: &Request) -> Link {
        let asked = decode(&format!("{REDEEM}?{}", request.query));
        let tenant = self.tenant();
        let of_ours = |link: &str| link.find(REDEEM).is_some_and(|at| decode(&link[at..]) == asked);
        let made = tenant.invitations_made().find(|made| of_ours(&made.redeem_url)).cloned();
        let Some(invitation) = made else { return Link::Nowhere };
        let last = tenant.invitations_made().rev().find(|made| made.id == invitation.id);
        if last.is_some_and(|last| last.redeem_url != invitation.redeem_url) {
            return Link::Void;
        }
        let Some(at) = tenant.directory.find(&invitation.id) else { return Link::Orphan };
        let user = &tenant.directory.current(at).user;
        let was_redeemed = user.external_user_state.as_deref() == Some("Accepted");
        let name = user.display_name.clone().unwrap_or_else(|| invitation.address.clone());
        drop(tenant);
        if !was_redeemed {
            self.redeem(&invitation.id);
        }
        Link::Good { name, redirect_url: invitation.redirect_url, was_redeemed }
    }
}
