//! `tgtx serve` as a child process.

use std::fs::{self, File, Permissions};
use std::io::{self, BufRead, BufReader, PipeReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::domain::{self, Domain};

/// Longer than anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The file of audit events in the daemon's folder.
const AUDIT: &str = "audit.jsonl";

/// A running daemon; dropping it checks how it went and stops it.
pub(crate) struct Daemon {
    /// The keys it serves with.
    pub(crate) domain: Domain,
    /// Those of the second domain, where there is one.
    pub(crate) second: Domain,
    child: Child,
    folder: PathBuf,
    kerberos: Vec<SocketAddr>,
    kpasswd: Vec<SocketAddr>,
    metrics: SocketAddr,
    /// The end of a pipe that nobody reads any more, and that must stay open.
    _unread: Option<JoinHandle<PipeReader>>,
}

/// What a test wants different from the defaults.
#[derive(Default)]
pub(crate) struct Settings {
    /// Kerberos addresses; one free port on 127.0.0.1 where empty.
    pub(crate) kerberos: Vec<String>,
    /// Lines of `[listen]`.
    pub(crate) listen: &'static str,
    /// Lines of `[limits]`.
    pub(crate) limits: &'static str,
    /// Keys of the domain; drawn for it where absent.
    pub(crate) keys: Option<[[u8; 32]; 2]>,
    /// Lines of `[audit]`; a file of the test's own where empty.
    pub(crate) audit: String,
    /// Lines of `[control]` behind the socket, which is in the daemon's folder.
    pub(crate) control: String,
    /// Lines of `[replay]`.
    pub(crate) replay: &'static str,
    /// Lines behind those of `[domain.cache]`.
    pub(crate) more: String,
    /// LDIF beside the demonstration's.
    pub(crate) more_ldif: String,
    /// A directory server without TLS, in the place of the demonstration's directory.
    pub(crate) ldap: Option<SocketAddr>,
    /// Lines of `[domain.relay]`.
    pub(crate) relay: String,
    /// A second domain, of this realm, with these lines of its `[domain.relay]`.
    pub(crate) second: Option<(&'static str, String)>,
    /// File descriptors the process may have; its starter's where absent.
    pub(crate) descriptors: Option<u32>,
    /// Variables of its environment.
    pub(crate) environment: Vec<(&'static str, String)>,
    /// Whether the reader of its standard error stops reading once it serves.
    pub(crate) unread_log: bool,
    /// The server of DNS that it asks, on port 53, for which it gets an `/etc/resolv.conf` of its own: needs root. The
    /// host's where absent.
    pub(crate) dns: Option<IpAddr>,
}

impl Daemon {
    /// Starts it and waits until it is ready.
    pub(crate) fn start(settings: &Settings) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("tgtx-shell-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (domain, second) = (settings.keys.map_or_else(Domain::draw, Domain::of), Domain::draw());
        write_private(&folder.join("keytab"), &domain.keytab(domain::REALM));
        if let Some((realm, _)) = settings.second {
            write_private(&folder.join("second-keytab"), &second.keytab(realm));
            fs::write(folder.join("second.ldif"), domain::ldif_of(realm)).unwrap();
        }
        fs::write(folder.join("domain.ldif"), format!("{}\n{}", domain::LDIF, settings.more_ldif)).unwrap();
        write_private(&folder.join("password"), b"a password");
        fs::write(folder.join("tgtx.toml"), configuration(settings, &folder)).unwrap();

        // A shell with mounts of its own, where it has a file of its own in the place of the host's.
        let (mut command, mount) = match settings.dns {
            Some(server) => {
                let own = folder.join("resolv.conf");
                fs::write(&own, format!("nameserver {server}\n")).unwrap();
                let mut command = Command::new("unshare");
                command.args(["--mount", "/bin/sh"]);
                (command, format!("mount --bind {} /etc/resolv.conf && ", own.display()))
            }
            None => (Command::new("/bin/sh"), String::new()),
        };
        let limit = settings.descriptors.map_or(String::new(), |limit| format!("ulimit -n {limit} && "));
        command
            .envs(settings.environment.iter().cloned())
            .args(["-c", &format!("{limit}{mount}exec \"$0\" serve --config \"$1\"")])
            .arg(env!("CARGO_BIN_EXE_tgtx-under-test"))
            .arg(folder.join("tgtx.toml"))
            .stderr(File::create(folder.join("log")).unwrap());
        let unread = settings.unread_log.then(|| read_until_it_serves(&mut command, folder.join("log")));
        let child = command.spawn().unwrap();
        let unbound = SocketAddr::from(([0; 4], 0));
        let (kerberos, kpasswd) = (Vec::new(), Vec::new());
        let mut daemon =
            Self { domain, second, child, folder, kerberos, kpasswd, metrics: unbound, _unread: unread };
        daemon.wait_until_ready();
        daemon
    }

    fn wait_until_ready(&mut self) {
        let serving = eventually("the daemon serves", || {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("the daemon ended: {status}: {}", self.log_text());
            }
            self.log_text().lines().find_map(|line| {
                let event: Value = serde_json::from_str(line).ok()?;
                (event["message"] == "serving").then_some(event)
            })
        });
        let addresses = |field: &str| {
            let text = serving[field].as_str().unwrap().trim_matches(['[', ']']).to_owned();
            text.split(", ").filter(|text| !text.is_empty()).map(str::to_owned).collect::<Vec<_>>()
        };
        // IPv6 addresses stand in brackets of their own, which the trimming above may have hurt.
        let parse = |text: &String| {
            let (address, port) = text.rsplit_once(':').unwrap();
            let address = address.trim_matches(['[', ']']).parse().unwrap();
            SocketAddr::new(address, port.parse().unwrap())
        };
        self.kerberos = addresses("kerberos").iter().map(parse).collect();
        self.kpasswd = addresses("kpasswd").iter().map(parse).collect();
        self.metrics = serving["metrics"].as_str().unwrap().parse().unwrap();
        eventually("the daemon is ready", || self.http("/readyz").starts_with("HTTP/1.1 200 ").then_some(()));
    }

    /// The first address of Kerberos.
    pub(crate) fn address(&self) -> SocketAddr {
        self.kerberos[0]
    }

    /// All addresses of Kerberos.
    pub(crate) fn addresses(&self) -> &[SocketAddr] {
        &self.kerberos
    }

    /// The first address for password changes.
    pub(crate) fn kpasswd_address(&self) -> SocketAddr {
        self.kpasswd[0]
    }

    /// Where observers ask.
    pub(crate) fn metrics_address(&self) -> SocketAddr {
        self.metrics
    }

    /// The whole answer to a GET.
    pub(crate) fn http(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.metrics).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// The lines of `/metrics` that are samples.
    pub(crate) fn samples(&self) -> Vec<String> {
        let answer = self.http("/metrics");
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        body.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
    }

    /// The value of one series, named as `/metrics` writes it.
    pub(crate) fn sample(&self, series: &str) -> u64 {
        let samples = self.samples();
        let value = samples.iter().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        let value = value.unwrap_or_else(|| panic!("{series} is not among {samples:#?}"));
        value.parse().unwrap()
    }

    /// Waits until a series has this value: some are counted just after the answer was sent.
    pub(crate) fn counts(&self, series: &str, value: u64) {
        let mut last = 0;
        let reached = waiting(|| {
            last = self.sample(series);
            (last == value).then_some(())
        });
        assert!(reached.is_some(), "{series} is {last}, not {value}");
    }

    /// The log so far.
    pub(crate) fn log_text(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.folder.join("log")).unwrap()).into_owned()
    }

    /// The process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The audit events so far, as they were written.
    pub(crate) fn audit_text(&self) -> String {
        fs::read_to_string(self.folder.join(AUDIT)).unwrap()
    }

    /// The audit events so far.
    pub(crate) fn audit(&self) -> Vec<Value> {
        self.audit_text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// All audit events of so many requests, once they are written: soon after the answer.
    pub(crate) fn audited(&self, events: usize) -> Vec<Value> {
        eventually("the events are written", || (self.audit().len() >= events).then_some(()));
        self.audit()
    }

    /// Moves the file of audit events away.
    pub(crate) fn move_audit(&self) -> PathBuf {
        let moved = self.folder.join("moved.jsonl");
        fs::rename(self.folder.join(AUDIT), &moved).unwrap();
        moved
    }

    /// Octets by this name in `/proc/PID/status`: VmRSS is memory in use, VmData what was asked for.
    pub(crate) fn memory(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    /// Sends SIGHUP.
    pub(crate) fn hang_up(&self) {
        self.signal("HUP");
    }

    /// Files that it has open.
    pub(crate) fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }

    /// Sends SIGTERM and waits; how it ended and how long that took.
    pub(crate) fn terminate(&mut self) -> (ExitStatus, Duration) {
        let since = Instant::now();
        self.signal("TERM");
        let status = eventually("the daemon stops", || self.child.try_wait().unwrap());
        (status, since.elapsed())
    }

    /// A file in its folder: `tgtx.toml`, `keytab`, `domain.ldif`.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Puts this in the place of a file in its folder, whole, as a good tool does.
    pub(crate) fn replace(&self, name: &str, content: impl AsRef<[u8]>) {
        let new = self.file("new");
        write_private(&new, content.as_ref());
        fs::rename(new, self.file(name)).unwrap();
    }

    /// Its configuration with this text in the place of that.
    pub(crate) fn reconfigure(&self, from: &str, to: &str) {
        let old = fs::read_to_string(self.file("tgtx.toml")).unwrap();
        let new = old.replace(from, to);
        assert_ne!(old, new, "{from}");
        self.replace("tgtx.toml", new);
    }

    /// Sends SIGHUP and waits for the end of the reload: the message in the log.
    pub(crate) fn reload(&self) -> String {
        let ended = || {
            let log = self.log_text();
            let events = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let messages = events.map(|event| event["message"].as_str().unwrap_or_default().to_owned());
            messages.filter(|message| message == "reloaded" || message.starts_with("not reloaded")).collect()
        };
        let before: Vec<String> = ended();
        self.hang_up();
        eventually("the reload ends", || ended().into_iter().nth(before.len()))
    }

    /// Waits until it ends by itself.
    pub(crate) fn ends(&mut self) -> ExitStatus {
        eventually("the daemon ends", || self.child.try_wait().unwrap())
    }

    /// Puts this in the place of the directory, and sends SIGHUP.
    pub(crate) fn change_directory(&self, ldif: &str) {
        fs::write(self.folder.join("domain.ldif"), ldif).unwrap();
        self.hang_up();
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("/bin/sh").args(["-c", &kill]).status().unwrap().success());
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!(
                "the daemon's log ends: {:?}",
                self.log_text().lines().rev().take(5).collect::<Vec<_>>()
            );
            let _ = self.child.kill();
            let _ = self.child.wait();
        } else {
            if self.child.try_wait().unwrap().is_none() {
                assert_eq!(self.sample("tgtx_panics_total"), 0);
                let (status, took) = self.terminate();
                assert!(status.success() && took < Duration::from_secs(5), "{status} after {took:?}");
            }
            for line in self.log_text().lines() {
                let event: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("no event: {line}"));
                let is_audit = event["schema"].is_number();
                assert!(is_audit || event["level"].is_string() && event["message"].is_string(), "{line}");
            }
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// What the file says, in a folder with `keytab` and `password`.
pub(crate) fn configuration(settings: &Settings, folder: &std::path::Path) -> String {
    let Settings { kerberos, listen, limits, audit, control, replay, more, relay, .. } = settings;
    let control = if control.is_empty() { "group = \"\"" } else { control };
    let one_free_port = ["127.0.0.1:0".to_owned()];
    let kerberos = if kerberos.is_empty() { &one_free_port } else { &**kerberos };
    let (realm, folder) = (domain::REALM, folder.display());
    let own_file = format!("sink = \"file:{folder}/{AUDIT}\"");
    let audit = if audit.is_empty() { &own_file } else { audit };
    let (ldif, ldap) = match settings.ldap {
        None => (format!("directory = \"ldif:{folder}/domain.ldif\""), String::new()),
        Some(server) => (
            String::new(),
            format!(
                "[domain.ldap]\nurls = [\"ldap://{server}\"]\nallow-plaintext = true\nbind-dn = \"CN=tgtx\"\n\
                 password-file = \"{folder}/password\"\nconnections = 1\n"
            ),
        ),
    };
    let second = settings.second.as_ref().map_or(String::new(), |(realm, relay)| {
        format!(
            "[[domain]]\nrealm = \"{realm}\"\nkeytabs = [\"{folder}/second-keytab\"]\n\
             directory = \"ldif:{folder}/second.ldif\"\n[domain.relay]\n{relay}\n"
        )
    });
    format!(
        "[listen]\nkerberos = {kerberos:?}\nmetrics = \"127.0.0.1:0\"\n{listen}\n\
         [limits]\n{limits}\n[audit]\n{audit}\n[replay]\n{replay}\n[log]\nformat = \"json\"\n\
         [control]\nsocket = \"{folder}/control.sock\"\n{control}\n\
         [[domain]]\nrealm = \"{realm}\"\nkeytabs = [\"{folder}/keytab\"]\n\
         {ldif}\n[domain.cache]\nttl = \"1h\"\n{more}\n{ldap}[domain.relay]\n{relay}\n{second}"
    )
}

/// Gives the command a pipe for its standard error, and copies what comes through it into `log` until it serves.
fn read_until_it_serves(command: &mut Command, log: PathBuf) -> JoinHandle<PipeReader> {
    let (reader, writer) = io::pipe().unwrap();
    command.stderr(writer);
    thread::spawn(move || {
        let mut lines = BufReader::new(reader);
        let mut line = String::new();
        while !line.contains("\"serving\"") {
            line.clear();
            assert!(lines.read_line(&mut line).unwrap() > 0, "it ended without serving");
            File::options().append(true).open(&log).unwrap().write_all(line.as_bytes()).unwrap();
        }
        lines.into_inner()
    })
}

fn write_private(path: &std::path::Path, octets: &[u8]) {
    // As a new file, whatever the old one's mode.
    let _ = fs::remove_file(path);
    fs::write(path, octets).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

/// What `probe` gives as soon as it gives something.
pub(crate) fn eventually<T>(what: &str, probe: impl FnMut() -> Option<T>) -> T {
    waiting(probe).unwrap_or_else(|| panic!("not within {PATIENCE:?}: {what}"))
}

fn waiting<T>(mut probe: impl FnMut() -> Option<T>) -> Option<T> {
    let since = Instant::now();
    loop {
        if let Some(found) = probe() {
            return Some(found);
        }
        if since.elapsed() > PATIENCE {
            return None;
        }
        sleep(Duration::from_millis(10));
    }
}
