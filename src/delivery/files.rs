//! Mails as files, for a person or another program to send: an `.eml` for each guest and
//! `links.csv` with all links. Only their owner may read them, and each is there whole or
//! not at all.
//!
//! Leaves to others: sending them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use secrecy::{ExposeSecret as _, SecretString};

use super::letter::Letter;
use super::message::Mail;
use super::outcome::{Outcome, Refused};

const LINKS: &str = "links.csv";

/// A folder that mails are put into.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Lines of `links.csv`, by guest.
    links: Mutex<BTreeMap<String, Link>>,
}

#[derive(Debug)]
struct Link {
    name: String,
    url: SecretString,
    file: String,
}

impl Folder {
    /// Makes the folder where there is none, and takes up the links that earlier runs
    /// left in it.
    pub fn open(path: &Path) -> io::Result<Self> {
        private_directory(path)?;
        let links = read_links(&path.join(LINKS))?;
        Ok(Self { path: path.to_owned(), links: Mutex::new(links) })
    }

    /// Whether the folder could take mails. Nothing is left there.
    pub fn can_take(path: &Path) -> io::Result<()> {
        if !path.exists() {
            // It would be made; what is above it has to be there and be a directory.
            let above = path.ancestors().skip(1).find(|above| above.exists());
            let above = above.unwrap_or(Path::new("."));
            return if above.is_dir() { Ok(()) } else { Err(io::ErrorKind::NotADirectory.into()) };
        }
        read_links(&path.join(LINKS))?;
        let probe = path.join(".doctor.partial");
        create(&probe)?;
        fs::remove_file(probe)
    }

    /// Whether it takes mails now. Nothing is left there.
    pub fn can_be_written(&self) -> io::Result<()> {
        Self::can_take(&self.path)
    }

    /// Puts the mail and its link there. A mail of the same guest is replaced: its link is
    /// void since the next was made.
    pub fn put(&self, mail: &Mail, letter: &Letter) -> Outcome {
        match self.write(mail, letter) {
            Ok(()) => Outcome::accepted(),
            Err(error) => {
                let code = format!("{:?}", error.kind());
                let text = format!("cannot write to `{}`: {error}", self.path.display());
                Outcome::RefusedSender(Refused { code, text })
            }
        }
    }

    /// Puts the mail there to be looked at: as a message, and as the page that a mail
    /// program shows. The name of its file, without ending.
    pub fn show(&self, mail: &Mail) -> io::Result<String> {
        let name = file_name(&mail.to.folded());
        atomically(&self.path.join(format!("{name}.eml")), mail.mime())?;
        atomically(&self.path.join(format!("{name}.html")), mail.html().as_bytes())?;
        Ok(name)
    }

    fn write(&self, mail: &Mail, letter: &Letter) -> io::Result<()> {
        let address = letter.to.folded();
        let file = format!("{}.eml", file_name(&address));
        atomically(&self.path.join(&file), mail.mime())?;
        let mut links = self.links.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let name = letter.display_name.as_deref().unwrap_or_default().to_owned();
        let url = SecretString::from(letter.redeem_url.expose().to_owned());
        links.insert(address, Link { name, url, file });
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["new_email", "display_name", "redeem_url", "file"])?;
        for (address, Link { name, url, file }) in links.iter() {
            writer.write_record([
                harmless(address),
                harmless(name),
                url.expose_secret().to_owned(),
                file.clone(),
            ])?;
        }
        let text = writer.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
        atomically(&self.path.join(LINKS), &text)
    }
}

fn read_links(path: &Path) -> io::Result<BTreeMap<String, Link>> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(error),
    };
    let mut links = BTreeMap::new();
    for record in csv::Reader::from_reader(text.as_slice()).records() {
        let record = record?;
        let cell = |at| as_it_was(record.get(at).unwrap_or_default());
        let url = SecretString::from(cell(2));
        links.insert(cell(0), Link { name: cell(1), url, file: cell(3) });
    }
    Ok(links)
}

/// What a spreadsheet takes a cell for a formula by.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A cell that no spreadsheet takes for a formula.
fn harmless(cell: &str) -> String {
    if cell.starts_with(FORMULA) { format!("'{cell}") } else { cell.to_owned() }
}

fn as_it_was(cell: &str) -> String {
    let formula = cell.strip_prefix('\'').filter(|rest| rest.starts_with(FORMULA));
    formula.unwrap_or(cell).to_owned()
}

/// An address as the name of a file on every system. What is replaced is written as its
/// code, so that two addresses never share a file.
fn file_name(address: &str) -> String {
    let mut name = String::new();
    for character in address.chars() {
        if character.is_ascii_alphanumeric() || "@._-".contains(character) {
            name.push(character);
        } else {
            // Writing to a string can't fail.
            let _ = write!(name, "%{:02x}", u32::from(character));
        }
    }
    // Neither hidden nor taken for an option.
    if name.starts_with(['.', '-']) { format!("_{name}") } else { name }
}

fn private_directory(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Writes a file that appears whole, readable by its owner alone.
fn atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".partial");
    let temporary = PathBuf::from(temporary);
    let written = create(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.and_then(|()| fs::rename(&temporary, path)).inspect_err(|_| {
        // The cause is what matters; a leftover is harmless.
        let _ = fs::remove_file(&temporary);
    })
}

fn create(path: &Path) -> io::Result<File> {
    // A leftover may belong to others' eyes; a new file does not.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;

    use super::*;
    use crate::config::{DeliverySettings, MailAddress};
    use crate::delivery::{MessageId, RedeemUrl, Sender, Templates};
    use crate::domain::{Email, RedirectUrl};

    #[test]
    fn addresses_have_file_names_of_their_own() {
        assert_eq!(file_name("o'neil+b2b@f.example"), "o%27neil%2bb2b@f.example");
        assert_eq!(file_name("../a@f.example"), "_..%2fa@f.example");
        assert_ne!(file_name("a/b@f.example"), file_name("a%2fb@f.example"));
    }

    #[test]
    fn cells_are_no_formulas_and_come_back_as_they_were() {
        for (cell, written) in [("=1+1", "'=1+1"), ("Ada", "Ada"), ("'t Hooft", "'t Hooft")] {
            assert_eq!(harmless(cell), written);
            assert_eq!(as_it_was(written), cell);
        }
    }

    #[test]
    fn a_folder_holds_each_guest_s_newest_mail_and_link_across_runs() {
        let directory = tempfile::tempdir().unwrap();
        let put = |to: &str, link: &str| {
            let letter = Letter {
                to: Email::parse(to).unwrap(),
                cc: Vec::new(),
                redeem_url: RedeemUrl::new(link),
                display_name: Some("=Ada".into()),
                old_email: None,
                message: None,
                redirect_url: Arc::new(RedirectUrl::parse("https://myapps.microsoft.com").unwrap()),
                language: None,
                tenant_name: "Contoso".into(),
                columns: BTreeMap::new(),
            };
            let templates = Templates::load(&DeliverySettings::default(), None, [None]).unwrap();
            let address = Email::parse("it@contoso.example").unwrap();
            let from = MailAddress { name: None, address };
            let id = MessageId::random(&from.address);
            let sender = Sender { from, reply_to: None };
            let mail = Mail::new(&templates, &letter, &sender, id, Timestamp::UNIX_EPOCH).unwrap();
            let folder = Folder::open(directory.path()).unwrap();
            assert_eq!(folder.put(&mail, &letter), Outcome::accepted());
            let file = directory.path().join(format!("{}.eml", letter.to.folded()));
            assert_eq!(fs::read(file).unwrap(), mail.mime());
        };
        put("Bob@fabrikam.example", "https://login.example/1");
        put("ada@fabrikam.example", "https://login.example/2");
        put("bob@fabrikam.example", "https://login.example/3");
        let links = fs::read_to_string(directory.path().join(LINKS)).unwrap();
        insta::assert_snapshot!(links, @r"
        new_email,display_name,redeem_url,file
        ada@fabrikam.example,'=Ada,https://login.example/2,ada@fabrikam.example.eml
        bob@fabrikam.example,'=Ada,https://login.example/3,bob@fabrikam.example.eml
        ");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 3);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_is_there_whole_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let folder = directory.path().join("mails");
        private_directory(&folder).unwrap();
        let path = folder.join("a.eml");
        fs::write(folder.join("a.eml.partial"), "left over").unwrap();
        atomically(&path, b"whole").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "whole");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    }
}
