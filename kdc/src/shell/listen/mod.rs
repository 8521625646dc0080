//! Where requests come in: sockets, datagrams and connections, with the bounds on each.

pub mod connections;
pub mod sockets;
pub mod tcp;
pub mod udp;
pub mod udp_socket;
