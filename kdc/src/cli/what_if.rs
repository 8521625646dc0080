//! `tgtx what-if`: whom a change of the policy lists would let in or keep out.

mod report;

use std::process::ExitCode;

use tokio::runtime::Builder;

use super::failure::Failure;
use super::one_domain::OneDomain;
use super::progress::Progress;
use super::{json, now, print};
use crate::directory::DenyGroup;
use crate::shell::what_if::{Action, Change, List, what_if};
use report::Report;

/// Say who would be let in or kept out if groups were put on the branch's two lists, or taken off, and how they come by it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
GROUP is a sAMAccountName, a distinguished name or a SID; it may be a single account. Changes nothing: all accounts are
read from the directory and decided about twice with the daemon's own code, under the lists as they are and as they
would be. Groups of other domains and groups that list former SIDs are not seen here; `tgtx explain` sees them.

Exit code: 0 where it can be said, 78 where the configuration or a file it names is at fault, 1 otherwise.

Examples:
  tgtx what-if --deny-add 'Tier 0'
  tgtx what-if --allow-remove 'Domain Users' --allow-add Staff --csv > consequences.csv")]
pub(super) struct Arguments {
    #[command(flatten)]
    changes: Changes,
    #[command(flatten)]
    domain: OneDomain,
    /// The branch whose lists they are, where keys of several are loaded
    #[arg(long, value_name = "NUMBER")]
    branch: Option<u16>,
    /// Print JSON, schema version 1
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print comma-separated values, one line for each account that changes side
    #[arg(long)]
    csv: bool,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true)]
struct Changes {
    /// Put it on msDS-NeverRevealGroup
    #[arg(long, value_name = "GROUP")]
    deny_add: Vec<DenyGroup>,
    /// Take it off msDS-NeverRevealGroup
    #[arg(long, value_name = "GROUP")]
    deny_remove: Vec<DenyGroup>,
    /// Put it on msDS-RevealOnDemandGroup
    #[arg(long, value_name = "GROUP")]
    allow_add: Vec<DenyGroup>,
    /// Take it off msDS-RevealOnDemandGroup
    #[arg(long, value_name = "GROUP")]
    allow_remove: Vec<DenyGroup>,
}

impl Changes {
    fn all(&self) -> Vec<Change> {
        let options = [
            (List::NeverReveal, Action::Add, &self.deny_add),
            (List::NeverReveal, Action::Remove, &self.deny_remove),
            (List::RevealOnDemand, Action::Add, &self.allow_add),
            (List::RevealOnDemand, Action::Remove, &self.allow_remove),
        ];
        let each = options.into_iter().flat_map(|(list, action, groups)| {
            groups.iter().map(move |group| Change { list, action, group: group.clone() })
        });
        each.collect()
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let prepared = arguments.domain.prepare()?;
    let runtime = super::runtime(Builder::new_current_thread())?;
    let changes = arguments.changes.all();
    let mut progress = Progress::default();
    let consequences = runtime
        .block_on(what_if(prepared, arguments.branch, &changes, now(), &mut |count| progress.show(count)));
    drop(progress);
    let report = Report::new(&consequences?);
    print(&match (arguments.json, arguments.csv) {
        (true, _) => json::line(&report),
        (_, true) => report.csv(),
        _ => report.to_string(),
    })?;
    Ok(ExitCode::SUCCESS)
}
