//! Key usage numbers (RFC 4120 §7.5.1) and the constants that keys are derived with (RFC 3961 §5.1, §5.3).
//!
//! The constants are folded to the AES block size by the compiler: n-fold costs more than the derivation
//! itself.

macro_rules! key_usages {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        /// What a key is used for: each usage has keys of its own (RFC 4120 §7.5.1).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum KeyUsage {
            $($(#[$doc])* $name = $number,)*
        }

        impl KeyUsage {
            /// The folded derivation constants of this usage.
            pub(super) fn constants(self) -> &'static Constants {
                match self {
                    $(Self::$name => const { &Constants::of($number) },)*
                }
            }
        }
    };
}

key_usages! {
    /// The ticket's encrypted part, in the service's key.
    Ticket = 2,
    /// The encrypted part of an AS-REP.
    AsRepEncPart = 3,
    /// The checksum over the request body in the authenticator of a TGS-REQ, in the session key.
    TgsReqAuthenticatorChecksum = 6,
    /// The authenticator of a TGS-REQ, in the session key.
    TgsReqAuthenticator = 7,
    /// The encrypted part of a TGS-REP, in the session key.
    TgsRepSessionKey = 8,
    /// The encrypted part of a TGS-REP, in the authenticator's subkey.
    TgsRepSubkey = 9,
    /// Both signatures of a PAC ([MS-PAC] 2.8.1: KERB_NON_KERB_CKSUM_SALT).
    PacSignature = 17,
    /// FAST: the checksum over the AP-REQ, in the armour key (RFC 6113 §5.4, as those below).
    FastReqChecksum = 50,
    /// FAST: the request in the armour.
    FastEnc = 51,
    /// FAST: the response in the armour.
    FastRep = 52,
    /// FAST: the checksum over the ticket issued.
    FastFinished = 53,
}

impl KeyUsage {
    /// T, the usage as rc4-hmac counts it (RFC 4757 §3), in little-endian order. An AS-REP's encrypted part has
    /// the number of a TGS-REP's there; that 9 became 8 too is an erratum, which nobody implements.
    pub(super) fn rc4_salt(self) -> [u8; 4] {
        let number = match self {
            Self::AsRepEncPart => 8,
            other => other as u32,
        };
        number.to_le_bytes()
    }
}

/// The three derivation constants of one usage, folded to 128 bits (RFC 3961 §5.3).
pub(super) struct Constants {
    /// For Ke, the encryption key.
    pub(super) encryption: [u8; 16],
    /// For Ki, the key of the checksum inside encrypted data.
    pub(super) integrity: [u8; 16],
    /// For Kc, the key of a checksum that stands alone.
    pub(super) checksum: [u8; 16],
}

impl Constants {
    const fn of(usage: u32) -> Self {
        let [a, b, c, d] = usage.to_be_bytes();
        Self {
            encryption: n_fold(&[a, b, c, d, 0xAA]),
            integrity: n_fold(&[a, b, c, d, 0x55]),
            checksum: n_fold(&[a, b, c, d, 0x99]),
        }
    }
}

/// Folds `input` to `N` octets (RFC 3961 §5.1): copies of it, each rotated 13 bits further to the right, are
/// laid end to end until they fill a whole number of `N` octets, and those groups are added in ones'
/// complement.
#[expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "evaluated at compile time, where a mistake is a build error"
)]
pub(super) const fn n_fold<const N: usize>(input: &[u8]) -> [u8; N] {
    let length = input.len();
    let mut sums = [0_u32; N];
    let mut position = 0;
    loop {
        let rotation = 13 * (position / length) % (8 * length);
        let bit = (8 * (position % length) + 8 * length - rotation) % (8 * length);
        let pair = u16::from_be_bytes([input[bit / 8], input[(bit / 8 + 1) % length]]);
        let [_, octet] = (pair >> (8 - bit % 8)).to_be_bytes();
        sums[position % N] += octet as u32;
        position += 1;
        // Both lengths divide the position: the least common multiple.
        if position % length == 0 && position % N == 0 {
            break;
        }
    }
    let mut folded = [0; N];
    let mut carry = 0;
    loop {
        let mut index = N;
        while index > 0 {
            index -= 1;
            let [.., high, octet] = (sums[index] + carry).to_be_bytes();
            sums[index] = octet as u32;
            folded[index] = octet;
            carry = high as u32;
        }
        // Ones' complement: what leaves at the first octet comes back at the last.
        if carry == 0 {
            return folded;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3961, appendix A.1.
    #[test]
    fn folds_as_rfc_3961_does() {
        assert_eq!(n_fold(b"012345"), 0xbe07_2631_276b_1955_u64.to_be_bytes());
        assert_eq!(n_fold(b"password"), [0x78, 0xa0, 0x7b, 0x6c, 0xaf, 0x85, 0xfa]);
        assert_eq!(n_fold(b"Rough Consensus, and Running Code"), 0xbb6e_d308_70b7_f0e0_u64.to_be_bytes());
        assert_eq!(
            n_fold(b"password"),
            [
                0x59, 0xe4, 0xa8, 0xca, 0x7c, 0x03, 0x85, 0xc3, 0xc3, 0x7b, 0x3f, 0x6d, 0x20, 0x00, 0x24,
                0x7c, 0xb6, 0xe6, 0xbd, 0x5b, 0x3e,
            ]
        );
        assert_eq!(
            n_fold(b"MASSACHVSETTS INSTITVTE OF TECHNOLOGY"),
            [
                0xdb, 0x3b, 0x0d, 0x8f, 0x0b, 0x06, 0x1e, 0x60, 0x32, 0x82, 0xb3, 0x08, 0xa5, 0x08, 0x41,
                0x22, 0x9a, 0xd7, 0x98, 0xfa, 0xb9, 0x54, 0x0c, 0x1b,
            ]
        );
        assert_eq!(
            n_fold(b"Q"),
            [
                0x51, 0x8a, 0x54, 0xa2, 0x15, 0xa8, 0x45, 0x2a, 0x51, 0x8a, 0x54, 0xa2, 0x15, 0xa8, 0x45,
                0x2a, 0x51, 0x8a, 0x54, 0xa2, 0x15,
            ]
        );
        assert_eq!(
            n_fold(b"ba"),
            [
                0xfb, 0x25, 0xd5, 0x31, 0xae, 0x89, 0x74, 0x49, 0x9f, 0x52, 0xfd, 0x92, 0xea, 0x98, 0x57,
                0xc4, 0xba, 0x24, 0xcf, 0x29, 0x7e,
            ]
        );
    }

    /// RFC 3961, appendix A.1, the constant of every string-to-key.
    #[test]
    fn folds_the_string_kerberos() {
        assert_eq!(n_fold(b"kerberos"), *b"kerberos");
        assert_eq!(n_fold(b"kerberos"), 0x6b65_7262_6572_6f73_7b9b_5b2b_9313_2b93_u128.to_be_bytes());
    }
}
