//! TCP: framing (RFC 4120 §7.2.2).

use std::io::Write;

use super::daemon::{Daemon, Settings};
use super::domain::{ALICE, as_req, code, exchange, granted};
use super::wire::{Fence, Tcp, frame};

#[test]
fn a_request_may_come_octet_by_octet() {
    let daemon = Daemon::start(&Settings::default());
    let credential = daemon.domain.credential(ALICE);
    let exchange = exchange(&credential);
    let mut tcp = Tcp::to(daemon.address());
    for octet in frame(&exchange.encode().unwrap()) {
        tcp.write(&[octet]);
    }
    granted(&tcp.receive(), &exchange);
}

#[test]
fn a_request_may_be_split_anywhere() {
    let daemon = Daemon::start(&Settings::default());
    let credential = daemon.domain.credential(ALICE);
    let request = exchange(&credential).encode().unwrap();
    let framed = frame(&request);
    let mut tcp = Tcp::to(daemon.address());
    let reply = tcp.ask(&request);
    for offset in 1..framed.len() {
        tcp.write(&framed[..offset]);
        // Every few offsets the daemon surely sees the first part alone.
        if offset < 8 || offset % 100 == 0 {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        tcp.write(&framed[offset..]);
        assert!(tcp.receive() == reply, "split at {offset}: a retransmit gets the same octets");
    }
}

#[test]
fn requests_may_follow_each_other_without_waiting() {
    let daemon = Daemon::start(&Settings::default());
    let fences: Vec<Fence> = (0..200).map(|_| Fence::new()).collect();
    let octets: Vec<u8> = fences.iter().flat_map(|fence| frame(&fence.request)).collect();
    let mut tcp = Tcp::to(daemon.address());
    tcp.write(&octets);
    for fence in fences {
        assert!(fence.is_answered_by(&tcp.receive()), "in their order");
    }
    daemon.counts("tgtx_requests_total{transport=\"tcp\",kind=\"as\"}", 200);
}

#[test]
fn a_client_that_is_done_writing_still_gets_its_replies() {
    let daemon = Daemon::start(&Settings::default());
    let mut tcp = Tcp::to(daemon.address());
    let request = frame(&as_req(&[]));
    tcp.write(&[request.clone(), request].concat());
    tcp.0.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!([code(&tcp.receive()), code(&tcp.receive())], [29, 29]);
    tcp.ends();
}

#[test]
fn too_long_a_length_gets_61_and_the_connection_is_closed() {
    let daemon = Daemon::start(&Settings::default());
    let lengths = [0x8000_0000_u32, 0x8000_0001, 0xffff_ffff, 0x7fff_ffff, 0x0100_0000, (128 << 10) + 1];
    for length in lengths {
        let mut tcp = Tcp::to(daemon.address());
        tcp.write(&length.to_be_bytes());
        assert_eq!(code(&tcp.receive()), 61, "{length:#x}");
        tcp.ends();
    }
    // Also behind a good request, with octets that are never read.
    let mut tcp = Tcp::to(daemon.address());
    tcp.write(&[frame(&as_req(&[])), vec![0xff; 64]].concat());
    assert_eq!([code(&tcp.receive()), code(&tcp.receive())], [29, 61]);
    tcp.ends();
    daemon.counts("tgtx_tcp_closed_total{reason=\"oversize\"}", lengths.len() as u64 + 1);
}

#[test]
fn a_frame_of_the_longest_length_is_read() {
    let daemon = Daemon::start(&Settings::default());
    let mut tcp = Tcp::to(daemon.address());
    // It is no request, so it is silence; one octet more would be 61.
    tcp.write(&(128_u32 << 10).to_be_bytes());
    tcp.write(&vec![0x30; 128 << 10]);
    tcp.ends();
    daemon.counts("tgtx_tcp_closed_total{reason=\"malformed\"}", 1);
    daemon.counts("tgtx_tcp_closed_total{reason=\"oversize\"}", 0);
}

#[test]
fn a_frame_that_is_no_request_ends_the_connection_in_silence() {
    let daemon = Daemon::start(&Settings::default());
    for frame in [&[0, 0, 0, 0][..], &[0, 0, 0, 1, 0], &[0, 0, 0, 2, 0x6c, 0x80], b"\0\0\0\x04GET "] {
        let mut tcp = Tcp::to(daemon.address());
        tcp.write(frame);
        // What stands behind it is not looked at; writing may fail once the daemon has closed.
        let _ = tcp.0.write_all(&super::wire::frame(&as_req(&[])));
        tcp.ends();
    }
    daemon.counts("tgtx_tcp_closed_total{reason=\"malformed\"}", 4);
}
