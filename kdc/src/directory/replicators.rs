//! Who could have every secret of the domain replicated to them: whoever holds replication rights on its head, or could
//! give them to themselves.
//!
//! Counted are the extended rights below, whether granted one by one, as part of all extended rights or as part of
//! everything; the right to change the DACL or the owner; and the owner. Denying entries are not subtracted and
//! conditional ones count as if their condition held: whom this names too many, `deny-replicators` keeps out of the
//! cloud, and nobody else is harmed.

use pac::Sid;

use super::attribute_error::{AttributeError, Fault};
use super::entry::Entry;
use super::security_descriptor::rights::{CONTROL_ACCESS, GENERIC_ALL, WRITE_DAC, WRITE_OWNER};
use super::security_descriptor::{Grant, SecurityDescriptor};

/// What is read of the domain's head, owner and DACL of it.
pub const DESCRIPTOR_ATTRIBUTE: &str = "nTSecurityDescriptor";

/// Extended rights ([MS-ADTS] 5.1.3.2.1), as GUIDs are stored. The first is what an attacker needs for password hashes;
/// it takes the second too, so whoever has one of them lacks little; the third gives the secrets that read-only domain
/// controllers are kept from.
const REPLICATION_RIGHTS: [[u8; 16]; 3] = [
    // DS-Replication-Get-Changes-All, 1131f6ad-9c07-11d1-f79f-00c04fc2dcd2
    [0xad, 0xf6, 0x31, 0x11, 0x07, 0x9c, 0xd1, 0x11, 0xf7, 0x9f, 0x00, 0xc0, 0x4f, 0xc2, 0xdc, 0xd2],
    // DS-Replication-Get-Changes, 1131f6aa-9c07-11d1-f79f-00c04fc2dcd2
    [0xaa, 0xf6, 0x31, 0x11, 0x07, 0x9c, 0xd1, 0x11, 0xf7, 0x9f, 0x00, 0xc0, 0x4f, 0xc2, 0xdc, 0xd2],
    // DS-Replication-Get-Changes-In-Filtered-Set, 89e95b76-444d-4c62-991a-0facbeda640c
    [0x76, 0x5b, 0xe9, 0x89, 0x4d, 0x44, 0x62, 0x4c, 0x99, 0x1a, 0x0f, 0xac, 0xbe, 0xda, 0x64, 0x0c],
];

/// The SIDs that hold replication rights on this head of a domain.
///
/// # Errors
/// [`AttributeError`] if the descriptor is absent or says nothing of its grants.
pub fn replicators(head: &Entry) -> Result<Vec<Sid>, AttributeError> {
    let descriptor = SecurityDescriptor::parse(head.bytes(DESCRIPTOR_ATTRIBUTE)?)
        .map_err(|error| head.error(DESCRIPTOR_ATTRIBUTE, Fault::Descriptor(error)))?;
    let granted = descriptor.grants.iter().filter(|grant| lets_replicate(grant)).map(|grant| grant.trustee);
    Ok(granted.chain([descriptor.owner]).collect())
}

fn lets_replicate(grant: &Grant) -> bool {
    if grant.mask & (WRITE_DAC | WRITE_OWNER | GENERIC_ALL) != 0 {
        return true;
    }
    grant.mask & CONTROL_ACCESS != 0
        && grant.object_type.is_none_or(|right| REPLICATION_RIGHTS.contains(&right))
}

#[cfg(test)]
mod tests {
    use super::super::security_descriptor::DescriptorError;
    use super::super::security_descriptor::tests::{DOMAIN_HEAD, ace, descriptor, sid};
    use super::*;

    const ALICE: &str = "S-1-5-21-1-2-3-1104";
    const OWNER: &str = "S-1-5-32-544";

    fn head(descriptor: &[u8]) -> Entry {
        let mut head = Entry::new("DC=demo");
        head.insert(DESCRIPTOR_ATTRIBUTE, descriptor);
        head
    }

    #[test]
    fn whoever_holds_or_can_take_replication_rights_counts() {
        // DS-Install-Replica, and the property set of general information.
        let another_right = [0x12; 16];
        let [all, changes, filtered] = REPLICATION_RIGHTS;
        let cases = [
            ("Get-Changes-All", ace(5, 0, 0x100, Some(all), ALICE), true),
            ("Get-Changes", ace(5, 0, 0x100, Some(changes), ALICE), true),
            ("In-Filtered-Set", ace(5, 0, 0x100, Some(filtered), ALICE), true),
            ("all extended rights", ace(0, 0, 0x100, None, ALICE), true),
            ("all extended rights, as an object's", ace(5, 0, 0x100, None, ALICE), true),
            ("WriteDACL", ace(0, 0, 0x4_0000, None, ALICE), true),
            ("WriteOwner", ace(0, 0, 0x8_0000, None, ALICE), true),
            ("GenericAll", ace(0, 0, 0x1000_0000, None, ALICE), true),
            ("full control", ace(0, 0x02, 0x000f_01ff, None, ALICE), true),
            ("on a condition", ace(0x0b, 0, 0x100, Some(all), ALICE), true),
            ("another extended right", ace(5, 0, 0x100, Some(another_right), ALICE), false),
            ("reading a property of that GUID", ace(5, 0, 0x10, Some(all), ALICE), false),
            ("reading everything", ace(0, 0, 0x2_0094, None, ALICE), false),
            ("GenericRead, GenericWrite", ace(0, 0, 0xc000_0000, None, ALICE), false),
            ("inheritance only", ace(5, 0x0a, 0x100, Some(all), ALICE), false),
            ("a denial", ace(6, 0, 0x100, Some(all), ALICE), false),
        ];
        for (what, entry, counts) in cases {
            let found = replicators(&head(&descriptor(OWNER, &[entry]))).expect(what);
            assert_eq!(found.contains(&sid(ALICE)), counts, "{what}");
            assert!(found.contains(&sid(OWNER)), "the owner, whatever the entries say");
        }
    }

    #[test]
    fn a_denial_beside_it_takes_nobody_off() {
        let [all, ..] = REPLICATION_RIGHTS;
        let entries = [ace(6, 0, 0x100, Some(all), ALICE), ace(5, 0, 0x100, Some(all), ALICE)];
        assert!(replicators(&head(&descriptor(OWNER, &entries))).expect("SIDs").contains(&sid(ALICE)));
    }

    #[test]
    fn a_domain_as_it_is_provisioned_lets_no_ordinary_user_replicate() {
        let domain = sid("S-1-5-21-2718281828-3141592653-1618033988");
        let rid = |rid| domain.with_rid(rid).expect("a SID");
        let mut found = replicators(&head(DOMAIN_HEAD)).expect("SIDs");
        found.sort_unstable();
        found.dedup();
        // SYSTEM, enterprise domain controllers; Administrators; read-only domain controllers of the enterprise, domain
        // administrators, domain controllers, enterprise administrators.
        let mut expected = ["S-1-5-18", "S-1-5-9", "S-1-5-32-544"].map(sid).to_vec();
        expected.extend([498, 512, 516, 519].map(rid));
        expected.sort_unstable();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_descriptor_that_cannot_be_read_names_nobody() {
        let absent = Entry::new("DC=demo");
        assert_eq!(replicators(&absent), Err(absent.error(DESCRIPTOR_ATTRIBUTE, Fault::Absent)));
        let null = [&[1, 0, 0x04, 0x80, 20, 0, 0, 0][..], &[0; 12], &sid(OWNER).to_bytes()].concat();
        let fault = Fault::Descriptor(DescriptorError::NoDacl);
        assert_eq!(replicators(&head(&null)), Err(absent.error(DESCRIPTOR_ATTRIBUTE, fault)));
    }
}
