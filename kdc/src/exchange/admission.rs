//! Sixth stage: the decision about the account, policy first and then account state.

use std::time::Duration;

use super::decision::{Grounds, standing};
use super::domain::Timestamp;
use super::identity::IdentifiedClient;
use super::rejected::RefusedRequest;

/// A client the replication policy lets us serve. Only [`IdentifiedClient::permit`] makes one: holding it is the
/// proof.
#[derive(Debug)]
pub struct PermittedClient<'r, 's, 'a>(pub(super) IdentifiedClient<'r, 's, 'a>);

/// A permitted client whose account may log on now, with the lifetime that an authentication policy gives its TGTs.
#[derive(Debug)]
pub struct AdmittedClient<'r, 's, 'a>(pub(super) IdentifiedClient<'r, 's, 'a>, pub(super) Option<Duration>);

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
            Ok(_allowed_by) => Ok(PermittedClient(self)),
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
        match standing(self.0.account, self.0.view, now) {
            Ok(tgt_lifetime) => Ok(AdmittedClient(self.0, tgt_lifetime)),
            Err(refused) => Err(self.0.client.end(refused)),
        }
    }
}
