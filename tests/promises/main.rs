//! The promises as tests by name: never twice, never lost, never guessed, never
//! destructive, and stopping when the tenant says stop.
//!
//! Everything runs in one process against the embedded tenant under a paused
//! clock: waits of minutes take no time, and every wait is as long in every run. A
//! wait for the disk is no exception, because the journal writes on the runtime's
//! blocking threads, and the paused clock stands still for those. Which of two rows
//! goes first at the same moment is left to the disk, though, so no test says.

mod support;

mod answers;
mod arrivals;
mod crash;
mod either_way;
mod judge;
mod lost_answers;
mod mail_crash;
mod mail_ways;
mod mailbox;
mod mails;
mod never_destructive;
mod never_guessed;
mod never_lost;
mod never_twice;
mod order;
mod pace;
mod send_again;
mod stopping;
mod tenant_says_stop;
mod there_and_back;
mod waiting;
mod way_back;
