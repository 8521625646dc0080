//! The exchange, bytes in and bytes out, with the clock, the directory and the random octets fixed.
//!
//! A good request and what must be in its reply; that request with one thing broken for each reason to refuse it;
//! with two things broken, for the order of the checks; and with anything broken, for the absence of panics.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on has failed"
)]

mod etypes;
mod granted;
mod mutated;
mod refused;
mod rows;
