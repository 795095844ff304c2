//! The last run as metrics, in the text format that `node_exporter`'s textfile
//! collector reads. All are gauges: the file tells of one run and is written anew
//! by the next. A metric of the type `info` would have the whole file
//! refused, as the older text format has no such type.
//!
//! Leaves to others: where the text goes, and when the last success was.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::prometheus_text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use super::ending::Ending;

/// What every text begins with: how an earlier one is told from another file.
pub(super) const METRICS_BEGIN: &str = "# HELP reinvite_";

/// What is told of the campaign besides its last run. The file is written anew by each,
/// so that none of it may depend on what that run was.
#[derive(Debug, Default)]
pub(super) struct CampaignState {
    /// When a run last succeeded; left out when none has yet.
    pub(super) last_success: Option<Timestamp>,
    /// Guests invited, by what the directory showed of each last: `pending`.
    pub(super) guests: BTreeMap<String, u64>,
    /// When the invitation was sent that has been pending for longest.
    pub(super) pending_since: Option<Timestamp>,
}

/// The metrics of a run that ended like this, in a campaign that stands like that.
pub(super) fn metrics(ending: &Ending, campaign: &CampaignState) -> String {
    let text = |text: Option<&String>| text.cloned().unwrap_or_default();
    let labels = [
        ("tenant".into(), text(ending.tenant.as_ref()).into()),
        ("manifest".into(), text(ending.manifest.as_ref()).into()),
    ];
    let mut registry = Registry::with_prefix_and_labels("reinvite", labels.into_iter());
    registry.register_collector(Box::new(Gauges(gauges(ending, campaign))));
    let mut out = String::new();
    encode(&mut out, &registry).expect("a string takes everything");
    out
}

/// One metric. Its samples differ by their labels.
#[derive(Debug)]
struct Metric {
    name: &'static str,
    help: &'static str,
    unit: Option<Unit>,
    samples: Vec<(Vec<(&'static str, String)>, f64)>,
}

fn gauges(ending: &Ending, campaign: &CampaignState) -> Vec<Metric> {
    let single =
        |name, help, value| Metric { name, help, unit: None, samples: vec![(vec![], value)] };
    let seconds =
        |name, help, value| Metric { unit: Some(Unit::Seconds), ..single(name, help, value) };
    let time = |name, help, at: Timestamp| seconds(name, help, at.as_duration().as_secs_f64());
    let span = |name, help, span: Duration| seconds(name, help, span.as_secs_f64());
    let about = vec![
        ("command", ending.command.to_owned()),
        ("stop_reason", ending.stop_reason.unwrap_or_default().to_owned()),
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
    ];
    let mut gauges = vec![
        Metric { samples: vec![(about, 1.0)], ..single("run_info", "What the last run was.", 1.0) },
        time("run_start_timestamp", "When the last run began, since the epoch.", ending.started_at),
        time("run_end_timestamp", "When the last run ended, since the epoch.", ending.ended_at),
        span("run_duration", "How long the last run took.", ending.duration),
        single("run_exit_code", "Exit code of the last run.", f64::from(ending.exit_code)),
        span(
            "run_throttle_wait",
            "How long the tenant asked the last run to send nothing.",
            ending.throttle_wait,
        ),
    ];
    gauges.extend(campaign.last_success.map(|at| {
        time("last_success_timestamp", "When a run last succeeded, since the epoch.", at)
    }));
    if !campaign.guests.is_empty() {
        let guests = campaign.guests.iter();
        gauges.push(Metric {
            samples: guests
                .map(|(word, n)| (vec![("redemption", word.clone())], number(*n)))
                .collect(),
            ..single("guests", "Guests invited by what the directory showed of them last.", 0.0)
        });
    }
    gauges.extend(campaign.pending_since.map(|at| {
        time(
            "pending_since_timestamp",
            "When the invitation was sent that is pending for longest, since the epoch.",
            at,
        )
    }));
    let Some(summary) = &ending.numbers else { return gauges };
    gauges.push(Metric {
        samples: summary
            .ends()
            .map(|(state, n)| (vec![("state", state.to_owned())], number(n)))
            .collect(),
        ..single("rows", "Rows of the manifest by what became of them in the last run.", 0.0)
    });
    let mails = [
        ("sent", summary.mailed()),
        ("file", summary.mail_files()),
        ("failed", summary.mail_failed()),
        ("unknown", summary.mail_unknown()),
        ("not-yet", summary.mails_due()),
    ];
    gauges.push(Metric {
        samples: mails.map(|(state, n)| (vec![("state", state.to_owned())], number(n))).to_vec(),
        ..single("run_own_mails", "Mails of one's own by what became of them in the last run.", 0.0)
    });
    gauges.extend([
        single(
            "run_mails_written",
            "Mails of guests that the last run wrote.",
            number(summary.patched),
        ),
        single("run_retries", "Requests that the last run repeated.", number(summary.retries)),
        single(
            "run_throttled_answers",
            "Answers that asked the last run for patience.",
            number(summary.throttled),
        ),
    ]);
    gauges
}

#[derive(Debug)]
struct Gauges(Vec<Metric>);

impl Collector for Gauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for Metric { name, help, unit, samples } in &self.0 {
            let mut metric =
                encoder.encode_descriptor(name, help, unit.as_ref(), MetricType::Gauge)?;
            for (labels, value) in samples {
                ConstGauge::new(*value).encode(metric.encode_family(labels)?)?;
            }
        }
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "no manifest has 2^53 rows")]
fn number(n: u64) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::super::ending::tests::{stopped_night, unplanned_night};
    use super::*;

    #[test]
    fn a_stopped_night_reads_like_this() {
        let campaign = CampaignState {
            last_success: Some("2026-03-01T02:05:00Z".parse().unwrap()),
            guests: [("pending".to_owned(), 3), ("redeemed".to_owned(), 9)].into(),
            pending_since: Some("2026-02-01T02:05:00Z".parse().unwrap()),
        };
        insta::assert_snapshot!(metrics(&stopped_night(), &campaign), @r#"
        # HELP reinvite_run_info What the last run was.
        # TYPE reinvite_run_info gauge
        reinvite_run_info{tenant="contoso.example",manifest="nights/guests \"old\".csv",command="apply",stop_reason="invitations-blocked",version="0.1.0"} 1.0
        # HELP reinvite_run_start_timestamp_seconds When the last run began, since the epoch.
        # TYPE reinvite_run_start_timestamp_seconds gauge
        reinvite_run_start_timestamp_seconds{tenant="contoso.example",manifest="nights/guests \"old\".csv"} 1772416800.0
        # HELP reinvite_run_end_timestamp_seconds When the last run ended, since the epoch.
        # TYPE reinvite_run_end_timestamp_seconds gauge
        reinvite_run_end_timestamp_seconds{tenant="contoso.example",manifest="nights/guests \"old\".csv"} 1772416992.4
        # HELP reinvite_run_duration_seconds How long the last run took.
        # TYPE reinvite_run_duration_seconds gauge
        reinvite_run_duration_seconds{tenant="contoso.example",manifest="nights/guests \"old\".csv"} 192.4
        # HELP reinvite_run_exit_code Exit code of the last run.
        # TYPE reinvite_run_exit_code gauge
        reinvite_run_exit_code{tenant="contoso.example",manifest="nights/guests \"old\".csv"} 5.0
        # HELP reinvite_run_throttle_wait_seconds How long the tenant asked the last run to send nothing.
        # TYPE reinvite_run_throttle_wait_seconds gauge
        reinvite_run_throttle_wait_seconds{tenant="contoso.example",manifest="nights/guests \"old\".csv"} 12.5
        # HELP reinvite_last_success_timestamp_seconds When a run last succeeded, since the epoch.
        # TYPE reinvite_last_success_timestamp_seconds gauge
        reinvite_last_success_timestamp_seconds{tenant="contoso.example",manifest="nights/guests \"old\".csv"} 1772330700.0
        # HELP reinvite_guests Guests invited by what the directory showed of them last.
        # TYPE reinvite_guests gauge
        reinvite_guests{tenant="contoso.example",manifest="nights/guests \"old\".csv",redemption="pending"} 3.0
        reinvite_guests{tenant="contoso.example",manifest="nights/guests \"old\".csv",redemption="redeemed"} 9.0
        # HELP reinvite_pending_since_timestamp_seconds When the invitation was sent that is pending for longest, since the epoch.
        # TYPE reinvite_pending_since_timestamp_seconds gauge
        reinvite_pending_since_timestamp_seconds{tenant="contoso.example",manifest="nights/guests \"old\".csv"} 1769911500.0
        # HELP reinvite_rows Rows of the manifest by what became of them in the last run.
        # TYPE reinvite_rows gauge
        reinvite_rows{tenant="contoso.example",manifest="nights/guests \"old\".csv",state="invited"} 2.0
        reinvite_rows{tenant="contoso.example",manifest="nights/guests \"old\".csv",state="settled"} 3.0
        reinvite_rows{tenant="contoso.example",manifest="nights/guests \"old\".csv",state="blocked"} 5.0
        reinvite_rows{tenant="contoso.example",manifest="nights/guests \"old\".csv",state="failed"} 1.0
        reinvite_rows{tenant="contoso.example",manifest="nights/guests \"old\".csv",state="unknown"} 1.0
        reinvite_rows{tenant="contoso.example",manifest="nights/guests \"old\".csv",state="not_attempted"} 2.0
        # HELP reinvite_run_own_mails Mails of one's own by what became of them in the last run.
        # TYPE reinvite_run_own_mails gauge
        reinvite_run_own_mails{tenant="contoso.example",manifest="nights/guests \"old\".csv",state="sent"} 0.0
        reinvite_run_own_mails{tenant="contoso.example",manifest="nights/guests \"old\".csv",state="file"} 0.0
        reinvite_run_own_mails{tenant="contoso.example",manifest="nights/guests \"old\".csv",state="failed"} 0.0
        reinvite_run_own_mails{tenant="contoso.example",manifest="nights/guests \"old\".csv",state="unknown"} 0.0
        reinvite_run_own_mails{tenant="contoso.example",manifest="nights/guests \"old\".csv",state="not-yet"} 0.0
        # HELP reinvite_run_mails_written Mails of guests that the last run wrote.
        # TYPE reinvite_run_mails_written gauge
        reinvite_run_mails_written{tenant="contoso.example",manifest="nights/guests \"old\".csv"} 4.0
        # HELP reinvite_run_retries Requests that the last run repeated.
        # TYPE reinvite_run_retries gauge
        reinvite_run_retries{tenant="contoso.example",manifest="nights/guests \"old\".csv"} 7.0
        # HELP reinvite_run_throttled_answers Answers that asked the last run for patience.
        # TYPE reinvite_run_throttled_answers gauge
        reinvite_run_throttled_answers{tenant="contoso.example",manifest="nights/guests \"old\".csv"} 1.0
        "#);
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let text = metrics(&unplanned_night(), &CampaignState::default());
        assert!(text.starts_with(METRICS_BEGIN));
        assert!(!text.contains("reinvite_rows") && !text.contains("last_success"), "{text}");
        assert!(text.contains("reinvite_run_exit_code{"), "{text}");
    }
}
