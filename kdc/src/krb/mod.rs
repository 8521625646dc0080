//! Kerberos itself: encryption, keys and keytabs. Pure code: no clock, file, socket or random source.

pub mod crypto;
