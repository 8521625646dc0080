//! PAC_SIGNATURE_DATA ([MS-PAC] 2.8): which checksum, its value, and on whose key.
//!
//! Layout: type (4 octets, little-endian, signed), the checksum (12, 16 or 24 octets by type), and, where a
//! read-only domain controller's krbtgt key made it, the 2 octets of its RODCIdentifier. Nothing is keyed here:
//! a function from octets to [`Mac`] is an argument wherever a signature is made.

use crate::error::PacError;

/// Checksum types that sign a PAC ([MS-PAC] 2.8), by the key's encryption type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureType {
    /// hmac-sha1-96-aes128 (15), of an encryption type 17 key: 12 octets.
    HmacSha1Aes128,
    /// hmac-sha1-96-aes256 (16), of an encryption type 18 key: 12 octets.
    HmacSha1Aes256,
    /// hmac-sha256-128-aes128 (19, RFC 8009), of an encryption type 19 key: 16 octets.
    HmacSha256Aes128,
    /// hmac-sha384-192-aes256 (20, RFC 8009), of an encryption type 20 key: 24 octets.
    HmacSha384Aes256,
    /// HMAC-MD5 (-138, RFC 4757), of an RC4 key: 16 octets.
    HmacMd5,
}

impl SignatureType {
    /// The type of this Kerberos checksum number, `None` if it does not sign PACs.
    #[must_use]
    pub const fn from_i32(number: i32) -> Option<Self> {
        match number {
            15 => Some(Self::HmacSha1Aes128),
            16 => Some(Self::HmacSha1Aes256),
            19 => Some(Self::HmacSha256Aes128),
            20 => Some(Self::HmacSha384Aes256),
            -138 => Some(Self::HmacMd5),
            _ => None,
        }
    }

    /// The Kerberos checksum number.
    #[must_use]
    pub const fn as_i32(self) -> i32 {
        match self {
            Self::HmacSha1Aes128 => 15,
            Self::HmacSha1Aes256 => 16,
            Self::HmacSha256Aes128 => 19,
            Self::HmacSha384Aes256 => 20,
            Self::HmacMd5 => -138,
        }
    }

    /// Octets of the checksum: 12, 16 or 24.
    #[must_use]
    pub const fn mac_len(self) -> usize {
        match self {
            Self::HmacSha1Aes128 | Self::HmacSha1Aes256 => 12,
            Self::HmacSha256Aes128 | Self::HmacMd5 => 16,
            Self::HmacSha384Aes256 => 24,
        }
    }
}

/// A checksum's value: 12, 16 or 24 octets, held by value. Made from an array of one of these lengths.
#[derive(Clone, Copy)]
pub struct Mac {
    octets: [u8; 24],
    len: u8,
}

impl Mac {
    /// The octets. Comparing them in constant time is up to whoever holds the key.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.octets.get(..usize::from(self.len)).unwrap_or_default()
    }
}

macro_rules! mac_from {
    ($($len:literal),+) => { $(
        impl From<[u8; $len]> for Mac {
            fn from(value: [u8; $len]) -> Self {
                let mut octets = [0; 24];
                for (slot, octet) in octets.iter_mut().zip(value) {
                    *slot = octet;
                }
                Self { octets, len: $len }
            }
        }
    )+ };
}

mac_from!(12, 16, 24);

/// A signature as it stands in a PAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature<'a> {
    /// Which checksum.
    pub kind: SignatureType,
    /// Its value, of [`SignatureType::mac_len`] octets.
    pub mac: &'a [u8],
    /// The number of the read-only domain controller whose krbtgt key made it; absent for the domain's own.
    /// The capture `windows-rodc-2021/tgt_rodc.pac.bin` has it on the KDC signature alone.
    pub rodc_identifier: Option<u16>,
}

impl<'a> Signature<'a> {
    /// Reads a buffer of type 6, 7, 16 or 19.
    ///
    /// # Errors
    /// [`PacError::SignatureType`] for a checksum that does not sign PACs, [`PacError::SignatureLength`] unless
    /// type and checksum, or those and an RODCIdentifier, fill the buffer exactly.
    pub fn decode(buffer: &'a [u8]) -> Result<Self, PacError> {
        let (number, rest) = buffer.split_first_chunk::<4>().ok_or(PacError::SignatureLength)?;
        let number = i32::from_le_bytes(*number);
        let kind = SignatureType::from_i32(number).ok_or(PacError::SignatureType(number))?;
        let (mac, identifier) = rest.split_at_checked(kind.mac_len()).ok_or(PacError::SignatureLength)?;
        let rodc_identifier = match *identifier {
            [] => None,
            [low, high] => Some(u16::from_le_bytes([low, high])),
            _ => return Err(PacError::SignatureLength),
        };
        Ok(Self { kind, mac, rodc_identifier })
    }

    /// A buffer for a signature that [`sign`](crate::sign) will fill in: type, zeros, RODCIdentifier if given.
    #[must_use]
    pub fn blank(kind: SignatureType, rodc_identifier: Option<u16>) -> Vec<u8> {
        let mut buffer = Vec::with_capacity(30);
        buffer.extend_from_slice(&kind.as_i32().to_le_bytes());
        buffer.extend_from_slice([0; 24].get(..kind.mac_len()).unwrap_or_default());
        if let Some(number) = rodc_identifier {
            buffer.extend_from_slice(&number.to_le_bytes());
        }
        buffer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [SignatureType; 5] = [
        SignatureType::HmacSha1Aes128,
        SignatureType::HmacSha1Aes256,
        SignatureType::HmacSha256Aes128,
        SignatureType::HmacSha384Aes256,
        SignatureType::HmacMd5,
    ];

    #[test]
    fn every_type_reads_back_with_and_without_identifier() {
        for kind in ALL {
            assert_eq!(SignatureType::from_i32(kind.as_i32()), Some(kind));
            for rodc_identifier in [None, Some(46_673)] {
                let buffer = Signature::blank(kind, rodc_identifier);
                let signature = Signature::decode(&buffer).unwrap();
                assert_eq!((signature.kind, signature.rodc_identifier), (kind, rodc_identifier));
                assert_eq!(signature.mac, vec![0; kind.mac_len()]);
            }
        }
    }

    #[test]
    fn refuses_every_other_length() {
        for kind in ALL {
            let mut longest = Signature::blank(kind, Some(1));
            let exact = [longest.len(), longest.len() - 2];
            longest.extend([0; 9]);
            for cut in (0..longest.len()).filter(|cut| !exact.contains(cut)) {
                assert_eq!(
                    Signature::decode(&longest[..cut]),
                    Err(PacError::SignatureLength),
                    "{kind:?} {cut}"
                );
            }
        }
    }

    #[test]
    fn refuses_checksums_that_do_not_sign() {
        for number in [0, 1, 7, 12, 14, 17, 18, 21, 138, i32::MAX, i32::MIN] {
            let mut buffer = number.to_le_bytes().to_vec();
            buffer.extend([0; 16]);
            assert_eq!(Signature::decode(&buffer), Err(PacError::SignatureType(number)));
        }
    }

    #[test]
    fn mac_keeps_its_length() {
        assert_eq!(Mac::from([7; 12]).as_bytes(), [7; 12]);
        assert_eq!(Mac::from([7; 16]).as_bytes(), [7; 16]);
        assert_eq!(Mac::from([7; 24]).as_bytes(), [7; 24]);
    }
}
