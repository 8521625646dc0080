//! Passes on what is not ours to a real KDC, byte for byte and over the transport it came by, and its answer back.
//!
//! How many are under way to one list of upstreams is bounded, and so is how long each takes, how many upstreams it
//! asks and how large an answer may be. Nothing goes round in circles: our own addresses are no upstreams, what comes
//! from an upstream's own address and port is dropped, and what comes back from an upstream's host, or from one stranger
//! after the other, while it is under way is refused, so that the relay there asks somebody else.

mod attempt;
mod counts;
mod finder;
mod idle;
mod own_addresses;
mod race;
mod relays;
mod remembered;
mod room;
mod seats;
mod upstreams;

use std::collections::HashMap;
use std::hash::Hasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use siphasher::sip128::{Hasher128, SipHasher13};

pub use finder::Finder;
pub use own_addresses::OwnAddresses;
pub use relays::Relays;
pub use room::Room;

use super::clock::Clock;
use super::origin::{Origin, Protocol, Transport};
use crate::config;
use crate::exchange::{Domain, Domains, Refusal};
use crate::relay::{Circles, Kind, Peeked, Reply};
use attempt::Errand;
use counts::{Counts, Outcome};
use seats::{Seat, Seats};
use upstreams::{Sender, Upstreams};

/// The relays of all domains.
pub struct Relay {
    domains: HashMap<Arc<str>, DomainRelay>,
    circles: Arc<Mutex<Circles>>,
    digest: SipHasher13,
    clock: Clock,
    counts: Counts,
}

/// Whom one domain's messages are relayed to.
struct DomainRelay {
    kdcs: Option<Destination>,
    kpasswd: Option<Destination>,
}

/// One list of upstreams, which shares nothing with another: no connection, no record of health and no seat, so that KDCs
/// that fall silent cost no other domain and no password change anything.
struct Destination {
    upstreams: Arc<Upstreams>,
    seats: Arc<Seats>,
}

/// What becomes of a message that is not ours.
pub enum Taken {
    /// Its domain has no relay, or it is no domain's.
    NotRelayed,
    /// It is no message that is relayed; the caller counts it.
    Malformed,
    /// It comes from an upstream, and nothing at all becomes of it. The relay has counted it.
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
    seat: Seat,
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
    /// The relays that the configuration asks for, with this room, and what keeps their lists of upstreams up to date.
    /// `seed` keys the digests by which messages are told apart.
    #[must_use]
    pub fn new(
        config: &config::Config,
        room: Room,
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
                Some(Destination { upstreams, seats: Seats::new(room.seats) })
            };
            let relay = DomainRelay {
                kdcs: start(Finder::of_kdcs(&realm, &domain.relay, own)),
                kpasswd: start(Finder::of_kpasswd(&realm, &domain.relay, own)),
            };
            (realm, relay)
        });
        let domains = domains.collect();
        let relay = Self {
            domains,
            circles: Arc::default(),
            digest: SipHasher13::new_with_key(seed),
            clock,
            counts: Counts::register(),
        };
        (relay, finders)
    }

    /// Decides what becomes of a message that is not ours. Waits for nothing and sends nothing.
    pub fn take(&self, octets: &[u8], origin: Origin, domains: &Domains) -> Taken {
        if self.destinations().next().is_none() {
            return Taken::NotRelayed;
        }
        let peeked = match origin.protocol {
            Protocol::Kerberos => Peeked::at_request(octets),
            Protocol::Kpasswd => Peeked::at_kpasswd(octets),
        };
        let Some(peeked) = peeked else { return Taken::Malformed };
        let Some(destination) =
            peeked.domain(domains).and_then(|domain| self.destination(domain, peeked.kind))
        else {
            return Taken::NotRelayed;
        };
        let sender = self.destinations().map(|to| to.upstreams.sender(origin.peer)).max();
        if sender == Some(Sender::Upstream) {
            self.counts.count(peeked.kind, Outcome::FromUpstream);
            return Taken::Dropped;
        }
        let digest = self.digest(octets, origin.transport);
        let is_upstreams_host = sender == Some(Sender::OnUpstreamsHost);
        if !lock(&self.circles).enter(digest, origin.peer, is_upstreams_host) {
            self.counts.count(peeked.kind, Outcome::Circle);
            return Taken::Refused(Refusal::RelayCircle);
        }
        let turn = Turn { digest, circles: Arc::clone(&self.circles) };
        let Some(seat) = destination.seats.take() else {
            self.counts.count(peeked.kind, Outcome::Full);
            return Taken::Refused(Refusal::RelayFull);
        };
        Taken::Relayed(Passage {
            kind: peeked.kind,
            transport: origin.transport,
            upstreams: Arc::clone(&destination.upstreams),
            since: self.clock.elapsed(),
            seat,
            turn,
        })
    }

    /// Asks upstreams until one has answered.
    ///
    /// # Errors
    /// [`Refusal::RelayUnanswered`] where none did in time, [`Refusal::RelayFull`] where a newer message took the seat.
    pub async fn carry(&self, octets: Bytes, passage: Passage) -> Result<Bytes, Refusal> {
        let Passage { kind, transport, ref upstreams, since, ref seat, ref turn } = passage;
        // Any half will do to choose by; a retransmit has the same and goes the same way.
        let [.., draw] = split(turn.digest);
        let errand = Errand { kind, transport, octets, draw };
        let answer = tokio::select! {
            answer = race::run(errand, upstreams, self.clock) => answer.ok_or(Refusal::RelayUnanswered),
            () = seat.lost() => Err(Refusal::RelayFull),
        };
        let outcome = match &answer {
            Ok((Reply::TooBig, _)) => Outcome::TooBig,
            Ok((Reply::Unavailable, _)) => Outcome::Unavailable,
            Ok((Reply::Answer, _)) => Outcome::Answered,
            Err(Refusal::RelayFull) => Outcome::Full,
            Err(_) => Outcome::Unanswered,
        };
        self.counts.concluded(kind, outcome, self.clock.elapsed().saturating_sub(since));
        answer.map(|(_, octets)| octets)
    }

    /// Closes connections that nobody has used for a while, and tells the metrics how upstreams do.
    pub fn sweep(&self) {
        let now = self.clock.elapsed();
        let (mut answering, mut failing) = (0_usize, 0_usize);
        for Destination { upstreams, .. } in self.destinations() {
            upstreams.idle().sweep(now);
            let counts = upstreams.count();
            answering = answering.saturating_add(counts.answering);
            failing = failing.saturating_add(counts.failing);
        }
        self.counts.upstreams(answering, failing);
    }

    fn destination(&self, domain: &Domain, kind: Kind) -> Option<&Destination> {
        let relay = self.domains.get(&domain.realm)?;
        match kind {
            Kind::As | Kind::Tgs => relay.kdcs.as_ref(),
            Kind::Kpasswd => relay.kpasswd.as_ref(),
        }
    }

    fn destinations(&self) -> impl Iterator<Item = &Destination> {
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
