//! Where a secret comes from. The configuration names a file, an environment variable
//! or a program; the secret itself is read when it is needed and never kept here.
//!
//! Leaves to others: what the secret opens.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::program::{self, ProgramError};
use crate::text;

/// How long a program may take that gives a secret: a vault answers within seconds.
pub const PROGRAM_LIMIT: Duration = Duration::from_secs(30);

/// A file or an environment variable that holds a secret, or a program that prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// The file's content, without its line end; UTF-8, or UTF-16 with its mark.
    File(PathBuf),
    /// The value of the environment variable of this name.
    Env(String),
    /// What a program prints, without its line end. No shell is involved.
    Command { program: String, arguments: Vec<String> },
}

/// The place, never the secret: an argument may be one too.
impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "the file `{}`", path.display()),
            Self::Env(name) => write!(f, "the environment variable {name}"),
            Self::Command { program, .. } => write!(f, "the program `{program}`"),
        }
    }
}

/// The secret could not be had. No message carries any part of it.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file can't be read.
    #[error("cannot read the secret from the file `{path}`")]
    Unreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The variable does not exist.
    #[error("the environment variable {0} is not set; the configuration says it holds the secret")]
    NotSet(String),
    /// The program gave nothing.
    #[error("cannot get the secret from its program")]
    Program(#[from] ProgramError),
    /// Bytes that are no text.
    #[error("{0} does not hold UTF-8 text")]
    NotText(String),
    #[error("{0} is empty")]
    Empty(String),
    /// More than one line, or other control characters.
    #[error("{0} holds more than one line, or control characters")]
    NotOneLine(String),
    /// A blank before the line end, which may be the secret's own or not.
    #[error("{0} ends with a blank before its line end")]
    BlankAtEnd(String),
    /// A blank at the end of a variable, which cmd.exe takes from between `set` and `&`.
    #[error("{0} ends with a blank")]
    BlankInVariable(String),
}

impl SecretError {
    pub fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Unreadable { .. } => {
                "let the account that runs reinvite read the file, or name another one under [auth]"
            }
            Self::NotSet(_) => "set the variable where reinvite is started, or name another one",
            Self::Program(_) => {
                "run the command under [auth] by hand; it must print the secret alone"
            }
            Self::NotText(_) => "write the secret alone, on one line, encoded as UTF-8",
            Self::Empty(_) | Self::NotOneLine(_) => "write the secret alone, on one line",
            Self::BlankAtEnd(_) => {
                "write it without the blank: in cmd.exe `echo SECRET> FILE`, as what stands before \
                 `>` is written too; a blank that belongs to the secret stays if no line end \
                 follows it"
            }
            Self::BlankInVariable(_) => {
                "set it without the blank: in cmd.exe `set \"NAME=SECRET\"`, as what stands before \
                 `&&` is set too; a secret that ends with a blank can be had from a file"
            }
        };
        vec![hint.to_owned()]
    }
}

impl SecretSource {
    /// The variable of this name, which no program that we start inherits from now on.
    pub(super) fn of_variable(name: String) -> Self {
        program::keep_from_programs(&name);
        Self::Env(name)
    }

    /// Reads the secret from the file, from this process's environment, or from the
    /// program, which needs a tokio runtime.
    pub async fn read(&self) -> Result<SecretString, SecretError> {
        self.read_with(|name| std::env::var_os(name)).await
    }

    /// The same with the given environment.
    pub async fn read_with(
        &self,
        env: impl Fn(&str) -> Option<OsString>,
    ) -> Result<SecretString, SecretError> {
        let bytes = match self {
            Self::File(path) => fs::read(path)
                .map(Zeroizing::new)
                .map_err(|source| SecretError::Unreadable { path: path.clone(), source })?,
            Self::Env(name) => {
                let text = env(name).ok_or_else(|| SecretError::NotSet(name.clone()))?;
                let text = text.into_string().map_err(|_| SecretError::NotText(self.place()))?;
                Zeroizing::new(text.into_bytes())
            }
            Self::Command { program, arguments } => {
                program::output(program, arguments, PROGRAM_LIMIT).await?
            }
        };
        // UTF-16 without its mark would pass for text with NULs.
        let text = text::decoded(&bytes).filter(|text| !text.contains('\0'));
        let text = text.ok_or_else(|| SecretError::NotText(self.place()))?;
        let secret = text.trim_end_matches(['\r', '\n']);
        if secret.trim().is_empty() {
            return Err(SecretError::Empty(self.place()));
        }
        if secret.contains(char::is_control) {
            return Err(SecretError::NotOneLine(self.place()));
        }
        if secret.len() < text.len() && secret.ends_with(' ') {
            return Err(SecretError::BlankAtEnd(self.place()));
        }
        if matches!(self, Self::Env(_)) && secret.ends_with(' ') {
            return Err(SecretError::BlankInVariable(self.place()));
        }
        Ok(SecretString::from(secret))
    }

    /// A sentence when others than the owner can read the secret's file.
    pub fn warning(&self) -> Option<String> {
        match self {
            Self::File(path) if is_credential(path) => None,
            Self::File(path) => readable_by_others(path).then(|| {
                format!(
                    "other accounts can read the secret in `{}`; restrict it with `chmod 600`",
                    path.display()
                )
            }),
            Self::Env(_) | Self::Command { .. } => None,
        }
    }

    fn place(&self) -> String {
        match self {
            Self::File(path) => format!("the secret's file `{}`", path.display()),
            Self::Env(name) => format!("the environment variable {name}"),
            Self::Command { program, .. } => format!("what `{program}` prints"),
        }
    }
}

/// Whether systemd shows the file to this service alone. It does so by an access control
/// list, whose mask stands where the rights of the group would.
fn is_credential(path: &Path) -> bool {
    std::env::var_os("CREDENTIALS_DIRECTORY")
        .is_some_and(|directory| !directory.is_empty() && path.starts_with(directory))
}

#[cfg(unix)]
fn readable_by_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn readable_by_others(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    /// Runs what a program's output may have to be waited for.
    fn wait<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    fn read(bytes: &[u8]) -> Result<String, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        fs::write(&path, bytes).unwrap();
        wait(SecretSource::File(path).read())
            .map(|secret| secret.expose_secret().to_owned())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_gives_its_text_without_the_line_end() {
        for (bytes, secret) in [
            (&b"s3cret"[..], "s3cret"),
            (b"s3cret\n", "s3cret"),
            (b"s3cret\r\n", "s3cret"),
            (b"\xef\xbb\xbfs3cret\n", "s3cret"),
            (b"s3cret with blank ", "s3cret with blank "),
            // `>` of Windows PowerShell 5.1, and the other byte order.
            (b"\xff\xfes\x003\x00\xac\x20\r\x00\n\x00", "s3€"),
            (b"\xfe\xff\x00s\x003", "s3"),
        ] {
            assert_eq!(read(bytes), Ok(secret.to_owned()));
        }
    }

    #[test]
    fn an_unusable_secret_is_refused_without_showing_it() {
        for (bytes, expected) in [
            (&b"\n"[..], "is empty"),
            (b"", "is empty"),
            (b"s3cret\nmore", "more than one line"),
            (b"s\x003\x00", "UTF-8"),
            (b"\xff\xfes\x003", "UTF-8"),
            (b"\xff\xfes\x00\x00\xd8", "UTF-8"),
            (b"s3cret \r\n", "ends with a blank before its line end"),
            (b"\xff\xfe\r\x00\n\x00", "is empty"),
        ] {
            let error = read(bytes).unwrap_err();
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn an_error_names_the_file_or_the_variable() {
        let source = SecretSource::File("nowhere/at all".into());
        assert!(wait(source.read()).unwrap_err().to_string().contains("nowhere/at all"));
        let source = SecretSource::Env("MY_SECRET".into());
        for (value, expected) in [
            (None, "is not set"),
            (Some(""), "is empty"),
            (Some("s3cret "), "MY_SECRET ends with a blank"),
        ] {
            let error = wait(source.read_with(|_| value.map(OsString::from))).unwrap_err();
            assert!(error.to_string().contains("MY_SECRET"), "{error}");
            assert!(error.to_string().contains(expected), "{error}");
            assert!(!error.hints().is_empty());
        }
        let secret = source.read_with(|name| (name == "MY_SECRET").then(|| "x".into()));
        let secret = wait(secret).unwrap();
        assert_eq!(secret.expose_secret(), "x");
    }

    #[cfg(unix)]
    #[test]
    fn a_program_prints_the_secret_and_no_message_shows_it() {
        let shell = |script: &str| {
            let arguments = vec!["-c".to_owned(), script.to_owned()];
            let source = SecretSource::Command { program: "/bin/sh".to_owned(), arguments };
            assert!(!source.to_string().contains("s3cret"), "{source}");
            wait(source.read())
        };
        assert_eq!(shell("echo s3cret").unwrap().expose_secret(), "s3cret");
        for (script, expected) in [
            ("echo s3cret; echo locked >&2; exit 1", "exit status: 1: locked"),
            ("printf 's3cret\nmore'", "more than one line"),
            (": s3cret", "is empty"),
        ] {
            let error = shell(script).unwrap_err();
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            let text = format!("{error} {} {}", cause.unwrap_or_default(), error.hints().join(" "));
            assert!(text.contains(expected) && !text.contains("s3cret"), "{text}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_secret_open_to_others_is_warned_about() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        fs::write(&path, "x").unwrap();
        for (mode, warned) in [(0o600, false), (0o400, false), (0o640, true), (0o604, true)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let warning = SecretSource::File(path.clone()).warning();
            assert_eq!(warning.is_some(), warned, "{mode:o}");
        }
    }
}
