//! Drain: the daemon is no longer ready and no longer found, but whoever still comes is served for `drain-grace`; then
//! it stops.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tracing::info;

use super::service::Service;

/// The drain of one daemon, begun or not.
pub struct Drain {
    service: Arc<Service>,
    grace: Duration,
    /// When the daemon stops.
    end: watch::Sender<Option<Instant>>,
}

impl Drain {
    /// One that takes so long.
    #[must_use]
    pub fn new(service: Arc<Service>, grace: Duration) -> Self {
        Self { service, grace, end: watch::Sender::new(None) }
    }

    /// Begins it, unless it has begun; how long the daemon still serves.
    pub fn begin(&self) -> Duration {
        let now = Instant::now();
        let begun = self.end.send_if_modified(|end| {
            let begins = end.is_none();
            end.get_or_insert(now.checked_add(self.grace).unwrap_or(now));
            begins
        });
        let rest = self.end.borrow().map_or(self.grace, |end| end.saturating_duration_since(now));
        if begun {
            self.service.drain();
            info!(seconds = rest.as_secs(), "draining: no longer ready, and stopping then");
        }
        rest
    }

    /// Waits for the end of the drain, and before that for its beginning.
    pub async fn ended(&self) {
        let mut end = self.end.subscribe();
        // The sender lives as long as this waits.
        let end = end.wait_for(Option::is_some).await.ok().and_then(|end| *end);
        match end {
            Some(end) => sleep_until(end).await,
            None => std::future::pending().await,
        }
    }
}
