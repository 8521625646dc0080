//! Why there is nothing to show, as one line for a person.

use crate::shell::directory::ReadError;

/// Why there is nothing to show.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum ShowError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("branch {0}: no account of the domain has this number, or may be read; check --branch")]
    NoSuchBranch(u16),
    #[error(
        "no computer named AzureADKerberos has a krbtgt account of its own, or it may not be read; run \
         Set-AzureADKerberosServer, or name another with --branch NUMBER: there are {0}"
    )]
    NoServer(String),
}

/// What is wrong with an export.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum CloudError {
    #[error("is longer than any export")]
    TooLong,
    #[error("is neither UTF-8 nor UTF-16 text; export it with `| ConvertTo-Json | Out-File -Encoding utf8`")]
    NotText,
    #[error("is not what Get-AzureADKerberosServer exports: {0}; export it with `| ConvertTo-Json`")]
    NotExport(String),
}
