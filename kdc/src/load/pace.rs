//! When a thread's next request is due.

use std::num::NonZeroU32;
use std::time::Duration;

use super::{Plan, Volume};

/// A thread's share of the requests: of all there are, numbered from 0, every `step`th.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    next: u64,
    step: u64,
    /// How many requests there are in all.
    requests: Option<u64>,
    until: Option<Duration>,
    rate: Option<NonZeroU32>,
}

/// Whether a request may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// This one, now. In an open loop it has been due since `since`.
    Now { request: u64, since: Option<Duration> },
    /// None before this time.
    At(Duration),
    /// No more.
    Never,
}

impl Pace {
    /// The share of thread `number` of `threads`, with so many tickets.
    pub(super) fn new(plan: &Plan, tickets: usize, number: usize, threads: usize) -> Self {
        let wide = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let (requests, until) = match plan.volume {
            Volume::For(time) => (None, Some(time)),
            Volume::Requests(requests) => (Some(requests), None),
            Volume::Once => (Some(wide(tickets)), None),
        };
        Self { next: wide(number), step: wide(threads), requests, until, rate: plan.rate }
    }

    /// What is due at `now`, since the start of the run. A request that is returned counts as sent.
    pub(super) fn take(&mut self, now: Duration) -> Due {
        let request = self.next;
        let since = self.rate.map(|rate| due_time(request, rate));
        let start = since.unwrap_or(now);
        if self.requests.is_some_and(|requests| request >= requests)
            || self.until.is_some_and(|until| start >= until)
        {
            return Due::Never;
        }
        if start > now {
            return Due::At(start);
        }
        self.next = request.saturating_add(self.step);
        Due::Now { request, since }
    }
}

/// Evenly, from the start on.
fn due_time(request: u64, rate: NonZeroU32) -> Duration {
    const SECOND: u128 = 1_000_000_000;
    let nanoseconds =
        u128::from(request).saturating_mul(SECOND).checked_div(rate.get().into()).unwrap_or_default();
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{Transport, Verify};

    fn pace(volume: Volume, rate: Option<u32>, number: usize) -> Pace {
        let plan = Plan {
            kdc: "127.0.0.1:88".parse().unwrap(),
            sources: Vec::new(),
            transport: Transport::Udp,
            in_flight: 1,
            threads: 2,
            volume,
            rate: rate.and_then(NonZeroU32::new),
            timeout: Duration::from_secs(1),
            verify: Verify::All,
        };
        Pace::new(&plan, 3, number, 2)
    }

    fn all(mut pace: Pace, now: Duration) -> Vec<u64> {
        std::iter::from_fn(|| match pace.take(now) {
            Due::Now { request, .. } => Some(request),
            _ => None,
        })
        .take(100)
        .collect()
    }

    #[test]
    fn threads_share_the_requests_and_leave_none_out() {
        assert_eq!(all(pace(Volume::Once, None, 0), Duration::ZERO), [0, 2]);
        assert_eq!(all(pace(Volume::Once, None, 1), Duration::ZERO), [1]);
        assert_eq!(all(pace(Volume::Requests(5), None, 1), Duration::ZERO), [1, 3]);
        assert!(all(pace(Volume::Requests(0), None, 0), Duration::ZERO).is_empty());
    }

    #[test]
    fn a_closed_loop_ends_with_its_time() {
        let mut pace = pace(Volume::For(Duration::from_secs(1)), None, 0);
        assert_eq!(pace.take(Duration::from_millis(999)), Due::Now { request: 0, since: None });
        assert_eq!(pace.take(Duration::from_secs(1)), Due::Never);
    }

    #[test]
    fn an_open_loop_is_evenly_spaced_however_late_it_is_asked() {
        let mut pace = pace(Volume::For(Duration::from_secs(1)), Some(1_000), 1);
        let at = Duration::from_millis;
        assert_eq!(pace.take(Duration::ZERO), Due::At(at(1)));
        assert_eq!(pace.take(at(5)), Due::Now { request: 1, since: Some(at(1)) });
        assert_eq!(pace.take(at(5)), Due::Now { request: 3, since: Some(at(3)) });
        assert_eq!(pace.take(at(5)), Due::Now { request: 5, since: Some(at(5)) });
        assert_eq!(pace.take(at(5)), Due::At(at(7)));
        // What was due before the end is sent, and no more, however late it is by then.
        assert_eq!(all(pace.clone(), at(60_000)).len(), 100);
        assert_eq!(
            std::iter::from_fn(|| matches!(pace.take(at(60_000)), Due::Now { .. }).then_some(())).count(),
            497
        );
    }
}
