//! tgt-exchanger.

pub mod config;
pub mod directory;
pub mod krb;
pub mod shell;
