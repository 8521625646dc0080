//! One request, from octets to octets: the pure halves of the exchange with the two impure things between them.

mod relaying;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use zeroize::Zeroizing;

use super::clock::Clock;
use super::domain_directory::DomainDirectory;
use super::entropy;
use super::in_flight::{InFlight, InFlightCount};
use super::observe::audit::Audit;
use super::observe::metrics::Metrics;
use super::origin::{Origin, Protocol, Transport};
use super::relay::{Passage, Relay};
use super::replays::{ReplayMemory, ReplayVerdict, Token};
use crate::directory::Principal;
use crate::exchange::{
    self, AuthenticatedClient, Domains, Entropy, Issued, Refusal, RefusedRequest, Rejected, Snapshot,
    Timestamp, Unidentified,
};

/// What the sender gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// This message.
    Reply(Bytes),
    /// Nothing; over TCP the connection is closed.
    Silence,
}

/// How far a message comes without waiting.
pub enum Step {
    /// It is answered.
    Done(Answer),
    /// The directory must be asked: [`Service::answer`].
    Directory,
    /// Somebody else must be asked: [`Service::relay`].
    Relay(Passage),
}

/// The daemon behind its sockets. Shared by all of them behind an `Arc`.
pub struct Service {
    domains: ArcSwap<Domains>,
    directories: Vec<DomainDirectory>,
    replays: ReplayMemory,
    relay: Relay,
    udp_reply_limit: usize,
    clock: Clock,
    audit: Audit,
    metrics: Metrics,
    in_flight: Arc<InFlightCount>,
    stopping: AtomicBool,
}

/// A request on its way: what its outcome is reported with.
struct Request<'r> {
    octets: &'r [u8],
    origin: Origin,
    now: Timestamp,
    since: Duration,
}

impl Service {
    /// A service of `domains`, each with the directory of the same realm.
    #[must_use]
    pub fn new(
        domains: Domains,
        directories: Vec<DomainDirectory>,
        replays: ReplayMemory,
        relay: Relay,
        udp_reply_limit: usize,
        clock: Clock,
        metrics: Metrics,
    ) -> Self {
        Self {
            domains: ArcSwap::from_pointee(domains),
            directories,
            replays,
            relay,
            udp_reply_limit,
            clock,
            audit: Audit::new(clock),
            metrics,
            in_flight: Arc::default(),
            stopping: AtomicBool::new(false),
        }
    }

    /// Serves these domains from the next request on.
    pub fn set_domains(&self, domains: Domains) {
        self.domains.store(Arc::new(domains));
    }

    /// The domains as they are now, in the order of the configuration.
    #[must_use]
    pub fn domains(&self) -> Arc<Domains> {
        self.domains.load_full()
    }

    /// The directories of the domains, in the order of the configuration.
    #[must_use]
    pub fn directories(&self) -> &[DomainDirectory] {
        &self.directories
    }

    /// Throws out principals that are no longer fresh, and connections that nobody uses.
    pub fn sweep(&self) {
        self.relay.sweep();
        let mut kept = 0_usize;
        for directory in &self.directories {
            directory.cache().sweep(self.clock.instant());
            kept = kept.saturating_add(directory.cache().len());
        }
        self.metrics.cached_principals(kept);
        let user_keys =
            self.domains.load().iter().filter_map(|domain| Some(domain.user_keys.as_ref()?.accounts())).sum();
        self.metrics.user_key_accounts(user_keys);
        self.metrics.replay_memory(self.replays.len(), self.replays.overflows());
    }

    /// The clock that requests are timed by.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// What is counted about the service.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Answers without waiting for anything: where every message comes first. Where that cannot be, the message is
    /// counted, and nothing else has been done with it.
    #[must_use]
    pub fn answer_warm(&self, octets: &[u8], origin: Origin) -> Step {
        self.metrics.request(origin.transport);
        let request = self.request(octets, origin);
        match origin.protocol {
            Protocol::Kerberos => self.answer_request(&request),
            Protocol::Kpasswd => self.take_kpasswd(&request),
        }
    }

    fn answer_request(&self, request: &Request<'_>) -> Step {
        let Request { octets, origin, .. } = *request;
        let domains = self.domains.load();
        let snapshot = Snapshot { now: request.now, source: origin.peer.ip(), domains: &domains };
        let client = match exchange::verify(octets, &snapshot) {
            Ok(client) => client,
            Err(rejected) => return self.reject(request, rejected, &domains),
        };
        let directory = self.directory(&client);
        let cached =
            directory.and_then(|directory| directory.cached(client.requestor(), self.clock.instant()));
        let Some(account) = cached.filter(|account| client.is(account)) else { return Step::Directory };
        Step::Done(match self.admit(request, &client) {
            Err(answer) => answer,
            Ok(token) => {
                let view = client.domain().directory.as_deref();
                let identified = client.identify(Some(&account), view).map_err(|why| why.refuse(true));
                self.conclude(request, token, identified.and_then(|client| self.issue(client, request.now)))
            }
        })
    }

    /// Answers what [`Self::answer_warm`] could not, asking the directory. `arrived` is when the message came, by the
    /// daemon's monotonic clock.
    pub async fn answer(&self, octets: &[u8], origin: Origin, arrived: Duration) -> Answer {
        let _in_flight = self.in_flight.begin();
        let request = Request { octets, origin, now: self.clock.now(), since: arrived };
        let domains = self.domains.load_full();
        let snapshot = Snapshot { now: request.now, source: origin.peer.ip(), domains: &domains };
        let client = match exchange::verify(octets, &snapshot) {
            Ok(client) => client,
            Err(rejected) => {
                return match self.reject(&request, rejected, &domains) {
                    Step::Relay(passage) => self.relay(Bytes::copy_from_slice(octets), origin, passage).await,
                    Step::Done(answer) => answer,
                    Step::Directory => Answer::Silence,
                };
            }
        };
        let token = match self.admit(&request, &client) {
            Ok(token) => token,
            Err(answer) => return answer,
        };
        let account = match self.find(&client).await {
            Ok(account) => account,
            Err(refused) => return self.refuse(&request, refused),
        };
        // The read took its time: what decides is what the directory has said by now.
        let domains = self.domains.load_full();
        let realm = Arc::clone(&client.domain().realm);
        let view = domains.find(realm.as_bytes()).and_then(|domain| domain.directory.as_deref());
        let outcome = match client.identify(account.as_deref(), view) {
            Ok(client) => self.issue(client, request.now),
            Err(unidentified) => Err(self.refuse_unidentified(&realm, unidentified).await),
        };
        self.conclude(&request, token, outcome)
    }

    /// Answers a message that would have to wait for the directory behind too many others. In the open: to find an
    /// armour, it would have to be verified once more, which is work that is to be saved.
    #[must_use]
    pub fn shed(&self, octets: &[u8], origin: Origin) -> Answer {
        let request = self.request(octets, origin);
        self.refuse(&request, Refusal::DirectoryUnavailable.because("too many requests wait for it").into())
    }

    /// Counts something as under way until the guard is dropped.
    #[must_use]
    pub fn begin(&self) -> InFlight {
        self.in_flight.begin()
    }

    /// No more requests are to be taken; those under way end.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether no more requests are to be taken.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Waits until nothing is under way.
    pub async fn idle(&self) {
        self.in_flight.idle().await;
    }

    fn request<'r>(&self, octets: &'r [u8], origin: Origin) -> Request<'r> {
        Request { octets, origin, now: self.clock.now(), since: self.clock.elapsed() }
    }

    fn directory(&self, client: &AuthenticatedClient<'_, '_>) -> Option<&DomainDirectory> {
        let realm = &client.domain().realm;
        self.directories.iter().find(|directory| directory.realm() == &**realm)
    }

    /// Asks the replay memory: `Err` is the answer to a retransmit or a replay.
    fn admit(&self, request: &Request<'_>, client: &AuthenticatedClient<'_, '_>) -> Result<Token, Answer> {
        let source = request.origin.peer.ip();
        match self.replays.admit(client.authenticator(), request.octets, source, request.since) {
            ReplayVerdict::Serve(token) => Ok(token),
            ReplayVerdict::Retransmit(reply) => {
                self.metrics.retransmit();
                self.audit.retransmitted(request.origin, client.who());
                Err(self.fit(request, reply, &client.domain().realm))
            }
            ReplayVerdict::Replay => Err(self.refuse(request, client.refuse(Refusal::Replay))),
        }
    }

    async fn find(
        &self,
        client: &AuthenticatedClient<'_, '_>,
    ) -> Result<Option<Arc<Principal>>, RefusedRequest> {
        let Some(directory) = self.directory(client) else {
            return Err(client.refuse(Refusal::Internal));
        };
        let Some(view) = &client.domain().directory else {
            return Err(client.refuse(Refusal::DirectoryStale));
        };
        // Another domain's SID has no account here: the directory may hold an object for it, but not a client.
        if !client.requestor().is_in_domain(&view.domain_sid) {
            return Ok(None);
        }
        let found = directory.find(client.requestor(), Arc::clone(view), self.clock.instant()).await;
        found.map_err(|error| client.refuse(error))
    }

    /// Only here is the directory asked about a name.
    async fn refuse_unidentified(&self, realm: &str, unidentified: Unidentified) -> RefusedRequest {
        let directory = self.directories.iter().find(|directory| directory.realm() == realm);
        let exists = match (&unidentified, directory) {
            (Unidentified::Name(name, _), Some(directory)) => {
                directory.name_exists(name).await.unwrap_or(true)
            }
            _ => true,
        };
        unidentified.refuse(exists)
    }

    fn issue(
        &self,
        client: exchange::IdentifiedClient<'_, '_, '_>,
        now: Timestamp,
    ) -> Result<Issued, RefusedRequest> {
        let mut octets = Zeroizing::new([0; Entropy::LEN]);
        match entropy::fill(octets.as_mut_slice()) {
            Ok(()) => exchange::issue(client, now, &Entropy::from_octets(&octets)),
            Err(_) => Err(client.refuse(Refusal::Internal.because("no random octets"))),
        }
    }
}

/// Outcomes: each is counted once, logged once and answered once.
impl Service {
    fn reject(&self, request: &Request<'_>, rejected: Rejected, domains: &Domains) -> Step {
        match rejected {
            Rejected::Dropped => {
                self.metrics.dropped_malformed();
                Step::Done(Answer::Silence)
            }
            Rejected::NotOurs(refused) => self.take_not_ours(request, refused, domains),
            Rejected::Refused(refused) => Step::Done(self.refuse(request, refused)),
        }
    }

    fn conclude(
        &self,
        request: &Request<'_>,
        token: Token,
        outcome: Result<Issued, RefusedRequest>,
    ) -> Answer {
        let issued = match outcome {
            Ok(issued) => issued,
            Err(refused) => return self.refuse(request, refused),
        };
        let took = self.clock.elapsed().saturating_sub(request.since);
        self.metrics.issued(took, issued.reply.len());
        self.audit.issued(request.origin, &issued, took);
        if let Some(released) = &issued.released {
            self.metrics.keys_released(released);
            self.audit.keys_released(request.origin, &issued.who, released);
        }
        let reply = Bytes::from(issued.reply);
        self.replays.remember(token, reply.clone(), request.since);
        self.fit(request, reply, &issued.who.realm)
    }

    fn refuse(&self, request: &Request<'_>, refused: RefusedRequest) -> Answer {
        let took = self.clock.elapsed().saturating_sub(request.since);
        self.metrics.refused(refused.why.reason, took);
        self.audit.refused(request.origin, &refused, took);
        self.error_answer(request, &refused)
    }

    fn error_answer(&self, request: &Request<'_>, refused: &RefusedRequest) -> Answer {
        let domains = self.domains.load();
        let realm = refused
            .who
            .as_ref()
            .map(|who| &who.realm)
            .or_else(|| domains.iter().next().map(|domain| &domain.realm));
        let reply = error_reply(request, refused, realm.map_or("", |realm| realm));
        // RFC 4120 has no answer for what is too large for a datagram, and no unauthenticated datagram is answered with
        // more octets than it had, or in fragments: a forged source address gains nothing here.
        let longest = self.udp_reply_limit.min(request.octets.len());
        let silent = request.origin.transport == Transport::Udp
            && (refused.why.reason == Refusal::MessageTooLarge || reply.len() > longest);
        if silent { Answer::Silence } else { Answer::Reply(reply.into()) }
    }

    /// The answer to a TCP frame that is longer than it may be, which is not read (RFC 4120 §7.2.2).
    #[must_use]
    pub fn too_long(&self, origin: Origin) -> Answer {
        self.metrics.request(origin.transport);
        match origin.protocol {
            Protocol::Kerberos => self.refuse(&self.request(&[], origin), Refusal::MessageTooLarge.into()),
            Protocol::Kpasswd => Answer::Silence,
        }
    }

    /// The reply, or over UDP, if it is too large for a datagram, the error that sends the client to TCP.
    fn fit(&self, request: &Request<'_>, reply: Bytes, realm: &str) -> Answer {
        if request.origin.transport == Transport::Udp && reply.len() > self.udp_reply_limit {
            self.metrics.too_big();
            return Answer::Reply(exchange::too_big_reply(realm, request.now).into());
        }
        Answer::Reply(reply)
    }
}

/// The KRB-ERROR, in the armour of an armoured request. Where the kernel gives no random octets to seal it with, it
/// says the same in the open.
fn error_reply(request: &Request<'_>, refused: &RefusedRequest, realm: &str) -> Vec<u8> {
    let Request { octets, now, .. } = *request;
    let armored = refused.armor.as_deref().and_then(|armor| {
        let confounder = entropy::octets().ok()?;
        Some(exchange::armored_error_reply(octets, refused.why.reason, armor, realm, now, &confounder))
    });
    armored.unwrap_or_else(|| exchange::error_reply(octets, refused.why.reason, realm, now))
}
