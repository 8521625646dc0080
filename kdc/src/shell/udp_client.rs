//! A client's UDP socket that hears one server and nobody else.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::UdpSocket;

/// A socket of its own port, connected. The kernel keeps others' datagrams away once it is, but not those that came before.
pub struct UdpClient {
    socket: UdpSocket,
    server: (IpAddr, u16),
}

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

    async fn connect(socket: UdpSocket, server: SocketAddr) -> io::Result<Self> {
        socket.connect(server).await?;
        // Where datagrams will come from: `server` may be written as the unspecified address.
        let server = socket.peer_addr()?;
        Ok(Self { socket, server: (server.ip(), server.port()) })
    }

    /// Sends a datagram.
    ///
    /// # Errors
    /// As [`UdpSocket::send`].
    pub async fn send(&self, datagram: &[u8]) -> io::Result<()> {
        self.socket.send(datagram).await.map(drop)
    }

    /// The server's next datagram, cut to `buffer`; its length.
    ///
    /// # Errors
    /// As [`UdpSocket::recv_from`]; nobody listening there is one.
    pub async fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let (length, source) = self.socket.recv_from(buffer).await?;
            if (source.ip(), source.port()) == self.server {
                return Ok(length);
            }
        }
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
        let mut buffer = [0; 16];
        let length = client.receive(&mut buffer).await.unwrap();
        assert_eq!(&buffer[..length], b"answer");
    }

    #[tokio::test]
    async fn a_server_at_the_unspecified_address_is_heard_from_where_it_answers() {
        let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let port = server.local_addr().unwrap().port();
        let client = UdpClient::of((Ipv4Addr::UNSPECIFIED, port).into()).await.unwrap();
        client.send(b"question").await.unwrap();
        let (_, peer) = server.recv_from(&mut [0; 16]).await.unwrap();
        server.send_to(b"answer", peer).await.unwrap();
        assert_eq!(client.receive(&mut [0; 16]).await.unwrap(), 6);
    }
}
