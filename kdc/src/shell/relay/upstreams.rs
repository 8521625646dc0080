//! The servers that one domain's messages go to, and how they have done.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;
use tracing::{info, warn};

use super::idle::IdleConnections;
use super::lock;
use crate::relay::{Health, Upstream, order};
use crate::shell::observe::complaint::Complaint;
use crate::shell::origin::Transport;

/// Upstreams of one list; the first by priority where DNS names more.
pub(super) const MOST: usize = 1024;

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
    records: HashMap<(SocketAddr, Transport), Record>,
}

/// How one that has ever failed has done.
#[derive(Default)]
struct Record {
    health: Health,
    /// That it fails, in the log. It outlives answers, so that not even one that fails and answers in turn, at whoever's
    /// will, fills the log.
    complaint: Complaint,
    /// Whether the log says that it fails.
    is_told: bool,
}

/// Who sent a message, as far as upstreams go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sender {
    /// Somebody else.
    Other,
    /// Somebody on an upstream's host.
    OnUpstreamsHost,
    /// An upstream, from the port at which it is asked.
    Upstream,
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
        list.retain(|upstream| seen.len() < MOST && seen.insert(upstream.address));
        let mut state = lock(&self.state);
        if state.list != list {
            let addresses: Vec<SocketAddr> = list.iter().map(|upstream| upstream.address).collect();
            info!(realm = &*self.realm, service = self.service, upstreams = ?addresses, "relaying");
            state.records.retain(|(address, _), _| seen.contains(address));
            state.list = list;
        }
    }

    /// Whether none is found.
    pub(super) fn is_empty(&self) -> bool {
        lock(&self.state).list.is_empty()
    }

    /// Who a message from here is from.
    pub(super) fn sender(&self, peer: SocketAddr) -> Sender {
        let (host, port) = (peer.ip().to_canonical(), peer.port());
        let state = lock(&self.state);
        let on_host = state.list.iter().filter(|upstream| upstream.address.ip().to_canonical() == host);
        let sender = |upstream: &Upstream| match upstream.address.port() == port {
            true => Sender::Upstream,
            false => Sender::OnUpstreamsHost,
        };
        on_host.map(sender).max().unwrap_or(Sender::Other)
    }

    /// In the order to ask them.
    pub(super) fn order(&self, transport: Transport, now: Duration, draw: u64) -> Vec<SocketAddr> {
        let state = lock(&self.state);
        let health = |upstream: &Upstream| Some(state.records.get(&(upstream.address, transport))?.health);
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
        if let Some(record) = lock(&self.state).records.get_mut(&(address, transport)) {
            record.health.asked(now);
        }
    }

    /// One answered.
    pub(super) fn answered(&self, address: SocketAddr, transport: Transport) {
        let is_news = lock(&self.state)
            .records
            .get_mut(&(address, transport))
            .is_some_and(|record| record.health.answered() && std::mem::take(&mut record.is_told));
        if is_news {
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
        let record = state.records.entry((address, transport)).or_default();
        record.health.failed(now);
        let is_news = !record.is_told && record.complaint.is_due("", Instant::now());
        record.is_told |= is_news;
        drop(state);
        if is_news {
            warn!(realm = &*self.realm, service = self.service, %address, transport = transport.label(), "upstream fails: {why}");
        }
    }

    /// How they do.
    pub(super) fn count(&self) -> Count {
        let state = lock(&self.state);
        let is_failing = |upstream: &&Upstream| {
            let record = |transport: &Transport| state.records.get(&(upstream.address, *transport));
            Transport::ALL.iter().filter_map(record).any(|record| record.health.is_failing())
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
    fn one_that_fails_and_answers_in_turn_does_not_fill_the_log() {
        let upstreams = Upstreams::new(&"X".into(), "kerberos");
        upstreams.set(vec![upstream(1)]);
        let address = upstream(1).address;
        let told = || lock(&upstreams.state).records.values().any(|record| record.is_told);
        let mut lines = 0;
        for second in 1..100 {
            upstreams.failed(address, Transport::Tcp, Duration::from_secs(second), &"gone");
            assert_eq!(upstreams.count(), Count { answering: 0, failing: 1 });
            lines += usize::from(told());
            upstreams.answered(address, Transport::Tcp);
            assert!(!told());
            assert_eq!(upstreams.count(), Count { answering: 1, failing: 0 });
        }
        assert_eq!(lines, 1, "and one more after a while");
    }

    #[test]
    fn takes_the_first_of_too_many() {
        let upstreams = Upstreams::new(&"X".into(), "kerberos");
        let numbered = |number: u16| Upstream {
            priority: number.into(),
            weight: 0,
            address: ([192, 0, 2, 1], number).into(),
        };
        upstreams.set((1..2_000).rev().map(numbered).collect());
        let order = upstreams.order(Transport::Udp, Duration::ZERO, 0);
        assert_eq!((order.len(), order.last()), (MOST, Some(&numbered(1_024).address)));
    }

    #[test]
    fn knows_upstreams_by_address_and_port_and_their_hosts() {
        let upstreams = Upstreams::new(&"X".into(), "kerberos");
        upstreams.set(vec![upstream(1)]);
        let cases = [
            ("192.0.2.1:88", Sender::Upstream),
            ("[::ffff:192.0.2.1]:88", Sender::Upstream),
            ("192.0.2.1:50000", Sender::OnUpstreamsHost),
            ("192.0.2.2:88", Sender::Other),
        ];
        for (peer, expected) in cases {
            assert_eq!(upstreams.sender(peer.parse().unwrap()), expected, "{peer}");
        }
    }
}
