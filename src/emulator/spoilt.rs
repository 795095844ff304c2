//! Bodies that break off, never end, unfold or drip.
//!
//! Leaves to others: whom they befall (`faults`).

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::{StreamExt, stream};

/// A body that breaks off after a part. The pause between lets the server send that
/// part before it learns of the end.
pub(super) fn broken(part: Bytes) -> Body {
    let end = async {
        tokio::task::yield_now().await;
        Err(io::Error::new(io::ErrorKind::ConnectionReset, "the connection was cut on purpose"))
    };
    Body::from_stream(stream::once(async { Ok(part) }).chain(stream::once(end)))
}

/// Blanks behind a body, for ever: JSON may have them.
pub(super) fn endless(body: Bytes) -> Body {
    let blanks = Bytes::from(vec![b' '; 64 * 1024]);
    Body::from_stream(
        stream::once(async { body }).chain(stream::repeat(blanks)).map(io::Result::Ok),
    )
}

/// Byte by byte.
pub(super) fn dripping(body: Bytes, pause: Duration) -> Body {
    let drops = (0..body.len()).map(move |at| body.slice(at..=at));
    Body::from_stream(stream::iter(drops).then(move |drop| async move {
        tokio::time::sleep(pause).await;
        io::Result::Ok(drop)
    }))
}

/// What unfolds to blanks, for ever.
pub(super) fn unfolding() -> Body {
    let (head, more) = folded();
    Body::from_stream(stream::once(async { head }).chain(stream::repeat(more)).map(io::Result::Ok))
}

/// The beginning of a gzip member that holds a blank, and a piece, to be repeated, that
/// repeats it: 13 bits of it for every 258 bytes (RFC 1951, section 3.2.6: the fixed codes).
fn folded() -> (Bytes, Bytes) {
    // Magic number, deflate, no flags, no time, no extra flags, no system (RFC 1952).
    let mut head = Bits { bytes: vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff], filled: 0 };
    // Not the last block; one with the fixed codes.
    head.push(0b010, 3);
    head.push_code(0x30 + u16::from(b' '), 8);
    // Up to a whole byte.
    while head.filled != 0 {
        head.push_repetition();
    }
    let mut more = Bits { bytes: Vec::new(), filled: 0 };
    for _ in 0..8 * 512 {
        more.push_repetition();
    }
    (head.bytes.into(), more.bytes.into())
}

/// Bits, the first of them the lowest of its byte.
struct Bits {
    bytes: Vec<u8>,
    /// How many bits of the last byte are in use; 0 when all are.
    filled: u8,
}

impl Bits {
    fn push(&mut self, bits: u16, count: u8) {
        for n in 0..count {
            if self.filled == 0 {
                self.bytes.push(0);
            }
            let bit = u8::try_from(bits >> n & 1).expect("it is 0 or 1");
            *self.bytes.last_mut().expect("one was pushed") |= bit << self.filled;
            self.filled = (self.filled + 1) % 8;
        }
    }

    /// Codes travel with their highest bit first.
    fn push_code(&mut self, code: u16, count: u8) {
        self.push(code.reverse_bits() >> (16 - count), count);
    }

    /// The last byte 258 times more.
    fn push_repetition(&mut self) {
        self.push_code(0b1100_0101, 8);
        self.push_code(0, 5);
    }
}
