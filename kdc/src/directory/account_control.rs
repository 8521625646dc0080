//! The flags of an account in their two forms: the directory's and SAM's.

/// `userAccountControl` bit of the directory ([MS-ADTS] 2.2.16) and its counterpart among SAM's USER_ACCOUNT codes
/// ([MS-SAMR] 2.2.1.12), which the PAC and pings use.
const SAM_BITS: [(u32, u32); 22] = [
    (0x0000_0002, 0x0000_0001), // ACCOUNT_DISABLED
    (0x0000_0008, 0x0000_0002), // HOME_DIRECTORY_REQUIRED
    (0x0000_0020, 0x0000_0004), // PASSWORD_NOT_REQUIRED
    (0x0000_0100, 0x0000_0008), // TEMP_DUPLICATE_ACCOUNT
    (0x0000_0200, 0x0000_0010), // NORMAL_ACCOUNT
    (0x0002_0000, 0x0000_0020), // MNS_LOGON_ACCOUNT
    (0x0000_0800, 0x0000_0040), // INTERDOMAIN_TRUST_ACCOUNT
    (0x0000_1000, 0x0000_0080), // WORKSTATION_TRUST_ACCOUNT
    (0x0000_2000, 0x0000_0100), // SERVER_TRUST_ACCOUNT
    (0x0001_0000, 0x0000_0200), // DONT_EXPIRE_PASSWORD
    (0x0000_0010, 0x0000_0400), // ACCOUNT_AUTO_LOCKED
    (0x0000_0080, 0x0000_0800), // ENCRYPTED_TEXT_PASSWORD_ALLOWED
    (0x0004_0000, 0x0000_1000), // SMARTCARD_REQUIRED
    (0x0008_0000, 0x0000_2000), // TRUSTED_FOR_DELEGATION
    (0x0010_0000, 0x0000_4000), // NOT_DELEGATED
    (0x0020_0000, 0x0000_8000), // USE_DES_KEY_ONLY
    (0x0040_0000, 0x0001_0000), // DONT_REQUIRE_PREAUTH
    (0x0080_0000, 0x0002_0000), // PASSWORD_EXPIRED
    (0x0100_0000, 0x0004_0000), // TRUSTED_TO_AUTHENTICATE_FOR_DELEGATION
    (0x0200_0000, 0x0008_0000), // NO_AUTH_DATA_REQUIRED
    (0x0400_0000, 0x0010_0000), // PARTIAL_SECRETS_ACCOUNT
    (0x0800_0000, 0x0020_0000), // USE_AES_KEYS
];

/// The directory's flags as SAM's.
#[must_use]
pub fn to_sam(user_account_control: u32) -> u32 {
    let set = SAM_BITS.iter().filter(|(bit, _)| user_account_control & bit != 0);
    set.fold(0, |codes, (_, code)| codes | code)
}

/// SAM's flags as the directory's.
#[must_use]
pub fn from_sam(codes: u32) -> u32 {
    let set = SAM_BITS.iter().filter(|(_, code)| codes & code != 0);
    set.fold(0, |bits, (bit, _)| bits | bit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_user_has_the_sam_form_of_its_flags() {
        let cases = [(0x200, 0x10), (0x1_0200, 0x210), (0x0500_1000, 0x14_0080), (0x4_0200, 0x1010), (0, 0)];
        for (directory, sam) in cases {
            assert_eq!(to_sam(directory), sam, "{directory:#x}");
        }
    }

    #[test]
    fn every_flag_has_one_counterpart_of_its_own() {
        for (bit, code) in SAM_BITS {
            assert_eq!((to_sam(bit), from_sam(code)), (code, bit));
        }
        assert_eq!((to_sam(u32::MAX), from_sam(0xffc0_0000)), (0x003f_ffff, 0), "and no other has one");
    }
}
