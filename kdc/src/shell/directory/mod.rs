//! Where principals, branches and policy lists come from: a domain controller over LDAP, or an LDIF file.

mod cache;
mod census;
mod error;
pub mod ldap;
pub mod ldif;
mod poll;
pub mod tls;

use std::sync::Arc;
use std::time::Duration;

use pac::{FileTime, Sid};

pub use cache::{Found, PrincipalCache};
pub use census::Census;
pub use error::ReadError;
pub use ldap::LdapDirectory;
pub use ldif::LdifDirectory;
pub use poll::{Poller, Seen};

use super::clock_offset::ClockOffset;
use super::entropy;
use super::observe::state::DirectoryServer;
use crate::directory::path::{Node, Reference};
use crate::directory::principal::PRINCIPAL_ATTRIBUTES;
use crate::directory::{
    BranchAccounts, ClientName, DenyGroup, DirectoryView, KeyChange, Principal, SidHistory, Tree, ViewRules,
    is_account,
};

/// The directory of one domain.
pub enum Directory {
    /// Its domain controllers.
    Ldap(LdapDirectory),
    /// A file.
    Ldif(LdifDirectory),
}

/// By which a later look tells whether a view is still what the directory says.
pub enum Mark {
    /// Of a domain controller.
    Ldap(ldap::Fingerprint),
    /// Of a file.
    Ldif(Arc<Tree>),
}

impl Directory {
    /// The account with this SID, with its PAC prepared, or `None` if there is none in the domain.
    ///
    /// # Errors
    /// [`ReadError`]; an answer that is not complete is an error.
    pub async fn find(
        &self,
        sid: &Sid,
        view: &DirectoryView,
        sid_history: SidHistory,
        now: FileTime,
    ) -> Result<Option<Principal>, ReadError> {
        let entry = match self {
            Self::Ldap(servers) => servers.find(sid, PRINCIPAL_ATTRIBUTES).await?,
            Self::Ldif(file) => file.find(sid, now)?,
        };
        let Some(entry) = entry.filter(is_account) else { return Ok(None) };
        let principal = Principal::from_entry(&entry, view, sid_history, now)?;
        if principal.sid() != *sid {
            return Err(ReadError::data(
                entry.dn(),
                format!("has another SID than {sid}, which was asked for"),
            ));
        }
        Ok(Some(principal))
    }

    /// Whether an account has this name: a `sAMAccountName`, or for an enterprise name a `userPrincipalName`.
    /// Only for requests that are refused anyway, to say which refusal it is.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn name_exists(&self, name: &ClientName<'_>) -> Result<bool, ReadError> {
        match self {
            Self::Ldap(servers) => servers.name_exists(name).await,
            Self::Ldif(file) => Ok(file.name_exists(name)),
        }
    }

    /// `userAccountControl` of the account of this name, `None` if there is none: for pings that ask for one.
    ///
    /// # Errors
    /// [`ReadError`], also where names are looked up too often.
    pub async fn account_control(&self, name: &ClientName<'_>) -> Result<Option<u32>, ReadError> {
        match self {
            Self::Ldap(servers) => servers.account_control(name).await,
            Self::Ldif(file) => file.account_control(name),
        }
    }

    /// The SID of the account of this name, for operators: `None` if there is none.
    ///
    /// # Errors
    /// [`ReadError`], also if several accounts answer to it.
    pub async fn sid_named(&self, name: &ClientName<'_>) -> Result<Option<Sid>, ReadError> {
        match self {
            Self::Ldap(servers) => servers.sid_named(name).await,
            Self::Ldif(file) => file.sid_named(name),
        }
    }

    /// The object that is meant; `None` if there is none, or another of the same name.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn node_meant(&self, meant: &DenyGroup) -> Result<Option<Node>, ReadError> {
        match self {
            Self::Ldap(servers) => servers.node_meant(meant).await,
            Self::Ldif(file) => file.node_meant(meant),
        }
    }

    /// These objects as steps of a path, in order; `None` for what is not there or may not be read.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn nodes(&self, references: &[Reference]) -> Result<Vec<Option<Node>>, ReadError> {
        match self {
            Self::Ldap(servers) => servers.nodes(references).await,
            Self::Ldif(file) => file.nodes(references),
        }
    }

    /// The domain as `rules` want it, with the branches that have these numbers.
    ///
    /// # Errors
    /// [`ReadError`]. A broken branch is none: it is a branch that serves nobody; denials that cannot be resolved
    /// are none either.
    pub async fn view(&self, numbers: &[u16], rules: &ViewRules) -> Result<(DirectoryView, Mark), ReadError> {
        match self {
            Self::Ldap(servers) => {
                servers.view(numbers, rules).await.map(|(view, mark)| (view, Mark::Ldap(mark)))
            }
            Self::Ldif(file) => file.view(rules).map(|(view, tree)| (view, Mark::Ldif(tree))),
        }
    }

    /// Every branch of the domain, whether or not it is as it should be.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn branch_accounts(&self) -> Result<Vec<BranchAccounts>, ReadError> {
        match self {
            Self::Ldap(servers) => servers.branch_accounts().await,
            Self::Ldif(file) => file.branch_accounts(),
        }
    }

    /// When the password of the account of this distinguished name was changed, where the directory tells, and the name of the
    /// domain controller on which, where that is still there.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn key_change(&self, account: &str) -> Result<Option<(KeyChange, Option<String>)>, ReadError> {
        match self {
            Self::Ldap(servers) => servers.key_change(account).await,
            Self::Ldif(file) => Ok(file.key_change(account)?.map(|change| (change, None))),
        }
    }

    /// How its servers are; a file has none.
    #[must_use]
    pub fn servers(&self) -> Vec<DirectoryServer> {
        match self {
            Self::Ldap(servers) => servers.servers(),
            Self::Ldif(_) => Vec::new(),
        }
    }

    /// How far our clock is from that of a domain controller; `None` of a file, which has none.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn clock_offset(&self) -> Result<Option<ClockOffset>, ReadError> {
        match self {
            Self::Ldap(servers) => servers.clock_offset().await.map(Some),
            Self::Ldif(_) => Ok(None),
        }
    }

    /// Whether nothing of the view that came with this mark has changed.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn is_unchanged(&self, mark: &Mark) -> Result<bool, ReadError> {
        match (self, mark) {
            (Self::Ldap(servers), Mark::Ldap(fingerprint)) => servers.is_unchanged(fingerprint).await,
            (Self::Ldif(file), Mark::Ldif(tree)) => Ok(file.is_unchanged(tree)),
            (Self::Ldap(_), Mark::Ldif(_)) | (Self::Ldif(_), Mark::Ldap(_)) => Ok(false),
        }
    }
}

/// Up to `pause`, at random, so that many who wait for the same server do not all come back at once.
fn jitter(pause: Duration) -> Duration {
    let Ok(random) = entropy::octets() else {
        return Duration::ZERO;
    };
    pause.mul_f64(f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX))
}
