//! `/metrics`, `/healthz` and `/readyz`, and observers that mean no good.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, sleep};
use std::time::Duration;

use super::daemon::{Daemon, PATIENCE, Settings};
use super::domain::{ALICE, as_req, code, exchange, granted};
use super::wire::{Tcp, Udp};

fn connect(daemon: &Daemon) -> TcpStream {
    let stream = TcpStream::connect(daemon.metrics_address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// What comes until the end; a reset is one.
fn rest(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

#[test]
fn three_pages_and_nothing_else() {
    let daemon = Daemon::start(&Settings::default());
    let metrics = daemon.http("/metrics");
    assert!(metrics.starts_with("HTTP/1.1 200 ") && metrics.contains("\ntgtx_build_info{"), "{metrics}");
    assert!(daemon.http("/healthz").ends_with("\r\n\r\nok\n"));
    let ready = daemon.http("/readyz");
    assert!(ready.starts_with("HTTP/1.1 200 ") && ready.contains("\"ready\":true"), "{ready}");
    for path in ["/", "/metrics/", "/METRICS", "/../metrics", "/healthz%00", "//metrics", "*"] {
        assert!(daemon.http(path).starts_with("HTTP/1.1 404 "), "{path}");
    }
}

#[test]
fn messages_are_counted_by_kind_and_measured_by_transport() {
    let daemon = Daemon::start(&Settings { listen: "udp-reply-limit = 16384", ..Settings::default() });
    let credential = daemon.domain.credential(ALICE);
    let exchanges = [exchange(&credential), exchange(&credential)];
    let [by_udp, by_tcp] = exchanges.each_ref().map(|exchange| exchange.encode().unwrap());
    let udp = Udp::to(daemon.address());
    granted(&udp.ask(&by_udp), &exchanges[0]);
    let reply = Tcp::to(daemon.address()).ask(&by_tcp);
    granted(&reply, &exchanges[1]);
    let foreign = as_req(&[]);
    assert_eq!(code(&udp.ask(&foreign)), 29);
    assert_eq!(udp.ask_or_silence(b"GET / HTTP/1.1\r\n\r\n"), None);

    // `ask_or_silence` sends an AS-REQ behind.
    for (transport, kind, number) in [
        ("udp", "tgs", 1),
        ("udp", "as", 2),
        ("udp", "other", 1),
        ("tcp", "tgs", 1),
        ("tcp", "as", 0),
        ("tcp", "other", 0),
    ] {
        let series = format!("tgtx_requests_total{{transport=\"{transport}\",kind=\"{kind}\"}}");
        daemon.counts(&series, number);
    }
    for (series, value) in [
        ("tgtx_request_size_bytes_sum{transport=\"tcp\"}", by_tcp.len()),
        ("tgtx_reply_size_bytes_sum{transport=\"tcp\"}", reply.len()),
        ("tgtx_reply_size_bytes_count{transport=\"udp\"}", 1),
        // The account was read once.
        ("tgtx_pac_size_bytes_count", 1),
        ("tgtx_pac_size_bytes_bucket{le=\"512\"}", 0),
        ("tgtx_pac_size_bytes_bucket{le=\"2048\"}", 1),
        ("tgtx_pac_groups_bucket{le=\"10\"}", 1),
        ("tgtx_policy_groups_evaluated_bucket{le=\"10\"}", 1),
    ] {
        daemon.counts(series, value as u64);
    }
}

#[test]
fn broken_requests_get_an_error_or_an_end() {
    let daemon = Daemon::start(&Settings::default());
    let cases: [(&[u8], &str); 5] = [
        (b"\r\n\r\n", "HTTP/1.1 400 "),
        (b"GET\r\n\r\n", "HTTP/1.1 400 "),
        (b"GET /metrics HTTP/1.1 x\r\n\r\n", "HTTP/1.1 400 "),
        (b"\xff\xfe /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 400 "),
        (b"DELETE /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 405 "),
    ];
    for (request, status) in cases {
        let mut stream = connect(&daemon);
        stream.write_all(request).unwrap();
        let answer = rest(stream);
        assert!(answer.starts_with(status), "{answer}");
    }
    let mut stream = connect(&daemon);
    stream.write_all(b"GET /metrics HTT").unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(rest(stream), "");
}

#[test]
fn an_endless_head_is_not_kept() {
    let daemon = Daemon::start(&Settings::default());
    let before = daemon.memory("VmRSS");
    for _ in 0..20 {
        let mut stream = connect(&daemon);
        let _ = stream.write_all(b"GET /metrics HTTP/1.1\r\nX: ");
        // Fails once the daemon has closed.
        while stream.write_all(&[b'a'; 65_536]).is_ok() {}
    }
    let grown = daemon.memory("VmRSS").saturating_sub(before);
    assert!(grown < 8 << 20, "{grown} octets");
}

#[test]
fn slow_observers_are_let_go_and_do_not_touch_kerberos() {
    let daemon = Daemon::start(&Settings::default());
    let mut slow: Vec<TcpStream> = (0..40).map(|_| connect(&daemon)).collect();
    slow.iter_mut().for_each(|stream| stream.write_all(b"GET /met").unwrap());
    for _ in 0..100 {
        assert_eq!(code(&Udp::to(daemon.address()).ask(&as_req(&[]))), 29);
    }
    assert!(daemon.http("/healthz").starts_with("HTTP/1.1 200 "));
    assert!(rest(slow.swap_remove(0)).starts_with("HTTP/1.1 408 "));
}

#[test]
fn more_silent_connections_than_there_is_room_for_keep_no_observer_out() {
    let daemon = Daemon::start(&Settings::default());
    let mut silent: Vec<TcpStream> = (0..300).map(|_| connect(&daemon)).collect();
    for path in ["/metrics", "/healthz", "/readyz"] {
        assert!(daemon.http(path).starts_with("HTTP/1.1 200 "), "{path}");
    }
    // It has waited longest, and gave way before its time was up: nothing is said about that.
    assert_eq!(rest(silent.swap_remove(0)), "");
}

#[test]
fn a_flood_of_silent_connections_keeps_no_observer_out_and_does_not_touch_kerberos() {
    let daemon = Daemon::start(&Settings::default());
    let is_over = AtomicBool::new(false);
    let flood = || {
        let mut silent = VecDeque::new();
        while !is_over.load(Ordering::Relaxed) {
            silent.push_back(connect(&daemon));
            if silent.len() > 200 {
                silent.pop_front();
            }
            sleep(Duration::from_millis(1));
        }
    };
    let served = thread::scope(|scope| {
        let floods: Vec<_> = (0..4).map(|_| scope.spawn(flood)).collect();
        // A panic in here would leave the floods without an end.
        let served = (0..30).filter(|_| is_served(&daemon)).count();
        let answered = (0..30).filter(|_| Udp::to(daemon.address()).ask_or_silence(&as_req(&[])).is_some());
        let served = (served, answered.count());
        is_over.store(true, Ordering::Relaxed);
        floods.into_iter().for_each(|flood| flood.join().unwrap());
        served
    });
    assert_eq!(served, (30, 30));
}

/// Whether an observer who asks once more where it was not answered is, as Prometheus does.
fn is_served(daemon: &Daemon) -> bool {
    (0..5).any(|_| {
        let mut stream = connect(daemon);
        let _ = stream.write_all(b"GET /metrics HTTP/1.1\r\n\r\n");
        let answer = rest(stream);
        answer.starts_with("HTTP/1.1 200 ") && answer.contains("\ntgtx_build_info{")
    })
}
