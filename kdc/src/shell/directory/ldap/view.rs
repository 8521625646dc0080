//! The domain, its branches, their policy lists and the forest's authentication policies, read from one server.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ldap3::Scope;

use super::answer::Answer;
use super::connection::{Connection, Search, SearchError};
use super::{LdapDirectory, complete, filter, object, plain};
use crate::directory::authentication::{
    AUTHENTICATION_ATTRIBUTES, AUTHENTICATION_CLASSES, AUTHENTICATION_CONTAINER,
};
use crate::directory::branch::{BRANCH_COMPUTER_ATTRIBUTES, BRANCH_KRBTGT_ATTRIBUTES};
use crate::directory::denials::NAMED_ATTRIBUTES;
use crate::directory::replicators::DESCRIPTOR_ATTRIBUTE;
use crate::directory::sites::SITE_ATTRIBUTES;
use crate::directory::view::{CROSS_REF_ATTRIBUTES, HEAD_ATTRIBUTES, KRBTGT_ATTRIBUTES};
use crate::directory::{DirectoryView, DomainObjects, Entry, Sites, SitesFault, ViewRules};
use crate::shell::directory::ReadError;

/// A view takes a handful of searches, and nobody waits for it.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// Of krbtgt, in every domain.
const KRBTGT_RID: u32 = 502;
const VERSION: &str = "uSNChanged";

/// By which a later look tells whether a view is still what the directory says. Update sequence numbers count on
/// one server, so the look has to be at the same one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    server: String,
    /// Matches whatever of the domain the view was made of, and whatever would make it ambiguous.
    filter: String,
    versions: BTreeMap<String, i64>,
}

impl LdapDirectory {
    /// Reads the domain as `rules` want it and those of its branches that have these numbers.
    ///
    /// # Errors
    /// [`ReadError`]. A branch that is not as it should be is no error, but a branch that serves nobody.
    pub async fn view(
        &self,
        numbers: &[u16],
        rules: &ViewRules,
    ) -> Result<(DirectoryView, Fingerprint), ReadError> {
        self.read(PATIENCE, |connection| async move { read(&connection, numbers, rules).await }).await
    }

    /// Whether nothing that the view was made of has changed since: two searches. No, if another server answers now.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn is_unchanged(&self, fingerprint: &Fingerprint) -> Result<bool, ReadError> {
        let look = |connection: Arc<Connection>| async move {
            if connection.identity.dns_host_name != fingerprint.server {
                return Ok(false);
            }
            let limit = fingerprint.versions.len().saturating_add(LEEWAY);
            let policies = authentication_container(&connection);
            let mut entries = Vec::new();
            for (base, filter) in
                [(&connection.identity.domain_dn, &fingerprint.filter), (&policies, &authentication_filter())]
            {
                let search = Search::below(base, filter, &[VERSION], limit);
                entries.extend(connection.search(&search).await?.into_iter().map(Answer::into_entry));
            }
            Ok(versions(&entries).map_err(refused)? == fingerprint.versions)
        };
        self.read(PATIENCE, look).await
    }
}

/// Authentication policies and silos of a forest at most: a domain controller gives no more in one answer.
const AUTHENTICATION_OBJECTS: usize = 980;

/// Sites and subnets that are read; a domain controller gives no more than 1,000 by default.
const SITES: usize = 10_000;

/// Objects beyond those expected: enough to see that a number or a link is claimed twice.
const LEEWAY: usize = 16;

async fn read(
    connection: &Connection,
    numbers: &[u16],
    rules: &ViewRules,
) -> Result<(DirectoryView, Fingerprint), SearchError> {
    let identity = &connection.identity;
    let head = required(connection, &identity.domain_dn, &head_attributes(rules)).await?;
    let domain_sid = head.sid("objectSid").map_err(|error| refused(error.into()))?;
    let krbtgt_sid = domain_sid.with_rid(KRBTGT_RID);
    let krbtgt_sid =
        krbtgt_sid.ok_or_else(|| refused(ReadError::data(head.dn(), "its objectSid is no domain's")))?;
    let krbtgt = required(connection, &format!("<SID={krbtgt_sid}>"), KRBTGT_ATTRIBUTES).await?;
    let cross_ref = cross_ref(connection).await?;

    let numbered = any(numbers.iter().map(|number| format!("(msDS-SecondaryKrbTgtNumber={number})")));
    let domain = &identity.domain_dn;
    let krbtgts = found(connection, domain, &numbered, BRANCH_KRBTGT_ATTRIBUTES, numbers.len()).await?;
    let linked = any(krbtgts
        .iter()
        .map(|krbtgt| format!("(msDS-KrbTgtLink={})", filter::escape(krbtgt.dn().as_bytes()))));
    let computers = found(connection, domain, &linked, BRANCH_COMPUTER_ATTRIBUTES, krbtgts.len()).await?;

    let named_by_operator = any(rules.deny_groups.iter().filter_map(filter::named));
    let named =
        found(connection, domain, &named_by_operator, NAMED_ATTRIBUTES, rules.deny_groups.len()).await?;

    let policies = authentication_container(connection);
    let filter = authentication_filter();
    let authentication =
        found(connection, &policies, &filter, AUTHENTICATION_ATTRIBUTES, AUTHENTICATION_OBJECTS).await?;

    let objects = DomainObjects {
        head: &head,
        cross_ref: &cross_ref,
        krbtgt: Some(&krbtgt),
        dns_host_name: &identity.dns_host_name,
        branch_krbtgts: krbtgts.iter().collect(),
        branch_computers: computers.iter().collect(),
        authentication: authentication.iter().collect(),
        named: named.iter().collect(),
        sites: if rules.sites { sites(connection).await? } else { Ok(Sites::default()) },
    };
    // Each value came with its SID; one without it names an object that has none.
    let view =
        DirectoryView::from_objects(&objects, rules, &|_| None).map_err(|error| refused(error.into()))?;
    let one = [format!("(objectSid={domain_sid})"), format!("(objectSid={krbtgt_sid})")];
    let filter = any(one.into_iter().chain([numbered, linked, named_by_operator]));
    let read = [&krbtgts, &computers, &named, &authentication].into_iter().flatten();
    let versions = versions([&head, &krbtgt].into_iter().chain(read)).map_err(refused)?;
    Ok((view, Fingerprint { server: identity.dns_host_name.clone(), filter, versions }))
}

/// The security descriptor is read only where it is of use: not everybody may read it.
fn head_attributes(rules: &ViewRules) -> Vec<&'static str> {
    let descriptor = rules.deny_replicators.then_some(DESCRIPTOR_ATTRIBUTE);
    HEAD_ATTRIBUTES.iter().copied().chain(descriptor).collect()
}

/// The object `base`, which every domain has.
async fn required(connection: &Connection, base: &str, attributes: &[&str]) -> Result<Entry, SearchError> {
    let attributes = with_version(attributes);
    let descriptors = attributes.contains(&DESCRIPTOR_ATTRIBUTE);
    let answer = object(connection, &Search { descriptors, ..Search::object(base, &attributes) }).await?;
    answer
        .map(Answer::into_entry)
        .ok_or_else(|| refused(ReadError::data(base, "is not there, or may not be read")))
}

async fn cross_ref(connection: &Connection) -> Result<Entry, SearchError> {
    let identity = &connection.identity;
    let base = format!("CN=Partitions,{}", identity.configuration_dn);
    let filter =
        format!("(&(objectClass=crossRef)(nCName={}))", filter::escape(identity.domain_dn.as_bytes()));
    let search = Search { scope: Scope::OneLevel, ..Search::below(&base, &filter, CROSS_REF_ATTRIBUTES, 1) };
    let answer = connection.search(&search).await?.pop();
    answer
        .map(Answer::into_entry)
        .ok_or_else(|| refused(ReadError::data(base, "has no crossRef of the domain")))
}

/// Where authentication policies and silos are. A forest that never had any may lack the container.
fn authentication_container(connection: &Connection) -> String {
    format!("{AUTHENTICATION_CONTAINER},{}", connection.identity.configuration_dn)
}

fn authentication_filter() -> String {
    any(AUTHENTICATION_CLASSES.map(|class| format!("(objectClass={class})")))
}

/// The forest's sites. That they may not be read, or are too many, is no reason to serve nobody.
async fn sites(connection: &Connection) -> Result<Result<Sites, SitesFault>, SearchError> {
    let base = format!("CN=Sites,{}", connection.identity.configuration_dn);
    let search = Search::below(&base, "(|(objectClass=site)(objectClass=subnet))", SITE_ATTRIBUTES, SITES);
    match connection.search(&search).await {
        Ok(answers) => {
            let entries = answers.into_iter().map(Answer::into_entry).collect::<Vec<_>>();
            Ok(Sites::from_entries(&entries).map_err(|error| SitesFault(error.to_string())))
        }
        Err(SearchError::Refused(error)) => Ok(Err(SitesFault(error.to_string()))),
        Err(lost) => Err(lost),
    }
}

/// The objects below `base` that match, every value fetched, distinguished names with their SIDs.
pub(super) async fn found(
    connection: &Connection,
    base: &str,
    filter: &str,
    attributes: &[&str],
    expected: usize,
) -> Result<Vec<Entry>, SearchError> {
    if filter.is_empty() {
        return Ok(Vec::new());
    }
    let attributes = with_version(attributes);
    let limit = expected.saturating_add(LEEWAY);
    let search = Search::below(base, filter, &attributes, limit);
    let mut entries = Vec::new();
    for mut answer in connection.search(&Search { extended_names: true, ..search }).await? {
        complete(connection, &mut answer, true).await?;
        answer.dn = plain(&answer.dn).to_owned();
        entries.push(answer.into_entry());
    }
    Ok(entries)
}

/// A filter that matches what one of these matches; empty if there is none.
fn any(filters: impl IntoIterator<Item = String>) -> String {
    let filters = filters.into_iter().collect::<String>();
    if filters.is_empty() { filters } else { format!("(|{filters})") }
}

fn with_version<'a>(attributes: &[&'a str]) -> Vec<&'a str> {
    let others = attributes.iter().copied().filter(|name| *name != VERSION);
    others.chain([VERSION]).collect()
}

fn versions<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Result<BTreeMap<String, i64>, ReadError> {
    entries.into_iter().map(|entry| Ok((entry.dn().to_owned(), entry.integer(VERSION)?))).collect()
}

fn refused(error: ReadError) -> SearchError {
    SearchError::Refused(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_filter_matches_nothing_rather_than_everything() {
        assert_eq!(any([]), "");
        assert_eq!(any(["(a=1)".to_owned(), String::new(), "(b=2)".to_owned()]), "(|(a=1)(b=2))");
    }

    #[test]
    fn the_version_is_asked_for_once() {
        assert_eq!(with_version(&["objectSid", "uSNChanged"]), ["objectSid", "uSNChanged"]);
        assert_eq!(with_version(&["objectSid"]), ["objectSid", "uSNChanged"]);
    }
}
