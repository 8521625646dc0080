//! A bound on how often something is done in a second.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// So many in each second of the monotonic clock, shared by all threads without a lock.
#[derive(Debug)]
pub struct Rate {
    limit: u32,
    /// The second in the high half, how many were taken in it in the low half.
    taken: AtomicU64,
}

impl Rate {
    /// At most `limit` in any one second of the clock.
    #[must_use]
    pub const fn per_second(limit: u32) -> Self {
        Self { limit, taken: AtomicU64::new(0) }
    }

    /// Whether one more may be done at `now`.
    pub fn take(&self, now: Duration) -> bool {
        let second = now.as_secs() << 32;
        let updated = self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| {
            let in_this_second = if taken >> 32 == second >> 32 { taken & u64::from(u32::MAX) } else { 0 };
            (in_this_second < u64::from(self.limit)).then(|| second | in_this_second.saturating_add(1))
        });
        updated.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allows_the_limit_in_each_second() {
        let rate = Rate::per_second(2);
        let taken = |millis| rate.take(Duration::from_millis(millis));
        assert_eq!([taken(5_000), taken(5_500), taken(5_999)], [true, true, false]);
        assert_eq!([taken(6_000), taken(6_000), taken(6_000)], [true, true, false]);
    }
}
