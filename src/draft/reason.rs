//! How a guest was matched, and every reason why it was not, or is not to be moved: the
//! code, a sentence, and what a person can do. The codes are a contract.
//!
//! Leaves to others: reasons that a plan has as well (`plan`).

use crate::domain::words;
use crate::plan::Words;

words! {
    /// By what a guest and its new address were brought together.
    pub enum Match ("match") {
        /// A row of the list names the object id.
        ObjectId = "object-id",
        /// A row of the list names the UPN.
        UserPrincipalName = "user-principal-name",
        /// A row of the list names the guest's mail.
        OldAddress = "old-address",
        /// A row of the list names another address that this guest alone holds, and the
        /// very name of the guest.
        OtherAddress = "other-address",
        /// The domain moves, and what stands before the `@` stays.
        SameLocalPart = "same-local-part",
    }
}

impl Match {
    /// A sentence that is true of every row that has it, without full stop.
    pub const fn about(self) -> &'static str {
        match self {
            Self::ObjectId => "the list names the object id",
            Self::UserPrincipalName => "the list names the user principal name",
            Self::OldAddress => "the list names the guest's mail",
            Self::OtherAddress => "the list names another address of the guest, and its name",
            Self::SameLocalPart => "its domain moves; what stands before the @ stays",
        }
    }
}

words! {
    /// Why a person has to look at a guest.
    pub enum Doubt ("doubt") {
        NotListed = "not-listed",
        ByNameOnly = "by-name-only",
        Ambiguous = "ambiguous",
        TwoGuests = "two-guests",
        TwoAddresses = "two-addresses",
        OtherName = "other-name",
        OthersName = "others-name",
        OtherAddress = "other-address",
        OtherDomain = "other-domain",
        Namesake = "namesake",
        NamesakeThere = "namesake-there",
        SharedAddress = "shared-address",
        AddressTaken = "address-taken",
        NoAddress = "no-address",
        NoMail = "no-mail",
        NeverSeen = "never-seen",
    }
}

impl Doubt {
    pub fn words(self) -> Words {
        let (about, advice) = match self {
            Self::NotListed => (
                "the list has no row that names the guest",
                "ask whether the person has moved, and fill in new_email",
            ),
            Self::ByNameOnly => (
                "the list has the name, and no address of the guest",
                "make sure that it is the same person, and fill in new_email",
            ),
            Self::Ambiguous => (
                "what names the guest names somebody else as well",
                "find out who is meant, and fill in new_email",
            ),
            Self::TwoGuests => (
                "a row of the list names this guest and another",
                "correct the row of the list, or fill in new_email",
            ),
            Self::TwoAddresses => (
                "rows of the list give the guest different new addresses",
                "find out which is right, and fill in new_email",
            ),
            Self::OtherName => (
                "the list gives the address to somebody of quite another name",
                "make sure that it is the same person, and fill in new_email",
            ),
            Self::OthersName => (
                "the new address bears the name of somebody else",
                "make sure whose address it is, and fill in new_email",
            ),
            Self::OtherAddress => (
                "the list names an address that the guest holds beside its mail, and another name or none",
                "make sure that it is the same person, and fill in new_email",
            ),
            Self::OtherDomain => (
                "the list gives an address at another domain than the guest's domain moves to",
                "find out which is right, and fill in new_email",
            ),
            Self::Namesake => (
                "somebody else has the same name",
                "make sure who has which address, and fill in new_email",
            ),
            Self::NamesakeThere => (
                "a guest of the same name is at the new domain already",
                "find out whether it is the same person: one with two accounts is not moved; otherwise fill in new_email",
            ),
            Self::SharedAddress => (
                "several guests would move to one address",
                "find out whose it is, and fill in new_email for the others",
            ),
            Self::AddressTaken => (
                "the new address belongs to another object",
                "free the address from its holder, or fill in another new_email",
            ),
            Self::NoAddress => {
                ("what stands before the @ is no address at the new domain", "fill in new_email")
            }
            Self::NoMail => (
                "has no mail; another of its addresses is at the domain that moves",
                "make sure which address the person uses, and fill in new_email",
            ),
            Self::NeverSeen => (
                "no sign-in is known, so nobody can say since when it is inactive",
                "find out whether the guest is still needed, and fill in new_email",
            ),
        };
        Words { code: self.as_str(), about, advice }
    }
}

words! {
    /// Why a guest is left out that a plan would not block.
    pub enum Omission ("omission") {
        AlreadyThere = "already-there",
        Elsewhere = "elsewhere",
        OtherDomain = "other-domain",
        Inactive = "inactive",
    }
}

impl Omission {
    pub fn words(self) -> Words {
        let (about, advice) = match self {
            Self::AlreadyThere => ("its mail is at the new domain already", ""),
            Self::Elsewhere => (
                "its mail is at a third domain; only another of its addresses is at one that moves",
                "if it is to move, give it a row of its own",
            ),
            Self::OtherDomain => (
                "the list names it, and its mail is at no domain that moves",
                "leave --from, --to and --map out to move everybody whom the list names",
            ),
            Self::Inactive => ("has not signed in for longer than --active-since says", ""),
        };
        Words { code: self.as_str(), about, advice }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_a_sentence_without_full_stop() {
        let words = Doubt::ALL.iter().map(|doubt| doubt.words());
        let words = words.chain(Omission::ALL.iter().map(|omission| omission.words()));
        for Words { code, about, advice } in words {
            assert!(!about.is_empty() && !about.ends_with('.'), "{code}");
            assert!(!advice.ends_with('.'), "{code}");
        }
        assert!(Doubt::ALL.iter().all(|doubt| !doubt.words().advice.is_empty()));
    }
}
