//! What `--version` says: the release, and what somebody who helps wants to know besides;
//! and where the documentation is.
//!
//! Leaves to others: finding the commit and the address (`build.rs`).

use std::sync::LazyLock;

/// Where the documentation of this build is published; None for a build that nobody
/// publishes.
pub fn documentation() -> Option<&'static str> {
    Some(env!("BUILD_DOCUMENTATION")).filter(|address| !address.is_empty())
}

/// The end of the help.
pub(super) fn after() -> &'static str {
    static AFTER: LazyLock<String> = LazyLock::new(|| after_with(documentation()));
    &AFTER
}

fn after_with(documentation: Option<&str>) -> String {
    let book = documentation.map_or_else(
        || "the sources have a book under docs/".to_owned(),
        |address| format!("the documentation is at {address}"),
    );
    format!(
        "`reinvite man` prints the manual; {book}.\n\
         There is no telemetry: it talks to Microsoft Graph, to the sign-in service, and to what the\n\
         configuration names."
    )
}

/// The release; then commit, target and SQLite, a line each.
pub(super) fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        format!(
            "{}\ncommit: {}\ntarget: {}\nsqlite: {}",
            env!("CARGO_PKG_VERSION"),
            env!("BUILD_COMMIT"),
            env!("BUILD_TARGET"),
            rusqlite::version(),
        )
    });
    &VERSION
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_ends_with_where_to_read_on() {
        let published = after_with(Some("https://reinvite.example/docs"));
        assert!(published.starts_with(
            "`reinvite man` prints the manual; the documentation is at \
             https://reinvite.example/docs.\n"
        ));
        assert!(after_with(None).contains("a book under docs/"));
    }
}
