//! A manifest once more under other names: what a plan goes by, and nothing that says who
//! people are.
//!
//! Leaves to others: the names (`emulator`).

use std::io::{self, Write};

use super::drafted::write;
use super::{Manifest, Reset, Row, Wish};
use crate::domain::{GuestRef, Language};

/// Messages, copies and further columns are left out: they are about people.
const COLUMNS: [&str; 6] = ["user", "current_email", "new_email", "reset", "language", "send"];

/// Writes the sound rows of a manifest; `id` and `address` give what stands for one.
pub fn write_covered(
    out: &mut dyn Write,
    manifest: &Manifest,
    id: impl Fn(&str) -> String,
    address: impl Fn(&str) -> String,
) -> io::Result<()> {
    let name = |reference: &GuestRef| match reference {
        GuestRef::Id(user) => id(&user.to_string()),
        GuestRef::Name(name) => address(name),
    };
    let rows = manifest.rows.iter().map(|row: &Row| {
        let asks = row.reset == Reset::Always || row.wish.is_reset_only();
        [
            name(&row.user),
            row.also.first().map(name).unwrap_or_default(),
            match &row.wish {
                Wish::Move(email) => address(email.as_str()),
                Wish::ResetOnly => String::new(),
            },
            if asks { "always" } else { "" }.to_owned(),
            row.language.as_ref().map(Language::to_string).unwrap_or_default(),
            match row.send {
                Some(true) => "yes",
                Some(false) => "no",
                None => "",
            }
            .to_owned(),
        ]
    });
    write(out, COLUMNS, rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Options, parse};

    #[test]
    fn what_a_plan_goes_by_stays_and_what_is_about_people_does_not() {
        let text = "user,old_email,new_email,reset,message,language,send,note\n\
                    9071bfde-35e0-47d2-a582-d244ab1b4af6,ada@b.example,ada@c.example,,Dear Ada,de,no,Ada\n\
                    bob@b.example,,,always,,,,\n";
        let manifest = parse("m.csv", text.as_bytes(), &Options::default()).unwrap().manifest;
        let mut bytes = Vec::new();
        let cover = |address: &str| format!("x@{}", address.rsplit('@').next().unwrap());
        write_covered(
            &mut bytes,
            &manifest,
            |_| "00000000-0000-4000-8000-000000000001".into(),
            cover,
        )
        .unwrap();
        let text = String::from_utf8(bytes.clone()).unwrap().to_lowercase();
        assert!(!text.contains("ada") && !text.contains("bob"), "{text}");
        let covered = parse("m.csv", &bytes, &Options::default()).unwrap();
        assert!(covered.problems.is_empty(), "{:?}", covered.problems);
        let [first, second] = covered.manifest.rows.as_slice() else { panic!() };
        assert_eq!(first.also.len(), 1);
        assert_eq!(first.wish.address().unwrap().as_str(), "x@c.example");
        assert_eq!((first.send, first.language.is_some()), (Some(false), true));
        assert!(second.wish.is_reset_only());
    }
}
