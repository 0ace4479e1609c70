//! The streams that blocks travel over: TCP, TLS over it, or whatever the program brings.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::tls_fault::TlsFault;

/// A stream of bytes both ways.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send {}

impl<S: AsyncRead + AsyncWrite + Send> Duplex for S {}

pub(crate) enum Stream {
    Tcp(TcpStream),
    #[cfg(feature = "tls")]
    Tls(Secure),
    /// The mutex is never locked: it makes a stream that only one may have at a time safe to refer to from many.
    Other(Mutex<Pin<Box<dyn Duplex>>>),
}

/// A TLS stream that says its end, so that the peer can tell it from a cut.
#[cfg(feature = "tls")]
pub(crate) struct Secure(Box<tokio_rustls::TlsStream<TcpStream>>);

#[cfg(feature = "tls")]
impl Drop for Secure {
    fn drop(&mut self) {
        // Without waiting: where the system takes no more, the peer does not read.
        let mut nobody = Context::from_waker(std::task::Waker::noop());
        let _ = Pin::new(&mut self.0).poll_shutdown(&mut nobody);
    }
}

impl Stream {
    #[cfg(feature = "tls")]
    pub(crate) fn secure(tls: tokio_rustls::TlsStream<TcpStream>) -> Self {
        Self::Tls(Secure(Box::new(tls)))
    }

    pub(crate) fn other(stream: impl Duplex + 'static) -> Self {
        Self::Other(Mutex::new(Box::pin(stream)))
    }

    /// Whether bytes, an end or a fault are there that the stream has not read yet. Asks the system and not the runtime, which may not have
    /// heard yet. Of a stream of the program's nothing is known.
    pub(crate) fn has_more(&self) -> bool {
        match self {
            Self::Tcp(tcp) => system_has_more(tcp),
            #[cfg(feature = "tls")]
            Self::Tls(tls) => system_has_more(tls.0.get_ref().0),
            Self::Other(_) => false,
        }
    }

    /// What an error of this stream says of its security.
    pub(crate) fn fault(&self, why: &io::Error) -> Option<TlsFault> {
        match self {
            #[cfg(feature = "tls")]
            Self::Tls(_) => crate::rustls_fault::fault_of(why),
            _ => {
                let _ = why;
                None
            }
        }
    }

    /// Sends what TLS has to answer to what was read, such as that there is no renegotiation. It would else lie until the next write, and
    /// the peer wait for it.
    fn answer(&mut self, cx: &mut Context<'_>) {
        match self {
            #[cfg(feature = "tls")]
            Self::Tls(tls) if tls.0.get_ref().1.wants_write() => {
                // Where it fails, or cannot go on now, the next read or write finds out.
                let _ = Pin::new(&mut tls.0).poll_flush(cx);
            }
            _ => {
                let _ = cx;
            }
        }
    }

    fn inner(self: Pin<&mut Self>) -> Pin<&mut dyn Duplex> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::<&mut TcpStream>::new(tcp),
            #[cfg(feature = "tls")]
            Self::Tls(tls) => Pin::<&mut Box<_>>::new(&mut tls.0),
            Self::Other(other) => other.get_mut().unwrap_or_else(PoisonError::into_inner).as_mut(),
        }
    }
}

fn system_has_more(tcp: &TcpStream) -> bool {
    let mut byte = [MaybeUninit::uninit()];
    !SockRef::from(tcp).peek(&mut byte).is_err_and(|why| why.kind() == io::ErrorKind::WouldBlock)
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = self.as_mut().inner().poll_read(cx, buf);
        self.answer(cx);
        read
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.inner().poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner().poll_shutdown(cx)
    }
}
