//! Everything configured, resolved: flag over environment over file over the user's own file
//! over default.
//! What the rest of the program sees of the configuration.
//!
//! Leaves to others: acting on it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::auth::AuthSettings;
use super::cloud::TenantSettings;
use super::delivery::DeliverySettings;
use super::error::{ConfigError, Warning};
use super::guards::Guards;
use super::hooks::HookSettings;
use super::invitation::{InvitationDefaults, MailWrite};
use super::key;
use super::layers::{Found, Layers, Reported};
use super::limit::Limit;
use super::manifest::{ManifestSettings, NamedColumn};
use super::night::{ReconcileSettings, RemindSettings};
use super::notify::NotifySettings;
use super::pace::PaceSettings;
use super::revert::RevertSettings;
use super::user::UserWide;
use super::value::Fault;
use super::waves::WaveSettings;

/// Flags that stand above keys of the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--checkpoint`.
    pub checkpoint: Option<PathBuf>,
    /// `--max-changes`.
    pub max_changes: Option<Limit>,
    /// `--max-failures`.
    pub max_failures: Option<Limit>,
    /// `--canary`.
    pub canary: Option<u32>,
    /// `--reset-only`.
    pub reset_only: bool,
    /// `--column`, which stands above the same name of the file.
    pub columns: Vec<NamedColumn>,
    /// `--sheet`.
    pub sheet: Option<String>,
    /// `--include-hidden`.
    pub include_hidden: bool,
}

/// What a command needs that talks to a tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Which tenant, and where.
    pub tenant: TenantSettings,
    pub auth: AuthSettings,
    pub invitation: InvitationDefaults,
    /// Which attribute takes the new address.
    pub mail: MailWrite,
    pub pace: PaceSettings,
    /// When to stop.
    pub guards: Guards,
    /// The checkpoint, if one is named; see [`super::checkpoint_path`].
    pub checkpoint: Option<PathBuf>,
    /// How the manifest is to be read.
    pub manifest: ManifestSettings,
    /// What a night may do unasked.
    pub reconcile: ReconcileSettings,
    /// Whom to remind, and when.
    pub remind: RemindSettings,
    /// The words of the way back.
    pub revert: RevertSettings,
    /// How many to begin in which night.
    pub waves: WaveSettings,
    /// Who mails the guests.
    pub delivery: DeliverySettings,
    /// Where the run's metrics are written, for `node_exporter`.
    pub metrics: Option<PathBuf>,
    /// Who is told of the run's end.
    pub notify: NotifySettings,
    /// What runs after it.
    pub hooks: HookSettings,
    /// What of this is from the configuration of the user.
    pub user_wide: Option<UserWide>,
}

/// What a command needs that stays offline: no tenant, no sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfflineSettings {
    pub invitation: InvitationDefaults,
    /// Who mails the guests.
    pub delivery: DeliverySettings,
    /// The words of the way back.
    pub revert: RevertSettings,
    /// When to stop; for a check of the manifest, the allowed domains.
    pub guards: Guards,
    /// The checkpoint, if one is named; see [`super::checkpoint_path`].
    pub checkpoint: Option<PathBuf>,
    /// How the manifest is to be read.
    pub manifest: ManifestSettings,
}

impl Settings {
    /// Resolves the file at `path`, the environment and the flags. A file that
    /// is missing is an error only if it was `named` by the user.
    pub fn load(
        path: &Path,
        named: bool,
        env: impl Fn(&str) -> Option<OsString>,
        overrides: &Overrides,
    ) -> Result<(Self, Vec<Warning>), ConfigError> {
        let mut layers = Layers::open(path, named, &env)?;
        let result = Self::resolve(&mut layers, overrides);
        layers.finish(result)
    }

    fn resolve(layers: &mut Layers<'_>, overrides: &Overrides) -> Result<Self, Reported> {
        // Every section is looked at before the first `?`, so that one wrong
        // value doesn't hide the next.
        let tenant = TenantSettings::resolve(layers);
        let auth = AuthSettings::resolve(layers);
        let mail = MailWrite::resolve(layers);
        let pace = PaceSettings::resolve(layers);
        let reconcile = ReconcileSettings::resolve(layers);
        let remind = RemindSettings::resolve(layers);
        let waves = WaveSettings::resolve(layers);
        let metrics = layers.path(key::METRICS_TEXTFILE).and_then(|found| textfile(layers, found));
        let notify = NotifySettings::resolve(layers);
        let hooks = HookSettings::resolve(layers);
        let offline = OfflineSettings::resolve(layers, overrides);
        let OfflineSettings { invitation, delivery, revert, guards, checkpoint, manifest } =
            offline?;
        Ok(Self {
            tenant: tenant?,
            auth: auth?,
            invitation,
            mail: mail?,
            pace: pace?,
            guards,
            checkpoint,
            manifest,
            reconcile: reconcile?,
            remind: remind?,
            revert,
            waves: waves?,
            delivery,
            metrics: metrics?,
            notify: notify?,
            hooks: hooks?,
            user_wide: layers.user_wide(),
        })
    }
}

/// `node_exporter` reads `*.prom` alone: another name would never be seen.
fn textfile(
    layers: &mut Layers<'_>,
    found: Option<Found<PathBuf>>,
) -> Result<Option<PathBuf>, Reported> {
    match found {
        Some(Found { value, origin }) if value.extension().is_none_or(|end| end != "prom") => {
            let fault = Fault::new(format!("`{}` does not end in .prom", value.display()))
                .with_hint("node_exporter's textfile collector reads files named *.prom alone");
            Err(layers.report(key::METRICS_TEXTFILE, origin, fault))
        }
        found => Ok(found.map(|found| found.value)),
    }
}

impl OfflineSettings {
    /// Like [`Settings::load`], without looking at what only an online command
    /// needs. Unknown keys are refused all the same.
    pub fn load(
        path: &Path,
        named: bool,
        env: impl Fn(&str) -> Option<OsString>,
        overrides: &Overrides,
    ) -> Result<(Self, Vec<Warning>), ConfigError> {
        let mut layers = Layers::open(path, named, &env)?;
        let result = Self::resolve(&mut layers, overrides);
        layers.finish(result)
    }

    fn resolve(layers: &mut Layers<'_>, overrides: &Overrides) -> Result<Self, Reported> {
        let invitation = InvitationDefaults::resolve(layers);
        let delivery = DeliverySettings::resolve(layers);
        let revert = RevertSettings::resolve(layers);
        let guards = Guards::resolve(layers, overrides);
        let checkpoint = layers.path(key::CHECKPOINT_PATH);
        let manifest = ManifestSettings::resolve(layers, overrides);
        Ok(Self {
            invitation: invitation?,
            delivery: delivery?,
            revert: revert?,
            guards: guards?,
            checkpoint: overrides.checkpoint.clone().or(checkpoint?.map(|found| found.value)),
            manifest: manifest?,
        })
    }
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
