//! What `[listen] cldap` and each `[domain.discovery]` must agree on.

use std::net::SocketAddr;

use super::{Domain, Listen};

/// The first thing that does not fit, and its mend.
pub(super) fn contradiction(listen: &Listen, domains: &[Domain]) -> Option<(String, &'static str)> {
    domains.iter().find_map(|Domain { realm, discovery, .. }| {
        let own = discovery.as_ref()?.upstream.filter(|&upstream| is_listened_on(&listen.cldap, upstream))?;
        Some((
            format!("domain {realm}: [domain.discovery] upstream {own} is this daemon itself"),
            "name the address that `cldap port` gives the domain controller's own responder",
        ))
    })
}

/// Whether what is sent there comes to one of our own sockets, as far as addresses tell.
fn is_listened_on(listen: &[SocketAddr], address: SocketAddr) -> bool {
    let is_local = address.ip().is_loopback() || address.ip().is_unspecified();
    listen.iter().any(|ours| {
        ours.port() == address.port() && (ours.ip() == address.ip() || ours.ip().is_unspecified() && is_local)
    })
}
