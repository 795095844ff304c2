//! How the checkpoint of a rehearsal is told from that of a campaign: by its tenant, which is
//! called as no tenant is. So no campaign can go on with it, and whatever is made from it can
//! say what it is of.

use super::Status;

/// Before the tenant's id.
const REHEARSAL_OF: &str = "rehearsal-of-";

/// The tenant of a rehearsal on a copy of this one.
pub fn rehearsal_of(tenant: &str) -> String {
    if is_rehearsal(tenant) { tenant.to_owned() } else { format!("{REHEARSAL_OF}{tenant}") }
}

/// Whether a tenant is one of a rehearsal.
pub(super) fn is_rehearsal(tenant: &str) -> bool {
    tenant.starts_with(REHEARSAL_OF)
}

impl Status {
    /// Whether nobody outside of a rehearsal knows anything of it.
    pub fn is_rehearsal(&self) -> bool {
        is_rehearsal(&self.tenant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_tenant_is_called_as_that_of_a_rehearsal() {
        let tenant = "61b1ea81-7d47-4f4f-b9dd-4f5ea1d2d9c1";
        let rehearsed = rehearsal_of(tenant);
        assert!(is_rehearsal(&rehearsed) && !is_rehearsal(tenant));
        assert!(uuid::Uuid::try_parse(&rehearsed).is_err());
        assert_eq!(rehearsal_of(&rehearsed), rehearsed);
    }
}
