//! `logonHours`: the hours of the week at which an account may log on ([MS-SAMR] SAMPR_LOGON_HOURS).

use pac::FileTime;

/// Slots in a week, one per hour.
const HOURS: u64 = 168;
/// 100 ns units in an hour.
const HOUR: u64 = 36_000_000_000;
/// 1601-01-01, where [`FileTime`] counts from, was a Monday: 24 hours into the week.
const EPOCH_SLOT: u64 = 24;

/// 168 bits, one per hour of the week in UTC; the least significant bit of the first octet is Sunday 00:00.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogonHours(pub [u8; 21]);

impl LogonHours {
    /// Whether the hour in which `now` falls is open.
    #[must_use]
    pub fn permit(&self, now: FileTime) -> bool {
        self.is_open(now.as_u64() / HOUR)
    }

    /// When the first closed hour begins, counted from the one `now` is in; `None` if none is closed.
    /// This is the PAC's LogoffTime ([MS-KILE] 3.3.5.6.4.1).
    #[must_use]
    pub fn closing(&self, now: FileTime) -> Option<FileTime> {
        let hour = now.as_u64() / HOUR;
        let closed = (hour..hour.saturating_add(HOURS)).find(|hour| !self.is_open(*hour))?;
        Some(FileTime::from_u64(closed.saturating_mul(HOUR)))
    }

    /// Whether that hour, counted from 1601, is open.
    fn is_open(&self, hour: u64) -> bool {
        let slot = hour.saturating_add(EPOCH_SLOT) % HOURS;
        let octet = usize::try_from(slot / 8).ok().and_then(|octet| self.0.get(octet));
        octet.is_some_and(|octet| octet >> (slot % 8) & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Friday, 2025-07-18 16:22:24 UTC.
    const FRIDAY: i64 = 1_752_855_744;

    fn only(slot: usize) -> LogonHours {
        let mut hours = [0; 21];
        hours[slot / 8] = 1 << (slot % 8);
        LogonHours(hours)
    }

    #[test]
    fn bit_zero_is_sunday_midnight_utc() {
        let sunday = FRIDAY - FRIDAY % 86_400 + 2 * 86_400;
        for (second, expected) in [(-1, false), (0, true), (3599, true), (3600, false)] {
            assert_eq!(only(0).permit(FileTime::from_unix_seconds(sunday + second)), expected, "{second}");
        }
    }

    #[test]
    fn every_slot_is_the_hour_it_stands_for() {
        assert!(only(5 * 24 + 16).permit(FileTime::from_unix_seconds(FRIDAY)));
        assert!(!only(5 * 24 + 15).permit(FileTime::from_unix_seconds(FRIDAY)));
    }

    #[test]
    fn closing_is_the_start_of_the_next_closed_hour() {
        let mut hours = LogonHours([0xff; 21]);
        assert_eq!(hours.closing(FileTime::from_unix_seconds(FRIDAY)), None);
        hours.0[15 + 2] = 0b1111_1110; // Friday is octets 15 to 17: 16:00 is the first bit of the third
        let now = FRIDAY - 86_400;
        let expected = FRIDAY - FRIDAY % 3600;
        assert_eq!(
            hours.closing(FileTime::from_unix_seconds(now)),
            Some(FileTime::from_unix_seconds(expected))
        );
    }
}
