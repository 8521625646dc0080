//! A client's UDP socket that hears one server and nobody else.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsRawFd;

use nix::sys::socket::{MsgFlags, recv};
use tokio::io::Interest;
use tokio::net::UdpSocket;

/// A socket of its own port, which nobody can guess, connected.
pub struct UdpClient(UdpSocket);

impl UdpClient {
    /// A socket for asking `server`.
    ///
    /// # Errors
    /// The kernel has none, or knows no way there.
    pub async fn of(server: SocketAddr) -> io::Result<Self> {
        let any: IpAddr = match server {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        Self::connect(UdpSocket::bind((any, 0)).await?, server).await
    }

    /// From here on the kernel keeps others' datagrams away. What came before is nobody's answer.
    async fn connect(socket: UdpSocket, server: SocketAddr) -> io::Result<Self> {
        socket.connect(server).await?;
        while recv(socket.as_raw_fd(), &mut [0], MsgFlags::MSG_DONTWAIT).is_ok() {}
        Ok(Self(socket))
    }

    /// The address that datagrams leave from.
    ///
    /// # Errors
    /// As [`UdpSocket::local_addr`].
    pub fn own_address(&self) -> io::Result<IpAddr> {
        self.0.local_addr().map(|address| address.ip())
    }

    /// Sends a datagram.
    ///
    /// # Errors
    /// As [`UdpSocket::send`].
    pub async fn send(&self, datagram: &[u8]) -> io::Result<()> {
        self.0.send(datagram).await.map(drop)
    }

    /// The server's next datagram, cut to `longest` octets.
    ///
    /// # Errors
    /// As [`UdpSocket::recv`]; that nobody listens there is one.
    pub async fn receive(&self, longest: usize) -> io::Result<Vec<u8>> {
        // That nobody listens (ICMP) is an error of the socket's, which reading alone would not wake up for.
        self.0.async_io(Interest::READABLE | Interest::ERROR, || self.take(longest)).await
    }

    /// What is there, without waiting. Room is made only then.
    fn take(&self, longest: usize) -> io::Result<Vec<u8>> {
        let mut datagram = vec![0; longest];
        let length = recv(self.0.as_raw_fd(), &mut datagram, MsgFlags::MSG_DONTWAIT)?;
        datagram.truncate(length);
        datagram.shrink_to_fit();
        Ok(datagram)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_came_from_elsewhere_before_the_socket_was_connected_is_not_heard() {
        let any = || UdpSocket::bind("127.0.0.1:0");
        let (server, stranger, socket) = (any().await.unwrap(), any().await.unwrap(), any().await.unwrap());
        let address = socket.local_addr().unwrap();
        stranger.send_to(b"forged", address).await.unwrap();
        // It is there, before anybody could be told apart.
        socket.peek_from(&mut [0; 16]).await.unwrap();
        let client = UdpClient::connect(socket, server.local_addr().unwrap()).await.unwrap();
        client.send(b"question").await.unwrap();
        server.send_to(b"answer", address).await.unwrap();
        assert_eq!(client.receive(16).await.unwrap(), b"answer");
    }

    #[tokio::test]
    async fn a_server_at_the_unspecified_address_is_heard_from_where_it_answers() {
        let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let port = server.local_addr().unwrap().port();
        let client = UdpClient::of((Ipv4Addr::UNSPECIFIED, port).into()).await.unwrap();
        client.send(b"question").await.unwrap();
        let (_, peer) = server.recv_from(&mut [0; 16]).await.unwrap();
        server.send_to(b"answer", peer).await.unwrap();
        assert_eq!(client.receive(4).await.unwrap(), b"answ");
    }
}
