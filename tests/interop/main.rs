//! The daemon as it is shipped, as a child process, against a real domain controller and other implementations'
//! clients.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    reason = "a test that cannot be set up has failed, and it opens files and sockets of its own"
)]

mod authentication;
mod binds;
mod changes;
mod check;
mod denials;
mod differential;
mod exchanges;
mod faults;
mod impacket;
mod init;
mod kerberos_server;
mod key_list;
mod mit;
mod outages;
mod probe;
mod prt;
mod refusals;
mod relay;
mod repeats;
mod samba_site;
mod secrets;
mod storm;
mod strict;
