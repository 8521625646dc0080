//! Whether the threads that serve sockets make progress.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The progress of one thread, written by it alone: even while it waits for work, odd while it works.
#[derive(Debug, Default)]
pub struct Pulse(AtomicU64);

impl Pulse {
    /// The thread has got work, or has done it and waits for more.
    pub fn turn(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// The thread has gone round once more without ever waiting for long.
    pub fn beat(&self) {
        self.0.fetch_add(2, Ordering::Relaxed);
    }
}

/// Looks at pulses again and again.
#[derive(Debug)]
pub struct Pulses(Vec<(Arc<Pulse>, Option<u64>)>);

impl Pulses {
    /// Of these threads.
    #[must_use]
    pub fn new(pulses: impl IntoIterator<Item = Arc<Pulse>>) -> Self {
        Self(pulses.into_iter().map(|pulse| (pulse, None)).collect())
    }

    /// How many threads are at the very work that they were at when this was asked last.
    pub fn stuck(&mut self) -> usize {
        let mut stuck = 0_usize;
        for (pulse, last) in &mut self.0 {
            let now = pulse.0.load(Ordering::Relaxed);
            if now & 1 == 1 && *last == Some(now) {
                stuck = stuck.saturating_add(1);
            }
            *last = Some(now);
        }
        stuck
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_for_work_is_well_and_who_stays_at_one_piece_of_work_is_not() {
        let pulse = Arc::new(Pulse::default());
        let mut pulses = Pulses::new([Arc::clone(&pulse)]);
        assert_eq!([pulses.stuck(), pulses.stuck()], [0, 0], "at rest");
        pulse.turn();
        assert_eq!([pulses.stuck(), pulses.stuck()], [0, 1], "at work, and still at the same");
        pulse.turn();
        pulse.turn();
        assert_eq!([pulses.stuck(), pulses.stuck()], [0, 1], "at other work");
        pulse.beat();
        assert_eq!(pulses.stuck(), 0, "it goes round");
        pulse.turn();
        assert_eq!([pulses.stuck(), pulses.stuck()], [0, 0]);
    }
}
