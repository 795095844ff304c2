//! An error on its way to the person: what went wrong, what to do, and with
//! which code to exit.

use crate::campaign::KeptError;
use crate::checkpoint::CheckpointError;
use crate::config::{ConfigError, SecretError, documentation};
use crate::graph::{AuthError, CallError, CertificateError, Foreign, TransportError};
use crate::manifest::LoadError;
use crate::run::{StopReason, stop_reason};

use super::Exit;

/// A command that could not do its work.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) exit: Exit,
    pub(super) error: anyhow::Error,
    pub(super) hints: Vec<String>,
    /// Whether the command's one JSON object is on stdout already.
    pub(super) is_told: bool,
    /// Rows of the manifest, none of them attempted, where it could be read.
    pub(super) rows: u64,
}

impl Failure {
    pub(super) fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        Self { exit, error: error.into(), hints: Vec::new(), is_told: false, rows: 0 }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The end of a command that carries something out: one that could not begin for want
    /// of a network is to be run again, and not to be looked into at night.
    pub(super) fn of_a_run(self) -> Self {
        let missing = self.error.chain().find_map(|cause| match cause.downcast_ref() {
            Some(
                CallError::Auth(AuthError::Unreachable(error)) | CallError::Unreachable(error),
            ) => Some(error),
            _ => match cause.downcast_ref() {
                Some(AuthError::Unreachable(error)) => Some(error),
                _ => None,
            },
        });
        let is_passing = missing.is_some_and(TransportError::comes_back);
        if is_passing { Self { exit: Exit::OutOfTime, ..self } } else { self }
    }

    /// Names where to read on, after what nobody expects.
    pub(super) fn with_documentation(self) -> Self {
        match documentation() {
            Some(address) if self.exit == Exit::Unexpected => {
                self.hint(format!("the documentation is at {address}"))
            }
            Some(_) | None => self,
        }
    }

    pub(super) fn told(self) -> Self {
        Self { is_told: true, ..self }
    }

    /// The data could not be written to stdout: another object would not get there
    /// either, or stand behind half of the first.
    pub(super) fn from_stdout(error: std::io::Error) -> Self {
        Self::from(error).told()
    }

    /// Whoever read our output has had enough: not an error.
    pub(super) fn is_closed_pipe(&self) -> bool {
        self.error.chain().any(|cause| {
            cause
                .downcast_ref::<std::io::Error>()
                .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
        })
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(Exit::Unexpected, error)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let hints = error.hints();
        Self { hints, ..Self::new(Exit::Usage, error) }
    }
}

impl From<SecretError> for Failure {
    fn from(error: SecretError) -> Self {
        let hints = error.hints();
        Self { hints, ..Self::new(Exit::Usage, error) }
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        let advice = error.advice().to_owned();
        Self::new(Exit::Usage, error).hint(advice)
    }
}

impl From<KeptError> for Failure {
    fn from(error: KeptError) -> Self {
        Self::new(Exit::Usage, error)
            .hint("name its columns as apply was told to, with --column or [manifest] columns")
    }
}

impl From<CheckpointError> for Failure {
    fn from(error: CheckpointError) -> Self {
        let exit = match &error {
            full if full.is_for_want_of_room() => Exit::Unexpected,
            CheckpointError::Held { .. } => Exit::Held,
            CheckpointError::OtherTenant { .. }
            | CheckpointError::Foreign { .. }
            | CheckpointError::Newer { .. }
            | CheckpointError::Damaged { .. }
            | CheckpointError::Missing { .. }
            | CheckpointError::File { .. } => Exit::Usage,
            CheckpointError::Lost { .. }
            | CheckpointError::Database { .. }
            | CheckpointError::Unwritten(_) => Exit::Unexpected,
        };
        let advice = error.advice();
        Self::new(exit, error).hint(advice)
    }
}

impl From<CertificateError> for Failure {
    fn from(error: CertificateError) -> Self {
        let advice = error.advice();
        Self::new(Exit::Usage, error).hint(advice)
    }
}

impl From<AuthError> for Failure {
    fn from(error: AuthError) -> Self {
        let exit = match &error {
            AuthError::Unreachable(error) => unreachable(error),
            AuthError::Foreign(_) => Exit::Unexpected,
            AuthError::Refused { .. }
            | AuthError::Unreadable { .. }
            | AuthError::Unavailable { .. }
            | AuthError::TokenRejected(_) => Exit::Permission,
        };
        let advice = error.advice();
        Self::new(exit, error).hint(advice)
    }
}

/// A way that was there comes back, and the command is to be run again; where there never
/// was one, someone has to look at what is configured.
fn unreachable(error: &TransportError) -> Exit {
    let comes_back = error.was_up && error.comes_back();
    if comes_back { Exit::OutOfTime } else { Exit::Unexpected }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        if let CallError::Auth(refused) = error {
            return refused.into();
        }
        let stop = stop_reason(&error);
        let exit = match (&error, &stop) {
            (CallError::Unreachable(error), _) => unreachable(error),
            (_, Some(reason)) => Exit::from_stop_reason(reason),
            (CallError::Stopped, None) => Exit::Interrupted,
            (CallError::Throttled { .. }, None) => Exit::OutOfTime,
            (_, None) => Exit::Unexpected,
        };
        let hint = match &error {
            CallError::Foreign(_) => Some(Foreign::ADVICE),
            CallError::Unreachable(error) => Some(error.advice()),
            CallError::Throttled { .. } | CallError::ThrottledOut(_) => {
                Some("run the same command again later")
            }
            _ => stop.as_ref().and_then(StopReason::advice),
        };
        let failure = Self::new(exit, error);
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Reached;

    #[test]
    fn only_what_comes_back_by_itself_is_to_be_run_again() {
        let refused = "host: client error (Connect): tcp connect error: Connection refused";
        let certificate = "host: client error (Connect): invalid peer certificate: UnknownIssuer";
        let name = "host: client error (Connect): dns error: failed to lookup address information: \
                    Name or service not known";
        let resolver = "host: client error (Connect): dns error: failed to lookup address \
                        information: Temporary failure in name resolution";
        let proxy = "host: client error (Connect): tunnel error: unsuccessful";
        let authorities = "any server: the HTTP client could not be set up: builder error: \
                           unexpected error: No CA certificates were loaded from the system";
        for (message, was_up, at_a_look, at_a_run) in [
            (refused, false, 1, 7),
            (refused, true, 7, 7),
            (certificate, false, 1, 1),
            (certificate, true, 1, 1),
            (proxy, false, 1, 1),
            (authorities, false, 1, 1),
            // A name that nobody knows is not there tomorrow, either; one that was is.
            (name, false, 1, 1),
            (name, true, 7, 7),
            (resolver, false, 1, 7),
            (resolver, true, 7, 7),
        ] {
            let error =
                || TransportError { reached: Reached::No, was_up, message: message.to_owned() };
            let auth = || AuthError::Unreachable(error());
            for call in [CallError::Unreachable(error()), CallError::Auth(auth())] {
                assert_eq!(Failure::from(call.clone()).exit.code(), at_a_look, "{call}");
                assert_eq!(Failure::from(call).of_a_run().exit.code(), at_a_run, "{message}");
            }
            assert_eq!(Failure::from(auth()).of_a_run().exit.code(), at_a_run, "{message}");
        }
    }
}
