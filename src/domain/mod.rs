//! The vocabulary: values that parse once and are never re-checked, and the
//! directory snapshot that planning reads.
//!
//! Leaves to others: where the values come from (`manifest`, `graph`), what is
//! decided about them (`plan`), and how they are stored (`checkpoint`).

mod arrival;
pub mod character;
mod directory;
mod domain_name;
mod email;
mod guest;
mod invitation;
mod ledger;
mod policies;
mod reach;
mod redeem_url;
mod redeeming;
mod sighting;
mod state;
mod trace;
mod words;

pub use arrival::{Arrival, ArrivalCounts, Fate};
pub use directory::{
    AddressHolder, Caller, Directory, DirectoryUser, HolderKind, RoleHolding, SignIns, Tenant,
    Unreadable, UserType,
};
pub use domain_name::{DomainName, DomainNameError};
pub use email::{Email, EmailError};
pub use guest::{GuestRef, UserId, UserIdError};
pub use invitation::{
    InvitationKey, Language, LanguageError, Message, MessageError, RedemptionState, RedirectUrl,
    RedirectUrlError,
};
pub use ledger::{
    EarlierMail, HeldLink, Ledger, LedgerEntry, LedgerState, MailStanding, MailWay, Redemption,
    Resend, TOLERANCE, WayBack,
};
pub use policies::{InvitedDomains, InvitesFrom, Partner, Policies};
pub use reach::{
    ClaimsMapping, GuestReach, Memberships, Owner, Reach, ReachedApp, ReachedGroup, SignOn,
};
pub use redeem_url::RedeemUrl;
pub use redeeming::{Home, HomeTenant, Inbound, Redeeming, RedemptionOrder};
pub use sighting::{Finding, Invitations, Shows, Sighting};
pub use state::{Counts, State};
pub use trace::Trace;
pub use words::UnknownWord;
pub(crate) use words::words;
