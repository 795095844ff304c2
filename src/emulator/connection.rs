//! Connections that can be cut, in the clear or over TLS.
//!
//! Leaves to others: when one is cut (`server`).

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;

/// A certificate with its key.
#[derive(Clone)]
pub struct Certificate(TlsAcceptor);

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Certificate")
    }
}

/// A certificate or key that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    #[error("it cannot be read")]
    Io(#[from] io::Error),
    #[error("it holds no certificate in PEM")]
    Certificate(#[source] pem::Error),
    #[error("it holds no private key in PEM")]
    Key(#[source] pem::Error),
    #[error("certificate and key do not go together")]
    Pair(#[source] tokio_rustls::rustls::Error),
}

impl Certificate {
    /// Reads a certificate, with those that vouch for it behind it, and its key, in PEM.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, CertificateError> {
        let (certificate, key) = (fs::read(certificate)?, fs::read(key)?);
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&certificate).collect();
        let chain = chain.map_err(CertificateError::Certificate)?;
        if chain.is_empty() {
            return Err(CertificateError::Certificate(pem::Error::NoItemsFound));
        }
        let key = PrivateKeyDer::from_pem_slice(&key).map_err(CertificateError::Key)?;
        let provider = tokio_rustls::rustls::crypto::aws_lc_rs::default_provider();
        let config = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key));
        let config = config.map_err(CertificateError::Pair)?;
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }
}

/// The switch that cuts one connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Line {
    is_cut: Arc<AtomicBool>,
    is_secure: bool,
}

impl Line {
    pub(super) fn cut(&self) {
        self.is_cut.store(true, Ordering::Relaxed);
    }

    /// Whether it goes over TLS.
    pub(super) fn is_secure(&self) -> bool {
        self.is_secure
    }

    fn check(&self) -> io::Result<()> {
        if self.is_cut.load(Ordering::Relaxed) {
            Err(io::ErrorKind::ConnectionReset.into())
        } else {
            Ok(())
        }
    }
}

impl Connected<IncomingStream<'_, Doors>> for Line {
    fn connect_info(stream: IncomingStream<'_, Doors>) -> Self {
        stream.io().line.clone()
    }
}

/// A listener whose connections can be cut.
pub(super) struct Doors {
    listener: TcpListener,
    certificate: Option<Certificate>,
}

impl Doors {
    pub(super) fn new(listener: TcpListener, certificate: Option<Certificate>) -> Self {
        Self { listener, certificate }
    }
}

impl Listener for Doors {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let (stream, addr) = Listener::accept(&mut self.listener).await;
        // Without this a small answer waits for the acknowledgement of the last; if
        // it fails, answers are slow and right.
        let _ = stream.set_nodelay(true);
        let line = Line { is_secure: self.certificate.is_some(), ..Line::default() };
        // Shaking hands is left to the connection: a slow one holds nobody up.
        let stream = match &self.certificate {
            None => Stream::Clear(stream),
            Some(Certificate(acceptor)) => Stream::Shaking(Box::new(acceptor.accept(stream))),
        };
        (Connection { stream, line }, addr)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

enum Stream {
    Clear(TcpStream),
    Shaking(Box<tokio_rustls::Accept<TcpStream>>),
    Secure(Box<TlsStream<TcpStream>>),
}

/// Both kinds of connection.
trait Duplex: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Duplex for T {}

impl Stream {
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Pin<&mut dyn Duplex>>> {
        if let Self::Shaking(handshake) = self {
            let stream = ready!(Pin::new(handshake).poll(context))?;
            *self = Self::Secure(Box::new(stream));
        }
        match self {
            Self::Clear(stream) => Poll::Ready(Ok(Pin::new(stream))),
            Self::Secure(stream) => Poll::Ready(Ok(Pin::new(stream.as_mut()))),
            Self::Shaking(_) => unreachable!("it is over"),
        }
    }
}

/// A connection that fails every write once it was cut, which makes the server
/// close it.
pub(super) struct Connection {
    stream: Stream,
    line: Line,
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.stream.poll_ready(context))?.poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.line.check()?;
        ready!(self.stream.poll_ready(context))?.poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.line.check()?;
        ready!(self.stream.poll_ready(context))?.poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.stream.poll_ready(context))?.poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.stream.poll_ready(context))?.poll_shutdown(context)
    }
}
