//! The thread that writes audit events: takes what has gathered, writes it out and hands it to the sink in one call.
//!
//! What a sink does not take is kept and tried again until it does; meanwhile events gather in the queue up to its
//! bounds, and only what comes then is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use metrics::{Counter, counter};
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{error, info, warn};

use super::event::Event;
use super::record::Recorder;
use super::sink::Sink;
use crate::shell::clock::Clock;
use crate::shell::observe::complaint::Complaint;
use crate::shell::observe::queue::Queue;

/// Octets that go to the sink in one call; an event may go beyond.
const CHUNK: usize = 256 << 10;

/// Events that there is room for at any time: what gathers at full load. Memory of a queue that was full is not kept.
const KEPT: usize = 4_096;

/// How long a sink that has failed is left alone.
const RETRY: Duration = Duration::from_secs(1);

/// Without a loss for so long, the next one is told of anew.
const EPISODE: Duration = Duration::from_secs(10);

/// What the writer and those who ask for events to be written know of each other.
#[derive(Debug, Default)]
pub(super) struct State {
    /// The sink fails, or the queue was full when the writer last looked.
    pub(super) blocked: AtomicBool,
    /// Events have been lost of late, and that was told.
    pub(super) losing: AtomicBool,
}

/// The thread's own.
pub(super) struct Writer {
    queue: Arc<Queue<Event>>,
    state: Arc<State>,
    sink: Sink,
    recorder: Recorder,
    /// Octets of the recorder's that the sink has taken.
    done: usize,
    clock: Clock,
    written: Counter,
    lost: Counter,
    complaint: Complaint,
    /// Lost since the last time there was none to tell of.
    lost_of_late: u64,
    last_loss: Option<Instant>,
    /// Dropped when the thread ends, whatever the reason.
    _ended: watch::Sender<()>,
}

impl Writer {
    pub(super) fn new(
        queue: Arc<Queue<Event>>,
        state: Arc<State>,
        sink: Sink,
        recorder: Recorder,
        clock: Clock,
        ended: watch::Sender<()>,
    ) -> Self {
        Self {
            queue,
            state,
            sink,
            recorder,
            done: 0,
            clock,
            written: counter!("tgtx_audit_events_total"),
            lost: counter!("tgtx_audit_lost_total"),
            complaint: Complaint::default(),
            lost_of_late: 0,
            last_loss: None,
            _ended: ended,
        }
    }

    /// Writes until the queue is closed and empty.
    pub(super) fn run(mut self) {
        let mut batch = Vec::new();
        loop {
            let taken = self.queue.take(&mut batch, self.last_loss.map(|_| EPISODE));
            if taken.orders.reopen {
                self.reopen();
            }
            let mut is_written = true;
            for event in batch.drain(..) {
                self.recorder.event(&event);
                if self.recorder.encoder.octets().len() >= CHUNK {
                    is_written &= self.flush();
                }
            }
            batch.shrink_to(KEPT);
            if taken.lost > 0 {
                self.recorder.lost(taken.lost, self.clock.now());
            }
            is_written &= self.flush();
            if is_written {
                self.state.blocked.store(false, Ordering::Relaxed);
            }
            self.tell_of(taken.lost);
            if taken.orders.closed {
                return;
            }
        }
    }

    /// Hands what was written out to the sink, and waits for it to take it. False where it did not and the daemon stops.
    fn flush(&mut self) -> bool {
        let events = self.recorder.encoder.ends().len();
        while let Err(failure) = self.sink.write(&self.recorder.encoder, &mut self.done) {
            self.state.blocked.store(true, Ordering::Relaxed);
            let sink = self.sink.name();
            let text = format!("audit events cannot be written to {sink}: {failure}");
            if self.complaint.is_due(&text, Instant::now()) {
                error!("{text}");
            }
            let orders = self.queue.pause(RETRY);
            if orders.closed {
                self.give_up();
                return false;
            }
            // A journal that was started anew does not know the old socket; a file stays the one it was.
            if orders.reopen || self.sink.is_journal() {
                self.reopen();
            }
        }
        if self.complaint.is_over() {
            info!("audit events are written to {} again", self.sink.name());
        }
        self.written.increment(u64::try_from(events).unwrap_or(u64::MAX));
        self.done = 0;
        self.recorder.encoder.clear(CHUNK * 2);
        true
    }

    /// The daemon stops, and the sink did not take these.
    fn give_up(&mut self) {
        let done = self.done;
        let lost = self.recorder.encoder.ends().iter().filter(|end| **end > done).count();
        error!(lost, "stopping; audit events are lost that {} did not take", self.sink.name());
        self.lost.increment(u64::try_from(lost).unwrap_or(u64::MAX));
        self.done = 0;
        self.recorder.encoder.clear(0);
    }

    fn reopen(&mut self) {
        match self.sink.reopen() {
            Ok(()) => {
                // An event that the old file has half of is whole in the new one.
                let ends = self.recorder.encoder.ends();
                let done = self.done;
                self.done = ends.iter().copied().take_while(|end| *end <= done).last().unwrap_or(0);
                if !self.sink.is_journal() {
                    info!("writing audit events to {}, opened again", self.sink.name());
                }
            }
            Err(failure) => {
                let text = format!("{} cannot be opened again: {failure}", self.sink.name());
                if self.complaint.is_due(&text, Instant::now()) {
                    error!("{text}");
                }
            }
        }
    }

    /// Says once that losing events has ended, when it has.
    fn tell_of(&mut self, lost: u64) {
        let now = Instant::now();
        if lost > 0 {
            self.lost_of_late = self.lost_of_late.saturating_add(lost);
            self.last_loss = Some(now);
        } else if self.last_loss.is_some_and(|last| now.saturating_duration_since(last) >= EPISODE) {
            warn!(lost = self.lost_of_late, "no more audit events are being lost");
            self.last_loss = None;
            self.lost_of_late = 0;
            self.state.losing.store(false, Ordering::Relaxed);
        }
    }
}
