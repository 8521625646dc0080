//! `KerberosTime`, to the second.

use crate::krb::der::{Der, DerError, Reader, Tag, Writer};
use std::{fmt, time::Duration};

/// Seconds since 1970-01-01T00:00:00Z, between the years 0000 and 9999.
///
/// ```asn1
/// KerberosTime ::= GeneralizedTime -- with no fractional seconds
/// ```
/// RFC 4120 §5.2.3: `YYYYMMDDHHMMSSZ` and nothing else. A date that the calendar does not have, hour 24
/// and second 60 are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KerberosTime(i64);

const SECONDS_PER_DAY: i64 = 86_400;

impl KerberosTime {
    /// 1970-01-01T00:00:00Z, which clients send as `till` and `rtime` for "as long as possible".
    pub const EPOCH: Self = Self(0);
    /// 0000-01-01T00:00:00Z.
    pub const MIN: Self = Self(-62_167_219_200);
    /// 9999-12-31T23:59:59Z.
    pub const MAX: Self = Self(253_402_300_799);

    /// The time so many seconds after 1970-01-01T00:00:00Z, or `None` outside the years 0000 to 9999.
    #[must_use]
    pub const fn from_unix_seconds(seconds: i64) -> Option<Self> {
        if seconds < Self::MIN.0 || seconds > Self::MAX.0 { None } else { Some(Self(seconds)) }
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn unix_seconds(self) -> i64 {
        self.0
    }

    /// This time and `duration`, whole seconds of it, but no later than [`MAX`](Self::MAX).
    #[must_use]
    pub fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add_unsigned(duration.as_secs()).min(Self::MAX.0))
    }

    /// This time less `duration`, whole seconds of it, but no earlier than [`MIN`](Self::MIN).
    #[must_use]
    pub fn saturating_sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub_unsigned(duration.as_secs()).max(Self::MIN.0))
    }

    /// How far apart two times are, in either order.
    #[must_use]
    pub const fn abs_diff(self, other: Self) -> Duration {
        Duration::from_secs(self.0.abs_diff(other.0))
    }

    /// Reads `YYYYMMDDHHMMSSZ`.
    fn from_digits(text: &[u8]) -> Option<Self> {
        let &[y1, y2, y3, y4, mo1, mo2, d1, d2, h1, h2, mi1, mi2, s1, s2, b'Z'] = text else {
            return None;
        };
        let year = two_digits(y1, y2)?.checked_mul(100)?.checked_add(two_digits(y3, y4)?)?;
        let (month, day) = (two_digits(mo1, mo2)?, two_digits(d1, d2)?);
        let (hour, minute, second) = (two_digits(h1, h2)?, two_digits(mi1, mi2)?, two_digits(s1, s2)?);
        let date_exists = (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day);
        if !date_exists || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let of_day = hour.checked_mul(3600)?.checked_add(minute.checked_mul(60)?)?.checked_add(second)?;
        Some(Self(days_from_civil(year, month, day).checked_mul(SECONDS_PER_DAY)?.checked_add(of_day)?))
    }

    /// `[year, month, day, hour, minute, second]`.
    fn civil(self) -> [i64; 6] {
        let of_day = self.0.rem_euclid(SECONDS_PER_DAY);
        let (year, month, day) = civil_from_days(self.0.div_euclid(SECONDS_PER_DAY));
        [year, month, day, of_day / 3600, of_day / 60 % 60, of_day % 60]
    }
}

/// RFC 3339: `2025-07-18T16:22:24Z`.
impl fmt::Display for KerberosTime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [year, month, day, hour, minute, second] = self.civil();
        write!(formatter, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

impl Der<'_> for KerberosTime {
    type Encoded = Vec<u8>;

    fn read(reader: &mut Reader<'_>) -> Result<Self, DerError> {
        Self::from_digits(reader.content(Tag::GENERALIZED_TIME)?).ok_or(DerError::Time)
    }

    fn write(&self, writer: &mut Writer) {
        let [year, month, day, hour, minute, second] = self.civil();
        let mut text = *b"00000000000000Z";
        for (pair, value) in
            text.chunks_exact_mut(2).zip([year / 100, year % 100, month, day, hour, minute, second])
        {
            pair.copy_from_slice(&[digit(value / 10), digit(value % 10)]);
        }
        writer.primitive(Tag::GENERALIZED_TIME, &text);
    }
}

/// The ASCII digit of 0 to 9.
fn digit(value: i64) -> u8 {
    u8::try_from(value).unwrap_or_default().saturating_add(b'0')
}

fn two_digits(tens: u8, units: u8) -> Option<i64> {
    let value = |digit: u8| digit.is_ascii_digit().then(|| i64::from(digit & 0x0f));
    value(tens)?.checked_mul(10)?.checked_add(value(units)?)
}

/// Days in a month of 1 to 12.
fn days_in_month(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date. Counting years from March puts the leap day last, so that the days before
/// a month are a linear function of its number (H. Hinnant, "chrono-compatible low-level date algorithms").
#[expect(clippy::arithmetic_side_effects, reason = "years 0 to 9999: no term comes near the ends of i64")]
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The date so many days after 1970-01-01: year, month, day. The inverse of [`days_from_civil`].
#[expect(clippy::arithmetic_side_effects, reason = "years 0 to 9999: no term comes near the ends of i64")]
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_calendar() {
        let cases = [
            (0, "19700101000000Z", "1970-01-01T00:00:00Z"),
            (-1, "19691231235959Z", "1969-12-31T23:59:59Z"),
            (951_782_400, "20000229000000Z", "2000-02-29T00:00:00Z"),
            (1_752_855_744, "20250718162224Z", "2025-07-18T16:22:24Z"),
            (2_147_483_648, "20380119031408Z", "2038-01-19T03:14:08Z"),
            (4_107_542_400, "21000301000000Z", "2100-03-01T00:00:00Z"),
            (KerberosTime::MIN.0, "00000101000000Z", "0000-01-01T00:00:00Z"),
            (KerberosTime::MAX.0, "99991231235959Z", "9999-12-31T23:59:59Z"),
        ];
        for (seconds, wire, text) in cases {
            let time = KerberosTime::from_unix_seconds(seconds).unwrap();
            assert_eq!(KerberosTime::from_digits(wire.as_bytes()), Some(time), "{wire}");
            assert_eq!(time.to_der().get(2..), Some(wire.as_bytes()));
            assert_eq!(time.to_string(), text);
        }
    }

    #[test]
    fn stays_within_the_years_it_can_write() {
        let forever = Duration::from_secs(u64::MAX);
        assert_eq!(KerberosTime::EPOCH.saturating_add(forever), KerberosTime::MAX);
        assert_eq!(KerberosTime::EPOCH.saturating_sub(forever), KerberosTime::MIN);
        assert_eq!(KerberosTime::from_unix_seconds(i64::MAX), None);
        assert_eq!(KerberosTime::from_unix_seconds(i64::MIN), None);
    }

    #[test]
    fn measures_in_either_direction() {
        let later = KerberosTime::EPOCH.saturating_add(Duration::from_secs(300));
        assert_eq!(later.abs_diff(KerberosTime::EPOCH), Duration::from_secs(300));
        assert_eq!(KerberosTime::EPOCH.abs_diff(later), Duration::from_secs(300));
    }
}
