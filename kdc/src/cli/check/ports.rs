//! Whether the addresses to listen on can be had, and if not, who has them.

use std::net::TcpListener;
use std::num::NonZeroUsize;

use crate::cli::findings::{About, Findings, Subject};
use crate::config::Config;
use crate::shell::listen::passed::PassedSockets;
use crate::shell::listen::sockets::{self, BindError};

/// Takes each address for a moment, as the daemon would.
pub(super) fn look(findings: &mut Findings, config: &Config) {
    let listen = &config.listen;
    // Those that systemd passes are passed to the daemon.
    let mut none = PassedSockets::default();
    let mut ports = findings.about(Subject::Ports, "");
    for (key, addresses) in [("kerberos", &listen.kerberos), ("kpasswd", &listen.kpasswd)] {
        for address in addresses {
            let bound = sockets::bind(&[*address], listen.udp_request_limit, NonZeroUsize::MIN, &mut none);
            tell(&mut ports, &format!("[listen] {key} {address}"), bound.map(drop));
        }
    }
    for address in &listen.cldap {
        let bound = sockets::bind_cldap(&[*address], &mut none);
        tell(&mut ports, &format!("[listen] cldap {address}"), bound.map(drop));
    }
    #[expect(clippy::disallowed_methods, reason = "the port that the daemon would take, for a moment")]
    let bound = TcpListener::bind(listen.metrics);
    let bound = bound.map_err(|error| BindError::new("TCP", listen.metrics, error));
    tell(&mut ports, &format!("[listen] metrics {}", listen.metrics), bound.map(drop));
}

fn tell(ports: &mut About<'_>, what: &str, bound: Result<(), BindError>) {
    match bound {
        Ok(()) => ports.ok(&format!("{what} can be had")),
        Err(error) if error.lacks_privilege() => ports.note(&format!(
            "{what} cannot be tried by this user: ports below 1024 need CAP_NET_BIND_SERVICE, as the systemd unit grants it"
        )),
        Err(error) => match error.holder() {
            Some(holder) if holder.is_like_us() => ports.note(&format!("{what} is served by {holder}")),
            _ => ports.error(&format!("{what}: {error}")),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn told(port: u16, error: io::ErrorKind) -> String {
        let mut findings = Findings::default();
        let address = ([127, 0, 0, 1], port).into();
        let error = BindError::new("TCP", address, error.into());
        tell(&mut findings.about(Subject::Ports, ""), "[listen] kerberos", Err(error));
        findings.lines()
    }

    #[test]
    fn the_daemons_user_without_the_units_capability_makes_no_error_of_a_port() {
        assert!(told(88, io::ErrorKind::PermissionDenied).starts_with("note "));
        assert!(told(8088, io::ErrorKind::PermissionDenied).starts_with("error "));
        assert!(told(88, io::ErrorKind::AddrNotAvailable).starts_with("error "));
    }
}
