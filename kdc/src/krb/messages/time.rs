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

const SECONDS_PER_DAY: u64 = 86_400;

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
    pub(crate) fn from_digits(text: &[u8]) -> Option<Self> {
        let &[y1, y2, y3, y4, mo1, mo2, d1, d2, h1, h2, mi1, mi2, s1, s2, b'Z'] = text else {
            return None;
        };
        let [century, of_century, month, day] = pairs_of_digits([y1, y2, y3, y4, mo1, mo2, d1, d2])?;
        let [_, hour, minute, second] = pairs_of_digits([d1, d2, h1, h2, mi1, mi2, s1, s2])?;
        Self::from_civil([century, of_century, month, day, hour, minute, second])
    }

    /// The time of `[century, year of it, month, day, hour, minute, second]`, each below 100; `None` for a date that the
    /// calendar does not have.
    #[expect(
        clippy::arithmetic_side_effects,
        reason = "numbers below 100: no term comes near the ends of u32"
    )]
    fn from_civil([century, of_century, month, day, hour, minute, second]: [u32; 7]) -> Option<Self> {
        let year = century * 100 + of_century;
        let date_exists = (1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day);
        if !date_exists || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let of_day = hour * 3600 + minute * 60 + second;
        let since_year_0 = u64::from(days_from_civil(year, month, day)) * SECONDS_PER_DAY + u64::from(of_day);
        Some(Self(Self::MIN.0.saturating_add_unsigned(since_year_0)))
    }

    /// `YYYYMMDDHHMMSSZ`.
    fn digits(self) -> [u8; 15] {
        let [century, of_century, month, day, hour, minute, second] = self.civil();
        let [y1, y2, y3, y4, mo1, mo2, d1, d2] = digits_of_pairs([century, of_century, month, day]);
        let [_, _, h1, h2, mi1, mi2, s1, s2] = digits_of_pairs([0, hour, minute, second]);
        [y1, y2, y3, y4, mo1, mo2, d1, d2, h1, h2, mi1, mi2, s1, s2, b'Z']
    }

    /// `[century, year of it, month, day, hour, minute, second]`.
    fn civil(self) -> [u32; 7] {
        let since_year_0 = self.0.abs_diff(Self::MIN.0);
        let [days, of_day] = [since_year_0 / SECONDS_PER_DAY, since_year_0 % SECONDS_PER_DAY]
            .map(|number| u32::try_from(number).unwrap_or_default());
        let [year, month, day] = civil_from_days(days);
        [year / 100, year % 100, month, day, of_day / 3600, of_day / 60 % 60, of_day % 60]
    }
}

/// RFC 3339: `2025-07-18T16:22:24Z`.
impl fmt::Display for KerberosTime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [century, of_century, month, day, hour, minute, second] = self.civil();
        write!(
            formatter,
            "{century:02}{of_century:02}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
        )
    }
}

impl Der<'_> for KerberosTime {
    type Encoded = Vec<u8>;

    fn read(reader: &mut Reader<'_>) -> Result<Self, DerError> {
        Self::from_digits(reader.content(Tag::GENERALIZED_TIME)?).ok_or(DerError::Time)
    }

    fn write(&self, writer: &mut Writer) {
        writer.primitive(Tag::GENERALIZED_TIME, &self.digits());
    }

    fn write_field(&self, number: u8, writer: &mut Writer) {
        writer.primitive_field_of(number, Tag::GENERALIZED_TIME, self.digits());
    }
}

/// The eight ASCII digits of four numbers below 100, all at once: each has 16 bits, in which a tenth of it is as many
/// 1024ths as 103 of it. The inverse of [`pairs_of_digits`].
fn digits_of_pairs(pairs: [u32; 4]) -> [u8; 8] {
    let pairs = pairs.iter().rev().fold(0, |pairs, pair| (pairs << 16) | u64::from(*pair));
    let tens = (pairs.wrapping_mul(103) >> 10) & 0x000f_000f_000f_000f;
    let units = pairs.wrapping_sub(tens.wrapping_mul(10));
    (tens | (units << 8) | u64::from_le_bytes([b'0'; 8])).to_le_bytes()
}

/// The four numbers of eight ASCII digits, all eight at once: a digit less `0` is at most nine, and so six more than it
/// at most fifteen.
fn pairs_of_digits(digits: [u8; 8]) -> Option<[u32; 4]> {
    let digits = u64::from_le_bytes(digits) ^ u64::from_le_bytes([b'0'; 8]);
    let six_more = digits.wrapping_add(u64::from_le_bytes([6; 8]));
    if (digits | six_more) & u64::from_le_bytes([0xf0; 8]) != 0 {
        return None;
    }
    let [first, _, second, _, third, _, fourth, _] =
        digits.wrapping_mul(10).wrapping_add(digits >> 8).to_le_bytes();
    Some([first, second, third, fourth].map(u32::from))
}

/// Days in a month of 1 to 12.
fn days_in_month(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days of the 400 years after which the calendar repeats itself.
const DAYS_OF_ERA: u32 = 146_097;
/// Days of January and February of the year 0.
const BEFORE_MARCH: u32 = 60;

/// Days from 0000-01-01 to a date. Counting years from March puts the leap day last, so that the days before
/// a month are a linear function of its number (C. Neri, L. Schneider, "Euclidean affine functions and their application to
/// calendar algorithms", 2022). An era more keeps the year before 0 from being negative.
#[expect(clippy::arithmetic_side_effects, reason = "years 0 to 9999: no term comes near the ends of u32")]
fn days_from_civil(year: u32, month: u32, day: u32) -> u32 {
    let (year, month) = if month <= 2 { (year + 399, month + 12) } else { (year + 400, month) };
    let century = year / 100;
    let before_year = 1461 * year / 4 - century + century / 4;
    let before_month = (979 * month - 2919) / 32;
    before_year + before_month + day - 1 + BEFORE_MARCH - DAYS_OF_ERA
}

/// The date so many days after 0000-01-01: year, month, day. The inverse of [`days_from_civil`].
#[expect(clippy::arithmetic_side_effects, reason = "years 0 to 9999: no term comes near the ends of u32")]
fn civil_from_days(days: u32) -> [u32; 3] {
    let quarters = 4 * (days + DAYS_OF_ERA - BEFORE_MARCH) + 3;
    let [century, of_century] = [quarters / DAYS_OF_ERA, (quarters % DAYS_OF_ERA) | 3];
    let [year, day_of_year] = [of_century / 1461, of_century % 1461 / 4];
    let shifted = 2141 * day_of_year + 197_913;
    let [month, day] = [shifted >> 16, (shifted & 0xffff) / 2141 + 1];
    let next = u32::from(month > 12);
    [100 * century + year + next - 400, month - 12 * next, day]
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
    fn one_day_of_the_calendar_follows_the_other() {
        let [mut year, mut month, mut day] = [0, 1, 1];
        let mut days = 0;
        while year < 10_000 {
            assert_eq!(civil_from_days(days), [year, month, day]);
            assert_eq!(days_from_civil(year, month, day), days);
            days += 1;
            day += 1;
            if day > days_in_month(year, month) {
                (month, day) = (month + 1, 1);
            }
            if month > 12 {
                (year, month) = (year + 1, 1);
            }
        }
        let last = u64::from(days) * SECONDS_PER_DAY - 1;
        assert_eq!(KerberosTime::MIN.0.saturating_add_unsigned(last), KerberosTime::MAX.0);
    }

    #[test]
    fn takes_digits_and_nothing_else() {
        let good = *b"20250718162224Z";
        for place in 0..good.len() {
            for octet in 0..=u8::MAX {
                let mut text = good;
                text[place] = octet;
                let is_digit = if place == 14 { octet == b'Z' } else { octet.is_ascii_digit() };
                assert!(is_digit || KerberosTime::from_digits(&text).is_none(), "{text:?}");
            }
        }
    }

    #[test]
    fn writes_the_digits_that_it_reads() {
        for number in 0..100 {
            for place in 0..4 {
                let mut pairs = [99; 4];
                pairs[place] = number;
                assert_eq!(pairs_of_digits(digits_of_pairs(pairs)), Some(pairs));
            }
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
