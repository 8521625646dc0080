//! What `[listen]` and each `[domain.relay]` must agree on.

use super::{Domain, HostPort, Listen};

/// The first thing that does not fit, and its mend.
pub(super) fn contradiction(listen: &Listen, domains: &[Domain]) -> Option<(String, &'static str)> {
    for Domain { realm, relay, .. } in domains {
        let of_domain = |problem: &str| format!("domain {realm}: [domain.relay] {problem}");
        if relay.srv && !relay.kdcs.is_empty() {
            return Some((of_domain("has kdcs and srv = true"), "leave out one of them"));
        }
        if let Some(own) = relay.kdcs.iter().find(|kdc| is_listened_on(kdc, &listen.kerberos)) {
            return Some((of_domain(&format!("kdcs: {own} is this daemon itself")), OWN_MEND));
        }
        if let Some(own) = relay.kpasswd.iter().find(|server| is_listened_on(server, &listen.kpasswd)) {
            return Some((of_domain(&format!("kpasswd: {own} is this daemon itself")), OWN_MEND));
        }
        if !relay.kpasswd.is_empty() && listen.kpasswd.is_empty() {
            return Some((
                of_domain("kpasswd has servers and [listen] kpasswd has no address"),
                "add [listen] kpasswd = [\"0.0.0.0:464\", \"[::]:464\"]",
            ));
        }
    }
    if !listen.kpasswd.is_empty() && domains.iter().all(|domain| domain.relay.kpasswd.is_empty()) {
        return Some((
            "[listen] kpasswd has addresses and no [domain.relay] kpasswd says where to relay to".to_owned(),
            "add the domain's password servers, or leave out [listen] kpasswd",
        ));
    }
    None
}

const OWN_MEND: &str = "name the domain controllers themselves";

/// Whether a server is, letter for letter, one of our own addresses. What only the host or DNS can tell is looked at
/// when the addresses are known.
fn is_listened_on(server: &HostPort, own: &[std::net::SocketAddr]) -> bool {
    server.address().is_some_and(|address| own.contains(&address))
}
