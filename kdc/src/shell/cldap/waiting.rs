//! Pings that wait for another server or the directory: a bounded queue that drops the oldest, because who sent that has
//! asked again or somebody else by now.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The queue.
pub struct Waiting<T> {
    queue: Mutex<VecDeque<T>>,
    most: NonZeroUsize,
    arrived: Notify,
}

impl<T> Waiting<T> {
    /// An empty one for so many.
    pub fn new(most: NonZeroUsize) -> Self {
        Self { queue: Mutex::new(VecDeque::new()), most, arrived: Notify::new() }
    }

    /// Puts one at the end, and returns the one that had to go for it.
    pub(super) fn push(&self, item: T) -> Option<T> {
        let mut queue = self.lock();
        let dropped = if queue.len() < self.most.get() { None } else { queue.pop_front() };
        queue.push_back(item);
        drop(queue);
        self.arrived.notify_one();
        dropped
    }

    /// Takes the one that has waited longest, as soon as there is one. For one task: a second could miss an arrival.
    pub(super) async fn next(&self) -> T {
        loop {
            let first = self.lock().pop_front();
            match first {
                Some(item) => return item,
                None => self.arrived.notified().await,
            }
        }
    }

    /// Nothing is left half done under the lock.
    fn lock(&self) -> MutexGuard<'_, VecDeque<T>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn of_more_than_fit_the_oldest_are_dropped() {
        let waiting = Waiting::new(NonZeroUsize::new(2).unwrap());
        let dropped: Vec<_> = (1..=4).map(|ping| waiting.push(ping)).collect();
        assert_eq!(dropped, [None, None, Some(1), Some(2)]);
        assert_eq!([waiting.next().await, waiting.next().await], [3, 4]);
    }

    #[tokio::test]
    async fn who_waits_for_one_gets_the_next() {
        let waiting = Arc::new(Waiting::new(NonZeroUsize::MIN));
        let taker = Arc::clone(&waiting);
        let taken = tokio::spawn(async move { taker.next().await });
        tokio::task::yield_now().await;
        waiting.push(7);
        assert_eq!(taken.await.unwrap(), 7);
    }
}
