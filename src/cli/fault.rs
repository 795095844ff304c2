//! A fault of the program itself, told as an error with an exit code of the contract: a panic
//! would end it with 101, which no scheduler knows, and with words for programmers.
//!
//! Leaves to others: what a run does so that a fault loses nothing (`checkpoint`).

use std::any::Any;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::{Mutex, PoisonError};

use super::Exit;
use super::failure::Failure;

/// Where the first one was.
static PLACE: Mutex<Option<String>> = Mutex::new(None);

/// Has faults of the main thread told by [`caught`], and those of others at once. With `RUST_BACKTRACE` they are told at once, too, with how
/// they came about.
pub(super) fn listen() {
    let at_length = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |fault: &PanicHookInfo<'_>| {
        let place = fault.location().map(ToString::to_string);
        // What a thread beside the main one ends with is nobody's failure yet.
        if std::thread::current().name() != Some("main") {
            let (words, place) = (words(fault.payload()), place.as_deref().unwrap_or("no place"));
            let _ = writeln!(
                anstream::stderr(),
                "warning: reinvite has a fault of its own: {words} ({place})"
            );
        }
        let mut first = PLACE.lock().unwrap_or_else(PoisonError::into_inner);
        *first = first.take().or(place);
        if std::env::var_os("RUST_BACKTRACE").is_some_and(|value| value != "0") {
            at_length(fault);
        }
    }));
}

/// Does the work; a fault in it is a failure.
pub(super) fn caught<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    // Nothing that the work has changed is looked at afterwards.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|fault| {
        let place = PLACE.lock().unwrap_or_else(PoisonError::into_inner).take();
        let place = place.map(|place| format!(" ({place})")).unwrap_or_default();
        let message = format!("reinvite has a fault of its own: {}{place}", words(&*fault));
        Err(Failure::new(Exit::Unexpected, anyhow::anyhow!(message))
            .hint("what was sent is in the checkpoint: `reinvite status` shows it, and the same command goes on")
            .hint("report it, with what `reinvite --version` says; RUST_BACKTRACE=1 shows how it came about"))
    })
}

fn words(fault: &(dyn Any + Send)) -> &str {
    let text = fault.downcast_ref::<&str>().copied();
    text.or_else(|| fault.downcast_ref::<String>().map(String::as_str)).unwrap_or("no words for it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_a_failure_with_a_code_of_the_contract() {
        let ends = |work: fn() -> Result<Exit, Failure>| caught(work);
        assert_eq!(ends(|| Ok(Exit::Done)).unwrap(), Exit::Done);
        for fault in [(|| panic!("no such row")) as fn() -> _, || panic!("no such {}", "row")] {
            let failure = ends(fault).unwrap_err();
            assert_eq!(failure.exit, Exit::Unexpected);
            assert!(failure.error.to_string().contains("fault of its own: no such row"));
        }
    }
}
