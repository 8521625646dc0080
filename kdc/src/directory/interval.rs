//! Spans of time as the directory stores them ([MS-ADTS] 3.1.1.3.4: negative counts of 100 ns).

use pac::FileTime;

/// A span in units of 100 ns, possibly unending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interval(u64);

impl Interval {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// Longer than any time: `-9223372036854775808` in the directory.
    pub const NEVER_ENDS: Self = Self(u64::MAX);

    /// The span an attribute such as `maxPwdAge` stores: its magnitude.
    #[must_use]
    pub fn from_attribute(value: i64) -> Self {
        if value == i64::MIN { Self::NEVER_ENDS } else { Self(value.unsigned_abs()) }
    }

    /// The moment this span after `start`; [`FileTime::NEVER`] when there is none.
    #[must_use]
    pub fn after(self, start: FileTime) -> FileTime {
        FileTime::from_u64(start.as_u64().saturating_add(self.0)).min(FileTime::NEVER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_ends_after_its_magnitude_or_never() {
        let start = FileTime::from_u64(1_000);
        let cases = [
            (-500, FileTime::from_u64(1_500)),
            (0, start),
            (i64::MIN, FileTime::NEVER),
            (i64::MIN + 1, FileTime::NEVER),
        ];
        for (value, expected) in cases {
            assert_eq!(Interval::from_attribute(value).after(start), expected, "{value}");
        }
        assert_eq!(Interval::from_attribute(-1).after(FileTime::NEVER), FileTime::NEVER);
    }
}
