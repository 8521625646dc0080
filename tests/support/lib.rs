//! What the end-to-end tests share.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test that cannot be set up has failed, and it opens files and sockets of its own"
)]

pub mod as_req;
pub mod daemon;
pub mod der;
pub mod device;
pub mod directory_server;
pub mod dns;
pub mod folder;
pub mod forwarder;
pub mod lab;
pub mod nobody;
pub mod program;
pub mod reply;
pub mod scene;
pub mod settings;
