//! What the daemon knows of a domain: directory objects as attributes, and what is made of them.
//!
//! Pure: the LDAP and the LDIF back end both hand over [`Entry`] values, and everything behind that is shared.

pub mod entry;

pub use entry::{AttributeError, Entry, Fault};
