//! Principals remembered for a short while, and one directory read for however many ask at once.
//!
//! Each domain has a cache of its own. Only principals that the directory gave complete are kept, for `ttl` from
//! the moment their read began; that an account is not there, or that a read failed, is told to those who waited
//! for it and forgotten.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use dashmap::DashMap;
use tokio::sync::watch;

use super::ReadError;

/// What a read gives: the account, or that there is none.
pub type Found<P> = Result<Option<Arc<P>>, ReadError>;

/// The principals of one domain by their RIDs, which is all that they differ in. `P` is [`crate::directory::Principal`];
/// cheap to clone, clones share everything.
pub struct PrincipalCache<P> {
    shared: Arc<Shared<P>>,
}

struct Shared<P> {
    ttl: Duration,
    capacity: usize,
    kept: DashMap<u32, Kept<P>>,
    flights: Mutex<Flights<P>>,
}

struct Kept<P> {
    principal: Arc<P>,
    until: Instant,
}

/// Reads under way.
struct Flights<P> {
    /// Counts [`PrincipalCache::clear`]: what was read before it is not kept after it.
    epoch: u64,
    under_way: HashMap<u32, watch::Receiver<Option<Found<P>>>>,
}

impl<P: Send + Sync + 'static> PrincipalCache<P> {
    /// A cache for at most `capacity` principals, each for `ttl`; zero keeps none, but reads at the same time are
    /// still made once.
    #[must_use]
    pub fn new(ttl: Duration, capacity: usize) -> Self {
        let flights = Flights { epoch: 0, under_way: HashMap::new() };
        Self {
            shared: Arc::new(Shared { ttl, capacity, kept: DashMap::new(), flights: Mutex::new(flights) }),
        }
    }

    /// The principal, if it is kept and still fresh at `now`. Never waits for the directory.
    #[must_use]
    pub fn cached(&self, rid: u32, now: Instant) -> Option<Arc<P>> {
        // The map's guard ends with this expression; only the pointer leaves.
        self.shared.kept.get(&rid).filter(|kept| now < kept.until).map(|kept| Arc::clone(&kept.principal))
    }

    /// The principal from the cache, or by `read`, which is called at most once for all who ask at the same time.
    /// The read goes on to its end and fills the cache even if nobody waits for it any more.
    ///
    /// # Errors
    /// What the read gave. Must be called within a tokio runtime.
    pub async fn find<R>(&self, rid: u32, now: Instant, read: impl FnOnce() -> R) -> Found<P>
    where
        R: Future<Output = Result<Option<P>, ReadError>> + Send + 'static,
    {
        let mut answer = self.join(rid, now, read);
        match answer.wait_for(Option::is_some).await {
            Ok(found) => found.clone().unwrap_or_else(|| Err(abandoned())),
            // The reading task ended without an answer: it panicked, or the runtime is ending.
            Err(_) => Err(abandoned()),
        }
    }

    /// Forgets everything; reads that are under way are not kept either.
    pub fn clear(&self) {
        let mut flights = self.shared.flights();
        flights.epoch = flights.epoch.wrapping_add(1);
        flights.under_way.clear();
        self.shared.kept.clear();
    }

    /// Drops what is no longer fresh at `now`. To be called now and then; nothing stale is ever served meanwhile.
    pub fn sweep(&self, now: Instant) {
        self.shared.kept.retain(|_, kept| now < kept.until);
    }

    /// How many principals are kept, stale ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.kept.len()
    }

    /// Whether none is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shared.kept.is_empty()
    }

    /// Joins the read of `rid` that is under way, or starts one, unless it has ended by now.
    fn join<R>(&self, rid: u32, now: Instant, read: impl FnOnce() -> R) -> watch::Receiver<Option<Found<P>>>
    where
        R: Future<Output = Result<Option<P>, ReadError>> + Send + 'static,
    {
        let mut flights = self.shared.flights();
        if let Some(under_way) = flights.under_way.get(&rid) {
            return under_way.clone();
        }
        // A read is kept before it leaves the list: it is found here or there.
        if let Some(principal) = self.cached(rid, now) {
            return watch::channel(Some(Ok(Some(principal)))).1;
        }
        let (sender, receiver) = watch::channel(None);
        flights.under_way.insert(rid, receiver.clone());
        let landing =
            Landing { shared: Arc::clone(&self.shared), rid, sender, epoch: flights.epoch, since: now };
        drop(flights);
        let read = read();
        tokio::spawn(async move { landing.with(read.await.map(|principal| principal.map(Arc::new))) });
        receiver
    }
}

impl<P> Clone for PrincipalCache<P> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<P> Shared<P> {
    fn flights(&self) -> std::sync::MutexGuard<'_, Flights<P>> {
        // Nothing is left half done under the lock, so a panic elsewhere has broken nothing.
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, rid: u32, principal: &Arc<P>, since: Instant) {
        let Some(until) = since.checked_add(self.ttl) else {
            return;
        };
        if self.ttl.is_zero() || (self.kept.len() >= self.capacity && !self.kept.contains_key(&rid)) {
            return;
        }
        self.kept.insert(rid, Kept { principal: Arc::clone(principal), until });
    }
}

/// A read's way into the cache and to those who wait; takes the read off the list however it ends.
struct Landing<P> {
    shared: Arc<Shared<P>>,
    rid: u32,
    sender: watch::Sender<Option<Found<P>>>,
    epoch: u64,
    /// When the read began: what it gives may be that old.
    since: Instant,
}

impl<P> Landing<P> {
    fn with(self, found: Found<P>) {
        {
            let flights = self.shared.flights();
            if let Ok(Some(principal)) = &found
                && flights.epoch == self.epoch
            {
                self.shared.keep(self.rid, principal, self.since);
            }
        }
        let _nobody_waits = self.sender.send(Some(found));
    }
}

impl<P> Drop for Landing<P> {
    fn drop(&mut self) {
        let mut flights = self.shared.flights();
        // After a `clear` the list may hold a later read of the same account.
        if flights.epoch == self.epoch {
            flights.under_way.remove(&self.rid);
        }
    }
}

fn abandoned() -> ReadError {
    ReadError::Unavailable("the read ended without an answer".to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const TTL: Duration = Duration::from_secs(30);

    #[expect(clippy::disallowed_methods, reason = "tests need some instant to count from")]
    fn start() -> Instant {
        Instant::now()
    }

    async fn fill(cache: &PrincipalCache<u32>, rid: u32, now: Instant) -> Found<u32> {
        cache.find(rid, now, || async move { Ok(Some(rid)) }).await
    }

    #[tokio::test]
    async fn a_storm_for_one_account_makes_one_read() {
        let cache = PrincipalCache::<u32>::new(TTL, 10);
        let (now, reads) = (start(), Arc::new(AtomicUsize::new(0)));
        let ask = || {
            let (cache, reads) = (cache.clone(), Arc::clone(&reads));
            tokio::spawn(async move {
                let read = || async move {
                    reads.fetch_add(1, Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    Ok(Some(7))
                };
                cache.find(1, now, read).await
            })
        };
        for asked in (0..200).map(|_| ask()).collect::<Vec<_>>() {
            assert_eq!(asked.await.unwrap(), Ok(Some(Arc::new(7))));
        }
        assert_eq!(reads.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_principal_is_served_until_its_time_and_not_longer() {
        let cache = PrincipalCache::<u32>::new(TTL, 10);
        let now = start();
        fill(&cache, 1, now).await.unwrap();
        assert!(cache.cached(1, now + TTL - Duration::from_nanos(1)).is_some());
        assert!(cache.cached(1, now + TTL).is_none());
        cache.sweep(now + TTL);
        assert!(cache.is_empty());
    }

    #[tokio::test]
    async fn failures_and_absences_reach_the_waiters_and_are_not_kept() {
        let cache = PrincipalCache::<u32>::new(TTL, 10);
        let now = start();
        let down = ReadError::Unavailable("down".into());
        let failed = down.clone();
        assert_eq!(cache.find(1, now, || async { Err(failed) }).await, Err(down));
        assert_eq!(cache.find(1, now, || async { Ok(None) }).await, Ok(None));
        assert_eq!(fill(&cache, 1, now).await, Ok(Some(Arc::new(1))));
    }

    #[tokio::test]
    async fn a_read_that_panics_is_an_outage_and_does_not_block_the_next() {
        let cache = PrincipalCache::<u32>::new(TTL, 10);
        let now = start();
        let broken = cache.find(1, now, || async { panic!("a parser gave way") }).await;
        assert!(matches!(broken, Err(ReadError::Unavailable(_))));
        assert_eq!(fill(&cache, 1, now).await, Ok(Some(Arc::new(1))));
    }

    #[tokio::test]
    async fn never_holds_more_than_its_capacity() {
        let cache = PrincipalCache::<u32>::new(TTL, 2);
        let now = start();
        for rid in 1..=5 {
            assert_eq!(fill(&cache, rid, now).await, Ok(Some(Arc::new(rid))), "served all the same");
        }
        assert_eq!(cache.len(), 2);
    }

    #[tokio::test]
    async fn zero_time_keeps_nothing() {
        let cache = PrincipalCache::<u32>::new(Duration::ZERO, 2);
        let now = start();
        fill(&cache, 1, now).await.unwrap();
        assert!(cache.cached(1, now).is_none() && cache.is_empty());
    }

    #[tokio::test]
    async fn what_was_read_before_a_clear_is_not_kept_after_it() {
        let cache = PrincipalCache::<u32>::new(TTL, 2);
        let now = start();
        let (go, wait) = tokio::sync::oneshot::channel::<()>();
        let early = cache.clone();
        let early = tokio::spawn(async move {
            let read = || async {
                wait.await.unwrap();
                Ok(Some(1))
            };
            early.find(1, now, read).await
        });
        tokio::task::yield_now().await;
        cache.clear();
        go.send(()).unwrap();
        assert_eq!(early.await.unwrap(), Ok(Some(Arc::new(1))));
        assert!(cache.is_empty());
    }
}
