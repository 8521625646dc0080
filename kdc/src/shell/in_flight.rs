//! What is under way, so that a stop can wait for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Counts guards that are alive.
#[derive(Debug, Default)]
pub struct InFlightCount {
    alive: AtomicUsize,
    none: Notify,
}

/// Something under way; dropping it says that it has ended.
#[derive(Debug)]
pub struct InFlight(Arc<InFlightCount>);

impl InFlightCount {
    /// One more.
    #[must_use]
    pub fn begin(self: &Arc<Self>) -> InFlight {
        self.alive.fetch_add(1, Ordering::AcqRel);
        InFlight(Arc::clone(self))
    }

    /// So many are under way.
    #[must_use]
    pub fn alive(&self) -> usize {
        self.alive.load(Ordering::Relaxed)
    }

    /// Waits until there is none.
    pub async fn idle(&self) {
        loop {
            let none = self.none.notified();
            if self.alive.load(Ordering::Acquire) == 0 {
                return;
            }
            none.await;
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if self.0.alive.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.none.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn is_idle_once_the_last_guard_is_gone() {
        let count = Arc::<InFlightCount>::default();
        let (first, second) = (count.begin(), count.begin());
        let waiting = tokio::spawn({
            let count = Arc::clone(&count);
            async move { count.idle().await }
        });
        drop(first);
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(second);
        waiting.await.unwrap();
    }
}
