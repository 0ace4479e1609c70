//! Whether a connection that should be silent is.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::block::CR;
use crate::stream::Stream;

/// How often a silent connection is read, so that a flood of line ends does not hold its reader.
const READS: usize = 16;
/// How long to wait for what the system has and the stream has not given yet.
const MOMENT: Duration = Duration::from_millis(100);

/// What stands on a connection that should be silent.
pub(crate) enum Silence {
    Kept,
    PeerClosed,
    Broken(io::Error),
    Unsolicited,
}

/// Whether the peer is there and silent. Line ends are passed over: no block starts with them.
pub(crate) async fn of(stream: &mut Stream) -> Silence {
    if let Stream::Tcp(tcp) = stream {
        return of_tcp(tcp);
    }
    let listened = timeout(MOMENT, poll_fn(|cx| listen(stream, cx))).await;
    listened.unwrap_or(Silence::Unsolicited)
}

/// Asks the system and not the runtime, which may not have heard yet.
fn of_tcp(tcp: &TcpStream) -> Silence {
    let socket = socket2::SockRef::from(tcp);
    let mut bytes = [0; 64];
    for _ in 0..READS {
        match io::Read::read(&mut &*socket, &mut bytes) {
            Ok(n) => match heard(bytes.get(..n).unwrap_or_default()) {
                Silence::Kept => {}
                broken => return broken,
            },
            Err(why) if why.kind() == io::ErrorKind::WouldBlock => return Silence::Kept,
            Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
            Err(why) => return Silence::Broken(why),
        }
    }
    Silence::Unsolicited
}

/// Reads what there is without waiting, unless the system has more than the stream knows of.
fn listen(stream: &mut Stream, cx: &mut Context<'_>) -> Poll<Silence> {
    let mut bytes = [0; 64];
    for _ in 0..READS {
        let mut read = ReadBuf::new(&mut bytes);
        match Pin::new(&mut *stream).poll_read(cx, &mut read) {
            Poll::Ready(Ok(())) => match heard(read.filled()) {
                Silence::Kept => {}
                broken => return Poll::Ready(broken),
            },
            // An end without TLS's own: nothing was asked for, so nothing can be cut off.
            Poll::Ready(Err(why)) if why.kind() == io::ErrorKind::UnexpectedEof => {
                return Poll::Ready(Silence::PeerClosed);
            }
            Poll::Ready(Err(why)) => return Poll::Ready(Silence::Broken(why)),
            Poll::Pending if stream.has_more() => return Poll::Pending,
            Poll::Pending => return Poll::Ready(Silence::Kept),
        }
    }
    Poll::Ready(Silence::Unsolicited)
}

fn heard(bytes: &[u8]) -> Silence {
    match bytes {
        [] => Silence::PeerClosed,
        some if is_line_ends(some) => Silence::Kept,
        _ => Silence::Unsolicited,
    }
}

pub(crate) fn is_line_ends(bytes: &[u8]) -> bool {
    bytes.iter().all(|&byte| matches!(byte, CR | b'\n'))
}
