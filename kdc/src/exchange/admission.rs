//! Fifth stage: policy, then account state. In this order, so that a denied user learns nothing of the account.

use pac::FileTime;
use policy::{HardDenial, Rules, Standing, Verdict};

use super::domain::Timestamp;
use super::identity::IdentifiedClient;
use super::refusal::{Refusal, Refused};
use crate::directory::Branch;

/// A client the replication policy lets us serve. Only [`IdentifiedClient::permit`] makes one: holding it is the
/// proof.
#[derive(Debug)]
pub struct PermittedClient<'r, 's, 'a>(pub(super) IdentifiedClient<'r, 's, 'a>);

/// A permitted client whose account may log on now.
#[derive(Debug)]
pub struct AdmittedClient<'r, 's, 'a>(pub(super) IdentifiedClient<'r, 's, 'a>);

impl<'r, 's, 'a> IdentifiedClient<'r, 's, 'a> {
    /// Asks the branch's replication policy ([MS-ADTS] 6.1.1.3.2, [MS-DRSR] 4.1.10.5.14), after the kinds of
    /// accounts that no list can allow.
    ///
    /// # Errors
    /// [`Refused`] names the rule and the SID that decided.
    pub fn permit(self) -> Result<PermittedClient<'r, 's, 'a>, Refused> {
        match self.judge() {
            Ok(()) => Ok(PermittedClient(self)),
            Err(refused) => Err(refused.about(self.client.who)),
        }
    }

    fn judge(&self) -> Result<(), Refused> {
        let lists = match self.view.branches.get(&self.client.who.branch) {
            Some(Branch::Serving { policy, .. }) => Ok(policy),
            Some(Branch::Unresolved(fault)) => Err(Refusal::BranchListUnresolved.because(fault.to_string())),
            Some(Branch::Broken(fault)) => return Err(Refusal::BranchUnusable.because(fault.to_string())),
            None => {
                return Err(Refusal::BranchUnusable.because("the directory has no object with its number"));
            }
        };
        let allowed = self.client.domain.rules.allowed_kinds;
        let rules = Rules {
            domain: self.view.domain_sid,
            allow_computers: allowed.computers,
            allow_service_accounts: allowed.service_accounts,
            allow_administrator: allowed.administrator,
        };
        self.account.account.admissible(&rules).map_err(hard_denial)?;
        match lists?.judge(&self.account.account.sids) {
            Verdict::Reveal(_) => Ok(()),
            Verdict::NeverReveal(sid) => Err(Refusal::NeverReveal.because(sid)),
            Verdict::NotListed => Err(Refusal::NotOnAllowList.into()),
        }
    }
}

fn hard_denial(denial: HardDenial) -> Refused {
    match denial {
        HardDenial::ForeignDomain => Refusal::RequestorForeign,
        HardDenial::Krbtgt | HardDenial::BranchKrbtgt => Refusal::KrbtgtAccount,
        HardDenial::DomainController | HardDenial::ReadOnlyDomainController => Refusal::DomainController,
        HardDenial::InterdomainTrust | HardDenial::TemporaryDuplicate => Refusal::TrustAccount,
        HardDenial::Guest | HardDenial::DefaultAccount => Refusal::BuiltinAccount,
        HardDenial::Administrator => Refusal::Administrator,
        HardDenial::ServiceAccount => Refusal::ServiceAccount,
        HardDenial::Computer => Refusal::Computer,
    }
    .into()
}

impl<'r, 's, 'a> PermittedClient<'r, 's, 'a> {
    /// Checks the account's state ([MS-KILE] 3.3.5.7.1), whatever the age of the ticket: no domain controller of
    /// this domain has ever looked at the account on its behalf.
    ///
    /// # Errors
    /// [`Refused`] names the first obstacle.
    pub fn in_good_standing(self, now: Timestamp) -> Result<AdmittedClient<'r, 's, 'a>, Refused> {
        match self.0.standing(now) {
            Ok(()) => Ok(AdmittedClient(self.0)),
            Err(refused) => Err(refused.about(self.0.client.who)),
        }
    }
}

impl IdentifiedClient<'_, '_, '_> {
    fn standing(&self, now: Timestamp) -> Result<(), Refused> {
        let now = FileTime::from_unix_seconds(now.seconds.unix_seconds());
        match self.account.account.standing(now) {
            Standing::Good => {}
            Standing::Disabled => return Err(Refusal::AccountDisabled.into()),
            Standing::LockedOut => return Err(Refusal::AccountLocked.into()),
            Standing::Expired => return Err(Refusal::AccountExpired.into()),
            Standing::OutsideLogonHours => return Err(Refusal::LogonHours.into()),
            Standing::MustChangePassword => return Err(Refusal::PasswordMustChange.into()),
            Standing::PasswordExpired => return Err(Refusal::PasswordExpired.into()),
        }
        // Its conditions are on the device, which an exchange does not prove, and its lifetimes we do not read.
        match self.account.authentication_policies.first() {
            None => Ok(()),
            Some(policy) => Err(Refusal::AuthenticationPolicy.because(policy.clone())),
        }
    }
}
