//! tgt-exchanger.

pub mod cli;
pub mod client;
pub mod config;
pub mod directory;
pub mod discovery;
pub mod dns;
pub mod exchange;
pub mod krb;
pub mod load;
pub mod relay;
pub mod shell;
mod version;
