//! `tgtx kerberos-server`: the branch that Entra's set-up made, as Get-AzureADKerberosServer tells of it.

mod cloud;
pub(super) mod error;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use tokio::runtime::Builder;

use super::check::view::look_at_branch;
use super::failure::Failure;
use super::findings::{Findings, Subject};
use super::one_domain::OneDomain;
use super::print;
use crate::directory::path::Reference;
use crate::directory::{Branch, BranchAccounts, DirectoryView};
use crate::shell::directory::{Directory, ReadError};
use crate::shell::prepared::PreparedDomain;
use cloud::CloudServer;
use error::ShowError;
use report::{Member, Report, Server};

/// Exit code where something does not agree.
const DRIFT: u8 = 10;

/// The Kerberos server object that Entra's set-up made in the domain.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Verb {
    Show(Show),
}

/// Show what Get-AzureADKerberosServer prints of the on-premises side, and whether keys and Entra's copy agree with it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Entra's copy is told by the cmdlet alone, on Windows; export it there and hand the file over:
Get-AzureADKerberosServer ... | ConvertTo-Json | Out-File -Encoding utf8 cloud.json

Exit code: 0 where everything agrees, 10 where something does not, 78 where the configuration or a file it names is at
fault, 1 where it cannot be said.

Examples:
  tgtx kerberos-server show
  tgtx kerberos-server show --cloud cloud.json
  tgtx kerberos-server show --json | jq .server.KeyVersion")]
pub(super) struct Show {
    #[command(flatten)]
    domain: OneDomain,
    /// Its number, where it is not the one named AzureADKerberos
    #[arg(long, value_name = "NUMBER")]
    branch: Option<u16>,
    /// Compare with what the cmdlet exported as JSON
    #[arg(long, value_name = "FILE")]
    cloud: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(verb: &Verb) -> Result<ExitCode, Failure> {
    let Verb::Show(show) = verb;
    // What can be found wrong without anybody being asked comes first.
    let cloud = show.cloud.as_deref().map(CloudServer::read).transpose()?;
    let domain = show.domain.prepare()?;
    let runtime = super::runtime(Builder::new_multi_thread())?;
    let found = runtime.block_on(read(domain, show.branch));
    // Resolving a server's name occupies a thread that nothing interrupts.
    runtime.shutdown_background();
    let (server, mut findings) = found?;
    if let Some(cloud) = cloud {
        cloud.compare(&server, &mut findings.about(Subject::Cloud, ""));
    }
    let report = Report::new(server, findings);
    print(&if show.json { report.json() } else { report.to_string() })?;
    Ok(if report.agrees() { ExitCode::SUCCESS } else { ExitCode::from(DRIFT) })
}

/// The server, and how the keys of its branch that are loaded stand to it.
async fn read(domain: PreparedDomain, number: Option<u16>) -> Result<(Server, Findings), ShowError> {
    let (realm, keys) = (Arc::clone(&domain.realm), Arc::clone(&domain.keys));
    let (directory, rules) = domain.connect();
    let branches = directory.branch_accounts().await?;
    let branch = choose(branches, number)?;
    let (view, _) = directory.view(&[branch.number], &rules.view).await?;
    let mut findings = Findings::default();
    match keys.branches().find(|loaded| loaded.number() == branch.number) {
        Some(loaded) => look_at_branch(&mut findings, &realm, loaded, &view),
        None => findings.about(Subject::Keys, &realm).error(&format!(
            "branch {}: no key of it is loaded; export that of {} and name its keytab in keytabs",
            branch.number, branch.krbtgt_name
        )),
    }
    let change = directory.key_change(&branch.krbtgt_dn).await?;
    if change.is_none() {
        findings.about(Subject::Directory, &realm).warning(
            &"when the key was changed cannot be read; let the account that reads the directory replicate changes \
              (Replicating Directory Changes), or ask another server",
        );
    }
    let (never_reveal, reveal_on_demand) = lists(&directory, &view, branch.number).await?;
    Ok((Server { branch, domain: view.dns_domain_name, change, never_reveal, reveal_on_demand }, findings))
}

/// The branch of this number, or else Entra's.
fn choose(branches: Vec<BranchAccounts>, number: Option<u16>) -> Result<BranchAccounts, ShowError> {
    let numbers: Vec<String> = branches.iter().map(|branch| branch.number.to_string()).collect();
    let is_it =
        |branch: &BranchAccounts| number.map_or_else(|| branch.is_entras(), |number| branch.number == number);
    branches.into_iter().find(is_it).ok_or_else(|| match number {
        Some(number) => ShowError::NoSuchBranch(number),
        None if numbers.is_empty() => ShowError::NoServer("none".to_owned()),
        None => ShowError::NoServer(numbers.join(", ")),
    })
}

/// The two lists with the names of who is on them; empty where the branch is not as it should be, which is a finding.
async fn lists(
    directory: &Directory,
    view: &DirectoryView,
    number: u16,
) -> Result<(Vec<Member>, Vec<Member>), ReadError> {
    let Some(Branch::Serving { policy, .. }) = view.branches.get(&number) else {
        return Ok((Vec::new(), Vec::new()));
    };
    let sids: Vec<_> = policy.never_reveal().iter().chain(policy.reveal_on_demand()).copied().collect();
    let references: Vec<_> = sids.iter().copied().map(Reference::Sid).collect();
    let nodes = directory.nodes(&references).await?;
    let mut members = sids
        .into_iter()
        .zip(nodes)
        .map(|(sid, node)| Member { sid: sid.to_string(), name: node.map(|node| node.name) });
    let never_reveal = members.by_ref().take(policy.never_reveal().len()).collect();
    Ok((never_reveal, members.collect()))
}
