//! A key made ready to seal and open the encrypted data of one usage.

use std::fmt;

use aes::{Aes128, Aes256};
use zeroize::{Zeroize, Zeroizing};

use super::aes_sha1;
use super::encryption_key::{EncryptionKey, EncryptionType, Material};
use super::usage::KeyUsage;

/// Octets of fresh random in front of the plaintext: one AES block.
pub const CONFOUNDER_LEN: usize = 16;

/// One key for one usage, with derived keys, schedules and HMAC states ready. Not [`Clone`]; wiped when
/// dropped.
pub struct CipherKey(Cipher);

enum Cipher {
    Aes128Sha1(aes_sha1::Cipher<Aes128>),
    Aes256Sha1(aes_sha1::Cipher<Aes256>),
}

impl CipherKey {
    /// Derives what `usage` needs.
    #[must_use]
    pub fn new(key: &EncryptionKey, usage: KeyUsage) -> Self {
        Self(match key.material() {
            Material::Aes128Sha1(bytes) => {
                Cipher::Aes128Sha1(aes_sha1::Cipher::new((&**bytes).into(), usage))
            }
            Material::Aes256Sha1(bytes) => {
                Cipher::Aes256Sha1(aes_sha1::Cipher::new((&**bytes).into(), usage))
            }
        })
    }

    /// Its encryption type, as EncryptedData names it.
    #[must_use]
    pub const fn etype(&self) -> EncryptionType {
        match self.0 {
            Cipher::Aes128Sha1(_) => EncryptionType::Aes128Sha1,
            Cipher::Aes256Sha1(_) => EncryptionType::Aes256Sha1,
        }
    }

    /// Octets that sealing adds: confounder and MAC. Anything shorter cannot be opened.
    #[must_use]
    pub const fn overhead(&self) -> usize {
        match self.0 {
            Cipher::Aes128Sha1(_) | Cipher::Aes256Sha1(_) => CONFOUNDER_LEN.saturating_add(aes_sha1::MAC_LEN),
        }
    }

    /// Length of the encrypted data of a plaintext of `plain_len` octets.
    #[must_use]
    pub const fn sealed_len(&self, plain_len: usize) -> usize {
        plain_len.saturating_add(self.overhead())
    }

    /// Opens encrypted data where it lies and returns the plaintext within it. The MAC is compared in
    /// constant time before a single octet is handed out.
    ///
    /// # Errors
    /// [`IntegrityError`] if this key did not seal this data for this usage; nothing says which of its octets
    /// is wrong. `buffer` has then been wiped.
    pub fn open_in_place<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b mut [u8], IntegrityError> {
        let Some(message_len) =
            buffer.len().checked_sub(aes_sha1::MAC_LEN).filter(|len| *len >= CONFOUNDER_LEN)
        else {
            buffer.zeroize();
            return Err(IntegrityError);
        };
        let (message, mac) = buffer.split_at_mut(message_len);
        let genuine = match &self.0 {
            Cipher::Aes128Sha1(cipher) => cipher.decrypt(message, mac),
            Cipher::Aes256Sha1(cipher) => cipher.decrypt(message, mac),
        };
        if !genuine {
            buffer.zeroize();
            return Err(IntegrityError);
        }
        buffer.get_mut(CONFOUNDER_LEN..message_len).ok_or(IntegrityError)
    }

    /// Opens a copy of `sealed`, which is wiped when dropped.
    ///
    /// # Errors
    /// As [`open_in_place`](Self::open_in_place).
    pub fn open(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, IntegrityError> {
        let mut buffer = Zeroizing::new(sealed.to_vec());
        let plain_len = self.open_in_place(&mut buffer)?.len();
        buffer.drain(..CONFOUNDER_LEN);
        buffer.truncate(plain_len);
        Ok(buffer)
    }

    /// Appends the encrypted data of `plain` to `out`. `confounder` must be fresh random octets: equal
    /// plaintexts under equal confounders give equal ciphertexts.
    pub fn seal(&self, confounder: &[u8; CONFOUNDER_LEN], plain: &[u8], out: &mut Vec<u8>) {
        // All at once: growing after the plaintext is in would leave a copy of it behind in freed memory.
        out.reserve(self.sealed_len(plain.len()));
        let start = out.len();
        out.extend_from_slice(confounder);
        out.extend_from_slice(plain);
        let (_, message) = out.split_at_mut(start);
        let mac = match &self.0 {
            Cipher::Aes128Sha1(cipher) => cipher.encrypt(message),
            Cipher::Aes256Sha1(cipher) => cipher.encrypt(message),
        };
        out.extend_from_slice(&mac);
    }
}

impl fmt::Debug for CipherKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CipherKey({}, redacted)", self.etype())
    }
}

/// Data that this key did not seal for this usage, or that was changed since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the integrity check of the encrypted data failed")]
pub struct IntegrityError;
