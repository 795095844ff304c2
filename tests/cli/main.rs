//! The commands as a person or a scheduler meets them: the real binary against a
//! tenant on loopback, and everything it says.

mod support;

mod after;
mod aftercare;
mod apply;
mod bad_days;
mod checkpoint;
mod config;
mod contract;
mod demo;
mod doctor;
mod documents;
mod draft;
#[cfg(target_os = "linux")]
mod full_disk;
mod guards;
mod help;
#[cfg(unix)]
mod hooks;
mod init;
mod lint;
mod log;
#[cfg(unix)]
mod mail_links;
#[cfg(target_os = "linux")]
mod mail_tls;
mod mail_trace;
mod mails;
#[cfg(target_os = "linux")]
mod network;
mod night;
mod only;
#[cfg(feature = "pfx")]
mod pfx;
mod plan;
mod plan_page;
mod preview;
mod reach;
mod readiness;
mod rehearse;
mod report;
mod revert;
mod schedulers;
mod schemas;
mod secrets;
mod sign_in;
#[cfg(unix)]
mod signals;
mod slow;
mod snapshot;
#[cfg(target_os = "linux")]
mod spoilt;
mod terminal;
mod tutorial;
mod verify;
mod waves;
#[cfg(windows)]
mod windows;
