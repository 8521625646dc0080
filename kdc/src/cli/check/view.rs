//! What the directory says of the domain, its branches and their lists, beside the keys that are loaded.

use std::net::SocketAddr;

use crate::cli::findings::{About, Findings, Subject};
use crate::directory::{Branch, DirectoryView};
use crate::discovery::own_site;
use crate::krb::keys::{BranchKeys, DomainKeys, KeyAge};
use crate::shell::cldap::announced::Announced;

pub(super) fn look(findings: &mut Findings, realm: &str, keys: &DomainKeys, view: &DirectoryView) {
    findings
        .about(Subject::Directory, realm)
        .ok(&format!("directory of {} ({}), {}", view.dns_domain_name, view.netbios_name, view.domain_sid));
    let mut age = findings.about(Subject::Keys, realm);
    match keys.age(view.krbtgt_version) {
        KeyAge::Current => age.ok(&KeyAge::Current),
        previous @ KeyAge::Previous { .. } => age.warning(&previous),
        too_old @ (KeyAge::Outdated { .. } | KeyAge::Unknown) => age.error(&too_old),
    }
    denials(&mut findings.about(Subject::Policy, realm), view);
    for branch in keys.branches() {
        look_at_branch(findings, realm, branch, view);
    }
}

fn denials(found: &mut About<'_>, view: &DirectoryView) {
    match &view.denials {
        Ok(denials) => {
            for (key, sids) in
                [("deny-groups", denials.groups()), ("deny-replicators", denials.replicators())]
            {
                if !sids.is_empty() {
                    found.ok(&format!("{key} denies {} SIDs", sids.len()));
                }
            }
        }
        Err(fault) => found.error(&format!("nobody is served: {fault}")),
    }
    for fault in view.authentication.faults() {
        found.error(&format!("nobody is served whom this is assigned to: {fault}"));
    }
    for policy in view.authentication.keeping_users_out() {
        found.note(&format!(
            "users under {policy} are refused: it demands a device, which no partial TGT proves"
        ));
    }
}

/// One branch: its objects and lists, and its keys beside them.
pub(in crate::cli) fn look_at_branch(
    findings: &mut Findings,
    realm: &str,
    branch: &BranchKeys,
    view: &DirectoryView,
) {
    let number = branch.number();
    let mut found = findings.about(Subject::Branches, realm);
    let key_version = match view.branches.get(&number) {
        Some(Branch::Serving { policy, key_version }) => {
            let revealed = policy.reveal_on_demand().len();
            found.ok(&format!(
                "branch {number} serves: {} never revealed, {revealed} revealed on demand",
                policy.never_reveal().len(),
            ));
            if revealed == 0 {
                found.warning(&format!(
                    "branch {number}: msDS-RevealOnDemandGroup is empty, so that everybody is refused; put the group of those \
                     who sign in by cloud trust into it"
                ));
            }
            *key_version
        }
        Some(Branch::Broken(fault)) => return found.error(&format!("branch {number}: {fault}")),
        Some(Branch::Unresolved(fault)) => return found.error(&format!("branch {number}: {fault}")),
        None => {
            return found.error(&format!(
                "branch {number}: no account of the domain has this number; remove its keys from the keytab, or create \
                 the branch again"
            ));
        }
    };
    let newest = branch.keys().iter().map(|key| key.version()).max();
    let mut keys = findings.about(Subject::Keys, realm);
    match (newest, key_version) {
        (Some(ours), Some(theirs)) if ours < theirs => keys.error(&format!(
            "branch {number}: its key has version {theirs} in the directory and {ours} in the keytab, so that new tickets \
             cannot be read; export the account's keytab anew"
        )),
        (Some(ours), Some(theirs)) if ours > theirs => keys.note(&format!(
            "branch {number}: its key has version {ours} in the keytab and {theirs} in the directory, which may not have \
             replicated yet"
        )),
        (_, None) => keys.warning(&format!(
            "branch {number}: the version of its key (msDS-KeyVersionNumber) cannot be read, so that its change would not be \
             noticed; grant the right to read it"
        )),
        (_, Some(version)) => keys.ok(&format!("branch {number}: the key of version {version} is the current one")),
    }
}

/// The site that answers to pings name, for each address that they are sent to.
pub(super) fn sites(
    findings: &mut Findings,
    realm: &str,
    announced: &Announced,
    view: &DirectoryView,
    listen: &[SocketAddr],
) {
    let Announced { announcement, upstream: None } = announced else { return };
    let mut found = findings.about(Subject::Discovery, realm);
    match &view.sites {
        Err(fault) if announcement.site.is_none() => {
            found.error(&format!("{fault}; name ours in [domain.discovery] site"));
        }
        Err(fault) => found.note(&format!("{fault}; [domain.discovery] names ours")),
        Ok(sites) => {
            for address in listen.iter().map(SocketAddr::ip) {
                if announcement.site.is_none() && address.is_unspecified() && sites.only().is_none() {
                    found.ok(&"pings are answered from the site of the address asked");
                } else {
                    let site = own_site(announcement, sites, address);
                    found.ok(&format!("pings to {address} are answered from site {site}"));
                }
            }
        }
    }
}
