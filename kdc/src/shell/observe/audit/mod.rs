//! Audit: one structured event for each request about somebody, and a sample in the operational log of the rest.
//!
//! Who answers requests moves what is to be told into a bounded queue and goes on; a thread writes it out and waits for
//! the sink (`writer.rs`). Events carry names, SIDs, reasons and addresses; never keys or ticket octets. Their fields
//! are those of `docs/audit.md`.

mod encoder;
mod event;
mod record;
mod schema;
mod sink;
#[cfg(test)]
mod tests;
mod writer;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use metrics::{Counter, counter};
use tokio::sync::watch;
use tracing::{info, warn};

pub use event::Arrival;
pub use sink::Sink;

use self::encoder::Encoder;
use self::event::{Event, Outcome};
use self::record::Recorder;
use self::writer::{State, Writer};
use super::queue::{Bounds, Queue};
use crate::config::OnLoss;
use crate::exchange::{Issued, Refusal, RefusedRequest, Who};
use crate::shell::clock::Clock;
use crate::shell::rate::Rate;

/// Events that wait for the writer: those of more than a second at full load. They gather for as long as nobody would
/// notice, which makes one call of what would be hundreds.
const BOUNDS: Bounds = Bounds { items: 65_536, octets: 32 << 20, gather: Duration::from_millis(10) };

/// Refusals before a ticket opened are anybody's to cause: this many are logged in a second, all are counted.
const ANONYMOUS_LINES_PER_SECOND: u32 = 10;

/// Takes events. Dropping it, or [`Audit::close`], ends the writer once everything is written.
pub struct Audit {
    queue: Arc<Queue<Event>>,
    state: Arc<State>,
    on_loss: OnLoss,
    lost: Counter,
    clock: Clock,
    anonymous: Rate,
    suppressed: AtomicU64,
}

/// Tells when the writer has ended.
#[derive(Debug, Clone)]
pub struct Ended(watch::Receiver<()>);

impl Ended {
    /// Waits for the end of the writer.
    pub async fn wait(mut self) {
        // Nothing is ever sent: the channel ends with the writer.
        while self.0.changed().await.is_ok() {}
    }
}

impl Audit {
    /// Starts the writer. `run` is a number that no other run of the daemon has.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub fn start(sink: Sink, on_loss: OnLoss, run: u64, clock: Clock) -> io::Result<(Self, Ended)> {
        Self::start_bounded(sink, on_loss, BOUNDS, run, clock)
    }

    fn start_bounded(
        sink: Sink,
        on_loss: OnLoss,
        bounds: Bounds,
        run: u64,
        clock: Clock,
    ) -> io::Result<(Self, Ended)> {
        let (queue, state) = (Arc::new(Queue::new(bounds)), Arc::new(State::default()));
        let (ends, ended) = watch::channel(());
        let recorder = Recorder::new(Encoder::new(sink.form()), run);
        let writer = Writer::new(Arc::clone(&queue), Arc::clone(&state), sink, recorder, clock, ends);
        thread::Builder::new().name("tgtx-audit".to_owned()).spawn(move || writer.run())?;
        let audit = Self {
            queue,
            state,
            on_loss,
            lost: counter!("tgtx_audit_lost_total"),
            clock,
            anonymous: Rate::per_second(ANONYMOUS_LINES_PER_SECOND),
            suppressed: AtomicU64::new(0),
        };
        Ok((audit, Ended(ended)))
    }

    /// Whether nobody is to be served, because events cannot be written and `on-loss` is `"refuse"`.
    #[must_use]
    pub fn refuses(&self) -> bool {
        self.on_loss == OnLoss::Refuse && self.state.blocked.load(Ordering::Relaxed)
    }

    /// A full TGT was made, and goes out where this is `Ok`.
    ///
    /// # Errors
    /// The refusal in its place, where there is no room for the event and `on-loss` is `"refuse"`. It has no armour.
    pub fn issued(&self, arrival: Arrival, issued: Issued) -> Result<(), RefusedRequest> {
        match self.push(Event::issued(arrival, issued)) {
            Some(event) if self.on_loss == OnLoss::Refuse => {
                Err(RefusedRequest::from(Refusal::AuditUnavailable).about(event.who))
            }
            homeless => {
                self.count_lost(homeless.as_ref());
                Ok(())
            }
        }
    }

    /// A reply was sent again.
    pub fn retransmitted(&self, arrival: Arrival, who: &Who) {
        let event = Event { arrival, who: who.clone(), outcome: Outcome::Retransmitted };
        self.count_lost(self.push(event).as_ref());
    }

    /// A request was refused.
    pub fn refused(&self, arrival: Arrival, refused: RefusedRequest) {
        match refused.who {
            Some(who) => {
                let event = Event { arrival, who: *who, outcome: Outcome::Refused(refused.why) };
                self.count_lost(self.push(event).as_ref());
            }
            None => self.refused_anonymous(arrival, &refused),
        }
    }

    /// Opens the file anew, which may have been moved away.
    pub fn reopen(&self) {
        self.queue.reopen();
    }

    /// Takes no more events; the writer ends when it has written those it has.
    pub fn close(&self) {
        self.queue.close();
    }

    /// Gives the event back where there is no room for it.
    fn push(&self, event: Event) -> Option<Event> {
        let octets = event.octets();
        self.queue.push(event, octets).err()
    }

    /// Counts an event that found no room, and says so if it is the first of late.
    fn count_lost(&self, homeless: Option<&Event>) {
        let Some(event) = homeless else { return };
        let lost = event.records();
        self.queue.count_lost(lost);
        self.lost.increment(lost);
        self.state.blocked.store(true, Ordering::Relaxed);
        if !self.state.losing.swap(true, Ordering::Relaxed) {
            warn!("audit events are being lost: the sink does not take them as fast as they come");
        }
    }

    fn refused_anonymous(&self, arrival: Arrival, refused: &RefusedRequest) {
        if !self.anonymous.take(self.clock.elapsed()) {
            self.suppressed.fetch_add(1, Ordering::Relaxed);
            return;
        }
        info!(
            outcome = "refused",
            reason = refused.why.reason.label(),
            krb_error = refused.why.reason.code(),
            detail = %refused.why.detail,
            source = %arrival.origin.peer,
            transport = arrival.origin.transport.label(),
            suppressed = self.suppressed.swap(0, Ordering::Relaxed),
            "refused before the ticket opened"
        );
    }
}

impl Drop for Audit {
    fn drop(&mut self) {
        self.close();
    }
}
