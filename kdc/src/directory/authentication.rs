//! Authentication policies and silos: how long an account's TGTs may live, and whether it may only sign in from certain
//! devices ([MS-KILE] 3.3.5.4, 3.3.5.5).
//!
//! An account is in a silo if it is assigned to it and the silo lists it as a member. Then the silo says which policy
//! applies and whether it is enforced; else the policy assigned to the account itself says both. What is not enforced is
//! for auditing, and has no effect here. The functional level is not asked for: where such objects are, they are meant.

use std::collections::BTreeMap;
use std::time::Duration;

use pac::Sid;
use policy::{Account, AccountKind};

use super::attribute_error::{AttributeError, Fault};
use super::dn::{DnKey, embedded_sid, strip_extended};
use super::entry::Entry;

/// Where the objects are, below the Configuration container.
pub const AUTHENTICATION_CONTAINER: &str = "CN=AuthN Policy Configuration,CN=Services";

/// Their classes.
pub const AUTHENTICATION_CLASSES: [&str; 2] = [POLICY, SILO];
const POLICY: &str = "msDS-AuthNPolicy";
const SILO: &str = "msDS-AuthNPolicySilo";

/// What to read of them.
pub const AUTHENTICATION_ATTRIBUTES: &[&str] = &[
    "objectClass",
    "msDS-AuthNPolicyEnforced",
    "msDS-UserTGTLifetime",
    "msDS-UserAllowedToAuthenticateFrom",
    "msDS-ComputerTGTLifetime",
    "msDS-ServiceTGTLifetime",
    "msDS-ServiceAllowedToAuthenticateFrom",
    "msDS-AuthNPolicySiloEnforced",
    "msDS-AuthNPolicySiloMembers",
    "msDS-UserAuthNPolicy",
    "msDS-ComputerAuthNPolicy",
    "msDS-ServiceAuthNPolicy",
];

/// What is assigned to an account, as distinguished names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assigned {
    /// `msDS-AssignedAuthNPolicy`.
    pub policy: Option<Box<str>>,
    /// `msDS-AssignedAuthNPolicySilo`.
    pub silo: Option<Box<str>>,
}

/// What is enforced of an account. By default nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restrictions {
    /// How long its TGTs live and can be renewed at most, from their start.
    pub tgt_lifetime: Option<Duration>,
    /// Whether it may sign in from certain devices only.
    pub demands_device: bool,
}

/// The authentication policy that an account is under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InEffect {
    /// Its distinguished name.
    pub policy: String,
    /// The silo that has it for its members; `None`: it is assigned to the account itself.
    pub silo: Option<String>,
    /// What is enforced; `None`: it is for auditing.
    pub enforced: Option<Restrictions>,
}

/// The policies and silos of the forest, by name. One that cannot be read is there with the reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthenticationPolicies {
    policies: BTreeMap<DnKey, Result<Policy, AuthenticationFault>>,
    silos: BTreeMap<DnKey, Result<Silo, AuthenticationFault>>,
}

/// Why it cannot be told what is enforced of an account. It is refused, lest a restriction be missed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthenticationFault {
    /// The name is nobody's.
    #[error(
        "{dn} is no authentication policy or silo that may be read; let the account that reads the directory read it, \
         or take the assignment off the account"
    )]
    Unknown {
        /// The distinguished name.
        dn: String,
    },
    /// A member of a silo has no SID.
    #[error(
        "{silo}: its member {member} has no SID or may not be read; remove it, or grant the right to read it"
    )]
    Member {
        /// Distinguished name of the silo.
        silo: String,
        /// The value, as the directory wrote it.
        member: String,
    },
    /// An attribute is not what it should be.
    #[error("{0}; correct it, or let the account that reads the directory read it")]
    Unreadable(#[from] AttributeError),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Policy {
    dn: String,
    enforced: bool,
    restrictions: PerKind<Restrictions>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Silo {
    enforced: bool,
    /// Sorted.
    members: Vec<Sid>,
    policies: PerKind<Option<String>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct PerKind<T> {
    user: T,
    computer: T,
    service: T,
}

impl<T> PerKind<T> {
    const fn of(&self, kind: AccountKind) -> &T {
        match kind {
            AccountKind::User => &self.user,
            AccountKind::Computer => &self.computer,
            AccountKind::ServiceAccount => &self.service,
        }
    }
}

impl AuthenticationPolicies {
    /// Reads the policies and silos among these objects, which were read with [`AUTHENTICATION_ATTRIBUTES`]. `resolve`
    /// gives the SID of the object of a distinguished name, for members that do not carry it.
    pub(super) fn of(objects: &[&Entry], resolve: &dyn Fn(&str) -> Option<Sid>) -> Self {
        let of_class = |class| objects.iter().filter(move |entry| entry.is_a(class));
        Self {
            policies: of_class(POLICY)
                .map(|entry| (DnKey::of(entry.dn()), Policy::read(entry).map_err(Into::into)))
                .collect(),
            silos: of_class(SILO).map(|entry| (DnKey::of(entry.dn()), Silo::read(entry, resolve))).collect(),
        }
    }

    /// The policy that an account is under to which this is assigned; `None`: it is under none.
    ///
    /// # Errors
    /// [`AuthenticationFault`] if that depends on a policy or silo that is not known.
    pub fn in_effect(
        &self,
        account: &Account,
        assigned: &Assigned,
    ) -> Result<Option<InEffect>, AuthenticationFault> {
        let silo = match &assigned.silo {
            Some(dn) => Some((dn, find(&self.silos, dn)?)).filter(|(_, silo)| silo.has(&account.object_sid)),
            None => None,
        };
        let policy = match silo {
            Some((_, silo)) => silo.policies.of(account.kind).as_deref(),
            None => assigned.policy.as_deref(),
        };
        let Some(policy) = policy else { return Ok(None) };
        let enforced = self.enforced(policy, account.kind, silo.map(|(_, silo)| silo.enforced))?;
        let name = |dn: &str| strip_extended(dn).to_owned();
        Ok(Some(InEffect { policy: name(policy), silo: silo.map(|(dn, _)| name(dn)), enforced }))
    }

    /// What the policy of this name enforces, as a silo has it or, without one, as it has itself.
    fn enforced(
        &self,
        dn: &str,
        kind: AccountKind,
        by_silo: Option<bool>,
    ) -> Result<Option<Restrictions>, AuthenticationFault> {
        if by_silo == Some(false) {
            return Ok(None);
        }
        let policy = find(&self.policies, dn)?;
        Ok(by_silo.unwrap_or(policy.enforced).then_some(*policy.restrictions.of(kind)))
    }

    /// Names of the policies that keep users out: they demand a device, and something enforces them.
    pub fn keeping_users_out(&self) -> impl Iterator<Item = &str> {
        let silos = || self.silos.values().flatten().filter(|silo| silo.enforced);
        let is_enforced = move |key: &DnKey, policy: &Policy| {
            policy.enforced
                || silos().filter_map(|silo| silo.policies.user.as_ref()).any(|dn| DnKey::of(dn) == *key)
        };
        let readable = self.policies.iter().filter_map(|(key, policy)| Some((key, policy.as_ref().ok()?)));
        readable
            .filter(move |(key, policy)| policy.restrictions.user.demands_device && is_enforced(key, policy))
            .map(|(_, policy)| policy.dn.as_str())
    }

    /// Why some of them cannot be read.
    pub fn faults(&self) -> impl Iterator<Item = &AuthenticationFault> {
        let policies = self.policies.values().filter_map(|policy| policy.as_ref().err());
        policies.chain(self.silos.values().filter_map(|silo| silo.as_ref().err()))
    }
}

fn find<'m, T>(
    objects: &'m BTreeMap<DnKey, Result<T, AuthenticationFault>>,
    dn: &str,
) -> Result<&'m T, AuthenticationFault> {
    match objects.get(&DnKey::of(dn)) {
        Some(Ok(object)) => Ok(object),
        Some(Err(fault)) => Err(fault.clone()),
        None => Err(AuthenticationFault::Unknown { dn: dn.to_owned() }),
    }
}

impl Policy {
    fn read(entry: &Entry) -> Result<Self, AttributeError> {
        let restrictions = |lifetime, from: Option<&str>| {
            Ok::<_, AttributeError>(Restrictions {
                tgt_lifetime: tgt_lifetime(entry, lifetime)?,
                demands_device: from.is_some_and(|from| entry.has(from)),
            })
        };
        Ok(Self {
            dn: entry.dn().to_owned(),
            enforced: entry.optional_boolean("msDS-AuthNPolicyEnforced")?.unwrap_or(false),
            restrictions: PerKind {
                user: restrictions("msDS-UserTGTLifetime", Some("msDS-UserAllowedToAuthenticateFrom"))?,
                computer: restrictions("msDS-ComputerTGTLifetime", None)?,
                service: restrictions(
                    "msDS-ServiceTGTLifetime",
                    Some("msDS-ServiceAllowedToAuthenticateFrom"),
                )?,
            },
        })
    }
}

/// A number of 100 ns; zero is none.
fn tgt_lifetime(entry: &Entry, name: &str) -> Result<Option<Duration>, AttributeError> {
    let Some(lifetime) = entry.optional_integer(name)?.filter(|lifetime| *lifetime != 0) else {
        return Ok(None);
    };
    let lifetime = u64::try_from(lifetime).map_err(|_| entry.error(name, Fault::NotTime))?;
    // Tickets count whole seconds.
    Ok(Some(Duration::from_secs(lifetime / 10_000_000)))
}

impl Silo {
    fn has(&self, sid: &Sid) -> bool {
        self.members.binary_search(sid).is_ok()
    }

    fn read(entry: &Entry, resolve: &dyn Fn(&str) -> Option<Sid>) -> Result<Self, AuthenticationFault> {
        let member = |value: &str| {
            embedded_sid(value).or_else(|| resolve(value)).ok_or_else(|| AuthenticationFault::Member {
                silo: entry.dn().to_owned(),
                member: value.to_owned(),
            })
        };
        let members = entry.texts("msDS-AuthNPolicySiloMembers")?.into_iter().map(member);
        let mut members = members.collect::<Result<Vec<_>, _>>()?;
        members.sort_unstable();
        let policy = |name| Ok::<_, AttributeError>(entry.optional_text(name)?.map(str::to_owned));
        Ok(Self {
            enforced: entry.optional_boolean("msDS-AuthNPolicySiloEnforced")?.unwrap_or(false),
            members,
            policies: PerKind {
                user: policy("msDS-UserAuthNPolicy")?,
                computer: policy("msDS-ComputerAuthNPolicy")?,
                service: policy("msDS-ServiceAuthNPolicy")?,
            },
        })
    }
}

#[cfg(test)]
mod tests;
