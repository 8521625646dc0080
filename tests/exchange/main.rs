//! The exchange, bytes in and bytes out, with the clock, the directory and the random octets fixed; and the same
//! requests over UDP and TCP at a real daemon.
//!
//! A good request and what must be in its reply; that request with one thing changed for each row of the
//! specification, and a grant, a reason or silence to come of it; with two things broken, for the order of the checks;
//! and with anything broken, for the absence of panics.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    reason = "a test that cannot go on has failed, and it opens sockets of its own"
)]

mod armored;
mod cases;
mod complete;
mod core;
mod etypes;
mod granted;
mod key_age;
mod key_list;
mod lifetimes;
mod matrix;
mod mutated;
mod order;
mod refused;
mod terms;
mod wire;
