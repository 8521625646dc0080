//! `tgtx serve` as a child process: its addresses, its log, its metrics.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use kdc::client::transport::{Kdc, Protocol};
use serde_json::Value;

use crate::folder::Folder;
use crate::program;
use crate::settings::Settings;

/// For the daemon to start, to become ready, or to say what it has done.
const PATIENCE: Duration = Duration::from_secs(10);
const GLANCE: Duration = Duration::from_millis(5);

/// A running daemon; dropping it ends it.
#[derive(Debug)]
pub struct Daemon {
    process: Child,
    log: Log,
    kerberos: Vec<SocketAddr>,
    cldap: Vec<SocketAddr>,
    metrics: SocketAddr,
    _folder: Folder,
}

impl Daemon {
    /// Starts a daemon and waits until it is ready.
    ///
    /// # Panics
    /// Where it does not become so.
    pub fn start(settings: &Settings) -> Self {
        let daemon = Self::launch(settings);
        daemon.wait_until("ready", || daemon.is_ready());
        daemon
    }

    /// Starts a daemon and waits until it serves, ready or not.
    ///
    /// # Panics
    /// Where it ends instead.
    pub fn launch(settings: &Settings) -> Self {
        Self::launch_in(Folder::new(), &settings.to_toml())
    }

    /// Starts a daemon with this configuration, which may name files of `folder`, and waits until it serves, ready
    /// or not.
    ///
    /// # Panics
    /// Where it ends instead.
    pub fn launch_in(folder: Folder, toml: &str) -> Self {
        Self::launch_with(folder, toml, &[])
    }

    /// Starts a daemon as [`Self::launch_in`] does, with these variables in its environment.
    ///
    /// # Panics
    /// Where it ends instead.
    pub fn launch_with(folder: Folder, toml: &str, environment: &[(&str, &str)]) -> Self {
        let config = folder.write("tgtx.toml", toml, 0o644);
        let mut process = Command::new(program::tgtx())
            .envs(environment.iter().copied())
            .args(["serve", "--config"])
            .arg(config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("tgtx starts");
        let log = Log::follow(process.stderr.take().expect("a pipe"));
        let started = Instant::now();
        let serving = loop {
            if let Some(serving) = log.events().into_iter().find(|event| event["message"] == "serving") {
                break serving;
            }
            let ended = process.try_wait().expect("the state of a child");
            assert!(ended.is_none() && started.elapsed() < PATIENCE, "{ended:?}: {}", log.text());
            sleep(GLANCE);
        };
        Self {
            kerberos: addresses(&serving, "kerberos"),
            cldap: addresses(&serving, "cldap"),
            metrics: text(&serving, "metrics").parse().expect("an address"),
            process,
            log,
            _folder: folder,
        }
    }

    /// Where Kerberos is served, in the order of the configuration.
    pub fn kerberos(&self) -> &[SocketAddr] {
        &self.kerberos
    }

    /// Where pings are answered, in the order of the configuration.
    pub fn cldap(&self) -> &[SocketAddr] {
        &self.cldap
    }

    /// The first address, asked over this transport.
    ///
    /// # Panics
    /// Never: a daemon that serves has an address.
    pub fn kdc(&self, protocol: Protocol) -> Kdc {
        Kdc { protocol, ..Kdc::at(*self.kerberos.first().expect("an address")) }
    }

    /// The process, for signals.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Whether `/readyz` answers 200.
    pub fn is_ready(&self) -> bool {
        self.readiness().0 == 200
    }

    /// Status and JSON of `/readyz`.
    ///
    /// # Panics
    /// Where it is not JSON.
    pub fn readiness(&self) -> (u16, Value) {
        let (status, body) = self.get("/readyz");
        (status, serde_json::from_str(&body).expect("JSON"))
    }

    /// The text of `/metrics`.
    pub fn metrics(&self) -> String {
        self.get("/metrics").1
    }

    /// A counter, 0 where it has not been counted yet: `tgtx_replays_total`, or with labels as Prometheus writes them.
    pub fn counter(&self, series: &str) -> u64 {
        let metrics = self.metrics();
        let value = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value.map_or(0, |value| value.parse().expect("a count"))
    }

    /// The log so far, an event a line.
    pub fn log(&self) -> Vec<Value> {
        self.log.events()
    }

    /// The log so far, as it was written.
    pub fn log_text(&self) -> String {
        self.log.text()
    }

    /// What was told of requests so far: audit events, for which the sink must be standard error, and the log's lines
    /// about refusals of nobody in particular.
    pub fn audit(&self) -> Vec<Value> {
        self.log().into_iter().filter(|event| event["outcome"].is_string()).collect()
    }

    /// Waits for an event whose message contains this.
    ///
    /// # Panics
    /// Where there is none in time.
    pub fn wait_for_event(&self, message: &str) -> Value {
        let find = || {
            self.log()
                .into_iter()
                .find(|event| event["message"].as_str().is_some_and(|m| m.contains(message)))
        };
        self.wait_until(message, || find().is_some());
        find().expect("an event that was there")
    }

    /// Waits until something holds.
    ///
    /// # Panics
    /// With the log, where it does not in time.
    pub fn wait_until(&self, what: &str, holds: impl Fn() -> bool) {
        self.wait_long(what, PATIENCE, holds);
    }

    /// As [`Self::wait_until`], with a patience of the caller's.
    ///
    /// # Panics
    /// Likewise.
    pub fn wait_long(&self, what: &str, patience: Duration, holds: impl Fn() -> bool) {
        let started = Instant::now();
        while !holds() {
            assert!(started.elapsed() < patience, "not {what} within {patience:?}: {}", self.log.text());
            sleep(GLANCE);
        }
    }

    fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.metrics).expect("the observers' port");
        write!(stream, "GET {path} HTTP/1.1\r\nHost: tgtx\r\n\r\n").expect("a request sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("head and body");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, body.to_owned())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It holds nothing that must be written out; a test that checks an orderly end sends SIGTERM itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Standard error of the daemon, line by line.
#[derive(Debug)]
struct Log(Arc<Mutex<String>>);

impl Log {
    fn follow(pipe: ChildStderr) -> Self {
        let written = Arc::new(Mutex::new(String::new()));
        let writer = Arc::clone(&written);
        thread::spawn(move || {
            for line in BufReader::new(pipe).lines() {
                let line = line.expect("text");
                let mut log = writer.lock().unwrap_or_else(PoisonError::into_inner);
                log.push_str(&line);
                log.push('\n');
            }
        });
        Self(written)
    }

    fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn events(&self) -> Vec<Value> {
        // Before the log starts, a fault is one line that is not JSON.
        self.text().lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

/// A list of addresses in an event.
fn addresses(event: &Value, field: &str) -> Vec<SocketAddr> {
    let list = text(event, field);
    let list = list.strip_prefix('[').and_then(|list| list.strip_suffix(']')).expect("a list");
    let addresses = list.split(", ").filter(|address| !address.is_empty());
    addresses.map(|address| address.parse().expect("an address")).collect()
}

/// A text field of an event.
///
/// # Panics
/// Where there is none.
pub fn text<'e>(event: &'e Value, field: &str) -> &'e str {
    event.get(field).and_then(Value::as_str).unwrap_or_else(|| panic!("no {field} in {event}"))
}
