//! The shell: everything that touches the world. Sockets, files, clocks, random octets, logs and metrics live
//! here and nowhere else; what is decided is decided in pure code that the shell calls.

pub mod clock;
pub mod config_file;
pub mod directory;
pub mod entropy;
pub mod files;
pub mod hardening;
pub mod http;
pub mod logging;
pub mod readiness;
pub mod replays;
pub mod sockets;
pub mod static_faults;
pub mod udp_socket;
