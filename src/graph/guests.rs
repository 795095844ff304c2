//! Reading some guests again, by a sweep over all or one by one; and reading all of them
//! before it is known what is wanted of them.
//!
//! Leaves to others: whatever else a plan needs of the tenant (`survey`).

use std::collections::BTreeSet;
use std::sync::atomic::Ordering::Relaxed;

use crate::domain::{Caller, Directory, UserId};

use super::call_error::CallError;
use super::client::Graph;
use super::survey::{Method, PAGE_SIZE, Survey, Swept, Wanted};

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

    /// Sweeps over all guests, and then reads what a plan of some of them needs: `wanted`
    /// says of what, from the guests that were found.
    pub async fn survey_guests(
        &self,
        caller: Caller,
        wanted: impl FnOnce(&Directory) -> Wanted,
    ) -> Result<Survey, CallError> {
        let before = self.traffic().requests.load(Relaxed);
        let mut unreadable = Vec::new();
        let tenant = Box::pin(self.tenant(&mut unreadable)).await?;
        self.pacer.tenant_has(tenant.guests.unwrap_or_default());
        let mut directory = Directory::new(tenant);
        let swept = self.sweep(&mut directory).await?;
        directory.index();
        let wanted = wanted(&directory);
        self.complete(&mut directory, &wanted, swept, caller, &mut unreadable).await?;
        directory.unreadable = unreadable;
        let requests = self.traffic().requests.load(Relaxed) - before;
        Ok(Survey { directory, method: Method::Sweep, requests })
    }
}
