//! Messages that come back: two relays that name each other as upstream would pass one message round for ever.
//!
//! A hop count cannot travel in octets that must not change. But what comes back is the same octets, while we still
//! wait for their answer. Where two relays name each other it comes from a host that we relay to, and is known at once.
//! Where there are more of them, or they send from other addresses than they are named by, it comes from a stranger; but
//! each round has a socket, and so a sender, of its own, and no client has many for one message.

use std::collections::HashMap;
use std::net::SocketAddr;

/// Senders that one message may have while it is under way. A client whose KDCs are several addresses of ours asks each
/// of them from another socket.
const MOST_SENDERS: usize = 4;

/// The messages under way, by a keyed digest of their octets.
#[derive(Debug, Default)]
pub struct Circles(HashMap<u128, UnderWay>);

#[derive(Debug)]
struct UnderWay {
    /// Who sent it; at most [`MOST_SENDERS`].
    peers: Vec<SocketAddr>,
    copies: usize,
}

impl Circles {
    /// A message is to be relayed; `false` where it has come round. Whoever has sent it may repeat it from the same port.
    /// From another, it may come a few times, but not from an upstream's host.
    #[must_use]
    pub fn enter(&mut self, digest: u128, peer: SocketAddr, is_upstreams_host: bool) -> bool {
        match self.0.get_mut(&digest) {
            Some(under_way) => {
                if !under_way.peers.contains(&peer) {
                    if is_upstreams_host || under_way.peers.len() >= MOST_SENDERS {
                        return false;
                    }
                    under_way.peers.push(peer);
                }
                under_way.copies = under_way.copies.saturating_add(1);
                true
            }
            None => {
                self.0.insert(digest, UnderWay { peers: vec![peer], copies: 1 });
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
    fn what_comes_round_by_way_of_strangers_is_stopped_after_some_rounds() {
        let mut circles = Circles::default();
        let sender = |port| SocketAddr::from(([192, 0, 2, 7], port));
        for port in (1..).take(MOST_SENDERS) {
            assert!(circles.enter(1, sender(port), false), "{port}");
        }
        assert!(!circles.enter(1, sender(99), false));
        assert!(circles.enter(1, sender(1), false), "a client repeats itself");
        assert!(circles.enter(2, sender(99), false), "another message");
        (0..=MOST_SENDERS).for_each(|_| circles.leave(1));
        assert!(circles.enter(1, sender(99), false), "nothing is under way any more");
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
