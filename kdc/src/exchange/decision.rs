//! The decision about an account: policy, then account state. In this order, so that a denied user learns nothing
//! of the account.
//!
//! The exchange takes it in two stages ([`permit`](super::IdentifiedClient::permit), then
//! [`in_good_standing`](super::PermittedClient::in_good_standing)), `tgtx explain` in one: [`Grounds::decide`].
//! Neither has rules of its own.

use std::time::Duration;

use pac::{FileTime, Sid};
use policy::{Denials, HardDenial, Rules, Standing, Verdict};

use super::domain::{AllowedKinds, Timestamp};
use super::refusal::{Refusal, Refused};
use crate::directory::{Branch, DirectoryView, InEffect, Principal};
use crate::krb::keys::{DomainKeys, KeyAge};

/// What a decision about an account rests on, beside the account and the time.
#[derive(Debug, Clone, Copy)]
pub struct Grounds<'a> {
    /// The domain, with its branches and their lists.
    pub view: &'a DirectoryView,
    /// The branch whose ticket is to be exchanged.
    pub branch: u16,
    /// Kinds of accounts that may be exchanged beside users.
    pub allowed_kinds: AllowedKinds,
}

impl Grounds<'_> {
    /// The whole decision, in the order of the exchange: are our keys the directory's, does policy allow the
    /// account, may it log on now. The SID is the one on `msDS-RevealOnDemandGroup` that allows it.
    ///
    /// # Errors
    /// [`Refused`] names the first rule that forbids it, and the SID that decided where one did.
    pub fn decide(&self, keys: &DomainKeys, account: &Principal, now: Timestamp) -> Result<Sid, Refused> {
        current(keys, self.view)?;
        let allowed_by = self.permit(account)?;
        standing(account, self.view, now)?;
        Ok(allowed_by)
    }

    /// Asks the branch's replication policy ([MS-ADTS] 6.1.1.3.2, [MS-DRSR] 4.1.10.5.14) and the operator's denials,
    /// after the kinds of accounts that no list can allow.
    ///
    /// # Errors
    /// [`Refused`] names the rule that forbids it, whatever state the account is in.
    pub fn permit(&self, account: &Principal) -> Result<Sid, Refused> {
        let lists = match self.view.branches.get(&self.branch) {
            Some(Branch::Serving { policy, .. }) => Ok(policy),
            Some(Branch::Unresolved(fault)) => Err(Refusal::BranchListUnresolved.because(fault.to_string())),
            Some(Branch::Broken(fault)) => return Err(Refusal::BranchUnusable.because(fault.to_string())),
            None => {
                return Err(Refusal::BranchUnusable.because("the directory has no object with its number"));
            }
        };
        let rules = Rules {
            domain: self.view.domain_sid,
            allow_computers: self.allowed_kinds.computers,
            allow_service_accounts: self.allowed_kinds.service_accounts,
            allow_administrator: self.allowed_kinds.administrator,
        };
        account.account.admissible(&rules).map_err(hard_denial)?;
        let (lists, denials) = (lists?, self.denials()?);
        match lists.judge(&account.account, denials) {
            Verdict::Reveal(sid) => Ok(sid),
            Verdict::NeverReveal(sid) => Err(Refusal::NeverReveal.because(sid)),
            Verdict::DeniedByOperator(sid) => Err(Refusal::DeniedByOperator.because(sid)),
            Verdict::Replicator(sid) => Err(Refusal::Replicator.because(sid)),
            Verdict::NotListed => Err(Refusal::NotOnAllowList.into()),
        }
    }
}

impl<'a> Grounds<'a> {
    fn denials(&self) -> Result<&'a Denials, Refused> {
        let denials = self.view.denials.as_ref();
        denials.map_err(|fault| Refusal::DenialsUnresolved.because(fault.to_string()))
    }
}

/// Whether the domain's key is one that its domain controllers still take.
pub(super) fn current(keys: &DomainKeys, view: &DirectoryView) -> Result<(), Refused> {
    match keys.age(view.krbtgt_version) {
        KeyAge::Current | KeyAge::Previous { .. } => Ok(()),
        KeyAge::Outdated { .. } => Err(Refusal::KrbtgtOutdated.into()),
        KeyAge::Unknown => Err(Refusal::KrbtgtUnknown.into()),
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

/// Checks the account's state ([MS-KILE] 3.3.5.7.1), whatever the age of the ticket: no domain controller of this
/// domain has ever looked at the account on its behalf. Then its authentication policy or silo ([MS-KILE] 3.3.5.5),
/// which may say how long its TGTs live.
pub(super) fn standing(
    account: &Principal,
    view: &DirectoryView,
    now: Timestamp,
) -> Result<Option<Duration>, Refused> {
    let now = FileTime::from_unix_seconds(now.seconds.unix_seconds());
    match account.account.standing(now) {
        Standing::Good => {}
        Standing::Disabled => return Err(Refusal::AccountDisabled.into()),
        Standing::LockedOut => return Err(Refusal::AccountLocked.into()),
        Standing::Expired => return Err(Refusal::AccountExpired.into()),
        Standing::OutsideLogonHours => return Err(Refusal::LogonHours.into()),
        Standing::MustChangePassword => return Err(Refusal::PasswordMustChange.into()),
        Standing::PasswordExpired => return Err(Refusal::PasswordExpired.into()),
    }
    let in_effect = view.authentication.in_effect(&account.account, &account.authentication);
    let in_effect =
        in_effect.map_err(|fault| Refusal::AuthenticationPolicyUnresolved.because(fault.to_string()))?;
    let Some(InEffect { policy, enforced: Some(restrictions), .. }) = in_effect else { return Ok(None) };
    if restrictions.demands_device {
        // The ticket of a branch says nothing of the device that it was issued to.
        return Err(Refusal::AuthenticationPolicy.because(policy));
    }
    Ok(restrictions.tgt_lifetime)
}
