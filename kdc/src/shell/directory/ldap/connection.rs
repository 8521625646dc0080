//! One connection to one directory server: made, made known, and searched.
//!
//! ldap3 panics on several malformed answers and waits for ever on none, so nothing of it runs in a task whose
//! end we would not survive, and nothing without a time limit.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use ldap3::controls::RawControl;
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapError, Scope, SearchOptions, StdStream};
use rustls::ClientConfig;
use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::{Instant, timeout_at};

use super::answer::Answer;
use super::bind::Credentials;
use super::fault::{BUSY, Fault, SUCCESS, UNAVAILABLE, describe};
use super::start_tls;
use crate::config::{Ldap as LdapSettings, LdapSecurity, LdapUrl};
use crate::shell::clock::Clock;
use crate::shell::clock_offset::{ClockOffset, generalized_time};
use crate::shell::directory::ReadError;

/// Operations after which a connection is replaced: ldap3 0.12 never forgets the message id of a finished
/// search, so a connection that lives for ever grows for ever.
const OPERATIONS: u32 = 100_000;

/// LDAP_SERVER_DOMAIN_SCOPE_OID ([MS-ADTS] 3.1.1.3.4.1.4): no continuation references into other naming contexts.
const DOMAIN_SCOPE: &str = "1.2.840.113556.1.4.1339";
/// LDAP_SERVER_EXTENDED_DN_OID ([MS-ADTS] 3.1.1.3.4.1.5): `<GUID=…>;<SID=…>;DN`.
const EXTENDED_DN: &str = "1.2.840.113556.1.4.529";
/// LDAP_SERVER_SD_FLAGS_OID ([MS-ADTS] 3.1.1.3.4.1.11): which parts of security descriptors come. Without it all would,
/// and none if we may not read the SACL.
const SD_FLAGS: &str = "1.2.840.113556.1.4.801";
/// `SEQUENCE { Flags INTEGER (5) }`: OWNER_SECURITY_INFORMATION, DACL_SECURITY_INFORMATION.
const SD_OWNER_AND_DACL: [u8; 5] = [0x30, 0x03, 0x02, 0x01, 0x05];
/// `SEQUENCE { Flag INTEGER (1) }`: GUID and SID as strings rather than in hexadecimal.
const EXTENDED_DN_STRINGS: [u8; 5] = [0x30, 0x03, 0x02, 0x01, 0x01];
/// LDAP_CAP_ACTIVE_DIRECTORY_PARTIAL_SECRETS_OID ([MS-ADTS] 3.1.1.3.4.3): a read-only domain controller.
const PARTIAL_SECRETS: &str = "1.2.840.113556.1.4.1920";

/// Of a rootDSE: the server's clock ([MS-ADTS] 3.1.1.3.2.2).
pub(super) const CURRENT_TIME: &str = "currentTime";

const SIZE_LIMIT_EXCEEDED: u32 = 4;
const NO_SUCH_OBJECT: u32 = 32;

/// An open, bound connection whose server has proven to serve our domain.
pub(super) struct Connection {
    pub(super) ldap: Ldap,
    /// Position of the server in the list of URLs.
    pub(super) server: usize,
    pub(super) url: String,
    pub(super) identity: Identity,
    search_timeout: Duration,
    opened: Instant,
    /// Nanoseconds from `opened` to the last answer.
    heard: AtomicU64,
    operations: AtomicU32,
    given_up: AtomicBool,
    /// Wakes the supervisor when the connection is given up or worn out.
    pub(super) wake: Notify,
    _driver: AbortOnDrop,
}

/// What the server says of itself in its rootDSE ([MS-ADTS] 3.1.1.3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) domain_dn: String,
    pub(super) configuration_dn: String,
    pub(super) dns_host_name: String,
    /// How far our clock was from its own then; `None` where it does not tell the time.
    pub(super) clock_offset: Option<ClockOffset>,
}

/// One search operation.
pub(super) struct Search<'a> {
    pub(super) base: &'a str,
    pub(super) scope: Scope,
    pub(super) filter: &'a str,
    pub(super) attributes: &'a [&'a str],
    /// Entries beyond which the answer is refused.
    pub(super) limit: usize,
    /// Distinguished names come with the SID of what they name.
    pub(super) extended_names: bool,
    /// Security descriptors come with owner and DACL.
    pub(super) descriptors: bool,
}

impl<'a> Search<'a> {
    /// The one object `base`.
    pub(super) fn object(base: &'a str, attributes: &'a [&'a str]) -> Self {
        Self {
            base,
            scope: Scope::Base,
            filter: "(objectClass=*)",
            attributes,
            limit: 1,
            extended_names: false,
            descriptors: false,
        }
    }

    /// The objects below `base` that match.
    pub(super) fn below(base: &'a str, filter: &'a str, attributes: &'a [&'a str], limit: usize) -> Self {
        Self {
            base,
            scope: Scope::Subtree,
            filter,
            attributes,
            limit,
            extended_names: false,
            descriptors: false,
        }
    }

    pub(super) fn controls(&self) -> Vec<RawControl> {
        let mut controls = Vec::new();
        if self.scope != Scope::Base {
            controls.push(RawControl { ctype: DOMAIN_SCOPE.to_owned(), crit: true, val: None });
        }
        if self.extended_names {
            let val = Some(EXTENDED_DN_STRINGS.to_vec());
            controls.push(RawControl { ctype: EXTENDED_DN.to_owned(), crit: true, val });
        }
        if self.descriptors {
            let val = Some(SD_OWNER_AND_DACL.to_vec());
            controls.push(RawControl { ctype: SD_FLAGS.to_owned(), crit: true, val });
        }
        controls
    }
}

/// How a search failed.
#[derive(Debug)]
pub(super) enum SearchError {
    /// The connection is of no more use; another may do better.
    Lost(String),
    /// The server refuses, or its answer is refused: asking again changes nothing.
    Refused(ReadError),
}

impl Connection {
    /// Connects, binds and asks the server who it is. The second value ends when the connection does.
    pub(super) async fn open(
        server: usize,
        endpoint: &LdapUrl,
        realm: &str,
        settings: &LdapSettings,
        tls: &Arc<ClientConfig>,
    ) -> Result<(Arc<Self>, JoinHandle<()>), Fault> {
        let url = endpoint.to_string();
        let credentials = Credentials::read(&settings.bind)?;
        let deadline = Deadline::after(settings.connect_timeout);
        let transport = {
            let (url, security, server) = (url.clone(), endpoint.security, endpoint.server.clone());
            let conn_settings = LdapConnSettings::new().set_config(Arc::clone(tls));
            deadline.guard(async move {
                let (conn_settings, url) = match security {
                    LdapSecurity::Tls | LdapSecurity::Plaintext => (conn_settings, url),
                    // From here on it is TLS from the first octet.
                    LdapSecurity::StartTls => {
                        let stream = StdStream::Tcp(start_tls::begin(&server).await?);
                        (conn_settings.set_std_stream(stream), format!("ldaps://{server}"))
                    }
                };
                LdapConnAsync::with_settings(conn_settings, &url)
                    .await
                    .map_err(|error| Fault::connecting(&error, &server.host))
            })
        };
        let (transport, ldap) = transport.await?;
        let driver = tokio::spawn(async move {
            // Why it ended is of no interest beyond that it did; a panic ends it as well.
            let _ended = transport.drive().await;
        });
        let aborting = AbortOnDrop(driver.abort_handle());
        let identity = {
            let (bind, realm, host) = (settings.bind.clone(), realm.to_owned(), endpoint.server.host.clone());
            let ldap = ldap.clone();
            deadline.guard(async move {
                let bound = credentials.present(ldap.clone(), &host, &realm, deadline.limit).await;
                Fault::binding(bound, &bind)?;
                Identity::read(&ldap, &realm).await
            })
        };
        let connection = Self {
            ldap,
            server,
            url,
            identity: identity.await?,
            search_timeout: settings.search_timeout,
            opened: Instant::now(),
            heard: AtomicU64::new(0),
            operations: AtomicU32::new(0),
            given_up: AtomicBool::new(false),
            wake: Notify::new(),
            _driver: aborting,
        };
        Ok((Arc::new(connection), driver))
    }

    /// Runs one search to its end. The connection is lost if it is silent for the search time-out: while others are
    /// answered, this one stands behind them in the server's queue, and how long it may is for the caller to say.
    ///
    /// # Errors
    /// [`SearchError`]; a referral, a size limit, an unreadable entry or more entries than the limit refuse.
    pub(super) async fn search(&self, search: &Search<'_>) -> Result<Vec<Answer>, SearchError> {
        let lost = |reason: &str| SearchError::Lost(format!("{}: {reason}", self.url));
        if self.operations.fetch_add(1, Ordering::Relaxed) == OPERATIONS {
            self.wake.notify_one();
        }
        let mut patience_from = Instant::now();
        let mut answering = pin!(run(&self.ldap, search));
        loop {
            match timeout_at(after(patience_from, self.search_timeout), &mut answering).await {
                Ok(Err(SearchError::Lost(reason))) => return Err(lost(&reason)),
                Ok(result) => {
                    let since = self.opened.elapsed().as_nanos();
                    self.heard.store(u64::try_from(since).unwrap_or(u64::MAX), Ordering::Relaxed);
                    return result;
                }
                Err(_) if self.heard() > patience_from => patience_from = self.heard(),
                Err(_) => return Err(lost("does not answer within search-timeout")),
            }
        }
    }

    /// Whether the server still answers.
    pub(super) async fn probe(&self) -> Result<(), SearchError> {
        self.search(&Search::object("", &["defaultNamingContext"])).await.map(drop)
    }

    /// Whether something was answered within the search time-out.
    pub(super) fn is_answering(&self) -> bool {
        self.heard().elapsed() < self.search_timeout
    }

    /// When something was answered last, the bind if nothing since.
    pub(super) fn heard(&self) -> Instant {
        after(self.opened, Duration::from_nanos(self.heard.load(Ordering::Relaxed)))
    }

    /// Lets nobody use the connection any more; what is in flight may still end well.
    pub(super) fn give_up(&self) {
        self.given_up.store(true, Ordering::Relaxed);
        self.wake.notify_one();
    }

    pub(super) fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Relaxed)
    }

    pub(super) fn is_worn_out(&self) -> bool {
        self.operations.load(Ordering::Relaxed) >= OPERATIONS
    }
}

/// A task that ends with its owner: without this a driver would live as long as the server keeps the socket.
struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// By when a connection must be made and known.
#[derive(Clone, Copy)]
struct Deadline {
    limit: Duration,
    at: Instant,
}

impl Deadline {
    fn after(limit: Duration) -> Self {
        Self { limit, at: after(Instant::now(), limit) }
    }

    /// Runs `work` in a task of its own, so that a panic in ldap3 is a fault like any other.
    async fn guard<T: Send + 'static>(
        self,
        work: impl Future<Output = Result<T, Fault>> + Send + 'static,
    ) -> Result<T, Fault> {
        let task = tokio::spawn(work);
        let _aborting = AbortOnDrop(task.abort_handle());
        match timeout_at(self.at, task).await {
            Ok(Ok(result)) => result,
            Ok(Err(_panicked)) => Err(Fault::Garbage),
            Err(_elapsed) => Err(Fault::Silent(self.limit)),
        }
    }
}

fn after(instant: Instant, pause: Duration) -> Instant {
    instant.checked_add(pause).unwrap_or(instant)
}

async fn run(ldap: &Ldap, search: &Search<'_>) -> Result<Vec<Answer>, SearchError> {
    let lost = |error: LdapError| SearchError::Lost(error.to_string());
    let refused = |problem: String| {
        let object = if search.base.is_empty() { "rootDSE" } else { search.base };
        SearchError::Refused(ReadError::data(object, problem))
    };
    let mut ldap = ldap.clone();
    // One more than wanted: whoever holds two objects where one belongs must be found out.
    let size_limit = i32::try_from(search.limit.saturating_add(1)).unwrap_or(i32::MAX);
    ldap.with_controls(search.controls()).with_search_options(SearchOptions::new().sizelimit(size_limit));
    let attributes = search.attributes.to_vec();
    let mut stream =
        ldap.streaming_search(search.base, search.scope, search.filter, attributes).await.map_err(lost)?;
    let mut answers = Vec::new();
    while let Some(entry) = stream.next().await.map_err(lost)? {
        if entry.is_ref() {
            return Err(refused("the server refers us elsewhere; referrals are not followed".to_owned()));
        }
        let answer = Answer::decode(entry).ok_or_else(|| refused("the entry cannot be read".to_owned()))?;
        if answers.len() == search.limit {
            return Err(refused(format!("more than {} entries match {}", search.limit, search.filter)));
        }
        answers.push(answer);
    }
    let result = stream.finish().await;
    match result.rc {
        SUCCESS => Ok(answers),
        // Whatever came before it: the object is not there.
        NO_SUCH_OBJECT => Ok(Vec::new()),
        SIZE_LIMIT_EXCEEDED => {
            Err(refused(format!("more entries match {} than the server gives", search.filter)))
        }
        BUSY | UNAVAILABLE => Err(SearchError::Lost(describe(&result))),
        _ => Err(refused(describe(&result))),
    }
}

impl Identity {
    async fn read(ldap: &Ldap, realm: &str) -> Result<Self, Fault> {
        let attributes = [
            "defaultNamingContext",
            "configurationNamingContext",
            "dNSHostName",
            "supportedCapabilities",
            "isSynchronized",
            CURRENT_TIME,
        ];
        let clock = Clock::start();
        let before = clock.now();
        let answers = run(ldap, &Search::object("", &attributes)).await;
        let after = clock.now();
        let answers = answers.map_err(|error| match error {
            SearchError::Lost(reason) => Fault::Unreachable(reason),
            SearchError::Refused(error) => Fault::NoDomain(error.to_string()),
        })?;
        let [root] = answers.as_slice() else {
            return Err(Fault::NoDomain("it has no rootDSE".to_owned()));
        };
        let required =
            |name| root.text(name).ok_or_else(|| Fault::NoDomain(format!("its rootDSE has no {name}")));
        let domain_dn = required("defaultNamingContext")?.to_owned();
        if !domain_dn.eq_ignore_ascii_case(&domain_dn_of(realm)) {
            return Err(Fault::WrongDomain { found: domain_dn, expected: domain_dn_of(realm) });
        }
        if root.texts("supportedCapabilities").any(|capability| capability == PARTIAL_SECRETS) {
            return Err(Fault::ReadOnly);
        }
        if root.text("isSynchronized") == Some("FALSE") {
            return Err(Fault::NotSynchronized);
        }
        Ok(Self {
            domain_dn,
            configuration_dn: required("configurationNamingContext")?.to_owned(),
            dns_host_name: required("dNSHostName")?.to_owned(),
            clock_offset: root
                .text(CURRENT_TIME)
                .and_then(generalized_time)
                .map(|theirs| ClockOffset::between(before, theirs, after)),
        })
    }
}

/// `LAB.EXAMPLE` is `DC=lab,DC=example` (RFC 2247).
fn domain_dn_of(realm: &str) -> String {
    let labels = realm.split('.').map(|label| format!("DC={}", label.to_ascii_lowercase()));
    labels.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_realm_names_its_domain() {
        assert_eq!(domain_dn_of("LAB.EXAMPLE"), "DC=lab,DC=example");
    }
}
