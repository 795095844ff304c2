//! Mails as files, for a person or another program to send: an `.eml` for each guest and
//! `links.csv` with all links. Only their owner may read them, and each is there whole or
//! not at all: a new guest is one line more, written at once, and a line that was cut off is
//! no line.
//!
//! Leaves to others: sending them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use secrecy::{ExposeSecret as _, SecretString};

use crate::files;

use super::letter::Letter;
use super::message::Mail;
use super::outcome::{Outcome, Refused};

const LINKS: &str = "links.csv";

/// A folder that mails are put into.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    links: Mutex<Links>,
}

/// Lines of `links.csv`, by guest.
#[derive(Debug)]
struct Links {
    of: BTreeMap<String, Link>,
    /// Whether the file is known to hold these and nothing else, so that the next may be
    /// put after them. To write all of them for each would take the square of their number.
    are_written: bool,
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
        let links = Links { of: read_links(&path.join(LINKS))?, are_written: false };
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
        // Open in Excel it could not be replaced with the next mail.
        files::check_free(&path.join(LINKS))?;
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
        let file = eml_name(&address);
        atomically(&self.path.join(&file), mail.mime())?;
        let name = letter.display_name.as_deref().unwrap_or_default().to_owned();
        let url = SecretString::from(letter.redeem_url.expose().to_owned());
        let link = Link { name, url, file };
        let mut links = self.links.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Links { of, are_written } = &mut *links;
        let path = self.path.join(LINKS);
        if std::mem::take(are_written) {
            match of.get(&address) {
                Some(before) if before.is(&link) => {}
                Some(_) => {
                    of.insert(address, link);
                    atomically(&path, &list(of)?)?;
                }
                None => {
                    let added = lines(|writer| link.write(&address, writer))?;
                    of.insert(address, link);
                    match append(&path, &added) {
                        // Somebody took it away.
                        Err(error) if error.kind() == io::ErrorKind::NotFound => {
                            atomically(&path, &list(of)?)?;
                        }
                        written => written?,
                    }
                }
            }
        } else {
            of.insert(address, link);
            atomically(&path, &list(of)?)?;
        }
        *are_written = true;
        Ok(())
    }
}

impl Link {
    fn is(&self, other: &Self) -> bool {
        let Self { name, url, file } = self;
        *name == other.name
            && *file == other.file
            && url.expose_secret() == other.url.expose_secret()
    }

    fn write(&self, address: &str, writer: &mut csv::Writer<Vec<u8>>) -> csv::Result<()> {
        let Self { name, url, file } = self;
        // A line is one line.
        let name = name.replace(['\r', '\n'], " ");
        writer.write_record([&harmless(address), &harmless(&name), url.expose_secret(), file])
    }
}

/// The whole of `links.csv`.
fn list(links: &BTreeMap<String, Link>) -> io::Result<Vec<u8>> {
    lines(|writer| {
        writer.write_record(["new_email", "display_name", "redeem_url", "file"])?;
        links.iter().try_for_each(|(address, link)| link.write(address, writer))
    })
}

fn lines(write: impl FnOnce(&mut csv::Writer<Vec<u8>>) -> csv::Result<()>) -> io::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    write(&mut writer)?;
    writer.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

/// Puts a line at the end of the list, in one write.
fn append(path: &Path, line: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).open(path)?;
    file.write_all(line)?;
    file.sync_data()
}

fn read_links(path: &Path) -> io::Result<BTreeMap<String, Link>> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(error),
    };
    let mut links = BTreeMap::new();
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_slice());
    let mut records = reader.records().peekable();
    while let Some(record) = records.next() {
        let record = record?;
        let cell = |at| as_it_was(record.get(at).unwrap_or_default());
        let (address, file) = (cell(0), cell(3));
        let is_whole = record.len() == 4 && file == eml_name(&address);
        // A run that died while it wrote this one has no record of it, and writes it again.
        if !is_whole && records.peek().is_none() && !text.ends_with(b"\n") {
            break;
        }
        if record.len() != 4 {
            let line = record.position().map_or(0, csv::Position::line);
            let why = format!("{LINKS}, line {line}: {} cells in place of 4", record.len());
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        links.insert(address, Link { name: cell(1), url: SecretString::from(cell(2)), file });
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

fn eml_name(address: &str) -> String {
    format!("{}.eml", file_name(address))
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

    fn put(folder: &Folder, to: &str, link: &str) {
        let letter = Letter {
            to: Email::parse(to).unwrap(),
            cc: Vec::new(),
            redeem_url: RedeemUrl::new(link),
            display_name: Some("=Ada,\nL.".into()),
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
        assert_eq!(folder.put(&mail, &letter), Outcome::accepted());
        let file = folder.path.join(format!("{}.eml", letter.to.folded()));
        assert_eq!(fs::read(file).unwrap(), mail.mime());
    }

    #[test]
    fn a_folder_holds_each_guest_s_newest_mail_and_link_across_runs() {
        let directory = tempfile::tempdir().unwrap();
        let open = || Folder::open(directory.path()).unwrap();
        put(&open(), "Bob@fabrikam.example", "https://login.example/1");
        put(&open(), "ada@fabrikam.example", "https://login.example/2");
        put(&open(), "bob@fabrikam.example", "https://login.example/3");
        let list = || fs::read_to_string(directory.path().join(LINKS)).unwrap();
        insta::assert_snapshot!(list(), @r#"
        new_email,display_name,redeem_url,file
        ada@fabrikam.example,"'=Ada, L.",https://login.example/2,ada@fabrikam.example.eml
        bob@fabrikam.example,"'=Ada, L.",https://login.example/3,bob@fabrikam.example.eml
        "#);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 3);
    }

    #[test]
    fn a_run_puts_new_lines_at_the_end_and_a_line_that_was_cut_off_is_none() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(LINKS);
        let list = || fs::read_to_string(&path).unwrap();
        let folder = Folder::open(directory.path()).unwrap();
        put(&folder, "bob@fabrikam.example", "https://login.example/1");
        put(&folder, "ada@fabrikam.example", "https://login.example/2");
        let two = list();
        let end_of = |text: &str| text.lines().last().unwrap()[..5].to_owned();
        assert_eq!((two.lines().count(), end_of(&two)), (3, "ada@f".to_owned()));
        // Nothing new is not written: not even where the file is written as a whole.
        put(&folder, "bob@fabrikam.example", "https://login.example/1");
        assert_eq!(list(), two);
        put(&folder, "bob@fabrikam.example", "https://login.example/3");
        assert!(!list().contains("example/1,") && list().lines().count() == 3, "{}", list());
        fs::remove_file(&path).unwrap();
        put(&folder, "cem@fabrikam.example", "https://login.example/4");
        let whole = list();
        assert_eq!(whole.lines().count(), 4);
        // Whatever of the last line is there, up to the last byte before its end.
        let start = whole.trim_end().rfind('\n').unwrap() + 1;
        for end in start..whole.len() {
            fs::write(&path, &whole[..end]).unwrap();
            let found = read_links(&path).unwrap();
            assert_eq!(found.len(), if end + 1 == whole.len() { 3 } else { 2 }, "{end}");
            assert!(found["bob@fabrikam.example"].url.expose_secret().ends_with("/3"));
        }
        // In the middle it is somebody's mistake, and nobody's guess.
        fs::write(&path, whole.replacen(",https://login.example/2", "", 1)).unwrap();
        assert!(read_links(&path).unwrap_err().to_string().contains("line 2: 3 cells"));
    }

    #[cfg(windows)]
    #[test]
    fn links_that_another_program_shows_are_found_out_beforehand() {
        use std::os::windows::fs::OpenOptionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let links = directory.path().join(LINKS);
        fs::write(&links, "new_email,display_name,redeem_url,file\n").unwrap();
        Folder::can_take(directory.path()).unwrap();
        let held = OpenOptions::new().read(true).write(true).share_mode(1).open(links).unwrap();
        Folder::can_take(directory.path()).unwrap_err();
        drop(held);
        Folder::can_take(directory.path()).unwrap();
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
