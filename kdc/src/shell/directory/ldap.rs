//! The LDAP back end: what is asked of a domain controller, and what is taken for an answer.
//!
//! A read takes a live connection, and another one when that is lost, within one deadline. An answer counts only
//! if it is complete: one object where one is asked for, every value of every attribute, no referral.

mod answer;
mod bind;
mod branches;
mod connection;
mod fault;
mod filter;
#[cfg(feature = "gssapi")]
mod gssapi;
mod nodes;
mod pool;
mod start_tls;
mod view;
mod walk;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use pac::Sid;
use rustls::ClientConfig;
use tokio::time::{Instant, timeout_at};

use crate::config::Ldap;
use crate::directory::{ClientName, Entry};
use crate::shell::clock::Clock;
use crate::shell::clock_offset::{ClockOffset, generalized_time};
use crate::shell::directory::ReadError;
use crate::shell::observe::state::DirectoryServer;
use crate::shell::rate::Rate;

use answer::Answer;
use connection::{CURRENT_TIME, Connection, Search, SearchError};
use pool::Pool;
pub use view::Fingerprint;
pub use walk::Walk;

/// How long a read stands in the queue of a server that answers others. To give it up spares the server nothing.
const SLOWEST: Duration = Duration::from_secs(30);
/// Connections that one read may lose before it gives up.
const ATTEMPTS: usize = 3;
/// Pieces in which one attribute may come: half a million values at the 1,500 of a domain controller.
const PIECES: usize = 350;
/// Name look-ups per second. They happen only for requests that are refused anyway, and a filter costs a server
/// more than a read by SID.
const NAME_LOOKUPS: u32 = 10;
/// The same for pings that name an account, so that these do not take from the others.
const PING_LOOKUPS: u32 = 10;

/// The directory servers of one domain.
pub struct LdapDirectory {
    pool: Pool,
    name_lookups: Rate,
    ping_lookups: Rate,
    clock: Clock,
}

impl LdapDirectory {
    /// Starts connecting to the servers of `realm`. Must be called within a tokio runtime; dropping the value closes
    /// the connections. Servers that are away or refuse us are named in the log and tried again.
    #[must_use]
    pub fn start(realm: &str, settings: Ldap, tls: Arc<ClientConfig>) -> Self {
        let pool = Pool::start(realm.to_owned(), settings, tls);
        Self {
            pool,
            name_lookups: Rate::per_second(NAME_LOOKUPS),
            ping_lookups: Rate::per_second(PING_LOOKUPS),
            clock: Clock::start(),
        }
    }

    /// How the servers are, in the order of the configuration.
    #[must_use]
    pub fn servers(&self) -> Vec<DirectoryServer> {
        self.pool.servers()
    }

    /// The object with this SID with the attributes named, or `None` if there is none.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn find(&self, sid: &Sid, attributes: &[&str]) -> Result<Option<Entry>, ReadError> {
        // [MS-ADTS] 3.1.1.3.1.2.4; a SID as a string holds digits and hyphens, nothing to inject into.
        let base = format!("<SID={sid}>");
        let read = |connection: Arc<Connection>| {
            let base = base.as_str();
            async move { object(&connection, &Search::object(base, attributes)).await }
        };
        let _turn = self.pool.turn().await?;
        let patience = self.pool.patience();
        Ok(self.read_from_slow(patience, patience.max(SLOWEST), read).await?.map(Answer::into_entry))
    }

    /// Whether an account has this name: a `sAMAccountName`, or for an enterprise name a `userPrincipalName`
    /// or, where that is unset, the name that is made of `sAMAccountName` and the domain's.
    ///
    /// Beyond a few look-ups per second the answer is yes without asking: the refusal is then that of a name
    /// which does not belong to the SID, which tells a prober less, not more.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn name_exists(&self, client: &ClientName<'_>) -> Result<bool, ReadError> {
        if !self.name_lookups.take(self.clock.elapsed()) {
            return Ok(true);
        }
        let read = |connection: Arc<Connection>| async move {
            let domain_dn = &connection.identity.domain_dn;
            let filter = filter::account_named(client.name.as_bytes(), client.enterprise, domain_dn);
            // Two may match, a UPN and another account's constructed one; that there is one is all we ask.
            let search = Search::below(domain_dn, &filter, &["objectSid"], 8);
            connection.search(&search).await.map(|answers| !answers.is_empty())
        };
        self.read(self.pool.patience(), read).await
    }

    /// `userAccountControl` of the account that has this name, compared as [`Self::name_exists`] does. For pings, which anybody
    /// sends: a few per second are looked up, and of more nothing is said.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn account_control(&self, client: &ClientName<'_>) -> Result<Option<u32>, ReadError> {
        if !self.ping_lookups.take(self.clock.elapsed()) {
            return Err(ReadError::Unavailable("too many names are looked up".to_owned()));
        }
        let read = |connection: Arc<Connection>| async move {
            let domain_dn = &connection.identity.domain_dn;
            let filter = filter::account_named(client.name.as_bytes(), client.enterprise, domain_dn);
            connection.search(&Search::below(domain_dn, &filter, &["userAccountControl"], 8)).await
        };
        let found = self.read(self.pool.patience(), read).await?.into_iter().map(Answer::into_entry);
        // A group has the attribute sAMAccountName too, and no userAccountControl.
        for entry in found {
            if let Some(control) = entry.optional_flags("userAccountControl")? {
                return Ok(Some(control));
            }
        }
        Ok(None)
    }

    /// How far our clock is from a domain controller's, by what its rootDSE says.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn clock_offset(&self) -> Result<ClockOffset, ReadError> {
        let read = |connection: Arc<Connection>| async move {
            let before = self.clock.now();
            let answer = connection.search(&Search::object("", &[CURRENT_TIME])).await?.pop();
            let after = self.clock.now();
            let theirs = answer.as_ref().and_then(|root| root.text(CURRENT_TIME)).and_then(generalized_time);
            let theirs = theirs.ok_or_else(|| {
                SearchError::Refused(ReadError::data("rootDSE", "has no currentTime that can be read"))
            })?;
            Ok(ClockOffset::between(before, theirs, after))
        };
        self.read(self.pool.patience(), read).await
    }

    /// Runs `work` on a live connection, again on another one if that is lost, for at most `patience`.
    async fn read<T, W>(
        &self,
        patience: Duration,
        work: impl Fn(Arc<Connection>) -> W,
    ) -> Result<T, ReadError>
    where
        W: Future<Output = Result<T, SearchError>>,
    {
        self.read_from_slow(patience, patience, work).await
    }

    /// As [`Self::read`], but for at most `slowest` where the server answers others all the while.
    async fn read_from_slow<T, W>(
        &self,
        patience: Duration,
        slowest: Duration,
        work: impl Fn(Arc<Connection>) -> W,
    ) -> Result<T, ReadError>
    where
        W: Future<Output = Result<T, SearchError>>,
    {
        let now = Instant::now();
        let deadline = now.checked_add(patience).unwrap_or(now);
        let slowest = now.checked_add(slowest).unwrap_or(now);
        let mut reason = String::new();
        for _ in 0..ATTEMPTS {
            let connection = self.pool.connection(deadline).await?;
            let mut working = pin!(work(Arc::clone(&connection)));
            let mut result = timeout_at(deadline, &mut working).await;
            if result.is_err() && connection.is_answering() {
                result = timeout_at(slowest, &mut working).await;
            }
            reason = match result {
                Ok(Ok(found)) => return Ok(found),
                Ok(Err(SearchError::Refused(error))) => return Err(error),
                Ok(Err(SearchError::Lost(reason))) => reason,
                // There is nothing the matter with the connection.
                Err(_) if connection.is_answering() => {
                    return Err(ReadError::Unavailable(format!("{}: is too slow", connection.url)));
                }
                Err(_) => format!("{}: does not answer in time", connection.url),
            };
            self.pool.report(&connection);
        }
        Err(ReadError::Unavailable(reason))
    }
}

/// The one object of a base search, every value of its attributes fetched, or `None` if it is not there.
async fn object(connection: &Connection, search: &Search<'_>) -> Result<Option<Answer>, SearchError> {
    let mut answers = connection.search(search).await?;
    let Some(mut answer) = answers.pop() else {
        return Ok(None);
    };
    complete(connection, &mut answer, search.extended_names).await?;
    Ok(Some(answer))
}

/// Fetches the values that the server held back ([MS-ADTS] 3.1.1.3.1.3.3), from the same connection: other servers
/// number them differently.
async fn complete(
    connection: &Connection,
    answer: &mut Answer,
    extended_names: bool,
) -> Result<(), SearchError> {
    for _ in 0..PIECES {
        let Some(piece) = answer.unfinished() else {
            return Ok(());
        };
        let name = piece.name.to_owned();
        let refused = |problem: &str| {
            SearchError::Refused(ReadError::data(answer.dn.clone(), format!("attribute {name} {problem}")))
        };
        let rest = piece.rest().ok_or_else(|| refused("comes in pieces that do not join"))?;
        let attributes = [rest.as_str()];
        let dn = plain(&answer.dn).to_owned();
        let search = Search { extended_names, ..Search::object(&dn, &attributes) };
        let next = connection.search(&search).await?.pop().ok_or_else(|| refused("ends with its object"))?;
        answer.append(&name, next).map_err(SearchError::Refused)?;
    }
    match answer.unfinished() {
        None => Ok(()),
        Some(piece) => {
            let problem = format!("attribute {} comes in more pieces than are read", piece.name);
            Err(SearchError::Refused(ReadError::data(answer.dn.clone(), problem)))
        }
    }
}

/// The distinguished name behind the `<GUID=…>;<SID=…>;` that the extended-DN control puts before it.
fn plain(mut dn: &str) -> &str {
    while let Some((_, rest)) = dn.strip_prefix('<').and_then(|rest| rest.split_once(">;")) {
        dn = rest;
    }
    dn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extended_names_lose_what_precedes_the_name() {
        let cases = [
            (
                "<GUID=6cc8>;<SID=S-1-5-32-549>;CN=Server Operators,CN=Builtin",
                "CN=Server Operators,CN=Builtin",
            ),
            ("CN=a>;b,DC=lab", "CN=a>;b,DC=lab"),
            ("<GUID=6cc8>", "<GUID=6cc8>"),
        ];
        for (dn, expected) in cases {
            assert_eq!(plain(dn), expected);
        }
    }
}
