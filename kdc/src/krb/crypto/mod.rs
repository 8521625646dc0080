//! The Kerberos encryption layer (RFC 3961) on RustCrypto primitives.
//!
//! An [`EncryptionKey`] is octets of the right length for their [`EncryptionType`] and does nothing by
//! itself; what all derivations from it have in common is done when it is made. [`CipherKey`] and [`MacKey`]
//! are one such key made ready for one [`KeyUsage`]: derived keys, AES schedules and HMAC states are computed
//! when they are made, so that using them derives nothing.
//!
//! | etype | name | checksum |
//! | --- | --- | --- |
//! | 17 | aes128-cts-hmac-sha1-96 | 15 |
//! | 18 | aes256-cts-hmac-sha1-96 | 16 |
//! | 19 | aes128-cts-hmac-sha256-128 | 19 |
//! | 20 | aes256-cts-hmac-sha384-192 | 20 |
//! | 23 | rc4-hmac | -138 |
//!
//! What may be used where is not decided here. [`prf`] and [`fx_cf2`] are what FAST makes its keys with.
//!
//! A further encryption type is a variant of [`EncryptionType`] and a module beside `aes_sha1`; the compiler
//! then names every place that must decide about it.
//!
//! Secrets are wiped when dropped: `aes`, `rc4`, the hashes and the HMAC buffers through the `zeroize` features
//! of those crates (set in `Cargo.toml`; asserted by a test below), our own octets through `Zeroizing`.
//! Copies that the compiler or those crates leave on the stack while a key is being made are beyond that.

mod aes_sha1;
mod aes_sha2;
mod cipher_key;
mod cts;
mod encryption_key;
mod hmac_md5;
mod hmac_sha1;
mod mac_key;
mod prf;
mod rc4_hmac;
mod usage;

use subtle::ConstantTimeEq;

pub use cipher_key::{CONFOUNDER_LEN, CipherKey, IntegrityError, Opened};
pub use encryption_key::{EncryptionKey, EncryptionType, KeyError};
pub use hmac_md5::{md5, md5_matches};
pub use mac_key::MacKey;
pub use prf::{fx_cf2, prf};
pub use usage::KeyUsage;

/// Whether a MAC is the one that it should be, in a time that says nothing of where they differ: all differences are
/// gathered before any is looked at.
fn same_mac(made: &[u8], received: &[u8]) -> bool {
    let differences = made.iter().zip(received).fold(0, |seen, (made, received)| seen | (made ^ received));
    made.len() == received.len() && differences.ct_eq(&0).into()
}

#[cfg(test)]
pub(in crate::krb) mod tests;
