//! Replay and retransmit memory: which authenticators were seen, and the replies they got.
//!
//! One memory is shared by all sockets, transports and domains of the process. It is asked after the body
//! checksum and the PAC hold, so that nobody burns a victim's authenticator with a mangled copy, and it knows
//! four answers ([`ReplayVerdict`]): never seen; seen in the same bytes from the same address, with or without the
//! reply at hand; seen otherwise, which is a replay (RFC 4120 §3.2.3, KRB_AP_ERR_REPEAT).
//!
//! An authenticator is accepted while its time is within the skew of ours, so one that is a skew ahead stays
//! acceptable for twice the skew: entries live that long, on the monotonic clock, so that a step of the wall
//! clock forgets nothing. They lie in time buckets, which are dropped whole. The memory is bounded: when a shard
//! is full its oldest bucket goes, is counted, and serving goes on. That and a restart are harmless: the reply to
//! a replay is encrypted in a session key that the replayer does not have, and policy is evaluated afresh each
//! time. Nothing is ever written to disk.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use siphasher::sip::SipHasher13;
use siphasher::sip128::{Hasher128, SipHasher13 as SipHasher128};

use crate::config::Config;

/// Locks that requests spread over; a power of two, so that a digest's low bits choose one.
const SHARDS: u64 = 16;

/// Parts of the window that are forgotten as a whole; more would make each look-up ask more maps.
const BUCKETS_PER_WINDOW: u32 = 10;

/// What the memory says of one authentic request.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub enum ReplayVerdict {
    /// Never seen, or a retransmit whose reply is not kept any more or still in the making: serve it, then
    /// [`ReplayMemory::remember`] the reply.
    Serve(Token),
    /// The same bytes from the same address, and the reply is still at hand: send it again, do no work.
    Retransmit(Bytes),
    /// The authenticator came before in other bytes or from another address: KRB_AP_ERR_REPEAT (34).
    Replay,
}

/// Names an admitted request when its reply is to be remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    authenticator: AuthenticatorDigest,
    request: u64,
}

/// Bounds of a [`ReplayMemory`].
#[derive(Debug, Clone, Copy)]
pub struct ReplayLimits {
    /// Authenticators remembered at once.
    pub entries: NonZeroUsize,
    /// How long one is remembered: twice the largest clock skew that any domain accepts.
    pub window: Duration,
    /// How long a reply is kept for retransmits; zero keeps none.
    pub reply_time: Duration,
    /// Octets of kept replies, oldest out.
    pub reply_memory: usize,
}

/// How long an authenticator can come again: twice the largest clock skew that any domain accepts.
#[must_use]
pub fn window(config: &Config) -> Duration {
    let skew = config.domains.iter().map(|domain| domain.tickets.clock_skew.duration()).max();
    // Times are compared in whole seconds, so a skew lasts up to one more.
    skew.unwrap_or_default().saturating_mul(2).saturating_add(Duration::from_secs(1))
}

impl From<&Config> for ReplayLimits {
    fn from(config: &Config) -> Self {
        Self {
            entries: config.replay.entries,
            window: window(config),
            reply_time: config.replay.reply_time,
            reply_memory: config.replay.reply_memory,
        }
    }
}

/// The memory itself; share it behind an `Arc`. Times are readings of one monotonic clock.
pub struct ReplayMemory {
    authenticator_hash: SipHasher128,
    request_hash: SipHasher13,
    bucket_length: Duration,
    buckets_kept: AtomicU64,
    entries_per_shard: usize,
    shards: Vec<Mutex<Shard>>,
    replies: Mutex<KeptReplies>,
    overflows: AtomicU64,
}

impl ReplayMemory {
    /// An empty memory. `seed` must be random and secret: it keys the digests, so that nobody can choose
    /// requests that collide.
    #[must_use]
    pub fn new(limits: &ReplayLimits, seed: &[u8; 32]) -> Self {
        let (first, second) = seed.split_at(16);
        let key = |half: &[u8]| <[u8; 16]>::try_from(half).unwrap_or_default();
        let shards = usize::try_from(SHARDS).unwrap_or(1);
        // Rounded up and never zero, so that the buckets kept always cover the window.
        let window = limits.window.as_millis().div_ceil(u128::from(BUCKETS_PER_WINDOW)).max(1);
        let bucket_length = Duration::from_millis(u64::try_from(window).unwrap_or(u64::MAX));
        Self {
            authenticator_hash: SipHasher128::new_with_key(&key(first)),
            request_hash: SipHasher13::new_with_key(&key(second)),
            bucket_length,
            buckets_kept: AtomicU64::new(u64::from(BUCKETS_PER_WINDOW)),
            entries_per_shard: limits.entries.get().div_ceil(shards),
            shards: (0..shards).map(|_| Mutex::default()).collect(),
            replies: Mutex::new(KeptReplies::new(limits.reply_time, limits.reply_memory)),
            overflows: AtomicU64::new(0),
        }
    }

    /// Judges one request by the cipher of its authenticator, its bytes and where it came from, and remembers it.
    /// Port and transport do not count: a client repeats over TCP, from another port, what UDP could not carry.
    pub fn admit(
        &self,
        authenticator: &[u8],
        request: &[u8],
        source: IpAddr,
        now: Duration,
    ) -> ReplayVerdict {
        let token = self.token(authenticator, request, source);
        let known = {
            let mut shard = self.shard(token.authenticator);
            let current = self.bucket_number(now);
            shard.forget_before(current.saturating_sub(self.buckets_kept.load(Ordering::Relaxed)));
            let known = shard.find(token.authenticator);
            if known.is_none() && shard.insert(current, token, self.entries_per_shard) {
                self.overflows.fetch_add(1, Ordering::Relaxed);
            }
            known
        };
        match known {
            None => ReplayVerdict::Serve(token),
            Some(request) if request != token.request => ReplayVerdict::Replay,
            Some(_) => match lock(&self.replies).find(token, now) {
                Some(reply) => ReplayVerdict::Retransmit(reply),
                None => ReplayVerdict::Serve(token),
            },
        }
    }

    /// Keeps the whole TGS-REP of an admitted request for its retransmits. Errors, KRB_ERR_RESPONSE_TOO_BIG
    /// among them, are never remembered.
    pub fn remember(&self, token: Token, reply: Bytes, now: Duration) {
        lock(&self.replies).insert(token, reply, now);
    }

    /// Remembers each authenticator for this window from now on, where that is longer than before.
    pub fn cover(&self, window: Duration) {
        let buckets = window.as_millis().div_ceil(self.bucket_length.as_millis().max(1));
        self.buckets_kept.fetch_max(u64::try_from(buckets).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Authenticators remembered just now.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).entries).sum()
    }

    /// Whether none is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How often a bucket was dropped early because its shard was full.
    #[must_use]
    pub fn overflows(&self) -> u64 {
        self.overflows.load(Ordering::Relaxed)
    }

    fn token(&self, authenticator: &[u8], request: &[u8], source: IpAddr) -> Token {
        let mut hash = self.authenticator_hash;
        hash.write(authenticator);
        let digest = hash.finish128();

        let mut hash = self.request_hash;
        // One client reaches us under one address, whether the socket shows it as IPv4 or as mapped IPv6. Both
        // forms have their own length, so address and request cannot run into each other.
        match source.to_canonical() {
            IpAddr::V4(address) => {
                hash.write(&[4]);
                hash.write(&address.octets());
            }
            IpAddr::V6(address) => {
                hash.write(&[6]);
                hash.write(&address.octets());
            }
        }
        hash.write(request);
        Token { authenticator: AuthenticatorDigest([digest.h1, digest.h2]), request: hash.finish() }
    }

    fn shard(&self, AuthenticatorDigest([low, _]): AuthenticatorDigest) -> MutexGuard<'_, Shard> {
        let index = usize::try_from(low & (SHARDS - 1)).unwrap_or(0);
        #[expect(clippy::indexing_slicing, reason = "masked with SHARDS - 1, and there are SHARDS of them")]
        lock(&self.shards[index])
    }

    fn bucket_number(&self, now: Duration) -> u64 {
        let number = now.as_nanos().checked_div(self.bucket_length.as_nanos()).unwrap_or(0);
        u64::try_from(number).unwrap_or(u64::MAX)
    }
}

/// The keyed 128-bit digest of an authenticator's cipher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct AuthenticatorDigest([u64; 2]);

impl std::hash::Hash for AuthenticatorDigest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // The other half: the low bits of the first one chose the shard.
        let Self([_, high]) = self;
        state.write_u64(*high);
    }
}

/// Passes a digest through: it is uniform and keyed already.
#[derive(Default)]
struct DigestHasher(u64);

impl Hasher for DigestHasher {
    fn write(&mut self, octets: &[u8]) {
        for &octet in octets {
            self.0 = self.0.rotate_left(8) ^ u64::from(octet);
        }
    }

    fn write_u64(&mut self, digest: u64) {
        self.0 = digest;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

type DigestMap<V> = HashMap<AuthenticatorDigest, V, BuildHasherDefault<DigestHasher>>;

/// The entries of one lock, in time buckets, oldest first; a bucket maps authenticators to requests.
#[derive(Default)]
struct Shard {
    buckets: VecDeque<(u64, DigestMap<u64>)>,
    entries: usize,
}

impl Shard {
    fn forget_before(&mut self, number: u64) {
        while self.buckets.front().is_some_and(|(oldest, _)| *oldest < number) {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some((_, bucket)) = self.buckets.pop_front() {
            self.entries = self.entries.saturating_sub(bucket.len());
        }
    }

    /// The request that this authenticator came in; newest buckets first, where retransmits are found.
    fn find(&self, authenticator: AuthenticatorDigest) -> Option<u64> {
        self.buckets.iter().rev().find_map(|(_, bucket)| bucket.get(&authenticator).copied())
    }

    /// Adds an entry, and says whether the oldest bucket had to go for it.
    fn insert(&mut self, number: u64, token: Token, capacity: usize) -> bool {
        let overflow = self.entries >= capacity;
        if overflow {
            self.drop_oldest();
        }
        // A thread that read the clock a moment ago may come after one that opened the next bucket: it files
        // its entry there, which only keeps it longer.
        if self.buckets.back().is_none_or(|(newest, _)| *newest < number) {
            self.buckets.push_back((number, DigestMap::default()));
        }
        if let Some((_, bucket)) = self.buckets.back_mut() {
            bucket.insert(token.authenticator, token.request);
            self.entries = self.entries.saturating_add(1);
        }
        overflow
    }
}

/// Replies kept for retransmits, bounded by time and by octets.
struct KeptReplies {
    time: Duration,
    memory: usize,
    octets: usize,
    by_authenticator: DigestMap<Kept>,
    oldest_first: VecDeque<(Duration, AuthenticatorDigest)>,
}

struct Kept {
    request: u64,
    reply: Bytes,
    since: Duration,
}

impl KeptReplies {
    fn new(time: Duration, memory: usize) -> Self {
        Self {
            time,
            memory,
            octets: 0,
            by_authenticator: DigestMap::default(),
            oldest_first: VecDeque::new(),
        }
    }

    fn find(&mut self, token: Token, now: Duration) -> Option<Bytes> {
        self.forget_expired(now);
        let kept = self.by_authenticator.get(&token.authenticator)?;
        // Requests are not answered in the order they came, so one behind a younger one may have expired.
        let fresh = now.saturating_sub(kept.since) <= self.time;
        (fresh && kept.request == token.request).then(|| kept.reply.clone())
    }

    fn insert(&mut self, token: Token, reply: Bytes, now: Duration) {
        self.forget_expired(now);
        // Of two replies made at the same time for the same request the first stays: a client sees one.
        if self.time.is_zero()
            || reply.len() > self.memory
            || self.by_authenticator.contains_key(&token.authenticator)
        {
            return;
        }
        while self.octets.saturating_add(reply.len()) > self.memory {
            self.drop_oldest();
        }
        self.octets = self.octets.saturating_add(reply.len());
        self.oldest_first.push_back((now, token.authenticator));
        let kept = Kept { request: token.request, reply, since: now };
        self.by_authenticator.insert(token.authenticator, kept);
    }

    fn forget_expired(&mut self, now: Duration) {
        while self.oldest_first.front().is_some_and(|(kept, _)| now.saturating_sub(*kept) > self.time) {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        let dropped = self.oldest_first.pop_front().and_then(|(_, key)| self.by_authenticator.remove(&key));
        match dropped {
            Some(kept) => self.octets = self.octets.saturating_sub(kept.reply.len()),
            None => self.octets = 0,
        }
    }
}

/// Takes a lock whether or not a thread panicked under it: every state between two lines here is sound, and a
/// daemon that stops serving would be worse than an entry lost.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
