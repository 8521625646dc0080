//! MIT's library armours every TGS-REQ (FAST): its exchanges, driven by its own `kvno`.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use kdc::client::Credential;
use kdc::client::ccache::Ccache;
use kdc::client::transport::{Kdc, Protocol, receive_frame, send_frame};
use kdc::krb::der::Der;
use kdc::krb::messages::KrbError;
use tgtx_tests::daemon::Daemon;
use tgtx_tests::device::Entra;
use tgtx_tests::folder::Folder;
use tgtx_tests::lab::Lab;
use tgtx_tests::program::{self, Ended};
use tgtx_tests::settings::Settings;

use crate::exchanges::{assert_samba_takes, assert_ticket_is_of};

/// KRB_ERR_GENERIC
const GENERIC: i32 = 60;

/// The octets of a request up to which MIT sends it over UDP first: the least, and the most that it lets one choose.
const TCP_FIRST: u16 = 1;
const UDP_FIRST: u16 = 32_700;

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn mit_s_armoured_exchange_ends_in_a_tgt_that_samba_takes() {
    let lab = Lab::from_environment();
    let default = Daemon::start(&Settings::of(&lab));
    let fragments = Daemon::start(&Settings { udp_reply_limit: 65_507, ..Settings::of(&lab) });
    let cases = [
        ("alice", &default, TCP_FIRST, "Sending TCP request"),
        ("mueller", &fragments, UDP_FIRST, "Sending initial UDP request"),
        ("many", &default, UDP_FIRST, "Request or response is too big for UDP; retrying with TCP"),
    ];
    for (key, daemon, limit, way) in cases {
        let user = lab.user(key);
        let (_folder, ccache) = partial_tgt(&lab, key);
        let ended = exchange(&lab, daemon.kerberos()[0], &ccache, limit);
        assert_eq!(ended.status, Some(0), "{key}: {ended:?}");
        for step in [
            way,
            "Encoding request body and padata into FAST request",
            "Decoding FAST response",
            "FAST reply key: aes256-cts/",
            "TGS request result: 0/Success",
        ] {
            assert!(ended.output.contains(step), "{key}: no {step:?} in {ended:?}");
        }
        let credentials = Ccache::parse(&fs::read(&ccache).unwrap()).unwrap().credentials;
        let Ok([partial, full]) = <[Credential; 2]>::try_from(credentials) else {
            panic!("{key}: not the partial TGT and the full one")
        };
        assert_eq!(full.key.etype, 17);
        assert_ticket_is_of(&lab, user, &full, &partial);
        assert_samba_takes(&lab, user, full);
    }
    let too_big = [&default, &fragments].map(|daemon| daemon.counter("tgtx_responses_too_big_total"));
    assert_eq!(too_big, [1, 0]);
}

/// What is in the open says something else than what is in the armour, and MIT goes by the armour.
#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn mit_goes_by_the_error_in_the_armour() {
    let lab = Lab::from_environment();
    let daemon = Daemon::start(&Settings::of(&lab));
    let tampering = tamper(daemon.kdc(Protocol::Tcp));
    let cases = [
        ("unlisted", "TGT has been revoked"),
        ("nested_da", "TGT has been revoked"),
        ("disabled", "Client's credentials have been revoked"),
        ("password_expired", "Password has expired"),
    ];
    for (key, said) in cases {
        let (_folder, ccache) = partial_tgt(&lab, key);
        let ended = exchange(&lab, tampering, &ccache, TCP_FIRST);
        assert_eq!(ended.status, Some(1), "{key}: {ended:?}");
        assert!(ended.output.contains("Decoding FAST response"), "{key}: {ended:?}");
        assert!(ended.errors.contains(said), "{key}: {ended:?}");
    }
}

/// A credential cache with a user's partial TGT, in a folder that lives as long as it is held.
fn partial_tgt(lab: &Lab, key: &str) -> (Folder, PathBuf) {
    let folder = Folder::new();
    let credential = Entra::of(lab, "azuread").credential(lab.user(key));
    let ccache = folder.write("ccache", &*Ccache::of(credential).to_bytes().unwrap(), 0o600);
    (folder, ccache)
}

fn exchange(lab: &Lab, kdc: SocketAddr, ccache: &Path, limit: u16) -> Ended {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/mit_exchange");
    let [address, port, limit] = [kdc.ip().to_string(), kdc.port().to_string(), limit.to_string()];
    program::end(Command::new(script).arg(ccache).arg(&lab.folder).args([address, port, limit]))
}

/// Stands in front of a KDC, and makes every error's code in the open another.
fn tamper(kdc: Kdc) -> SocketAddr {
    let listener = TcpListener::bind((kdc.address.ip(), 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            let reply = kdc.ask(&receive_frame(&stream).unwrap()).unwrap();
            let tampered =
                KrbError::parse(&reply).map(|error| KrbError { error_code: GENERIC, ..error }.to_der());
            send_frame(&stream, &tampered.unwrap_or(reply)).unwrap();
        }
    });
    address
}
