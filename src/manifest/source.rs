//! Where a manifest's bytes come from.
//!
//! Leaves to others: what they mean ([`parse`]).

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use super::{LoadError, LoadErrorKind, Loaded, Options, parse};

/// Most bytes a manifest may have. A hundred thousand rows with a long message
/// each take a fifth of this; what is larger was named by mistake, and would be
/// read into memory as a whole.
const MAX_MIB: u64 = 512;

/// A file or standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    File(PathBuf),
    Stdin,
}

impl Source {
    /// Reads an argument of the command line: `-` is standard input.
    pub fn from_arg(arg: impl AsRef<OsStr>) -> Self {
        let arg = arg.as_ref();
        if arg == "-" { Self::Stdin } else { Self::File(arg.into()) }
    }

    /// The name used in messages.
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Stdin => "<stdin>".to_owned(),
        }
    }

    /// The name used in messages, and the bytes.
    pub(super) fn load(&self) -> Result<(String, Vec<u8>), LoadError> {
        let name = self.name();
        let bytes = self
            .bytes()
            .map_err(|source| LoadErrorKind::Unreadable { name: name.clone(), source })?;
        if bytes.len() as u64 > MAX_MIB * 1024 * 1024 {
            return Err(LoadErrorKind::TooLarge { name, limit_mib: MAX_MIB }.into());
        }
        Ok((name, bytes))
    }

    fn bytes(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let limit = MAX_MIB * 1024 * 1024 + 1;
        match self {
            Self::File(path) => File::open(path)?.take(limit).read_to_end(&mut bytes)?,
            Self::Stdin => io::stdin().lock().take(limit).read_to_end(&mut bytes)?,
        };
        Ok(bytes)
    }
}

pub fn read(source: &Source, options: &Options) -> Result<Loaded, LoadError> {
    let (name, bytes) = source.load()?;
    parse(&name, &bytes, options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dash_is_standard_input() {
        assert_eq!(Source::from_arg("-"), Source::Stdin);
        assert_eq!(Source::from_arg("./-"), Source::File(PathBuf::from("./-")));
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = read(&Source::from_arg("no/such/file.csv"), &Options::default()).unwrap_err();
        assert!(error.to_string().starts_with("cannot read `no/such/file.csv`: "), "{error}");
        assert!(error.advice().contains("check the path"));
    }
}
