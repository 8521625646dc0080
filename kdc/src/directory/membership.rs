//! Which groups an account is in, from `member` links: what a domain controller answers as `tokenGroups`.

use std::collections::{BTreeMap, BTreeSet};

use pac::Sid;

use super::attribute_error::AttributeError;
use super::dn::DnKey;
use super::entry::Entry;

/// `groupType` bits ([MS-ADTS] 2.2.12).
const GLOBAL: u32 = 0x0000_0002;
const UNIVERSAL: u32 = 0x0000_0008;
const SECURITY_ENABLED: u32 = 0x8000_0000;

/// Which groups count, as results and as steps on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Every security group: `tokenGroups`.
    All,
    /// Global and universal ones only: `tokenGroupsGlobalAndUniversal`. What is reached only through a
    /// domain-local group does not count either: a domain controller expands these two kinds before it looks
    /// at local ones.
    GlobalAndUniversal,
}

/// The attributes that these are.
pub(super) const TOKENS: [(&str, Scope); 2] =
    [("tokenGroups", Scope::All), ("tokenGroupsGlobalAndUniversal", Scope::GlobalAndUniversal)];

/// The security groups of a directory and who is in them. Distribution groups are left out, also as steps on
/// the way.
#[derive(Clone, Debug, Default)]
pub(super) struct Memberships {
    groups: BTreeMap<DnKey, Group>,
    /// Member to the groups that list it.
    parents: BTreeMap<DnKey, Vec<DnKey>>,
    by_sid: BTreeMap<Sid, DnKey>,
}

#[derive(Clone, Copy, Debug)]
struct Group {
    sid: Sid,
    kind: u32,
}

impl Memberships {
    /// Reads every security group among the entries.
    pub(super) fn of(entries: &[Entry]) -> Result<Self, AttributeError> {
        let mut memberships = Self::default();
        for entry in entries.iter().filter(|entry| entry.is_a("group")) {
            let kind = entry.flags("groupType")?;
            if kind & SECURITY_ENABLED == 0 {
                continue;
            }
            let (key, sid) = (DnKey::of(entry.dn()), entry.sid("objectSid")?);
            for member in entry.texts("member")? {
                memberships.parents.entry(DnKey::of(member)).or_default().push(key.clone());
            }
            memberships.by_sid.insert(sid, key.clone());
            memberships.groups.insert(key, Group { sid, kind });
        }
        Ok(memberships)
    }

    /// Takes in one group by the groups that list it, `memberOf`, where nobody has told who its members are.
    pub(super) fn add_listed(&mut self, entry: &Entry) -> Result<(), AttributeError> {
        let kind = entry.flags("groupType")?;
        if kind & SECURITY_ENABLED == 0 {
            return Ok(());
        }
        let (key, sid) = (DnKey::of(entry.dn()), entry.sid("objectSid")?);
        self.parents.insert(key.clone(), entry.texts("memberOf")?.into_iter().map(DnKey::of).collect());
        self.by_sid.insert(sid, key.clone());
        self.groups.insert(key, Group { sid, kind });
        Ok(())
    }

    /// The groups that an account is in which these list, directly, through its primary group or through other groups,
    /// ascending. The primary group counts even if the directory shows no object for it.
    pub(super) fn groups_of(&self, listing: &[DnKey], primary: Option<Sid>, scope: Scope) -> BTreeSet<Sid> {
        let mut sids: BTreeSet<Sid> = primary.into_iter().collect();
        let mut seen = BTreeSet::new();
        let mut open: Vec<&DnKey> = primary.and_then(|sid| self.by_sid.get(&sid)).into_iter().collect();
        open.extend(listing);
        // Every group is opened once, so that circles end.
        while let Some(key) = open.pop() {
            let Some(group) = self.groups.get(key).filter(|group| group.counts(scope)) else {
                continue;
            };
            if seen.insert(key) {
                sids.insert(group.sid);
                open.extend(self.parents.get(key).into_iter().flatten());
            }
        }
        sids
    }

    /// The security groups that list `member` themselves.
    pub(super) fn groups_listing(&self, member: &DnKey) -> &[DnKey] {
        self.parents.get(member).map_or(&[], Vec::as_slice)
    }
}

impl Group {
    fn counts(self, scope: Scope) -> bool {
        scope == Scope::All || self.kind & (GLOBAL | UNIVERSAL) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GLOBAL_GROUP: &str = "-2147483646";
    const LOCAL_GROUP: &str = "-2147483644";
    const UNIVERSAL_GROUP: &str = "-2147483640";
    const BUILTIN_GROUP: &str = "-2147483643";

    fn group(name: &str, sid: &str, kind: &str, members: &[&str]) -> Entry {
        let mut entry = Entry::new(format!("CN={name}"));
        entry.insert("objectClass", "group");
        entry.insert("objectSid", sid.parse::<Sid>().expect("a SID").to_bytes());
        entry.insert("groupType", kind);
        for member in members {
            entry.insert("member", format!("cn={member}"));
        }
        entry
    }

    fn groups(entries: &[Entry], primary: Option<&str>, scope: Scope) -> Vec<String> {
        let memberships = Memberships::of(entries).expect("groups");
        let primary = primary.map(|sid| sid.parse().expect("a SID"));
        let sids = memberships.groups_of(memberships.groups_listing(&DnKey::of("CN=alice")), primary, scope);
        sids.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn nesting_is_followed_through_every_kind_of_security_group() {
        let entries = [
            group("team", "S-1-5-21-1-2-3-1", GLOBAL_GROUP, &["alice"]),
            group("all", "S-1-5-21-1-2-3-2", UNIVERSAL_GROUP, &["team"]),
            group("files", "S-1-5-21-1-2-3-3", LOCAL_GROUP, &["all"]),
            group("Administrators", "S-1-5-32-544", BUILTIN_GROUP, &["files"]),
            group("others", "S-1-5-21-1-2-3-4", GLOBAL_GROUP, &["bob"]),
        ];
        let all = ["S-1-5-32-544", "S-1-5-21-1-2-3-1", "S-1-5-21-1-2-3-2", "S-1-5-21-1-2-3-3"];
        assert_eq!(groups(&entries, None, Scope::All), all);
        assert_eq!(groups(&entries, None, Scope::GlobalAndUniversal), all[1..3]);
    }

    #[test]
    fn what_is_reached_only_through_a_local_group_stays_local() {
        let entries = [
            group("files", "S-1-5-21-1-2-3-3", LOCAL_GROUP, &["alice"]),
            group("odd", "S-1-5-21-1-2-3-4", UNIVERSAL_GROUP, &["files"]),
        ];
        assert_eq!(groups(&entries, None, Scope::All).len(), 2);
        assert!(groups(&entries, None, Scope::GlobalAndUniversal).is_empty());
    }

    #[test]
    fn the_primary_group_counts_with_what_it_is_nested_in_and_without_an_object() {
        let entries = [
            group("Domain Admins", "S-1-5-21-1-2-3-512", GLOBAL_GROUP, &[]),
            group("Administrators", "S-1-5-32-544", BUILTIN_GROUP, &["Domain Admins"]),
        ];
        let sids = groups(&entries, Some("S-1-5-21-1-2-3-512"), Scope::All);
        assert_eq!(sids, ["S-1-5-32-544", "S-1-5-21-1-2-3-512"]);
        assert_eq!(groups(&[], Some("S-1-5-21-1-2-3-513"), Scope::All), ["S-1-5-21-1-2-3-513"]);
    }

    #[test]
    fn circles_end() {
        let entries = [
            group("a", "S-1-5-21-1-2-3-1", UNIVERSAL_GROUP, &["alice", "b", "a"]),
            group("b", "S-1-5-21-1-2-3-2", UNIVERSAL_GROUP, &["a"]),
        ];
        assert_eq!(groups(&entries, None, Scope::All), ["S-1-5-21-1-2-3-1", "S-1-5-21-1-2-3-2"]);
    }

    #[test]
    fn distribution_groups_grant_nothing_and_lead_nowhere() {
        let entries = [
            group("list", "S-1-5-21-1-2-3-1", "2", &["alice"]),
            group("behind", "S-1-5-21-1-2-3-2", GLOBAL_GROUP, &["list"]),
        ];
        assert!(groups(&entries, None, Scope::All).is_empty());
    }

    #[test]
    fn a_security_group_without_a_sid_is_an_error() {
        let mut entry = Entry::new("CN=odd");
        entry.insert("objectClass", "group");
        entry.insert("groupType", GLOBAL_GROUP);
        let error = Memberships::of(&[entry]).expect_err("no objectSid");
        assert_eq!((error.object.as_str(), error.attribute.as_str()), ("CN=odd", "objectSid"));
    }
}
