//! `tgtx init`: a configuration for a domain, proposed from what its directory and DNS say.

pub(super) mod error;
mod options;
mod proposal;
mod survey;

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::builder::NonEmptyStringValueParser;
use tokio::runtime::Builder;

use super::failure::Failure;
use super::{now, print};
use crate::shell::client_keytab;
use options::LdapOptions;
use proposal::Proposal;
use survey::Survey;

/// Propose a configuration for a domain, as its directory and DNS describe it
///
/// Prints it, each line with a comment, and writes nothing else. What is left to do is told in it: the keys to export, and
/// where to.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The options from --bind on are keys of [domain.ldap], docs/directory.md, and are taken over into the proposal.

Exit code: 0 with a proposal, 1 without one, 78 where a file that is named is at fault.

Examples:
  tgtx init --domain lab.example --bind-dn CN=tgtx,CN=Users,DC=lab,DC=example --password-file /etc/tgtx/ldap-password
  tgtx init --domain lab.example --server ldaps://dc1.lab.example --ca-file ca.pem --bind gssapi \\
      --keytab /etc/tgtx/ldap.keytab --principal tgtx@LAB.EXAMPLE >tgtx.toml")]
pub(super) struct Arguments {
    /// The domain's DNS name
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    domain: String,
    #[command(flatten)]
    ldap: LdapOptions,
    /// Ask this server for names instead of the system's
    #[arg(long, value_name = "ADDRESS[:PORT]", value_parser = super::dns_server)]
    dns_server: Option<SocketAddr>,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let realm = arguments.domain.trim_end_matches('.').to_uppercase();
    let runtime = super::runtime(Builder::new_multi_thread())?;
    let text = runtime.block_on(async {
        let resolver = survey::resolver(arguments.dns_server)?;
        let mut ldap = arguments.ldap.clone();
        if ldap.urls.is_empty() {
            ldap.urls = survey::servers(&resolver, &realm).await?;
        }
        let config = ldap.configuration(&realm)?;
        client_keytab::enter(&config).map_err(Failure::Anew)?;
        let survey = Survey::of(&config, &resolver).await?;
        Proposal { realm: &realm, ldap: &ldap, survey: &survey, at: now().seconds }.checked()
    });
    // Resolving a server's name occupies a thread that nothing interrupts.
    runtime.shutdown_background();
    print(&text?)?;
    Ok(ExitCode::SUCCESS)
}
