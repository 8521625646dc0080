//! Batches over loopback, and the sources that get no answer.

use super::*;
use crate::shell::listen::passed::PassedSockets;
use crate::shell::listen::sockets;
use std::num::NonZeroUsize;

/// A socket on a free port of `address`, or nothing on a host without that kind of address.
fn socket(address: &str, request_limit: usize) -> Option<Arc<ServerSocket>> {
    let address = address.parse().unwrap();
    let passed = &mut PassedSockets::default();
    let sockets = sockets::bind(&[address], request_limit, NonZeroUsize::MIN, passed).unwrap();
    sockets.udp.into_iter().flatten().next()
}

#[expect(clippy::disallowed_methods, reason = "a client of the socket under test")]
fn client(address: &str) -> UdpSocket {
    let client = UdpSocket::bind(address).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    client
}

/// Sends back whatever comes until `count` datagrams were answered.
fn echo(socket: &Arc<ServerSocket>, count: usize) {
    let (mut receiver, mut sender) =
        (UdpReceiver::new(Arc::clone(socket)), UdpSender::new(Arc::clone(socket)));
    let mut left = count;
    while left > 0 {
        let replies: Vec<Reply> = receiver
            .receive()
            .unwrap()
            .0
            .map(|datagram| Reply {
                octets: Bytes::copy_from_slice(datagram.octets),
                peer: datagram.peer,
                local: datagram.local,
            })
            .collect();
        assert_eq!(sender.send(&replies), 0);
        left = left.checked_sub(replies.len()).expect("no more datagrams than were sent");
    }
}

#[test]
fn each_reply_of_a_wildcard_socket_leaves_from_the_address_asked() {
    let socket = socket("0.0.0.0:0", 16_384).unwrap();
    let port = socket.local_address().port();
    let client = client("127.0.0.1:0");
    // Interleaved, so that one batch holds several addresses; three rounds, so that headers are reused.
    for round in 0..3_u8 {
        let asked: Vec<SocketAddr> = (0..40_u8).map(|n| ([127, 0, 0, 2 + n % 2], port).into()).collect();
        for (number, address) in asked.iter().enumerate() {
            client.send_to(&[round, u8::try_from(number).unwrap()], address).unwrap();
        }
        echo(&socket, asked.len());
        for _ in 0..asked.len() {
            let mut buffer = [0; 16];
            let (length, from) = client.recv_from(&mut buffer).unwrap();
            assert_eq!((length, buffer[0]), (2, round));
            assert_eq!(from, asked[usize::from(buffer[1])]);
        }
    }
}

#[test]
fn serves_ipv6_where_the_host_has_it() {
    let Some(socket) = socket("[::]:0", 16_384) else {
        return;
    };
    let client = client("[::1]:0");
    client.send_to(b"x", (Ipv6Addr::LOCALHOST, socket.local_address().port())).unwrap();
    echo(&socket, 1);
    assert_eq!(client.recv_from(&mut [0; 16]).unwrap().1.ip(), IpAddr::from(Ipv6Addr::LOCALHOST));
}

#[test]
fn a_task_can_answer_later_through_the_socket_itself() {
    let socket = socket("0.0.0.0:0", 16_384).unwrap();
    let client = client("127.0.0.1:0");
    let asked = SocketAddr::from(([127, 0, 0, 9], socket.local_address().port()));
    client.send_to(b"x", asked).unwrap();
    let mut receiver = UdpReceiver::new(Arc::clone(&socket));
    let (mut datagrams, _) = receiver.receive().unwrap();
    let Datagram { peer, local, .. } = datagrams.next().unwrap();
    socket.send(&Reply { octets: Bytes::from_static(b"late"), peer, local }).unwrap();
    let mut buffer = [0; 16];
    assert_eq!(client.recv_from(&mut buffer).unwrap(), (4, asked));
}

#[test]
fn drops_what_is_empty_or_larger_than_the_limit() {
    let socket = socket("127.0.0.1:0", 512).unwrap();
    let client = client("127.0.0.1:0");
    for length in [0, 513, 512, 60_000] {
        client.send_to(&vec![0; length], socket.local_address()).unwrap();
    }
    let mut receiver = UdpReceiver::new(socket);
    let (datagrams, dropped) = receiver.receive().unwrap();
    assert_eq!(datagrams.map(|datagram| datagram.octets.len()).collect::<Vec<_>>(), [512]);
    assert_eq!(dropped, Dropped { short: 1, oversize: 2, looping: 0 });
}

#[test]
fn a_socket_that_is_stopped_lets_its_thread_go_on_and_drops_nothing() {
    let socket = socket("127.0.0.1:0", 512).unwrap();
    std::thread::scope(|scope| {
        let received = scope.spawn(|| {
            let mut receiver = UdpReceiver::new(Arc::clone(&socket));
            let (datagrams, dropped) = receiver.receive().unwrap();
            (datagrams.count(), dropped)
        });
        socket.stop();
        assert_eq!(received.join().unwrap(), (0, Dropped::default()));
    });
}

#[test]
fn one_reply_that_cannot_be_sent_does_not_hold_up_the_others() {
    let socket = socket("127.0.0.1:0", 512).unwrap();
    let client = client("127.0.0.1:0");
    let local = LocalAddress { address: socket.local_address().ip(), interface: 0 };
    let to = |peer| Reply { octets: Bytes::from_static(b"x"), peer, local };
    let good = client.local_addr().unwrap();
    let bad = SocketAddr::from(([255, 255, 255, 255], 9)); // no broadcast without SO_BROADCAST
    let failed = UdpSender::new(socket).send(&[to(good), to(bad), to(good)]);
    assert_eq!(failed, 1);
    for _ in 0..2 {
        client.recv_from(&mut [0; 16]).unwrap();
    }
}

#[test]
fn answers_no_source_that_would_answer_back() {
    let local: IpAddr = [192, 0, 2, 1].into();
    let cases = [
        ("192.0.2.7:49152", true),
        ("192.0.2.7:1023", true),
        ("192.0.2.7:8888", true),
        ("192.0.2.1:49152", true),
        ("192.0.2.1:8888", false),
        ("127.0.0.1:8888", false),
        ("192.0.2.7:0", false),
        ("192.0.2.7:7", false),
        ("192.0.2.7:19", false),
        ("192.0.2.7:53", false),
        ("192.0.2.7:88", false),
        ("192.0.2.7:389", false),
        ("0.0.0.0:49152", false),
        ("255.255.255.255:49152", false),
        ("224.0.0.1:49152", false),
        ("[ff02::1]:49152", false),
        ("[::]:49152", false),
        ("[2001:db8::7]:49152", true),
    ];
    for (peer, answered) in cases {
        assert_eq!(may_be_answered(peer.parse().unwrap(), local, 8888), answered, "{peer}");
    }
}

#[test]
fn a_passed_socket_can_be_stopped_and_served_again_by_the_next_process() {
    let Some(first) = socket("127.0.0.1:0", 100) else { return };
    // As systemd does, which keeps the socket that it passes.
    let kept = first.socket.try_clone().unwrap();
    for round in 0..2 {
        let passed = Arc::new(ServerSocket::passed(kept.try_clone().unwrap(), 100).unwrap());
        let client = client("127.0.0.1:0");
        client.send_to(b"asked", first.local_address()).unwrap();
        echo(&passed, 1);
        assert_eq!(client.recv(&mut [0; 100]).unwrap(), 5, "round {round}");
        passed.stop();
        // Ends without a datagram, and leaves the socket open.
        assert_eq!(UdpReceiver::new(passed).receive().unwrap().0.count(), 0);
    }
}
