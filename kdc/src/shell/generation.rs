//! What one configuration makes of the daemon: its domains with their keys and directories, whom it relays to, how it
//! answers pings. A reload puts another one in its place, as a whole; a request ends under the one it began with.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::Guard;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::cldap::announced::{Announced, announced};
use super::clock::Clock;
use super::domain_directory::DomainDirectory;
use super::files::user_keys;
use super::observe::metrics::Metrics;
use super::observe::readiness::Report;
use super::prepared::{Connected, PreparedDomain};
use super::publisher::{Publisher, publish};
use super::relay::{OwnAddresses, Relays, Room};
use super::tasks::{Defects, Tasks};
use crate::config::Config;
use crate::exchange::{Domain, Domains, Timestamp};
use crate::krb::keys::LoadedKey;

/// How long the first look at directories and for upstreams is waited for.
const FIRST_LOOK: Duration = Duration::from_secs(2);

/// What all generations share, because it outlasts each of them.
#[derive(Clone)]
pub struct Shared {
    /// Times everything.
    pub clock: Clock,
    /// Counts everything.
    pub metrics: Arc<Metrics>,
    /// Where the daemon listens: nothing is relayed there.
    pub listening: OwnAddresses,
    /// How much may be relayed at once.
    pub room: Room,
    /// Told where a task of a generation ends by itself.
    pub defects: Defects,
}

/// A configuration, at work.
pub struct Generation {
    /// First, so that they are ended before what they work on.
    _tasks: Tasks,
    publisher: Arc<Publisher>,
    directories: Vec<Arc<DomainDirectory>>,
    /// What each of these is connected to, so that the next generation can tell whether it wants the same.
    connected: Vec<Option<Connected>>,
    relays: Arc<Relays>,
    announced: Vec<Announced>,
    /// The keys of each realm, and since when they are loaded.
    keys: Vec<(Arc<str>, LoadedKey, Timestamp)>,
}

impl Generation {
    /// Sets to work what was prepared of `config`. Directories and relays of the generation `before` that are to be as
    /// they are go over to this one, with their connections. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// This host has no name for answers to pings, or the kernel no random octets.
    pub fn start(
        config: &Config,
        mut prepared: Vec<PreparedDomain>,
        shared: &Shared,
        before: Option<&Self>,
    ) -> io::Result<Self> {
        prepared.iter().for_each(PreparedDomain::tell);
        let announced = announced(&config.domains)?;
        let relays = match before.filter(|before| before.relays.are_of(config)) {
            Some(before) => Arc::clone(&before.relays),
            None => Arc::new(Relays::start(config, shared)?),
        };
        let now = shared.clock.now();
        let keys = prepared.iter().flat_map(|domain| {
            domain.keys.loaded().map(|key| {
                let known = before.and_then(|before| before.key_since(&domain.realm, &key));
                (Arc::clone(&domain.realm), key, known.unwrap_or(now))
            })
        });
        let keys = keys.collect();
        let publisher = Arc::new(Publisher::new(&prepared, Arc::clone(&shared.metrics)));
        let mut tasks = JoinSet::new();
        for (index, (domain, settings)) in prepared.iter_mut().zip(&config.domains).enumerate() {
            if let Some(keytabs) = domain.user_keys.take() {
                let (publisher, metrics) = (Arc::clone(&publisher), Arc::clone(&shared.metrics));
                let poll = settings.cache.poll;
                tasks.spawn(async move {
                    let publish = |keys: &_| publisher.publish_user_keys(index, keys);
                    user_keys::watch(keytabs, poll, &metrics, publish).await;
                });
            }
        }
        let connected: Vec<_> = prepared.iter().map(PreparedDomain::connected).collect();
        let directories = prepared.into_iter().zip(&connected).map(|(domain, wanted)| {
            let kept = before.zip(wanted.as_ref()).and_then(|(before, wanted)| before.directory_of(wanted));
            kept.unwrap_or_else(|| Arc::new(domain.start(shared.clock)))
        });
        let directories: Vec<_> = directories.collect();
        for (index, directory) in directories.iter().enumerate() {
            tasks.spawn(publish(Arc::clone(&publisher), index, directory.seen(), directory.max_stale()));
        }
        let tasks = Tasks::keep(tasks, &shared.defects);
        Ok(Self { _tasks: tasks, publisher, directories, connected, relays, announced, keys })
    }

    /// Waits until each directory has been asked, whatever came of it, and whoever is relayed to is found; but not for long.
    pub async fn first_look(&self) {
        let looks = async { tokio::join!(self.relays.found(), self.directories_asked()) };
        // Without them it is served as if they had just failed.
        let _ = timeout(FIRST_LOOK, looks).await;
    }

    /// Waits until each directory has been asked, and what it said is what is decided by.
    async fn directories_asked(&self) {
        for directory in &self.directories {
            directory.first_look().await;
        }
        let decides = |(directory, domain): (&Arc<DomainDirectory>, &Arc<Domain>)| {
            domain.directory.is_some() || directory.age().is_none()
        };
        self.publisher.until(|domains| self.directories.iter().zip(domains.iter()).all(decides)).await;
    }

    /// The domains as they are now, in the order of the configuration.
    #[must_use]
    pub fn domains(&self) -> Guard<Arc<Domains>> {
        self.publisher.domains()
    }

    /// The directories of the domains, in the order of the configuration.
    #[must_use]
    pub fn directories(&self) -> &[Arc<DomainDirectory>] {
        &self.directories
    }

    /// The directory of a realm.
    #[must_use]
    pub fn directory(&self, realm: &str) -> Option<&DomainDirectory> {
        self.directories.iter().map(AsRef::as_ref).find(|directory| directory.realm() == realm)
    }

    /// Whom is relayed to.
    #[must_use]
    pub fn relays(&self) -> &Relays {
        &self.relays
    }

    /// How pings about each domain are answered, in the order of the configuration; empty where none are.
    #[must_use]
    pub fn announced(&self) -> &[Announced] {
        &self.announced
    }

    /// The keys of a domain, and since when they are loaded.
    pub fn keys_since(&self, realm: &str) -> impl Iterator<Item = (&LoadedKey, Timestamp)> {
        let own = self.keys.iter().filter(move |(known, ..)| **known == *realm);
        own.map(|(_, key, since)| (key, *since))
    }

    fn key_since(&self, realm: &str, wanted: &LoadedKey) -> Option<Timestamp> {
        let name = |key: &LoadedKey| (key.role, key.kvno, key.etype);
        self.keys_since(realm).find(|(key, _)| name(key) == name(wanted)).map(|(_, since)| since)
    }

    /// What `/readyz` says of the domains.
    #[must_use]
    pub fn report(&self) -> Report {
        self.publisher.report()
    }

    /// Metrics tell of this generation from now on, or no longer.
    pub fn is_served(&self, is_served: bool) {
        self.publisher.is_served(is_served);
    }

    /// Reads directories again that came from the generation before, and forgets what they said of principals.
    pub fn read_again(&self) {
        self.directories.iter().for_each(|directory| directory.read_again());
    }

    fn directory_of(&self, wanted: &Connected) -> Option<Arc<DomainDirectory>> {
        let mut pairs = self.connected.iter().zip(&self.directories);
        pairs
            .find(|(connected, _)| connected.as_ref() == Some(wanted))
            .map(|(_, directory)| Arc::clone(directory))
    }
}
