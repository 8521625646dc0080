//! The shell: everything that touches the world. Sockets, files, clocks, random octets, logs and metrics live
//! here and nowhere else; what is decided is decided in pure code that the shell calls.

pub mod audit;
pub mod cldap;
pub mod clock;
mod complaint;
pub mod config_file;
pub mod connections;
pub mod daemon;
pub mod directory;
pub mod domain_directory;
pub mod domain_files;
pub mod entropy;
pub mod explain;
pub mod files;
pub mod hardening;
pub mod http;
pub mod in_flight;
pub mod locator;
pub mod logging;
pub mod metrics;
pub mod origin;
pub mod panics;
pub mod prepared;
pub mod publisher;
pub mod rate;
pub mod readiness;
pub mod relay;
pub mod replays;
pub mod resolver;
pub mod service;
pub mod sockets;
pub mod static_faults;
pub mod tcp;
pub mod udp;
pub mod udp_client;
pub mod udp_socket;
pub mod user_keys;
