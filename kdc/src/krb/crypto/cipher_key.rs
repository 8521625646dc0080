//! A key made ready to seal and open the encrypted data of one usage.

use std::{fmt, iter};

use aes::{Aes128, Aes256};
use zeroize::{Zeroize, Zeroizing};

use super::aes_sha2::{self, Aes128Sha256, Aes256Sha384, Profile as _};
use super::encryption_key::{EncryptionKey, EncryptionType, Material};
use super::usage::KeyUsage;
use super::{aes_sha1, rc4_hmac};

/// Octets of fresh random that sealing takes, to go in front of the plaintext: one AES block. RC4 uses half.
pub const CONFOUNDER_LEN: usize = 16;

/// One key for one usage, with derived keys, schedules and HMAC states ready. Not [`Clone`]; wiped when
/// dropped.
pub struct CipherKey(Cipher);

enum Cipher {
    Aes128Sha1(aes_sha1::Cipher<Aes128>),
    Aes256Sha1(aes_sha1::Cipher<Aes256>),
    Aes128Sha256(aes_sha2::Cipher<Aes128Sha256>),
    Aes256Sha384(aes_sha2::Cipher<Aes256Sha384>),
    Rc4Hmac(rc4_hmac::Cipher),
}

/// Octets of what encrypted data has around the plaintext, in this order.
#[derive(Clone, Copy)]
struct Frame {
    /// RC4's MAC.
    leading_mac: usize,
    confounder: usize,
    /// The MAC of the AES types, after the plaintext.
    trailing_mac: usize,
}

impl Frame {
    const fn aes(mac_len: usize) -> Self {
        Self { leading_mac: 0, confounder: CONFOUNDER_LEN, trailing_mac: mac_len }
    }

    const RC4: Self =
        Self { leading_mac: rc4_hmac::MAC_LEN, confounder: rc4_hmac::CONFOUNDER_LEN, trailing_mac: 0 };

    const fn before_plaintext(self) -> usize {
        self.leading_mac.saturating_add(self.confounder)
    }

    const fn len(self) -> usize {
        self.before_plaintext().saturating_add(self.trailing_mac)
    }
}

impl CipherKey {
    /// Derives what `usage` needs.
    #[must_use]
    pub fn new(key: &EncryptionKey, usage: KeyUsage) -> Self {
        Self(match key.material() {
            Material::Aes128Sha1(bytes) => {
                Cipher::Aes128Sha1(aes_sha1::Cipher::new((&***bytes).into(), usage))
            }
            Material::Aes256Sha1(bytes) => {
                Cipher::Aes256Sha1(aes_sha1::Cipher::new((&***bytes).into(), usage))
            }
            Material::Aes128Sha256(bytes) => {
                Cipher::Aes128Sha256(aes_sha2::Cipher::new(bytes.as_slice(), usage))
            }
            Material::Aes256Sha384(bytes) => {
                Cipher::Aes256Sha384(aes_sha2::Cipher::new(bytes.as_slice(), usage))
            }
            Material::Rc4Hmac(bytes) => Cipher::Rc4Hmac(rc4_hmac::Cipher::new(bytes, usage)),
        })
    }

    /// Its encryption type, as EncryptedData names it.
    #[must_use]
    pub const fn etype(&self) -> EncryptionType {
        match self.0 {
            Cipher::Aes128Sha1(_) => EncryptionType::Aes128Sha1,
            Cipher::Aes256Sha1(_) => EncryptionType::Aes256Sha1,
            Cipher::Aes128Sha256(_) => EncryptionType::Aes128Sha256,
            Cipher::Aes256Sha384(_) => EncryptionType::Aes256Sha384,
            Cipher::Rc4Hmac(_) => EncryptionType::Rc4Hmac,
        }
    }

    const fn frame(&self) -> Frame {
        match self.0 {
            Cipher::Aes128Sha1(_) | Cipher::Aes256Sha1(_) => Frame::aes(aes_sha1::MAC_LEN),
            Cipher::Aes128Sha256(_) => Frame::aes(Aes128Sha256::MAC_LEN),
            Cipher::Aes256Sha384(_) => Frame::aes(Aes256Sha384::MAC_LEN),
            Cipher::Rc4Hmac(_) => Frame::RC4,
        }
    }

    /// Octets that sealing adds: confounder and MAC. Anything shorter cannot be opened.
    #[must_use]
    pub const fn overhead(&self) -> usize {
        self.frame().len()
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
        if buffer.len() < self.overhead() || !self.decrypt(buffer) {
            buffer.zeroize();
            return Err(IntegrityError);
        }
        let end = buffer.len().saturating_sub(self.frame().trailing_mac);
        buffer.get_mut(self.frame().before_plaintext()..end).ok_or(IntegrityError)
    }

    /// Decrypts encrypted data, no shorter than the overhead, and says whether its MAC is right.
    fn decrypt(&self, buffer: &mut [u8]) -> bool {
        let Frame { leading_mac, trailing_mac, .. } = self.frame();
        let before_trailing_mac = buffer.len().saturating_sub(trailing_mac);
        let (message, mac) = buffer.split_at_mut(before_trailing_mac);
        let (rc4_mac, message) = message.split_at_mut(leading_mac);
        match &self.0 {
            Cipher::Aes128Sha1(cipher) => cipher.decrypt(message, mac),
            Cipher::Aes256Sha1(cipher) => cipher.decrypt(message, mac),
            Cipher::Aes128Sha256(cipher) => cipher.decrypt(message, mac),
            Cipher::Aes256Sha384(cipher) => cipher.decrypt(message, mac),
            Cipher::Rc4Hmac(cipher) => cipher.decrypt(message, rc4_mac),
        }
    }

    /// Opens a copy of `sealed`, which is wiped when dropped.
    ///
    /// # Errors
    /// As [`open_in_place`](Self::open_in_place).
    pub fn open(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, IntegrityError> {
        let mut buffer = Zeroizing::new(sealed.to_vec());
        let plain_len = self.open_in_place(&mut buffer)?.len();
        buffer.drain(..self.frame().before_plaintext());
        buffer.truncate(plain_len);
        Ok(buffer)
    }

    /// Appends the encrypted data of `plain` to `out`. `confounder` must be fresh random octets: equal
    /// plaintexts under equal confounders give equal ciphertexts.
    pub fn seal(&self, confounder: &[u8; CONFOUNDER_LEN], plain: &[u8], out: &mut Vec<u8>) {
        // All at once: growing after the plaintext is in would leave a copy of it behind in freed memory.
        out.reserve(self.sealed_len(plain.len()));
        let Frame { leading_mac, confounder: confounder_len, .. } = self.frame();
        let start = out.len();
        out.extend(iter::repeat_n(0, leading_mac));
        out.extend(confounder.iter().take(confounder_len));
        out.extend_from_slice(plain);
        let (_, sealed) = out.split_at_mut(start);
        let (rc4_mac, message) = sealed.split_at_mut(leading_mac);
        match &self.0 {
            Cipher::Aes128Sha1(cipher) => {
                let mac = cipher.encrypt(message);
                out.extend_from_slice(&mac);
            }
            Cipher::Aes256Sha1(cipher) => {
                let mac = cipher.encrypt(message);
                out.extend_from_slice(&mac);
            }
            Cipher::Aes128Sha256(cipher) => {
                let mac = cipher.encrypt(message);
                out.extend_from_slice(mac.as_bytes());
            }
            Cipher::Aes256Sha384(cipher) => {
                let mac = cipher.encrypt(message);
                out.extend_from_slice(mac.as_bytes());
            }
            Cipher::Rc4Hmac(cipher) => rc4_mac.copy_from_slice(&cipher.encrypt(message)),
        }
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
