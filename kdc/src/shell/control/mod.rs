//! The control socket: how the operator's command line asks a running daemon how it is, and tells it to reload or to
//! drain.
//!
//! A client connects, writes one line of JSON, a [`Request`], and gets one line back, an [`Answer`]. No key is in any of
//! them. Whoever may connect is one of few; still a line, a wait and the number of clients are bounded.

mod controlled;
mod counters;
mod keys;
mod server;
mod socket;
mod status;

use serde::{Deserialize, Serialize};

pub use controlled::{Controlled, Listening};
pub use counters::Counters;
pub use keys::{KeyLine, Keys, SkippedLine};
pub use server::serve;
pub use socket::{ControlSocket, SocketError};
pub use status::{ConfigurationStatus, DirectoryStatus, DomainStatus, LastReload, State, Status};

/// Version of what is said here; it grows when something is said otherwise or no longer, not when something is added.
pub const SCHEMA: u32 = 1;

/// Octets of a request.
const LONGEST_REQUEST: usize = 1024;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// How the daemon is.
    Status,
    /// Which keys it has, and which entries of its keytabs it has no use for.
    Keys,
    /// To read everything anew.
    Reload {
        /// Whether keys in use may go.
        allow_key_removal: bool,
    },
    /// To send everybody elsewhere, and to stop after `drain-grace`.
    Drain,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To [`Request::Status`].
    Status(Box<Status>),
    /// To [`Request::Keys`].
    Keys(Keys),
    /// To [`Request::Reload`]: what came of it.
    Reload(LastReload),
    /// To [`Request::Drain`].
    Drain(Draining),
    /// The request is none.
    Error(String),
}

/// How a drain goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draining {
    /// Version of this.
    pub schema: u32,
    /// Seconds until the daemon stops.
    pub stops_in_seconds: u64,
}
