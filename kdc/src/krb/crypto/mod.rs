//! The Kerberos encryption layer (RFC 3961) on RustCrypto primitives.
//!
//! An [`EncryptionKey`] is octets of the right length for their [`EncryptionType`] and does nothing by
//! itself. [`CipherKey`] and [`MacKey`] are one such key made ready for one [`KeyUsage`]: derived keys, AES
//! schedules and HMAC states are computed when they are made, so that using them derives nothing.
//!
//! | etype | name | built | checksum |
//! | --- | --- | --- | --- |
//! | 17 | aes128-cts-hmac-sha1-96 | seal, open, sign | 15 |
//! | 18 | aes256-cts-hmac-sha1-96 | seal, open, sign | 16 |
//! | 23 | rc4-hmac | verification of signatures only, [`MacKey::rc4_hmac`] | -138 |
//!
//! A further encryption type is a variant of [`EncryptionType`] and a module beside `aes_sha1`; the compiler
//! then names every place that must decide about it.
//!
//! Secrets are wiped when dropped: `aes`, `sha1`, `md-5` and the HMAC buffers through the `zeroize` features
//! of those crates (set in `Cargo.toml`; asserted by a test below), our own octets through `Zeroizing`.
//! Copies that the compiler or those crates leave on the stack while a key is being made are beyond that.

mod aes_sha1;
mod cipher_key;
mod cts;
mod encryption_key;
mod hmac_md5;
mod mac_key;
mod usage;

pub use cipher_key::{CONFOUNDER_LEN, CipherKey, IntegrityError};
pub use encryption_key::{EncryptionKey, EncryptionType, KeyError, RC4_HMAC};
pub use hmac_md5::{md5, md5_matches};
pub use mac_key::MacKey;
pub use usage::KeyUsage;

#[cfg(test)]
pub(in crate::krb) mod tests;
