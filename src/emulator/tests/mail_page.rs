//! The pages with the mails, and what a link in one does.

use std::time::Duration;

use http::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::caller::{TestCaller, one_guest};
use crate::emulator::{Emulator, Options};
use crate::graph::wire::Invitation;

/// Status, policy and text of a page.
async fn page(caller: &TestCaller, path: &str) -> (u16, String, String) {
    let uri = if path.starts_with("http") {
        path.to_owned()
    } else {
        format!("http://emulator.test{path}")
    };
    let request = http::Request::builder().uri(uri).body(axum::body::Body::empty()).unwrap();
    let response = caller.raw(request).await;
    let (parts, body) = response.into_parts();
    let policy =
        parts.headers.get("content-security-policy").map(|it| it.to_str().unwrap().to_owned());
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    (parts.status.as_u16(), policy.unwrap_or_default(), String::from_utf8(body.to_vec()).unwrap())
}

fn state(emulator: &Emulator) -> Option<String> {
    emulator.user("A1").unwrap().external_user_state
}

#[tokio::test(start_paused = true)]
async fn the_link_of_the_last_invitation_redeems_and_no_other() {
    let (emulator, caller) = one_guest(Options::default());
    let link = async || {
        let answer = caller.invite("A1", "old@northwind.example").await;
        serde_json::from_value::<Invitation>(answer.json).unwrap().invite_redeem_url.unwrap()
    };
    let (first, last) = (link().await, link().await);
    assert!(
        first.starts_with("http://emulator.test/redeem?rd=https%3a%2f%2finvitations"),
        "{first}"
    );
    assert_eq!(page(&caller, &first).await.0, 410);
    assert_eq!(state(&emulator).as_deref(), Some("PendingAcceptance"));
    let (status, policy, text) = page(&caller, &last).await;
    assert!(status == 200 && text.contains("has redeemed the invitation"), "{text}");
    assert!(policy.starts_with("default-src 'none'; style-src 'self'"), "{policy}");
    assert_eq!(state(&emulator).as_deref(), Some("Accepted"));
    assert!(page(&caller, &last).await.2.contains("had redeemed this invitation before"));
    assert_eq!(page(&caller, "/redeem?rd=nothing").await.0, 404);
    emulator.delete("A1");
    assert_eq!(page(&caller, &last).await.0, 410);
    assert!(emulator.ledger().violations.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_page_shows_what_has_left_and_escapes_it() {
    let (_, caller) =
        one_guest(Options { mail_lag: Duration::from_secs(30), ..Options::default() });
    let to = json!([{ "emailAddress": { "address": "old@northwind.example" } }]);
    let draft = json!({
        "subject": "<script>1</script>",
        "body": { "contentType": "html", "content": "<head></head><p>Hi <img src=\"cid:logo\"></p>" },
        "toRecipients": to,
        "attachments": [{
            "@odata.type": "#microsoft.graph.fileAttachment", "name": "logo.png",
            "contentType": "image/png", "isInline": true, "contentId": "logo", "contentBytes": "iVBORw0KGgo=",
        }],
    });
    let messages = "/users/it@contoso.example/messages";
    let id = caller.post(messages, draft).await.json["id"].as_str().unwrap().to_owned();
    let none = "None yet.";
    assert!(page(&caller, "/emulator/mail").await.2.contains(none));
    caller.send(Method::POST, &format!("{messages}/{id}/send"), &[], None).await;
    assert!(page(&caller, "/emulator/mail").await.2.contains(none), "it has not left yet");
    assert_eq!(page(&caller, "/emulator/mail/0").await.0, 404);
    tokio::time::sleep(Duration::from_secs(31)).await;
    let (_, _, list) = page(&caller, "/emulator/mail?mailbox=OLD@northwind.example").await;
    assert!(list.contains("&lt;script&gt;1&lt;&#x2f;script&gt;"), "{list}");
    assert!(list.contains("own mail, by Graph") && !list.contains("<script"), "{list}");
    assert!(page(&caller, "/emulator/mail?mailbox=ada").await.2.contains(none));
    let (_, policy, body) = page(&caller, "/emulator/mail/0/body").await;
    assert!(policy.contains("sandbox allow-top-navigation-by-user-activation"), "{policy}");
    assert!(!policy.contains("allow-scripts") && policy.contains("default-src 'none'"), "{policy}");
    assert!(
        body.contains("<base target=\"_top\"><") || body.contains("<base target=\"_top\"></head>"),
        "{body}"
    );
    assert!(body.contains("src=\"data:image/png;base64,iVBORw0KGgo=\""), "{body}");
}

#[tokio::test]
async fn a_mail_over_smtp_is_read_as_its_reader_would() {
    let (emulator, caller) = one_guest(Options::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = emulator.serve_smtp(listener, None).unwrap();
    let text = "From: =?utf-8?q?J=C3=BCrgen?= <it@contoso.example>\r\nTo: old@northwind.example\r\n\
                Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\nMessage-ID: <1@contoso.example>\r\nMIME-Version: 1.0\r\n\
                Content-Type: multipart/alternative; boundary=b\r\n\r\n\
                --b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=\r\n=C3=9Fe\r\n\
                --b\r\nContent-Type: multipart/related; boundary=c\r\n\r\n\
                --c\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Hallo <img src=\"cid:logo\"></p>\r\n\
                --c\r\nContent-Type: image/png\r\nContent-ID: <logo>\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--c--\r\n--b--\r\n";
    let mut stream = TcpStream::connect(server.addr()).await.unwrap();
    let talk = format!(
        "EHLO x\r\nMAIL FROM:<it@contoso.example>\r\nRCPT TO:<old@northwind.example>\r\nDATA\r\n{text}.\r\nQUIT\r\n"
    );
    stream.write_all(talk.as_bytes()).await.unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).await.unwrap();
    assert!(answers.ends_with("221 2.0.0 Bye\r\n"), "{answers}");
    let (_, _, mail) = page(&caller, "/emulator/mail/0").await;
    for shown in [
        "Grüße",
        "Jürgen &lt;it@contoso.example&gt;",
        "&lt;1@contoso.example&gt;",
        "own mail, over SMTP",
    ] {
        assert!(mail.contains(shown), "{shown}: {mail}");
    }
    let (_, _, body) = page(&caller, "/emulator/mail/0/body").await;
    assert!(body.contains("<p>Hallo <img src=\"data:image/png;base64,iVBORw0KGgo=\">"), "{body}");
    assert_eq!(page(&caller, "/emulator/mail/0/source").await.2, text);
}
