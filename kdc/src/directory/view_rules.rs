//! What the operator says of a domain, on top of its directory.

use super::deny_group::DenyGroup;

/// What the configuration has to say of a [`DirectoryView`](super::DirectoryView). By default nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ViewRules {
    /// LogonServer of the PAC, where it is not to be the directory server's name.
    pub logon_server: Option<String>,
    /// Whom the operator denies on top of the branches' lists.
    pub deny_groups: Vec<DenyGroup>,
    /// Whether whoever holds replication rights on the domain's head is denied too.
    pub deny_replicators: bool,
    /// Whether sites and subnets are wanted: discovery alone has a use for them.
    pub sites: bool,
}
