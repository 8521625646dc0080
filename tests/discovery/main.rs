//! Discovery over the wire: the daemon as it is shipped, pinged by hand, through a stand-in for another server, and by Samba's clients.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    reason = "a test that cannot be set up has failed, and it opens files and sockets of its own"
)]

mod captured;
mod check;
mod dns;
mod own;
mod samba;
mod upstream;
mod wire;
