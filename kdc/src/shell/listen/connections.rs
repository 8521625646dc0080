//! How many TCP connections may be open, altogether and from one address.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The open connections of the process, shared by all listeners.
#[derive(Debug)]
pub struct Connections {
    limit: usize,
    limit_per_address: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    open: usize,
    per_address: HashMap<IpAddr, usize>,
    /// Those that wait for a request or for the rest of one, the longest waiting first.
    waiting: BTreeMap<u64, Arc<Notify>>,
    next: u64,
}

/// Why a connection is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// Every connection is busy.
    Altogether,
    /// The address has as many as it may.
    Address,
}

impl Connections {
    /// Bounds; 0 is no bound.
    #[must_use]
    pub fn new(limit: usize, limit_per_address: usize) -> Arc<Self> {
        let unbounded = |limit| if limit == 0 { usize::MAX } else { limit };
        Arc::new(Self {
            limit: unbounded(limit),
            limit_per_address: unbounded(limit_per_address),
            state: Mutex::default(),
        })
    }

    /// A seat for a connection from `address`, at the cost of the one that has waited longest where all are taken.
    ///
    /// # Errors
    /// [`Full`] where there is none to be had.
    pub fn enter(self: &Arc<Self>, address: IpAddr) -> Result<Seat, Full> {
        let mut state = self.lock();
        if state.per_address.get(&address).is_some_and(|open| *open >= self.limit_per_address) {
            return Err(Full::Address);
        }
        if state.open >= self.limit {
            // Its task gives up its own seat a moment later; until then one more than the limit is open.
            if !state.evict() {
                return Err(Full::Altogether);
            }
        }
        state.open = state.open.saturating_add(1);
        let of_address = state.per_address.entry(address).or_default();
        *of_address = of_address.saturating_add(1);
        drop(state);
        let mut seat =
            Seat { connections: Arc::clone(self), address, evicted: Arc::default(), waiting: None };
        seat.rest();
        Ok(seat)
    }

    /// Closes the connection that has waited longest, where the process can have no more; whether there is one.
    pub fn make_room(&self) -> bool {
        self.lock().evict()
    }

    /// How many are open.
    #[must_use]
    pub fn open(&self) -> usize {
        self.lock().open
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing is left half done under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn evict(&mut self) -> bool {
        let longest = self.waiting.pop_first();
        longest.is_some_and(|(_, evicted)| {
            evicted.notify_one();
            true
        })
    }
}

/// One open connection, waiting for a request; dropping it gives the seat back.
#[derive(Debug)]
pub struct Seat {
    connections: Arc<Connections>,
    address: IpAddr,
    evicted: Arc<Notify>,
    waiting: Option<u64>,
}

impl Seat {
    /// The connection waits for a request from now on: it may be evicted until the whole of it is there.
    pub fn rest(&mut self) {
        if self.waiting.is_some() {
            return;
        }
        let mut state = self.connections.lock();
        let number = state.next;
        state.next = number.wrapping_add(1);
        state.waiting.insert(number, Arc::clone(&self.evicted));
        self.waiting = Some(number);
    }

    /// The connection works on a request.
    pub fn work(&mut self) {
        if let Some(number) = self.waiting.take()
            && self.connections.lock().waiting.remove(&number).is_none()
        {
            // Its request was whole before it heard that it is to go: that is answered, and then it waits like any other.
            self.evicted = Arc::default();
        }
    }

    /// Ends when the seat is needed for another connection.
    pub async fn evicted(&self) {
        self.evicted.notified().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.work();
        let mut state = self.connections.lock();
        state.open = state.open.saturating_sub(1);
        if let Some(open) = state.per_address.get_mut(&self.address) {
            *open = open.saturating_sub(1);
            if *open == 0 {
                state.per_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    #[test]
    fn an_address_has_its_own_limit_and_seats_come_back() {
        let connections = Connections::new(0, 2);
        let seats = [connections.enter(ONE).unwrap(), connections.enter(ONE).unwrap()];
        assert_eq!(connections.enter(ONE).unwrap_err(), Full::Address);
        assert!(connections.enter(OTHER).is_ok());
        drop(seats);
        assert!(connections.enter(ONE).is_ok());
        assert_eq!(connections.open(), 0);
        assert!(connections.lock().per_address.is_empty());
    }

    #[tokio::test]
    async fn who_was_told_to_go_with_a_request_at_hand_stays_until_it_is_told_again() {
        let connections = Connections::new(1, 0);
        let mut first = connections.enter(ONE).unwrap();
        let second = connections.enter(OTHER).unwrap();
        first.work();
        first.rest();
        assert!(connections.make_room(), "the second has waited longer by now");
        second.evicted().await;
        assert!(
            timeout(Duration::ZERO, first.evicted()).await.is_err(),
            "what it was told before is settled"
        );
        assert!(connections.make_room());
        first.evicted().await;
    }

    #[tokio::test]
    async fn the_connection_that_has_waited_longest_goes_first() {
        let connections = Connections::new(2, 0);
        let mut older = connections.enter(ONE).unwrap();
        let mut newer = connections.enter(ONE).unwrap();
        older.work();
        newer.work();
        assert_eq!(connections.enter(OTHER).unwrap_err(), Full::Altogether, "both are busy");
        assert!(!connections.make_room());
        older.rest();
        newer.rest();
        let _third = connections.enter(OTHER).unwrap();
        older.evicted().await;
        assert!(connections.make_room());
        newer.evicted().await;
        assert_eq!(connections.lock().waiting.len(), 1, "the third");
    }
}
