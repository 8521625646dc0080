//! Every account of the domain, one after the other, as the exchange would read each.

use std::vec;

use pac::{FileTime, Sid};

use super::ldap::Walk;
use super::{Directory, LdifDirectory, ReadError};
use crate::directory::groups::Groups;
use crate::directory::path::{NODE_ATTRIBUTES, Node, PathSearch, Reference, Step};
use crate::directory::principal::PRINCIPAL_ATTRIBUTES;
use crate::directory::replicators::DESCRIPTOR_ATTRIBUTE;
use crate::directory::{Entry, Principal, is_account};

/// Attributes of accounts that a domain controller constructs for one object at a time, and are made here.
const CONSTRUCTED: [&str; 2] = ["tokenGroups", "tokenGroupsGlobalAndUniversal"];

/// The objects that carry the domain: its head, krbtgt and computer of each branch, and writable domain controllers, which have
/// SERVER_TRUST_ACCOUNT.
const PILLARS: &str = "(|(objectClass=domainDNS)(msDS-SecondaryKrbTgtNumber=*)(msDS-KrbTgtLink=*)\
    (userAccountControl:1.2.840.113556.1.4.803:=8192))";
const PILLAR_ATTRIBUTES: &[&str] =
    &["objectClass", "msDS-SecondaryKrbTgtNumber", "msDS-KrbTgtLink", DESCRIPTOR_ATTRIBUTE];

/// A directory's accounts, and the groups that they may be in.
pub struct Census<'d> {
    source: Source<'d>,
    domain: Sid,
    now: FileTime,
}

enum Source<'d> {
    Ldap { accounts: Walk, groups: Groups },
    Ldif { file: &'d LdifDirectory, accounts: vec::IntoIter<Sid> },
}

impl Directory {
    /// Begins to read all accounts of `domain`, with attributes `more` beside the exchange's: all its groups first, which are kept, then accounts a page at a time.
    ///
    /// # Errors
    /// [`ReadError`]. A group that cannot be read whole is one: nothing could be said of whoever is in it.
    pub async fn census(
        &self,
        domain: Sid,
        more: &'static [&'static str],
        now: FileTime,
    ) -> Result<Census<'_>, ReadError> {
        let source = match self {
            Self::Ldap(servers) => {
                let mut groups = Groups::default();
                let mut walk = servers.walk("(objectClass=group)", NODE_ATTRIBUTES.to_vec()).await?;
                while let Some(group) = walk.next().await? {
                    groups.add(&group)?;
                }
                let attributes =
                    PRINCIPAL_ATTRIBUTES.iter().copied().filter(|name| !CONSTRUCTED.contains(name));
                let attributes = attributes.chain(["memberOf"]).chain(more.iter().copied()).collect();
                Source::Ldap { accounts: servers.walk("(objectClass=user)", attributes).await?, groups }
            }
            Self::Ldif(file) => Source::Ldif { file, accounts: file.accounts().into_iter() },
        };
        Ok(Census { source, domain, now })
    }

    /// The objects that carry the domain, with owner and DACL: its head, its domain controllers and its branches.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn pillars(&self) -> Result<Vec<Entry>, ReadError> {
        match self {
            Self::Ldap(servers) => {
                let mut walk = servers.walk_secured(PILLARS, PILLAR_ATTRIBUTES.to_vec()).await?;
                let mut pillars = Vec::new();
                while let Some(pillar) = walk.next().await? {
                    pillars.push(pillar);
                }
                Ok(pillars)
            }
            Self::Ldif(file) => Ok(file.pillars()),
        }
    }
}

impl Census<'_> {
    /// The next account; `None` when all were given.
    ///
    /// # Errors
    /// [`ReadError`]: what was given until then is not all.
    pub async fn next(&mut self) -> Result<Option<Entry>, ReadError> {
        match &mut self.source {
            Source::Ldap { accounts, groups } => {
                let Some(mut account) = accounts.next().await? else { return Ok(None) };
                groups.complete(&mut account, &self.domain)?;
                Ok(Some(account))
            }
            Source::Ldif { file, accounts } => match accounts.next() {
                Some(sid) => Ok(file.find(&sid, self.now)?.filter(is_account)),
                None => Ok(None),
            },
        }
    }

    /// An account that was given, as where a path begins.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn start(&self, account: &Entry) -> Result<Node, ReadError> {
        let node = match &self.source {
            Source::Ldap { .. } => None,
            Source::Ldif { .. } => self.node(&Reference::Sid(account.sid("objectSid")?))?,
        };
        node.map_or_else(|| Ok(Node::from_entry(account)?), Ok)
    }

    /// The way from an account, which starts at `start`, to `target`; empty where no link of this domain leads there.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn path(&self, start: &Node, account: &Principal, target: Sid) -> Result<Vec<Step>, ReadError> {
        let token: Vec<Sid> = account.account.sids.iter().collect();
        let mut search = PathSearch::new(start, &self.domain, &token, target);
        loop {
            let references = search.ask();
            if references.is_empty() {
                return Ok(search.path().unwrap_or_default());
            }
            search.answer(references.iter().map(|reference| self.node(reference)).collect::<Result<_, _>>()?);
        }
    }

    fn node(&self, reference: &Reference) -> Result<Option<Node>, ReadError> {
        match &self.source {
            Source::Ldap { groups, .. } => Ok(groups.node(reference).cloned()),
            Source::Ldif { file, .. } => Ok(file.nodes(std::slice::from_ref(reference))?.pop().flatten()),
        }
    }
}
