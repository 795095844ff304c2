//! A company of ten thousand people, made up and always the same: names with umlauts,
//! hyphens and apostrophes, namesakes, people who married, and what each is called before and
//! after a move.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;

use super::guest;
use crate::domain::{DirectoryUser, UserId};

const GIVEN: &[&str] = &[
    "Ada",
    "Agnès",
    "Alan",
    "Alice",
    "Amélie",
    "Ana",
    "Anders",
    "Andrzej",
    "Anita",
    "Anja",
    "Anna",
    "Anna-Lena",
    "Antonio",
    "Arjun",
    "Astrid",
    "Aylin",
    "Ayşe",
    "Bärbel",
    "Beatriz",
    "Ben",
    "Björn",
    "Bruno",
    "Carla",
    "Carlos",
    "Chiara",
    "Chloé",
    "Clara",
    "Dana",
    "Daniel",
    "Diego",
    "Dörte",
    "Eduardo",
    "Elif",
    "Emil",
    "Emma",
    "Erik",
    "Eva",
    "Fatima",
    "Felix",
    "Finn",
    "Fiona",
    "François",
    "Frédéric",
    "Gökhan",
    "Grace",
    "Greta",
    "Günter",
    "Hana",
    "Hannah",
    "Hans-Peter",
    "Hassan",
    "Hélène",
    "Hugo",
    "Ines",
    "Ingrid",
    "Iris",
    "Ivan",
    "Jana",
    "Jean-Luc",
    "Jens",
    "João",
    "Jonas",
    "Jörg",
    "José",
    "Julia",
    "Jürgen",
    "Karim",
    "Karl-Heinz",
    "Katja",
    "Kenji",
    "Lara",
    "Laura",
    "Leo",
    "Liam",
    "Łukasz",
    "Luis",
    "Małgorzata",
    "Mara",
    "Marco",
    "Maria",
    "Marie-Claire",
    "Mei",
    "Mila",
    "Mina",
    "Nadia",
    "Niamh",
    "Noah",
    "Nora",
    "Olga",
    "Omar",
    "Oscar",
    "Paula",
    "Pedro",
    "Petra",
    "Priya",
    "Rafael",
    "Rana",
    "Ravi",
    "Renée",
    "Rosa",
    "Ruth",
    "Sara",
    "Seán",
    "Silke",
    "Sofia",
    "Søren",
    "Stanisław",
    "Tara",
    "Theo",
    "Tomás",
    "Ursula",
    "Uwe",
    "Vera",
    "Victor",
    "Wei",
    "Yara",
    "Yusuf",
    "Zoë",
];

/// Family names are put together of these, and taken from those below.
const BEGINNINGS: &[&str] = &[
    "Ahorn", "Berg", "Birken", "Blumen", "Brunn", "Buchen", "Eber", "Eichen", "Feld", "Frei",
    "Grün", "Hirsch", "Hohen", "Kalten", "Königs", "Krön", "Linden", "Löwen", "Mühl", "Neu",
    "Ober", "Rosen", "Schön", "Silber", "Sommer", "Stein", "Stern", "Tannen", "Wald", "Weiß",
];
const ENDINGS: &[&str] = &[
    "bach", "bauer", "baum", "berger", "egger", "feld", "hauser", "hofer", "huber", "kamp",
    "lechner", "mann", "meier", "müller", "ried", "rieder", "schmidt", "stätter", "thal", "wirth",
];
const FAMILY: &[&str] = &[
    "O'Brien",
    "d'Arcy",
    "Müller",
    "Schröder",
    "Weiß",
    "Østergård",
    "Sørensen",
    "Dubois",
    "García",
    "Núñez",
    "Żółć",
    "Wiśniewski",
    "Çelik",
    "Yıldız",
    "Nguyễn",
    "Kovács",
    "Novák",
    "van Dijk",
    "von der Heide",
    "MacDonald",
    "Smith",
    "Jones",
    "Tanaka",
    "Patel",
    "Khan",
    "Rossi",
    "Costa",
];

/// A person, and the truth of it.
pub(super) struct Person {
    pub(super) given: &'static str,
    family: String,
    /// The family name after the move.
    new_family: String,
    pub(super) old: String,
    /// The address after the move; None for one who is not with the company any more.
    pub(super) new: Option<String>,
}

pub(super) struct Company {
    pub(super) people: Vec<Person>,
    pub(super) rng: fastrand::Rng,
}

/// How local parts come about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Move {
    /// The domain is renamed: they stay as they are.
    Rename,
    /// Another company makes new ones: umlauts are written out, names are those of today,
    /// namesakes are numbered as they come.
    Merger,
}

impl Company {
    pub(super) fn new(people: u32, how: Move, seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let (mut old, mut new) = (HashSet::new(), HashSet::new());
        let mut persons: Vec<Person> = Vec::new();
        for _ in 0..people {
            let given = GIVEN[rng.usize(..GIVEN.len())];
            let family = family(&mut rng);
            let local = local(given, &family, &[("ß", "ss")], &mut old);
            let old = format!("{local}@northwind.example");
            let new_family =
                if rng.u32(..100) < 3 { self::family(&mut rng) } else { family.clone() };
            persons.push(Person { given, family, new_family, old, new: None });
        }
        // Who is numbered first is another matter after the move.
        let mut order: Vec<usize> = (0..persons.len()).collect();
        rng.shuffle(&mut order);
        for at in order {
            let Person { given, new_family, old, .. } = &persons[at];
            let local = match how {
                Move::Rename => old.split('@').next().unwrap().to_owned(),
                Move::Merger => {
                    let written = [("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss"), ("ø", "oe")];
                    local(given, new_family, &written, &mut new)
                }
            };
            let stays = rng.u32(..100) >= 3;
            persons[at].new = stays.then(|| format!("{local}@fabrikam.example"));
        }
        Self { people: persons, rng }
    }

    /// The name as the directory of a tenant has it, one way or another.
    fn display_name(&mut self, at: usize) -> String {
        let Person { given, family, old, .. } = &self.people[at];
        match self.rng.u32(..100) {
            0..10 => format!("{family}, {given}"),
            10..15 => format!("{given} {family} (Northwind)"),
            15..18 => old.clone(),
            18..20 => String::new(),
            _ => format!("{given} {family}"),
        }
    }

    /// Everybody as a guest, with those oddities that a tenant has: guests that were moved
    /// by hand, blocked ones, some without a mail, and a few of other companies.
    pub(super) fn guests(&mut self) -> Vec<DirectoryUser> {
        let mut guests = Vec::new();
        for (at, n) in (0..self.people.len()).zip(1..) {
            let name = self.display_name(at);
            let mut user = guest(n, &self.people[at].old, &name);
            match self.rng.u32(..100) {
                0..2 => {
                    if let Some(new) = &self.people[at].new {
                        user.mail = Some(new.as_str().into());
                        user.proxy_addresses.push(new.as_str().into());
                    }
                }
                2..4 => user.account_enabled = Some(false),
                4..5 => (user.mail, user.proxy_addresses) = (None, Vec::new()),
                5..6 => {
                    let old = &self.people[at].old;
                    user.other_mails.push(format!("office.{old}").into());
                }
                _ => {}
            }
            guests.push(user);
        }
        for n in 0..500 {
            let (given, family) = (GIVEN[self.rng.usize(..GIVEN.len())], family(&mut self.rng));
            let mail = format!("guest{n}@adventure-works.example");
            guests.push(guest(1_000_000 + n, &mail, &format!("{given} {family}")));
        }
        guests
    }

    /// The list of the personnel department, with what goes wrong in such lists, as CSV.
    pub(super) fn list(&mut self) -> String {
        let mut rows: Vec<(String, String, String)> = Vec::new();
        for at in 0..self.people.len() {
            let Person { given, new_family, old, new, .. } = &self.people[at];
            let Some(new) = new else { continue };
            let name = format!("{given} {new_family}");
            let mut old = old.clone();
            match self.rng.u32(..1000) {
                // It was forgotten.
                0..30 => continue,
                // A letter is missing.
                30..40 => drop(old.remove(2)),
                // The address that the department knows is another one of the same person.
                40..50 => old = format!("office.{old}"),
                _ => {}
            }
            rows.push((name, old, new.clone()));
        }
        // Two lists were put side by side, sorted by name: people of one name in any order.
        rows.sort();
        let mut by_name: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (at, (name, ..)) in rows.iter().enumerate() {
            by_name.entry(name.clone()).or_default().push(at);
        }
        for group in by_name.values().filter(|group| group.len() > 1) {
            if self.rng.bool() {
                let (one, other) = (rows[group[0]].2.clone(), rows[group[1]].2.clone());
                (rows[group[0]].2, rows[group[1]].2) = (other, one);
            }
        }
        // And a block slipped by a line.
        for at in rows.len() / 2..rows.len() / 2 + 40 {
            rows[at].2 = rows[at + 1].2.clone();
        }
        let mut csv = "Name;Old e-mail;New e-mail\n".to_owned();
        for (name, old, new) in rows {
            let _ = writeln!(csv, "{name};{old};{new}");
        }
        csv
    }

    /// Where the guest of this id truly moves to.
    pub(super) fn truth(&self, id: UserId) -> Option<&str> {
        let n = id.to_string().replace('-', "");
        let n = usize::from_str_radix(&n, 16).ok()?;
        self.people.get(n.checked_sub(1)?)?.new.as_deref()
    }
}

fn family(rng: &mut fastrand::Rng) -> String {
    let one = |rng: &mut fastrand::Rng| {
        if rng.u32(..100) < 12 {
            return FAMILY[rng.usize(..FAMILY.len())].to_owned();
        }
        let beginning = BEGINNINGS[rng.usize(..BEGINNINGS.len())];
        format!("{beginning}{}", ENDINGS[rng.usize(..ENDINGS.len())])
    };
    let name = one(rng);
    if rng.u32(..100) < 8 { format!("{name}-{}", one(rng)) } else { name }
}

/// `given.family` in ASCII, with a number where that is taken.
fn local(
    given: &str,
    family: &str,
    written: &[(&str, &str)],
    taken: &mut HashSet<String>,
) -> String {
    let mut text = format!("{given}.{family}").to_lowercase();
    for (letter, letters) in written {
        text = text.replace(letter, letters);
    }
    let mut plain = String::new();
    for c in icu_normalizer::DecomposingNormalizerBorrowed::new_nfkd().normalize(&text).chars() {
        match c {
            'ø' => plain.push('o'),
            'ł' => plain.push('l'),
            'ı' => plain.push('i'),
            'å' => plain.push('a'),
            c if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') => plain.push(c),
            _ => {}
        }
    }
    let numbered = (2..).map(|n| format!("{plain}{n}"));
    let free = std::iter::once(plain.clone()).chain(numbered).find(|local| !taken.contains(local));
    let free = free.expect("there are numbers enough");
    taken.insert(free.clone());
    free
}
