//! The codec under `Framed` of tokio-util.

use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt};
use hl7_mllp::{Block, BlockCodec, CodecError, CommitBlock, DecoderOptions, Frame};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::codec::{Decoder as _, Framed};

use crate::peer::{framed, message};

/// Both ends of a connection.
async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (near, listener.accept().await.unwrap().0)
}

#[tokio::test]
async fn blocks_go_both_ways_over_a_socket() {
    let (near, far) = pair().await;
    let mut near = Framed::new(near, BlockCodec::new(DecoderOptions::new()));
    let mut far = Framed::new(far, BlockCodec::new(DecoderOptions::new()));
    let text = message("m-1");
    near.send(text.as_bytes()).await.unwrap();
    near.send(Bytes::from(text.clone())).await.unwrap();
    near.send(Block::new(text.clone().into_bytes())).await.unwrap();
    for _ in 0..3 {
        assert_eq!(far.next().await.unwrap().unwrap().content(), text.as_bytes());
    }
    far.send(CommitBlock::Nak).await.unwrap();
    assert_eq!(CommitBlock::of(&near.next().await.unwrap().unwrap()), Some(CommitBlock::Nak));
    drop(near);
    assert!(far.next().await.is_none(), "an end between blocks is an end");
}

#[tokio::test]
async fn a_fault_is_told_and_the_next_block_still_comes() {
    let (near, mut far) = pair().await;
    let mut near = Framed::new(near, BlockCodec::new(DecoderOptions::new()));
    far.write_all(&[&framed("a\x1Cb")[..], &framed("c"), b"\x0Bhalf"].concat()).await.unwrap();
    drop(far);
    assert_eq!(near.next().await.unwrap().unwrap_err().code(), "N002");
    assert_eq!(near.codec_mut().decoder().take_broken().unwrap().content(), b"a");
    assert!(near.next().await.is_none(), "tokio-util pauses after an error");
    assert_eq!(near.next().await.unwrap().unwrap().content(), b"c");
    assert_eq!(near.next().await.unwrap().unwrap_err().code(), "N001");
}

#[tokio::test]
async fn what_cannot_be_framed_is_not_sent() {
    let (near, mut far) = pair().await;
    let own = DecoderOptions::new().frame(Frame::new(0x02, 0x03).unwrap());
    let mut near = Framed::new(near, BlockCodec::new(own));
    for content in [&b""[..], b"a\x02", b"a\x03"] {
        assert!(matches!(near.send(content).await.unwrap_err(), CodecError::Encode(_)));
    }
    near.send(&b"a\x0B"[..]).await.unwrap();
    drop(near);
    let mut sent = Vec::new();
    far.read_to_end(&mut sent).await.unwrap();
    assert_eq!(sent, b"\x02a\x0B\x03\r");
}

#[test]
fn the_end_of_a_stream_gives_what_is_whole_first() {
    let mut codec = BlockCodec::new(DecoderOptions::new());
    let mut buf = BytesMut::from(&[&framed("a")[..], &framed("b"), b"x"].concat()[..]);
    assert_eq!(codec.decode_eof(&mut buf).unwrap().unwrap().content(), b"a");
    assert_eq!(codec.decode_eof(&mut buf).unwrap().unwrap().content(), b"b");
    assert_eq!(codec.decode_eof(&mut buf).unwrap_err().code(), "N006");
    assert!(codec.decode_eof(&mut buf).unwrap().is_none());
}
