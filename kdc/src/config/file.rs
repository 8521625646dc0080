//! What may be written in a configuration file: its sections, keys, value types and defaults.
//!
//! Sections whose keys do not depend on each other are used by [`Config`](super::Config) as they are; each value
//! is checked by its own type while it is read, so that a fault carries its line.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

use serde::Deserialize;

use super::audit::Audit;
use super::control::Control;
use super::default_kerberos_addresses;
use super::host_port::HostPort;
use super::ldap::LdapFile;
use super::values::{self, ClockSkew, DirectoryText, FilePath, KeyType, NetbiosName, Realm};
use crate::directory::{DenyGroup, Subnet};
use crate::discovery::DsFlags;
use crate::exchange::Mode;
use crate::krb::crypto::EncryptionType;

/// A whole configuration.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ConfigFile {
    #[serde(default)]
    pub(super) listen: Listen,
    #[serde(default)]
    pub(super) limits: Limits,
    #[serde(default)]
    pub(super) replay: Replay,
    #[serde(default)]
    pub(super) audit: Audit,
    #[serde(default)]
    pub(super) log: Log,
    #[serde(default)]
    pub(super) control: Control,
    #[serde(default)]
    pub(super) domain: Vec<DomainFile>,
}

/// `[listen]`: sockets, and what is accepted on them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Listen {
    /// Addresses for UDP and TCP; IPv6 sockets take IPv6 only.
    pub kerberos: Vec<SocketAddr>,
    /// Addresses for pings, UDP; none where empty.
    pub cldap: Vec<SocketAddr>,
    /// Likewise for password changes, which are relayed; none where empty.
    pub kpasswd: Vec<SocketAddr>,
    /// `/metrics`, `/healthz` and `/readyz`.
    pub metrics: SocketAddr,
    /// Octets; a larger reply becomes KRB_ERR_RESPONSE_TOO_BIG.
    #[serde(deserialize_with = "values::udp_size")]
    pub udp_reply_limit: usize,
    /// Octets; a larger datagram is dropped.
    #[serde(deserialize_with = "values::udp_size")]
    pub udp_request_limit: usize,
    /// Octets; a larger frame gets KRB_ERR_FIELD_TOOLONG and the connection is closed.
    #[serde(deserialize_with = "values::tcp_size")]
    pub tcp_request_limit: usize,
    /// From accept to the first octet of a connection.
    #[serde(deserialize_with = "values::positive_duration")]
    pub first_octet_timeout: Duration,
    /// From the first to the last octet of one request.
    #[serde(deserialize_with = "values::positive_duration")]
    pub frame_timeout: Duration,
    /// From a reply to the next request.
    #[serde(deserialize_with = "values::positive_duration")]
    pub idle_timeout: Duration,
    /// How long a daemon that is being drained still serves Kerberos.
    #[serde(deserialize_with = "values::duration")]
    pub drain_grace: Duration,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            kerberos: default_kerberos_addresses(),
            cldap: Vec::new(),
            kpasswd: Vec::new(),
            metrics: (std::net::Ipv4Addr::LOCALHOST, 9188).into(),
            udp_reply_limit: 1465,
            udp_request_limit: 16_384,
            tcp_request_limit: 128 << 10,
            first_octet_timeout: Duration::from_secs(4),
            frame_timeout: Duration::from_secs(4),
            idle_timeout: Duration::from_secs(30),
            drain_grace: Duration::from_secs(600),
        }
    }
}

/// `[limits]`; in the file 0 means no limit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Limits {
    /// Open TCP connections; beyond, the one goes that has waited longest for a whole request.
    #[serde(deserialize_with = "values::limit")]
    pub connections: Option<NonZeroUsize>,
    /// Open TCP connections of one address.
    #[serde(deserialize_with = "values::limit")]
    pub connections_per_ip: Option<NonZeroUsize>,
    /// Pings of one address, or one IPv6 network of 64 bits, that are answered in a second.
    #[serde(deserialize_with = "values::limit")]
    pub pings_per_source: Option<NonZeroUsize>,
    /// Messages that are being relayed at once; beyond, KDC_ERR_SVC_UNAVAILABLE.
    #[serde(deserialize_with = "values::limit")]
    pub relays_in_flight: Option<NonZeroUsize>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: NonZeroUsize::new(20_000),
            connections_per_ip: NonZeroUsize::new(1_000),
            pings_per_source: NonZeroUsize::new(20),
            relays_in_flight: NonZeroUsize::new(1_024),
        }
    }
}

/// `[replay]`: bounds of the replay and retransmit memory, which all sockets and domains share.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Replay {
    /// Authenticators remembered at most.
    pub entries: NonZeroUsize,
    /// How long a reply is kept for retransmits; zero keeps none.
    #[serde(deserialize_with = "values::duration")]
    pub reply_time: Duration,
    /// Octets of kept replies.
    #[serde(deserialize_with = "values::size")]
    pub reply_memory: usize,
}

impl Default for Replay {
    fn default() -> Self {
        Self {
            entries: NonZeroUsize::MIN.saturating_add(4_194_303),
            reply_time: Duration::from_secs(10),
            reply_memory: 16 << 20,
        }
    }
}

/// `[log]`: the operational log on standard error.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Log {
    /// The least severe events that are written.
    pub level: LogLevel,
    /// Their form.
    pub format: LogFormat,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names of the levels say it all")]
pub enum LogLevel {
    Error,
    Warn,
    #[default]
    Info,
    Debug,
    Trace,
}

/// The form of a log line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// Text at a terminal, else JSON.
    #[default]
    Auto,
    /// One JSON object per line.
    Json,
    /// For people.
    Text,
}

/// `[[domain]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct DomainFile {
    pub(super) realm: Realm,
    pub(super) keytabs: Vec<FilePath>,
    #[serde(default)]
    pub(super) directory: DirectoryText,
    #[serde(default, with = "ModeText")]
    pub(super) mode: Mode,
    #[serde(default = "yes")]
    pub(super) require_body_checksum: bool,
    pub(super) logon_server: Option<NetbiosName>,
    pub(super) ldap: Option<LdapFile>,
    #[serde(default)]
    pub(super) cache: Cache,
    #[serde(default)]
    pub(super) tickets: Tickets,
    #[serde(default)]
    pub(super) policy: PolicyRules,
    #[serde(default)]
    pub(super) key_list: KeyListFile,
    #[serde(default)]
    pub(super) relay: Relay,
    #[serde(default)]
    pub(super) discovery: Discovery,
}

#[derive(Deserialize)]
#[serde(remote = "Mode", rename_all = "kebab-case")]
enum ModeText {
    Live,
    Shadow,
}

/// `[domain.cache]`: how long what was read from the directory is believed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Cache {
    /// Of principals; zero reads each one anew.
    #[serde(deserialize_with = "values::duration")]
    pub ttl: Duration,
    /// How often policy lists and branch objects are looked at for changes.
    #[serde(deserialize_with = "values::positive_duration")]
    pub poll: Duration,
    /// The age of lists and branch objects beyond which nobody is served.
    #[serde(deserialize_with = "values::positive_duration")]
    pub max_stale: Duration,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            ttl: Duration::from_secs(30),
            poll: Duration::from_secs(5),
            max_stale: Duration::from_secs(60),
        }
    }
}

/// `[domain.tickets]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Tickets {
    /// Of a full TGT, from its start.
    #[serde(deserialize_with = "values::positive_duration")]
    pub max_lifetime: Duration,
    /// How long it can be renewed, from its start; zero issues no renewable ones.
    #[serde(deserialize_with = "values::duration")]
    pub max_renew: Duration,
    /// How far a client's clock may be from ours.
    pub clock_skew: ClockSkew,
    /// A partial TGT that lives longer is refused; without a value there is no bound.
    #[serde(deserialize_with = "values::some_positive_duration")]
    pub max_partial_lifetime: Option<Duration>,
    /// Whether the ticket's addresses are compared with where the request came from.
    pub check_addresses: bool,
    /// Whether tickets, session keys, subkeys and PAC signatures may be of RC4.
    pub allow_rc4: bool,
}

impl Default for Tickets {
    fn default() -> Self {
        Self {
            max_lifetime: Duration::from_secs(10 * 60 * 60),
            max_renew: Duration::from_secs(7 * 24 * 60 * 60),
            clock_skew: ClockSkew::default(),
            max_partial_lifetime: None,
            check_addresses: false,
            allow_rc4: false,
        }
    }
}

/// `[domain.policy]`: who may be served at all, where the directory's two lists allow it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct PolicyRules {
    /// Groups or accounts that are denied, with everybody in them.
    #[serde(deserialize_with = "values::deny_groups")]
    pub deny_groups: Vec<DenyGroup>,
    /// Whether whoever holds replication rights on the domain's head is denied.
    pub deny_replicators: bool,
    /// Computer accounts.
    pub allow_computers: bool,
    /// Group-managed, standalone and delegated managed service accounts.
    pub allow_service_accounts: bool,
    /// The domain's built-in administrator, RID 500.
    pub allow_administrator: bool,
    /// Whether the user's sIDHistory goes into the PAC.
    pub sid_history: bool,
}

/// `[domain.key-list]`
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct KeyListFile {
    pub(super) enabled: bool,
    pub(super) keytabs: Vec<FilePath>,
    pub(super) etypes: Vec<KeyType>,
}

impl Default for KeyListFile {
    fn default() -> Self {
        // What Windows answers, whatever is asked for.
        Self { enabled: false, keytabs: Vec::new(), etypes: vec![KeyType(EncryptionType::Rc4Hmac)] }
    }
}

/// `[domain.discovery]`: how pings about the domain are answered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Discovery {
    /// This host's name without a domain, in upper case, where it is not to be what the host calls itself.
    #[serde(deserialize_with = "values::host")]
    pub host: Option<String>,
    /// Our site, where the directory's subnets are not to tell it.
    #[serde(deserialize_with = "values::site")]
    pub site: Option<String>,
    /// Subnets of that site, where the directory has none.
    #[serde(deserialize_with = "values::subnets")]
    pub subnets: Vec<Subnet>,
    /// Flags to claim beside those that are true of every such daemon.
    #[serde(deserialize_with = "values::ds_flags")]
    pub flags: DsFlags,
    /// Whether the account that a ping names is looked up.
    pub user_lookup: bool,
    /// The server that answers instead of us; only KEY_LIST is added.
    pub upstream: Option<SocketAddr>,
}

/// `[domain.relay]`: who answers what is no exchange.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Relay {
    /// KDCs, in the order they are tried.
    #[serde(deserialize_with = "values::kdcs")]
    pub kdcs: Vec<HostPort>,
    /// Whether they are found by DNS SRV instead.
    pub srv: bool,
    /// Servers for password changes, in the order they are tried.
    #[serde(deserialize_with = "values::kpasswd_servers")]
    pub kpasswd: Vec<HostPort>,
}

fn yes() -> bool {
    true
}
