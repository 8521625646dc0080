//! How long nobody got a ticket.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// When the last ticket came, to whichever thread; before the first, the start of the run.
#[derive(Debug, Default)]
pub(super) struct LastTicket {
    nanoseconds: AtomicU64,
}

impl LastTicket {
    /// A ticket came. How long after the one before it; nothing where another thread's came later.
    pub(super) fn came(&self, at: Duration) -> Duration {
        let at = nanoseconds(at);
        let before = self.nanoseconds.fetch_max(at, Ordering::Relaxed);
        Duration::from_nanos(at.saturating_sub(before))
    }

    /// A request of this time got none. How long there had been none by then.
    pub(super) fn missed(&self, at: Duration) -> Duration {
        let before = self.nanoseconds.load(Ordering::Relaxed);
        Duration::from_nanos(nanoseconds(at).saturating_sub(before))
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_from_one_ticket_to_the_next_or_to_a_request_without_one() {
        let at = Duration::from_millis;
        let last = LastTicket::default();
        assert_eq!(last.missed(at(3)), at(3));
        assert_eq!(last.came(at(5)), at(5));
        assert_eq!(last.came(at(7)), at(2));
        assert_eq!(last.came(at(6)), at(0), "another thread was earlier, and is told later");
        assert_eq!(last.missed(at(4)), at(0), "asked before the last ticket came");
        assert_eq!(last.missed(at(9)), at(2));
        assert_eq!(last.came(at(10)), at(3), "what was missed ends no gap");
    }
}
