//! Independent implementations of Kerberos that the daemon is tested against.
