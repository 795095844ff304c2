//! One's own mail with the link that redeems an invitation: its text, its shape as a
//! message, and the ways it leaves: by SMTP, from a mailbox of the tenant, or as files.
//!
//! Leaves to others: when a mail may be sent and what is recorded of it (`run`,
//! `campaign`), and what is said of it (`report`).

mod builtin;
mod check;
mod files;
mod letter;
mod mailbox;
mod mailer;
mod message;
mod message_id;
mod outcome;
mod plain;
mod post;
mod smtp;
mod template_error;
mod template_files;
mod templates;

pub use crate::domain::RedeemUrl;
pub use check::{TemplateProblem, check};
pub use files::Folder;
pub use letter::{Letter, columns};
pub use mailbox::{Found, Mailbox, advice as mailbox_advice, refused};
pub use mailer::{Mailer, NotReady};
pub use message::{Mail, MessageError, Sender};
pub use message_id::MessageId;
pub use outcome::{Outcome, Refused};
pub use post::{Known, Post, PostError};
pub use smtp::{Smtp, SmtpError};
pub use template_error::TemplateError;
pub use templates::Templates;
