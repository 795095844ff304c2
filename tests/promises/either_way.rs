//! P3 Never guessed: what is decided for a row does not depend on the size of the tenant,
//! which says how its guests are read.

use proptest::prelude::*;
use proptest::sample::select;
use reinvite::emulator::{Person, guest};
use reinvite::graph::Method;

use crate::support::{Campaign, id};

const HELD: [&str; 9] = [
    "ada@fabrikam.example",
    "bob@fabrikam.example",
    "cleo@fabrikam.example",
    "dan@fabrikam.example",
    "eve@fabrikam.example",
    "ada@northwind.example",
    "bob@northwind.example",
    "ada@contoso.example",
    "ada_fabrikam.example#EXT#@contoso.example",
];

/// New addresses, some of which are held.
const WANTED: [&str; 9] = [
    "ada@northwind.example",
    "bob@northwind.example",
    "cleo@northwind.example",
    "dan@northwind.example",
    "eve@northwind.example",
    "fay@northwind.example",
    "ada@elsewhere.example",
    "gus@northwind.example",
    "hal@northwind.example",
];

/// What stands for the type in the directory.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Guest,
    ExternalMember,
    Member,
    Untyped,
}

fn person()
-> impl Strategy<Value = (Kind, Option<&'static str>, Vec<&'static str>, Vec<&'static str>)> {
    let kind =
        select(&[Kind::Guest, Kind::Guest, Kind::ExternalMember, Kind::Member, Kind::Untyped][..]);
    let few = || prop::collection::vec(select(&HELD[..]), 0..2);
    (kind, prop::option::of(select(&HELD[..])), few(), few())
}

fn in_the_directory(
    n: u32,
    (kind, mail, others, proxies): (Kind, Option<&str>, Vec<&str>, Vec<&str>),
) -> Person {
    let mut person = guest(&id(n), &format!("person{n}@elsewhere.example"));
    let user = &mut person.user;
    user.mail = mail.map(str::to_owned);
    user.other_mails = others.into_iter().map(str::to_owned).collect();
    user.proxy_addresses = proxies.into_iter().map(|proxy| format!("smtp:{proxy}")).collect();
    let external = matches!(kind, Kind::Guest | Kind::ExternalMember);
    if !external {
        user.user_principal_name = format!("person{n}@contoso.example");
        (user.creation_type, user.external_user_state) = (None, None);
    }
    user.user_type = match kind {
        Kind::Guest => Some("Guest".to_owned()),
        Kind::ExternalMember | Kind::Member => Some("Member".to_owned()),
        Kind::Untyped => None,
    };
    person
}

async fn decided(campaign: &mut Campaign, method: Method) -> Vec<(u32, String)> {
    let plan = campaign.plan_by(method).await;
    plan.rows.iter().map(|row| (row.line, format!("{:?}", row.decision))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]
    #[test]
    fn a_row_is_decided_alike_however_the_directory_is_read(
        people in prop::collection::vec(person(), 1..7),
        users in prop::sample::subsequence(&HELD[..], 1..=9),
        by_id in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let mut rows: Vec<(String, String)> =
                users.iter().zip(WANTED).map(|(user, to)| ((*user).to_owned(), to.to_owned())).collect();
            if by_id {
                rows.push((id(1), "ida@northwind.example".to_owned()));
            }
            let mut campaign = Campaign::new().rows(rows).tenant(|tenant| {
                let people = (1..).zip(people).map(|(n, person)| in_the_directory(n, person));
                tenant.users.extend(people);
            });
            let swept = decided(&mut campaign, Method::Sweep).await;
            let looked_up = decided(&mut campaign, Method::LookUps).await;
            assert_eq!(swept, looked_up);
        });
    }
}

/// A member has a guest's present address among its other mails: whose mail would the row
/// change?
#[tokio::test(start_paused = true)]
async fn a_member_that_holds_a_guests_address_as_well_makes_the_row_ambiguous_in_any_tenant() {
    for guests in [39, 3_200] {
        let mut campaign = Campaign::new().guests(guests).tenant(|tenant| {
            let held = (Kind::Member, None, vec!["guest1@fabrikam.example"], Vec::new());
            tenant.users.push(in_the_directory(900_001, held));
        });
        campaign =
            campaign.manifest("user,new_email\nguest1@fabrikam.example,guest1@northwind.example\n");
        let finished = campaign.run().await;
        assert_eq!((finished.planned(1), finished.writes().len()), ("ambiguous", 0), "{guests}");
    }
}
