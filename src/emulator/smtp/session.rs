//! One connection to the mail server: who signs in, the words of a mail in their order, and
//! its text (RFC 5321; AUTH: RFC 4954).
//!
//! Leaves to others: where the mails go, and what goes wrong when (`smtp`).

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use super::{Post, SmtpAccount, SmtpAction, SmtpStep, TakenMail};

/// More than any mail of this program.
const MOST_BYTES: usize = 4 * 1024 * 1024;

pub(super) struct Session<'a> {
    stream: BufReader<TcpStream>,
    post: &'a Post,
    is_signed_in: bool,
    from: Option<String>,
    to: Vec<String>,
}

impl<'a> Session<'a> {
    pub(super) fn new(stream: TcpStream, post: &'a Post) -> Self {
        let is_signed_in = post.account.is_none();
        let stream = BufReader::new(stream);
        Self { stream, post, is_signed_in, from: None, to: Vec::new() }
    }

    pub(super) async fn serve(&mut self) -> io::Result<()> {
        if !self.answer(SmtpStep::Greeting, "", "220 emulator ESMTP").await? {
            return Ok(());
        }
        while let Some(line) = self.line().await? {
            let upper = line.to_ascii_uppercase();
            let goes_on = if upper.starts_with("EHLO") || upper.starts_with("HELO") {
                self.forget();
                let text = "250-emulator\r\n250-AUTH PLAIN LOGIN XOAUTH2\r\n250-ENHANCEDSTATUSCODES\r\n250 8BITMIME";
                self.say(text).await?;
                true
            } else if let Some(rest) = upper.strip_prefix("AUTH ") {
                self.auth(rest, &line).await?
            } else if upper.starts_with("MAIL FROM:") {
                self.mail_from(&line).await?
            } else if upper.starts_with("RCPT TO:") {
                self.rcpt_to(&line).await?
            } else if upper == "DATA" {
                self.data().await?
            } else if upper == "RSET" || upper == "NOOP" {
                self.forget();
                self.say("250 2.0.0 OK").await?;
                true
            } else if upper == "QUIT" {
                self.say("221 2.0.0 Bye").await?;
                false
            } else {
                self.say("502 5.5.1 Command not implemented").await?;
                true
            };
            if !goes_on {
                return Ok(());
            }
        }
        Ok(())
    }

    fn forget(&mut self) {
        self.from = None;
        self.to.clear();
    }

    async fn auth(&mut self, upper: &str, line: &str) -> io::Result<bool> {
        let mechanism = upper.split(' ').next().unwrap_or_default().to_owned();
        let initial = line.splitn(3, ' ').nth(2).map(str::to_owned);
        let given = match (mechanism.as_str(), initial) {
            ("PLAIN" | "XOAUTH2", Some(initial)) => vec![decoded(&initial)],
            ("PLAIN" | "XOAUTH2", None) => vec![self.ask("").await?],
            ("LOGIN", _) => vec![self.ask("Username:").await?, self.ask("Password:").await?],
            _ => {
                self.say("504 5.5.4 Unrecognized authentication type").await?;
                return Ok(true);
            }
        };
        let is_right = match &self.post.account {
            None => true,
            Some(SmtpAccount::Password { user, password }) => {
                given == [format!("\0{user}\0{password}")] || given == [user.as_str(), password]
            }
            Some(SmtpAccount::Token { user, token }) => {
                given == [format!("user={user}\u{1}auth=Bearer {token}\u{1}\u{1}")]
            }
        };
        self.is_signed_in = is_right;
        let reply = if is_right {
            "235 2.7.0 Authentication successful"
        } else {
            "535 5.7.3 Authentication unsuccessful"
        };
        self.answer(SmtpStep::Auth, "", reply).await
    }

    async fn mail_from(&mut self, line: &str) -> io::Result<bool> {
        if !self.is_signed_in {
            self.say("530 5.7.57 Client not authenticated to send mail").await?;
            return Ok(true);
        }
        let from = address(line);
        let goes_on = self.answer(SmtpStep::MailFrom, &from, "250 2.1.0 Sender OK").await?;
        self.to.clear();
        self.from = Some(from);
        Ok(goes_on)
    }

    async fn rcpt_to(&mut self, line: &str) -> io::Result<bool> {
        let to = address(line);
        match self.post.strike(SmtpStep::RcptTo, &to) {
            Some(SmtpAction::Stall) => std::future::pending().await,
            Some(SmtpAction::Reply(reply)) => self.say(&reply).await?,
            Some(SmtpAction::Drop | SmtpAction::TakeThenDrop) => return Ok(false),
            None => {
                self.to.push(to);
                self.say("250 2.1.5 Recipient OK").await?;
            }
        }
        Ok(true)
    }

    async fn data(&mut self) -> io::Result<bool> {
        if self.from.is_none() || self.to.is_empty() {
            self.say("503 5.5.1 Need RCPT first").await?;
            return Ok(true);
        }
        match self.post.strike(SmtpStep::Data, "") {
            Some(SmtpAction::Stall) => std::future::pending().await,
            Some(SmtpAction::Reply(reply)) => {
                self.say(&reply).await?;
                return Ok(true);
            }
            Some(SmtpAction::Drop | SmtpAction::TakeThenDrop) => return Ok(false),
            None => self.say("354 Start mail input; end with <CRLF>.<CRLF>").await?,
        }
        let mut text = String::new();
        loop {
            let Some(line) = self.line().await? else { return Ok(false) };
            if line == "." {
                break;
            }
            text.push_str(line.strip_prefix('.').unwrap_or(&line));
            text.push_str("\r\n");
            if text.len() > MOST_BYTES {
                self.say("552 5.3.4 Message too big").await?;
                return Ok(false);
            }
        }
        let action = self.post.strike(SmtpStep::Text, "");
        let mail = TakenMail {
            from: self.from.take().unwrap_or_default(),
            to: std::mem::take(&mut self.to),
            text,
        };
        match action {
            Some(SmtpAction::Reply(reply)) => self.say(&reply).await?,
            Some(SmtpAction::Drop) => return Ok(false),
            Some(SmtpAction::Stall) => std::future::pending().await,
            Some(SmtpAction::TakeThenDrop) => {
                self.post.take(mail);
                return Ok(false);
            }
            None => {
                self.post.take(mail);
                self.say("250 2.6.0 Queued mail for delivery").await?;
            }
        }
        Ok(true)
    }

    /// Answers, or does what goes wrong here. False when the connection is to close.
    async fn answer(&mut self, at: SmtpStep, about: &str, reply: &str) -> io::Result<bool> {
        match self.post.strike(at, about) {
            Some(SmtpAction::Stall) => std::future::pending().await,
            Some(SmtpAction::Reply(reply)) => self.say(&reply).await?,
            Some(SmtpAction::Drop | SmtpAction::TakeThenDrop) => return Ok(false),
            None => self.say(reply).await?,
        }
        Ok(true)
    }

    async fn ask(&mut self, question: &str) -> io::Result<String> {
        self.say(&format!("334 {}", STANDARD.encode(question))).await?;
        Ok(decoded(&self.line().await?.unwrap_or_default()))
    }

    async fn say(&mut self, text: &str) -> io::Result<()> {
        self.stream.get_mut().write_all(format!("{text}\r\n").as_bytes()).await
    }

    async fn line(&mut self) -> io::Result<Option<String>> {
        let mut line = Vec::new();
        if self.stream.read_until(b'\n', &mut line).await? == 0 {
            return Ok(None);
        }
        let line = String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned();
        Ok(Some(line))
    }
}

/// What stands between angle brackets.
fn address(line: &str) -> String {
    let inside = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inside.map_or("", |(address, _)| address).to_owned()
}

fn decoded(text: &str) -> String {
    let bytes = STANDARD.decode(text.trim()).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
