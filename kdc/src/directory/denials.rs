//! The operator's denials: from what the configuration names to SIDs.

use policy::Denials;

use super::attribute_error::AttributeError;
use super::deny_group::DenyGroup;
use super::entry::Entry;
use super::replicators::replicators;
use super::view_rules::ViewRules;

/// What to read of an object that `deny-groups` may name.
pub const NAMED_ATTRIBUTES: &[&str] = &["objectSid", "sAMAccountName"];

/// Why the operator's denials have no set of SIDs: nobody of the domain is served, lest one be missed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DenialFault {
    /// An entry of `deny-groups` names nothing that can be denied.
    #[error(
        "deny-groups has \"{entry}\", which is not the name of one object of the domain with a SID, or may not be read: \
         correct the entry, or write the SID"
    )]
    Group {
        /// The entry, as configured.
        entry: DenyGroup,
    },
    /// `deny-replicators` is on, and who holds replication rights cannot be told.
    #[error(
        "deny-replicators cannot be applied: {0}; let the account that reads the directory read the permissions of the \
         domain's head"
    )]
    Replicators(#[from] AttributeError),
}

/// What `rules` deny, `named` holding the objects that they name, and perhaps others.
pub(super) fn denials(rules: &ViewRules, head: &Entry, named: &[&Entry]) -> Result<Denials, DenialFault> {
    let sid = |entry: &DenyGroup| {
        entry.sid(named.iter().copied()).ok_or_else(|| DenialFault::Group { entry: entry.clone() })
    };
    let groups = rules.deny_groups.iter().map(sid).collect::<Result<Vec<_>, _>>()?;
    let replicators = if rules.deny_replicators { replicators(head)? } else { Vec::new() };
    Ok(Denials::new(groups, replicators))
}

#[cfg(test)]
mod tests {
    use super::super::security_descriptor::tests::DOMAIN_HEAD;
    use super::*;

    fn group(dn: &str, name: &str, sid: &str) -> Entry {
        let mut entry = Entry::new(dn);
        entry.insert("sAMAccountName", name);
        if !sid.is_empty() {
            entry.insert("objectSid", sid);
        }
        entry
    }

    fn resolved(entries: &[DenyGroup], named: &[&Entry]) -> Result<Denials, DenialFault> {
        let rules = ViewRules { deny_groups: entries.to_vec(), ..ViewRules::default() };
        denials(&rules, &Entry::new("DC=lab"), named)
    }

    #[test]
    fn each_form_finds_the_one_object_it_names() {
        let tier = group("CN=Tier 0,DC=lab", "tier-0", "S-1-5-21-1-2-3-1300");
        let other = group("CN=tier-0,DC=lab", "other", "S-1-5-21-1-2-3-1301");
        let twins = ["CN=a,DC=lab", "CN=b,DC=lab"].map(|dn| group(dn, "twin", "S-1-5-21-1-2-3-1302"));
        let no_sid = group("CN=ou,DC=lab", "ou", "");
        let named = [&tier, &other, &twins[0], &twins[1], &no_sid];
        let cases = [
            ("TIER-0", Some("S-1-5-21-1-2-3-1300")),
            ("cn=tier 0, dc=LAB", Some("S-1-5-21-1-2-3-1300")),
            ("CN=tier-0,DC=lab", Some("S-1-5-21-1-2-3-1301")),
            ("S-1-5-21-9-9-9-512", Some("S-1-5-21-9-9-9-512")),
            ("twin", None),
            ("ou", None),
            ("nobody", None),
        ];
        for (text, expected) in cases {
            let entry: DenyGroup = text.parse().expect(text);
            let found = resolved(std::slice::from_ref(&entry), &named);
            match expected {
                Some(sid) => {
                    assert_eq!(found.expect(text).groups(), [sid.parse().expect("a SID")], "{text}");
                }
                None => assert_eq!(found, Err(DenialFault::Group { entry }), "{text}"),
            }
        }
    }

    #[test]
    fn one_entry_that_names_nothing_leaves_no_denials() {
        let tier = group("CN=Tier 0,DC=lab", "tier-0", "S-1-5-21-1-2-3-1300");
        let entries = ["tier-0", "gone"].map(|text| text.parse().expect(text));
        let fault = resolved(&entries, &[&tier]).expect_err("gone");
        assert!(fault.to_string().starts_with("deny-groups has \"gone\", which is not"), "{fault}");
    }

    #[test]
    fn replication_rights_count_only_where_they_are_to() {
        let mut head = Entry::new("DC=lab");
        let rules = ViewRules { deny_replicators: true, ..ViewRules::default() };
        let fault = denials(&rules, &head, &[]).expect_err("no descriptor");
        let told = "deny-replicators cannot be applied: DC=lab: attribute nTSecurityDescriptor is absent";
        assert!(fault.to_string().starts_with(told), "{fault}");
        head.insert("nTSecurityDescriptor", DOMAIN_HEAD);
        assert_eq!(denials(&rules, &head, &[]).expect("SIDs").replicators().len(), 7);
        assert_eq!(denials(&ViewRules::default(), &head, &[]), Ok(Denials::default()));
    }
}
