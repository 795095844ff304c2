//! Reading some guests again: by a sweep over all, or one by one.
//!
//! Leaves to others: whatever else a plan needs of the tenant (`survey`).

use std::collections::BTreeSet;

use crate::domain::{Directory, UserId};

use super::call_error::CallError;
use super::client::Graph;
use super::survey::{PAGE_SIZE, Swept, Wanted};

impl Graph {
    /// Reads the tenant and these users, by whichever way takes fewer resource units.
    /// Users that are not in the answer do not exist.
    pub async fn guests(&self, ids: &BTreeSet<UserId>) -> Result<Directory, CallError> {
        let mut directory = Directory::new(Box::pin(self.tenant(&mut Vec::new())).await?);
        let swept = match directory.tenant.guests {
            Some(guests) if (ids.len() as u64) <= guests.div_ceil(PAGE_SIZE) => Swept::Nothing,
            Some(_) | None => self.sweep(&mut directory).await?,
        };
        directory.index();
        let wanted = Wanted { known: ids.iter().copied().collect(), ..Wanted::default() };
        self.look_up_references(&mut directory, &wanted, swept).await?;
        directory.index();
        Ok(directory)
    }
}
