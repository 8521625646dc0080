//! Replication policy and account state.
