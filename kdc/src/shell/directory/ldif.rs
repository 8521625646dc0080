//! The LDIF back end: a whole directory in one file, for tests, labs and the demonstration.

use std::path::PathBuf;
use std::sync::Arc;

use pac::{FileTime, Sid};
use policy::flags;

use crate::directory::path::{Node, Reference};
use crate::directory::{
    BranchAccounts, ClientName, DenyGroup, DirectoryView, Entry, KeyChange, Tree, ViewRules, is_account,
};
use crate::shell::directory::ReadError;

/// A directory read from LDIF text.
pub struct LdifDirectory {
    tree: Arc<Tree>,
}

impl LdifDirectory {
    /// The directory that `text` describes. `path` is where it came from; `None` where it is part of the program.
    ///
    /// # Errors
    /// [`ReadError::Data`] names the file or the object, and what is wrong with it.
    pub fn new(text: &[u8], path: Option<PathBuf>) -> Result<Self, ReadError> {
        let name = path.as_ref().map_or_else(|| "LDIF".to_owned(), |path| path.display().to_string());
        Ok(Self { tree: Arc::new(parse(text, &name)?) })
    }

    pub(super) fn find(&self, sid: &Sid, now: FileTime) -> Result<Option<Entry>, ReadError> {
        Ok(self.tree.find(sid, now)?)
    }

    pub(super) fn name_exists(&self, name: &ClientName<'_>) -> bool {
        self.tree.find_by_name(name).is_some()
    }

    pub(super) fn account_control(&self, name: &ClientName<'_>) -> Result<Option<u32>, ReadError> {
        Ok(self.tree.account_control(name)?)
    }

    pub(super) fn sid_named(&self, name: &ClientName<'_>) -> Result<Option<Sid>, ReadError> {
        Ok(self.tree.find_by_name(name).map(|entry| entry.sid("objectSid")).transpose()?)
    }

    pub(super) fn node_meant(&self, meant: &DenyGroup) -> Result<Option<Node>, ReadError> {
        let sid = meant.sid(self.tree.entries());
        Ok(sid.map(|sid| self.tree.node(&Reference::Sid(sid))).transpose()?.flatten())
    }

    /// The domain's head, its domain controllers and its branches, with what the file says of their permissions.
    pub(super) fn pillars(&self) -> Vec<Entry> {
        let is_pillar = |entry: &&Entry| {
            let controls = entry.flags("userAccountControl").unwrap_or_default();
            entry.is_a("domainDNS")
                || entry.has("msDS-SecondaryKrbTgtNumber")
                || entry.has("msDS-KrbTgtLink")
                || controls & flags::SERVER_TRUST_ACCOUNT != 0
        };
        self.tree.entries().iter().filter(is_pillar).cloned().collect()
    }

    /// The SIDs of all accounts.
    pub(super) fn accounts(&self) -> Vec<Sid> {
        let accounts = self.tree.entries().iter().filter(|entry| is_account(entry));
        accounts.filter_map(|entry| entry.sid("objectSid").ok()).collect()
    }

    pub(super) fn nodes(&self, references: &[Reference]) -> Result<Vec<Option<Node>>, ReadError> {
        references.iter().map(|reference| Ok(self.tree.node(reference)?)).collect()
    }

    /// The domain, and the tree it was read from.
    pub(super) fn view(&self, rules: &ViewRules) -> Result<(DirectoryView, Arc<Tree>), ReadError> {
        Ok((self.tree.view(rules)?, Arc::clone(&self.tree)))
    }

    pub(super) fn branch_accounts(&self) -> Result<Vec<BranchAccounts>, ReadError> {
        Ok(self.tree.branch_accounts()?)
    }

    pub(super) fn key_change(&self, account: &str) -> Result<Option<KeyChange>, ReadError> {
        Ok(self.tree.key_change(account)?)
    }

    pub(super) fn is_unchanged(&self, tree: &Arc<Tree>) -> bool {
        Arc::ptr_eq(&self.tree, tree)
    }
}

fn parse(text: &[u8], name: &str) -> Result<Tree, ReadError> {
    let text =
        str::from_utf8(text).map_err(|_| ReadError::data(name, "is not UTF-8 text; save it as UTF-8"))?;
    Tree::parse(text).map_err(|error| ReadError::data(name, error.to_string()))
}
