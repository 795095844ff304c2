//! The way to the tenant: proxies of the environment, and certificate authorities of
//! one's own. On Linux alone: elsewhere the system's store decides whom to trust, and
//! `0.0.0.0` is no address to call.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use reinvite::domain::Caller;
use reinvite::emulator::SAMPLE_CLIENT_ID;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::sign_in::serve;
use crate::support::{Campaign, RUNTIME, snapshot};

/// A proxy that notes what it is asked for and refuses it.
fn proxy() -> (String, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::<Mutex<Vec<String>>>::default();
    let listener = RUNTIME.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let noted = Arc::clone(&asked);
    RUNTIME.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = vec![0; 4096];
            let read = stream.read(&mut head).await.unwrap_or(0);
            let head = String::from_utf8_lossy(&head[..read]).into_owned();
            noted.lock().unwrap().extend(head.lines().next().map(str::to_owned));
            let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").await;
        }
    });
    (origin, asked)
}

#[test]
fn the_proxy_of_the_environment_is_used_for_other_machines_alone() {
    let campaign = Campaign::new();
    let (origin, asked) = proxy();
    let run = |no_proxy: &str| {
        let mut command = campaign.command("plan three.csv");
        command.env("HTTPS_PROXY", &origin).env("HTTP_PROXY", &origin).env("NO_PROXY", no_proxy);
        campaign.complete(command)
    };
    // The tenant on loopback.
    run("").exits(0);
    assert!(asked.lock().unwrap().is_empty());
    // Another machine.
    campaign.configure("https://login.invalid", "");
    let refused = run("").exits(1);
    assert!(refused.stderr.contains("proxy"), "{refused}");
    assert!(asked.lock().unwrap().iter().all(|line| line.starts_with("CONNECT login.invalid:443")));
    assert!(!asked.lock().unwrap().is_empty());
    // Another machine that the environment excepts: here nobody listens.
    asked.lock().unwrap().clear();
    campaign.configure("https://0.0.0.0:1", "");
    run("0.0.0.0").exits(1);
    assert!(asked.lock().unwrap().is_empty());
}

/// A label that is too long for DNS, so that nobody has to be asked for it.
#[test]
fn a_host_that_nobody_knows_is_said_at_once_and_ends_a_night_with_a_page() {
    let campaign = Campaign::new();
    let host = format!("{}.example", "g".repeat(64));
    let configuration = campaign.read("reinvite.toml");
    let graph = campaign.origin();
    let wrong = configuration.replacen(
        &format!("graph_url = \"{graph}"),
        &format!("graph_url = \"https://{host}"),
        1,
    );
    assert_ne!(configuration, wrong);
    campaign.write("reinvite.toml", &wrong);
    let output = campaign.run("reconcile three.csv").exits(1);
    snapshot!(output.to_string().replace(&host, "[HOST]"), @"
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    error: cannot reach [HOST]: client error (Connect): invalid dns name
      hint: check the name: [tenant] cloud, graph_url and login_url say it; then this machine's DNS
    ------- exit 1 -------
    ");
}

/// `0.0.0.0` is this machine and is not in 127.0.0.0/8, so it stands for the
/// link-local address that only a machine of Azure has.
#[test]
fn a_managed_identity_is_never_asked_through_a_proxy() {
    let campaign = Campaign::new();
    let (origin, asked) = proxy();
    let token = campaign.tenant.token(SAMPLE_CLIENT_ID, Caller::AppOnly).unwrap();
    let host = serve(move |_| format!(r#"{{"access_token":"{token}","expires_in":3600}}"#));
    let configuration = campaign
        .read("reinvite.toml")
        .replace("client_secret_file = \"client-secret.txt\"", "method = \"managed-identity\"");
    campaign.write("reinvite.toml", &configuration);
    let mut command = campaign.command("plan three.csv");
    command
        .env("HTTP_PROXY", &origin)
        .env("IDENTITY_ENDPOINT", format!("{}/msi", host.replace("127.0.0.1", "0.0.0.0")))
        .env("IDENTITY_HEADER", "x");
    campaign.complete(command).exits(0);
    assert!(asked.lock().unwrap().is_empty());
}

/// Puts TLS with a certificate of a private authority before the tenant; gives its
/// origin and the authority in PEM.
fn behind_tls(campaign: &Campaign) -> (String, String) {
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
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = RUNTIME.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let origin = format!("https://{}", listener.local_addr().unwrap());
    let plain = campaign.origin().trim_start_matches("http://").to_owned();
    RUNTIME.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, plain) = (acceptor.clone(), plain.clone());
            tokio::spawn(async move {
                // A client that does not trust us ends here.
                let Ok(mut outside) = acceptor.accept(stream).await else { return };
                let mut inside = TcpStream::connect(plain).await.unwrap();
                let _ = copy_bidirectional(&mut outside, &mut inside).await;
            });
        }
    });
    (origin, pem)
}

#[test]
fn an_authority_of_ones_own_is_trusted_when_the_environment_names_it() {
    let campaign = Campaign::new();
    let (origin, authority) = behind_tls(&campaign);
    campaign.configure(&origin, "");
    campaign.write("authority.pem", &authority);
    snapshot!(campaign.run("plan three.csv"), @"
    ------- stderr -------
    three.csv: CSV, UTF-8, comma; 3 rows; columns: user, new_email
    error: the sign-in service could not be reached: 127.0.0.1:[PORT]: client error (Connect): invalid peer certificate: UnknownIssuer
      hint: trust the certificate authority: on Linux name a file with all that are to be trusted in SSL_CERT_FILE, elsewhere add it to the system's store
    ------- exit 1 -------
    ");
    let mut command = campaign.command("apply three.csv --yes");
    command.env("SSL_CERT_FILE", campaign.path("authority.pem"));
    campaign.complete(command).exits(0);
    assert_eq!(campaign.invitations(), 3);
}
