//! What a rehearsal is given in the place of the world: the tenant, a campaign's settings
//! without anything that leads outside, and a checkpoint that no campaign can take for its
//! own.
//!
//! Leaves to others: what happens on it (`nights`).

use std::path::{Path, PathBuf};

use crate::checkpoint::rehearsal_of;
use crate::config::{DeliveryWay, HookSettings, MailAddress, NotifySettings, Settings};
use crate::domain::Caller;
use crate::emulator::{Application, Emulator, Options, TenantSeed};
use crate::graph::GivenToken;

/// The checkpoint of a rehearsal, in its folder.
pub const CHECKPOINT: &str = "rehearsal.checkpoint";

/// Mails that are written as files, in its folder.
pub const MAILS: &str = "rehearsal-mails";

/// Requests that one application may have under way in a mailbox.
const IN_A_MAILBOX: u32 = 4;

/// A rehearsal ends before a token does: signing in is not what is rehearsed.
const TOKEN_LIFE: std::time::Duration = std::time::Duration::from_hours(24 * 730);

/// No rehearsal can be held.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    #[error("no application of the tenant can sign in")]
    NoApplication,
}

/// The tenant and what a run needs of it.
pub(super) struct Stage {
    pub(super) tenant: Emulator,
    pub(super) settings: Settings,
    pub(super) checkpoint: PathBuf,
    client_id: String,
}

impl Stage {
    /// To be called within the runtime whose clock does not wait.
    pub(super) fn set(
        settings: &Settings,
        mut seed: TenantSeed,
        options: Options,
        folder: &Path,
    ) -> Result<Self, StageError> {
        let settings = without_the_world(settings, folder);
        // No other tenant is called so: the checkpoint is nobody's but the rehearsal's.
        seed.organization.id = rehearsal_of(&seed.organization.id);
        let application = seed.applications.first_mut().ok_or(StageError::NoApplication)?;
        let client_id = application.client_id.clone();
        let mut mails_per_minute = options.mails_per_minute;
        if let (DeliveryWay::Graph, Some(MailAddress { address, .. })) =
            (settings.delivery.by, &settings.delivery.from)
        {
            let address = address.as_str().to_owned();
            lend(application, &address);
            if !seed.mailboxes.iter().any(|it| it.eq_ignore_ascii_case(&address)) {
                seed.mailboxes.push(address);
            }
            // What a server of one's own takes, its pace says.
            let per_minute =
                usize::try_from(settings.delivery.pace.per_minute).unwrap_or(usize::MAX);
            mails_per_minute = mails_per_minute.max(per_minute);
        }
        let options = Options {
            token_life: TOKEN_LIFE,
            mails_per_minute,
            // A whole campaign with every request kept would only grow.
            log_requests: false,
            ..options
        };
        let tenant = Emulator::new(seed, options);
        Ok(Self { tenant, settings, checkpoint: folder.join(CHECKPOINT), client_id })
    }

    /// The sign-in of a run.
    pub(super) fn token(&self) -> GivenToken {
        let token = self.tenant.token(&self.client_id, Caller::AppOnly);
        GivenToken(token.expect("the application was found in the seed").into())
    }
}

/// A copy says nothing of mailboxes: whoever may send in the campaign may send here.
fn lend(application: &mut Application, address: &str) {
    let address = address.to_lowercase();
    if !application.mailboxes.contains(&address) {
        application.mailboxes.push(address);
    }
}

/// The campaign's settings, but that nobody outside hears of it, nothing outside stops it,
/// and mails stay inside.
fn without_the_world(settings: &Settings, folder: &Path) -> Settings {
    let mut settings = settings.clone();
    settings.checkpoint = None;
    settings.guards.stop_file = None;
    settings.metrics = None;
    settings.notify = NotifySettings::default();
    settings.hooks = HookSettings::default();
    let delivery = &mut settings.delivery;
    match delivery.by {
        DeliveryWay::Smtp => {
            delivery.by = DeliveryWay::Graph;
            delivery.smtp = None;
            delivery.pace.in_flight = delivery.pace.in_flight.min(IN_A_MAILBOX);
        }
        DeliveryWay::Files => delivery.folder = Some(folder.join(MAILS)),
        DeliveryWay::Microsoft | DeliveryWay::Graph | DeliveryWay::None => {}
    }
    settings
}
