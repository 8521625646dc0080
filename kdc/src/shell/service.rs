//! One request, from octets to octets: the pure halves of the exchange with the two impure things between them.

mod outcome;
mod relaying;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use bytes::Bytes;
use pac::Sid;
use tokio::time::timeout;

use super::clock::Clock;
use super::domain_directory::DomainDirectory;
use super::entropy;
use super::generation::Generation;
use super::in_flight::{InFlight, InFlightCount};
use super::observe::audit::Audit;
use super::observe::metrics::Metrics;
use super::observe::readiness::{CheckName, Report};
use super::origin::{Origin, Protocol};
use super::relay::Passage;
use super::replays::{ReplayMemory, ReplayVerdict, Token};
use crate::directory::Principal;
use crate::exchange::{
    self, AuthenticatedClient, Domain, Entropy, Issued, Refusal, Refused, RefusedRequest, Snapshot,
    Timestamp, Unidentified,
};

/// Who has waited so long for the directory is told to ask another KDC: Windows waits ten seconds for one (`KdcWaitTime`),
/// others longer.
pub const PATIENCE: Duration = Duration::from_secs(8);

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
    /// The directory must be asked for this account: [`Service::answer`].
    Directory(Wanted),
    /// Somebody else must be asked: [`Service::relay`].
    Relay(Passage),
}

/// An account that is not at hand.
#[derive(Debug, Clone)]
pub struct Wanted {
    realm: Arc<str>,
    sid: Sid,
}

/// The daemon behind its sockets. Shared by all of them behind an `Arc`.
pub struct Service {
    generation: ArcSwap<Generation>,
    replays: ReplayMemory,
    udp_reply_limit: usize,
    clock: Clock,
    audit: Audit,
    metrics: Arc<Metrics>,
    in_flight: Arc<InFlightCount>,
    draining: AtomicBool,
    stopping: AtomicBool,
}

/// A request on its way: what its outcome is reported with.
struct Request<'r> {
    octets: &'r [u8],
    origin: Origin,
    /// What it is decided under from the beginning to the end.
    generation: &'r Generation,
    now: Timestamp,
    since: Duration,
}

impl Service {
    /// A service of one generation after the other, `generation` being the first.
    #[must_use]
    pub fn new(
        generation: Generation,
        replays: ReplayMemory,
        udp_reply_limit: usize,
        clock: Clock,
        audit: Audit,
        metrics: Arc<Metrics>,
    ) -> Self {
        generation.is_served(true);
        let service = Self {
            generation: ArcSwap::from_pointee(generation),
            replays,
            udp_reply_limit,
            clock,
            audit,
            metrics,
            in_flight: Arc::default(),
            draining: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
        };
        service.metrics.ready(CheckName::NotDraining, true);
        service
    }

    /// What is served now.
    #[must_use]
    pub fn generation(&self) -> Guard<Arc<Generation>> {
        self.generation.load()
    }

    /// Serves this generation from the next request on, whose authenticators can come again for so long. Requests under
    /// way end under the one they began with.
    pub fn succeed(&self, generation: Generation, replay_window: Duration) {
        self.replays.cover(replay_window);
        self.generation.load().is_served(false);
        let generation = Arc::new(generation);
        self.generation.store(Arc::clone(&generation));
        generation.is_served(true);
        // After the swap: nothing that was read for the generation before is remembered.
        generation.read_again();
    }

    /// What `/readyz` says.
    #[must_use]
    pub fn report(&self) -> Report {
        let draining = if self.is_draining() { Err("draining".to_owned()) } else { Ok(()) };
        self.generation().report().with(CheckName::NotDraining, draining)
    }

    /// Serves on, and tells everybody who asks to go elsewhere.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
        self.metrics.ready(CheckName::NotDraining, false);
    }

    /// Whether everybody who asks is told to go elsewhere.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Throws out principals that are no longer fresh, and connections that nobody uses.
    pub fn sweep(&self) {
        let generation = self.generation();
        generation.relays().sweep();
        let mut kept = 0_usize;
        for directory in generation.directories() {
            directory.cache().sweep(self.clock.instant());
            kept = kept.saturating_add(directory.cache().len());
        }
        self.metrics.cached_principals(kept);
        let domains = generation.domains();
        let user_keys = domains.iter().filter_map(|domain| Some(domain.user_keys.as_ref()?.accounts())).sum();
        self.metrics.user_key_accounts(user_keys);
        self.metrics.replay_memory(self.replays.len(), self.replays.overflows());
        let state = self.metrics.state();
        state.keys(domains.iter().map(|domain| &*domain.keys));
        state.views(domains.iter().map(AsRef::as_ref), self.clock.now());
        state.servers(generation.directories().iter().flat_map(|directory| directory.servers()));
        let ages: Option<Vec<Duration>> =
            generation.directories().iter().map(|directory| directory.age()).collect();
        state.oldest_view(ages.and_then(|ages| ages.into_iter().max()));
        state.in_flight(self.in_flight.alive());
    }

    /// The clock that requests are timed by.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Where it is told whom it served and whom not.
    #[must_use]
    pub fn audit(&self) -> &Audit {
        &self.audit
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
        self.metrics.request(origin, octets);
        let generation = self.generation();
        let request = self.request(octets, origin, &generation);
        match origin.protocol {
            Protocol::Kerberos => self.answer_request(&request),
            Protocol::Kpasswd => self.take_kpasswd(&request),
        }
    }

    fn answer_request(&self, request: &Request<'_>) -> Step {
        let Request { octets, origin, generation, .. } = *request;
        let domains = generation.domains();
        let snapshot = Snapshot { now: request.now, source: origin.peer.ip(), domains: &domains };
        let client = match exchange::verify(octets, &snapshot) {
            Ok(client) => client,
            Err(rejected) => return self.reject(request, rejected, &domains),
        };
        let realm = &client.domain().realm;
        let cached = generation
            .directory(realm)
            .and_then(|directory| directory.cached(client.requestor(), self.clock.instant()));
        let Some(account) = cached.filter(|account| client.is(account)) else {
            return Step::Directory(Wanted { realm: Arc::clone(realm), sid: client.requestor() });
        };
        match self.admit(request, &client) {
            Err(step) => step,
            Ok(token) => {
                let view = client.domain().directory.as_deref();
                let identified = client.identify(Some(&account), view).map_err(|why| why.refuse(true));
                self.conclude(request, token, identified.and_then(|client| self.issue(client, request.now)))
            }
        }
    }

    /// Answers what [`Self::answer_warm`] could not, asking the directory. `arrived` is when the message came, by the
    /// daemon's monotonic clock.
    pub async fn answer(&self, octets: &[u8], origin: Origin, arrived: Duration) -> Answer {
        let _in_flight = self.in_flight.begin();
        let generation = self.generation.load_full();
        let request =
            Request { octets, origin, generation: &generation, now: self.clock.now(), since: arrived };
        match self.answer_cold(&request).await {
            Step::Done(answer) => answer,
            Step::Relay(passage) => self.relay(Bytes::copy_from_slice(octets), origin, passage).await,
            Step::Directory(_) => Answer::Silence,
        }
    }

    async fn answer_cold(&self, request: &Request<'_>) -> Step {
        let Request { octets, origin, generation, .. } = *request;
        let domains = Guard::into_inner(generation.domains());
        let snapshot = Snapshot { now: request.now, source: origin.peer.ip(), domains: &domains };
        let client = match exchange::verify(octets, &snapshot) {
            Ok(client) => client,
            Err(rejected) => return self.reject(request, rejected, &domains),
        };
        let token = match self.admit(request, &client) {
            Ok(token) => token,
            Err(step) => return step,
        };
        let account = match self.find(generation, &client, request.since).await {
            Ok(account) => account,
            Err(refused) => return self.refuse(request, refused),
        };
        // The read took its time: what decides is what the directory has said by now.
        let domains = Guard::into_inner(generation.domains());
        let realm = Arc::clone(&client.domain().realm);
        let view = domains.find(realm.as_bytes()).and_then(|domain| domain.directory.as_deref());
        let outcome = match client.identify(account.as_deref(), view) {
            Ok(client) => self.issue(client, request.now),
            Err(unidentified) => Err(refuse_unidentified(generation.directory(&realm), unidentified).await),
        };
        self.conclude(request, token, outcome)
    }

    /// Reads an account whose request could not wait for it, so that the next one finds it at hand.
    pub async fn read(&self, Wanted { realm, sid }: Wanted) {
        let generation = self.generation.load_full();
        let view = generation.domains().find(realm.as_bytes()).and_then(|domain| domain.directory.clone());
        if let (Some(directory), Some(view)) = (generation.directory(&realm), view) {
            // Counted like every read; there is nobody to be told.
            let _ = directory.find(sid, view, self.clock.instant()).await;
        }
    }

    /// Answers a message that would have to wait for the directory behind too many others. In the open: to find an
    /// armour, it would have to be verified once more, which is work that is to be saved.
    #[must_use]
    pub fn shed(&self, octets: &[u8], origin: Origin) -> Answer {
        let generation = self.generation();
        let request = self.request(octets, origin, &generation);
        self.tell_refused(&request, overloaded().into())
    }

    /// Answers a message that would have to wait, for the directory or an upstream, when there is no time any more. A
    /// password change is not answered by a KRB-ERROR of a KDC.
    #[must_use]
    pub fn send_away(&self, octets: &[u8], origin: Origin) -> Answer {
        match origin.protocol {
            Protocol::Kerberos => self.shed(octets, origin),
            Protocol::Kpasswd => Answer::Silence,
        }
    }

    /// Counts something as under way until the guard is dropped.
    #[must_use]
    pub fn begin(&self) -> InFlight {
        self.in_flight.begin()
    }

    /// Nobody is to be waited for any more, but for what is under way; what needs nobody else is answered.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether nobody is to be waited for any more.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Waits until nothing is under way.
    pub async fn idle(&self) {
        self.in_flight.idle().await;
    }

    fn request<'r>(&self, octets: &'r [u8], origin: Origin, generation: &'r Generation) -> Request<'r> {
        Request { octets, origin, generation, now: self.clock.now(), since: self.clock.elapsed() }
    }

    /// Asks the replay memory: `Err` is what becomes of a retransmit or a replay, or of every request while there can be
    /// no record of it.
    fn admit(&self, request: &Request<'_>, client: &AuthenticatedClient<'_, '_>) -> Result<Token, Step> {
        if self.audit.refuses() {
            return Err(self.refuse(request, client.refuse(Refusal::AuditUnavailable)));
        }
        let source = request.origin.peer.ip();
        match self.replays.admit(client.authenticator(), request.octets, source, request.since) {
            ReplayVerdict::Serve(token) => {
                self.metrics.authentic(client.who());
                Ok(token)
            }
            ReplayVerdict::Retransmit(reply) => {
                self.metrics.retransmit();
                self.audit.retransmitted(self.arrival(request), client.who());
                let Domain { realm, rules, .. } = client.domain();
                Err(self.carry_out(request, rules.mode, self.fit(request, reply, realm)))
            }
            ReplayVerdict::Replay => Err(self.refuse(request, client.refuse(Refusal::Replay))),
        }
    }

    /// Waits for the account no longer than who asked at `arrived` is to wait. Its read goes on all the same.
    async fn find(
        &self,
        generation: &Generation,
        client: &AuthenticatedClient<'_, '_>,
        arrived: Duration,
    ) -> Result<Option<Arc<Principal>>, RefusedRequest> {
        let Some(directory) = generation.directory(&client.domain().realm) else {
            return Err(client.refuse(Refusal::Internal));
        };
        let Some(view) = &client.domain().directory else {
            return Err(client.refuse(Refusal::DirectoryStale));
        };
        let left = PATIENCE.saturating_sub(self.clock.elapsed().saturating_sub(arrived));
        let find = directory.find(client.requestor(), Arc::clone(view), self.clock.instant());
        match timeout(left, find).await {
            Ok(found) => found.map_err(|error| client.refuse(error)),
            Err(_) => Err(client.refuse(overloaded())),
        }
    }

    fn issue(
        &self,
        client: exchange::IdentifiedClient<'_, '_, '_>,
        now: Timestamp,
    ) -> Result<Issued, RefusedRequest> {
        let mut room = Entropy::ROOM;
        match Entropy::drawn(&mut room, entropy::fill) {
            Ok(entropy) => exchange::issue(client, now, &entropy),
            Err(_) => Err(client.refuse(Refusal::Internal.because("no random octets"))),
        }
    }
}

/// Only here is the directory asked about a name.
async fn refuse_unidentified(
    directory: Option<&DomainDirectory>,
    unidentified: Unidentified,
) -> RefusedRequest {
    let exists = match (unidentified.name(), directory) {
        (Some(name), Some(directory)) => directory.name_exists(&name).await.unwrap_or(true),
        _ => true,
    };
    unidentified.refuse(exists)
}

/// Why nobody is served whom the directory has no time for.
fn overloaded() -> Refused {
    Refusal::DirectoryUnavailable.because("too many requests wait for it")
}
