//! tgt-exchanger.

pub mod directory;
