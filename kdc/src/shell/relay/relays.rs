//! A relay at work, with what keeps its lists of upstreams up to date.

use std::io;
use std::ops::Deref;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::Relay;
use crate::config::{self, Config};
use crate::shell::entropy;
use crate::shell::generation::Shared;
use crate::shell::tasks::Tasks;

/// Between two looks whether upstreams are found.
const GLANCE: Duration = Duration::from_millis(10);

/// The relays that one configuration or several alike ask for.
pub struct Relays {
    _finders: Tasks,
    relay: Relay,
    settings: Vec<(String, config::Relay)>,
}

impl Relays {
    /// Starts to look for upstreams. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// The kernel gives no random octets.
    pub fn start(config: &Config, shared: &Shared) -> io::Result<Self> {
        let seed = entropy::octets().map_err(io::Error::other)?;
        let (relay, finders) = Relay::new(config, shared.room, &shared.listening, shared.clock, &seed);
        let finders: JoinSet<()> = finders.into_iter().map(|finder| finder.run()).collect();
        Ok(Self { _finders: Tasks::keep(finders, &shared.defects), relay, settings: settings(config) })
    }

    /// Whether they are what this configuration asks for.
    #[must_use]
    pub fn are_of(&self, config: &Config) -> bool {
        self.settings == settings(config)
    }

    /// Waits until there is somebody to relay to wherever there is to be.
    pub async fn found(&self) {
        while self.relay.destinations().any(|destination| destination.upstreams.is_empty()) {
            sleep(GLANCE).await;
        }
    }
}

impl Deref for Relays {
    type Target = Relay;

    fn deref(&self) -> &Relay {
        &self.relay
    }
}

fn settings(config: &Config) -> Vec<(String, config::Relay)> {
    config.domains.iter().map(|domain| (domain.realm.clone(), domain.relay.clone())).collect()
}
