//! The clocks: wall time for tickets, monotonic time for everything that lasts.
//!
//! Pure code takes readings as arguments; nothing outside the shell reads a clock.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::exchange::Timestamp;
use crate::krb::messages::KerberosTime;

/// Both clocks of the process; copies agree with each other.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// Starts monotonic time at zero.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the shell's own reading of the monotonic clock")]
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// Time since the start; no change of the system's clock moves it.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// The wall clock.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the shell's own reading of the wall clock")]
    pub fn now(&self) -> Timestamp {
        timestamp(SystemTime::now())
    }

    /// The monotonic clock itself, for what is compared with other instants.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the shell's own reading of the monotonic clock")]
    pub fn instant(&self) -> Instant {
        Instant::now()
    }
}

/// Kerberos knows the years 0 to 9999: a clock outside of them is taken as showing the nearest, and no ticket fits it.
fn timestamp(time: SystemTime) -> Timestamp {
    let (seconds, microseconds) = match time.duration_since(UNIX_EPOCH) {
        Ok(since) => (i64::try_from(since.as_secs()).unwrap_or(i64::MAX), since.subsec_micros()),
        // Whole seconds will do for a clock that is wrong whatever it says.
        Err(before) => (i64::try_from(before.duration().as_secs()).map_or(i64::MIN, i64::wrapping_neg), 0),
    };
    let nearest = if seconds < 0 { KerberosTime::MIN } else { KerberosTime::MAX };
    Timestamp { seconds: KerberosTime::from_unix_seconds(seconds).unwrap_or(nearest), microseconds }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_a_reading_into_seconds_and_microseconds() {
        let time = timestamp(UNIX_EPOCH + Duration::from_nanos(1_700_000_000_123_456_789));
        assert_eq!((time.seconds.unix_seconds(), time.microseconds), (1_700_000_000, 123_456));
    }

    #[test]
    fn a_clock_before_1970_or_after_9999_does_not_panic() {
        assert_eq!(timestamp(UNIX_EPOCH - Duration::from_secs(5)).seconds.unix_seconds(), -5);
        let far = timestamp(UNIX_EPOCH + Duration::from_secs(1 << 40));
        assert_eq!(far.seconds, KerberosTime::MAX);
    }

    #[test]
    fn monotonic_time_starts_at_zero_and_grows() {
        let clock = Clock::start();
        let first = clock.elapsed();
        assert!(clock.elapsed() >= first && first < Duration::from_secs(60));
    }
}
