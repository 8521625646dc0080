//! What systemd is told (sd_notify(3)). Nothing where it did not start us.

use sd_notify::NotifyState;
use tracing::debug;

/// It serves.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// It reloads, and will say [`ready`] when it has ended. With the time, as `Type=notify-reload` wants it.
pub fn reloading() {
    if let Ok(now) = NotifyState::monotonic_usec_now() {
        tell(&[NotifyState::Reloading, now]);
    }
}

/// It stops.
pub fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("stopping")]);
}

/// These states.
pub fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        debug!(%error, "the service manager cannot be told");
    }
}
