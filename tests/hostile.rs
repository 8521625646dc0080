//! Verbs whose peer is hostile, or broken: one line, a status that is not zero, and an end in time.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot be set up has failed"
)]

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::Duration;

use tgtx_tests::der::tlv;
use tgtx_tests::folder::Folder;
use tgtx_tests::program::{self, Ended};

/// Has each connection served so.
fn serve(answer: impl Fn(TcpStream) + Clone + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = answer.clone();
            thread::spawn(move || answer(stream));
        }
    });
    address
}

/// SEQUENCEs in each other, so many.
fn nested(levels: u32) -> Vec<u8> {
    (1..=levels)
        .flat_map(|level| [&[0x30, 0x84][..], &((levels - level) * 6).to_be_bytes()].concat())
        .collect()
}

#[track_caller]
fn assert_one_line(ended: &Ended, part: &str) {
    assert_eq!((ended.status, ended.errors.lines().count()), (Some(1), 1), "{ended:?}");
    assert!(ended.errors.starts_with("tgtx: ") && ended.errors.contains(part), "{part}: {ended:?}");
}

fn init(server: SocketAddr, more: &[&str]) -> Ended {
    let folder = Folder::new();
    let password = folder.write("password", "a password", 0o600);
    let url = format!("ldap://{server}");
    let arguments = ["init", "--domain", "lab.example", "--bind-dn", "CN=tgtx", "--server", &url];
    program::run([&arguments[..], &["--password-file", password.to_str().unwrap()], more].concat())
}

#[test]
fn a_complaint_that_nobody_can_read_ends_with_its_status() {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status =
        Command::new(program::tgtx()).args(["ticket", "decode", "/no/such/file"]).stderr(full).status();
    assert_eq!(status.unwrap().code(), Some(1));
}

#[test]
fn who_answers_start_tls_with_nested_elements_ends_nothing() {
    let server = serve(|mut stream| {
        let _asked = stream.read(&mut [0; 512]);
        let _ = stream.write_all(&nested(100_000));
    });
    assert_one_line(&init(server, &[]), "sends what is no LDAP");
}

#[test]
fn whatever_a_directory_answers_is_one_line() {
    let done = |contents: &[u8]| tlv(0x30, &[b"\x02\x01\x02", contents].concat());
    let answers: [Vec<u8>; 6] = [
        tlv(0x30, b""),
        nested(100),
        done(&tlv(0x65, b"")),
        done(&[tlv(0x65, b"\x0a\x01\x00\x04\x00\x04\x00"), tlv(0xa0, &tlv(0x30, b""))].concat()),
        tlv(0x30, &[&b"\x01\x01\xff"[..], &tlv(0x65, b"\x0a\x01\x00\x04\x00\x04\x00")].concat()),
        done(&tlv(0x65, b"\x0a\x01\x32\x04\x00\x04\x0d\x1b[2J\ntgtx: ok\0")),
    ];
    for answer in answers {
        let server = serve({
            let answer = answer.clone();
            move |mut stream| {
                // The bind is taken.
                let _asked = stream.read(&mut [0; 512]);
                let _ = stream.write_all(&tlv(0x30, b"\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00"));
                let _asked = stream.read(&mut [0; 512]);
                let _ = stream.write_all(&answer);
                thread::sleep(Duration::from_secs(3));
            }
        });
        let ended = init(server, &["--allow-plaintext"]);
        assert_one_line(&ended, &server.to_string());
        assert!(!ended.errors.contains('\u{1b}'), "{ended:?}");
    }
}

#[test]
fn a_kdc_that_drips_is_not_waited_for() {
    let server = serve(|mut stream| {
        let _asked = stream.read(&mut [0; 4096]);
        // A frame of a mebibyte.
        let _ = stream.write_all(&[0, 16, 0, 0]);
        while stream.write_all(b"x").is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    });
    let folder = Folder::new();
    let partial = folder.write("partial", include_bytes!("vectors/mit-1.20/kinit.ccache"), 0o600);
    let ended = program::run([
        "exchange",
        &server.to_string(),
        "--tcp",
        "--timeout",
        "500ms",
        "--ccache",
        partial.to_str().unwrap(),
    ]);
    assert_one_line(&ended, "no answer in time");
}
