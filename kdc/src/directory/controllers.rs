//! Who controls an object: whoever could become it, or change what it decides.
//!
//! Counted are its owner, full control, the rights to change its DACL or its owner, to write everything or one of the
//! attributes below, and to set its password. As with [`replicators`](super::replicators), denying entries are not
//! subtracted: whom this names too many is looked at once too often.

use pac::Sid;

use super::attribute_error::{AttributeError, Fault};
use super::entry::Entry;
use super::replicators::DESCRIPTOR_ATTRIBUTE;
use super::security_descriptor::rights::{
    CONTROL_ACCESS, GENERIC_ALL, GENERIC_WRITE, WRITE_DAC, WRITE_OWNER, WRITE_PROPERTY,
};
use super::security_descriptor::{Grant, SecurityDescriptor};

/// Attributes that give an object, or what it decides, into somebody's hands, as GUIDs are stored.
const DECISIVE: [[u8; 16]; 8] = [
    // msDS-NeverRevealGroup, 15585999-fd49-4d66-b25d-eeb96aba8174
    [0x99, 0x59, 0x58, 0x15, 0x49, 0xfd, 0x66, 0x4d, 0xb2, 0x5d, 0xee, 0xb9, 0x6a, 0xba, 0x81, 0x74],
    // msDS-RevealOnDemandGroup, 303d9f4a-1dd6-4b38-8fc5-33afe8c988ad
    [0x4a, 0x9f, 0x3d, 0x30, 0xd6, 0x1d, 0x38, 0x4b, 0x8f, 0xc5, 0x33, 0xaf, 0xe8, 0xc9, 0x88, 0xad],
    // msDS-KrbTgtLink, 778ff5c9-6f4e-4b74-856a-d68383313910
    [0xc9, 0xf5, 0x8f, 0x77, 0x4e, 0x6f, 0x74, 0x4b, 0x85, 0x6a, 0xd6, 0x83, 0x83, 0x31, 0x39, 0x10],
    // msDS-KeyCredentialLink: a key of one's own to sign in with, 5b47d60f-6090-40b2-9f37-2a4de88f3063
    [0x0f, 0xd6, 0x47, 0x5b, 0x90, 0x60, 0xb2, 0x40, 0x9f, 0x37, 0x2a, 0x4d, 0xe8, 0x8f, 0x30, 0x63],
    // msDS-AllowedToActOnBehalfOfOtherIdentity: to act as anybody there, 3f78c3e5-f79a-46bd-a0b8-9d18116ddc79
    [0xe5, 0xc3, 0x78, 0x3f, 0x9a, 0xf7, 0xbd, 0x46, 0xa0, 0xb8, 0x9d, 0x18, 0x11, 0x6d, 0xdc, 0x79],
    // userAccountControl, bf967a68-0de6-11d0-a285-00aa003049e2
    [0x68, 0x7a, 0x96, 0xbf, 0xe6, 0x0d, 0xd0, 0x11, 0xa2, 0x85, 0x00, 0xaa, 0x00, 0x30, 0x49, 0xe2],
    // the property set User-Account-Restrictions, with the two above, 4c164200-20c0-11d0-a768-00aa006e0529
    [0x00, 0x42, 0x16, 0x4c, 0xc0, 0x20, 0xd0, 0x11, 0xa7, 0x68, 0x00, 0xaa, 0x00, 0x6e, 0x05, 0x29],
    // servicePrincipalName, f3a64788-5306-11d1-a9c5-0000f80367c1
    [0x88, 0x47, 0xa6, 0xf3, 0x06, 0x53, 0xd1, 0x11, 0xa9, 0xc5, 0x00, 0x00, 0xf8, 0x03, 0x67, 0xc1],
];

/// User-Force-Change-Password, 00299570-246d-11d0-a768-00aa006e0529.
const SET_PASSWORD: [u8; 16] =
    [0x70, 0x95, 0x29, 0x00, 0x6d, 0x24, 0xd0, 0x11, 0xa7, 0x68, 0x00, 0xaa, 0x00, 0x6e, 0x05, 0x29];

/// The SIDs that control this object.
///
/// # Errors
/// [`AttributeError`] if its descriptor is absent or says nothing of its grants.
pub fn controllers(object: &Entry) -> Result<Vec<Sid>, AttributeError> {
    let descriptor = SecurityDescriptor::parse(object.bytes(DESCRIPTOR_ATTRIBUTE)?)
        .map_err(|error| object.error(DESCRIPTOR_ATTRIBUTE, Fault::Descriptor(error)))?;
    let granted = descriptor.grants.iter().filter(|grant| gives_control(grant)).map(|grant| grant.trustee);
    Ok(granted.chain([descriptor.owner]).collect())
}

fn gives_control(grant: &Grant) -> bool {
    if grant.mask & (WRITE_DAC | WRITE_OWNER | GENERIC_ALL | GENERIC_WRITE) != 0 {
        return true;
    }
    let writes = grant.mask & WRITE_PROPERTY != 0
        && grant.object_type.is_none_or(|attribute| DECISIVE.contains(&attribute));
    let sets_password =
        grant.mask & CONTROL_ACCESS != 0 && grant.object_type.is_none_or(|right| right == SET_PASSWORD);
    writes || sets_password
}

#[cfg(test)]
mod tests {
    use super::super::security_descriptor::tests::{ace, descriptor, sid};
    use super::*;

    const ALICE: &str = "S-1-5-21-1-2-3-1104";
    const OWNER: &str = "S-1-5-32-544";

    #[test]
    fn whoever_could_become_it_or_change_what_it_decides_counts() {
        // Of no right or attribute that counts.
        let another = [0x12; 16];
        let [never_reveal, .., service_names] = DECISIVE;
        let cases = [
            ("full control", ace(0, 0, 0x000f_01ff, None, ALICE), true),
            ("GenericAll", ace(0, 0, 0x1000_0000, None, ALICE), true),
            ("GenericWrite", ace(0, 0, 0x4000_0000, None, ALICE), true),
            ("WriteDACL", ace(0, 0, 0x4_0000, None, ALICE), true),
            ("WriteOwner", ace(0, 0, 0x8_0000, None, ALICE), true),
            ("writing everything", ace(0, 0, 0x20, None, ALICE), true),
            ("writing a list", ace(5, 0, 0x20, Some(never_reveal), ALICE), true),
            ("writing names of services", ace(5, 0, 0x20, Some(service_names), ALICE), true),
            ("setting the password", ace(5, 0, 0x100, Some(SET_PASSWORD), ALICE), true),
            ("all extended rights", ace(0, 0, 0x100, None, ALICE), true),
            ("another extended right", ace(5, 0, 0x100, Some(another), ALICE), false),
            ("writing another attribute", ace(5, 0, 0x20, Some(another), ALICE), false),
            ("validated writes", ace(5, 0, 0x8, Some(service_names), ALICE), false),
            ("reading a list", ace(5, 0, 0x10, Some(never_reveal), ALICE), false),
            ("reading everything", ace(0, 0, 0x2_0094, None, ALICE), false),
            ("inheritance only", ace(0, 0x0a, 0x1000_0000, None, ALICE), false),
            ("a denial", ace(1, 0, 0x1000_0000, None, ALICE), false),
        ];
        for (what, entry, counts) in cases {
            let mut object = Entry::new("CN=AzureADKerberos,DC=demo");
            object.insert(DESCRIPTOR_ATTRIBUTE, descriptor(OWNER, &[entry]));
            let found = controllers(&object).expect(what);
            assert_eq!(found.contains(&sid(ALICE)), counts, "{what}");
            assert!(found.contains(&sid(OWNER)), "the owner, whatever the entries say");
        }
    }

    #[test]
    fn an_object_whose_descriptor_may_not_be_read_is_an_error() {
        assert!(controllers(&Entry::new("CN=DC1,DC=demo")).is_err());
    }
}
