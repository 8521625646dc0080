//! Messages that come back: two relays that name each other as upstream would pass one message round for ever.
//!
//! A hop count cannot travel in octets that must not change. But what comes back is the same octets, while we still
//! wait for their answer, from a host that we relay to.

use std::collections::HashMap;
use std::net::SocketAddr;

/// The messages under way, by a keyed digest of their octets.
#[derive(Debug, Default)]
pub struct Circles(HashMap<u128, UnderWay>);

#[derive(Debug)]
struct UnderWay {
    /// Who sent it first.
    peer: SocketAddr,
    copies: usize,
}

impl Circles {
    /// A message is to be relayed; `false` where it has come round. A client on an upstream's own host may repeat itself
    /// from its port, and another client may send the same octets from a host that is no upstream.
    #[must_use]
    pub fn enter(&mut self, digest: u128, peer: SocketAddr, is_upstreams_host: bool) -> bool {
        match self.0.get_mut(&digest) {
            Some(under_way) if is_upstreams_host && under_way.peer != peer => false,
            Some(under_way) => {
                under_way.copies = under_way.copies.saturating_add(1);
                true
            }
            None => {
                self.0.insert(digest, UnderWay { peer, copies: 1 });
                true
            }
        }
    }

    /// A message that was let in is answered, or given up.
    pub fn leave(&mut self, digest: u128) {
        if let Some(under_way) = self.0.get_mut(&digest) {
            under_way.copies = under_way.copies.saturating_sub(1);
            if under_way.copies == 0 {
                self.0.remove(&digest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_back_from_an_upstreams_host_is_stopped_while_under_way() {
        let client = SocketAddr::from(([192, 0, 2, 1], 50_000));
        let upstream = SocketAddr::from(([192, 0, 2, 9], 40_000));
        let mut circles = Circles::default();
        assert!(circles.enter(1, client, false));
        assert!(!circles.enter(1, upstream, true), "it went to that host and came back");
        assert!(circles.enter(2, upstream, true), "other octets are that host's own");
        assert!(circles.enter(1, client, false), "a client repeats itself");
        circles.leave(1);
        assert!(!circles.enter(1, upstream, true));
        circles.leave(1);
        assert!(circles.enter(1, upstream, true), "nothing is under way any more");
    }

    #[test]
    fn a_client_on_an_upstreams_host_may_repeat_itself() {
        let client = SocketAddr::from(([192, 0, 2, 9], 50_000));
        let mut circles = Circles::default();
        assert!(circles.enter(1, client, true));
        assert!(circles.enter(1, client, true));
        circles.leave(1);
        circles.leave(1);
        assert!(circles.0.is_empty());
    }
}
