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
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::gate::Gate;

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
    cut: Arc<AtomicBool>,
    reset: Arc<AtomicBool>,
    is_secure: bool,
}

impl Line {
    pub(super) fn cut(&self) {
        self.cut.store(true, Ordering::Relaxed);
    }

    /// When it closes, it does so with a reset.
    pub(super) fn resets(&self) {
        self.reset.store(true, Ordering::Relaxed);
    }

    /// Whether it goes over TLS.
    pub(super) fn is_secure(&self) -> bool {
        self.is_secure
    }

    fn check(&self) -> io::Result<()> {
        if self.cut.load(Ordering::Relaxed) {
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
    /// None while nobody listens.
    listener: Option<TcpListener>,
    addr: SocketAddr,
    certificate: Option<Certificate>,
    gate: Arc<Gate>,
}

impl Doors {
    pub(super) fn new(
        listener: TcpListener,
        addr: SocketAddr,
        certificate: Option<Certificate>,
        gate: Arc<Gate>,
    ) -> Self {
        gate.listens();
        Self { listener: Some(listener), addr, certificate, gate }
    }

    /// The next connection. Nobody listens while the gate is shut.
    async fn next(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            let Some(listener) = &mut self.listener else {
                if let Some(opens_at) = self.gate.is_shut() {
                    tokio::time::sleep_until(opens_at).await;
                }
                match TcpListener::bind(self.addr).await {
                    Ok(listener) => {
                        self.gate.listens();
                        self.listener = Some(listener);
                    }
                    // Somebody else has the port meanwhile: it may be free again.
                    Err(_) => tokio::time::sleep(AGAIN).await,
                }
                continue;
            };
            let accepted = tokio::select! {
                biased;
                _ = self.gate.shuts() => None,
                accepted = Listener::accept(listener) => Some(accepted),
            };
            match accepted {
                Some(accepted) => return accepted,
                None => self.close(),
            }
        }
    }

    fn close(&mut self) {
        if self.listener.take().is_some() {
            self.gate.listens_no_more();
        }
    }
}

impl Drop for Doors {
    fn drop(&mut self) {
        self.close();
    }
}

/// When a port that was taken is asked for again.
const AGAIN: Duration = Duration::from_millis(100);

impl Listener for Doors {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let (stream, addr) = self.next().await;
        // Without this a small answer waits for the acknowledgement of the last; if
        // it fails, answers are slow and right.
        let _ = stream.set_nodelay(true);
        let line = Line { is_secure: self.certificate.is_some(), ..Line::default() };
        // Shaking hands is left to the connection: a slow one holds nobody up.
        let stream = match &self.certificate {
            None => Stream::Clear(stream),
            Some(Certificate(acceptor)) => Stream::Shaking(Box::new(acceptor.accept(stream))),
        };
        let cut = Box::pin(self.gate.for_connection().cancelled_owned());
        (Connection { stream, line, cut }, addr)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.addr)
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

    fn tcp(&self) -> Option<&TcpStream> {
        match self {
            Self::Clear(stream) => Some(stream),
            Self::Secure(stream) => Some(stream.get_ref().0),
            Self::Shaking(handshake) => handshake.get_ref(),
        }
    }
}

/// A connection that fails every write once it was cut, which makes the server
/// close it.
pub(super) struct Connection {
    stream: Stream,
    line: Line,
    /// Cuts it whatever it does.
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.line.reset.load(Ordering::Relaxed)
            && let Some(stream) = self.stream.tcp()
        {
            // If it fails, the connection closes in the usual way.
            let _ = stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.cut.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
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
