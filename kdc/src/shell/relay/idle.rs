//! Connections to upstreams that wait for their next message.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

use tokio::net::TcpStream;

use super::lock;

/// Connections kept for one upstream.
const MOST_OF_ONE: usize = 16;

/// Connections kept for one list of upstreams, each with a descriptor.
pub(super) const MOST: usize = 64;

/// How long one is kept: less than any KDC waits for a next request.
const LONGEST: Duration = Duration::from_secs(10);

/// The kept connections of one list of upstreams.
#[derive(Debug, Default)]
pub(super) struct IdleConnections(Mutex<HashMap<SocketAddr, Vec<Idle>>>);

#[derive(Debug)]
struct Idle {
    stream: TcpStream,
    since: Duration,
}

impl IdleConnections {
    /// One on which nothing has come since its last answer: neither an end nor octets that nobody asked for.
    pub(super) fn take(&self, address: SocketAddr, now: Duration) -> Option<TcpStream> {
        let mut kept = lock(&self.0);
        let of_address = kept.get_mut(&address)?;
        while let Some(Idle { stream, since }) = of_address.pop() {
            let is_quiet =
                matches!(stream.try_read(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock);
            if is_quiet && now.saturating_sub(since) < LONGEST {
                return Some(stream);
            }
        }
        None
    }

    /// Keeps one whose last answer has come in whole, if there is room.
    pub(super) fn put(&self, address: SocketAddr, stream: TcpStream, now: Duration) {
        let mut kept = lock(&self.0);
        if kept.values().map(Vec::len).sum::<usize>() >= MOST {
            return;
        }
        let of_address = kept.entry(address).or_default();
        if of_address.len() < MOST_OF_ONE {
            of_address.push(Idle { stream, since: now });
        }
    }

    /// Closes those that nobody has used for a while.
    pub(super) fn sweep(&self, now: Duration) {
        lock(&self.0).retain(|_, of_address| {
            of_address.retain(|idle| now.saturating_sub(idle.since) < LONGEST);
            !of_address.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn gives_out_quiet_and_young_connections_only() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let idle = IdleConnections::default();
        let connect = async || {
            let (ours, theirs) = tokio::join!(TcpStream::connect(address), listener.accept());
            (ours.unwrap(), theirs.unwrap().0)
        };
        let now = Duration::from_secs(100);

        let (ours, _theirs) = connect().await;
        idle.put(address, ours, now);
        assert!(idle.take(address, now.saturating_add(LONGEST)).is_none(), "too old, and gone");

        let (ours, theirs) = connect().await;
        drop(theirs);
        ours.readable().await.unwrap();
        idle.put(address, ours, now);
        assert!(idle.take(address, now).is_none(), "closed");

        let (ours, mut theirs) = connect().await;
        theirs.write_all(b"x").await.unwrap();
        ours.readable().await.unwrap();
        idle.put(address, ours, now);
        assert!(idle.take(address, now).is_none(), "nobody asked for that");

        let mut others = Vec::new();
        for upstream in 1..=8 {
            let address = SocketAddr::from(([192, 0, 2, upstream], 88));
            for _ in 0..=MOST_OF_ONE {
                let (ours, theirs) = connect().await;
                idle.put(address, ours, now);
                others.push(theirs);
            }
        }
        let kept: Vec<usize> = (1..=8)
            .map(|upstream| {
                let address = SocketAddr::from(([192, 0, 2, upstream], 88));
                std::iter::from_fn(|| idle.take(address, now)).count()
            })
            .collect();
        assert_eq!(kept, [MOST_OF_ONE, MOST_OF_ONE, MOST_OF_ONE, MOST_OF_ONE, 0, 0, 0, 0]);
        idle.sweep(now);
        assert!(lock(&idle.0).is_empty());
    }
}
