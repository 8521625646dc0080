//! What the daemon counts. Handles are taken once; labels come from closed enums, never from the network.

use std::collections::BTreeSet;
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use pac::SignatureType;

use super::authentic::Authentic;
use super::catalogue;
use super::messages::Messages;
use super::per_label::PerLabel;
use super::readiness::CheckName;
use super::state::State;
use crate::directory::Principal;
use crate::exchange::{Refusal, ReleasedKeys, Timestamp, Who};
use crate::krb::crypto::EncryptionType;
use crate::krb::error_names::error_name;
use crate::krb::keys::{KeyAge, Slot};
use crate::shell::directory::ReadError;
use crate::shell::listen::udp_socket;
use crate::shell::origin::{Origin, Transport};
use crate::version::{REVISION, VERSION};

/// The result of an exchange that was concluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Issued,
    Refused,
    Error,
    Shadow,
}

impl Outcome {
    const ALL: [Self; 4] = [Self::Issued, Self::Refused, Self::Error, Self::Shadow];

    const fn label(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Refused => "refused",
            Self::Error => "error",
            Self::Shadow => "shadow",
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

/// The handles.
pub struct Metrics {
    messages: Messages,
    exchanges: PerLabel<Outcome>,
    durations: PerLabel<Outcome, Histogram>,
    refusals: PerLabel<Refusal>,
    krb_errors: PerLabel<i32>,
    authentic: Authentic,
    dropped_decode: Counter,
    dropped_oversize: Counter,
    dropped_short: Counter,
    dropped_loop: Counter,
    dropped_unsent: Counter,
    dropped_repeated: Counter,
    retransmits: Counter,
    replays: Counter,
    too_big: Counter,
    replay_entries: Gauge,
    replay_overflows: Counter,
    tcp_connections: Gauge,
    tcp_closed: PerLabel<TcpClosed>,
    cached_principals: Gauge,
    krbtgt_versions_behind: Gauge,
    branch_versions_behind: Gauge,
    keys_released: PerLabel<EncryptionType>,
    user_key_reads: PerLabel<bool>,
    user_key_accounts: Gauge,
    last_reload: Gauge,
    last_good_reload: Gauge,
    state: State,
}

impl Metrics {
    /// Takes every handle from the installed recorder, and describes what stands behind it.
    #[must_use]
    pub fn register() -> Self {
        catalogue::describe();
        gauge!("tgtx_build_info", "version" => VERSION, "revision" => REVISION).set(1);
        let dropped = |reason: &'static str| counter!("tgtx_dropped_total", "reason" => reason);
        Self {
            messages: Messages::register(),
            exchanges: PerLabel::new(
                &Outcome::ALL,
                |outcome| counter!("tgtx_exchanges_total", "result" => outcome.label()),
            ),
            durations: PerLabel::new(
                &Outcome::ALL,
                |outcome| histogram!("tgtx_exchange_duration_seconds", "result" => outcome.label()),
            ),
            refusals: PerLabel::new(
                Refusal::ALL,
                |reason| counter!("tgtx_refusals_total", "reason" => reason.label()),
            ),
            krb_errors: PerLabel::new(
                &error_codes(),
                |code| counter!("tgtx_krb_errors_total", "code" => error_name(code).unwrap_or("other")),
            ),
            authentic: Authentic::register(),
            dropped_decode: dropped("decode"),
            dropped_oversize: dropped("oversize"),
            dropped_short: dropped("short"),
            dropped_loop: dropped("loop"),
            dropped_unsent: dropped("unsent"),
            dropped_repeated: dropped("repeated"),
            retransmits: counter!("tgtx_retransmits_total"),
            replays: counter!("tgtx_replays_total"),
            too_big: counter!("tgtx_responses_too_big_total"),
            replay_entries: gauge!("tgtx_replay_entries"),
            replay_overflows: counter!("tgtx_replay_overflows_total"),
            tcp_connections: gauge!("tgtx_tcp_connections"),
            tcp_closed: PerLabel::new(
                &TcpClosed::ALL,
                |reason| counter!("tgtx_tcp_closed_total", "reason" => reason.label()),
            ),
            cached_principals: gauge!("tgtx_cached_principals"),
            krbtgt_versions_behind: gauge!("tgtx_krbtgt_versions_behind"),
            branch_versions_behind: gauge!("tgtx_branch_versions_behind"),
            keys_released: PerLabel::new(
                &EncryptionType::ALL,
                |etype| counter!("tgtx_keys_released_total", "etype" => etype.to_string()),
            ),
            user_key_reads: PerLabel::new(
                &[true, false],
                |ok| counter!("tgtx_user_key_reads_total", "result" => if ok { "ok" } else { "failed" }),
            ),
            user_key_accounts: gauge!("tgtx_user_key_accounts"),
            last_reload: gauge!("tgtx_config_last_reload_successful"),
            last_good_reload: gauge!("tgtx_config_last_reload_success_timestamp_seconds"),
            state: State::default(),
        }
    }

    /// What is told of as it is just now.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// A message arrived; of one that is too long to be read, no octets.
    pub fn request(&self, origin: Origin, octets: &[u8]) {
        self.messages.request(origin, octets);
    }

    /// A request of this client came that is none of before, whatever is decided about it.
    pub fn authentic(&self, who: &Who) {
        self.authentic.request(who);
    }

    /// A request of so many octets was answered with a TGS-REP of so many.
    pub fn exchanged(&self, transport: Transport, request: usize, reply: usize) {
        self.messages.exchanged(transport, request, reply);
    }

    /// A full TGT went out under this version of krbtgt's key, and with it these keys.
    pub fn issued(&self, took: Duration, slot: Slot, released: Option<&ReleasedKeys>) {
        self.concluded(Outcome::Issued, took);
        self.authentic.issued(slot);
        if let Some(released) = released {
            self.keys_released(released);
        }
    }

    /// A full TGT would have gone out, had the domain not been in shadow mode.
    pub fn would_issue(&self, took: Duration) {
        self.concluded(Outcome::Shadow, took);
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

    /// A refusal was answered with a KRB-ERROR of this code.
    pub fn krb_error(&self, code: i32) {
        self.krb_errors.increment(code);
    }

    fn concluded(&self, outcome: Outcome, took: Duration) {
        self.exchanges.increment(outcome);
        self.durations.record(outcome, took);
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

    /// A datagram came again while its first copy waits for the directory, and is answered with it.
    pub fn dropped_repeated(&self) {
        self.dropped_repeated.increment(1);
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
    fn keys_released(&self, released: &ReleasedKeys) {
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

    /// A reload, or the start, was one, or everything stays as it was.
    pub fn reloaded(&self, ok: bool, at: Timestamp) {
        self.last_reload.set(if ok { 1.0 } else { 0.0 });
        if ok {
            // Exact for as long as seconds have fewer than 53 bits.
            #[expect(clippy::cast_precision_loss, reason = "a time of this age of the world")]
            self.last_good_reload.set(at.seconds.unix_seconds() as f64);
        }
    }

    /// Whether a check passes in all domains.
    pub fn ready(&self, check: CheckName, passes: bool) {
        gauge!("tgtx_ready", "check" => check.label()).set(if passes { 1.0 } else { 0.0 });
    }

    /// How far the domains' krbtgt keys are behind their directories: the worst of them is told.
    pub fn krbtgt_ages(&self, ages: impl IntoIterator<Item = KeyAge>) {
        self.krbtgt_versions_behind.set(worst(ages.into_iter().map(KeyAge::versions_behind)));
    }

    /// The same of the keys of branches.
    pub fn branch_ages(&self, ages: impl IntoIterator<Item = Option<u16>>) {
        self.branch_versions_behind.set(worst(ages.into_iter().map(|behind| behind.map(u32::from))));
    }
}

/// What refusals can be answered with, each code once.
fn error_codes() -> Vec<i32> {
    let codes: BTreeSet<i32> = Refusal::ALL.iter().map(|reason| reason.code()).collect();
    codes.into_iter().collect()
}

/// The most versions that a key is behind, -1 where that of one is not known.
fn worst(behind: impl Iterator<Item = Option<u32>>) -> f64 {
    let known: Option<Vec<u32>> = behind.collect();
    known.map_or(-1.0, |behind| f64::from(behind.into_iter().max().unwrap_or(0)))
}

/// How many datagrams wait for the directory.
pub fn waiting_datagrams() -> Gauge {
    gauge!("tgtx_waiting_datagrams")
}

/// Counts directory reads; cheap to clone.
#[derive(Clone)]
pub struct LdapSearches {
    ok: Counter,
    unavailable: Counter,
    data: Counter,
    took: Histogram,
    pac_size: Histogram,
    pac_groups: Histogram,
    groups_evaluated: Histogram,
}

impl LdapSearches {
    /// Takes the handles from the installed recorder.
    #[must_use]
    pub fn register() -> Self {
        let searches = |result: &'static str| counter!("tgtx_ldap_searches_total", "result" => result);
        Self {
            ok: searches("ok"),
            unavailable: searches("unavailable"),
            data: searches("data"),
            took: histogram!("tgtx_ldap_search_duration_seconds"),
            pac_size: histogram!("tgtx_pac_size_bytes"),
            pac_groups: histogram!("tgtx_pac_groups"),
            groups_evaluated: histogram!("tgtx_policy_groups_evaluated"),
        }
    }

    /// An account was read, or found not to be there, or could not be read, in this time.
    pub fn count<T>(&self, outcome: &Result<T, ReadError>, took: Duration) {
        self.took.record(took);
        match outcome {
            Ok(_) => &self.ok,
            Err(ReadError::Unavailable(_)) => &self.unavailable,
            Err(ReadError::Data { .. }) => &self.data,
        }
        .increment(1);
    }

    /// What the tickets of an account that was read will hold, and what policy will look through. Told here, so that no
    /// request pays for it whose account is at hand.
    pub fn account(&self, principal: &Principal) {
        let pac = &principal.pac;
        let octets = pac.composed_len(&principal.sam_account_name, SignatureType::HmacSha1Aes256);
        self.pac_size.record(u32::try_from(octets).unwrap_or(u32::MAX));
        self.pac_groups.record(pac.groups());
        // The account's own SID is among them.
        let groups = principal.account.sids.len().saturating_sub(1);
        self.groups_evaluated.record(u32::try_from(groups).unwrap_or(u32::MAX));
    }
}
