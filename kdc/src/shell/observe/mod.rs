//! What the outside sees of the daemon: log, audit, metrics and readiness.

pub mod audit;
mod authentic;
pub mod catalogue;
pub mod complaint;
pub mod http;
pub mod logging;
mod messages;
pub mod metrics;
pub mod panics;
pub(super) mod per_label;
mod process;
mod queue;
pub mod readiness;
pub mod state;
