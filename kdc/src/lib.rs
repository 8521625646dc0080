//! tgt-exchanger.

pub mod cli;
pub mod client;
pub mod config;
pub mod directory;
pub mod exchange;
pub mod krb;
pub mod shell;
