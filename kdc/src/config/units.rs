//! Durations and sizes as they are written: a whole number and its unit in one string.

use std::time::Duration;

/// Why a text is no duration or no size. Each message ends in the mend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UnitError {
    #[error("not a duration; write a whole number and its unit, ms, s, m, h or d, such as \"30s\"")]
    Duration,
    #[error("not a size; write a whole number and its unit, B, KiB, MiB or GiB, such as \"64KiB\"")]
    Size,
    #[error("too large; write a smaller value")]
    TooLarge,
}

/// Reads `30s`, `5m`, `10h`, `7d` or `250ms`; zero is `0s`.
pub(crate) fn duration(text: &str) -> Result<Duration, UnitError> {
    let (number, unit) = number_and_unit(text).ok_or(UnitError::Duration)?;
    let milliseconds: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60 * 1_000,
        "h" => 60 * 60 * 1_000,
        "d" => 24 * 60 * 60 * 1_000,
        _ => return Err(UnitError::Duration),
    };
    // A hundred years: longer than any ticket, short enough that sums of a few of them never overflow.
    const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
    number
        .checked_mul(milliseconds)
        .map(Duration::from_millis)
        .filter(|duration| *duration <= LONGEST)
        .ok_or(UnitError::TooLarge)
}

/// Reads `512B`, `64KiB`, `16MiB` or `1GiB` as a number of octets.
pub(super) fn size(text: &str) -> Result<usize, UnitError> {
    let (number, unit) = number_and_unit(text).ok_or(UnitError::Size)?;
    let octets: u64 = match unit {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(UnitError::Size),
    };
    number.checked_mul(octets).and_then(|size| usize::try_from(size).ok()).ok_or(UnitError::TooLarge)
}

fn number_and_unit(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|character: char| !character.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(end)?;
    Some((number.parse().ok()?, unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_durations() {
        let cases = [
            ("0s", 0),
            ("250ms", 250),
            ("30s", 30_000),
            ("5m", 300_000),
            ("10h", 36_000_000),
            ("7d", 604_800_000),
        ];
        for (text, milliseconds) in cases {
            assert_eq!(duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
    }

    #[test]
    fn reads_sizes() {
        for (text, octets) in
            [("0B", 0), ("512B", 512), ("64KiB", 65_536), ("128KiB", 131_072), ("16MiB", 16_777_216)]
        {
            assert_eq!(size(text), Ok(octets), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_number_with_a_unit() {
        for text in ["", "5", "s", "-5s", "1.5h", "5 s", "5S", "5min", "+5s", "5w"] {
            assert_eq!(duration(text), Err(UnitError::Duration), "{text}");
        }
        for text in ["", "5", "5KB", "5kib", "5k", "KiB"] {
            assert_eq!(size(text), Err(UnitError::Size), "{text}");
        }
    }

    #[test]
    fn refuses_what_would_overflow() {
        assert_eq!(duration("36501d"), Err(UnitError::TooLarge));
        assert_eq!(duration("18446744073709551615d"), Err(UnitError::TooLarge));
        assert_eq!(size("18446744073709551615GiB"), Err(UnitError::TooLarge));
    }
}
