//! Whether an upstream is worth asking first.

use std::time::Duration;

const FIRST_REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_secs(30);

/// One upstream's record over one transport, by a monotonic clock.
///
/// A failed one rests: the others go before it, for 1 s, 2 s, 4 s, … 30 s. When its rest is over, one request tries it
/// anew, and the rest of them when it has answered that.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Health {
    failures: u32,
    rests_until: Duration,
    /// While one request tries it. Nothing may come of that, neither an answer nor a fault, so it ends by itself.
    tried_until: Duration,
}

impl Health {
    /// Whether others go first.
    #[must_use]
    pub fn is_resting(&self, now: Duration) -> bool {
        now < self.rests_until || now < self.tried_until
    }

    /// Whether it has failed and not answered since.
    #[must_use]
    pub const fn is_failing(&self) -> bool {
        self.failures > 0
    }

    /// It is asked: where it has failed before, by this one request only until that is concluded.
    pub fn asked(&mut self, now: Duration) {
        if self.is_failing() && !self.is_resting(now) {
            self.tried_until = now.saturating_add(self.rest());
        }
    }

    /// It answered; whether that is news.
    pub fn answered(&mut self) -> bool {
        std::mem::take(self).is_failing()
    }

    /// It failed. Of a burst of requests that fail together, one counts: those that fail while it rests were asked
    /// before, or had nobody else to ask.
    pub fn failed(&mut self, now: Duration) {
        if now >= self.rests_until {
            self.failures = self.failures.saturating_add(1);
            self.rests_until = now.saturating_add(self.rest());
            self.tried_until = Duration::ZERO;
        }
    }

    fn rest(&self) -> Duration {
        let doublings = self.failures.saturating_sub(1).min(16);
        FIRST_REST.saturating_mul(1 << doublings).min(LONGEST_REST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn rests_twice_as_long_after_each_failure_up_to_a_bound() {
        let mut health = Health::default();
        let mut now = seconds(100);
        for expected in [1, 2, 4, 8, 16, 30, 30] {
            health.failed(now);
            let last = now + seconds(expected) - Duration::from_nanos(1);
            assert!(health.is_resting(last), "{expected}");
            now += seconds(expected);
            assert!(!health.is_resting(now), "{expected}");
        }
    }

    #[test]
    fn trials_that_fail_make_the_rest_longer() {
        let mut health = Health::default();
        let mut now = seconds(100);
        health.failed(now);
        for expected in [1, 2, 4, 8, 16, 30, 30] {
            assert!(health.is_resting(now + seconds(expected) - Duration::from_nanos(1)), "{expected}");
            now += seconds(expected);
            assert!(!health.is_resting(now), "{expected}");
            health.asked(now);
            assert!(health.is_resting(now), "one tries it");
            now += Duration::from_millis(600);
            health.failed(now);
        }
    }

    #[test]
    fn a_trial_that_nothing_comes_of_ends_by_itself() {
        let mut health = Health::default();
        health.failed(seconds(1));
        health.asked(seconds(2));
        assert!(health.is_resting(seconds(2)) && !health.is_resting(seconds(3)));
        health.asked(seconds(3));
        assert!(health.is_resting(seconds(3)), "the next one tries it");
    }

    #[test]
    fn a_burst_of_failures_counts_once() {
        let mut health = Health::default();
        for _ in 0..100 {
            health.failed(seconds(5));
        }
        assert!(!health.is_resting(seconds(6)));
    }

    #[test]
    fn after_its_rest_one_request_tries_it_until_it_answers() {
        let mut health = Health::default();
        health.asked(seconds(1));
        assert!(!health.is_resting(seconds(1)), "a good one is for everybody");
        health.failed(seconds(1));
        assert!(!health.is_resting(seconds(2)));
        health.asked(seconds(2));
        assert!(health.is_resting(seconds(2)), "the others wait for what comes of it");
        assert!(health.answered());
        assert!(!health.is_resting(seconds(2)) && !health.answered());
    }
}
