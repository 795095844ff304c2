//! What the emulator claims, rule by rule, called in process.

mod apps;
mod caller;
mod contract;
mod faults;
mod invitations;
mod mail_page;
mod mailbox;
mod other_clients;
mod reads;
mod sample;
mod socket;
mod tokens;
mod traces;
mod updates;
