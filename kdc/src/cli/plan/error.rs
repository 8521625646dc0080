//! Why there is no plan.

use std::io;

#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum PlanError {
    #[error("the sites have {sites} users, more than the {users} there are")]
    TooManyOnSites { sites: u64, users: u32 },
    #[error("the site {0} is named twice")]
    SiteTwice(String),
    #[error("line {0} is none of Prometheus' text format")]
    Malformed(usize),
    #[error("no {0} in it: is it what a tgtx daemon says on /metrics?")]
    Missing(&'static str),
    #[error("nothing was exchanged: there is nothing to reckon with")]
    NoExchanges,
    #[error("{0} is lower than before: the daemon was started anew in between")]
    Decreased(&'static str),
    #[error("{url}: {error}")]
    Unreachable { url: String, error: io::Error },
    #[error("{url}: {said}")]
    Prometheus { url: String, said: String },
    #[error("{place}: {error}")]
    In { place: String, error: Box<PlanError> },
}

impl PlanError {
    /// With the file it is about.
    pub(super) fn of(self, place: String) -> Self {
        Self::In { place, error: Box::new(self) }
    }
}
