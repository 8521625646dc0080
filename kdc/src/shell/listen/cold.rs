//! Datagrams whose account must be read from the directory. They wait here, each once, in the order they came.
//!
//! A site that signs in at once comes faster than a directory answers. To wait costs little more than a datagram's
//! octets, so there is room for a whole site. Who finds none, or has waited until its client gives up, is told to ask
//! another KDC; the account is read all the same, for when the client comes back.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use metrics::Gauge;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

use super::way_back::WayBack;
use crate::shell::in_flight::InFlight;
use crate::shell::observe::metrics::waiting_datagrams;
use crate::shell::origin::Origin;
use crate::shell::service::{PATIENCE, Service, Wanted};

/// Datagrams that wait or are being answered, at most.
const PLACES: usize = 32_768;

/// Octets of these together, at most.
const OCTETS: usize = 64 << 20;

/// Those being answered at once. Each is a task of some kilobytes, and more of them than reads are in flight bring nothing
/// but that the directory never waits for us.
const SEATS: usize = 512;

/// Accounts read at once for nobody who waits: a few, since whoever waits comes first.
const READ_LATER: usize = 32;

/// A datagram that waits.
pub struct Cold {
    octets: Bytes,
    origin: Origin,
    arrived: Duration,
    wanted: Wanted,
    way_back: WayBack,
    _place: Place,
    _in_flight: InFlight,
}

/// The way in; clones lead to the same place.
#[derive(Clone)]
pub struct ColdQueue {
    queue: mpsc::Sender<Cold>,
    room: Arc<Room>,
}

/// What becomes of a datagram.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    /// It is answered in its turn.
    Waits,
    /// A copy of it is inside, and the answer to that is its answer: clients repeat after a second what they got no
    /// answer to.
    Repeated,
    /// There is no room.
    Full,
}

/// A queue, and its end for [`serve`].
#[must_use]
pub fn queue() -> (ColdQueue, mpsc::Receiver<Cold>) {
    let (queue, end) = mpsc::channel(PLACES);
    (ColdQueue { queue, room: Arc::new(Room::new()) }, end)
}

impl ColdQueue {
    /// Copies the datagram, if it is to wait.
    pub(super) fn enter(
        &self,
        octets: &[u8],
        origin: Origin,
        way_back: WayBack,
        wanted: Wanted,
        service: &Service,
    ) -> Entry {
        let place = match self.room.enter(octets, origin.peer) {
            Ok(place) => place,
            Err(entry) => return entry,
        };
        let cold = Cold {
            octets: Bytes::copy_from_slice(octets),
            origin,
            arrived: service.clock().elapsed(),
            wanted,
            way_back,
            _place: place,
            _in_flight: service.begin(),
        };
        match self.queue.try_send(cold) {
            Ok(()) => Entry::Waits,
            Err(_ended) => Entry::Full,
        }
    }
}

/// Answers what waits, each datagram in a task of its own, until the last [`ColdQueue`] is gone.
pub async fn serve(mut queue: mpsc::Receiver<Cold>, service: Arc<Service>) {
    let (later, unread) = mpsc::channel(PLACES);
    let answer = async {
        // Gone when nobody waits any more, and then the other half ends.
        let later = later;
        let seats = Arc::new(Semaphore::new(SEATS));
        while let Some(cold) = queue.recv().await {
            let left = PATIENCE.saturating_sub(service.clock().elapsed().saturating_sub(cold.arrived));
            let seat = match left {
                Duration::ZERO => None,
                left => timeout(left, Arc::clone(&seats).acquire_owned()).await.ok().and_then(Result::ok),
            };
            let Some(seat) = seat else {
                cold.way_back.send(service.shed(&cold.octets, cold.origin), &service);
                // Where there is no room either, its client has to be slower still.
                let _ = later.try_send(cold.wanted);
                continue;
            };
            let service = Arc::clone(&service);
            tokio::spawn(async move {
                let answer = service.answer(&cold.octets, cold.origin, cold.arrived).await;
                cold.way_back.send(answer, &service);
                drop((seat, cold));
            });
        }
    };
    tokio::join!(answer, read_later(unread, &service));
}

/// Reads these accounts, in the order they come.
async fn read_later(mut unread: mpsc::Receiver<Wanted>, service: &Arc<Service>) {
    let seats = Arc::new(Semaphore::new(READ_LATER));
    while let Ok(seat) = Arc::clone(&seats).acquire_owned().await {
        let Some(wanted) = unread.recv().await else { return };
        let service = Arc::clone(service);
        tokio::spawn(async move {
            service.read(wanted).await;
            drop(seat);
        });
    }
}

/// What is inside.
struct Room {
    /// Keyed, so that nobody can choose datagrams that pass for each other.
    hasher: RandomState,
    taken: Mutex<Taken>,
    waiting: Gauge,
}

#[derive(Default)]
struct Taken {
    /// Digests of sender and octets.
    copies: HashSet<u64>,
    octets: usize,
}

impl Room {
    fn new() -> Self {
        Self { hasher: RandomState::new(), taken: Mutex::default(), waiting: waiting_datagrams() }
    }

    fn enter(self: &Arc<Self>, octets: &[u8], peer: SocketAddr) -> Result<Place, Entry> {
        let copy = self.hasher.hash_one((peer, octets));
        let mut taken = self.taken();
        if taken.copies.contains(&copy) {
            return Err(Entry::Repeated);
        }
        let sum = taken.octets.saturating_add(octets.len());
        if sum > OCTETS || taken.copies.len() >= PLACES {
            return Err(Entry::Full);
        }
        taken.octets = sum;
        taken.copies.insert(copy);
        self.waiting.increment(1.0);
        Ok(Place { room: Arc::clone(self), copy, octets: octets.len() })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        // Nothing is left half done under the lock, so a panic elsewhere has broken nothing.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A datagram's part of the room; dropping it leaves the room.
struct Place {
    room: Arc<Room>,
    copy: u64,
    octets: usize,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.room.taken();
        taken.copies.remove(&self.copy);
        self.room.waiting.decrement(1.0);
        taken.octets = taken.octets.saturating_sub(self.octets);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], port))
    }

    #[test]
    fn a_copy_from_the_same_port_has_no_place_of_its_own_until_the_first_is_answered() {
        let room = Arc::new(Room::new());
        let first = room.enter(b"a request", peer(1_000)).expect("room");
        assert_eq!(room.enter(b"a request", peer(1_000)).err(), Some(Entry::Repeated));
        let others = [room.enter(b"a request", peer(1_001)), room.enter(b"another", peer(1_000))];
        assert!(others.iter().all(Result::is_ok), "whose answers go elsewhere, or are others");
        drop(first);
        assert!(room.enter(b"a request", peer(1_000)).is_ok());
    }

    #[test]
    fn so_many_datagrams_fit_and_no_more() {
        let room = Arc::new(Room::new());
        let enter = |number: usize| room.enter(&number.to_be_bytes(), peer(1_000));
        let mut inside: Vec<_> = (0..PLACES).map(|number| enter(number).expect("room")).collect();
        assert_eq!(enter(PLACES).err(), Some(Entry::Full));
        inside.pop();
        assert!(enter(PLACES).is_ok());
    }

    #[test]
    fn so_many_octets_fit_and_no_more() {
        let room = Arc::new(Room::new());
        let octets = vec![0; OCTETS / 4];
        let mut inside: Vec<_> = (1..=4).map(|port| room.enter(&octets, peer(port)).expect("room")).collect();
        assert_eq!(room.enter(b"one more", peer(5)).err(), Some(Entry::Full));
        inside.pop();
        assert!(room.enter(b"one more", peer(5)).is_ok());
        drop(inside);
        assert_eq!(room.taken().octets, 0);
    }
}
