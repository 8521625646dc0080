//! tgtx.
fn main() {}
