//! In which order upstreams are asked.

use std::net::SocketAddr;
use std::time::Duration;

use super::health::Health;

/// A server that messages are relayed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Upstream {
    /// The lowest goes first.
    pub priority: u32,
    /// Its share among those of its priority (RFC 2782); 0 counts as a small one.
    pub weight: u16,
    /// Where it is.
    pub address: SocketAddr,
}

/// Indices of the upstreams in the order to ask them: those that rest last, then by priority, and within one priority
/// by chance, in proportion to the weights. `draw` decides the chance: the same number gives the same order, so that a
/// retransmit goes where the first one went.
#[must_use]
pub fn order(upstreams: &[(Upstream, Health)], now: Duration, draw: u64) -> Vec<usize> {
    let mut draws = Draws(draw);
    let mut keyed: Vec<_> = upstreams
        .iter()
        .enumerate()
        .map(|(index, (upstream, health))| {
            let chance = draws.exponential(upstream.weight);
            (health.is_resting(now), upstream.priority, chance, index)
        })
        .collect();
    keyed.sort_unstable();
    keyed.into_iter().map(|(.., index)| index).collect()
}

/// Numbers that follow from one (SplitMix64).
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A waiting time in a race whose first is won in proportion to the weight: exponentially distributed, the rate
    /// being the weight. It need not be exact: between two powers of 2 the logarithm is taken as a straight line.
    fn exponential(&mut self, weight: u16) -> u64 {
        let uniform = self.next() | 1;
        // -log2 of uniform / 2^64, in 2^-32.
        let whole = u64::from(uniform.leading_zeros());
        let mantissa = (uniform << whole.min(63)) >> 31;
        let fraction = (1_u64 << 33).saturating_sub(mantissa);
        let logarithm = (whole << 32).saturating_add(fraction);
        // A weight of 0 is a sixteenth of a weight of 1.
        let rate = u64::from(weight).saturating_mul(16).max(1);
        logarithm.saturating_mul(1 << 16).checked_div(rate).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upstream(number: u8, priority: u32, weight: u16) -> (Upstream, Health) {
        let upstream = Upstream { priority, weight, address: ([192, 0, 2, number], 88).into() };
        (upstream, Health::default())
    }

    #[test]
    fn goes_by_priority_and_puts_who_rests_last() {
        let mut upstreams = [upstream(1, 0, 0), upstream(2, 1, 0), upstream(3, 2, 0)];
        let now = Duration::from_secs(9);
        for draw in 0..100 {
            assert_eq!(order(&upstreams, now, draw), [0, 1, 2]);
        }
        upstreams[0].1.failed(now);
        assert_eq!(order(&upstreams, now, 1), [1, 2, 0]);
        upstreams[1].1.failed(now);
        upstreams[2].1.failed(now);
        assert_eq!(order(&upstreams, now, 1), [0, 1, 2], "when all rest, all are asked");
        assert!(order(&[], now, 1).is_empty());
    }

    #[test]
    fn shares_one_priority_by_weight() {
        let upstreams = [upstream(1, 0, 100), upstream(2, 0, 300), upstream(3, 0, 0)];
        let mut first = [0_u32; 3];
        for draw in 0..10_000 {
            first[order(&upstreams, Duration::ZERO, draw)[0]] += 1;
        }
        assert!((2_200..2_800).contains(&first[0]), "{first:?}");
        assert!((7_200..7_800).contains(&first[1]), "{first:?}");
        assert!(first[2] < 20, "{first:?}");
    }

    #[test]
    fn the_same_draw_gives_the_same_order() {
        let upstreams: Vec<_> = (1..20).map(|number| upstream(number, 0, 100)).collect();
        let once = order(&upstreams, Duration::ZERO, 7);
        assert_eq!(once, order(&upstreams, Duration::ZERO, 7));
        assert_ne!(once, order(&upstreams, Duration::ZERO, 8));
    }
}
