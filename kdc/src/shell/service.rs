//! One request, from octets to octets: the pure halves of the exchange with the two impure things between them.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use zeroize::Zeroizing;

use super::audit::Audit;
use super::clock::Clock;
use super::directory::DirectoryError;
use super::domain_directory::DomainDirectory;
use super::entropy;
use super::metrics::Metrics;
use super::origin::{Origin, Transport};
use super::replays::{Admission, ReplayMemory, Token};
use crate::directory::Principal;
use crate::exchange::{
    self, AuthenticatedClient, Domains, Entropy, Issued, Refusal, Refused, Rejected, Snapshot, Timestamp,
    Unidentified,
};

/// What the sender gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// This message.
    Reply(Bytes),
    /// Nothing; over TCP the connection is closed.
    Silence,
}

/// The daemon behind its sockets. Shared by all of them behind an `Arc`.
pub struct Service {
    domains: ArcSwap<Domains>,
    directories: Vec<DomainDirectory>,
    replays: ReplayMemory,
    udp_reply_limit: usize,
    clock: Clock,
    audit: Audit,
    metrics: Metrics,
}

/// A request on its way: what its outcome is reported with.
struct Request<'r> {
    octets: &'r [u8],
    origin: Origin,
    now: Timestamp,
    since: Duration,
}

impl Service {
    /// A service of the domains behind these directories; none is served before [`Self::set_domains`].
    #[must_use]
    pub fn new(
        directories: Vec<DomainDirectory>,
        replays: ReplayMemory,
        udp_reply_limit: usize,
        clock: Clock,
        metrics: Metrics,
    ) -> Self {
        Self {
            domains: ArcSwap::from_pointee(Domains::default()),
            directories,
            replays,
            udp_reply_limit,
            clock,
            audit: Audit::new(clock),
            metrics,
        }
    }

    /// Serves these domains from the next request on.
    pub fn set_domains(&self, domains: Domains) {
        self.domains.store(Arc::new(domains));
    }

    /// The directories of the domains, in the order of the configuration.
    #[must_use]
    pub fn directories(&self) -> &[DomainDirectory] {
        &self.directories
    }

    /// Throws out principals that are no longer fresh.
    pub fn sweep(&self) {
        let mut kept = 0_usize;
        for directory in &self.directories {
            directory.cache().sweep(self.clock.instant());
            kept = kept.saturating_add(directory.cache().len());
        }
        self.metrics.cached_principals(kept);
    }

    /// What is counted about the service.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Answers without waiting for anything: where every message comes first. `None` says that the directory must be
    /// asked: hand the octets to [`Self::answer`], they are counted and nothing else has been done with them.
    #[must_use]
    pub fn answer_warm(&self, octets: &[u8], origin: Origin) -> Option<Answer> {
        let _watch = self.metrics.watch_for_defects();
        self.metrics.request(origin.transport);
        let request = self.request(octets, origin);
        let domains = self.domains.load();
        let snapshot = Snapshot { now: request.now, source: origin.peer.ip(), domains: &domains };
        let client = match exchange::verify(octets, &snapshot) {
            Ok(client) => client,
            Err(rejected) => return Some(self.reject(&request, rejected)),
        };
        let account = self.directory(&client)?.cached(client.requestor(), self.clock.instant())?;
        if !client.is(&account) {
            return None;
        }
        Some(match self.admit(&request, &client) {
            Err(answer) => answer,
            Ok(token) => {
                let identified = client.identify(Some(&account)).map_err(|why| why.refuse(true));
                self.conclude(&request, token, identified.and_then(|client| self.issue(client, request.now)))
            }
        })
    }

    /// Answers what [`Self::answer_warm`] could not, asking the directory.
    pub async fn answer(&self, octets: &[u8], origin: Origin) -> Answer {
        let _watch = self.metrics.watch_for_defects();
        let request = self.request(octets, origin);
        let domains = self.domains.load_full();
        let snapshot = Snapshot { now: request.now, source: origin.peer.ip(), domains: &domains };
        let client = match exchange::verify(octets, &snapshot) {
            Ok(client) => client,
            Err(rejected) => return self.reject(&request, rejected),
        };
        let token = match self.admit(&request, &client) {
            Ok(token) => token,
            Err(answer) => return answer,
        };
        let outcome = match self.find(&client).await {
            Err(refused) => Err(refused),
            Ok(account) => {
                let realm = Arc::clone(&client.domain().realm);
                match client.identify(account.as_deref()) {
                    Ok(client) => self.issue(client, request.now),
                    Err(unidentified) => Err(self.refuse_unidentified(&realm, unidentified).await),
                }
            }
        };
        self.conclude(&request, token, outcome)
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
            Admission::New(token) | Admission::RetransmitWithoutReply(token) => Ok(token),
            Admission::Retransmit(reply) => {
                self.metrics.retransmit();
                Err(self.fit(request, reply, &client.domain().realm))
            }
            Admission::Replay => Err(self.refuse(request, client.refuse(Refusal::Replay))),
        }
    }

    async fn find(&self, client: &AuthenticatedClient<'_, '_>) -> Result<Option<Arc<Principal>>, Refused> {
        let Some(directory) = self.directory(client) else {
            return Err(client.refuse(Refusal::Internal));
        };
        directory.find(client.requestor(), self.clock.instant()).await.map_err(|error| match error {
            DirectoryError::Unavailable(why) => client.refuse(Refusal::DirectoryUnavailable.because(why)),
            DirectoryError::Data { .. } => client.refuse(Refusal::DirectoryData.because(error.to_string())),
        })
    }

    /// Only here is the directory asked about a name.
    async fn refuse_unidentified(&self, realm: &str, unidentified: Unidentified) -> Refused {
        let directory = self.directories.iter().find(|directory| directory.realm() == realm);
        let exists = match (&unidentified, directory) {
            (Unidentified::Name(question, _), Some(directory)) => {
                directory.name_exists(question).await.unwrap_or(true)
            }
            _ => true,
        };
        unidentified.refuse(exists)
    }

    fn issue(
        &self,
        client: exchange::IdentifiedClient<'_, '_, '_>,
        now: Timestamp,
    ) -> Result<Issued, Refused> {
        let mut octets = Zeroizing::new([0; Entropy::LEN]);
        match entropy::fill(octets.as_mut_slice()) {
            Ok(()) => exchange::issue(client, now, &Entropy::from_octets(&octets)),
            Err(_) => Err(client.refuse(Refusal::Internal.because("no random octets"))),
        }
    }
}

/// Outcomes: each is counted once, logged once and answered once.
impl Service {
    fn reject(&self, request: &Request<'_>, rejected: Rejected) -> Answer {
        match rejected {
            Rejected::Dropped => {
                self.metrics.dropped_malformed();
                Answer::Silence
            }
            Rejected::NotOurs(refused) | Rejected::Refused(refused) => self.refuse(request, refused),
        }
    }

    fn conclude(&self, request: &Request<'_>, token: Token, outcome: Result<Issued, Refused>) -> Answer {
        let issued = match outcome {
            Ok(issued) => issued,
            Err(refused) => return self.refuse(request, refused),
        };
        let took = self.clock.elapsed().saturating_sub(request.since);
        self.metrics.issued(took, issued.reply.len());
        self.audit.issued(request.origin, &issued, took);
        let reply = Bytes::from(issued.reply);
        self.replays.remember(token, reply.clone(), request.since);
        self.fit(request, reply, &issued.who.realm)
    }

    fn refuse(&self, request: &Request<'_>, refused: Refused) -> Answer {
        let took = self.clock.elapsed().saturating_sub(request.since);
        self.metrics.refused(refused.reason, took);
        self.audit.refused(request.origin, &refused, took);
        let domains = self.domains.load();
        let realm = refused
            .who
            .as_ref()
            .map(|who| &who.realm)
            .or_else(|| domains.iter().next().map(|domain| &domain.realm));
        let reply = exchange::error_reply(
            request.octets,
            refused.reason,
            realm.map_or("", |realm| realm),
            request.now,
        );
        // RFC 4120 has no answer for what is too large for a datagram, and no unauthenticated datagram is
        // answered with more octets than it had: a forged source address gains nothing here.
        let silent = request.origin.transport == Transport::Udp
            && (refused.reason == Refusal::MessageTooLarge || reply.len() > request.octets.len());
        if silent { Answer::Silence } else { Answer::Reply(reply.into()) }
    }

    /// The answer to a TCP frame that is longer than it may be, which is not read (RFC 4120 §7.2.2).
    #[must_use]
    pub fn too_long(&self, origin: Origin) -> Bytes {
        self.metrics.request(origin.transport);
        let request = self.request(&[], origin);
        match self.refuse(&request, Refusal::MessageTooLarge.into()) {
            Answer::Reply(reply) => reply,
            Answer::Silence => Bytes::new(),
        }
    }

    /// The reply, or over UDP, if it is too large for a datagram, the error that sends the client to TCP.
    fn fit(&self, request: &Request<'_>, reply: Bytes, realm: &str) -> Answer {
        if request.origin.transport == Transport::Udp && reply.len() > self.udp_reply_limit {
            self.metrics.too_big();
            return Answer::Reply(exchange::too_big_reply(request.octets, realm, request.now).into());
        }
        Answer::Reply(reply)
    }
}
