//! The shell: everything that touches the world. Sockets, files, clocks, random octets, logs and metrics live
//! here and nowhere else; what is decided is decided in pure code that the shell calls.

pub mod cldap;
pub mod clock;
pub mod daemon;
pub mod directory;
pub mod domain_directory;
pub mod entropy;
pub mod explain;
pub mod files;
pub mod hardening;
pub mod in_flight;
pub mod listen;
pub mod locator;
pub mod observe;
pub mod origin;
pub mod prepared;
pub mod publisher;
pub mod rate;
pub mod relay;
pub mod replays;
pub mod resolver;
pub mod service;
pub mod udp_client;
