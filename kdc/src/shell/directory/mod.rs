//! Where principals, branches and policy lists come from: a domain controller over LDAP, or an LDIF file.

mod cache;
mod complaint;
mod error;
pub mod ldap;
pub mod tls;

pub use cache::{Found, PrincipalCache};
pub use error::DirectoryError;
pub use ldap::LdapDirectory;

use std::time::Duration;

/// Up to `pause`, at random, so that many who wait for the same server do not all come back at once.
fn jitter(pause: Duration) -> Duration {
    let mut random = [0; 4];
    #[expect(clippy::disallowed_methods, reason = "spreads retries, decides nothing")]
    if getrandom::fill(&mut random).is_err() {
        return Duration::ZERO;
    }
    let share = f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX);
    pause.mul_f64(share)
}
