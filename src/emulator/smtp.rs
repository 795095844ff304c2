//! A mail server on loopback that takes mails for submission and keeps them, so that a
//! rehearsal sends no mail and a test sees what was sent (RFC 5321; AUTH: RFC 4954).
//!
//! Leaves to others: what is said on a connection (`session`), showing the mails, and TLS,
//! which loopback does without.

mod session;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::outbox::Sender;
use super::state::Shared;
use session::Session;

/// Where something goes wrong on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpStep {
    Greeting,
    Auth,
    MailFrom,
    RcptTo,
    Data,
    /// The text is there, and not answered yet.
    Text,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SmtpAction {
    /// This is answered, and nothing is taken.
    Reply(String),
    /// The connection closes without an answer, and nothing is taken.
    Drop,
    /// The mail is taken, and the connection closes without an answer.
    TakeThenDrop,
    /// Nothing is taken, and nothing is said any more.
    Stall,
}

/// Something that goes wrong, so many times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmtpFault {
    pub at: SmtpStep,
    /// None: for everybody. At a recipient, only for this one.
    pub recipient: Option<String>,
    pub times: u64,
    pub action: SmtpAction,
}

impl SmtpFault {
    /// Once, for everybody.
    pub fn new(at: SmtpStep, action: SmtpAction) -> Self {
        Self { at, recipient: None, times: 1, action }
    }

    /// Every time, for this recipient alone.
    pub fn of(recipient: &str, reply: &str) -> Self {
        let action = SmtpAction::Reply(reply.to_owned());
        let recipient = Some(recipient.to_owned());
        Self { at: SmtpStep::RcptTo, recipient, times: u64::MAX, action }
    }
}

/// Who may send, and with what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SmtpAccount {
    Password {
        user: String,
        password: String,
    },
    /// XOAUTH2.
    Token {
        user: String,
        token: String,
    },
}

/// A mail that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenMail {
    pub from: String,
    pub to: Vec<String>,
    /// As it was sent, the doubled dots made single.
    pub text: String,
}

impl TakenMail {
    /// The value of a header, unfolded.
    pub fn header(&self, name: &str) -> Option<String> {
        let head = self.text.split("\r\n\r\n").next().unwrap_or_default().replace("\r\n ", " ");
        head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then(|| value.to_owned())
        })
    }
}

#[derive(Default)]
struct Post {
    mails: Mutex<Vec<Arc<TakenMail>>>,
    faults: Mutex<Vec<SmtpFault>>,
    account: Option<SmtpAccount>,
    /// Where the mails leave from; None for a server that stands alone.
    tenant: Option<Arc<Shared>>,
}

/// A mail server. It stops when it is dropped.
#[derive(Debug)]
pub struct SmtpServer {
    addr: SocketAddr,
    post: Arc<Post>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl SmtpServer {
    /// Serves mails on a socket; with an account, only whoever signs in may send.
    pub fn start(listener: TcpListener, account: Option<SmtpAccount>) -> io::Result<Self> {
        Self::of(listener, account, None)
    }

    /// The same, of a tenant: its mails leave from there.
    pub(super) fn of(
        listener: TcpListener,
        account: Option<SmtpAccount>,
        tenant: Option<Arc<Shared>>,
    ) -> io::Result<Self> {
        let addr = listener.local_addr()?;
        let post = Arc::new(Post { account, tenant, ..Post::default() });
        let stop = CancellationToken::new();
        let (shared, stopped) = (Arc::clone(&post), stop.clone());
        let task = tokio::spawn(async move {
            loop {
                let accepted = tokio::select! {
                    () = stopped.cancelled() => return,
                    accepted = listener.accept() => accepted,
                };
                // A connection that fails to come about is the caller's to notice.
                let Ok((stream, _)) = accepted else { continue };
                let (post, stopped) = (Arc::clone(&shared), stopped.clone());
                tokio::spawn(async move {
                    let mut session = Session::new(stream, &post);
                    tokio::select! {
                        () = stopped.cancelled() => {}
                        // However it ended, the mails that were taken are kept.
                        _ = session.serve() => {}
                    }
                });
            }
        });
        Ok(Self { addr, post, stop, task })
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The mails taken so far, in order.
    pub fn mails(&self) -> Vec<TakenMail> {
        lock(&self.post.mails).iter().map(|mail| TakenMail::clone(mail)).collect()
    }

    pub fn inject(&self, fault: SmtpFault) {
        lock(&self.post.faults).push(fault);
    }

    /// Nothing goes wrong any more.
    pub fn heal(&self) {
        lock(&self.post.faults).clear();
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.stop.cancel();
        self.task.abort();
    }
}

impl std::fmt::Debug for Post {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Post").field("mails", &lock(&self.mails).len()).finish_non_exhaustive()
    }
}

impl Post {
    fn take(&self, mail: TakenMail) {
        let mail = Arc::new(mail);
        if let Some(tenant) = &self.tenant {
            tenant.leaves(Sender::Smtp(Arc::clone(&mail)), Instant::now());
        }
        lock(&self.mails).push(mail);
    }

    fn strike(&self, at: SmtpStep, recipient: &str) -> Option<SmtpAction> {
        let mut faults = lock(&self.faults);
        let fault = faults.iter_mut().find(|fault| {
            fault.at == at
                && fault.times > 0
                && fault.recipient.as_ref().is_none_or(|of| of.eq_ignore_ascii_case(recipient))
        })?;
        fault.times -= 1;
        Some(fault.action.clone())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
