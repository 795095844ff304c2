//! A campaign whose run is under way for long enough to do something to it.

use std::time::Duration;

use reinvite::emulator::{Options, TenantSeed};

use crate::support::{Campaign, everyone};

pub(crate) const GUESTS: u32 = 30;

/// Its run takes about a second: one request at a time, each slow.
pub(crate) fn slow() -> Campaign {
    let latency = Some(Duration::from_millis(20)..=Duration::from_millis(20));
    let options = Options { latency, ..Options::default() };
    let campaign = Campaign::with(TenantSeed::with_guests(GUESTS), options);
    let configuration = campaign.read("reinvite.toml");
    let one = configuration.replace("requests_in_flight = 32", "requests_in_flight = 1");
    campaign.write("reinvite.toml", &format!("{one}[guards]\nmax_changes = \"100%\"\n"));
    campaign.write("all.csv", &everyone(GUESTS));
    campaign
}
