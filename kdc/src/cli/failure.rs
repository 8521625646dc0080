//! Why a verb stopped, as one line for a person.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use super::decode_error::DecodeError;
use super::init::error::InitError;
use super::kerberos_server::error::{CloudError, ShowError};
use super::plan::error::PlanError;
use crate::client::ccache::CcacheError;
use crate::client::inspect::InspectError;
use crate::client::keys::BranchKeyError;
use crate::client::mint::MintError;
use crate::client::prt::PrtError;
use crate::client::reply::ReplyError;
use crate::client::request::BuildError;
use crate::client::transport::TransportError;
use crate::config::ConfigError;
use crate::krb::keytab::KeytabError;
use crate::load::LoadError;
use crate::load::server::ServerError;
use crate::load::users::UsersError;
use crate::shell::daemon::StartError;
use crate::shell::entropy::EntropyError;
use crate::shell::explain::ExplainError;
use crate::shell::exposure::ExposureError;
use crate::shell::files::static_faults::{self, StaticFault};
use crate::shell::locator::LocateError;
use crate::shell::resolver::LookupError;
use crate::shell::what_if::WhatIfError;

#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("{}: {error}", path.display())]
    File { path: PathBuf, error: io::Error },
    #[error("{}: {error}", path.display())]
    Keytab { path: PathBuf, error: KeytabError },
    #[error("{}: {error}", path.display())]
    BranchKey { path: PathBuf, error: BranchKeyError },
    #[error("{}: {error}", path.display())]
    Ccache { path: PathBuf, error: CcacheError },
    #[error("{}: no ticket for a ticket-granting service in it", .0.display())]
    NoTgt(PathBuf),
    #[error("{}: {error}", path.display())]
    Decode { path: PathBuf, error: DecodeError },
    #[error("{}: {error}", path.display())]
    Prt { path: PathBuf, error: PrtError },
    #[error("standard input cannot be both the answer and its key")]
    StdinTwice,
    #[error("{}: {error}", path.display())]
    Users { path: PathBuf, error: UsersError },
    #[error("{0}: no address found; write HOST or HOST:PORT")]
    Address(String),
    #[error(transparent)]
    Mint(#[from] MintError),
    #[error(transparent)]
    Request(#[from] BuildError),
    #[error(transparent)]
    Transport(#[from] TransportError),
    #[error(transparent)]
    Reply(#[from] ReplyError),
    #[error("the TGT cannot be looked into: {0}")]
    Inspect(#[from] InspectError),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Server(#[from] ServerError),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Static(#[from] StaticFault),
    #[error(transparent)]
    Explain(#[from] ExplainError),
    #[error(transparent)]
    WhatIf(#[from] WhatIfError),
    #[error(transparent)]
    Exposure(#[from] ExposureError),
    #[error(transparent)]
    Init(#[from] InitError),
    #[error(transparent)]
    Show(#[from] ShowError),
    #[error("{}: {error}", path.display())]
    Cloud { path: PathBuf, error: CloudError },
    #[error(transparent)]
    Lookup(#[from] LookupError),
    #[error(transparent)]
    Locate(#[from] LocateError),
    #[error("{}: {error}; is the daemon running, and are you root or of its group?", path.display())]
    Control { path: PathBuf, error: io::Error },
    #[error("[control] socket is \"\": the daemon has no control socket")]
    NoControl,
    #[error("{}: the daemon does not answer as this program expects: {reply}; are both of one version?", path.display())]
    ControlAnswer { path: PathBuf, reply: String },
    #[error("cannot start anew with the keytab of [domain.ldap] in the environment: {0}")]
    Anew(io::Error),
    #[error("cannot start: {0}")]
    Runtime(io::Error),
    #[error("cannot start: {0}")]
    Process(String),
    #[error("standard output: {0}")]
    Output(io::Error),
}

impl Failure {
    /// 78 where a file must be mended before another start makes sense, else 1.
    pub(super) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Config(_) | Self::Static(_) | Self::Start(StartError::Static(_)) => {
                ExitCode::from(static_faults::EXIT_STATUS)
            }
            _ => ExitCode::FAILURE,
        }
    }
}
