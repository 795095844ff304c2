//! Reading users, and writing to one guest: PATCH of the mail, POST of an
//! invitation.

use std::sync::Mutex;

use bytes::Bytes;
use http::{Method, StatusCode};
use jiff::Timestamp;
use serde::Serialize;

use crate::domain::{
    DirectoryUser, RedeemUrl, Redemption, RedemptionState, Trace, UserId, UserType,
};

use super::answer::from_json;
use super::call::Call;
use super::call_error::CallError;
use super::catalogue::{Operation, Verdict};
use super::client::Graph;
use super::odata::query;
use super::pace::Shape;
use super::wire;

impl Graph {
    /// Reads one user; None when there is none with this id.
    pub async fn user(&self, id: UserId) -> Result<Option<DirectoryUser>, CallError> {
        let url = self.url(&format!("/users/{id}"), &query(&[("$select", wire::USER_SELECT)]));
        let mut read = self.read::<wire::User>(&Call::get(url.clone())).await;
        // One answer about someone else is none; a second is no accident.
        if read.as_ref().is_ok_and(|user| !user.id.eq_ignore_ascii_case(&id.to_string())) {
            read = self.read(&Call::get(url)).await;
        }
        match read {
            Ok(user) if !user.id.eq_ignore_ascii_case(&id.to_string()) => {
                Err(CallError::Protocol(format!("asked for {id}, it tells of another user")))
            }
            Ok(user) => directory_user(user).map(Some),
            Err(CallError::Refused { refusal, .. }) if refusal.status == StatusCode::NOT_FOUND => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Writes `mail` or `otherMails`. Setting the same value twice does no harm, so
    /// a lost answer is answered by repeating. `trace` becomes what it leaves with the
    /// service, whatever comes of it.
    pub async fn patch_user(
        &self,
        id: UserId,
        patch: &wire::UserPatch,
        trace: &mut Trace,
    ) -> Result<(), CallError> {
        let operation = if patch.other_mails.is_some() {
            Operation::WriteOtherMails
        } else {
            Operation::WriteMail
        };
        let call = Call {
            method: Method::PATCH,
            url: self.url(&format!("/users/{id}"), ""),
            body: Some(json(patch)),
            operation,
            advanced: false,
            trace: Mutex::default(),
        };
        let mut answer = self.repeat(&call).await;
        // Graph answers 204; a server that shows the user shows this one. Anything else
        // tells nothing, and writing the same value again does no harm.
        let is_about = |body: &Bytes| {
            body.is_empty()
                || from_json::<wire::User>(body)
                    .is_ok_and(|user| user.id.eq_ignore_ascii_case(&id.to_string()))
        };
        if answer.as_ref().is_ok_and(|body| !is_about(body)) {
            answer = self.repeat(&call).await;
        }
        *trace = call.into_trace();
        match answer {
            Ok(body) if !is_about(&body) => Err(CallError::Lost {
                evidence: "the service answered a change with something else".to_owned(),
            }),
            answer => answer.map(drop),
        }
    }

    /// Waits until an invitation may be sent. What the guest looks like, and that it is
    /// about to be invited, is to be settled between this and [`Self::invite`].
    pub async fn invitation_turn(&self) -> Result<(), CallError> {
        self.pacer.take_turn(Shape::from_request("/invitations", "")).await?;
        self.connected().await
    }

    /// Sends an invitation, once, with a turn taken before. A lost or unreadable answer, and every 5xx, is
    /// [`CallError::Lost`]: it may have been sent. Gives the link that redeems it. `trace` becomes what it leaves with the
    /// service, whatever comes of it.
    pub async fn invite(
        &self,
        request: &wire::InvitationRequest,
        trace: &mut Trace,
    ) -> Result<Option<RedeemUrl>, CallError> {
        let call = Call {
            method: Method::POST,
            url: self.url("/invitations", ""),
            body: Some(json(request)),
            operation: Operation::Invite,
            advanced: false,
            trace: Mutex::default(),
        };
        let answer = self.pass(&call).await;
        *trace = call.into_trace();
        let answer = match answer {
            Err(CallError::Refused { refusal, verdict: Verdict::OutcomeUnknown }) => {
                return Err(CallError::Lost {
                    evidence: format!("the service answered {refusal}"),
                });
            }
            other => other?,
        };
        let lost = |why: String| CallError::Lost {
            evidence: format!("the service answered {}, but {why}", answer.status().as_u16()),
        };
        let invitation: wire::Invitation = from_json(answer.body())
            .map_err(|error| lost(format!("the answer is unreadable: {error}")))?;
        match invitation.status.as_deref() {
            // The service took the request and says it failed: no documented cause.
            Some(status) if status.eq_ignore_ascii_case("Error") => Err(CallError::Refused {
                refusal: Box::new(super::refusal::Refusal::from_parts(
                    answer.status(),
                    answer.headers(),
                    br#"{"error":{"code":"Error","message":"the invitation was created with status Error"}}"#,
                )),
                verdict: Verdict::RowFailed(super::catalogue::Cause {
                    code: "status-error",
                    advice: "Microsoft documents no cause; look at the guest in the portal before trying again",
                }),
            }),
            None if invitation.id.is_none() && invitation.invite_redeem_url.is_none() => {
                Err(lost("it is no invitation".to_owned()))
            }
            // The directory tells what an answer about someone else is worth.
            _ if !is_about(request, &invitation) => {
                Err(lost("it is not about this guest and address".to_owned()))
            }
            Some("PendingAcceptance" | "Completed" | "InProgress") | None => {
                Ok(invitation.invite_redeem_url.map(RedeemUrl::new))
            }
            Some(status) => Err(lost(format!("its status is `{status}`"))),
        }
    }
}

/// Whether an answer names the guest or the address that was asked for, and no other.
fn is_about(request: &wire::InvitationRequest, told: &wire::Invitation) -> bool {
    let asked = request.invited_user.as_ref().map(|user| user.id.as_str());
    let guest = told.invited_user.as_ref().zip(asked);
    let guest = guest.map(|(user, asked)| user.id.eq_ignore_ascii_case(asked));
    let address = told.invited_user_email_address.as_deref();
    let address =
        address.map(|told| told.eq_ignore_ascii_case(&request.invited_user_email_address));
    match (guest, address) {
        (None, None) => false,
        (guest, address) => guest != Some(false) && address != Some(false),
    }
}

fn json(body: &impl Serialize) -> Bytes {
    serde_json::to_vec(body).expect("wire types are plain data").into()
}

/// The user as planning sees it.
pub(super) fn directory_user(user: wire::User) -> Result<DirectoryUser, CallError> {
    let id = UserId::parse(&user.id)
        .map_err(|error| CallError::Protocol(format!("a user without usable id: {error}")))?;
    let boxed = |list: Vec<String>| list.into_iter().map(String::into_boxed_str).collect();
    Ok(DirectoryUser {
        id,
        user_principal_name: user.user_principal_name.into(),
        display_name: user.display_name.map(Into::into),
        mail: user.mail.filter(|mail| !mail.is_empty()).map(Into::into),
        other_mails: boxed(user.other_mails),
        proxy_addresses: smtp_addresses(&user.proxy_addresses).map(Into::into).collect(),
        user_type: match user.user_type.as_deref() {
            Some("Guest") => UserType::Guest,
            Some("Member") => UserType::Member,
            Some(_) | None => UserType::Other,
        },
        creation_type: user.creation_type.map(Into::into),
        redemption: Redemption {
            state: user.external_user_state.map(|state| match state.as_str() {
                "PendingAcceptance" => RedemptionState::PendingAcceptance,
                "Accepted" => RedemptionState::Accepted,
                _ => RedemptionState::Other(state.into()),
            }),
            changed_at: user
                .external_user_state_change_date_time
                .and_then(|text| text.parse::<Timestamp>().ok()),
        },
        account_enabled: user.account_enabled,
        synced: user.on_premises_sync_enabled == Some(true),
        formerly_synced: user.on_premises_sync_enabled == Some(false)
            && user.on_premises_immutable_id.is_some(),
        management_restricted: user.is_management_restricted == Some(true),
    })
}

/// The SMTP addresses among proxy addresses, without prefix.
pub(super) fn smtp_addresses(proxies: &[String]) -> impl Iterator<Item = &str> {
    proxies.iter().filter_map(|proxy| {
        let (kind, address) = proxy.split_once(':')?;
        kind.eq_ignore_ascii_case("smtp").then_some(address)
    })
}
