//! How often one source is answered in a second, in memory that no source makes grow.
//!
//! Sources are spread over a fixed number of slots by a keyed hash, so that nobody outside knows who shares one with whom. Two
//! that do share its limit: at worst a client asks again.

use std::hash::Hasher;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroUsize;
use std::time::Duration;

use siphasher::sip::SipHasher24;

use crate::shell::rate::Rate;

/// Slots; a mebioctet of them.
const SLOTS: usize = 1 << 16;

/// Octets of [`SourceRates::new`]'s key.
pub(super) const KEY_LENGTH: usize = 16;

/// The rates of all sources.
pub(super) struct SourceRates {
    /// Empty where there is no limit.
    slots: Box<[Rate]>,
    hasher: SipHasher24,
}

impl SourceRates {
    /// So many in a second for each source, no limit where there is none.
    pub(super) fn new(limit: Option<NonZeroUsize>, key: &[u8; KEY_LENGTH]) -> Self {
        let slots = limit.map_or(0, |_| SLOTS);
        let limit = limit.map_or(0, |limit| u32::try_from(limit.get()).unwrap_or(u32::MAX));
        Self {
            slots: (0..slots).map(|_| Rate::per_second(limit)).collect(),
            hasher: SipHasher24::new_with_key(key),
        }
    }

    /// Whether this source may be answered once more at `now`.
    pub(super) fn take(&self, source: IpAddr, now: Duration) -> bool {
        let mut hasher = self.hasher;
        match source.to_canonical() {
            IpAddr::V4(address) => hasher.write(&address.octets()),
            IpAddr::V6(address) => hasher.write(&network(address)),
        }
        let count = u64::try_from(self.slots.len()).unwrap_or(u64::MAX);
        let slot = hasher.finish().checked_rem(count).and_then(|slot| usize::try_from(slot).ok());
        slot.and_then(|slot| self.slots.get(slot)).is_none_or(|rate| rate.take(now))
    }
}

/// A host of IPv6 has as many addresses as it likes, in a network of 64 bits.
fn network(address: Ipv6Addr) -> [u8; 8] {
    let [a, b, c, d, e, f, g, h, ..] = address.octets();
    [a, b, c, d, e, f, g, h]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_source_has_its_own_limit_in_each_second() {
        let rates = SourceRates::new(NonZeroUsize::new(2), &[7; 16]);
        let take = |source: &str, millis| rates.take(source.parse().unwrap(), Duration::from_millis(millis));
        assert_eq!(
            [take("192.0.2.1", 0), take("192.0.2.1", 10), take("192.0.2.1", 999)],
            [true, true, false]
        );
        assert!(take("192.0.2.2", 999) && take("192.0.2.1", 1_000));
        // One host, as far as one can tell.
        assert!(take("2001:db8::1", 0) && take("2001:db8::2", 0) && !take("2001:db8::ffff", 0));
        assert!(take("2001:db8:0:1::1", 0));
        assert!(take("::ffff:192.0.2.3", 0) && take("192.0.2.3", 0) && !take("::ffff:192.0.2.3", 0));
    }

    #[test]
    fn without_a_limit_everybody_is_answered() {
        let rates = SourceRates::new(None, &[7; 16]);
        assert!((0..1_000).all(|_| rates.take([192, 0, 2, 1].into(), Duration::ZERO)));
    }
}
