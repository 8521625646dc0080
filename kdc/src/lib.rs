//! tgt-exchanger.

pub mod directory;
pub mod krb;
