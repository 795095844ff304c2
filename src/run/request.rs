//! From the plan's instructions to the bodies that travel.

use crate::checkpoint::IntentReason;
use crate::config::DeliveryWay;
use crate::domain::UserId;
use crate::graph::wire;
use crate::plan::{ChangeReason, Invitation, SetMail};

/// The plan's reason as it is stored with the intent; None for what sends no invitation.
pub(super) fn intent_reason(reason: ChangeReason) -> Option<IntentReason> {
    match reason {
        ChangeReason::NewAddress => Some(IntentReason::NewAddress),
        ChangeReason::ResetOnly => Some(IntentReason::ResetOnly),
        ChangeReason::FinishEarlierRun => Some(IntentReason::FinishEarlierRun),
        ChangeReason::UnknownOutcome => Some(IntentReason::UnknownOutcome),
        ChangeReason::RetryFailed => Some(IntentReason::RetryFailed),
        ChangeReason::Resend => Some(IntentReason::Resend),
        ChangeReason::Reminder => Some(IntentReason::Reminder),
        ChangeReason::Unmailed => Some(IntentReason::Unmailed),
        ChangeReason::Revert => Some(IntentReason::Revert),
        ChangeReason::Correction
        | ChangeReason::Mail
        | ChangeReason::ReminderMail
        | ChangeReason::RevertMail => None,
    }
}

/// The body that writes a mail.
pub(super) fn patch(set: &SetMail) -> wire::UserPatch {
    wire::UserPatch {
        mail: set.desired.as_ref().map(|mail| mail.as_str().to_owned()),
        other_mails: set
            .other_mails
            .as_ref()
            .map(|set| set.desired.iter().map(|mail| (**mail).to_owned()).collect()),
    }
}

pub(super) fn request(invitation: &Invitation, guest: UserId) -> wire::InvitationRequest {
    // Microsoft copies one.
    let Invitation {
        address,
        redirect_url,
        send,
        by,
        message,
        cc,
        language,
        display_name,
        more_cc: _,
    } = invitation;
    let is_mailed = *by == DeliveryWay::Microsoft;
    let info = wire::InvitedUserMessageInfo {
        message_language: language.as_ref().map(|language| language.as_str().to_owned()),
        customized_message_body: message.as_ref().map(|message| message.as_str().to_owned()),
        cc_recipients: cc
            .iter()
            .map(|cc| wire::Recipient {
                email_address: wire::EmailAddress {
                    name: None,
                    address: Some(cc.as_str().to_owned()),
                },
            })
            .collect(),
    };
    wire::InvitationRequest {
        invited_user_email_address: address.as_str().to_owned(),
        invite_redirect_url: redirect_url.as_str().to_owned(),
        invited_user_display_name: display_name.as_deref().map(str::to_owned),
        send_invitation_message: *send && is_mailed,
        // With a mail of one's own the text is in that.
        invited_user_message_info: (is_mailed && info != wire::InvitedUserMessageInfo::default())
            .then_some(info),
        reset_redemption: true,
        invited_user: Some(wire::InvitedUser { id: guest.to_string(), user_principal_name: None }),
    }
}
