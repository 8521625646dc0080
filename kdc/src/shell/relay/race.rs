//! Asks one upstream after the other until one answers, within the time that a client waits.
//!
//! The next one is asked as soon as one fails, and beside it when it has been silent for a while. Silence alone is not
//! held against an upstream, since a KDC does not answer what it cannot read and anybody can send that: it is when
//! another one has answered the same message. Closing a connection without a word is silence too.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tracing::debug;

use super::attempt::{self, Errand, Fault, Told};
use super::upstreams::Upstreams;
use crate::relay::{Kind, Reply};
use crate::shell::clock::Clock;
use crate::shell::origin::Transport;

/// Upstreams that one message is sent to.
const MOST_ASKED: usize = 8;

/// Upstreams that one message waits for at once, each with a descriptor of its own.
pub(crate) const MOST_AT_ONCE: usize = 3;

/// How long is waited.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// For one upstream before the next is asked too; `None` asks the next only if the first was not reached.
    silence: Option<Duration>,
    /// Altogether.
    patience: Duration,
}

impl Pace {
    /// Over UDP, MIT's library gives each KDC a second and then asks again; over TCP clients wait for ten. A password
    /// change is one server's to make, and takes as long as it takes: two that make it would contradict each other.
    const fn of(kind: Kind, transport: Transport) -> Self {
        const SILENCE: Option<Duration> = Some(Duration::from_millis(600));
        match (kind, transport) {
            (Kind::Kpasswd, _) => Self { silence: None, patience: Duration::from_secs(10) },
            (_, Transport::Udp) => Self { silence: SILENCE, patience: Duration::from_millis(1800) },
            (_, Transport::Tcp) => Self { silence: SILENCE, patience: Duration::from_secs(5) },
        }
    }
}

/// The first answer there is. That an upstream is unavailable is one only if no other has a better.
pub(super) async fn run(errand: Errand, upstreams: &Arc<Upstreams>, clock: Clock) -> Option<(Reply, Bytes)> {
    let pace = Pace::of(errand.kind, errand.transport);
    let queue = upstreams.order(errand.transport, clock.elapsed(), errand.draw);
    let mut race = Race {
        errand: Arc::new(errand),
        upstreams,
        clock,
        pace,
        queue: queue.into_iter(),
        places: MOST_ASKED,
        attempts: JoinSet::new(),
        waiting: Vec::new(),
        closed: Vec::new(),
        next_at: Instant::now(),
        second_best: None,
    };
    race.run().await
}

struct Race<'u> {
    errand: Arc<Errand>,
    upstreams: &'u Arc<Upstreams>,
    clock: Clock,
    pace: Pace,
    queue: std::vec::IntoIter<SocketAddr>,
    /// How many of the queue may still be asked.
    places: usize,
    attempts: JoinSet<(SocketAddr, Told)>,
    /// Who has been asked since when, and has not answered.
    waiting: Vec<(SocketAddr, Instant)>,
    /// Who has closed the connection instead of answering.
    closed: Vec<SocketAddr>,
    /// When the next one is asked, whatever those that were asked do.
    next_at: Instant,
    second_best: Option<Bytes>,
}

impl Race<'_> {
    async fn run(&mut self) -> Option<(Reply, Bytes)> {
        let deadline = sleep_until(later(Instant::now(), self.pace.patience));
        tokio::pin!(deadline);
        self.ask_next();
        while !self.attempts.is_empty() {
            let may_ask =
                self.pace.silence.is_some() && self.attempts.len() < MOST_AT_ONCE && self.has_next();
            tokio::select! {
                Some(done) = self.attempts.join_next() => {
                    // A defect in an attempt is logged by the hook of `panics`; its upstream just does not answer.
                    if let Ok((address, outcome)) = done
                        && let Some(answer) = self.conclude(address, outcome)
                    {
                        return Some(answer);
                    }
                }
                () = sleep_until(self.next_at), if may_ask => self.ask_next(),
                () = &mut deadline => break,
            }
        }
        self.second_best.take().map(|octets| (Reply::Unavailable, octets))
    }

    fn has_next(&self) -> bool {
        self.places > 0 && self.queue.len() > 0
    }

    fn ask_next(&mut self) {
        let Some(address) = self.queue.next().filter(|_| self.places > 0) else { return };
        self.places = self.places.saturating_sub(1);
        let now = Instant::now();
        self.upstreams.asked(address, self.errand.transport, self.clock.elapsed());
        self.waiting.push((address, now));
        self.next_at = later(now, self.pace.silence.unwrap_or_default());
        let (errand, upstreams, clock) = (Arc::clone(&self.errand), Arc::clone(self.upstreams), self.clock);
        self.attempts
            .spawn(async move { (address, attempt::ask(address, &errand, &upstreams, clock).await) });
    }

    /// What one attempt came to; the answer if it is for the client.
    fn conclude(&mut self, address: SocketAddr, outcome: Told) -> Option<(Reply, Bytes)> {
        let Errand { kind, transport, .. } = *self.errand;
        self.waiting.retain(|(waiting, _)| *waiting != address);
        match outcome {
            Ok((Reply::Unavailable, octets)) => {
                self.upstreams.answered(address, transport);
                self.second_best = Some(octets);
                if self.pace.silence.is_some() {
                    self.ask_next();
                }
                None
            }
            Ok(answer) => {
                self.upstreams.answered(address, transport);
                self.blame_the_silent();
                Some(answer)
            }
            Err(fault) => {
                debug!(kind = kind.label(), %address, transport = transport.label(), "not answered: {fault}");
                match fault {
                    Fault::Ours(_) => {}
                    Fault::Closed(_) => self.closed.push(address),
                    Fault::Unreached(_) | Fault::Broken(_) | Fault::Garbage => {
                        self.upstreams.failed(address, transport, self.clock.elapsed(), &fault);
                    }
                }
                if self.pace.silence.is_some() || matches!(fault, Fault::Unreached(_) | Fault::Ours(_)) {
                    self.ask_next();
                }
                None
            }
        }
    }

    /// Another one has answered what these have not, though they had the time.
    fn blame_the_silent(&self) {
        let Some(silence) = self.pace.silence else { return };
        let (now, elapsed, transport) = (Instant::now(), self.clock.elapsed(), self.errand.transport);
        for (address, since) in &self.waiting {
            if now.duration_since(*since) >= silence {
                let why = "it is silent, and another one answers";
                self.upstreams.failed(*address, transport, elapsed, &why);
            }
        }
        for address in &self.closed {
            let why = "it closes the connection, and another one answers";
            self.upstreams.failed(*address, transport, elapsed, &why);
        }
    }
}

fn later(now: Instant, pause: Duration) -> Instant {
    now.checked_add(pause).unwrap_or(now)
}
