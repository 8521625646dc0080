//! A stream that is read until a moment and no longer, however many pieces its octets come in.

use std::io::{self, Read};
use std::net::TcpStream;
use std::time::Duration;

use crate::shell::clock::Clock;

/// Reads of a stream that have to end within some time, all together. A time-out of the stream's own would begin anew with each
/// octet, so that a peer could keep us for as long as it has octets.
#[derive(Debug)]
pub struct Until<'s> {
    stream: &'s TcpStream,
    clock: Clock,
    patience: Duration,
}

impl<'s> Until<'s> {
    /// From now on, for so long.
    #[must_use]
    pub fn within(patience: Duration, stream: &'s TcpStream) -> Self {
        Self { stream, clock: Clock::start(), patience }
    }
}

impl Read for Until<'_> {
    fn read(&mut self, octets: &mut [u8]) -> io::Result<usize> {
        let left = self.patience.saturating_sub(self.clock.elapsed());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.stream.set_read_timeout(Some(left))?;
        let mut stream = self.stream;
        stream.read(octets).map_err(|error| match error.kind() {
            // What a socket's time-out is on Unix.
            io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
            _ => error,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test's own socket")]
    fn a_peer_that_drips_is_not_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        // Until the other side is closed.
        let dripping = thread::spawn(move || {
            while peer.write_all(b".").is_ok() {
                thread::sleep(Duration::from_millis(5));
            }
        });
        let mut octets = Vec::new();
        let error = Until::within(Duration::from_millis(100), &stream).read_to_end(&mut octets).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(!octets.is_empty());
        drop(stream);
        dripping.join().unwrap();
    }
}
