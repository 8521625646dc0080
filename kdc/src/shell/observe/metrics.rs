//! What the daemon counts. Handles are taken once; labels come from closed enums, never from the network.

use std::time::Duration;

use metrics::{
    Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge,
    histogram,
};

use super::readiness::CheckName;
use crate::exchange::{Refusal, ReleasedKeys};
use crate::krb::crypto::EncryptionType;
use crate::krb::keys::KeyAge;
use crate::shell::directory::ReadError;
use crate::shell::listen::udp_socket;
use crate::shell::origin::Transport;

/// A metric as the documentation lists it.
pub struct Described {
    /// Its name; the exporter adds nothing.
    pub name: &'static str,
    /// What it is for.
    pub help: &'static str,
    kind: Kind,
}

enum Kind {
    Counter,
    Gauge,
    Histogram(Unit),
}

/// Every metric of ours; a test holds `docs/metrics.md` against it.
pub const ALL: &[Described] = &[
    counts("tgtx_requests_total", "Messages received, by transport"),
    counts(
        "tgtx_exchanges_total",
        "Exchanges concluded, by result: issued, refused, or error where the fault is ours",
    ),
    counts("tgtx_refusals_total", "Requests refused, by reason"),
    counts("tgtx_dropped_total", "Messages not answered at all, by reason"),
    counts("tgtx_retransmits_total", "Requests answered again from memory"),
    counts("tgtx_replays_total", "Authenticators seen in other bytes or from another address"),
    measures("tgtx_replay_entries", "Authenticators remembered"),
    counts(
        "tgtx_replay_overflows_total",
        "Buckets of authenticators forgotten early because the memory was full",
    ),
    counts("tgtx_responses_too_big_total", "Replies over udp-reply-limit: the client was sent to TCP"),
    counts("tgtx_panics_total", "Requests given up because of a defect of ours; the log has each"),
    lasts("tgtx_exchange_duration_seconds", "From the arrival of a request to its answer, by result"),
    Described {
        name: "tgtx_reply_size_bytes",
        help: "TGS-REPs, in octets",
        kind: Kind::Histogram(Unit::Bytes),
    },
    measures("tgtx_tcp_connections", "Open TCP connections"),
    counts("tgtx_tcp_closed_total", "TCP connections that we closed, by reason"),
    counts("tgtx_ldap_searches_total", "Directory reads, by result"),
    measures("tgtx_cached_principals", "Principals remembered"),
    counts("tgtx_keys_released_total", "Long-term keys of users handed out by key lists, by encryption type"),
    counts("tgtx_user_key_reads_total", "Readings of changed keytabs of user keys, by result: ok, failed"),
    measures("tgtx_user_key_accounts", "Accounts whose keys a key list can be answered with"),
    counts("tgtx_relayed_total", "Messages that were to be relayed, by kind and outcome"),
    lasts("tgtx_relay_duration_seconds", "From taking a message to the end of its relaying, by kind"),
    measures("tgtx_relay_upstreams", "Servers that messages are relayed to, by state"),
    measures("tgtx_ready", "Whether a check of /readyz passes, by check"),
    measures(
        "tgtx_krbtgt_versions_behind",
        "How far the oldest krbtgt key is behind its directory; -1 where a directory does not tell",
    ),
    counts("tgtx_discovery_pings_total", "Pings received, by what became of them"),
    counts("tgtx_discovery_request_bytes_total", "Octets of pings that were answered"),
    counts("tgtx_discovery_reply_bytes_total", "Octets of the answers to them"),
    measures("tgtx_build_info", "1, with the version as label"),
];

const fn counts(name: &'static str, help: &'static str) -> Described {
    Described { name, help, kind: Kind::Counter }
}

const fn measures(name: &'static str, help: &'static str) -> Described {
    Described { name, help, kind: Kind::Gauge }
}

const fn lasts(name: &'static str, help: &'static str) -> Described {
    Described { name, help, kind: Kind::Histogram(Unit::Seconds) }
}

/// The result of an exchange that was concluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Issued,
    Refused,
    Error,
}

impl Outcome {
    const ALL: [Self; 3] = [Self::Issued, Self::Refused, Self::Error];

    const fn label(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Refused => "refused",
            Self::Error => "error",
        }
    }

    const fn of(reason: Refusal) -> Self {
        if reason.is_fault() { Self::Error } else { Self::Refused }
    }
}

/// Why a message was not answered, or a connection closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TcpClosed {
    /// No first octet, or no whole frame, in time.
    Slow,
    /// Nothing came after a reply for `idle-timeout`.
    Idle,
    /// The frame was longer than `tcp-request-limit`.
    Oversize,
    /// The message was dropped.
    Malformed,
    /// It was to be relayed and got no answer.
    Unanswered,
    /// The one that had waited longest for a request, because `connections` or the process' descriptors were used up.
    Evicted,
    /// Its address had `connections-per-ip` open already.
    PerAddress,
    /// `connections` was reached and all were at work.
    Full,
}

impl TcpClosed {
    const ALL: [Self; 8] = [
        Self::Slow,
        Self::Idle,
        Self::Oversize,
        Self::Malformed,
        Self::Unanswered,
        Self::Evicted,
        Self::PerAddress,
        Self::Full,
    ];

    const fn label(self) -> &'static str {
        match self {
            Self::Slow => "slow",
            Self::Idle => "idle",
            Self::Oversize => "oversize",
            Self::Malformed => "malformed",
            Self::Unanswered => "unanswered",
            Self::Evicted => "evicted",
            Self::PerAddress => "per_address",
            Self::Full => "full",
        }
    }
}

/// One counter for each value of a closed enum.
pub(in crate::shell) struct PerLabel<L: 'static>(Vec<(L, Counter)>);

impl<L: Copy + PartialEq> PerLabel<L> {
    pub(in crate::shell) fn new(all: &[L], counter: impl Fn(L) -> Counter) -> Self {
        Self(all.iter().map(|label| (*label, counter(*label))).collect())
    }

    pub(in crate::shell) fn increment(&self, label: L) {
        if let Some((_, counter)) = self.0.iter().find(|(known, _)| *known == label) {
            counter.increment(1);
        }
    }
}

/// The handles.
pub struct Metrics {
    requests: PerLabel<Transport>,
    exchanges: PerLabel<Outcome>,
    durations: Vec<(Outcome, Histogram)>,
    refusals: PerLabel<Refusal>,
    dropped_decode: Counter,
    dropped_oversize: Counter,
    dropped_short: Counter,
    dropped_loop: Counter,
    dropped_unsent: Counter,
    retransmits: Counter,
    replays: Counter,
    too_big: Counter,
    replay_entries: Gauge,
    replay_overflows: Counter,
    reply_size: Histogram,
    tcp_connections: Gauge,
    tcp_closed: PerLabel<TcpClosed>,
    cached_principals: Gauge,
    krbtgt_versions_behind: Gauge,
    keys_released: PerLabel<EncryptionType>,
    user_key_reads: PerLabel<bool>,
    user_key_accounts: Gauge,
}

impl Metrics {
    /// Takes every handle from the installed recorder, and describes what stands behind it.
    #[must_use]
    pub fn register() -> Self {
        for metric in ALL {
            match &metric.kind {
                Kind::Counter => describe_counter!(metric.name, metric.help),
                Kind::Gauge => describe_gauge!(metric.name, metric.help),
                Kind::Histogram(unit) => describe_histogram!(metric.name, *unit, metric.help),
            }
        }
        gauge!("tgtx_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1);
        let dropped = |reason: &'static str| counter!("tgtx_dropped_total", "reason" => reason);
        Self {
            requests: PerLabel::new(
                &Transport::ALL,
                |transport| counter!("tgtx_requests_total", "transport" => transport.label()),
            ),
            exchanges: PerLabel::new(
                &Outcome::ALL,
                |outcome| counter!("tgtx_exchanges_total", "result" => outcome.label()),
            ),
            durations: Outcome::ALL
                .into_iter()
                .map(|outcome| {
                    (outcome, histogram!("tgtx_exchange_duration_seconds", "result" => outcome.label()))
                })
                .collect(),
            refusals: PerLabel::new(
                Refusal::ALL,
                |reason| counter!("tgtx_refusals_total", "reason" => reason.label()),
            ),
            dropped_decode: dropped("decode"),
            dropped_oversize: dropped("oversize"),
            dropped_short: dropped("short"),
            dropped_loop: dropped("loop"),
            dropped_unsent: dropped("unsent"),
            retransmits: counter!("tgtx_retransmits_total"),
            replays: counter!("tgtx_replays_total"),
            too_big: counter!("tgtx_responses_too_big_total"),
            replay_entries: gauge!("tgtx_replay_entries"),
            replay_overflows: counter!("tgtx_replay_overflows_total"),
            reply_size: histogram!("tgtx_reply_size_bytes"),
            tcp_connections: gauge!("tgtx_tcp_connections"),
            tcp_closed: PerLabel::new(
                &TcpClosed::ALL,
                |reason| counter!("tgtx_tcp_closed_total", "reason" => reason.label()),
            ),
            cached_principals: gauge!("tgtx_cached_principals"),
            krbtgt_versions_behind: gauge!("tgtx_krbtgt_versions_behind"),
            keys_released: PerLabel::new(
                &EncryptionType::ALL,
                |etype| counter!("tgtx_keys_released_total", "etype" => etype.to_string()),
            ),
            user_key_reads: PerLabel::new(
                &[true, false],
                |ok| counter!("tgtx_user_key_reads_total", "result" => if ok { "ok" } else { "failed" }),
            ),
            user_key_accounts: gauge!("tgtx_user_key_accounts"),
        }
    }

    /// A message arrived.
    pub fn request(&self, transport: Transport) {
        self.requests.increment(transport);
    }

    /// A full TGT went out, in a reply of so many octets.
    pub fn issued(&self, took: Duration, reply_size: usize) {
        self.concluded(Outcome::Issued, took);
        self.reply_size.record(u32::try_from(reply_size).unwrap_or(u32::MAX));
    }

    /// A request was refused.
    pub fn refused(&self, reason: Refusal, took: Duration) {
        self.refusals.increment(reason);
        if reason == Refusal::Replay {
            self.replays.increment(1);
        }
        self.concluded(Outcome::of(reason), took);
    }

    /// A message was not relayed: no exchange, so not counted as one.
    pub fn unrelayed(&self, reason: Refusal) {
        self.refusals.increment(reason);
    }

    fn concluded(&self, outcome: Outcome, took: Duration) {
        self.exchanges.increment(outcome);
        if let Some((_, histogram)) = self.durations.iter().find(|(known, _)| *known == outcome) {
            histogram.record(took);
        }
    }

    /// A message was not Kerberos.
    pub fn dropped_malformed(&self) {
        self.dropped_decode.increment(1);
    }

    /// Datagrams of a batch were dropped unseen.
    pub fn dropped_unseen(&self, dropped: udp_socket::Dropped) {
        self.dropped_short.increment(dropped.short);
        self.dropped_oversize.increment(dropped.oversize);
        self.dropped_loop.increment(dropped.looping);
    }

    /// The kernel did not take so many replies.
    pub fn unsent(&self, replies: usize) {
        self.dropped_unsent.increment(u64::try_from(replies).unwrap_or(u64::MAX));
    }

    /// The state of the replay memory.
    pub fn replay_memory(&self, entries: usize, overflows: u64) {
        self.replay_entries.set(u32::try_from(entries).unwrap_or(u32::MAX));
        self.replay_overflows.absolute(overflows);
    }

    /// A reply was sent again.
    pub fn retransmit(&self) {
        self.retransmits.increment(1);
    }

    /// A reply did not fit a datagram.
    pub fn too_big(&self) {
        self.too_big.increment(1);
    }

    /// So many TCP connections are open.
    pub fn tcp_connections(&self, open: usize) {
        self.tcp_connections.set(u32::try_from(open).unwrap_or(u32::MAX));
    }

    /// We closed a TCP connection.
    pub fn tcp_closed(&self, reason: TcpClosed) {
        self.tcp_closed.increment(reason);
    }

    /// So many principals are remembered.
    pub fn cached_principals(&self, kept: usize) {
        self.cached_principals.set(u32::try_from(kept).unwrap_or(u32::MAX));
    }

    /// Long-term keys of a user went out.
    pub fn keys_released(&self, released: &ReleasedKeys) {
        released.etypes.iter().for_each(|etype| self.keys_released.increment(*etype));
    }

    /// Keytabs of user keys were read again, or could not be.
    pub fn user_keys_read(&self, ok: bool) {
        self.user_key_reads.increment(ok);
    }

    /// Keys of so many accounts can be handed out.
    pub fn user_key_accounts(&self, accounts: usize) {
        self.user_key_accounts.set(u32::try_from(accounts).unwrap_or(u32::MAX));
    }

    /// Whether a check passes in all domains.
    pub fn ready(&self, check: CheckName, passes: bool) {
        gauge!("tgtx_ready", "check" => check.label()).set(if passes { 1.0 } else { 0.0 });
    }

    /// How far the domains' krbtgt keys are behind their directories: the worst of them is told.
    pub fn krbtgt_ages(&self, ages: impl IntoIterator<Item = KeyAge>) {
        let behind: Option<Vec<u32>> = ages.into_iter().map(KeyAge::versions_behind).collect();
        let worst = behind.map(|behind| f64::from(behind.into_iter().max().unwrap_or(0)));
        self.krbtgt_versions_behind.set(worst.unwrap_or(-1.0));
    }
}

/// Counts directory reads; cheap to clone.
#[derive(Clone)]
pub struct LdapSearches {
    ok: Counter,
    unavailable: Counter,
    data: Counter,
}

impl LdapSearches {
    /// Takes the handles from the installed recorder.
    #[must_use]
    pub fn register() -> Self {
        let searches = |result: &'static str| counter!("tgtx_ldap_searches_total", "result" => result);
        Self { ok: searches("ok"), unavailable: searches("unavailable"), data: searches("data") }
    }

    /// An account was read, or found not to be there, or could not be read.
    pub fn count<T>(&self, outcome: &Result<T, ReadError>) {
        match outcome {
            Ok(_) => &self.ok,
            Err(ReadError::Unavailable(_)) => &self.unavailable,
            Err(ReadError::Data { .. }) => &self.data,
        }
        .increment(1);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_documentation_lists_the_same_metrics() {
        let documented: BTreeSet<(&str, &str)> = include_str!("../../../../docs/metrics.md")
            .lines()
            .filter_map(|line| {
                let mut cells = line.strip_prefix("| `")?.split('|').map(str::trim);
                Some((cells.next()?.trim_end_matches('`'), cells.next()?))
            })
            .collect();
        let kind = |metric: &Described| match metric.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram(_) => "histogram",
        };
        assert_eq!(documented, ALL.iter().map(|metric| (metric.name, kind(metric))).collect());
    }
}
