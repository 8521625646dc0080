//! MIT's library takes the keytab and the cache of its tickets from the environment, and a process cannot safely change
//! its own once it has threads. So the program is started anew, in the same process, with an environment that names
//! them.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::config::{Bind, Config, SecretFile};

/// Of the keys that tickets are got with (`krb5.conf(5)`, `default_client_keytab_name`).
const KEYTAB: &str = "KRB5_CLIENT_KTNAME";
/// Of the tickets.
const CACHE: &str = "KRB5CCNAME";
/// In memory, and gone with the process.
const OWN_CACHE: &str = "MEMORY:tgtx";

/// Sees to it that the library finds the keytab of `config`, if that names one. To be called before anything else is done:
/// it may start the program anew with the same arguments, and then does not return.
///
/// # Errors
/// The program cannot be started anew.
pub fn enter(config: &Config) -> io::Result<()> {
    let keytab = config.domains.iter().filter_map(|domain| domain.ldap()).find_map(|ldap| match &ldap.bind {
        Bind::Gssapi { keytab, .. } => Some(keytab),
        Bind::Simple { .. } | Bind::External { .. } => None,
    });
    let Some(keytab) = keytab.filter(|keytab| !is_in_use(keytab)) else { return Ok(()) };
    let mut arguments = std::env::args_os();
    let mut anew = Command::new(std::env::current_exe()?);
    if let Some(name) = arguments.next() {
        anew.arg0(name);
    }
    Err(anew.args(arguments).env(KEYTAB, variable(keytab)).env(CACHE, OWN_CACHE).exec())
}

/// Whether this is the keytab that the library takes, and the cache its own.
#[must_use]
pub fn is_in_use(keytab: &SecretFile) -> bool {
    std::env::var_os(KEYTAB) == Some(variable(keytab))
        && std::env::var_os(CACHE).is_some_and(|cache| cache == OWN_CACHE)
}

fn variable(keytab: &SecretFile) -> OsString {
    let mut value = OsString::from("FILE:");
    value.push(keytab.path());
    value
}
