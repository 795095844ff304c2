//! `[delivery.smtp]` with TLS of a private authority, from the first byte and by STARTTLS,
//! and with a sign-in of each kind.

use std::net::Ipv4Addr;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use reinvite::emulator::{SmtpAccount, SmtpServer};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::support::{Campaign, RUNTIME};

/// A certificate for this machine, and its authority in PEM.
fn certificate() -> (TlsAcceptor, String) {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec![Ipv4Addr::LOCALHOST.to_string()]).unwrap();
    let leaf = leaf.signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(vec![leaf.der().clone()], key).unwrap();
    (TlsAcceptor::from(Arc::new(config)), pem)
}

/// Takes TLS off before the mail server; its port.
fn tls_before(server: &SmtpServer, acceptor: &TlsAcceptor, by_starttls: bool) -> u16 {
    let listener = RUNTIME.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (acceptor, plain) = (acceptor.clone(), server.addr());
    RUNTIME.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let stream = if by_starttls { starttls(stream).await } else { stream };
                // A client that does not trust us ends here.
                let Ok(mut outside) = acceptor.accept(stream).await else { return };
                let mut inside = TcpStream::connect(plain).await.unwrap();
                if by_starttls {
                    // After the handshake there is no other greeting (RFC 3207).
                    let mut greeting = Vec::new();
                    let mut reader = BufReader::with_capacity(1, &mut inside);
                    reader.read_until(b'\n', &mut greeting).await.unwrap();
                }
                let _ = copy_bidirectional(&mut outside, &mut inside).await;
            });
        }
    });
    port
}

/// The words up to the handshake (RFC 3207).
async fn starttls(stream: TcpStream) -> TcpStream {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 emulator ESMTP\r\n").await.unwrap();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap() == 0 || line.starts_with("STARTTLS") {
            stream.write_all(b"220 2.0.0 Ready to start TLS\r\n").await.unwrap();
            return stream.into_inner();
        }
        stream.write_all(b"250-emulator\r\n250 STARTTLS\r\n").await.unwrap();
    }
}

struct Place {
    campaign: Campaign,
    server: SmtpServer,
}

/// A campaign that mails over TLS with a sign-in.
fn place(tls: &str, account: &SmtpAccount) -> Place {
    let server = RUNTIME.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        SmtpServer::start(listener, Some(account.clone())).unwrap()
    });
    let (acceptor, authority) = certificate();
    let port = tls_before(&server, &acceptor, tls == "starttls");
    let campaign = Campaign::new();
    let oauth = matches!(account, SmtpAccount::Token { .. });
    campaign.configure(
        &campaign.origin(),
        &format!(
            "[delivery]\nby = \"smtp\"\nfrom = \"it@contoso.example\"\n\
             [delivery.smtp]\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"{tls}\"\n\
             user = \"it@contoso.example\"\npassword_file = \"smtp.txt\"\noauth = {oauth}\n\
             [delivery.pace]\nper_minute = 6000\n"
        ),
    );
    campaign.write("smtp.txt", "s3cret-smtp");
    campaign.restrict("smtp.txt");
    campaign.write("authority.pem", &authority);
    Place { campaign, server }
}

fn password() -> SmtpAccount {
    SmtpAccount::Password { user: "it@contoso.example".into(), password: "s3cret-smtp".into() }
}

fn token() -> SmtpAccount {
    SmtpAccount::Token { user: "it@contoso.example".into(), token: "s3cret-smtp".into() }
}

#[test]
fn mails_go_over_tls_of_an_authority_that_the_environment_names() {
    for (tls, account) in
        [("tls", password()), ("tls", token()), ("starttls", password()), ("starttls", token())]
    {
        let Place { campaign, server } = place(tls, &account);
        let mut command = campaign.command("apply three.csv --yes");
        command.env("SSL_CERT_FILE", campaign.path("authority.pem"));
        let output = campaign.complete(command).exits(0);
        assert_eq!(server.mails().len(), 3, "{tls}");
        assert!(!output.to_string().contains("s3cret-smtp"));
        let mut command = campaign.command("doctor");
        command.env("SSL_CERT_FILE", campaign.path("authority.pem"));
        let told = campaign.complete(command).to_string();
        assert!(told.contains("takes the sign-in of it@contoso.example"), "{told}");
    }
}

#[test]
fn an_authority_that_nobody_trusts_or_a_wrong_sign_in_ends_before_anybody_is_reset() {
    for tls in ["tls", "starttls"] {
        let Place { campaign, server } = place(tls, &password());
        let untrusted = campaign.run("apply three.csv --yes").exits(5);
        // Not for want of a server, which would be waited for.
        assert!(untrusted.stdout.contains("no TLS with 127.0.0.1: "), "{untrusted}");
        assert!(untrusted.to_string().contains("UnknownIssuer"), "{untrusted}");
        campaign.write("smtp.txt", "wrong");
        campaign.restrict("smtp.txt");
        let mut command = campaign.command("apply three.csv --yes");
        command.env("SSL_CERT_FILE", campaign.path("authority.pem"));
        let wrong = campaign.complete(command).exits(5);
        assert!(wrong.to_string().contains("5.7.3 Authentication unsuccessful"), "{wrong}");
        assert_eq!((campaign.writes(), server.mails().len()), (0, 0));
    }
}

#[test]
fn a_server_without_starttls_gets_no_mail_in_the_clear() {
    let Place { campaign, server } = place("starttls", &password());
    let config = campaign.read("reinvite.toml");
    let line = config.lines().find(|line| line.starts_with("port = ")).unwrap().to_owned();
    campaign.write(
        "reinvite.toml",
        &config.replace(&line, &format!("port = {}", server.addr().port())),
    );
    let refused = campaign.run("apply three.csv --yes").exits(5);
    assert!(refused.to_string().contains("no TLS with 127.0.0.1"), "{refused}");
    assert_eq!((campaign.writes(), server.mails().len()), (0, 0));
}
