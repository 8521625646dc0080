//! Sixth stage: the decision about the account, policy first and then account state.

use std::time::Duration;

use pac::Sid;

use super::decision::{Grounds, standing};
use super::domain::Timestamp;
use super::identity::IdentifiedClient;
use super::rejected::RefusedRequest;

/// A client the replication policy lets us serve, and the SID that allows it. Only [`IdentifiedClient::permit`] makes
/// one: holding it is the proof.
#[derive(Debug)]
pub struct PermittedClient<'r, 's, 'a>(IdentifiedClient<'r, 's, 'a>, Sid);

/// A permitted client whose account may log on now, and what was decided about it.
#[derive(Debug)]
pub struct AdmittedClient<'r, 's, 'a>(pub(super) IdentifiedClient<'r, 's, 'a>, pub(super) Admission);

/// What was decided about an admitted client.
#[derive(Debug, Clone, Copy)]
pub(super) struct Admission {
    /// The SID on `msDS-RevealOnDemandGroup` that allows it.
    pub(super) allowed_by: Sid,
    /// How long an authentication policy lets its TGTs live.
    pub(super) tgt_lifetime: Option<Duration>,
    /// A member of Protected Users.
    pub(super) protected: bool,
}

impl<'r, 's, 'a> IdentifiedClient<'r, 's, 'a> {
    /// Asks the branch's replication policy ([MS-ADTS] 6.1.1.3.2, [MS-DRSR] 4.1.10.5.14), after the kinds of
    /// accounts that no list can allow.
    ///
    /// # Errors
    /// [`RefusedRequest`] names the rule and the SID that decided.
    pub fn permit(self) -> Result<PermittedClient<'r, 's, 'a>, RefusedRequest> {
        let grounds = Grounds {
            view: self.view,
            branch: self.client.who.branch,
            allowed_kinds: self.client.domain.rules.allowed_kinds,
        };
        match grounds.permit(self.account) {
            Ok(allowed_by) => Ok(PermittedClient(self, allowed_by)),
            Err(refused) => Err(self.client.end(refused)),
        }
    }
}

impl<'r, 's, 'a> PermittedClient<'r, 's, 'a> {
    /// Checks the account's state ([MS-KILE] 3.3.5.7.1), whatever the age of the ticket: no domain controller of
    /// this domain has ever looked at the account on its behalf.
    ///
    /// # Errors
    /// [`RefusedRequest`] names the first obstacle.
    pub fn in_good_standing(self, now: Timestamp) -> Result<AdmittedClient<'r, 's, 'a>, RefusedRequest> {
        let IdentifiedClient { account, view, .. } = self.0;
        match standing(account, view, now) {
            Ok(tgt_lifetime) => {
                let protected = account.account.is_protected_user(&view.domain_sid);
                Ok(AdmittedClient(self.0, Admission { allowed_by: self.1, tgt_lifetime, protected }))
            }
            Err(refused) => Err(self.0.client.end(refused)),
        }
    }
}
