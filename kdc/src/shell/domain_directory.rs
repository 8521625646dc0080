//! One domain's directory as a request sees it: principals from the cache, else from the directory.

use std::sync::Arc;
use std::time::{Duration, Instant};

use pac::{FileTime, Sid};
use tokio::sync::watch;
use tracing::warn;

use super::clock::Clock;
use super::directory::{Directory, Found, Poller, PrincipalCache, ReadError, Seen};
use super::observe::metrics::LdapSearches;
use super::observe::state::DirectoryServer;
use crate::directory::{ClientName, DirectoryView, Principal, SidHistory, ViewRules};

/// Principals remembered for one domain at most, beyond which they are read each time. One in 50 groups takes 2,000 octets
/// with its place in the cache, and each group more 12 octets (`tests/cached_principals.rs`).
const CACHE_CAPACITY: usize = 131_072;

/// The directory of one domain, its cache, and the task that keeps its view fresh.
pub struct DomainDirectory {
    realm: Arc<str>,
    directory: Arc<Directory>,
    cache: PrincipalCache<Principal>,
    poller: Poller,
    max_stale: Duration,
    sid_history: SidHistory,
    clock: Clock,
    searches: LdapSearches,
}

/// What the configuration says of a directory, whichever kind it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryRules {
    /// How long a principal is believed.
    pub ttl: Duration,
    /// How often policy lists and branches are looked at.
    pub poll: Duration,
    /// Nobody is served on older ones.
    pub max_stale: Duration,
    /// Whether former SIDs go into the PAC.
    pub sid_history: SidHistory,
    /// What the domain's view is made of beside the directory.
    pub view: ViewRules,
}

impl DomainDirectory {
    /// Starts to look at the branches of these numbers. Must be called within a tokio runtime.
    #[must_use]
    pub fn start(
        realm: Arc<str>,
        directory: Directory,
        numbers: Vec<u16>,
        rules: DirectoryRules,
        clock: Clock,
    ) -> Self {
        let directory = Arc::new(directory);
        let poller = Poller::start(&realm, Arc::clone(&directory), numbers, rules.view, rules.poll);
        Self {
            realm,
            directory,
            cache: PrincipalCache::new(rules.ttl, CACHE_CAPACITY),
            poller,
            max_stale: rules.max_stale,
            sid_history: rules.sid_history,
            clock,
            searches: LdapSearches::register(),
        }
    }

    /// The realm whose directory this is.
    #[must_use]
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// `ldap` or `ldif`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match &*self.directory {
            Directory::Ldap(_) => "ldap",
            Directory::Ldif(_) => "ldif",
        }
    }

    /// What the poller saw, as it changes.
    #[must_use]
    pub fn seen(&self) -> watch::Receiver<Option<Seen>> {
        self.poller.seen()
    }

    /// Waits until the poller has asked the directory, whatever came of it.
    pub async fn first_look(&self) {
        self.poller.first_look().await;
    }

    /// How long ago what the poller saw was last known to be what the directory says; `None` if it never saw anything.
    #[must_use]
    pub fn age(&self) -> Option<Duration> {
        self.poller.seen().borrow().as_ref().map(|seen| seen.at.elapsed())
    }

    /// How the servers of the directory are.
    #[must_use]
    pub fn servers(&self) -> Vec<DirectoryServer> {
        self.directory.servers()
    }

    /// How old a view may be.
    #[must_use]
    pub fn max_stale(&self) -> Duration {
        self.max_stale
    }

    /// Reads policy lists and branches at once, and forgets all principals.
    pub fn read_again(&self) {
        self.poller.read_again();
        self.cache.clear();
    }

    /// The principals remembered.
    #[must_use]
    pub fn cache(&self) -> &PrincipalCache<Principal> {
        &self.cache
    }

    /// The account, if it is remembered and fresh.
    #[must_use]
    pub fn cached(&self, sid: Sid, now: Instant) -> Option<Arc<Principal>> {
        self.cache.cached(sid.rid()?, now).filter(|principal| principal.sid() == sid)
    }

    /// The account of `view`'s domain, from the directory if need be: one read for however many ask at once. Another
    /// domain's SID has no account here: the directory may hold an object for it, but not a client.
    ///
    /// # Errors
    /// [`ReadError`]; an incomplete answer is one.
    pub async fn find(&self, sid: Sid, view: Arc<DirectoryView>, now: Instant) -> Found<Principal> {
        let Some(rid) = sid.rid().filter(|_| sid.is_in_domain(&view.domain_sid)) else { return Ok(None) };
        let directory = Arc::clone(&self.directory);
        let realm = Arc::clone(&self.realm);
        let (sid_history, searches, clock) = (self.sid_history, self.searches.clone(), self.clock);
        let wall = FileTime::from_unix_seconds(self.clock.now().seconds.unix_seconds());
        self.cache
            .find(rid, now, || async move {
                let asked = clock.elapsed();
                let found = directory.find(&sid, &view, sid_history, wall).await;
                searches.count(&found, clock.elapsed().saturating_sub(asked));
                if let Ok(Some(principal)) = &found {
                    searches.account(principal);
                    tell_of_dropped(&realm, principal);
                }
                found
            })
            .await
    }

    /// `userAccountControl` of the account of this name.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn account_control(&self, name: &ClientName<'_>) -> Result<Option<u32>, ReadError> {
        self.directory.account_control(name).await
    }

    /// Whether an account has the name.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn name_exists(&self, name: &ClientName<'_>) -> Result<bool, ReadError> {
        self.directory.name_exists(name).await
    }
}

/// Each time such an account is read: nothing legitimate writes what was dropped.
fn tell_of_dropped(realm: &str, principal: &Principal) {
    for sid in &principal.dropped_sids {
        warn!(
            realm,
            client_sid = %principal.sid(),
            dropped_sid = %sid,
            "sIDHistory holds a SID that is no account of another domain; it is left out of the PAC: find out who wrote it"
        );
    }
}
