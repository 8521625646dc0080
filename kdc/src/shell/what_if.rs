//! Whom a change of a branch's two lists would let in or keep out: every account of the domain is decided about twice, by
//! the exchange's own decision ([`Grounds::decide`]), under the lists as they are and as they would be.

use std::sync::Arc;

use pac::{FileTime, Sid};
use policy::ReplicationPolicy;

use super::directory::{Directory, ReadError};
use super::explain::{ExplainError, branch_meant, deciding_sid};
use super::prepared::PreparedDomain;
use crate::directory::path::{Node, Step};
use crate::directory::{Branch, DenyGroup, DirectoryView, Principal};
use crate::exchange::{Grounds, Refusal, Refused, Timestamp};

/// One of a branch's two lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// `msDS-NeverRevealGroup`.
    NeverReveal,
    /// `msDS-RevealOnDemandGroup`.
    RevealOnDemand,
}

impl List {
    /// The attribute.
    #[must_use]
    pub const fn attribute(self) -> &'static str {
        match self {
            Self::NeverReveal => "msDS-NeverRevealGroup",
            Self::RevealOnDemand => "msDS-RevealOnDemandGroup",
        }
    }
}

/// What is done to a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A value comes.
    Add,
    /// A value goes.
    Remove,
}

/// A change that is thought of.
#[derive(Clone, Debug)]
pub struct Change {
    /// The list.
    pub list: List,
    /// What is done to it.
    pub action: Action,
    /// With whom.
    pub group: DenyGroup,
}

/// The same, its object found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The list.
    pub list: List,
    /// What is done to it.
    pub action: Action,
    /// The object's name, or its SID where the domain has no object for it.
    pub name: String,
    /// Its SID.
    pub sid: Sid,
}

/// An account that would be decided about otherwise.
#[derive(Debug)]
pub struct Changed {
    /// Its object.
    pub object: Node,
    /// Why it is refused now; `None` where it is allowed.
    pub now: Option<Refusal>,
    /// Why it would be refused.
    pub then: Option<Refusal>,
    /// The list by which the difference comes, and the way from the account to what stands on it; empty where no link of
    /// this domain leads there.
    pub path: (&'static str, Vec<Step>),
}

/// What would come of the changes.
#[derive(Debug)]
pub struct Consequences {
    /// The realm.
    pub realm: Arc<str>,
    /// The branch.
    pub branch: u16,
    /// The changes.
    pub changes: Vec<Resolved>,
    /// Accounts of the domain.
    pub accounts: usize,
    /// Those that cannot be decided about, which the exchange refuses (`directory_data`), now and then.
    pub undecidable: usize,
    /// Those that change side, in the order of the directory.
    pub changed: Vec<Changed>,
}

/// Decides about every account under the lists as they are and with `changes`; `progress` is told how many it was so far. Must
/// be called within a tokio runtime.
///
/// # Errors
/// [`WhatIfError`] where nothing would change, nobody is served before or after, or the directory cannot be asked.
pub async fn what_if(
    domain: PreparedDomain,
    branch: Option<u16>,
    changes: &[Change],
    now: Timestamp,
    progress: &mut dyn FnMut(usize),
) -> Result<Consequences, WhatIfError> {
    let branch = branch_meant(&domain, branch)?;
    let (realm, keys, allowed_kinds) =
        (Arc::clone(&domain.realm), Arc::clone(&domain.keys), domain.rules.allowed_kinds);
    let (directory, rules) = domain.connect();
    let (view, _) = directory.view(&[branch], &rules.view).await?;
    let changes = resolve(&directory, changes).await?;
    let then = changed_view(&view, branch, &changes)?;
    let wall = FileTime::from_unix_seconds(now.seconds.unix_seconds());

    let mut census = directory.census(view.domain_sid, &[], wall).await?;
    let mut consequences =
        Consequences { realm, branch, changes, accounts: 0, undecidable: 0, changed: Vec::new() };
    while let Some(entry) = census.next().await? {
        consequences.accounts = consequences.accounts.saturating_add(1);
        progress(consequences.accounts);
        let Ok(account) = Principal::from_entry(&entry, &view, rules.sid_history, wall) else {
            consequences.undecidable = consequences.undecidable.saturating_add(1);
            continue;
        };
        let decide =
            |view: &DirectoryView| Grounds { view, branch, allowed_kinds }.decide(&keys, &account, now);
        let (before, after) = (decide(&view), decide(&then));
        if before.is_ok() != after.is_ok() {
            let object = census.start(&entry)?;
            // What refuses tells more than what allows; who is on neither list is allowed or not by the second.
            let (refused, allowed) = if before.is_ok() { (&after, &before) } else { (&before, &after) };
            let decided = deciding_sid(refused).or_else(|| deciding_sid(allowed));
            let path = match decided {
                Some((list, sid)) => (list, census.path(&object, &account, sid)?),
                None => ("", Vec::new()),
            };
            let reason =
                |decision: &Result<Sid, Refused>| decision.as_ref().err().map(|refused| refused.reason);
            consequences.changed.push(Changed { object, now: reason(&before), then: reason(&after), path });
        }
    }
    Ok(consequences)
}

async fn resolve(directory: &Directory, changes: &[Change]) -> Result<Vec<Resolved>, WhatIfError> {
    let mut resolved = Vec::with_capacity(changes.len());
    for Change { list, action, group } in changes {
        let (name, sid) = match (directory.node_meant(group).await?, group) {
            (Some(node), _) => (node.name, node.sid),
            (None, DenyGroup::Sid(sid)) => (sid.to_string(), *sid),
            (None, _) => return Err(WhatIfError::NoSuchGroup(group.clone())),
        };
        resolved.push(Resolved { list: *list, action: *action, name, sid });
    }
    Ok(resolved)
}

/// The view with the lists as they would be.
fn changed_view(
    view: &DirectoryView,
    branch: u16,
    changes: &[Resolved],
) -> Result<DirectoryView, WhatIfError> {
    let (policy, key_version) = match view.branches.get(&branch) {
        Some(Branch::Serving { policy, key_version }) => (policy, *key_version),
        Some(Branch::Broken(fault)) => return Err(WhatIfError::NotServing(fault.to_string())),
        Some(Branch::Unresolved(fault)) => return Err(WhatIfError::NotServing(fault.to_string())),
        None => return Err(WhatIfError::NoBranch(branch)),
    };
    let mut lists = [policy.never_reveal().to_vec(), policy.reveal_on_demand().to_vec()];
    for change in changes {
        let list = match change.list {
            List::NeverReveal => &mut lists[0],
            List::RevealOnDemand => &mut lists[1],
        };
        let attribute = change.list.attribute();
        let name = || change.name.clone();
        match (change.action, list.iter().position(|sid| *sid == change.sid)) {
            (Action::Add, None) => list.push(change.sid),
            (Action::Add, Some(_)) => return Err(WhatIfError::IsListed { name: name(), attribute }),
            (Action::Remove, Some(at)) => drop(list.remove(at)),
            (Action::Remove, None) => return Err(WhatIfError::NotListed { name: name(), attribute }),
        }
    }
    let [never_reveal, reveal_on_demand] = lists;
    if never_reveal.is_empty() {
        return Err(WhatIfError::NoDenials);
    }
    let mut then = view.clone();
    let policy = ReplicationPolicy::new(never_reveal, reveal_on_demand);
    then.branches.insert(branch, Branch::Serving { policy, key_version });
    Ok(then)
}

/// Why nothing can be said. One line each.
#[derive(Debug, thiserror::Error)]
pub enum WhatIfError {
    /// No realm or branch is meant, or several.
    #[error(transparent)]
    Explain(#[from] ExplainError),
    /// The directory cannot be asked, or shows too little.
    #[error(transparent)]
    Directory(#[from] ReadError),
    /// A group that is not there.
    #[error("{0}: not the name of one object of the domain with a SID, or it may not be read; write its SID")]
    NoSuchGroup(DenyGroup),
    /// No such branch.
    #[error("the directory has no branch {0}: no object has this msDS-SecondaryKrbTgtNumber")]
    NoBranch(u16),
    /// A branch that nobody is served for.
    #[error("nobody is served now: {0}")]
    NotServing(String),
    /// To be added, and there already.
    #[error("{name} is on {attribute} already")]
    IsListed {
        /// What.
        name: String,
        /// Where.
        attribute: &'static str,
    },
    /// To be removed, and not there.
    #[error("{name} is not on {attribute} itself")]
    NotListed {
        /// What.
        name: String,
        /// Where.
        attribute: &'static str,
    },
    /// An empty list looks like one that may not be read, and the daemon serves nobody then.
    #[error(
        "msDS-NeverRevealGroup would be empty, and then nobody is served; put a group without members there first"
    )]
    NoDenials,
}

#[cfg(test)]
mod tests;
