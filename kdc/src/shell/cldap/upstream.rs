//! A ping passed on to the domain controller we stand in front of.
//!
//! Each goes out from a socket of its own, which hears only the upstream, and only the datagram with the ping's number counts.
//! What does not fit the buffer is no answer.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::timeout;

use crate::discovery::PingAnswer;
use crate::shell::udp_client::UdpClient;

/// How long the upstream has. It answers in milliseconds or not at all; a ping that it ignores takes a seat for that long.
const PATIENCE: Duration = Duration::from_secs(1);

/// Octets of the longest answer; a whole rootDSE has some 3,000.
const LONGEST_ANSWER: usize = 8192;

/// The upstream's answer to a ping of this number; `None` if there is none.
pub(super) async fn ask(upstream: SocketAddr, ping: &[u8], message_id: u32) -> Option<Vec<u8>> {
    timeout(PATIENCE, exchange(upstream, ping, message_id)).await.ok()?.ok()
}

async fn exchange(upstream: SocketAddr, ping: &[u8], message_id: u32) -> io::Result<Vec<u8>> {
    let client = UdpClient::of(upstream).await?;
    client.send(ping).await?;
    loop {
        // One octet more than is taken shows what was cut.
        let answer = client.receive(LONGEST_ANSWER.saturating_add(1)).await?;
        if answer.len() <= LONGEST_ANSWER
            && PingAnswer::parse(&answer).is_ok_and(|read| read.message_id == message_id)
        {
            return Ok(answer);
        }
    }
}
