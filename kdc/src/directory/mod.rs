//! What the daemon knows of a domain: directory objects as attributes, and what is made of them.
//!
//! Pure: the LDAP back end and the LDIF back end both hand over [`Entry`] values, and everything behind that
//! is shared. [`DirectoryView`] is the domain with its branches and their policies, [`Principal`] is one
//! account ready to be judged and to be issued a PAC for, [`Tree`] is a whole directory out of an LDIF file.

pub mod account_control;
pub mod attribute_error;
pub mod authentication;
pub mod branch;
pub mod branch_accounts;
pub mod controllers;
pub mod denials;
pub mod deny_group;
pub mod dn;
pub mod entry;
pub mod groups;
pub mod interval;
pub mod key_change;
pub mod ldif;
pub mod path;
pub mod principal;
pub mod replicators;
pub mod security_descriptor;
pub mod sites;
pub mod tree;
pub mod view;
pub mod view_rules;

mod error;
mod logon_info;
mod membership;
mod name;
mod syntax;

pub use attribute_error::{AttributeError, Fault};
pub use authentication::{Assigned, AuthenticationPolicies, InEffect};
pub use branch::{Branch, BranchFault};
pub use branch_accounts::{BranchAccounts, BranchComputer};
pub use denials::DenialFault;
pub use deny_group::DenyGroup;
pub use entry::Entry;
pub use error::DirectoryError;
pub use key_change::KeyChange;
pub use logon_info::SidHistory;
pub(crate) use name::folded_name;
pub use name::{ClientName, same_name};
pub use principal::{Principal, is_account};
pub use sites::{Sites, SitesFault, Subnet};
pub use tree::Tree;
pub use view::{DirectoryView, DomainObjects, KeysSet};
pub use view_rules::ViewRules;
