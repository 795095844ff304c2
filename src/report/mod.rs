//! Rendering: the plan, the progress and the end of a run, for people and for
//! machines.
//!
//! Everything here writes where it is told to and decides nothing: it knows events,
//! plans, summaries and digests, of the checkpoint the history that was read back
//! (`campaign`), and nothing of the service.
//! Leaves to others: streams, whether there is a terminal, and exit codes (`cli`); what
//! machines are told at the end (`notify`).

mod aftercare;
mod bounce;
mod campaign;
mod configuration;
mod delivery;
mod doctor;
mod draft;
mod file;
mod json;
mod log;
mod night;
mod night_json;
mod plan_domains;
mod plan_mails;
mod plan_page;
mod plan_reach;
mod plan_text;
mod progress;
mod rehearsal;
mod rehearsal_json;
mod result_file;
mod row;
#[cfg(test)]
pub(crate) mod sample;
mod sample_mail;
mod schema;
mod schema_document;
mod sign_in;
mod status;
mod style;
mod summary_text;
mod text;

pub use aftercare::{AftercareFile, AftercareView, aftercare_json, aftercare_text};
pub use campaign::{
    Explained, Report, ReportFormat, ReportOptions, explain_json, explain_text, failed_csv,
    failed_rows, write_report,
};
pub use configuration::{configuration_json, configuration_text};
pub use delivery::what_guests_get;
pub use doctor::{doctor_json, doctor_text};
pub use draft::{DraftView, draft_json, draft_text};
pub use file::{Replace, ReportFileError, check_report_path, report_file};
pub use json::{apply_json, failure_json, plan_json, unplanned_json};
pub use log::{Level, LogLine, is_log};
pub use night::{NightView, VerifyView, night_text, verify_text};
pub use night_json::{night_json, verify_json};
pub use plan_page::{PlanFormat, PlanPage, write_plan};
pub use plan_text::{PlanView, plan_text};
pub use progress::{Progress, ProgressMode};
pub use rehearsal::{RehearsalView, rehearsal_text};
pub use rehearsal_json::rehearsal_json;
pub use result_file::{ExtraColumns, ResultFileError, Results, check_result_path, result_file};
pub use schema::Schema;
pub use schema_document::{schema_document, schema_names};
pub use sign_in::sign_in_line;
pub use status::{status_json, status_text};
pub use style::{Styles, count, plural};
pub use summary_text::{SummaryView, summary_text};
pub(crate) use text::{harmless, harmless_lines, seconds, stamp};
