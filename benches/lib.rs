//! Fixtures of the benches.
