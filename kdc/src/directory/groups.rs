//! All groups of a domain at once: which of them an account is in is worked out here, where a domain controller would have
//! to be asked about each account, for `tokenGroups` is an attribute that it constructs for one object at a time.
//!
//! What only a domain controller knows is left out: groups of other domains, and those that list a former SID.

use std::collections::BTreeMap;

use pac::Sid;

use super::attribute_error::AttributeError;
use super::dn::DnKey;
use super::entry::Entry;
use super::membership::{Memberships, TOKENS};
use super::path::{Node, Reference};

/// The groups, by what lists them.
#[derive(Debug, Default)]
pub struct Groups {
    memberships: Memberships,
    nodes: BTreeMap<DnKey, Node>,
    by_sid: BTreeMap<Sid, DnKey>,
}

impl Groups {
    /// Takes in one group, read with [`NODE_ATTRIBUTES`](super::path::NODE_ATTRIBUTES).
    ///
    /// # Errors
    /// [`AttributeError`] if it has no SID or kind, or what lists it has not come whole.
    pub fn add(&mut self, entry: &Entry) -> Result<(), AttributeError> {
        let (node, key) = (Node::from_entry(entry)?, DnKey::of(entry.dn()));
        self.memberships.add_listed(entry)?;
        self.by_sid.insert(node.sid, key.clone());
        self.nodes.insert(key, node);
        Ok(())
    }

    /// Gives an account that was read with `memberOf` and `primaryGroupID` the attributes that name all its groups.
    ///
    /// # Errors
    /// [`AttributeError`] if one of the two is malformed or has not come whole.
    pub fn complete(&self, account: &mut Entry, domain: &Sid) -> Result<(), AttributeError> {
        let listing: Vec<DnKey> = account.texts("memberOf")?.into_iter().map(DnKey::of).collect();
        let primary = account.optional_flags("primaryGroupID")?.and_then(|rid| domain.with_rid(rid));
        for (name, scope) in TOKENS {
            for sid in self.memberships.groups_of(&listing, primary, scope) {
                account.insert(name, sid.to_bytes());
            }
        }
        Ok(())
    }

    /// A group, as a step of a path.
    #[must_use]
    pub fn node(&self, reference: &Reference) -> Option<&Node> {
        match reference {
            Reference::Dn(dn) => self.nodes.get(&DnKey::of(dn)),
            Reference::Sid(sid) => self.nodes.get(self.by_sid.get(sid)?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, attributes: &[(&str, &str)]) -> Entry {
        let mut entry = Entry::new(format!("CN={name},DC=lab"));
        attributes.iter().for_each(|(name, value)| entry.insert(name, *value));
        entry
    }

    fn group(name: &str, rid: u32, kind: &str, member_of: &[&str]) -> Entry {
        let sid = format!("S-1-5-21-1-2-3-{rid}").parse::<Sid>().expect("a SID");
        let mut group = entry(name, &[("objectClass", "group"), ("groupType", kind)]);
        group.insert("objectSid", sid.to_bytes());
        member_of.iter().for_each(|name| group.insert("memberOf", format!("cn={name}, dc=LAB")));
        group
    }

    #[test]
    fn an_account_gets_what_a_domain_controller_would_construct() {
        let (global, local, list) = ("-2147483646", "-2147483644", "2");
        let mut groups = Groups::default();
        let all = [
            group("team", 1, global, &["files", "list"]),
            group("files", 2, local, &["team", "behind"]),
            group("behind", 3, global, &[]),
            group("list", 4, list, &["hidden"]),
            group("hidden", 5, global, &[]),
            group("users", 513, global, &["everyone"]),
            group("everyone", 6, local, &[]),
        ];
        all.iter().for_each(|group| groups.add(group).expect("a group"));
        let mut alice = entry("alice", &[("primaryGroupID", "513"), ("memberOf", "CN=team,DC=lab")]);
        groups.complete(&mut alice, &"S-1-5-21-1-2-3".parse().expect("a SID")).expect("whole");
        let rids = |name| alice.sids(name).expect("SIDs").iter().filter_map(Sid::rid).collect::<Vec<_>>();
        assert_eq!(rids("tokenGroups"), [1, 2, 3, 6, 513]);
        assert_eq!(rids("tokenGroupsGlobalAndUniversal"), [1, 513]);
    }

    #[test]
    fn groups_are_found_by_either_name() {
        let mut groups = Groups::default();
        groups.add(&group("team", 1, "-2147483646", &[])).expect("a group");
        for reference in [
            Reference::Dn("cn=Team,dc=lab".to_owned()),
            Reference::Sid("S-1-5-21-1-2-3-1".parse().expect("a SID")),
        ] {
            assert_eq!(groups.node(&reference).map(|node| &*node.name), Some("team"));
        }
        assert_eq!(groups.node(&Reference::Dn("CN=other,DC=lab".to_owned())), None);
    }

    #[test]
    fn a_membership_that_came_in_part_completes_nothing() {
        let mut alice = entry("alice", &[("memberOf;range=0-1499", "CN=team,DC=lab")]);
        assert!(Groups::default().complete(&mut alice, &Sid::EVERYONE).is_err());
    }
}
