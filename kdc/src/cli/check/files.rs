//! What stands in files: whether they can be read, by nobody else, and which keys are in them.

use std::fs;
use std::os::unix::fs::MetadataExt;

use nix::unistd::geteuid;

use crate::cli::findings::{Findings, Subject};
use crate::config::{Config, Domain};
use crate::exchange::UserKeys;
use crate::krb::keys::{DomainKeys, Rc4};
use crate::shell::cldap::announced::Announced;
use crate::shell::files::domain_files::DomainFiles;
use crate::shell::prepared::PreparedDomain;

/// What was read as the configuration, in this order, and who else may change it. What everyone may, is not read at all.
pub(super) fn configuration(findings: &mut Findings, config: &Config) {
    let mut found = findings.about(Subject::Configuration, "");
    let drop_ins = config.drop_ins.iter().map(|path| format!("{}: read after it", path.display()));
    found.ok(&format!("{}: understood", config.file.display()));
    drop_ins.for_each(|line| found.ok(&line));
    let folder = config.drop_ins.first().and_then(|path| path.parent());
    for path in config.files().chain(folder) {
        // Gone meanwhile: there is nobody who may write it.
        let Ok(metadata) = fs::metadata(path) else { continue };
        let (mode, group) = (metadata.mode() & 0o7777, metadata.gid());
        if mode & 0o020 != 0 && group != 0 {
            found.warning(&format!(
                "{}: may be written by group {group} (mode {mode:04o}), which decides what the daemon does; chmod g-w it",
                path.display()
            ));
        }
    }
}

/// Root reads what the daemon's user may not.
pub(super) fn privileges(findings: &mut Findings) {
    if geteuid().is_root() {
        findings
            .about(Subject::Files, "")
            .note(&"looked at as root, who may read everything: run it as the daemon's user too");
    }
}

/// The domain with everything its files hold, unless one of them is at fault.
pub(super) fn domain(findings: &mut Findings, domain: &Domain) -> Option<PreparedDomain> {
    let read = DomainFiles::read(domain).and_then(|files| PreparedDomain::new(domain, files));
    match read {
        Err(fault) => {
            findings.about(Subject::Files, &domain.realm).error(&fault);
            None
        }
        Ok(read) => {
            keys(findings, &read.realm, &read.keys);
            if let Some(keytabs) = &read.user_keys {
                user_keys(findings, &read.realm, keytabs.keys());
            }
            Some(read)
        }
    }
}

fn keys(findings: &mut Findings, realm: &str, keys: &DomainKeys) {
    let mut found = findings.about(Subject::Keys, realm);
    let issuing = keys.issuing();
    found.ok(&format!("krbtgt key, kvno {}, {}", issuing.kvno(), issuing.etype()));
    if keys.rc4() == Rc4::Allowed {
        found.warning(&"RC4 is allowed for tickets and keys (allow-rc4); switch it off when you can");
    }
    for branch in keys.branches() {
        let versions: Vec<String> =
            branch.keys().iter().map(|key| format!("{} {}", key.version(), key.etype())).collect();
        found.ok(&format!("branch {}, key version {}", branch.number(), versions.join(" and ")));
    }
    for skipped in keys.skipped() {
        found.note(&format!("keytab entry not used: {skipped}"));
    }
    if keys.branches().next().is_none() {
        found.error(
            &"no key of a branch in its keytabs, so nothing can be exchanged; export krbtgt_AzureAD's",
        );
    }
}

fn user_keys(findings: &mut Findings, realm: &str, keys: &UserKeys) {
    let mut found = findings.about(Subject::Keys, realm);
    let etypes: Vec<String> = keys.etypes().map(|etype| etype.to_string()).collect();
    found.warning(&format!(
        "the key list is on: keys of {} users, {}; guard them as you guard the domain",
        keys.accounts(),
        etypes.join(" and ")
    ));
    for (why, entries) in keys.unused() {
        found.note(&format!("entries of user keytabs not used: {entries} {why}"));
    }
}

/// Who answers pings.
pub(super) fn pings(findings: &mut Findings, realm: &str, announced: &Announced) {
    findings.about(Subject::Discovery, realm).ok(&match announced.upstream {
        Some(upstream) => format!("pings are answered by {upstream}, KEY_LIST added"),
        None => format!("pings are answered as {}", announced.announcement.host),
    });
}
