//! Whom the operator denies on top of what the directory says.

use pac::Sid;

use crate::Account;
use crate::replication::{first_on, sorted};

/// SIDs that every token has, though `tokenGroups` names none of them: a list that holds one is about everybody.
const EVERYBODY: [Sid; 6] = [
    Sid::EVERYONE,
    Sid::NETWORK,
    Sid::INTERACTIVE,
    Sid::AUTHENTICATED_USERS,
    Sid::THIS_ORGANIZATION,
    Sid::AUTHENTICATION_AUTHORITY_ASSERTED_IDENTITY,
];

/// Whom the operator denies, whatever the two lists of a branch allow. Nobody by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Denials {
    /// Sorted, without duplicates.
    groups: Vec<Sid>,
}

impl Denials {
    /// Denials of these groups, or users, and of everybody in them.
    #[must_use]
    pub fn of_groups(groups: impl IntoIterator<Item = Sid>) -> Self {
        Self { groups: sorted(groups) }
    }

    /// The SIDs that are denied by name, ascending.
    #[must_use]
    pub fn groups(&self) -> &[Sid] {
        &self.groups
    }

    /// The first SID of the account that is denied by name.
    pub(crate) fn group_of(&self, account: &Account) -> Option<Sid> {
        first_on(&self.groups, account.deniable_sids().chain(EVERYBODY))
    }
}
