//! The checksums of a request, right and wrong.

use crate::krb::crypto::{EncryptionKey, KeyUsage, MacKey, md5};

/// cksumtype of rsa-md5 (RFC 3961 §6.2.2), which is unkeyed.
pub const RSA_MD5: i32 = 7;

/// The checksum that ties one part of a request to another: the authenticator's over the body, FAST's over the AP-REQ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyChecksum {
    /// rsa-md5, unkeyed, as Windows sends over a body.
    RsaMd5,
    /// The key's own type, as MIT sends.
    Keyed,
    /// None, as many tools send.
    Absent,
    /// Any cksumtype and octets.
    Other(i32, Vec<u8>),
}

impl BodyChecksum {
    /// Type and octets over `data`.
    pub(super) fn of(&self, data: &[u8], key: &EncryptionKey, usage: KeyUsage) -> Option<(i32, Vec<u8>)> {
        match self {
            Self::RsaMd5 => Some((RSA_MD5, md5(data).to_vec())),
            Self::Keyed => {
                let key = MacKey::new(key, usage);
                Some((key.checksum_type(), key.mac(data).as_bytes().to_vec()))
            }
            Self::Absent => None,
            Self::Other(kind, octets) => Some((*kind, octets.clone())),
        }
    }
}
