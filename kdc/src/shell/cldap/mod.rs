//! Discovery over UDP: a thread per socket answers from what is at hand, and hands over what another server or the directory
//! must be asked for.
//!
//! What comes in costs no memory that the sender chooses: datagrams are bounded, so are the queue and the tasks behind it, and
//! sources are counted in a table of fixed size. Nothing is logged per ping.

mod counts;
mod source_rates;
mod upstream;
mod waiting;

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Semaphore;
use tracing::warn;

use super::entropy::{self, EntropyError};
use super::in_flight::InFlight;
use super::listen::udp_socket::{Datagram, KerberosUdpSocket, LocalAddress, Reply, UdpReceiver, UdpSender};
use super::service::Service;
use crate::config;
use crate::directory::ClientName;
use crate::discovery::names::LONGEST_LABEL;
use crate::discovery::{
    Account, Addresses, Announcement, Asked, Decision, DiscoveredDomain, InvalidFilter, Request, addressed,
    announce_key_list, decide,
};
use counts::{Counts, Outcome};
use source_rates::SourceRates;
pub use waiting::Waiting;

/// How long to wait after a failed receive, so that a lasting fault neither spins nor floods the log.
const RECEIVE_PAUSE: Duration = Duration::from_millis(250);

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

/// How pings about one domain are answered.
#[derive(Debug, Clone)]
pub struct Announced {
    /// What we say ourselves.
    pub announcement: Arc<Announcement>,
    /// Who answers instead of us.
    pub upstream: Option<SocketAddr>,
}

/// What the configuration says of each domain, in its order; none where it says nothing of pings.
///
/// # Errors
/// This host has no name to go by.
pub fn announced(domains: &[config::Domain]) -> io::Result<Vec<Announced>> {
    domains.iter().filter_map(|domain| domain.discovery.as_ref()).map(Announced::new).collect()
}

impl Announced {
    fn new(discovery: &config::Discovery) -> io::Result<Self> {
        let announcement = Announcement {
            host: match &discovery.host {
                Some(host) => host.clone(),
                None => own_host()?,
            },
            site: discovery.site.clone(),
            subnets: discovery.subnets.clone(),
            flags: discovery.flags,
            user_lookup: discovery.user_lookup,
        };
        Ok(Self { announcement: Arc::new(announcement), upstream: discovery.upstream })
    }
}

/// This host's name, if answers can have it.
fn own_host() -> io::Result<String> {
    let name = this_host()?;
    if (1..=LONGEST_LABEL).contains(&name.len()) {
        Ok(name)
    } else {
        Err(io::Error::other("this host's name is empty or too long for pings; set [domain.discovery] host"))
    }
}

/// What this host calls itself, without a domain and in upper case.
pub fn this_host() -> io::Result<String> {
    let name = nix::unistd::gethostname()?;
    let name = name.to_string_lossy();
    Ok(name.split('.').next().unwrap_or_default().to_uppercase())
}

/// Answers pings. Shared by all sockets behind an `Arc`.
pub struct Discovery {
    service: Arc<Service>,
    announced: Vec<Announced>,
    rates: SourceRates,
    counts: Counts,
}

/// A ping that must wait for an answer.
pub struct Later {
    octets: Bytes,
    peer: SocketAddr,
    local: LocalAddress,
    socket: Arc<KerberosUdpSocket>,
    _in_flight: InFlight,
}

impl Discovery {
    /// Answers for the domains of `service`, each of them announced so, a source so many times a second.
    ///
    /// # Errors
    /// [`EntropyError`]
    pub fn new(
        service: Arc<Service>,
        announced: Vec<Announced>,
        per_source: Option<NonZeroUsize>,
    ) -> Result<Self, EntropyError> {
        let rates = SourceRates::new(per_source, &entropy::octets()?);
        Ok(Self { service, announced, rates, counts: Counts::register() })
    }

    /// Answers what can be answered at once; what cannot goes to `later`.
    fn answer(
        &self,
        datagram: &Datagram<'_>,
        socket: &Arc<KerberosUdpSocket>,
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
        let domains = self.domains();
        let decision = match self.upstream(&request, &domains) {
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
        let domains = self.domains();
        let (outcome, reply) = match self.upstream(&request, &domains) {
            Some(upstream) => pass_on(upstream, octets, &request, &domains).await,
            None => self.look_up(&request, &domains, addresses(peer, local)).await,
        };
        match &reply {
            Some(reply) => self.counts.answered(outcome, octets, reply),
            None => self.counts.unanswered(outcome),
        }
        reply
    }

    async fn look_up(
        &self,
        request: &Request<'_>,
        domains: &[DiscoveredDomain],
        addresses: Addresses,
    ) -> (Outcome, Option<Vec<u8>>) {
        let mut decision = decide(request, domains, addresses, None);
        if let Decision::LookUp(place, user) = decision {
            let name = ClientName { name: user.to_owned(), enterprise: false };
            let account = match self.service.directories().get(place) {
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
    fn domains(&self) -> Vec<DiscoveredDomain> {
        let domains = self.service.domains();
        let pairs = domains.iter().zip(&self.announced);
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
    fn upstream(&self, request: &Request<'_>, domains: &[DiscoveredDomain]) -> Option<SocketAddr> {
        if request.asked == Asked::Netlogon(Err(InvalidFilter::Operator)) {
            return None;
        }
        self.announced.get(addressed(request, domains).unwrap_or(0))?.upstream
    }
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
pub fn serve(socket: &Arc<KerberosUdpSocket>, discovery: &Discovery, later: &Waiting<Later>) {
    let mut receiver = UdpReceiver::new(Arc::clone(socket));
    let mut sender = UdpSender::new(Arc::clone(socket));
    let mut replies = Vec::new();
    let service = &discovery.service;
    while !service.is_stopping() {
        let (datagrams, dropped) = match receiver.receive() {
            Ok(batch) => batch,
            Err(error) => {
                warn!(%error, "receiving pings failed");
                thread::sleep(RECEIVE_PAUSE);
                continue;
            }
        };
        service.metrics().dropped_unseen(dropped);
        replies.clear();
        for datagram in datagrams {
            // A defect costs one ping, not the thread.
            if let Ok(reply) = catch_unwind(AssertUnwindSafe(|| discovery.answer(&datagram, socket, later))) {
                replies.extend(reply);
            }
        }
        service.metrics().unsent(sender.send(&replies));
    }
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
