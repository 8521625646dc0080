//! What the end-to-end tests share.

#[expect(clippy::expect_used, clippy::panic, reason = "a test that cannot be set up has failed")]
pub mod lab;
