//! How far our clock is from a domain controller's.

use std::fmt;
use std::time::Duration;

use crate::exchange::Timestamp;
use crate::krb::messages::KerberosTime;

const MICROSECONDS: i64 = 1_000_000;
/// `currentTime` of a rootDSE is cut to whole seconds: on average it is half of one behind what the clock showed.
const CUT: i64 = MICROSECONDS / 2;

/// The distance, in microseconds: positive where ours is ahead. Good to half a second and half of the time that asking took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClockOffset(i64);

impl ClockOffset {
    /// From what the other clock said, and what ours showed before and after it was asked.
    #[must_use]
    pub fn between(before: Timestamp, theirs: KerberosTime, after: Timestamp) -> Self {
        let ours = microseconds(before).midpoint(microseconds(after));
        let theirs = theirs.unix_seconds().saturating_mul(MICROSECONDS).saturating_add(CUT);
        Self(ours.saturating_sub(theirs))
    }

    /// In seconds.
    #[must_use]
    pub fn seconds(self) -> f64 {
        let seconds = self.magnitude().as_secs_f64();
        if self.0 < 0 { -seconds } else { seconds }
    }

    /// The distance without its direction.
    #[must_use]
    pub const fn magnitude(self) -> Duration {
        Duration::from_micros(self.0.unsigned_abs())
    }
}

/// `0.3 s ahead of`, `12 s behind`: the clock that it is compared with follows.
impl fmt::Display for ClockOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = if self.0 < 0 { "behind" } else { "ahead of" };
        write!(f, "{:.1} s {side}", self.magnitude().as_secs_f64())
    }
}

fn microseconds(time: Timestamp) -> i64 {
    time.seconds.unix_seconds().saturating_mul(MICROSECONDS).saturating_add(time.microseconds.into())
}

/// Reads a time as LDAP has it (RFC 4517 §3.3.13), in the one form that domain controllers write: `20261121165118.0Z`.
#[must_use]
pub fn generalized_time(text: &str) -> Option<KerberosTime> {
    let whole = text.strip_suffix('Z')?;
    let (whole, fraction) = whole.split_once('.').unwrap_or((whole, ""));
    let is_fraction = fraction.bytes().all(|octet| octet.is_ascii_digit());
    KerberosTime::from_digits(format!("{whole}Z").as_bytes()).filter(|_| is_fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64, microseconds: u32) -> Timestamp {
        Timestamp { seconds: KerberosTime::from_unix_seconds(seconds).unwrap(), microseconds }
    }

    #[test]
    fn ours_is_taken_half_way_and_theirs_half_a_second_later_than_they_say() {
        let theirs = KerberosTime::from_unix_seconds(1_000).unwrap();
        let cases = [
            (at(1_000, 400_000), at(1_000, 600_000), 0.0, "0.0 s ahead of"),
            (at(1_600, 0), at(1_601, 0), 600.0, "600.0 s ahead of"),
            (at(700, 250_000), at(700, 250_000), -300.25, "300.2 s behind"),
        ];
        for (before, after, seconds, text) in cases {
            let offset = ClockOffset::between(before, theirs, after);
            assert!((offset.seconds() - seconds).abs() < 1e-6, "{offset:?}");
            assert_eq!(offset.to_string(), text);
        }
        assert!(ClockOffset(-300) < ClockOffset(5));
        assert_eq!(ClockOffset(-300).magnitude(), Duration::from_micros(300));
    }

    #[test]
    fn reads_the_times_of_a_root_dse_and_nothing_else() {
        let read = |text| generalized_time(text).map(|time| time.to_string());
        assert_eq!(read("20261121165118.0Z").as_deref(), Some("2026-11-21T16:51:18Z"));
        assert_eq!(read("20261121165118Z").as_deref(), Some("2026-11-21T16:51:18Z"));
        for text in ["", "Z", "20261121165118", "20261121165118.0", "20261121165118.xZ", "2026112116511.0Z"] {
            assert_eq!(generalized_time(text), None, "{text}");
        }
    }
}
