//! Discovery over UDP: a thread per socket answers from what is at hand, and hands over what another server or the directory
//! must be asked for.
//!
//! What comes in costs no memory that the sender chooses: datagrams are bounded, so are the queue and the tasks behind it, and
//! sources are counted in a table of fixed size. Nothing is logged per ping.

pub mod announced;
mod counts;
mod source_rates;
mod upstream;
mod waiting;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;

use arc_swap::Guard;
use bytes::Bytes;
use tokio::sync::Semaphore;

use super::entropy::{self, EntropyError};
use super::generation::Generation;
use super::in_flight::InFlight;
use super::listen::datagrams;
use super::listen::udp_socket::{Datagram, LocalAddress, Reply, ServerSocket};
use super::service::Service;
use crate::config;
use crate::directory::ClientName;
use crate::discovery::{
    Account, Addresses, Asked, Decision, DiscoveredDomain, InvalidFilter, Request, addressed,
    announce_key_list, decide,
};
use counts::{Counts, Outcome};
use source_rates::SourceRates;
pub use waiting::Waiting;

/// Pings that wait for another server or the directory, and as many that are being answered.
const MOST_AT_ONCE: NonZeroUsize = NonZeroUsize::new(256).expect("a positive number");

/// How many pings may be waited for at once where so many files may be open: an upstream's each hold one, of at most an eighth.
#[must_use]
pub fn most_at_once(descriptors: usize) -> NonZeroUsize {
    NonZeroUsize::new(descriptors / 8).unwrap_or(NonZeroUsize::MIN).min(MOST_AT_ONCE)
}

/// Files that waiting for upstreams may have open at once, of so many that are allowed.
#[must_use]
pub fn most_descriptors(config: &config::Config, allowed: usize) -> usize {
    let passes_on = |domain: &config::Domain| {
        domain.discovery.as_ref().is_some_and(|discovery| discovery.upstream.is_some())
    };
    if config.domains.iter().any(passes_on) { most_at_once(allowed).get() } else { 0 }
}

/// Answers pings. Shared by all sockets behind an `Arc`.
pub struct Discovery {
    service: Arc<Service>,
    rates: SourceRates,
    counts: Counts,
}

/// A ping that must wait for an answer.
pub struct Later {
    octets: Bytes,
    peer: SocketAddr,
    local: LocalAddress,
    socket: Arc<ServerSocket>,
    _in_flight: InFlight,
}

impl Discovery {
    /// Answers for the domains of `service`, a source so many times a second.
    ///
    /// # Errors
    /// [`EntropyError`]
    pub fn new(service: Arc<Service>, per_source: Option<NonZeroUsize>) -> Result<Self, EntropyError> {
        let rates = SourceRates::new(per_source, &entropy::octets()?);
        Ok(Self { service, rates, counts: Counts::register() })
    }

    /// Answers what can be answered at once; what cannot goes to `later`.
    fn answer(
        &self,
        datagram: &Datagram<'_>,
        socket: &Arc<ServerSocket>,
        later: &Waiting<Later>,
    ) -> Option<Reply> {
        let Datagram { octets, peer, local } = *datagram;
        if !self.rates.take(peer.ip(), self.service.clock().elapsed()) {
            self.counts.unanswered(Outcome::Limited);
            return None;
        }
        let Ok(request) = Request::parse(octets) else {
            self.counts.unanswered(Outcome::Malformed);
            return None;
        };
        // Who looks for a KDC is to find one that stays.
        if self.service.is_draining() || self.service.is_stopping() {
            self.counts.unanswered(Outcome::NotReady);
            return None;
        }
        let generation = self.service.generation();
        let domains = domains(&generation);
        let decision = match upstream(&request, &generation, &domains) {
            Some(_) => None,
            None => Some(decide(&request, &domains, addresses(peer, local), None)),
        };
        match decision {
            Some(Decision::Answer(kind, reply)) => {
                self.counts.answered(kind.into(), octets, &reply);
                Some(Reply { octets: reply.into(), peer, local })
            }
            Some(Decision::NotReady) => {
                self.counts.unanswered(Outcome::NotReady);
                None
            }
            None | Some(Decision::LookUp(..)) => {
                let waiting = Later {
                    octets: Bytes::copy_from_slice(octets),
                    peer,
                    local,
                    socket: Arc::clone(socket),
                    _in_flight: self.service.begin(),
                };
                if later.push(waiting).is_some() {
                    self.counts.unanswered(Outcome::Overload);
                }
                None
            }
        }
    }

    /// Answers what another server or the directory must be asked for.
    async fn answer_later(&self, octets: &[u8], peer: SocketAddr, local: LocalAddress) -> Option<Vec<u8>> {
        let request = Request::parse(octets).ok()?;
        let generation = Guard::into_inner(self.service.generation());
        let domains = domains(&generation);
        let (outcome, reply) = match upstream(&request, &generation, &domains) {
            Some(upstream) => pass_on(upstream, octets, &request, &domains).await,
            None => look_up(&request, &generation, &domains, addresses(peer, local)).await,
        };
        match &reply {
            Some(reply) => self.counts.answered(outcome, octets, reply),
            None => self.counts.unanswered(outcome),
        }
        reply
    }
}

async fn look_up(
    request: &Request<'_>,
    generation: &Generation,
    domains: &[DiscoveredDomain],
    addresses: Addresses,
) -> (Outcome, Option<Vec<u8>>) {
    let mut decision = decide(request, domains, addresses, None);
    if let Decision::LookUp(place, user) = decision {
        let name = ClientName { name: user, enterprise: false };
        let account = match generation.directories().get(place) {
            Some(directory) => directory.account_control(&name).await.ok(),
            None => None,
        };
        // Where the directory does not say, another domain controller may.
        let Some(account) = account else { return (Outcome::NotReady, None) };
        let account = account.map_or(Account::Absent, Account::Present);
        decision = decide(request, domains, addresses, Some(account));
    }
    match decision {
        Decision::Answer(kind, reply) => (kind.into(), Some(reply)),
        Decision::NotReady | Decision::LookUp(..) => (Outcome::NotReady, None),
    }
}

/// The domains with what their directories say now.
fn domains(generation: &Generation) -> Vec<DiscoveredDomain> {
    let domains = generation.domains();
    let pairs = domains.iter().zip(generation.announced());
    pairs
        .map(|(domain, announced)| DiscoveredDomain {
            realm: Arc::clone(&domain.realm),
            announcement: Arc::clone(&announced.announcement),
            view: domain.directory.clone(),
        })
        .collect()
}

/// The server that answers instead of us. One that asks for no domain of ours is answered by that of the first, as it was
/// before we came to stand in front of it.
///
/// None is asked about OR and NOT: what is behind them has not been read, Samba ignores what it cannot read, and a wait for
/// nothing takes a seat from somebody else. It answers other filters that are invalid in its own way.
fn upstream(
    request: &Request<'_>,
    generation: &Generation,
    domains: &[DiscoveredDomain],
) -> Option<SocketAddr> {
    if request.asked == Asked::Netlogon(Err(InvalidFilter::Operator)) {
        return None;
    }
    generation.announced().get(addressed(request, domains).unwrap_or(0))?.upstream
}

/// The upstream's answer, with KEY_LIST where it is about a domain that we serve now.
async fn pass_on(
    upstream: SocketAddr,
    octets: &[u8],
    request: &Request<'_>,
    domains: &[DiscoveredDomain],
) -> (Outcome, Option<Vec<u8>>) {
    let Some(mut reply) = upstream::ask(upstream, octets, request.message_id).await else {
        return (Outcome::UpstreamSilent, None);
    };
    let is_ours = |response: &_| domains.iter().any(|domain| domain.may_announce(response));
    let outcome =
        if announce_key_list(&mut reply, is_ours) { Outcome::KeyListSet } else { Outcome::PassedOn };
    (outcome, Some(reply))
}

fn addresses(peer: SocketAddr, local: LocalAddress) -> Addresses {
    Addresses { client: peer.ip(), server: local.address }
}

/// Receives on `socket` and answers, on a thread of its own, until the service stops.
pub fn serve(socket: &Arc<ServerSocket>, discovery: &Discovery, later: &Waiting<Later>) {
    datagrams::serve(socket, &discovery.service, |datagram| discovery.answer(datagram, socket, later));
}

/// Answers what the threads hand over, each ping in a task of its own, at most so many at once.
pub async fn serve_later(later: Arc<Waiting<Later>>, seats: NonZeroUsize, discovery: Arc<Discovery>) {
    let seats = Arc::new(Semaphore::new(seats.get()));
    // Never closed. Whoever waits for a seat waits in the queue.
    while let Ok(seat) = Arc::clone(&seats).acquire_owned().await {
        let Later { octets, peer, local, socket, _in_flight } = later.next().await;
        let discovery = Arc::clone(&discovery);
        tokio::spawn(async move {
            if let Some(octets) = discovery.answer_later(&octets, peer, local).await
                && socket.send(&Reply { octets: octets.into(), peer, local }).is_err()
            {
                discovery.service.metrics().unsent(1);
            }
            drop((seat, _in_flight));
        });
    }
}
