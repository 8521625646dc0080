//! Durations by size, in buckets of one 64th of their size: percentiles within 1.6 %, from nanoseconds to hours.

use std::time::Duration;

/// Buckets per power of two, and below that many nanoseconds one each.
const STEPS: u64 = 64;
const STEP_BITS: u32 = STEPS.ilog2();

/// How often durations of each size were seen.
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    /// As many as the longest one needed.
    counts: Vec<u64>,
    count: u64,
    longest: Duration,
}

impl Histogram {
    /// Counts one.
    pub fn record(&mut self, duration: Duration) {
        let bucket = bucket(nanoseconds(duration));
        if bucket >= self.counts.len() {
            self.counts.resize(bucket.saturating_add(1), 0);
        }
        if let Some(count) = self.counts.get_mut(bucket) {
            *count = count.saturating_add(1);
        }
        self.count = self.count.saturating_add(1);
        self.longest = self.longest.max(duration);
    }

    /// Adds what another counted.
    pub fn merge(&mut self, other: &Self) {
        if other.counts.len() > self.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count = count.saturating_add(*more);
        }
        self.count = self.count.saturating_add(other.count);
        self.longest = self.longest.max(other.longest);
    }

    /// How many were counted.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The longest.
    #[must_use]
    pub const fn longest(&self) -> Duration {
        self.longest
    }

    /// The least duration that so many in a million, 990,000 for the 99th percentile, do not exceed; zero of none.
    #[must_use]
    pub fn quantile(&self, millionths: u32) -> Duration {
        let wanted = u128::from(self.count).saturating_mul(millionths.into()).div_ceil(1_000_000).max(1);
        let mut seen = 0_u128;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen = seen.saturating_add((*count).into());
            if seen >= wanted {
                return Duration::from_nanos(upper_bound(bucket)).min(self.longest);
            }
        }
        self.longest
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Below 64, the number itself; above, the power of two and the next six bits.
fn bucket(nanoseconds: u64) -> usize {
    let shift = nanoseconds.max(STEPS).ilog2().saturating_sub(STEP_BITS);
    // A number of 64 to 127 times 2^shift: its own row of 64 follows `shift` others.
    let bucket = u64::from(shift).saturating_mul(STEPS).saturating_add(nanoseconds >> shift);
    usize::try_from(bucket).unwrap_or(usize::MAX)
}

/// The largest number in a bucket.
fn upper_bound(bucket: usize) -> u64 {
    let bucket = u64::try_from(bucket).unwrap_or(u64::MAX);
    let shift = (bucket / STEPS).saturating_sub(1);
    let first = bucket.saturating_sub(shift.saturating_mul(STEPS));
    let past = u128::from(first).saturating_add(1) << shift.min(64);
    u64::try_from(past.saturating_sub(1)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_in_the_bucket_that_ends_at_it_or_at_most_a_64th_above() {
        let mut last = 0;
        for exponent in 1..63 {
            for number in
                [1_u64 << exponent, (1 << exponent) + 1, (1 << exponent) * 3 / 2, (2 << exponent) - 1]
            {
                let end = upper_bound(bucket(number));
                assert!(
                    number <= end && end - number <= number / 64,
                    "{number} in a bucket that ends at {end}"
                );
                assert!(bucket(number) >= last, "{number}");
                last = bucket(number);
            }
        }
        assert!(bucket(u64::MAX) < 4096);
    }

    #[test]
    fn buckets_follow_each_other_without_a_gap() {
        for bucket_number in 0..2_000 {
            assert_eq!(bucket(upper_bound(bucket_number)), bucket_number);
            assert_eq!(bucket(upper_bound(bucket_number) + 1), bucket_number + 1);
        }
    }

    #[test]
    fn quantiles_are_those_of_the_numbers_counted() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.quantile(500_000), Duration::ZERO);
        for microseconds in 1..=1_000 {
            histogram.record(Duration::from_micros(microseconds));
        }
        for (millionths, microseconds) in [(500_000, 500.0), (990_000, 990.0), (999_000, 999.0), (0, 1.0)] {
            let found = histogram.quantile(millionths).as_secs_f64() * 1e6;
            assert!((microseconds..=microseconds * 1.016).contains(&found), "{millionths}: {found}");
        }
        assert_eq!(histogram.quantile(1_000_000), Duration::from_millis(1));
        assert_eq!((histogram.count(), histogram.longest()), (1_000, Duration::from_millis(1)));
    }

    #[test]
    fn two_threads_histograms_are_one() {
        let (mut one, mut other) = (Histogram::default(), Histogram::default());
        one.record(Duration::from_millis(1));
        other.record(Duration::from_secs(2));
        one.merge(&other);
        assert_eq!((one.count(), one.quantile(1_000_000)), (2, Duration::from_secs(2)));
    }
}
