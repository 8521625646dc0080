//! Kerberos itself: messages and their encoding, encryption, keys and keytabs. Pure code: no clock, file,
//! socket or random source.

pub mod crypto;
pub mod der;
pub mod error_names;
pub mod keys;
pub mod keytab;
pub mod messages;
mod secret;

pub use secret::Secret;
use secret::Wiped;
