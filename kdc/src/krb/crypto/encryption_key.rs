//! Encryption types and key octets of the right length for them.

use std::fmt;

use aes::{Aes128, Aes256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::aes_sha1::BaseKey;

/// The encryption types there are here (RFC 3961 §8), in the order in which they are preferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EncryptionType {
    /// aes256-cts-hmac-sha1-96 (RFC 3962)
    Aes256Sha1 = 18,
    /// aes128-cts-hmac-sha1-96 (RFC 3962)
    Aes128Sha1 = 17,
    /// aes256-cts-hmac-sha384-192 (RFC 8009)
    Aes256Sha384 = 20,
    /// aes128-cts-hmac-sha256-128 (RFC 8009)
    Aes128Sha256 = 19,
    /// rc4-hmac (RFC 4757). Broken: only for domains that allow it.
    Rc4Hmac = 23,
}

impl EncryptionType {
    /// All of them, the preferred one first. Those of RFC 8009 come after those that every domain controller
    /// takes: no Windows knows them, and not every Samba.
    pub const ALL: [Self; 5] =
        [Self::Aes256Sha1, Self::Aes128Sha1, Self::Aes256Sha384, Self::Aes128Sha256, Self::Rc4Hmac];

    /// Its place in [`ALL`](Self::ALL): the lower, the better.
    #[must_use]
    pub fn rank(self) -> usize {
        Self::ALL.into_iter().take_while(|better| *better != self).count()
    }

    /// Whether it is of the AES family: every type but rc4-hmac.
    #[must_use]
    pub const fn is_aes(self) -> bool {
        !matches!(self, Self::Rc4Hmac)
    }

    /// Whether it is one of RFC 8009, with SHA-2.
    #[must_use]
    pub const fn is_sha2(self) -> bool {
        matches!(self, Self::Aes128Sha256 | Self::Aes256Sha384)
    }

    /// The type of this number, if it is one we have.
    #[must_use]
    pub const fn from_i32(number: i32) -> Option<Self> {
        match number {
            17 => Some(Self::Aes128Sha1),
            18 => Some(Self::Aes256Sha1),
            19 => Some(Self::Aes128Sha256),
            20 => Some(Self::Aes256Sha384),
            23 => Some(Self::Rc4Hmac),
            _ => None,
        }
    }

    /// Its number on the wire.
    #[must_use]
    pub const fn as_i32(self) -> i32 {
        self as i32
    }

    /// Length of its keys in octets.
    #[must_use]
    pub const fn key_len(self) -> usize {
        match self {
            Self::Aes128Sha1 | Self::Aes128Sha256 | Self::Rc4Hmac => 16,
            Self::Aes256Sha1 | Self::Aes256Sha384 => 32,
        }
    }

    /// The number of its keyed checksum (RFC 3962 §7, RFC 8009 §6, RFC 4757 §4).
    #[must_use]
    pub const fn checksum_type(self) -> i32 {
        match self {
            Self::Aes128Sha1 => 15,
            Self::Aes256Sha1 => 16,
            Self::Aes128Sha256 => 19,
            Self::Aes256Sha384 => 20,
            Self::Rc4Hmac => -138,
        }
    }

    /// Its bit in msDS-SupportedEncryptionTypes and PA-SUPPORTED-ENCTYPES ([MS-KILE] 2.2.7). The types of RFC
    /// 8009 have none: the bits that are not defined must be zero.
    #[must_use]
    pub const fn supported_bit(self) -> u32 {
        match self {
            Self::Aes128Sha1 => 0x08,
            Self::Aes256Sha1 => 0x10,
            Self::Aes128Sha256 | Self::Aes256Sha384 => 0,
            Self::Rc4Hmac => 0x04,
        }
    }
}

impl fmt::Display for EncryptionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Aes128Sha1 => "aes128-cts-hmac-sha1-96",
            Self::Aes256Sha1 => "aes256-cts-hmac-sha1-96",
            Self::Aes128Sha256 => "aes128-cts-hmac-sha256-128",
            Self::Aes256Sha384 => "aes256-cts-hmac-sha384-192",
            Self::Rc4Hmac => "rc4-hmac",
        })
    }
}

/// Key octets that their encryption type takes, ready to derive from. Not [`Clone`], wiped when dropped, and `Debug` shows the type
/// only.
pub struct EncryptionKey(Material);

/// The octets, as many as the type wants: a key of another length cannot be written down. They stay where they are
/// when the key is moved, so that no copy is left behind that nobody wipes.
pub(super) enum Material {
    Aes128Sha1(Box<BaseKey<Aes128>>),
    Aes256Sha1(Box<BaseKey<Aes256>>),
    Aes128Sha256(Octets<16>),
    Aes256Sha384(Octets<32>),
    Rc4Hmac(Octets<16>),
}

type Octets<const LENGTH: usize> = Box<Zeroizing<[u8; LENGTH]>>;

impl EncryptionKey {
    /// Takes key octets as they stand in a key block, a keytab or a fresh random buffer: for every type here,
    /// any octets of the right length are a key (RFC 3962 §6, RFC 8009 §5: random-to-key is the identity).
    ///
    /// # Errors
    /// [`KeyError`] if the type wants another length.
    pub fn from_bytes(etype: EncryptionType, bytes: &[u8]) -> Result<Self, KeyError> {
        if bytes.len() != etype.key_len() {
            return Err(KeyError { etype, length: bytes.len() });
        }
        Ok(Self::made(etype, |key| key.iter_mut().zip(bytes).for_each(|(octet, given)| *octet = *given)))
    }

    /// The key of a type that random octets make, as many of them as the type wants.
    #[must_use]
    pub fn from_random(etype: EncryptionType, blocks: &[[u8; 16]; 2]) -> Self {
        let octets = blocks.as_flattened();
        Self::made(etype, |key| key.iter_mut().zip(octets).for_each(|(octet, random)| *octet = *random))
    }

    /// The key that `fill` makes of as many zeros as the type wants.
    pub(super) fn made(etype: EncryptionType, fill: impl FnOnce(&mut [u8])) -> Self {
        Self(match etype {
            EncryptionType::Aes128Sha1 => Material::Aes128Sha1(Box::new(BaseKey::made(fill))),
            EncryptionType::Aes256Sha1 => Material::Aes256Sha1(Box::new(BaseKey::made(fill))),
            EncryptionType::Aes128Sha256 => Material::Aes128Sha256(octets(fill)),
            EncryptionType::Aes256Sha384 => Material::Aes256Sha384(octets(fill)),
            EncryptionType::Rc4Hmac => Material::Rc4Hmac(octets(fill)),
        })
    }

    /// Its encryption type.
    #[must_use]
    pub const fn etype(&self) -> EncryptionType {
        match self.0 {
            Material::Aes128Sha1(_) => EncryptionType::Aes128Sha1,
            Material::Aes256Sha1(_) => EncryptionType::Aes256Sha1,
            Material::Aes128Sha256(_) => EncryptionType::Aes128Sha256,
            Material::Aes256Sha384(_) => EncryptionType::Aes256Sha384,
            Material::Rc4Hmac(_) => EncryptionType::Rc4Hmac,
        }
    }

    /// The octets, for the one place that must write them: inside a message that will be encrypted.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Material::Aes128Sha1(base) => base.octets(),
            Material::Aes256Sha1(base) => base.octets(),
            Material::Aes128Sha256(octets) | Material::Rc4Hmac(octets) => octets.as_slice(),
            Material::Aes256Sha384(octets) => octets.as_slice(),
        }
    }

    /// Whether every octet is zero, as in a key block that nobody filled in.
    #[must_use]
    pub fn is_all_zero(&self) -> bool {
        self.as_bytes().iter().fold(0, |seen, octet| seen | octet).ct_eq(&0).into()
    }

    pub(super) const fn material(&self) -> &Material {
        &self.0
    }
}

fn octets<const LENGTH: usize>(fill: impl FnOnce(&mut [u8])) -> Octets<LENGTH> {
    let mut octets: Octets<LENGTH> = Box::new(Zeroizing::new([0; LENGTH]));
    fill(octets.as_mut_slice());
    octets
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncryptionKey({}, redacted)", self.etype())
    }
}

/// Key octets of a length that their encryption type does not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key of {etype} has {} octets, not {length}", .etype.key_len())]
pub struct KeyError {
    etype: EncryptionType,
    length: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_exactly_the_length_of_the_type() {
        for etype in EncryptionType::ALL {
            for length in 0..=64 {
                let taken = EncryptionKey::from_bytes(etype, &vec![1; length]).is_ok();
                assert_eq!(taken, length == etype.key_len(), "{etype} with {length} octets");
            }
        }
    }

    #[test]
    fn the_order_of_preference_is_that_of_the_list() {
        let ranks: Vec<usize> = EncryptionType::ALL.iter().map(|etype| etype.rank()).collect();
        assert_eq!(ranks, [0, 1, 2, 3, 4]);
        let numbers = EncryptionType::ALL.map(EncryptionType::as_i32);
        assert_eq!(numbers, [18, 17, 20, 19, 23]);
    }

    #[test]
    fn debug_and_errors_show_no_octet() {
        let key = EncryptionKey::from_bytes(EncryptionType::Aes128Sha1, &[0x5a; 16]).unwrap();
        assert_eq!(format!("{key:?}"), "EncryptionKey(aes128-cts-hmac-sha1-96, redacted)");
        let error = EncryptionKey::from_bytes(EncryptionType::Aes256Sha1, &[0x5a; 5]).unwrap_err();
        assert_eq!(error.to_string(), "a key of aes256-cts-hmac-sha1-96 has 32 octets, not 5");
    }

    #[test]
    fn sees_an_all_zero_key() {
        let mut octets = [0; 32];
        assert!(EncryptionKey::from_bytes(EncryptionType::Aes256Sha1, &octets).unwrap().is_all_zero());
        octets[31] = 1;
        assert!(!EncryptionKey::from_bytes(EncryptionType::Aes256Sha1, &octets).unwrap().is_all_zero());
    }

    #[test]
    fn numbers_go_there_and_back() {
        for number in -200..200 {
            if let Some(etype) = EncryptionType::from_i32(number) {
                assert_eq!(etype.as_i32(), number);
            } else {
                assert!(![17, 18, 19, 20, 23].contains(&number));
            }
        }
    }
}
