//! `POST /invitations`: who may send one, to which address, and what it does
//! (Microsoft Graph, *Create invitation*, 2024-10; Entra, *Reset redemption
//! status*, 2026-04).
//!
//! Leaves to others: quotas (`quota`) and faults (`faults`). In which order the
//! service checks is not documented; here what is true of the caller and of the
//! tenant comes before what is true of one invitation.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use super::body::INVITATION;
use super::directory::Holder;
use super::errors::Refusal;
use super::http::{Answer, Request};
use super::ledger::{Effect, InvitationEntry, Write};
use super::outbox::Sender;
use super::seed::{AllowInvitesFrom, Person, external_upn};
use super::state::{Shared, Tenant};
use super::token::Grant;
use crate::domain::Caller;
use crate::graph::wire::{self, InvitationRequest};

/// Microsoft Graph, *Create invitation*, permissions.
const INVITE: &[&str] = &["User.Invite.All", "User.ReadWrite.All", "Directory.ReadWrite.All"];
/// The path of a link that redeems.
pub(super) const REDEEM: &str = "/redeem";
/// The same page: what a reset needs.
const RESET: &[&str] = &["User.ReadWrite.All", "Directory.ReadWrite.All"];

impl Shared {
    /// `POST /invitations`
    pub(super) fn invite(&self, grant: &Grant, request: &Request) -> Result<Answer, Refusal> {
        let mut tenant = self.tenant();
        may_invite(&tenant, &self.tenant_id, grant)?;
        let outcome = self.take(&mut tenant, grant, request);
        match &outcome {
            Ok(_) => tenant.invitations += 1,
            Err(_) => tenant.failed_invitations += 1,
        }
        let wire = self.options.tripwire;
        tenant.is_blocked |= wire.after_invitations.is_some_and(|n| tenant.invitations >= n)
            || wire.after_failures.is_some_and(|n| tenant.failed_invitations >= n);
        let (answer, write) = outcome?;
        tenant.writes.push(write.clone());
        let n = tenant.writes.len();
        drop(tenant);
        if let Write::Invitation(entry) = &write
            && entry.mailed
        {
            self.leaves(Sender::Microsoft(Arc::new(entry.clone())), Instant::now());
        }
        self.wrote(n, &write);
        Ok(answer)
    }

    fn take(
        &self,
        tenant: &mut Tenant,
        grant: &Grant,
        request: &Request,
    ) -> Result<(Answer, Write), Refusal> {
        let invitation = parse(request)?;
        let address = &invitation.invited_user_email_address;
        self.may_be_invited(tenant, address)?;
        let now = self.clock.now_in_seconds();
        let (at, effect) = if invitation.reset_redemption {
            let at = self.resettable(tenant, grant, &invitation)?;
            let is_external = is_external(&tenant.directory.current(at).user);
            tenant.directory.write(at, self.longest_lag(), Instant::now(), |person| {
                set_state(&mut person.user, "PendingAcceptance", now);
            });
            (at, if is_external { Effect::Reset } else { Effect::Converted })
        } else {
            if let Some(at) = tenant.directory.find_mail(address) {
                return Err(already_exists(&tenant.directory.current(at).user));
            }
            let person = self.new_guest(&invitation, now);
            (tenant.directory.add(person, Some(Instant::now())), Effect::Created)
        };
        let user = &tenant.directory.current(at).user;
        let id = Uuid::new_v4();
        let redeem_url = self.redeem_url(&request.origin, id);
        let info = invitation.invited_user_message_info.clone().unwrap_or_default();
        let message = info.customized_message_body.clone();
        let entry = InvitationEntry {
            id: user.id.clone(),
            address: address.clone(),
            at: self.clock.now(),
            effect,
            mailed: invitation.send_invitation_message,
            message_dropped: message.is_some() && grant.caller == Caller::AppOnly,
            message,
            language: info.message_language.clone(),
            cc: info.cc_recipients.first().and_then(|cc| cc.email_address.address.clone()),
            redirect_url: invitation.invite_redirect_url.clone(),
            redeem_url: redeem_url.clone(),
        };
        let body = body(request, &invitation, user, id, &redeem_url, "PendingAcceptance");
        Ok((Answer::json(StatusCode::CREATED, &body), Write::Invitation(entry)))
    }

    fn may_be_invited(&self, tenant: &Tenant, address: &str) -> Result<(), Refusal> {
        let domain = address.rsplit('@').next().unwrap_or_default();
        if self.is_own_domain(domain) {
            return Err(Refusal::bad_request(
                "This user cannot be invited because the domain of the user's email address is a \
                 verified domain of this directory.",
            ));
        }
        if matches!(tenant.directory.holder(address), Some(Holder::Group(_))) {
            return Err(Refusal::bad_request("Group email address is not supported"));
        }
        Ok(())
    }

    /// The user whose redemption may be reset.
    fn resettable(
        &self,
        tenant: &Tenant,
        grant: &Grant,
        invitation: &InvitationRequest,
    ) -> Result<usize, Refusal> {
        let directory = &tenant.directory;
        let address = &invitation.invited_user_email_address;
        // azure-docs#71825, #72075: the answer to a missing permission and to a
        // target with a role is the same.
        let not_authorized = || Refusal::forbidden("Generic authorization exception.");
        if !grant.has_any(RESET) {
            return Err(not_authorized());
        }
        let Some(id) = invitation.invited_user.as_ref().map(|user| &user.id) else {
            // msgraph-beta-sdk-dotnet#798.
            return Err(directory.find_mail(address).map_or_else(
                || {
                    Refusal::bad_request(
                        "The property 'invitedUser' is required to reset redemption.",
                    )
                },
                |at| already_exists(&directory.current(at).user),
            ));
        };
        let at = directory.find(id).ok_or_else(|| Refusal::no_such_resource(id))?;
        if grant.caller == Caller::AppOnly && directory.holds_role(id) {
            return Err(not_authorized());
        }
        if directory.current(at).user.account_enabled == Some(false) {
            return Err(already_exists(&directory.current(at).user));
        }
        let lag = self.options.invitation_lag.of(&directory.current(at).user.id);
        let has_address = directory.seen(at, lag, Instant::now()).is_some_and(|person| {
            let mut mails = person.user.mail.iter().chain(&person.user.other_mails);
            mails.any(|mail| mail.eq_ignore_ascii_case(address))
        });
        if !has_address {
            // azure-docs#71825, #86773.
            return Err(Refusal::bad_request(
                "The email you\u{2019}re using to invite this user doesn\u{2019}t match any emails \
                 on the user object. Please add this email to the user object and try again.",
            ));
        }
        Ok(at)
    }

    /// The user that an invitation creates (Entra, *B2B user properties*, 2026-03).
    fn new_guest(&self, invitation: &InvitationRequest, now: Timestamp) -> Person {
        let address = &invitation.invited_user_email_address;
        let mut user = wire::User {
            id: Uuid::new_v4().to_string(),
            display_name: invitation.invited_user_display_name.clone(),
            user_principal_name: external_upn(address, &self.initial_domain),
            mail: Some(address.clone()),
            proxy_addresses: vec![format!("SMTP:{address}")],
            user_type: Some("Guest".into()),
            creation_type: Some("Invitation".into()),
            account_enabled: Some(true),
            ..wire::User::default()
        };
        set_state(&mut user, "PendingAcceptance", now);
        Person { created_date_time: Some(now.to_string()), ..Person::from(user) }
    }

    /// A link with a new ticket; the one before is void from now on. Its `user` is the
    /// invitation's id, and its ticket 32 bytes in base64, encoded once more
    /// (msgraph-sdk-dotnet#535 and other samples). It leads to where people sign in, which
    /// is here.
    fn redeem_url(&self, origin: &str, id: Uuid) -> String {
        let bytes = [Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()].concat();
        let ticket = STANDARD.encode(bytes);
        let ticket = ticket.replace('+', "%252b").replace('/', "%252f").replace('=', "%253d");
        format!(
            "{origin}{REDEEM}?rd=https%3a%2f%2finvitations.microsoft.com\
             %2fredeem%2f%3ftenant%3d{}%26user%3d{id}%26ticket%3d{ticket}%26ver%3d2.0",
            self.tenant_id
        )
    }
}

/// An answer of status 201 that says `Error` and did nothing. What triggers it is
/// not documented; that it exists is (Microsoft Graph, *invitation resource type*,
/// 2024-06).
pub(super) fn error_in_201(request: &Request) -> Answer {
    match parse(request) {
        Ok(invitation) => {
            let id = invitation.invited_user.as_ref().map(|user| user.id.clone());
            let user = wire::User { id: id.unwrap_or_default(), ..wire::User::default() };
            let body = body(request, &invitation, &user, Uuid::new_v4(), "", "Error");
            Answer::json(StatusCode::CREATED, &body)
        }
        Err(_) => Answer::json(StatusCode::CREATED, &json!({ "status": "Error" })),
    }
}

fn may_invite(tenant: &Tenant, tenant_id: &str, grant: &Grant) -> Result<(), Refusal> {
    // microsoft-graph-docs#10759: a 401 that no new token cures.
    if !grant.has_any(INVITE) {
        let message = format!(
            "Insufficient privileges to perform requested operation by the application \
             '-0000-0000-c000-'. ControllerName=MSGraphInviteAPI, ActionName=CreateInvite, URL \
             absolute path=/api/{tenant_id}/invites"
        );
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, "Unauthorized", message));
    }
    if tenant.is_blocked {
        return Err(Refusal::forbidden(
            "Invitations are blocked for this directory due to suspicious activity. Please contact \
             Microsoft support for help.",
        ));
    }
    // `none` stops applications altogether (Entra, *Reset redemption status*,
    // 2026-04); the two middle settings stop those without `User.Invite.All`
    // (azure-docs#78054 and later reports).
    let is_allowed = match tenant.allow_invites_from {
        AllowInvitesFrom::None => false,
        AllowInvitesFrom::AdminsAndGuestInviters
        | AllowInvitesFrom::AdminsGuestInvitersAndAllMembers => {
            grant.caller == Caller::Delegated || grant.has_any(&["User.Invite.All"])
        }
        AllowInvitesFrom::Everyone => true,
    };
    if is_allowed {
        Ok(())
    } else {
        Err(Refusal::forbidden(
            "Guest invitations not allowed for your company. Contact your company administrator for \
             more details.",
        ))
    }
}

fn parse(request: &Request) -> Result<InvitationRequest, Refusal> {
    let body: Value = request.json()?;
    INVITATION.check(&body)?;
    for required in ["invitedUserEmailAddress", "inviteRedirectUrl"] {
        if body.get(required).and_then(Value::as_str).is_none_or(str::is_empty) {
            return Err(Refusal::bad_request(format!(
                "The property '{required}' is required to create an invitation."
            )));
        }
    }
    let invitation: InvitationRequest = serde_json::from_value(body).map_err(|error| {
        Refusal::bad_request(format!("Unable to read JSON request payload. {error}"))
    })?;
    let address = &invitation.invited_user_email_address;
    if address.split_once('@').is_none_or(|(local, domain)| local.is_empty() || domain.is_empty()) {
        // Entra, *Provisioning logs*, InvitationCreationFailureInvalidPropertyValue.
        return Err(Refusal::bad_request("The Primary SMTP Address is an invalid value"));
    }
    let info = invitation.invited_user_message_info.as_ref();
    if info.is_some_and(|info| info.cc_recipients.len() > 1) {
        // Microsoft Graph, *invitedUserMessageInfo resource type*, 2025-01.
        return Err(Refusal::bad_request("Only one additional recipient is supported."));
    }
    Ok(invitation)
}

/// An invitation whose user exists (msgraph-beta-sdk-dotnet#798).
fn already_exists(user: &wire::User) -> Refusal {
    let id = &user.id;
    Refusal::bad_request(if user.account_enabled == Some(false) {
        format!(
            "The invited user already exists in the directory as object ID: {id}, but the account \
             is blocked from signing in. If the account is unblocked, they can use that account to \
             sign in to shared apps and resources."
        )
    } else {
        format!(
            "The invited user already exists in the directory as object ID: {id}. They can use that \
             account to sign in to shared apps and resources."
        )
    })
}

/// Whether the account signs in elsewhere. Inviting any other one converts it, one
/// way (Entra, *Invite internal users*).
fn is_external(user: &wire::User) -> bool {
    user.external_user_state.is_some()
        || matches!(user.creation_type.as_deref(), Some("Invitation" | "SelfServiceSignUp"))
        || user.user_principal_name.to_uppercase().contains("#EXT#")
}

/// Sets `externalUserState` and the moment of its change, in whole seconds.
pub(super) fn set_state(user: &mut wire::User, state: &str, now: Timestamp) {
    user.external_user_state = Some(state.into());
    user.external_user_state_change_date_time = Some(now.to_string());
}

/// The documented response, with its carbon copy of nulls.
fn body(
    request: &Request,
    invitation: &InvitationRequest,
    user: &wire::User,
    id: Uuid,
    redeem_url: &str,
    status: &str,
) -> Value {
    let info = invitation.invited_user_message_info.clone().unwrap_or_default();
    let cc = info.cc_recipients.first().map(|cc| &cc.email_address);
    json!({
        "@odata.context": format!("{}/v1.0/$metadata#invitations/$entity", request.origin),
        "id": id,
        "inviteRedeemUrl": redeem_url,
        "invitedUserDisplayName": invitation.invited_user_display_name,
        "invitedUserType": user.user_type.as_deref().unwrap_or("Guest"),
        "invitedUserEmailAddress": invitation.invited_user_email_address,
        "sendInvitationMessage": invitation.send_invitation_message,
        "resetRedemption": invitation.reset_redemption,
        "inviteRedirectUrl": invitation.invite_redirect_url,
        "status": status,
        "invitedUserMessageInfo": {
            "messageLanguage": info.message_language,
            "customizedMessageBody": info.customized_message_body,
            "ccRecipients": [{
                "emailAddress": {
                    "name": cc.and_then(|cc| cc.name.as_deref()),
                    "address": cc.and_then(|cc| cc.address.as_deref()),
                }
            }],
        },
        "invitedUser": { "id": user.id, "userPrincipalName": user.user_principal_name },
    })
}
