//! What a decision may depend on besides the request: the domains served, frozen for one request.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::user_keys::UserKeys;
use crate::directory::DirectoryView;
use crate::krb::keys::DomainKeys;
use crate::krb::messages::{KerberosTime, PrincipalName};

/// Everything a decision may depend on, frozen for one request.
#[derive(Debug, Clone, Copy)]
pub struct Snapshot<'a> {
    /// The time of arrival.
    pub now: Timestamp,
    /// The sender's address, without the port.
    pub source: IpAddr,
    /// The domains served.
    pub domains: &'a Domains,
}

/// A time as KRB-ERROR and Authenticator have it: whole seconds and microseconds (RFC 4120 §5.2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp {
    /// Whole seconds.
    pub seconds: KerberosTime,
    /// 0 to 999,999.
    pub microseconds: u32,
}

impl Timestamp {
    /// How far apart two times are, in either order.
    #[must_use]
    pub fn abs_diff(self, other: Self) -> Duration {
        let (earlier, later) = (self.min(other), self.max(other));
        let seconds = later.seconds.abs_diff(earlier.seconds);
        let more = Duration::from_micros(later.microseconds.into());
        seconds.saturating_add(more).saturating_sub(Duration::from_micros(earlier.microseconds.into()))
    }
}

/// The domains served. Realms never share keys, caches or policy.
#[derive(Debug, Default)]
pub struct Domains(Vec<Arc<Domain>>);

impl Domains {
    /// The list, in the order of the configuration.
    #[must_use]
    pub fn new(domains: Vec<Arc<Domain>>) -> Self {
        Self(domains)
    }

    /// The domain of a realm as somebody wrote it: letter case does not matter ([MS-KILE] 3.3.5.7).
    #[must_use]
    pub fn find(&self, realm: &[u8]) -> Option<&Domain> {
        self.0.iter().map(AsRef::as_ref).find(|domain| domain.is_realm(realm))
    }

    /// All of them, in the order of the configuration.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Domain>> {
        self.0.iter()
    }
}

/// One domain: its keys, its rules and what its directory said last.
#[derive(Debug, Clone)]
pub struct Domain {
    /// The Kerberos realm: the domain's DNS name in upper case.
    pub realm: Arc<str>,
    /// The keys of the domain's krbtgt and of its branches.
    pub keys: Arc<DomainKeys>,
    /// The keys of its users that are released to them. `None`: a key list is not answered.
    pub user_keys: Option<Arc<UserKeys>>,
    /// What the configuration decides.
    pub rules: TicketRules,
    /// The domain's short name, once the directory has told it: it outlasts the directory's absence.
    pub netbios_name: Option<Arc<str>>,
    /// What the directory decides. `None`: never read, or older than `max-stale`; nobody is served.
    pub directory: Option<Arc<DirectoryView>>,
}

impl Domain {
    /// Whether a realm as somebody wrote it is this domain's.
    #[must_use]
    pub fn is_realm(&self, realm: &[u8]) -> bool {
        let own = self.realm.as_bytes();
        // As a rule it is written as it is.
        own == realm || own.eq_ignore_ascii_case(realm)
    }

    /// Whether a name is `krbtgt/REALM` of this domain, in any letter case, the realm as its DNS or its NetBIOS name.
    /// The name-type does not count (RFC 4120 §6.2).
    #[must_use]
    pub fn is_krbtgt(&self, name: &PrincipalName<'_>) -> bool {
        let mut components = name.components();
        let (2, Some(service), Some(instance)) =
            (name.component_count(), components.next(), components.next())
        else {
            return false;
        };
        service.eq_ignore_ascii_case(b"krbtgt") && self.is_called(instance)
    }

    /// Whether a name as somebody wrote it is this domain's DNS or NetBIOS name.
    #[must_use]
    pub fn is_called(&self, name: &[u8]) -> bool {
        let is_netbios_name = |known: &Arc<str>| known.as_bytes().eq_ignore_ascii_case(name);
        self.is_realm(name) || self.netbios_name.as_ref().is_some_and(is_netbios_name)
    }
}

/// What the configuration decides about a domain's tickets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketRules {
    /// MaxTicketAge of the domain's Kerberos policy.
    pub max_lifetime: Duration,
    /// MaxRenewAge of the domain's Kerberos policy.
    pub max_renew: Duration,
    /// MaxClockSkew of the domain's Kerberos policy.
    pub clock_skew: Duration,
    /// Partial TGTs that live longer are refused.
    pub max_partial_lifetime: Option<Duration>,
    /// Whether an authenticator must carry a checksum of the request body.
    pub require_body_checksum: bool,
    /// Whether the addresses in a ticket must hold the sender's.
    pub check_addresses: bool,
    /// Kinds of accounts that may be exchanged beside users.
    pub allowed_kinds: AllowedKinds,
    /// What becomes of a decision.
    pub mode: Mode,
}

/// What becomes of the decisions about a domain's clients.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// They are the answer.
    #[default]
    Live,
    /// They are counted and told, and somebody else answers: no ticket goes out.
    Shadow,
}

/// Kinds of accounts that may be exchanged where the lists allow them. None by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AllowedKinds {
    /// Computers, domain controllers excepted.
    pub computers: bool,
    /// Managed service accounts.
    pub service_accounts: bool,
    /// The built-in Administrator, RID 500.
    pub administrator: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_times_are_as_far_apart_to_the_microsecond_in_either_order() {
        let at = |seconds, microseconds| Timestamp {
            seconds: KerberosTime::from_unix_seconds(seconds).unwrap(),
            microseconds,
        };
        let cases = [
            (at(7, 0), at(7, 0), 0),
            (at(7, 999_999), at(8, 0), 1),
            (at(7, 1), at(8, 0), 999_999),
            (at(-1, 0), at(1, 5), 2_000_005),
            (at(100, 250_000), at(400, 0), 299_750_000),
        ];
        for (one, other, apart) in cases {
            assert_eq!(one.abs_diff(other), Duration::from_micros(apart), "{one:?} and {other:?}");
            assert_eq!(other.abs_diff(one), Duration::from_micros(apart), "{other:?} and {one:?}");
        }
    }
}
