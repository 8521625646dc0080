//! Kerberos itself: messages and their encoding, encryption, keys and keytabs. Pure code: no clock, file,
//! socket or random source.

pub mod crypto;
pub mod der;
pub mod keys;
pub mod keytab;
pub mod messages;
