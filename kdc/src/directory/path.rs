//! The shortest way from an account to a group it is in: for an operator to read, never to decide by.
//!
//! Which groups count is what `tokenGroups` says. This search only finds out why, breadth first along `memberOf`,
//! the account's primary group and the foreignSecurityPrincipals that stand for its former SIDs and for groups of
//! other domains. Whoever drives it reads the objects it asks for, a level at a time.

use std::collections::BTreeSet;

use pac::Sid;

use super::attribute_error::AttributeError;
use super::dn::{DnKey, first_value};
use super::entry::Entry;
use super::principal::is_account;

/// What to read of an account or a group on the way.
pub const NODE_ATTRIBUTES: &[&str] = &[
    "objectClass",
    "objectSid",
    "sAMAccountName",
    "userAccountControl",
    "groupType",
    "primaryGroupID",
    "sIDHistory",
    "memberOf",
];

/// `groupType` bit of groups that grant anything ([MS-ADTS] 2.2.12).
const SECURITY_ENABLED: u32 = 0x8000_0000;

/// Groups read for one path at most: far more than any account is in, and an end in any case.
const MAX_NODES: usize = 5_000;

/// An account, a group or a foreignSecurityPrincipal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its distinguished name.
    pub dn: String,
    /// `sAMAccountName`, or where it has none, the first component of its distinguished name.
    pub name: String,
    /// `objectSid`.
    pub sid: Sid,
    /// Whether it is something that logs on, as [`is_account`] tells for the exchange too.
    pub is_account: bool,
    /// Whether membership of it grants anything: a security group, or what stands for a foreign principal.
    pub passes_on: bool,
    /// RID of the primary group, of an account.
    pub primary_group: Option<u32>,
    /// `sIDHistory`.
    pub former_sids: Vec<Sid>,
    /// Distinguished names of the groups that list it.
    pub member_of: Vec<String>,
    /// Whether what leads on from here came whole; what did not is left out.
    pub is_whole: bool,
}

impl Node {
    /// Makes a node of an object read with [`NODE_ATTRIBUTES`]. Nothing is decided by it, so an attribute that came in
    /// part only makes it less than whole.
    ///
    /// # Errors
    /// [`AttributeError`] if it has no SID.
    pub fn from_entry(entry: &Entry) -> Result<Self, AttributeError> {
        let sid = entry.sid("objectSid")?;
        let name = entry.optional_text("sAMAccountName").ok().flatten();
        let kind = entry.optional_flags("groupType");
        let primary_group = entry.optional_flags("primaryGroupID");
        let former_sids = entry.sids("sIDHistory");
        let member_of = entry.texts("memberOf");
        let is_whole = kind.is_ok() && primary_group.is_ok() && former_sids.is_ok() && member_of.is_ok();
        let is_secure_group = kind.ok().flatten().is_some_and(|kind| kind & SECURITY_ENABLED != 0);
        Ok(Self {
            dn: entry.dn().to_owned(),
            name: name.map_or_else(|| first_value(entry.dn()), str::to_owned),
            sid,
            is_account: is_account(entry),
            passes_on: is_secure_group || entry.is_a("foreignSecurityPrincipal"),
            primary_group: primary_group.ok().flatten(),
            former_sids: former_sids.unwrap_or_default(),
            member_of: member_of.unwrap_or_default().into_iter().map(str::to_owned).collect(),
            is_whole,
        })
    }
}

/// How an object of the directory is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// By distinguished name.
    Dn(String),
    /// By `objectSid`.
    Sid(Sid),
}

/// Why a step leads where it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// Where the path starts.
    Start,
    /// The group lists the one before as `member`.
    Member,
    /// The account has it as `primaryGroupID`.
    PrimaryGroup,
    /// A foreignSecurityPrincipal with a SID of the account's `sIDHistory`.
    ForeignSecurityPrincipal,
    /// A SID of the account's `sIDHistory`, which is itself what is looked for.
    FormerSid,
    /// A group of another domain that `tokenGroups` puts the account into: which of its members leads there, only
    /// that domain shows. Here it is what is looked for, or a foreignSecurityPrincipal stands for it.
    ForeignGroup,
}

/// One object of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its name, as [`Node::name`].
    pub name: String,
    /// Its distinguished name; of a SID without an object of the domain, that of the account that has it.
    pub dn: String,
    /// Its SID.
    pub sid: Sid,
    /// What leads to it.
    pub edge: Edge,
}

/// A search under way.
#[derive(Debug)]
pub struct PathSearch {
    target: Sid,
    other_domains: Vec<Sid>,
    reached: Vec<Reached>,
    seen: BTreeSet<DnKey>,
    open: Vec<Open>,
    asked: Vec<Open>,
    found: Option<usize>,
    cut: Option<Cut>,
}

/// Why a search has not followed every link there is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cut {
    /// More groups than are read for one path.
    #[error("too many groups are on the way")]
    TooMany,
    /// The groups that this object is in came in part.
    #[error("the groups that {0} is in cannot be read whole")]
    Partial(String),
}

#[derive(Debug)]
struct Reached {
    step: Step,
    /// The step before it; the first has none.
    from: Option<usize>,
}

#[derive(Debug)]
struct Open {
    reference: Reference,
    from: usize,
    edge: Edge,
}

impl PathSearch {
    /// Starts at an account of the domain with that SID. `token` has every SID that the account is known to count as;
    /// `target` may be the account itself.
    #[must_use]
    pub fn new(account: &Node, domain: &Sid, token: &[Sid], target: Sid) -> Self {
        let former = &account.former_sids;
        let is_other = |sid: &&Sid| sid.is_of_another_domain(domain) && !former.contains(sid);
        let other_domains: Vec<Sid> = token.iter().filter(is_other).copied().collect();
        let mut search = Self {
            target,
            other_domains: other_domains.clone(),
            reached: Vec::new(),
            seen: BTreeSet::new(),
            open: Vec::new(),
            asked: Vec::new(),
            found: None,
            cut: None,
        };
        let at = search.reach(account, None, Edge::Start);
        let direct = if former.contains(&target) {
            Some(Edge::FormerSid)
        } else {
            other_domains.contains(&target).then_some(Edge::ForeignGroup)
        };
        if let Some(edge) = direct {
            let (name, dn) = (target.to_string(), account.dn.clone());
            let step = Step { name, dn, sid: target, edge };
            search.found.get_or_insert(search.reached.len());
            search.reached.push(Reached { step, from: Some(at) });
        }
        let primary_group = account.primary_group.and_then(|rid| domain.with_rid(rid));
        let others = primary_group.map(|sid| (sid, Edge::PrimaryGroup)).into_iter();
        let former = former.iter().map(|sid| (*sid, Edge::ForeignSecurityPrincipal));
        let foreign = other_domains.into_iter().map(|sid| (sid, Edge::ForeignGroup));
        for (sid, edge) in others.chain(former).chain(foreign) {
            search.open.push(Open { reference: Reference::Sid(sid), from: at, edge });
        }
        search
    }

    /// What to read next, in one level; empty when the search has ended.
    pub fn ask(&mut self) -> Vec<Reference> {
        if self.found.is_some() {
            return Vec::new();
        }
        let room = MAX_NODES.saturating_sub(self.reached.len());
        if self.open.len() > room {
            self.cut.get_or_insert(Cut::TooMany);
        }
        self.open.truncate(room);
        self.asked = std::mem::take(&mut self.open);
        self.asked.iter().map(|open| open.reference.clone()).collect()
    }

    /// Takes the objects that [`PathSearch::ask`] named, in its order; `None` for what is not there or may not be
    /// read.
    pub fn answer(&mut self, nodes: Vec<Option<Node>>) {
        for (open, node) in std::mem::take(&mut self.asked).into_iter().zip(nodes) {
            if self.found.is_some() {
                return;
            }
            // Every group is opened once, so that circles end.
            if let Some(node) = node.filter(|node| node.passes_on && self.seen.insert(DnKey::of(&node.dn))) {
                self.reach(&node, Some(open.from), open.edge);
            }
        }
    }

    /// Why not every link was followed, if so.
    #[must_use]
    pub const fn cut(&self) -> Option<&Cut> {
        self.cut.as_ref()
    }

    /// The groups of other domains that the account is in.
    #[must_use]
    pub fn other_domains(&self) -> &[Sid] {
        &self.other_domains
    }

    /// The path, from the account to the target, once it is found.
    #[must_use]
    pub fn path(&self) -> Option<Vec<Step>> {
        let mut at = Some(self.found?);
        let mut steps = Vec::new();
        while let Some(reached) = at.and_then(|at| self.reached.get(at)) {
            steps.push(reached.step.clone());
            at = reached.from;
        }
        steps.reverse();
        Some(steps)
    }

    fn reach(&mut self, node: &Node, from: Option<usize>, edge: Edge) -> usize {
        let at = self.reached.len();
        let Node { name, dn, sid, member_of, .. } = node;
        self.reached
            .push(Reached { step: Step { name: name.clone(), dn: dn.clone(), sid: *sid, edge }, from });
        if *sid == self.target {
            self.found = Some(at);
        }
        if !node.is_whole {
            self.cut.get_or_insert_with(|| Cut::Partial(name.clone()));
        }
        for group in member_of {
            if !self.seen.contains(&DnKey::of(group)) {
                self.open.push(Open {
                    reference: Reference::Dn(group.clone()),
                    from: at,
                    edge: Edge::Member,
                });
            }
        }
        at
    }
}

#[cfg(test)]
mod tests;
