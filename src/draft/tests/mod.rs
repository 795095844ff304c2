//! Drafts of small directories made by hand, and of companies of ten thousand people whose
//! truth is known.

mod cases;
mod company;
mod truth;

use std::collections::BTreeSet;

use uuid::Uuid;

use super::{Draft, People, Rules, match_guests};
use crate::config::{DeliveryWay, InvitationDefaults, MailWrite};
use crate::domain::{
    Caller, Directory, DirectoryUser, Ledger, Redemption, RedemptionState, Tenant, UserId, UserType,
};
use crate::manifest::{Manifest, Options, parse};
use crate::plan::{MailPace, PlannedRow, Policy, WritePace, decide};

/// A redeemed guest of this address and name.
fn guest(n: u32, mail: &str, name: &str) -> DirectoryUser {
    DirectoryUser {
        id: UserId::from(Uuid::from_u128(n.into())),
        user_principal_name: format!("{}#EXT#@contoso.example", mail.replace('@', "_")).into(),
        display_name: (!name.is_empty()).then(|| name.into()),
        mail: Some(mail.into()),
        other_mails: Vec::new(),
        proxy_addresses: vec![mail.into()],
        user_type: UserType::Guest,
        creation_type: Some("Invitation".into()),
        redemption: Redemption { state: Some(RedemptionState::Accepted), changed_at: None },
        account_enabled: Some(true),
        synced: false,
        formerly_synced: false,
        management_restricted: false,
    }
}

fn directory(users: impl IntoIterator<Item = DirectoryUser>) -> Directory {
    let mut directory = Directory::new(Tenant {
        verified_domains: ["contoso.example".to_owned()].into(),
        ..Tenant::default()
    });
    users.into_iter().for_each(|user| directory.add_user(user));
    directory.index();
    directory
}

/// Northwind moves to Fabrikam.
fn rules() -> Rules {
    let mut rules = Rules::default();
    let (from, to) = ("northwind.example", "fabrikam.example");
    rules.add(from.parse().unwrap(), to.parse().unwrap(), "--from and --to").unwrap();
    rules
}

/// The list that this CSV is, without its unusable rows.
fn people(csv: &str) -> People {
    let loaded = parse("hr.csv", csv.as_bytes(), &Options::default()).unwrap();
    People::new("hr.csv".to_owned(), &loaded.manifest)
}

fn plan(manifest: &Manifest, directory: &Directory) -> Vec<PlannedRow> {
    let policy = Policy {
        tenant: "contoso.example".to_owned(),
        caller: Caller::AppOnly,
        invitation: InvitationDefaults::default(),
        delivery: DeliveryWay::Microsoft,
        mail_pace: MailPace::default(),
        write_pace: WritePace {
            writes_per_second: 3.0,
            burst: 10,
            settle: std::time::Duration::ZERO,
        },
        mail: MailWrite::Mail,
        reset_matching: false,
        retry_failed: false,
        resend: BTreeSet::new(),
        read_at: "2026-06-01T00:00:00Z".parse().unwrap(),
        lag: jiff::SignedDuration::from_mins(5),
        invited_within: None,
        reminders: None,
        others: BTreeSet::new(),
        redeemable_domains: Vec::new(),
        revert: None,
    };
    decide(manifest, directory, &Ledger::default(), &policy)
}

/// A draft as the command makes it.
fn draft(directory: &Directory, rules: &Rules, people: Option<&People>) -> Draft {
    let mut draft = match_guests(directory, rules, people);
    draft.weigh(|manifest| plan(manifest, directory));
    draft.sort();
    draft
}
