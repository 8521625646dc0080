//! How many messages may be under way to one list of upstreams.
//!
//! Anybody can send what no KDC answers, and such a message is waited for to the end. So where all seats are taken the
//! message that has had one longest gives it up, and not the newest: what a KDC answers, it answers in milliseconds.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use super::lock;

/// Messages that have lost their seats and whose tasks have not ended yet: beyond, the newest must go after all.
pub(super) const MOST_LEAVING: usize = 64;

/// The seats of one list.
pub(super) struct Seats {
    limit: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The longest taken first.
    taken: BTreeMap<u64, Arc<Notify>>,
    leaving: usize,
    next: u64,
}

impl Seats {
    /// So many.
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, state: Mutex::default() })
    }

    /// A seat, at the cost of the message that has had one longest where all are taken; `None` where too many that lost
    /// theirs are still there.
    pub(super) fn take(self: &Arc<Self>) -> Option<Seat> {
        let lost = Arc::new(Notify::new());
        let mut state = lock(&self.state);
        if state.taken.len() >= self.limit {
            if state.leaving >= MOST_LEAVING {
                return None;
            }
            let (_, longest) = state.taken.pop_first()?;
            longest.notify_one();
            state.leaving = state.leaving.saturating_add(1);
        }
        let number = state.next;
        state.next = number.wrapping_add(1);
        state.taken.insert(number, Arc::clone(&lost));
        Some(Seat { seats: Arc::clone(self), number, lost })
    }
}

/// One message's seat; dropping it gives it back.
pub(super) struct Seat {
    seats: Arc<Seats>,
    number: u64,
    lost: Arc<Notify>,
}

impl Seat {
    /// Ends when the seat is needed for another message.
    pub(super) async fn lost(&self) {
        self.lost.notified().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = lock(&self.seats.state);
        if state.taken.remove(&self.number).is_none() {
            state.leaving = state.leaving.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_message_that_has_been_under_way_longest_goes_first() {
        let seats = Seats::new(2);
        let taken = || lock(&seats.state).taken.keys().copied().collect::<Vec<_>>();
        let [first, second] = [0; 2].map(|_| seats.take().unwrap());
        drop(first);
        let third = seats.take().unwrap();
        assert_eq!(taken(), [1, 2], "a free seat costs nobody his");
        let _fourth = seats.take();
        second.lost().await;
        assert_eq!(taken(), [2, 3]);
        drop(second);
        let _fifth = seats.take();
        third.lost().await;
        assert_eq!(taken(), [3, 4]);
    }

    #[test]
    fn those_that_lose_their_seats_and_stay_are_bounded_too() {
        let seats = Seats::new(1);
        let taken: Vec<Seat> = std::iter::from_fn(|| seats.take()).collect();
        assert_eq!(taken.len(), 1 + MOST_LEAVING);
        drop(taken);
        assert!(seats.take().is_some());
        assert_eq!(lock(&seats.state).leaving, 0);
    }
}
