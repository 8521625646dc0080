//! The connections of one domain: which servers they go to, and what happens when one is lost.
//!
//! Every connection has a supervisor. It takes the first server that answers, in the order of the configuration;
//! watches the connection, asks it for a sign of life while nobody else does, replaces it before it is worn out,
//! and tells everybody at once when it is lost. A reader takes any live connection, waits while one is being
//! made, and is told at once that the directory is away when no server could be reached.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustls::ClientConfig;
use tokio::sync::{Mutex, Semaphore, SemaphorePermit, TryAcquireError, watch};
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tracing::{info, warn};

use super::connection::Connection;
use super::fault::Fault;
use crate::config::{Ldap, LdapUrl};
use crate::shell::directory::{ReadError, jitter};
use crate::shell::files::FileVersion;
use crate::shell::observe::complaint::Complaint;
use crate::shell::observe::state::DirectoryServer;

/// Reads of principals in flight for each connection that is configured: enough to hide the way there and back, and
/// what a server has in its queue stays short.
const IN_FLIGHT: usize = 32;
/// Reads that wait for their turn at most, of which each has a task: as many as a site has users. Their answers are wanted
/// even when nobody waits any more, since who was sent away comes back.
const WAITING: usize = 32_768;
/// A connection without a sign of life for so long is asked for one.
const PROBE_PAUSE: Duration = Duration::from_secs(5);
/// A connection is replaced after so long: a preferred server that was away is used again.
const LIFETIME: Duration = Duration::from_secs(600);
/// A server that let a read time out comes last for so long.
const SUSPICION: Duration = Duration::from_secs(30);

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// After refused credentials, unless the file with the secret changes: three attempts in lockout observation windows of the
/// usual length, no more.
const ACCOUNT_PAUSE: Duration = Duration::from_secs(60);

/// The connections of one domain. Dropping it closes them.
pub(super) struct Pool {
    shared: Arc<Shared>,
    supervisors: Vec<AbortHandle>,
    /// In the order of their asking, so that nobody waits for ever.
    turns: Semaphore,
    waiting: Semaphore,
    next: AtomicUsize,
}

struct Shared {
    realm: String,
    settings: Ldap,
    tls: Arc<ClientConfig>,
    servers: Vec<Server>,
    slots: watch::Sender<Vec<Slot>>,
}

/// The state of one connection.
#[derive(Clone)]
enum Slot {
    /// Being made; the servers have not all been tried since the last one was lost.
    Opening,
    Open(Arc<Connection>),
    /// No server could be reached; still being tried.
    Away,
}

struct Server {
    endpoint: LdapUrl,
    url: String,
    /// Held while connecting, so that several supervisors do not all wait for, or be refused by, the same server.
    state: Mutex<ServerState>,
    suspect_until: std::sync::Mutex<Option<Instant>>,
}

#[derive(Default)]
struct ServerState {
    pause: Option<Duration>,
    /// Not to be tried before, and why.
    next: Option<(Instant, Fault)>,
    /// The file with the secret as it was at the last attempt.
    secret: Option<FileVersion>,
    complaint: Complaint,
}

impl Pool {
    /// Starts one supervisor per connection. Must be called within a tokio runtime.
    pub(super) fn start(realm: String, settings: Ldap, tls: Arc<ClientConfig>) -> Self {
        let servers = settings.urls.iter().map(|endpoint| Server {
            url: endpoint.to_string(),
            endpoint: endpoint.clone(),
            state: Mutex::default(),
            suspect_until: std::sync::Mutex::default(),
        });
        let connections = settings.connections.get();
        let servers = servers.collect();
        let shared = Arc::new(Shared {
            servers,
            slots: watch::Sender::new(vec![Slot::Opening; connections]),
            realm,
            settings,
            tls,
        });
        let supervisors = (0..connections)
            .map(|slot| tokio::spawn(Arc::clone(&shared).supervise(slot)).abort_handle())
            .collect();
        let turns = Semaphore::new(connections.saturating_mul(IN_FLIGHT));
        Self { shared, supervisors, turns, waiting: Semaphore::new(WAITING), next: AtomicUsize::new(0) }
    }

    /// How the servers are, in the order of the configuration, by the connections to them.
    pub(super) fn servers(&self) -> Vec<DirectoryServer> {
        let slots = self.shared.slots.borrow();
        let open: Vec<&Arc<Connection>> = slots
            .iter()
            .filter_map(|slot| if let Slot::Open(connection) = slot { Some(connection) } else { None })
            .filter(|connection| !connection.is_given_up())
            .collect();
        let state = |(index, server): (usize, &Server)| {
            let own = || open.iter().filter(|connection| connection.server == index);
            DirectoryServer {
                url: server.url.clone(),
                connections: own().count(),
                clock_offset: own().find_map(|connection| connection.identity.clock_offset),
            }
        };
        self.shared.servers.iter().enumerate().map(state).collect()
    }

    /// Within what a read must have ended, failover included.
    pub(super) fn patience(&self) -> Duration {
        let settings = &self.shared.settings;
        let both = settings.connect_timeout.saturating_add(settings.search_timeout);
        // The reply has to be out by then.
        both.mul_f64(0.95)
    }

    /// A read's turn, to be held until it has ended. To wait for it says nothing of the directory, and counts against no
    /// time-out of a search.
    ///
    /// # Errors
    /// [`ReadError::Unavailable`] where too many wait already.
    pub(super) async fn turn(&self) -> Result<SemaphorePermit<'_>, ReadError> {
        let full = |_| ReadError::Unavailable("too many reads wait for it".to_owned());
        let _place = self.waiting.try_acquire().map_err(full)?;
        self.turns.acquire().await.map_err(|_closed| full(TryAcquireError::Closed))
    }

    /// A live connection; waits for one until `deadline` unless no server can be reached.
    ///
    /// # Errors
    /// [`ReadError::Unavailable`] with what is the matter with each server.
    pub(super) async fn connection(&self, deadline: Instant) -> Result<Arc<Connection>, ReadError> {
        let mut slots = self.shared.slots.subscribe();
        loop {
            let away = {
                let slots = slots.borrow_and_update();
                if let Some(connection) = self.choose(&slots) {
                    return Ok(connection);
                }
                slots.iter().all(|slot| matches!(slot, Slot::Away))
            };
            let changed = if away { None } else { timeout_at(deadline, slots.changed()).await.ok() };
            if !matches!(changed, Some(Ok(()))) {
                return Err(ReadError::Unavailable(self.shared.faults().await));
            }
        }
    }

    /// Marks the connection lost and its server as one to be tried last.
    pub(super) fn report(&self, connection: &Arc<Connection>) {
        self.shared.suspect(connection.server);
        connection.give_up();
        self.shared.withdraw(connection);
    }

    /// The next live connection in turn. One of a suspect server is only taken when none is being made that may be
    /// better: whoever has just waited for a hanging server must not wait for it once more.
    fn choose(&self, slots: &[Slot]) -> Option<Arc<Connection>> {
        let open = |slot: &Slot| match slot {
            Slot::Open(connection) if !connection.is_given_up() => Some(Arc::clone(connection)),
            _ => None,
        };
        let turn = self.next.fetch_add(1, Ordering::Relaxed).checked_rem(slots.len()).unwrap_or(0);
        let live = || slots.iter().cycle().skip(turn).take(slots.len()).filter_map(open);
        let now = Instant::now();
        live().find(|connection| !self.shared.is_suspect(connection.server, now)).or_else(|| {
            let is_opening = slots.iter().any(|slot| matches!(slot, Slot::Opening));
            if is_opening { None } else { live().next() }
        })
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.supervisors.iter().for_each(AbortHandle::abort);
    }
}

impl Shared {
    async fn supervise(self: Arc<Self>, slot: usize) {
        loop {
            let (connection, driver) = self.open(slot).await;
            self.set(slot, Slot::Open(Arc::clone(&connection)));
            if let Some(reason) = watch_over(&connection, driver).await {
                warn!(server = connection.url, "directory connection lost: {reason}");
                self.suspect(connection.server);
                connection.give_up();
                self.withdraw(&connection);
            }
            // Otherwise it is merely old: it serves on until its successor is there.
        }
    }

    /// Tries the servers in turn until one answers.
    async fn open(&self, slot: usize) -> (Arc<Connection>, JoinHandle<()>) {
        loop {
            let mut wake = later(LONGEST_PAUSE);
            for index in self.order() {
                match self.try_server(index).await {
                    Ok(opened) => return opened,
                    Err(next) => wake = wake.min(next),
                }
            }
            // A connection that is merely being replaced is not taken away from its readers.
            self.slots.send_if_modified(|slots| match slots.get_mut(slot) {
                Some(state) if !matches!(state, Slot::Open(_) | Slot::Away) => {
                    *state = Slot::Away;
                    true
                }
                _ => false,
            });
            sleep_until(wake).await;
            sleep(jitter(FIRST_PAUSE)).await;
        }
    }

    async fn try_server(&self, index: usize) -> Result<(Arc<Connection>, JoinHandle<()>), Instant> {
        let Some(server) = self.servers.get(index) else {
            return Err(later(LONGEST_PAUSE));
        };
        let mut state = server.state.lock().await;
        let secret = FileVersion::of(self.settings.bind.secret());
        if let Some((next, fault)) = &state.next
            && Instant::now() < *next
            // A secret just corrected is another attempt, not the same one again.
            && !(fault.is_about_the_account() && state.secret != secret)
        {
            return Err(*next);
        }
        state.secret = secret;
        match Connection::open(index, &server.endpoint, &self.realm, &self.settings, &self.tls).await {
            Ok(opened) => {
                *state =
                    ServerState { complaint: std::mem::take(&mut state.complaint), ..ServerState::default() };
                if state.complaint.is_over() {
                    info!(server = server.url, "directory server answers again");
                }
                Ok(opened)
            }
            Err(fault) => {
                if state.complaint.is_due(&fault.to_string(), Instant::now()) {
                    warn!(server = server.url, "directory server {fault}");
                }
                let pause = match state.pause {
                    _ if fault.is_about_the_account() => ACCOUNT_PAUSE,
                    Some(pause) => pause.saturating_mul(2).min(LONGEST_PAUSE),
                    None => FIRST_PAUSE,
                };
                let next = later(pause.saturating_add(jitter(pause)));
                state.pause = Some(pause);
                state.next = Some((next, fault));
                Err(next)
            }
        }
    }

    /// The servers in the order of the configuration, those that are suspect behind the others.
    fn order(&self) -> Vec<usize> {
        let now = Instant::now();
        let (suspect, mut order): (Vec<_>, Vec<_>) =
            (0..self.servers.len()).partition(|&index| self.is_suspect(index, now));
        order.extend(suspect);
        order
    }

    fn suspect(&self, server: usize) {
        if let Some(Ok(mut until)) = self.servers.get(server).map(|server| server.suspect_until.lock()) {
            *until = Some(later(SUSPICION));
        }
    }

    fn is_suspect(&self, server: usize, now: Instant) -> bool {
        let Some(Ok(until)) = self.servers.get(server).map(|server| server.suspect_until.lock()) else {
            return true;
        };
        until.is_some_and(|until| now < until)
    }

    fn set(&self, slot: usize, to: Slot) {
        self.slots.send_modify(|slots| {
            if let Some(state) = slots.get_mut(slot) {
                *state = to;
            }
        });
    }

    /// Takes a lost connection out of its slot, if it is still there.
    fn withdraw(&self, connection: &Arc<Connection>) {
        self.slots.send_if_modified(|slots| {
            let mut found = false;
            for slot in slots.iter_mut() {
                if matches!(slot, Slot::Open(open) if Arc::ptr_eq(open, connection)) {
                    *slot = Slot::Opening;
                    found = true;
                }
            }
            found
        });
    }

    /// What is the matter with each server, on one line.
    async fn faults(&self) -> String {
        let mut text = String::new();
        for server in &self.servers {
            // A server that is being tried right now has nothing new to say.
            let fault = match server.state.try_lock() {
                Ok(state) => state.next.as_ref().map(|(_, fault)| fault.to_string()),
                Err(_) => None,
            };
            let fault = fault.as_deref().unwrap_or("is being connected to");
            let separator = if text.is_empty() { "" } else { "; " };
            let _infallible = write!(text, "{separator}{} {fault}", server.url);
        }
        text
    }
}

/// Waits until the connection is lost, with the reason, or has to be replaced, without one.
async fn watch_over(connection: &Connection, mut driver: JoinHandle<()>) -> Option<String> {
    let end = later(LIFETIME.saturating_add(jitter(LIFETIME)));
    loop {
        tokio::select! {
            ended = &mut driver => {
                return Some(match ended {
                    Ok(()) => "the server closed it".to_owned(),
                    Err(_panicked) => "the server sent what is no LDAP".to_owned(),
                });
            }
            () = connection.wake.notified() => {
                if connection.is_given_up() {
                    return Some("a read was not answered".to_owned());
                }
                if connection.is_worn_out() {
                    return None;
                }
            }
            () = sleep_until(end) => return None,
            () = sleep_until(next_probe(connection)) => {
                if Instant::now() < next_probe(connection) {
                    continue;
                }
                if let Err(error) = connection.probe().await {
                    return Some(format!("no sign of life: {error:?}"));
                }
            }
        }
    }
}

/// When the connection will have been silent for too long.
fn next_probe(connection: &Connection) -> Instant {
    let heard = connection.heard();
    heard.checked_add(PROBE_PAUSE).unwrap_or(heard)
}

fn later(pause: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(pause).unwrap_or(now)
}
