//! The cases over real UDP and real TCP, at the daemon itself: a process of its own for each row, with the row's
//! configuration, its keys and its directory (an LDIF file), on a free port of loopback.

mod shortest;

use std::fmt::Write as _;
use std::io::ErrorKind;
use std::net::UdpSocket;
use std::time::Duration;

use kdc::client::reply::Outcome;
use kdc::client::transport::{Protocol, receive_frame, send_frame};
use kdc::directory::SidHistory;
use kdc::exchange::{Refusal, TicketRules};
use kdc::krb::keys::Rc4;
use kdc::krb::keytab::Keytab;
use pac::Sid;
use serde_json::Value;
use tgtx_tests::daemon::Daemon;
use tgtx_tests::device;
use tgtx_tests::folder::Folder;
use tgtx_tests::scene::{REALM, Scene};

use crate::cases::{Expectation, Expected};
use crate::core::{assert_error, opened};

/// What a UDP socket sends.
const LONGEST_DATAGRAM: usize = 65_507;

/// For a reply to come. Nothing waits that long for silence.
const PATIENCE: Duration = Duration::from_secs(20);

/// Holds a daemon to what is expected of requests that `breaks` has changed, one over UDP and one over TCP.
pub(crate) fn assert_outcome(name: &str, expected: &Expected, breaks: impl Fn(Scene) -> Scene) {
    let daemon = launch(&breaks(Scene::of_a_daemon()));
    let mut times = 0;
    for transport in ["udp", "tcp"] {
        let scene = breaks(Scene::of_a_daemon());
        let request = scene.encode();
        let before = device::now();
        let reply = match transport {
            "udp" if request.len() > LONGEST_DATAGRAM => continue,
            "udp" => over_udp(&daemon, &request, is_silence(expected)),
            _ => over_tcp(&daemon, &request),
        };
        let after = device::now();
        times += 1;
        let seen = Seen { daemon: &daemon, name, transport, times };
        match (expected, reply) {
            (Expected::Granted(holds), Some(reply)) => {
                let line = seen.audited("issued");
                let group = line["policy_group"].as_str().and_then(|sid| sid.parse::<Sid>().ok());
                assert!(group.is_some() && line["key_version"].is_u64(), "{line}");
                let notes = line["notes"].as_array().unwrap().iter();
                let notes = notes.map(|note| note.as_str().unwrap().to_owned()).collect();
                holds(&opened(&reply, &scene, notes));
            }
            (Expected::Dropped, None) => seen.dropped(),
            (Expected::Refused(refused), None) if transport == "udp" && is_silence(expected) => {
                seen.refused(refused);
            }
            (Expected::Refused(expected), Some(reply)) => {
                assert_error(name, expected, &scene, &request, &reply, before..=after);
                seen.refused(expected);
            }
            (_, reply) => panic!("{name} over {transport}: {reply:02x?}"),
        }
    }
    assert_nothing_is_amplified(&daemon, name, &breaks(Scene::of_a_daemon()).encode());
}

/// R7: what does not open a ticket is not answered over UDP with more octets than it had, however few they were.
fn assert_nothing_is_amplified(daemon: &Daemon, name: &str, request: &[u8]) {
    let request = shortest::of(request);
    if request.len() <= LONGEST_DATAGRAM
        && let Some(reply) = over_udp(daemon, &request, true)
    {
        assert!(reply.len() <= request.len(), "{name}: {} octets for {}", reply.len(), request.len());
    }
}

/// Whether there is no answer over UDP: what is too large for a datagram has none in RFC 4120.
fn is_silence(expected: &Expected) -> bool {
    match expected {
        Expected::Granted(_) => false,
        Expected::Refused(expected) => expected.label == Refusal::MessageTooLarge.label(),
        Expected::Dropped => true,
    }
}

/// A daemon that is as the scene has it.
pub(crate) fn launch(scene: &Scene) -> Daemon {
    let folder = Folder::new();
    let keytab = Keytab::new(scene.keytab_entries()).to_bytes().unwrap();
    let keytab = folder.write("keytab", &*keytab, 0o600);
    let ldif = folder.write("domain.ldif", &scene.ldif, 0o600);
    let TicketRules { max_lifetime, max_renew, clock_skew, .. } = scene.rules;
    let kinds = scene.rules.allowed_kinds;
    let mut toml = format!(
        "[listen]\nkerberos = [\"127.0.0.1:0\"]\nmetrics = \"127.0.0.1:0\"\nudp-reply-limit = 65507\n\
         udp-request-limit = 65507\n[log]\nformat = \"json\"\n[audit]\nsink = \"stderr\"\n\
         [[domain]]\nrealm = \"{REALM}\"\nkeytabs = [{keytab:?}]\nrequire-body-checksum = {}\n",
        scene.rules.require_body_checksum
    );
    if scene.directory_read {
        let _ = writeln!(toml, "directory = \"ldif:{}\"", ldif.display());
    } else {
        let password = folder.write("password", "none", 0o600);
        // Nobody listens there.
        let _ = write!(
            toml,
            "[domain.ldap]\nurls = [\"ldap://127.0.0.1:1\"]\nbind-dn = \"CN=tgtx\"\npassword-file = {password:?}\n\
             allow-plaintext = true\n"
        );
    }
    let _ = write!(
        toml,
        "[domain.tickets]\nmax-lifetime = \"{}s\"\nmax-renew = \"{}s\"\nclock-skew = \"{}s\"\n\
         allow-rc4 = {}\ncheck-addresses = {}\n",
        max_lifetime.as_secs(),
        max_renew.as_secs(),
        clock_skew.as_secs(),
        scene.rc4 == Rc4::Allowed,
        scene.rules.check_addresses,
    );
    if let Some(lifetime) = scene.rules.max_partial_lifetime {
        let _ = writeln!(toml, "max-partial-lifetime = \"{}s\"", lifetime.as_secs());
    }
    let _ = write!(
        toml,
        "[domain.policy]\nallow-computers = {}\nallow-service-accounts = {}\nallow-administrator = {}\n",
        kinds.computers, kinds.service_accounts, kinds.administrator
    );
    let denied: Vec<_> = scene.view.deny_groups.iter().map(ToString::to_string).collect();
    let (replicators, sid_history) = (scene.view.deny_replicators, scene.sid_history == SidHistory::Include);
    let _ = writeln!(
        toml,
        "deny-groups = {denied:?}\ndeny-replicators = {replicators}\nsid-history = {sid_history}"
    );
    if !scene.released.is_empty() {
        let users = Keytab::new(scene.user_keytab_entries()).to_bytes().unwrap();
        let users = folder.write("users.keytab", &*users, 0o600);
        let etypes: Vec<i32> = scene.released.iter().map(|etype| etype.as_i32()).collect();
        let _ =
            write!(toml, "[domain.key-list]\nenabled = true\nkeytabs = [{users:?}]\netypes = {etypes:?}\n");
    }
    let daemon = Daemon::launch_in(folder, &toml);
    if scene.directory_read {
        // Not until it is ready: with some directories it never is.
        let was_read = || {
            let report = daemon.readiness().1.to_string();
            !["not yet known", "were not read for too long"].iter().any(|unread| report.contains(unread))
        };
        daemon.wait_until("the directory read", was_read);
    }
    daemon
}

/// The reply, or, where silence is expected, that there is none: the good request behind it is answered, and nothing
/// before that.
fn over_udp(daemon: &Daemon, request: &[u8], silence: bool) -> Option<Vec<u8>> {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.connect(daemon.kerberos()[0]).unwrap();
    socket.send(request).unwrap();
    let good = Scene::of_a_daemon();
    if silence {
        socket.send(&good.encode()).unwrap();
    }
    let mut reply = vec![0; 65_535];
    let length = socket.recv(&mut reply).expect("a reply");
    reply.truncate(length);
    if silence {
        let credential = good.credential();
        let answers_the_good =
            Outcome::read(&reply, &good.exchange(&credential)).is_ok_and(|o| o.denied().is_none());
        (!answers_the_good).then_some(reply)
    } else {
        Some(reply)
    }
}

/// The reply, or that the connection was closed.
fn over_tcp(daemon: &Daemon, request: &[u8]) -> Option<Vec<u8>> {
    let mut kdc = daemon.kdc(Protocol::Tcp);
    kdc.timeout = PATIENCE;
    let stream = kdc.connect().unwrap();
    send_frame(&stream, request).unwrap();
    match receive_frame(&stream) {
        Ok(reply) => Some(reply),
        Err(error) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) => None,
        Err(error) => panic!("neither a reply nor an end: {error}"),
    }
}

/// Where a reason stands in the order of the checks.
fn position(label: &str) -> usize {
    Refusal::ALL.iter().position(|reason| reason.label() == label).expect("a reason")
}

/// What a daemon says of the requests of a row.
struct Seen<'d> {
    daemon: &'d Daemon,
    name: &'d str,
    transport: &'static str,
    /// How many requests there were.
    times: u64,
}

impl Seen<'_> {
    fn refused(&self, expected: &Expectation) {
        let Expectation { label, code, .. } = *expected;
        self.counted(&format!("tgtx_refusals_total{{reason=\"{label}\"}}"));
        // Nothing about users may be learned, or asked, before the ticket opens.
        if position(label) < position(Refusal::SessionKeyType.label())
            && !is_silence(&Expected::Refused(*expected))
        {
            let metrics = self.daemon.metrics();
            let searched = |line: &str| line.starts_with("tgtx_ldap_searches_total") && !line.ends_with(" 0");
            assert!(!metrics.lines().any(searched), "{}: the directory was asked", self.name);
        }
        let line = self.audited("refused");
        assert_eq!(
            (line["reason"].as_str(), line["krb_error"].as_i64()),
            (Some(label), Some(code.into())),
            "{line}"
        );
    }

    fn dropped(&self) {
        self.counted("tgtx_dropped_total{reason=\"decode\"}");
        if self.transport == "tcp" {
            self.daemon.wait_until("closed", || {
                self.daemon.counter("tgtx_tcp_closed_total{reason=\"malformed\"}") == 1
            });
        }
    }

    /// Just after the answer, at times.
    fn counted(&self, series: &str) {
        let counted = || self.daemon.counter(series) == self.times;
        self.daemon.wait_until(&format!("{} over {}: {series}", self.name, self.transport), counted);
    }

    /// The audit line about the request that came this way.
    fn audited(&self, outcome: &str) -> Value {
        let find = || {
            let mut lines = self.daemon.audit().into_iter();
            lines.rfind(|line| line["outcome"] == outcome && line["transport"] == self.transport)
        };
        self.daemon
            .wait_until(&format!("{} over {}: {outcome}", self.name, self.transport), || find().is_some());
        find().unwrap()
    }
}
