//! A key made ready to seal and open the encrypted data of one usage.

use std::fmt;
use std::ops::{Deref, Range};

use aes::{Aes128, Aes256};
use zeroize::Zeroize;

use super::aes_sha2::{self, Aes128Sha256, Aes256Sha384, Profile as _};
use super::encryption_key::{EncryptionKey, EncryptionType, Material};
use super::usage::KeyUsage;
use super::{aes_sha1, hmac_sha1, rc4_hmac};
use crate::krb::Secret;

/// Octets of fresh random that sealing takes, to go in front of the plaintext: one AES block. RC4 uses half.
pub const CONFOUNDER_LEN: usize = 16;

/// One key for one usage, with derived keys, schedules and HMAC states ready. Not [`Clone`]; wiped when
/// dropped.
pub struct CipherKey(Cipher);

/// Boxed, so that moving the key about costs nothing and leaves no copy of it behind.
enum Cipher {
    Aes128Sha1(Box<aes_sha1::Cipher<Aes128>>),
    Aes256Sha1(Box<aes_sha1::Cipher<Aes256>>),
    Aes128Sha256(Box<aes_sha2::Cipher<Aes128Sha256>>),
    Aes256Sha384(Box<aes_sha2::Cipher<Aes256Sha384>>),
    Rc4Hmac(Box<rc4_hmac::Cipher>),
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
            Material::Aes128Sha1(base) => Cipher::Aes128Sha1(Box::new(aes_sha1::Cipher::new(base, usage))),
            Material::Aes256Sha1(base) => Cipher::Aes256Sha1(Box::new(aes_sha1::Cipher::new(base, usage))),
            Material::Aes128Sha256(octets) => {
                Cipher::Aes128Sha256(Box::new(aes_sha2::Cipher::new(octets.as_slice(), usage)))
            }
            Material::Aes256Sha384(octets) => {
                Cipher::Aes256Sha384(Box::new(aes_sha2::Cipher::new(octets.as_slice(), usage)))
            }
            Material::Rc4Hmac(octets) => Cipher::Rc4Hmac(Box::new(rc4_hmac::Cipher::new(octets, usage))),
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
            Cipher::Aes128Sha1(_) | Cipher::Aes256Sha1(_) => Frame::aes(hmac_sha1::MAC_LEN),
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
    pub fn open(&self, sealed: &[u8]) -> Result<Opened, IntegrityError> {
        let mut buffer = Secret::from(sealed.to_vec());
        let plain_len = self.open_in_place(&mut buffer)?.len();
        let start = self.before_plaintext();
        Ok(Opened { buffer, plain: start..start.saturating_add(plain_len) })
    }

    /// Appends the encrypted data of `plain` to `out`. `confounder` must be fresh random octets: equal
    /// plaintexts under equal confounders give equal ciphertexts.
    pub fn seal(&self, confounder: &[u8; CONFOUNDER_LEN], plain: &[u8], out: &mut Vec<u8>) {
        // All at once: growing after the plaintext is in would leave a copy of it behind in freed memory.
        out.reserve(self.sealed_len(plain.len()));
        let start = out.len();
        out.resize(start.saturating_add(self.before_plaintext()), 0);
        out.extend_from_slice(plain);
        out.resize(out.len().saturating_add(self.after_plaintext()), 0);
        if let Some(sealed) = out.get_mut(start..) {
            self.seal_in_place(confounder, sealed);
        }
    }

    /// Octets of encrypted data in front of the plaintext.
    #[must_use]
    pub const fn before_plaintext(&self) -> usize {
        self.frame().before_plaintext()
    }

    /// Octets of encrypted data after the plaintext.
    #[must_use]
    pub const fn after_plaintext(&self) -> usize {
        self.frame().trailing_mac
    }

    /// Seals a plaintext where it lies, [`before_plaintext`](Self::before_plaintext) octets of room in front of it
    /// and [`after_plaintext`](Self::after_plaintext) behind. `confounder` as for [`seal`](Self::seal).
    pub fn seal_in_place(&self, confounder: &[u8; CONFOUNDER_LEN], sealed: &mut [u8]) {
        let Frame { leading_mac, confounder: confounder_len, trailing_mac } = self.frame();
        let (message, trailing_mac) = sealed.split_at_mut(sealed.len().saturating_sub(trailing_mac));
        let (leading_mac, message) = message.split_at_mut(leading_mac.min(message.len()));
        message.iter_mut().zip(confounder.iter().take(confounder_len)).for_each(|(to, from)| *to = *from);
        match &self.0 {
            Cipher::Aes128Sha1(cipher) => fill(trailing_mac, &cipher.encrypt(message)),
            Cipher::Aes256Sha1(cipher) => fill(trailing_mac, &cipher.encrypt(message)),
            Cipher::Aes128Sha256(cipher) => fill(trailing_mac, cipher.encrypt(message).as_bytes()),
            Cipher::Aes256Sha384(cipher) => fill(trailing_mac, cipher.encrypt(message).as_bytes()),
            Cipher::Rc4Hmac(cipher) => fill(leading_mac, &cipher.encrypt(message)),
        }
    }
}

/// A plaintext in the copy of its encrypted data that was opened. Wiped when dropped.
#[derive(Debug, Default)]
pub struct Opened {
    buffer: Secret,
    plain: Range<usize>,
}

impl Deref for Opened {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.buffer.get(self.plain.clone()).unwrap_or_default()
    }
}

fn fill(place: &mut [u8], mac: &[u8]) {
    place.iter_mut().zip(mac).for_each(|(to, from)| *to = *from);
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
