//! What verbs ask that look for branches: which there are, and when a branch got its key. Nothing here decides anything.

use std::sync::Arc;

use super::answer::Answer;
use super::connection::{Connection, Search, SearchError};
use super::view::{PATIENCE, found};
use super::{LdapDirectory, filter, object};
use crate::directory::branch::{BRANCH_COMPUTER_ATTRIBUTES, BRANCH_KRBTGT_ATTRIBUTES};
use crate::directory::dn::parent;
use crate::directory::key_change::METADATA_ATTRIBUTES;
use crate::directory::{BranchAccounts, KeyChange};
use crate::shell::directory::ReadError;

/// Branches that are looked for at most: a domain controller gives no more objects in one answer.
const BRANCHES: usize = 980;

impl LdapDirectory {
    /// Every branch of the domain, whether or not it is as it should be.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn branch_accounts(&self) -> Result<Vec<BranchAccounts>, ReadError> {
        let read = |connection: Arc<Connection>| async move {
            let domain = &connection.identity.domain_dn;
            let all = "(msDS-SecondaryKrbTgtNumber=*)";
            let krbtgts = found(&connection, domain, all, BRANCH_KRBTGT_ATTRIBUTES, BRANCHES).await?;
            let all = "(msDS-KrbTgtLink=*)";
            let computers = found(&connection, domain, all, BRANCH_COMPUTER_ATTRIBUTES, BRANCHES).await?;
            let (krbtgts, computers): (Vec<_>, Vec<_>) =
                (krbtgts.iter().collect(), computers.iter().collect());
            BranchAccounts::all(&krbtgts, &computers).map_err(|error| SearchError::Refused(error.into()))
        };
        self.read(PATIENCE, read).await
    }

    /// When the password of the account of this distinguished name was changed, where the server tells, and the name of the
    /// domain controller on which, where that is still there.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn key_change(&self, account: &str) -> Result<Option<(KeyChange, Option<String>)>, ReadError> {
        let read = |connection: Arc<Connection>| async move {
            let answer = object(&connection, &Search::object(account, METADATA_ATTRIBUTES)).await?;
            let change = answer.map(|answer| KeyChange::of(&answer.into_entry())).transpose();
            let Some(change) = change.map_err(|error| SearchError::Refused(error.into()))?.flatten() else {
                return Ok(None);
            };
            let server = server_of(&connection, &change.invocation_id).await?;
            Ok(Some((change, server)))
        };
        self.read(PATIENCE, read).await
    }
}

/// `dNSHostName` of the domain controller whose database has this `invocationId` ([MS-ADTS] 6.1.1.2.2.1.2.1.1).
async fn server_of(connection: &Connection, invocation_id: &[u8; 16]) -> Result<Option<String>, SearchError> {
    let base = format!("CN=Sites,{}", connection.identity.configuration_dn);
    let filter = format!("(&(objectClass=nTDSDSA)(invocationId={}))", filter::escape(invocation_id));
    let databases = connection.search(&Search::below(&base, &filter, &["invocationId"], 1)).await?;
    let Some(Answer { dn, .. }) = databases.first() else { return Ok(None) };
    let server = connection.search(&Search::object(parent(dn), &["dNSHostName"])).await?;
    Ok(server.first().and_then(|server| server.text("dNSHostName")).map(str::to_owned))
}
