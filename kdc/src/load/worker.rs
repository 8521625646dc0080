//! One thread of the generator: sends what is due, reads what comes, gives up what is late.

use std::collections::VecDeque;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

use super::gap::LastTicket;
use super::lane::{Lane, Route};
use super::pace::{Due, Pace};
use super::{LoadError, Plan, SAMPLE, Tally, Verify};
use crate::client::Credential;
use crate::client::request::Exchange;
use crate::shell::clock::Clock;
use crate::shell::entropy;

/// Longer than any answer, over UDP or TCP.
const LONGEST_READ: usize = 1 << 16;

/// How often requests are looked through for late ones; the longest wait.
const SWEEP: Duration = Duration::from_millis(20);
const SWEEP_MILLISECONDS: u8 = 20;

/// The token of the timer's events; lanes are numbered from 0.
const TIMER: u64 = u64::MAX;

/// Events taken at once.
const EVENTS: usize = 256;

pub(super) struct Worker<'c> {
    plan: &'c Plan,
    credentials: &'c [Credential],
    clock: Clock,
    last_ticket: &'c LastTicket,
    pace: Pace,
    epoll: Epoll,
    /// Wakes for a request of an open loop more exactly than the milliseconds of epoll can.
    timer: TimerFd,
    lanes: Vec<Lane>,
    /// What is in flight, by lane.
    sent: Vec<Option<Sent<'c>>>,
    /// Lanes without a request, the longest idle one first: all of them are used, whatever the rate.
    idle: VecDeque<usize>,
    next_sweep: Duration,
    answers: u64,
    scratch: Vec<u8>,
    tally: Tally,
}

/// A request in flight.
struct Sent<'c> {
    request: Exchange<'c>,
    /// When it was sent, or when it should have been.
    since: Duration,
    deadline: Duration,
}

impl<'c> Worker<'c> {
    /// Thread `number` of `threads`.
    pub(super) fn new(
        plan: &'c Plan,
        credentials: &'c [Credential],
        clock: Clock,
        last_ticket: &'c LastTicket,
        number: usize,
        threads: usize,
    ) -> Result<Self, LoadError> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map_err(LoadError::system)?;
        let timer =
            TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_CLOEXEC).map_err(LoadError::system)?;
        epoll.add(&timer, EpollEvent::new(EpollFlags::EPOLLIN, TIMER)).map_err(LoadError::system)?;
        // Lanes of all threads take turns with the sources.
        let mut sources = plan.sources.iter().copied().cycle().skip(number).step_by(threads);
        let lanes: Vec<Lane> = (0_u64..)
            .zip((number..plan.in_flight).step_by(threads))
            .map(|(token, _)| Lane::new(token, sources.next()))
            .collect();
        Ok(Self {
            plan,
            credentials,
            clock,
            last_ticket,
            pace: Pace::new(plan, credentials.len(), number, threads),
            epoll,
            timer,
            sent: lanes.iter().map(|_| None).collect(),
            idle: (0..lanes.len()).collect(),
            lanes,
            next_sweep: SWEEP,
            answers: 0,
            scratch: vec![0; LONGEST_READ],
            tally: Tally::default(),
        })
    }

    pub(super) fn run(mut self) -> Result<Tally, LoadError> {
        let mut events = vec![EpollEvent::empty(); EVENTS];
        while self.start_what_is_due()? {
            let arrived = match self.epoll.wait(&mut events, EpollTimeout::from(SWEEP_MILLISECONDS)) {
                Err(Errno::EINTR) => 0,
                other => other.map_err(LoadError::system)?,
            };
            for event in events.iter().take(arrived) {
                self.take(event)?;
            }
            self.give_up_what_is_late();
        }
        Ok(self.tally)
    }

    /// Sends as many requests as are due and have a lane. False if there is nothing left to send or to wait for.
    fn start_what_is_due(&mut self) -> Result<bool, LoadError> {
        while let Some(&lane) = self.idle.front() {
            let now = self.clock.elapsed();
            match self.pace.take(now) {
                Due::Now { request, since } => {
                    self.idle.pop_front();
                    self.start(lane, request, since)?;
                }
                Due::At(time) => {
                    let wait = TimeSpec::from(time.saturating_sub(now).max(Duration::from_nanos(1)));
                    self.timer
                        .set(Expiration::OneShot(wait), TimerSetTimeFlags::empty())
                        .map_err(LoadError::system)?;
                    return Ok(true);
                }
                Due::Never => return Ok(self.idle.len() < self.lanes.len()),
            }
        }
        Ok(true)
    }

    fn start(&mut self, number: usize, request: u64, since: Option<Duration>) -> Result<(), LoadError> {
        let users = u64::try_from(self.credentials.len()).unwrap_or(u64::MAX);
        let user = usize::try_from(request.checked_rem(users).unwrap_or_default()).unwrap_or_default();
        let (Some(credential), Some(lane)) = (self.credentials.get(user), self.lanes.get_mut(number)) else {
            return Ok(());
        };
        let now = self.clock.now();
        // 31 bits, which every KDC reads.
        let nonce = u32::from_be_bytes(entropy::octets()?) & 0x7fff_ffff;
        let mut request = Exchange::new(credential, now.seconds, nonce, entropy::octets()?);
        request.cusec = now.microseconds;
        let octets = request.encode()?;

        let since = since.unwrap_or_else(|| self.clock.elapsed());
        let route = Route { kdc: self.plan.kdc, transport: self.plan.transport, epoll: &self.epoll };
        lane.open(&route).map_err(|error| LoadError::Open { kdc: self.plan.kdc, error })?;
        // Counted from now on: a request that is sent late is not lost for that.
        let deadline = self.clock.elapsed().saturating_add(self.plan.timeout);
        if let Some(sent) = self.sent.get_mut(number) {
            *sent = Some(Sent { request, since, deadline });
        }
        self.tally.sent(&octets);
        if let Err(error) = lane.send(&route, &octets) {
            self.fail(number, &error);
        }
        Ok(())
    }

    fn take(&mut self, event: &EpollEvent) -> Result<(), LoadError> {
        if event.data() == TIMER {
            return self.timer.wait().map_err(LoadError::system);
        }
        let number = usize::try_from(event.data()).unwrap_or(usize::MAX);
        let Some(lane) = self.lanes.get_mut(number) else { return Ok(()) };
        let route = Route { kdc: self.plan.kdc, transport: self.plan.transport, epoll: &self.epoll };
        if lane.has_unsent() {
            // The rest may still not go, and then nothing has come either; or the connection was refused.
            if let Err(error) = lane.flush(&route) {
                self.fail(number, &error);
            }
            return Ok(());
        }
        match lane.receive(&route, &mut self.scratch) {
            Ok(Some(reply)) => self.judge(number, &reply),
            Ok(None) => {}
            Err(error) => self.fail(number, &error),
        }
        Ok(())
    }

    fn judge(&mut self, number: usize, reply: &[u8]) {
        let now = self.clock.elapsed();
        let Some(sent) = self.sent.get_mut(number).and_then(Option::take) else { return };
        let open = match self.plan.verify {
            Verify::All => true,
            Verify::Sample => self.answers.is_multiple_of(SAMPLE),
        };
        self.answers = self.answers.saturating_add(1);
        let is_ticket = self.tally.answer(reply, &sent.request, now.saturating_sub(sent.since), open);
        let gap = if is_ticket { self.last_ticket.came(now) } else { self.last_ticket.missed(sent.since) };
        self.tally.gap(gap);
        self.tally.elapsed = now;
        self.idle.push_back(number);
    }

    /// The lane's connection ended. Where it had no request, that is no matter.
    fn fail(&mut self, number: usize, error: &std::io::Error) {
        if let Some(lane) = self.lanes.get_mut(number) {
            lane.close();
        }
        if let Some(sent) = self.sent.get_mut(number).and_then(Option::take) {
            self.tally.fail(error);
            self.tally.gap(self.last_ticket.missed(sent.since));
            self.idle.push_back(number);
        }
    }

    fn give_up_what_is_late(&mut self) {
        let now = self.clock.elapsed();
        if now < self.next_sweep {
            return;
        }
        self.next_sweep = now.saturating_add(SWEEP);
        for ((number, sent), lane) in self.sent.iter_mut().enumerate().zip(&mut self.lanes) {
            if let Some(sent) = sent.take_if(|sent| sent.deadline <= now) {
                // Closed, so that its answer cannot be taken for the next one's.
                lane.close();
                self.tally.lost = self.tally.lost.saturating_add(1);
                self.tally.gap(self.last_ticket.missed(sent.since));
                self.idle.push_back(number);
            }
        }
    }
}
