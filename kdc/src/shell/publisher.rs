//! From what the directories say to the snapshot that requests are decided on, and to `/readyz`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

use super::directory::Seen;
use super::observe::readiness::{CheckName, Readiness};
use super::prepared::PreparedDomain;
use super::service::Service;
use crate::directory::Branch;
use crate::exchange::{Domain, Domains, UserKeys};
use crate::krb::keys::KeyAge;

/// Puts what the directories say into the snapshot that requests are decided on.
pub struct Publisher {
    domains: Mutex<Vec<Arc<Domain>>>,
    readiness: Arc<Readiness>,
}

impl Publisher {
    /// Of these domains, none of which is served yet.
    pub fn new(prepared: &[PreparedDomain], readiness: Arc<Readiness>) -> Self {
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
        Self { domains: Mutex::new(prepared.iter().map(domain).collect()), readiness }
    }

    /// The domains as they are now.
    #[must_use]
    pub fn domains(&self) -> Domains {
        Domains::new(self.domains.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// Replaces the view of one domain; `None` if there is none that is fresh.
    fn publish(&self, service: &Service, index: usize, seen: Option<Seen>) {
        let mut domains = self.domains.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = domains.get_mut(index) {
            let age = age(slot);
            *slot = Arc::new(Domain {
                netbios_name: match &seen {
                    Some(seen) => Some(seen.view.netbios_name.as_str().into()),
                    None => slot.netbios_name.clone(),
                },
                directory: seen.map(|seen| seen.view),
                ..Domain::clone(slot)
            });
            tell(slot, age);
        }
        // In this order: who is told that the daemon is ready is served.
        service.set_domains(Domains::new(domains.clone()));
        if let Some(domain) = domains.get(index) {
            self.report(domain);
        }
        for check in CheckName::ALL {
            let passes = self.readiness.report().checks.iter().all(|line| line.name != check || line.ok);
            service.metrics().ready(check, passes);
        }
        service.metrics().krbtgt_ages(domains.iter().filter_map(|domain| age(domain)));
    }

    /// Replaces the user keys of one domain.
    pub fn publish_user_keys(&self, service: &Service, index: usize, keys: &Arc<UserKeys>) {
        let mut domains = self.domains.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = domains.get_mut(index) {
            *slot = Arc::new(Domain { user_keys: Some(Arc::clone(keys)), ..Domain::clone(slot) });
        }
        service.set_domains(Domains::new(domains.clone()));
    }

    fn report(&self, domain: &Domain) {
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
        let age = domain.keys.age(view.krbtgt_version);
        set(CheckName::Directory, if age.may_issue() { Ok(()) } else { Err(age.to_string()) });
        if let Err(fault) = &view.denials {
            set(CheckName::Branches, Err(format!("serving nobody: {fault}")));
            return;
        }
        let broken: Vec<String> = numbers
            .iter()
            .filter(|number| !matches!(view.branches.get(number), Some(Branch::Serving { .. })))
            .map(u16::to_string)
            .collect();
        set(
            CheckName::Branches,
            if broken.is_empty() { Ok(()) } else { Err(format!("serving nobody: {}", broken.join(", "))) },
        );
    }
}

/// How old the domain's krbtgt key is by what its directory said last.
fn age(domain: &Domain) -> Option<KeyAge> {
    domain.directory.as_ref().map(|view| domain.keys.age(view.krbtgt_version))
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
    service: Arc<Service>,
    publisher: Arc<Publisher>,
    index: usize,
    mut views: watch::Receiver<Option<Seen>>,
    max_stale: Duration,
) {
    loop {
        let seen = views.borrow_and_update().clone();
        let fresh = seen.filter(|seen| seen.is_fresh(Instant::now(), max_stale));
        let until = fresh.as_ref().and_then(|seen| seen.at.checked_add(max_stale));
        publisher.publish(&service, index, fresh);
        let gets_stale = async {
            match until {
                Some(until) => sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = views.changed() => if changed.is_err() {
                // Nobody looks any more, so nothing is fresh.
                publisher.publish(&service, index, None);
                return;
            },
            () = gets_stale => {}
        }
    }
}
