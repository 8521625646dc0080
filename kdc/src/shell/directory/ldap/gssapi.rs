//! SASL GSSAPI (RFC 4752) with MIT's library, which keeps its tickets to itself: in the cache and with the keytab that
//! the environment names ([`client_keytab`]). It gets a ticket from the realm's KDC, and a new one when that has expired.

use cross_krb5::{Cred, InitiateFlags, K5Cred};
use ldap3::result::Result;
use ldap3::{Ldap, LdapError, LdapResult};
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use super::fault::Fault;
use crate::config::SecretFile;
use crate::shell::{client_keytab, files};

/// Held by who is in the library, which waits for files and servers as long as it likes: one thread at most is lost to
/// a KDC that does not answer.
static TURN: Mutex<()> = Mutex::const_new(());

/// Whether the library will use this keytab, and nobody else could have read it.
pub(super) fn check(keytab: &SecretFile) -> std::result::Result<(), Fault> {
    files::read_secret(keytab).map_err(|error| Fault::Secret(error.to_string()))?;
    if client_keytab::is_in_use(keytab) {
        return Ok(());
    }
    let path = keytab.path().display();
    Err(Fault::Secret(format!("{path}: another keytab was named when this process was started; restart it")))
}

/// Binds with a ticket of `principal` for the server.
pub(super) async fn bind(mut ldap: Ldap, principal: String, host: &str, realm: &str) -> Result<LdapResult> {
    // With the realm: the library's own idea of whose realm a host is in stands in files we know nothing of.
    let server = format!("{host}@{realm}");
    let turn = TURN.lock().await;
    let runtime = Handle::current();
    let failed = |text: String| LdapError::GssapiOperationError(text);
    let bound = spawn_blocking(move || {
        let _turn = turn;
        let credentials = Cred::client_acquire(InitiateFlags::empty(), Some(&principal))
            .map_err(|error| failed(format!("{error:#}")))?;
        runtime.block_on(ldap.sasl_gssapi_cred_bind(credentials, &server))
    });
    bound.await.unwrap_or_else(|panicked| Err(failed(panicked.to_string())))
}
