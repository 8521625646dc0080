//! The files that may be open, and what for: relaying has its share, then pings, then what the daemon needs for itself, and
//! connections what is left.

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;

use tracing::warn;

use super::cldap;
use super::hardening;
use super::listen::connections::Connections;
use super::relay::Room;
use crate::config::Config;

/// Files that may be open beside TCP connections: sockets, observers, the directory's connections, files read anew.
/// Clients that take all others must not keep the daemon from its directory.
const OWN_DESCRIPTORS: usize = 256;

/// Connections there may be even where fewer files than [`OWN_DESCRIPTORS`] are allowed.
const FEWEST_CONNECTIONS: usize = 16;

/// As many as may be open.
///
/// # Errors
/// The kernel does not say.
pub(super) fn allowed() -> io::Result<usize> {
    Ok(usize::try_from(hardening::descriptor_limit()?).unwrap_or(usize::MAX))
}

/// As many messages relayed at once as configured, as far as half of the open files allow.
///
/// # Errors
/// As [`allowed`].
pub(super) fn room(config: &Config) -> io::Result<Room> {
    let room = Room::of(config, allowed()? / 2);
    if let Some(configured) = config.limits.relays_in_flight
        && room.descriptors > 0
        && configured.get() > room.seats
    {
        let possible = room.seats;
        warn!(
            configured,
            possible, "[limits] relays-in-flight is more than open files allow; raise LimitNOFILE"
        );
    }
    Ok(room)
}

/// As many connections as configured, as far as the open files that relaying and pings leave allow.
///
/// # Errors
/// As [`allowed`].
pub(super) fn connections(config: &Config, room: Room) -> io::Result<Arc<Connections>> {
    let limits = &config.limits;
    let allowed = allowed()?;
    let pings = cldap::most_descriptors(config, allowed);
    let taken = OWN_DESCRIPTORS.saturating_add(room.descriptors).saturating_add(pings);
    let possible = allowed.saturating_sub(taken).max(FEWEST_CONNECTIONS);
    if let Some(configured) = limits.connections
        && configured.get() > possible
    {
        warn!(configured, possible, "[limits] connections is more than open files allow; raise LimitNOFILE");
    }
    let altogether = limits.connections.map_or(possible, |configured| configured.get().min(possible));
    Ok(Connections::new(altogether, limits.connections_per_ip.map_or(0, NonZeroUsize::get)))
}
