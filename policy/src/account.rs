//! An account as policy sees it: who it is, which groups it is in, and the attributes that can refuse it.

use pac::{FileTime, Sid};

use crate::replication::first_on;
use crate::{LogonHours, SidSet};

/// The bits of `userAccountControl` and `msDS-User-Account-Control-Computed` ([MS-ADTS] 2.2.16) that decide
/// here.
pub mod flags {
    /// The account is disabled.
    pub const ACCOUNT_DISABLE: u32 = 0x0000_0002;
    /// The account is locked out (computed).
    pub const LOCKOUT: u32 = 0x0000_0010;
    /// A local account of a user whose home is another domain.
    pub const TEMP_DUPLICATE_ACCOUNT: u32 = 0x0000_0100;
    /// The account of a trust with another domain.
    pub const INTERDOMAIN_TRUST_ACCOUNT: u32 = 0x0000_0800;
    /// A computer.
    pub const WORKSTATION_TRUST_ACCOUNT: u32 = 0x0000_1000;
    /// A writable domain controller.
    pub const SERVER_TRUST_ACCOUNT: u32 = 0x0000_2000;
    /// Whoever signs in to it leaves it their TGT: unconstrained delegation.
    pub const TRUSTED_FOR_DELEGATION: u32 = 0x0008_0000;
    /// Never to be forwarded: "account is sensitive and cannot be delegated".
    pub const NOT_DELEGATED: u32 = 0x0010_0000;
    /// The password has expired (computed).
    pub const PASSWORD_EXPIRED: u32 = 0x0080_0000;
    /// A read-only domain controller, Entra's computer object among them.
    pub const PARTIAL_SECRETS_ACCOUNT: u32 = 0x0400_0000;
}

/// Relative identifier of the group Protected Users ([MS-DTYP] 2.4.2.4).
const PROTECTED_USERS: u32 = 525;

/// What decides whether an account may be exchanged, apart from the policy of the branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// `objectSid`.
    pub object_sid: Sid,
    /// `objectSid` and `tokenGroups`: all groups, nested, domain-local and BUILTIN ones included.
    pub sids: SidSet,
    /// `sIDHistory`: who the account was in other domains. It can deny, and never allows.
    pub former_sids: Vec<Sid>,
    /// `userAccountControl` with the bits of `msDS-User-Account-Control-Computed` added; see [`flags`].
    pub user_account_control: u32,
    /// What the object classes say this is.
    pub kind: AccountKind,
    /// `msDS-SecondaryKrbTgtNumber`, which only the krbtgt account of a branch has.
    pub krbtgt_number: Option<u32>,
    /// `accountExpires`; zero and [`FileTime::NEVER`] both mean never.
    pub account_expires: FileTime,
    /// `logonHours`; absent means at all hours.
    pub logon_hours: Option<LogonHours>,
    /// `msDS-UserPasswordExpiryTimeComputed`; zero means that the password must be changed at the next logon.
    pub password_expires: FileTime,
}

/// What an account is by its object classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountKind {
    /// A person, or anything else that is none of the following.
    User,
    /// Class `computer`.
    Computer,
    /// A group, standalone or delegated managed service account (gMSA, sMSA, dMSA).
    ServiceAccount,
}

impl Account {
    /// Whether the account is in the group Protected Users of `domain`.
    #[must_use]
    pub fn is_protected_user(&self, domain: &Sid) -> bool {
        domain.with_rid(PROTECTED_USERS).is_some_and(|group| self.sids.contains(&group))
    }

    /// Whether the account's tickets must never be forwardable or proxiable on its own account.
    #[must_use]
    pub fn is_not_delegated(&self) -> bool {
        self.has(flags::NOT_DELEGATED)
    }

    /// The SID that puts the account on a sorted list: its own, else the first of its groups.
    pub(crate) fn listed_on(&self, list: &[Sid]) -> Option<Sid> {
        list.binary_search(&self.object_sid)
            .map_or_else(|_| self.sids.first_on(list), |_| Some(self.object_sid))
    }

    /// The same of a list of denials. Former SIDs are looked for too, because nothing else says whom the account still
    /// counts as elsewhere.
    pub(crate) fn denied_on(&self, list: &[Sid]) -> Option<Sid> {
        self.listed_on(list).or_else(|| first_on(list, &self.former_sids))
    }

    pub(crate) fn has(&self, flag: u32) -> bool {
        self.user_account_control & flag != 0
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn sid(text: &str) -> Sid {
        text.parse().expect("a SID")
    }

    /// An enabled user of the domain S-1-5-21-1-2-3 who has never been restricted.
    pub(crate) fn alice() -> Account {
        Account {
            object_sid: sid("S-1-5-21-1-2-3-1104"),
            sids: ["S-1-5-21-1-2-3-1104", "S-1-5-21-1-2-3-513"].map(sid).into_iter().collect(),
            former_sids: vec![],
            user_account_control: 0x200,
            kind: AccountKind::User,
            krbtgt_number: None,
            account_expires: FileTime::NEVER,
            logon_hours: None,
            password_expires: FileTime::NEVER,
        }
    }

    #[test]
    fn protected_users_are_those_of_the_own_domain() {
        let domain = sid("S-1-5-21-1-2-3");
        let cases = [("S-1-5-21-1-2-3-525", true), ("S-1-5-21-9-9-9-525", false), ("S-1-5-32-525", false)];
        for (group, expected) in cases {
            let mut account = alice();
            account.sids = account.sids.iter().chain([sid(group)]).collect();
            assert_eq!(account.is_protected_user(&domain), expected, "{group}");
        }
        assert!(!alice().is_protected_user(&domain));
    }

    #[test]
    fn not_delegated_is_the_bit_of_that_name() {
        assert!(!alice().is_not_delegated());
        let account = Account { user_account_control: 0x0010_0200, ..alice() };
        assert!(account.is_not_delegated());
    }
}
