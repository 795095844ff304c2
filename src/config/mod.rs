//! Configuration: command line, environment and file resolved into one
//! [`Settings`].
//!
//! Three layers of types, each with one purpose: [`args`] is what was typed,
//! `file` what was written, [`Settings`] what the rest of the program sees.
//!
//! Leaves to others: reading secrets when they are needed (the caller of
//! [`SecretSource::read`]), printing warnings and errors (`cli`), and everything
//! that is done with a setting.

mod aftercare_args;
mod arg_values;
pub mod args;
mod auth;
mod checkpoint;
mod cloud;
mod column_filter;
mod command_args;
mod delivery;
mod draft_args;
mod duration;
mod error;
mod example;
mod excerpt;
mod file;
mod guards;
mod help;
mod hooks;
mod invitation;
mod key;
mod layers;
mod limit;
mod manifest;
mod night;
mod notify;
mod pace;
mod platform;
mod redeem;
mod revert;
mod secret;
mod secret_place;
mod settings;
mod shell_args;
mod shown;
mod suggest;
mod trial_args;
mod user;
mod value;
mod variables;
mod version;
mod waves;
mod written_path;

pub use arg_values::{Factor, Latencies, Latency, ListenAddress, Quota, RowSelector};
pub use auth::AuthSettings;
pub use checkpoint::checkpoint_path;
pub use cloud::{Cloud, TenantSettings};
pub use column_filter::ColumnFilter;
pub use delivery::{
    DeliveryPace, DeliverySettings, DeliveryWay, KeepLinks, MailAddress, SmtpLogin, SmtpSettings,
    SmtpTls,
};
pub use duration::{DurationError, parse_duration};
pub use error::{ConfigError, Origin, Problem, Warning};
pub use example::EXAMPLE;
pub use guards::Guards;
pub use hooks::HookSettings;
pub use invitation::{InvitationDefaults, MailWrite};
pub use limit::{Limit, LimitError, Percent};
pub use manifest::{ManifestSettings, NamedColumn};
pub use night::{Correct, QuietHours, ReconcileSettings, RemindSettings, Weekdays};
pub use notify::{NotifyOn, NotifySettings, WebhookFormat};
pub use pace::{PaceSettings, Preset};
pub use platform::{Federation, IdentityHost};
pub use redeem::Redeem;
pub use revert::RevertSettings;
pub use secret::{PROGRAM_LIMIT, SecretError, SecretSource};
pub use settings::{OfflineSettings, Overrides, Settings};
pub use shown::{Shown, Whence, shown};
pub use user::UserWide;
pub use variables::unknown_variables;
pub use version::documentation;
pub use waves::{WaveSettings, WaveSize};
