//! Accounts that are never exchanged, or only where the operator says so, whatever the lists of the branch
//! hold.
//!
//! The lists are administrator-owned and can be wrong; these accounts carry a domain or are no persons, and
//! Entra has no business vouching for them. Step 2 of [MS-DRSR] 4.1.10.5.14 is among them.

use pac::Sid;

use crate::{Account, AccountKind, flags};

const ADMINISTRATOR: u32 = 500;
const GUEST: u32 = 501;
const KRBTGT: u32 = 502;
const DEFAULT_ACCOUNT: u32 = 503;

/// What the operator allows beyond users, and the domain that accounts must be of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// `objectSid` of the domain that is served.
    pub domain: Sid,
    /// Computer accounts may be exchanged where the lists allow them. Domain controllers may not.
    pub allow_computers: bool,
    /// Managed service accounts may be exchanged where the lists allow them.
    pub allow_service_accounts: bool,
    /// The built-in Administrator may be exchanged where the lists allow it.
    pub allow_administrator: bool,
}

impl Rules {
    /// Only users of `domain`, and not its built-in Administrator: the default.
    #[must_use]
    pub fn users_of(domain: Sid) -> Self {
        Self { domain, allow_computers: false, allow_service_accounts: false, allow_administrator: false }
    }
}

/// Why an account is refused whatever the lists say.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HardDenial {
    /// Its SID is not of the domain that is served.
    ForeignDomain,
    /// The domain's krbtgt, RID 502.
    Krbtgt,
    /// The krbtgt account of a branch: it has `msDS-SecondaryKrbTgtNumber`.
    BranchKrbtgt,
    /// A writable domain controller.
    DomainController,
    /// A read-only domain controller, the branch's own computer object among them.
    ReadOnlyDomainController,
    /// The account of a trust with another domain.
    InterdomainTrust,
    /// A temporary duplicate account.
    TemporaryDuplicate,
    /// Guest, RID 501.
    Guest,
    /// DefaultAccount, RID 503.
    DefaultAccount,
    /// The built-in Administrator, RID 500, which the operator has not allowed.
    Administrator,
    /// A managed service account, which the operator has not allowed.
    ServiceAccount,
    /// A computer account, which the operator has not allowed.
    Computer,
}

impl Account {
    /// Whether accounts like this one are exchanged at all.
    ///
    /// # Errors
    /// [`HardDenial`] names the first rule that forbids it.
    pub fn admissible(&self, rules: &Rules) -> Result<(), HardDenial> {
        match self.denial(rules) {
            Some(denial) => Err(denial),
            None => Ok(()),
        }
    }

    fn denial(&self, rules: &Rules) -> Option<HardDenial> {
        if !self.object_sid.is_in_domain(&rules.domain) {
            return Some(HardDenial::ForeignDomain);
        }
        let by_rid = match self.object_sid.rid() {
            Some(KRBTGT) => Some(HardDenial::Krbtgt),
            Some(GUEST) => Some(HardDenial::Guest),
            Some(DEFAULT_ACCOUNT) => Some(HardDenial::DefaultAccount),
            Some(ADMINISTRATOR) if !rules.allow_administrator => Some(HardDenial::Administrator),
            _ => None,
        };
        by_rid.or_else(|| self.denial_by_role()).or_else(|| self.denial_by_kind(rules))
    }

    /// Accounts that carry the domain or a trust: no rule lifts this.
    fn denial_by_role(&self) -> Option<HardDenial> {
        const ROLES: [(u32, HardDenial); 4] = [
            (flags::SERVER_TRUST_ACCOUNT, HardDenial::DomainController),
            (flags::PARTIAL_SECRETS_ACCOUNT, HardDenial::ReadOnlyDomainController),
            (flags::INTERDOMAIN_TRUST_ACCOUNT, HardDenial::InterdomainTrust),
            (flags::TEMP_DUPLICATE_ACCOUNT, HardDenial::TemporaryDuplicate),
        ];
        if self.krbtgt_number.is_some() {
            return Some(HardDenial::BranchKrbtgt);
        }
        ROLES.into_iter().find(|(flag, _)| self.has(*flag)).map(|(_, denial)| denial)
    }

    fn denial_by_kind(&self, rules: &Rules) -> Option<HardDenial> {
        match self.kind {
            // Managed service accounts derive from class computer and carry its bit: they have their own
            // switch.
            AccountKind::ServiceAccount => {
                (!rules.allow_service_accounts).then_some(HardDenial::ServiceAccount)
            }
            AccountKind::Computer => (!rules.allow_computers).then_some(HardDenial::Computer),
            AccountKind::User => {
                let is_computer = self.has(flags::WORKSTATION_TRUST_ACCOUNT);
                (is_computer && !rules.allow_computers).then_some(HardDenial::Computer)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::tests::{alice, sid};

    const DOMAIN: &str = "S-1-5-21-1-2-3";

    fn strict() -> Rules {
        Rules::users_of(sid(DOMAIN))
    }

    /// Everything an operator can allow.
    fn lenient() -> Rules {
        Rules { allow_computers: true, allow_service_accounts: true, allow_administrator: true, ..strict() }
    }

    fn with_rid(rid: u32) -> Account {
        Account { object_sid: sid(&format!("{DOMAIN}-{rid}")), ..alice() }
    }

    fn with_flags(user_account_control: u32) -> Account {
        Account { user_account_control, ..alice() }
    }

    #[test]
    fn users_of_the_domain_are_admitted() {
        assert_eq!(alice().admissible(&strict()), Ok(()));
    }

    #[test]
    fn no_rule_lifts_what_carries_the_domain() {
        let cases = [
            (Account { object_sid: sid("S-1-5-21-9-9-9-1104"), ..alice() }, HardDenial::ForeignDomain),
            (Account { object_sid: sid("S-1-5-32-544"), ..alice() }, HardDenial::ForeignDomain),
            (Account { object_sid: sid(DOMAIN), ..alice() }, HardDenial::ForeignDomain),
            (with_rid(502), HardDenial::Krbtgt),
            (with_rid(501), HardDenial::Guest),
            (with_rid(503), HardDenial::DefaultAccount),
            (Account { krbtgt_number: Some(0), ..alice() }, HardDenial::BranchKrbtgt),
            (with_flags(0x0008_2000), HardDenial::DomainController),
            (with_flags(0x0500_1000), HardDenial::ReadOnlyDomainController),
            (with_flags(0x0000_0820), HardDenial::InterdomainTrust),
            (with_flags(0x0000_0100), HardDenial::TemporaryDuplicate),
        ];
        for (account, denial) in cases {
            for rules in [strict(), lenient()] {
                assert_eq!(account.admissible(&rules), Err(denial));
            }
        }
    }

    #[test]
    fn the_operator_lifts_each_of_the_others_by_its_own_rule() {
        let service = Account { kind: AccountKind::ServiceAccount, ..with_flags(0x1000) };
        let computer = Account { kind: AccountKind::Computer, ..with_flags(0x1000) };
        let cases = [
            (with_rid(500), HardDenial::Administrator, Rules { allow_administrator: true, ..strict() }),
            (service, HardDenial::ServiceAccount, Rules { allow_service_accounts: true, ..strict() }),
            (computer, HardDenial::Computer, Rules { allow_computers: true, ..strict() }),
            (with_flags(0x1000), HardDenial::Computer, Rules { allow_computers: true, ..strict() }),
        ];
        for (account, denial, rules) in cases {
            assert_eq!(account.admissible(&strict()), Err(denial));
            assert_eq!(account.admissible(&rules), Ok(()), "{denial:?}");
        }
    }

    #[test]
    fn a_user_with_a_reserved_number_elsewhere_is_just_a_user() {
        assert_eq!(with_rid(5020).admissible(&strict()), Ok(()));
    }
}
