//! How things are in a line, and that the daemon is alive: told to the service manager for as long as it is so.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::{Instant, sleep};
use tracing::error;

use super::listen::pulse::Pulses;
use super::reload::Reloader;
use super::self_check;
use super::service::Service;
use super::service_manager::tell;

/// Between two looks at how things are.
const GLANCE: Duration = Duration::from_secs(1);

/// Signs of life in each of the service manager's intervals.
const SIGNS: u32 = 3;

/// Tells how things are whenever that changes, and that the daemon is alive for as long as it is: this task runs, no thread
/// is stuck in its work, and a request is still decided about.
pub async fn keep_told(service: Arc<Service>, reloader: Arc<Reloader>, mut pulses: Pulses) {
    if std::env::var_os("NOTIFY_SOCKET").is_none() {
        return pending().await;
    }
    let interval = sd_notify::watchdog_enabled().and_then(|interval| interval.checked_div(SIGNS));
    let pause = interval.map_or(GLANCE, |interval| interval.min(GLANCE));
    let (mut told, mut due) = (String::new(), Instant::now());
    loop {
        let status = status(&service, &reloader);
        if status != told {
            tell(&[NotifyState::Status(&status)]);
            told = status;
        }
        if let Some(interval) = interval
            && Instant::now() >= due
        {
            due = due.checked_add(interval).unwrap_or(due);
            match ailment(&service, &mut pulses) {
                None => tell(&[NotifyState::Watchdog]),
                Some(ailment) => error!("no sign of life to the service manager: {ailment}"),
            }
        }
        sleep(pause).await;
    }
}

/// What keeps the daemon from being alive.
fn ailment(service: &Service, pulses: &mut Pulses) -> Option<String> {
    let stuck = pulses.stuck();
    if stuck > 0 {
        return Some(format!("{stuck} threads are stuck in their work"));
    }
    let failing = self_check::failing(&service.generation().domains(), service.clock().now());
    failing.map(|realm| format!("a request to {realm} is not refused as it must be"))
}

/// How things are: `ready, 2 keys, ldap dc1`.
fn status(service: &Service, reloader: &Reloader) -> String {
    let report = service.report();
    let generation = service.generation();
    let mut text = match report.checks.iter().find(|check| !check.ok) {
        _ if service.is_draining() => "draining".to_owned(),
        None => "ready".to_owned(),
        Some(check) => format!("not ready, {} {}: {}", check.domain, check.name.label(), check.detail),
    };
    let keys: usize = generation.domains().iter().map(|domain| domain.keys.loaded().count()).sum();
    text.push_str(&format!(", {keys} keys"));
    for directory in generation.directories() {
        let servers = directory.servers();
        let connected = servers.iter().filter(|server| server.connections > 0);
        let hosts: Vec<&str> = connected.map(|server| host(&server.url)).collect();
        let hosts = if hosts.is_empty() && !servers.is_empty() { "away".to_owned() } else { hosts.join(" ") };
        text.push_str(format!(", {} {hosts}", directory.kind()).trim_end());
    }
    if let Err(fault) = reloader.last().result {
        text.push_str(&format!("; not reloaded: {fault}"));
    }
    // One line, whatever a file is called.
    text.replace(char::is_control, " ")
}

/// The host in the URL of a directory server, without its domain.
fn host(url: &str) -> &str {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    if host.starts_with('[') || host.starts_with(|first: char| first.is_ascii_digit()) {
        return host;
    }
    host.split(['.', ':']).next().unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn a_server_is_called_by_its_host() {
        let urls = [
            "ldaps://dc1.lab.example",
            "ldap://dc2",
            "ldaps://dc3:636",
            "ldaps://192.0.2.1:636",
            "ldap://[::1]",
        ];
        assert_eq!(urls.map(host), ["dc1", "dc2", "dc3", "192.0.2.1:636", "[::1]"]);
    }
}
