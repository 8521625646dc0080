//! What the outside sees of the daemon: log, audit, metrics and readiness.

pub mod audit;
pub mod complaint;
pub mod http;
pub mod logging;
pub mod metrics;
pub mod panics;
pub mod readiness;
