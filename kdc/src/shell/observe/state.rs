//! What the daemon is like just now: its keys, its directories, what is under way. Read every few seconds, so that no
//! request pays for it. What is not known is NaN, so that the series are there from the start and no alert takes it for 0.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use metrics::{Gauge, gauge};
use pac::FileTime;

use crate::directory::{Branch, DirectoryView};
use crate::exchange::{Domain, Timestamp};
use crate::krb::keys::{DomainKeys, LoadedKey, Role};
use crate::shell::clock_offset::ClockOffset;

/// A server of a directory, as its connections show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryServer {
    /// Its URL in the configuration.
    pub url: String,
    /// Open connections to it.
    pub connections: usize,
    /// How far our clock was from its own when its last connection was made; `None` where it has not said.
    pub clock_offset: Option<ClockOffset>,
}

/// The gauges.
#[derive(Default)]
pub struct State {
    /// A key that is no longer loaded is 0 from then on.
    keys: Mutex<Vec<(LoadedKey, Gauge)>>,
}

impl State {
    /// Tells which keys are loaded.
    pub fn keys<'d>(&self, domains: impl Iterator<Item = &'d DomainKeys>) {
        let mut gauges = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        gauges.iter().for_each(|(_, gauge)| gauge.set(0));
        for key in domains.flat_map(DomainKeys::loaded) {
            if gauges.iter().all(|(known, _)| *known != key) {
                gauges.push((key, gauge_of(key)));
            }
            gauges.iter().filter(|(known, _)| *known == key).for_each(|(_, gauge)| gauge.set(1));
        }
    }

    /// Tells what the directories say, each with the domain it is of.
    pub fn views<'d>(&self, domains: impl Iterator<Item = &'d Domain>, now: Timestamp) {
        let views: Vec<&DirectoryView> = domains.filter_map(|domain| domain.directory.as_deref()).collect();
        let oldest = |set: &mut dyn Iterator<Item = FileTime>| {
            let seconds = set.filter_map(FileTime::unix_seconds).min()?;
            Some(now.seconds.unix_seconds().saturating_sub(seconds))
        };
        let krbtgt = oldest(&mut views.iter().filter_map(|view| view.keys_set.krbtgt));
        let branch = oldest(&mut views.iter().flat_map(|view| view.keys_set.branches.values().copied()));
        for (role, age) in [("krbtgt", krbtgt), ("branch", branch)] {
            gauge!("tgtx_key_age_seconds", "role" => role).set(age.map_or(f64::NAN, float));
        }
        let (mut never, mut allow) = (0_usize, 0_usize);
        for branch in views.iter().flat_map(|view| view.branches.values()) {
            if let Branch::Serving { policy, .. } = branch {
                never = never.saturating_add(policy.never_reveal().len());
                allow = allow.saturating_add(policy.reveal_on_demand().len());
            }
        }
        for (list, objects) in [("never_reveal", never), ("reveal_on_demand", allow)] {
            let objects = if views.is_empty() { f64::NAN } else { count(objects) };
            gauge!("tgtx_policy_objects", "list" => list).set(objects);
        }
    }

    /// Tells how the servers of all directories are, in the order of the configuration.
    pub fn servers(&self, servers: impl Iterator<Item = DirectoryServer>) {
        for (index, server) in servers.enumerate() {
            let index = index.to_string();
            gauge!("tgtx_ldap_server_info", "server_index" => index.clone(), "url" => server.url).set(1);
            gauge!("tgtx_ldap_connections", "server_index" => index.clone()).set(count(server.connections));
            let offset = server.clock_offset.map_or(f64::NAN, |ours| -ours.seconds());
            gauge!("tgtx_clock_offset_seconds", "server_index" => index).set(offset);
        }
    }

    /// Tells how long ago the directory that is worst off was last known to be as we have it.
    pub fn oldest_view(&self, age: Option<Duration>) {
        gauge!("tgtx_directory_age_seconds").set(age.map_or(f64::INFINITY, |age| age.as_secs_f64()));
    }

    /// Tells how many messages wait or are being answered, beyond those answered at once.
    pub fn in_flight(&self, messages: usize) {
        gauge!("tgtx_inflight_messages").set(count(messages));
    }
}

fn gauge_of(key: LoadedKey) -> Gauge {
    let (role, branch) = match key.role {
        Role::Krbtgt => ("krbtgt", String::new()),
        Role::Branch(number) => ("branch", number.to_string()),
    };
    gauge!(
        "tgtx_key_info", "role" => role, "branch" => branch, "kvno" => key.kvno.to_string(),
        "etype" => key.etype.to_string(), "employment" => key.employment.label()
    )
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::MAX, f64::from)
}

#[expect(clippy::cast_precision_loss, reason = "seconds of this age of the world")]
fn float(seconds: i64) -> f64 {
    seconds as f64
}
