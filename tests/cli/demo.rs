//! `demo`, in real time.

use crate::support::Campaign;

#[test]
fn the_demo_ends_well_and_leaves_its_files() {
    let campaign = Campaign::new();
    let output = campaign.run("demo --directory demo").exits(0);
    assert!(output.stderr.contains("Some rows are blocked and some fail on purpose"), "{output}");
    for file in ["contoso.csv", "reinvite.toml", "contoso.csv.checkpoint", "contoso.result.csv"] {
        assert!(campaign.exists(&format!("demo/{file}")), "{file}");
    }
    let status = campaign.run("status --checkpoint demo/contoso.csv.checkpoint --output json");
    let status = status.exits(0).json();
    assert_eq!(status["counts"]["not_attempted"], 0, "{status}");
    assert_eq!(status["counts"]["unknown"], 0, "{status}");
    assert_eq!(status["counts"]["invited"], 182, "{status}");
}
