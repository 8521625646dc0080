//! Why there is nothing to propose, as one line for a person.

use crate::shell::directory::ReadError;

/// Why there is nothing to propose.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum InitError {
    #[error(
        "{0}: no such SRV record, so that no domain controller is found; check --domain, or name one with \
         --server ldaps://HOST"
    )]
    NoServers(String),
    #[error("{}", one_line(.0))]
    NoneAnswers(Vec<ReadError>),
    #[error(
        "{0} has no branch (an account with msDS-SecondaryKrbTgtNumber) that may be read; run Set-AzureADKerberosServer, \
         or let the account that binds read it"
    )]
    NoBranch(String),
}

fn one_line(faults: &[ReadError]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
