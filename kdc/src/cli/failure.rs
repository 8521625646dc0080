//! Why a verb stopped, as one line for a person.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use super::decode_error::DecodeError;
use crate::client::ccache::CcacheError;
use crate::client::inspect::InspectError;
use crate::client::keys::BranchKeyError;
use crate::client::mint::MintError;
use crate::client::reply::ReplyError;
use crate::client::request::BuildError;
use crate::client::transport::TransportError;
use crate::config::ConfigError;
use crate::krb::keytab::KeytabError;
use crate::shell::daemon::StartError;
use crate::shell::entropy::EntropyError;
use crate::shell::explain::ExplainError;
use crate::shell::files::static_faults::{self, StaticFault};
use crate::shell::locator::LocateError;
use crate::shell::resolver::LookupError;

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
    Lookup(#[from] LookupError),
    #[error(transparent)]
    Locate(#[from] LocateError),
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
