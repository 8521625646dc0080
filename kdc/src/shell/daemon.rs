//! Puts the parts together: reads every file, opens every socket, starts every thread and task, in this order.

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use rustls::ClientConfig;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until};
use tracing::{info, warn};

use super::clock::Clock;
use super::connections::Connections;
use super::directory::{Directory, LdapDirectory, LdifDirectory, Seen, tls};
use super::domain_directory::{DirectoryRules, DomainDirectory};
use super::entropy::{self, EntropyError};
use super::metrics::Metrics;
use super::readiness::{CheckName, Readiness};
use super::replays::{ReplayLimits, ReplayMemory};
use super::service::Service;
use super::sockets::{self, BindError};
use super::static_faults::{DirectoryFiles, DomainFiles, StaticFault};
use super::tcp::{self, TcpLimits};
use super::{http, udp};
use crate::config::{self, Config};
use crate::directory::{Branch, SidHistory};
use crate::exchange::{Admission, Domain, Domains, Rules};
use crate::krb::keys::DomainKeys;

/// Datagrams that wait for the directory at once; each is at most `udp-request-limit` octets.
const COLD_QUEUE: usize = 4096;

/// How often principals that are no longer fresh are thrown out.
const SWEEP: Duration = Duration::from_secs(10);

/// Why the daemon does not run.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A file is at fault.
    #[error(transparent)]
    Static(#[from] StaticFault),
    /// A Kerberos address cannot be had.
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
    /// A thread cannot be started, or a socket handed to the runtime.
    #[error("cannot start: {0}")]
    Io(#[from] io::Error),
    /// There are no random octets to be had.
    #[error("cannot start: {0}")]
    Entropy(#[from] EntropyError),
}

/// A running daemon. Dropping it stops it at once; [`Daemon::stop`] lets what is under way end.
pub struct Daemon {
    kerberos: Vec<SocketAddr>,
    metrics: SocketAddr,
    readiness: Arc<Readiness>,
    stopping: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    tasks: JoinSet<()>,
}

/// A domain with everything its files hold, before a socket is opened.
struct Prepared {
    realm: Arc<str>,
    keys: Arc<DomainKeys>,
    rules: Rules,
    directory: DirectorySource,
    directory_rules: DirectoryRules,
}

/// Where a domain's directory is, before anybody is connected to.
enum DirectorySource {
    Ldap(config::Ldap, Arc<ClientConfig>),
    Ldif(LdifDirectory),
}

impl Daemon {
    /// Starts serving `config`. Must be called within a tokio runtime; `recorder` is this process' metrics recorder.
    ///
    /// # Errors
    /// [`StartError::Static`] before any socket is opened. Faults of the directory are none: the daemon starts, is not
    /// ready, and recovers by itself.
    pub async fn start(config: &Config, recorder: PrometheusHandle) -> Result<Self, StartError> {
        let prepared = config.domains.iter().map(Prepared::read).collect::<Result<Vec<_>, _>>()?;
        let threads = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let sockets = sockets::bind_kerberos(&config.listen, threads)?;
        let observers = TcpListener::bind(config.listen.metrics)
            .await
            .map_err(|error| StartError::BindMetrics { address: config.listen.metrics, error })?;

        let clock = Clock::start();
        let readiness = Arc::new(Readiness::of_domains(prepared.iter().map(|domain| &*domain.realm)));
        let publisher = Arc::new(Publisher::new(&prepared, Arc::clone(&readiness)));
        let directories = prepared.into_iter().map(|domain| domain.start(clock)).collect();
        let replays = ReplayMemory::new(&ReplayLimits::from(config), &entropy::octets()?);
        let service = Arc::new(Service::new(
            directories,
            replays,
            config.listen.udp_reply_limit,
            clock,
            Metrics::register(),
        ));

        let mut daemon = Self {
            kerberos: Vec::new(),
            metrics: observers.local_addr()?,
            readiness: Arc::clone(&readiness),
            stopping: Arc::default(),
            threads: Vec::new(),
            tasks: JoinSet::new(),
        };
        daemon.watch_directories(&service, &publisher);
        daemon.tasks.spawn(http::keep_recorder_small(recorder.clone()));
        daemon.tasks.spawn(http::serve(observers, recorder, readiness));
        for address in &sockets.skipped {
            warn!(%address, "not listening: this host has no IPv6");
        }
        daemon.serve_udp(sockets.udp, &service)?;
        daemon.serve_tcp(sockets.tcp, &service, config)?;
        info!(kerberos = ?daemon.kerberos, metrics = %daemon.metrics, "serving");
        Ok(daemon)
    }

    /// Where Kerberos is served, over TCP and UDP.
    #[must_use]
    pub fn kerberos(&self) -> &[SocketAddr] {
        &self.kerberos
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

    /// Takes no more requests, and ends when the packet threads have answered theirs.
    pub async fn stop(mut self) {
        self.stopping.store(true, Ordering::Relaxed);
        let threads = std::mem::take(&mut self.threads);
        // The threads look up several times a second; a defect in one has been logged by it.
        let _ = tokio::task::spawn_blocking(move || threads.into_iter().for_each(|thread| drop(thread.join()))).await;
        self.tasks.shutdown().await;
    }

    fn watch_directories(&mut self, service: &Arc<Service>, publisher: &Arc<Publisher>) {
        for (index, directory) in service.directories().iter().enumerate() {
            let (service, publisher) = (Arc::clone(service), Arc::clone(publisher));
            self.tasks.spawn(publish(service, publisher, index, directory.seen(), directory.max_stale()));
        }
        self.tasks.spawn(sweep(Arc::clone(service)));
    }

    fn serve_udp(
        &mut self,
        groups: Vec<Vec<Arc<super::udp_socket::KerberosUdpSocket>>>,
        service: &Arc<Service>,
    ) -> io::Result<()> {
        let (cold, handed_over) = mpsc::channel(COLD_QUEUE);
        self.tasks.spawn(udp::serve_cold(handed_over, Arc::clone(service)));
        for socket in groups.into_iter().flatten() {
            let (service, cold, stopping) = (Arc::clone(service), cold.clone(), Arc::clone(&self.stopping));
            let thread = thread::Builder::new()
                .name("tgtx-udp".to_owned())
                .spawn(move || udp::serve(socket, &service, &cold, &stopping))?;
            self.threads.push(thread);
        }
        Ok(())
    }

    fn serve_tcp(
        &mut self,
        listeners: Vec<std::net::TcpListener>,
        service: &Arc<Service>,
        config: &Config,
    ) -> io::Result<()> {
        let bound = |limit: Option<NonZeroUsize>| limit.map_or(0, NonZeroUsize::get);
        let connections =
            Connections::new(bound(config.limits.connections), bound(config.limits.connections_per_ip));
        let limits = TcpLimits {
            request: config.listen.tcp_request_limit,
            first_octet: config.listen.first_octet_timeout,
            frame: config.listen.frame_timeout,
            idle: config.listen.idle_timeout,
        };
        for listener in listeners {
            self.kerberos.push(listener.local_addr()?);
            let listener = TcpListener::from_std(listener)?;
            self.tasks.spawn(tcp::serve(listener, Arc::clone(service), Arc::clone(&connections), limits));
        }
        Ok(())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Relaxed);
    }
}

impl Prepared {
    fn read(domain: &config::Domain) -> Result<Self, StaticFault> {
        let files = DomainFiles::read(domain)?;
        let keys = files.keys(&domain.realm)?;
        let realm: Arc<str> = domain.realm.as_str().into();
        for skipped in keys.skipped() {
            info!(realm = &*realm, "keytab entry not used: {skipped}");
        }
        if keys.branches().next().is_none() {
            warn!(realm = &*realm, "no key of a branch is loaded: nothing can be exchanged; load krbtgt_AzureAD's");
        }
        let directory = DirectorySource::of(files.directory)?;
        Ok(Self {
            realm,
            keys: Arc::new(keys),
            rules: Rules {
                max_lifetime: domain.tickets.max_lifetime,
                max_renew: domain.tickets.max_renew,
                clock_skew: domain.tickets.clock_skew.duration(),
                max_partial_lifetime: domain.tickets.max_partial_lifetime,
                require_body_checksum: domain.require_body_checksum,
                check_addresses: domain.tickets.check_addresses,
                admission: Admission {
                    computers: domain.policy.allow_computers,
                    service_accounts: domain.policy.allow_service_accounts,
                    administrator: domain.policy.allow_administrator,
                },
            },
            directory,
            directory_rules: DirectoryRules {
                ttl: domain.cache.ttl,
                poll: domain.cache.poll,
                max_stale: domain.cache.max_stale,
                sid_history: if domain.policy.sid_history { SidHistory::Include } else { SidHistory::Omit },
                logon_server: domain.logon_server.clone(),
            },
        })
    }

    fn start(self, clock: Clock) -> DomainDirectory {
        let numbers = self.keys.branches().map(|branch| branch.number()).collect();
        let directory = match self.directory {
            DirectorySource::Ldap(settings, tls) => {
                Directory::Ldap(LdapDirectory::start(&self.realm, settings, tls))
            }
            DirectorySource::Ldif(file) => Directory::Ldif(file),
        };
        DomainDirectory::start(self.realm, directory, numbers, self.directory_rules, clock)
    }
}

impl DirectorySource {
    fn of(files: DirectoryFiles) -> Result<Self, StaticFault> {
        match files {
            DirectoryFiles::Ldap { settings, authorities } => match tls::client_config(authorities.as_deref()) {
                Ok(tls) => Ok(Self::Ldap(settings, tls)),
                Err(fault) => {
                    Err(StaticFault::Authorities { path: settings.ca_file.unwrap_or_default(), fault })
                }
            },
            DirectoryFiles::Ldif { path, text } => Ok(Self::Ldif(LdifDirectory::new(&text, Some(path))?)),
        }
    }
}

/// Puts what the directories say into the snapshot that requests are decided on.
struct Publisher {
    domains: Mutex<Vec<Arc<Domain>>>,
    readiness: Arc<Readiness>,
}

impl Publisher {
    fn new(prepared: &[Prepared], readiness: Arc<Readiness>) -> Self {
        let domain = |prepared: &Prepared| {
            Arc::new(Domain {
                realm: Arc::clone(&prepared.realm),
                keys: Arc::clone(&prepared.keys),
                rules: prepared.rules.clone(),
                directory: None,
            })
        };
        Self { domains: Mutex::new(prepared.iter().map(domain).collect()), readiness }
    }

    /// Replaces the view of one domain; `None` if there is none that is fresh.
    fn publish(&self, service: &Service, index: usize, seen: Option<Seen>) {
        let mut domains = self.domains.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = domains.get_mut(index) {
            *slot = Arc::new(Domain {
                realm: Arc::clone(&slot.realm),
                keys: Arc::clone(&slot.keys),
                rules: slot.rules.clone(),
                directory: seen.map(|seen| seen.view),
            });
            self.report(slot);
        }
        service.set_domains(Domains::new(domains.clone()));
        for check in CheckName::ALL {
            let passes = self.readiness.report().checks.iter().all(|line| line.name != check || line.ok);
            service.metrics().ready(check, passes);
        }
    }

    fn report(&self, domain: &Domain) {
        let numbers: Vec<u16> = domain.keys.branches().map(|branch| branch.number()).collect();
        let set = |check, outcome| self.readiness.set(&domain.realm, check, outcome);
        set(CheckName::Keys, if numbers.is_empty() { Err("no key of a branch is loaded".to_owned()) } else { Ok(()) });
        let Some(view) = &domain.directory else {
            let stale = || Err("branches and policy lists were not read for too long; the log says why".to_owned());
            set(CheckName::Directory, stale());
            set(CheckName::Branches, stale());
            return;
        };
        let outdated = view.krbtgt_version.is_some_and(|current| domain.keys.is_outdated(current));
        set(
            CheckName::Directory,
            if outdated { Err("the domain's krbtgt key was changed twice since ours".to_owned()) } else { Ok(()) },
        );
        let broken: Vec<String> = numbers
            .iter()
            .filter(|number| !matches!(view.branches.get(number), Some(Branch::Serving { .. })))
            .map(u16::to_string)
            .collect();
        set(
            CheckName::Branches,
            if broken.is_empty() { Ok(()) } else { Err(format!("serving nobody: {}", broken.join(", "))) },
        );
    }
}

/// Publishes each view of one domain as it comes, and its absence when it has become too old.
async fn publish(
    service: Arc<Service>,
    publisher: Arc<Publisher>,
    index: usize,
    mut views: watch::Receiver<Option<Seen>>,
    max_stale: Duration,
) {
    loop {
        let seen = views.borrow_and_update().clone();
        let fresh = seen.filter(|seen| seen.is_fresh(tokio::time::Instant::now(), max_stale));
        let until = fresh.as_ref().and_then(|seen| seen.at.checked_add(max_stale));
        publisher.publish(&service, index, fresh);
        let gets_stale = async {
            match until {
                Some(until) => sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = views.changed() => if changed.is_err() { return },
            () = gets_stale => {}
        }
    }
}

/// Throws out principals that are no longer fresh.
async fn sweep(service: Arc<Service>) {
    loop {
        sleep(SWEEP).await;
        service.sweep();
    }
}

