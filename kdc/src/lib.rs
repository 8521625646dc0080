//! tgt-exchanger.

pub mod client;
pub mod config;
pub mod directory;
pub mod krb;
pub mod shell;
