//! The clocks: wall time for tickets, monotonic time for everything that lasts.
//!
//! Pure code takes readings as arguments; nothing outside the shell reads a clock.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A reading of the wall clock, as Kerberos writes it: KerberosTime and Microseconds (RFC 4120 §5.2.3, §5.2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct WallTime {
    /// Seconds since 1970, negative before.
    pub unix_seconds: i64,
    /// 0 to 999999.
    pub microseconds: u32,
}

/// Both clocks of the process; copies agree with each other.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// Starts monotonic time at zero.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the shell's own reading of the monotonic clock"
    )]
    pub fn start() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    /// Time since the start; no change of the system's clock moves it.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// The wall clock.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the shell's own reading of the wall clock"
    )]
    pub fn now(&self) -> WallTime {
        WallTime::from_system(SystemTime::now())
    }
}

impl WallTime {
    fn from_system(time: SystemTime) -> Self {
        match time.duration_since(UNIX_EPOCH) {
            Ok(since) => Self {
                unix_seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
                microseconds: since.subsec_micros(),
            },
            // A clock before 1970 is wrong whatever it says; whole seconds will do.
            Err(before) => Self {
                unix_seconds: i64::try_from(before.duration().as_secs())
                    .map_or(i64::MIN, i64::wrapping_neg),
                microseconds: 0,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_a_reading_into_seconds_and_microseconds() {
        let time =
            WallTime::from_system(UNIX_EPOCH + Duration::from_nanos(1_700_000_000_123_456_789));
        assert_eq!(
            time,
            WallTime {
                unix_seconds: 1_700_000_000,
                microseconds: 123_456
            }
        );
    }

    #[test]
    fn a_clock_before_1970_does_not_panic() {
        assert_eq!(
            WallTime::from_system(UNIX_EPOCH - Duration::from_secs(5)).unix_seconds,
            -5
        );
    }

    #[test]
    fn monotonic_time_starts_at_zero_and_grows() {
        let clock = Clock::start();
        let first = clock.elapsed();
        assert!(clock.elapsed() >= first && first < Duration::from_secs(60));
    }
}
