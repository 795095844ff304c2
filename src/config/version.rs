//! What `--version` says: the release, and what somebody who helps wants to know besides.
//!
//! Leaves to others: finding the commit (`build.rs`).

use std::sync::LazyLock;

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
