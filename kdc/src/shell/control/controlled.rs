//! The running daemon as its operator sees it.

use std::net::SocketAddr;
use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use serde::{Deserialize, Serialize};

use crate::shell::drain::Drain;
use crate::shell::reload::Reloader;
use crate::shell::service::Service;

/// What can be asked and told.
pub struct Controlled {
    /// Serves.
    pub service: Arc<Service>,
    /// Reloads it.
    pub reloader: Arc<Reloader>,
    /// Drains it.
    pub drain: Arc<Drain>,
    /// What it has counted.
    pub recorder: PrometheusHandle,
    /// Where it listens.
    pub listening: Listening,
}

/// Where it listens.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listening {
    /// UDP and TCP.
    pub kerberos: Vec<SocketAddr>,
    /// UDP and TCP.
    pub kpasswd: Vec<SocketAddr>,
    /// UDP.
    pub cldap: Vec<SocketAddr>,
    /// TCP; null before it listens.
    pub metrics: Option<SocketAddr>,
}
