//! The shell: everything that touches the world. Sockets, files, clocks, random octets, logs and metrics live
//! here and nowhere else; what is decided is decided in pure code that the shell calls.

pub mod cldap;
pub mod client_keytab;
pub mod clock;
pub mod clock_offset;
pub mod control;
pub mod daemon;
mod descriptors;
pub mod directory;
pub mod directory_source;
pub mod domain_directory;
pub mod drain;
pub mod entropy;
pub mod explain;
pub mod exposure;
pub mod files;
pub mod generation;
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
pub mod reload;
pub mod replays;
pub mod resolver;
pub mod self_check;
pub mod service;
pub mod service_manager;
pub mod signs_of_life;
pub mod tasks;
pub mod udp_client;
pub mod what_if;
