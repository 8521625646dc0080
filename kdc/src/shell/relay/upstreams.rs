//! The servers that one domain's messages go to, and how they have done.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tracing::{info, warn};

use super::idle::IdleConnections;
use super::lock;
use crate::relay::{Health, Upstream, order};
use crate::shell::origin::Transport;

/// A list of upstreams, empty until they are found.
pub(super) struct Upstreams {
    realm: Arc<str>,
    service: &'static str,
    state: Mutex<State>,
    idle: IdleConnections,
}

#[derive(Default)]
struct State {
    list: Vec<Upstream>,
    /// By transport: a firewall may let only one of them pass.
    health: HashMap<(SocketAddr, Transport), Health>,
}

/// How many upstreams there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count {
    /// That have not failed since they last answered.
    pub(super) answering: usize,
    /// That have, over some transport.
    pub(super) failing: usize,
}

impl Upstreams {
    /// None yet. `service` is for the log.
    pub(super) fn new(realm: &Arc<str>, service: &'static str) -> Self {
        Self { realm: Arc::clone(realm), service, state: Mutex::default(), idle: IdleConnections::default() }
    }

    /// Replaces the list. What is known of those that stay is kept.
    pub(super) fn set(&self, mut list: Vec<Upstream>) {
        list.sort_unstable();
        let mut seen = std::collections::HashSet::new();
        list.retain(|upstream| seen.insert(upstream.address));
        let mut state = lock(&self.state);
        if state.list != list {
            let addresses: Vec<SocketAddr> = list.iter().map(|upstream| upstream.address).collect();
            info!(realm = &*self.realm, service = self.service, upstreams = ?addresses, "relaying");
            state.health.retain(|(address, _), _| seen.contains(address));
            state.list = list;
        }
    }

    /// Whether a message from here is an upstream's own.
    pub(super) fn holds(&self, peer: SocketAddr) -> bool {
        let peer = (peer.ip().to_canonical(), peer.port());
        let state = lock(&self.state);
        state
            .list
            .iter()
            .any(|upstream| (upstream.address.ip().to_canonical(), upstream.address.port()) == peer)
    }

    /// Whether an upstream is at this address, at whatever port.
    pub(super) fn has_host(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        lock(&self.state).list.iter().any(|upstream| upstream.address.ip().to_canonical() == address)
    }

    /// In the order to ask them.
    pub(super) fn order(&self, transport: Transport, now: Duration, draw: u64) -> Vec<SocketAddr> {
        let state = lock(&self.state);
        let health = |upstream: &Upstream| state.health.get(&(upstream.address, transport)).copied();
        let known: Vec<(Upstream, Health)> =
            state.list.iter().map(|upstream| (*upstream, health(upstream).unwrap_or_default())).collect();
        let address = |index: usize| known.get(index).map(|(upstream, _)| upstream.address);
        order(&known, now, draw).into_iter().filter_map(address).collect()
    }

    /// Connections to them.
    pub(super) fn idle(&self) -> &IdleConnections {
        &self.idle
    }

    /// One is asked.
    pub(super) fn asked(&self, address: SocketAddr, transport: Transport, now: Duration) {
        if let Some(health) = lock(&self.state).health.get_mut(&(address, transport)) {
            health.asked(now);
        }
    }

    /// One answered.
    pub(super) fn answered(&self, address: SocketAddr, transport: Transport) {
        // Who has never failed has no entry.
        let known = lock(&self.state).health.remove(&(address, transport));
        if known.is_some_and(|mut health| health.answered()) {
            info!(realm = &*self.realm, service = self.service, %address, transport = transport.label(), "upstream answers again");
        }
    }

    /// One failed, for this reason.
    pub(super) fn failed(
        &self,
        address: SocketAddr,
        transport: Transport,
        now: Duration,
        why: &dyn std::fmt::Display,
    ) {
        let mut state = lock(&self.state);
        // It may have been taken off the list since it was asked.
        if !state.list.iter().any(|upstream| upstream.address == address) {
            return;
        }
        let is_news = state.health.entry((address, transport)).or_default().failed(now);
        drop(state);
        if is_news {
            warn!(realm = &*self.realm, service = self.service, %address, transport = transport.label(), "upstream fails: {why}");
        }
    }

    /// How they do.
    pub(super) fn count(&self) -> Count {
        let state = lock(&self.state);
        let is_failing = |upstream: &&Upstream| {
            Transport::ALL.iter().any(|transport| state.health.contains_key(&(upstream.address, *transport)))
        };
        let failing = state.list.iter().filter(is_failing).count();
        Count { answering: state.list.len().saturating_sub(failing), failing }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upstream(number: u8) -> Upstream {
        Upstream { priority: number.into(), weight: 0, address: ([192, 0, 2, number], 88).into() }
    }

    #[test]
    fn what_is_known_of_an_upstream_outlives_a_new_list_and_is_of_one_transport() {
        let upstreams = Upstreams::new(&"X".into(), "kerberos");
        let [one, two, three] = [1, 2, 3].map(|number| upstream(number).address);
        let now = Duration::from_secs(1);
        upstreams.set(vec![upstream(2), upstream(1), upstream(1)]);
        assert_eq!(upstreams.order(Transport::Udp, now, 0), [one, two]);
        upstreams.failed(one, Transport::Udp, now, &"gone");
        upstreams.failed(three, Transport::Udp, now, &"not on the list");
        assert_eq!(upstreams.count(), Count { answering: 1, failing: 1 });
        upstreams.set(vec![upstream(1), upstream(3)]);
        assert_eq!(upstreams.order(Transport::Udp, now, 0), [three, one]);
        assert_eq!(upstreams.order(Transport::Tcp, now, 0), [one, three]);
        upstreams.answered(one, Transport::Udp);
        assert_eq!(upstreams.order(Transport::Udp, now, 0), [one, three]);
        assert_eq!(upstreams.count(), Count { answering: 2, failing: 0 });
    }

    #[test]
    fn knows_upstreams_by_address_and_port_and_their_hosts() {
        let upstreams = Upstreams::new(&"X".into(), "kerberos");
        upstreams.set(vec![upstream(1)]);
        assert!(upstreams.holds(([192, 0, 2, 1], 88).into()));
        assert!(upstreams.holds("[::ffff:192.0.2.1]:88".parse().unwrap()));
        assert!(!upstreams.holds(([192, 0, 2, 1], 50_000).into()));
        assert!(upstreams.has_host([192, 0, 2, 1].into()));
        assert!(!upstreams.has_host([192, 0, 2, 2].into()));
    }
}
