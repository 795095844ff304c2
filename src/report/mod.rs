//! Rendering: the plan, the progress and the end of a run, for people and for
//! machines.
//!
//! Everything here writes where it is told to and decides nothing: it knows events,
//! plans, summaries and digests, of the checkpoint the history that was read back
//! (`campaign`), and nothing of the service.
//! Leaves to others: streams, whether there is a terminal, and exit codes (`cli`).

mod campaign;
mod delivery;
mod doctor;
mod ending;
mod file;
mod hook;
mod json;
mod log;
mod metrics;
mod night;
mod night_json;
mod plan_text;
mod progress;
mod result_file;
mod row;
#[cfg(test)]
mod sample;
mod sign_in;
mod status;
mod style;
mod summary_text;
mod text;
mod webhook;

pub use campaign::{
    Explained, Report, ReportFormat, ReportOptions, explain_json, explain_text, failed_csv,
    failed_rows, write_report,
};
pub use doctor::{doctor_json, doctor_text};
pub use ending::{Ending, Verdict, stopped};
pub use file::{Replace, ReportFileError, check_report_path, report_file};
pub use hook::hook_environment;
pub use json::{apply_json, failure_json, plan_json, unplanned_json};
pub use log::{Level, LogLine, is_log};
pub use metrics::{CampaignState, METRICS_BEGIN, metrics};
pub use night::{NightView, VerifyView, night_text, verify_text};
pub use night_json::{night_json, verify_json};
pub use plan_text::{PlanView, plan_text};
pub use progress::{Progress, ProgressMode};
pub use result_file::{ExtraColumns, ResultFileError, check_result_path, result_file};
pub use sign_in::sign_in_line;
pub use status::{
    FailureGroup, LastRun, NotInManifestCounts, ResendCounts, Status, status_json, status_text,
};
pub use style::{Styles, count, plural};
pub use summary_text::{SummaryView, summary_text};
pub use webhook::{webhook_json, webhook_slack, webhook_teams};
