//! Keeps a domain's view fresh: branches, policy lists, authentication policies, password ages, looked at every `poll`.
//!
//! A look is two searches for update sequence numbers and one for the time; only if one has moved, or once a minute whatever they say, the
//! view is read again. What is published carries the time of the last look that succeeded: the shell serves nobody
//! on a view older than `max-stale`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use super::{Directory, Mark, ReadError, jitter};
use crate::directory::{Branch, DirectoryView, ViewRules};
use crate::shell::clock_offset::ClockOffset;
use crate::shell::observe::complaint::Complaint;

/// The longest time for which update sequence numbers alone are believed: a link to an object that is deleted goes
/// away without one.
const FULL_READ: Duration = Duration::from_secs(60);

/// Of a branch that is nothing but keys.
const NO_OBJECTS: &str = "no account of the domain has this number as its msDS-SecondaryKrbTgtNumber; remove its \
                          keys from the keytab, or create the branch again";

/// A view and when it was last known to be what the directory says.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The domain.
    pub view: Arc<DirectoryView>,
    /// When the look began that last confirmed it.
    pub at: Instant,
    /// How far our clock was from the directory's then; `None` where that does not tell, or is a file.
    pub clock: Option<ClockOffset>,
}

impl Seen {
    /// Whether the view may still decide at `now`.
    #[must_use]
    pub fn is_fresh(&self, now: Instant, max_stale: Duration) -> bool {
        now.saturating_duration_since(self.at) < max_stale
    }
}

/// Looks at one domain's directory until it is dropped.
pub struct Poller {
    seen: watch::Receiver<Option<Seen>>,
    has_looked: watch::Receiver<bool>,
    order: Arc<Notify>,
    task: AbortHandle,
}

impl Poller {
    /// Starts looking, at once and then every `poll`, at the domain and its branches of these `numbers`,
    /// as `rules` want them. Must be called within a tokio runtime.
    #[must_use]
    pub fn start(
        realm: &str,
        directory: Arc<Directory>,
        numbers: Vec<u16>,
        rules: ViewRules,
        poll: Duration,
    ) -> Self {
        let (publish, seen) = watch::channel(None);
        let (tell_looked, has_looked) = watch::channel(false);
        let order = Arc::new(Notify::new());
        let watcher = Watcher {
            realm: realm.to_owned(),
            directory,
            numbers,
            rules,
            publish,
            has_looked: tell_looked,
            last: None,
            complaint: Complaint::default(),
            branches: BTreeMap::new(),
            denials: None,
            authentication: BTreeSet::new(),
            sites: None,
        };
        let task = tokio::spawn(watcher.run(Arc::clone(&order), poll)).abort_handle();
        Self { seen, has_looked, order, task }
    }

    /// What was seen last; `None` until the directory answered for the first time.
    #[must_use]
    pub fn seen(&self) -> watch::Receiver<Option<Seen>> {
        self.seen.clone()
    }

    /// Waits until the directory has been asked, whatever came of it; what was seen can be had then.
    pub async fn first_look(&self) {
        // A poller that has ended will not look any more.
        let _ = self.has_looked.clone().wait_for(|has_looked| *has_looked).await;
    }

    /// Reads everything again now.
    pub fn read_again(&self) {
        self.order.notify_one();
    }
}

impl Drop for Poller {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Watcher {
    realm: String,
    directory: Arc<Directory>,
    numbers: Vec<u16>,
    rules: ViewRules,
    publish: watch::Sender<Option<Seen>>,
    has_looked: watch::Sender<bool>,
    last: Option<Last>,
    complaint: Complaint,
    /// What was last said of each branch that serves nobody.
    branches: BTreeMap<u16, String>,
    /// What was last said of denials that cannot be resolved.
    denials: Option<String>,
    /// What was last said of authentication policies and silos that cannot be read.
    authentication: BTreeSet<String>,
    /// What was last said of sites that cannot be read.
    sites: Option<String>,
}

/// The last full read.
struct Last {
    view: Arc<DirectoryView>,
    mark: Mark,
    read_at: Instant,
}

impl Watcher {
    async fn run(mut self, order: Arc<Notify>, poll: Duration) {
        loop {
            let began = Instant::now();
            match self.look(began).await {
                Ok(view) => {
                    // Whoever does not tell the time may still say who is who.
                    let clock = self.directory.clock_offset().await.ok().flatten();
                    if self.complaint.is_over() {
                        info!(realm = self.realm, "directory read again");
                    }
                    self.publish.send_replace(Some(Seen { view, at: began, clock }));
                }
                Err(error) => {
                    if self.complaint.is_due(&error.to_string(), Instant::now()) {
                        warn!(realm = self.realm, "branches and policy lists cannot be read: {error}");
                    }
                }
            }
            self.has_looked.send_replace(true);
            // Before the first view nobody is served, so the next look is not far off.
            let pause = if self.last.is_some() { poll } else { poll.min(Duration::from_secs(1)) };
            tokio::select! {
                () = sleep(pause.saturating_add(jitter(pause.div_f64(10.0)))) => {}
                () = order.notified() => self.last = None,
            }
        }
    }

    async fn look(&mut self, now: Instant) -> Result<Arc<DirectoryView>, ReadError> {
        if let Some(last) = &self.last
            && now.saturating_duration_since(last.read_at) < FULL_READ
            && self.directory.is_unchanged(&last.mark).await?
        {
            return Ok(Arc::clone(&last.view));
        }
        let (view, mark) = self.directory.view(&self.numbers, &self.rules).await?;
        self.tell(&view);
        // The same value keeps its address, so that readers can see that nothing changed.
        let view = match self.last.take() {
            Some(last) if *last.view == view => last.view,
            _ => Arc::new(view),
        };
        self.last = Some(Last { view: Arc::clone(&view), mark, read_at: now });
        Ok(view)
    }

    /// Says of each branch that we hold keys for why it serves nobody, and of the domain likewise: once, and again
    /// when that changes.
    fn tell(&mut self, view: &DirectoryView) {
        let mut faults = BTreeMap::new();
        for &number in &self.numbers {
            let fault = match view.branches.get(&number) {
                Some(Branch::Serving { .. }) => continue,
                Some(Branch::Broken(fault)) => fault.to_string(),
                Some(Branch::Unresolved(list)) => list.to_string(),
                None => NO_OBJECTS.to_owned(),
            };
            faults.insert(number, fault);
        }
        for (number, fault) in &faults {
            if self.branches.get(number) != Some(fault) {
                warn!(realm = self.realm, branch = number, "branch {number} serves nobody: {fault}");
            }
        }
        for number in self.branches.keys().filter(|number| !faults.contains_key(number)) {
            info!(realm = self.realm, branch = number, "branch {number} is as it should be again");
        }
        self.branches = faults;

        let fault = view.denials.as_ref().err().map(ToString::to_string);
        match &fault {
            Some(fault) if self.denials.as_ref() != Some(fault) => {
                warn!(realm = self.realm, "nobody is served: {fault}");
            }
            None if self.denials.is_some() => info!(realm = self.realm, "the denials are resolved again"),
            _ => {}
        }
        self.denials = fault;

        let faults: BTreeSet<String> = view.authentication.faults().map(ToString::to_string).collect();
        for fault in faults.difference(&self.authentication) {
            warn!(realm = self.realm, "nobody is served whom this is assigned to: {fault}");
        }
        self.authentication = faults;

        let fault = view.sites.as_ref().err().map(ToString::to_string);
        if let Some(fault) = &fault
            && self.sites.as_ref() != Some(fault)
        {
            warn!(realm = self.realm, "answers to pings name the configured site only: {fault}");
        }
        self.sites = fault;
    }
}
