//! Whom the operator denies on top of what the directory says.

use pac::Sid;

use crate::Account;
use crate::replication::{first_on, sorted};

/// SIDs that every token has, though `tokenGroups` names none of them: a list that holds one is about everybody.
pub const EVERYBODY: [Sid; 6] = [
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
    /// Sorted, without duplicates.
    replicators: Vec<Sid>,
}

impl Denials {
    /// Denials of these groups, or users, and of everybody in them; and likewise of those who hold replication rights.
    #[must_use]
    pub fn new(groups: impl IntoIterator<Item = Sid>, replicators: impl IntoIterator<Item = Sid>) -> Self {
        Self { groups: sorted(groups), replicators: sorted(replicators) }
    }

    /// The SIDs that are denied by name, ascending.
    #[must_use]
    pub fn groups(&self) -> &[Sid] {
        &self.groups
    }

    /// The SIDs that are denied because they hold replication rights, ascending.
    #[must_use]
    pub fn replicators(&self) -> &[Sid] {
        &self.replicators
    }

    /// The first SID of the account that is denied by name.
    pub(crate) fn group_of(&self, account: &Account) -> Option<Sid> {
        on(&self.groups, account)
    }

    /// The first SID of the account that is denied because it holds replication rights.
    pub(crate) fn replicator_of(&self, account: &Account) -> Option<Sid> {
        on(&self.replicators, account)
    }
}

fn on(list: &[Sid], account: &Account) -> Option<Sid> {
    account.denied_on(list).or_else(|| first_on(list, &EVERYBODY))
}
