//! Where requests come in: sockets, datagrams and connections, with the bounds on each.

pub mod cold;
pub mod connections;
pub mod datagrams;
pub mod holders;
pub mod passed;
pub mod pulse;
pub mod sockets;
pub mod tcp;
pub mod threads;
pub mod udp;
pub mod udp_socket;
mod way_back;
