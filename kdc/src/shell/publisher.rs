//! From what the directories say to the snapshot that requests are decided on, and to `/readyz`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

use super::directory::Seen;
use super::observe::metrics::Metrics;
use super::observe::readiness::{CheckName, Readiness, Report};
use super::prepared::PreparedDomain;
use crate::directory::Branch;
use crate::exchange::{Domain, Domains, UserKeys};
use crate::krb::keys::{BranchKeys, KeyAge};
use crate::shell::clock_offset::ClockOffset;

/// Puts what the directories of one generation say into the snapshot that its requests are decided on.
pub struct Publisher {
    slots: Mutex<Vec<Slot>>,
    domains: ArcSwap<Domains>,
    /// Tells of each change of the domains.
    changes: watch::Sender<()>,
    readiness: Readiness,
    metrics: Arc<Metrics>,
    /// Whether this is the generation that is served: metrics tell of no other.
    is_served: AtomicBool,
}

/// A domain as it is now.
struct Slot {
    domain: Arc<Domain>,
    /// How far our clock was from its directory's when that was read last.
    clock: Option<ClockOffset>,
}

impl Publisher {
    /// Of these domains, none of which has a view yet.
    #[must_use]
    pub fn new(prepared: &[PreparedDomain], metrics: Arc<Metrics>) -> Self {
        let domain = |prepared: &PreparedDomain| {
            Arc::new(Domain {
                realm: Arc::clone(&prepared.realm),
                keys: Arc::clone(&prepared.keys),
                user_keys: prepared.user_keys.as_ref().map(|keytabs| Arc::clone(keytabs.keys())),
                rules: prepared.rules.clone(),
                netbios_name: None,
                directory: None,
            })
        };
        let slots: Vec<_> =
            prepared.iter().map(|prepared| Slot { domain: domain(prepared), clock: None }).collect();
        let readiness = Readiness::of_domains(slots.iter().map(|slot| &*slot.domain.realm));
        Self {
            domains: ArcSwap::from_pointee(all(&slots)),
            changes: watch::Sender::new(()),
            slots: Mutex::new(slots),
            readiness,
            metrics,
            is_served: AtomicBool::new(false),
        }
    }

    /// The domains as they are now, in the order of the configuration.
    #[must_use]
    pub fn domains(&self) -> Guard<Arc<Domains>> {
        self.domains.load()
    }

    /// Waits until the domains are so.
    pub async fn until(&self, are_so: impl Fn(&Domains) -> bool) {
        let mut changes = self.changes.subscribe();
        while !are_so(&self.domains()) {
            // The other end is our own.
            let _ = changes.changed().await;
        }
    }

    /// What `/readyz` says of the domains.
    #[must_use]
    pub fn report(&self) -> Report {
        self.readiness.report()
    }

    /// Metrics tell of these domains from now on, or no longer.
    pub fn is_served(&self, is_served: bool) {
        let slots = self.slots();
        self.is_served.store(is_served, Ordering::Relaxed);
        self.measure(&slots);
    }

    /// Replaces the view of one domain; `None` if there is none that is fresh.
    fn publish(&self, index: usize, seen: Option<Seen>) {
        let mut slots = self.slots();
        if let Some(slot) = slots.get_mut(index) {
            let age = age(&slot.domain);
            slot.clock = seen.as_ref().and_then(|seen| seen.clock);
            slot.domain = Arc::new(Domain {
                netbios_name: match &seen {
                    Some(seen) => Some(seen.view.netbios_name.as_str().into()),
                    None => slot.domain.netbios_name.clone(),
                },
                directory: seen.map(|seen| seen.view),
                ..Domain::clone(&slot.domain)
            });
            tell(&slot.domain, age);
        }
        // In this order: who is told that the daemon is ready is served.
        self.replace(&slots);
        if let Some(slot) = slots.get(index) {
            self.check(slot);
        }
        self.measure(&slots);
    }

    /// Replaces the user keys of one domain.
    pub fn publish_user_keys(&self, index: usize, keys: &Arc<UserKeys>) {
        let mut slots = self.slots();
        if let Some(slot) = slots.get_mut(index) {
            let user_keys = Some(Arc::clone(keys));
            slot.domain = Arc::new(Domain { user_keys, ..Domain::clone(&slot.domain) });
        }
        self.replace(&slots);
    }

    fn replace(&self, slots: &[Slot]) {
        self.domains.store(Arc::new(all(slots)));
        self.changes.send_replace(());
    }

    fn measure(&self, slots: &[Slot]) {
        if !self.is_served.load(Ordering::Relaxed) {
            return;
        }
        let report = self.readiness.report();
        for check in CheckName::OF_A_DOMAIN {
            let passes = report.checks.iter().all(|line| line.name != check || line.ok);
            self.metrics.ready(check, passes);
        }
        self.metrics.krbtgt_ages(slots.iter().filter_map(|slot| age(&slot.domain)));
        self.metrics.branch_ages(slots.iter().flat_map(|slot| branch_ages(&slot.domain)));
    }

    fn slots(&self) -> MutexGuard<'_, Vec<Slot>> {
        // Nothing is left half done under the lock, so a panic elsewhere has broken nothing.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check(&self, Slot { domain, clock }: &Slot) {
        let numbers: Vec<u16> = domain.keys.branches().map(|branch| branch.number()).collect();
        let set = |check, outcome| self.readiness.set(&domain.realm, check, outcome);
        set(
            CheckName::Keys,
            if numbers.is_empty() { Err("no key of a branch is loaded".to_owned()) } else { Ok(()) },
        );
        let Some(view) = &domain.directory else {
            let stale =
                || Err("branches and policy lists were not read for too long; the log says why".to_owned());
            set(CheckName::Directory, stale());
            set(CheckName::Branches, stale());
            return;
        };
        let broken: Vec<String> = numbers
            .iter()
            .filter(|number| !matches!(view.branches.get(number), Some(Branch::Serving { .. })))
            .map(u16::to_string)
            .collect();
        let branches = match &view.denials {
            Err(fault) => Err(format!("serving nobody: {fault}")),
            Ok(_) if broken.is_empty() => Ok(()),
            Ok(_) => Err(format!("serving nobody: {}", broken.join(", "))),
        };
        set(CheckName::Branches, branches);
        let skew = domain.rules.clock_skew;
        let clock = match clock {
            Some(offset) if offset.magnitude() > skew => {
                Err(format!("our clock is {offset} the directory server's; set it"))
            }
            Some(_) | None => Ok(()),
        };
        set(CheckName::Clock, clock);
        // Last: once a directory has been read, the other checks tell of what was read.
        let age = domain.keys.age(view.krbtgt_version);
        set(CheckName::Directory, if age.may_issue() { Ok(()) } else { Err(age.to_string()) });
    }
}

fn all(slots: &[Slot]) -> Domains {
    Domains::new(slots.iter().map(|slot| Arc::clone(&slot.domain)).collect())
}

/// How old the domain's krbtgt key is by what its directory said last.
fn age(domain: &Domain) -> Option<KeyAge> {
    domain.directory.as_ref().map(|view| domain.keys.age(view.krbtgt_version))
}

/// How far the newest key of each branch that serves is behind the directory's.
fn branch_ages(domain: &Domain) -> Vec<Option<u16>> {
    let branches = domain.directory.as_ref().map(|view| &view.branches);
    let age = |keys: &BranchKeys| match branches?.get(&keys.number())? {
        Branch::Serving { key_version, .. } => Some(key_version.map(|current| keys.versions_behind(current))),
        Branch::Broken(_) | Branch::Unresolved(_) => None,
    };
    domain.keys.branches().filter_map(age).collect()
}

/// Says so once when the key of a domain has become too old, or will, and when it is as it should be again.
fn tell(domain: &Domain, before: Option<KeyAge>) {
    match age(domain) {
        age if age == before => {}
        Some(KeyAge::Current) if before.is_some() => {
            info!(realm = &*domain.realm, "{}", KeyAge::Current);
        }
        Some(KeyAge::Current) | None => {}
        Some(age) => warn!(realm = &*domain.realm, "{age}"),
    }
}

/// Publishes each view of one domain as it comes, and its absence when it has become too old.
pub async fn publish(
    publisher: Arc<Publisher>,
    index: usize,
    mut views: watch::Receiver<Option<Seen>>,
    max_stale: Duration,
) {
    loop {
        let seen = views.borrow_and_update().clone();
        let fresh = seen.filter(|seen| seen.is_fresh(Instant::now(), max_stale));
        let until = fresh.as_ref().and_then(|seen| seen.at.checked_add(max_stale));
        publisher.publish(index, fresh);
        let gets_stale = async {
            match until {
                Some(until) => sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = views.changed() => if changed.is_err() {
                // Nobody looks any more, so nothing is fresh.
                publisher.publish(index, None);
                return;
            },
            () = gets_stale => {}
        }
    }
}
