//! Puts the parts together: reads every file, opens every socket, starts every thread and task, in this order.

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tracing::{info, warn};

use super::cldap::{self, Discovery, Waiting};
use super::clock::Clock;
use super::control::{self, ControlSocket, Controlled, Listening};
use super::descriptors;
use super::drain::Drain;
use super::entropy::{self, EntropyError};
use super::files::domain_files::DomainFiles;
use super::files::static_faults::StaticFault;
use super::generation::{Generation, Shared};
use super::listen::cold;
use super::listen::connections::Connections;
use super::listen::passed::PassedSockets;
use super::listen::sockets::{self, BindError, ServiceSockets};
use super::listen::tcp::{self, TcpLimits};
use super::listen::threads::Threads;
use super::listen::udp::{self, HandOver};
use super::listen::udp_socket::ServerSocket;
use super::observe::audit::{self, Audit, Sink};
use super::observe::http;
use super::observe::metrics::Metrics;
use super::observe::readiness::Report;
use super::origin::Protocol;
use super::prepared::PreparedDomain;
use super::relay::OwnAddresses;
use super::reload::{KeyRemoval, Reloader};
use super::replays::{ReplayLimits, ReplayMemory};
use super::service::Service;
use super::signs_of_life;
use super::tasks::Defects;
use crate::config::Config;

/// How long a stop waits for requests under way.
const LAST_REQUESTS: Duration = Duration::from_secs(4);

/// How long a stop waits for audit events to be written.
const LAST_EVENTS: Duration = Duration::from_millis(500);

/// How often what is no longer fresh is thrown out, idle connections to upstreams among it.
const SWEEP: Duration = Duration::from_secs(10);

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
    /// A socket came from systemd that nothing here is to be served on.
    #[error(
        "systemd passes a socket on {0}, where nothing is served: add it to [listen], or take it out of tgtx.socket"
    )]
    Unclaimed(SocketAddr),
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
    threads: Threads,
    tasks: JoinSet<()>,
    defects: Defects,
    service: Arc<Service>,
    reloader: Arc<Reloader>,
    reload_order: Arc<Notify>,
    drain: Arc<Drain>,
    audit_ended: audit::Ended,
}

impl Daemon {
    /// Starts serving `config`, whose domains name the files with these contents, in the same order. Must be called
    /// within a tokio runtime; `passed` are sockets that systemd opened, `recorder` is this process' metrics recorder.
    ///
    /// # Errors
    /// [`StartError::Static`] before any socket is opened. Faults of the directory are none: the daemon starts, is not
    /// ready, and recovers by itself.
    pub async fn start(
        config: &Config,
        files: Vec<DomainFiles>,
        mut passed: PassedSockets,
        recorder: PrometheusHandle,
    ) -> Result<Self, StartError> {
        let domains = config.domains.iter().zip(files);
        let prepared = domains
            .map(|(domain, files)| PreparedDomain::new(domain, files))
            .collect::<Result<Vec<_>, _>>()?;
        let clock = Clock::start();
        let sink = Sink::open(&config.audit)?;
        let run = u64::from_ne_bytes(entropy::octets()?);
        let (audit, audit_ended) = Audit::start(sink, config.audit.on_loss, run, clock)?;
        let threads = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let listen = &config.listen;
        let kerberos = sockets::bind(&listen.kerberos, listen.udp_request_limit, threads, &mut passed)?;
        let kpasswd =
            sockets::bind(&listen.kpasswd, listen.udp_request_limit, NonZeroUsize::MIN, &mut passed)?;
        let for_pings = sockets::bind_cldap(&listen.cldap, &mut passed)?;
        passed.unclaimed().map_or(Ok(()), |address| Err(StartError::Unclaimed(address)))?;
        let observers = TcpListener::bind(config.listen.metrics)
            .await
            .map_err(|error| StartError::BindMetrics { address: config.listen.metrics, error })?;

        let (kerberos_addresses, kpasswd_addresses) = (kerberos.addresses(), kpasswd.addresses());
        let room = descriptors::room(config)?;
        let shared = Shared {
            clock,
            metrics: Arc::new(Metrics::register()),
            listening: OwnAddresses::new([kerberos_addresses.as_slice(), &kpasswd_addresses].concat()),
            room,
            defects: Defects::default(),
        };
        let generation = Generation::start(config, prepared, &shared, None)?;
        let replays = ReplayMemory::new(&ReplayLimits::from(config), &entropy::octets()?);
        let metrics = Arc::clone(&shared.metrics);
        let service =
            Arc::new(Service::new(generation, replays, listen.udp_reply_limit, clock, audit, metrics));

        let mut daemon = Self {
            kerberos: kerberos_addresses,
            cldap: for_pings.addresses(),
            metrics: observers.local_addr()?,
            threads: Threads::default(),
            tasks: JoinSet::new(),
            defects: shared.defects.clone(),
            reloader: Arc::new(Reloader::new(Arc::clone(&service), shared, config.clone())),
            reload_order: Arc::default(),
            drain: Arc::new(Drain::new(Arc::clone(&service), listen.drain_grace)),
            service: Arc::clone(&service),
            audit_ended: audit_ended.clone(),
        };
        daemon.tasks.spawn(audit_ended.wait());
        daemon.tasks.spawn(sweep(Arc::clone(&service)));
        daemon.tasks.spawn(reload_on(Arc::clone(&daemon.reload_order), Arc::clone(&daemon.reloader)));
        daemon.tasks.spawn(http::keep_recorder_small(recorder.clone()));
        daemon.tasks.spawn(http::serve(observers, recorder.clone(), move || service.report()));
        for address in kerberos.skipped.iter().chain(&kpasswd.skipped).chain(&for_pings.skipped) {
            warn!(%address, "not listening: this host has no IPv6");
        }
        // Meanwhile requests wait in the sockets: a restart sends nobody away from a directory that answers.
        Arc::clone(&daemon.service.generation()).first_look().await;
        let services = vec![(Protocol::Kerberos, kerberos), (Protocol::Kpasswd, kpasswd)];
        daemon.serve(services, threads, config, descriptors::connections(config, room)?)?;
        if !for_pings.udp.is_empty() {
            let discovery = Discovery::new(Arc::clone(&daemon.service), config.limits.pings_per_source)?;
            daemon.serve_pings(for_pings.udp, &Arc::new(discovery))?;
        }
        daemon.obey(config, recorder, &kpasswd_addresses);
        let (service, reloader) = (Arc::clone(&daemon.service), Arc::clone(&daemon.reloader));
        daemon.tasks.spawn(signs_of_life::keep_told(service, reloader, daemon.threads.pulses()));
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
    pub fn report(&self) -> Report {
        self.service.report()
    }

    /// Ends when the daemon has been drained.
    #[must_use]
    pub fn drain(&self) -> Arc<Drain> {
        Arc::clone(&self.drain)
    }

    /// Reads everything anew that a running daemon can change, beside what it does otherwise. No key is removed. However
    /// often this is called while a reload goes on, one more follows.
    pub fn reload(&self) {
        self.reload_order.notify_one();
    }

    /// Opens the file of audit events anew.
    pub fn reopen_audit(&self) {
        self.service.audit().reopen();
    }

    /// Ends when a task or thread that must not end has ended, which only a defect makes it do.
    pub async fn failed(&mut self) {
        tokio::select! {
            _ = self.tasks.join_next() => {}
            () = self.threads.failed() => {}
            () = self.defects.found() => {}
        }
    }

    /// Lets requests under way end, but not for long, answers what comes meanwhile and waits for nobody, and stops.
    pub async fn stop(mut self) {
        self.service.stop();
        // Sockets are served meanwhile: what lay in one that nobody reads would be lost, and its client would wait.
        let last = Instant::now().checked_add(LAST_REQUESTS).unwrap_or_else(Instant::now);
        let _ = timeout_at(last, self.service.idle()).await;
        self.threads.stop_receiving().await;
        // One may have begun to wait just as the last one had its answer.
        if timeout_at(last, self.service.idle()).await.is_err() {
            warn!("stopping with requests under way");
        }
        std::mem::take(&mut self.threads).finish().await;
        self.tasks.shutdown().await;
        self.service.audit().close();
        if timeout(LAST_EVENTS, self.audit_ended.clone().wait()).await.is_err() {
            warn!("stopping with audit events that the sink does not take");
        }
    }

    /// Opens the control socket. The daemon can do without one.
    fn obey(&mut self, config: &Config, recorder: PrometheusHandle, kpasswd: &[SocketAddr]) {
        match ControlSocket::bind(&config.control) {
            Ok(None) => {}
            Ok(Some(socket)) => {
                info!(path = %socket.path().display(), "control socket");
                let controlled = Controlled {
                    service: Arc::clone(&self.service),
                    reloader: Arc::clone(&self.reloader),
                    drain: Arc::clone(&self.drain),
                    recorder,
                    listening: Listening {
                        kerberos: self.kerberos.clone(),
                        kpasswd: kpasswd.to_vec(),
                        cldap: self.cldap.clone(),
                        metrics: Some(self.metrics),
                    },
                };
                self.tasks.spawn(control::serve(socket, Arc::new(controlled)));
            }
            Err(error) => warn!("no control socket: {error}"),
        }
    }

    fn serve_pings(
        &mut self,
        sockets: Vec<Vec<Arc<ServerSocket>>>,
        discovery: &Arc<Discovery>,
    ) -> io::Result<()> {
        let most = cldap::most_at_once(descriptors::allowed()?);
        let later = Arc::new(Waiting::new(most));
        self.tasks.spawn(cldap::serve_later(Arc::clone(&later), most, Arc::clone(discovery)));
        for socket in sockets.into_iter().flatten() {
            let (discovery, later) = (Arc::clone(discovery), Arc::clone(&later));
            self.threads.receive("tgtx-cldap", Arc::clone(&socket), move || {
                cldap::serve(&socket, &discovery, &later);
            })?;
        }
        Ok(())
    }

    fn serve(
        &mut self,
        services: Vec<(Protocol, ServiceSockets)>,
        threads: NonZeroUsize,
        config: &Config,
        connections: Arc<Connections>,
    ) -> io::Result<()> {
        let (cold, handed_over) = cold::queue();
        self.tasks.spawn(cold::serve(handed_over, Arc::clone(&self.service)));
        let limits = TcpLimits {
            request: config.listen.tcp_request_limit,
            first_octet: config.listen.first_octet_timeout,
            frame: config.listen.frame_timeout,
            idle: config.listen.idle_timeout,
        };
        let mut listeners: Vec<Vec<_>> = (0..threads.get()).map(|_| Vec::new()).collect();
        for (protocol, sockets) in services {
            for socket in sockets.udp.into_iter().flatten() {
                let (service, cold) = (Arc::clone(&self.service), cold.clone());
                let hand_over = HandOver { service, cold, runtime: Handle::current() };
                let served = Arc::clone(&socket);
                self.threads
                    .receive("tgtx-udp", served, move || udp::serve(&socket, protocol, &hand_over))?;
            }
            for group in sockets.tcp {
                for (index, listener) in (0..listeners.len()).cycle().zip(group) {
                    if let Some(thread) = listeners.get_mut(index) {
                        thread.push((protocol, listener));
                    }
                }
            }
        }
        let shared = Arc::new(tcp::Shared {
            service: Arc::clone(&self.service),
            connections,
            runtime: Handle::current(),
            limits,
        });
        for listeners in listeners {
            self.threads.converse(listeners, &shared)?;
        }
        Ok(())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.service.stop();
    }
}

/// Reloads on each order.
async fn reload_on(order: Arc<Notify>, reloader: Arc<Reloader>) {
    loop {
        order.notified().await;
        reloader.reload(KeyRemoval::Refused).await;
    }
}

/// Throws out principals that are no longer fresh, and tells observers how things are.
async fn sweep(service: Arc<Service>) {
    loop {
        service.sweep();
        sleep(SWEEP).await;
    }
}
