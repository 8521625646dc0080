//! The directory goes away, hangs and comes back; the daemon runs on.

use std::thread;
use std::time::{Duration, Instant};

use kdc::client::transport::{Kdc, Protocol};
use tgtx_tests::daemon::Daemon;
use tgtx_tests::device::{Entra, ask, exchange};
use tgtx_tests::forwarder::Forwarder;
use tgtx_tests::lab::Lab;
use tgtx_tests::settings::Settings;

use crate::refusals::refused;

/// A client waits no longer.
const CLIENT_PATIENCE: Duration = Duration::from_secs(2);

const UNAVAILABLE: i32 = 29;

/// A device that asks for one user after another.
struct Device {
    lab: Lab,
    entra: Entra,
}

impl Device {
    fn new() -> Self {
        let lab = Lab::from_environment();
        Self { entra: Entra::of(&lab, "azuread"), lab }
    }

    /// The code of the refusal, 0 for a ticket, and how long it took.
    fn ask(&self, daemon: &Daemon, user: &str) -> (i32, Duration) {
        let partial = self.entra.credential(self.lab.user(user));
        // More patient than a client, to measure what a client would not wait for.
        let kdc = Kdc { timeout: Duration::from_secs(5), attempts: 1, ..daemon.kdc(Protocol::Tcp) };
        let asked = Instant::now();
        let outcome = ask(&kdc, &exchange(&partial));
        (outcome.denied().map_or(0, |denied| denied.code), asked.elapsed())
    }

    fn assert_served(&self, daemon: &Daemon, user: &str) {
        let (code, took) = self.ask(daemon, user);
        assert!(code == 0 && took < CLIENT_PATIENCE, "{user}: {code} after {took:?}: {}", daemon.log_text());
    }

    fn assert_unavailable(&self, daemon: &Daemon, user: &str, reason: &str) {
        let partial = self.entra.credential(self.lab.user(user));
        for protocol in [Protocol::Udp, Protocol::Tcp] {
            let kdc = Kdc { timeout: Duration::from_secs(5), attempts: 1, ..daemon.kdc(protocol) };
            let request = exchange(&partial);
            let asked = Instant::now();
            let (outcome, _) = refused(daemon, user, reason, || ask(&kdc, &request));
            let took = asked.elapsed();
            assert_eq!(outcome.denied().map(|denied| denied.code), Some(UNAVAILABLE), "{user}");
            assert!(took < CLIENT_PATIENCE, "{user} over {protocol:?}: {took:?}");
        }
    }
}

fn settings(lab: &Lab, urls: &[String], cache: &str) -> Settings {
    let more = format!("connections = 2\n[domain.cache]\n{cache}\n");
    Settings { urls: urls.to_vec(), more, ..Settings::of(lab) }
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn a_stopped_directory_serves_who_is_remembered_until_ttl_and_nobody_after_max_stale() {
    let device = Device::new();
    let server = Forwarder::start(&device.lab, 0);
    let urls = [server.url()];
    let short_ttl = settings(&device.lab, &urls, "ttl = \"3s\"\npoll = \"1s\"\nmax-stale = \"6s\"");
    let short_lists = settings(&device.lab, &urls, "ttl = \"60s\"\npoll = \"1s\"\nmax-stale = \"3s\"");
    let (short_ttl, short_lists) = (Daemon::start(&short_ttl), Daemon::start(&short_lists));
    for daemon in [&short_ttl, &short_lists] {
        device.assert_served(daemon, "alice");
    }

    let read = Instant::now();
    server.stop();
    device.assert_unavailable(&short_ttl, "bob", "directory_unavailable");
    for daemon in [&short_ttl, &short_lists] {
        device.assert_served(daemon, "alice");
    }
    assert!(short_ttl.is_ready(), "what is remembered still serves");

    // Her ttl is over, the lists still hold.
    sleep_until(read, 3.2);
    device.assert_unavailable(&short_ttl, "alice", "directory_unavailable");
    // Here she is remembered for long, and yet the lists are too old to decide by.
    sleep_until(read, 4.2);
    device.assert_unavailable(&short_lists, "alice", "directory_stale");
    assert_eq!(short_lists.readiness().0, 503);
    short_ttl.wait_until("stale as well", || !short_ttl.is_ready());
    device.assert_unavailable(&short_ttl, "bob", "directory_stale");

    server.resume();
    for daemon in [&short_ttl, &short_lists] {
        daemon.wait_until("ready again", || daemon.is_ready());
        device.assert_served(daemon, "alice");
        device.assert_served(daemon, "bob");
        daemon.wait_for_event("directory server answers again");
    }
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn a_hanging_server_is_a_time_out_and_a_second_one_serves() {
    let device = Device::new();
    let hanging = Forwarder::start(&device.lab, 1);
    let cache = "ttl = \"60s\"\npoll = \"1s\"\nmax-stale = \"60s\"";
    let alone = Daemon::start(&settings(&device.lab, &[hanging.url()], cache));
    let with_second =
        Daemon::start(&settings(&device.lab, &[hanging.url(), device.lab.ldaps.clone()], cache));
    for daemon in [&alone, &with_second] {
        device.assert_served(daemon, "alice");
    }

    hanging.hang();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| device.assert_unavailable(&alone, "bob", "directory_unavailable"));
        thread::sleep(Duration::from_millis(100));
        // Whoever is remembered does not wait behind those who are not.
        let (code, took) = device.ask(&with_second, "alice");
        assert!(code == 0 && took < Duration::from_millis(500), "{code} after {took:?}");
        waiting.join().expect("bob's answer");
    });
    let (code, took) = device.ask(&alone, "alice");
    assert!(code == 0 && took < Duration::from_millis(500), "{code} after {took:?}");
    for user in ["bob", "upn_foreign", "smartcard", "many"] {
        device.assert_served(&with_second, user);
    }
    // A start while the first server hangs.
    let started = Daemon::start(&settings(&device.lab, &[hanging.url(), device.lab.ldaps.clone()], cache));
    device.assert_served(&started, "bob");

    hanging.resume();
    alone.wait_until("served again", || device.ask(&alone, "bob").0 == 0);
}

#[test]
#[ignore = "needs the Samba lab: run tests/run"]
fn a_slow_server_serves_as_long_as_clients_wait() {
    let device = Device::new();
    let slow = Forwarder::start(&device.lab, 0);
    let cache = "ttl = \"0s\"\npoll = \"1s\"\nmax-stale = \"60s\"";
    let daemon = Daemon::start(&settings(&device.lab, &[slow.url()], cache));
    slow.slow_down(Duration::from_millis(100));
    device.assert_served(&daemon, "alice");
    device.assert_served(&daemon, "bob");
    slow.slow_down(Duration::from_millis(1500));
    device.assert_unavailable(&daemon, "alice", "directory_unavailable");
    slow.resume();
    daemon.wait_until("served again", || device.ask(&daemon, "alice").0 == 0);
}

fn sleep_until(start: Instant, seconds: f64) {
    thread::sleep(Duration::from_secs_f64(seconds).saturating_sub(start.elapsed()));
}
