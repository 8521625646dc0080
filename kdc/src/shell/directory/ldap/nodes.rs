//! What `tgtx explain` asks: an account by its name, and the objects on the way to a group. Nothing here decides
//! anything.

use std::sync::Arc;
use std::time::Duration;

use pac::Sid;
use tokio::task::JoinSet;

use super::answer::Answer;
use super::connection::{Connection, Search, SearchError};
use super::{LdapDirectory, complete, filter};
use crate::directory::path::{NODE_ATTRIBUTES, Node, Reference};
use crate::directory::{ClientName, DenyGroup};
use crate::shell::directory::ReadError;

/// For one level of a path, which may be many reads.
const PATIENCE: Duration = Duration::from_secs(10);
/// Reads of one level at a time, below what a domain controller serves of one connection at once.
const AT_ONCE: usize = 16;

impl LdapDirectory {
    /// The SID of the account of this name, as [`LdapDirectory::name_exists`] compares names.
    ///
    /// # Errors
    /// [`ReadError`], also if several accounts answer to the name.
    pub async fn sid_named(&self, client: &ClientName<'_>) -> Result<Option<Sid>, ReadError> {
        let read = |connection: Arc<Connection>| async move {
            let domain_dn = &connection.identity.domain_dn;
            let filter = filter::account_named(client.name.as_bytes(), client.enterprise, domain_dn);
            // A sAMAccountName may be a group's as well.
            let filter = format!("(&(objectClass=user){filter})");
            connection.search(&Search::below(domain_dn, &filter, &["objectSid"], 8)).await
        };
        let mut found = self.read(PATIENCE, read).await?.into_iter().map(Answer::into_entry);
        match (found.next(), found.next()) {
            (None, _) => Ok(None),
            (Some(entry), None) => Ok(Some(entry.sid("objectSid")?)),
            (Some(first), Some(second)) => Err(ReadError::data(
                first.dn(),
                format!("and {} both answer to this name; give a SID", second.dn()),
            )),
        }
    }

    /// The object that is meant, if there is one and no second.
    ///
    /// # Errors
    /// [`ReadError::Unavailable`].
    pub async fn node_meant(&self, meant: &DenyGroup) -> Result<Option<Node>, ReadError> {
        let reference = match (meant, filter::named(meant)) {
            (DenyGroup::Sid(sid), _) => Reference::Sid(*sid),
            (DenyGroup::Dn(dn), _) => Reference::Dn(dn.clone()),
            (DenyGroup::Name(_), None) => return Ok(None),
            (DenyGroup::Name(_), Some(filter)) => {
                let filter = filter.as_str();
                let read = |connection: Arc<Connection>| async move {
                    let base = &connection.identity.domain_dn;
                    connection.search(&Search::below(base, filter, &["objectSid"], 2)).await
                };
                match self.read(PATIENCE, read).await?.as_slice() {
                    [one] => Reference::Dn(one.dn.clone()),
                    _ => return Ok(None),
                }
            }
        };
        Ok(self.nodes(&[reference]).await?.pop().flatten())
    }

    /// These objects, several at a time over one connection. What is in another domain or may not be read is
    /// `None`: a path cannot lead through it.
    ///
    /// # Errors
    /// [`ReadError::Unavailable`].
    pub async fn nodes(&self, references: &[Reference]) -> Result<Vec<Option<Node>>, ReadError> {
        let mut nodes = Vec::with_capacity(references.len());
        for batch in references.chunks(AT_ONCE) {
            nodes.extend(self.read(PATIENCE, |connection| read_batch(connection, batch.to_vec())).await?);
        }
        Ok(nodes)
    }
}

async fn read_batch(
    connection: Arc<Connection>,
    references: Vec<Reference>,
) -> Result<Vec<Option<Node>>, SearchError> {
    let mut nodes = vec![None; references.len()];
    let mut reads = JoinSet::new();
    for (index, reference) in references.into_iter().enumerate() {
        let connection = Arc::clone(&connection);
        reads.spawn(async move { (index, read_one(&connection, &reference).await) });
    }
    while let Some(done) = reads.join_next().await {
        let (index, node) =
            done.map_err(|_panicked| SearchError::Lost("a read was broken off".to_owned()))?;
        if let Some(slot) = nodes.get_mut(index) {
            *slot = node?;
        }
    }
    Ok(nodes)
}

async fn read_one(connection: &Connection, reference: &Reference) -> Result<Option<Node>, SearchError> {
    let base = match reference {
        Reference::Dn(dn) => dn.clone(),
        Reference::Sid(sid) => format!("<SID={sid}>"), // [MS-ADTS] 3.1.1.3.1.2.4
    };
    let mut answer = match connection.search(&Search::object(&base, NODE_ATTRIBUTES)).await {
        Ok(mut answers) => match answers.pop() {
            Some(answer) => answer,
            None => return Ok(None),
        },
        Err(SearchError::Refused(_)) => return Ok(None),
        Err(lost) => return Err(lost),
    };
    // What is not complete keeps its option, and the node is not whole.
    match complete(connection, &mut answer, false).await {
        Ok(()) | Err(SearchError::Refused(_)) => Ok(Node::from_entry(&answer.into_entry()).ok()),
        Err(lost) => Err(lost),
    }
}
