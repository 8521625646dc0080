//! The daemon's network shell, attacked from outside: `tgtx serve` as a process of its own on loopback, with the
//! demonstration's directory and throw-away keys. Needs no lab.
//!
//! Silence is never proven by waiting. Over UDP a second request follows on the same socket, whose answer must be
//! the next thing to come: one thread serves one client's datagrams in order. Over TCP the connection must be closed
//! without an octet. Each daemon must have counted no defect and stop on SIGTERM when its test ends.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    reason = "a test that cannot be set up has failed, and it opens sockets, files and clocks"
)]

mod shell {
    mod daemon;

    mod domain;
    mod upstream;
    mod wire;

    mod addresses;
    mod audit;
    mod changes;
    mod clock;
    mod connections;
    mod control;
    mod corpus;
    mod datagrams;
    mod descriptors;
    mod first_look;
    mod frames;
    mod key_list;
    mod load;
    mod logs;
    mod memory;
    mod observers;
    mod realms;
    mod relay;
    mod reload;
    mod replays;
    mod rotation;
    mod secrets;
    mod service_manager;
    mod shadow;
    mod stopping;
    mod storm;
}
