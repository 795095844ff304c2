//! Drafts of whole companies against the truth: no row is wrong, and how many are found.

use std::fmt::Write as _;

use super::company::{Company, Move};
use super::{directory, draft, people, plan, rules};
use crate::domain::Directory;
use crate::draft::{Draft, People, Rules};
use crate::manifest::{DraftedGuest, DraftedRow, Options, parse, write_drafted};
use crate::plan::Decision;

const PEOPLE: u32 = 10_000;

/// What a draft comes to. Panics where a row is wrong, or would be blocked.
fn measured(
    company: &Company,
    directory: &Directory,
    rules: &Rules,
    list: Option<&People>,
) -> String {
    let draft = draft(directory, rules, list);
    let wrong: Vec<_> = draft
        .rows
        .iter()
        .filter(|row| company.truth(row.guest.id) != Some(row.new_email.as_str()))
        .map(|row| {
            format!(
                "{:?} → {}, in truth {:?}",
                row.guest,
                row.new_email,
                company.truth(row.guest.id)
            )
        })
        .collect();
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    is_carried_out(&draft, directory);
    // Whoever could be moved, had somebody known everything.
    let truth = directory.users().iter().filter(|user| {
        let truth = company.truth(user.id);
        truth.is_some_and(|truth| user.mail.as_deref() != Some(truth))
            && user.account_enabled == Some(true)
    });
    let truth = truth.count();
    let mut reasons = std::collections::BTreeMap::<&str, u32>::new();
    for row in &draft.review {
        *reasons.entry(row.doubt.as_str()).or_default() += 1;
    }
    let permille = draft.rows.len() * 1000 / truth;
    let mut told = format!(
        "{truth} guests to be moved: {} rows, all of them right, found {}.{} %\n",
        draft.rows.len(),
        permille / 10,
        permille % 10
    );
    let with_truth = draft.review.iter().filter(|row| {
        let truth = company.truth(row.guest.id);
        row.candidates.iter().any(|found| truth == Some(found.address.as_str()))
    });
    let _ = writeln!(
        told,
        "{} for a person to decide, {} of them with the right candidate: {reasons:?}",
        draft.review.len(),
        with_truth.count()
    );
    told
}

/// The file that is written is a manifest of which a plan blocks no row.
fn is_carried_out(draft: &Draft, directory: &Directory) {
    let mut bytes = Vec::new();
    let rows = draft.rows.iter().map(|row| DraftedRow {
        guest: DraftedGuest {
            user: row.guest.id,
            current_email: row.guest.mail.as_deref(),
            name: row.guest.name.as_deref(),
            last_sign_in: None,
        },
        new_email: &row.new_email,
        matched: row.matched.as_str(),
        evidence: &row.evidence,
    });
    write_drafted(&mut bytes, rows).unwrap();
    let loaded = parse("guests.csv", &bytes, &Options::default()).unwrap();
    assert!(loaded.problems.is_empty(), "{:?}", loaded.problems);
    assert_eq!(loaded.manifest.rows.len(), draft.rows.len());
    for row in plan(&loaded.manifest, directory) {
        assert!(matches!(row.decision, Decision::Change(_)), "{row:?}");
    }
}

#[test]
fn a_domain_that_is_renamed_moves_everybody_but_namesakes() {
    let mut company = Company::new(PEOPLE, Move::Rename, 13);
    // Who left is a guest still, and the rule says where it would be.
    company.people.iter_mut().for_each(|person| {
        let local = person.old.split('@').next().unwrap();
        person.new = Some(format!("{local}@fabrikam.example"));
    });
    let directory = directory(company.guests());
    insta::assert_snapshot!(measured(&company, &directory, &rules(), None), @r#"
    9623 guests to be moved: 8489 rows, all of them right, found 88.2 %
    1134 for a person to decide, 1134 of them with the right candidate: {"namesake": 1012, "namesake-there": 27, "no-mail": 95}
    "#);
}

#[test]
fn a_merger_moves_those_whom_the_list_names_and_mixes_nobody_up() {
    let mut company = Company::new(PEOPLE, Move::Merger, 14);
    let directory = directory(company.guests());
    let list = people(&company.list());
    insta::assert_snapshot!(measured(&company, &directory, &rules(), Some(&list)), @r#"
    9333 guests to be moved: 7691 rows, all of them right, found 82.4 %
    1919 for a person to decide, 991 of them with the right candidate: {"namesake": 1024, "no-mail": 106, "not-listed": 754, "others-name": 35}
    "#);
    insta::assert_snapshot!(measured(&company, &directory, &Rules::default(), Some(&list)), @r#"
    9333 guests to be moved: 7748 rows, all of them right, found 83.0 %
    1334 for a person to decide, 740 of them with the right candidate: {"by-name-only": 262, "namesake": 981, "other-address": 56, "others-name": 35}
    "#);
}

#[test]
fn no_company_is_mixed_up() {
    for seed in 0..4 {
        let mut company = Company::new(PEOPLE / 4, Move::Merger, seed);
        let directory = directory(company.guests());
        let list = people(&company.list());
        measured(&company, &directory, &rules(), Some(&list));
    }
}
