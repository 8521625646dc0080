//! Puts the parts together: reads every file, opens every socket, starts every thread and task, in this order.

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use super::cldap::{self, Discovery, Waiting};
use super::clock::Clock;
use super::domain_directory::DomainDirectory;
use super::entropy::{self, EntropyError};
use super::files::domain_files::DomainFiles;
use super::files::static_faults::StaticFault;
use super::files::user_keys::{self, UserKeytabs};
use super::hardening;
use super::listen::connections::Connections;
use super::listen::sockets::{self, BindError, ServiceSockets};
use super::listen::tcp::{self, TcpLimits};
use super::listen::udp::{self, HandOver};
use super::listen::udp_socket::KerberosUdpSocket;
use super::observe::http;
use super::observe::metrics::Metrics;
use super::observe::readiness::Readiness;
use super::origin::Protocol;
use super::prepared::PreparedDomain;
use super::publisher::{Publisher, publish};
use super::relay::{OwnAddresses, Relay, Room};
use super::replays::{ReplayLimits, ReplayMemory};
use super::service::Service;
use crate::config::Config;
use crate::krb::keys::Rc4;

/// Datagrams that wait for the directory, and as many that are being answered; each is at most `udp-request-limit`
/// octets.
const COLD_QUEUE: usize = 1024;

/// How long a stop waits for requests under way.
const DRAIN: Duration = Duration::from_secs(4);

/// How often what is no longer fresh is thrown out, idle connections to upstreams among it.
const SWEEP: Duration = Duration::from_secs(10);

/// Files that may be open beside TCP connections: sockets, observers, the directory's connections, files read anew.
/// Clients that take all others must not keep the daemon from its directory.
const OWN_DESCRIPTORS: usize = 256;

/// Connections there may be even where fewer files than [`OWN_DESCRIPTORS`] are allowed.
const FEWEST_CONNECTIONS: usize = 16;

/// Why the daemon does not run.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A file is at fault.
    #[error(transparent)]
    Static(#[from] StaticFault),
    /// An address to serve on cannot be had.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The observers' address cannot be had.
    #[error("cannot listen on [listen] metrics {address}: {error}")]
    BindMetrics {
        /// The address.
        address: SocketAddr,
        /// What the kernel says.
        error: io::Error,
    },
    /// A thread cannot be started, a socket handed to the runtime, or this host's name or limits found out.
    #[error("cannot start: {0}")]
    Io(#[from] io::Error),
    /// There are no random octets to be had.
    #[error("cannot start: {0}")]
    Entropy(#[from] EntropyError),
}

/// A running daemon. Dropping it stops it at once; [`Daemon::stop`] lets what is under way end.
pub struct Daemon {
    kerberos: Vec<SocketAddr>,
    cldap: Vec<SocketAddr>,
    metrics: SocketAddr,
    readiness: Arc<Readiness>,
    threads: Vec<JoinHandle<()>>,
    tasks: JoinSet<()>,
    service: Arc<Service>,
    /// To read the user keys again at once.
    user_key_orders: Vec<Arc<Notify>>,
}

impl Daemon {
    /// Starts serving `config`, whose domains name the files with these contents, in the same order. Must be called
    /// within a tokio runtime; `recorder` is this process' metrics recorder.
    ///
    /// # Errors
    /// [`StartError::Static`] before any socket is opened. Faults of the directory are none: the daemon starts, is not
    /// ready, and recovers by itself.
    pub async fn start(
        config: &Config,
        files: Vec<DomainFiles>,
        recorder: PrometheusHandle,
    ) -> Result<Self, StartError> {
        let domains = config.domains.iter().zip(files);
        let mut prepared = domains
            .map(|(domain, files)| PreparedDomain::new(domain, files))
            .collect::<Result<Vec<_>, _>>()?;
        for domain in &prepared {
            tell_of_keys(domain);
            tell_of_user_keys(domain);
        }
        let threads = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let listen = &config.listen;
        let kerberos = sockets::bind(&listen.kerberos, listen.udp_request_limit, threads)?;
        let kpasswd = sockets::bind(&listen.kpasswd, listen.udp_request_limit, NonZeroUsize::MIN)?;
        let for_pings = sockets::bind_cldap(&listen.cldap)?;
        let announced = cldap::announced(&config.domains)?;
        let observers = TcpListener::bind(config.listen.metrics)
            .await
            .map_err(|error| StartError::BindMetrics { address: config.listen.metrics, error })?;

        let clock = Clock::start();
        let readiness = Arc::new(Readiness::of_domains(prepared.iter().map(|domain| &*domain.realm)));
        let publisher = Arc::new(Publisher::new(&prepared, Arc::clone(&readiness)));
        let user_keys: Vec<_> = prepared.iter_mut().map(|domain| domain.user_keys.take()).collect();
        let directories = prepared
            .into_iter()
            .map(|domain| {
                let (realm, numbers) = (Arc::clone(&domain.realm), domain.branch_numbers());
                let (directory, rules) = domain.connect();
                DomainDirectory::start(realm, directory, numbers, rules, clock)
            })
            .collect();
        let (kerberos_addresses, kpasswd_addresses) = (kerberos.addresses()?, kpasswd.addresses()?);
        let listening = OwnAddresses::new([kerberos_addresses.as_slice(), &kpasswd_addresses].concat());
        let room = room(config)?;
        let (relay, finders) = Relay::new(config, room, &listening, clock, &entropy::octets()?);
        let replays = ReplayMemory::new(&ReplayLimits::from(config), &entropy::octets()?);
        let service = Arc::new(Service::new(
            publisher.domains(),
            directories,
            replays,
            relay,
            config.listen.udp_reply_limit,
            clock,
            Metrics::register(),
        ));

        let mut daemon = Self {
            kerberos: kerberos_addresses,
            cldap: for_pings.iter().map(|socket| socket.local_address()).collect(),
            metrics: observers.local_addr()?,
            readiness: Arc::clone(&readiness),
            threads: Vec::new(),
            tasks: JoinSet::new(),
            service: Arc::clone(&service),
            user_key_orders: Vec::new(),
        };
        daemon.watch_directories(&service, &publisher);
        for (index, (keytabs, domain)) in user_keys.into_iter().zip(&config.domains).enumerate() {
            if let Some(keytabs) = keytabs {
                daemon.watch_user_keys(keytabs, domain.cache.poll, &publisher, index);
            }
        }
        daemon.tasks.spawn(http::keep_recorder_small(recorder.clone()));
        daemon.tasks.spawn(http::serve(observers, recorder, readiness));
        for finder in finders {
            daemon.tasks.spawn(finder.run());
        }
        for address in kerberos.skipped.iter().chain(&kpasswd.skipped) {
            warn!(%address, "not listening: this host has no IPv6");
        }
        let services = vec![(Protocol::Kerberos, kerberos), (Protocol::Kpasswd, kpasswd)];
        daemon.serve(services, &service, config, &connections(config, room)?)?;
        if !for_pings.is_empty() {
            let discovery = Discovery::new(Arc::clone(&service), announced, config.limits.pings_per_source)?;
            daemon.serve_pings(for_pings, &Arc::new(discovery))?;
        }
        info!(
            kerberos = ?daemon.kerberos, kpasswd = ?kpasswd_addresses, cldap = ?daemon.cldap, metrics = %daemon.metrics,
            "serving"
        );
        Ok(daemon)
    }

    /// Where Kerberos is served, over TCP and UDP.
    #[must_use]
    pub fn kerberos(&self) -> &[SocketAddr] {
        &self.kerberos
    }

    /// Where pings are answered, over UDP.
    #[must_use]
    pub fn cldap(&self) -> &[SocketAddr] {
        &self.cldap
    }

    /// Where `/metrics`, `/healthz` and `/readyz` are.
    #[must_use]
    pub fn metrics(&self) -> SocketAddr {
        self.metrics
    }

    /// What `/readyz` says.
    #[must_use]
    pub fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    /// Reads the directory and the user keys again, and forgets what the directory said of principals.
    pub fn read_again(&self) {
        self.user_key_orders.iter().for_each(|order| order.notify_one());
        for directory in self.service.directories() {
            match directory.read_again() {
                Ok(()) => info!(realm = directory.realm(), "reading the directory again"),
                Err(error) => warn!(realm = directory.realm(), "the directory stays as it was read: {error}"),
            }
        }
    }

    /// Ends when a task that must not end has ended, which only a defect makes it do.
    pub async fn failed(&mut self) {
        self.tasks.join_next().await;
    }

    /// Takes no more requests, lets those under way end, but not for long, and stops.
    pub async fn stop(mut self) {
        self.service.stop();
        let threads = std::mem::take(&mut self.threads);
        // The threads look up several times a second; a defect in one has been logged by it.
        let joined =
            tokio::task::spawn_blocking(move || threads.into_iter().for_each(|thread| drop(thread.join())));
        let _ = joined.await;
        if timeout(DRAIN, self.service.idle()).await.is_err() {
            warn!("stopping with requests under way");
        }
        self.tasks.shutdown().await;
    }

    fn watch_directories(&mut self, service: &Arc<Service>, publisher: &Arc<Publisher>) {
        for (index, directory) in service.directories().iter().enumerate() {
            let (service, publisher) = (Arc::clone(service), Arc::clone(publisher));
            self.tasks.spawn(publish(service, publisher, index, directory.seen(), directory.max_stale()));
        }
        self.tasks.spawn(sweep(Arc::clone(service)));
    }

    fn watch_user_keys(
        &mut self,
        keytabs: UserKeytabs,
        poll: Duration,
        publisher: &Arc<Publisher>,
        index: usize,
    ) {
        let (service, publisher) = (Arc::clone(&self.service), Arc::clone(publisher));
        let order = Arc::new(Notify::new());
        self.user_key_orders.push(Arc::clone(&order));
        self.tasks.spawn(async move {
            let publish = |keys: &_| publisher.publish_user_keys(&service, index, keys);
            user_keys::watch(keytabs, poll, order, service.metrics(), publish).await;
        });
    }

    fn serve_pings(
        &mut self,
        sockets: Vec<Arc<KerberosUdpSocket>>,
        discovery: &Arc<Discovery>,
    ) -> io::Result<()> {
        let most = cldap::most_at_once(allowed_descriptors()?);
        let later = Arc::new(Waiting::new(most));
        self.tasks.spawn(cldap::serve_later(Arc::clone(&later), most, Arc::clone(discovery)));
        for socket in sockets {
            let (discovery, later) = (Arc::clone(discovery), Arc::clone(&later));
            let thread = thread::Builder::new()
                .name("tgtx-cldap".to_owned())
                .spawn(move || cldap::serve(&socket, &discovery, &later))?;
            self.threads.push(thread);
        }
        Ok(())
    }

    fn serve(
        &mut self,
        services: Vec<(Protocol, ServiceSockets)>,
        service: &Arc<Service>,
        config: &Config,
        connections: &Arc<Connections>,
    ) -> io::Result<()> {
        let (cold, handed_over) = mpsc::channel(COLD_QUEUE);
        self.tasks.spawn(udp::serve_cold(handed_over, Arc::clone(service)));
        let limits = TcpLimits {
            request: config.listen.tcp_request_limit,
            first_octet: config.listen.first_octet_timeout,
            frame: config.listen.frame_timeout,
            idle: config.listen.idle_timeout,
        };
        for (protocol, sockets) in services {
            for socket in sockets.udp.into_iter().flatten() {
                let (service, cold) = (Arc::clone(service), cold.clone());
                let hand_over = HandOver { service, cold, runtime: Handle::current() };
                let thread = thread::Builder::new()
                    .name("tgtx-udp".to_owned())
                    .spawn(move || udp::serve(socket, protocol, &hand_over))?;
                self.threads.push(thread);
            }
            for listener in sockets.tcp {
                let (service, connections) = (Arc::clone(service), Arc::clone(connections));
                let listener = TcpListener::from_std(listener)?;
                self.tasks.spawn(tcp::serve(listener, protocol, service, connections, limits));
            }
        }
        Ok(())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.service.stop();
    }
}

/// Files that may be open.
fn allowed_descriptors() -> io::Result<usize> {
    Ok(usize::try_from(hardening::descriptor_limit()?).unwrap_or(usize::MAX))
}

/// As many messages relayed at once as configured, as far as half of the open files allow.
fn room(config: &Config) -> io::Result<Room> {
    let room = Room::of(config, allowed_descriptors()? / 2);
    if let Some(configured) = config.limits.relays_in_flight
        && room.descriptors > 0
        && configured.get() > room.seats
    {
        let possible = room.seats;
        warn!(
            configured,
            possible, "[limits] relays-in-flight is more than open files allow; raise LimitNOFILE"
        );
    }
    Ok(room)
}

/// As many connections as configured, as far as the open files that relaying and pings leave allow.
fn connections(config: &Config, room: Room) -> io::Result<Arc<Connections>> {
    let limits = &config.limits;
    let allowed = allowed_descriptors()?;
    let pings = cldap::most_descriptors(config, allowed);
    let taken = OWN_DESCRIPTORS.saturating_add(room.descriptors).saturating_add(pings);
    let possible = allowed.saturating_sub(taken).max(FEWEST_CONNECTIONS);
    if let Some(configured) = limits.connections
        && configured.get() > possible
    {
        warn!(configured, possible, "[limits] connections is more than open files allow; raise LimitNOFILE");
    }
    let altogether = limits.connections.map_or(possible, |configured| configured.get().min(possible));
    Ok(Connections::new(altogether, limits.connections_per_ip.map_or(0, NonZeroUsize::get)))
}

/// Says which keys are not used, and that one is missing without which the daemon is not ready.
fn tell_of_keys(domain: &PreparedDomain) {
    let realm = &*domain.realm;
    for skipped in domain.keys.skipped() {
        info!(realm, "keytab entry not used: {skipped}");
    }
    if domain.keys.rc4() == Rc4::Allowed {
        warn!(
            realm,
            "allow-rc4 is on: tickets and session keys of RC4 can be forged and cracked (CVE-2022-37966, CVE-2022-37967); \
             switch it off as soon as every client lists AES"
        );
    }
    let issuing = domain.keys.issuing().etype();
    if issuing.is_sha2() || !issuing.is_aes() {
        warn!(
            realm,
            "full TGTs are issued under a {issuing} key, which not every domain controller takes; load the \
             aes256-cts-hmac-sha1-96 key of the same version"
        );
    }
    if domain.keys.branches().next().is_none() {
        warn!(
            realm,
            "no key of a branch is loaded, so nothing can be exchanged; load that of krbtgt_AzureAD"
        );
    }
}

/// Says that keys are handed out, and of how many users.
fn tell_of_user_keys(domain: &PreparedDomain) {
    let realm = &*domain.realm;
    let Some(keytabs) = &domain.user_keys else { return };
    let keys = keytabs.keys();
    for (why, entries) in keys.unused() {
        info!(realm, entries, "entries of user keytabs not used: {why}");
    }
    warn!(
        realm,
        accounts = keys.accounts(),
        "the key list is on: whoever holds the key of a branch can get these users' long-term keys, as far as the \
         branch's lists allow"
    );
}

/// Throws out principals that are no longer fresh.
async fn sweep(service: Arc<Service>) {
    loop {
        sleep(SWEEP).await;
        service.sweep();
    }
}
