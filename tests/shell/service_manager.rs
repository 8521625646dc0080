//! What the service manager is told, as systemd would hear it.

use std::os::unix::net::UnixDatagram;

use tgtx_tests::folder::Folder;

use super::daemon::{Daemon, PATIENCE, Settings};

/// The service manager's end.
struct Manager {
    socket: UnixDatagram,
    folder: Folder,
}

impl Manager {
    fn new() -> Self {
        let folder = Folder::new();
        let socket = UnixDatagram::bind(folder.path("notify")).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { socket, folder }
    }

    fn environment(&self, watchdog: &str) -> Vec<(&'static str, String)> {
        let path = self.folder.path("notify").display().to_string();
        vec![("NOTIFY_SOCKET", path), ("WATCHDOG_USEC", watchdog.to_owned())]
    }

    /// The next message.
    fn hears(&self) -> String {
        let mut buffer = [0; 4096];
        let length = self.socket.recv(&mut buffer).expect("a message in time");
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    /// What is said until this is.
    fn hears_until(&self, what: &str) -> Vec<String> {
        let mut heard = Vec::new();
        while !heard.last().is_some_and(|last: &String| last.contains(what)) {
            assert!(heard.len() < 1000, "{what}: {heard:#?}");
            heard.push(self.hears());
        }
        heard
    }
}

#[test]
fn readiness_status_reloads_signs_of_life_and_the_end_are_told() {
    let manager = Manager::new();
    let settings = Settings { environment: manager.environment("600000"), ..Settings::default() };
    let mut daemon = Daemon::start(&settings);
    let heard = manager.hears_until("STATUS=ready, 2 keys, ldif\n");
    let rest = if heard.iter().any(|said| said == "READY=1\n") {
        Vec::new()
    } else {
        manager.hears_until("READY=1\n")
    };
    assert!(rest.len() < 20, "{rest:?}");
    for _ in 0..5 {
        manager.hears_until("WATCHDOG=1\n");
    }

    assert_eq!(daemon.reload(), "reloaded");
    let heard = manager.hears_until("RELOADING=1\n").pop().unwrap();
    let time = heard.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap().trim_end();
    assert!(time.parse::<u64>().unwrap() > 0, "{heard}");
    manager.hears_until("READY=1\n");

    daemon.reconfigure("realm", "relam");
    assert!(daemon.reload().starts_with("not reloaded"));
    manager.hears_until("RELOADING=1\n");
    manager.hears_until("READY=1\n");
    let status = manager.hears_until("; not reloaded: ").pop().unwrap();
    assert!(status.starts_with("STATUS=ready, 2 keys, ldif; ") && status.contains("relam"), "{status}");
    assert_eq!(status.lines().count(), 1, "{status}");
    manager.hears_until("WATCHDOG=1\n");

    daemon.terminate();
    manager.hears_until("STOPPING=1\n");
}

#[test]
fn without_a_watchdog_there_are_no_signs_of_life() {
    let manager = Manager::new();
    let mut environment = manager.environment("");
    environment.pop();
    let mut daemon = Daemon::start(&Settings { environment, ..Settings::default() });
    daemon.terminate();
    let heard = manager.hears_until("STOPPING=1\n");
    assert!(!heard.iter().any(|said| said.contains("WATCHDOG")), "{heard:?}");
}
