//! Everything in the domain that matches, page by page (RFC 2696): for questions about all accounts, which no search
//! answers at once.

use std::sync::Arc;
use std::time::Duration;

use ldap3::Scope;
use ldap3::adapters::{Adapter, PagedResults};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::answer::Answer;
use super::connection::{Connection, Search, SearchError};
use super::fault::{SUCCESS, describe};
use super::{LdapDirectory, complete};
use crate::directory::Entry;
use crate::shell::directory::ReadError;

/// For a connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// For a page: a server takes its time for one of objects with constructed attributes.
const PAGE_PATIENCE: Duration = Duration::from_secs(60);

/// Objects in a page, and those that are kept for who takes them.
const PAGE: i32 = 500;
const KEPT: usize = 500;

/// Objects on their way.
pub struct Walk {
    entries: mpsc::Receiver<Entry>,
    walking: Option<JoinHandle<Result<(), SearchError>>>,
}

impl LdapDirectory {
    /// Everything below the domain's head that `filter` matches, with these attributes.
    ///
    /// # Errors
    /// [`ReadError::Unavailable`].
    pub async fn walk(&self, filter: &'static str, attributes: Vec<&'static str>) -> Result<Walk, ReadError> {
        self.begin(filter, attributes, false).await
    }

    /// The same with owner and DACL of each in `nTSecurityDescriptor`.
    ///
    /// # Errors
    /// [`ReadError::Unavailable`].
    pub async fn walk_secured(
        &self,
        filter: &'static str,
        attributes: Vec<&'static str>,
    ) -> Result<Walk, ReadError> {
        self.begin(filter, attributes, true).await
    }

    async fn begin(
        &self,
        filter: &'static str,
        attributes: Vec<&'static str>,
        descriptors: bool,
    ) -> Result<Walk, ReadError> {
        let connection = self.read(PATIENCE, |connection| async move { Ok(connection) }).await?;
        let (to, entries) = mpsc::channel(KEPT);
        // In a task of its own, because ldap3 panics on some malformed answers.
        let walking =
            tokio::spawn(async move { walk(&connection, filter, &attributes, descriptors, &to).await });
        Ok(Walk { entries, walking: Some(walking) })
    }
}

impl Walk {
    /// The next object; `None` when all were given.
    ///
    /// # Errors
    /// [`ReadError`]: what was given until then is not all.
    pub async fn next(&mut self) -> Result<Option<Entry>, ReadError> {
        if let Some(entry) = self.entries.recv().await {
            return Ok(Some(entry));
        }
        let Some(walking) = self.walking.take() else { return Ok(None) };
        match walking.await {
            Ok(Ok(())) => Ok(None),
            Ok(Err(SearchError::Refused(error))) => Err(error),
            Ok(Err(SearchError::Lost(reason))) => Err(ReadError::Unavailable(reason)),
            Err(_panicked) => Err(ReadError::Unavailable("the server's answer cannot be read".to_owned())),
        }
    }
}

impl Drop for Walk {
    fn drop(&mut self) {
        if let Some(walking) = &self.walking {
            walking.abort();
        }
    }
}

async fn walk(
    connection: &Arc<Connection>,
    filter: &str,
    attributes: &[&str],
    descriptors: bool,
    to: &mpsc::Sender<Entry>,
) -> Result<(), SearchError> {
    let lost = |reason: String| SearchError::Lost(format!("{}: {reason}", connection.url));
    let base = connection.identity.domain_dn.as_str();
    let search = Search { descriptors, ..Search::below(base, filter, attributes, usize::MAX) };
    let mut ldap = connection.ldap.clone();
    ldap.with_controls(search.controls());
    let pages: Vec<Box<dyn Adapter<'_, _, _>>> = vec![Box::new(PagedResults::new(PAGE))];
    let attributes = attributes.to_vec();
    let mut found = ldap
        .streaming_search_with(pages, base, Scope::Subtree, filter, attributes)
        .await
        .map_err(|error| lost(error.to_string()))?;
    loop {
        let next = timeout(PAGE_PATIENCE, found.next())
            .await
            .map_err(|_| lost("does not answer in time".to_owned()))?;
        let Some(entry) = next.map_err(|error| lost(error.to_string()))? else { break };
        let unreadable = || SearchError::Refused(ReadError::data(base, "an entry below it cannot be read"));
        let mut answer = Answer::decode(entry).ok_or_else(unreadable)?;
        complete(connection, &mut answer, false).await?;
        if to.send(answer.into_entry()).await.is_err() {
            return Ok(());
        }
    }
    let result = found.finish().await;
    match result.rc {
        SUCCESS => Ok(()),
        _ => Err(lost(describe(&result))),
    }
}
