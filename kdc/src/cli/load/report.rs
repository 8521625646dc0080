//! What a load came to, for people and as JSON.
//!
//! The JSON's shape is versioned: within one `version`, fields are added and none is renamed or removed. Times are in
//! microseconds, sizes in octets.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::krb::error_names::error_name;
use crate::krb::messages::error_code;
use crate::load::server::Usage;
use crate::load::{Plan, SAMPLE, Tally, Transport, Verify};

/// A run and how it was made.
pub(super) struct Run<'a> {
    pub(super) plan: &'a Plan,
    pub(super) users: usize,
    pub(super) warm_up: Option<&'a Tally>,
    pub(super) tally: &'a Tally,
    /// The server's processes and what they used.
    pub(super) server: Option<(&'a [u32], &'a Usage)>,
    pub(super) generator: &'a Usage,
    pub(super) right: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct Report {
    version: u32,
    kdc: String,
    transport: &'static str,
    users: usize,
    in_flight: usize,
    threads: usize,
    /// Requests a second; null for a closed loop.
    rate: Option<u32>,
    /// Which granted answers were opened; the others were decoded.
    verify: &'static str,
    right: bool,
    seconds: f64,
    /// Requests answered, with a ticket or an error.
    exchanges: u64,
    exchanges_per_second: f64,
    answers: Answers,
    /// Null without --warm-up.
    warm_up: Option<Answers>,
    latency_us: Latency,
    /// Between two tickets, or from the last one to a request that got none.
    longest_gap_us: f64,
    octets_sent: u64,
    octets_received: u64,
    /// Null without --pid.
    server: Option<Server>,
    generator: Cost,
}

#[derive(Debug, Serialize)]
struct Answers {
    granted: u64,
    opened: u64,
    /// KRB_ERR_RESPONSE_TOO_BIG, which is not among `denied`: over TCP it would have been a ticket.
    too_big: u64,
    denied: BTreeMap<String, u64>,
    wrong: BTreeMap<String, u64>,
    lost: u64,
    failed: BTreeMap<String, u64>,
}

/// Of answers, from when a request was sent; in an open loop, from when it was due.
#[derive(Debug, Serialize)]
struct Latency {
    p50: f64,
    p90: f64,
    p99: f64,
    p999: f64,
    max: f64,
}

#[derive(Debug, Serialize)]
struct Server {
    pids: Vec<u32>,
    #[serde(flatten)]
    cost: Cost,
    /// Since the processes started.
    peak_memory: u64,
}

/// For each exchange, but for the last.
#[derive(Debug, Serialize)]
struct Cost {
    cpu_us: f64,
    user_us: f64,
    system_us: f64,
    context_switches: f64,
    /// Share of one core in the time of the run.
    cores: f64,
}

impl Report {
    pub(super) fn new(run: &Run<'_>) -> Self {
        let Run { plan, tally, .. } = run;
        let seconds = tally.elapsed.as_secs_f64();
        let quantile = |millionths| microseconds(tally.latencies.quantile(millionths));
        Self {
            version: 1,
            kdc: plan.kdc.to_string(),
            transport: match plan.transport {
                Transport::Udp => "udp",
                Transport::Tcp => "tcp",
                Transport::TcpKept => "tcp-kept",
            },
            users: run.users,
            in_flight: plan.in_flight,
            threads: plan.threads,
            rate: plan.rate.map(Into::into),
            verify: match plan.verify {
                Verify::All => "all",
                Verify::Sample => "sample",
            },
            right: run.right,
            seconds,
            exchanges: tally.answered(),
            exchanges_per_second: per(real(tally.answered()), seconds),
            answers: Answers::new(tally),
            warm_up: run.warm_up.map(Answers::new),
            latency_us: Latency {
                p50: quantile(500_000),
                p90: quantile(900_000),
                p99: quantile(990_000),
                p999: quantile(999_000),
                max: microseconds(tally.latencies.longest()),
            },
            longest_gap_us: microseconds(tally.longest_gap),
            octets_sent: tally.octets_sent,
            octets_received: tally.octets_received,
            server: run.server.map(|(pids, usage)| Server {
                pids: pids.to_vec(),
                cost: Cost::new(usage, tally),
                peak_memory: usage.peak_memory,
            }),
            generator: Cost::new(run.generator, tally),
        }
    }
}

impl Answers {
    fn new(tally: &Tally) -> Self {
        let mut denied = tally.denied.clone();
        let too_big = denied.remove(&error_code::RESPONSE_TOO_BIG).unwrap_or_default();
        let name = |code: i32| error_name(code).map_or_else(|| format!("error {code}"), str::to_owned);
        Self {
            granted: tally.granted,
            opened: tally.opened,
            too_big,
            denied: denied.into_iter().map(|(code, count)| (name(code), count)).collect(),
            wrong: tally.wrong.clone(),
            lost: tally.lost,
            failed: tally.failed.clone(),
        }
    }
}

impl Cost {
    fn new(usage: &Usage, tally: &Tally) -> Self {
        let exchanges = real(tally.answered());
        Self {
            cpu_us: per(microseconds(usage.cpu), exchanges),
            user_us: per(microseconds(usage.user), exchanges),
            system_us: per(microseconds(usage.system), exchanges),
            context_switches: per(real(usage.context_switches), exchanges),
            cores: per(usage.cpu.as_secs_f64(), tally.elapsed.as_secs_f64()),
        }
    }
}

fn microseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

#[expect(clippy::cast_precision_loss, reason = "counts of what happened in minutes fit 52 bits")]
fn real(count: u64) -> f64 {
    count as f64
}

/// Nothing of nothing is nothing: JSON has no number for it.
fn per(what: f64, count: f64) -> f64 {
    if count > 0.0 { what / count } else { 0.0 }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} over {}: {} users, ", self.kdc, self.transport, self.users)?;
        match self.rate {
            Some(rate) => write!(f, "{rate} requests due a second, up to {} in flight", self.in_flight)?,
            None => write!(f, "{} in flight", self.in_flight)?,
        }
        writeln!(f, ", {} threads", self.threads)?;
        if let Some(warm_up) = &self.warm_up {
            writeln!(f, "  warm-up    {warm_up}")?;
        }
        writeln!(f, "  answers    {}", self.answers)?;
        match self.verify {
            "all" => writeln!(f, "             all opened")?,
            _ => writeln!(f, "             {} opened, one of {SAMPLE}; all decoded", self.answers.opened)?,
        }
        writeln!(
            f,
            "  exchanges  {:.0} a second: {} in {:.2} s",
            self.exchanges_per_second, self.exchanges, self.seconds
        )?;
        let Latency { p50, p90, p99, p999, max } = self.latency_us;
        let from = if self.rate.is_some() { "when due" } else { "sending" };
        writeln!(
            f,
            "  latency    p50 {p50:.0} µs, p90 {p90:.0} µs, p99 {p99:.0} µs, p99.9 {p999:.0} µs, max {max:.0} µs, from {from}"
        )?;
        writeln!(f, "             {:.0} µs at most without a ticket", self.longest_gap_us)?;
        writeln!(f, "  octets     {} sent, {} received", self.octets_sent, self.octets_received)?;
        if let Some(server) = &self.server {
            writeln!(f, "  server     {}", server.cost)?;
            writeln!(
                f,
                "             peak memory {} KiB, processes {:?}",
                server.peak_memory / 1024,
                server.pids
            )?;
        }
        writeln!(f, "  generator  {}", self.generator)
    }
}

impl fmt::Display for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} tickets", self.granted)?;
        if self.too_big > 0 {
            write!(f, ", {} too big for a datagram (KRB_ERR_RESPONSE_TOO_BIG)", self.too_big)?;
        }
        for (what, count) in self.denied.iter().chain(&self.wrong).chain(&self.failed) {
            write!(f, ", {count} {what}")?;
        }
        if self.lost > 0 {
            write!(f, ", {} lost", self.lost)?;
        }
        Ok(())
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cpu_us, user_us, system_us, context_switches, cores } = self;
        write!(
            f,
            "{cpu_us:.2} µs CPU an exchange (program {user_us:.2}, kernel {system_us:.2}), \
             {context_switches:.3} context switches, {:.0} % of a core",
            cores * 100.0
        )
    }
}
