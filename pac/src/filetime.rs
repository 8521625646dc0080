//! FILETIME ([MS-DTYP] 2.3.3): the directory's and the PAC's instant.

use std::fmt;

/// Ticks of 100 ns in a second.
const TICKS_PER_SECOND: u64 = 10_000_000;

/// Seconds from 1601-01-01 to 1970-01-01, UTC.
const UNIX_EPOCH_SECONDS: i64 = 11_644_473_600;

/// An instant in units of 100 ns since 1601-01-01T00:00:00Z, with two special values: [`FileTime::ZERO`], not
/// set, and [`FileTime::NEVER`], infinitely far away. On the wire: 8 octets, little-endian.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileTime(u64);

impl FileTime {
    /// Not set: a password never changed, an account that never logged on.
    pub const ZERO: Self = Self(0);

    /// Infinity: no logoff, no expiry ([MS-PAC] 2.5).
    pub const NEVER: Self = Self(0x7FFF_FFFF_FFFF_FFFF);

    /// The instant of so many ticks.
    #[must_use]
    pub const fn from_u64(ticks: u64) -> Self {
        Self(ticks)
    }

    /// The ticks.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The instant of so many seconds since 1970. Saturates: before 1601 it is [`FileTime::ZERO`], after the
    /// year 30828 [`FileTime::NEVER`]; Kerberos ends at the year 9999, so only the former can come of a ticket.
    #[must_use]
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        let since_1601 = seconds.saturating_add(UNIX_EPOCH_SECONDS);
        if since_1601 <= 0 {
            return Self::ZERO;
        }
        let ticks = since_1601.unsigned_abs().saturating_mul(TICKS_PER_SECOND);
        if ticks > Self::NEVER.0 { Self::NEVER } else { Self(ticks) }
    }

    /// Whole seconds since 1970, rounded towards 1601. `None` for [`FileTime::ZERO`], and for
    /// [`FileTime::NEVER`] and all above it, which are no instants.
    #[must_use]
    pub fn unix_seconds(self) -> Option<i64> {
        if self.is_zero() || self.is_never() {
            return None;
        }
        i64::try_from(self.0 / TICKS_PER_SECOND).ok()?.checked_sub(UNIX_EPOCH_SECONDS)
    }

    /// Whether nothing is set.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Whether it is infinity; values above [`FileTime::NEVER`], negative as LDAP prints them, count as that.
    #[must_use]
    pub const fn is_never(self) -> bool {
        self.0 >= Self::NEVER.0
    }

    /// The instant `ticks` of 100 ns later, at most [`FileTime::NEVER`].
    #[must_use]
    pub const fn saturating_add(self, ticks: u64) -> Self {
        let sum = self.0.saturating_add(ticks);
        if sum > Self::NEVER.0 { Self::NEVER } else { Self(sum) }
    }
}

impl fmt::Debug for FileTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::ZERO => f.write_str("FileTime::ZERO"),
            Self::NEVER => f.write_str("FileTime::NEVER"),
            Self(ticks) => write!(f, "FileTime({ticks})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn converts_seconds_both_ways() {
        let rows = [
            (0, 116_444_736_000_000_000),
            // authtime of the ticket in windows-server-2022, 2025-07-18T16:22:24Z
            (1_752_855_744, 0x01DB_F800_24E1_6000),
            (-11_644_473_599, 10_000_000),
            // 9999-12-31T23:59:59Z, the last KerberosTime
            (253_402_300_799, 2_650_467_743_990_000_000),
            (910_692_730_085, 9_223_372_036_850_000_000),
        ];
        for (seconds, ticks) in rows {
            assert_eq!(FileTime::from_unix_seconds(seconds).as_u64(), ticks, "{seconds}");
            assert_eq!(FileTime::from_u64(ticks).unix_seconds(), Some(seconds), "{ticks}");
        }
    }

    #[test]
    fn saturates_outside_its_range() {
        assert_eq!(FileTime::from_unix_seconds(-11_644_473_600), FileTime::ZERO);
        assert_eq!(FileTime::from_unix_seconds(-62_167_219_200), FileTime::ZERO, "the year 0");
        assert_eq!(FileTime::from_unix_seconds(i64::MIN), FileTime::ZERO);
        assert_eq!(FileTime::from_unix_seconds(910_692_730_086), FileTime::NEVER);
        assert_eq!(FileTime::from_unix_seconds(i64::MAX), FileTime::NEVER);
        assert_eq!(FileTime::NEVER.saturating_add(1), FileTime::NEVER);
        assert_eq!(FileTime::from_u64(u64::MAX).saturating_add(1), FileTime::NEVER);
        assert_eq!(FileTime::ZERO.saturating_add(7).as_u64(), 7);
    }

    #[test]
    fn special_values_are_no_instants() {
        for special in
            [FileTime::ZERO, FileTime::NEVER, FileTime::from_u64(1 << 63), FileTime::from_u64(u64::MAX)]
        {
            assert_eq!(special.unix_seconds(), None, "{special:?}");
        }
        assert_eq!(FileTime::from_u64(1).unix_seconds(), Some(-11_644_473_600));
    }
}
