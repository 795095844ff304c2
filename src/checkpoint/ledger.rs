//! Reading the present states back, for planning.

use jiff::Timestamp;
use rusqlite::Connection;
use serde::Deserialize;

use crate::domain::{
    Email, InvitationKey, Ledger, LedgerEntry, LedgerState, Redemption, Resend, UserId,
};

use super::file::{classify, meta};
use super::{Checkpoint, CheckpointError};

impl Checkpoint {
    /// What earlier runs of the campaign did.
    pub fn ledger(&self) -> Result<Ledger, CheckpointError> {
        let (path, connection) = self.connection();
        read(connection).map_err(|error| match error {
            ReadError::Database(source) => classify(path, source),
            ReadError::Content(detail) => {
                CheckpointError::Damaged { path: path.to_owned(), detail }
            }
        })
    }
}

pub(super) enum ReadError {
    Database(rusqlite::Error),
    Content(String),
}

impl From<rusqlite::Error> for ReadError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

/// What `detail` may hold, over all states.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Detail {
    before: Option<serde_json::Value>,
    code: String,
    message: String,
    resend: Option<Resend>,
    accepted: Option<serde_json::Value>,
}

/// The history of a guest is a sequence: of two addresses the one that was begun last is
/// the one that the manifest asked for last, whatever became known of the other since.
const IN_ORDER: &str = "
    SELECT r.user_id, r.address, r.state, r.at, r.detail
    FROM row r LEFT JOIN (
        SELECT user_id, address, max(id) AS begun FROM event
        WHERE what IN ('patching', 'intended') GROUP BY user_id, address
    ) b ON b.user_id = r.user_id AND b.address = r.address
    ORDER BY b.begun";

pub(super) fn read(connection: &Connection) -> Result<Ledger, ReadError> {
    let mut ledger = Ledger::default();
    ledger.tenant = meta(connection, "tenant")?;
    let mut query = connection.prepare(IN_ORDER)?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let text = |column| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
        let (user, address, state) = (text(0)?, text(1)?, text(2)?);
        let (at, detail) = (text(3)?, text(4)?);
        let bad = |what: &str| ReadError::Content(format!("{what} of {user} {address}"));
        let key = InvitationKey {
            user_id: UserId::parse(user).map_err(|_| bad("object id"))?,
            address: Email::parse(address).map_err(|_| bad("address"))?,
        };
        let at: Timestamp = at.parse().map_err(|_| bad("time"))?;
        let detail: Detail = serde_json::from_str(detail).map_err(|_| bad("detail"))?;
        if state == "intended" && detail.accepted.is_some() {
            ledger.record_resent(key.clone());
        }
        let state = match state {
            "patching" => LedgerState::Patching,
            "patched" => LedgerState::Patched,
            "intended" => LedgerState::Unknown {
                before: detail.before.and_then(|b| serde_json::from_value::<Redemption>(b).ok()),
            },
            "outstanding" => LedgerState::Outstanding,
            "invited" => LedgerState::Invited,
            "failed" => LedgerState::Failed { code: detail.code, message: detail.message },
            other => return Err(bad(&format!("state `{other}`"))),
        };
        ledger.record(key, LedgerEntry { state, at, resend: detail.resend });
    }
    let mut query = connection.prepare("SELECT name, user_id FROM name")?;
    let mut names = query.query([])?;
    while let Some(row) = names.next()? {
        let name = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
        let user = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
        let user = UserId::parse(user).map_err(|e| ReadError::Content(e.to_string()))?;
        ledger.record_name(name, user);
    }
    Ok(ledger)
}
