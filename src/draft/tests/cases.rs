//! One doubt, one reason, one match at a time.

use super::{directory, draft, guest, people, rules};
use crate::domain::{AddressHolder, DirectoryUser, HolderKind, UserType};
use crate::draft::{Draft, Rules};

/// Every guest as one line: what becomes of it.
fn told(draft: &Draft) -> Vec<String> {
    let name = |guest: &crate::draft::Guest| {
        guest
            .mail
            .as_ref()
            .unwrap_or(&guest.user_principal_name)
            .split('@')
            .next()
            .unwrap()
            .to_owned()
    };
    let rows = draft
        .rows
        .iter()
        .map(|row| format!("{} {} {}", name(&row.guest), row.matched, row.new_email));
    let review = draft.review.iter().map(|row| {
        let candidates: Vec<_> =
            row.candidates.iter().map(|found| found.address.as_str()).collect();
        format!("{} {}? {}", name(&row.guest), row.doubt, candidates.join(" "))
    });
    let left_out =
        draft.left_out.iter().map(|row| format!("{} not: {}", name(&row.guest), row.words.code));
    let told = rows.chain(review).chain(left_out);
    told.map(|line| line.replace("@fabrikam.example", "@F").trim_end().to_owned()).collect()
}

#[track_caller]
fn by_rule(users: impl IntoIterator<Item = DirectoryUser>, expected: &[&str]) {
    assert_eq!(told(&draft(&directory(users), &rules(), None)), expected);
}

#[track_caller]
fn by_list(users: impl IntoIterator<Item = DirectoryUser>, list: &str, expected: &[&str]) {
    let list = people(&format!("name,old_email,new_email\n{list}"));
    assert_eq!(told(&draft(&directory(users), &Rules::default(), Some(&list))), expected);
}

#[track_caller]
fn by_both(users: impl IntoIterator<Item = DirectoryUser>, list: &str, expected: &[&str]) {
    let list = people(&format!("name,old_email,new_email\n{list}"));
    assert_eq!(told(&draft(&directory(users), &rules(), Some(&list))), expected);
}

#[test]
fn what_stands_before_the_at_stays_and_other_domains_are_left_alone() {
    by_rule(
        [
            guest(1, "Ada.Vance@Northwind.example", "Ada Vance"),
            guest(2, "bob@adventure-works.example", "Bob"),
            guest(3, "eve@sub.northwind.example", "Eve"),
            guest(4, "cleo@fabrikam.example", "Cleo"),
        ],
        &["Ada.Vance same-local-part Ada.Vance@F"],
    );
}

#[test]
fn namesakes_are_for_a_person_to_tell_apart_however_they_are_spelt() {
    by_rule(
        [
            guest(1, "jurgen.muller@northwind.example", "Jürgen Müller"),
            guest(2, "jmueller@northwind.example", "Mueller, Juergen"),
            guest(3, "ada.vance@northwind.example", "Ada Vance"),
            guest(4, "a.vance@fabrikam.example", "ada  vance"),
            guest(5, "bob@northwind.example", "Bob Smith"),
            guest(6, "bob@elsewhere.example", "Bob Smith"),
        ],
        &[
            "bob same-local-part bob@F",
            "ada.vance namesake-there? ada.vance@F a.vance@F",
            "jmueller namesake? jmueller@F",
            "jurgen.muller namesake? jurgen.muller@F",
        ],
    );
}

#[test]
fn two_guests_never_get_one_address_and_nobody_gets_one_that_is_held() {
    let mut rules = rules();
    let (from, to) = ("oldco.example".parse().unwrap(), "fabrikam.example".parse().unwrap());
    rules.add(from, to, "--from and --to").unwrap();
    let mut member = guest(9, "zoe@contoso.example", "Zoe");
    member.user_type = UserType::Member;
    member.creation_type = None;
    member.redemption.state = None;
    member.user_principal_name = "zoe@contoso.example".into();
    member.proxy_addresses.push("dan@fabrikam.example".into());
    let mut directory = directory([
        guest(1, "ada@northwind.example", "Ada Vance"),
        guest(2, "ADA@oldco.example", "Ada Berg"),
        guest(3, "cleo@northwind.example", "Cleo"),
        guest(4, "dan@northwind.example", "Dan"),
        member,
    ]);
    let id = directory.users()[0].id;
    let contact = AddressHolder { kind: HolderKind::Contact, id, name: "Cleo".into() };
    let other = crate::domain::UserId::from(uuid::Uuid::from_u128(77));
    directory.add_holder("cleo@fabrikam.example", AddressHolder { id: other, ..contact });
    assert_eq!(
        told(&draft(&directory, &rules, None)),
        [
            "ada shared-address? ada@F",
            "cleo address-taken? cleo@F",
            "dan address-taken? dan@F",
            "ADA shared-address? ADA@F",
        ]
    );
}

#[test]
fn who_is_not_to_be_moved_is_left_out_with_the_reason() {
    let mut disabled = guest(1, "a@northwind.example", "A");
    disabled.account_enabled = Some(false);
    let mut disabled_namesake = guest(2, "b@northwind.example", "Bo Ek");
    disabled_namesake.account_enabled = Some(false);
    let namesake = guest(3, "c@northwind.example", "Bo Ek");
    let mut synced = guest(4, "d@northwind.example", "D");
    synced.synced = true;
    let mut internal = guest(5, "e@northwind.example", "E");
    (internal.creation_type, internal.redemption.state) = (None, None);
    internal.user_principal_name = "e@contoso.example".into();
    let mut moved = guest(6, "f@fabrikam.example", "F");
    moved.user_principal_name = "f_northwind.example#EXT#@contoso.example".into();
    let mut elsewhere = guest(7, "g@gmail.example", "G");
    elsewhere.other_mails.push("g@northwind.example".into());
    let mut without = guest(8, "h_h@northwind.example", "H");
    (without.mail, without.proxy_addresses) = (None, Vec::new());
    by_rule(
        [disabled, disabled_namesake, namesake, synced, internal, moved, elsewhere, without],
        &[
            "h_h_northwind.example#EXT# no-mail? h_h@F",
            "c namesake? c@F",
            "f not: already-there",
            "g not: elsewhere",
            "a not: disabled",
            "b not: disabled",
            "d not: synced",
            "e not: internal-guest",
        ],
    );
}

#[test]
fn a_list_names_guests_by_what_they_hold_and_nobody_by_name_alone() {
    let ids = [1, 2].map(|n| guest(n, "x@x.example", "").id);
    let mut alias = guest(4, "d.berg@northwind.example", "Dora Berg");
    alias.proxy_addresses.push("dora@northwind.example".into());
    let mut other_alias = guest(5, "info@northwind.example", "Emil Bo-Ek");
    other_alias.other_mails.push("emil@northwind.example".into());
    by_list(
        [
            guest(1, "ada@northwind.example", "Ada Vance"),
            guest(2, "bob@northwind.example", "Bob Smith"),
            guest(3, "cleo.ek@northwind.example", "Cleo Ek"),
            alias,
            other_alias,
            guest(6, "finn@northwind.example", "Finn Lund"),
            guest(7, "gus@adventure-works.example", "Gus Holm"),
        ],
        &format!(
            "Ada Vance,{},a.vance@fabrikam.example\n\
             Bob Smith,bob_northwind.example#EXT#@contoso.example,b.smith@fabrikam.example\n\
             Cleo Ek,CLEO.EK@northwind.example,c.ek@fabrikam.example\n\
             Dora Berg,dora@northwind.example,d.berg@fabrikam.example\n\
             Emil Bo,emil@northwind.example,e.bo@fabrikam.example\n\
             Finn Lund,f.lund@northwind.example,finn@fabrikam.example\n\
             Gus Holm,gus@northwind.example,gus@fabrikam.example\n\
             Nobody,nobody@northwind.example,nobody@fabrikam.example\n",
            ids[0]
        ),
        &[
            "ada object-id a.vance@F",
            "bob user-principal-name b.smith@F",
            "cleo.ek old-address c.ek@F",
            "d.berg other-address d.berg@F",
            "finn by-name-only? finn@F",
            "info other-address? e.bo@F",
        ],
    );
}

#[test]
fn rows_that_contradict_each_other_or_the_directory_are_a_doubt() {
    let mut shared = guest(5, "eve@northwind.example", "Eve Roy");
    shared.other_mails.push("dan@northwind.example".into());
    by_list(
        [
            guest(1, "ada@northwind.example", "Ada Vance"),
            guest(2, "bob@northwind.example", "Bob Smith"),
            guest(3, "cleo@northwind.example", "Cleo Ek"),
            guest(4, "dan@northwind.example", "Dan Ode"),
            shared,
        ],
        &format!(
            "Ada Vance,ada@northwind.example,a@fabrikam.example\n\
             Ada Vance,{},b@fabrikam.example\n\
             Erik Lund,bob@northwind.example,e.lund@fabrikam.example\n\
             Cleo Mayer,cleo@northwind.example,cleo.mayer@fabrikam.example\n\
             Dan Ode,dan@northwind.example,dan@fabrikam.example\n",
            guest(1, "x@x.example", "").id
        ),
        &[
            "cleo old-address cleo.mayer@F",
            "ada two-addresses? a@F b@F",
            "bob other-name? e.lund@F",
            "dan ambiguous? dan@F",
            "eve ambiguous? dan@F",
        ],
    );
    let list = people(&format!(
        "id,old_email,new_email\n{},bob@northwind.example,x@fabrikam.example\n",
        guest(1, "x@x.example", "").id
    ));
    let directory = directory([
        guest(1, "ada@northwind.example", "Ada Vance"),
        guest(2, "bob@northwind.example", "Bob Smith"),
    ]);
    assert_eq!(
        told(&draft(&directory, &Rules::default(), Some(&list))),
        ["ada two-guests? x@F", "bob two-guests? x@F"]
    );
}

#[test]
fn a_list_whose_lines_were_mixed_up_moves_nobody_to_another_s_address() {
    // Two of one name in the wrong order, and one who got the next line's address.
    by_list(
        [
            guest(1, "anna.berg@northwind.example", "Anna Berg"),
            guest(2, "anna.berg2@northwind.example", "Anna Berg"),
            guest(3, "cleo.ek@northwind.example", "Cleo Ek"),
            guest(4, "dan.ode@northwind.example", "Dan Ode"),
            guest(5, "eva.lind@northwind.example", "Eva Lind"),
            guest(6, "eva.lind2@northwind.example", "Eva Lind"),
        ],
        "Anna Berg,anna.berg@northwind.example,anna.berg2@fabrikam.example\n\
         Anna Berg,anna.berg2@northwind.example,anna.berg@fabrikam.example\n\
         Cleo Ek,cleo.ek@northwind.example,dan.ode@fabrikam.example\n\
         Dan Ode,dan.ode@northwind.example,dan.ode7@fabrikam.example\n\
         Eva Lind,eva.lind@northwind.example,eva.lind@fabrikam.example\n\
         Eva Lind,eva.lind2@northwind.example,eva.lind2@fabrikam.example\n",
        &[
            "dan.ode old-address dan.ode7@F",
            "anna.berg namesake? anna.berg2@F",
            "anna.berg2 namesake? anna.berg@F",
            "cleo.ek others-name? dan.ode@F",
            "eva.lind namesake? eva.lind@F",
            "eva.lind2 namesake? eva.lind2@F",
        ],
    );
}

#[test]
fn a_list_without_names_goes_by_those_of_the_directory() {
    let list = people(
        "old_email,new_email\n\
         anna.berg@northwind.example,anna.berg2@fabrikam.example\n\
         anna.berg2@northwind.example,anna.berg@fabrikam.example\n\
         cleo.ek@northwind.example,dan.ode@fabrikam.example\n\
         eve@northwind.example,e17@fabrikam.example\n",
    );
    let directory = directory([
        guest(1, "anna.berg@northwind.example", "Anna Berg"),
        guest(2, "anna.berg2@northwind.example", "Berg, Anna"),
        guest(3, "cleo.ek@northwind.example", "Cleo Ek"),
        guest(4, "eve@northwind.example", "Eve Roy"),
        guest(5, "anna@adventure-works.example", "Anna Berg"),
    ]);
    assert_eq!(
        told(&draft(&directory, &Rules::default(), Some(&list))),
        [
            "eve old-address e17@F",
            "anna.berg namesake? anna.berg2@F",
            "anna.berg2 namesake? anna.berg@F",
            "cleo.ek others-name? dan.ode@F",
        ]
    );
}

#[test]
fn a_list_stands_above_the_domains() {
    by_both(
        [
            guest(1, "ada.vance@northwind.example", "Ada Vance"),
            guest(2, "bob@northwind.example", "Bob Smith"),
            guest(3, "cleo@northwind.example", "Cleo Ek"),
            guest(4, "dan@adventure-works.example", "Dan Ode"),
            guest(5, "eve@fabrikam.example", "Eve Roy"),
        ],
        "Ada Mayer,ada.vance@northwind.example,ada.mayer@fabrikam.example\n\
         Bob Smith,bob@northwind.example,bob@tailspin.example\n\
         Cleo Ek,c.ek@northwind.example,cleo.ek@fabrikam.example\n\
         Dan Ode,dan@adventure-works.example,dan@fabrikam.example\n\
         Eve Roy,eve@fabrikam.example,Eve@fabrikam.example\n",
        &[
            "ada.vance old-address ada.mayer@F",
            "bob other-domain? bob@tailspin.example",
            "cleo not-listed? cleo.ek@F cleo@F",
            "dan not: other-domain",
            "eve not: already-there",
        ],
    );
}

#[test]
fn a_guest_is_dropped_for_an_old_sign_in_and_never_for_an_unknown_one() {
    let users = ["a", "b", "c"].map(|name| format!("{name}@northwind.example"));
    let directory = directory((1..).zip(&users).map(|(n, mail)| guest(n, mail, "")));
    let mut draft = draft(&directory, &rules(), None);
    let sign_ins = [(0, "2026-05-01T00:00:00Z"), (1, "2024-05-01T00:00:00Z")]
        .map(|(at, when)| (directory.users()[at].id, when.parse().unwrap()));
    draft.seen(&sign_ins.into(), None);
    assert_eq!(draft.rows.len(), 3, "only noted");
    draft.seen(&sign_ins.into(), Some("2025-12-01T00:00:00Z".parse().unwrap()));
    assert_eq!(told(&draft), ["a same-local-part a@F", "c never-seen? c@F", "b not: inactive"]);
    assert_eq!(&*draft.left_out[0].detail, "last on 2024-05-01T00:00:00Z");
}
