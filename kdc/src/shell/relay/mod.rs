//! Passes on what is not ours to a real KDC, byte for byte and over the transport it came by, and its answer back.
//!
//! How many are under way at once is bounded, and so is how long each takes, how many upstreams it asks and how
//! large an answer may be. Nothing goes round in circles: our own addresses are no upstreams, what comes from an
//! upstream's own address and port is dropped, and what comes back from an upstream's host while it is under way is
//! refused, so that the relay there asks somebody else.

mod attempt;
mod counts;
mod finder;
mod idle;
mod own_addresses;
mod race;
mod upstreams;

use std::collections::HashMap;
use std::hash::Hasher;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use siphasher::sip128::{Hasher128, SipHasher13};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub use counts::Outcome;
pub use finder::Finder;
pub use own_addresses::OwnAddresses;

use super::clock::Clock;
use super::origin::{Origin, Protocol, Transport};
use crate::config;
use crate::exchange::{Domain, Domains, Refusal};
use crate::relay::{Circles, Kind, Peeked, Reply};
use counts::Counts;
use race::Errand;
use upstreams::Upstreams;

/// The relays of all domains.
pub struct Relay {
    domains: HashMap<Arc<str>, DomainRelay>,
    seats: Arc<Semaphore>,
    circles: Arc<Mutex<Circles>>,
    digest: SipHasher13,
    clock: Clock,
    counts: Counts,
}

/// Whom one domain's messages are relayed to. Realms share no upstream, no connection and no record of health.
#[derive(Default)]
struct DomainRelay {
    kdcs: Option<Arc<Upstreams>>,
    kpasswd: Option<Arc<Upstreams>>,
}

/// What becomes of a message that is not ours.
pub enum Taken {
    /// Its domain has no relay, or it is no domain's.
    NotRelayed,
    /// Nothing at all.
    Dropped,
    /// It is refused instead.
    Refused(Refusal),
    /// [`Relay::carry`] it.
    Relayed(Passage),
}

/// The right to have one message relayed.
pub struct Passage {
    kind: Kind,
    transport: Transport,
    upstreams: Arc<Upstreams>,
    since: Duration,
    _seat: OwnedSemaphorePermit,
    turn: Turn,
}

impl Passage {
    /// What is relayed.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }
}

impl Relay {
    /// The relays that the configuration asks for, and what keeps their lists of upstreams up to date. `seed` keys the
    /// digests by which messages are told apart.
    #[must_use]
    pub fn new(
        config: &config::Config,
        own: &OwnAddresses,
        clock: Clock,
        seed: &[u8; 16],
    ) -> (Self, Vec<Finder>) {
        let mut finders = Vec::new();
        let domains = config.domains.iter().map(|domain| {
            let realm: Arc<str> = domain.realm.as_str().into();
            let mut start = |finder: Option<Finder>| {
                let finder = finder?;
                let upstreams = Arc::clone(finder.upstreams());
                finders.push(finder);
                Some(upstreams)
            };
            let relay = DomainRelay {
                kdcs: start(Finder::of_kdcs(&realm, &domain.relay, own)),
                kpasswd: start(Finder::of_kpasswd(&realm, &domain.relay, own)),
            };
            (realm, relay)
        });
        let domains = domains.collect();
        let seats = config.limits.relays_in_flight.map_or(Semaphore::MAX_PERMITS, NonZeroUsize::get);
        let relay = Self {
            domains,
            seats: Arc::new(Semaphore::new(seats.min(Semaphore::MAX_PERMITS))),
            circles: Arc::default(),
            digest: SipHasher13::new_with_key(seed),
            clock,
            counts: Counts::register(),
        };
        (relay, finders)
    }

    /// Decides what becomes of a message that is not ours. Waits for nothing and sends nothing.
    pub fn take(&self, octets: &[u8], origin: Origin, domains: &Domains) -> Taken {
        let peeked = match origin.protocol {
            Protocol::Kerberos => Peeked::at_request(octets),
            Protocol::Kpasswd => Peeked::at_kpasswd(octets),
        };
        let Some(peeked) = peeked else { return Taken::Dropped };
        let Some(upstreams) = peeked.domain(domains).and_then(|domain| self.upstreams(domain, peeked.kind))
        else {
            return Taken::NotRelayed;
        };
        if self.all_upstreams().any(|upstreams| upstreams.holds(origin.peer)) {
            self.counts.count(peeked.kind, Outcome::FromUpstream);
            return Taken::Dropped;
        }
        let Ok(seat) = Arc::clone(&self.seats).try_acquire_owned() else {
            self.counts.count(peeked.kind, Outcome::Full);
            return Taken::Refused(Refusal::RelayFull);
        };
        let digest = self.digest(octets, origin.transport);
        let is_upstreams_host = self.all_upstreams().any(|upstreams| upstreams.has_host(origin.peer.ip()));
        if !lock(&self.circles).enter(digest, origin.peer, is_upstreams_host) {
            self.counts.count(peeked.kind, Outcome::Circle);
            return Taken::Refused(Refusal::RelayCircle);
        }
        Taken::Relayed(Passage {
            kind: peeked.kind,
            transport: origin.transport,
            upstreams: Arc::clone(upstreams),
            since: self.clock.elapsed(),
            _seat: seat,
            turn: Turn { digest, circles: Arc::clone(&self.circles) },
        })
    }

    /// Asks upstreams until one has answered; `None` where none did in time.
    pub async fn carry(&self, octets: Bytes, passage: Passage) -> Option<Bytes> {
        let Passage { kind, transport, ref upstreams, since, ref turn, .. } = passage;
        // Any half will do to choose by; a retransmit has the same and goes the same way.
        let [.., draw] = split(turn.digest);
        let errand = Errand { kind, transport, octets, draw };
        let answer = race::run(errand, upstreams, self.clock).await;
        let outcome = match answer {
            Some((Reply::TooBig, _)) => Outcome::TooBig,
            Some((Reply::Unavailable, _)) => Outcome::Unavailable,
            Some((Reply::Answer, _)) => Outcome::Answered,
            None => Outcome::Unanswered,
        };
        self.counts.concluded(kind, outcome, self.clock.elapsed().saturating_sub(since));
        answer.map(|(_, octets)| octets)
    }

    /// Closes connections that nobody has used for a while, and tells the metrics how upstreams do.
    pub fn sweep(&self) {
        let now = self.clock.elapsed();
        let (mut answering, mut failing) = (0_usize, 0_usize);
        for upstreams in self.all_upstreams() {
            upstreams.idle().sweep(now);
            let counts = upstreams.count();
            answering = answering.saturating_add(counts.answering);
            failing = failing.saturating_add(counts.failing);
        }
        self.counts.upstreams(answering, failing);
    }

    fn upstreams(&self, domain: &Domain, kind: Kind) -> Option<&Arc<Upstreams>> {
        let relay = self.domains.get(&domain.realm)?;
        match kind {
            Kind::As | Kind::Tgs => relay.kdcs.as_ref(),
            Kind::Kpasswd => relay.kpasswd.as_ref(),
        }
    }

    fn all_upstreams(&self) -> impl Iterator<Item = &Arc<Upstreams>> {
        self.domains.values().flat_map(|relay| [&relay.kdcs, &relay.kpasswd]).flatten()
    }

    /// The same octets over another transport are another message: clients go from UDP to TCP.
    fn digest(&self, octets: &[u8], transport: Transport) -> u128 {
        let mut hasher = self.digest;
        hasher.write(transport.label().as_bytes());
        hasher.write(octets);
        hasher.finish128().as_u128()
    }
}

/// Files that relaying may have open at once: sockets to upstreams. Without a bound on relays, those that the default
/// allows.
#[must_use]
pub fn most_descriptors(config: &config::Config) -> usize {
    let relays = |relay: &config::Relay| relay.srv || !relay.kdcs.is_empty() || !relay.kpasswd.is_empty();
    if !config.domains.iter().any(|domain| relays(&domain.relay)) {
        return 0;
    }
    let in_flight = config.limits.relays_in_flight.or(config::Limits::default().relays_in_flight);
    in_flight.map_or(0, NonZeroUsize::get).saturating_mul(race::MOST_AT_ONCE)
}

/// A message's place among those under way.
struct Turn {
    digest: u128,
    circles: Arc<Mutex<Circles>>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        lock(&self.circles).leave(self.digest);
    }
}

fn split(digest: u128) -> [u64; 2] {
    let [a, b, c, d, e, f, g, h, low @ ..] = digest.to_be_bytes();
    [u64::from_be_bytes([a, b, c, d, e, f, g, h]), u64::from_be_bytes(low)]
}

/// Nothing is left half done under a lock here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
