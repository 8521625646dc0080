//! A load generator: fresh requests to a KDC, as fast as it answers or as fast as told, and what came of them.
//!
//! Tickets are made before the clock starts ([`users`]); a request is built when its turn comes, with an authenticator
//! of its own, and never sent twice: a KDC that remembers authenticators has to work for each answer. A [`Plan`] says
//! how many and how fast, [`run`] does it, the [`Tally`] has what came back. [`server`] reads what the KDC's processes
//! used meanwhile.
//!
//! Each thread waits for all of its sockets at once (epoll), so that it takes little from a server on the same machine.
//! Each request in flight has a socket to itself: over UDP, an error names no request, and what comes on a socket of
//! one request belongs to that one.
//!
//! In a closed loop a request follows the answer to the one before, and a slow KDC is asked less. In an open loop
//! ([`Plan::rate`]) requests are due at fixed times whatever the KDC does, and latency counts from when a request was
//! due, so that a pause hurts everyone whom it would have hurt.

mod failure;
mod gap;
pub mod histogram;
mod lane;
mod pace;
pub mod server;
pub mod tally;
pub mod users;
mod worker;

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::thread;
use std::time::Duration;

use crate::client::Credential;
use crate::shell::clock::Clock;
use crate::shell::hardening;

pub use failure::LoadError;
use gap::LastTicket;
pub use tally::Tally;
use worker::Worker;

/// What to ask, and how.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Whom.
    pub kdc: SocketAddr,
    /// From which addresses, taking turns; the route decides where there are none.
    pub sources: Vec<IpAddr>,
    /// Over what.
    pub transport: Transport,
    /// How many requests may be without their answer, at least 1. Each has a socket.
    pub in_flight: usize,
    /// Threads, at least 1, which share the requests in flight.
    pub threads: usize,
    /// How much.
    pub volume: Volume,
    /// Requests a second; a closed loop where absent.
    pub rate: Option<NonZeroU32>,
    /// When a request without answer counts as lost.
    pub timeout: Duration,
    /// Which answers are opened.
    pub verify: Verify,
}

/// Over what requests go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Datagrams. An answer too big for one is counted, not asked for again.
    Udp,
    /// A TCP connection for each request.
    Tcp,
    /// TCP connections that stay, one for each request in flight.
    TcpKept,
}

/// When to stop sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Volume {
    /// After this time.
    For(Duration),
    /// After so many requests.
    Requests(u64),
    /// After one request for each ticket.
    Once,
}

/// Which answers are opened with the session key, and their nonce compared. All are decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verify {
    /// Each.
    All,
    /// Each thread's first, and every [`SAMPLE`]th after it.
    Sample,
}

/// Of how many answers one is opened.
pub const SAMPLE: u64 = 64;

/// Sends what the plan says, with these tickets in turn, and returns when each request has its answer or is lost.
///
/// # Errors
/// [`LoadError`] where nothing can be sent; what goes wrong with single requests is in the tally.
pub fn run(plan: &Plan, credentials: &[Credential]) -> Result<Tally, LoadError> {
    if credentials.is_empty() {
        return Err(LoadError::NoTickets);
    }
    // Each request in flight has a socket; where that is still too few, opening one says so.
    hardening::raise_descriptor_limit().map_err(LoadError::system)?;
    let threads = plan.threads.clamp(1, plan.in_flight.max(1));
    let clock = Clock::start();
    let last_ticket = LastTicket::default();
    let last_ticket = &last_ticket;
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|number| {
                scope
                    .spawn(move || Worker::new(plan, credentials, clock, last_ticket, number, threads)?.run())
            })
            .collect();
        let mut tally = Tally::default();
        for worker in workers {
            tally.merge(worker.join().map_err(|_| LoadError::Thread)??);
        }
        Ok(tally)
    })
}
